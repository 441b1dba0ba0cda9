"""Whether an event counts: what its source may speak of, whether its rules are known, whether its time has come."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from integra_grading.errors import EventError
from integra_grading.events import Event, parse_kept
from integra_service.people.models import City, Source
from integra_service.people.sources import SourceTerritory, get_territory

from .models import InboxEvent, Manifest

CLOCK_TOLERANCE = timedelta(minutes=5)
SOURCE_MISMATCH = "source_mismatch"
CLOCK_AHEAD = "clock_ahead"
UNKNOWN_RULE_VERSION = "unknown_rule_version"
UNREADABLE = "unreadable"
APPLY_FAILED = "apply_failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an event counts now; ``reason`` says why not."""

    row: InboxEvent
    event: Event | None
    reason: str


@dataclass(slots=True)
class Bench:
    """What judging looks up, read once per round of applying: sources, manifests, cities.

    Registering a manifest or a city during the round is seen in the next one.
    """

    now: datetime
    rule_versions: frozenset[str] = field(
        default_factory=lambda: frozenset(Manifest.objects.values_list("rule_version", flat=True))
    )
    sources: dict[int, tuple[Source, SourceTerritory]] = field(default_factory=dict)
    cities: dict[str, City] = field(default_factory=dict)

    def get_source(self, source_id: int) -> tuple[Source, SourceTerritory]:
        if source_id not in self.sources:
            source = Source.objects.get(pk=source_id)
            self.sources[source_id] = (source, get_territory(source))
        return self.sources[source_id]

    def find_city(self, key: str | None) -> City | None:
        if key is None:
            return None
        if key not in self.cities:
            city = City.objects.filter(key=key).first()
            if city is None:
                return None
            self.cities[key] = city
        return self.cities[key]

    def judge(self, row: InboxEvent) -> Verdict:
        source, territory = self.get_source(row.source_id)
        try:
            received = parse_kept(row.body)
        except EventError:  # stored under a schema this version no longer reads
            return Verdict(row, None, UNREADABLE)
        data = received.event.data
        covers = territory.covers(city_key=data.city_key, course_key=data.course_key)
        if received.source != source.key or not covers:
            return Verdict(row, None, SOURCE_MISMATCH)
        if received.event.time > self.now + CLOCK_TOLERANCE:
            return Verdict(row, None, CLOCK_AHEAD)
        if data.rule_version not in self.rule_versions:
            return Verdict(row, None, UNKNOWN_RULE_VERSION)
        return Verdict(row, received.event, "")
