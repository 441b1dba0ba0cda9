"""The facts a certificate was issued for, in words a person can check against the classroom."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy

from integra_grading.manifest import Manifest
from integra_service.credentials.services import AchievementPolicy, CredentialDocument, find_policy_by_digest
from integra_service.records.services import find_manifest

ROUTES = {
    "training": gettext_lazy("By training"),
    "evaluation": gettext_lazy("By evaluation of what they knew"),
}
TESTS = {
    "post": gettext_lazy("Final test"),
    "closing": gettext_lazy("Closing test of the area"),
    "bypass": gettext_lazy("Evaluation of a module"),
}
OUTCOMES = {"accepted": gettext_lazy("Accepted"), "returned": gettext_lazy("Returned")}
RATERS = {
    "automatic": gettext_lazy("by the automatic checks"),
    "facilitator": gettext_lazy("by a facilitator"),
}


def describe_evidence(document: CredentialDocument) -> dict[str, Any] | None:
    """Return the evidence with titles and dates, or None where it was erased."""
    if not document.evidence:
        return None
    evidence = json.loads(document.evidence)
    manifest = find_manifest(document.rule_version)
    titles = read_titles(find_policy_by_digest(document.policy_digest), manifest)
    return {
        "course_key": evidence["course_key"],
        "modules": [describe_module(module, titles) for module in evidence["modules"]],
        "deliverables": [describe_deliverable(d, titles, manifest) for d in evidence["deliverables"]],
        "tests": [describe_test(test, titles, manifest) for test in evidence["tests"]],
    }


def read_titles(policy: AchievementPolicy | None, manifest: Manifest | None) -> Mapping[str, str]:
    """Return modules and deliverables by key, as the policy calls them, else the course."""
    titles: dict[str, str] = {}
    if manifest is not None:
        titles |= {module.key: module.title for module in manifest.modules}
        titles |= {m.deliverable.key: m.deliverable.title for m in manifest.modules if m.deliverable}
    if policy is not None:
        titles |= {key: texts.es for key, texts in (*policy.modules, *policy.deliverables)}
    return titles


def describe_module(module: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    key, is_trained = module["module_key"], module["route"] == "training"
    return {
        "title": titles.get(key, key),
        "route": ROUTES.get(module["route"], module["route"]),
        "minutes": module["minutes_trained"] if is_trained else None,
        "at": datetime.fromisoformat(module["changed_at"]),
        "event_id": module["event_id"],
    }


def describe_deliverable(
    fact: Mapping[str, Any], titles: Mapping[str, str], manifest: Manifest | None
) -> dict[str, Any]:
    key = fact["deliverable_key"]
    rubric = None if manifest is None else manifest.find_rubric(fact["rubric_version"] or "")
    criteria = {} if rubric is None else {criterion.key: criterion.title for criterion in rubric.criteria}
    return {
        "title": titles.get(key, key),
        "version": fact["version"],
        "outcome": OUTCOMES.get(fact["outcome"], fact["outcome"]),
        "rater": RATERS.get(fact["rated_by"], fact["rated_by"]),
        "levels": [(criteria.get(criterion, criterion), points) for criterion, points in fact["levels"]],
        "at": datetime.fromisoformat(fact["rated_at"] or fact["submitted_at"]),
        "event_id": fact["event_id"],
    }


def describe_test(
    fact: Mapping[str, Any], titles: Mapping[str, str], manifest: Manifest | None
) -> dict[str, Any]:
    bank = None if manifest is None else manifest.find_bank(fact["bank_id"])
    is_same = bank is not None and bank.digest == fact["bank_digest"]
    return {
        "title": TESTS.get(fact["kind"], fact["kind"]),
        "module": titles.get(fact["module_key"], fact["module_key"]) if fact["module_key"] else "",
        "score": fact["score"],
        "max_score": fact["max_score"],
        "cut": fact["cut"],
        "bank_id": fact["bank_id"],
        "is_public": bank.is_public if bank is not None and is_same else None,
        "at": datetime.fromisoformat(fact["submitted_at"]),
        "event_id": fact["event_id"],
    }
