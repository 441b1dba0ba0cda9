"""A partner's own banks take the place of the public ones, and the course says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from integra_course.cli import main
from integra_course.manifest import build_manifest


def test_own_bank_replaces_the_public_one_and_is_not_public(mini_root: Path, tmp_path: Path, load) -> None:
    text = (mini_root / "banks" / "prueba.yaml").read_text(encoding="utf-8")
    (tmp_path / "prueba.yaml").write_text(
        text.replace("clave: prueba", "clave: prueba-propia").replace("peras", "uvas")
    )

    course, problems = load(mini_root, tmp_path)

    assert list(problems) == []
    banks = {bank["id"]: bank["public"] for bank in build_manifest(course)["banks"]}
    assert banks == {"prueba-propia": False, "anillo": True}


def test_problem_of_an_own_bank_names_the_own_file(mini_root: Path, tmp_path: Path, load) -> None:
    text = (mini_root / "banks" / "prueba.yaml").read_text(encoding="utf-8")
    (tmp_path / "prueba.yaml").write_text(text.replace("9 / 2", "9 / 3"))

    _, problems = load(mini_root, tmp_path)

    assert [(str(each.place), each.code) for each in problems] == [
        ("INTEGRA_BANKS/prueba.yaml:35", "calculation_mismatch")
    ]


def test_folder_that_does_not_exist_is_refused_instead_of_using_the_public_bank(
    mini_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTEGRA_BANKS", str(tmp_path / "typo"))

    status = main(["build", "--source", str(mini_root), "--output", str(tmp_path / "build")])

    assert status == 1
    assert "INTEGRA_BANKS:1:" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()
