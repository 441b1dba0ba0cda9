"""What staff correct in the LMS: "delete state", "rescore" and "override score". Facts are kept, never changed.

A correction voids the attempt it corrects and, where there is a new result, makes a copy of it with that result. The
service is told with the events it knows: the old attempt voided, the new one submitted.

None of these is a durable transaction: the platform's instructor tasks call them inside their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.db.models import QuerySet

from integra_gradebook import standings
from integra_gradebook.attempt_forms import HAS_CUT, get_bank_entry
from integra_gradebook.attempt_views import list_drawn
from integra_gradebook.attempts import decide_outcome, record_assessment, score_answer
from integra_gradebook.enrolments import get_rules_of
from integra_gradebook.errors import GradebookError
from integra_gradebook.journal import Journal
from integra_gradebook.models import Attempt, AttemptResponse, Submission
from integra_gradebook.places import Place, find_place
from integra_gradebook.results import Bank, Learner
from integra_gradebook.versions import store_versions
from integra_gradebook.writing import locked, retried
from integra_grading import events
from integra_grading.errors import ResponseError
from integra_grading.items import Item, presentation


@dataclass(frozen=True, slots=True)
class Corrected:
    """What an attempt would be after its correction; ``items`` are those whose version is another now.

    ``bank_digest`` is the bank's whose items were scored.
    """

    score: int
    points: dict[str, int]
    items: dict[str, Item]
    bank_digest: str


Correction = Callable[[Attempt, list[AttemptResponse]], Corrected]
STATE_DELETED, RESCORED, OVERRIDDEN = "state_deleted", "rescored", "overridden"


@retried
def void_block(learner: Learner, *, block_key: str, now: datetime) -> int:
    """Let nothing a learner did in a block count any more; return how many facts that were. Repeats harmlessly.

    Exemptions of a voided sitting stop counting with it. The mirror takes score and completion back.
    """
    place = find_place(learner)
    if place is None:
        return 0
    with locked(place.learner_id, durable=False):
        journal = Journal(place, now)
        own = {"learner_id": place.learner_id, "block_key": block_key}
        attempts = list(Attempt.objects.filter(**own, voided_at=None).order_by("ordinal"))
        for attempt in attempts:
            _void(attempt, journal, STATE_DELETED, now=now)
        works = list(Submission.objects.filter(**own, withdrawn_at=None).order_by("version"))
        for work in works:
            Submission.objects.filter(pk=work.pk).update(withdrawn_at=now, mirror_at=now)
            journal.record(events.SubmissionWithdrawn, submission_uuid=work.uuid, reason=STATE_DELETED)
        if attempts or works:
            standings.refresh(place, journal, now=now)
        journal.say()
        return len(attempts) + len(works)


@retried
def rescore_block(
    learner: Learner, *, block_key: str, bank: Bank, now: datetime, only_if_higher: bool = False
) -> int:
    """Score the learner's submitted attempts in a test with the items as they are now; return how many changed.

    An item that is gone, or that the stored answer no longer fits (an option was added or taken out), keeps the
    version and the points it had.

    Raises:
        GradebookError: ``bank_mismatch`` where the bank is not the registered one: its items decide certificates.
    """
    current = {item.key: item for item in bank.items}
    rules = get_rules_of(learner, find_place(learner))

    def correct(attempt: Attempt, drawn: list[AttemptResponse]) -> Corrected:
        entry = get_bank_entry(rules, attempt.kind, bank)
        points, items = _points_of(drawn), {}
        for row in drawn:
            item = current.get(row.item_key)
            if item is not None and _fits(item, row):
                items[row.item_key] = item
                points[row.item_key] = score_answer(item, row.response)
        score = sum(points.values())
        if only_if_higher and score <= (attempt.score or 0):
            return Corrected(attempt.score or 0, _points_of(drawn), {}, attempt.bank_digest)
        return Corrected(score, points, items, entry.digest)

    return _correct(learner, block_key, correct, RESCORED, now=now)


@retried
def override_score(learner: Learner, *, block_key: str, score: int, now: datetime) -> int:
    """Give the attempt sent last in a test another score; return how many changed: 1, or 0 where it had that score.

    Raises:
        GradebookError: ``attempt_unknown`` where nothing was sent; ``score_invalid`` outside 0 and the maximum.
    """

    def correct(attempt: Attempt, drawn: list[AttemptResponse]) -> Corrected:
        if not 0 <= score <= attempt.max_score:
            raise GradebookError("score_invalid", "score")
        return Corrected(score, _points_of(drawn), {}, attempt.bank_digest)

    if not has_submitted(learner, block_key=block_key):
        raise GradebookError("attempt_unknown", "block_key")
    return _correct(learner, block_key, correct, OVERRIDDEN, now=now, only_last=True)


def has_submitted(learner: Learner, *, block_key: str) -> bool:
    """Return whether there is an attempt that could be corrected."""
    return _corrigible(find_place(learner), block_key).exists()


def find_score(learner: Learner, *, block_key: str) -> tuple[int, int] | None:
    """Return points and maximum of the best attempt in a block, for the platform's staff."""
    best = _corrigible(find_place(learner), block_key).order_by("-score").first()
    return (best.score or 0, best.max_score) if best else None


def _corrigible(place: Place | None, block_key: str) -> QuerySet[Attempt]:
    return Attempt.objects.filter(
        learner_id=place.learner_id if place else None,
        block_key=block_key,
        kind__in=HAS_CUT,
        voided_at=None,
        submitted_at__isnull=False,
    ).order_by("submitted_at", "pk")


def _points_of(drawn: list[AttemptResponse]) -> dict[str, int]:
    return {row.item_key: row.points or 0 for row in drawn}


def _fits(item: Item, row: AttemptResponse) -> bool:
    """Return whether ``item`` has the parts that were shown, so that what was answered can be read and shown again."""
    if sorted(presentation(item, "")) != sorted(row.option_order):
        return False
    try:
        score_answer(item, row.response)
    except ResponseError:
        return False
    return True


def _correct(
    learner: Learner,
    block_key: str,
    correct: Correction,
    reason: str,
    *,
    now: datetime,
    only_last: bool = False,
) -> int:
    place = find_place(learner)
    if place is None:
        return 0
    changed = 0
    with locked(place.learner_id, durable=False):
        journal = Journal(place, now)
        attempts = list(_corrigible(place, block_key))
        for attempt in attempts[-1:] if only_last else attempts:
            changed += _replace(place, journal, attempt, correct, reason, now=now)
        if changed:
            standings.refresh(place, journal, now=now)
        journal.say()
    return changed


def _replace(
    place: Place, journal: Journal, attempt: Attempt, correct: Correction, reason: str, *, now: datetime
) -> bool:
    """Void the attempt and store its corrected copy; nothing where the correction changes nothing."""
    drawn = list_drawn(attempt)
    corrected = correct(attempt, drawn)
    if corrected.score == attempt.score and corrected.points == {row.item_key: row.points for row in drawn}:
        return False
    _void(attempt, journal, reason, now=now)
    last = Attempt.objects.filter(learner_id=place.learner_id, block_key=attempt.block_key).order_by(
        "-ordinal"
    )
    attempt.pk, attempt.uuid = None, uuid4()
    attempt.ordinal = (last.values_list("ordinal", flat=True).first() or 0) + 1
    attempt.score = corrected.score
    attempt.bank_digest = corrected.bank_digest
    attempt.outcome = decide_outcome(attempt, place.run.rules)
    attempt.mirror_at = now
    attempt.save(force_insert=True)
    versions = store_versions(corrected.items.values(), now=now)
    for row in drawn:
        row.pk, row.attempt_id = None, attempt.pk
        row.points = corrected.points[row.item_key]
        row.item_version_id = versions.get(row.item_key, row.item_version_id)
    AttemptResponse.objects.bulk_create(drawn)
    record_assessment(journal, attempt, list_drawn(attempt))
    return True


def _void(attempt: Attempt, journal: Journal, reason: str, *, now: datetime) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(voided_at=now, void_reason=reason, mirror_at=now)
    # The service never heard of an attempt that was not sent.
    if attempt.submitted_at is not None:
        journal.record(events.AttemptVoided, attempt_uuid=attempt.uuid, reason=reason)
