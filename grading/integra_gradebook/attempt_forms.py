"""Which form a new attempt is made of: the pre-test's, the post-test's, an area's closing form, a module's ring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db.models import QuerySet

from integra_gradebook import bypass, standings
from integra_gradebook.dates import refuse_permission
from integra_gradebook.errors import GradebookError
from integra_gradebook.models import Attempt, AttemptResponse
from integra_gradebook.places import Place
from integra_gradebook.results import Bank
from integra_grading.forms import (
    POST_KEY,
    CutRules,
    form_for_post,
    form_for_pre,
    may_start_test,
)
from integra_grading.items import Item, bank_digest, item_digest
from integra_grading.manifest import Bank as BankEntry
from integra_grading.manifest import BankKind, Manifest
from integra_grading.ring import RingItem, draw_form

# Tests with a score the learner sees and the LMS mirrors.
HAS_CUT = (Attempt.Kind.POST, Attempt.Kind.CLOSING)
_BANK_KINDS = {
    Attempt.Kind.PRE: BankKind.TEST,
    Attempt.Kind.POST: BankKind.TEST,
    Attempt.Kind.BYPASS: BankKind.BYPASS,
    Attempt.Kind.CLOSING: BankKind.CLOSING,
}


@dataclass(frozen=True, slots=True)
class Form:
    """What a new attempt is made of."""

    key: str
    item_keys: tuple[str, ...]
    minutes: int
    cut: int | None
    module_key: str = ""
    sitting: int = 1
    stage: int = 1


def get_bank_entry(rules: Manifest, kind: str, bank: Bank) -> BankEntry:
    """Return the manifest's entry of a block's bank; items other than the registered ones are refused."""
    if kind not in Attempt.Kind.values:
        raise GradebookError("kind_unknown", "kind")
    entry = rules.find_bank(bank.id)
    if entry is None or entry.kind is not _BANK_KINDS[Attempt.Kind(kind)]:
        raise GradebookError("bank_unknown", "bank_id")
    if not _digest_of(bank.items) == bank.digest == entry.digest:
        raise GradebookError("bank_mismatch", "bank_digest")
    return entry


@lru_cache(maxsize=64)
def _digest_of(items: tuple[Item, ...]) -> str:
    """Items do not change: a process computes the digest of a bank once, not at every start."""
    return bank_digest((item.key, item_digest(item)) for item in items)


def get_cut_rules(rules: Manifest, kind: str, bank_id: str) -> CutRules:
    """Return the rules of a test that has a cut."""
    if kind != Attempt.Kind.CLOSING:
        return rules.tests.post
    closing = rules.find_closing(bank_id)
    if closing is None:
        raise GradebookError("bank_unknown", "bank_id")
    return closing


def plan_form(place: Place, kind: str, entry: BankEntry, *, now: datetime) -> Form:
    """Return the form the learner would get now, or refuse with the reason and the date."""
    return _PLANS[Attempt.Kind(kind)](place, entry, now)


def _plan_pre(place: Place, entry: BankEntry, now: datetime) -> Form:
    if _list_attempts(place, Attempt.Kind.PRE, entry).filter(voided_at=None).exists():
        raise GradebookError("already_taken", "pre")
    form_key = form_for_pre(place.first_form)
    minutes = place.run.rules.tests.pre.minutes
    return Form(form_key, _items_of_form(entry, form_key), minutes, cut=None)


def _plan_post(place: Place, entry: BankEntry, now: datetime) -> Form:
    rules = place.run.rules.tests.post
    ordinal = _require_start(place, Attempt.Kind.POST, entry, rules, key=POST_KEY, now=now)
    form_key = form_for_post(
        rules.forms, first=place.first_form, ordinal=ordinal, further_forms=rules.further_forms
    )
    return Form(form_key, _items_of_form(entry, form_key), rules.minutes, cut=rules.cut, sitting=ordinal)


def _plan_closing(place: Place, entry: BankEntry, now: datetime) -> Form:
    rules = place.run.rules.find_closing(entry.id)
    if rules is None:
        raise GradebookError("bank_unknown", "bank_id")
    ordinal = _require_start(place, Attempt.Kind.CLOSING, entry, rules, key=rules.area, now=now)
    shown: dict[int, list[str]] = {}
    rows = AttemptResponse.objects.filter(attempt__in=_list_attempts(place, Attempt.Kind.CLOSING, entry))
    for attempt_id, item_key in rows.order_by("attempt__started_at", "pk").values_list(
        "attempt_id", "item_key"
    ):
        shown.setdefault(attempt_id, []).append(item_key)
    item_keys = draw_form(
        [RingItem(item.key, item.stratum or "", item.twin) for item in entry.items],
        entry.strata,
        history=list(shown.values()),
        seed=f"{place.learner_uuid}/{entry.id}/{ordinal}",
    )
    return Form(f"{rules.area}.{ordinal}", item_keys, rules.minutes, cut=rules.cut, sitting=ordinal)


def _plan_bypass(place: Place, entry: BankEntry, now: datetime) -> Form:
    plan = bypass.plan_form(place, entry, now=now)
    return Form(
        key=f"{plan.sitting}.{plan.stage}",
        item_keys=plan.item_keys,
        minutes=bypass.get_bypass_rules(place.run.rules).minutes,
        cut=plan.cut,
        module_key=entry.module or "",
        sitting=plan.sitting,
        stage=plan.stage,
    )


_PLANS = {
    Attempt.Kind.PRE: _plan_pre,
    Attempt.Kind.POST: _plan_post,
    Attempt.Kind.CLOSING: _plan_closing,
    Attempt.Kind.BYPASS: _plan_bypass,
}


def _require_start(
    place: Place, kind: Attempt.Kind, entry: BankEntry, rules: CutRules, *, key: str, now: datetime
) -> int:
    """Return the number of the attempt that may start now; a voided one is forgiven but its form was seen."""
    started = _list_attempts(place, kind, entry)
    counted = started.filter(voided_at=None, submitted_at__isnull=False)
    attempts = tuple(
        standings.as_cut_attempt(*row) for row in counted.values_list("submitted_at", "score", "max_score")
    )
    refuse_permission(may_start_test(attempts, rules, key=key, now=now), place)
    return started.count() + 1


def _list_attempts(place: Place, kind: Attempt.Kind, entry: BankEntry) -> QuerySet[Attempt]:
    """Return the learner's attempts at a test in this run; of closing forms, those at this area's."""
    attempts = Attempt.objects.filter(learner_id=place.learner_id, course_id=place.run.id, kind=kind)
    return attempts.filter(bank_id=entry.id) if kind == Attempt.Kind.CLOSING else attempts


def _items_of_form(entry: BankEntry, form_key: str) -> tuple[str, ...]:
    return tuple(item.key for item in entry.items if item.form == form_key)
