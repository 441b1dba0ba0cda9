"""Run by ``test_erasure.py`` in a process of its own: carry out what is due, and be killed before the step named."""

import os
import signal
import sys
from datetime import timedelta
from typing import Any

import django

django.setup()

from integra_service.lib.clock import utc_now  # noqa: E402 - after the setup
from integra_service.privacy import erasing  # noqa: E402


def die(*_args: Any, **_options: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


setattr(erasing, sys.argv[1], die)
erasing.work_off(utc_now() + timedelta(days=8))
