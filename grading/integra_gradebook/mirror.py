"""Shows scores and completion in the LMS's own gradebook: a mirror, made by the relay and never in a request.

Where the platform's apps are absent (the embedded classroom), there is nothing to mirror into.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from integra_gradebook.attempt_forms import HAS_CUT
from integra_gradebook.models import Attempt, Standing, Submission
from integra_gradebook.places import get_rules
from integra_grading.bypass import BypassOutcome
from integra_grading.standing import ModuleState

log = logging.getLogger(__name__)

PAUSE_AFTER_FAILURE = timedelta(minutes=5)
# One type per block for ever: the LMS refuses a second one for the same learner and block.
ITEM_TYPES = {Standing: "integra_module", Attempt: "integra_test", Submission: "integra_deliverable"}


@dataclass(frozen=True, slots=True)
class Score:
    """What the LMS should show for one learner and block; ``earned`` 0: no score at all.

    ``also_complete``: the blocks an exemption completes besides, so that the outline turns green.
    """

    user_id: int
    course_key: str
    block_key: str
    item_type: str
    earned: int
    possible: int
    is_complete: bool
    also_complete: tuple[str, ...] = ()


def mirror_pending(limit: int) -> int:
    """Bring at most ``limit`` rows into the LMS; return how many were. A failing one waits, others go on."""
    if not _is_in_lms():
        return 0
    now = timezone.now()
    done = 0
    for model, read in SOURCES:
        due = model._default_manager.filter(mirror_at__lte=now).order_by("mirror_at", "pk")
        for pk in due.values_list("pk", flat=True)[: limit - done]:
            done += _mirror_one(model, read, pk, now=now)
    return done


def mirror_again(course_key: str) -> int:
    """Mark everything of a run to be mirrored once more, after its blocks became visible."""
    now = timezone.now()
    standings = Standing.objects.filter(course__course_key=course_key).exclude(module_key="")
    posts = Attempt.objects.filter(
        course__course_key=course_key, kind__in=HAS_CUT, submitted_at__isnull=False
    )
    works = Submission.objects.filter(
        course__course_key=course_key, state__in=[Submission.State.ACCEPTED, Submission.State.RETURNED]
    )
    return sum(rows.update(mirror_at=now) for rows in (standings, posts, works))


def _is_in_lms() -> bool:
    return apps.is_installed("submissions") and apps.is_installed("common.djangoapps.student")


def _mirror_one(
    model: type[models.Model], read: Callable[[Any], Score | None], pk: int, *, now: datetime
) -> int:
    rows = model._default_manager.filter(pk=pk)
    try:
        # Not the learner's row: a slow platform must not keep the learner from working.
        with transaction.atomic():
            rows.update(mirror_at=F("mirror_at"))
            row = rows.select_related("learner", "course").get()
            score = read(row)
            if score is not None:
                _write_score(score)
                _write_completion(score)
            shown: dict[str, Any] = {"mirror_at": None}
            if isinstance(row, Standing):
                shown["mirrored_revision"] = row.revision
            rows.update(**shown)
    except Exception:  # the platform's own receivers may raise anything, a missing broker for one
        log.exception("Mirroring %s %s failed; it is tried again.", model.__name__, pk)
        rows.update(mirror_at=now + PAUSE_AFTER_FAILURE)
        return 0
    return 1


# --- what should be shown -------------------------------------------------------------------------


def _read_standing(row: Standing) -> Score | None:
    is_reached = row.state != ModuleState.OPEN
    block_key = _usage_key(row.course.course_key, "integra_module", row.module_key)
    score = _score(row, block_key, int(is_reached), 1, is_complete=is_reached)
    if score is None or row.state != ModuleState.EXEMPT:
        return score
    return replace(score, also_complete=_leaves_of_exempt(row))


def _leaves_of_exempt(row: Standing) -> tuple[str, ...]:
    """Return the lessons and practices of an exempt module. Leaves only: a subsection's own row would lie.

    Their names follow from the unit's (docs/interfaces.md, section 2). What everybody must do is left out.
    """
    course_key = row.course.course_key
    module = get_rules(course_key).find_module(row.module_key)
    leaves = []
    for unit in module.units if module else ():
        if not unit.always_required:
            leaves.append(_usage_key(course_key, "integra_lesson", f"{unit.key}-leccion"))
            leaves += [
                _usage_key(course_key, "integra_practice", practice.key) for practice in unit.practices
            ]
    return tuple(leaves)


def _read_attempt(row: Attempt) -> Score | None:
    sent = Attempt.objects.filter(
        learner_id=row.learner_id, block_key=row.block_key, voided_at=None, submitted_at__isnull=False
    )
    # The first form of an evaluation whose second one is due has not ended anything.
    best = sent.exclude(outcome=BypassOutcome.SECOND_FORM).order_by("-score").first()
    # A pre-test has no score to show, and an evaluation's counts only through the module's standing.
    is_shown = best is not None and row.kind in HAS_CUT
    earned, possible = (best.score or 0, best.max_score) if best and is_shown else (0, 0)
    return _score(row, row.block_key, earned, possible, is_complete=best is not None)


def _read_submission(row: Submission) -> Score | None:
    is_accepted = Submission.objects.filter(
        learner_id=row.learner_id,
        course_id=row.course_id,
        deliverable_key=row.deliverable_key,
        state=Submission.State.ACCEPTED,
        withdrawn_at=None,
    ).exists()
    return _score(row, row.block_key, int(is_accepted), 1, is_complete=is_accepted)


SOURCES: tuple[tuple[type[models.Model], Callable[[Any], Score | None]], ...] = (
    (Standing, _read_standing),
    (Attempt, _read_attempt),
    (Submission, _read_submission),
)


def _score(row: Any, block_key: str, earned: int, possible: int, *, is_complete: bool) -> Score | None:
    """Return what to show, or None for a retired person: nobody is left to show it to."""
    if row.learner.user_id is None:
        return None
    return Score(
        user_id=row.learner.user_id,
        course_key=row.course.course_key,
        block_key=block_key,
        item_type=ITEM_TYPES[type(row)],
        earned=earned,
        possible=possible,
        is_complete=is_complete,
    )


def _usage_key(course_key: str, block_type: str, block_id: str) -> str:
    from opaque_keys.edx.keys import CourseKey

    return str(CourseKey.from_string(course_key).make_usage_key(block_type, block_id))


# --- the platform ---------------------------------------------------------------------------------
# Imported where used: these packages exist in an LMS only.


def _write_score(score: Score) -> None:
    from common.djangoapps.student.models import anonymous_id_for_user
    from opaque_keys.edx.keys import CourseKey
    from submissions import api as submissions

    user = get_user_model()._default_manager.get(pk=score.user_id)
    item = {
        "student_id": anonymous_id_for_user(user, CourseKey.from_string(score.course_key)),
        "course_id": score.course_key,
        "item_id": score.block_key,
        "item_type": score.item_type,
    }
    shown = submissions.get_score(item)
    if score.earned == 0:
        # Nothing reached yet: no score is made, and one that was lost is taken away.
        if shown and shown["points_earned"]:
            submissions.reset_score(item["student_id"], item["course_id"], item["item_id"])
        return
    if shown and (shown["points_earned"], shown["points_possible"]) == (score.earned, score.possible):
        # The LMS may have the score and not show it, where the block was hidden when it came.
        submissions.score_set.send(
            sender=None,
            points_possible=score.possible,
            points_earned=score.earned,
            anonymous_user_id=item["student_id"],
            course_id=item["course_id"],
            item_id=item["item_id"],
            created_at=shown["created_at"],
        )
        return
    sent = submissions.get_submissions(item, limit=1)
    submission = sent[0] if sent else submissions.create_submission(item, {"v": 1}, attempt_number=1)
    submissions.set_score(submission["uuid"], score.earned, score.possible)


def _write_completion(score: Score) -> None:
    if not apps.is_installed("completion"):
        return
    from completion.models import BlockCompletion
    from completion.waffle import ENABLE_COMPLETION_TRACKING_SWITCH
    from opaque_keys.edx.keys import CourseKey, UsageKey

    if not ENABLE_COMPLETION_TRACKING_SWITCH.is_enabled():
        return
    user = get_user_model()._default_manager.get(pk=score.user_id)
    course_key = CourseKey.from_string(score.course_key)
    for leaf in score.also_complete:
        BlockCompletion.objects.submit_completion(
            user, UsageKey.from_string(leaf).map_into_course(course_key), 1.0
        )
    key = UsageKey.from_string(score.block_key).map_into_course(course_key)
    if score.is_complete or BlockCompletion.objects.filter(user=user, block_key=key).exists():
        BlockCompletion.objects.submit_completion(user, key, 1.0 if score.is_complete else 0.0)
