"""An inbox with a history: applied events of many learners with their records, written by the database itself."""

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
