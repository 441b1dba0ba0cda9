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

from integra_course.model import Course
from integra_course.olx import BLOCK_TYPES, compile_course
from integra_course.olx_check import ATTRIBUTES
from integra_grading.deliverables import compute, read_definition, read_document
from integra_grading.items import ItemKind, parse_response, score_response
from integra_grading.olx import read_item
from integra_grading.ring import RingItem, Stratum, draw_form

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


def test_every_number_in_options_and_keys_is_what_its_calculation_gives(slice_root: Path) -> None:
    roots = [slice_root, *(slice_root.parent / "ahead").iterdir()]  # modules written ahead are recomputed too
    found = [each for root in roots for each in calculations(root)]

    assert len(found) >= 220
    assert [
        (key, printed) for key, formula, printed in found if evaluate(formula) != read_spanish(printed)
    ] == []


def test_test_bank_has_two_twin_forms_of_eight_items_with_four_options(slice_course: Course) -> None:
    items = [each.item for each in slice_course.tests.bank.items]

    assert Counter(item.form for item in items) == {"A": 8, "B": 8, "C": 8}
    assert {len(item.options) for item in items} == {4}
    outcomes = {form: sorted(item.outcome for item in items if item.form == form) for form in "AB"}
    assert outcomes["A"] == outcomes["B"] == ["4.3", "4.4", "4.4", "4.6", "6.1", "6.2", "6.3", "6.5"]
    levels = {form: Counter(item.level for item in items if item.form == form) for form in "AB"}
    assert levels["A"] == levels["B"] == {"comprender": 1, "aplicar": 5, "analizar": 2}


def test_each_place_holds_a_quarter_of_the_keys(slice_course: Course) -> None:
    positions = Counter(
        next(index for index, option in enumerate(each.item.options) if option.is_correct)
        for each in slice_course.tests.bank.items
    )

    assert positions == {0: 6, 1: 6, 2: 6, 3: 6}


@pytest.mark.parametrize("seed", [f"seed-{number}" for number in range(20)])
def test_two_forms_of_the_ring_use_it_up_without_a_repeat(slice_course: Course, seed: str) -> None:
    bank = slice_course.modules[1].bypass
    assert bank is not None
    ring = [RingItem(each.item.key, each.item.stratum or "") for each in bank.items]
    strata = [Stratum(key=stratum.key, per_form=stratum.per_form) for stratum in bank.strata]
    numeric = {each.item.key for each in bank.items if each.item.kind is ItemKind.NUMERIC}

    first = draw_form(ring, strata, history=[], seed=seed)
    second = draw_form(ring, strata, history=[first], seed=seed, avoid=first)

    assert len(first) == len(second) == 12
    assert set(first) | set(second) == {each.key for each in ring}
    assert min(len(numeric & set(form)) for form in (first, second)) >= 3


def test_every_item_of_the_compiled_course_reads_back_and_scores_its_key(slice_course: Course) -> None:
    items = [read_item(node) for block in blocks_of(slice_course).values() for node in block.iter("item")]

    # The test bank stands in the pre-test and in the post-test.
    assert len(items) == 4 + 4 + 24 + 24 + 24
    for item in items:
        if item.kind is ItemKind.SINGLE:
            right = {"option": next(option.key for option in item.options if option.is_correct)}
        else:
            assert item.answer is not None
            right = {"number": f"{item.answer.value:f}".replace(".", ",")}
        assert score_response(item, parse_response(item, right, allow_unknown=False)).points == 1


def test_no_question_is_asked_in_two_places(slice_course: Course) -> None:
    practice = [each.item for unit in slice_course.units() for each in unit.practice.items]
    banked = [each.item for bank in slice_course.banks() for each in bank.items]

    stems = [item.stem for item in practice + banked]
    keys = [item.key for item in practice + banked]
    assert (len(set(stems)), len(set(keys))) == (len(stems), len(keys)) == (56, 56)


def test_feedback_of_practice_is_there_for_every_option_and_short(slice_course: Course) -> None:
    feedback = [
        option.feedback
        for unit in slice_course.units()
        for each in unit.practice.items
        for option in each.item.options
    ]

    assert len(feedback) == 24
    assert all(1 < len(text.split()) <= 25 for text in feedback)


def test_each_block_has_the_attributes_its_reader_takes(slice_course: Course) -> None:
    blocks = blocks_of(slice_course)

    assert {str(block.tag) for block in blocks.values()} == set(BLOCK_TYPES)
    for block in blocks.values():
        assert set(block.attrib) == {"url_name", "display_name", *ATTRIBUTES[str(block.tag)]}
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


def test_module_six_alone_can_be_bypassed_and_only_it_has_a_deliverable(slice_course: Course) -> None:
    tags = Counter(str(block.tag) for block in blocks_of(slice_course).values())

    assert (tags["integra_bypass"], tags["integra_deliverable"]) == (1, 1)
    assert [(module.key, module.can_be_bypassed) for module in slice_course.modules] == [
        ("m04", False),
        ("m06", True),
    ]


def test_cost_sheet_reckons_the_worked_example_of_the_lesson(slice_course: Course) -> None:
    block = blocks_of(slice_course)["m06-hoja-de-costos"]
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
        "equilibrio_dia": Decimal(36),
        "diferencia": Decimal(6),
        "equilibrio_prueba": Decimal(737),
    }


def test_no_field_asks_for_personal_data(slice_course: Course) -> None:
    deliverable = slice_course.modules[1].deliverable
    assert deliverable is not None
    labels = " ".join(
        field["label"] for section in deliverable.definition["sections"] for field in section["fields"]
    ).casefold()

    for word in ("cédula", "pasaporte", "dirección", "teléfono", "migratoria", "país", "nacionalidad"):
        assert word not in labels


def test_tables_have_caption_and_headers_for_columns_and_rows(slice_course: Course) -> None:
    html = "".join(section.html for unit in slice_course.units() for section in unit.sections)
    tables = etree.fromstring(f"<x>{html.replace('<br>', '<br/>')}</x>").findall(".//table")

    assert len(tables) == 4
    for table in tables:
        assert table.findtext("caption")
        assert {cell.get("scope") for cell in table.iterfind("thead/tr/th")} == {"col"}
        assert all(row[0].tag == "th" and row[0].get("scope") == "row" for row in table.iterfind("tbody/tr"))


def test_policies_switch_off_what_would_contradict_the_programme(slice_course: Course) -> None:
    files = compile_course(slice_course, dict.fromkeys(slice_course.static_files, b""))

    policy = json.loads(files["policies/demo/policy.json"])["course/demo"]
    assert policy["advanced_modules"] == list(BLOCK_TYPES)
    assert (policy["cert_html_view_enabled"], policy["certificates"]) == (False, {"certificates": []})
    assert (policy["self_paced"], policy["mobile_available"], policy["language"]) == (True, True, "es-419")
    grading = json.loads(files["policies/demo/grading_policy.json"])
    assert [(part["type"], part["min_count"]) for part in grading["GRADER"]] == [
        ("Módulos", 2),
        ("Entregables", 1),
        ("Prueba final", 1),
    ]
    assert b'hide_from_toc="true"' in files["sequential/facilitacion-mesa.xml"]


def test_course_never_advertises_money(slice_course: Course) -> None:
    files = compile_course(slice_course, dict.fromkeys(slice_course.static_files, b""))
    text = b"".join(files.values()).decode().casefold()

    for word in ("capital semilla", "financiamiento", "subsidio", "premio"):
        assert word not in text
