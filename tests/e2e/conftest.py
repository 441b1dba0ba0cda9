"""Running processes as ``make run`` starts them, and real browsers the size of a cheap phone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from e2e.inspector import Inspector
from e2e.visitor import PHONE, ROOT, Demo, Visitor
from javascript import install_packages
from lxml import etree
from playwright.sync_api import Browser, Request, sync_playwright

from integra_grading.items import solve
from integra_grading.olx import read_item

CHROMIUM_OPTIONS = [
    "--no-sandbox",  # CI runs as root
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("demo")
    port, service_port = free_port(), free_port()
    environment = {
        **os.environ, "INTEGRA_HOME": str(home), "PORT": str(port), "SERVICE_PORT": str(service_port)
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "demo.py")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if "Ctrl-C" in line:
            break
    else:
        pytest.fail("the demonstration did not start:\n" + "".join(said))
    data = json.loads((home / "demo.json").read_text(encoding="utf-8"))
    yield Demo(
        home=home,
        classroom=data["classroom"],
        service=data["service"],
        accounts={
            account["role"]: (account["username"], account["password"]) for account in data["accounts"]
        },
        token=data["credential"]["token"],
        right_answers=read_right_answers(home / "build" / "olx"),
        process=process,
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def read_right_answers(olx: Path) -> dict[str, str]:
    """Return the key of the right option, or the number, by item key: the OLX is where keys travel.

    Items of other kinds are in no test.
    """
    solutions = {
        str(item.get("key")): solve(read_item(item))
        for path in olx.rglob("*.xml")
        for item in etree.parse(str(path)).iter("item")
    }
    return {
        key: answer
        for key, solution in solutions.items()
        for answer in solution.values()
        if isinstance(answer, str)
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visit(demo: Demo, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Give a browser of its own to each person; at the end nobody has asked a third host or seen a script error."""
    visitors: list[Visitor] = []

    def make(viewport: dict[str, int] = PHONE) -> Visitor:
        context = chromium.new_context(viewport=viewport, locale="es-EC", accept_downloads=True)
        visitor = Visitor(demo, context, context.new_page())
        visitors.append(visitor)

        def remember(request: Request) -> None:
            visitor.hosts.add(urlsplit(request.url).netloc)

        context.on("request", remember)
        visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        return visitor

    yield make
    ours = {urlsplit(demo.classroom).netloc, urlsplit(demo.service).netloc, ""}
    for visitor in visitors:
        visitor.context.close()
    assert [visitor.errors for visitor in visitors if visitor.errors] == []
    assert set().union(*(visitor.hosts for visitor in visitors)) - ours == set()


@pytest.fixture(scope="session")
def axe() -> str:
    return (install_packages() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def inspector(axe: str) -> Iterator[Inspector]:
    made = Inspector(axe)
    yield made
    assert made.findings == []
