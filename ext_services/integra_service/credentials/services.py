"""What the apps above may call."""

from .decisions import decide_achievements, get_policies
from .issuer import ensure_issuer
from .issuing import complete_intents, issue_due
from .models import Credential, CredentialState, RevocationReason
from .revoking import revoke
from .states import StateRow, find_current, get_page_url, list_credentials, list_states

__all__ = [
    "Credential",
    "CredentialState",
    "RevocationReason",
    "StateRow",
    "complete_intents",
    "decide_achievements",
    "ensure_issuer",
    "find_current",
    "get_page_url",
    "get_policies",
    "issue_due",
    "list_credentials",
    "list_states",
    "revoke",
]
