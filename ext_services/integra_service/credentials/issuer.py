"""The issuer's row and its status lists."""

import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q

from integra_service.audit import services as audit
from integra_service.lib.errors import ServiceError

from .did import make_did
from .documents import IssuerProfile, build_status_list, format_time
from .jose import JwtForm, sign_jwt
from .keys import create_key, ensure_keys, get_did_document, get_signing_method, withdraw_key
from .linked_data import dump
from .locks import lock_issuer, lock_status_lists
from .models import CredentialDocument, Issuer, KeyAlgorithm, SigningKey, StatusList
from .proofs import sign
from .secured import ResolutionError, Resolve
from .status_list import LENGTH, encode_list

KEY = "integra"
FIRST_LIST = "1"
MAX_DRAWS = 8
T = TypeVar("T")


class IssuerChangedError(ServiceError):
    """The configured address is another than the one that credentials were signed under."""

    def __init__(self, stored: str, configured: str) -> None:
        super().__init__(
            "issuer_changed",
            f"Credentials were signed under {stored}, and this start is configured for {configured}. The address is "
            f"part of every credential and cannot change: start with INTEGRA_ISSUER_URL={stored} (make run: the "
            "SERVICE_PORT in it), or use another INTEGRA_HOME and database.",
        )


class IssuerRenamedError(ServiceError):
    """The configured name is another than the one that credentials were signed under."""

    def __init__(self, stored: str, configured: str) -> None:
        super().__init__(
            "issuer_renamed",
            f"Credentials were signed by {stored!r}, and this start is configured for {configured!r}. Start with "
            f"INTEGRA_ISSUER_NAME={stored}, or run integra_issuer --rename: documents signed from then on bear the new "
            "name, those signed before keep the old one.",
        )


class IssuerMissingError(ServiceError):
    """The issuer was never prepared."""

    def __init__(self) -> None:
        super().__init__("issuer_missing", "Run the command integra_issuer once before the first credential.")


def ensure_issuer(now: datetime) -> Issuer:
    """Return the issuer, made with its first keys and status list at the first start.

    Raises IssuerChangedError when the configured address is not the one credentials already stand under. Until there
    is one, the address may still change.
    """
    issuer = Issuer.objects.filter(key=KEY).first()
    if issuer is None:
        try:
            return _create_issuer(now)
        except IntegrityError:  # another process was faster
            issuer = Issuer.objects.get(key=KEY)
    ensure_keys(issuer, now)
    if issuer.url != settings.INTEGRA_ISSUER_URL:
        _move_issuer(issuer, now)
    return issuer


def get_issuer() -> Issuer:
    """Return the prepared issuer; raise when it is missing or not the configured one."""
    issuer = Issuer.objects.filter(key=KEY).first()
    if issuer is None:
        raise IssuerMissingError
    if issuer.url != settings.INTEGRA_ISSUER_URL:
        raise IssuerChangedError(issuer.url, settings.INTEGRA_ISSUER_URL)
    return issuer


def find_issuer() -> Issuer | None:
    """Return the issuer as it is stored, or None before the first start."""
    return Issuer.objects.filter(key=KEY).first()


@transaction.atomic
def _create_issuer(now: datetime) -> Issuer:
    url = settings.INTEGRA_ISSUER_URL
    issuer = Issuer.objects.create(
        key=KEY, url=url, did=make_did(url), name=settings.INTEGRA_ISSUER_NAME, created_at=now
    )
    keys = [create_key(issuer, algorithm, now) for algorithm in KeyAlgorithm]
    forms = _sign_list(issuer, FIRST_LIST, (), now)
    issuer.status_lists.create(key=FIRST_LIST, content=forms.content, jwt=forms.jwt, signed_at=now)
    audit.record(
        "issuer.created",
        actor=audit.SYSTEM,
        subject=f"issuer:{KEY}",
        now=now,
        data={"url": issuer.url, "did": issuer.did, "keys": [key.fragment for key in keys]},
    )
    return issuer


@transaction.atomic
def _move_issuer(issuer: Issuer, now: datetime) -> None:
    status_lists = lock_status_lists(issuer.status_lists.all())
    lock_issuer(issuer)
    if CredentialDocument.objects.for_system().exists():
        raise IssuerChangedError(issuer.url, settings.INTEGRA_ISSUER_URL)
    issuer.url = settings.INTEGRA_ISSUER_URL
    issuer.did = make_did(issuer.url)
    issuer.save(update_fields=["url", "did"])
    for status_list in status_lists:
        sign_status_list(status_list, now)
    data = {"url": issuer.url, "did": issuer.did}
    audit.record("issuer.moved", actor=audit.SYSTEM, subject=f"issuer:{KEY}", now=now, data=data)


@transaction.atomic
def name_issuer(issuer: Issuer, now: datetime, *, is_rename: bool) -> bool:
    """Give the issuer the configured name; return whether it had another.

    Asked for by the operator's command only: a process that was started with older settings must not change it back.
    Raises IssuerRenamedError once something is signed, unless ``is_rename``: then later documents bear the new name.
    """
    lock_issuer(issuer)
    issuer.refresh_from_db()
    former = issuer.name
    if former == settings.INTEGRA_ISSUER_NAME:
        return False
    if not is_rename and CredentialDocument.objects.for_system().exists():
        raise IssuerRenamedError(former, settings.INTEGRA_ISSUER_NAME)
    issuer.name = settings.INTEGRA_ISSUER_NAME
    issuer.save(update_fields=["name"])
    data = {"from": former, "to": issuer.name}
    audit.record("issuer.renamed", actor=audit.SYSTEM, subject=f"issuer:{KEY}", now=now, data=data)
    return True


@transaction.atomic
def compromise_key(key: SigningKey, now: datetime, by: str) -> None:
    """Let nothing count any more that ``key`` signed; a new key takes its place and the status lists are renewed.

    The documents it signed are refused from now on: whoever calls this replaces them. Repeating it changes nothing.
    """
    status_lists = lock_status_lists(key.issuer.status_lists.all())
    if not withdraw_key(key, now):
        return
    for status_list in status_lists:
        sign_status_list(status_list, now)
    data = {"key": key.fragment, "algorithm": key.algorithm}
    audit.record("key.compromised", actor=by, subject=f"issuer:{key.issuer.key}", now=now, data=data)


def resolve_own(issuer: Issuer) -> Resolve:
    """Return how our own verification finds what this issuer publishes, without asking the network."""

    def resolve(address: str) -> bytes:
        if address == issuer.did:
            return dump(get_did_document(issuer))
        for status_list in issuer.status_lists.all():
            if get_list_url(issuer, status_list.key) == address:
                # Either form will do; the JWT is read without any linked data, at a tenth of the cost.
                return (status_list.jwt or status_list.content).encode("utf-8")
        raise ResolutionError(address)

    return resolve


def make_profile(issuer: Issuer) -> IssuerProfile:
    return IssuerProfile(issuer.did, issuer.url, issuer.name)


def get_list_url(issuer: Issuer, key: str) -> str:
    return f"{issuer.url}/status/{key}"


@transaction.atomic
def open_status_list(issuer: Issuer, now: datetime) -> None:
    """Begin a further list, which new credentials go into from now on; two at once begin one."""
    latest = issuer.status_lists.latest("pk")
    key = str(int(latest.key) + 1)
    forms = _sign_list(issuer, key, (), now)
    _list, is_new = issuer.status_lists.get_or_create(
        key=key, defaults={"content": forms.content, "jwt": forms.jwt, "signed_at": now}
    )
    if is_new:
        audit.record("status_list.opened", actor=audit.SYSTEM, subject=f"status_list:{key}", now=now)


def store_with_free_index(
    issuer: Issuer, store: Callable[[], T], find_known: Callable[[], T | None], now: datetime
) -> T:
    """Return what ``store`` made with a place of its own in the status list, or what somebody else made meanwhile."""
    for draw in range(2 * MAX_DRAWS):
        if draw == MAX_DRAWS:
            # So many taken places in a row: the list is more than half full.
            open_status_list(issuer, now)
        try:
            # Committed before anything is signed: a caller that holds a transaction open is a mistake.
            with transaction.atomic(durable=True):
                return store()
        except IntegrityError:  # made meanwhile, or the drawn place in the status list is taken
            known = find_known()
            if known is not None:
                return known
    raise ServiceError("status_list_full", "No free place in the status list was found.")


def count_entries(status_list: StatusList, city_ids: Collection[int]) -> dict[str, int]:
    """Return how many places of the list people of those cities hold, and how many of them are revoked."""
    documents = CredentialDocument.objects.in_cities(city_ids).filter(status_list=status_list)
    return documents.aggregate(used_count=Count("pk"), revoked_count=Count("pk", filter=Q(is_revoked=True)))


def draw_status_index() -> int:
    """Return an index that tells nothing about when a credential was issued."""
    return secrets.randbelow(LENGTH)


def sign_status_list(status_list: StatusList, now: datetime) -> None:
    """Publish the list as its rows say. The caller holds the list's row lock, so that none overwrites a later one."""
    documents = CredentialDocument.objects.for_system().filter(status_list=status_list, is_revoked=True)
    indices = tuple(documents.values_list("status_index", flat=True))
    forms = _sign_list(status_list.issuer, status_list.key, indices, now)
    status_list.content, status_list.jwt, status_list.signed_at = forms.content, forms.jwt, now
    status_list.save(update_fields=["content", "jwt", "signed_at"])


@dataclass(frozen=True, slots=True)
class SignedList:
    """One list in its two forms, which say the same."""

    content: str
    jwt: str


def _sign_list(issuer: Issuer, key: str, indices: Iterable[int], now: datetime) -> SignedList:
    body = build_status_list(get_list_url(issuer, key), issuer.did, encode_list(indices), now)
    _key, method = get_signing_method(issuer, KeyAlgorithm.ED25519)
    _key, jose_method = get_signing_method(issuer, KeyAlgorithm.P256)
    content = dump(sign(body, method, created=format_time(now))).decode("utf-8")
    return SignedList(content, sign_jwt(body, jose_method, JwtForm.VC_JOSE_COSE))


def take_state_position(issuer: Issuer) -> int:
    """Return the next number; the row lock makes changes become visible in the order of their numbers."""
    Issuer.objects.filter(pk=issuer.pk).update(state_position=F("state_position") + 1)
    return Issuer.objects.values_list("state_position", flat=True).get(pk=issuer.pk)
