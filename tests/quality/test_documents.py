"""What the documents say exists, exists: commands, settings, links, decisions, and nothing of a workplace."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [
    path
    for c in ("xblocks", "grading", "course_content", "ext_services")
    for path in (ROOT / c).glob("integra_*")
]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")
COMMAND = re.compile(r"`(integra_[a-z_]+)(?: [^`]*)?`")
SETTING = re.compile(r"\bINTEGRA_[A-Z_]+\b")


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", pattern], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = [target for target in LINK.findall(document.read_text(encoding="utf-8")) if "://" not in target]

    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_package_has_its_page() -> None:
    pages = [package if (package / "README.md").exists() else package.parent for package in PACKAGES]

    assert [page for page in pages if not (page / "README.md").exists()] == []


def test_commands_named_in_the_documents_exist() -> None:
    commands = {
        path.stem for package in PACKAGES for path in package.rglob("management/commands/integra_*.py")
    }
    others = {path.name for path in PACKAGES} | {"integra_lms"}
    kinds = ("lesson", "practice", "test", "bypass", "deliverable", "module", "record", "desk")
    blocks = {f"integra_{kind}" for kind in kinds}
    named = {name for page in DOCUMENTS for name in COMMAND.findall(page.read_text(encoding="utf-8"))}

    assert named - commands - others - blocks == set()


def test_settings_named_in_the_operators_page_are_read_somewhere() -> None:
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    sources = [*tracked("*.py"), ROOT / "Makefile"]
    read = {
        name
        for path in sources
        if "tests" not in path.parts
        for name in SETTING.findall(path.read_text(encoding="utf-8"))
    }

    assert set(SETTING.findall(page)) - read == set()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


def test_lock_files_hold_no_download_addresses() -> None:
    assert [
        path.name
        for path in tracked("*package-lock.json")
        if '"resolved"' in path.read_text(encoding="utf-8")
    ] == []


def test_templates_trust_no_markup_and_hold_no_script() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in tracked("*.html")
        for found in re.findall(
            r"\|\s*safe\b|autoescape off|<style|\son\w+=|<script(?![^>]*(?:src=|type=\"application/json\"))",
            path.read_text(encoding="utf-8"),
        )
    ]

    # A file that people carry away is read without the service: its style can stand nowhere else.
    assert offenders == ["ext_services/integra_service/web/templates/integra/my_data_file.html: <style"]
