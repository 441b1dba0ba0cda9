"""Fill the classroom of the demonstration: the course, the cohorts, the demo accounts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser

from integra_gradebook import api
from integra_gradebook.results import Learner

# Never "today", so that a second start changes nothing.
FIRST_DAY = date(2026, 1, 1)


class Command(BaseCommand):
    """``integra_aula_demo ACCOUNTS.json``; repeatable."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "accounts",
            type=Path,
            help="JSON: [{role, username, password, name, city, cohort, route}]; a learner may have enrolled_at",
        )

    def handle(self, *args: Any, accounts: Path, **options: Any) -> None:
        course_key = settings.ENVIRONMENT.course_key
        manifest = json.loads((settings.ENVIRONMENT.build / "manifest.json").read_text(encoding="utf-8"))
        api.register_course(course_key, manifest)
        for person in json.loads(accounts.read_text(encoding="utf-8")):
            if person["cohort"]:
                place(course_key, person)


def place(course_key: str, person: dict[str, Any]) -> None:
    """Make the account and its place; an existing account keeps its facts and gets the file's password."""
    user, _ = User.objects.get_or_create(username=person["username"])
    user.first_name = person["name"]
    if not user.check_password(person["password"]):
        user.set_password(person["password"])
    user.save()
    api.open_cohort(course_key, cohort_key=person["cohort"], city_key=person["city"])
    if person["role"] == "facilitator":
        api.appoint_facilitator(user.pk, course_key, cohort_key=person["cohort"], starts_on=FIRST_DAY)
    else:
        learner = Learner(user.pk, course_key)
        enrolled_at = person.get("enrolled_at")
        now = datetime.fromisoformat(enrolled_at) if enrolled_at else datetime.now(UTC)
        api.enrol(learner, cohort_key=person["cohort"], now=now, route_intended=person["route"])
