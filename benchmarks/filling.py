"""A history written at once: applied events of many learners with their records, and graduates without certificate."""

from __future__ import annotations

import json
import os
import uuid

from benchmarks.senders import make_events
from benchmarks.service_process import Service, demo
from integra_grading.canonical import canonical_json

# One real learner's events and record, copied for ever new learners: sizes and indexes are those of real ones.
FILL = """
import json, sys
from django.db import connection, transaction
from integra_service.lib.clock import utc_now
from integra_service.records.apply import apply_inbox
from integra_service.records.inbox import store_events
from integra_service.records.models import InboxEvent
from integra_service.people.models import Source
source = Source.objects.get(key={source!r})
story = json.load(open({path!r}))
store_events(source, story[:100], utc_now())
for start in range(100, len(story), 100):
    store_events(source, story[start:start + 100], utc_now())
apply_inbox(utc_now())
copies = max(0, {count} - len(story)) // len(story)
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute('''CREATE TEMP TABLE copy AS
        SELECT n, gen_random_uuid() AS learner FROM generate_series(1, %s) n''', [copies])
    cursor.execute('''INSERT INTO records_inboxevent (source_id, event_id, digest, type, learner_uuid, sequence,
        occurred_at, received_at, rule_version, body, state, reason, applied_at)
        SELECT source_id, gen_random_uuid()::text, digest, type, copy.learner, sequence, occurred_at, received_at,
        rule_version, body, state, reason, applied_at FROM records_inboxevent, copy WHERE state = 'applied' ''')
    cursor.execute('''INSERT INTO people_person (uuid, city_id, created_at)
        SELECT copy.learner, person.city_id, person.created_at FROM copy, people_person person
        WHERE person.id = (SELECT person_id FROM people_learneridentity LIMIT 1)''')
    cursor.execute('''INSERT INTO people_learneridentity (source_id, learner_uuid, short_code, person_id, own_person_id,
        created_at) SELECT %s, copy.learner, 'XXXX-XXXX', person.id, person.id, person.created_at
        FROM copy JOIN people_person person ON person.uuid = copy.learner''', [source.pk])
    cursor.execute('''INSERT INTO records_learningrecordrow (identity_id, content, digest, last_sequence, missing_count,
        is_announcement_due) SELECT identity.id, row.content, row.digest, row.last_sequence, 0, false
        FROM people_learneridentity identity, records_learningrecordrow row
        WHERE identity.short_code = 'XXXX-XXXX' AND row.id = (SELECT min(id) FROM records_learningrecordrow)''')
with connection.cursor() as cursor:
    cursor.execute("VACUUM ANALYZE")
print(InboxEvent.objects.count())
"""


def fill(service: Service, count: int) -> int:
    """Put about so many applied events into the inbox (PostgreSQL only); return how many stand there."""
    if not count:
        return 0
    generator = make_events(service.manifest)
    learner_events = [next(generator)]
    for event in generator:
        if event["subject"] != learner_events[0]["subject"]:
            break
        learner_events.append(event)
    path = service.places.home / f"{uuid.uuid4()}.json"
    path.write_bytes(canonical_json(learner_events))
    script = FILL.format(source=demo.SOURCE, path=os.fspath(path), count=json.dumps(count))
    return int(service.ask(script))


# A graduate's record for ever new people who agreed to a certificate and confirmed a name: all that is due is to issue.
GRADUATES = """
from uuid import uuid4
from integra_service.lib import encryption
from integra_service.lib.clock import utc_now
from integra_service.people.models import Consent, LearnerIdentity, LegalName, Person, Purpose
from integra_service.people.names import name_context
from integra_service.records.models import LearningRecordRow
from integra_service.credentials.models import Credential
now = utc_now()
graduate = Credential.objects.for_system().filter(achievement_key="curso").earliest("pk").person
identity = LearnerIdentity.objects.for_system().get(person=graduate)
record = LearningRecordRow.objects.for_system().get(identity=identity)
notice = Consent.objects.filter(person=graduate).latest("pk").notice_version
people = Person.objects.for_system().bulk_create(
    [Person(city=graduate.city, created_at=now) for _ in range({count})], 1000)
LegalName.objects.bulk_create([LegalName(
    person=person, confirmed_at=now,
    ciphertext=encryption.encrypt_text(f"Persona Inventada {{n}}", context=name_context(person)),
) for n, person in enumerate(people)], 1000)
Consent.objects.bulk_create([Consent(
    person=person, purpose=Purpose.CERTIFICATE, is_granted=True, notice_version=notice, decided_at=now,
) for person in people], 1000)
identities = LearnerIdentity.objects.for_system().bulk_create([LearnerIdentity(
    source=identity.source, learner_uuid=uuid4(), short_code=f"Y{{n:07}}", person=person, own_person=person,
    created_at=now,
) for n, person in enumerate(people)], 1000)
LearningRecordRow.objects.for_system().bulk_create([LearningRecordRow(
    identity=each, content=record.content, digest=record.digest, last_sequence=record.last_sequence,
    missing_count=0, is_announcement_due=False,
) for each in identities], 1000)
"""


def copy_graduates(service: Service, count: int) -> None:
    """Put so many people into the database who reached the certificate and do not have it yet."""
    service.ask(GRADUATES.format(count=count))
