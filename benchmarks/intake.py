"""Intake: events a second and how long a request takes, over real HTTP to real processes.

Embedded form (SQLite, no broker): applied before the answer. Production form (PostgreSQL, Redis, gunicorn): the
request stores and asks for a worker; how fast the workers apply is measured apart. ``INTEGRA_BENCH_STORED`` fills the
inbox with so many old events first.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.filling import fill
from benchmarks.measuring import is_quick, measure, percentile, print_table
from benchmarks.senders import Load, make_queue, send_queues
from benchmarks.service_process import (
    THREADS,
    WORKERS,
    Broker,
    Service,
    find_broker,
    read_tree_cpu,
    stop_process,
)

BATCH = 100
PHASE_SECONDS = 20
APPLY_SECONDS = 600
COLUMNS = (
    "POST /api/v1/events",
    "senders",
    "events/s",
    "p50 ms",
    "p95 ms",
    "server CPU ms/request",
    "server CPU ms/event",
    "budget",
)
# What to ask the service's own process when all is sent.
CENSUS = """
from django.db import connection
from integra_service.records.models import InboxEvent, InboxState
applied = InboxEvent.objects.filter(state="applied").count()
version = ".".join(map(str, connection.get_database_version()))
print(InboxEvent.objects.count(), applied, connection.vendor, version)
"""
WAITING = """
from integra_service.records.models import InboxEvent
print(InboxEvent.objects.filter(state="new").exists())
"""
DURABILITY = """
from django.db import connection
def ask(name):
    with connection.cursor() as cursor:
        cursor.execute(f"{'SHOW' if connection.vendor == 'postgresql' else 'PRAGMA'} {name}")
        return f"{name}={cursor.fetchone()[0]}"
names = ("fsync", "synchronous_commit", "full_page_writes") if connection.vendor == "postgresql" else (
    "journal_mode", "synchronous")
print(", ".join(map(ask, names)))
"""
REFERENCE = (
    "Reference, on another machine, two workers: openedx/credentials `POST /api/v2/credentials/` (SQLite WAL; "
    "stores a row and signs nothing) 145–162/s, p95 8.3–8.9 ms, 5.6–6.4 ms CPU with one sender, 144–180/s, p95 "
    "28–35 ms with four; ralph 5.1 (xAPI, files without fsync, stores only) 118/s, p95 13 ms, 7.8 ms CPU with "
    "one sender, 51/s, p95 108 ms with four, 1,447/s, p95 155 ms, 32 ms CPU in batches of 50 with four; its "
    "ceiling without a look-up of duplicates 530/s, p95 9.2 ms, and 10,844/s in batches of 50."
)


@dataclass(frozen=True)
class Phase:
    """One kind of load; it ends after ``requests`` per sender or PHASE_SECONDS, whatever comes first."""

    size: int
    senders: int
    requests: int
    budget: str = ""

    @property
    def name(self) -> str:
        return "single" if self.size == 1 else f"batch of {self.size}"


EMBEDDED = (Phase(1, 1, 200), Phase(1, 4, 100), Phase(BATCH, 1, 20), Phase(BATCH, 4, 6))
PRODUCTION = (
    Phase(1, 1, 1500),
    Phase(1, 4, 1500, "≥ 500/s, p95 ≤ 15 ms, ≤ 3 ms CPU"),
    Phase(BATCH, 1, 60),
    Phase(BATCH, 4, 40, "≥ 2,000/s"),
)
QUICK = (Phase(1, 1, 5), Phase(1, 4, 3), Phase(BATCH, 1, 1), Phase(BATCH, 4, 1))


def main() -> None:
    quick = is_quick()
    is_production = "INTEGRA_DATABASE_URL" in os.environ and find_broker()
    phases = QUICK if quick else PRODUCTION if is_production else EMBEDDED
    with tempfile.TemporaryDirectory(prefix="integra-bench-") as home:
        broker = Broker(Path(home)) if is_production else None
        try:
            measure_all(Path(home), broker, phases, stored=int(os.environ.get("INTEGRA_BENCH_STORED", "0")))
        finally:
            if broker is not None:
                broker.stop()


def measure_all(home: Path, broker: Broker | None, phases: tuple[Phase, ...], *, stored: int) -> None:
    service = Service(home, broker_url=broker.url if broker else "")
    filled = fill(service, stored) if broker else 0
    service.start()
    try:
        # Every thread opens its connection.
        sent = send_queues(service, [make_queue(service, 1, 3) for _ in range(WORKERS * THREADS)], 60).sent
        measured = [measure_phase(service, phase) for phase in phases]
    finally:
        service.stop()
    sent += sum(load.sent for _cells, load in measured)
    applying = measure_apply(service, sent) if broker else None
    events, applied, vendor, version = service.ask(CENSUS).split()
    if not int(events) - filled == int(applied) - filled == sent:
        raise SystemExit(f"{sent} events were accepted, {events} are stored and {applied} applied.")
    form = "stores only" if broker else "applied before the answer"
    title = f"Intake on {vendor} {version} ({WORKERS} workers, {THREADS} threads each; {form}; {filled} stored before"
    print_table(f"{title}; {sent} sent, all applied)", COLUMNS, (cells for cells, _load in measured))
    loop = min(measure(lambda: sum(number * number for number in range(1_000_000)))[0] for _ in range(3))
    print(f"\nDurability: {service.ask(DURABILITY).strip()}. A loop of a million squares: {loop:.0f} ms CPU.")
    if applying:
        print_table("Applying what was stored", ("workers", "events/s", "CPU ms/event", "budget"), [applying])
    print(f"\n{REFERENCE}")


def measure_phase(service: Service, phase: Phase) -> tuple[list[str], Load]:
    """Return the cells of the phase's row, and what was sent."""
    queues = [make_queue(service, phase.size, phase.requests) for _ in range(phase.senders)]
    cpu = service.read_cpu()
    load = send_queues(service, queues, PHASE_SECONDS)
    cpu = service.read_cpu() - cpu
    cells = [
        phase.name,
        str(phase.senders),
        f"{load.sent / load.seconds:.0f}",
        f"{statistics.median(load.spent):.1f}",
        f"{percentile(load.spent, 0.95):.1f}",
        f"{cpu / len(load.spent):.1f}",
        f"{cpu / load.sent:.2f}",
        phase.budget or "–",
    ]
    return cells, load


def measure_apply(service: Service, waiting: int) -> list[str]:
    """Let workers apply what waits; return the cells of the row."""
    command = [sys.executable, "-m", "integra_service", "integra_apply"]
    begin = time.perf_counter()
    processes = [service.spawn(f"apply{n}", command) for n in range(WORKERS)]
    cpu = 0.0
    while any(process.poll() is None for process in processes):
        if time.perf_counter() - begin > APPLY_SECONDS:
            for process in processes:
                stop_process(process)
            raise SystemExit("The workers did not end.")
        with_cpu = [read_tree_cpu(process.pid) for process in processes if process.poll() is None]
        cpu = max(cpu, sum(with_cpu)) if len(with_cpu) == WORKERS else cpu
        time.sleep(0.02)
    took = time.perf_counter() - begin
    return [str(WORKERS), f"{waiting / took:.0f}", f"{cpu / waiting:.2f}", "≥ 1,000/s"]


if __name__ == "__main__":
    main()
