"""The script that gives tests a private server database."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "with_databases.py"


def start(database, *command, **more):
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), database, "--", *command], stdout=subprocess.PIPE, text=True, **more
    )


def is_listening(url):
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(("database", "scheme"), [("postgresql", "postgresql"), ("mariadb", "mysql")])
def test_the_server_is_there_for_the_command_and_gone_afterwards(database, scheme):
    process = start(
        database,
        sys.executable,
        "-c",
        "import os, sys; print(os.environ['INTEGRA_DATABASE_URL']); sys.exit(7)",
    )
    url, _ = process.communicate(timeout=90)
    assert urlsplit(url).scheme == scheme
    assert process.returncode == 7
    assert not is_listening(url.strip())


def test_a_request_to_end_ends_command_and_server():
    wait = "import os, time; print(os.environ['INTEGRA_DATABASE_URL'], flush=True); time.sleep(60)"
    process = start("postgresql", sys.executable, "-c", wait)
    url = process.stdout.readline().strip()
    assert is_listening(url)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    assert time.monotonic() - began < 20
    assert process.returncode != 0
    assert not is_listening(url)


WITHOUT_FOLDERS = f"""
import runpy, sys
script = runpy.run_path({str(SCRIPT)!r})
script["find_program"].__globals__["EXTRA_FOLDERS"] = ()
sys.exit(script["main"](["postgresql", "--", "true"]))
"""


def test_a_missing_server_is_a_sentence_and_its_own_status(tmp_path):
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_FOLDERS], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 69
    assert "initdb is not installed" in done.stderr
