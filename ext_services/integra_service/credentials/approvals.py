"""Which version of each achievement's policy is in force: two people stand for it, and what they read is kept."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from integra_service.audit import services as audit
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.services import Staff

from .models import PolicyApproval
from .policies import AchievementPolicy, parse_policy, read_policies


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """The version of a policy that is decided by now, and whether it may already be issued under."""

    policy: AchievementPolicy
    counts: bool


@cache
def read_own_policies() -> tuple[AchievementPolicy, ...]:
    """Return what the folder of achievements holds; read once, a changed file needs a restart."""
    return read_policies(settings.INTEGRA_ACHIEVEMENTS)


@lru_cache(maxsize=64)
def _read_kept(digest: str) -> AchievementPolicy:
    """Return the version of that digest from the text that was proposed; a digest names one text for good."""
    row = PolicyApproval.objects.get(digest=digest)
    return parse_policy(row.content.encode(), row.achievement_key)


def list_policies() -> tuple[PolicyVersion, ...]:
    """Return one version of each achievement of the folder.

    It is the one approved last; before the first approval it is the folder's own, under which only the
    demonstration issues.
    """
    own = read_own_policies()
    if settings.INTEGRA_DEMO:
        return tuple(PolicyVersion(policy, counts=True) for policy in own)
    # Which one is in force two officers may change at any moment, in another process as well; what it says, nobody.
    approved = PolicyApproval.objects.filter(approved_at__isnull=False).order_by("approved_at", "pk")
    in_force = dict(approved.values_list("achievement_key", "digest"))
    return tuple(
        PolicyVersion(_read_kept(in_force[policy.key]), counts=True)
        if policy.key in in_force
        else PolicyVersion(policy, counts=False)
        for policy in own
    )


def get_policies() -> tuple[AchievementPolicy, ...]:
    """Return the policies decided by now."""
    return tuple(version.policy for version in list_policies())


def find_policy(achievement_key: str) -> AchievementPolicy | None:
    """Return the policy of that achievement that is decided by now."""
    return next((policy for policy in get_policies() if policy.key == achievement_key), None)


def find_policy_by_digest(digest: str) -> AchievementPolicy | None:
    """Return the very version a document was issued under, if its text is still known."""
    own = next((policy for policy in read_own_policies() if policy.digest == digest), None)
    if own is not None:
        return own
    try:
        return _read_kept(digest)
    except PolicyApproval.DoesNotExist:
        return None


def is_in_folder(digest: str) -> bool:
    """Tell whether this text is what the folder of achievements holds; only that can be put in force."""
    return any(policy.digest == digest for policy in read_own_policies())


def find_approval(digest: str) -> PolicyApproval | None:
    return PolicyApproval.objects.filter(digest=digest).first()


def list_approvals() -> tuple[PolicyApproval, ...]:
    """Return every version that was ever put up for approval, the latest first."""
    return tuple(PolicyApproval.objects.order_by("-pk"))


def read_approved(approval: PolicyApproval) -> AchievementPolicy:
    """Return the very text that stands for approval or was approved."""
    return _read_kept(approval.digest)


def count_waiting_policies() -> int:
    """Return how many versions wait for the second person; one that the folder no longer holds waits for nobody."""
    held = [policy.digest for policy in read_own_policies()]
    return PolicyApproval.objects.filter(approved_at=None, digest__in=held).count()


def propose_policy(staff: Staff, achievement_key: str, now: datetime) -> PolicyApproval:
    """Put the folder's version up for approval; doing it again changes nothing."""
    policy = next((p for p in read_own_policies() if p.key == achievement_key), None)
    if policy is None or not staff.is_officer:
        raise NotFoundError
    content = (settings.INTEGRA_ACHIEVEMENTS / policy.file_name).read_text(encoding="utf-8")
    if parse_policy(content.encode(), policy.file_name).digest != policy.digest:
        raise RequestError(
            "policy_changed", _("The policy's file changed since the start: restart the service."), status=409
        )
    try:
        with transaction.atomic():
            approval = PolicyApproval.objects.create(
                achievement_key=policy.key,
                version=policy.version,
                digest=policy.digest,
                content=content,
                proposed_by_id=staff.user_id,
                proposed_at=now,
            )
            _record("policy.proposed", approval, staff, now)
            return approval
    except IntegrityError as error:
        known = find_approval(policy.digest)
        if known is None:
            message = _(
                "Another text was already proposed as version %(version)s: give this one a new number."
            )
            raise RequestError(
                "policy_version_taken", message % {"version": policy.version}, "version", status=409
            ) from error
        return known


@transaction.atomic
def approve_policy(staff: Staff, approval_pk: int, now: datetime) -> PolicyApproval:
    """Stand for it as the second person; from now on it is issued under."""
    approval = PolicyApproval.objects.select_for_update(no_key=True).filter(pk=approval_pk).first()
    if approval is None or not staff.is_officer:
        raise NotFoundError
    if approval.approved_at is not None:
        return approval
    if not is_in_folder(approval.digest):
        # What the programme has replaced since would come back into force by one person's word.
        raise RequestError(
            "policy_replaced",
            _("The folder holds another version by now: propose and approve that one."),
            status=409,
        )
    if approval.proposed_by_id == staff.user_id:
        raise RequestError(
            "second_person_needed",
            _("Another person than the one who proposed it must approve it."),
            status=409,
        )
    approval.approved_by_id, approval.approved_at = staff.user_id, now
    approval.save(update_fields=["approved_by", "approved_at"])
    _record("policy.approved", approval, staff, now)
    return approval


def _record(action: str, approval: PolicyApproval, staff: Staff, now: datetime) -> None:
    subject = f"policy:{approval.achievement_key}/{approval.version}"
    audit.record(action, actor=staff.actor, subject=subject, now=now, data={"digest": approval.digest})
