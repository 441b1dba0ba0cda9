"""What officers do to a credential, with a second person where the achievement's policy asks for one."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from integra_service.audit import services as audit
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.services import Staff

from .approvals import find_policy
from .distrust import is_distrusted
from .life import REASONS, list_possible_acts, perform
from .locks import lock_credential, lock_source
from .models import Act, ActDecision, Credential, CredentialState, RequestedAct
from .pages import find_document


def access_issued(staff: Staff, uuid: UUID) -> Credential:
    """Return an issued credential of a person of the staff member's cities, else raise NotFoundError."""
    issued = Credential.objects.in_cities(staff.city_ids).exclude(state=CredentialState.INTENDED)
    credential = issued.select_related("person__city").filter(uuid=uuid).first()
    if credential is None:
        raise NotFoundError
    return credential


def access_requested(staff: Staff, uuid: UUID) -> RequestedAct:
    """Return an act somebody asked for in one of the officer's cities, else raise NotFoundError."""
    rows = RequestedAct.objects.in_cities(staff.officer_city_ids).select_related("credential__person")
    row = rows.filter(uuid=uuid).first()
    if row is None:
        raise NotFoundError
    return row


def needs_second_person(credential: Credential, act: Act) -> bool:
    """Tell whether the policy asks for a second person; an achievement without a policy always does."""
    policy = find_policy(credential.achievement_key)
    return policy is None or act.value in policy.second_person


def act_on(staff: Staff, credential: Credential, act: Act, reason: str, now: datetime) -> RequestedAct | None:
    """Do it, or where a second person is needed put it before one and return that; asking again is asking once.

    ``credential`` is as the one who acts saw it: when it changed since, nothing is done (RequestError).
    """
    require_officer(staff, credential)
    if not needs_second_person(credential, act):
        with transaction.atomic():
            require_unchanged(lock_credential(credential.pk), credential.state_position)
            _do(staff, credential, act, reason, now)
        return None
    if reason not in REASONS[act]:
        raise RequestError("bad_reason", _("Choose one of the reasons."), "reason")
    try:
        with transaction.atomic():
            requested = RequestedAct.objects.create(
                credential=credential,
                act=act,
                reason=reason,
                state_position=credential.state_position,
                requested_by_id=staff.user_id,
                requested_at=now,
            )
            require_unchanged(lock_credential(credential.pk), credential.state_position)
            _record("requested", requested, staff, now)
    except IntegrityError as error:
        # Decided meanwhile, there is none: whoever asks sees what became of it first.
        known = RequestedAct.objects.for_system().filter(credential=credential, decision="").first()
        same = (act.value, reason, credential.state_position)
        if known is None or (known.act, known.reason, known.state_position) != same:
            raise RequestError(
                "act_waiting", _("Something else waits for a second person first."), status=409
            ) from error
        return known
    return requested


def require_unchanged(credential: Credential, seen_position: int | None) -> None:
    """Raise RequestError when something happened to the credential since its ``state_position`` was that one."""
    if credential.state_position != seen_position:
        raise RequestError(
            "changed_since_seen",
            _("Something happened to the certificate since you opened this page: look at it again first."),
            status=409,
        )


def decide_act(staff: Staff, requested: RequestedAct, decision: ActDecision, now: datetime) -> None:
    """Agree or refuse as the second person, or take it back as the one who asked.

    What was agreed to is done in the same transaction. Taking it back twice changes nothing.
    """
    require_officer(staff, requested.credential)
    with transaction.atomic():
        locked = (
            RequestedAct.objects.for_system()
            .select_for_update(of=("self",), no_key=True)
            .get(pk=requested.pk)
        )
        is_own = locked.requested_by_id == staff.user_id
        if is_own and locked.decision == decision == ActDecision.WITHDRAWN:
            return
        if locked.decision:
            raise RequestError("already_decided", _("Somebody decided this already."), status=409)
        _require_decider(decision, is_own=is_own)
        locked.decision, locked.decided_at = decision, now
        locked.decided_by_id = None if is_own else staff.user_id
        locked.save(update_fields=["decision", "decided_by", "decided_at"])
        if decision == ActDecision.APPROVED:
            _require_same_state(locked)
            _do(staff, requested.credential, Act(locked.act), locked.reason, now)
        _record(decision.value, locked, staff, now)


def _require_decider(decision: ActDecision, *, is_own: bool) -> None:
    if decision == ActDecision.WITHDRAWN and not is_own:
        raise RequestError("not_asked_by_you", _("Only the one who asked can take it back."), status=409)
    if decision != ActDecision.WITHDRAWN and is_own:
        raise RequestError(
            "second_person_needed", _("Another person than the one who asked must decide."), status=409
        )


def still_fits(requested: RequestedAct, credential: Credential) -> bool:
    """Tell whether the act may still be agreed to, as far as the credential's state goes."""
    return Act(requested.act) in list_possible_acts(credential) and _is_of_this_state(requested, credential)


def _is_of_this_state(requested: RequestedAct, credential: Credential) -> bool:
    """Tell whether nothing happened since it was asked for, where that matters.

    Lifting a suspension lifts the very one that both people looked at. What takes a certificate away fits every state
    it may start from: else a change of name would stop it.
    """
    is_bound = requested.act == Act.REINSTATE
    return not is_bound or requested.state_position == credential.state_position


def _require_same_state(requested: RequestedAct) -> None:
    if not _is_of_this_state(requested, lock_credential(requested.credential_id)):
        raise RequestError(
            "asked_for_another_state",
            _("Something happened to the certificate since this was asked for: refuse it and ask again."),
            status=409,
        )


def _do(staff: Staff, credential: Credential, act: Act, reason: str, now: datetime) -> None:
    """Do the act, unless it would let count what rests on a source that is not believed."""
    with transaction.atomic():
        if act == Act.REINSTATE:
            _require_believed(credential)
        perform(credential, act, reason, by=staff.actor, now=now)


def _require_believed(credential: Credential) -> None:
    lock_credential(credential.pk)
    source_id = find_document(credential).source_id
    lock_source(source_id)
    if is_distrusted(source_id):
        raise RequestError(
            "source_distrusted",
            _("What its classroom reported is being checked: lift that first."),
            status=409,
        )


def require_officer(staff: Staff, credential: Credential) -> None:
    if credential.person.city_id not in staff.officer_city_ids:
        raise NotFoundError


def _record(what: str, requested: RequestedAct, staff: Staff, now: datetime) -> None:
    audit.record(
        f"credential.act_{what}",
        actor=staff.actor,
        subject=f"credential:{requested.credential.uuid}",
        now=now,
        data={"act": str(requested.act), "reason": requested.reason},
    )
