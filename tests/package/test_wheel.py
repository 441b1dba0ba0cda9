"""The wheel as an operator gets it: built here, installed in a clean environment outside the tree."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
CONTAINERS = ("xblocks", "grading", "course_content", "ext_services")
SHIPPED = (".html", ".js", ".css", ".svg", ".mo", ".jsonld", ".yaml", ".typed")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--installer",
        "uv",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a new environment that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("clean")
    python = folder / "venv" / "bin" / "python"
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(folder / "venv")], check=True)
    requirement = f"integra-openedx[aula,service,lms] @ {wheel.as_uri()}"
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), requirement], check=True)
    return python


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_package_file_of_the_tree_is_in_the_wheel(wheel: Path) -> None:
    expected = set()
    for container in CONTAINERS:
        for package in (ROOT / container).glob("integra_*"):
            for path in package.rglob("*"):
                if path.suffix == ".py" or (path.is_file() and path.suffix in SHIPPED):
                    expected.add(str(path.relative_to(ROOT / container)))

    assert expected - names_in(wheel) == set()


def test_the_wheel_holds_nothing_but_our_packages(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names_in(wheel)}

    assert {top for top in tops if not top.startswith("integra_")} == set()


def test_no_answer_key_is_in_the_wheel(wheel: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "integra_course", "build", "--output", str(tmp_path)], check=True, cwd=ROOT
    )
    # Feedback names what is right, and long option texts occur nowhere but in their item.
    telling = {
        text.encode()
        for path in (tmp_path / "olx").rglob("*.xml")
        for node in etree.parse(str(path)).iter("feedback", "text")
        if len(text := (node.text or "").strip()) > 25
    }
    assert len(telling) > 50

    with zipfile.ZipFile(wheel) as archive:
        leaks = {name for name in archive.namelist() for text in telling if text in archive.read(name)}

    assert leaks == set()


def test_every_entry_point_loads_outside_the_tree(installed: Path, tmp_path: Path) -> None:
    script = (
        "import importlib.metadata as m\n"
        "points = [p for p in m.distribution('integra-openedx').entry_points]\n"
        "print(sorted(f'{p.group}:{p.name}' for p in points if p.load()))\n"
        "import integra_xblocks; print(integra_xblocks.__file__)\n"
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "settings"}
    (tmp_path / "settings.py").write_text(
        "SECRET_KEY = 'x' * 50\nUSE_TZ = True\n"
        "INSTALLED_APPS = ['django.contrib.auth', 'django.contrib.contenttypes', "
        "'integra_gradebook', 'integra_bridge']\n"
    )
    script = "import django; django.setup()\n" + script
    answer = subprocess.run(
        [str(installed), "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    points, place = answer.stdout.splitlines()
    assert points == str(
        [
            "cms.djangoapp:integra_bridge",
            "cms.djangoapp:integra_gradebook",
            "console_scripts:integra-course",
            "console_scripts:integra-stats",
            "lms.djangoapp:integra_bridge",
            "lms.djangoapp:integra_gradebook",
            *(
                f"xblock.v1:integra_{name}"
                for name in (
                    "bypass",
                    "deliverable",
                    "desk",
                    "lesson",
                    "module",
                    "practice",
                    "record",
                    "test",
                )
            ),
        ]
    )
    assert not place.startswith(str(ROOT))
