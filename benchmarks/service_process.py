"""The service as real processes over a fresh database: gunicorn, and in production form a broker and workers."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from integra_grading.manifest import Manifest, parse_manifest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import demo  # noqa: E402 - the demonstration's own way of preparing and starting
import demo_cohort  # noqa: E402 - its invented learners

__all__ = ["demo", "demo_cohort"]

WORKERS, THREADS = 2, 4
START_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")


class Broker:
    """A Redis process of its own that keeps nothing."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home)]
        with (home / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(["redis-server", *options], stdout=log, stderr=log)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        stop_process(self.process)


def find_broker() -> bool:
    return shutil.which("redis-server") is not None


class Service:
    """The service over a fresh database, with one source and the course's manifest."""

    def __init__(self, home: Path, *, broker_url: str = "") -> None:
        self.places = demo.Places(home=home, port=free_port(), service_port=free_port())
        keys = demo.read_secrets(self.places)
        self.environment = demo.make_environment(self.places, keys)
        if broker_url:
            self.environment["INTEGRA_BROKER_URL"] = broker_url
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

    def ask(self, script: str) -> str:
        """Return what ``script`` prints in a process of the service's own."""
        return self.manage("shell", "--no-startup", "--verbosity", "0", "-c", script)

    def start(self) -> None:
        command = [sys.executable, *demo.gunicorn("integra_service.wsgi", self.places.service_port)]
        # More than the demonstration's one worker; gunicorn takes the last of repeated options.
        command[-1:-1] = ["--workers", str(WORKERS), "--threads", str(THREADS)]
        self.process = self.spawn("service", command)
        deadline = time.monotonic() + START_SECONDS
        while not demo.answers(f"{self.places.service}/healthz"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The service did not start; see {self.places.home}/service.log")
            time.sleep(0.05)

    def spawn(self, name: str, command: Sequence[str], **options: bool) -> subprocess.Popen[bytes]:
        with (self.places.home / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command, env=self.environment, cwd=ROOT, stdout=log, stderr=log, **options
            )

    def stop(self) -> None:
        stop_process(self.process)

    def read_cpu(self) -> float:
        """Return the CPU milliseconds of master and workers so far; the database server's are not in it."""
        return read_tree_cpu(self.process.pid)


def stop_process(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def read_tree_cpu(master: int) -> float:
    """Return the CPU milliseconds of a process and its children so far."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    return sum(read_ticks(pid) for pid in (str(master), *children)) * 1000 / TICKS


def read_ticks(pid: str) -> int:
    # Fields 14 and 15 of proc(5), counted behind the program's name, which may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
