"""Derives what a learner has reached from the facts, keeps the result as a cache, and says what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from integra_gradebook.errors import GradebookError
from integra_gradebook.journal import Journal
from integra_gradebook.models import (
    Attempt,
    Exemption,
    LessonCompletion,
    PracticeAnswer,
    Standing,
    Submission,
    UnitCompletion,
)
from integra_gradebook.places import Place, find_place, get_rules
from integra_gradebook.results import Learner
from integra_grading import events
from integra_grading.bypass import BypassOutcome
from integra_grading.forms import CutAttempt
from integra_grading.manifest import Manifest, Module
from integra_grading.standing import (
    CourseFacts,
    CourseStanding,
    DeliverableState,
    ModuleFacts,
    ModuleStanding,
    decide_course,
    decide_module,
)

COURSE = ""  # the module key of the course's own row


def load_facts(place: Place) -> CourseFacts:
    """Read everything the rules ask about one learner in one run: six statements, whatever the course."""
    own = {"learner_id": place.learner_id, "course_id": place.run.id}
    units = frozenset(UnitCompletion.objects.filter(**own).values_list("unit_key", flat=True))
    lessons = frozenset(LessonCompletion.objects.filter(**own).values_list("unit_key", flat=True))
    right = frozenset(
        PracticeAnswer.objects.filter(**own, is_right=True).values_list("item_key", flat=True).distinct()
    )
    deliverables = dict(
        # Ascending, so that the latest version of each deliverable is what remains.
        Submission.objects.filter(**own, withdrawn_at=None)
        .order_by("version")
        .values_list("deliverable_key", "state")
    )
    exempted = frozenset(list_exemptions(place).values_list("module_key", flat=True))
    attempts = _load_attempts(place)
    return CourseFacts(
        modules={
            module.key: _facts_of_module(
                module,
                units,
                lessons,
                right,
                deliverables,
                exempted,
                attempts.bypass_outcomes.get(module.key),
            )
            for module in place.run.rules.modules
        },
        post_attempts=tuple(attempts.posts),
        closing_attempts={
            closing.area: tuple(attempts.closings.get(closing.bank, ()))
            for closing in place.run.rules.closing
        },
    )


def as_cut_attempt(submitted_at: datetime | None, score: int | None, max_score: int) -> CutAttempt:
    if submitted_at is None or score is None:
        raise ValueError("Only a submitted attempt counts.")
    return CutAttempt(submitted_at=submitted_at, score=score, max_score=max_score)


def list_exemptions(place: Place) -> QuerySet[Exemption]:
    """Return the exemptions that count in this run, latest first.

    Those earned in it, and those not yet over when the learner came into it: none ends half-way.
    """
    return (
        Exemption.objects.filter(
            learner_id=place.learner_id, course_family=place.run.course_family, attempt__voided_at=None
        )
        .filter(Q(attempt__course_id=place.run.id) | Q(expires_at__gt=place.enrolled_at))
        .order_by("-earned_at")
    )


@dataclass(slots=True)
class _Attempts:
    """What the submitted attempts of one learner say."""

    posts: list[CutAttempt] = field(default_factory=list)
    closings: dict[str, list[CutAttempt]] = field(default_factory=dict)  # by bank
    bypass_outcomes: dict[str, str] = field(default_factory=dict)  # the last one, by module


def _load_attempts(place: Place) -> _Attempts:
    rows = (
        Attempt.objects.filter(learner_id=place.learner_id, voided_at=None, submitted_at__isnull=False)
        .filter(
            Q(kind__in=[Attempt.Kind.POST, Attempt.Kind.CLOSING], course_id=place.run.id)
            | Q(kind=Attempt.Kind.BYPASS, course_family=place.run.course_family)
        )
        .order_by("submitted_at", "pk")
        .values_list("kind", "bank_id", "module_key", "submitted_at", "score", "max_score", "outcome")
    )
    found = _Attempts()
    for kind, bank_id, module_key, submitted_at, score, max_score, outcome in rows:
        if kind == Attempt.Kind.BYPASS:
            found.bypass_outcomes[module_key] = outcome
            continue
        attempt = as_cut_attempt(submitted_at, score, max_score)
        if kind == Attempt.Kind.POST:
            found.posts.append(attempt)
        else:
            found.closings.setdefault(bank_id, []).append(attempt)
    return found


def _facts_of_module(
    module: Module,
    units: frozenset[str],
    lessons: frozenset[str],
    right: frozenset[str],
    deliverables: Mapping[str, str],
    exempted: frozenset[str],
    bypass_outcome: str | None,
) -> ModuleFacts:
    keys = {unit.key for unit in module.units}
    state = deliverables.get(module.deliverable.key) if module.deliverable else None
    return ModuleFacts(
        units_completed=units & keys,
        lessons_completed=lessons & keys,
        practices_completed=frozenset(
            practice.key
            for unit in module.units
            for practice in unit.practices
            if right.issuperset(practice.items)
        ),
        deliverable=DeliverableState(state) if state else None,
        is_exempted=module.key in exempted,
        has_failed_bypass=bypass_outcome == BypassOutcome.TAKE_MODULE,
    )


def decide(place: Place) -> CourseStanding:
    return decide_course(load_facts(place), place.run.rules)


def decide_nothing(rules: Manifest) -> CourseStanding:
    """Return the standing of somebody who has done nothing yet."""
    return decide_course(CourseFacts(), rules)


def get_module_standing(learner: Learner, module_key: str) -> ModuleStanding:
    """Return the learner's standing in one module, derived from the facts as they are now."""
    place = find_place(learner)
    rules = place.run.rules if place else get_rules(learner.course_key)
    module = rules.find_module(module_key)
    if module is None:
        raise GradebookError("module_unknown", "module_key")
    facts = load_facts(place).modules[module_key] if place else ModuleFacts()
    return decide_module(facts, module)


# --- the cache, and what it says ------------------------------------------------------------------


def refresh(place: Place, journal: Journal, *, now: datetime) -> None:
    """Decide anew, inside the fact's transaction; store and say what is another than before."""
    decided = decide(place)
    before = {
        row.module_key: row
        for row in Standing.objects.filter(learner_id=place.learner_id, course_id=place.run.id)
    }
    nothing = decide_nothing(place.run.rules)
    for standing, initial in zip(decided.modules, nothing.modules, strict=True):
        if _store(place, before.get(standing.module_key), standing.module_key, standing, initial, now=now):
            journal.record(
                events.ModuleStandingChanged,
                module_key=standing.module_key,
                state=standing.state,
                route=standing.route,
                reasons=_reasons(standing),
                minutes_trained=standing.minutes_trained,
                minutes_recognised=standing.minutes_recognised,
            )
    if _store(place, before.get(COURSE), COURSE, decided, nothing, now=now):
        journal.record(
            events.CourseStandingChanged,
            state=decided.state,
            reasons=_reasons(decided),
            minutes_trained=decided.minutes_trained,
            minutes_recognised=decided.minutes_recognised,
        )


def _store(
    place: Place,
    row: Standing | None,
    module_key: str,
    standing: ModuleStanding | CourseStanding,
    initial: ModuleStanding | CourseStanding,
    *,
    now: datetime,
) -> bool:
    """Write the row where the standing changed; tell whether it did."""
    if row is None and _values(standing) == _values(initial):
        return False
    if row is not None and _values(standing) == {name: getattr(row, name) for name in _values(standing)}:
        return False
    if row is None:
        row = Standing(learner_id=place.learner_id, course_id=place.run.id, module_key=module_key, revision=0)
    for name, value in _values(standing).items():
        setattr(row, name, value)
    row.rule_version = place.run.rule_version
    row.changed_at = now
    row.revision += 1
    # The course itself has no block whose score could mirror it.
    row.mirror_at = now if module_key != COURSE else None
    row.save()
    return True


def _values(standing: ModuleStanding | CourseStanding) -> dict[str, object]:
    route = standing.route if isinstance(standing, ModuleStanding) else None
    return {
        "state": str(standing.state),
        "route": str(route or ""),
        "reasons": list(_reasons(standing)),
        "minutes_trained": standing.minutes_trained,
        "minutes_recognised": standing.minutes_recognised,
    }


def _reasons(standing: ModuleStanding | CourseStanding) -> tuple[str, ...]:
    return tuple(reason.to_wire() for reason in standing.reasons)
