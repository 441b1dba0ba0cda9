"""One fact and what it says: the lock, the facts, then the events with the learner's next numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from integra_gradebook.models import LearnerEvent, LearnerPseudonym
from integra_gradebook.places import Place
from integra_gradebook.signals import event_recorded
from integra_gradebook.writing import locked
from integra_grading.events import Event, EventData, data_to_dict, parse_data


class Journal:
    """Collects the events of one fact; they are numbered and said when the fact is complete."""

    def __init__(self, place: Place, now: datetime) -> None:
        self._place = place
        self._now = now
        self._pending: list[EventData] = []

    def record(self, data_class: type[EventData], **values: Any) -> None:
        place = self._place
        common = {
            "city_key": place.city_key,
            "cohort_key": place.cohort_key,
            "course_key": place.run.course_key,
            "rule_version": place.run.rule_version,
        }
        self._pending.append(data_class(**common, **values))

    def say(self) -> None:
        """Write the journal and tell the receivers, inside the fact's transaction."""
        if not self._pending:
            return
        learner = LearnerPseudonym.objects.filter(pk=self._place.learner_id)
        last = learner.values_list("sequence", flat=True).get()
        events = [
            Event(
                id=str(uuid4()),
                learner_uuid=self._place.learner_uuid,
                sequence=last + number,
                time=self._now,
                data=data,
            )
            for number, data in enumerate(self._pending, start=1)
        ]
        LearnerEvent.objects.bulk_create(
            LearnerEvent(
                event_id=event.id,
                learner_id=self._place.learner_id,
                sequence=event.sequence,
                type=event.type,
                occurred_at=event.time,
                data=data_to_dict(event.data),
            )
            for event in events
        )
        learner.update(sequence=events[-1].sequence)
        for event in events:
            event_recorded.send(sender=LearnerEvent, event=event)


@contextmanager
def fact(place: Place, now: datetime) -> Iterator[Journal]:
    """Open the transaction of one fact of one learner; its events are said at the end of it."""
    with locked(place.learner_id):
        journal = Journal(place, now)
        yield journal
        journal.say()


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An event and its place in the journal."""

    id: int
    event: Event


def read_journal(*, after: int, limit: int) -> tuple[JournalEntry, ...]:
    """Return what was said, in the order of rows: to rebuild an outbox, not to follow what is new.

    A row that commits late may stand before one already read.
    """
    rows = LearnerEvent.objects.filter(pk__gt=after).select_related("learner").order_by("pk")[:limit]
    return tuple(JournalEntry(row.pk, _event_of(row)) for row in rows)


def _event_of(row: LearnerEvent) -> Event:
    return Event(
        id=str(row.event_id),
        learner_uuid=row.learner.learner_uuid,
        sequence=row.sequence,
        time=row.occurred_at,
        data=parse_data(row.type, row.data),
    )
