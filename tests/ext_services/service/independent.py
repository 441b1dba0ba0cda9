"""Asking verifiers that are not ours, against a running service."""

import json
import socket
import subprocess
import time
import urllib.request
from typing import Any

from javascript import SCRIPTS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert server.poll() is None, "the service stopped"
        try:
            fetch(url)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} did not answer")


def fetch(url: str, *, accept: str = "*/*") -> bytes:
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 - the loopback server of a test
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        body: bytes = answer.read()
        return body


def ask_javascript(origin: str, documents: list[bytes]) -> list[dict[str, Any]]:
    return run_script("verify.mjs", {"origin": origin, "documents": [raw.decode() for raw in documents]})


def ask_jose(origin: str, typ: str, tokens: list[str]) -> list[dict[str, Any]]:
    return run_script("jose.mjs", {"origin": origin, "typ": typ, "tokens": tokens})


def run_script(name: str, question: dict[str, Any]) -> list[dict[str, Any]]:
    answer = subprocess.run(
        ["node", name], cwd=SCRIPTS, input=json.dumps(question), capture_output=True, check=True, text=True
    )
    answers: list[dict[str, Any]] = json.loads(answer.stdout)
    return answers
