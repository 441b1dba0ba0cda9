"""What pages show of one person's courses: modules, and what is missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from integra_grading.manifest import Manifest
from integra_service.credentials.policies import AchievementPolicy, Decision, ReasonCode
from integra_service.credentials.services import decide_achievements, read_case
from integra_service.eligibility.facts import describe_missing
from integra_service.people.models import LearnerIdentity, Person
from integra_service.records.fold import CourseRecord, ModuleRecord
from integra_service.records.services import find_manifest, get_record

# What staff must settle; to the learner it is one sentence, said once.
OURS = {
    ReasonCode.POLICY_UNAPPROVED,
    ReasonCode.SOURCE_DISTRUSTED,
    ReasonCode.RULES_UNKNOWN,
    ReasonCode.BANK_UNKNOWN,
    ReasonCode.BANK_PUBLIC,
    ReasonCode.NOT_ENROLLED,
    ReasonCode.LEARNER_RETIRED,
}


@dataclass(frozen=True, slots=True)
class ModuleView:
    """One module as staff see it."""

    title: str
    state: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class CourseView:
    """One course run as staff see it."""

    title: str
    is_reached: bool
    modules: tuple[ModuleView, ...]
    missing: tuple[str, ...]


def list_missing(identities: Iterable[LearnerIdentity]) -> tuple[str, ...]:
    """Return what is missing for the achievements of the courses the learner is in, as sentences."""
    sentences: list[str] = []
    for identity in identities:
        for policy, decision in decide_achievements(read_case(identity)):
            sentences += describe_reasons(policy, decision)
    return tuple(dict.fromkeys(sentences))


def describe_reasons(policy: AchievementPolicy, decision: Decision) -> tuple[str, ...]:
    """Return what is missing for one achievement, as sentences; empty when it is reached."""
    if decision.course is None and decision.reasons:
        return (_("Start the course in your classroom."),)
    sentences = [
        _("The programme's team must review your record; you need not do anything.")
        if reason.code in OURS
        else to_sentence(describe_missing(reason, policy))
        for reason in decision.reasons
    ]
    return tuple(dict.fromkeys(sentences))


def to_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def list_identities(person: Person) -> list[LearnerIdentity]:
    identities = LearnerIdentity.objects.for_system().filter(person=person, retired_at__isnull=True)
    return list(identities.select_related("source", "person").order_by("pk"))


def describe_courses(person: Person) -> tuple[CourseView, ...]:
    return tuple(
        describe_course(identity, course)
        for identity in list_identities(person)
        for course in get_record(identity).courses
    )


def describe_course(identity: LearnerIdentity, course: CourseRecord) -> CourseView:
    manifest = find_manifest(course.rule_version)
    is_reached = course.standing is not None and course.standing.state == "reached"
    return CourseView(
        title=course.course_key if manifest is None else manifest.course.title,
        is_reached=is_reached,
        modules=tuple(describe_module(module, manifest) for module in course.modules),
        missing=() if is_reached else list_missing([identity]),
    )


def describe_module(module: ModuleRecord, manifest: Manifest | None) -> ModuleView:
    titles = {} if manifest is None else {m.key: m.title for m in manifest.modules}
    return ModuleView(
        title=titles.get(module.module_key, module.module_key),
        state=describe_state(module),
        changed_at=module.changed_at,
    )


def describe_state(module: ModuleRecord) -> str:
    if module.state == "exempt":
        return _("Exempt by evaluation")
    if module.state == "done":
        return _("Done by training, %(minutes)d minutes") % {"minutes": module.minutes_trained}
    return _("In progress")
