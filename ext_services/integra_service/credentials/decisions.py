"""Which achievements a learner reached, decided over the stored record and the registered manifests."""

import json
from collections.abc import Collection, Mapping

from django.conf import settings

from integra_service.people.models import LearnerIdentity
from integra_service.records.fold import LearningRecord
from integra_service.records.models import Manifest
from integra_service.records.services import get_record

from .approvals import list_policies
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

Facts = tuple[LearningRecord, Mapping[str, RegisteredRules]]


def decide_achievements(identity: LearnerIdentity) -> tuple[tuple[AchievementPolicy, Decision], ...]:
    """Return, for each policy, whether this learner reached it and every reason if not."""
    facts = _read_facts(identity)
    distrust = (Reason(ReasonCode.SOURCE_DISTRUSTED),) if is_distrusted(identity.source_id) else ()
    unapproved = (Reason(ReasonCode.POLICY_UNAPPROVED),)
    return tuple(
        (version.policy, _decide(facts, version.policy, distrust + (() if version.counts else unapproved)))
        for version in list_policies()
    )


def decide(identity: LearnerIdentity, policy: AchievementPolicy) -> Decision:
    """Return the decision over the stored record, whoever approved the policy or trusts the source."""
    return _decide(_read_facts(identity), policy)


def _read_facts(identity: LearnerIdentity) -> Facts:
    """Return the stored record and the rules it was made under: a whole course's, so read once for all policies."""
    record = get_record(identity)
    versions = {course.rule_version for course in record.courses}
    versions |= {attempt.rule_version for course in record.courses for attempt in course.attempts}
    return record, read_rules(versions)


def _decide(facts: Facts, policy: AchievementPolicy, held: tuple[Reason, ...] = ()) -> Decision:
    """Decide; ``held`` stands against it whatever the record says."""
    record, rules = facts
    return decide_achievement(record, policy, rules, allows_public_banks=settings.INTEGRA_DEMO, held=held)


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
