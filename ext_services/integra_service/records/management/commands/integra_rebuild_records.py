"""``integra_rebuild_records [--check]``: fold every learner's events again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from integra_service.lib.clock import utc_now
from integra_service.people.models import LearnerIdentity
from integra_service.records.apply import lock_identities
from integra_service.records.folding import fold_learners, store_folds
from integra_service.records.judging import Bench
from integra_service.records.models import LearningRecordRow
from integra_service.records.storage import digest_record, dump_record


class Command(BaseCommand):
    help = "Rebuild every learning record from the inbox. --check writes nothing and fails on a difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        different = 0
        bench = Bench(utc_now())
        identities = LearnerIdentity.objects.for_system().filter(record__isnull=False)
        for identity in identities.select_related("source").order_by("pk").iterator():
            different += is_different(identity) if options["check"] else rebuild(identity, bench)
        if options["check"] and different:
            raise CommandError(f"{different} records differ from their events.")
        self.stdout.write(f"{different} records changed.")


def is_different(identity: LearnerIdentity) -> bool:
    stored = LearningRecordRow.objects.for_system().get(identity=identity)
    content = dump_record(fold_learners(identity.source_id, [identity.learner_uuid])[identity.learner_uuid])
    return (stored.content, stored.digest) != (content, digest_record(content))


def rebuild(identity: LearnerIdentity, bench: Bench) -> bool:
    with transaction.atomic():
        locked = lock_identities(identity.source_id, [identity.learner_uuid], waits=True)
        return bool(store_folds(locked, bench))
