"""A process killed between intent, signature and storage leaves a visible intent, never an unknown credential."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from integra_service.audit.models import AuditEntry
from integra_service.credentials.models import Credential, CredentialDocument

pytestmark = pytest.mark.fault
HERE = Path(__file__).parent


@pytest.mark.parametrize("step", ["sign", "store"])
def test_killed_process_leaves_an_intent_that_the_next_start_completes(
    process_database: dict[str, str], builders: Any, step: str
) -> None:
    builders.store_learner()
    crashed = subprocess.run(
        [sys.executable, str(HERE / "crash.py"), step], env=process_database, check=False
    )
    assert crashed.returncode == -signal.SIGKILL
    (credential,) = Credential.objects.for_system()
    (document,) = CredentialDocument.objects.for_system()
    assert (credential.state, document.content, document.signed_at) == ("intended", None, None)
    assert AuditEntry.objects.latest("sequence").action == "credential.intended"
    assert Client().get(f"/c/{credential.token}").status_code == 404

    start = [sys.executable, "-m", "integra_service", "integra_issuer"]
    said = subprocess.run(start, env=process_database, check=True, capture_output=True, text=True).stdout
    assert "1 begun credentials completed" in said
    (completed,) = Credential.objects.for_system()
    assert (completed.token, completed.state) == (credential.token, "valid")
    assert CredentialDocument.objects.for_system().get().salt == document.salt
    assert Client().get(f"/c/{credential.token}").status_code == 200
