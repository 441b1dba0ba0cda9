"""The issuer's keys: the only place that opens a private half.

Whoever signs asks for a method by algorithm and gets something that signs. To keep private halves elsewhere (a
hardware module, a vault), this module is what changes.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError, transaction
from django.db.models import Q

from integra_service.audit import services as audit
from integra_service.lib import encryption
from integra_service.lib.errors import ServiceError

from .did import PublishedKey, build_document
from .jose import Es256PrivateKey
from .linked_data import JsonObject
from .locks import lock_issuer
from .models import CredentialDocument, Issuer, KeyAlgorithm, KeyState, SigningKey
from .multikey import PublicKey, encode_public_key
from .proofs import SigningMethod, Signs

_P256_BYTES = 32
_SUFFIXES = {KeyAlgorithm.ED25519: "", KeyAlgorithm.P256: "-es256"}


class KeyMissingError(ServiceError):
    """The issuer has no active key of the algorithm."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(
            "key_missing", f"There is no active {algorithm} key: run the command integra_issuer."
        )


class KeyCompromisedError(ServiceError):
    """The key was declared compromised after it was opened; nothing it signed since may be stored."""

    def __init__(self, fragment: str) -> None:
        super().__init__("key_compromised", f"The key {fragment} was declared compromised meanwhile.")


def get_signing_method(issuer: Issuer, algorithm: KeyAlgorithm) -> tuple[SigningKey, SigningMethod]:
    """Return the active key of the algorithm, opened."""
    key = issuer.keys.filter(state=KeyState.ACTIVE, algorithm=algorithm).first()
    if key is None:
        raise KeyMissingError(algorithm)
    raw = encryption.decrypt(key.private_key, context=_key_context(key.uuid))
    return key, SigningMethod(f"{issuer.did}#{key.fragment}", _open(algorithm, raw))


def get_did_document(issuer: Issuer) -> JsonObject:
    """Return the DID document: active and retired keys, in the order they were made."""
    keys = issuer.keys.exclude(state=KeyState.COMPROMISED).order_by("created_at", "pk")
    return build_document(issuer.did, [PublishedKey(key.fragment, key.public_key) for key in keys])


def ensure_keys(issuer: Issuer, now: datetime) -> None:
    """Make the active key of each algorithm that has none; an issuer from before an algorithm existed lacks its key."""
    held = set(issuer.keys.filter(state=KeyState.ACTIVE).values_list("algorithm", flat=True))
    for algorithm in KeyAlgorithm:
        if algorithm in held:
            continue
        try:
            with transaction.atomic():
                key = create_key(issuer, algorithm, now)
                _record("key.created", key, audit.SYSTEM, now)
        except IntegrityError:  # another process was faster
            continue


def create_key(issuer: Issuer, algorithm: KeyAlgorithm, now: datetime) -> SigningKey:
    """Store a new active key; the one before must no longer be active."""
    raw, public_key = _MAKERS[algorithm]()
    uuid = uuid4()
    return issuer.keys.create(
        uuid=uuid,
        fragment=_find_fragment(issuer, algorithm, now),
        algorithm=algorithm,
        public_key=encode_public_key(public_key),
        private_key=encryption.encrypt(raw, context=_key_context(uuid)),
        created_at=now,
        changed_at=now,
    )


def encrypt_private_key_anew(key: SigningKey) -> bool:
    """Put the private half, of whatever state, under the current key of names; False when the row is gone."""
    token = encryption.encrypt_anew(key.private_key, context=_key_context(key.uuid))
    return bool(SigningKey.objects.filter(pk=key.pk, private_key=key.private_key).update(private_key=token))


@transaction.atomic
def rotate_key(issuer: Issuer, algorithm: KeyAlgorithm, now: datetime, by: str) -> SigningKey:
    """Retire the active key of the algorithm and return the new one. What the old one signed stays good."""
    lock_issuer(issuer)
    issuer.keys.filter(state=KeyState.ACTIVE, algorithm=algorithm).update(
        state=KeyState.RETIRED, changed_at=now
    )
    key = create_key(issuer, algorithm, now)
    _record("key.rotated", key, by, now)
    return key


def withdraw_key(key: SigningKey, now: datetime) -> bool:
    """Take a compromised key out of the DID document, with a new active one in its place where it was active.

    Part of ``issuer.compromise_key``, which renews the status lists in the same transaction. Returns False, and
    changes nothing, for a key that was withdrawn before.
    """
    lock_issuer(key.issuer)
    key.refresh_from_db()
    if key.state == KeyState.COMPROMISED:
        return False
    was_active = key.state == KeyState.ACTIVE
    key.state, key.changed_at = KeyState.COMPROMISED, now
    key.save(update_fields=["state", "changed_at"])
    if was_active:
        create_key(key.issuer, KeyAlgorithm(key.algorithm), now)
    return True


def require_trusted(*keys: SigningKey) -> None:
    """Raise KeyCompromisedError if one of the keys was withdrawn. The caller holds the issuer's row lock."""
    withdrawn = SigningKey.objects.filter(pk__in=[key.pk for key in keys], state=KeyState.COMPROMISED).first()
    if withdrawn is not None:
        raise KeyCompromisedError(withdrawn.fragment)


def count_documents(key: SigningKey, city_ids: Collection[int]) -> int:
    """Return how many documents of people of those cities the key signed, in whichever form."""
    documents = CredentialDocument.objects.in_cities(city_ids)
    return documents.filter(Q(signing_key=key) | Q(jose_key=key)).count()


def _find_fragment(issuer: Issuer, algorithm: KeyAlgorithm, now: datetime) -> str:
    """Return a free fragment. Never the key itself: a reader that believes a fragment could be told any key."""
    first = f"key-{now:%Y-%m}{_SUFFIXES[algorithm]}"
    taken = set(issuer.keys.filter(fragment__startswith=first).values_list("fragment", flat=True))
    number = 1
    while (fragment := first if number == 1 else f"{first}-{number}") in taken:
        number += 1
    return fragment


def _make_ed25519() -> tuple[bytes, PublicKey]:
    private_key = Ed25519PrivateKey.generate()
    return private_key.private_bytes_raw(), private_key.public_key()


def _make_p256() -> tuple[bytes, PublicKey]:
    private_key = ec.generate_private_key(ec.SECP256R1())
    scalar = private_key.private_numbers().private_value
    return scalar.to_bytes(_P256_BYTES, "big"), private_key.public_key()


_MAKERS: dict[KeyAlgorithm, Callable[[], tuple[bytes, PublicKey]]] = {
    KeyAlgorithm.ED25519: _make_ed25519,
    KeyAlgorithm.P256: _make_p256,
}


def _open(algorithm: KeyAlgorithm, raw: bytes) -> Signs:
    if algorithm is KeyAlgorithm.ED25519:
        return Ed25519PrivateKey.from_private_bytes(raw)
    return Es256PrivateKey(ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1()))


def _key_context(uuid: UUID) -> str:
    return f"credentials.signing_key:{uuid}"


def _record(action: str, key: SigningKey, by: str, now: datetime) -> None:
    data = {"key": key.fragment, "algorithm": key.algorithm}
    audit.record(action, actor=by, subject=f"issuer:{key.issuer.key}", now=now, data=data)
