"""The issuer's row, its keys and its published documents."""

import secrets
from datetime import datetime
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from integra_service.audit import services as audit
from integra_service.lib import encryption
from integra_service.lib.errors import ServiceError

from .did import PublishedKey, build_document, make_did
from .documents import IssuerProfile, build_status_list, format_time
from .linked_data import JsonObject, dump
from .models import CredentialDocument, Issuer, KeyAlgorithm, KeyState, SigningKey, StatusList
from .proofs import SigningMethod, encode_public_key, sign
from .status_list import LENGTH, encode_list
from .verification import ResolutionError, Resolve

KEY = "integra"
FIRST_LIST = "1"


class IssuerChangedError(ServiceError):
    """The configured address is another than the one that credentials were signed under."""

    def __init__(self, stored: str, configured: str) -> None:
        super().__init__(
            "issuer_changed",
            f"Credentials were signed under {stored}, and this start is configured for {configured}. The address is "
            f"part of every credential and cannot change: start with INTEGRA_ISSUER_URL={stored} (make run: the "
            "SERVICE_PORT in it), or use another INTEGRA_HOME and database.",
        )


class IssuerMissingError(ServiceError):
    """The issuer was never prepared."""

    def __init__(self) -> None:
        super().__init__("issuer_missing", "Run the command integra_issuer once before the first credential.")


def ensure_issuer(now: datetime) -> Issuer:
    """Return the issuer, made with its first key and status list at the first start.

    Raises IssuerChangedError when the configured address is not the one credentials already stand under. Until there
    is one, the address may still change.
    """
    issuer = Issuer.objects.filter(key=KEY).first()
    if issuer is None:
        try:
            return _create_issuer(now)
        except IntegrityError:  # another process was faster
            issuer = Issuer.objects.get(key=KEY)
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


@transaction.atomic
def _create_issuer(now: datetime) -> Issuer:
    url = settings.INTEGRA_ISSUER_URL
    issuer = Issuer.objects.create(
        key=KEY, url=url, did=make_did(url), name=settings.INTEGRA_ISSUER_NAME, created_at=now
    )
    key = _create_key(issuer, now)
    issuer.status_lists.create(key=FIRST_LIST, content=_sign_list(issuer, FIRST_LIST, (), now), signed_at=now)
    data = {"url": issuer.url, "did": issuer.did, "key": key.fragment}
    audit.record("issuer.created", actor="system", subject=f"issuer:{KEY}", now=now, data=data)
    return issuer


@transaction.atomic
def _move_issuer(issuer: Issuer, now: datetime) -> None:
    Issuer.objects.select_for_update().get(pk=issuer.pk)
    if CredentialDocument.objects.for_system().exists():
        raise IssuerChangedError(issuer.url, settings.INTEGRA_ISSUER_URL)
    issuer.url = settings.INTEGRA_ISSUER_URL
    issuer.did = make_did(issuer.url)
    issuer.save(update_fields=["url", "did"])
    for status_list in issuer.status_lists.all():
        sign_status_list(status_list, now)
    data = {"url": issuer.url, "did": issuer.did}
    audit.record("issuer.moved", actor="system", subject=f"issuer:{KEY}", now=now, data=data)


def _create_key(issuer: Issuer, now: datetime) -> SigningKey:
    private_key = Ed25519PrivateKey.generate()
    uuid = uuid4()
    return issuer.keys.create(
        uuid=uuid,
        # Never the key itself: a reader that believes a fragment could be told any key.
        fragment=f"key-{now:%Y-%m}",
        public_key=encode_public_key(private_key.public_key()),
        private_key=encryption.encrypt(private_key.private_bytes_raw(), context=_key_context(uuid)),
        created_at=now,
        changed_at=now,
    )


def _key_context(uuid: object) -> str:
    return f"credentials.signing_key:{uuid}"


def get_signing_method(issuer: Issuer) -> tuple[SigningKey, SigningMethod]:
    """Return the active key, opened."""
    key = issuer.keys.get(state=KeyState.ACTIVE, algorithm=KeyAlgorithm.ED25519)
    raw = encryption.decrypt(key.private_key, context=_key_context(key.uuid))
    return key, SigningMethod(f"{issuer.did}#{key.fragment}", Ed25519PrivateKey.from_private_bytes(raw))


def get_did_document(issuer: Issuer) -> JsonObject:
    """Return the DID document: active and retired keys, in the order they were made."""
    keys = issuer.keys.exclude(state=KeyState.COMPROMISED).order_by("created_at", "pk")
    return build_document(issuer.did, [PublishedKey(key.fragment, key.public_key) for key in keys])


def resolve_own(issuer: Issuer) -> Resolve:
    """Return how our own verification finds what this issuer publishes, without asking the network."""

    def resolve(address: str) -> bytes:
        if address == issuer.did:
            return dump(get_did_document(issuer))
        for status_list in issuer.status_lists.all():
            if get_list_url(issuer, status_list) == address:
                return status_list.content.encode("utf-8")
        raise ResolutionError(address)

    return resolve


def make_profile(issuer: Issuer) -> IssuerProfile:
    return IssuerProfile(issuer.did, issuer.url, issuer.name)


def get_list_url(issuer: Issuer, status_list: StatusList) -> str:
    return f"{issuer.url}/status/{status_list.key}"


@transaction.atomic
def open_status_list(issuer: Issuer, now: datetime) -> None:
    """Begin a further list, which new credentials go into from now on; two at once begin one."""
    latest = issuer.status_lists.latest("pk")
    key = str(int(latest.key) + 1)
    content = _sign_list(issuer, key, (), now)
    _list, is_new = issuer.status_lists.get_or_create(
        key=key, defaults={"content": content, "signed_at": now}
    )
    if is_new:
        audit.record("status_list.opened", actor="system", subject=f"status_list:{key}", now=now)


def draw_status_index() -> int:
    """Return an index that tells nothing about when a credential was issued."""
    return secrets.randbelow(LENGTH)


def sign_status_list(status_list: StatusList, now: datetime) -> None:
    """Publish the list as its rows say. The caller holds the list's row lock, so that none overwrites a later one."""
    documents = CredentialDocument.objects.for_system().filter(status_list=status_list, is_revoked=True)
    indices = tuple(documents.values_list("status_index", flat=True))
    status_list.content = _sign_list(status_list.issuer, status_list.key, indices, now)
    status_list.signed_at = now
    status_list.save(update_fields=["content", "signed_at"])


def _sign_list(issuer: Issuer, key: str, indices: tuple[int, ...], now: datetime) -> str:
    _key, method = get_signing_method(issuer)
    body = build_status_list(f"{issuer.url}/status/{key}", issuer.did, encode_list(indices), now)
    return dump(sign(body, method, created=format_time(now))).decode("utf-8")


def take_state_position(issuer: Issuer) -> int:
    """Return the next number; the row lock makes changes become visible in the order of their numbers."""
    Issuer.objects.filter(pk=issuer.pk).update(state_position=F("state_position") + 1)
    return Issuer.objects.values_list("state_position", flat=True).get(pk=issuer.pk)
