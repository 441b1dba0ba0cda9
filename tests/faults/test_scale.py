"""A crowd's events in random order and partly twice, while workers and the database are killed: none is lost, none
counts twice, and every record is the fold of what was sent.

The figures are printed; ``docs/faults.md`` keeps those of the long run.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from faults.crowd import Classroom, cut_into_deliveries, expect_records, fingerprints, make_crowd
from faults.world import ROOT, demo, free_port, wait_for, with_databases

from integra_grading.manifest import Manifest, parse_manifest

IS_LONG = bool(os.environ.get("INTEGRA_LONG"))
EVENTS, KILLS, STOPS = (100_000, 30, 5) if IS_LONG else (2_000, 5, 1)
SECONDS = 3 * 3600 if IS_LONG else 240
SEED = 20261129
SENDERS = 4
APPLYING = ("apply-1", "apply-2")
# Nobody listens there: asking for a worker fails every time, and only `integra_apply` brings events on.
BROKER_AWAY = "amqp://127.0.0.1:9//"
pytestmark = pytest.mark.fault


@dataclass
class Machine:
    """The service on a PostgreSQL of its own: web workers and applying workers, as a supervisor keeps them."""

    home: Path
    server: with_databases.PostgreSQL
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    restarted_count: int = 0

    def prepare(self) -> None:
        self.places = demo.Places(home=self.home, port=free_port(), service_port=free_port())
        self.keys = demo.read_secrets(self.places)
        self.environment = {
            **demo.make_environment(self.places, self.keys),
            "INTEGRA_DATABASE_URL": self.server.url,
            "INTEGRA_BROKER_URL": BROKER_AWAY,
        }
        demo.in_turn(
            self.environment,
            [["-m", "integra_course", "build", "--output", str(self.places.build)]],
            [["-m", "integra_service", "migrate"]],
            [["-m", "integra_service", "integra_demo"]],
            [["-m", "integra_service", "integra_issuer"]],
            [
                [
                    "-m",
                    "integra_service",
                    "integra_register_manifest",
                    str(self.places.build / "manifest.json"),
                ]
            ],
        )

    @property
    def manifest(self) -> Manifest:
        return parse_manifest(json.loads((self.places.build / "manifest.json").read_text(encoding="utf-8")))

    @property
    def secret(self) -> bytes:
        return base64.b64decode(self.keys["webhook_secret"].removeprefix("whsec_"))

    def start(self) -> None:
        web = demo.gunicorn("integra_service.wsgi", self.places.service_port)
        self._start("web", [*web[:-1], "--workers", "2", "--threads", "4", web[-1]])
        for name in APPLYING:
            self._start(name, ["-m", "integra_service", "integra_apply", "--every", "1"])
        wait_for(f"{self.places.service}/healthz")

    def _start(self, name: str, arguments: list[str]) -> None:
        with (self.home / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def keep_running(self) -> None:
        """Start again whatever ended, as systemd or a container runtime does; gunicorn keeps its own workers."""
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                assert name in APPLYING, f"{name} ended by itself"
                self.restarted_count += 1
                self._start(name, ["-m", "integra_service", "integra_apply", "--every", "1"])

    def kill_a_worker(self, chance: random.Random) -> None:
        master = self.running["web"].pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
        targets = [*map(int, children), *(self.running[name].pid for name in APPLYING)]
        with suppress(ProcessLookupError):
            os.kill(chance.choice(targets), signal.SIGKILL)

    def crash_database(self) -> None:
        self.server.crash()
        self.server.launch()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.url) as connection:
            return connection.execute(sql).fetchall()  # type: ignore[arg-type]  # our own text

    def count_applied(self) -> int:
        with suppress(psycopg.OperationalError):
            return int(self.query("SELECT count(*) FROM records_inboxevent WHERE state = 'applied'")[0][0])
        return 0

    def check_records(self) -> str:
        """Return what ``integra_rebuild_records --check`` says; it fails on a difference."""
        command = [sys.executable, "-m", "integra_service", "integra_rebuild_records", "--check"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(60)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    # Not under pytest's own folder, which the server's user may not enter.
    with tempfile.TemporaryDirectory(prefix="integra-faults-") as folder:
        server = with_databases.PostgreSQL(Path(folder))
        server.start()
        machine = Machine(tmp_path, server)
        try:
            machine.prepare()
            machine.start()
            yield machine
        finally:
            machine.stop()
            server.stop()


def test_no_event_is_lost_or_doubled_while_workers_and_database_die(machine: Machine) -> None:
    chance = random.Random(SEED)
    told = make_crowd(machine.manifest, SEED, EVENTS)
    deliveries = cut_into_deliveries(told, chance)
    blows = ["kill"] * KILLS + ["stop"] * STOPS
    chance.shuffle(blows)
    classroom = Classroom(machine.places.service, machine.secret)
    began = time.monotonic()

    classroom.start(deliveries, SENDERS)
    # Half of the way is sending, half applying; the blows are spread over all of it but the end.
    sent_count = sum(map(len, deliveries))
    dealt = applied = 0
    sent_seconds = 0.0
    while classroom.is_sending or applied < EVENTS or dealt < len(blows):
        assert time.monotonic() < began + SECONDS, (classroom.named_count, applied, dealt)
        time.sleep(0.1 if not IS_LONG else 0.5)
        applied = machine.count_applied() or applied
        if not classroom.is_sending and not sent_seconds:
            sent_seconds = time.monotonic() - began
        progress = 0.5 * classroom.named_count / sent_count + 0.5 * applied / EVENTS
        if dealt < len(blows) and progress >= (dealt + 1) / (len(blows) + 2):
            if blows[dealt] == "kill":
                machine.kill_a_worker(chance)
            else:
                machine.crash_database()
            dealt += 1
        machine.keep_running()
    seconds = time.monotonic() - began

    assert classroom.refusals == []
    inbox = machine.query("SELECT learner_uuid::text, event_id, state, reason FROM records_inboxevent")
    assert {(state, reason) for _, _, state, reason in inbox} == {("applied", "")}
    kept = fingerprints((learner, event_id) for learner, event_id, _, _ in inbox)
    assert kept == fingerprints((event["subject"], event["id"]) for event in told)
    rows = machine.query(
        "SELECT i.learner_uuid::text, r.content FROM records_learningrecordrow r"
        " JOIN people_learneridentity i ON i.id = r.identity_id"
    )
    assert {learner: json.loads(content) for learner, content in rows} == expect_records(told)
    assert len(rows) == len({event["subject"] for event in told})
    assert machine.query("SELECT count(*) FROM records_refusedevent") == [(0,)]
    assert machine.check_records() == "0 records changed."
    print_figures(machine, classroom, sent_count, len(rows), sent_seconds, seconds)


def print_figures(
    machine: Machine, classroom: Classroom, sent: int, learners: int, sent_seconds: float, seconds: float
) -> None:
    version = machine.query("SHOW server_version")[0][0]
    durable = machine.query("SHOW synchronous_commit")[0][0], machine.query("SHOW fsync")[0][0]
    print(  # noqa: T201 - shown with -s; kept in docs/faults.md
        f"\nseed {SEED}; {os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}, "
        f"PostgreSQL {version} (synchronous_commit {durable[0]}, fsync {durable[1]})\n"
        f"{EVENTS} distinct events of {learners} learners, {sent} sent in random order; {KILLS} workers killed, "
        f"{STOPS} immediate stops of PostgreSQL, {machine.restarted_count} starts of applying workers\n"
        f"{classroom.broken_count} calls without a receipt, repeated; all named after {sent_seconds:.0f} s, "
        f"all applied after {seconds:.0f} s\n"
        "lost 0, doubled 0, records that differ from the fold of what was sent 0, rebuild --check 0"
    )
