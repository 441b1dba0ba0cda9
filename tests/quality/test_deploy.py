"""The samples under ``deploy/`` are those of this release: every setting is read, every command exists."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
FILLED = {
    "INTEGRA_ISSUER_NAME": "Municipio de Prueba",
    "INTEGRA_DATA_CONTROLLER": "Municipio de Prueba, datos@municipio.example",
    "INTEGRA_SECRET_KEY": "x" * 48,
    "INTEGRA_NAME_KEY": "dHlwZXMtb25seS10eXBlcy1vbmx5LXR5cGVzLW9ubHk=",
}


def read_example() -> dict[str, str]:
    lines = (DEPLOY / "integra.env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def run_service(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTEGRA_")}
    return subprocess.run(
        [sys.executable, "-m", "integra_service", *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_starts_the_service_once_it_is_filled_in(tmp_path: Path) -> None:
    example = read_example() | {"INTEGRA_HOME": str(tmp_path)}
    assert set(FILLED) <= {name for name, value in example.items() if not value}
    answer = run_service({**example, **FILLED}, "check")
    assert answer.returncode == 0, answer.stderr
    for name in FILLED:
        answer = run_service({**example, **FILLED, name: ""}, "check")
        assert f"{name} is missing" in answer.stderr


def test_every_variable_of_the_example_is_a_setting_and_is_documented() -> None:
    settings = (ROOT / "ext_services/integra_service/settings.py").read_text(encoding="utf-8")
    operators = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
    for name in read_example():
        assert f'"{name}"' in settings, name
        assert f"`{name}`" in operators, name


def test_the_units_call_commands_that_exist() -> None:
    called = set()
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text(encoding="utf-8")
        assert "EnvironmentFile=/etc/integra/integra.env" in text
        for line in re.findall(r"^ExecStart=(.*)$", text, re.M):
            called |= set(re.findall(r"-m integra_service (integra_[a-z]+(?: --every \d+)?)", line))
            called |= {
                f"integra_{name}"
                for name in re.findall(r"for each in ([a-z ]+);", line)
                for name in name.split()
            }
    assert {command.split()[0] for command in called} == {
        "integra_apply",
        "integra_backup",
        "integra_check",
        "integra_erasures",
        "integra_reconcile",
        "integra_work",
    }
    for command in called:
        name, *options = shlex.split(command)
        described = run_service({**read_example(), **FILLED}, name, "--help")
        assert described.returncode == 0, described.stderr
        assert all(option in described.stdout for option in options if option.startswith("--"))
