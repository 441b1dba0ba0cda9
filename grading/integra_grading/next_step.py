"""The one thing a learner should do now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from integra_grading.achievements import AchievementStanding, ClosingStanding
from integra_grading.forms import POST_KEY, may_start_test
from integra_grading.manifest import Manifest
from integra_grading.reasons import ReasonCode
from integra_grading.standing import CourseFacts, CourseStanding, CourseState


class StepKind(StrEnum):
    """Each kind with what its key names."""

    PRE = "pre"  # ""
    UNIT = "unit"  # unit
    DELIVERABLE = "deliverable"  # deliverable
    DELIVERABLE_RETURNED = "deliverable_returned"  # deliverable
    CLOSING = "closing"  # area
    CLOSING_WAIT = "closing_wait"  # area
    POST = "post"  # ""
    POST_WAIT = "post_wait"  # ""
    CERTIFICATE = "certificate"  # achievement
    WAIT = "wait"  # the deliverable that is being read, or ""
    DONE = "done"  # ""


@dataclass(frozen=True, slots=True)
class NextStep:
    """Where to go now; ``available_at`` is when, where it is a matter of waiting."""

    kind: StepKind
    key: str
    available_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the next step follows from.

    ``announced``: keys of the achievements whose certificates were made, whatever became of them.
    """

    course: CourseStanding
    facts: CourseFacts
    achievements: tuple[AchievementStanding, ...]
    closings: tuple[ClosingStanding, ...]
    has_pre: bool
    announced: Collection[str]


def choose_next_step(situation: Situation, manifest: Manifest, *, now: datetime) -> NextStep:
    """Return one thing to do: what is earned, what opens the way, what only the learner can do, then waiting.

        certificate            an achievement is reached and nothing was said of its certificate yet
        pre                    neither a pre-test nor a post-test was taken
        deliverable_returned   the first
        post, then closing     nothing else is left of the course, or of the area
        unit, deliverable      the first that is missing, in the order of the manifest
        post                   what is left waits for somebody else
        post_wait, then closing_wait
        done, else wait        the course is reached, or not

    Args:
        situation: Standings by the same manifest and facts.
        manifest: The rules.
        now: Aware UTC.

    Invariants: a test is named only when it may start now; ``available_at`` is later than ``now``.
    """
    return next(_list_steps(situation, manifest, now))


def _list_steps(situation: Situation, manifest: Manifest, now: datetime) -> Iterator[NextStep]:
    """Yield everything that could be done, the first thing first."""
    course, is_reached = situation.course, situation.course.state is CourseState.REACHED
    for standing in situation.achievements:
        if standing.is_reached and standing.achievement.key not in situation.announced:
            yield NextStep(StepKind.CERTIFICATE, standing.achievement.key)
    if not (situation.has_pre or situation.facts.post_attempts or is_reached):
        yield NextStep(StepKind.PRE, "")
    yield from _list_deliverables(course, ReasonCode.DELIVERABLE_RETURNED, StepKind.DELIVERABLE_RETURNED)
    post = may_start_test(situation.facts.post_attempts, manifest.tests.post, key=POST_KEY, now=now)
    if post.is_granted and not any(standing.reasons for standing in course.modules):
        yield NextStep(StepKind.POST, "")
    ready = {
        each.achievement.area
        for each in situation.achievements
        if each.is_ready and each.achievement.key not in situation.announced
    }
    closings = [closing for closing in situation.closings if closing.area in ready]
    for closing in closings:
        if closing.permission.is_granted:
            yield NextStep(StepKind.CLOSING, closing.area)
    yield from _list_missing(course, manifest)
    if post.is_granted:
        yield NextStep(StepKind.POST, "")
    if post.until is not None:
        yield NextStep(StepKind.POST_WAIT, "", post.until)
    for closing in closings:
        if closing.permission.until is not None:
            yield NextStep(StepKind.CLOSING_WAIT, closing.area, closing.permission.until)
    if is_reached:
        yield NextStep(StepKind.DONE, "")
    yield from _list_deliverables(course, ReasonCode.DELIVERABLE_IN_REVIEW, StepKind.WAIT)
    yield NextStep(StepKind.WAIT, "")


def _list_deliverables(course: CourseStanding, code: ReasonCode, kind: StepKind) -> Iterator[NextStep]:
    for standing in course.modules:
        for reason in standing.reasons:
            if reason.code is code:
                yield NextStep(kind, reason.key)


def _list_missing(course: CourseStanding, manifest: Manifest) -> Iterator[NextStep]:
    """Yield the units and deliverables that are missing, module by module."""
    unit_of = {
        practice.key: unit.key
        for module in manifest.modules
        for unit in module.units
        for practice in unit.practices
    }
    for standing in course.modules:
        for reason in standing.reasons:
            if reason.code is ReasonCode.UNIT_MISSING:
                yield NextStep(StepKind.UNIT, reason.key)
            elif reason.code is ReasonCode.PRACTICE_MISSING:
                yield NextStep(StepKind.UNIT, unit_of[reason.key])
            elif reason.code is ReasonCode.DELIVERABLE_MISSING:
                yield NextStep(StepKind.DELIVERABLE, reason.key)
