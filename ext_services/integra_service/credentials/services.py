"""What the apps above may call."""

from .decisions import decide_achievements, get_policies
from .issuer import compromise_key, ensure_issuer
from .issuing import complete_intents, issue_due
from .keys import rotate_key
from .models import Credential, CredentialState, KeyAlgorithm, RevocationReason
from .revoking import revoke
from .signing import complete_forms
from .states import StateRow, find_current, get_page_url, list_credentials, list_states

__all__ = [
    "Credential",
    "CredentialState",
    "KeyAlgorithm",
    "RevocationReason",
    "StateRow",
    "complete_forms",
    "complete_intents",
    "compromise_key",
    "decide_achievements",
    "ensure_issuer",
    "find_current",
    "get_page_url",
    "get_policies",
    "issue_due",
    "list_credentials",
    "list_states",
    "revoke",
    "rotate_key",
]
