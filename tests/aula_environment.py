"""The embedded classroom's environment for tests: ``pytest -p aula_environment --ds=integra_aula.settings``.

A plugin and not a conftest, because the settings are read before any conftest.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="integra-aula-test-"))
COURSE_KEY = "course-v1:INTEGRA+CAP40+demo"

os.environ |= {
    "INTEGRA_DEMO": "1",
    "INTEGRA_HOME": str(HOME),
    "INTEGRA_BUILD": str(HOME / "build"),
    "INTEGRA_COURSE_KEY": COURSE_KEY,
    "INTEGRA_AULA_SECRET_KEY": "only-for-tests-" * 3,
    "INTEGRA_DEFAULT_COHORT": "cohorte-a",
    "INTEGRA_DEFAULT_CITY": "ciudad-a",
    "INTEGRA_SOURCE": "aula-demo",
    "INTEGRA_SERVICE_URL": "http://localhost:8001",
    "INTEGRA_WEBHOOK_SECRET": "whsec_b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHM=",
    "INTEGRA_HANDOVER_SECRET": "only-for-tests-only-for-tests-only-for-tests",
    "INTEGRA_PULL_SECRET": "only-for-tests-too-only-for-tests-too-only",
}
