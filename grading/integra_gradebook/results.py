"""What the api answers: values only, safe to show to the person who asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from integra_grading.achievements import AchievementStanding, ClosingStanding
from integra_grading.consistency import Consistency
from integra_grading.gain import GainReport, OutcomeHint, ReliableChange
from integra_grading.item_view import ShownItem
from integra_grading.items import Item
from integra_grading.next_step import NextStep
from integra_grading.reasons import Reason
from integra_grading.standing import CourseStanding
from integra_grading.statistics import FormEquivalence, ItemStatistics, OptionStatistics, ReviewReason


@dataclass(frozen=True, slots=True)
class Learner:
    """Who, and in which course run."""

    user_id: int
    course_key: str


@dataclass(frozen=True, slots=True)
class Bank:
    """The items a block carries, as the manifest names them."""

    id: str
    digest: str
    public: bool
    items: tuple[Item, ...]


# --- lessons and practices ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnitState:
    unit_key: str
    is_lesson_done: bool
    items_right: tuple[str, ...]  # keys answered right at least once, in the manifest's order
    items_due: tuple[str, ...]  # all items of the unit's practices
    is_complete: bool
    active_seconds: int


@dataclass(frozen=True, slots=True)
class PracticeState:
    """Where a learner stands in one practice."""

    items_right: tuple[str, ...]  # of this practice, in the manifest's order
    reviews: tuple[Item, ...]  # of the module's other practices, to be asked again, as they were answered


@dataclass(frozen=True, slots=True)
class PracticeResult:
    item_key: str
    is_right: bool
    points: int
    max_points: int
    feedback: str  # sanitised HTML of the course
    unit: UnitState


# --- attempts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttemptView:
    """An attempt as its learner may see it.

    ``score`` is the learner's only after a post-test or a closing was submitted. ``outcome``: of these "passed" or
    "below_cut"; bypass "exempt", "take_module" or "second_form" (start_attempt then gives the
    second form of the same sitting); pre "taken"; None while open.
    """

    uuid: UUID
    kind: str
    block_key: str
    ordinal: int
    stage: int  # bypass: first or second form of the sitting; otherwise 1
    form_key: str
    state: str  # "open" or "submitted"
    items: tuple[ShownItem, ...]  # in stored order, each with its stored order
    responses: dict[str, dict[str, Any]]
    allows_unknown: bool  # pre-test only: "No lo sé"
    started_at: datetime
    deadline_at: datetime
    submitted_at: datetime | None
    score: int | None
    max_score: int
    cut: int | None
    outcome: str | None
    outcomes_to_study: tuple[str, ...]  # keys of outcomes; bypass that ends in "take_module" only
    attempts_left: int
    available_at: datetime | None  # when the next one may start, where there is a wait
    mode: str = "alone"  # or "assisted", "supervised", "paper"


@dataclass(frozen=True, slots=True)
class SavedResponses:
    """What is stored of an open attempt after an answer was saved."""

    responses: dict[str, dict[str, Any]]  # by item key
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A learner of the facilitator's cohorts, and where they stand in one test."""

    short_code: str
    username: str
    cohort_key: str
    state: str  # "" before any attempt, "open" (on the phone), "paper" (handed out), "submitted"
    outcome: str | None


@dataclass(frozen=True, slots=True)
class BypassState:
    """May the learner sit, and if not, why and until when."""

    module_key: str
    may_start: bool
    reason: str | None  # a GradebookError code: "attempt_open", "too_early", "already_exempt", …
    available_at: datetime | None
    sittings_left: int
    stage: int  # the form that would be started: 1 or 2
    is_exempt: bool
    exempt_until: datetime | None
    exempt_source: str | None  # course run in which the exemption was earned
    form_items: int
    minutes: int
    outcomes_to_study: tuple[str, ...]


# --- deliverables ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    document: dict[str, Any]
    revision: int
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class RatingView:
    uuid: UUID
    submission_uuid: UUID
    by: str  # "facilitator" or "automatic"
    outcome: str  # "accepted" or "returned"
    levels: dict[str, int]  # points per criterion; empty when automatic
    comments: dict[str, str]  # per criterion, and "" for the whole
    score: int
    max_score: int
    rubric_version: str
    rated_at: datetime


@dataclass(frozen=True, slots=True)
class SubmissionView:
    uuid: UUID
    module_key: str
    deliverable_key: str
    title: str
    version: int
    state: str  # "submitted", "returned" or "accepted"
    definition: dict[str, Any]
    document: dict[str, Any]
    submitted_at: datetime
    short_code: str
    cohort_key: str
    claimed_until: datetime | None  # by whoever asks; None for the learner
    rating: RatingView | None


@dataclass(frozen=True, slots=True)
class DeliverableState:
    deliverable_key: str
    state: str  # "none", "draft", "submitted", "returned" or "accepted"
    draft: Draft | None
    versions: tuple[SubmissionView, ...]  # newest first
    rating: RatingView | None  # the last one


# --- the facilitator's desk -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueueRow:
    submission_uuid: UUID
    short_code: str
    cohort_key: str
    module_key: str
    deliverable_key: str
    title: str
    version: int
    submitted_at: datetime
    is_claimed: bool  # by another facilitator, at this moment
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Queue:
    rows: tuple[QueueRow, ...]  # oldest first
    next_after: str | None  # pass as ``after`` for the next page
    waiting_count: int


@dataclass(frozen=True, slots=True)
class RosterModule:
    key: str
    state: str
    route: str | None


@dataclass(frozen=True, slots=True)
class RosterRow:
    short_code: str
    username: str
    cohort_key: str
    modality: str
    units_complete: int
    units_total: int
    modules: tuple[RosterModule, ...]
    has_pre: bool
    has_post: bool
    returned_count: int  # deliverables that wait for the learner
    submitted_count: int  # deliverables that wait for a rating
    last_seen_at: datetime | None
    is_course_reached: bool
    accommodations: tuple[str, ...] = ()


# --- reports --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScoreCount:
    score: int
    learners: int


@dataclass(frozen=True, slots=True)
class ItemReport:
    key: str
    outcome: str
    level: str
    figures: ItemStatistics
    options: tuple[OptionStatistics, ...]  # options, or the named errors of other kinds, and "no_lo_se"
    right: tuple[str, ...]  # option keys
    errors: dict[str, str]  # named error by option key
    exposure: int  # in how many attempts it was shown, repeated ones too; the figures are of first attempts
    review: tuple[ReviewReason, ...]


@dataclass(frozen=True, slots=True)
class FormReport:
    """One form of a test, or one ring, by every learner's first attempt. ``consistency``: post-test only."""

    kind: str
    form_key: str  # of a drawn kind the bank's id
    n: int
    mean: float | None
    sd: float | None
    max_score: int
    alpha: float | None
    sem: float | None
    consistency: Consistency | None
    items: tuple[ItemReport, ...]


@dataclass(frozen=True, slots=True)
class CohortReport:
    """Gain and test quality of a facilitator's cohorts. Figures of fewer than ``minimum`` learners are silent."""

    cohorts: tuple[str, ...]  # all the facilitator may ask for
    cohort_key: str | None  # the one reported, or None for all together
    enrolled: int
    minimum: int
    pre_scores: tuple[ScoreCount, ...]  # every score from 0 to the highest; empty when silent
    post_scores: tuple[ScoreCount, ...]
    post_cut: int
    is_cut_provisional: bool
    gain: GainReport
    gain_by_order: dict[str, GainReport]
    reliable_change: ReliableChange | None
    outcomes: tuple[OutcomeHint, ...]
    equivalence: FormEquivalence
    forms: tuple[FormReport, ...]


# --- "mi avance" ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordUnit:
    key: str
    title: str
    minutes: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class RecordModule:
    key: str
    title: str
    minutes: int
    state: str  # "open", "done" or "exempt"
    route: str | None  # "training" or "evaluation"
    reasons: tuple[Reason, ...]  # why it is still open
    units: tuple[RecordUnit, ...]
    can_be_bypassed: bool
    exempt_until: datetime | None


@dataclass(frozen=True, slots=True)
class RecordTest:
    kind: str
    score: int
    max_score: int
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Gain:
    """Shown once both tests are submitted; ``normalized_gain`` is None when pre was perfect."""

    pre: RecordTest
    post: RecordTest
    raw_gain: float
    normalized_gain: float | None


@dataclass(frozen=True, slots=True)
class RecordDeliverable:
    key: str
    module_key: str
    title: str
    is_due: bool
    state: str
    version: int
    rating: RatingView | None


class CertificateStatus(StrEnum):
    """What the service may say of a certificate."""

    VALID = "valid"
    SUSPENDED = "suspended"  # does not count until somebody has looked at it
    REVOKED = "revoked"
    EXPIRED = "expired"
    ERASED = "erased"  # nothing is left of it but that there was one


@dataclass(frozen=True, slots=True)
class CertificateStateView:
    achievement_key: str
    state: str  # a CertificateStatus, or what an earlier release stored
    url: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    short_code: str
    city_key: str
    cohort_key: str
    minutes_trained: int
    minutes_recognised: int
    minutes_total: int
    modules: tuple[RecordModule, ...]
    course: CourseStanding
    has_pre: bool
    post: RecordTest | None
    post_cut: int
    is_cut_provisional: bool
    gain: Gain | None
    deliverables: tuple[RecordDeliverable, ...]
    achievements: tuple[AchievementStanding, ...]  # in the manifest's order
    closings: tuple[ClosingStanding, ...]  # one for each area that has one
    certificates: tuple[CertificateStateView, ...]
    next_step: NextStep
    is_facilitator: bool


@dataclass(frozen=True, slots=True)
class CertificateStateRow:
    """One state as the service publishes it; the relay hands these in."""

    learner_uuid: UUID
    achievement_key: str
    state: CertificateStatus
    token: str
    url: str
    changed_at: datetime
