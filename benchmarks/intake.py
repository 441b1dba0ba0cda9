"""Intake: events a second and the 95th percentile of a request, over real HTTP to a real process, applied included."""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from integra_bridge.signing import name_delivery, sign_body
from integra_grading import events
from integra_grading.canonical import canonical_json
from integra_grading.standing import Route

ROOT = Path(__file__).resolve().parent.parent
SECRET = base64.b64encode(b"only-for-the-benchmark-of-intake").decode()
COURSE_KEY = "course-v1:INTEGRA+CAP40+bench"
BATCH = 100


class Service:
    """The service as a gunicorn process over a fresh database, with one source and the course's manifest."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="integra-bench-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://localhost:{port}"
        build = self.home / "build"
        self.environment = {
            **os.environ,
            "INTEGRA_DEMO": "1",
            "INTEGRA_HOME": str(self.home),
            "INTEGRA_ISSUER_URL": self.url,
            "INTEGRA_SECRET_KEY": "only-for-the-benchmark-" * 3,
            "INTEGRA_NAME_KEY": SECRET,
            "INTEGRA_SOURCE": "bench",
            "INTEGRA_SOURCE_URL": "http://localhost:9",
            "INTEGRA_COURSE_KEY": COURSE_KEY,
            "INTEGRA_WEBHOOK_SECRET": f"whsec_{SECRET}",
            "INTEGRA_HANDOVER_SECRET": SECRET,
            "INTEGRA_PULL_SECRET": SECRET,
        }
        subprocess.run(
            [sys.executable, "-m", "integra_course", "build", "--output", str(build)],
            check=True,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        self.manage("migrate", "--verbosity", "0")
        self.manage("integra_demo")
        self.manage("integra_register_manifest", str(build / "manifest.json"))
        self.rule_version = json.loads((build / "manifest.json").read_text(encoding="utf-8"))["digest"]
        options = ["--workers", "2", "--threads", "4", "--no-control-socket", "--log-level", "error"]
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            *options,
            "--bind",
            f"127.0.0.1:{port}",
            "integra_service.wsgi",
        ]
        self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT)
        deadline = time.monotonic() + 30
        while True:
            try:
                requests.get(f"{self.url}/healthz", timeout=5).raise_for_status()
                return
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "integra_service", *arguments]
        subprocess.run(command, check=True, env=self.environment, cwd=ROOT, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def make_events(rule_version: str) -> Any:
    """Yield events of ever new learners, five of each in order."""
    common = {
        "city_key": "ciudad-a",
        "cohort_key": "bench",
        "course_key": COURSE_KEY,
        "rule_version": rule_version,
    }
    now = datetime.now(UTC).replace(microsecond=0)
    for _ in itertools.count():
        learner = uuid.uuid4()
        for sequence in range(1, 6):
            data: events.EventData = (
                events.LearnerEnrolled(**common, modality="virtual", route_intended=Route.TRAINING)
                if sequence == 1
                else events.UnitCompleted(
                    **common, unit_key="m06-u03", declared_minutes=36, active_minutes=30
                )
            )
            event = events.Event(
                id=str(uuid.uuid4()), learner_uuid=learner, sequence=sequence, time=now, data=data
            )
            yield events.to_cloudevent(event, source="bench")


def post(session: requests.Session, service: Service, chosen: list[dict[str, Any]]) -> float:
    """Deliver the events as one request and return its milliseconds."""
    is_single = len(chosen) == 1
    body = canonical_json(chosen[0] if is_single else chosen)
    delivery, now = name_delivery([event["id"] for event in chosen]), int(time.time())
    kind = "application/cloudevents+json" if is_single else "application/cloudevents-batch+json"
    begin = time.perf_counter()
    answer = session.post(
        f"{service.url}/api/v1/events",
        data=body,
        headers={
            "content-type": kind,
            "integra-source": "bench",
            "webhook-id": delivery,
            "webhook-timestamp": str(now),
            "webhook-signature": sign_body(base64.b64decode(SECRET), delivery, now, body),
        },
        timeout=120,
    )
    spent = (time.perf_counter() - begin) * 1000
    if answer.status_code != 202 or len(answer.json()["accepted"]) != len(chosen):
        raise SystemExit(f"not accepted: {answer.status_code} {answer.text[:500]}")
    return spent


def measure(service: Service, size: int, requests_count: int) -> list[str]:
    session, source = requests.Session(), make_events(service.rule_version)
    post(session, service, list(itertools.islice(source, size)))
    begin = time.perf_counter()
    spent = [post(session, service, list(itertools.islice(source, size))) for _ in range(requests_count)]
    seconds = time.perf_counter() - begin
    p95 = sorted(spent)[max(0, round(len(spent) * 0.95) - 1)]
    name = "single" if size == 1 else f"batch of {size}"
    return [name, f"{size * requests_count / seconds:.0f}", f"{statistics.median(spent):.1f}", f"{p95:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    is_quick = parser.parse_args().quick
    database = os.environ.get("INTEGRA_DATABASE_URL", "sqlite").split(":")[0]
    service = Service()
    try:
        print(f"\nIntake on {database}, one sender, two workers, applied before the answer returns:\n")
        print("| Request | events/s | p50 ms | p95 ms |\n|---|--:|--:|--:|")
        for size, count in ((1, 5 if is_quick else 200), (BATCH, 1 if is_quick else 15)):
            print(f"| {' | '.join(measure(service, size, count))} |")
    finally:
        service.stop()


if __name__ == "__main__":
    main()
