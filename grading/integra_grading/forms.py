"""Which form of a test a learner gets, and when the next attempt may start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from integra_grading.errors import FormError
from integra_grading.ordering import shuffle
from integra_grading.reasons import Permission, Reason, ReasonCode
from integra_grading.wire import KEY, Many, Whole, wire

BLOCK_SIZE = 4
POST_KEY = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreRules:
    """The pre-test: one attempt, no cut."""

    forms: tuple[str, ...] = wire(Many(KEY, 2, minimum=2))
    max_score: int = wire(Whole(1, 1000))
    minutes: int = wire(Whole(1, 600))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRules:
    """The post-test; ``cut`` is inclusive and in points of ``max_score``."""

    forms: tuple[str, ...] = wire(Many(KEY, 2, minimum=2))
    max_score: int = wire(Whole(1, 1000))
    minutes: int = wire(Whole(1, 600))
    cut: int = wire(Whole(1, 1000))
    max_attempts: int = wire(Whole(1, 10))
    wait_hours: int = wire(Whole(0, 24 * 365))


@dataclass(frozen=True, slots=True)
class PostAttempt:
    """One submitted attempt at the post-test."""

    submitted_at: datetime
    score: int
    max_score: int


def first_form(forms: tuple[str, ...], *, seed: str, place: int) -> str:
    """Return the form a learner takes first: two of each in every block of four enrolments.

    Args:
        forms: The two twin forms.
        seed: Course and cohort; decides the order inside each block.
        place: How many learners enrolled in the cohort before, 0 for the first.

    Raises:
        FormError: ``not_two_forms``, ``bad_place``.

    Invariants: places 4k … 4k+3 get each form exactly twice; so after n learners the forms differ by at
    most two.

    Source: dossier 2.6 and 5.4: A→B and B→A in equal numbers, so that form difficulty cancels in the gain.
    """
    _require_two(forms)
    if place < 0:
        raise FormError("bad_place", "place", "Enrolments are counted from 0.")
    block, position = divmod(place, BLOCK_SIZE)
    slots = shuffle((str(slot) for slot in range(BLOCK_SIZE)), seed=f"{seed}/{block}")
    return forms[int(slots[position]) % 2]


def form_for_pre(first: str) -> str:
    """Return the form of the pre-test: the learner's first form."""
    return first


def form_for_post(forms: tuple[str, ...], *, first: str, ordinal: int) -> str:
    """Return the form of the learner's ``ordinal``-th post-test: the twin of the pre-test's, then in turn.

    Args:
        forms: The two twin forms.
        first: The form assigned with ``first_form``.
        ordinal: 1 for the first attempt.

    Raises:
        FormError: ``not_two_forms``, ``unknown_form``, ``bad_ordinal``.

    Invariants: two attempts in a row never have the same form; nor have pre-test and first post-test.
    """
    _require_two(forms)
    if first not in forms:
        raise FormError("unknown_form", "first", "The first form is not one of the two.")
    if ordinal < 1:
        raise FormError("bad_ordinal", "ordinal", "Attempts are counted from 1.")
    return forms[(forms.index(first) + ordinal) % 2]


def has_reached_cut(attempt: PostAttempt, rules: PostRules) -> bool:
    """Return whether the attempt is at or above the cut; the cut itself is enough.

    An attempt taken with another maximum is compared by proportion, in integers:
    ``score * rules.max_score >= rules.cut * attempt.max_score``.
    """
    return attempt.score * rules.max_score >= rules.cut * attempt.max_score


def may_start_post(attempts: Sequence[PostAttempt], rules: PostRules, *, now: datetime) -> Permission:
    """Return whether another post-test may start at ``now``, and if not why and until when.

    Args:
        attempts: The submitted ones that were not voided, in any order.
        rules: The post-test's.
        now: Aware UTC.

    Returns:
        Granted, or with ``already_passed``, ``attempts_used`` or ``cooldown`` (with ``until``), key "post".
        The wait is over exactly ``wait_hours`` after the last submission.
    """
    if any(has_reached_cut(attempt, rules) for attempt in attempts):
        return Permission((Reason(ReasonCode.ALREADY_PASSED, POST_KEY),))
    if len(attempts) >= rules.max_attempts:
        return Permission((Reason(ReasonCode.ATTEMPTS_USED, POST_KEY),))
    if attempts:
        until = max(attempt.submitted_at for attempt in attempts) + timedelta(hours=rules.wait_hours)
        if now < until:
            return Permission((Reason(ReasonCode.COOLDOWN, POST_KEY),), until)
    return Permission()


def _require_two(forms: tuple[str, ...]) -> None:
    if len(set(forms)) != 2 or len(forms) != 2:
        raise FormError("not_two_forms", "forms", "Twin forms are exactly two.")
