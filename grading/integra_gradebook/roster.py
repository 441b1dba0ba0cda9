"""Who is in the facilitator's cohorts, and who needs help: a fixed number of statements for any size."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet

from integra_gradebook.models import (
    ActiveTime,
    Attempt,
    Enrolment,
    LessonCompletion,
    PracticeAnswer,
    Standing,
    Submission,
    UnitCompletion,
)
from integra_gradebook.places import Run, access_cohorts, get_run
from integra_gradebook.results import RosterModule, RosterRow
from integra_gradebook.standings import COURSE
from integra_grading.standing import CourseState, ModuleState


def list_roster(rater_user_id: int, course_key: str, *, now: datetime) -> tuple[RosterRow, ...]:
    """Return the active learners of the facilitator's cohorts, by cohort and code."""
    cohorts = access_cohorts(rater_user_id, course_key, now=now)
    run = get_run(course_key)
    enrolments = (
        Enrolment.objects.filter(course_id=run.id, cohort_id__in=cohorts, status=Enrolment.Status.ACTIVE)
        .filter(learner__user__isnull=False)
        .select_related("learner__user", "cohort")
        .order_by("cohort__key", "learner__short_code")
    )
    rows = list(enrolments)
    facts = _Facts(run, [row.learner_id for row in rows])
    return tuple(_row(row, run, facts) for row in rows)


class _Facts:
    """What is known of many learners in one run, each kind in one statement."""

    def __init__(self, run: Run, learner_ids: list[int]) -> None:
        own = {"course_id": run.id, "learner_id__in": learner_ids}
        units = [unit.key for module in run.rules.modules for unit in module.units]
        self.units = Counter(
            UnitCompletion.objects.filter(**own, unit_key__in=units).values_list("learner_id", flat=True)
        )
        self.standings: dict[int, dict[str, Standing]] = defaultdict(dict)
        for standing in Standing.objects.filter(**own):
            self.standings[standing.learner_id][standing.module_key] = standing
        submitted = Attempt.objects.filter(**own, voided_at=None, submitted_at__isnull=False)
        self.tests = set(submitted.values_list("learner_id", "kind"))
        latest: dict[tuple[int, str], str] = {}
        versions = Submission.objects.filter(**own, withdrawn_at=None).order_by("version")
        for learner_id, key, state in versions.values_list("learner_id", "deliverable_key", "state"):
            latest[learner_id, key] = state
        self.works = Counter((learner_id, state) for (learner_id, _), state in latest.items())
        self.last_seen: dict[int, datetime] = {}
        self._see(ActiveTime.objects.filter(**own), "last_tick_at")
        self._see(LessonCompletion.objects.filter(**own), "completed_at")
        self._see(PracticeAnswer.objects.filter(**own), "answered_at")
        self._see(Attempt.objects.filter(**own), "started_at")
        self._see(Submission.objects.filter(**own), "submitted_at")

    def _see(self, rows: QuerySet[Any], column: str) -> None:
        for learner_id, moment in rows.values_list("learner_id").annotate(Max(column)):
            self.last_seen[learner_id] = max(moment, self.last_seen.get(learner_id, moment))


def _row(enrolment: Enrolment, run: Run, facts: _Facts) -> RosterRow:
    learner = enrolment.learner
    standings = facts.standings[learner.pk]
    course = standings.get(COURSE)
    return RosterRow(
        short_code=learner.short_code,
        username=learner.user.get_username() if learner.user else "",
        cohort_key=enrolment.cohort.key,
        modality=enrolment.cohort.modality,
        units_complete=facts.units[learner.pk],
        units_total=sum(len(module.units) for module in run.rules.modules),
        modules=tuple(
            RosterModule(
                key=module.key,
                state=standings[module.key].state if module.key in standings else ModuleState.OPEN,
                route=(standings[module.key].route or None) if module.key in standings else None,
            )
            for module in run.rules.modules
        ),
        has_pre=(learner.pk, Attempt.Kind.PRE) in facts.tests,
        has_post=(learner.pk, Attempt.Kind.POST) in facts.tests,
        returned_count=facts.works[learner.pk, Submission.State.RETURNED],
        submitted_count=facts.works[learner.pk, Submission.State.SUBMITTED],
        last_seen_at=facts.last_seen.get(learner.pk),
        is_course_reached=course is not None and course.state == CourseState.REACHED,
        accommodations=tuple(enrolment.accommodations),
    )
