"""Print our figures beside the budget, with machine and versions, as Markdown.

Each part runs in a process of its own, because the LMS side and the service have different Django settings.
Load goes to loopback only, is bounded in number, and stops by itself. ``--quick`` measures less and proves only
that it works.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("Django", "XBlock", "lxml", "cryptography", "PyLD", "weasyprint", "gunicorn")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = ["--quick"] if parser.parse_args().quick else []
    print(describe_machine())
    with_postgresql = [sys.executable, str(ROOT / "scripts" / "with_databases.py"), "postgresql", "--"]
    parts = [
        [sys.executable, "-m", "benchmarks.blocks", *quick],
        [sys.executable, "-m", "benchmarks.intake", *quick],
        [*with_postgresql, sys.executable, "-m", "benchmarks.intake", *quick],
        [sys.executable, "-m", "benchmarks.credentials", *quick],
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT)])}
    for part in parts:
        sys.stdout.flush()
        if subprocess.call(part, cwd=ROOT, env=environment) != 0:
            return 1
    return 0


def describe_machine() -> str:
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"Machine: {os.cpu_count()} cores, {cpu}; Python {platform.python_version()}; {libraries}."


if __name__ == "__main__":
    sys.exit(main())
