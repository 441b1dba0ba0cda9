"""Who signs, with what, what was signed, and what became of it."""

from uuid import uuid4

from django.db import models
from django.db.models import Q

from integra_service.lib.scope import CityScopedManager
from integra_service.people.models import Person


class Issuer(models.Model):
    """Who signs. Its address is its identifier (did:web) and stands in every credential: fixed from the first one on.

    The row is also the lock that puts changes of credentials into one order (``state_position``).
    """

    key = models.CharField(max_length=64, unique=True)
    url = models.URLField(max_length=500)
    did = models.CharField(max_length=500)
    name = models.CharField(max_length=150)
    state_position = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()


class KeyState(models.TextChoices):
    """What a key may still be used for."""

    ACTIVE = "active"  # signs
    RETIRED = "retired"  # signs no more; what it signed stays good
    COMPROMISED = "compromised"  # leaves the DID document; what it signed is worth nothing


class SigningKey(models.Model):
    """An Ed25519 key pair; the private half is encrypted and bound to this row."""

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="keys")
    uuid = models.UUIDField(unique=True, default=uuid4, editable=False)
    fragment = models.CharField(max_length=40)
    public_key = models.CharField(max_length=100)
    private_key = models.TextField()
    state = models.CharField(max_length=12, choices=KeyState.choices, default=KeyState.ACTIVE)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "fragment"], name="credentials_fragment_once"),
            # Two active keys would make it chance which one signs.
            models.UniqueConstraint(
                fields=["issuer"], condition=Q(state="active"), name="credentials_one_active_key"
            ),
        ]


class StatusList(models.Model):
    """A published list of revocation bits, as signed; its bits follow from the rows that point into it."""

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="status_lists")
    key = models.CharField(max_length=20)
    content = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "key"], name="credentials_list_once")]


class CredentialState(models.TextChoices):
    """What the page and the classroom say of a credential."""

    INTENDED = "intended"  # decided and stored, not signed yet: nobody sees it
    VALID = "valid"
    REVOKED = "revoked"


class RevocationReason(models.TextChoices):
    """Why a credential was revoked, as a class; details stand in the audit trail of whoever decided."""

    EVIDENCE_WITHDRAWN = "evidence_withdrawn"
    ISSUED_IN_ERROR = "issued_in_error"
    MISUSE = "misuse"
    HOLDER_REQUEST = "holder_request"


class Credential(models.Model):
    """One achievement of one person. Its address stays when a later document replaces the signed one."""

    uuid = models.UUIDField(unique=True, default=uuid4, editable=False)
    token = models.CharField(max_length=22, unique=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="credentials")
    achievement_key = models.CharField(max_length=64)
    subject_uuid = models.UUIDField(default=uuid4, editable=False)
    state = models.CharField(max_length=12, choices=CredentialState.choices, default=CredentialState.INTENDED)
    reason = models.CharField(max_length=24, choices=RevocationReason.choices, blank=True)
    awarded_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    # Of the last change, over all credentials; None while nobody may see it.
    state_position = models.BigIntegerField(null=True, unique=True)

    objects = CityScopedManager("person__city_id")

    class Meta:
        constraints = [
            # What makes two workers issue once.
            models.UniqueConstraint(
                fields=["person", "achievement_key"], name="credentials_achievement_once"
            ),
            models.CheckConstraint(
                condition=Q(state="intended", state_position__isnull=True)
                | Q(~Q(state="intended"), state_position__isnull=False),
                name="credentials_position_when_seen",
            ),
        ]


class CredentialDocument(models.Model):
    """What is signed for a credential: stored as intent before signing, as immutable bytes afterwards.

    ``evidence`` holds the facts the decision stood on; with the policy it names, anybody with access to both can
    decide again.
    """

    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="documents")
    ordinal = models.PositiveSmallIntegerField(default=1)
    status_list = models.ForeignKey(StatusList, on_delete=models.PROTECT, related_name="documents")
    status_index = models.PositiveIntegerField()
    salt = models.CharField(max_length=32)
    name_hash = models.CharField(max_length=71)
    policy_version = models.CharField(max_length=20)
    policy_digest = models.CharField(max_length=64)
    rule_version = models.CharField(max_length=64)  # the manifest's digest
    bank_digests = models.TextField()  # JSON list
    evidence = models.TextField()  # canonical JSON
    evidence_digest = models.CharField(max_length=64)
    body = models.TextField()  # JSON, without proof
    signing_key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, null=True, related_name="documents")
    content = models.BinaryField(null=True)
    content_digest = models.CharField(max_length=64, blank=True)
    is_revoked = models.BooleanField(default=False)
    intended_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True)

    objects = CityScopedManager("credential__person__city_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["credential", "ordinal"], name="credentials_ordinal_once"),
            models.UniqueConstraint(fields=["status_list", "status_index"], name="credentials_index_once"),
        ]
        indexes = [
            models.Index(fields=["intended_at"], name="credentials_unsigned", condition=Q(signed_at=None)),
            models.Index(fields=["status_list"], name="credentials_bits", condition=Q(is_revoked=True)),
        ]
