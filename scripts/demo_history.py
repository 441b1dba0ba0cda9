"""What demo learners did before anybody looks: the course but for what is left out, done by the rules.

Everything goes through the gradebook's public functions, block by block as a learner's phone would have sent it, so
that the classroom and the service show a true course of study. Nobody waits forty hours to see a certificate.

Called by ``demo.py`` with the accounts' file, after ``integra_aula_demo``; every fact has the uuid of its place, so
that a second call changes nothing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integra_aula.settings")
django.setup()

from django.conf import settings  # noqa: E402 - the settings come first
from django.contrib.auth.models import User  # noqa: E402
from xblock.core import XBlock  # noqa: E402

from integra_aula.course import Course, get_course  # noqa: E402
from integra_aula.runtime import AulaRuntime  # noqa: E402
from integra_gradebook import api  # noqa: E402
from integra_gradebook.api import Learner  # noqa: E402
from integra_grading.deliverables import (  # noqa: E402
    Definition,
    FieldKind,
    TableField,
    TextField,
    read_definition,
)
from integra_grading.events import RatingOutcome  # noqa: E402
from integra_grading.items import UNKNOWN_OPTION, Item, solve  # noqa: E402
from integra_grading.manifest import Manifest  # noqa: E402
from integra_xblocks.platform import url_name, usage_key  # noqa: E402

STEP = timedelta(minutes=20)
TEXT = "Lo anoté en mi cuaderno."
NUMBER = "10"
SUBMITTED = "submitted"


def main() -> None:
    course, course_key = get_course(), settings.ENVIRONMENT.course_key
    people = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    raters = {person["cohort"]: person["username"] for person in people if person["role"] == "facilitator"}
    for person in people:
        if person["left_out"] is None:
            continue
        learner = Learner(User.objects.get(username=person["username"]).pk, course_key)
        rater = User.objects.get(username=raters[person["cohort"]])
        begin = datetime.fromisoformat(person["enrolled_at"])
        record_history(course, learner, rater.pk, begin=begin, left_out=person["left_out"])


def record_history(
    course: Course, learner: Learner, rater_user_id: int, *, begin: datetime, left_out: Collection[str]
) -> None:
    """Do the pre-test and every unit and deliverable whose module, unit or own key is not in ``left_out``.

    Args:
        course: The compiled course; its blocks are in memory.
        learner: Who learns; enrolled.
        rater_user_id: The facilitator of the learner's cohort, who accepts what was handed in.
        begin: When it began; each block is done a while after the one before.
        left_out: Keys of modules, units and deliverables that stay undone; one that the course lacks is a KeyError.
    """
    rules = api.get_rules(learner.course_key)
    undone = _list_undone(rules, left_out)
    moment = begin
    for block in _list_blocks(course):
        moment += STEP
        match block.scope_ids.block_type:
            case "integra_test" if block.kind == "pre":
                _take_pre_test(learner, block, moment)
            case "integra_lesson" if block.unit_key not in undone:
                _read(learner, block, moment)
            case "integra_practice" if block.unit_key not in undone:
                _practise(learner, block, moment)
            case "integra_deliverable" if block.deliverable_key not in undone:
                _hand_in(rules, learner, rater_user_id, block, moment)


def _list_undone(rules: Manifest, left_out: Collection[str]) -> set[str]:
    """Return the units and deliverables that ``left_out`` names; a module stands for all of its own."""
    places: dict[str, set[str]] = {}
    for module in rules.modules:
        own = {unit.key for unit in module.units}
        if module.deliverable is not None:
            own.add(module.deliverable.key)
        places |= {module.key: own, **{key: {key} for key in own}}
    return set().union(*(places[key] for key in left_out))


def _list_blocks(course: Course) -> Iterator[XBlock]:
    runtime = AulaRuntime(user=None)
    for _chapter, _section, unit in course.units():
        for block_id in unit.block_ids:
            yield runtime.get_block(block_id)


def _take_pre_test(learner: Learner, block: XBlock, now: datetime) -> None:
    """Answer every third question right and say of the others "No lo sé"."""
    block_key, bank = usage_key(block), block.get_bank()
    attempt = api.find_attempt(learner, block_key=block_key) or api.start_attempt(
        learner, kind=block.kind, block_key=block_key, bank=bank, uuid=_uuid_of(learner, block), now=now
    )
    if attempt.state == SUBMITTED:
        return
    items = {item.key: item for item in bank.items}
    for number, drawn in enumerate(attempt.items):
        answer = {"option": UNKNOWN_OPTION} if number % 3 else solve(items[drawn.key])
        api.save_response(
            learner,
            attempt_uuid=attempt.uuid,
            block_key=block_key,
            item_key=drawn.key,
            response=answer,
            now=attempt.started_at,
        )
    api.submit_attempt(learner, attempt_uuid=attempt.uuid, block_key=block_key, now=attempt.started_at)


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


def _hand_in(rules: Manifest, learner: Learner, rater_user_id: int, block: XBlock, now: datetime) -> None:
    submission = api.submit_deliverable(
        learner,
        module_key=block.module_key,
        deliverable_key=block.deliverable_key,
        block_key=usage_key(block),
        definition=dict(block.definition),
        document=_fill_in(read_definition(dict(block.definition))),
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
        levels=_list_best_levels(rules, block.deliverable_key),
        comments={},
        outcome=RatingOutcome.ACCEPTED,
        uuid=_uuid_of(learner, block, "rating"),
        now=now,
    )


def _list_best_levels(rules: Manifest, deliverable_key: str) -> dict[str, int]:
    found = rules.find_deliverable(deliverable_key)
    rubric = rules.find_rubric(found[1].rubric_version) if found else None
    if rubric is None:
        raise KeyError(deliverable_key)
    return {criterion.key: max(level.points for level in criterion.levels) for criterion in rubric.criteria}


def _fill_in(definition: Definition) -> dict[str, Any]:
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


if __name__ == "__main__":
    main()
