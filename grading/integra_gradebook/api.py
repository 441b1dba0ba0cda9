"""The one door to the gradebook: blocks and bridge import this module and nothing behind it.

Every write takes the client's ``uuid`` and repeats harmlessly; every refusal is a ``GradebookError``
and leaves no row. Times are passed in as aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from integra_gradebook.results import (
    AttemptView,
    Bank,
    BypassState,
    CertificateStateRow,
    DeliverableState,
    Draft,
    Learner,
    PracticeResult,
    Queue,
    RatingView,
    Record,
    RosterRow,
    SubmissionView,
    UnitState,
)
from integra_grading.items import Item
from integra_grading.manifest import Manifest
from integra_grading.standing import ModuleStanding


def register_course(course_key: str, manifest: dict[str, Any]) -> str: ...
def get_rules(course_key: str) -> Manifest: ...
def get_learner_uuid(learner: Learner) -> UUID: ...
def get_short_code(learner: Learner) -> str: ...
def find_user_id(learner_uuid: UUID) -> int | None: ...
def is_facilitator(user_id: int, course_key: str, *, on: date) -> bool: ...


def complete_lesson(
    learner: Learner, *, unit_key: str, block_key: str, uuid: UUID, now: datetime
) -> UnitState: ...
def answer_practice(
    learner: Learner, *, unit_key: str, practice_key: str, block_key: str, item: Item, response: object,
    uuid: UUID, now: datetime,
) -> PracticeResult: ...
def tick_active_time(learner: Learner, *, unit_key: str, now: datetime) -> int: ...
def get_unit_state(learner: Learner, unit_key: str) -> UnitState: ...


def start_attempt(
    learner: Learner, *, kind: str, block_key: str, bank: Bank, uuid: UUID, now: datetime
) -> AttemptView: ...
def find_attempt(learner: Learner, *, block_key: str) -> AttemptView | None: ...
def save_response(
    learner: Learner, *, attempt_uuid: UUID, block_key: str, item_key: str, response: object, now: datetime
) -> AttemptView: ...
def submit_attempt(learner: Learner, *, attempt_uuid: UUID, block_key: str, now: datetime) -> AttemptView: ...
def get_bypass_state(learner: Learner, *, module_key: str, now: datetime) -> BypassState: ...


def save_draft(
    learner: Learner, *, deliverable_key: str, block_key: str, document: dict[str, Any], revision: int,
    now: datetime,
) -> Draft: ...
def submit_deliverable(
    learner: Learner, *, module_key: str, deliverable_key: str, block_key: str, definition: dict[str, Any],
    document: dict[str, Any], uuid: UUID, now: datetime,
) -> SubmissionView: ...
def get_deliverable_state(learner: Learner, deliverable_key: str) -> DeliverableState: ...


def list_queue(
    rater_user_id: int, course_key: str, *, now: datetime, after: str | None = None, limit: int = 50
) -> Queue: ...
def claim_submission(
    rater_user_id: int, course_key: str, *, submission_uuid: UUID, now: datetime
) -> SubmissionView: ...
def rate_submission(
    rater_user_id: int, course_key: str, *, submission_uuid: UUID, levels: dict[str, int],
    comments: dict[str, str], outcome: str, uuid: UUID, now: datetime,
) -> RatingView: ...
def list_roster(rater_user_id: int, course_key: str, *, now: datetime) -> tuple[RosterRow, ...]: ...


def get_record(learner: Learner, *, now: datetime) -> Record: ...
def get_module_standing(learner: Learner, module_key: str) -> ModuleStanding: ...
def store_certificate_states(rows: Iterable[CertificateStateRow]) -> None: ...
def mirror_pending(limit: int) -> int: ...
