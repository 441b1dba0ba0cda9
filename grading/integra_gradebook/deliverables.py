"""Drafts and submissions of deliverables."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from integra_gradebook import standings
from integra_gradebook.enrolments import get_rules_of, open_place
from integra_gradebook.errors import DocumentInvalid, GradebookError
from integra_gradebook.journal import Journal, fact
from integra_gradebook.models import Rating, RatingClaim, Submission, SubmissionDraft
from integra_gradebook.places import Place, find_place
from integra_gradebook.results import DeliverableState, Draft, Learner, RatingView, SubmissionView
from integra_gradebook.writing import locked, retried
from integra_grading import events
from integra_grading.canonical import canonical_json, digest
from integra_grading.deliverables import (
    ComputedField,
    Definition,
    Document,
    DocumentError,
    compute,
    is_self_check_complete,
    read_definition,
    read_document,
    read_draft,
)
from integra_grading.errors import GradingError
from integra_grading.manifest import AcceptedBy, Deliverable, Manifest, Module
from integra_grading.ordering import is_drawn

DRAFT_BYTES_AT_MOST = 64 * 1024
REVIEWED_PERCENT = 20  # of what could be accepted automatically, a person reads this share


@retried
def save_draft(
    learner: Learner,
    *,
    deliverable_key: str,
    block_key: str,
    document: dict[str, Any],
    revision: int,
    now: datetime,
) -> Draft:
    """Store what the learner typed so far, if ``revision`` is the one this device last saw (0: none)."""
    place = find_place(learner)
    get_deliverable(get_rules_of(learner, place), deliverable_key)
    draft = _read_draft(document)
    place = open_place(learner, place, now=now)
    own = {"learner_id": place.learner_id, "course_id": place.run.id, "deliverable_key": deliverable_key}
    with locked(place.learner_id):
        row = SubmissionDraft.objects.filter(**own).first()
        if row is not None and row.document == draft:
            return _draft_of(row)
        if revision != (row.revision if row else 0):
            raise GradebookError("draft_conflict", "revision")
        row = row or SubmissionDraft(**own, revision=0)
        row.document, row.block_key, row.saved_at = draft, block_key, now
        row.revision += 1
        row.save()
        return _draft_of(row)


@retried
def submit_deliverable(
    learner: Learner,
    *,
    module_key: str,
    deliverable_key: str,
    block_key: str,
    definition: dict[str, Any],
    document: dict[str, Any],
    uuid: UUID,
    now: datetime,
) -> SubmissionView:
    """Hand in a new version. Until one is accepted, a newer version replaces the one that waits."""
    place = find_place(learner)
    module, deliverable = get_deliverable(get_rules_of(learner, place), deliverable_key)
    if module.key != module_key:
        raise GradebookError("module_unknown", "module_key")
    form = _read_definition(definition, deliverable_key)
    work = _read_document(form, document)
    place = open_place(learner, place, now=now, uuid=uuid, fact_type=Submission)
    with fact(place, now) as journal:
        found = Submission.objects.select_related("rating").filter(uuid=uuid).first()
        if found is not None:
            if (found.learner_id, found.block_key) != (place.learner_id, block_key):
                raise GradebookError("uuid_reused", "uuid")
            return submission_view(found, place)
        last = _list_versions(place, deliverable_key).first()
        if last is not None and last.state == Submission.State.ACCEPTED:
            raise GradebookError("already_accepted", deliverable_key)
        if last is not None:
            Submission.objects.filter(pk=last.pk, state=Submission.State.SUBMITTED).update(
                state=Submission.State.REPLACED
            )
        submission = _create_submission(place, module, form, work, block_key, uuid=uuid, now=now)
        SubmissionDraft.objects.filter(
            learner_id=place.learner_id, course_id=place.run.id, deliverable_key=deliverable_key
        ).delete()
        journal.record(
            events.DeliverableSubmitted,
            submission_uuid=uuid,
            deliverable_key=deliverable_key,
            version=submission.version,
            digest=submission.digest,
        )
        if deliverable.accepted_by is AcceptedBy.AUTOMATIC and not submission.is_drawn:
            _accept_if_complete(journal, submission, deliverable, form, work, now=now)
        standings.refresh(place, journal, now=now)
        return submission_view(submission, place)


def get_deliverable_state(learner: Learner, deliverable_key: str) -> DeliverableState:
    """Return draft, versions and last rating of one deliverable; nothing is written."""
    place = find_place(learner)
    get_deliverable(get_rules_of(learner, place), deliverable_key)
    if place is None:
        return DeliverableState(deliverable_key, "none", None, (), None)
    row = SubmissionDraft.objects.filter(
        learner_id=place.learner_id, course_id=place.run.id, deliverable_key=deliverable_key
    ).first()
    versions = tuple(submission_view(version, place) for version in _list_versions(place, deliverable_key))
    draft = _draft_of(row) if row else None
    return DeliverableState(
        deliverable_key=deliverable_key,
        state=versions[0].state if versions else "draft" if draft else "none",
        draft=draft,
        versions=versions,
        rating=next((version.rating for version in versions if version.rating), None),
    )


def get_deliverable(rules: Manifest, deliverable_key: str) -> tuple[Module, Deliverable]:
    found = rules.find_deliverable(deliverable_key)
    if found is None:
        raise GradebookError("deliverable_unknown", "deliverable_key")
    return found


# --- what is shown --------------------------------------------------------------------------------


def submission_view(
    submission: Submission, place: Place, *, claimed_until: datetime | None = None
) -> SubmissionView:
    rating = getattr(submission, "rating", None)
    return SubmissionView(
        uuid=submission.uuid,
        module_key=submission.module_key,
        deliverable_key=submission.deliverable_key,
        title=submission.definition["title"],
        version=submission.version,
        state=submission.state,
        definition=submission.definition,
        document=submission.document,
        submitted_at=submission.submitted_at,
        short_code=place.short_code,
        cohort_key=place.cohort_key,
        claimed_until=claimed_until,
        rating=rating_view(rating, submission.uuid) if rating else None,
    )


def rating_view(rating: Rating, submission_uuid: UUID) -> RatingView:
    return RatingView(
        uuid=rating.uuid,
        submission_uuid=submission_uuid,
        by=rating.by,
        outcome=rating.outcome,
        levels=rating.levels,
        comments=rating.comments,
        score=rating.score,
        max_score=rating.max_score,
        rubric_version=rating.rubric_version,
        rated_at=rating.rated_at,
    )


def _draft_of(row: SubmissionDraft) -> Draft:
    return Draft(document=row.document, revision=row.revision, saved_at=row.saved_at)


def _list_versions(place: Place, deliverable_key: str) -> Any:
    return (
        Submission.objects.filter(
            learner_id=place.learner_id,
            course_id=place.run.id,
            deliverable_key=deliverable_key,
            withdrawn_at=None,
        )
        .select_related("rating")
        .order_by("-version")
    )


# --- what is read ---------------------------------------------------------------------------------


def _read_draft(document: object) -> dict[str, Any]:
    try:
        draft = read_draft(document)
    except DocumentError as error:
        raise _document_invalid(error) from error
    if len(canonical_json(draft)) > DRAFT_BYTES_AT_MOST:
        raise GradebookError("document_invalid", "document", reason=f"> {DRAFT_BYTES_AT_MOST // 1024} kB")
    return draft


def _read_definition(raw: object, deliverable_key: str) -> Definition:
    try:
        definition = read_definition(raw)
    except GradingError as error:
        raise GradebookError("definition_invalid", error.field) from error
    if definition.key != deliverable_key:
        raise GradebookError("definition_invalid", "key")
    return definition


def _read_document(definition: Definition, raw: object) -> Document:
    try:
        return read_document(definition, raw)
    except DocumentError as error:
        raise _document_invalid(error) from error


def _document_invalid(error: DocumentError) -> DocumentInvalid:
    first = error.problems[0]
    return DocumentInvalid(error.problems, field=first.field, reason=first.message)


# --- what is written ------------------------------------------------------------------------------


def _create_submission(
    place: Place,
    module: Module,
    form: Definition,
    work: Document,
    block_key: str,
    *,
    uuid: UUID,
    now: datetime,
) -> Submission:
    document = work.to_dict()
    submission = Submission.objects.create(
        uuid=uuid,
        learner_id=place.learner_id,
        course_id=place.run.id,
        enrolment_id=place.enrolment_id,
        module_key=module.key,
        deliverable_key=form.key,
        block_key=block_key,
        version=_last_version(place, form.key) + 1,
        state=Submission.State.SUBMITTED,
        definition=form.to_dict(),
        document=document,
        digest=digest(document),
        is_drawn=is_drawn(str(place.learner_uuid), form.key, percent=REVIEWED_PERCENT),
        rule_version=place.run.rule_version,
        submitted_at=now,
    )
    RatingClaim.objects.create(submission=submission)
    return submission


def _last_version(place: Place, deliverable_key: str) -> int:
    # Withdrawn versions keep their number.
    own = Submission.objects.filter(
        learner_id=place.learner_id, course_id=place.run.id, deliverable_key=deliverable_key
    )
    return own.order_by("-version").values_list("version", flat=True).first() or 0


def _accept_if_complete(
    journal: Journal,
    submission: Submission,
    deliverable: Deliverable,
    form: Definition,
    work: Document,
    *,
    now: datetime,
) -> None:
    """Accept work whose numbers add up and whose self-check is complete; anything else waits for a person."""
    computed = compute(form, work)
    adds_up = all(
        computed[field.key] is not None for field in form.fields if isinstance(field, ComputedField)
    )
    if not adds_up or not is_self_check_complete(form, work):
        return
    rating = Rating.objects.create(
        uuid=uuid4(),
        submission=submission,
        by=Rating.By.AUTOMATIC,
        rubric_version=deliverable.rubric_version,
        levels={},
        comments={},
        outcome=events.RatingOutcome.ACCEPTED,
        score=0,
        max_score=0,
        rated_at=now,
    )
    record_rating(journal, submission, rating, rater_uuid=None)


def record_rating(
    journal: Journal, submission: Submission, rating: Rating, *, rater_uuid: UUID | None
) -> None:
    """Move the submission to what its rating says, and say it."""
    submission.state = (
        Submission.State.ACCEPTED
        if rating.outcome == events.RatingOutcome.ACCEPTED
        else Submission.State.RETURNED
    )
    submission.mirror_at = rating.rated_at
    submission.save(update_fields=["state", "mirror_at"])
    journal.record(
        events.DeliverableRated,
        submission_uuid=submission.uuid,
        rating_uuid=rating.uuid,
        by=events.RatedBy(rating.by),
        rater_uuid=rater_uuid,
        rubric_version=rating.rubric_version,
        levels=tuple(
            events.RatedCriterion(criterion_key=key, points=points) for key, points in rating.levels.items()
        ),
        outcome=events.RatingOutcome(rating.outcome),
    )
