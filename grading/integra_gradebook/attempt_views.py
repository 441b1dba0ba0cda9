"""An attempt as its learner may see it: no key, no feedback, no score before its time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from integra_gradebook import bypass
from integra_gradebook.attempt_forms import HAS_CUT, get_cut_rules
from integra_gradebook.models import Attempt, AttemptResponse
from integra_gradebook.places import Place
from integra_gradebook.results import AttemptView
from integra_gradebook.versions import items_of
from integra_grading.bypass import BypassOutcome
from integra_grading.item_view import show_item


def view_of(attempt: Attempt, place: Place) -> AttemptView:
    drawn = list_drawn(attempt)
    items = items_of(drawn)
    is_submitted = attempt.submitted_at is not None
    is_failed_bypass = attempt.outcome == BypassOutcome.TAKE_MODULE
    attempts_left, available_at = _what_is_left(attempt, place)
    return AttemptView(
        uuid=attempt.uuid,
        kind=attempt.kind,
        block_key=attempt.block_key,
        ordinal=attempt.ordinal,
        stage=attempt.stage,
        form_key=attempt.form_key,
        state="submitted" if is_submitted else "open",
        items=tuple(show_item(items[row.item_key], row.option_order) for row in drawn),
        responses=responses_of(drawn),
        allows_unknown=attempt.kind == Attempt.Kind.PRE,
        started_at=attempt.started_at,
        deadline_at=attempt.deadline_at,
        submitted_at=attempt.submitted_at,
        score=attempt.score if attempt.kind in HAS_CUT else None,
        max_score=attempt.max_score,
        cut=attempt.cut if attempt.kind in HAS_CUT else None,
        outcome=attempt.outcome or None,
        outcomes_to_study=bypass.list_outcomes_to_study(attempt) if is_failed_bypass else (),
        attempts_left=attempts_left,
        available_at=available_at,
        mode=attempt.mode,
    )


def list_drawn(attempt: Attempt) -> list[AttemptResponse]:
    """Return the attempt's items in their places, with the digests of their versions."""
    return list(attempt.drawn.select_related("item_version").defer("item_version__content"))


def responses_of(drawn: Iterable[AttemptResponse]) -> dict[str, dict[str, Any]]:
    """Return what was answered so far, by item key."""
    return {row.item_key: row.response for row in drawn if row.response is not None}


def _what_is_left(attempt: Attempt, place: Place) -> tuple[int, datetime | None]:
    """Return how many attempts remain after this one, and from when, for a submitted post-test."""
    if attempt.kind not in HAS_CUT or attempt.submitted_at is None or attempt.outcome == "passed":
        return 0, None
    rules = get_cut_rules(place.run.rules, attempt.kind, attempt.bank_id)
    used = Attempt.objects.filter(
        learner_id=attempt.learner_id,
        course_id=attempt.course_id,
        kind=attempt.kind,
        block_key=attempt.block_key,
        voided_at=None,
    ).count()
    left = max(0, rules.max_attempts - used)
    return left, attempt.submitted_at + timedelta(hours=rules.wait_hours) if left else None
