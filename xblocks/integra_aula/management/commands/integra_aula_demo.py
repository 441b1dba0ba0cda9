"""Fill the classroom of the demonstration: the course, two mirrored cohorts, the demo accounts."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from integra_gradebook.models import Cohort, FacilitatorRole

from integra_gradebook import api
from integra_gradebook.results import Learner

# Long enough for any demonstration and never "today", so that a second start changes nothing.
FIRST_DAY = date(2026, 1, 1)
LAST_DAY = FIRST_DAY + timedelta(days=3650)


class Command(BaseCommand):
    """``integra_aula_demo ACCOUNTS.json``; repeatable."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("accounts", help="JSON: [{role, username, password, name, cohort}]")

    def handle(self, *args: Any, accounts: str, **options: Any) -> None:
        course_key = settings.ENVIRONMENT.course_key
        manifest = json.loads((settings.ENVIRONMENT.build / "manifest.json").read_text(encoding="utf-8"))
        api.register_course(course_key, manifest)
        for person in json.loads(Path(accounts).read_text(encoding="utf-8")):
            self.place(course_key, person)

    def place(self, course_key: str, person: dict[str, str]) -> None:
        """Make the account and its place; an existing account keeps its facts and gets the file's password."""
        with transaction.atomic():
            cohort, _ = Cohort.objects.get_or_create(
                key=person["cohort"],
                defaults={
                    "city_key": person["city"],
                    "course_key": course_key,
                    "modality": "virtual",
                    "time_zone": "America/Guayaquil",
                    "starts_on": FIRST_DAY,
                    "ends_on": LAST_DAY,
                },
            )
            user, _ = User.objects.get_or_create(username=person["username"])
            user.first_name = person["name"]
            if not user.check_password(person["password"]):
                user.set_password(person["password"])
            user.save()
            if person["role"] == "facilitator":
                FacilitatorRole.objects.get_or_create(
                    user=user, cohort=cohort, defaults={"starts_on": FIRST_DAY, "ends_on": LAST_DAY}
                )
        if person["role"] != "facilitator":
            api.enrol(Learner(user.pk, course_key), cohort_key=cohort.key, route_intended=person["route"])
