"""What lies behind the pages of the running demonstration: the service's rows, and links its classroom would give."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import closing

import jwt
import pyotp
from e2e.visitor import ROOT, Demo, Visitor

COURSE_KEY = "course-v1:INTEGRA+CAP40+demo"


def read_rows(demo: Demo, query: str, *values: str) -> list[tuple[str, ...]]:
    """Return rows of the service's database, which is only read."""
    with closing(
        sqlite3.connect(f"file:{demo.home}/service.sqlite3?mode=ro", uri=True, timeout=30)
    ) as database:
        return [tuple(str(value) for value in row) for row in database.execute(query, values)]


def find_learner(demo: Demo, short_code: str) -> tuple[uuid.UUID, str]:
    """Return a learner's id on the wire and the key of their city."""
    ((learner, city),) = read_rows(
        demo,
        "SELECT i.learner_uuid, c.key FROM people_learneridentity i JOIN people_person p ON p.id = i.person_id"
        " JOIN people_city c ON c.id = p.city_id WHERE i.short_code = ?",
        short_code,
    )
    return uuid.UUID(learner), city


def make_link(demo: Demo, short_code: str) -> str:
    """Return a hand-over link as the classroom gives it to this learner."""
    learner, city = find_learner(demo, short_code)
    secrets = json.loads((demo.home / "secrets.json").read_text(encoding="utf-8"))
    told = json.loads((demo.home / "demo.json").read_text(encoding="utf-8"))
    now = int(time.time())
    claims = {
        "iss": told["source"],
        "sub": str(learner),
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 300,
        "aud": demo.service,
        "city_key": city,
        "course_key": COURSE_KEY,
    }
    return f"{demo.service}/entrar/{jwt.encode(claims, secrets['handover_secret'], 'HS256')}"


def make_factor_link(demo: Demo, role: str) -> str:
    """Return the one-time link that ``integra_staff`` prints for the enrolment of a second factor."""
    secrets = json.loads((demo.home / "secrets.json").read_text(encoding="utf-8"))
    environment = {
        **os.environ,
        "INTEGRA_DEMO": "1",
        "INTEGRA_HOME": str(demo.home),
        "INTEGRA_ISSUER_URL": demo.service,
        "INTEGRA_SECRET_KEY": secrets["service_secret_key"],
        "INTEGRA_NAME_KEY": secrets["name_key"],
    }
    command = [
        sys.executable,
        "-m",
        "integra_service",
        "integra_staff",
        "factor-link",
        demo.accounts[role][0],
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


def list_codes(demo: Demo, city_key: str, *, is_certified: bool = False) -> list[str]:
    """Return the short codes of the invented people of a city, oldest first."""
    rows = read_rows(
        demo,
        "SELECT i.short_code, r.id IS NOT NULL FROM people_learneridentity i"
        " JOIN people_person p ON p.id = i.person_id JOIN people_city c ON c.id = p.city_id"
        " LEFT JOIN credentials_credential r ON r.person_id = p.id"
        " WHERE c.key = ? AND i.learner_uuid IN"
        " (SELECT learner_uuid FROM records_inboxevent WHERE body LIKE '%inventada-%') ORDER BY i.id",
        city_key,
    )
    return [code for code, certified in rows if (certified == "1") == is_certified]


def add_learner(demo: Demo, username: str, password: str) -> None:
    """Give the classroom one more learner of city A, with the command that made the others."""
    account = {
        "role": "learner",
        "username": username,
        "password": password,
        "name": username.title(),
        "city": "ciudad-a",
        "cohort": "cohorte-a",
        "route": "training",
    }
    accounts = demo.home / f"{username}.json"
    accounts.write_text(json.dumps([account]), encoding="utf-8")
    secrets = json.loads((demo.home / "secrets.json").read_text(encoding="utf-8"))
    environment = {
        **os.environ,
        "INTEGRA_DEMO": "1",
        "INTEGRA_HOME": str(demo.home),
        "INTEGRA_BUILD": str(demo.home / "build"),
        "INTEGRA_COURSE_KEY": COURSE_KEY,
        "INTEGRA_AULA_SECRET_KEY": secrets["aula_secret_key"],
    }
    command = [sys.executable, "-m", "integra_aula", "integra_aula_demo", str(accounts)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


_used_codes: dict[str, str] = {}


def sign_in_with_factor(visitor: Visitor, role: str) -> None:
    """Enter the console with password and second factor. A code passes once, and tries are counted: so wait for one."""
    told = json.loads((visitor.demo.home / "demo.json").read_text(encoding="utf-8"))
    (account,) = (account for account in told["accounts"] if account["role"] == role)
    page, service = visitor.page, visitor.demo.service
    page.goto(f"{service}/consola/entrar/")
    page.fill("input[name=username]", account["username"])
    page.fill("input[name=password]", account["password"])
    page.click("main button[type=submit]")
    page.wait_for_url("**/consola/")
    totp = pyotp.TOTP(account["totp_secret"])
    while totp.now() == _used_codes.get(role):
        time.sleep(1)
    _used_codes[role] = totp.now()
    page.goto(f"{service}/consola/segundo-factor/?next=/consola/")
    page.fill("#code", _used_codes[role])
    with page.expect_navigation():
        page.locator("main form").first.get_by_role("button").click()
    assert page.url == f"{service}/consola/"
