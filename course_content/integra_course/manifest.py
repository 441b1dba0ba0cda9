"""The manifest: what gradebook and service may know of the course. It names items by key and digest only."""

from __future__ import annotations

import json
from typing import Any

from integra_course.model import Area, Bank, Closing, Course, Deliverable, Module
from integra_course.olx import digest_of
from integra_grading.cut_scores import compute_cut
from integra_grading.items import item_digest
from integra_grading.manifest import SCHEMA, manifest_digest, parse_manifest


def build_manifest(course: Course) -> dict[str, Any]:
    """Return the manifest of a course that has no problems, with its digest.

    Raises:
        integra_grading.errors.ManifestError: The course holds something the manifest refuses; our own checks
            should have refused it before.
    """
    tests = course.tests
    max_score = sum(row.per_form for row in tests.blueprint)
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "course": {"key": course.info.key, "title": course.info.title, "language": course.info.language},
        "achievements": list(course.achievements),
        "areas": [_area(area) for area in course.areas],
        "modules": [_module(module) for module in course.modules],
        "rubrics": [rubric.content for rubric in course.rubrics],
        "tests": {
            "pre": {"forms": list(tests.forms), "max_score": max_score, "minutes": tests.pre_minutes},
            "post": {
                "forms": list(tests.forms),
                **({"further_forms": list(tests.further_forms)} if tests.further_forms else {}),
                "max_score": max_score,
                "minutes": tests.post_minutes,
                "cut": tests.cut,
                "max_attempts": tests.max_attempts,
                "wait_hours": tests.wait_hours,
                **({"panel": compute_cut(tests.panel).to_dict()} if tests.panel else {}),
            },
        },
        "blueprint": [{"outcome": row.key, "items": row.per_form} for row in tests.blueprint],
        "bypass": dict(course.bypass_rules),
        "banks": [
            _bank(tests.bank, None),
            *(_bank(module.bypass, module.key) for module in course.modules if module.bypass is not None),
            *(_bank(closing.bank, None) for closing in course.closings),
        ],
    }
    if tests.levels:
        manifest["blueprint_levels"] = [
            {"module": row.module, "levels": list(row.levels), "items": row.per_form} for row in tests.levels
        ]
    if course.closings:
        manifest["closing"] = [_closing(closing) for closing in course.closings]
    manifest["digest"] = manifest_digest(manifest)
    parse_manifest(manifest)
    return manifest


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """Return the manifest as the file's bytes."""
    return (json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _area(area: Area) -> dict[str, Any]:
    entry: dict[str, Any] = {"key": area.key, "modules": list(area.modules)}
    return {**entry, "title": area.title} if area.title else entry


def _module(module: Module) -> dict[str, Any]:
    return {
        "key": module.key,
        "title": module.title,
        "minutes": module.minutes,
        "can_be_bypassed": module.can_be_bypassed,
        "outcomes": [{"key": outcome.key, "text": outcome.text} for outcome in module.outcomes],
        "units": [
            {
                "key": unit.key,
                "title": unit.title,
                "minutes": unit.minutes,
                "always_required": unit.is_always_required,
                "practices": [
                    {"key": practice.key, "items": [each.item.key for each in practice.items]}
                    for practice in [unit.practice]
                    if practice is not None
                ],
            }
            for unit in module.units
        ],
        "deliverable": None if module.deliverable is None else _deliverable(module.deliverable),
    }


def _deliverable(deliverable: Deliverable) -> dict[str, Any]:
    entry = {
        "key": deliverable.key,
        "title": deliverable.title,
        "due": deliverable.due,
        "accepted_by": deliverable.accepted_by,
        "rubric_version": deliverable.rubric_version,
    }
    return {**entry, "document": deliverable.document} if deliverable.document else entry


def _closing(closing: Closing) -> dict[str, Any]:
    return {
        "area": closing.area,
        "bank": closing.bank.key,
        "max_score": closing.max_score,
        "minutes": closing.minutes,
        "cut": closing.cut,
        "max_attempts": closing.max_attempts,
        "wait_hours": closing.wait_hours,
    }


def _bank(bank: Bank, module: str | None) -> dict[str, Any]:
    place = "stratum" if bank.strata else "form"
    entry: dict[str, Any] = {
        "id": bank.key,
        "kind": bank.kind,
        "public": bank.is_public,
        "digest": digest_of(bank),
        "items": [
            {
                "key": each.item.key,
                "digest": item_digest(each.item),
                place: getattr(each.item, place),
                "twin": each.item.twin,
            }
            for each in bank.items
        ],
        "strata": [{"key": stratum.key, "per_form": stratum.per_form} for stratum in bank.strata],
    }
    return entry if module is None else {**entry, "module": module}
