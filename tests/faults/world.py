"""The classroom and the service as processes of their own, started and killed by the tests."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import demo  # noqa: E402 - the demonstration's own way of preparing and starting
import demo_cohort  # noqa: E402, F401 - its invented learners, for the tests beside this
import with_databases  # noqa: E402, F401 - a PostgreSQL of one's own, as above


@dataclass
class World:
    """Both sides of the wire, with processes that tests start and stop one by one."""

    places: demo.Places
    keys: dict[str, str]
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start_classroom(self) -> None:
        self._start("classroom", demo.gunicorn("integra_aula.wsgi", self.places.port))
        wait_for(f"{self.places.classroom}/salud/")

    def start_service(self, application: str = "integra_service.wsgi", **environment: str) -> None:
        self._start("service", demo.gunicorn(application, self.places.service_port), **environment)
        wait_for(f"{self.places.service}/healthz")

    def start_relay(self) -> None:
        self._start("relay", ["-m", "integra_aula", "integra_relay", "--idle", "0.1"])

    def _start(self, name: str, arguments: list[str], **environment: str) -> None:
        with (self.places.home / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
            )

    def stop(self, name: str) -> None:
        process = self.running.pop(name, None)
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait(30)

    def manage(self, module: str, *arguments: str) -> str:
        answer = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


class LearnerSession:
    """One learner's browser, without the browser: logs in and calls handlers as the blocks' scripts do."""

    def __init__(self, world: World, username: str, password: str) -> None:
        self.classroom = world.places.classroom
        self.http = requests.Session()
        page = self.http.get(f"{self.classroom}/entrar/", timeout=30)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        fields = {"username": username, "password": password, "csrfmiddlewaretoken": token.group(1)}
        answer = self.http.post(f"{self.classroom}/entrar/", data=fields, timeout=30, allow_redirects=False)
        assert answer.status_code == 302

    def call(self, usage_id: str, handler: str, body: dict[str, object]) -> requests.Response:
        return self.http.post(
            f"{self.classroom}/bloque/{usage_id}/{handler}/",
            json=body,
            headers={"X-CSRFToken": self.http.cookies["csrftoken"]},
            timeout=60,
        )


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while not demo.answers(url):
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
