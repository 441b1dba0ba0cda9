"""The delivered course keeps what it promises: numbers, twins, counts, and parts the blocks can read."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from lxml import etree

from integra_course.manifest import build_manifest
from integra_course.model import MINUTE_TYPES, Course
from integra_course.olx import BLOCK_TYPES, compile_course
from integra_course.olx_check import ATTRIBUTES, OPTIONAL
from integra_course.report import build_report
from integra_grading.achievements import list_achievements
from integra_grading.deliverables import compute, read_definition, read_document
from integra_grading.items import ItemKind, parse_response, score_response, solve
from integra_grading.manifest import parse_manifest
from integra_grading.olx import read_item
from integra_grading.ring import RingItem, Stratum, draw_form

POLICIES = Path(__file__).parents[2] / "ext_services/integra_service/credentials/achievements"
NUMBER = re.compile(r"[-−]?[0-9][0-9.,]*")


def blocks_of(course: Course) -> dict[str, etree._Element]:
    """Return every block of ours in the compiled course, by url_name."""
    files = compile_course(course, dict.fromkeys(course.static_files, b""))
    return {
        str(block.get("url_name")): block
        for path, content in files.items()
        if path.startswith("vertical/")
        for block in etree.fromstring(content)
    }


def read_spanish(text: str) -> Decimal:
    """Return the first number of a text as the course prints numbers: a second reader, apart from the compiler's."""
    match = NUMBER.search(text)
    assert match is not None, text
    return Decimal(match[0].replace("−", "-").rstrip(".,").replace(".", "").replace(",", "."))


def evaluate(formula: str) -> Decimal:
    """Return the value of an author's calculation: a second calculator, apart from the compiler's."""
    names = {
        "techo": lambda value: value.to_integral_value("ROUND_CEILING"),
        "redondea": lambda value, places: value.quantize(Decimal(1).scaleb(-int(places)), "ROUND_HALF_UP"),
    }
    assert re.fullmatch(r"(techo|redondea|[0-9.+*/(), -])+", formula), formula
    code = re.sub(r"[0-9]+(\.[0-9]+)?", r'Decimal("\g<0>")', formula)
    return eval(code, {"__builtins__": {}, "Decimal": Decimal, **names})  # noqa: S307 - only our own sources


def calculations(root: Path) -> list[tuple[str, str, str]]:
    """Return (item, calculation, number as printed) of every calculation in the sources."""
    found = []
    for path in [*root.glob("banks/*.yaml"), *root.glob("modules/*/*/practica.yaml")]:
        for item in yaml.safe_load(path.read_text(encoding="utf-8"))["preguntas"]:
            whole = item.get("respuesta", {})
            parts = [*item.get("opciones", []), whole, *whole.get("errores", [])]
            found += [
                (item["clave"], str(part["calcula"]), str(part.get("texto", part.get("valor"))))
                for part in parts
                if "calcula" in part
            ]
    return found


def test_every_number_in_options_and_keys_is_what_its_calculation_gives(course_root: Path) -> None:
    found = calculations(course_root)

    assert len(found) >= 900
    assert [
        (key, printed) for key, formula, printed in found if evaluate(formula) != read_spanish(printed)
    ] == []


# Dossier 2.2: reading, example, practice, field and deliverable minutes, units and outcomes of each module.
MAP = {
    "m01": (24, 14, 20, 10, 22, 3, 3),
    "m02": (45, 27, 36, 45, 27, 5, 5),
    "m03": (44, 31, 38, 55, 42, 5, 5),
    "m04": (37, 32, 33, 90, 28, 5, 6),
    "m05": (37, 31, 27, 40, 45, 5, 5),
    "m06": (42, 47, 42, 64, 45, 6, 6),
    "m07": (40, 42, 38, 60, 40, 6, 6),
    "m08": (55, 48, 49, 48, 40, 7, 6),
    "m09": (41, 37, 38, 44, 40, 6, 5),
    "m10": (36, 28, 29, 37, 30, 5, 5),
    "m11": (36, 33, 34, 37, 30, 5, 5),
    "m12": (48, 40, 41, 42, 39, 7, 6),
}
MOST_WORDS = 63_000


def test_the_course_is_the_forty_hours_of_the_dossier(delivered: Course) -> None:
    report = build_report(delivered)

    assert {
        module["key"]: (
            *(module["minutes_by_type"].get(kind, 0) for kind in MINUTE_TYPES),
            len(module["units"]),
            len(module["outcomes"]),
        )
        for module in report["modules"]
    } == MAP
    assert report["minutes"] == 2400
    assert report["words"] <= MOST_WORDS
    assert {module.key for module in delivered.modules if not module.can_be_bypassed} == {"m01"}


def test_every_unit_with_content_has_its_questions_and_every_outcome_is_asked(delivered: Course) -> None:
    asked = {unit.key: len(unit.practice_items) for unit in delivered.units() if unit.practice is not None}

    # The shortest unit of all, 14 minutes.
    assert {key: count for key, count in asked.items() if count < 4} == {"m12-u06": 3}
    outcomes = {outcome.key for module in delivered.modules for outcome in module.outcomes}
    assert {each.item.outcome for each in delivered.items()} == outcomes


def test_the_banks_have_the_sizes_of_the_dossier(delivered: Course) -> None:
    tests = [each.item for each in delivered.tests.bank.items]

    assert Counter(item.form for item in tests) == {"A": 40, "B": 40, "C": 40}
    assert {len(item.options) for item in tests} == {4}
    levels = {form: Counter(item.level for item in tests if item.form == form) for form in "ABC"}
    assert levels["A"] == levels["B"] == levels["C"]
    assert levels["A"]["aplicar"] == 22
    rings = {
        module.key: len(module.bypass.items) for module in delivered.modules if module.bypass is not None
    }
    assert set(rings) == set(MAP) - {"m01"}
    assert min(rings.values()) >= 48
    assert {closing.area: len(closing.bank.items) for closing in delivered.closings} == {
        "emprendimiento": 48,
        "empleabilidad": 48,
    }


def test_each_place_holds_about_a_quarter_of_the_keys(delivered: Course) -> None:
    for bank in delivered.banks():
        places = Counter(
            next(index for index, option in enumerate(each.item.options) if option.is_correct)
            for each in bank.items
            if each.item.kind is ItemKind.SINGLE
        )
        shares = [places[index] / places.total() for index in range(4)]
        assert 0.2 <= min(shares) <= max(shares) <= 0.3, bank.key


@pytest.mark.parametrize("seed", [f"seed-{number}" for number in range(5)])
def test_the_forms_of_every_ring_use_it_up_without_a_repeat(delivered: Course, seed: str) -> None:
    for module in delivered.modules:
        bank = module.bypass
        if bank is None:
            continue
        ring = [RingItem(each.item.key, each.item.stratum or "") for each in bank.items]
        strata = [Stratum(key=stratum.key, per_form=stratum.per_form) for stratum in bank.strata]
        calculations = {each.item.key for each in bank.items if each.is_calculation}
        forms: list[tuple[str, ...]] = []
        while len(forms) * 12 < len(ring):
            forms.append(draw_form(ring, strata, history=forms, seed=seed, avoid=forms[-1] if forms else ()))

        assert [len(form) for form in forms] == [12] * (len(ring) // 12)
        assert {key for form in forms for key in form} == {each.key for each in ring}
        assert min(len(calculations & set(form)) for form in forms) >= module.min_calculations, module.key


def test_every_item_of_the_compiled_course_reads_back_and_scores_its_key(delivered: Course) -> None:
    items = [read_item(node) for block in blocks_of(delivered).values() for node in block.iter("item")]

    # The test bank stands in the pre-test and in the post-test.
    assert len(items) == len(delivered.items()) + len(delivered.tests.bank.items)
    for item in items:
        assert score_response(item, parse_response(item, solve(item), allow_unknown=False)).points == 1


def test_no_question_is_asked_in_two_places(delivered: Course) -> None:
    items = [each.item for each in delivered.items()]

    texts = [(item.stem, *(option.text for option in item.options)) for item in items]
    keys = [item.key for item in items]
    assert (len(set(texts)), len(set(keys))) == (len(texts), len(keys))


def test_feedback_of_practice_is_there_for_every_option_and_short(delivered: Course) -> None:
    feedback = {
        f"{each.item.key}/{option.key}": option.feedback
        for each in delivered.practice_items()
        if each.item.kind is ItemKind.SINGLE
        for option in each.item.options
    }

    assert [key for key, text in feedback.items() if not 1 < len(text.split()) <= 25] == []


def test_each_block_has_the_attributes_its_reader_takes(delivered: Course) -> None:
    blocks = blocks_of(delivered)

    assert {str(block.tag) for block in blocks.values()} == set(BLOCK_TYPES)
    for block in blocks.values():
        kind = str(block.tag)
        needed = {"url_name", "display_name", *ATTRIBUTES[kind]}
        assert needed <= set(block.attrib) <= needed | OPTIONAL.get(kind, frozenset())
    assert blocks["m06"].get("module_key") == "m06"
    assert blocks["m06-u03-leccion"].get("minutes") == "36"
    assert [node.get("kind") for node in blocks["m04-u03-leccion"].iter("section")] == [
        "objectives",
        "prediction",
        "text",
        "text",
        "text",
        "example",
        "activity",
        "closing",
    ]


def test_every_module_has_its_place_its_evaluation_and_its_deliverable(delivered: Course) -> None:
    tags = Counter(str(block.tag) for block in blocks_of(delivered).values())

    assert (tags["integra_module"], tags["integra_bypass"], tags["integra_deliverable"]) == (12, 11, 12)
    assert tags["integra_test"] == 4  # before, after and one closing of each area


def test_cost_sheet_reckons_the_worked_example_of_the_lesson(delivered: Course) -> None:
    block = blocks_of(delivered)["m06-hoja-de-costos"]
    definition = read_definition(json.loads(block.get("definition", "")))
    fixed = [("Arriendo", "60"), ("Transporte", "24"), ("Celular", "12"), ("Cocina", "9"), ("Mi pago", "300")]
    variable = [("Masa", "0,18"), ("Relleno", "0,22"), ("Aceite y gas", "0,10"), ("Funda", "0,05")]
    document = {
        "values": {
            "producto": "Empanadas",
            "unidad": "empanadas",
            "fijos": [{"concepto": name, "monto": amount, "estimado": False} for name, amount in fixed],
            "variables": [{"concepto": name, "monto": amount, "estimado": True} for name, amount in variable],
            "precio": "1,00",
            "justificacion": "Me cuesta 0,55 y otros cobran 1 dólar.",
            "dias": "25",
            "ventas_hoy": "30",
            "precio_prueba": "1,10",
            "fuente": "Mi cuaderno de marzo.",
            "decision": "Subo a 1,10 porque así necesito 737 al mes.",
            "accion": "Pregunto a diez clientes.",
            "accion_fecha": "El lunes",
            "accion_indicador": "Cuántos aceptan",
            "primer_paso": True,
        },
        "self_check": ["mi-pago"],
    }

    totals = compute(definition, read_document(definition, document))

    assert totals == {
        "total_fijos": Decimal(405),
        "total_variable": Decimal("0.55"),
        "margen": Decimal("0.45"),
        "equilibrio_mes": Decimal(900),
        "equilibrio_dolares": Decimal(900),
        "equilibrio_dia": Decimal(36),
        "diferencia": Decimal(6),
        "equilibrio_prueba": Decimal(737),
    }


def test_no_field_asks_for_personal_data(delivered: Course) -> None:
    labels = [
        field["label"].casefold()
        for module in delivered.modules
        if module.deliverable is not None
        for section in module.deliverable.definition["sections"]
        for field in section["fields"]
    ]

    assert len(labels) >= 150
    for word in (
        "cédula",
        "pasaporte",
        "mi dirección",
        "teléfono",
        "migratoria",
        "nacionalidad",
        "nombre completo",
    ):
        assert [label for label in labels if word in label] == []


def test_tables_have_caption_and_headers_for_columns_and_rows(delivered: Course) -> None:
    html = "".join(section.html for unit in delivered.units() for section in unit.sections)
    tables = etree.HTML(html).findall(".//table")

    assert len(tables) >= 65
    for table in tables:
        assert table.findtext("caption")
        headings = table.findall("thead/tr/th")
        assert {cell.get("scope") for cell in headings} == {"col"}
        assert all("".join(cell.itertext()).strip() for cell in headings)
        assert all(row[0].tag == "th" and row[0].get("scope") == "row" for row in table.iterfind("tbody/tr"))


@pytest.mark.parametrize("key", ["curso", "emprendimiento", "empleabilidad"])
def test_the_record_asks_for_what_the_certificate_asks_for(delivered: Course, key: str) -> None:
    manifest = parse_manifest(build_manifest(delivered))
    found = {each.key: each for each in list_achievements(manifest)}
    policy = yaml.safe_load((POLICIES / f"{key}.yaml").read_text("utf-8"))

    assert set(found) == set(manifest.achievements)
    assert found[key].module_keys == tuple(module["key"] for module in policy["modules"])
    assert found[key].area == policy.get("area", "")
    if found[key].area:
        assert found[key].title == policy["name"]["es"]


def test_policies_switch_off_what_would_contradict_the_programme(delivered: Course) -> None:
    files = compile_course(delivered, dict.fromkeys(delivered.static_files, b""))

    policy = json.loads(files["policies/demo/policy.json"])["course/demo"]
    assert policy["advanced_modules"] == list(BLOCK_TYPES)
    assert (policy["cert_html_view_enabled"], policy["certificates"]) == (False, {"certificates": []})
    assert (policy["self_paced"], policy["mobile_available"], policy["language"]) == (True, True, "es-419")
    grading = json.loads(files["policies/demo/grading_policy.json"])
    assert [(part["type"], part["min_count"]) for part in grading["GRADER"]] == [
        ("Módulos", 12),
        ("Entregables", 12),
        ("Prueba final", 1),
    ]
    assert b'hide_from_toc="true"' in files["sequential/facilitacion-mesa.xml"]


def test_course_never_advertises_money(delivered: Course) -> None:
    files = compile_course(delivered, dict.fromkeys(delivered.static_files, b""))
    text = b"".join(files.values()).decode().casefold()

    for word in ("capital semilla", "financiamiento", "subsidio"):
        assert word not in text
