"""What the apps above may call."""

from .approvals import get_policies
from .decisions import decide_achievements
from .issuer import compromise_key, ensure_issuer
from .issuing import complete_intents, issue_due
from .keys import rotate_key
from .life import reinstate, revoke, suspend
from .models import Credential, CredentialState, KeyAlgorithm, RevocationReason, SuspensionReason
from .signing import complete_forms
from .states import StateRow, effective_state, find_current, get_page_url, list_credentials, list_states

__all__ = [
    "Credential",
    "CredentialState",
    "KeyAlgorithm",
    "RevocationReason",
    "StateRow",
    "SuspensionReason",
    "complete_forms",
    "complete_intents",
    "compromise_key",
    "decide_achievements",
    "effective_state",
    "ensure_issuer",
    "find_current",
    "get_page_url",
    "get_policies",
    "issue_due",
    "list_credentials",
    "list_states",
    "reinstate",
    "revoke",
    "rotate_key",
    "suspend",
]
