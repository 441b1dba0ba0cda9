"""The one door to the gradebook: blocks and bridge import this module and nothing behind it.

Every write takes the client's ``uuid`` and repeats harmlessly; every refusal is a ``GradebookError``
and leaves no row. Times are passed in as aware UTC datetimes. Functions called ``get_``, ``find_``,
``list_`` and ``read_`` write nothing, except ``get_learner_uuid`` and ``get_short_code``, which make the
learner's place the first time.
"""

from integra_gradebook.attempts import find_attempt, save_response, start_attempt, submit_attempt
from integra_gradebook.bypass import get_bypass_state
from integra_gradebook.corrections import find_score, has_submitted, override_score, rescore_block, void_block
from integra_gradebook.deliverables import get_deliverable_state, save_draft, submit_deliverable
from integra_gradebook.enrolments import (
    appoint_facilitator,
    enrol,
    get_learner_uuid,
    get_short_code,
    open_cohort,
    register_course,
    retire_learner,
)
from integra_gradebook.errors import CourseNotRegistered, DocumentInvalid, GradebookError
from integra_gradebook.journal import JournalEntry, read_journal
from integra_gradebook.lessons import (
    answer_practice,
    answer_review,
    complete_lesson,
    get_practice_state,
    get_unit_state,
    tick_active_time,
)
from integra_gradebook.mirror import mirror_again, mirror_pending
from integra_gradebook.papers import (
    list_papers,
    set_accommodations,
    start_paper,
    submit_paper,
    take_back_paper,
)
from integra_gradebook.places import (
    Place,
    find_place,
    find_user_id,
    get_rules,
    is_facilitator,
    list_courses,
    list_facilitators,
)
from integra_gradebook.ratings import claim_submission, list_queue, rate_submission
from integra_gradebook.record import get_record, store_certificate_states
from integra_gradebook.reports import get_cohort_report
from integra_gradebook.results import (
    AttemptView,
    Bank,
    BypassState,
    CertificateStateRow,
    CertificateStateView,
    CertificateStatus,
    CohortReport,
    DeliverableState,
    Draft,
    FormReport,
    Gain,
    ItemReport,
    Learner,
    PracticeResult,
    PracticeState,
    Queue,
    QueueRow,
    RatingView,
    Record,
    RecordDeliverable,
    RecordModule,
    RecordTest,
    RecordUnit,
    RosterModule,
    RosterRow,
    SavedResponses,
    SubmissionView,
    UnitState,
)
from integra_gradebook.roster import list_roster
from integra_gradebook.standings import get_module_standing
from integra_grading.next_step import NextStep

__all__ = [
    "AttemptView",
    "Bank",
    "BypassState",
    "CertificateStateRow",
    "CertificateStateView",
    "CertificateStatus",
    "CohortReport",
    "CourseNotRegistered",
    "DeliverableState",
    "DocumentInvalid",
    "Draft",
    "FormReport",
    "Gain",
    "GradebookError",
    "ItemReport",
    "JournalEntry",
    "Learner",
    "NextStep",
    "Place",
    "PracticeResult",
    "PracticeState",
    "Queue",
    "QueueRow",
    "RatingView",
    "Record",
    "RecordDeliverable",
    "RecordModule",
    "RecordTest",
    "RecordUnit",
    "RosterModule",
    "RosterRow",
    "SavedResponses",
    "SubmissionView",
    "UnitState",
    "answer_practice",
    "answer_review",
    "appoint_facilitator",
    "claim_submission",
    "complete_lesson",
    "enrol",
    "find_attempt",
    "find_place",
    "find_score",
    "find_user_id",
    "get_bypass_state",
    "get_cohort_report",
    "get_deliverable_state",
    "get_learner_uuid",
    "get_module_standing",
    "get_practice_state",
    "get_record",
    "get_rules",
    "get_short_code",
    "get_unit_state",
    "has_submitted",
    "is_facilitator",
    "list_courses",
    "list_facilitators",
    "list_papers",
    "list_queue",
    "list_roster",
    "mirror_again",
    "mirror_pending",
    "open_cohort",
    "override_score",
    "rate_submission",
    "read_journal",
    "register_course",
    "rescore_block",
    "retire_learner",
    "save_draft",
    "save_response",
    "set_accommodations",
    "start_attempt",
    "start_paper",
    "store_certificate_states",
    "submit_attempt",
    "submit_deliverable",
    "submit_paper",
    "take_back_paper",
    "tick_active_time",
    "void_block",
]
