"""Cost of each block in the platform's stand-in: what a page of it takes and weighs, and what its main submit takes."""

from __future__ import annotations

import logging
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.measuring import is_quick, measure, print_table

ROOT = Path(__file__).resolve().parent.parent
HOME = tempfile.TemporaryDirectory(prefix="integra-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "standin.settings"
os.environ["INTEGRA_DATABASE_URL"] = f"sqlite:///{Path(HOME.name) / 'bench.sqlite3'}"

import django  # noqa: E402 - the settings come first

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone, translation  # noqa: E402
from lxml import etree  # noqa: E402
from standin.probe import ProbeBlock  # noqa: E402
from standin.weighing import BUDGET, weigh  # noqa: E402
from standin.world import Standin  # noqa: E402
from xblock.core import XBlock  # noqa: E402

from integra_course.manifest import build_manifest  # noqa: E402
from integra_course.olx import compile_course  # noqa: E402
from integra_course.problems import Problems  # noqa: E402
from integra_course.reading import Sources, read_course  # noqa: E402
from integra_gradebook import api  # noqa: E402
from integra_grading.items import solve  # noqa: E402
from integra_grading.olx import read_item  # noqa: E402

PROBE = "probe"  # does nothing: what its row says is the runtime's own share of the others
PLACES = {
    PROBE: "nada",
    "integra_lesson": "m06-u03-leccion",
    "integra_practice": "m06-u03-practica",
    "integra_test": "prueba-final",
    "integra_bypass": "m06-evaluacion",
    "integra_deliverable": "m06-hoja-de-costos",
    "integra_module": "m06",
    "integra_record": "mi-avance",
    "integra_desk": "mesa",
}
COLUMNS = (
    "Block",
    "render CPU ms",
    "SQL",
    "HTML+CSS+JS gzip kB",
    "budget kB",
    "main submit",
    "CPU ms",
    "wall ms",
    "SQL",
)
Submit = tuple[User, str, dict[str, Any]]

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
    """The delivered course in the stand-in, with as many fresh learners as asked for."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        course = read_course(Sources(ROOT / "course_content" / "course", None), Problems())
        assert course is not None, "the delivered course has problems"
        files = compile_course(course, dict.fromkeys(course.static_files, b""))
        unit = etree.Element("vertical", url_name="bench")
        for path, content in sorted(files.items()):
            if path.startswith("vertical/"):
                unit.extend(etree.fromstring(content))
        etree.SubElement(unit, PROBE, url_name=PLACES[PROBE])
        self.items = {
            str(block.get("url_name")): {
                str(item.get("key")): solve(read_item(item)) for item in block.iter("item")
            }
            for block in unit
        }
        self.world = Standin(unit)
        api.register_course(self.world.course_key, build_manifest(course))
        self.facilitator = User.objects.create_user("carmen")
        api.open_cohort(self.world.course_key, cohort_key="bench", city_key="manta")
        api.appoint_facilitator(
            self.facilitator.pk,
            self.world.course_key,
            cohort_key="bench",
            # Wherever it is that day already.
            starts_on=(timezone.now() - timedelta(days=1)).date(),
        )

    def make_learner(self) -> User:
        user = User.objects.create_user(f"aprendiz-{uuid4().hex[:8]}")
        learner = api.Learner(user.pk, self.world.course_key)
        api.enrol(learner, cohort_key="bench", now=timezone.now())
        return user

    def call(self, user: User, block_type: str, handler: str, body: dict[str, Any]) -> dict[str, Any]:
        status, answer = self.world.as_learner(user).handle(block_type, PLACES[block_type], handler, body)
        if status != 200:
            raise SystemExit(f"{block_type}.{handler} answered {status}: {answer}")
        return dict(answer)

    def begin(self, block_type: str) -> User:
        """Return somebody in the middle of the work that the block is for."""
        user = self.make_learner()
        if block_type in ("integra_test", "integra_bypass"):
            self.call(user, block_type, "start_attempt", {"uuid": str(uuid4())})
        if block_type == "integra_deliverable":
            self.call(user, block_type, "save_draft", {"document": COST_SHEET, "revision": 0})
        if block_type in ("integra_module", "integra_record"):
            self.call(user, "integra_lesson", "finish", {"uuid": str(uuid4())})
        return self.facilitator if block_type == "integra_desk" else user

    def prepare_submit(self, block_type: str) -> Submit | None:
        """Return who calls which handler with what; None where the block only shows."""
        user, uuid = self.begin(block_type), str(uuid4())
        match block_type:
            case "probe":
                return user, "look", {}
            case "integra_lesson":
                return user, "finish", {"uuid": uuid}
            case "integra_practice":
                key, response = next(iter(self.items[PLACES[block_type]].items()))
                return user, "answer", {"uuid": uuid, "item_key": key, "response": response}
            case "integra_test" | "integra_bypass":
                return user, "submit_attempt", {"attempt_uuid": self.answer_all(user, block_type)}
            case "integra_deliverable":
                return user, "submit_deliverable", {"uuid": uuid, "document": COST_SHEET}
            case "integra_desk":
                return user, "rate_submission", {"uuid": uuid, **self.claim_work()}
        return None

    def answer_all(self, user: User, block_type: str) -> str:
        """Answer every question of the open attempt; return the attempt."""
        place = PLACES[block_type]
        block_key = self.world.usage_key(block_type, place)
        attempt = api.find_attempt(api.Learner(user.pk, self.world.course_key), block_key=block_key)
        assert attempt is not None
        for item in attempt.items:
            response = self.items[place][item.key]
            body = {"uuid": str(uuid4()), "attempt_uuid": str(attempt.uuid), "item_key": item.key}
            self.call(user, block_type, "save_response", {**body, "response": response})
        return str(attempt.uuid)

    def claim_work(self) -> dict[str, Any]:
        """Let a learner send work and the facilitator take it; return the rating to send."""
        sent = {"uuid": str(uuid4()), "document": COST_SHEET}
        self.call(self.make_learner(), "integra_deliverable", "submit_deliverable", sent)
        queue = api.list_queue(self.facilitator.pk, self.world.course_key, now=timezone.now())
        submission = {"submission_uuid": str(queue.rows[-1].submission_uuid)}
        self.call(self.facilitator, "integra_desk", "claim_submission", submission)
        criteria = ("datos_propios", "procedimiento", "decision", "accion")
        levels = dict.fromkeys(criteria, 2)
        return {**submission, "levels": levels, "comments": {}, "outcome": "accepted"}


def describe(bench: Bench, block_type: str, runs: int) -> Iterator[str]:
    """Yield the cells of the block's row."""
    place = PLACES[block_type]
    visit = bench.world.as_learner(bench.begin(block_type))
    page = visit.render(block_type, place)  # warms as well: templates are read once per process
    with CaptureQueriesContext(connection) as captured:
        visit.render(block_type, place)
    renders = [measure(lambda: visit.render(block_type, place))[0] for _ in range(runs)]
    yield f"`{block_type}`" if block_type != PROBE else "(one that does nothing)"
    yield f"{statistics.median(renders):.1f}"
    yield str(len(captured))
    yield f"{weigh(page).size / 1000:.1f}"
    yield f"{BUDGET / 1000:.0f}"
    yield from describe_submit(bench, block_type, runs)


def describe_submit(bench: Bench, block_type: str, runs: int) -> Iterator[str]:
    spent, statements = [], []
    for _ in range(runs + 1):
        prepared = bench.prepare_submit(block_type)
        if prepared is None:
            yield from ("only shows", "–", "–", "–")
            return
        user, handler, body = prepared
        with CaptureQueriesContext(connection) as captured:
            spent.append(measure(partial(bench.call, user, block_type, handler, body)))
        statements.append(len(captured))
    cpu, wall = zip(*spent[1:], strict=True)  # the first one warms
    yield f"`{handler}`"
    yield f"{statistics.median(cpu):.1f}"
    yield f"{statistics.median(wall):.1f}"
    yield f"{statistics.median(statements[1:]):.0f}"


def describe_evaluation(bench: Bench, runs: int) -> Iterator[Sequence[str]]:
    """Yield the rows of one whole evaluation: start, twelve answers one by one, decision."""
    spent: dict[str, list[float]] = {
        "start": [],
        "12 answers": [],
        "decision": [],
        "14 calls that do nothing": [],
    }
    for _ in range(runs + 1):
        user, attempt = bench.make_learner(), ""

        def answer(user: User = user) -> None:
            nonlocal attempt
            attempt = bench.answer_all(user, "integra_bypass")

        start = partial(bench.call, user, "integra_bypass", "start_attempt", {"uuid": str(uuid4())})
        spent["start"].append(measure(start)[0])
        spent["12 answers"].append(measure(answer)[0])
        submit = partial(bench.call, user, "integra_bypass", "submit_attempt", {"attempt_uuid": attempt})
        spent["decision"].append(measure(submit)[0])
        nothing = sum(measure(partial(bench.call, user, PROBE, "look", {}))[0] for _ in range(14))
        spent["14 calls that do nothing"].append(nothing)
    medians = {name: statistics.median(values[1:]) for name, values in spent.items()}
    runtime = medians.pop("14 calls that do nothing")
    yield from ((name, f"{value:.1f}", "–") for name, value in medians.items())
    yield ("together", f"{sum(medians.values()):.1f}", "–")
    yield ("of it the stand-in's own work", f"{runtime:.1f}", "–")
    yield ("together, ours", f"{sum(medians.values()) - runtime:.1f}", "60")


@XBlock.register_temp_plugin(ProbeBlock, PROBE)
def main() -> None:
    runs = 2 if is_quick() else 40
    logging.getLogger().setLevel(logging.ERROR)  # the platform complains of url_name in every block
    with translation.override("es-419"):
        bench = Bench()
        rows = (list(describe(bench, block_type, runs)) for block_type in PLACES)
        print_table(f"Blocks (median of {runs}; SQLite, stand-in of the platform)", COLUMNS, rows)
        print_table(
            f"One evaluation of twelve questions (median of {runs})",
            ("What", "CPU ms", "budget"),
            describe_evaluation(bench, runs),
        )
    print(
        "\nReference, in a real LMS on another machine: lesson, quiz and record together add 9 ms CPU and 3 SQL to an "
        "empty unit (51 ms, 42 SQL); a submit with lock, attempt, outbox and standing adds 5 ms CPU, 6 ms wall and "
        "7 SQL to a handler that does nothing (27 ms, 26 SQL)."
    )


if __name__ == "__main__":
    with HOME:
        main()
