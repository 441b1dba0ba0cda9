"""Cost of each block in the platform's stand-in: CPU of a render, of its main submit, and the submit's SQL."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(tempfile.mkdtemp(prefix="integra-bench-"))
os.environ["DJANGO_SETTINGS_MODULE"] = "standin.settings"
os.environ["INTEGRA_DATABASE_URL"] = f"sqlite:///{HOME / 'bench.sqlite3'}"

import django  # noqa: E402 - the settings come first
import django.utils.timezone  # noqa: E402

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from lxml import etree  # noqa: E402
from standin.world import Standin  # noqa: E402

from integra_course.manifest import build_manifest  # noqa: E402
from integra_course.olx import compile_course  # noqa: E402
from integra_course.problems import Problems  # noqa: E402
from integra_course.reading import Sources, read_course  # noqa: E402
from integra_gradebook import api  # noqa: E402

PLACES = {
    "integra_lesson": "m06-u03-leccion",
    "integra_practice": "m06-u03-practica",
    "integra_test": "prueba-inicial",
    "integra_bypass": "m06-evaluacion",
    "integra_deliverable": "m06-hoja-de-costos",
    "integra_module": "m06",
    "integra_record": "mi-avance",
    "integra_desk": "mesa",
}

COST_SHEET = {
    "values": {
        "producto": "Empanadas",
        "unidad": "empanadas",
        "fijos": [
            {"concepto": "Arriendo", "monto": "105", "estimado": False},
            {"concepto": "Mi pago", "monto": "300"},
        ],
        "variables": [{"concepto": "Masa y relleno", "monto": "0,55", "estimado": True}],
        "precio": "1,00",
        "justificacion": "Es lo que cobran otras.",
        "dias": "25",
        "ventas_hoy": "30",
        "precio_prueba": "1,10",
        "fuente": "Mi cuaderno.",
        "decision": "Subir a 1,10.",
        "accion": "Probar el precio.",
        "accion_fecha": "30 de noviembre",
        "accion_indicador": "180 a la semana",
        "primer_paso": False,
    },
    "self_check": ["mi-pago", "sin-casa", "margen-positivo", "marque-estimados", "fecha-y-numero"],
}


class Bench:
    """The compiled course in the stand-in, with as many fresh learners as asked for."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        course = read_course(Sources(ROOT / "course_content" / "course", None), Problems())
        assert course is not None
        files = compile_course(course, dict.fromkeys(course.static_files, b""))
        blocks = [
            block
            for path, content in sorted(files.items())
            if path.startswith("vertical/")
            for block in etree.fromstring(content)
        ]
        self.items = {
            str(block.get("url_name")): [str(i.get("key")) for i in block.iter("item")] for block in blocks
        }
        unit = etree.Element("vertical", url_name="bench")
        unit.extend(blocks)
        self.world = Standin(unit)
        api.register_course(self.world.course_key, build_manifest(course))
        self.facilitator = User.objects.create_user("carmen")
        api.open_cohort(self.world.course_key, cohort_key="bench", city_key="manta")
        api.appoint_facilitator(
            self.facilitator.pk,
            self.world.course_key,
            cohort_key="bench",
            starts_on=django.utils.timezone.now().date(),
        )

    def learner(self) -> User:
        user = User.objects.create_user(f"aprendiz-{uuid4().hex[:8]}")
        learner = api.Learner(user.pk, self.world.course_key)
        api.enrol(learner, cohort_key="bench", now=django.utils.timezone.now())
        return user

    def call(self, user: User, block_type: str, handler: str, body: dict[str, Any]) -> dict[str, Any]:
        status, answer = self.world.as_learner(user).handle(block_type, PLACES[block_type], handler, body)
        if status != 200:
            raise SystemExit(f"{block_type}.{handler} answered {status}: {json.dumps(answer)}")
        return dict(answer)

    def prepare_submit(self, block_type: str) -> tuple[User, str, dict[str, Any]] | None:
        """Return who calls which handler with what; None where the block only shows."""
        user = self.learner()
        match block_type:
            case "integra_lesson":
                return user, "finish", {"uuid": str(uuid4())}
            case "integra_practice":
                item = self.items[PLACES[block_type]][0]
                return user, "answer", {"uuid": str(uuid4()), "item_key": item, "response": {"option": "a"}}
            case "integra_test" | "integra_bypass":
                started = self.call(user, block_type, "start_attempt", {"uuid": str(uuid4())})
                return user, "submit_attempt", {"attempt_uuid": started["attempt_uuid"]}
            case "integra_deliverable":
                return user, "submit_deliverable", {"uuid": str(uuid4()), "document": COST_SHEET}
            case "integra_desk":
                self.call(
                    user,
                    "integra_deliverable",
                    "submit_deliverable",
                    {"uuid": str(uuid4()), "document": COST_SHEET},
                )
                waiting = api.list_queue(
                    self.facilitator.pk, self.world.course_key, now=django.utils.timezone.now()
                )
                submission = str(waiting.rows[-1].submission_uuid)
                self.call(self.facilitator, block_type, "claim_submission", {"submission_uuid": submission})
                criteria = ("datos_propios", "procedimiento", "decision", "accion")
                rating = {
                    "uuid": str(uuid4()),
                    "submission_uuid": submission,
                    "levels": dict.fromkeys(criteria, 2),
                    "comments": {},
                    "outcome": "accepted",
                }
                return self.facilitator, "rate_submission", rating
        return None


def weigh(block_type: str, html: str) -> float:
    """Return kB of the block's HTML and of every file of ours it loads, gzipped one by one."""
    folder = block_type.removeprefix("integra_")
    folder = "sitting" if folder in ("test", "bypass") else folder
    public = ROOT / "xblocks" / "integra_xblocks" / "public"
    files = [path for place in (public, public / folder) for path in sorted(place.glob("*.min.*"))]
    parts = [html.encode(), *(path.read_bytes() for path in files)]
    return sum(len(gzip.compress(part, 9)) for part in parts) / 1000


def measure(action: Callable[[], object]) -> tuple[float, float]:
    """Return CPU and wall milliseconds of one call."""
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return (time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000


def measure_block(bench: Bench, block_type: str, runs: int) -> list[str]:
    user = bench.facilitator if block_type == "integra_desk" else bench.learner()
    visit = bench.world.as_learner(user)
    place = PLACES[block_type]
    # Also warms: templates and catalogues are read once per process.
    weight = weigh(block_type, visit.render(block_type, place).html)
    renders = [measure(lambda: visit.render(block_type, place))[0] for _ in range(runs)]
    submits, statements = [], 0
    for _ in range(runs):
        prepared = bench.prepare_submit(block_type)
        if prepared is None:
            break
        caller, handler, body = prepared
        with CaptureQueriesContext(connection) as captured:
            submits.append(measure(partial(bench.call, caller, block_type, handler, body)))
        statements = len(captured)
    row = [block_type, f"{weight:.1f}", f"{statistics.median(renders):.1f}"]
    if not submits:
        return [*row, "–", "–", "–"]
    cpu, wall = zip(*submits, strict=True)
    return [*row, f"{statistics.median(cpu):.1f}", f"{statistics.median(wall):.1f}", str(statements)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    runs = 2 if parser.parse_args().quick else 20
    bench = Bench()
    print(f"\nBlocks, stand-in of the platform, {connection.vendor}, median of {runs}:\n")
    print("| Block | gzip kB (budget 15) | render CPU ms | submit CPU ms | submit wall ms | SQL per submit |")
    print("|---|--:|--:|--:|--:|--:|")
    for block_type in PLACES:
        print(f"| {' | '.join(measure_block(bench, block_type, runs))} |")


if __name__ == "__main__":
    main()
