"""Which achievements a learner reached, decided over the stored record and the registered manifests."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from django.conf import settings

from integra_service.people.models import LearnerIdentity
from integra_service.records.fold import LearningRecord
from integra_service.records.models import Manifest
from integra_service.records.services import get_record

from .approvals import PolicyVersion, list_policies
from .distrust import is_distrusted
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
from .states import list_terms

Facts = tuple[LearningRecord, Mapping[str, RegisteredRules]]


def decide_achievements(identity: LearnerIdentity) -> tuple[tuple[AchievementPolicy, Decision], ...]:
    """Return, for each policy, whether this learner reached it and every reason if not."""
    facts = _read_facts(identity)
    held = _list_held(identity)
    return tuple((each.policy, _decide(facts, each.policy, held + _judge(each))) for each in list_policies())


def decide_renewals(identity: LearnerIdentity, now: datetime) -> Mapping[str, Renewal]:
    """Return by achievement whether another certificate may follow the person's latest one; only of those that end."""
    latest = {term.achievement_key: term for term in list_terms(identity.person)}
    openings = {
        key: find_opening(term.awarded_at, term.expires_at)
        for key, term in latest.items()
        if term.expires_at is not None
    }
    if not openings:
        return {}
    facts = _read_facts(identity)
    held = _list_held(identity)
    renewals = {}
    for version in list_policies():
        key = version.policy.key
        if key in openings:
            decision = _decide(facts, version.policy, held + _judge(version), openings[key])
            renewals[key] = decide_renewal(latest[key], openings[key], decision, now)
    return renewals


def decide(
    identity: LearnerIdentity, policy: AchievementPolicy, *, tested_since: datetime | None = None
) -> Decision:
    """Return the decision over the stored record, whoever approved the policy or trusts the source."""
    return _decide(_read_facts(identity), policy, tested_since=tested_since)


def _list_held(identity: LearnerIdentity) -> tuple[Reason, ...]:
    return (Reason(ReasonCode.SOURCE_DISTRUSTED),) if is_distrusted(identity.source_id) else ()


def _judge(version: PolicyVersion) -> tuple[Reason, ...]:
    return () if version.counts else (Reason(ReasonCode.POLICY_UNAPPROVED),)


def _read_facts(identity: LearnerIdentity) -> Facts:
    """Return the stored record and the rules it was made under: a whole course's, so read once for all policies."""
    record = get_record(identity)
    versions = {course.rule_version for course in record.courses}
    versions |= {attempt.rule_version for course in record.courses for attempt in course.attempts}
    return record, read_rules(versions)


def _decide(
    facts: Facts,
    policy: AchievementPolicy,
    held: tuple[Reason, ...] = (),
    tested_since: datetime | None = None,
) -> Decision:
    """Decide; what the last two mean says ``decide_achievement``."""
    record, rules = facts
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
