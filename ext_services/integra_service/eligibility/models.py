"""Policies of a city's fund, applications, and the proposals made for them."""

import uuid

from django.conf import settings
from django.db import models

from integra_service.lib.scope import CityScopedManager
from integra_service.people.models import City, Person


class PolicyVersion(models.Model):
    """One published version of a city's policy; its content never changes, a change is a new version."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="policies")
    code = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.TextField()  # the file as it was registered
    registered_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)  # nobody can apply to it any more; who did keeps it

    objects = CityScopedManager("city_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["city", "code", "version"], name="eligibility_policy_once")
        ]


class Application(models.Model):
    """A person's request in one round, registered by the staff of their city."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="applications")
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="applications")
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField()

    objects = CityScopedManager("policy__city_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "policy"], name="eligibility_application_once")
        ]


class ProposalRow(models.Model):
    """What the engine proposed at one moment: never changed; other facts make another row."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="proposals")
    ordinal = models.PositiveIntegerField()
    outcome = models.CharField(max_length=32)
    policy_digest = models.CharField(max_length=64)
    engine_version = models.CharField(max_length=16)
    content = models.TextField()  # JSON: results with facts and provenance, contest
    facts_digest = models.CharField(max_length=64)  # of content without its dates: same facts, same proposal
    made_at = models.DateTimeField()

    objects = CityScopedManager("application__policy__city_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application", "ordinal"], name="eligibility_proposal_order")
        ]
