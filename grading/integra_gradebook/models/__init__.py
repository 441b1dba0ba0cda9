"""The learner's facts, as rows. Only this app reads or writes them; others use ``api``."""

from integra_gradebook.models.attempts import Attempt, AttemptResponse, Exemption, ItemVersion, RingExposure
from integra_gradebook.models.deliverables import Rating, RatingClaim, Submission, SubmissionDraft
from integra_gradebook.models.lessons import ActiveTime, LessonCompletion, PracticeAnswer, UnitCompletion
from integra_gradebook.models.places import (
    Cohort,
    CourseRun,
    Enrolment,
    FacilitatorRole,
    LearnerPseudonym,
    Manifest,
)
from integra_gradebook.models.standings import CertificateState, LearnerEvent, Standing

__all__ = [
    "ActiveTime",
    "Attempt",
    "AttemptResponse",
    "CertificateState",
    "Cohort",
    "CourseRun",
    "Enrolment",
    "Exemption",
    "FacilitatorRole",
    "ItemVersion",
    "LearnerEvent",
    "LearnerPseudonym",
    "LessonCompletion",
    "Manifest",
    "PracticeAnswer",
    "Rating",
    "RatingClaim",
    "RingExposure",
    "Standing",
    "Submission",
    "SubmissionDraft",
    "UnitCompletion",
]
