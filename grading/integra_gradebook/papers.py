"""What a facilitator arranges for those who cannot sit a test alone on a phone: accommodations, and tests on paper.

A form on paper is drawn like any other before it is printed, filled in by hand, and typed in by a second person: the
facilitator, never the learner. The attempt says so, and who it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from integra_gradebook.attempt_views import list_drawn, responses_of, view_of
from integra_gradebook.attempts import ACCOMMODATIONS, LAST_FIRST, finish_attempt, start_attempt
from integra_gradebook.errors import GradebookError
from integra_gradebook.journal import fact
from integra_gradebook.lessons import read_response
from integra_gradebook.models import Attempt, AttemptResponse, Enrolment
from integra_gradebook.places import Place, access_cohorts, get_place
from integra_gradebook.results import AttemptView, Bank, Learner, PaperRow
from integra_gradebook.versions import items_of
from integra_gradebook.writing import locked, retried

TAKEN_BACK = "paper_taken_back"


@retried
def set_accommodations(
    facilitator_id: int, course_key: str, *, short_code: str, accommodations: Sequence[str], now: datetime
) -> tuple[str, ...]:
    """Grant a learner of one's cohorts what they need in tests, from the next attempt on; return what is granted."""
    unknown = [each for each in accommodations if each not in ACCOMMODATIONS]
    if unknown:
        raise GradebookError("accommodation_unknown", "accommodations")
    place = _access_place(facilitator_id, course_key, short_code, now=now)
    granted = [each for each in ACCOMMODATIONS if each in accommodations]
    with locked(place.learner_id):
        Enrolment.objects.filter(pk=place.enrolment_id).update(accommodations=granted)
    return tuple(granted)


def list_papers(
    facilitator_id: int, course_key: str, *, block_key: str, now: datetime
) -> tuple[PaperRow, ...]:
    """Return the active learners of one's cohorts with where they stand in the test of a block; never oneself."""
    enrolments = list(
        _enrolments(facilitator_id, course_key, now=now).order_by("cohort__key", "learner__short_code")
    )
    attempts = Attempt.objects.filter(
        learner_id__in=[row.learner_id for row in enrolments], block_key=block_key, voided_at=None
    ).order_by(*LAST_FIRST)
    last: dict[int, Attempt] = {}
    for attempt in attempts:
        last.setdefault(attempt.learner_id, attempt)
    return tuple(_paper_row(row, last.get(row.learner_id)) for row in enrolments)


def start_paper(
    facilitator_id: int,
    course_key: str,
    *,
    short_code: str,
    kind: str,
    block_key: str,
    bank: Bank,
    uuid: UUID,
    now: datetime,
) -> AttemptView:
    """Draw a learner's form to be printed, or give the one that was printed and not typed in yet."""
    place = _access_place(facilitator_id, course_key, short_code, now=now)
    assert place.user_id is not None  # noqa: S101 - _enrolments leaves out who has gone
    return start_attempt(
        Learner(place.user_id, course_key),
        kind=kind,
        block_key=block_key,
        bank=bank,
        uuid=uuid,
        now=now,
        on_paper_by=facilitator_id,
    )


@retried
def submit_paper(
    facilitator_id: int,
    course_key: str,
    *,
    short_code: str,
    attempt_uuid: UUID,
    block_key: str,
    responses: Mapping[str, Any],
    now: datetime,
) -> AttemptView:
    """Store what stands on a sheet of paper, and score it, once; what is left out was not answered.

    Raises:
        GradebookError: ``item_unknown`` or ``response_invalid`` with the item's key; ``sheet_typed_in`` where
            somebody has typed the sheet in already, and with other answers. Nothing is stored then.
    """
    place = _access_place(facilitator_id, course_key, short_code, now=now)
    with fact(place, now) as journal:
        attempt = _access_sheet(place, attempt_uuid, block_key)
        drawn = list_drawn(attempt)
        read = _read_responses(attempt, drawn, responses)
        if attempt.submitted_at is None:
            _store_responses(drawn, read, now=now)
            attempt.entered_by_id = facilitator_id
            finish_attempt(place, journal, attempt, now=now)
        elif read != responses_of(drawn):
            raise GradebookError("sheet_typed_in", "attempt_uuid")
        return view_of(attempt, place)


@retried
def take_back_paper(
    facilitator_id: int,
    course_key: str,
    *,
    short_code: str,
    attempt_uuid: UUID,
    block_key: str,
    now: datetime,
) -> None:
    """Let a sheet that was handed out count for nothing, so that its learner may begin on a phone.

    Raises:
        GradebookError: ``attempt_closed`` when it was typed in already; ``take_back_used`` the second time: sheet after
            sheet would show every form of a test. From then on the LMS's "delete state" helps.
    """
    place = _access_place(facilitator_id, course_key, short_code, now=now)
    with fact(place, now):
        attempt = _access_sheet(place, attempt_uuid, block_key)
        if attempt.submitted_at is not None:
            raise GradebookError("attempt_closed", "attempt_uuid")
        before = Attempt.objects.filter(
            learner_id=place.learner_id, block_key=block_key, void_reason=TAKEN_BACK
        )
        if before.exists():
            raise GradebookError("take_back_used", "short_code")
        Attempt.objects.filter(pk=attempt.pk).update(voided_at=now, void_reason=TAKEN_BACK)


def _access_sheet(place: Place, attempt_uuid: UUID, block_key: str) -> Attempt:
    attempt = Attempt.objects.filter(
        uuid=attempt_uuid,
        learner_id=place.learner_id,
        course_id=place.run.id,
        block_key=block_key,
        mode=Attempt.Mode.PAPER,
        voided_at=None,
    ).first()
    if attempt is None:
        raise GradebookError("attempt_unknown", "attempt_uuid")
    return attempt


def _read_responses(
    attempt: Attempt, drawn: list[AttemptResponse], responses: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    items = items_of(drawn)
    is_pre = attempt.kind == Attempt.Kind.PRE
    read = {}
    for key, raw in responses.items():
        if key not in items:
            raise GradebookError("item_unknown", key)
        read[key] = read_response(items[key], raw, allow_unknown=is_pre).to_dict()
    return read


def _store_responses(
    drawn: list[AttemptResponse], read: Mapping[str, dict[str, Any]], *, now: datetime
) -> None:
    for row in drawn:
        if row.item_key in read:
            AttemptResponse.objects.filter(pk=row.pk).update(response=read[row.item_key], answered_at=now)


def _enrolments(facilitator_id: int, course_key: str, *, now: datetime) -> QuerySet[Enrolment]:
    cohorts = access_cohorts(facilitator_id, course_key, now=now)
    return (
        Enrolment.objects.filter(
            course__course_key=course_key, cohort_id__in=cohorts, status=Enrolment.Status.ACTIVE
        )
        .filter(learner__user__isnull=False)
        .exclude(learner__user_id=facilitator_id)
        .select_related("learner__user", "cohort")
    )


def _access_place(facilitator_id: int, course_key: str, short_code: str, *, now: datetime) -> Place:
    """Return a learner's place; one's own, another cohort's and nobody's look alike."""
    found = _enrolments(facilitator_id, course_key, now=now).filter(learner__short_code=short_code)
    pk = found.values_list("pk", flat=True).first()
    if pk is None:
        raise GradebookError("learner_unknown", "short_code")
    return get_place(pk)


def _paper_row(enrolment: Enrolment, attempt: Attempt | None) -> PaperRow:
    state = ""
    if attempt is not None and attempt.submitted_at is not None:
        state = "submitted"
    elif attempt is not None:
        state = "paper" if attempt.mode == Attempt.Mode.PAPER else "open"
    learner = enrolment.learner
    return PaperRow(
        short_code=learner.short_code,
        username=learner.user.get_username() if learner.user else "",
        cohort_key=enrolment.cohort.key,
        state=state,
        outcome=(attempt.outcome or None) if attempt else None,
    )
