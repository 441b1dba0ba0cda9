"""Which achievements a learner reached, decided over the stored record and the registered manifests."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from integra_service.people.models import LearnerIdentity
from integra_service.records.fold import LearningRecord
from integra_service.records.models import Manifest
from integra_service.records.services import get_record

from .approvals import PolicyVersion, list_policies
from .distrust import is_distrusted
from .models import Credential
from .policies import (
    AchievementPolicy,
    Decision,
    Reason,
    ReasonCode,
    RegisteredBank,
    RegisteredRules,
    decide_achievement,
)
from .renewal import Renewal, decide_renewal, find_opening
from .states import can_be_followed


@dataclass(frozen=True, slots=True)
class Case:
    """What every decision about one learner stands on. It is a whole course's, so read once for all of them."""

    record: LearningRecord
    rules: Mapping[str, RegisteredRules]
    versions: tuple[PolicyVersion, ...]
    held: tuple[Reason, ...]  # stands against everything, whatever the record says


def read_case(identity: LearnerIdentity) -> Case:
    """Return the stored record, the rules it was made under, and the policies decided by now."""
    record, rules = _read_record(identity)
    held = (Reason(ReasonCode.SOURCE_DISTRUSTED),) if is_distrusted(identity.source_id) else ()
    return Case(record, rules, list_policies(), held)


def decide_achievements(case: Case) -> tuple[tuple[AchievementPolicy, Decision], ...]:
    """Return, for each policy, whether this learner reached it and every reason if not."""
    return tuple((version.policy, _decide_version(case, version)) for version in case.versions)


def decide_renewals(case: Case, terms: Iterable[Credential], now: datetime) -> Mapping[str, Renewal]:
    """Return by achievement whether another certificate may follow the latest one; only of those that end.

    Args:
        case: The learner's.
        terms: The person's certificates, as ``list_terms`` gives them.
        now: When it is asked.
    """
    latest = {term.achievement_key: term for term in terms}
    renewals = {}
    for version in case.versions:
        former = latest.get(version.policy.key)
        if former is not None and former.expires_at is not None:
            opens_at = find_opening(former.expires_at)
            decision = _decide_version(case, version, opens_at)
            is_settled = can_be_followed(former, now)
            renewals[version.policy.key] = decide_renewal(opens_at, decision, now, is_settled=is_settled)
    return renewals


def decide(
    identity: LearnerIdentity, policy: AchievementPolicy, *, tested_since: datetime | None = None
) -> Decision:
    """Return the decision over the stored record, whoever approved the policy or trusts the source."""
    record, rules = _read_record(identity)
    return _decide(record, rules, policy, (), tested_since)


def _decide_version(case: Case, version: PolicyVersion, tested_since: datetime | None = None) -> Decision:
    unapproved = () if version.counts else (Reason(ReasonCode.POLICY_UNAPPROVED),)
    return _decide(case.record, case.rules, version.policy, (*case.held, *unapproved), tested_since)


def _read_record(identity: LearnerIdentity) -> tuple[LearningRecord, Mapping[str, RegisteredRules]]:
    record = get_record(identity)
    versions = {course.rule_version for course in record.courses}
    versions |= {attempt.rule_version for course in record.courses for attempt in course.attempts}
    return record, read_rules(versions)


def _decide(
    record: LearningRecord,
    rules: Mapping[str, RegisteredRules],
    policy: AchievementPolicy,
    held: tuple[Reason, ...],
    tested_since: datetime | None,
) -> Decision:
    """Decide; what the last two mean says ``decide_achievement``."""
    return decide_achievement(
        record,
        policy,
        rules,
        allows_public_banks=settings.INTEGRA_DEMO,
        held=held,
        tested_since=tested_since,
    )


def read_rules(versions: Collection[str]) -> Mapping[str, RegisteredRules]:
    """Return what the registered manifests among ``versions`` say of course, banks and closing forms."""
    rules = {}
    for manifest in Manifest.objects.filter(rule_version__in=versions):
        content = json.loads(manifest.content)
        rules[manifest.rule_version] = RegisteredRules(
            manifest.course_family,
            tuple(RegisteredBank(bank["id"], bank["digest"], bank["public"]) for bank in content["banks"]),
            {closing["area"]: closing["bank"] for closing in content.get("closing", ())},
        )
    return rules
