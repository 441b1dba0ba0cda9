"""The facilitator's desk: what waits, who reads it, and how it was rated. Own cohorts only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from integra_gradebook import standings
from integra_gradebook.deliverables import get_deliverable, rating_view, record_rating, submission_view
from integra_gradebook.enrolments import ensure_pseudonym
from integra_gradebook.errors import GradebookError
from integra_gradebook.journal import fact
from integra_gradebook.models import Rating, RatingClaim, Submission
from integra_gradebook.places import Place, access_cohorts, get_place
from integra_gradebook.results import Queue, QueueRow, RatingView, SubmissionView
from integra_gradebook.writing import retried
from integra_grading.errors import GradingError
from integra_grading.events import RatingOutcome
from integra_grading.rubric import RatedLevels, Rubric, rate
from integra_grading.text import has_bad_character, normalise

LEASE = timedelta(minutes=20)
COMMENT_LENGTH = 2000
PAGE_AT_MOST = 200
WHOLE_WORK = ""  # the comment that belongs to no criterion


def list_queue(
    rater_user_id: int, course_key: str, *, now: datetime, after: str | None = None, limit: int = 50
) -> Queue:
    """Return what waits for a rating in the facilitator's cohorts, oldest first; never their own work."""
    cohorts = access_cohorts(rater_user_id, course_key, now=now)
    waiting = Submission.objects.filter(
        course__course_key=course_key,
        state=Submission.State.SUBMITTED,
        withdrawn_at=None,
        enrolment__cohort_id__in=cohorts,
    ).exclude(learner__user_id=rater_user_id)
    page = waiting
    if after is not None:
        submitted_at, pk = _read_cursor(after)
        page = waiting.filter(Q(submitted_at__gt=submitted_at) | Q(submitted_at=submitted_at, pk__gt=pk))
    size = max(1, min(limit, PAGE_AT_MOST))
    rows = list(
        page.order_by("submitted_at", "pk")
        .select_related("learner", "enrolment__cohort", "claim")
        .defer("document")[: size + 1]
    )
    shown = rows[:size]
    return Queue(
        rows=tuple(_queue_row(row, rater_user_id, now=now) for row in shown),
        next_after=_write_cursor(shown[-1]) if len(rows) > size else None,
        waiting_count=waiting.count(),
    )


@retried
def claim_submission(
    rater_user_id: int, course_key: str, *, submission_uuid: UUID, now: datetime
) -> SubmissionView:
    """Take a submission for a while, or renew it: one conditional UPDATE, so that only one person has it."""
    submission = _access_submission(rater_user_id, course_key, submission_uuid, now=now)
    _require_waiting(submission)
    until = now + LEASE
    taken = (
        RatingClaim.objects.filter(submission_id=submission.pk)
        .filter(Q(rater_user_id=None) | Q(rater_user_id=rater_user_id) | Q(expires_at__lte=now))
        .update(rater_user_id=rater_user_id, expires_at=until)
    )
    if not taken:
        raise GradebookError("claimed_by_other", "submission_uuid")
    return submission_view(submission, get_place(submission.enrolment_id), claimed_until=until)


@retried
def rate_submission(
    rater_user_id: int,
    course_key: str,
    *,
    submission_uuid: UUID,
    levels: dict[str, int],
    comments: dict[str, str],
    outcome: str,
    uuid: UUID,
    now: datetime,
) -> RatingView:
    """Rate the latest version once. The learner's row is the lock: their next version waits for it."""
    submission = _access_submission(rater_user_id, course_key, submission_uuid, now=now)
    place = get_place(submission.enrolment_id)
    rubric = _get_rubric(place, submission)
    rated = _read_levels(rubric, levels, outcome)
    texts = _read_comments(rubric, comments)
    repeated = _find_repeated(submission, rater_user_id, uuid)
    if repeated is not None:
        return rating_view(repeated, submission.uuid)
    _require_waiting(submission)
    _require_claim(submission, rater_user_id)
    rater = ensure_pseudonym(rater_user_id, now=now)
    with fact(place, now) as journal:
        repeated = _find_repeated(submission, rater_user_id, uuid)
        if repeated is not None:
            return rating_view(repeated, submission.uuid)
        submission = Submission.objects.get(pk=submission.pk)
        _require_waiting(submission)
        _require_claim(submission, rater_user_id)
        rating = Rating.objects.create(
            uuid=uuid,
            submission=submission,
            rater=rater,
            by=Rating.By.FACILITATOR,
            rubric_version=rubric.version,
            levels={criterion.key: levels[criterion.key] for criterion in rubric.criteria},
            comments=texts,
            outcome=outcome,
            score=rated.points,
            max_score=rated.max_score,
            rated_at=now,
        )
        record_rating(journal, submission, rating, rater_uuid=rater.learner_uuid)
        standings.refresh(place, journal, now=now)
        return rating_view(rating, submission.uuid)


def _access_submission(
    rater_user_id: int, course_key: str, submission_uuid: UUID, *, now: datetime
) -> Submission:
    """Return a submission of the facilitator's cohorts; missing and another cohort's look alike."""
    cohorts = access_cohorts(rater_user_id, course_key, now=now)
    submission = (
        Submission.objects.select_related("learner", "rating")
        .filter(
            uuid=submission_uuid,
            course__course_key=course_key,
            enrolment__cohort_id__in=cohorts,
            withdrawn_at=None,
        )
        .first()
    )
    if submission is None:
        raise GradebookError("submission_unknown", "submission_uuid")
    if submission.learner.user_id == rater_user_id:
        raise GradebookError("own_work", "submission_uuid")
    return submission


def _require_waiting(submission: Submission) -> None:
    if submission.state == Submission.State.REPLACED:
        raise GradebookError("submission_replaced", "submission_uuid")
    if submission.state != Submission.State.SUBMITTED:
        raise GradebookError("already_rated", "submission_uuid")


def _require_claim(submission: Submission, rater_user_id: int) -> None:
    # An expired claim still counts while nobody else has taken the work.
    if not RatingClaim.objects.filter(submission_id=submission.pk, rater_user_id=rater_user_id).exists():
        raise GradebookError("not_claimed", "submission_uuid")


def _find_repeated(submission: Submission, rater_user_id: int, uuid: UUID) -> Rating | None:
    found = Rating.objects.select_related("rater").filter(uuid=uuid).first()
    if found is None:
        return None
    if found.submission_id != submission.pk or found.rater is None or found.rater.user_id != rater_user_id:
        raise GradebookError("uuid_reused", "uuid")
    return found


def _get_rubric(place: Place, submission: Submission) -> Rubric:
    _, deliverable = get_deliverable(place.run.rules, submission.deliverable_key)
    rubric = place.run.rules.find_rubric(deliverable.rubric_version)
    if rubric is None:
        raise GradebookError("deliverable_unknown", deliverable.rubric_version)
    return rubric


def _read_levels(rubric: Rubric, levels: object, outcome: str) -> RatedLevels:
    try:
        rated = rate(rubric, levels)
    except GradingError as error:
        raise GradebookError("levels_invalid", error.field) from error
    if outcome not in tuple(RatingOutcome):
        raise GradebookError("outcome_invalid", "outcome")
    if outcome == RatingOutcome.ACCEPTED and not rated.is_accepted:
        raise GradebookError("below_cut", "outcome")
    return rated


def _read_comments(rubric: Rubric, comments: object) -> dict[str, str]:
    known = {criterion.key for criterion in rubric.criteria} | {WHOLE_WORK}
    if not isinstance(comments, dict) or not comments.keys() <= known:
        raise GradebookError("comment_invalid", "comments")
    texts = {}
    for key, comment in comments.items():
        if not isinstance(comment, str) or len(comment) > COMMENT_LENGTH:
            raise GradebookError("comment_invalid", key)
        text = normalise(comment)
        if has_bad_character(text, multiline=True):
            raise GradebookError("comment_invalid", key)
        if text:
            texts[key] = text
    return texts


def _queue_row(row: Submission, rater_user_id: int, *, now: datetime) -> QueueRow:
    claim = row.claim
    is_held = claim.rater_user_id is not None and claim.expires_at is not None and now < claim.expires_at
    return QueueRow(
        submission_uuid=row.uuid,
        short_code=row.learner.short_code,
        cohort_key=row.enrolment.cohort.key,
        module_key=row.module_key,
        deliverable_key=row.deliverable_key,
        title=row.definition["title"],
        version=row.version,
        submitted_at=row.submitted_at,
        is_claimed=is_held and claim.rater_user_id != rater_user_id,
        is_mine=is_held and claim.rater_user_id == rater_user_id,
    )


def _write_cursor(row: Submission) -> str:
    return f"{row.submitted_at.astimezone(UTC).isoformat()}_{row.pk}"


def _read_cursor(after: str) -> tuple[datetime, int]:
    moment, _, pk = after.partition("_")
    try:
        submitted_at = datetime.fromisoformat(moment)
    except ValueError as error:
        raise GradebookError("cursor_invalid", "after") from error
    if submitted_at.tzinfo is None or not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        raise GradebookError("cursor_invalid", "after")
    return submitted_at, int(pk)
