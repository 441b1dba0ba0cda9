"""Intake: events a second and how long a request takes, over real HTTP to a real process, applied included."""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from benchmarks.measuring import is_quick, percentile, print_table
from integra_bridge.signing import name_delivery, sign_body
from integra_grading import events
from integra_grading.canonical import canonical_json
from integra_grading.manifest import Manifest, parse_manifest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import demo  # noqa: E402 - the demonstration's own way of preparing and starting
import demo_cohort  # noqa: E402 - its invented learners

BATCH = 100
WORKERS, THREADS = 2, 4
PHASE_SECONDS = 20
START_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")
COLUMNS = (
    "POST /api/v1/events",
    "senders",
    "events/s",
    "p50 ms",
    "p95 ms",
    "server CPU ms/request",
    "server CPU ms/event",
)
# What to ask the service's own process when all is sent.
CENSUS = """
from django.db import connection
from integra_service.records.models import InboxEvent
applied = InboxEvent.objects.filter(state="applied").count()
version = ".".join(map(str, connection.get_database_version()))
print(InboxEvent.objects.count(), applied, connection.vendor, version)
"""
REFERENCE = (
    "Reference, on another machine, two workers: openedx/credentials `POST /api/v2/credentials/` (SQLite; stores a row "
    "and signs nothing) 145–162/s, p95 8.3–8.9 ms, 5.6–6.4 ms CPU with one sender, 144–180/s, p95 28–35 ms with four; "
    "ralph 5.1 (xAPI, files, stores only) 118/s, p95 13 ms, 7.8 ms CPU with one sender, 1,447/s, p95 155 ms, 32 ms "
    "CPU in batches of 50 with four."
)


@dataclass(frozen=True)
class Phase:
    """One kind of load; it ends after ``requests`` per sender or PHASE_SECONDS, whatever comes first."""

    size: int
    senders: int
    requests: int

    @property
    def name(self) -> str:
        return "single" if self.size == 1 else f"batch of {self.size}"


PHASES = (Phase(1, 1, 200), Phase(1, 4, 100), Phase(BATCH, 1, 20), Phase(BATCH, 4, 6))
QUICK_PHASES = (Phase(1, 1, 5), Phase(1, 4, 3), Phase(BATCH, 1, 1), Phase(BATCH, 4, 1))


@dataclass(frozen=True)
class Delivery:
    """A request ready to be sent: signed before the clock runs, so that the sender costs little of the machine."""

    body: bytes
    headers: dict[str, str]
    count: int


class Service:
    """The service as a gunicorn process over a fresh database, with one source and the course's manifest."""

    def __init__(self, home: Path) -> None:
        self.places = demo.Places(home=home, port=free_port(), service_port=free_port())
        keys = demo.read_secrets(self.places)
        self.environment = demo.make_environment(self.places, keys)
        self.secret = base64.b64decode(keys["webhook_secret"].removeprefix("whsec_"))
        self.run("-m", "integra_course", "build", "--output", str(self.places.build))
        manifest = self.places.build / "manifest.json"
        self.manifest: Manifest = parse_manifest(json.loads(manifest.read_text(encoding="utf-8")))
        for command in (["migrate"], ["integra_demo"], ["integra_issuer"]):
            self.manage(*command)
        self.manage("integra_register_manifest", str(manifest))

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments[:3])} failed:\n{done.stderr}")
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.run("-m", "integra_service", *arguments)

    def start(self) -> None:
        command = [sys.executable, *demo.gunicorn("integra_service.wsgi", self.places.service_port)]
        # More than the demonstration's one worker; gunicorn takes the last of repeated options.
        command[-1:-1] = ["--workers", str(WORKERS), "--threads", str(THREADS)]
        with (self.places.home / "service.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not demo.answers(f"{self.places.service}/healthz"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The service did not start; see {log.name}")
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def read_cpu(self) -> float:
        """Return the CPU milliseconds of master and workers so far; the database server's are not in it."""
        master = self.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
        return sum(read_ticks(pid) for pid in (str(master), *children)) * 1000 / TICKS


def read_ticks(pid: str) -> int:
    # Fields 14 and 15 of proc(5), counted behind the program's name, which may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def free_port() -> int:
    with demo.socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_events(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Yield everything that ever new learners do from enrolment to the end of the course, learner by learner."""
    while True:
        learner = uuid.uuid4()
        story = demo_cohort.Story(manifest, demo.COURSE_KEY, "ciudad-a", "cohorte-a", str(learner))
        began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        for sequence, data in enumerate(story.tell("graduate"), start=1):
            at = began + timedelta(minutes=sequence)
            event = events.Event(
                id=str(uuid.uuid4()), learner_uuid=learner, sequence=sequence, time=at, data=data
            )
            yield events.to_cloudevent(event, source=demo.SOURCE)


def sign(service: Service, chosen: Sequence[dict[str, Any]], *, is_single: bool) -> Delivery:
    body = canonical_json(chosen[0] if is_single else list(chosen))
    delivery, now = name_delivery(event["id"] for event in chosen), int(time.time())
    headers = {
        "content-type": f"application/cloudevents{'' if is_single else '-batch'}+json",
        "integra-source": demo.SOURCE,
        "webhook-id": delivery,
        "webhook-timestamp": str(now),
        "webhook-signature": sign_body(service.secret, delivery, now, body),
    }
    return Delivery(body, headers, len(chosen))


def send_all(url: str, deliveries: Sequence[Delivery], deadline: float) -> list[tuple[float, int]]:
    """Send one after the other; return milliseconds and events of each. Insists that each event was accepted."""
    spent = []
    with requests.Session() as session:
        for delivery in deliveries:
            if time.monotonic() > deadline:
                break
            begin = time.perf_counter()
            answer = session.post(url, data=delivery.body, headers=delivery.headers, timeout=120)
            spent.append(((time.perf_counter() - begin) * 1000, delivery.count))
            if answer.status_code != 202 or len(answer.json()["accepted"]) != delivery.count:
                raise SystemExit(f"Not accepted: {answer.status_code} {answer.text[:500]}")
    return spent


def measure_phase(service: Service, phase: Phase) -> tuple[list[str], int]:
    """Return the cells of the phase's row, and how many events it sent."""
    url = f"{service.places.service}/api/v1/events"
    queues = []
    for _ in range(phase.senders):  # a learner's events come from one sender, in their order
        source = make_events(service.manifest)
        queues.append(
            [
                sign(service, [next(source) for _ in range(phase.size)], is_single=phase.size == 1)
                for _ in range(phase.requests)
            ]
        )
    deadline = time.monotonic() + PHASE_SECONDS
    cpu, begin = service.read_cpu(), time.perf_counter()
    with ThreadPoolExecutor(phase.senders) as pool:
        answers = list(pool.map(lambda queue: send_all(url, queue, deadline), queues))
    seconds, cpu = time.perf_counter() - begin, service.read_cpu() - cpu
    spent = [milliseconds for answer in answers for milliseconds, _count in answer]
    sent = sum(count for answer in answers for _milliseconds, count in answer)
    cells = [
        phase.name,
        str(phase.senders),
        f"{sent / seconds:.0f}",
        f"{statistics.median(spent):.1f}",
        f"{percentile(spent, 0.95):.1f}",
        f"{cpu / len(spent):.1f}",
        f"{cpu / sent:.1f}",
    ]
    return cells, sent


def main() -> None:
    phases = QUICK_PHASES if is_quick() else PHASES
    with tempfile.TemporaryDirectory(prefix="integra-bench-") as home:
        service = Service(Path(home))
        service.start()
        try:
            warm = Phase(1, WORKERS * THREADS, 3)  # every thread opens its connection
            _cells, sent = measure_phase(service, warm)
            measured = [measure_phase(service, phase) for phase in phases]
        finally:
            service.stop()
        sent += sum(count for _cells, count in measured)
        stored, applied, vendor, version = service.manage(
            "shell", "--no-startup", "--verbosity", "0", "-c", CENSUS
        ).split()
        if not int(stored) == int(applied) == sent:
            raise SystemExit(f"{sent} events were accepted, {stored} are stored and {applied} applied.")
    title = f"Intake on {vendor} {version} ({WORKERS} workers; applied before the answer; {sent} events, all applied)"
    print_table(title, COLUMNS, (cells for cells, _count in measured))
    if vendor != "sqlite":
        print(f"\n{REFERENCE}")


if __name__ == "__main__":
    main()
