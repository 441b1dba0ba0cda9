"""The bypass quiz: two stages, and when it may be sat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from integra_grading.calendar import add_months
from integra_grading.errors import WireError
from integra_grading.numbers import require_count, require_proportion
from integra_grading.reasons import Permission, Reason, ReasonCode
from integra_grading.wire import Whole, wire


class BypassOutcome(StrEnum):
    EXEMPT = "exempt"
    TAKE_MODULE = "take_module"
    SECOND_FORM = "second_form"


@dataclass(frozen=True, slots=True, kw_only=True)
class BypassRules:
    """Numbers of the bypass quiz, from the manifest."""

    form_items: int = wire(Whole(1, 100))
    exempt_at: int = wire(Whole(1, 100))
    take_at_most: int = wire(Whole(0, 100))
    second_exempt_at: int = wire(Whole(1, 200))
    max_sittings: int = wire(Whole(1, 20))
    window_months: int = wire(Whole(1, 120))
    wait_days: int = wire(Whole(0, 3650))
    valid_months: int = wire(Whole(1, 120))
    minutes: int = wire(Whole(1, 600))

    def __post_init__(self) -> None:
        # One chain keeps the outcomes apart. With exempt_at one above take_at_most there is no second form.
        if not self.take_at_most < self.exempt_at <= self.form_items:
            raise WireError("contradiction", "exempt_at", "take_at_most < exempt_at <= form_items is needed.")
        if not self.second_exempt_at <= 2 * self.form_items:
            raise WireError("contradiction", "second_exempt_at", "More than both forms have.")


@dataclass(frozen=True, slots=True)
class Sitting:
    """One sitting of a module's quiz: its first form and, where it came to that, its second.

    ``decided_at`` is None while no outcome stands (the form is open, or the second one is due).
    """

    started_at: datetime
    decided_at: datetime | None = None
    outcome: BypassOutcome | None = None


def decide(rules: BypassRules, first_score: int, second_score: int | None = None) -> BypassOutcome:
    """Return the outcome of one sitting.

        first >= exempt_at              exempt
        first <= take_at_most           take the module
        between, second not yet taken   second form
        between, first + second >= second_exempt_at   exempt, else take the module

    Args:
        rules: ``exempt_at`` 10, ``take_at_most`` 6, ``second_exempt_at`` 18 with forms of 12.
        first_score: Items right on the first form, 0 to ``form_items``.
        second_score: Items right on the second form; None before it is taken. Not looked at where the first
            form decided.

    Raises:
        InvalidScoreError: A score outside 0 … ``form_items``.

    Invariants: never worse for a higher score on either form.

    Source: dossier 2.7, which also gives the error rates of this rule.
    """
    require_count("first_score", first_score, maximum=rules.form_items)
    if second_score is not None:
        require_count("second_score", second_score, maximum=rules.form_items)
    if first_score >= rules.exempt_at:
        return BypassOutcome.EXEMPT
    if first_score <= rules.take_at_most:
        return BypassOutcome.TAKE_MODULE
    if second_score is None:
        return BypassOutcome.SECOND_FORM
    if first_score + second_score >= rules.second_exempt_at:
        return BypassOutcome.EXEMPT
    return BypassOutcome.TAKE_MODULE


def exemption_chance(rules: BypassRules, mastery: float, *, sittings: int = 1) -> float:
    """Return how probable it is that somebody is exempt who knows every item with probability ``mastery``.

        one sitting      sum over all pairs of scores that decide() exempts, binomial in both
        n sittings       1 - (1 - one sitting) ^ n

    Args:
        mastery: Share of all possible items the person answers correctly, in [0, 1], the same in every sitting:
            whoever learned in between is another person.
        sittings: How many the person uses; at least 1.

    Raises:
        InvalidScoreError: ``mastery`` outside [0, 1], or no sitting.

    Invariants: monotone in ``mastery`` and in ``sittings``.

    Source: dossier 2.7, items independent of each other.
    """
    require_proportion("mastery", mastery)
    require_count("sittings", sittings - 1)
    chances = [
        math.comb(rules.form_items, score) * mastery**score * (1 - mastery) ** (rules.form_items - score)
        for score in range(rules.form_items + 1)
    ]
    once = 0.0
    for first, chance in enumerate(chances):
        outcome = decide(rules, first)
        if outcome is BypassOutcome.EXEMPT:
            once += chance
        elif outcome is BypassOutcome.SECOND_FORM:
            once += chance * math.fsum(
                more
                for second, more in enumerate(chances)
                if decide(rules, first, second) is BypassOutcome.EXEMPT
            )
    return 1 - (1 - min(1.0, once)) ** sittings


def exemption_until(decided_at: datetime, rules: BypassRules) -> datetime:
    """Return when an exemption decided at ``decided_at`` stops carrying over to a new run (exclusive)."""
    return add_months(decided_at, rules.valid_months)


def may_sit(
    sittings: Sequence[Sitting],
    rules: BypassRules,
    *,
    module_key: str,
    can_be_bypassed: bool,
    is_done: bool,
    is_half_done: bool,
    now: datetime,
) -> Permission:
    """Return whether a new sitting may start at ``now``, and if not every reason and until when.

    A sitting without a decision is continued, not started; whoever keeps the sittings looks for it first.

    Args:
        sittings: This learner's in this module, over all runs of the course, voided ones left out.
        rules: The bypass rules.
        module_key: Key of every reason.
        can_be_bypassed: The module's own flag.
        is_done: The module was done by training.
        is_half_done: Units of at least half the module's minutes are complete: the wait is over.
        now: Aware UTC.

    Returns:
        Granted, or with ``not_bypassable``, ``module_done``, ``exempt_already`` (until it expires),
        ``cooldown`` (``wait_days`` after the last decision, unless half the module was done) and
        ``sittings_used`` (until the oldest of the last ``max_sittings`` is ``window_months`` old). ``until`` is
        the latest of these, None when one of the reasons does not pass by itself. At ``until`` itself the learner
        may sit.
    """
    reasons: list[Reason] = []
    waits: list[datetime] = []

    def refuse(code: ReasonCode, until: datetime | None = None) -> None:
        reasons.append(Reason(code, module_key))
        if until is not None:
            waits.append(until)

    if not can_be_bypassed:
        refuse(ReasonCode.NOT_BYPASSABLE)
    if is_done:
        refuse(ReasonCode.MODULE_DONE)
    exempt_at = _last_decision(sittings, BypassOutcome.EXEMPT)
    if exempt_at is not None and now < exemption_until(exempt_at, rules):
        refuse(ReasonCode.EXEMPT_ALREADY, exemption_until(exempt_at, rules))
    failed_at = _last_decision(sittings, BypassOutcome.TAKE_MODULE)
    if failed_at is not None and not is_half_done and now < failed_at + timedelta(days=rules.wait_days):
        refuse(ReasonCode.COOLDOWN, failed_at + timedelta(days=rules.wait_days))
    starts = sorted(sitting.started_at for sitting in sittings)
    if len(starts) >= rules.max_sittings:
        free_again = add_months(starts[-rules.max_sittings], rules.window_months)
        if now < free_again:
            refuse(ReasonCode.SITTINGS_USED, free_again)
    until = max(waits) if waits and len(waits) == len(reasons) else None
    return Permission(tuple(reasons), until)


def _last_decision(sittings: Sequence[Sitting], outcome: BypassOutcome) -> datetime | None:
    decided = (s.decided_at for s in sittings if s.outcome is outcome and s.decided_at is not None)
    return max(decided, default=None)
