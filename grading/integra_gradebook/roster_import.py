"""Reads and applies the table of cohorts: every row is checked before the first one is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth import get_user_model

from integra_gradebook.enrolments import change_enrolment, ensure_cohort, place_learner
from integra_gradebook.models import Cohort, Enrolment, FacilitatorRole
from integra_gradebook.places import Run, find_run

REQUIRED = ("course_key", "cohort_key", "city_key", "username")
OPTIONAL = ("role", "modality", "time_zone", "starts_on", "ends_on", "route_intended", "accommodations")
ROLES = ("learner", "facilitator")
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class RowError(Exception):
    """What is wrong with one row, as a sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    run: Run
    cohort_key: str
    city_key: str
    user_id: int
    role: str
    modality: str
    time_zone: str
    starts_on: date | None
    ends_on: date | None
    route_intended: str
    accommodations: tuple[str, ...]


def read_rows(table: Iterable[dict[str | None, str | list[str] | None]]) -> tuple[list[Row], list[str]]:
    """Return the rows and, one sentence each, what is wrong with the others."""
    rows: list[Row] = []
    problems: list[str] = []
    cities: dict[tuple[int, str], str] = {}
    for number, raw in enumerate(table, start=2):  # the heading is line 1
        try:
            row = _read_row(raw)
            _require_one_city(row, cities)
            rows.append(row)
        except RowError as problem:
            problems.append(f"Row {number}: {problem}")
    return rows, problems


def apply_rows(rows: Iterable[Row], *, now: datetime) -> dict[str, int]:
    """Write every row, each in its own transaction; what is there already stays."""
    counts = Counter({"learners": 0, "moved": 0, "facilitators": 0})
    for row in rows:
        is_learner = row.role == "learner"
        cohort = ensure_cohort(
            row.run,
            cohort_key=row.cohort_key,
            city_key=row.city_key,
            modality=row.modality,
            time_zone=row.time_zone,
            # A facilitator's dates are those of the role.
            starts_on=row.starts_on if is_learner else None,
            ends_on=row.ends_on if is_learner else None,
        )
        if row.role == "facilitator":
            counts["facilitators"] += _give_role(row, cohort, now=now)
        else:
            counts[_place(row, cohort, now=now)] += 1
    return {name: counts[name] for name in ("learners", "moved", "facilitators")}


def _place(row: Row, cohort: Cohort, *, now: datetime) -> str:
    enrolment = Enrolment.objects.filter(learner__user_id=row.user_id, course_id=row.run.id).first()
    if enrolment is None:
        place_learner(
            row.user_id, cohort, now=now, route_intended=row.route_intended, accommodations=row.accommodations
        )
        return "learners"
    wanted = (cohort.pk, row.route_intended, list(row.accommodations))
    if wanted == (enrolment.cohort_id, enrolment.route_intended, enrolment.accommodations):
        return "unchanged"
    change_enrolment(
        enrolment.pk,
        cohort_id=cohort.pk,
        status=enrolment.status,
        route_intended=row.route_intended,
        accommodations=row.accommodations,
        now=now,
    )
    return "moved" if cohort.pk != enrolment.cohort_id else "changed"


def _give_role(row: Row, cohort: Cohort, *, now: datetime) -> int:
    starts_on = row.starts_on or now.astimezone(ZoneInfo(cohort.time_zone)).date()
    open_roles = FacilitatorRole.objects.filter(user_id=row.user_id, cohort=cohort)
    if open_roles.filter(ends_on=row.ends_on).exists():
        return 0
    FacilitatorRole.objects.update_or_create(
        user_id=row.user_id, cohort=cohort, starts_on=starts_on, defaults={"ends_on": row.ends_on}
    )
    return 1


def _read_row(raw: dict[str | None, str | list[str] | None]) -> Row:
    unknown = [key for key in raw if key is None or key not in REQUIRED + OPTIONAL]
    if unknown:
        raise RowError(f"unknown column {unknown[0] or '(more cells than headings)'}.")
    cells = {key: str(value or "").strip() for key, value in raw.items() if key is not None}
    for key in REQUIRED:
        if not cells.get(key):
            raise RowError(f"{key} is empty.")
    run = find_run(cells["course_key"])
    if run is None:
        raise RowError(f"no manifest is registered for {cells['course_key']}.")
    starts_on, ends_on = _read_date(cells, "starts_on"), _read_date(cells, "ends_on")
    if starts_on and ends_on and starts_on > ends_on:
        raise RowError("starts_on is after ends_on.")
    return Row(
        run=run,
        cohort_key=_read_key(cells, "cohort_key"),
        city_key=_read_key(cells, "city_key"),
        user_id=_read_user(cells["username"]),
        role=_read_choice(cells, "role", ROLES, "learner"),
        modality=_read_choice(cells, "modality", Cohort.Modality.values, Cohort.Modality.VIRTUAL),
        time_zone=_read_time_zone(cells),
        starts_on=starts_on,
        ends_on=ends_on,
        route_intended=_read_choice(
            cells, "route_intended", Enrolment.Route.values, Enrolment.Route.TRAINING
        ),
        accommodations=tuple(cells.get("accommodations", "").split()),
    )


def _require_one_city(row: Row, cities: dict[tuple[int, str], str]) -> None:
    place = (row.run.id, row.cohort_key)
    if place not in cities:
        stored = Cohort.objects.filter(course_id=row.run.id, key=row.cohort_key).first()
        cities[place] = stored.city_key if stored else row.city_key
    if cities[place] != row.city_key:
        raise RowError(f"the cohort {row.cohort_key} belongs to {cities[place]}.")


def _read_key(cells: dict[str, str], name: str) -> str:
    if not KEY.fullmatch(cells[name]):
        raise RowError(
            f"{name} begins with a letter or digit and has only those, '.', '_' and '-', at most 64."
        )
    return cells[name]


def _read_user(username: str) -> int:
    users = get_user_model().objects
    found = users.filter(username=username).first() or users.filter(email__iexact=username).first()
    if found is None:
        raise RowError(f"there is no account {username}.")
    return int(found.pk)


def _read_choice(cells: dict[str, str], name: str, allowed: Iterable[str], default: str) -> str:
    value = cells.get(name) or default
    if value not in allowed:
        raise RowError(f"{name} is one of {', '.join(allowed)}.")
    return value


def _read_date(cells: dict[str, str], name: str) -> date | None:
    value = cells.get(name)
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise RowError(f"{name} is a date such as 2026-03-01.") from error


def _read_time_zone(cells: dict[str, str]) -> str:
    value = cells.get("time_zone") or "America/Guayaquil"
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise RowError(f"there is no time zone {value}.") from error
    return value
