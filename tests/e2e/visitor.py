"""One person with a browser of their own, in front of the running demonstration."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts" / "e2e"
PHONE = {"width": 360, "height": 740}


@dataclass(frozen=True)
class Demo:
    """The running demonstration."""

    home: Path
    classroom: str
    service: str
    accounts: dict[str, tuple[str, str]]
    token: str
    right_answers: dict[str, str]
    process: subprocess.Popen[str]


@dataclass
class Visitor:
    """One person with a browser of their own; remembers every host asked and every script error."""

    demo: Demo
    context: BrowserContext
    page: Page
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def sign_in(self, role: str) -> None:
        username, password = self.demo.accounts[role]
        if role.startswith(("staff", "officer", "operator")):
            self.page.goto(f"{self.demo.service}/consola/entrar/")
            self.page.fill("input[name=username]", username)
            self.page.fill("input[name=password]", password)
            self.page.click("main button[type=submit]")
            # Who keeps the machine alone is led on, and asked for the second factor.
            self.page.wait_for_url(lambda url: "/consola/" in url and not url.endswith("/entrar/"))
        else:
            self.page.goto(f"{self.demo.classroom}/entrar/")
            self.page.fill("#id_username", username)
            self.page.fill("#id_password", password)
            self.page.click("main button[type=submit]")
            self.page.wait_for_url(f"{self.demo.classroom}/")

    def open_place(self, url_name: str) -> None:
        """Open the page of the course that shows a block."""
        self.page.goto(f"{self.demo.classroom}/jump_to_id/{url_name}")

    def picture(self, name: str) -> None:
        """Keep what the page looks like as a build artefact."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(ARTIFACTS / f"{name}.png"), full_page=True)
