"""Registering sources: the places and courses an LMS may speak of, its secrets, and whether it is switched on.

What is left out stays as it is, and nothing is taken away without being named.
"""

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from integra_service.audit import services as audit
from integra_service.lib.errors import RequestError

from .models import SecretKind, Source, SourceCourse, SourceSecret
from .places import get_city, require_key
from .sources import SourceSecrets, add_secret, get_source, retire_old_secrets

MAX_COURSE_KEY = 255
# The characters that a course key has in an event.
COURSE_KEY = re.compile(r"course-v1:[A-Za-z0-9._~-]+\+[A-Za-z0-9._~-]+\+[A-Za-z0-9._~-]+")


@dataclass(frozen=True, slots=True)
class Difference:
    """What was added to a list of keys and what taken from it, and the whole list afterwards."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """A source after a registration, and what it changed."""

    source: Source
    is_new: bool
    changed_fields: tuple[str, ...]  # of name and url
    cities: Difference
    courses: Difference
    added_secret_count: int
    retired_secret_count: int


@transaction.atomic
def register_source(
    *,
    key: str,
    now: datetime,
    name: str = "",
    url: str = "",
    city_keys: Iterable[str] = (),
    course_keys: Iterable[str] = (),
    removed_city_keys: Iterable[str] = (),
    removed_course_keys: Iterable[str] = (),
    secrets: SourceSecrets | None = None,
    retires_old_secrets: bool = False,
    is_demo: bool = False,
) -> Registered:
    """Create a source, or change one.

    A new secret is added beside the old one; with ``retires_old_secrets`` only those of ``secrets`` stay, or the newest
    without any. ``is_demo`` counts for a new source. Raises RequestError, and then nothing changed.
    """
    city_keys, course_keys = set(city_keys), set(course_keys)
    if not Source.objects.filter(key=key).exists():
        if not (url and city_keys and course_keys and secrets):
            raise RequestError(
                "unknown_source",
                f"There is no source {key!r}: a new one needs --url, --city, --course and --secrets.",
            )
        require_key(key, "source")
    if url:
        require_url(url)
    cities = {city_key: get_city(city_key) for city_key in city_keys}
    for course_key in course_keys:
        require_course_key(course_key)
    _, is_new = Source.objects.get_or_create(
        key=key, defaults={"name": name or key, "url": url, "is_demo": is_demo, "active_since": now}
    )
    source = Source.objects.select_for_update(no_key=True).get(key=key)
    changed_fields = change_fields(source, {"name": name, "url": url.rstrip("/")})
    city_change = compare(
        set(source.cities.values_list("key", flat=True)), city_keys, set(removed_city_keys), "city"
    )
    source.cities.add(*(cities[city_key] for city_key in city_change.added))
    source.cities.remove(*source.cities.filter(key__in=city_change.removed))
    course_change = compare(
        set(source.courses.values_list("course_key", flat=True)),
        course_keys,
        set(removed_course_keys),
        "course",
    )
    SourceCourse.objects.bulk_create(
        SourceCourse(source=source, course_key=course_key) for course_key in course_change.added
    )
    source.courses.filter(course_key__in=course_change.removed).delete()
    stored = add_secrets(source, secrets, now) if secrets is not None else []
    kept = [secret for secret, _ in stored]
    registered = Registered(
        source,
        is_new,
        changed_fields,
        city_change,
        course_change,
        sum(is_added for _, is_added in stored),
        retire_old_secrets(source, now, kept) if retires_old_secrets else 0,
    )
    record_registration(registered, now)
    return registered


def record_registration(registered: Registered, now: datetime) -> None:
    cities, courses = registered.cities, registered.courses
    data = {
        "fields": [*registered.changed_fields],
        "added_cities": [*cities.added],
        "removed_cities": [*cities.removed],
        "added_courses": [*courses.added],
        "removed_courses": [*courses.removed],
    }
    if registered.is_new or registered.added_secret_count or any(data.values()):
        subject = f"source:{registered.source.key}"
        audit.record(
            "source.registered",
            actor=audit.SYSTEM,
            subject=subject,
            now=now,
            data={**data, "added_secrets": registered.added_secret_count},
        )


@transaction.atomic
def switch_source(key: str, *, is_active: bool, now: datetime) -> bool:
    """Switch a source on or off; return whether it was the other way. What it sent before stays."""
    get_source(key)
    source = Source.objects.select_for_update(no_key=True).get(key=key)
    if source.is_active == is_active:
        return False
    source.is_active = is_active
    if is_active:
        source.active_since = now
    source.save(update_fields=["is_active", "active_since"])
    action = "source.activated" if is_active else "source.deactivated"
    audit.record(action, actor=audit.SYSTEM, subject=f"source:{key}", now=now)
    return True


def change_fields(source: Source, values: dict[str, str]) -> tuple[str, ...]:
    """Set what has a value and is another; return which fields these are."""
    changed = tuple(field for field, value in values.items() if value and getattr(source, field) != value)
    for field in changed:
        setattr(source, field, values[field])
    if changed:
        source.save(update_fields=changed)
    return changed


def compare(held: Set[str], added: Set[str], removed: Set[str], what: str) -> Difference:
    """Return what is to be added and removed; refuse to remove what is not there, and to leave nothing."""
    missing = sorted(removed - held)
    if missing:
        raise RequestError(f"unknown_{what}", f"The source has no {what} {missing[0]!r} to remove.")
    if added & removed:
        raise RequestError(
            f"{what}_twice", f"The {what} {min(added & removed)!r} is both to be added and removed."
        )
    left = (held | added) - removed
    if not left:
        raise RequestError(
            f"no_{what}_left", f"A source has at least one {what}; --deactivate switches it off."
        )
    return Difference(tuple(sorted(added - held)), tuple(sorted(removed)), tuple(sorted(left)))


def add_secrets(source: Source, secrets: SourceSecrets, now: datetime) -> list[tuple[SourceSecret, bool]]:
    """Return the three secrets as they are stored, each with whether it is new."""
    return [
        add_secret(source, SecretKind.WEBHOOK, secrets.webhook, now),
        add_secret(source, SecretKind.HANDOVER, secrets.handover, now),
        add_secret(source, SecretKind.PULL, secrets.pull, now),
    ]


def require_course_key(text: str) -> None:
    if len(text) > MAX_COURSE_KEY or COURSE_KEY.fullmatch(text) is None:
        raise RequestError(
            "bad_course_key", f"{text!r} is no course key; the form is course-v1:ORG+COURSE+RUN."
        )


def require_url(url: str) -> None:
    """Refuse an address the service must never call; https outside the demonstration."""
    parts = urlsplit(url)
    is_allowed = parts.scheme == "https" or (parts.scheme == "http" and settings.INTEGRA_DEMO)
    is_plain = parts.hostname and "@" not in parts.netloc and not parts.query and not parts.fragment
    if not is_allowed or not is_plain:
        raise RequestError("bad_url", "The source's address must begin with https:// and name a host.", "url")
