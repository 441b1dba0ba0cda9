"""Who signs, with what, what was signed, and what became of it."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from integra_service.lib.scope import CityScopedManager
from integra_service.people.models import City, Person, Source


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


class KeyAlgorithm(models.TextChoices):
    """What a key is for: the embedded proof, or the two JOSE forms."""

    ED25519 = "Ed25519"  # eddsa-rdfc-2022
    P256 = "P-256"  # ES256: of the algorithms 1EdTech's validator takes, the one with short signatures


class SigningKey(models.Model):
    """A key pair; the private half is encrypted and bound to this row."""

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="keys")
    uuid = models.UUIDField(unique=True, default=uuid4, editable=False)
    fragment = models.CharField(max_length=40)
    algorithm = models.CharField(max_length=8, choices=KeyAlgorithm.choices, default=KeyAlgorithm.ED25519)
    public_key = models.CharField(max_length=100)  # Multikey
    private_key = models.TextField()
    state = models.CharField(max_length=12, choices=KeyState.choices, default=KeyState.ACTIVE)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "fragment"], name="credentials_fragment_once"),
            # Two active keys would make it chance which one signs.
            models.UniqueConstraint(
                fields=["issuer", "algorithm"],
                condition=Q(state="active"),
                name="credentials_one_active_key",
            ),
        ]


class StatusList(models.Model):
    """A published list of revocation bits, as signed; its bits follow from the rows that point into it."""

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="status_lists")
    key = models.CharField(max_length=20)
    content = models.TextField()  # JSON with an embedded proof
    jwt = models.TextField(blank=True)  # the same list as vc+jwt
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "key"], name="credentials_list_once")]


class CredentialState(models.TextChoices):
    """What the page and the classroom say of a credential."""

    INTENDED = "intended"  # decided and stored, not signed yet: nobody sees it
    VALID = "valid"
    SUSPENDED = (
        "suspended"  # does not count while somebody looks into it; said by page and API, not by the bit
    )
    REVOKED = "revoked"
    ERASED = "erased"  # its holder asked to be forgotten: what is left names nobody


# Signed and not taken back: it counts, or may count again.
IN_FORCE = frozenset({CredentialState.VALID, CredentialState.SUSPENDED})


class RevocationReason(models.TextChoices):
    """Why a credential was revoked, as a class; details stand in the audit trail of whoever decided."""

    EVIDENCE_WITHDRAWN = "evidence_withdrawn"
    ISSUED_IN_ERROR = "issued_in_error"
    MISUSE = "misuse"
    HOLDER_REQUEST = "holder_request"


class SuspensionReason(models.TextChoices):
    """Why a credential does not count for now."""

    UNDER_REVIEW = "under_review"
    SOURCE_DISTRUSTED = "source_distrusted"


class ReplacementReason(models.TextChoices):
    """Why a document was replaced by a later one under the same address."""

    NAME_CHANGED = "name_changed"
    KEY_COMPROMISED = "key_compromised"


class Credential(models.Model):
    """One achievement of one person, for good or for a term; a renewal is the next term, with an address of its own.

    Its address stays when a later document replaces the signed one.
    """

    uuid = models.UUIDField(unique=True, default=uuid4, editable=False)
    token = models.CharField(max_length=22, unique=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="credentials")
    achievement_key = models.CharField(max_length=64)
    term = models.PositiveSmallIntegerField(default=1)  # counts the person's certificates of this achievement
    subject_uuid = models.UUIDField(default=uuid4, editable=False)
    state = models.CharField(max_length=12, choices=CredentialState.choices, default=CredentialState.INTENDED)
    # RevocationReason or SuspensionReason, whichever the state asks for.
    reason = models.CharField(max_length=24, blank=True)
    awarded_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # None: for good
    changed_at = models.DateTimeField()
    # Of the last change, over all credentials; None while nobody may see it.
    state_position = models.BigIntegerField(null=True, unique=True)

    objects = CityScopedManager("person__city_id")

    class Meta:
        constraints = [
            # What makes two workers issue once.
            models.UniqueConstraint(
                fields=["person", "achievement_key", "term"], name="credentials_term_once"
            ),
            models.CheckConstraint(
                condition=Q(state="intended", state_position__isnull=True)
                | Q(~Q(state="intended"), state_position__isnull=False),
                name="credentials_position_when_seen",
            ),
        ]
        indexes = [
            models.Index(fields=["-awarded_at", "-id"], name="credentials_newest"),
            # Few are, and whoever looks for them should not read all the others.
            models.Index(fields=["changed_at"], name="credentials_suspended", condition=Q(state="suspended")),
        ]


class CredentialDocument(models.Model):
    """What is signed for a credential: stored as intent before signing, as immutable bytes afterwards.

    ``evidence`` holds the facts the decision stood on; with the policy it names, anybody with access to both can
    decide again.
    """

    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="documents")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")  # of the evidence
    ordinal = models.PositiveSmallIntegerField(default=1)
    status_list = models.ForeignKey(StatusList, on_delete=models.PROTECT, related_name="documents")
    status_index = models.PositiveIntegerField()
    salt = models.CharField(
        max_length=32, blank=True
    )  # this and whatever else names or shows somebody: erased
    name_hash = models.CharField(max_length=71, blank=True)
    policy_version = models.CharField(max_length=20)
    policy_digest = models.CharField(max_length=64)
    rule_version = models.CharField(max_length=64)  # the manifest's digest
    bank_digests = models.TextField()  # JSON list
    evidence = models.TextField(blank=True)  # canonical JSON
    evidence_digest = models.CharField(max_length=64)
    body = models.TextField(blank=True)  # JSON, without proof
    signing_key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, null=True, related_name="documents")
    content = models.BinaryField(null=True)
    content_digest = models.CharField(max_length=64, blank=True)
    jose_key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, null=True, related_name="+")
    ob_jwt = models.TextField(blank=True)  # Open Badges 3.0 VC-JWT
    vc_jwt = models.TextField(blank=True)  # VC-JOSE-COSE
    replaced_at = models.DateTimeField(null=True)
    replaced_because = models.CharField(max_length=16, choices=ReplacementReason.choices, blank=True)
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


class PolicyApproval(models.Model):
    """That two people stand for one version of an achievement's policy; without it nothing is issued under it.

    ``content`` is kept, so that what was issued under this version can be decided again when the file has changed.
    """

    achievement_key = models.CharField(max_length=64)
    version = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, unique=True)
    content = models.TextField()  # YAML, as proposed
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["achievement_key", "version"], name="credentials_policy_version_once"
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")),
                name="credentials_approval_by_another",
            ),
        ]


class Act(models.TextChoices):
    """What staff can do to an issued credential."""

    REVOKE = "revoke"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"


class ActDecision(models.TextChoices):
    """What the second person said; or that who asked took it back."""

    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class RequestedAct(models.Model):
    """An act that waits for a second person, or what became of it; never deleted."""

    uuid = models.UUIDField(unique=True, default=uuid4, editable=False)
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="requested_acts")
    act = models.CharField(max_length=10, choices=Act.choices)
    reason = models.CharField(max_length=24, blank=True)
    # The credential's, as who asked saw it; None for what was asked before this was kept.
    state_position = models.BigIntegerField(null=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decision = models.CharField(max_length=10, choices=ActDecision.choices, blank=True)
    # Nobody, where it was withdrawn: who asked stands above.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    objects = CityScopedManager("credential__person__city_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["credential"], condition=Q(decision=""), name="credentials_one_open_act"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="credentials_act_by_another",
            ),
        ]


class SourceDistrust(models.Model):
    """That what a source sent since a moment is not believed for now: nothing rests on it until it is lifted."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="distrusts")
    since = models.DateTimeField()  # by our clock, when an event arrived
    declared_by = models.CharField(max_length=100)  # actor, as the audit names it
    declared_at = models.DateTimeField()
    lifted_by = models.CharField(max_length=100, blank=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(lifted_at=None), name="credentials_one_open_distrust"
            )
        ]


class RunKind(models.TextChoices):
    """What a run does with each of its rows."""

    ISSUE = "issue"  # decide and issue for every learner
    RESIGN = "resign"  # replace every document a compromised key signed


class Run(models.Model):
    """Work over many rows that survives a restart: everything up to ``cursor`` is done."""

    uuid = models.UUIDField(unique=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=RunKind.choices)
    # Whose learners it goes through; None: everybody's, as only the machine's own commands may.
    city = models.ForeignKey(City, on_delete=models.PROTECT, null=True, related_name="+")
    total_count = models.PositiveIntegerField()
    done_count = models.PositiveIntegerField(default=0)
    made_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    cursor = models.BigIntegerField(default=0)
    # Until then the next chunk is in some process's hands.
    taken_until = models.DateTimeField(null=True)
    moved_at = models.DateTimeField(null=True)  # when its last chunk was done
    started_by = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(finished_at=None, city=None),
                name="credentials_one_open_run",
            ),
            models.UniqueConstraint(
                fields=["kind", "city"],
                condition=Q(finished_at=None),
                name="credentials_one_open_city_run",
            ),
        ]


class FindingCode(models.TextChoices):
    """What the checker found."""

    BYTES_CHANGED = "bytes_changed"  # the stored document is not the one that was signed
    EVIDENCE_GONE = "evidence_gone"  # decided today, the achievement is not reached
    EVIDENCE_CHANGED = "evidence_changed"  # it is, but over another result than the one it was issued for
    UNDECIDABLE = "undecidable"  # the policy it was issued under cannot be read any more


class Finding(models.Model):
    """A difference between a credential and what it rests on, for a person to look at. It changes nothing itself."""

    uuid = models.UUIDField(unique=True, default=uuid4, editable=False)
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="findings")
    code = models.CharField(max_length=20, choices=FindingCode.choices)
    details = models.TextField()  # JSON list of codes and keys, no free text
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    # Actor; "system" when the difference went away by itself.
    settled_by = models.CharField(max_length=100, blank=True)

    objects = CityScopedManager("credential__person__city_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["credential", "code"],
                condition=Q(settled_at=None),
                name="credentials_one_open_finding",
            )
        ]
