#!/usr/bin/env python3
"""Run a command with a private PostgreSQL or MariaDB server, and stop the server afterwards.

    scripts/with_databases.py postgresql -- pytest -m concurrency
    scripts/with_databases.py mariadb -- pytest -m concurrency

The server lives in a temporary folder, listens on the loopback only, runs as an unprivileged user
(``nobody`` when called by root) and is named to the command in ``INTEGRA_DATABASE_URL``. The exit
status is the command's; 69 means that the server could not be had, with a sentence why.
"""

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

UNAVAILABLE = 69
START_SECONDS = 60
STOP_SECONDS = 30
NAME = "integra"
EXTRA_FOLDERS = (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/sbin"))


class UnavailableError(Exception):
    """The server cannot be started here; the message says what is missing."""


class StopRequestedError(Exception):
    """Somebody asked this script to end."""


def find_program(*names: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, EXTRA_FOLDERS)])
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise UnavailableError(f"The program {' or '.join(names)} is not installed.")


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One private server. Subclasses say how it is prepared, started and asked to end."""

    stop_signal = signal.SIGTERM
    crash_signal = signal.SIGKILL

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = find_free_port()
        # Both servers refuse to run as root, rightly.
        self.as_user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self.as_user:
            os.chown(folder, self.as_user.pw_uid, self.as_user.pw_gid)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def prepare(self) -> None:
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        self.prepare()
        self.launch()

    def launch(self) -> None:
        """Start the prepared server; also again, after it ended."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                start_new_session=True,
                **self._identity(),
            )
        self._wait_until_listening(self.process)

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def crash(self) -> None:
        """End it as a power cut would end its processes: nothing is finished, nothing written out."""
        if self.process is None:
            return
        self.process.send_signal(self.crash_signal)
        self.process.wait()

    def run_once(self, command: Sequence[str], *, stdin: str = "") -> None:
        done = subprocess.run(
            command,
            input=stdin.encode(),
            capture_output=True,
            cwd=self.folder,
            check=False,
            **self._identity(),
        )
        if done.returncode:
            raise UnavailableError(f"{command[0]} failed: {done.stderr.decode(errors='replace')[-2000:]}")

    def _identity(self) -> dict[str, object]:
        if self.as_user is None:
            return {}
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        return {
            "user": self.as_user.pw_uid,
            "group": self.as_user.pw_gid,
            "extra_groups": [],
            "env": environment,
        }

    def _wait_until_listening(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.1)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise UnavailableError(f"The server did not start in {START_SECONDS} s: {tail}")


class PostgreSQL(Server):
    stop_signal = signal.SIGINT  # fast shutdown: open connections are cut
    crash_signal = signal.SIGQUIT  # what `pg_ctl stop -m immediate` sends

    @property
    def url(self) -> str:
        return f"postgresql://{NAME}@127.0.0.1:{self.port}/{NAME}"

    def prepare(self) -> None:
        initdb = find_program("initdb")
        self.run_once(
            [
                initdb,
                "-D",
                str(self.data),
                "-U",
                NAME,
                "--auth=trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ]
        )
        # Single-user mode: the client programs need not be installed.
        self.run_once(
            [find_program("postgres"), "--single", "-D", str(self.data), "postgres"],
            stdin=f"CREATE DATABASE {NAME}\n",
        )

    def command(self) -> list[str]:
        return [
            find_program("postgres"),
            "-D",
            str(self.data),
            "-p",
            str(self.port),
            "-k",
            str(self.folder),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=120",
        ]


class MariaDB(Server):
    @property
    def url(self) -> str:
        return f"mysql://{NAME}:{NAME}@127.0.0.1:{self.port}/{NAME}"

    def prepare(self) -> None:
        install = find_program("mariadb-install-db", "mysql_install_db")
        self.run_once(
            [
                install,
                "--no-defaults",
                f"--datadir={self.data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ]
        )
        init = self.folder / "init.sql"
        init.write_text(
            f"CREATE DATABASE IF NOT EXISTS {NAME} CHARACTER SET utf8mb4;\n"
            f"CREATE USER IF NOT EXISTS '{NAME}'@'%' IDENTIFIED BY '{NAME}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO '{NAME}'@'%';\n"
        )
        init.chmod(0o644)

    def command(self) -> list[str]:
        return [
            find_program("mariadbd", "mysqld"),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--socket={self.folder / 'server.sock'}",
            f"--pid-file={self.folder / 'server.pid'}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--max-connections=120",
            "--character-set-server=utf8mb4",
            f"--init-file={self.folder / 'init.sql'}",
        ]


SERVERS: dict[str, type[Server]] = {"postgresql": PostgreSQL, "mariadb": MariaDB}


def run_with(server_type: type[Server], command: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="integra-db-") as name:
        server = server_type(Path(name))
        try:
            server.start()
            return run_command(command, url=server.url)
        finally:
            server.stop()


def run_command(command: Sequence[str], *, url: str) -> int:
    process = subprocess.Popen(command, env={**os.environ, "INTEGRA_DATABASE_URL": url})
    try:
        return process.wait()
    except (KeyboardInterrupt, StopRequestedError):
        process.terminate()
        return process.wait()


def stop_on_signal(_number: int, _frame: FrameType | None) -> None:
    raise StopRequestedError


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database", choices=sorted(SERVERS))
    parser.add_argument("command", nargs="+", help="after --")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, stop_on_signal)
    try:
        return run_with(SERVERS[options.database], options.command)
    except UnavailableError as reason:
        print(f"with_databases: {reason}", file=sys.stderr)
        return UNAVAILABLE
    except StopRequestedError:
        return 128 + signal.SIGTERM


if __name__ == "__main__":
    sys.exit(main())
