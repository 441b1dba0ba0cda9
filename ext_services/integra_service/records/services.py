"""The door to the learning record for the apps above."""

from integra_service.people.models import LearnerIdentity

from .fold import LearningRecord
from .models import Manifest
from .storage import read_record


def get_record(identity: LearnerIdentity) -> LearningRecord:
    """Return the stored fold of this learner's events; an empty record before the first one."""
    return read_record(identity)


def find_manifest(rule_version: str) -> Manifest | None:
    return Manifest.objects.filter(rule_version=rule_version).first()
