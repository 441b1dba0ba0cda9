"""Forgetting a person, in one order, whatever asked for it (docs/decisions/0013-erasure.md).

Every step is a transaction of its own and repeatable. What was asked for in the service is driven by the state of its
``DataRequest``, what the classroom said by the record that stays to be announced: a process killed between two steps
leaves what the next one goes on with.
"""

import logging
from datetime import datetime, timedelta

from integra_service.audit.services import SYSTEM
from integra_service.credentials.erasing import erase_credentials
from integra_service.eligibility.erasing import erase_proposals
from integra_service.lib import throttle
from integra_service.people.data_requests import begin, list_due_erasures
from integra_service.people.erasing import (
    begin_anew,
    close_person,
    end_erasure,
    erase_name,
    erase_residences,
    list_detachable,
    list_selves,
)
from integra_service.people.models import DataRequest, LearnerIdentity, Person
from integra_service.records.erasing import erase_refused

from .naming import name_turns

logger = logging.getLogger(__name__)

# Long enough for a classroom that was away to read that the certificate is gone; then nothing leads from the learner
# to what is left of the person.
KEPT_LINKED = timedelta(days=30)


def erase_person(person: Person, *, by: str, now: datetime) -> None:
    """Forget this human being. Repeatable; on return nothing in the database names them.

    Args:
        person: Whom; others that a human joined into them are forgotten with them.
        by: The actor as the audit names it.
        now: When.

    Stays: tombstones of the certificates, the pseudonymous learning record and inbox, that somebody consented, asked
    and applied, and the audit trail, none of which holds a name.
    """
    selves = list_selves(person)
    for one in selves:
        close_person(one, by=by, now=now)
    for one in selves:
        erase_name(one, by=by, now=now)
        erase_credentials(one, by=by, now=now)
        erase_residences(one, by=by, now=now)
        erase_proposals(one, by=by, now=now)
        throttle.forget_turns(name_turns(one))
    for identity in LearnerIdentity.objects.for_system().filter(person=person).order_by("pk"):
        erase_refused(identity)
    for one in selves:
        end_erasure(one, by=by, now=now)


def carry_out(request: DataRequest, *, by: str, now: datetime) -> None:
    """Carry an erasure out that was asked for, or go on with one that was begun; repeatable."""
    if begin(request, by=by, now=now):
        erase_person(request.person, by=by, now=now)


def work_off(now: datetime) -> int:
    """Carry out what is due and cut loose whoever was forgotten long ago; return how many people were erased.

    One that fails stops nobody else; it is due again at the next call.
    """
    erased = 0
    for request in list_due_erasures(now):
        try:
            carry_out(request, by=request.handled_by or SYSTEM, now=now)
            erased += 1
        except Exception:
            logger.exception("an erasure could not be finished; it goes on at the next call")
    for identity in list_detachable(now - KEPT_LINKED):
        begin_anew(identity)
    return erased
