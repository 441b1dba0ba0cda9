"""The history of demo learners: what is left out is open, everything else is done, and a second call adds nothing."""

from __future__ import annotations

import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from integra_aula.course import get_course
from integra_gradebook import api
from integra_gradebook.models import LearnerEvent

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import demo_history

pytestmark = pytest.mark.django_db(transaction=True)
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def play(learner: Any) -> Any:
    """Play the history of one learner, with what is left out."""
    place = api.Learner(learner.pk, settings.ENVIRONMENT.course_key)
    rater = User.objects.create_user("carmen")
    api.open_cohort(place.course_key, cohort_key="c", city_key="manta")
    api.appoint_facilitator(rater.pk, place.course_key, cohort_key="c", starts_on=date(2026, 1, 1))
    api.enrol(place, cohort_key="c", now=BEGIN)

    def play_history(*left_out: str) -> api.Record:
        demo_history.record_history(get_course(), place, rater.pk, begin=BEGIN, left_out=left_out)
        return api.get_record(place, now=datetime.now(UTC))

    return play_history


def test_only_what_is_left_out_is_open(play: Any) -> None:
    record = play("m06-u03", "m06-hoja-de-costos", "m12")

    assert record.has_pre
    assert record.post is None
    assert {module.key for module in record.modules if module.state == "open"} == {"m06", "m12"}
    units = {unit.key for module in record.modules for unit in module.units if not unit.is_complete}
    assert units == {"m06-u03", *(f"m12-u0{number}" for number in range(1, 8))}
    assert {each.key for each in record.deliverables if each.state != "accepted"} == {
        "m06-hoja-de-costos",
        "m12-carpeta-de-empleo",
    }


def test_the_outline_says_of_closed_chapters_that_they_are_done(play: Any, learner: Any) -> None:
    client = Client()
    client.force_login(learner)
    assert "Módulo terminado" not in client.get("/").content.decode()

    play("m06")

    text = client.get("/").content.decode()
    assert text.count("Módulo terminado") == 11
    [current] = re.findall(r"<details[^>]* open>\s*<summary><h2>([^<]+)", text)
    assert current == "Costos, precio y punto de equilibrio"


def test_a_second_call_adds_nothing(play: Any) -> None:
    first = play("m06")
    events = LearnerEvent.objects.count()

    assert play("m06") == first
    assert LearnerEvent.objects.count() == events


def test_a_place_that_the_course_lacks_is_refused_before_anything_is_done(play: Any) -> None:
    with pytest.raises(KeyError, match="m06-u3"):
        play("m06-u3")

    assert not LearnerEvent.objects.filter(type__contains="unit").exists()
