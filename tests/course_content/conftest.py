"""Courses to compile: the small good one, and a copy with one file of ``bad/`` in its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from integra_course.checks import check_course
from integra_course.model import Course
from integra_course.problems import Problems
from integra_course.reading import Sources, read_course

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(autouse=True)
def _public_banks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the shell says, the tests compile the public banks."""
    monkeypatch.delenv("INTEGRA_BANKS", raising=False)


@pytest.fixture(scope="session")
def course_root() -> Path:
    """The course that is delivered."""
    return ROOT / "course_content" / "course"


@pytest.fixture(scope="session")
def mini_root() -> Path:
    """The smallest course with every kind of part."""
    return HERE / "good" / "course"


@pytest.fixture
def mini_copy(mini_root: Path, tmp_path: Path) -> Path:
    """A copy of the small course, to be damaged."""
    return Path(shutil.copytree(mini_root, tmp_path / "course"))


Load = Callable[..., tuple[Course | None, Problems]]


@pytest.fixture(scope="session")
def load() -> Load:
    """Read and check a course as the command does."""

    def load_course(root: Path, banks: Path | None = None) -> tuple[Course | None, Problems]:
        problems = Problems()
        course = read_course(Sources(root, banks), problems)
        if course is not None:
            check_course(course, problems)
        return course, problems

    return load_course


@pytest.fixture(scope="session")
def delivered(course_root: Path, load: Load) -> Course:
    """The delivered course, which has no problem at all."""
    course, problems = load(course_root)
    assert [str(problem) for problem in problems] == []
    assert course is not None
    return course


@pytest.fixture(scope="session")
def mini_course(mini_root: Path, load: Load) -> Course:
    """The smallest course, with every kind of question."""
    course, _ = load(mini_root)
    assert course is not None
    return course
