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
    Gain,
    Learner,
    NextStep,
    Record,
    RecordDeliverable,
    RecordModule,
    RecordTest,
    RecordUnit,
)
from integra_gradebook.standings import list_exemptions, load_facts
from integra_gradebook.writing import retried
from integra_grading.forms import POST_KEY, may_start_test
from integra_grading.gain import normalized_gain, raw_gain
from integra_grading.manifest import Manifest, Module
from integra_grading.reasons import Reason, ReasonCode
from integra_grading.standing import (
    CourseFacts,
    CourseState,
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
        certificates=known.certificates,
        next_step=_next_step(
            rules, known, modules, deliverables, course.state, has_pre=pre is not None, now=now
        ),
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


def _next_step(
    rules: Manifest,
    known: _Known,
    modules: tuple[RecordModule, ...],
    deliverables: tuple[RecordDeliverable, ...],
    state: CourseState,
    *,
    has_pre: bool,
    now: datetime,
) -> NextStep:
    """Return one thing to do: what opens the way first, then what only the learner can do, then waiting."""
    if state is CourseState.REACHED:
        return NextStep("certificate", "")
    if not has_pre and not known.facts.post_attempts:
        return NextStep("pre", "")
    for deliverable in deliverables:
        if deliverable.is_due and deliverable.state == Submission.State.RETURNED:
            return NextStep("deliverable_returned", deliverable.key)
    by_module = {deliverable.module_key: deliverable for deliverable in deliverables}
    for module in modules:
        unit_key = _first_missing_unit(rules, module)
        if unit_key is not None:
            return NextStep("unit", unit_key)
        mine = by_module.get(module.key)
        if mine is not None and mine.is_due and mine.state in ("none", "draft"):
            return NextStep("deliverable", mine.key)
    permission = may_start_test(known.facts.post_attempts, rules.tests.post, key=POST_KEY, now=now)
    if permission.is_granted:
        return NextStep("post", "")
    if permission.until is not None:
        return NextStep("post_wait", "", permission.until)
    return NextStep("wait", next((d.key for d in deliverables if d.is_due and d.state == "submitted"), ""))


def _first_missing_unit(rules: Manifest, module: RecordModule) -> str | None:
    for reason in module.reasons:
        unit_key = _unit_of(rules, reason)
        if unit_key is not None:
            return unit_key
    return None


def _unit_of(rules: Manifest, reason: Reason) -> str | None:
    if reason.code is ReasonCode.UNIT_MISSING:
        return reason.key
    if reason.code is not ReasonCode.PRACTICE_MISSING:
        return None
    return next(
        unit.key
        for module in rules.modules
        for unit in module.units
        if any(practice.key == reason.key for practice in unit.practices)
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
        values = {"state": row.state, "token": row.token, "url": row.url, "changed_at": row.changed_at}
        known = CertificateState.objects.filter(learner=learner, achievement_key=row.achievement_key)
        if known.filter(changed_at__lte=row.changed_at).update(**values):
            continue
        if not known.exists():
            CertificateState.objects.create(learner=learner, achievement_key=row.achievement_key, **values)
