"""From a bare checkout to a running project: system packages, virtual environment, then the real command.

Standard library only: this is what runs before anything is installed. Everything it fetches goes into the checkout or
into INTEGRA_HOME.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MINIMUM = (3, 11)


@dataclass(frozen=True)
class SystemPackage:
    """A Debian package and the sentence for whoever cannot install it."""

    name: str
    without_it: str


VENV_PACKAGE = SystemPackage("python3-venv", "Python cannot make its virtual environment.")
RUN_PACKAGES = (
    SystemPackage("libpango-1.0-0", "certificates are offered without their PDF."),
    SystemPackage("libpangoft2-1.0-0", "certificates are offered without their PDF."),
    SystemPackage("libharfbuzz-subset0", "certificates are offered without their PDF."),
    SystemPackage("fonts-dejavu-core", "the PDF uses whatever font the machine has."),
    SystemPackage("fonts-noto-core", "names in Arabic and other scripts may lack letters in the PDF."),
    SystemPackage("fonts-wqy-microhei", "names in Chinese lack letters in the PDF."),
)
TEST_PACKAGES = (
    SystemPackage("chromium", "the browser tests cannot run."),
    SystemPackage("mariadb-server", "the tests on MariaDB cannot run."),
    SystemPackage("postgresql", "the tests on PostgreSQL cannot run."),
    SystemPackage("redis-server", "the tests with real workers cannot run."),
    SystemPackage("libmariadb-dev", "the MariaDB driver cannot be compiled."),
    SystemPackage("pkg-config", "the MariaDB driver cannot be compiled."),
    SystemPackage("gcc", "the MariaDB driver cannot be compiled."),
    SystemPackage("python3-dev", "the MariaDB driver cannot be compiled."),
    SystemPackage("poppler-utils", "the text of the PDF cannot be read back."),
)
# A command that proves the need is met, wherever it came from (a PostgreSQL built by hand is as good as Debian's).
PROOF = {
    "chromium": ("chromium",),
    "mariadb-server": ("mariadbd", "/usr/sbin/mariadbd"),
    "postgresql": ("initdb", "/usr/lib/postgresql/15/bin/initdb"),
    "redis-server": ("redis-server",),
    "gcc": ("gcc",),
    "pkg-config": ("pkg-config",),
    "poppler-utils": ("pdftotext",),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("goal", choices=("run", "test", "test-long", "course", "workbook", "bench"))
    goal = parser.parse_args().goal
    if sys.version_info < MINIMUM:
        return refuse(
            f"Python {MINIMUM[0]}.{MINIMUM[1]} or later is needed; this is {sys.version.split()[0]}."
        )
    home = Path(os.environ.get("INTEGRA_HOME", ROOT / ".integra")).resolve()
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "INTEGRA_HOME": str(home),
        "PIP_CACHE_DIR": str(home / "cache" / "pip"),
        "UV_CACHE_DIR": str(home / "cache" / "uv"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "npm_config_cache": str(home / "cache" / "npm"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    testing = goal in ("test", "test-long")
    offer_system_packages(RUN_PACKAGES + (TEST_PACKAGES if testing else ()))
    if testing and not find_node():
        install_packages([SystemPackage("nodejs", "the checks with independent libraries cannot run.")])
    if not make_venv():
        return 1
    if testing:
        return run_tests(goal, environment)
    install("aula,service" if goal != "bench" else "aula,service,lms,dev", environment)
    commands = {
        "run": [PYTHON, ROOT / "scripts" / "demo.py"],
        "course": [VENV / "bin" / "integra-course", "build"],
        "workbook": [VENV / "bin" / "integra-course", "workbook"],
        "bench": [PYTHON, "-m", "benchmarks"],
    }
    command = [str(part) for part in commands[goal]]
    # Replaces this process, so that Ctrl-C and SIGTERM reach the one that stops the others.
    os.chdir(ROOT)
    return os.execve(command[0], command, environment)  # noqa: S606 - our own interpreter and script


def run_tests(goal: str, environment: dict[str, str]) -> int:
    """Run tox; a missing tool is an error here, because a test that did not run is not a passed test."""
    missing = [name for name, commands in PROOF.items() if not any(map(shutil.which, commands))]
    if not find_node():
        missing.append("Node.js 20 or later")
    if missing:
        return refuse(f"The tests need {', '.join(missing)}. Install them and call again.")
    install_tools(("tox>=4.15", "tox-uv>=1.11"), environment)
    tox = [str(PYTHON), "-m", "tox", "run-parallel", "--parallel", "2", "--parallel-no-spinner"]
    tox += ["--workdir", str(ROOT / ".tox")]
    if works(["python3.12", "--version"]):
        tox += ["-e", "ALL,py312-django52"]
    else:
        print("There is no python3.12 here: the environment py312-django52 is left out.")
    if goal == "test-long":
        environment["INTEGRA_LONG"] = "1"
    return subprocess.call(tox, cwd=ROOT, env=environment)


def offer_system_packages(packages: tuple[SystemPackage, ...]) -> None:
    """Install what is missing when the user may; otherwise say in one sentence each what will be missing."""
    missing = [package for package in packages if not is_present(package)]
    if missing:
        install_packages(missing)


def is_present(package: SystemPackage) -> bool:
    if package.name in PROOF:
        return any(map(shutil.which, PROOF[package.name]))
    if shutil.which("dpkg-query") is None:
        return False
    query = ["dpkg-query", "-W", "-f=${db:Status-Status}", package.name]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"


def install_packages(packages: list[SystemPackage]) -> None:
    prefix = administrator_prefix()
    if prefix is not None:
        names = [package.name for package in packages]
        print(f"Installing system packages: {' '.join(names)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(
            [*prefix, "apt-get", "update", "-q"], stdout=subprocess.DEVNULL, env=environment, check=False
        )
        command = [*prefix, "apt-get", "install", "-q", "-y", "--no-install-recommends"]
        if (
            subprocess.run(
                [*command, *names], stdout=subprocess.DEVNULL, env=environment, check=False
            ).returncode
            == 0
        ):
            return
        # One unknown name (another Debian, Ubuntu) must not keep the others away.
        for name in names:
            subprocess.run([*command, name], stdout=subprocess.DEVNULL, env=environment, check=False)
    for package in packages:
        if not is_present(package):
            print(f"Without the system package {package.name}, {package.without_it}")


def administrator_prefix() -> list[str] | None:
    """Return how to run a command as root without asking anybody, or None."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if works(["sudo", "-n", "true"]) else None


def works(command: list[str]) -> bool:
    """Say whether the command exists and ends well."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def find_node() -> bool:
    """Say whether Node.js 20 or later is on the machine."""
    node = shutil.which("node")
    if node is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = version.removeprefix("v").split(".")[0]
    return major.isdigit() and int(major) >= 20


def make_venv() -> bool:
    if PYTHON.exists():
        return True
    try:
        import ensurepip  # noqa: F401 - Debian ships Python without it until python3-venv is there
    except ImportError:
        install_packages([VENV_PACKAGE])
    print("Creating .venv")
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode != 0:
        refuse("The virtual environment could not be made; install python3-venv and call again.")
        shutil.rmtree(VENV, ignore_errors=True)
        return False
    return True


def install(extras: str, environment: dict[str, str]) -> None:
    """Install the project, editable, once per state of its metadata."""
    stamp = VENV / f".installed-{extras.replace(',', '-')}"
    metadata = b"".join((ROOT / name).read_bytes() for name in ("setup.cfg", "setup.py", "pyproject.toml"))
    state = hashlib.sha256(metadata + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return
    print("Installing the project and what it stands on (a few minutes the first time)")
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[{extras}]"]
    subprocess.run(pip, check=True, env=environment)
    stamp.write_text(state)


def install_tools(requirements: tuple[str, ...], environment: dict[str, str]) -> None:
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", *requirements]
    subprocess.run(pip, check=True, env=environment)


def refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
