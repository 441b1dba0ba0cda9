"""Everything "mi avance" shows, read from our own rows only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from integra_gradebook.deliverables import rating_view
from integra_gradebook.errors import GradebookError
from integra_gradebook.models import (
    Attempt,
    CertificateState,
    Exemption,
    LearnerPseudonym,
    Submission,
    SubmissionDraft,
)
from integra_gradebook.places import Place, access_cohorts, find_place, get_run
from integra_gradebook.results import (
    CertificateStateRow,
    CertificateStateView,
    CertificateStatus,
    Gain,
    Learner,
    Record,
    RecordDeliverable,
    RecordModule,
    RecordTest,
    RecordUnit,
)
from integra_gradebook.standings import list_exemptions, load_facts
from integra_gradebook.writing import retried
from integra_grading.achievements import decide_achievement, decide_closing, list_achievements
from integra_grading.gain import normalized_gain, raw_gain
from integra_grading.manifest import Module
from integra_grading.next_step import Situation, choose_next_step
from integra_grading.standing import (
    CourseFacts,
    ModuleFacts,
    ModuleStanding,
    decide_course,
    is_unit_complete,
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read about one learner; nothing for somebody without a place."""

    facts: CourseFacts = field(default_factory=CourseFacts)
    exemptions: Mapping[str, Exemption] = field(default_factory=dict)
    tests: tuple[Attempt, ...] = ()
    versions: Mapping[str, Submission] = field(default_factory=dict)  # the latest of each deliverable
    drafts: frozenset[str] = frozenset()
    certificates: tuple[CertificateStateView, ...] = ()


def get_record(learner: Learner, *, now: datetime) -> Record:
    """Return everything "mi avance" shows; nothing is written."""
    place = find_place(learner)
    rules = place.run.rules if place else get_run(learner.course_key).rules
    known = _load(place) if place else _Known()
    course = decide_course(known.facts, rules)
    modules = tuple(
        _module(module, standing, known)
        for module, standing in zip(rules.modules, course.modules, strict=True)
    )
    deliverables = tuple(
        _deliverable(module, standing, known)
        for module, standing in zip(rules.modules, course.modules, strict=True)
        if module.deliverable is not None
    )
    pre = next((attempt for attempt in known.tests if attempt.kind == Attempt.Kind.PRE), None)
    post = _best_post(known.tests)
    achievements = tuple(
        decide_achievement(achievement, course, known.facts, rules)
        for achievement in list_achievements(rules)
    )
    closings = tuple(
        decide_closing(known.facts.closing_attempts.get(closing.area, ()), closing, now=now)
        for closing in rules.closing
    )
    situation = Situation(
        course=course,
        facts=known.facts,
        achievements=achievements,
        closings=closings,
        has_pre=pre is not None,
        announced={certificate.achievement_key for certificate in known.certificates},
    )
    return Record(
        short_code=place.short_code if place else "",
        city_key=place.city_key if place else "",
        cohort_key=place.cohort_key if place else "",
        minutes_trained=course.minutes_trained,
        minutes_recognised=course.minutes_recognised,
        minutes_total=sum(module.minutes for module in rules.modules),
        modules=modules,
        course=course,
        has_pre=pre is not None,
        post=_test(post) if post else None,
        post_cut=rules.tests.post.cut,
        is_cut_provisional=rules.tests.post.is_provisional,
        gain=_gain(pre, post) if pre and post else None,
        deliverables=deliverables,
        achievements=achievements,
        closings=closings,
        certificates=known.certificates,
        next_step=choose_next_step(situation, rules, now=now),
        is_facilitator=_is_facilitator_now(learner, now=now),
    )


def _load(place: Place) -> _Known:
    own = {"learner_id": place.learner_id, "course_id": place.run.id}
    exemptions = {exemption.module_key: exemption for exemption in reversed(list_exemptions(place))}
    versions = {
        version.deliverable_key: version
        for version in Submission.objects.filter(**own, withdrawn_at=None)
        .select_related("rating")
        .defer("document", "definition")
        .order_by("version")
    }
    tests = Attempt.objects.filter(
        **own, kind__in=[Attempt.Kind.PRE, Attempt.Kind.POST], voided_at=None, submitted_at__isnull=False
    ).order_by("submitted_at")
    certificates = CertificateState.objects.filter(learner_id=place.learner_id).order_by("achievement_key")
    return _Known(
        facts=load_facts(place),
        exemptions=exemptions,
        tests=tuple(tests),
        versions=versions,
        drafts=frozenset(SubmissionDraft.objects.filter(**own).values_list("deliverable_key", flat=True)),
        certificates=tuple(
            CertificateStateView(row.achievement_key, row.state, row.url, row.changed_at)
            for row in certificates
        ),
    )


def _module(module: Module, standing: ModuleStanding, known: _Known) -> RecordModule:
    facts = known.facts.modules.get(module.key, ModuleFacts())
    exemption = known.exemptions.get(module.key)
    return RecordModule(
        key=module.key,
        title=module.title,
        minutes=module.minutes,
        state=str(standing.state),
        route=str(standing.route) if standing.route else None,
        reasons=standing.reasons,
        units=tuple(
            RecordUnit(unit.key, unit.title, unit.minutes, is_unit_complete(unit, facts))
            for unit in module.units
        ),
        can_be_bypassed=module.can_be_bypassed,
        exempt_until=exemption.expires_at if exemption else None,
    )


def _deliverable(module: Module, standing: ModuleStanding, known: _Known) -> RecordDeliverable:
    deliverable = module.deliverable
    if deliverable is None:
        raise GradebookError("deliverable_unknown", module.key)
    version = known.versions.get(deliverable.key)
    rating = getattr(version, "rating", None)
    return RecordDeliverable(
        key=deliverable.key,
        module_key=module.key,
        title=deliverable.title,
        is_due=standing.is_deliverable_due,
        state=version.state if version else "draft" if deliverable.key in known.drafts else "none",
        version=version.version if version else 0,
        rating=rating_view(rating, version.uuid) if version and rating else None,
    )


def _best_post(tests: Iterable[Attempt]) -> Attempt | None:
    posts = [attempt for attempt in tests if attempt.kind == Attempt.Kind.POST]
    return max(posts, key=_proportion, default=None)


def _proportion(attempt: Attempt) -> float:
    return (attempt.score or 0) / attempt.max_score


def _test(attempt: Attempt) -> RecordTest:
    return RecordTest(
        kind=attempt.kind,
        score=attempt.score or 0,
        max_score=attempt.max_score,
        submitted_at=attempt.submitted_at or attempt.started_at,
    )


def _gain(pre: Attempt, post: Attempt) -> Gain:
    before, after = _proportion(pre), _proportion(post)
    return Gain(
        pre=_test(pre),
        post=_test(post),
        raw_gain=raw_gain(before, after),
        normalized_gain=normalized_gain(before, after),
    )


def _is_facilitator_now(learner: Learner, *, now: datetime) -> bool:
    try:
        access_cohorts(learner.user_id, learner.course_key, now=now)
    except GradebookError:
        return False
    return True


@retried
def store_certificate_states(rows: Iterable[CertificateStateRow]) -> None:
    """Keep what the service says about certificates; older news and unknown learners are passed over."""
    for row in rows:
        learner = (
            LearnerPseudonym.objects.filter(learner_uuid=row.learner_uuid).filter(user__isnull=False).first()
        )
        if learner is None:
            continue
        # What was erased has no page any more, and no token may stay behind to look for one.
        address = (
            {"token": "", "url": ""}
            if row.state is CertificateStatus.ERASED
            else {"token": row.token, "url": row.url}
        )
        values = {"state": row.state, "changed_at": row.changed_at} | address
        known = CertificateState.objects.filter(learner=learner, achievement_key=row.achievement_key)
        if known.filter(changed_at__lte=row.changed_at).update(**values):
            continue
        if not known.exists():
            CertificateState.objects.create(learner=learner, achievement_key=row.achievement_key, **values)
