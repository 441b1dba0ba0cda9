"""Where people lived, and how that is known."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from integra_service.audit import services as audit
from integra_service.lib.errors import NotFoundError, RequestError

from .access import Staff
from .erasing import lock_alone
from .models import Evidence, Person, ResidenceEpisode, Zone
from .signals import announce

MAX_REASON_LENGTH = 300


def list_residences(person: Person) -> tuple[ResidenceEpisode, ...]:
    """Return what is known of where the person lived, oldest first; corrected rows are left out."""
    rows = ResidenceEpisode.objects.for_system().filter(person=person, replaced_by__isnull=True)
    return tuple(rows.select_related("zone", "entered_by").order_by("from_on", "pk"))


def access_residence(staff: Staff, person: Person, uuid: UUID) -> ResidenceEpisode:
    """Return a residence of this person inside the staff member's cities, else raise NotFoundError."""
    row = (
        ResidenceEpisode.objects.in_cities(staff.city_ids)
        .select_related("zone", "entered_by")
        .filter(uuid=uuid, person=person, replaced_by__isnull=True)
        .first()
    )
    if row is None:
        raise NotFoundError
    return row


@transaction.atomic
def record_residence(
    staff: Staff,
    person: Person,
    *,
    zone: Zone,
    from_on: date,
    to_on: date | None,
    evidence: Evidence,
    now: datetime,
    replaces: ResidenceEpisode | None = None,
    reason: str = "",
) -> ResidenceEpisode:
    """Enter one residence, or the correction of one, with who entered it and how it is known."""
    if person.city_id not in staff.editable_city_ids or zone.city_id not in staff.editable_city_ids:
        raise NotFoundError
    if from_on > now.date() or (to_on is not None and to_on < from_on):
        raise RequestError(
            "bad_dates", _("Dates cannot lie in the future, nor end before they begin."), "from_on"
        )
    if replaces is not None and not reason.strip():
        raise RequestError("reason_missing", _("Write why this is corrected."), "reason")
    if len(reason) > MAX_REASON_LENGTH:
        raise RequestError("reason_too_long", _("The reason is longer than 300 characters."), "reason")
    lock_alone(person)
    if replaces is not None and ResidenceEpisode.objects.for_system().filter(replaces=replaces).exists():
        raise RequestError(
            "corrected_meanwhile", _("Somebody corrected this meanwhile: reload the page."), status=409
        )
    episode = ResidenceEpisode.objects.create(
        person=person,
        zone=zone,
        from_on=from_on,
        to_on=to_on,
        evidence=evidence,
        entered_by_id=staff.user_id,
        entered_at=now,
        replaces=replaces,
        reason=reason.strip(),
    )
    audit.record(
        "residence.corrected" if replaces else "residence.recorded",
        actor=staff.actor,
        subject=f"person:{person.uuid}",
        now=now,
        data={"residence": str(episode.uuid), "evidence": Evidence(evidence).value},
    )
    announce(person)
    return episode
