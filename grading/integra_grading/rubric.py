"""The rubric of deliverables."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from integra_grading.errors import RubricError
from integra_grading.reasons import Reason, ReasonCode
from integra_grading.wire import KEY, PROSE, TITLE, TOKEN, Flag, Many, Record, Whole, require_distinct, wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One described step of a criterion."""

    points: int = wire(Whole(0, 100))
    text: str = wire(PROSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One dimension; levels have ascending points, the lowest 0."""

    key: str = wire(KEY)
    title: str = wire(TITLE)
    must_be_positive: bool = wire(Flag())
    levels: tuple[Level, ...] = wire(Many(Record(Level), 10, minimum=2))

    def __post_init__(self) -> None:
        points = [level.points for level in self.levels]
        if points[0] != 0 or any(low >= high for low, high in pairwise(points)):
            raise RubricError("contradiction", self.key, "Levels start at 0 points and ascend.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """A scoring guide; ``cut`` is inclusive and in points of ``max_score``."""

    version: str = wire(TOKEN)
    cut: int = wire(Whole(0, 1000))
    max_score: int = wire(Whole(1, 1000))
    criteria: tuple[Criterion, ...] = wire(Many(Record(Criterion), 20, minimum=1))

    def __post_init__(self) -> None:
        require_distinct([criterion.key for criterion in self.criteria], "criteria")
        if self.max_score != sum(criterion.levels[-1].points for criterion in self.criteria):
            raise RubricError("contradiction", "max_score", "max_score is the sum of the highest levels.")
        if self.cut > self.max_score:
            raise RubricError("contradiction", "cut", "The cut is above the highest possible score.")


@dataclass(frozen=True, slots=True)
class RatedLevels:
    """What one rater's levels amount to."""

    points: int
    max_score: int
    reasons: tuple[Reason, ...]

    @property
    def is_accepted(self) -> bool:
        return not self.reasons


def rate(rubric: Rubric, levels: object) -> RatedLevels:
    """Return points and whether the work is good enough.

    Accepted iff ``points >= cut`` and no criterion with ``must_be_positive`` is at 0.

    Args:
        rubric: The scoring guide.
        levels: Points per criterion key: every criterion exactly once, each a number of points one of its
            levels has. May come from outside.

    Returns:
        Points in [0, max_score]; reasons ``below_cut`` (key: rubric version) and ``criterion_at_zero`` (key:
        criterion), empty when accepted.

    Raises:
        RubricError: ``not_an_object``, ``unknown_criterion``, ``missing_criterion``, ``unknown_level``.

    Source: dossier 2.5 (5 of 8, own data never 0).
    """
    if not isinstance(levels, dict):
        raise RubricError("not_an_object", "levels", "Points per criterion are expected.")
    known = {criterion.key for criterion in rubric.criteria}
    if any(key not in known for key in levels):
        raise RubricError("unknown_criterion", "levels", "A criterion this rubric does not have.")
    points = 0
    zeros: list[Reason] = []
    for criterion in rubric.criteria:
        given = _points_of(criterion, levels)
        points += given
        if criterion.must_be_positive and given == 0:
            zeros.append(Reason(ReasonCode.CRITERION_AT_ZERO, criterion.key))
    below = (Reason(ReasonCode.BELOW_CUT, rubric.version),) if points < rubric.cut else ()
    return RatedLevels(points, rubric.max_score, below + tuple(zeros))


def _points_of(criterion: Criterion, levels: dict[object, object]) -> int:
    if criterion.key not in levels:
        raise RubricError("missing_criterion", criterion.key, "Every criterion needs a level.")
    given = levels[criterion.key]
    if isinstance(given, bool) or not isinstance(given, int):
        raise RubricError("unknown_level", criterion.key, "Points of a level are expected.")
    if all(level.points != given for level in criterion.levels):
        raise RubricError("unknown_level", criterion.key, "No level of this criterion has these points.")
    return given
