"""A broker that is away costs the sender nothing: the event is stored, and `integra_apply` catches up."""

import os
import subprocess
import sys

ASK_FIVE_TIMES = """
import threading
import time
import django
django.setup()
import integra_service.celery
from integra_service.lib.workers import is_broker_away
from integra_service.records.tasks import request_apply
assert not is_broker_away()
began = time.monotonic()
for _ in range(5):
    request_apply()
print(time.monotonic() - began)
for asking in threading.enumerate():
    if asking is not threading.current_thread():
        asking.join(timeout=30)
assert is_broker_away()
"""


def test_nobody_waits_for_a_broker_that_is_away():
    environment = {**os.environ, "INTEGRA_BROKER_URL": "amqp://127.0.0.1:9//"}
    done = subprocess.run(
        [sys.executable, "-c", ASK_FIVE_TIMES], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1
    # A request covers what comes within the next moment: five in a row ask once.
    assert done.stderr.count("the broker is away") == 1
