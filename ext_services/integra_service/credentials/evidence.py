"""The facts a decision stood on, in a form that can be stored, digested and judged again."""

import hashlib
import json
from typing import Any

from integra_service.records.fold import CourseRecord
from integra_service.records.storage import to_plain

from .documents import EVALUATION, TRAINING, ModuleResult
from .policies import AchievementPolicy, Decision

SCHEMA = "integra.evidence/1"


def list_results(course: CourseRecord, policy: AchievementPolicy) -> tuple[ModuleResult, ...]:
    """Return how each module of the policy was reached, in the policy's order; minutes for training only."""
    results = []
    for module_key, _texts in policy.modules:
        module = course.find_module(module_key)
        if module is None or module.route not in {TRAINING, EVALUATION}:
            raise ValueError(f"{module_key} is not reached")
        minutes = module.minutes_trained if module.route == TRAINING else None
        results.append(ModuleResult(module_key, str(module.route), minutes))
    return tuple(results)


def collect_evidence(decision: Decision, course: CourseRecord, policy: AchievementPolicy) -> dict[str, Any]:
    """Return every fact the decision looked at, with the event it came in."""
    module_keys = {key for key, _texts in policy.modules}
    deliverable_keys = {key for key, _texts in policy.deliverables}
    return {
        "schema": SCHEMA,
        "achievement_key": policy.key,
        "policy_version": policy.version,
        "policy_digest": policy.digest,
        "course_key": course.course_key,
        "modules": [to_plain(m) for m in course.modules if m.module_key in module_keys],
        "deliverables": [to_plain(d) for d in course.deliverables if d.deliverable_key in deliverable_keys],
        "tests": [to_plain(attempt) for attempt in decision.tests],
    }


def list_facts(course: CourseRecord) -> dict[str, Any]:
    """Return everything a decision over this course run can look at, in the shape evidence has."""
    return {
        "modules": [to_plain(module) for module in course.modules],
        "deliverables": [to_plain(deliverable) for deliverable in course.deliverables],
        "tests": [to_plain(attempt) for attempt in course.attempts],
    }


def dump_evidence(evidence: dict[str, Any]) -> str:
    return json.dumps(evidence, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_evidence(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
