"""The door to the learning record for the apps above."""

import json

from integra_grading.manifest import Manifest, parse_manifest
from integra_service.people.models import LearnerIdentity

from .fold import LearningRecord
from .models import Manifest as ManifestRow
from .storage import read_record


def get_record(identity: LearnerIdentity) -> LearningRecord:
    """Return the stored fold of this learner's events; an empty record before the first one."""
    return read_record(identity)


def find_manifest(rule_version: str) -> Manifest | None:
    """Return the registered rules of that version."""
    row = ManifestRow.objects.filter(rule_version=rule_version).first()
    return None if row is None else parse_manifest(json.loads(row.content))
