"""Every file of ``bad/`` replaces one file of the small course and must be refused at exactly its lines.

The trailing ``#!`` lines of a file say which file it replaces and what is expected; they are cut off before.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from integra_course.cli import main

BAD = Path(__file__).parent / "bad"
CASES = sorted(BAD.iterdir())
RUN = "from integra_course.cli import main; raise SystemExit(main())"
EXPECTATION = re.compile(rb"#! (\S+?):(\d+) (\w+)")


def plant(case: Path, root: Path) -> list[tuple[str, int, str]]:
    """Put the case's file into ``root`` and return the problems expected."""
    content, _, tail = case.read_bytes().partition(b"#! replaces ")
    target, _, expectations = tail.partition(b"\n")
    (root / target.decode()).write_bytes(content)
    return sorted(
        (file.decode(), int(line), code.decode()) for file, line, code in EXPECTATION.findall(expectations)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_bad_source_is_refused_at_its_line(case: Path, mini_copy: Path, load) -> None:
    expected = plant(case, mini_copy)

    _, problems = load(mini_copy)

    found = [problem for problem in problems if not problem.is_warning]
    assert sorted((each.place.file, each.place.line, each.code) for each in found) == expected
    assert all(re.search(r"[.!»?]$", each.message) for each in found)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_build_of_a_bad_source_writes_nothing_and_shows_no_traceback(
    case: Path, mini_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = plant(case, mini_copy)
    output = tmp_path / "build"

    status = main(["build", "--source", str(mini_copy), "--output", str(output)])

    printed = capsys.readouterr()
    assert status == 1
    assert not output.exists()
    assert "Traceback" not in printed.err
    for file, line, code in expected:
        assert re.search(rf"^{re.escape(file)}:{line}: .*\[{code}\]$", printed.err, re.MULTILINE)


def test_there_are_enough_bad_sources() -> None:
    assert len(CASES) >= 110


def test_what_only_the_manifest_refuses_is_a_sentence_too(
    mini_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # No rule of ours limits how many modules an area names; the manifest's own reader does.
    path = mini_copy / "course.yaml"
    path.write_text(
        path.read_text().replace("    modulos: [m01]", f"    modulos: [{', '.join(['m01'] * 101)}]")
    )

    status = main(["check", "--source", str(mini_copy)])

    assert status == 1
    assert re.match(r"course\.yaml:1: areas.*\[bad_manifest\]", capsys.readouterr().err)


def test_problems_of_several_files_are_shown_together(mini_copy: Path, load) -> None:
    expected = plant(BAD / "unit_minutes.yaml", mini_copy) + plant(BAD / "unnamed_error.yaml", mini_copy)

    _, problems = load(mini_copy)

    assert sorted((each.place.file, each.place.line, each.code) for each in problems) == sorted(expected)


def test_huge_file_is_refused_quickly_and_in_little_memory(mini_copy: Path) -> None:
    (mini_copy / "banks" / "prueba.yaml").write_bytes(b"a: " + b"[" * 50_000_000)
    started = time.monotonic()

    finished = subprocess.run(
        [sys.executable, "-c", RUN, "check", "--source", str(mini_copy)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000)),
    )

    assert finished.returncode == 1
    assert "banks/prueba.yaml:1:" in finished.stderr and "file_too_big" in finished.stderr
    assert time.monotonic() - started < 10
