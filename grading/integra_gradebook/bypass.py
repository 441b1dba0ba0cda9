"""The evaluation mode of one module: which sitting, which form of the ring, and what it earns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from integra_gradebook import standings
from integra_gradebook.dates import REFUSALS, refuse_permission
from integra_gradebook.errors import GradebookError
from integra_gradebook.models import Attempt, AttemptResponse, Exemption, RingExposure, Standing
from integra_gradebook.places import Place, find_place, get_rules
from integra_gradebook.results import BypassState, Learner
from integra_grading.bypass import (
    BypassOutcome,
    BypassRules,
    Sitting,
    exemption_until,
    may_sit,
)
from integra_grading.bypass import decide as decide_sitting
from integra_grading.calendar import add_months
from integra_grading.manifest import Bank as BankEntry
from integra_grading.manifest import Manifest, Module
from integra_grading.reasons import Permission
from integra_grading.ring import RingItem, draw_form
from integra_grading.standing import ModuleState, is_half_done


@dataclass(frozen=True, slots=True)
class Plan:
    """The form that would be sat next."""

    sitting: int
    stage: int
    item_keys: tuple[str, ...]
    cut: int | None


@dataclass(frozen=True, slots=True)
class History:
    """The learner's attempts in one module, over all runs of the course, by sitting."""

    sittings: tuple[tuple[Attempt, ...], ...]

    @property
    def is_second_form_due(self) -> bool:
        last = self.sittings[-1] if self.sittings else ()
        return len(last) == 1 and last[0].outcome == BypassOutcome.SECOND_FORM

    @property
    def open_attempt(self) -> Attempt | None:
        last = self.sittings[-1][-1] if self.sittings else None
        return last if last is not None and last.submitted_at is None else None

    def as_rules_see_it(self) -> tuple[Sitting, ...]:
        return tuple(_as_sitting(attempts) for attempts in self.sittings)


def _as_sitting(attempts: tuple[Attempt, ...]) -> Sitting:
    outcome = attempts[-1].outcome
    is_decided = outcome in (BypassOutcome.EXEMPT, BypassOutcome.TAKE_MODULE)
    return Sitting(
        started_at=attempts[0].started_at,
        decided_at=attempts[-1].submitted_at if is_decided else None,
        outcome=BypassOutcome(outcome) if outcome else None,
    )


def get_bypass_rules(rules: Manifest) -> BypassRules:
    if rules.bypass is None:
        raise GradebookError("not_offered", "bypass")
    return rules.bypass


def load_history(place: Place, module_key: str) -> History:
    attempts = Attempt.objects.filter(
        learner_id=place.learner_id,
        course_family=place.run.course_family,
        module_key=module_key,
        kind=Attempt.Kind.BYPASS,
        voided_at=None,
    ).order_by("sitting", "stage")
    by_sitting: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        by_sitting.setdefault(attempt.sitting, []).append(attempt)
    return History(tuple(tuple(stages) for stages in by_sitting.values()))


def plan_form(place: Place, entry: BankEntry, *, now: datetime) -> Plan:
    """Return the next form of a module's ring, or refuse with the reason and the date."""
    module = _get_module(place.run.rules, entry.module or "")
    rules = get_bypass_rules(place.run.rules)
    history = load_history(place, module.key)
    if history.open_attempt is not None:  # in another run of the course
        raise GradebookError("attempt_open", str(history.open_attempt.uuid))
    if history.is_second_form_due:
        first = history.sittings[-1][0]
        needed = rules.second_exempt_at - (first.score or 0)
        return Plan(
            sitting=first.sitting,
            stage=2,
            item_keys=_draw(place, entry, first, seed=f"{first.sitting}/2"),
            cut=needed if 0 <= needed <= rules.form_items else None,
        )
    refuse_permission(_may_sit(place, module, rules, history, now=now), place)
    sitting = history.sittings[-1][0].sitting + 1 if history.sittings else 1
    return Plan(sitting, 1, _draw(place, entry, None, seed=f"{sitting}/1"), rules.exempt_at)


def decide_attempt(attempt: Attempt, rules: Manifest) -> BypassOutcome:
    """Return what a scored attempt means for its sitting."""
    score = attempt.score or 0
    if attempt.stage == 1:
        return decide_sitting(get_bypass_rules(rules), score)
    first = Attempt.objects.filter(
        learner_id=attempt.learner_id,
        course_family=attempt.course_family,
        module_key=attempt.module_key,
        kind=Attempt.Kind.BYPASS,
        sitting=attempt.sitting,
        stage=1,
        voided_at=None,
    ).first()
    return decide_sitting(get_bypass_rules(rules), (first.score or 0) if first else 0, score)


def store_exemption(attempt: Attempt, rules: Manifest, *, now: datetime) -> None:
    Exemption.objects.create(
        learner_id=attempt.learner_id,
        course_family=attempt.course_family,
        module_key=attempt.module_key,
        attempt=attempt,
        earned_at=now,
        expires_at=exemption_until(now, get_bypass_rules(rules)),
    )


def list_outcomes_to_study(attempt: Attempt) -> tuple[str, ...]:
    """Return the outcomes in which something was wrong in this sitting, in order of first appearance.

    An outcome has several items, so that this tells what to study and not which answer was wrong.
    """
    rows = AttemptResponse.objects.filter(
        attempt__learner_id=attempt.learner_id,
        attempt__course_family=attempt.course_family,
        attempt__module_key=attempt.module_key,
        attempt__kind=Attempt.Kind.BYPASS,
        attempt__sitting=attempt.sitting,
        attempt__voided_at=None,
    ).select_related("item_version")
    wrong = {row.item_version.content["outcome"] for row in rows if (row.points or 0) < row.max_points}
    return tuple(sorted(wrong, key=_natural))


def _natural(key: str) -> tuple[tuple[int, str], ...]:
    """Sort 6.10 after 6.9."""
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in key.split("."))


def get_bypass_state(learner: Learner, *, module_key: str, now: datetime) -> BypassState:
    """Return whether the learner may be evaluated in a module now, and if not why and until when."""
    place = find_place(learner)
    rules = place.run.rules if place else get_rules(learner.course_key)
    module = _get_module(rules, module_key)
    if rules.bypass is None:
        return _state(module, None, Permission(), History(()), None, now=now)
    history = load_history(place, module_key) if place else History(())
    if place is None:
        permission = may_sit(
            (),
            rules.bypass,
            module_key=module_key,
            can_be_bypassed=module.can_be_bypassed,
            is_done=False,
            is_half_done=False,
            now=now,
        )
        return _state(module, rules.bypass, permission, history, None, now=now)
    exemption = (
        standings.list_exemptions(place)
        .filter(module_key=module_key)
        .select_related("attempt__course")
        .first()
    )
    permission = _may_sit(place, module, rules.bypass, history, now=now)
    return _state(module, rules.bypass, permission, history, exemption, now=now)


def _state(
    module: Module,
    rules: BypassRules | None,
    permission: Permission,
    history: History,
    exemption: Exemption | None,
    *,
    now: datetime,
) -> BypassState:
    reason = REFUSALS[permission.reasons[0].code] if permission.reasons else None
    if rules is None:
        reason = "not_offered"
    elif history.open_attempt is not None:
        reason = "attempt_open"
    elif history.is_second_form_due:
        reason = None
    last = history.sittings[-1][-1] if history.sittings else None
    has_failed = last is not None and last.outcome == BypassOutcome.TAKE_MODULE
    return BypassState(
        module_key=module.key,
        may_start=reason is None,
        reason=reason,
        available_at=permission.until if reason == "too_early" or reason == "sittings_used" else None,
        sittings_left=_count_sittings_left(rules, history, now=now) if rules else 0,
        stage=2 if history.is_second_form_due else 1,
        is_exempt=exemption is not None,
        exempt_until=exemption.expires_at if exemption else None,
        exempt_source=exemption.attempt.course.course_key if exemption else None,
        form_items=rules.form_items if rules else 0,
        minutes=rules.minutes if rules else 0,
        outcomes_to_study=list_outcomes_to_study(last) if last is not None and has_failed else (),
    )


def _count_sittings_left(rules: BypassRules, history: History, *, now: datetime) -> int:
    recent = [
        sitting
        for sitting in history.as_rules_see_it()
        if now < add_months(sitting.started_at, rules.window_months)
    ]
    return max(0, rules.max_sittings - len(recent))


def _may_sit(
    place: Place, module: Module, rules: BypassRules, history: History, *, now: datetime
) -> Permission:
    is_done = Standing.objects.filter(
        learner_id=place.learner_id, course_id=place.run.id, module_key=module.key, state=ModuleState.DONE
    ).exists()
    # Only who has sat before waits, so only then the facts are read.
    is_half = bool(history.sittings) and is_half_done(standings.load_facts(place).modules[module.key], module)
    return may_sit(
        history.as_rules_see_it(),
        rules,
        module_key=module.key,
        can_be_bypassed=module.can_be_bypassed,
        is_done=is_done,
        is_half_done=is_half,
        now=now,
    )


def _draw(place: Place, entry: BankEntry, first: Attempt | None, *, seed: str) -> tuple[str, ...]:
    shown: dict[int, list[str]] = {}
    exposures = RingExposure.objects.filter(
        learner_id=place.learner_id, course_family=place.run.course_family, module_key=entry.module
    ).order_by("shown_at", "pk")
    for attempt_id, item_key in exposures.values_list("attempt_id", "item_key"):
        shown.setdefault(attempt_id, []).append(item_key)
    return draw_form(
        [RingItem(item.key, item.stratum or "", item.twin) for item in entry.items],
        entry.strata,
        history=list(shown.values()),
        # Nothing of the client's: nobody can try until the draw pleases.
        seed=f"{place.learner_uuid}/{entry.id}/{seed}",
        avoid=shown.get(first.pk, ()) if first else (),
    )


def _get_module(rules: Manifest, module_key: str) -> Module:
    module = rules.find_module(module_key)
    if module is None:
        raise GradebookError("module_unknown", "module_key")
    return module
