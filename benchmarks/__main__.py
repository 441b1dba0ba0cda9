"""Print our figures beside the budget, with machine and versions, as Markdown.

Each part runs in a process of its own, because the LMS side and the service have different Django settings.
Load goes to loopback only, is bounded in number and time, and stops by itself. ``--quick`` measures less and
proves only that it works.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.measuring import is_quick, measure

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("Django", "XBlock", "lxml", "gunicorn", "psycopg", "cryptography", "PyLD", "weasyprint")
UNAVAILABLE = 69  # of scripts/with_databases.py


def main() -> int:
    quick = ["--quick"] if is_quick() else []
    begin = time.monotonic()
    print(describe_machine(), flush=True)
    on_postgresql = ["scripts/with_databases.py", "postgresql", "--", sys.executable]
    parts = {
        "blocks": ["-m", "benchmarks.blocks"],
        "intake on SQLite": ["-m", "benchmarks.intake"],
        "intake on PostgreSQL": [*on_postgresql, "-m", "benchmarks.intake"],
        "certificate on PostgreSQL": [*on_postgresql, "-m", "benchmarks.credentials"],
        "item statistics": ["-m", "benchmarks.statistics"],
        "busy workers on PostgreSQL": [*on_postgresql, "-m", "benchmarks.busy"],
        "register on PostgreSQL": [*on_postgresql, "-m", "benchmarks.register"],
    }
    # Settings of whoever calls must not reach what is measured.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTEGRA_")}
    environment = {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT)])}
    for name, arguments in parts.items():
        status = subprocess.call([sys.executable, *arguments, *quick], cwd=ROOT, env=environment)
        if status == UNAVAILABLE:
            print(f"\nLeft out: {name}; the server is not on this machine.", flush=True)
        elif status != 0:
            print(f"Stopped: {name} failed.", file=sys.stderr)
            return 1
    print(f"\nAll of it took {time.monotonic() - begin:.0f} s.")
    return 0


def describe_machine() -> str:
    """Return one line about hardware and versions; the fixed loop lets runs on other machines be compared."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    loop = min(measure(lambda: sum(number * number for number in range(1_000_000)))[0] for _ in range(3))
    return (
        f"Machine: {os.cpu_count()} cores, {cpu}, {platform.system()} {platform.release().split('-')[0]}; Python "
        f"{platform.python_version()}; {libraries}. A loop of a million squares: {loop:.0f} ms CPU."
    )


if __name__ == "__main__":
    sys.exit(main())
