"""Standings decided by the gradebook, recomputed from the events with the same pure rules. Pure.

What the events do not say is not guessed: half-done units and drafts never travel, so reasons are not compared, only
state, route and minutes; an exemption carried over from a run we never heard of is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from integra_grading.bypass import BypassOutcome, BypassRules, decide
from integra_grading.forms import CutAttempt
from integra_grading.manifest import Manifest, Module
from integra_grading.standing import CourseFacts, DeliverableState, ModuleFacts, ModuleState, decide_course

from .fold import AttemptRecord, CourseRecord, LearningRecord

COURSE = ""  # the module key of a standing of the whole course


@dataclass(frozen=True, slots=True)
class Standing:
    """What is compared of a standing."""

    state: str
    route: str | None
    minutes_trained: int
    minutes_recognised: int


NOTHING_YET = Standing(str(ModuleState.OPEN), None, 0, 0)


@dataclass(frozen=True, slots=True)
class Difference:
    """One standing that the events and the rules do not bear out."""

    course_key: str
    module_key: str  # COURSE: the course's own
    decided: Standing | None  # None: the gradebook never said one
    recomputed: Standing


@dataclass(frozen=True, slots=True)
class UnknownRules:
    """A course run with facts under rules that are not registered: by them nothing can be computed again."""

    course_key: str
    rule_version: str


@dataclass(frozen=True, slots=True)
class CheckedLearner:
    """What recomputing one learner's standings brought."""

    checked_count: int
    skipped_count: int  # standings of which the events do not say enough
    differences: tuple[Difference | UnknownRules, ...]


def check_learner(record: LearningRecord, manifests: Mapping[str, Manifest]) -> CheckedLearner:
    """Recompute every standing of a learner of whom nothing is missing.

    Args:
        record: The fold of all their events.
        manifests: By rule version. A run with another version is not recomputed, and the version is told. A standing
            is recomputed by the rules it names, and by those of the course's last event: the gradebook decides anew
            when something happens, so one that agrees with either is right.
    """
    checked = skipped = 0
    differences: list[Difference | UnknownRules] = []
    for course in record.courses:
        sittings = {attempt.rule_version for attempt in course.attempts if attempt.kind == "bypass"}
        unknown = sorted((list_versions(course) | sittings) - set(manifests))
        if unknown:
            differences += [UnknownRules(course.course_key, version) for version in unknown]
            continue
        for module_key, decided, recomputed in compare_course(record, course, manifests):
            checked += recomputed is not None
            skipped += recomputed is None
            if recomputed is not None and not is_right(decided, recomputed):
                shown = Difference(course.course_key, module_key, decided, recomputed[0])
                differences.append(shown)
    return CheckedLearner(checked, skipped, tuple(differences))


def compare_course(
    record: LearningRecord, course: CourseRecord, manifests: Mapping[str, Manifest]
) -> Iterator[tuple[str, Standing | None, tuple[Standing, ...] | None]]:
    """Yield module key, decided and allowed standings; None for allowed where the events do not say enough."""
    latest = manifests[course.rule_version]
    by_rules = {
        version: recompute(record, course, manifests, manifests[version]) for version in list_versions(course)
    }
    is_course_known = True
    for module in latest.modules:
        decided = course.find_module(module.key)
        versions = {course.rule_version} | ({decided.rule_version} if decided else set())
        found = [by_rules[version].get(module.key) for version in sorted(versions)]
        known = [standing for standing in found if standing is not None]
        is_known = len(known) == len(found)
        is_course_known = is_course_known and is_known
        said = (
            None
            if decided is None
            else Standing(decided.state, decided.route, decided.minutes_trained, decided.minutes_recognised)
        )
        yield module.key, said, tuple(known) if is_known else None
    said_course = course.standing
    versions = {course.rule_version} | ({said_course.rule_version} if said_course else set())
    known = [by_rules[version][COURSE] for version in sorted(versions)]
    said = (
        None
        if said_course is None
        else Standing(said_course.state, None, said_course.minutes_trained, said_course.minutes_recognised)
    )
    yield COURSE, said, tuple(known) if is_course_known else None


def is_right(decided: Standing | None, recomputed: Sequence[Standing]) -> bool:
    """Of a standing that is still what it was before anything happened, the gradebook says nothing."""
    return (NOTHING_YET if decided is None else decided) in recomputed


def list_versions(course: CourseRecord) -> set[str]:
    versions = {course.rule_version} | {module.rule_version for module in course.modules}
    return versions | ({course.standing.rule_version} if course.standing else set())


def recompute(
    record: LearningRecord, course: CourseRecord, manifests: Mapping[str, Manifest], rules: Manifest
) -> dict[str, Standing]:
    """Return the standings by these rules, by module key; those of which too little is known are left out."""
    exemptions = {module.key: find_exemption(record, course, manifests, module) for module in rules.modules}
    facts = CourseFacts(
        modules={
            module.key: describe_module(course, module, is_exempted=bool(exemptions[module.key]))
            for module in rules.modules
        },
        post_attempts=tuple(
            CutAttempt(attempt.submitted_at, attempt.score, attempt.max_score)
            for attempt in course.attempts
            if attempt.kind == "post"
        ),
    )
    decided = decide_course(facts, rules)
    standings = {
        standing.module_key: Standing(
            str(standing.state),
            None if standing.route is None else str(standing.route),
            standing.minutes_trained,
            standing.minutes_recognised,
        )
        for standing in decided.modules
        if exemptions[standing.module_key] is not None
    }
    course_standing = Standing(str(decided.state), None, decided.minutes_trained, decided.minutes_recognised)
    return {**standings, COURSE: course_standing}


def describe_module(course: CourseRecord, module: Module, *, is_exempted: bool) -> ModuleFacts:
    deliverable = course.find_deliverable(module.deliverable.key) if module.deliverable else None
    state = None if deliverable is None else DeliverableState(deliverable.outcome or "submitted")
    keys = {unit.key for unit in module.units}
    return ModuleFacts(
        units_completed=frozenset(unit.unit_key for unit in course.units if unit.unit_key in keys),
        deliverable=state,
        is_exempted=is_exempted,
    )


def find_exemption(
    record: LearningRecord, course: CourseRecord, manifests: Mapping[str, Manifest], module: Module
) -> bool | None:
    """Return whether a sitting exempts from the module; None where the events cannot tell.

    They cannot where an attempt was voided (which sitting the others belong to is then open), and where the gradebook
    says exempt and no sitting we know of does: it may have been earned in a run that is not ours to see.
    """
    is_decided = (found := course.find_module(module.key)) is not None and found.route == "evaluation"
    outcomes = [read_sittings(run, module.key, manifests) for run in record.courses]
    own = outcomes[record.courses.index(course)]
    if any(outcome is None for outcome in outcomes):
        return None
    if own and BypassOutcome.EXEMPT in own:
        return True
    if any(outcome and BypassOutcome.EXEMPT in outcome for outcome in outcomes) or is_decided:
        return None  # carried over, or not: that depends on dates only the gradebook keeps
    return False


def read_sittings(
    course: CourseRecord, module_key: str, manifests: Mapping[str, Manifest]
) -> tuple[BypassOutcome, ...] | None:
    """Return the outcomes of the module's sittings in a run; None if an attempt of them or its rules are missing."""
    attempts = [a for a in course.attempts if a.kind == "bypass" and a.module_key == module_key]
    attempts.sort(key=lambda attempt: attempt.ordinal)
    if [attempt.ordinal for attempt in attempts] != list(range(1, len(attempts) + 1)):
        return None
    outcomes: list[BypassOutcome] = []
    first: AttemptRecord | None = None
    for attempt in attempts:
        manifest = manifests.get(attempt.rule_version)
        rules = None if manifest is None else manifest.bypass
        if rules is None or max(attempt.score, first.score if first else 0) > rules.form_items:
            return None
        outcome = decide_attempt(rules, first, attempt)
        first = attempt if outcome is BypassOutcome.SECOND_FORM else None
        outcomes.append(outcome)
    return tuple(outcomes)


def decide_attempt(rules: BypassRules, first: AttemptRecord | None, attempt: AttemptRecord) -> BypassOutcome:
    return decide(rules, attempt.score) if first is None else decide(rules, first.score, attempt.score)
