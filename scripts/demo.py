"""Run the demonstration: classroom, relay and service as separate processes on SQLite, until Ctrl-C or SIGTERM.

Called by ``make run`` with the project's own Python. All data lie under INTEGRA_HOME; the secrets are made once and
stay there, readable by their owner only.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "aula-demo"
COURSE_KEY = "course-v1:INTEGRA+CAP40+demo"
LONG_AGO = "2026-09-01T23:00:00+00:00"
READY_SECONDS = 60
STOP_SECONDS = 15
MIGRATED = ("grading/integra_gradebook", "ext_services/integra_bridge", "ext_services/integra_service")


class DemoError(Exception):
    """Something the person who called ``make run`` can put right; the message says how."""


@dataclass(frozen=True)
class Account:
    """A demo account, in the classroom or in the service's console."""

    role: str
    username: str
    name: str
    about: str
    city: str
    place: str
    route: str = "training"
    left_out: tuple[str, ...] | None = None
    """What a learner who is near the end has not done yet (demo_history.py); None for who begins."""
    service_role: str = ""
    """The role in the service's console, as ``integra_staff`` names it; empty for an account of the classroom."""
    other_cities: tuple[str, ...] = ()
    has_second_factor: bool = False


ACCOUNTS = (
    Account("learner", "yelitza", "Yelitza", "learner who begins", "ciudad-a", "cohorte-a"),
    Account(
        "learner_finishing",
        "marisela",
        "Marisela",
        "learner near the end: unit 6.3, its cost sheet and the tests at the end are left",
        "ciudad-a",
        "cohorte-a",
        left_out=("m06-u03", "m06-hoja-de-costos"),
    ),
    Account(
        "learner_evaluation",
        "ronald",
        "Ronald",
        "learner, evaluation mode: module 6 and the tests at the end are left",
        "ciudad-a",
        "cohorte-a",
        "evaluation",
        left_out=("m06",),
    ),
    Account("facilitator", "carmen", "Carmen", "facilitator", "ciudad-a", "cohorte-a"),
    Account(
        "staff_city_a",
        "personal-a",
        "Personal de Ciudad A",
        "programme staff of city A",
        "ciudad-a",
        "",
        service_role="staff",
    ),
    Account(
        "staff_city_b",
        "personal-b",
        "Personal de Ciudad B",
        "programme staff of city B",
        "ciudad-b",
        "",
        service_role="staff",
    ),
    # Two, because some acts need a second pair of eyes.
    Account(
        "officer_a",
        "oficial-a",
        "Oficial de Ciudad A",
        "credential officer of city A",
        "ciudad-a",
        "",
        service_role="officer",
        has_second_factor=True,
    ),
    Account(
        "officer_a2",
        "oficial-a2",
        "Segunda oficial de Ciudad A",
        "second credential officer of city A",
        "ciudad-a",
        "",
        service_role="officer",
        has_second_factor=True,
    ),
    Account(
        "operator",
        "operador",
        "Operador",
        "operator of both cities",
        "ciudad-a",
        "",
        service_role="operator",
        other_cities=("ciudad-b",),
        has_second_factor=True,
    ),
)


@dataclass(frozen=True)
class Places:
    """Where everything is: folders and addresses."""

    home: Path
    port: int
    service_port: int

    @property
    def build(self) -> Path:
        return self.home / "build"

    @property
    def classroom(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def service(self) -> str:
        # did:web allows no IP address, so the name is part of the issuer's identity.
        return f"http://localhost:{self.service_port}"


def main() -> int:
    try:
        places = Places(
            home=Path(os.environ.get("INTEGRA_HOME", ROOT / ".integra")).resolve(),
            port=read_port("PORT", 8000),
            service_port=read_port("SERVICE_PORT", 8001),
        )
        places.home.mkdir(parents=True, exist_ok=True)
        with (places.home / "run.lock").open("w", encoding="utf-8") as lock:
            take_lock(lock.fileno(), places)
            return run(places)
    except DemoError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def run(places: Places) -> int:
    """Prepare, start, announce, wait for a signal, stop."""
    for port in (places.port, places.service_port):
        require_free(port)
    stop = StopSignal()
    keys = read_secrets(places)
    environment = make_environment(places, keys)
    prepare(places, keys, environment)
    processes = Processes(places, environment)
    try:
        processes.start_servers()
        processes.wait_until_ready(stop)
        if not stop.is_set:
            write_demo(places, keys, find_token(places) or seed(places, environment))
        processes.start_relay()
        if not stop.is_set:
            announce(places, keys)
        while not stop.is_set:
            processes.require_alive()
            time.sleep(0.2)
    finally:
        processes.stop()
    return 0


def prepare(places: Places, keys: dict[str, str], environment: dict[str, str]) -> None:
    """Compile the course; bring both databases up to date when course, accounts or migrations changed."""
    in_turn(environment, [["-m", "integra_course", "build", "--output", str(places.build)]])
    accounts = json.dumps([describe(account, keys) for account in ACCOUNTS])
    manifest = places.build / "manifest.json"
    # The address too: the issuer refuses another one once something is signed, and that must stop the start.
    state = digest_of(accounts.encode(), places.service.encode(), manifest.read_bytes(), *migrations())
    stamp = places.home / "prepared"
    if stamp.exists() and stamp.read_text() == state:
        return
    print("Preparing the databases")
    accounts_file = places.home / "accounts.json"
    write_private(accounts_file, accounts)
    service = ["-m", "integra_service"]
    in_turn(
        environment,
        [["-m", "integra_aula", "migrate", "--run-syncdb"], [*service, "migrate"]],
        [
            ["-m", "integra_aula", "integra_aula_demo", str(accounts_file)],
            [*service, "integra_demo", str(accounts_file)],
        ],
        [[str(ROOT / "scripts" / "demo_history.py"), str(accounts_file)], [*service, "integra_issuer"]],
        [
            [*service, "integra_register_manifest", str(manifest)],
            [*service, "integra_register_policy", "--city", "ciudad-a", "--city", "ciudad-b"],
        ],
    )
    stamp.write_text(state)


def in_turn(environment: dict[str, str], *steps: list[list[str]]) -> None:
    """Run each step's commands side by side, one step after the other; what they say is shown when one fails."""
    for step in steps:
        running = [start(arguments, environment) for arguments in step]
        outputs = [process.communicate()[0] for process in running]
        if any(process.returncode for process in running):
            said = "\n".join(output.decode(errors="replace") for output in outputs)
            raise DemoError(f"Stopped while preparing:\n{said}")


def seed(places: Places, environment: dict[str, str]) -> str:
    """Play the invented cohort and graduate once; return the token of the graduate's certificate."""
    print("Playing the invented cohort through the service's own doors")
    answer = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo_cohort.py"), str(places.build / "manifest.json")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise DemoError(f"The invented cohort could not be played:\n{answer.stderr}")
    return str(json.loads(answer.stdout)["token"])


def find_token(places: Places) -> str | None:
    """Return the token an earlier start wrote down, or None before the first one."""
    path = places.home / "demo.json"
    if not path.exists():
        return None
    return str(json.loads(path.read_text(encoding="utf-8"))["credential"]["token"])


def write_demo(places: Places, keys: dict[str, str], token: str) -> None:
    """Write demo.json for documentation and outside checks, at every start: a later release may have more accounts."""
    demo = {
        "classroom": places.classroom,
        "service": places.service,
        "accounts": [
            {
                "role": account.role,
                "username": account.username,
                "password": keys[f"password_{account.role}"],
                **({"totp_secret": keys[f"totp_{account.role}"]} if account.has_second_factor else {}),
            }
            for account in ACCOUNTS
        ],
        "source": SOURCE,
        "secret": keys["webhook_secret"],
        "credential": {"token": token},
    }
    write_private(places.home / "demo.json", json.dumps(demo, indent=2, ensure_ascii=False))


class Processes:
    """The three processes; each in its own session, so that Ctrl-C reaches only this one and the order is ours."""

    def __init__(self, places: Places, environment: dict[str, str]) -> None:
        self._places = places
        self._environment = environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start_servers(self) -> None:
        self._start("classroom", gunicorn("integra_aula.wsgi", self._places.port))
        self._start("service", gunicorn("integra_service.wsgi", self._places.service_port))

    def start_relay(self) -> None:
        self._start("relay", ["-m", "integra_aula", "integra_relay", "--idle", "1"])

    def _start(self, name: str, arguments: list[str]) -> None:
        with (self._places.home / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self, stop: StopSignal) -> None:
        """Return when both answer, or raise DemoError when one stops or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        for url in (f"{self._places.classroom}/salud/", f"{self._places.service}/healthz"):
            while not stop.is_set and not answers(url):
                self.require_alive()
                if time.monotonic() > deadline:
                    raise DemoError(
                        f"{url} did not answer within {READY_SECONDS} s; see {self._places.home}/*.log"
                    )
                time.sleep(0.05)

    def require_alive(self) -> None:
        for name, process in self._running.items():
            if process.poll() is not None:
                log = self._places.home / f"{name}.log"
                tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
                raise DemoError(f"The {name} stopped. The end of {log}:\n{tail}")

    def stop(self) -> None:
        """End relay first, then the servers; whoever does not go within 15 seconds is killed."""
        for name in ("relay", "classroom", "service"):
            process = self._running.get(name)
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


class StopSignal:
    """Remembers that Ctrl-C or SIGTERM came."""

    def __init__(self) -> None:
        self.is_set = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self.is_set = True


def make_environment(places: Places, keys: dict[str, str]) -> dict[str, str]:
    """Return the environment of all processes; INTEGRA_DEMO is set here and nowhere else."""
    return {
        **os.environ,
        "INTEGRA_DEMO": "1",
        "INTEGRA_HOME": str(places.home),
        "INTEGRA_BUILD": str(places.build),
        "INTEGRA_COURSE_KEY": COURSE_KEY,
        "INTEGRA_AULA_SECRET_KEY": keys["aula_secret_key"],
        "INTEGRA_DEFAULT_COHORT": "cohorte-a",
        "INTEGRA_DEFAULT_CITY": "ciudad-a",
        "INTEGRA_SOURCE": SOURCE,
        "INTEGRA_SOURCE_URL": places.classroom,
        "INTEGRA_SERVICE_URL": places.service,
        "INTEGRA_ISSUER_URL": places.service,
        "INTEGRA_ALLOWED_HOSTS": "localhost,127.0.0.1",
        "INTEGRA_SECRET_KEY": keys["service_secret_key"],
        "INTEGRA_NAME_KEY": keys["name_key"],
        "INTEGRA_WEBHOOK_SECRET": keys["webhook_secret"],
        "INTEGRA_HANDOVER_SECRET": keys["handover_secret"],
        "INTEGRA_PULL_SECRET": keys["pull_secret"],
        "PYTHONUNBUFFERED": "1",
    }


def read_secrets(places: Places) -> dict[str, str]:
    """Return the demonstration's secrets, made at the first start that needs them."""
    path = places.home / "secrets.json"
    if path.exists():
        keys = dict(json.loads(path.read_text(encoding="utf-8")))
    else:
        keys = {name: secrets.token_urlsafe(48) for name in ("aula_secret_key", "service_secret_key")}
        keys["name_key"] = base64_secret()
        keys["webhook_secret"] = f"whsec_{base64_secret()}"
        keys["handover_secret"] = base64_secret()
        keys["pull_secret"] = base64_secret()
    # A later release may have further accounts.
    wanted = {f"password_{account.role}": secrets.token_urlsafe(9) for account in ACCOUNTS}
    wanted |= {f"totp_{account.role}": base32_secret() for account in ACCOUNTS if account.has_second_factor}
    missing = {name: value for name, value in wanted.items() if name not in keys}
    keys |= missing
    if missing:
        write_private(path, json.dumps(keys, indent=2))
    return keys


def base64_secret() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def base32_secret() -> str:
    """Return what an authenticator takes as a key: 160 bits."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def describe(account: Account, keys: dict[str, str]) -> dict[str, Any]:
    return {
        "role": account.role,
        "username": account.username,
        "password": keys[f"password_{account.role}"],
        "name": account.name,
        "city": account.city,
        "cohort": account.place,
        "route": account.route,
        "left_out": account.left_out,
        "service_role": account.service_role,
        "service_cities": [account.city, *account.other_cities] if account.service_role else [],
        "totp_secret": keys.get(f"totp_{account.role}", ""),
        # A history begins with the enrolment; everybody else is enrolled at the first start.
        "enrolled_at": "" if account.left_out is None else LONG_AGO,
    }


def announce(places: Places, keys: dict[str, str]) -> None:
    """Print where to go and with which account."""
    print(f"\nClassroom  {places.classroom}\nService    {places.service}/consola/\n")
    for account in ACCOUNTS:
        where = "service  " if account.service_role else "classroom"
        print(f"  {where}  {account.username:<12} {keys[f'password_{account.role}']:<16} {account.about}")
    print("\nSome pages of the service ask for a second factor; type the key into any authenticator:\n")
    for account in ACCOUNTS:
        if account.has_second_factor:
            print(f"  {account.username:<12} {keys[f'totp_{account.role}']}")
    print(f"\nDetails for scripts: {places.home / 'demo.json'}\nCtrl-C stops everything.\n", flush=True)


def migrations() -> Iterator[bytes]:
    """Yield the content of every migration, in order."""
    for package in MIGRATED:
        for path in sorted((ROOT / package).rglob("migrations/*.py")):
            yield path.read_bytes()


def digest_of(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def gunicorn(application: str, port: int) -> list[str]:
    options = ["--workers", "1", "--threads", "8", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    return ["-m", "gunicorn", *options, "--no-control-socket", application]


def start(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def read_port(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise DemoError(f"{name} must be a port number between 1 and 65535; it is {text!r}.")
    return int(text)


def require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(
                f"Port {port} is taken. Choose others: PORT=8010 SERVICE_PORT=8011 make run "
                "(the service's port is part of its identity: use a new INTEGRA_HOME with another one)."
            ) from error


def take_lock(descriptor: int, places: Places) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DemoError(
            f"Another `make run` works with {places.home}. Stop it, or choose another INTEGRA_HOME."
        ) from error


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_suffix(".new")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
