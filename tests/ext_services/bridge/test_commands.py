"""The commands as an operator meets them."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from common.djangoapps.student.models import CourseAccessRole
from completion.waffle import ENABLE_COMPLETION_TRACKING_SWITCH
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone
from edx_toggles.toggles.testutils import override_waffle_switch
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from standin.service_peer import Reply, accept_all, json_reply

from integra_bridge import outbox
from integra_bridge.doctor import find_problems
from integra_bridge.models import OutboxEvent, OutboxState, RelayState
from integra_gradebook import api

pytestmark = pytest.mark.django_db(transaction=True)


def call(*arguments):
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# --- relay ------------------------------------------------------------------------------------------


def test_one_pass_tells_what_it_did(peer, queue):
    queue(3)

    assert call("integra_relay", "--once") == (
        "accepted 3, refused 0, to retry 0, states 0, mirrored 0\n",
        "",
    )


def test_a_pass_without_work_is_silent(peer, db):
    assert call("integra_relay", "--once") == ("", "")


def test_trouble_is_told_on_the_error_output(peer, queue):
    queue(1)
    peer.script.append(Reply(503))

    out, err = call("integra_relay", "--once")

    assert "to retry 1" in out
    assert "http_503" in err


def test_a_wrong_setting_ends_the_relay_with_its_name(settings, db):
    settings.INTEGRA_SERVICE_URL = "http://servicio.example.org"

    with pytest.raises(CommandError, match="INTEGRA_SERVICE_URL"):
        call("integra_relay", "--once")


# --- outbox -----------------------------------------------------------------------------------------


def test_the_outbox_shows_counts_age_and_every_dead_letter(queue):
    ids = queue(3)
    OutboxEvent.objects.filter(event_id=ids[0]).update(state=OutboxState.DEAD, error_code="conflict")
    OutboxEvent.objects.filter(event_id=ids[1]).update(state=OutboxState.DELIVERED)

    out, _ = call("integra_outbox")

    assert out.splitlines()[:3] == ["pending: 1", "delivered: 1", "dead: 1"]
    assert f"dead: conflict org.integra.learning.unit.completed.v1 {ids[0]}" in out
    assert "oldest pending: " in out


def test_dead_letters_are_queued_again(peer, queue):
    queue(2)
    OutboxEvent.objects.update(state=OutboxState.DEAD, error_code="gave_up")

    assert call("integra_outbox", "--resend") == ("queued again 2\n", "")
    call("integra_relay", "--once")

    assert set(OutboxEvent.objects.values_list("state", flat=True)) == {OutboxState.DELIVERED}


# --- doctor -----------------------------------------------------------------------------------------


@pytest.fixture
def healthy(peer, learner, complete_lesson, relay, clock):
    """An LMS in which nothing is wrong."""
    complete_lesson(learner)
    relay()
    RelayState.objects.update(last_pass_at=timezone.now())
    with override_waffle_switch(ENABLE_COMPLETION_TRACKING_SWITCH, active=True):
        yield learner


def problems():
    return find_problems(now=timezone.now())


def test_a_healthy_lms_has_no_problems(healthy):
    assert problems() == []
    out, _ = call("integra_doctor")
    assert "No problems found." in out
    assert "Django " in out
    assert "XBlock " in out


def only(fragment):
    found = problems()
    assert len(found) == 1, found
    assert fragment in found[0]


def test_a_missing_setting(healthy, settings):
    del settings.INTEGRA_HANDOVER_SECRET

    only("INTEGRA_HANDOVER_SECRET is not set")


def test_completion_switched_off(healthy):
    with override_waffle_switch(ENABLE_COMPLETION_TRACKING_SWITCH, active=False):
        only("completion.enable_completion_tracking")


def test_an_active_lms_certificate(healthy):
    CourseOverview.objects.create(id=healthy.course_key, has_any_active_web_certificate=True)
    CourseOverview.objects.create(id="course-v1:Other+Course+Run", has_any_active_web_certificate=True)

    only(f"{healthy.course_key} has an active LMS certificate")


@pytest.fixture
def facilitator(healthy):
    user = get_user_model().objects.create_user("facilitador")
    yesterday = timezone.now().date() - timedelta(days=1)
    api.appoint_facilitator(user.pk, healthy.course_key, cohort_key="quito-2026-1", starts_on=yesterday)
    return user


@pytest.mark.parametrize("role", ["staff", "instructor", "limited_staff"])
def test_a_facilitator_who_is_course_staff(healthy, facilitator, role):
    assert problems() == []
    CourseAccessRole.objects.create(user=facilitator, course_id=healthy.course_key, role=role)

    only("facilitador is facilitator of")


def test_a_facilitator_who_is_staff_of_another_course_or_beta_tester_is_none(healthy, facilitator):
    CourseAccessRole.objects.create(user=facilitator, course_id="course-v1:A+B+C", role="staff")
    CourseAccessRole.objects.create(user=facilitator, course_id=healthy.course_key, role="beta_testers")

    assert problems() == []


def test_a_facilitator_with_the_whole_platform(healthy, facilitator):
    get_user_model().objects.filter(pk=facilitator.pk).update(is_staff=True)

    only("facilitador is facilitator of")


def test_an_old_outbox(healthy, queue):
    queue(1)
    OutboxEvent.objects.filter(state=OutboxState.PENDING).update(
        created_at=timezone.now() - timedelta(hours=1)
    )

    only("waiting for 60 minutes")


def test_dead_letters(healthy, queue):
    queue(2)
    OutboxEvent.objects.filter(state=OutboxState.PENDING).update(
        state=OutboxState.DEAD, error_code="conflict"
    )

    only("2 dead letters with code conflict")


def test_missing_rows(healthy):
    OutboxEvent.objects.first().delete()

    only("1 events of the journal are not in the outbox")


def test_a_service_that_keeps_no_more_of_what_it_refuses(healthy, peer, queue, relay):
    queue(2)
    peer.script.append(json_reply(503, {"code": "refused_full"}))
    relay()

    only("2 events are refused by the service, which keeps no more of them")


def test_a_relay_stopped_by_410(healthy, peer, queue, relay):
    queue(1)
    peer.script.append(Reply(410))
    relay()
    RelayState.objects.update(last_pass_at=timezone.now())

    only("410")


def test_a_relay_that_does_not_run(healthy):
    RelayState.objects.update(last_pass_at=timezone.now() - timedelta(minutes=11))

    only("integra_relay")


def test_a_service_that_cannot_be_reached(healthy, settings):
    settings.INTEGRA_SERVICE_URL = "http://127.0.0.1:9"

    only("cannot be reached at http://127.0.0.1:9: connection")


def test_a_service_that_refuses(healthy, peer):
    peer.answer_get = lambda request: Reply(401)

    only("refuses this LMS (http_401)")


def test_problems_end_with_a_failure(healthy, settings):
    del settings.INTEGRA_SOURCE

    with pytest.raises(SystemExit) as end:
        call("integra_doctor")
    assert end.value.code == 1


def test_an_lms_without_a_course(peer, db):
    with override_waffle_switch(ENABLE_COMPLETION_TRACKING_SWITCH, active=True):
        only("No course is registered")


# --- as a process -----------------------------------------------------------------------------------


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the test database lives in this process's memory")
@pytest.mark.concurrency
def test_sigterm_ends_a_relay_after_the_batch_in_hand(peer, queue, settings):
    queue(250)
    started = []

    def slow(request):
        started.append(time.monotonic())
        time.sleep(1)
        return accept_all(request)

    peer.script.extend([slow, slow, slow])
    database = connection.settings_dict
    scheme = "mysql" if connection.vendor == "mysql" else "postgresql"
    account = f"{database['USER']}:{database['PASSWORD']}"
    tests = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "django", "integra_relay", "--idle", "0.1"],
        env={
            **os.environ,
            "PYTHONPATH": str(tests),
            "DJANGO_SETTINGS_MODULE": "standin.settings_of_process",
            "INTEGRA_DATABASE_URL": (
                f"{scheme}://{account}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
            ),
            "STANDIN_SERVICE_URL": settings.INTEGRA_SERVICE_URL,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not started and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)

    output, _ = process.communicate(timeout=20)

    assert process.returncode == 0, output
    assert len(peer.deliveries) == 1
    assert OutboxEvent.objects.filter(state=OutboxState.DELIVERED).count() == 100
    assert OutboxEvent.objects.exclude(lease_key="").count() == 0
    assert outbox.get_state().failure_count == 0
