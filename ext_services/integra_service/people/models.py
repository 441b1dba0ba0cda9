"""Territory, sources, people and what they agreed to."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from integra_service.lib.scope import CityScopedManager


class City(models.Model):
    """The tenant: owns cohorts, learners and staff."""

    key = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=150)
    is_demo = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class Zone(models.Model):
    """A part of a city, as policies name it."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="zones")
    key = models.CharField(max_length=64)
    name = models.CharField(max_length=150)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "key"], name="people_zone_once")]

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """One LMS that sends events; what it may speak of is fixed here, never in what it sends."""

    key = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=150)
    url = models.URLField(max_length=500)
    cities = models.ManyToManyField(City, related_name="sources")
    is_active = models.BooleanField(default=True)
    # Registered or switched on again then: nothing is overdue for the time before. None: before this was noted.
    active_since = models.DateTimeField(null=True)
    is_demo = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.key


class SourceCourse(models.Model):
    """A course run this source may send events of."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="courses")
    course_key = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "course_key"], name="people_course_once")]


class SecretKind(models.TextChoices):
    WEBHOOK = "webhook"
    HANDOVER = "handover"
    PULL = "pull"


class SourceSecret(models.Model):
    """A shared secret, encrypted. Two of one kind overlap while they are being changed."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="secrets")
    kind = models.CharField(max_length=10, choices=SecretKind.choices)
    ciphertext = models.TextField()
    fingerprint = models.CharField(max_length=64)  # keyed digest: finds a secret without opening it
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "kind", "fingerprint"], name="people_secret_once")
        ]


class Person(models.Model):
    """A human being as the programme knows them; the name stands in LegalName."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="people")
    created_at = models.DateTimeField()
    # Erasure began then: nothing about them may be written any more, and staff no longer find them.
    erased_at = models.DateTimeField(null=True)

    objects = CityScopedManager("city_id")


class LearnerIdentity(models.Model):
    """A learner of one source, and the person they are.

    A human may join two identities to one person, and separate them again: ``own_person`` stays what it was
    when the identity appeared.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="identities")
    learner_uuid = models.UUIDField()
    short_code = models.CharField(max_length=16, db_index=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="identities")
    own_person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)  # the learner asked to be forgotten

    objects = CityScopedManager("person__city_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "learner_uuid"], name="people_identity_once")
        ]


class LegalName(models.Model):
    """The one place where a name is stored, encrypted. Only confirmed names stand here."""

    person = models.OneToOneField(Person, on_delete=models.PROTECT, related_name="legal_name")
    ciphertext = models.TextField()
    confirmed_at = models.DateTimeField()


class NameToken(models.Model):
    """Keyed digest of one word of a confirmed name, so that staff can find it without opening every row."""

    name = models.ForeignKey(LegalName, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "digest"], name="people_token_once")]


class Purpose(models.TextChoices):
    """What a person can agree to, each on its own."""

    CERTIFICATE = "certificado"
    FIND_BY_NAME = "busqueda_por_nombre"


class Consent(models.Model):
    """One yes or no, never changed; the latest of a purpose is the one that counts."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=40, choices=Purpose.choices)
    is_granted = models.BooleanField()
    notice_version = models.CharField(max_length=40)
    decided_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["person", "purpose", "decided_at"], name="people_consent_latest")]


class RequestKind(models.TextChoices):
    """Which right a person makes use of (LOPDP, articles 14 to 16). Seeing one's data needs no request."""

    CORRECTION = "correction"
    ERASURE = "erasure"
    OPPOSITION = "opposition"


class RequestTopic(models.TextChoices):
    """What the request is about: chosen, never written, so that nobody tells us more than we need."""

    NAME = "name"
    CITY = "city"
    RESIDENCE = "residence"
    RESULTS = "results"  # of the course
    CERTIFICATE = "certificate"
    STATISTICS = "statistics"
    AUTOMATED = "automated"  # what a computer decides or proposes
    EVERYTHING = "everything"


class RequestState(models.TextChoices):
    """What became of a request."""

    OPEN = "open"
    BEGUN = "begun"  # being carried out: cannot be taken back, and is finished whatever stops in between
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by whoever asked


class RefusalReason(models.TextChoices):
    """Why a request was refused, as a class."""

    NOT_ASKED = "not_asked"  # the person says they did not ask for it
    ALREADY_RIGHT = "already_right"
    IN_CLASSROOM = "in_classroom"  # corrected where it came from
    LEGAL_DUTY = "legal_duty"


class DataRequest(models.Model):
    """What a person asked for about their data, with its clock; kept after an erasure, as the proof of it."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="data_requests")
    kind = models.CharField(max_length=12, choices=RequestKind.choices)
    topic = models.CharField(max_length=12, choices=RequestTopic.choices)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()  # by then it is answered
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.OPEN)
    handled_by = models.CharField(max_length=100, blank=True)  # actor, as the audit names it
    handled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=16, choices=RefusalReason.choices, blank=True)

    objects = CityScopedManager("person__city_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "kind", "topic"],
                condition=Q(state__in=["open", "begun"]),
                name="people_one_open_request",
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="people_request_due", condition=Q(state__in=["open", "begun"])
            )
        ]


class Evidence(models.TextChoices):
    """How a fact is known (policy field ``evidencias_admitidas``)."""

    RENTAL = "contrato_arriendo"
    UTILITY_BILL = "planilla_servicio"
    NEIGHBOUR_LETTER = "carta_vecinal"
    SHELTER_LETTER = "carta_albergue"
    SCHOOL = "certificado_escolar_hijos"
    ATTENDANCE = "registro_de_asistencia_programa"
    STATEMENT = "declaracion_propia"


class ResidenceEpisode(models.Model):
    """Where a person lived, from when to when, and how that is known.

    Never changed: a correction is a new row that names the one it replaces and why.
    """

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="residences")
    zone = models.ForeignKey(Zone, on_delete=models.PROTECT, related_name="+")
    from_on = models.DateField()
    to_on = models.DateField(null=True)  # None: still lives there
    evidence = models.CharField(max_length=40, choices=Evidence.choices)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    reason = models.CharField(max_length=300, blank=True)

    objects = CityScopedManager("person__city_id")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(to_on__isnull=True) | Q(to_on__gte=F("from_on")), name="people_residence_order"
            )
        ]


class Role(models.TextChoices):
    """What a member of the programme's staff may do in one city."""

    STAFF = "programme_staff"
    AUDITOR = "auditor"
    OFFICER = "credential_officer"  # revokes, suspends, approves policies
    OPERATOR = "operator"  # keeps the machine: sources, parked events, keys


class StaffRole(models.Model):
    """A role in one city for a time: a row here, never a claim of a login provider."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_roles")
    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="staff_roles")
    role = models.CharField(max_length=20, choices=Role.choices)
    from_on = models.DateField()
    to_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "city", "role", "from_on"], name="people_role_once")
        ]


class ExternalAccount(models.Model):
    """Who at a provider of identities is which account here: made beforehand by an operator, never by a claim."""

    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="external_accounts"
    )
    bound_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="people_external_once")]


class SecondFactor(models.Model):
    """The secret a member of the staff shares with an application on their phone (RFC 6238)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor"
    )
    ciphertext = models.TextField()
    enrolled_at = models.DateTimeField()
    last_step = (
        models.BigIntegerField()
    )  # time step of the last code that passed; that one and earlier never again


class FactorInvitation(models.Model):
    """An operator's word that this user may enrol a first factor; gone once it is spent."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="factor_invitation"
    )
    made_at = models.DateTimeField()


class RecoveryCode(models.Model):
    """A code for who lost the phone; passes once. Only its digest is stored."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="people_recovery_once")]


class HandoverUse(models.Model):
    """A hand-over link that was used: it opens once."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    jti = models.CharField(max_length=64)
    used_at = models.DateTimeField()
    # Of the mark of the browser that was asked before; empty: of one that was not, or that said no.
    browser_digest = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "jti"], name="people_handover_once")]
