"""Sittings of tests and bypass quizzes: started, answered item by item, submitted once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F

from integra_gradebook import bypass, standings
from integra_gradebook.attempt_forms import HAS_CUT, Form, get_bank_entry, plan_form
from integra_gradebook.attempt_views import list_drawn, view_of
from integra_gradebook.enrolments import get_rules_of, open_place
from integra_gradebook.errors import GradebookError
from integra_gradebook.journal import Journal, fact
from integra_gradebook.lessons import read_response
from integra_gradebook.models import Attempt, AttemptResponse, RingExposure
from integra_gradebook.places import Place, find_place
from integra_gradebook.results import AttemptView, Bank, Learner, SavedResponses
from integra_gradebook.versions import items_of, load_items, store_versions
from integra_gradebook.writing import retried
from integra_grading import events
from integra_grading.bypass import BypassOutcome
from integra_grading.items import (
    Item,
    parse_response,
    presentation,
    score_response,
)
from integra_grading.manifest import Bank as BankEntry
from integra_grading.manifest import Manifest
from integra_grading.ordering import shuffle_within_blocks

# Answers typed before the deadline may arrive after it.
GRACE = timedelta(minutes=5)
# A sheet of paper has no clock; it is typed in when somebody has time.
PAPER_TIME = timedelta(days=60)
# What a facilitator may grant; an attempt records what applied to it.
EXTRA_TIME = "extra_time"  # half as much time again
ASSISTED = "assisted"  # somebody reads aloud or types
ACCOMMODATIONS = (EXTRA_TIME, ASSISTED)
# The open attempt, then the one sent last: the copy a correction makes has the highest ordinal and is not the last.
LAST_FIRST = (F("submitted_at").desc(nulls_first=True), "-ordinal")


@retried
def start_attempt(
    learner: Learner,
    *,
    kind: str,
    block_key: str,
    bank: Bank,
    uuid: UUID,
    now: datetime,
    on_paper_by: int | None = None,
) -> AttemptView:
    """Draw a form and store it before its first item is shown; an open attempt is given back instead.

    ``on_paper_by`` is who will type in a sheet of paper; its learner cannot answer here meanwhile.
    """
    place = find_place(learner)
    entry = get_bank_entry(get_rules_of(learner, place), kind, bank)
    place = open_place(learner, place, now=now, uuid=uuid, fact_type=Attempt)
    with fact(place, now):
        found = Attempt.objects.filter(uuid=uuid).first()
        if found is not None:
            same = (found.learner_id, found.block_key, found.kind) == (place.learner_id, block_key, kind)
            is_on_paper = found.mode == Attempt.Mode.PAPER
            # A facilitator never gets what a learner does alone, nor a learner a sheet; a voided one is nobody's.
            if not same or is_on_paper != (on_paper_by is not None) or found.voided_at is not None:
                raise GradebookError("uuid_reused", "uuid")
            return view_of(found, place)
        waiting = _find_open(place, kind, entry)
        if waiting is not None:
            is_on_paper = waiting.mode == Attempt.Mode.PAPER
            if waiting.block_key != block_key or is_on_paper != (on_paper_by is not None):
                raise GradebookError("attempt_open", str(waiting.uuid))
            return view_of(waiting, place)
        form = plan_form(place, kind, entry, now=now)
        attempt = _create_attempt(
            place, kind, block_key, bank, entry, form, uuid=uuid, now=now, on_paper_by=on_paper_by
        )
        return view_of(attempt, place)


def find_attempt(learner: Learner, *, block_key: str) -> AttemptView | None:
    """Return the learner's open attempt in a block, else the one sent last; nothing is written."""
    place = find_place(learner)
    if place is None:
        get_rules_of(learner, place)
        return None
    attempt = (
        Attempt.objects.filter(learner_id=place.learner_id, block_key=block_key, voided_at=None)
        .order_by(*LAST_FIRST)
        .first()
    )
    return view_of(attempt, place) if attempt else None


@retried
def save_response(
    learner: Learner, *, attempt_uuid: UUID, block_key: str, item_key: str, response: object, now: datetime
) -> SavedResponses:
    """Store the answer to one item, None to take it back; the last one counts, until the attempt is submitted."""
    place = _require_place(learner)
    with fact(place, now):
        rows = _list_drawn(place, attempt_uuid, block_key)
        if not rows:
            raise GradebookError("attempt_unknown", "attempt_uuid")
        attempt = rows[0]
        if attempt["attempt__submitted_at"] is not None:
            raise GradebookError("attempt_closed", "attempt_uuid")
        if now > attempt["attempt__deadline_at"] + GRACE:
            raise GradebookError("time_over", "attempt_uuid")
        drawn = next((row for row in rows if row["item_key"] == item_key), None)
        if drawn is None:
            raise GradebookError("item_unknown", item_key)
        item = load_items({item_key: drawn["item_version__digest"]})[item_key]
        is_pre = attempt["attempt__kind"] == Attempt.Kind.PRE
        drawn["response"] = (
            None if response is None else read_response(item, response, allow_unknown=is_pre).to_dict()
        )
        AttemptResponse.objects.filter(pk=drawn["pk"]).update(response=drawn["response"], answered_at=now)
        return SavedResponses(
            {row["item_key"]: row["response"] for row in rows if row["response"] is not None},
            attempt["attempt__deadline_at"],
        )


@retried
def submit_attempt(learner: Learner, *, attempt_uuid: UUID, block_key: str, now: datetime) -> AttemptView:
    """Score the stored answers, once; repeating it gives the same result."""
    place = _require_place(learner)
    with fact(place, now) as journal:
        attempt = _access_attempt(place, attempt_uuid, block_key)
        if attempt.submitted_at is None:
            finish_attempt(place, journal, attempt, now=now)
        return view_of(attempt, place)


def finish_attempt(place: Place, journal: Journal, attempt: Attempt, *, now: datetime) -> None:
    """Score the stored answers of an open attempt, decide, and tell everybody; inside the fact's transaction."""
    drawn = list_drawn(attempt)
    _score(attempt, drawn)
    attempt.submitted_at = now
    attempt.outcome = decide_outcome(attempt, place.run.rules)
    # A handler completes a block for its own user only; of a sheet of paper the learner is somebody else.
    if attempt.kind in HAS_CUT or attempt.mode == Attempt.Mode.PAPER:
        attempt.mirror_at = now
    attempt.save(update_fields=["score", "submitted_at", "outcome", "mirror_at", "entered_by"])
    if attempt.outcome == BypassOutcome.EXEMPT:
        bypass.store_exemption(attempt, place.run.rules, now=now)
    record_assessment(journal, attempt, drawn)
    if attempt.kind in (Attempt.Kind.POST, Attempt.Kind.BYPASS):
        standings.refresh(place, journal, now=now)


# --- before the first item ------------------------------------------------------------------------


def _find_open(place: Place, kind: str, entry: BankEntry) -> Attempt | None:
    # A course has one closing form per area: the bank tells them apart.
    which = {"bank_id": entry.id} if kind == Attempt.Kind.CLOSING else {"module_key": entry.module or ""}
    return Attempt.objects.filter(
        learner_id=place.learner_id,
        course_id=place.run.id,
        kind=kind,
        submitted_at=None,
        voided_at=None,
        **which,
    ).first()


def _create_attempt(
    place: Place,
    kind: str,
    block_key: str,
    bank: Bank,
    entry: BankEntry,
    form: Form,
    *,
    uuid: UUID,
    now: datetime,
    on_paper_by: int | None,
) -> Attempt:
    items = {item.key: item for item in bank.items}
    # The learner chooses neither the draw nor the order: nothing of the client's goes into the seed.
    seed = f"{place.learner_uuid}/{kind}/{form.module_key}/{form.sitting}/{form.key}"
    ordered = _order_items(place.run.rules, kind, [items[key] for key in form.item_keys], seed=seed)
    accommodations = [each for each in ACCOMMODATIONS if each in place.accommodations]
    mode = Attempt.Mode.ASSISTED if ASSISTED in accommodations else Attempt.Mode.ALONE
    time = timedelta(minutes=form.minutes * (1.5 if EXTRA_TIME in accommodations else 1))
    own = Attempt.objects.filter(learner_id=place.learner_id, block_key=block_key)
    last = own.order_by("-ordinal").values_list("ordinal", flat=True).first() or 0
    attempt = Attempt.objects.create(
        uuid=uuid,
        learner_id=place.learner_id,
        course_id=place.run.id,
        block_key=block_key,
        ordinal=last + 1,
        kind=kind,
        course_family=place.run.course_family,
        module_key=form.module_key,
        sitting=form.sitting,
        stage=form.stage,
        form_key=form.key,
        bank_id=entry.id,
        bank_digest=entry.digest,
        is_bank_public=entry.is_public,
        rule_version=place.run.rule_version,
        max_score=sum(score_response(item, None).max_points for item in ordered),
        cut=form.cut,
        mode=mode if on_paper_by is None else Attempt.Mode.PAPER,
        entered_by_id=on_paper_by,
        accommodations=accommodations,
        started_at=now,
        deadline_at=now + (time if on_paper_by is None else PAPER_TIME),
    )
    versions = store_versions(ordered, now=now)
    AttemptResponse.objects.bulk_create(
        AttemptResponse(
            attempt=attempt,
            position=position,
            item_key=item.key,
            item_version_id=versions[item.key],
            option_order=list(presentation(item, seed)),
            max_points=score_response(item, None).max_points,
        )
        for position, item in enumerate(ordered, start=1)
    )
    if kind == Attempt.Kind.BYPASS:
        RingExposure.objects.bulk_create(
            RingExposure(
                learner_id=place.learner_id,
                course_family=place.run.course_family,
                module_key=form.module_key,
                item_key=item.key,
                attempt=attempt,
                shown_at=now,
            )
            for item in ordered
        )
    return attempt


def _order_items(rules: Manifest, kind: str, items: list[Item], *, seed: str) -> list[Item]:
    """Return the items as shown: a module's ring as drawn; everything else mixed inside its modules."""
    if kind == Attempt.Kind.BYPASS:
        return items
    module_of = {outcome.key: module.key for module in rules.modules for outcome in module.outcomes}
    by_key = {item.key: item for item in items}
    pairs = [(module_of.get(item.outcome, ""), item.key) for item in items]
    return [by_key[key] for key in shuffle_within_blocks(pairs, seed=seed)]


# --- after the last answer ------------------------------------------------------------------------


def _score(attempt: Attempt, drawn: list[AttemptResponse]) -> None:
    items = items_of(drawn)
    by_points: dict[int, list[int]] = {}
    for row in drawn:
        row.points = score_answer(items[row.item_key], row.response)
        by_points.setdefault(row.points, []).append(row.pk)
    for points, pks in by_points.items():
        AttemptResponse.objects.filter(pk__in=pks).update(points=points)
    attempt.score = sum(row.points or 0 for row in drawn)


def score_answer(item: Item, stored: object) -> int:
    """Return the points of a stored answer; what was accepted then may say "No lo sé", whatever the test."""
    return score_response(item, None if stored is None else parse_response(item, stored, True)).points


def decide_outcome(attempt: Attempt, rules: Manifest) -> str:
    """Return what a scored attempt means, by the rules it was started under."""
    if attempt.kind == Attempt.Kind.PRE:
        return "taken"
    if attempt.kind == Attempt.Kind.BYPASS:
        return str(bypass.decide_attempt(attempt, rules))
    return "passed" if (attempt.score or 0) >= (attempt.cut or 0) else "below_cut"


def record_assessment(journal: Journal, attempt: Attempt, drawn: list[AttemptResponse]) -> None:
    items = items_of(drawn)
    journal.record(
        events.AssessmentSubmitted,
        attempt_uuid=attempt.uuid,
        kind=events.AttemptKind(attempt.kind),
        module_key=attempt.module_key or None,
        form_key=attempt.form_key,
        ordinal=attempt.ordinal,
        score=attempt.score,
        max_score=attempt.max_score,
        cut=attempt.cut,
        items=tuple(
            events.AssessedItem(
                item_key=row.item_key,
                item_digest=row.item_version.digest,
                outcome_key=items[row.item_key].outcome,
                points=row.points or 0,
                max_points=row.max_points,
            )
            for row in drawn
        ),
        bank_id=attempt.bank_id,
        bank_digest=attempt.bank_digest,
        mode=events.AttemptMode(attempt.mode),
        accommodations=tuple(attempt.accommodations),
        started_at=attempt.started_at,
    )


# --- whose attempt --------------------------------------------------------------------------------


def _require_place(learner: Learner) -> Place:
    place = find_place(learner)
    if place is None:
        raise GradebookError("attempt_unknown", "attempt_uuid")
    return place


def _list_drawn(place: Place, attempt_uuid: UUID, block_key: str) -> list[Any]:
    """Return the drawn items of the learner's attempt with what saving an answer asks of it; empty for none.

    Plain values: an answer is saved a dozen times per test, and forty model instances would cost more than the rest.
    """
    rows = AttemptResponse.objects.filter(
        attempt__uuid=attempt_uuid,
        attempt__learner_id=place.learner_id,
        attempt__course_id=place.run.id,
        attempt__block_key=block_key,
        attempt__voided_at=None,
    ).exclude(attempt__mode=Attempt.Mode.PAPER)
    return list(
        rows.values(
            "pk",
            "item_key",
            "response",
            "item_version__digest",
            "attempt__kind",
            "attempt__deadline_at",
            "attempt__submitted_at",
        )
    )


def _access_attempt(place: Place, attempt_uuid: UUID, block_key: str) -> Attempt:
    """Return the learner's attempt; missing, voided, on paper, another's and another block's look alike."""
    own = Attempt.objects.filter(
        uuid=attempt_uuid,
        learner_id=place.learner_id,
        course_id=place.run.id,
        block_key=block_key,
        voided_at=None,
    )
    attempt = own.exclude(mode=Attempt.Mode.PAPER).first()
    if attempt is None:
        raise GradebookError("attempt_unknown", "attempt_uuid")
    return attempt
