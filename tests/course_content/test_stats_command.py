"""``integra-stats``: what it prints, and what it says of a table it cannot read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from integra_course.stats import main

TABLE = "persona,q1,q2,q3\n" + "".join(
    f"p{number},{number % 2},{int(number % 3 == 0)},{int(number < 9)}\n" for number in range(12)
)


@pytest.fixture
def table(tmp_path: Path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "respuestas.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_json_has_exactly_the_published_keys(table, capsys) -> None:
    status, out, _ = run(capsys, table(TABLE), "--json")
    report = json.loads(out)
    assert status == 0
    assert list(report) == ["n", "items", "alpha", "kr20", "sem"]
    assert [list(item) for item in report["items"]] == [["key", "n", "facility", "item_rest"]] * 3
    assert (report["n"], report["items"][0]["key"], report["items"][0]["facility"]) == (12, "q1", 0.5)
    scores = np.array([[n % 2, n % 3 == 0, n < 9] for n in range(12)], dtype=float)
    rest = scores[:, 1:].sum(axis=1)
    assert report["items"][0]["item_rest"] == pytest.approx(np.corrcoef(scores[:, 0], rest)[0, 1], abs=1e-9)


def test_a_cut_adds_consistency_with_its_method(table, capsys) -> None:
    rows = "".join(
        f"p{n}," + ",".join(str(int((n * 7 + i * 3) % 40 < n)) for i in range(10)) + "\n" for n in range(40)
    )
    _, out, _ = run(
        capsys, table("k," + ",".join(f"q{i}" for i in range(10)) + "\n" + rows), "--json", "--cut", 7
    )
    report = json.loads(out)
    assert list(report)[-3:] == ["consistency", "kappa", "method"]
    assert 0.5 < report["consistency"] <= 1
    assert report["method"] == "huynh-1976-beta-binomial"


def test_fractions_have_alpha_and_neither_kr20_nor_consistency(table, capsys) -> None:
    _, out, _ = run(capsys, table(TABLE.replace("p0,0", "p0,0.5")), "--json", "--cut", 2)
    report = json.loads(out)
    assert report["alpha"] is not None
    assert (report["kr20"], report["consistency"], report["kappa"], report["method"]) == (None,) * 4


def test_below_the_minimum_there_is_silence(table, capsys) -> None:
    path = table("\n".join(TABLE.splitlines()[:6]) + "\n")
    _, out, _ = run(capsys, path, "--json")
    report = json.loads(out)
    assert (report["n"], report["items"][0]["n"], report["items"][0]["facility"], report["alpha"]) == (
        5,
        5,
        None,
        None,
    )
    _, out, _ = run(capsys, path, "--json", "--minimum", 5)
    assert json.loads(out)["items"][0]["facility"] == 0.4


def test_a_table_to_read_has_a_line_per_item(table, capsys) -> None:
    _, out, _ = run(capsys, table(TABLE), "--cut", 2)
    lines = out.splitlines()
    assert lines[0].split() == ["learners", "12"]
    assert lines[2].split()[:3] == ["q1", "12", "0.500"]
    assert lines[-1].split()[0] == "method"


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + TABLE,
        TABLE.replace(",", ";"),
        TABLE.replace("\n", "\r\n"),
        TABLE + "\n,,,\n",
        TABLE.replace("p0,0", "p0,0.0"),
        TABLE.replace(",", ";").replace("p0;0", 'p0;"0,0"'),
    ],
    ids=["bom", "semicolons", "crlf", "empty lines", "0.0", "decimal comma"],
)
def test_what_spreadsheets_write_is_read_the_same(table, capsys, content: str) -> None:
    _, expected, _ = run(capsys, table(TABLE), "--json")
    assert run(capsys, table(content), "--json")[:2] == (0, expected)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1"),
        ("persona\np1\n", "line 1"),
        ("persona,q1,\np1,1,0\n", "line 1, column 3"),
        ("persona,q1,q1\np1,1,0\n", "line 1, column 3: the item q1 stands twice"),
        (TABLE + "p0,1,1,1\n", "line 14, column 1: this learner stands twice"),
        (TABLE + ",1,1,1\n", "line 14, column 1"),
        (TABLE + "p99,1,1\n", "line 14: 3 columns"),
        (TABLE + "p99,1,1,2\n", "line 14, column 4"),
        (TABLE + "p99,1,1,-1\n", "line 14, column 4"),
        (TABLE + "p99,1,1,nan\n", "line 14, column 4"),
        (TABLE + "p99,1,1,sí\n", "line 14, column 4"),
        (TABLE + 'p99,1,"1,1\n', "line 14"),
        (TABLE.encode("utf-16"), "UTF-8"),
        (TABLE.encode() + b"p\xe9rez,1,1,1\n", "UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_place(table, capsys, content, said: str) -> None:
    status, out, error = run(capsys, table(content), "--json")
    assert (status, out) == (2, "")
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize("arguments", [("--cut", 0), ("--cut", 4), ("--minimum", 1)])
def test_options_outside_their_range_are_refused(table, capsys, arguments) -> None:
    assert run(capsys, table(TABLE), *arguments)[:2] == (2, "")


def test_a_missing_file_is_refused(tmp_path: Path, capsys) -> None:
    assert run(capsys, tmp_path / "nada.csv")[0] == 2


def test_the_command_is_installed(table) -> None:
    command = [Path(sys.executable).parent / "integra-stats", table(TABLE), "--json"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert json.loads(done.stdout)["n"] == 12
