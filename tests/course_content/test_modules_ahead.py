"""Modules written and not yet listed in ``course.yaml``: they compile beside the listed ones without a complaint."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[2] / "course_content" / "course"
LISTED = re.compile(r"^modulos: \[(.*)\]$", re.MULTILINE)


def list_ahead() -> list[str]:
    listed = LISTED.search((COURSE / "course.yaml").read_text("utf-8"))
    assert listed is not None
    names = {name.strip() for name in listed[1].split(",")}
    return sorted(path.name for path in (COURSE / "modules").iterdir() if path.name not in names)


@pytest.mark.parametrize("name", list_ahead())
def test_a_module_written_ahead_has_no_problem(name: str, load: Callable, tmp_path: Path) -> None:
    root = Path(shutil.copytree(COURSE, tmp_path / "course"))
    text = (root / "course.yaml").read_text("utf-8")
    listed = LISTED.search(text)
    assert listed is not None
    names = sorted({*listed[1].replace(" ", "").split(","), name})
    units = [
        int(re.search(r"^minutos: (\d+)$", path.read_text("utf-8"), re.MULTILINE)[1])  # type: ignore[index]
        for path in (root / "modules" / name).rglob("unidad.yaml")
    ]
    minutes = re.search(r"^minutos: (\d+)$", text, re.MULTILINE)
    assert minutes is not None
    text = text.replace(minutes[0], f"minutos: {int(minutes[1]) + sum(units)}")
    (root / "course.yaml").write_text(LISTED.sub(f"modulos: [{', '.join(names)}]", text), "utf-8")

    course, problems = load(root)

    assert [str(problem) for problem in problems] == []
    assert course is not None
    assert name in [module.key for module in course.modules]
