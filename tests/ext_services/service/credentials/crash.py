"""Run by ``test_crash.py`` in a process of its own: issue to the one learner there is, and be killed on the way.

``crash.py sign`` dies between intent and signature, ``crash.py store`` between signature and storage.
"""

import os
import signal
import sys
from typing import Any

import django

django.setup()

from integra_service.credentials import completing, issuing  # noqa: E402 - after the setup
from integra_service.lib.clock import utc_now  # noqa: E402
from integra_service.people.models import LearnerIdentity  # noqa: E402


def die(*_args: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


match sys.argv[1]:
    case "sign":
        completing._sign = die
    case "store":
        completing._store_signed = die
issuing.issue_due(LearnerIdentity.objects.for_system().select_related("person").get(), utc_now())
