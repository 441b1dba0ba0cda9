"""Which form of a test a learner gets, and when the next attempt may start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Protocol

from integra_grading.cut_scores import CutScore
from integra_grading.errors import FormError
from integra_grading.ordering import shuffle
from integra_grading.reasons import Permission, Reason, ReasonCode
from integra_grading.wire import KEY, Many, Record, Whole, wire

BLOCK_SIZE = 4
POST_KEY = "post"
# Fewer items do not carry a dependable decision (dossier 5.2; architecture, section 5).
CLOSING_ITEMS_AT_LEAST = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class PreRules:
    """The pre-test: one attempt, no cut."""

    forms: tuple[str, ...] = wire(Many(KEY, 2, minimum=2))
    max_score: int = wire(Whole(1, 1000))
    minutes: int = wire(Whole(1, 600))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRules:
    """The post-test; ``cut`` is inclusive and in points of ``max_score``.

    ``further_forms`` are for further attempts: nobody has seen them in the pre-test. ``panel`` is where the cut comes
    from; without one it is provisional.
    """

    forms: tuple[str, ...] = wire(Many(KEY, 2, minimum=2))
    further_forms: tuple[str, ...] = wire(Many(KEY, 8), optional=True, default=())
    max_score: int = wire(Whole(1, 1000))
    minutes: int = wire(Whole(1, 600))
    cut: int = wire(Whole(1, 1000))
    max_attempts: int = wire(Whole(1, 10))
    wait_hours: int = wire(Whole(0, 24 * 365))
    panel: CutScore | None = wire(Record(CutScore), optional=True)

    @property
    def is_provisional(self) -> bool:
        """Whether no panel has fixed the cut yet."""
        return self.panel is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingRules:
    """The closing form of an area, drawn from its ring; ``max_score`` is what one form of the ring holds.

    A panel rates one form, and here every learner gets another: the cut stays provisional.
    """

    area: str = wire(KEY)
    bank: str = wire(KEY)
    max_score: int = wire(Whole(CLOSING_ITEMS_AT_LEAST, 1000))
    minutes: int = wire(Whole(1, 600))
    cut: int = wire(Whole(1, 1000))
    max_attempts: int = wire(Whole(1, 10))
    wait_hours: int = wire(Whole(0, 24 * 365))

    @property
    def is_provisional(self) -> bool:
        """Whether no panel has fixed the cut yet."""
        return True


class CutRules(Protocol):
    """What post-test and closing forms have in common: a cut, and how often and when they may be tried."""

    @property
    def max_score(self) -> int: ...
    @property
    def cut(self) -> int: ...
    @property
    def is_provisional(self) -> bool: ...
    @property
    def max_attempts(self) -> int: ...
    @property
    def wait_hours(self) -> int: ...


@dataclass(frozen=True, slots=True)
class CutAttempt:
    """One submitted attempt at the post-test or a closing form."""

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


def form_for_post(
    forms: tuple[str, ...], *, first: str, ordinal: int, further_forms: tuple[str, ...] = ()
) -> str:
    """Return the form of the learner's ``ordinal``-th post-test.

        1st   the twin of the pre-test's form
        then  the further forms in their order, then the pre-test's form, and round again

    Args:
        forms: The two twin forms.
        first: The form assigned with ``first_form``.
        ordinal: 1 for the first attempt.
        further_forms: Forms kept for further attempts; none of ``forms``.

    Raises:
        FormError: ``not_two_forms``, ``unknown_form``, ``bad_ordinal``.

    Invariants: two attempts in a row never have the same form; nor have pre-test and first post-test.

    Source: dossier 2.6, "two attempts on different forms".
    """
    _require_two(forms)
    if first not in forms:
        raise FormError("unknown_form", "first", "The first form is not one of the two.")
    if ordinal < 1:
        raise FormError("bad_ordinal", "ordinal", "Attempts are counted from 1.")
    twin = forms[1 - forms.index(first)]
    turn = (twin, *further_forms, first)
    return turn[(ordinal - 1) % len(turn)]


def has_reached_cut(attempt: CutAttempt, rules: CutRules) -> bool:
    """Return whether the attempt is at or above the cut; the cut itself is enough.

    An attempt taken with another maximum is compared by proportion, in integers:
    ``score * rules.max_score >= rules.cut * attempt.max_score``.
    """
    return attempt.score * rules.max_score >= rules.cut * attempt.max_score


def find_best_attempt(attempts: Sequence[CutAttempt]) -> CutAttempt | None:
    """Return the attempt with the highest proportion, of equal ones the first that was submitted; None of none."""
    return min(
        attempts,
        key=lambda attempt: (-Fraction(attempt.score, attempt.max_score), attempt.submitted_at),
        default=None,
    )


def may_start_test(attempts: Sequence[CutAttempt], rules: CutRules, *, key: str, now: datetime) -> Permission:
    """Return whether another post-test or closing form may start at ``now``, and if not why and until when.

    Args:
        attempts: The submitted ones that were not voided, in any order.
        rules: The test's.
        key: What the reasons are about: "post", or an area.
        now: Aware UTC.

    Returns:
        Granted, or with ``already_passed``, ``attempts_used`` or ``cooldown`` (with ``until``).
        The wait is over exactly ``wait_hours`` after the last submission.
    """
    if any(has_reached_cut(attempt, rules) for attempt in attempts):
        return Permission((Reason(ReasonCode.ALREADY_PASSED, key),))
    if len(attempts) >= rules.max_attempts:
        return Permission((Reason(ReasonCode.ATTEMPTS_USED, key),))
    if attempts:
        until = max(attempt.submitted_at for attempt in attempts) + timedelta(hours=rules.wait_hours)
        if now < until:
            return Permission((Reason(ReasonCode.COOLDOWN, key),), until)
    return Permission()


def _require_two(forms: tuple[str, ...]) -> None:
    if len(set(forms)) != 2 or len(forms) != 2:
        raise FormError("not_two_forms", "forms", "Twin forms are exactly two.")
