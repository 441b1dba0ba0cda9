"""Which achievements a learner reached, decided over the stored record and the registered manifests."""

import json
from collections.abc import Collection, Mapping
from functools import cache

from django.conf import settings

from integra_service.people.models import LearnerIdentity
from integra_service.records.models import Manifest
from integra_service.records.services import get_record

from .policies import (
    AchievementPolicy,
    Decision,
    RegisteredBank,
    RegisteredRules,
    decide_achievement,
    read_policies,
)


@cache
def get_policies() -> tuple[AchievementPolicy, ...]:
    """Return the achievement policies in force."""
    return read_policies(settings.INTEGRA_ACHIEVEMENTS)


def decide_achievements(identity: LearnerIdentity) -> tuple[tuple[AchievementPolicy, Decision], ...]:
    """Return, for each policy, whether this learner reached it and every reason if not."""
    record = get_record(identity)
    versions = {course.rule_version for course in record.courses}
    versions |= {attempt.rule_version for course in record.courses for attempt in course.attempts}
    rules = read_rules(versions)
    return tuple(
        (policy, decide_achievement(record, policy, rules, allows_public_banks=settings.INTEGRA_DEMO))
        for policy in get_policies()
    )


def read_rules(versions: Collection[str]) -> Mapping[str, RegisteredRules]:
    """Return what the registered manifests among ``versions`` say of course and banks."""
    rules = {}
    for manifest in Manifest.objects.filter(rule_version__in=versions):
        banks = json.loads(manifest.content)["banks"]
        rules[manifest.rule_version] = RegisteredRules(
            manifest.course_family,
            tuple(RegisteredBank(bank["id"], bank["digest"], bank["public"]) for bank in banks),
        )
    return rules
