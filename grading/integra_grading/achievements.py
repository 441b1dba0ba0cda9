"""What the course's certificates ask for, how much of it is left, and where a closing form stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from integra_grading.forms import (
    ClosingRules,
    CutAttempt,
    find_best_attempt,
    has_reached_cut,
    may_start_test,
)
from integra_grading.manifest import Manifest
from integra_grading.reasons import Permission
from integra_grading.standing import DELIVERABLE_CODES, CourseFacts, CourseStanding


@dataclass(frozen=True, slots=True)
class Achievement:
    """What one certificate asks for.

    ``area``: whose closing form decides; "" where it is the whole course with its final test.
    """

    key: str
    title: str
    area: str
    module_keys: tuple[str, ...]  # in the order of the manifest


@dataclass(frozen=True, slots=True)
class AchievementStanding:
    """What is left of an achievement; the certificate itself is decided elsewhere."""

    achievement: Achievement
    modules_open: tuple[str, ...]  # keys
    deliverables_open: tuple[str, ...]  # keys of those due and not accepted, in review or not
    is_test_reached: bool

    @property
    def is_ready(self) -> bool:
        """Whether nothing is left but, perhaps, the test."""
        return not self.modules_open and not self.deliverables_open

    @property
    def is_reached(self) -> bool:
        return self.is_ready and self.is_test_reached


@dataclass(frozen=True, slots=True)
class ClosingStanding:
    """Where a learner stands in the closing form of one area."""

    area: str
    bank: str
    best: CutAttempt | None  # by proportion; of equal ones the first
    max_score: int
    cut: int
    is_reached: bool
    attempts_left: int  # 0 once it is reached
    permission: Permission  # to start one now


def list_achievements(manifest: Manifest) -> tuple[Achievement, ...]:
    """Return what each achievement of the manifest asks for, in its order.

        an area with a closing form    its modules, and those of all areas without one
        every other                    all modules, and the final test

    Titles are the area's (its key where it has none) and the course's.

    Source: architecture, section 5: an area needs the modules of all and its own.
    """
    closed = {closing.area for closing in manifest.closing}
    common = {key for area in manifest.areas if area.key not in closed for key in area.modules}
    areas = {area.key: area for area in manifest.areas if area.key in closed}
    achievements = []
    for key in manifest.achievements:
        area = areas.get(key)
        asked = {module.key for module in manifest.modules} if area is None else common | {*area.modules}
        achievements.append(
            Achievement(
                key=key,
                title=manifest.course.title if area is None else area.title or area.key,
                area="" if area is None else area.key,
                module_keys=tuple(module.key for module in manifest.modules if module.key in asked),
            )
        )
    return tuple(achievements)


def decide_achievement(
    achievement: Achievement, course: CourseStanding, facts: CourseFacts, manifest: Manifest
) -> AchievementStanding:
    """Return what is left of one achievement.

    Args:
        achievement: One of ``list_achievements(manifest)``.
        course: ``decide_course(facts, manifest)``.
        facts: The learner's in this run.
        manifest: The rules.

    Invariants: the achievement of the whole course is reached iff the course is; with the same tests reached,
    what is left of an area is never more than what is left of the course.
    """
    standings = [each for each in course.modules if each.module_key in achievement.module_keys]
    closing = next((rules for rules in manifest.closing if rules.area == achievement.area), None)
    rules, attempts = (
        (manifest.tests.post, facts.post_attempts)
        if closing is None
        else (closing, facts.closing_attempts.get(closing.area, ()))
    )
    return AchievementStanding(
        achievement=achievement,
        modules_open=tuple(each.module_key for each in standings if not each.is_reached),
        deliverables_open=tuple(
            reason.key for each in standings for reason in each.reasons if reason.code in DELIVERABLE_CODES
        ),
        is_test_reached=any(has_reached_cut(attempt, rules) for attempt in attempts),
    )


def decide_closing(attempts: Sequence[CutAttempt], rules: ClosingRules, *, now: datetime) -> ClosingStanding:
    """Return where a learner stands in one closing form at ``now``.

    Args:
        attempts: The submitted ones that were not voided, in any order.
        rules: The area's.
        now: Aware UTC.

    Invariants: independent of the order of attempts; with a permission there are attempts left.
    """
    is_reached = any(has_reached_cut(attempt, rules) for attempt in attempts)
    return ClosingStanding(
        area=rules.area,
        bank=rules.bank,
        best=find_best_attempt(attempts),
        max_score=rules.max_score,
        cut=rules.cut,
        is_reached=is_reached,
        attempts_left=0 if is_reached else max(0, rules.max_attempts - len(attempts)),
        permission=may_start_test(attempts, rules, key=rules.area, now=now),
    )
