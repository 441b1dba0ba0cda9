"""The compiled small course is what it was; every build of the same sources has the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import olxcleaner
import pytest

from integra_course.cli import main
from integra_course.manifest import build_manifest
from integra_course.olx import BLOCK_TYPES
from integra_grading.manifest import parse_manifest

GOLDEN = Path(__file__).parent / "good" / "golden"
BUILD = "from integra_course.cli import main; raise SystemExit(main())"


def build(source: Path, output: Path, **environment: str) -> str:
    """Build in a process of its own and return the archive's SHA-256."""
    subprocess.run(
        [sys.executable, "-c", BUILD, "build", "--source", str(source), "--output", str(output)],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    return hashlib.sha256((output / "course.tar.gz").read_bytes()).hexdigest()


def read_tree(folder: Path) -> dict[str, str]:
    """Return the text files below ``folder``."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".png"
    }


def test_small_course_compiles_to_its_golden_tree(mini_root: Path, tmp_path: Path) -> None:
    build(mini_root, tmp_path)

    assert read_tree(tmp_path / "olx" / "course") == read_tree(GOLDEN / "olx")
    assert json.loads((tmp_path / "manifest.json").read_text()) == json.loads(
        (GOLDEN / "manifest.json").read_text()
    )


def test_two_builds_have_the_same_bytes_whatever_the_machine_is_set_to(
    course_root: Path, tmp_path: Path
) -> None:
    here = build(course_root, tmp_path / "a", TZ="America/Guayaquil", LC_ALL="C.UTF-8", PYTHONHASHSEED="1")
    there = build(course_root, tmp_path / "b", TZ="Asia/Kathmandu", LC_ALL="POSIX", PYTHONHASHSEED="2")

    assert here == there
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()


def test_archive_holds_only_plain_files_and_folders_below_one_root(course_root: Path, tmp_path: Path) -> None:
    build(course_root, tmp_path)

    plain = gzip.decompress((tmp_path / "course.tar.gz").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        members = archive.getmembers()
    assert {member.name.split("/")[0] for member in members} == {"course"}
    assert all(member.isfile() or member.isdir() for member in members)
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(0, 0, 0, "")}
    assert [member.name for member in members if member.isfile()] == sorted(
        f"course/{path}" for path in _files(tmp_path / "olx" / "course")
    )


def test_new_build_replaces_the_old_one_completely(
    mini_copy: Path, course_root: Path, tmp_path: Path
) -> None:
    build(course_root, tmp_path / "build")

    build(mini_copy, tmp_path / "build")

    assert "vertical/m04-u03-leer.xml" not in read_tree(tmp_path / "build" / "olx" / "course")
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == [
        "course.tar.gz",
        "manifest.json",
        "olx",
    ]


def test_refused_build_leaves_the_last_one_as_it_was(mini_copy: Path, tmp_path: Path) -> None:
    before = build(mini_copy, tmp_path / "build")
    (mini_copy / "course.yaml").write_text("esquema: otro\n")

    status = main(["build", "--source", str(mini_copy), "--output", str(tmp_path / "build")])

    assert status == 1
    assert hashlib.sha256((tmp_path / "build" / "course.tar.gz").read_bytes()).hexdigest() == before


def test_output_that_cannot_be_written_is_a_sentence(
    mini_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    status = main(["build", "--source", str(mini_root), "--output", str(tmp_path / "file" / "build")])

    assert status == 1
    assert "No se puede escribir" in capsys.readouterr().err


@pytest.mark.parametrize("steps", [1, 8])
def test_olxcleaner_finds_nothing_when_our_blocks_are_allowed(
    course_root: Path, tmp_path: Path, steps: int
) -> None:
    build(course_root, tmp_path)

    _, found, _ = olxcleaner.validate(
        str(tmp_path / "olx" / "course"), steps=steps, allowed_xblocks=BLOCK_TYPES
    )

    assert [(error.name, error.description) for error in found.errors] == []


def test_lms_without_our_blocks_is_told_by_olxcleaner(course_root: Path, tmp_path: Path) -> None:
    build(course_root, tmp_path)

    _, found, _ = olxcleaner.validate(str(tmp_path / "olx" / "course"), steps=1, allowed_xblocks=["html"])

    assert {error.name for error in found.errors} == {"UnexpectedTag"}


def test_manifest_names_items_without_any_key_option_or_text(delivered) -> None:
    manifest = build_manifest(delivered)

    text = json.dumps(manifest, ensure_ascii=False)
    # What a title says is no secret, whatever option says it too.
    titles = " ".join(
        title
        for module in manifest["modules"]
        for title in (
            module["title"],
            module["deliverable"]["title"],
            *(unit["title"] for unit in module["units"]),
        )
    )
    items = delivered.items()
    leaks = [
        secret
        for each in items
        for secret in (
            each.stem_text,
            *(option.text for option in each.item.options if len(option.text) > 12),
        )
        if secret in text and secret not in titles
    ]
    assert len(items) > 900
    assert leaks == []
    assert {"correct", "options", "stem", "answer", "feedback"} & _keys(manifest) == set()


def test_manifest_is_read_by_the_one_parser_and_changes_with_its_content(delivered) -> None:
    manifest = build_manifest(delivered)

    assert parse_manifest(manifest).rule_version == manifest["digest"]
    assert (manifest["tests"]["post"]["cut"], manifest["tests"]["post"]["max_score"]) == (28, 40)
    modules = manifest["modules"]
    assert [module["key"] for module in modules if not module["can_be_bypassed"]] == ["m01"]
    due = {module["key"]: module["deliverable"]["due"] for module in modules}
    assert {key for key, when in due.items() if when == "always"} == {
        "m01",
        "m04",
        "m05",
        "m06",
        "m07",
        "m08",
    }
    assert {bank["public"] for bank in manifest["banks"]} == {True}


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for child in value.values() for key in _keys(child)}
    if isinstance(value, list):
        return {key for child in value for key in _keys(child)}
    return set()


def _files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
