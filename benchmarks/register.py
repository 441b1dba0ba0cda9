"""The staff's register of certificates over 100,000 of them: what a page costs, the first, a late one, each filter."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.measuring import is_quick, measure, print_table

SIZES, QUICK_SIZES = (10_000, 100_000), (200, 400)
PASSWORD = "only-for-the-benchmark-of-pages"  # noqa: S105 - of an invented account on an empty database
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CHUNK = 5_000
COLUMNS = ("Page of the register", "certificates", "rows", "SQL", "SQL ms", "CPU ms", "wall ms")


def main() -> None:
    runs = 2 if is_quick() else 20
    with tempfile.TemporaryDirectory(prefix="integra-bench-") as home:
        prepare_service(home)
        client = make_client()
        measured = []
        for size in QUICK_SIZES if is_quick() else SIZES:
            fill(size)
            measured += [describe(name, size, client, path, runs) for name, path in list_pages(size)]
        from django.db import connection

        version = ".".join(map(str, connection.get_database_version()))  # type: ignore[attr-defined]
        print_table(f"Register on {connection.vendor} {version} (quickest of {runs})", COLUMNS, measured)


def prepare_service(home: str) -> None:
    """Set the service up on the empty PostgreSQL database that ``INTEGRA_DATABASE_URL`` names."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "integra_service.settings",
        "INTEGRA_DEMO": "1",
        "INTEGRA_HOME": home,
        "INTEGRA_ISSUER_URL": "http://localhost:8001",
        "INTEGRA_SECRET_KEY": "only-for-the-benchmark-" * 3,
        "INTEGRA_NAME_KEY": base64.b64encode(b"only-for-the-benchmark-of-papers").decode(),
        "INTEGRA_ALLOWED_HOSTS": "localhost,testserver",
    }
    import logging

    import django
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)


def make_client() -> Any:
    """Sign in an officer of one of three cities: half of the certificates are theirs."""
    from django.contrib.auth.models import User
    from django.test import Client

    from integra_service.people.models import City, Role, Source, StaffRole

    cities = [City.objects.create(key=f"ciudad-{n}", name=f"Ciudad {n}") for n in range(3)]
    Source.objects.create(key="aula", name="Aula", url="http://localhost:8000")
    user = User.objects.create_user("oficial", password=PASSWORD)
    StaffRole.objects.create(user=user, city=cities[0], role=Role.OFFICER, from_on=BEGIN.date())
    client = Client()
    client.login(username="oficial", password=PASSWORD)
    return client


def fill(size: int) -> None:
    """Bring the database up to ``size`` certificates with a person, a name and a learner each."""
    from django.db import connection

    from integra_service.credentials.models import Credential

    known = Credential.objects.for_system().count()
    for start in range(known, size, CHUNK):
        add(start, min(start + CHUNK, size))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def add(start: int, end: int) -> None:
    from uuid import uuid4

    from integra_service.credentials.models import Credential, Finding, FindingCode
    from integra_service.lib import encryption
    from integra_service.people.models import City, LearnerIdentity, LegalName, Person, Source
    from integra_service.people.names import name_context

    cities = list(City.objects.order_by("pk"))
    source = Source.objects.get()
    numbers = range(start, end)
    # City 0 has half, city 1 the other half but one in a hundred, which is city 2's.
    people = Person.objects.for_system().bulk_create(
        Person(city=cities[0 if n % 2 else 2 if n % 100 == 0 else 1], created_at=BEGIN) for n in numbers
    )
    LearnerIdentity.objects.for_system().bulk_create(
        LearnerIdentity(
            source=source,
            learner_uuid=uuid4(),
            short_code=f"K{n:07}",
            person=person,
            own_person=person,
            created_at=BEGIN,
        )
        for n, person in zip(numbers, people, strict=True)
    )
    LegalName.objects.bulk_create(
        LegalName(
            person=person,
            ciphertext=encryption.encrypt_text(f"Persona Inventada {n}", context=name_context(person)),
            confirmed_at=BEGIN,
        )
        for n, person in zip(numbers, people, strict=True)
    )
    made = Credential.objects.for_system().bulk_create(
        Credential(
            token=f"{n:022}",
            person=person,
            achievement_key=("curso", "emprendimiento", "empleabilidad")[n % 3],
            # One in a thousand is suspended, one in two hundred revoked.
            state="suspended" if n % 1000 == 1 else "revoked" if n % 200 == 3 else "valid",
            reason="under_review" if n % 1000 == 1 else "misuse" if n % 200 == 3 else "",
            awarded_at=BEGIN + timedelta(minutes=5 * n),
            changed_at=BEGIN + timedelta(minutes=5 * n),
            state_position=n + 1,
        )
        for n, person in zip(numbers, people, strict=True)
    )
    Finding.objects.for_system().bulk_create(
        Finding(credential=row, code=FindingCode.EVIDENCE_GONE, details="[]", found_at=BEGIN)
        for n, row in zip(numbers, made, strict=True)
        if n % 1000 == 5
    )


def list_pages(size: int) -> list[tuple[str, str]]:
    from integra_service.credentials.models import Credential

    register = "/consola/certificados/"
    own = Credential.objects.in_cities([1]).order_by("awarded_at", "pk")
    late = own.values_list("uuid", flat=True)[60]
    first_day = (BEGIN + timedelta(minutes=5 * size // 2)).date()
    return [
        ("first", register),
        ("the last but one", f"{register}?despues={late}"),
        ("issued in one month", f"{register}?desde={first_day}&hasta={first_day + timedelta(days=30)}"),
        ("suspended (1 in 1000)", f"{register}?estado=suspended"),
        ("with open findings (1 in 1000)", f"{register}?hallazgos=on"),
        ("waiting for a second person (none)", f"{register}?espera=on"),
        ("what waits, on the first page", "/consola/"),
    ]


def describe(name: str, size: int, client: Any, path: str, runs: int) -> tuple[str, ...]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def call() -> Any:
        answer = client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}")
        return answer

    rows = call().content.count(b'<span class="code">')
    cpu, wall = zip(*(measure(call) for _ in range(runs)), strict=True)
    with CaptureQueriesContext(connection) as queries:
        call()
    statements = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    spent = [sum(map(explain, statements)) for _ in range(runs)]
    return (
        name,
        f"{size}",
        str(rows),
        str(len(queries)),
        f"{min(spent):.1f}",
        f"{min(cpu):.1f}",
        f"{min(wall):.1f}",
    )


def explain(statement: str) -> float:
    """Return the milliseconds the server itself spends on it: what lies between it and us is not the register's."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.replace('%', '%%')}", [])
        ((plans,),) = cursor.fetchall()
    (plan,) = json.loads(plans) if isinstance(plans, str) else plans
    return float(plan["Planning Time"] + plan["Execution Time"])


if __name__ == "__main__":
    main()
