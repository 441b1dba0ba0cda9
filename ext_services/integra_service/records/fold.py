"""The learning record: what a learner's events say when read in order of ``sequence``.

Pure: events in, values out. No clock, no database; the stored row is this and nothing else.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from integra_grading.events import (
    AssessmentSubmitted,
    AttemptVoided,
    CourseStandingChanged,
    DeliverableRated,
    DeliverableSubmitted,
    Event,
    LearnerEnrolled,
    LearnerMoved,
    LearnerRetired,
    LearnerUnenrolled,
    ModuleStandingChanged,
    SubmissionWithdrawn,
    UnitCompleted,
)

MAX_MISSING_NAMED = 100


@dataclass(frozen=True, slots=True)
class ModuleRecord:
    """The last module standing the gradebook decided."""

    module_key: str
    state: str  # "open" | "done" | "exempt"
    route: str | None  # "training" | "evaluation"; None while open
    reasons: tuple[str, ...]
    minutes_trained: int
    minutes_recognised: int
    rule_version: str
    changed_at: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class CourseStandingRecord:
    """The last course standing the gradebook decided."""

    state: str  # "open" | "reached"
    reasons: tuple[str, ...]
    minutes_trained: int
    minutes_recognised: int
    rule_version: str
    changed_at: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One submitted sitting of a test; voided ones are left out."""

    attempt_uuid: UUID
    kind: str  # "pre" | "post" | "bypass" | "closing"
    module_key: str | None
    form_key: str
    ordinal: int
    score: int
    max_score: int
    cut: int | None  # inclusive; None where the form decides nothing
    bank_id: str
    bank_digest: str
    mode: str
    rule_version: str
    started_at: datetime
    submitted_at: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class DeliverableRecord:
    """The last version of one deliverable and, if it has one, its last rating."""

    deliverable_key: str
    submission_uuid: UUID
    version: int
    digest: str
    submitted_at: datetime
    outcome: str | None  # "accepted" | "returned"; None: not rated
    rated_by: str | None  # "automatic" | "facilitator"
    rating_uuid: UUID | None
    rater_uuid: UUID | None
    rubric_version: str | None
    levels: tuple[tuple[str, int], ...]  # criterion key, points
    rated_at: datetime | None
    rule_version: str
    event_id: str  # of the rating, else of the submission


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A completed unit."""

    unit_key: str
    declared_minutes: int
    active_minutes: int
    completed_at: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class CourseRecord:
    """One learner in one course run."""

    course_key: str
    city_key: str
    cohort_key: str
    status: str  # "enrolled" | "unenrolled"
    modality: str | None
    rule_version: str  # of the last event
    units: tuple[UnitRecord, ...]
    modules: tuple[ModuleRecord, ...]
    attempts: tuple[AttemptRecord, ...]  # in order of submission
    deliverables: tuple[DeliverableRecord, ...]
    standing: CourseStandingRecord | None

    def find_module(self, module_key: str) -> ModuleRecord | None:
        return next((module for module in self.modules if module.module_key == module_key), None)

    def find_deliverable(self, deliverable_key: str) -> DeliverableRecord | None:
        return next((d for d in self.deliverables if d.deliverable_key == deliverable_key), None)


def find_best(attempts: Iterable[AttemptRecord]) -> AttemptRecord | None:
    """Return the attempt with the highest proportion, the earliest of equals; None for none."""
    return max(attempts, key=lambda a: (a.score / a.max_score, -a.ordinal), default=None)


@dataclass(frozen=True, slots=True)
class LearningRecord:
    """Everything one learner's events say."""

    learner_uuid: UUID
    city_key: str | None  # of the last event; None before the first
    is_retired: bool
    courses: tuple[CourseRecord, ...]
    last_sequence: int
    missing: tuple[int, ...]  # sequence numbers below the last that never arrived (at most 100 are named)


@dataclass
class CourseDraft:
    """One course run while its events are being read."""

    course_key: str
    city_key: str = ""
    cohort_key: str = ""
    rule_version: str = ""
    status: str = "enrolled"
    modality: str | None = None
    units: dict[str, UnitRecord] = field(default_factory=dict)
    modules: dict[str, ModuleRecord] = field(default_factory=dict)
    attempts: dict[UUID, AttemptRecord] = field(default_factory=dict)
    submissions: dict[UUID, DeliverableRecord] = field(default_factory=dict)
    standing: CourseStandingRecord | None = None

    def read(self, event: Event) -> None:
        """Take one event in; whatever came before with a lower sequence is already there."""
        data = event.data
        self.city_key, self.cohort_key = data.city_key, data.cohort_key
        self.rule_version = data.rule_version
        match data:
            case LearnerEnrolled():
                self.status, self.modality = "enrolled", data.modality
            case LearnerMoved():
                self.status = "enrolled"
            case LearnerUnenrolled():
                self.status = "unenrolled"
            case UnitCompleted():
                self.units.setdefault(data.unit_key, read_unit(event, data))
            case AssessmentSubmitted():
                self.attempts[data.attempt_uuid] = read_attempt(event, data)
            case AttemptVoided():
                self.attempts.pop(data.attempt_uuid, None)
            case DeliverableSubmitted():
                self.submissions[data.submission_uuid] = read_submission(event, data)
            case DeliverableRated():
                self.rate(event, data)
            case SubmissionWithdrawn():
                self.submissions.pop(data.submission_uuid, None)
            case ModuleStandingChanged():
                self.modules[data.module_key] = read_module(event, data)
            case CourseStandingChanged():
                self.standing = read_standing(event, data)

    def rate(self, event: Event, data: DeliverableRated) -> None:
        """Put a rating on its submission; one whose submission has not arrived waits in the inbox's order."""
        submission = self.submissions.get(data.submission_uuid)
        if submission is None:
            return
        self.submissions[data.submission_uuid] = replace(
            submission,
            outcome=data.outcome.value,
            rated_by=data.by.value,
            rating_uuid=data.rating_uuid,
            rater_uuid=data.rater_uuid,
            rubric_version=data.rubric_version,
            levels=tuple((level.criterion_key, level.points) for level in data.levels),
            rated_at=event.time,
            rule_version=data.rule_version,
            event_id=event.id,
        )

    def finish(self) -> CourseRecord:
        last: dict[str, DeliverableRecord] = {}
        for submission in sorted(self.submissions.values(), key=lambda s: s.version):
            last[submission.deliverable_key] = submission
        return CourseRecord(
            course_key=self.course_key,
            city_key=self.city_key,
            cohort_key=self.cohort_key,
            status=self.status,
            modality=self.modality,
            rule_version=self.rule_version,
            units=tuple(self.units[key] for key in sorted(self.units)),
            modules=tuple(self.modules[key] for key in sorted(self.modules)),
            attempts=tuple(self.attempts.values()),
            deliverables=tuple(last[key] for key in sorted(last)),
            standing=self.standing,
        )


def fold(learner_uuid: UUID, events: Iterable[Event], arrived: Collection[int]) -> LearningRecord:
    """Return the record these events make, whatever order they are given in.

    Args:
        learner_uuid: Whose events they are.
        events: Those that count, each once.
        arrived: Sequence numbers of everything that arrived, also of what is parked: only what is in none
            of them is missing.
    """
    drafts: dict[str, CourseDraft] = {}
    city_key: str | None = None
    is_retired = False
    for event in sorted(events, key=lambda event: (event.sequence, event.id)):
        course_key = event.data.course_key
        drafts.setdefault(course_key, CourseDraft(course_key)).read(event)
        city_key = event.data.city_key
        is_retired = is_retired or isinstance(event.data, LearnerRetired)
    last_sequence = max(arrived, default=0)
    return LearningRecord(
        learner_uuid=learner_uuid,
        city_key=city_key,
        is_retired=is_retired,
        courses=tuple(drafts[key].finish() for key in sorted(drafts)),
        last_sequence=last_sequence,
        missing=find_missing(arrived, last_sequence),
    )


def find_missing(arrived: Collection[int], last_sequence: int) -> tuple[int, ...]:
    """Return the first numbers from 1 to the last that never arrived."""
    known = set(arrived)
    missing: list[int] = []
    for number in range(1, last_sequence):
        # A sender may jump by millions: the alarm needs the first gaps, not all of them.
        if len(missing) == MAX_MISSING_NAMED:
            break
        if number not in known:
            missing.append(number)
    return tuple(missing)


def read_unit(event: Event, data: UnitCompleted) -> UnitRecord:
    return UnitRecord(data.unit_key, data.declared_minutes, data.active_minutes, event.time, event.id)


def read_attempt(event: Event, data: AssessmentSubmitted) -> AttemptRecord:
    return AttemptRecord(
        attempt_uuid=data.attempt_uuid,
        kind=data.kind.value,
        module_key=data.module_key,
        form_key=data.form_key,
        ordinal=data.ordinal,
        score=data.score,
        max_score=data.max_score,
        cut=data.cut,
        bank_id=data.bank_id,
        bank_digest=data.bank_digest,
        mode=data.mode.value,
        rule_version=data.rule_version,
        started_at=data.started_at,
        submitted_at=event.time,
        event_id=event.id,
    )


def read_submission(event: Event, data: DeliverableSubmitted) -> DeliverableRecord:
    return DeliverableRecord(
        deliverable_key=data.deliverable_key,
        submission_uuid=data.submission_uuid,
        version=data.version,
        digest=data.digest,
        submitted_at=event.time,
        outcome=None,
        rated_by=None,
        rating_uuid=None,
        rater_uuid=None,
        rubric_version=None,
        levels=(),
        rated_at=None,
        rule_version=data.rule_version,
        event_id=event.id,
    )


def read_module(event: Event, data: ModuleStandingChanged) -> ModuleRecord:
    return ModuleRecord(
        module_key=data.module_key,
        state=data.state.value,
        route=None if data.route is None else data.route.value,
        reasons=data.reasons,
        minutes_trained=data.minutes_trained,
        minutes_recognised=data.minutes_recognised,
        rule_version=data.rule_version,
        changed_at=event.time,
        event_id=event.id,
    )


def read_standing(event: Event, data: CourseStandingChanged) -> CourseStandingRecord:
    return CourseStandingRecord(
        state=data.state.value,
        reasons=data.reasons,
        minutes_trained=data.minutes_trained,
        minutes_recognised=data.minutes_recognised,
        rule_version=data.rule_version,
        changed_at=event.time,
        event_id=event.id,
    )
