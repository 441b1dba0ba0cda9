"""The service, killed with SIGKILL after the commit and before the answer, in every fifth delivery.

Stands in for no part of ours: the whole service runs; only the answer of some requests never leaves. Every fifth and
not a share by chance, so that a run without a single kill cannot pass.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from integra_service.wsgi import application as service

EVERY = 5
DELIVERIES = Path(os.environ["FAULT_DELIVERIES"])


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    answer = service(environ, start_response)
    if environ["PATH_INFO"] == "/api/v1/events":
        with DELIVERIES.open("ab") as count:
            count.write(b"x")
        if DELIVERIES.stat().st_size % EVERY == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    return answer
