"""Told to stop, a process that works again and again ends at once while it waits, and after its work while it works."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

# Says when it begins and ends; one round takes two seconds.
SLOW = """
import sys, time, django
django.setup()
from integra_service.lib.looping import LoopingCommand
class Command(LoopingCommand):
    def work_once(self):
        print("begun", flush=True)
        time.sleep(2)
        print("done", flush=True)
Command().run_from_argv(["manage", "slow", "--every", "3600"])
"""


@contextmanager
def process(environment, *arguments):
    started = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["integra_apply", "integra_work", "integra_erasures"])
def test_a_waiting_process_ends_at_once(process_database, command, number):
    with process(process_database, "-m", "integra_service", command, "--every", "3600") as waiting:
        assert waiting.stdout.readline() == f"{command}: every 3600 s\n"
        time.sleep(1)  # there is nothing to do: it waits for the hour to pass
        assert waiting.poll() is None
        waiting.send_signal(number)
        assert waiting.wait(timeout=10) == 0


def test_a_working_process_ends_with_the_work_at_hand(process_database):
    with process(process_database, "-c", SLOW) as working:
        assert working.stdout.readline().endswith("every 3600 s\n")
        assert working.stdout.readline() == "begun\n"
        working.send_signal(signal.SIGTERM)
        assert working.communicate(timeout=10)[0] == "done\n"
        assert working.returncode == 0
