"""Modules written and not yet in the course: they compile beside the listed ones without a complaint.

Two kinds are ahead: folders of ``course/modules`` that ``course.yaml`` does not list, and folders of ``ahead``, each
laid over the course: a module of which the course has a part or nothing. ``ahead/whole`` lists all twelve modules, with
the paths, the tests and the closings.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

CONTENT = Path(__file__).parents[2] / "course_content"
COURSE, AHEAD = CONTENT / "course", CONTENT / "ahead"
WHOLE = AHEAD / "whole"
LISTED = re.compile(r"^modulos: \[(.*)\]$", re.MULTILINE)
MINUTES = re.compile(r"^minutos: (\d+)$", re.MULTILINE)
TESTS = 20


def read_listed(root: Path) -> list[str]:
    listed = LISTED.search((root / "course.yaml").read_text("utf-8"))
    assert listed is not None
    return [name.strip() for name in listed[1].split(",")]


def list_ahead() -> list[str]:
    listed = read_listed(COURSE)
    unlisted = {path.name for path in (COURSE / "modules").iterdir() if path.name not in listed}
    return sorted(unlisted | {path.name for path in AHEAD.iterdir() if path != WHOLE})


@pytest.mark.parametrize("name", list_ahead())
def test_a_module_written_ahead_has_no_problem(name: str, load: Callable, tmp_path: Path) -> None:
    root = Path(shutil.copytree(COURSE, tmp_path / "course"))
    if (AHEAD / name).exists():
        shutil.copytree(AHEAD / name, root, dirs_exist_ok=True)
    names = sorted({*read_listed(root), name})
    minutes = TESTS + sum(
        int(MINUTES.search(path.read_text("utf-8"))[1])  # type: ignore[index]
        for module in names
        for path in (root / "modules" / module).rglob("unidad.yaml")
    )
    text = MINUTES.sub(f"minutos: {minutes}", (root / "course.yaml").read_text("utf-8"), count=1)
    (root / "course.yaml").write_text(LISTED.sub(f"modulos: [{', '.join(names)}]", text), "utf-8")

    course, problems = load(root)

    assert [str(problem) for problem in problems] == []
    assert course is not None
    assert name in [module.key for module in course.modules]


def test_the_whole_course_has_no_problem(load: Callable, tmp_path: Path) -> None:
    root = Path(shutil.copytree(COURSE, tmp_path / "course"))
    for path in AHEAD.iterdir():
        shutil.copytree(path, root, dirs_exist_ok=True)

    course, problems = load(root)

    assert [str(problem) for problem in problems] == []
    assert course is not None
    assert len(course.modules) == 12
