"""What several apps or pages above call; what only one of them needs it takes from the module itself."""

from .acts import (
    access_issued,
    access_requested,
    act_on,
    decide_act,
    needs_second_person,
    require_officer,
    require_unchanged,
    still_fits,
)
from .approvals import (
    approve_policy,
    find_approval,
    find_policy_by_digest,
    get_policies,
    list_approvals,
    list_policies,
    propose_policy,
    read_approved,
    read_own_policies,
)
from .checking import settle_finding
from .completing import complete_intents
from .decisions import Case, decide_achievements, decide_renewals, read_case
from .history import History, access_finding, read_history
from .issuer import compromise_key, count_entries, ensure_issuer, find_issuer, name_issuer
from .issuing import issue_due
from .keys import count_documents, rotate_key
from .life import list_possible_acts, reinstate, revoke, suspend
from .listing import Filters, Shown, count_waiting, list_register
from .models import (
    Act,
    ActDecision,
    Credential,
    CredentialDocument,
    CredentialState,
    Finding,
    FindingCode,
    KeyState,
    PolicyApproval,
    ReplacementReason,
    RequestedAct,
    RevocationReason,
    Run,
    RunKind,
    SuspensionReason,
)
from .pages import describe_reason, describe_state
from .policies import AchievementPolicy
from .renewal import Obstacle, Renewal
from .runs import access_run, list_runs, start_issue
from .signing import complete_forms
from .states import (
    EXPIRED,
    effective_state,
    get_page_url,
    list_credentials,
    list_states,
    list_terms,
)
from .tasks import request_work

__all__ = [
    "EXPIRED",
    "AchievementPolicy",
    "Act",
    "ActDecision",
    "Case",
    "Credential",
    "CredentialDocument",
    "CredentialState",
    "Filters",
    "Finding",
    "FindingCode",
    "History",
    "KeyState",
    "Obstacle",
    "PolicyApproval",
    "Renewal",
    "ReplacementReason",
    "RequestedAct",
    "RevocationReason",
    "Run",
    "RunKind",
    "Shown",
    "SuspensionReason",
    "access_finding",
    "access_issued",
    "access_requested",
    "access_run",
    "act_on",
    "approve_policy",
    "complete_forms",
    "complete_intents",
    "compromise_key",
    "count_documents",
    "count_entries",
    "count_waiting",
    "decide_achievements",
    "decide_act",
    "decide_renewals",
    "describe_reason",
    "describe_state",
    "effective_state",
    "ensure_issuer",
    "find_approval",
    "find_issuer",
    "find_policy_by_digest",
    "get_page_url",
    "get_policies",
    "issue_due",
    "list_approvals",
    "list_credentials",
    "list_policies",
    "list_possible_acts",
    "list_register",
    "list_runs",
    "list_states",
    "list_terms",
    "name_issuer",
    "needs_second_person",
    "propose_policy",
    "read_approved",
    "read_case",
    "read_history",
    "read_own_policies",
    "reinstate",
    "request_work",
    "require_officer",
    "require_unchanged",
    "revoke",
    "rotate_key",
    "settle_finding",
    "start_issue",
    "still_fits",
    "suspend",
]
