"""Our own verification: strict about form first, then about signature, issuer, key and status. Fails closed.

Pure: documents of others come through ``resolve``. It never canonicalises anything whose shape could make that
expensive, but whoever verifies files of strangers still gives it a process with a limit.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from .documents import STATUS_PURPOSE
from .jose import JwtForm
from .linked_data import CREDENTIALS_V2, OPEN_BADGES_V3, JsonObject, LinkedDataError
from .secured import RefusedError, Resolve, issuer_of, read_embedded, read_jwt, read_time, resolve_address
from .status_list import StatusListError, is_set

CONTEXTS = [CREDENTIALS_V2, OPEN_BADGES_V3]
_STATUS_MEMBERS = {"id", "type", "statusPurpose", "statusListIndex", "statusListCredential"}
_INDEX = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)


class Outcome(StrEnum):
    """What a verification ends in."""

    VALID = "valid"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome; ``code`` and ``sentence`` say why a document was refused."""

    outcome: Outcome
    code: str = ""
    sentence: str = ""
    issuer: str = ""


def verify_document(raw: bytes, resolve: Resolve, *, now: datetime) -> Verification:
    """Return what can be said of the credential in ``raw``, JSON with a proof; never raises for what it reads."""
    try:
        return _judge(read_embedded(raw, resolve, contexts=CONTEXTS), resolve, now)
    except (RefusedError, LinkedDataError) as error:
        return Verification(Outcome.REFUSED, error.code, error.sentence)


def verify_jwt(raw: bytes, form: JwtForm, resolve: Resolve, *, now: datetime) -> Verification:
    """Return what can be said of the credential in ``raw``, a JWT of the given form; never raises for what it reads."""
    try:
        return _judge(read_jwt(raw, resolve, form=form, contexts=CONTEXTS), resolve, now)
    except (RefusedError, LinkedDataError) as error:
        return Verification(Outcome.REFUSED, error.code, error.sentence)


def _judge(document: JsonObject, resolve: Resolve, now: datetime) -> Verification:
    issuer = issuer_of(document)
    if document.get("type") != ["VerifiableCredential", "OpenBadgeCredential"]:
        raise RefusedError("wrong_type", "It is not an Open Badges credential.")
    outcome = _judge_time(document, now)
    if _is_revoked(document, issuer, resolve):
        outcome = Outcome.REVOKED
    return Verification(outcome, issuer=issuer)


def _judge_time(document: JsonObject, now: datetime) -> Outcome:
    valid_from = read_time(document.get("validFrom"))
    valid_until = (
        read_time(document["validUntil"]) if "validUntil" in document else datetime.max.replace(tzinfo=UTC)
    )
    if valid_from is None or valid_until is None:
        raise RefusedError("wrong_time", "A date cannot be read.")
    if now < valid_from:
        return Outcome.NOT_YET_VALID
    return Outcome.VALID if now <= valid_until else Outcome.EXPIRED


def _is_revoked(document: JsonObject, issuer: str, resolve: Resolve) -> bool:
    """Look the credential up in its status list, which must be the same issuer's; refuse what cannot be read."""
    status = document.get("credentialStatus")
    if not isinstance(status, dict) or set(status) != _STATUS_MEMBERS:
        raise RefusedError("wrong_status", "It does not name exactly one status.")
    if not all(isinstance(value, str) for value in status.values()):
        raise RefusedError("wrong_status", "A member of the status is not text.")
    kind = (status["type"], status["statusPurpose"])
    if kind != ("BitstringStatusListEntry", STATUS_PURPOSE) or not _INDEX.fullmatch(
        status["statusListIndex"]
    ):
        raise RefusedError("wrong_status", "The status is of another kind.")
    url = status["statusListCredential"]
    status_list = _read_list(resolve_address(resolve, url), resolve)
    subject = status_list.get("credentialSubject")
    if (
        status_list.get("id") != url
        or issuer_of(status_list) != issuer
        or status_list.get("type") != ["VerifiableCredential", "BitstringStatusListCredential"]
        or not isinstance(subject, dict)
        or subject.get("type") != "BitstringStatusList"
        or subject.get("statusPurpose") != STATUS_PURPOSE
    ):
        raise RefusedError("wrong_status_list", "The status list is not this issuer's for this purpose.")
    try:
        return is_set(str(subject.get("encodedList")), int(status["statusListIndex"]))
    except StatusListError as error:
        raise RefusedError("wrong_status_list", f"The status list cannot be read: {error}.") from error


def _read_list(raw: bytes, resolve: Resolve) -> JsonObject:
    """Return the status list in whichever of its two forms it came."""
    if raw.startswith(b"{"):
        return read_embedded(raw, resolve, contexts=[CREDENTIALS_V2])
    return read_jwt(raw, resolve, form=JwtForm.VC_JOSE_COSE, contexts=[CREDENTIALS_V2])
