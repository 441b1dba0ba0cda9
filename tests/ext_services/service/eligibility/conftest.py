"""A learner of city A whose facts really arrived, and the fund's demonstration policy in both cities."""

import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from service_support import NOW, confirm

DEMO = Path(__file__).parents[4] / "ext_services/integra_service/eligibility/policies/policy-demo.yaml"
NAME = "Yelitza Canario Ñáñez"


class Town:
    """Everything through the doors people and classrooms use."""

    def __init__(self, world):
        from integra_service.eligibility.services import register_policy
        from integra_service.people.models import City, LearnerIdentity

        self.world, self.room, self.learner = world, world.a, uuid.uuid4()
        User.objects.filter(username="personal-a").update(first_name="Marta", last_name="Personal")
        self.cities = {letter: City.objects.get(key=f"ciudad-{letter}") for letter in "ab"}
        self.policies = {
            letter: register_policy(city, DEMO.read_bytes(), DEMO.name, now=NOW)
            for letter, city in self.cities.items()
        }
        self.story = self.room.tell(self.learner)
        self.play(1)
        self.identity = LearnerIdentity.objects.for_system().get(learner_uuid=self.learner)
        self.person = self.identity.person

    def staff(self, key="a"):
        from integra_service.people.services import find_staff

        return find_staff(User.objects.get(username=self.world.staff[key]), on=NOW.date())

    def play(self, count):
        """Deliver the story up to its ``count``-th fact; what arrived before is only repeated."""
        assert self.room.send(self.story[:count]).status_code == 202

    def play_all(self):
        self.play(len(self.story))

    def name(self):
        confirm(self.room.enter(self.learner), NAME)

    def live_since(self, day, **changes):
        from integra_service.people.models import Zone
        from integra_service.people.services import record_residence

        values = {"to_on": None, "evidence": "contrato_arriendo", "now": NOW, **changes}
        return record_residence(
            self.staff(), self.person, zone=Zone.objects.get(key="a-norte"), from_on=day, **values
        )

    def apply(self, now=NOW):
        from integra_service.eligibility.services import register_application

        return register_application(self.staff(), self.person, self.policies["a"].pk, now=now)

    def certify(self):
        """Play everything, confirm the name: the certificate comes by itself."""
        self.play_all()
        self.name()
        self.live_since(date(2025, 3, 1))


@pytest.fixture
def town(committed_world):
    return Town(committed_world)


@pytest.fixture
def tomorrow():
    return NOW + timedelta(days=1)
