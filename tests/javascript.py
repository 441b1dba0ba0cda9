"""The JavaScript packages that tests use, installed from the lock file with the ordinary client."""

import fcntl
import shutil
import subprocess
from pathlib import Path

SCRIPTS = Path(__file__).parent / "js"
PACKAGES = SCRIPTS / "node_modules"


def install_packages() -> Path:
    """Return the folder of the installed packages; install them when the lock file says others."""
    lock = (SCRIPTS / "package-lock.json").read_text(encoding="utf-8")
    stamp = PACKAGES / ".installed"
    # Two tox environments run at a time; the second waits for what the first installs.
    with (SCRIPTS / "package-lock.json").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != lock:
            assert shutil.which("npm"), "Node.js 20 or later with npm is needed"
            subprocess.run(["npm", "ci", "--silent"], cwd=SCRIPTS, check=True)
            stamp.write_text(lock, encoding="utf-8")
    return PACKAGES
