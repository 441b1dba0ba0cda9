"""Registering a course's rules, so that facts which name them can be applied."""

from datetime import datetime
from typing import Any

from django.db import transaction

from integra_grading.canonical import canonical_json
from integra_grading.errors import ManifestError
from integra_grading.manifest import parse_manifest
from integra_service.audit import services as audit
from integra_service.lib.errors import RequestError

from .models import Manifest


def register_manifest(raw: Any, now: datetime) -> str:
    """Store the manifest and return its rule version; registering it again changes nothing."""
    try:
        manifest = parse_manifest(raw)
    except ManifestError as error:
        raise RequestError(error.code, str(error), error.field) from error
    with transaction.atomic():
        _, is_new = Manifest.objects.get_or_create(
            rule_version=manifest.digest,
            defaults={
                "course_family": manifest.course.key,
                "content": canonical_json(raw).decode(),
                "registered_at": now,
            },
        )
        if is_new:
            subject = f"manifest:{manifest.digest}"
            audit.record("manifest.registered", actor=audit.SYSTEM, subject=subject, now=now)
    return manifest.digest
