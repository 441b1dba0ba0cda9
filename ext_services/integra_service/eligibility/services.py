"""Registering policies and applications, and proposing an outcome. People decide; nothing here does."""

import dataclasses
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from integra_grading.canonical import canonical_json, digest
from integra_service.audit import services as audit
from integra_service.lib.days import local_day
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.erasing import lock_living
from integra_service.people.models import City, Person
from integra_service.people.services import Staff

from .engine import Proposal, propose
from .facts import collect_facts
from .models import Application, PolicyVersion, ProposalRow
from .policy import Policy, PolicyError, parse_policy

# These change from day to day without any fact changing.
DATED = ("made_on", "contest_until_on")


@dataclass(frozen=True, slots=True)
class StoredProposal:
    """A proposal as it was made, ready to be shown."""

    outcome: str
    ordinal: int
    made_at: datetime
    content: dict[str, Any]


def register_policy(city: City, raw: bytes, name: str, *, now: datetime) -> PolicyVersion:
    """Publish one version: the same again changes nothing, other content under its number is refused.

    One that was withdrawn does not come back: it is refused as well.
    """
    try:
        content = raw.decode()
        policy = parse_policy(raw, name)
    except UnicodeDecodeError as error:
        raise RequestError("bad_policy", f"{name}: must be UTF-8 text") from error
    except PolicyError as error:
        raise RequestError("bad_policy", str(error)) from error
    published = PolicyVersion.objects.for_system().filter(city=city, code=policy.code, version=policy.version)
    try:
        row = published.first() or _publish(city, policy, content, now)
    except IntegrityError:  # another process was first
        row = published.get()
    if row.digest != policy.digest:
        raise RequestError(
            "policy_is_published",
            f"La versión {policy.version} de {policy.code} ya está publicada: dele a este texto un número nuevo.",
        )
    if row.withdrawn_at is not None:
        raise RequestError(
            "policy_is_withdrawn",
            f"La versión {policy.version} de {policy.code} fue retirada: publíquela con un número nuevo.",
        )
    return row


@transaction.atomic
def _publish(city: City, policy: Policy, content: str, now: datetime) -> PolicyVersion:
    row = PolicyVersion.objects.create(
        city=city,
        code=policy.code,
        version=policy.version,
        digest=policy.digest,
        content=content,
        registered_at=now,
    )
    audit.record(
        "policy.published",
        actor=audit.SYSTEM,
        subject=f"policy:{city.key}:{policy.code}:{policy.version}",
        now=now,
        data={"digest": policy.digest},
    )
    return row


@transaction.atomic
def withdraw_policy(city: City, code: str, *, now: datetime) -> tuple[int, ...]:
    """Let nobody apply to the policy any more; return the numbers of its versions that were open until now.

    Applications already made keep their version. Raises RequestError where the city has no such policy.
    """
    rows = PolicyVersion.objects.for_system().filter(city=city, code=code)
    if not rows.exists():
        raise RequestError("unknown_policy", f"{city.key} has no policy {code!r}.", "code")
    # One by one, so that of two who withdraw at once one has done it.
    versions = tuple(
        row.version
        for row in rows.filter(withdrawn_at=None).order_by("version")
        if rows.filter(pk=row.pk, withdrawn_at=None).update(withdrawn_at=now)
    )
    for version in versions:
        audit.record(
            "policy.withdrawn", actor=audit.SYSTEM, subject=f"policy:{city.key}:{code}:{version}", now=now
        )
    return versions


def get_policy(row: PolicyVersion) -> Policy:
    """Return the rules as they were registered."""
    return parse_policy(row.content.encode(), f"{row.code}-{row.version}")


def list_policies(staff: Staff, person: Person) -> tuple[PolicyVersion, ...]:
    """Return the newest version of each open policy of the person's city, unless they applied to it already."""
    rows = PolicyVersion.objects.in_cities(staff.editable_city_ids).filter(
        city_id=person.city_id, withdrawn_at=None
    )
    newest = {row.code: row for row in rows.order_by("code", "version")}
    applied = set(rows.filter(applications__person=person).values_list("pk", flat=True))
    return tuple(row for row in newest.values() if row.pk not in applied)


def register_application(staff: Staff, person: Person, policy_pk: int, *, now: datetime) -> Application:
    """Register the person's request and make the first proposal; a repeat returns what is there."""
    policies = PolicyVersion.objects.in_cities(staff.editable_city_ids)
    policy = policies.filter(pk=policy_pk, city_id=person.city_id, withdrawn_at=None).first()
    if policy is None:
        raise NotFoundError
    try:
        with transaction.atomic():
            lock_living(person)
            application = Application.objects.create(
                person=person, policy=policy, registered_by_id=staff.user_id, registered_at=now
            )
            audit.record(
                "application.registered",
                actor=staff.actor,
                subject=f"application:{application.uuid}",
                now=now,
                data={"policy": policy.digest},
            )
            # Together: an application without a proposal has no page.
            refresh_proposal(application, now=now)
    except IntegrityError:  # registered before
        application = Application.objects.for_system().get(person=person, policy=policy)
        refresh_proposal(application, now=now)
    return application


def access_application(staff: Staff, uuid: UUID) -> Application:
    """Return an application of the staff member's cities; missing and foreign ones answer alike."""
    rows = _in_cities(staff).select_related("policy__city", "person", "registered_by")
    application = rows.filter(uuid=uuid).first()
    if application is None:
        raise NotFoundError
    return application


def list_applications(staff: Staff, person: Person) -> tuple[Application, ...]:
    """Return the person's applications inside the staff member's cities."""
    return tuple(_in_cities(staff).filter(person=person).select_related("policy").order_by("pk"))


def _in_cities(staff: Staff) -> QuerySet[Application]:
    """Return what the staff member may see: not of a person who moved to another city meanwhile."""
    return Application.objects.in_cities(staff.city_ids).filter(
        person__city_id__in=staff.city_ids, person__erased_at__isnull=True
    )


def list_proposals(application: Application) -> tuple[StoredProposal, ...]:
    """Return every proposal made for the application, newest first."""
    rows = ProposalRow.objects.for_system().filter(application=application).order_by("-ordinal")
    return tuple(StoredProposal(row.outcome, row.ordinal, row.made_at, _read(row.content)) for row in rows)


def refresh_person(person: Person, *, now: datetime) -> None:
    """Propose again for every application of the person: a fact may have changed."""
    for application in Application.objects.for_system().filter(person=person).select_related("policy"):
        refresh_proposal(application, now=now)


def refresh_proposal(application: Application, *, now: datetime) -> None:
    """Propose from the facts of now; a new row is stored only when something other than the date changed."""
    policy = application.policy
    with transaction.atomic():
        # Locks the application before the facts are read: of two refreshes at once the later one reads the later
        # facts, and they do not take the same ordinal.
        living = Application.objects.for_system().filter(pk=application.pk, person__erased_at__isnull=True)
        if not living.update(policy=policy):
            return
        facts = collect_facts(application.person, policy.city_id)
        proposal = propose(get_policy(policy), facts, local_day(now))
        content = to_json(proposal)
        facts_digest = digest({key: value for key, value in content.items() if key not in DATED})
        last = ProposalRow.objects.for_system().filter(application=application).order_by("-ordinal").first()
        if last is not None and last.facts_digest == facts_digest:
            return
        ordinal = 1 if last is None else last.ordinal + 1
        ProposalRow.objects.create(
            application=application,
            ordinal=ordinal,
            outcome=proposal.outcome,
            policy_digest=proposal.policy_digest,
            engine_version=proposal.engine_version,
            content=canonical_json(content).decode(),
            facts_digest=facts_digest,
            made_at=now,
        )
        audit.record(
            "proposal.made",
            actor=audit.SYSTEM,
            subject=f"application:{application.uuid}",
            now=now,
            data={"outcome": str(proposal.outcome), "ordinal": ordinal, "facts": facts_digest},
        )


def to_json(proposal: Proposal) -> dict[str, Any]:
    """Return the proposal as plain JSON values."""
    plain = dataclasses.asdict(proposal)
    return dict(json.loads(json.dumps(plain, default=_plain)))


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")


def _read(content: str) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(content)
    for name in DATED:
        tree[name] = date.fromisoformat(tree[name])
    for result in tree["results"]:
        for fact in result["facts"]:
            fact["provenance"]["known_on"] = date.fromisoformat(fact["provenance"]["known_on"])
    return tree
