"""Lessons, practices and the time spent in a unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from integra_gradebook import standings
from integra_gradebook.enrolments import get_rules_of, open_place
from integra_gradebook.errors import GradebookError
from integra_gradebook.journal import Journal, fact
from integra_gradebook.models import ActiveTime, LessonCompletion, PracticeAnswer, UnitCompletion
from integra_gradebook.places import Place, find_place
from integra_gradebook.results import Learner, PracticeResult, PracticeState, UnitState
from integra_gradebook.versions import load_items, store_versions
from integra_gradebook.writing import locked, retried
from integra_grading import events
from integra_grading.errors import GradingError
from integra_grading.items import Item, Response, feedback_for, parse_response, score_response
from integra_grading.manifest import Manifest, Module, Practice, Unit
from integra_grading.spacing import Try, list_due_items

# A page that sends ticks does it about once a minute; a longer silence is not work in the unit.
TICK_SECONDS_AT_MOST = 90


@retried
def complete_lesson(
    learner: Learner, *, unit_key: str, block_key: str, uuid: UUID, now: datetime
) -> UnitState:
    """Record that the learner reached the end of a unit's lesson and says so. Once is enough."""
    place = find_place(learner)
    unit = get_unit(get_rules_of(learner, place), unit_key)
    place = open_place(learner, place, now=now, uuid=uuid, fact_type=LessonCompletion)
    with fact(place, now) as journal:
        found = LessonCompletion.objects.filter(uuid=uuid).first()
        if found is not None:
            if (found.learner_id, found.block_key) != (place.learner_id, block_key):
                raise GradebookError("uuid_reused", "uuid")
            return _load_unit_state(place, unit)
        state = _load_unit_state(place, unit)
        if state.is_lesson_done:
            return state
        LessonCompletion.objects.create(
            uuid=uuid,
            learner_id=place.learner_id,
            course_id=place.run.id,
            unit_key=unit_key,
            block_key=block_key,
            rule_version=place.run.rule_version,
            completed_at=now,
        )
        return _settle_unit(place, journal, unit, _load_unit_state(place, unit), now=now)


@retried
def answer_practice(
    learner: Learner,
    *,
    unit_key: str,
    practice_key: str,
    block_key: str,
    item: Item,
    response: object,
    uuid: UUID,
    now: datetime,
) -> PracticeResult:
    """Record one answer to a formative item and tell whether it was right, and why. No limit of tries."""
    place = find_place(learner)
    unit = get_unit(get_rules_of(learner, place), unit_key)
    _require_item(unit, practice_key, item)
    answer = read_response(item, response, allow_unknown=False)
    place = open_place(learner, place, now=now, uuid=uuid, fact_type=PracticeAnswer)
    return _store_answer(
        place, unit, item, answer, practice_key=practice_key, block_key=block_key, uuid=uuid, now=now
    )


@retried
def answer_review(
    learner: Learner,
    *,
    practice_key: str,
    block_key: str,
    item_key: str,
    response: object,
    uuid: UUID,
    now: datetime,
) -> PracticeResult:
    """Record one answer to an item that came back in a later practice of its module."""
    place = find_place(learner)
    if place is None:
        raise GradebookError("item_unknown", item_key)
    module, _ = _module_of(place.run.rules, practice_key)
    practised = _practised_items(place, module, practice_key)
    if item_key not in practised:
        raise GradebookError("item_unknown", item_key)
    unit_key, item = practised[item_key]
    answer = read_response(item, response, allow_unknown=False)
    unit = get_unit(place.run.rules, unit_key)
    return _store_answer(
        place, unit, item, answer, practice_key=practice_key, block_key=block_key, uuid=uuid, now=now
    )


def get_practice_state(learner: Learner, *, practice_key: str, now: datetime) -> PracticeState:
    """Return what was right in a practice, and which weak items of the module's other ones come back in it."""
    place = find_place(learner)
    module, practices = _module_of(get_rules_of(learner, place), practice_key)
    if place is None:
        return PracticeState((), ())
    home = {item: practice.key for practice in practices for item in practice.items}
    rows = list(
        PracticeAnswer.objects.filter(
            learner_id=place.learner_id, course_id=place.run.id, item_key__in=list(home)
        ).values_list("item_key", "answered_at", "is_right", "practice_key")
    )
    right = {key for key, _, is_right, _ in rows if is_right}
    due = list_due_items(
        (
            Try(key, answered_at, is_right, is_review=at != home[key])
            for key, answered_at, is_right, at in rows
            if home[key] != practice_key
        ),
        now=now,
        is_last_practice=practices[-1].key == practice_key,
    )
    practised = _practised_items(place, module, practice_key) if due else {}
    return PracticeState(
        items_right=tuple(key for key, at in home.items() if at == practice_key and key in right),
        reviews=tuple(practised[key][1] for key in due),
    )


def _module_of(rules: Manifest, practice_key: str) -> tuple[Module, tuple[Practice, ...]]:
    """Return the module of a practice with all its practices, in course order."""
    for module in rules.modules:
        practices = tuple(practice for unit in module.units for practice in unit.practices)
        if any(practice.key == practice_key for practice in practices):
            return module, practices
    raise GradebookError("practice_unknown", "practice_key")


def _practised_items(place: Place, module: Module, practice_key: str) -> dict[str, tuple[str, Item]]:
    """Return the items of the module's other practices that the learner has answered, with their units."""
    units = {
        item: unit.key
        for unit in module.units
        for practice in unit.practices
        for item in practice.items
        if practice.key != practice_key
    }
    rows = (
        PracticeAnswer.objects.filter(
            learner_id=place.learner_id, course_id=place.run.id, item_key__in=list(units)
        )
        .order_by("answered_at", "pk")
        .values_list("item_key", "item_version__digest")
    )
    items = load_items(dict(rows))  # the latest version answered
    return {key: (units[key], item) for key, item in items.items()}


def _store_answer(
    place: Place,
    unit: Unit,
    item: Item,
    answer: Response,
    *,
    practice_key: str,
    block_key: str,
    uuid: UUID,
    now: datetime,
) -> PracticeResult:
    with fact(place, now) as journal:
        found = PracticeAnswer.objects.select_related("item_version").filter(uuid=uuid).first()
        if found is not None:
            if (found.learner_id, found.block_key) != (place.learner_id, block_key):
                raise GradebookError("uuid_reused", "uuid")
            return _result_of(found, _load_unit_state(place, unit))
        score = score_response(item, answer)
        PracticeAnswer.objects.create(
            uuid=uuid,
            learner_id=place.learner_id,
            course_id=place.run.id,
            unit_key=unit.key,
            practice_key=practice_key,
            block_key=block_key,
            item_key=item.key,
            item_version_id=store_versions([item], now=now)[item.key],
            response=answer.to_dict(),
            points=score.points,
            max_points=score.max_points,
            is_right=score.points == score.max_points,
            answered_at=now,
        )
        state = _load_unit_state(place, unit)
        # Until its practice is complete, an answer changes no standing.
        if score.points == score.max_points and _is_practice_done(unit, item.key, state):
            state = _settle_unit(place, journal, unit, state, now=now)
    return _result(item, answer, state)


@retried
def tick_active_time(learner: Learner, *, unit_key: str, now: datetime) -> int:
    """Count the time since the page's last tick, at most a tick's worth; return the unit's seconds so far."""
    place = find_place(learner)
    get_unit(get_rules_of(learner, place), unit_key)
    place = open_place(learner, place, now=now)
    own = {"learner_id": place.learner_id, "course_id": place.run.id, "unit_key": unit_key}
    with locked(place.learner_id):
        row = ActiveTime.objects.filter(**own).first()
        if row is None:
            ActiveTime.objects.create(**own, seconds=0, last_tick_at=now)
            return 0
        elapsed = int((now - row.last_tick_at).total_seconds())
        if elapsed > 0:
            row.seconds += elapsed if elapsed <= TICK_SECONDS_AT_MOST else 0
            row.last_tick_at = now
            row.save(update_fields=["seconds", "last_tick_at"])
        return row.seconds


def get_unit_state(learner: Learner, unit_key: str) -> UnitState:
    """Return what the learner has done in a unit; nothing is written."""
    place = find_place(learner)
    unit = get_unit(get_rules_of(learner, place), unit_key)
    if place is not None:
        return _load_unit_state(place, unit)
    return UnitState(
        unit_key=unit.key,
        is_lesson_done=False,
        items_right=(),
        items_due=_items_due(unit),
        is_complete=False,
        active_seconds=0,
    )


def get_unit(rules: Manifest, unit_key: str) -> Unit:
    found = rules.find_unit(unit_key)
    if found is None:
        raise GradebookError("unit_unknown", "unit_key")
    return found[1]


def read_response(item: Item, raw: object, *, allow_unknown: bool) -> Response:
    try:
        return parse_response(item, raw, allow_unknown)
    except GradingError as error:
        raise GradebookError("response_invalid", item.key, reason=error.message) from error


def _require_item(unit: Unit, practice_key: str, item: Item) -> None:
    practice = next((practice for practice in unit.practices if practice.key == practice_key), None)
    if practice is None:
        raise GradebookError("practice_unknown", "practice_key")
    if item.key not in practice.items:
        raise GradebookError("item_unknown", item.key)


def _is_practice_done(unit: Unit, item_key: str, state: UnitState) -> bool:
    practice = next(practice for practice in unit.practices if item_key in practice.items)
    return set(practice.items) <= set(state.items_right)


def _settle_unit(place: Place, journal: Journal, unit: Unit, state: UnitState, *, now: datetime) -> UnitState:
    """Complete the unit when nothing is missing any more, and bring the standing up to date."""
    is_ready = state.is_lesson_done and len(state.items_right) == len(state.items_due)
    if is_ready and not state.is_complete:
        UnitCompletion.objects.create(
            learner_id=place.learner_id,
            course_id=place.run.id,
            unit_key=unit.key,
            active_seconds=state.active_seconds,
            rule_version=place.run.rule_version,
            completed_at=now,
        )
        journal.record(
            events.UnitCompleted,
            unit_key=unit.key,
            declared_minutes=unit.minutes,
            active_minutes=state.active_seconds // 60,
        )
        state = replace(state, is_complete=True)
    standings.refresh(place, journal, now=now)
    return state


def _load_unit_state(place: Place, unit: Unit) -> UnitState:
    own = {"learner_id": place.learner_id, "course_id": place.run.id}
    due = _items_due(unit)
    right = set(
        PracticeAnswer.objects.filter(**own, is_right=True, item_key__in=due)
        .values_list("item_key", flat=True)
        .distinct()
    )
    seconds = ActiveTime.objects.filter(**own, unit_key=unit.key).values_list("seconds", flat=True).first()
    return UnitState(
        unit_key=unit.key,
        is_lesson_done=LessonCompletion.objects.filter(**own, unit_key=unit.key).exists(),
        items_right=tuple(key for key in due if key in right),
        items_due=due,
        is_complete=UnitCompletion.objects.filter(**own, unit_key=unit.key).exists(),
        active_seconds=seconds or 0,
    )


def _items_due(unit: Unit) -> tuple[str, ...]:
    return tuple(key for practice in unit.practices for key in practice.items)


def _result_of(stored: PracticeAnswer, state: UnitState) -> PracticeResult:
    item = Item.from_dict(stored.item_version.content)
    return _result(item, parse_response(item, stored.response, False), state)


def _result(item: Item, answer: Response, state: UnitState) -> PracticeResult:
    score = score_response(item, answer)
    return PracticeResult(
        item_key=item.key,
        is_right=score.points == score.max_points,
        points=score.points,
        max_points=score.max_points,
        feedback=feedback_for(item, answer),
        unit=state,
    )
