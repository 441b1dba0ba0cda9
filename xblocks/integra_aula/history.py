"""What a learner of the demonstration did before anybody looks: the course but for what is left out, done by the rules.

Everything goes through the gradebook's public functions, block by block as the learner's phone would have sent it, so
that the classroom and the service show a true course of study. Nobody waits forty hours to see a certificate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from xblock.core import XBlock

from integra_aula.course import Course
from integra_aula.runtime import AulaRuntime
from integra_gradebook import api
from integra_gradebook.api import Learner
from integra_grading.deliverables import Definition, FieldKind, TableField, TextField, read_definition
from integra_grading.events import RatingOutcome
from integra_grading.items import UNKNOWN_OPTION, Item, solve
from integra_xblocks.platform import url_name, usage_key

BEGIN = datetime(2026, 9, 1, 23, 0, tzinfo=UTC)
STEP = timedelta(minutes=20)
POINTS = 2
SUBMITTED = "submitted"
TEXT = "Lo anoté en mi cuaderno."
NUMBER = "10"


def live(course: Course, learner: Learner, rater_user_id: int, *, left_out: Collection[str]) -> None:
    """Do the pre-test and every unit and deliverable whose module, unit or own key is not in ``left_out``.

    Args:
        course: The compiled course; its blocks are in memory.
        learner: Who learns; enrolled.
        rater_user_id: The facilitator who accepts what was handed in.
        left_out: Module, unit and deliverable keys that stay undone.

    Repeatable: every fact has the uuid of its place, so that a second call changes nothing.
    """
    moment = BEGIN
    for block in _list_blocks(course):
        moment += STEP
        match block.scope_ids.block_type:
            case "integra_test" if block.kind == "pre":
                _take_pre_test(learner, block, moment)
            case "integra_lesson" if not _is_left_out(block.unit_key, left_out):
                _read(learner, block, moment)
            case "integra_practice" if not _is_left_out(block.unit_key, left_out):
                _practise(learner, block, moment)
            case "integra_deliverable" if not {block.module_key, block.deliverable_key} & set(left_out):
                _hand_in(learner, rater_user_id, block, moment)


def _list_blocks(course: Course) -> Iterator[XBlock]:
    runtime = AulaRuntime(user=None)
    for _chapter, _section, unit in course.units():
        for block_id in unit.block_ids:
            yield runtime.get_block(block_id)


def _is_left_out(unit_key: str, left_out: Collection[str]) -> bool:
    module_key, _, _ = unit_key.partition("-")
    return unit_key in left_out or module_key in left_out


def _take_pre_test(learner: Learner, block: XBlock, now: datetime) -> None:
    """Answer every third question right and say of the others "No lo sé"."""
    if api.find_attempt(learner, block_key=usage_key(block)) is not None:
        return
    bank = block.get_bank()
    items = {item.key: item for item in bank.items}
    attempt = api.start_attempt(
        learner,
        kind=block.kind,
        block_key=usage_key(block),
        bank=bank,
        uuid=_uuid_of(learner, block),
        now=now,
    )
    for number, drawn in enumerate(attempt.items):
        answer = {"option": UNKNOWN_OPTION} if number % 3 else solve(items[drawn.key])
        api.save_response(
            learner,
            attempt_uuid=attempt.uuid,
            block_key=usage_key(block),
            item_key=drawn.key,
            response=answer,
            now=now,
        )
    api.submit_attempt(learner, attempt_uuid=attempt.uuid, block_key=usage_key(block), now=now)


def _read(learner: Learner, block: XBlock, now: datetime) -> None:
    api.complete_lesson(
        learner,
        unit_key=block.unit_key,
        block_key=usage_key(block),
        uuid=_uuid_of(learner, block),
        now=now,
    )


def _practise(learner: Learner, block: XBlock, now: datetime) -> None:
    for item in map(Item.from_dict, block.items):
        api.answer_practice(
            learner,
            unit_key=block.unit_key,
            practice_key=url_name(block),
            block_key=usage_key(block),
            item=item,
            response=solve(item),
            uuid=_uuid_of(learner, block, item.key),
            now=now,
        )


def _hand_in(learner: Learner, rater_user_id: int, block: XBlock, now: datetime) -> None:
    definition = read_definition(dict(block.definition))
    submission = api.submit_deliverable(
        learner,
        module_key=block.module_key,
        deliverable_key=block.deliverable_key,
        block_key=usage_key(block),
        definition=dict(block.definition),
        document=fill(definition),
        uuid=_uuid_of(learner, block),
        now=now,
    )
    if submission.state != SUBMITTED:
        return
    api.claim_submission(rater_user_id, learner.course_key, submission_uuid=submission.uuid, now=now)
    api.rate_submission(
        rater_user_id,
        learner.course_key,
        submission_uuid=submission.uuid,
        levels=_accepting_levels(learner, block),
        comments={},
        outcome=RatingOutcome.ACCEPTED,
        uuid=_uuid_of(learner, block, "rating"),
        now=now,
    )


def _accepting_levels(learner: Learner, block: XBlock) -> dict[str, int]:
    rules = api.get_rules(learner.course_key)
    _, deliverable = rules.find_deliverable(block.deliverable_key)
    rubric = rules.find_rubric(deliverable.rubric_version)
    return {criterion.key: POINTS for criterion in rubric.criteria}


def fill(definition: Definition) -> dict[str, Any]:
    """Return a document with something in every field and every line of the self-check ticked."""
    values: dict[str, Any] = {}
    for field in definition.fields:
        if isinstance(field, TableField):
            row = {column.key: _write(column.kind) for column in field.columns}
            values[field.key] = [row] * max(field.min_rows, 1)
        elif isinstance(field, TextField):
            values[field.key] = TEXT[: field.max_length]
        elif field.kind != FieldKind.COMPUTED:
            values[field.key] = _write(field.kind)
    return {"values": values, "self_check": [check.key for check in definition.self_check]}


def _write(kind: str) -> str | bool:
    if kind == FieldKind.FLAG:
        return True
    return TEXT if kind == FieldKind.TEXT else NUMBER


def _uuid_of(learner: Learner, block: XBlock, part: str = "") -> UUID:
    return uuid5(NAMESPACE_URL, f"{learner.course_key}/{learner.user_id}/{url_name(block)}/{part}")
