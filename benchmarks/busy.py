"""What visitors wait while the workers are busy: with a backlog of events, and with a run that issues to thousands.

Production form only (PostgreSQL, Redis, gunicorn, a Celery worker). Visitors open pages over HTTP at a steady pace: a
stranger a certificate, a learner their own page, staff the list of people, an officer the register. Once with nothing
else to do, once while a stored backlog is applied, once while certificates are issued. The worker of the run is killed
in the middle and started again.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import psycopg
import pyotp
import requests

from benchmarks.filling import copy_graduates
from benchmarks.measuring import is_quick, percentile, print_table
from benchmarks.senders import make_queue, send_queues
from benchmarks.service_process import Broker, Service, demo, demo_cohort, find_broker, stop_process

BACKLOG, CERTIFICATES, QUIET_SECONDS = 100_000, 10_000, 20.0
QUICK_BACKLOG, QUICK_CERTIFICATES, QUICK_SECONDS = 500, 20, 2.0
BATCH, SENDERS = 100, 4
PAUSE_SECONDS = 0.2
MAX_SECONDS = 1800
BUDGET = "p99 ≤ 1,000"
COLUMNS = ("Page", "while", "opened", "p50 ms", "p99 ms", "longest ms", "budget")
WORK_COLUMNS = ("Work, beside web, database and visitors", "count", "seconds", "per second")
WAITING = "SELECT EXISTS (SELECT FROM records_inboxevent WHERE state = 'new')"
# As the console's button does.
START_RUN = """
from integra_service.credentials.models import RunKind
from integra_service.credentials.runs import start_run
from integra_service.credentials.tasks import request_work
from integra_service.lib.clock import utc_now
request_work(start_run(RunKind.ISSUE, by="command:benchmark", now=utc_now()))
"""
RUN = "SELECT made_count, failed_count, finished_at IS NOT NULL FROM credentials_run"


def main() -> None:
    if "INTEGRA_DATABASE_URL" not in os.environ or not find_broker():
        raise SystemExit("This needs PostgreSQL and Redis: scripts/with_databases.py postgresql -- …")
    quick = is_quick()
    with tempfile.TemporaryDirectory(prefix="integra-bench-") as home:
        broker = Broker(Path(home))
        try:
            measure_all(
                Service(Path(home)),
                broker,
                backlog=QUICK_BACKLOG if quick else BACKLOG,
                certificates=QUICK_CERTIFICATES if quick else CERTIFICATES,
                quiet_seconds=QUICK_SECONDS if quick else QUIET_SECONDS,
                kills=not quick,
            )
        finally:
            broker.stop()


def measure_all(
    service: Service, broker: Broker, *, backlog: int, certificates: int, quiet_seconds: float, kills: bool
) -> None:
    """Play the invented cohort, then the three parts; print what visitors waited and how fast the work went."""
    keys = demo.read_secrets(service.places)
    token = play_cohort(service, keys)
    service.environment["INTEGRA_BROKER_URL"] = broker.url
    service.start()
    worker = start_worker(service)
    try:
        visitors = Visitors(service, keys, token)
        with visitors.during("nothing else"):
            time.sleep(quiet_seconds)
        stop_process(worker)
        sent = send_queues(
            service,
            [make_queue(service, BATCH, backlog // BATCH // SENDERS) for _ in range(SENDERS)],
            MAX_SECONDS,
        ).sent
        with visitors.during(f"a backlog of {sent:,} is applied"):
            worker = start_worker(service)
            applying = apply_all(sent)
        copy_graduates(service, certificates)
        with visitors.during(f"{certificates:,} certificates are issued"):
            issuing = issue_all(service, worker, certificates, kills=kills)
    finally:
        stop_process(worker)
        service.stop()
    print_table("Pages while the workers are busy", COLUMNS, visitors.describe())
    print_table("The work meanwhile", WORK_COLUMNS, [applying, issuing])


def play_cohort(service: Service, keys: dict[str, str]) -> str:
    """Make the demonstration's accounts and learners while everything is still applied at once; return a token."""
    accounts = service.places.home / "accounts.json"
    accounts.write_text(json.dumps([demo.describe(account, keys) for account in demo.ACCOUNTS]), "utf-8")
    service.manage("integra_demo", str(accounts))
    service.start()
    try:
        return demo.seed(service.places, service.environment)
    finally:
        service.stop()


def start_worker(service: Service) -> Popen[bytes]:
    """Start the worker as docs/operators.md does; in a session of its own, to be killed with its children."""
    command = ["-m", "celery", "-A", "integra_service.celery", "worker", "--concurrency", "2"]
    return service.spawn("worker", [sys.executable, *command], start_new_session=True)


def look(query: str) -> tuple[Any, ...]:
    """Return the one row of a query, over a connection of its own: a process of ours would cost what is measured."""
    with psycopg.connect(os.environ["INTEGRA_DATABASE_URL"]) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row


def apply_all(count: int) -> list[str]:
    """Wait until nothing waits any more; return the row of the work."""
    begin = time.perf_counter()
    while look(WAITING)[0]:
        require_time(begin)
        time.sleep(0.2)
    return describe_work("events applied", count, time.perf_counter() - begin)


def issue_all(service: Service, worker: Popen[bytes], count: int, *, kills: bool) -> list[str]:
    """Issue to everybody; halfway the worker is killed and ``integra_work`` goes on. Return the row of the work."""
    name = "certificates issued, the worker killed halfway" if kills else "certificates issued"
    net = service.spawn("work", [sys.executable, "-m", "integra_service", "integra_work", "--every", "30"])
    begin = time.perf_counter()
    try:
        service.ask(START_RUN)
        while not (state := look(RUN))[-1]:
            require_time(begin)
            if kills and state[0] >= count // 2:
                os.killpg(worker.pid, signal.SIGKILL)
                kills = False
            time.sleep(0.2)
        took = time.perf_counter() - begin
    finally:
        stop_process(net)
    if kills or state[:2] != (count, 0):
        raise SystemExit(f"{count} certificates were due; made and failed: {state[:2]}.")
    return describe_work(name, count, took)


def require_time(begin: float) -> None:
    if time.perf_counter() - begin > MAX_SECONDS:
        raise SystemExit("The workers did not end.")


def describe_work(name: str, count: int, seconds: float) -> list[str]:
    return [name, f"{count:,}", f"{seconds:.0f}", f"{count / seconds:.0f}"]


class Visitors:
    """People who open a page, wait a moment and open it again, all through the measurement."""

    def __init__(self, service: Service, keys: dict[str, str], token: str) -> None:
        url = service.places.service
        stranger = requests.Session()
        learner = enter_as_learner(service, keys)
        staff = sign_in(url, keys, "staff_city_a", "personal-a")
        officer = sign_in(url, keys, "officer_a", "oficial-a")
        self.pages = (
            ("certificate, a stranger", stranger, f"{url}/c/{token}"),
            ("status list, a machine", requests.Session(), f"{url}/status/1"),
            ("my page, a learner", learner, f"{url}/mi/"),
            ("console, staff", staff, f"{url}/consola/"),
            ("register, an officer", officer, f"{url}/consola/certificados/"),
        )
        self.spent: dict[tuple[str, str], list[float]] = {}

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """Let each visitor go on while the block runs."""
        is_over = threading.Event()

        def visit(name: str, session: requests.Session, url: str) -> None:
            spent = self.spent[name, what] = []
            while not is_over.wait(PAUSE_SECONDS):
                begin = time.perf_counter()
                answer = session.get(url, timeout=60, allow_redirects=False)
                spent.append((time.perf_counter() - begin) * 1000)
                if answer.status_code != 200:
                    raise SystemExit(f"{name}: {url} answered {answer.status_code}.")

        with ThreadPoolExecutor(len(self.pages)) as pool:
            visits = [pool.submit(visit, *page) for page in self.pages]
            try:
                yield
            finally:
                is_over.set()
        for each in visits:
            each.result()

    def describe(self) -> Iterator[list[str]]:
        for (name, what), spent in self.spent.items():
            waits = (statistics.median(spent), percentile(spent, 0.99), max(spent))
            yield [name, what, str(len(spent)), *(f"{wait:.0f}" for wait in waits), BUDGET]


def sign_in(url: str, keys: dict[str, str], role: str, username: str) -> requests.Session:
    """Sign in to the console, with the second factor where the account has one."""
    session = requests.Session()
    password = keys[f"password_{role}"]
    demo_cohort.post_form(session, f"{url}/consola/entrar/", {"username": username, "password": password})
    if f"totp_{role}" in keys:
        code = pyotp.TOTP(keys[f"totp_{role}"]).now()
        demo_cohort.post_form(session, f"{url}/consola/segundo-factor/", {"code": code})
    return session


def enter_as_learner(service: Service, keys: dict[str, str]) -> requests.Session:
    """Enter as the invented graduate, by a hand-over of the demonstration's classroom."""
    place = demo_cohort.Place(
        service=service.places.service,
        source=demo.SOURCE,
        webhook_secret=service.secret,
        handover_secret=keys["handover_secret"],
        course_key=demo.COURSE_KEY,
    )
    city_key, cohort_key = demo_cohort.CITIES[0]
    return demo_cohort.enter(place, demo_cohort.learner_of(cohort_key, 0), city_key)


if __name__ == "__main__":
    main()
