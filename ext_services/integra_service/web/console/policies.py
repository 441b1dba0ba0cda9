"""The rules of the certificates: which version is in force, what it asks for, and the two people who stand for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from integra_service.credentials.services import (
    AchievementPolicy,
    Act,
    approve_policy,
    find_approval,
    list_approvals,
    list_policies,
    propose_policy,
    read_approved,
    read_own_policies,
)
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import NotFoundError, RequestError
from integra_service.people.services import Staff
from integra_service.web.sessions import officer_page, people_page
from integra_service.web.wording import ACTS, StandingFor, describe_approvals


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of an achievement's rules."""

    policy: AchievementPolicy
    approval: StandingFor | None
    is_in_folder: bool
    is_in_force: bool

    @property
    def can_be_proposed(self) -> bool:
        return self.is_in_folder and self.approval is None

    @property
    def waits(self) -> bool:
        return self.approval is not None and self.approval.row.approved_at is None

    @property
    def can_be_approved(self) -> bool:
        return self.waits and self.is_in_folder

    @property
    def test(self) -> str:
        if self.policy.test == "post":
            return _("The final test, passed.")
        return _("The closing test of the area “%(area)s”, passed.") % {"area": self.policy.area}

    @property
    def expiry(self) -> str:
        if self.policy.valid_months is None:
            return _("It does not expire.")
        return _("It expires %(months)d months after its issue.") % {"months": self.policy.valid_months}

    @property
    def acts_of_two(self) -> str:
        labels = [str(ACTS[act]) for act in Act if act.value in self.policy.second_person]
        return ", ".join(labels) if labels else _("None: one officer is enough.")


@require_GET
@never_cache
@people_page
def policies(request: HttpRequest, staff: Staff) -> HttpResponse:
    approvals = list_approvals()
    standing = describe_approvals(staff, approvals)
    in_force = {version.policy.key: version.policy for version in list_policies() if version.counts}
    context = {
        "achievements": [
            {
                "name": policy.name.es,
                "key": policy.key,
                "versions": list(list_versions(policy, in_force.get(policy.key), standing)),
                "former": [standing[a.digest] for a in approvals if a.achievement_key == policy.key],
            }
            for policy in read_own_policies()
        ],
        "is_officer": staff.is_officer,
        "user_id": staff.user_id,
    }
    return render(request, "integra/policies.html", context)


def list_versions(
    own: AchievementPolicy, in_force: AchievementPolicy | None, standing: Mapping[str, StandingFor]
) -> Iterator[VersionView]:
    """Yield the version in force, the folder's and those that wait, each once."""
    proposed = [each.row for each in standing.values() if each.row.achievement_key == own.key]
    waiting = [read_approved(row) for row in proposed if row.approved_at is None]
    shown = [policy for policy in (in_force, own, *waiting) if policy is not None]
    for policy in {policy.digest: policy for policy in shown}.values():
        yield VersionView(
            policy,
            standing.get(policy.digest),
            is_in_folder=policy.digest == own.digest,
            is_in_force=in_force is not None and policy.digest == in_force.digest,
        )


@require_POST
@never_cache
@officer_page
def policy_propose(request: HttpRequest, staff: Staff, key: str) -> HttpResponse:
    try:
        propose_policy(staff, key, utc_now())
    except NotFoundError:
        raise
    except RequestError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("Proposed. Another officer has to approve it."))
    return redirect("web:policies")


@require_POST
@never_cache
@officer_page
def policy_approve(request: HttpRequest, staff: Staff, digest: str) -> HttpResponse:
    """Approve the very text whose digest stood on the page."""
    approval = find_approval(digest)
    if approval is None:
        raise NotFoundError
    try:
        approve_policy(staff, approval.pk, utc_now())
    except RequestError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("Approved. Certificates are issued under it from now on."))
    return redirect("web:policies")
