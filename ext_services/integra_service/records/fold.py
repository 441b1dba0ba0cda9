"""The learning record: what a learner's events say when read in order of ``sequence``.

Pure: events in, values out. No clock, no database; the stored row is this and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


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
    cut: int
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

    def find_best_attempt(self, kind: str) -> AttemptRecord | None:
        """Return the attempt with the highest proportion, the earliest of equals."""
        of_kind = [attempt for attempt in self.attempts if attempt.kind == kind]
        return max(of_kind, key=lambda a: (a.score / a.max_score, -a.ordinal), default=None)


@dataclass(frozen=True, slots=True)
class LearningRecord:
    """Everything one learner's events say."""

    learner_uuid: UUID
    is_retired: bool
    courses: tuple[CourseRecord, ...]
    last_sequence: int
    missing: tuple[int, ...]  # sequence numbers below the last that never arrived (at most 100 are named)

    def find_course(self, course_key: str) -> CourseRecord | None:
        return next((course for course in self.courses if course.course_key == course_key), None)
