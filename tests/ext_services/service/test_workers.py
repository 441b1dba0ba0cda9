"""Real workers on a real broker: what came in is applied, also when a worker is killed in the middle."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from urllib.parse import urlsplit

import pytest
import requests
from django.db import connection
from service_support import BATCH

from integra_grading.canonical import canonical_json
from integra_service.records.models import InboxEvent, LearningRecordRow
from integra_service.records.tasks import Requests

pytestmark = pytest.mark.skipif(
    "INTEGRA_DATABASE_URL" not in os.environ, reason="workers need a server database"
)
LEARNERS = 40


def wait_until(is_so, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"it did not come about within {seconds} s"
        time.sleep(0.05)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def broker(tmp_path):
    """A Redis of its own; killed at the end, it leaves nothing."""
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed (scripts/bootstrap.py does it)"
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    wait_until(lambda: answers(port))
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait()


def production_environment(broker):
    """Environment of the service's processes over the test's own database."""
    parts = urlsplit(os.environ["INTEGRA_DATABASE_URL"])
    database = parts._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    return {**os.environ, "INTEGRA_DATABASE_URL": database, "INTEGRA_BROKER_URL": broker}


class Web:
    """The service as gunicorn serves it, with a broker: its posts only store."""

    def __init__(self, broker, folder):
        self.port = free_port()
        options = ["--bind", f"127.0.0.1:{self.port}", "--threads", "4", "--no-control-socket"]
        with (folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *options, "integra_service.wsgi"],
                env=production_environment(broker),
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: answers(self.port))

    def send(self, classroom, batch):
        body = canonical_json(batch)
        headers = {**classroom.headers(body), "Content-Type": BATCH}
        url = f"http://localhost:{self.port}/api/v1/events"
        answer = requests.post(url, data=body, headers=headers, timeout=60)
        assert answer.status_code == 202, answer.text
        return answer.json()["accepted"]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def web(broker, tmp_path):
    web = Web(broker, tmp_path)
    yield web
    web.stop()


class Worker:
    """``celery worker`` as documented, in processes of its own."""

    def __init__(self, broker, folder):
        command = ["-m", "celery", "-A", "integra_service.celery", "worker", "--concurrency", "1"]
        with (folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command, "--without-gossip", "--without-mingle"],
                env=production_environment(broker),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def is_all_applied():
    return set(InboxEvent.objects.values_list("state", flat=True)) == {"applied"}


def test_a_post_only_stores_and_a_worker_applies(committed_world, broker, web, tmp_path):
    learner = uuid.uuid4()
    web.send(committed_world.a, committed_world.a.tell(learner))
    assert set(InboxEvent.objects.values_list("state", flat=True)) == {"new"}

    worker = Worker(broker, tmp_path)
    try:
        wait_until(is_all_applied)
    finally:
        worker.stop()

    row = LearningRecordRow.objects.for_system().get()
    assert (row.identity.learner_uuid, row.last_sequence, row.missing_count) == (learner, 10, 0)


def test_two_workers_killed_in_the_middle_lose_nothing(committed_world, broker, web, tmp_path):
    told = [event for _ in range(LEARNERS) for event in committed_world.a.tell(uuid.uuid4())]
    told.reverse()  # every learner backwards
    for start in range(0, len(told), 100):
        assert len(web.send(committed_world.a, told[start : start + 100])) == 100

    workers = [Worker(broker, tmp_path) for _ in range(2)]
    wait_until(InboxEvent.objects.filter(state="applied").exists)
    for worker in workers:
        worker.kill()
    # Redis gives back after an hour what nobody acknowledged; the safety net does not wait for it.
    net = subprocess.Popen(
        [sys.executable, "-m", "integra_service", "integra_apply", "--every", "1"],
        env=production_environment(broker),
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(is_all_applied)
    finally:
        net.terminate()
        assert net.wait(30) == 0

    rows = LearningRecordRow.objects.for_system()
    assert rows.count() == LEARNERS
    assert set(rows.values_list("last_sequence", "missing_count")) == {(10, 0)}


def test_with_the_broker_away_events_are_stored_and_nobody_waits_long(committed_world, tmp_path):
    web = Web("redis://127.0.0.1:1/0", tmp_path)
    try:
        began = time.monotonic()
        for _ in range(5):
            web.send(
                committed_world.a, [committed_world.a.event(uuid.uuid4(), 1, committed_world.a.enrolled())]
            )
        assert time.monotonic() - began < 5
    finally:
        web.stop()
    assert InboxEvent.objects.filter(state="new").count() == 5


def test_a_burst_asks_for_workers_once():
    asked = Requests()
    assert [asked.take_turn() for _ in range(50)] == [True] + [False] * 49
