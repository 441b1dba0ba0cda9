"""Definitions, documents and what is computed from them."""

import copy
from decimal import Decimal

import pytest

from integra_grading.deliverables import (
    ComputedField,
    DocumentError,
    Problem,
    compute,
    is_self_check_complete,
    read_definition,
    read_document,
    read_draft,
    without_words,
)
from integra_grading.errors import DefinitionError


@pytest.fixture
def definition(raw_definition):
    return read_definition(raw_definition)


def _problems(definition, raw):
    with pytest.raises(DocumentError) as caught:
        read_document(definition, raw)
    assert caught.value.code == "document_invalid"
    assert all(problem.message for problem in caught.value.problems)
    return [(problem.code, problem.field, problem.row) for problem in caught.value.problems]


# Definition


def test_definition_comes_back_from_its_json(raw_definition):
    definition = read_definition(raw_definition)
    del raw_definition["sections"][0]["help"]  # empty is the same as absent
    raw_definition["sections"][0]["fields"][0]["columns"] = [
        dict(column) for column in raw_definition["sections"][0]["fields"][0]["columns"]
    ]
    assert definition.to_dict() == raw_definition
    assert read_definition(definition.to_dict()) == definition


def test_formulas_are_ready_for_the_page(definition):
    ceiling = next(field for field in definition.fields if field.key == "equilibrio_mes")
    assert isinstance(ceiling, ComputedField)
    assert ceiling.formula.node.to_json() == ["techo", ["/", ["name", "total_fijos"], ["name", "margen"]]]
    assert ceiling.needs.node.to_json() == [">", ["name", "margen"], ["number", "0"]]


def _field(raw, index=0, section=0):
    return raw["sections"][section]["fields"][index]


def _set(key, value, index=0, section=0):
    return lambda raw: _field(raw, index, section).__setitem__(key, value)


@pytest.mark.parametrize(
    ("bend", "code", "field"),
    [
        (lambda raw: raw.update(extra=1), "unknown_key", "extra"),
        (lambda raw: raw.pop("title"), "missing_key", "title"),
        (lambda raw: raw.update(version=True), "wrong_type", "version"),
        (lambda raw: raw.update(sections=[]), "wrong_length", "sections"),
        (lambda raw: raw["sections"].append(raw["sections"][0]), "duplicate_key", "sections.fijos"),
        (
            lambda raw: raw["self_check"].append(raw["self_check"][0]),
            "duplicate_key",
            "self_check.mi-pago",
        ),
        (_set("key", "precio", 0, 1), "duplicate_key", "fields.precio"),
        (_set("key", "techo", 4), "reserved_key", "techo"),
        (_set("key", "Precio", 2), "wrong_form", "sections[0].fields[2].key"),
        (_set("kind", "essay"), "unknown_value", "sections[0].fields[0].kind"),
        (_set("kind", None), "unknown_value", "sections[0].fields[0].kind"),
        (_set("min_rows", 13), "contradiction", "fijos.min_rows"),
        (
            lambda raw: _field(raw)["columns"].append(_field(raw)["columns"][0]),
            "duplicate_key",
            "fijos.columns.concepto",
        ),
        (_set("formula", "eval(1)", 1), "unknown_function", "sections[0].fields[1].formula"),
        (_set("formula", "1 +", 1), "bad_formula", "sections[0].fields[1].formula"),
        (_set("formula", 5, 1), "wrong_type", "sections[0].fields[1].formula"),
        (_set("formula", "suma(fijos.concepto)", 1), "unknown_reference", "total_fijos"),
        (_set("formula", "suma(fijos.estimado)", 1), "unknown_reference", "total_fijos"),
        (_set("formula", "precio", 1), "unknown_reference", "total_fijos"),
        (_set("formula", "total_fijos", 1), "unknown_reference", "total_fijos"),
        (_set("formula", "fijos", 5), "unknown_reference", "margen"),
        (_set("needs", "margen", 6), "bad_formula", "sections[0].fields[6].needs"),
        (_set("needs", "otro > 0", 6), "unknown_reference", "equilibrio_mes"),
        (_set("options", [], 2), "unknown_key", "sections[0].fields[2].options"),
        (lambda raw: raw["sections"][0].update(fields=["x"]), "not_an_object", "sections[0].fields[0]"),
    ],
)
def test_definition_is_refused(raw_definition, bend, code, field):
    bend(raw_definition)
    with pytest.raises(DefinitionError) as caught:
        read_definition(raw_definition)
    assert (caught.value.code, caught.value.field) == (code, field)


# Document


def test_document_is_read_and_computed_like_the_lesson(definition, raw_document):
    document = read_document(definition, raw_document)
    assert document.values["precio"] == Decimal("1.00")
    assert document.values["dias"] == 25
    assert document.values["tiene_registro"] is True
    assert document.values["fijos"][3] == {"concepto": "Desgaste", "monto": Decimal("9.00"), "estimado": True}
    assert document.self_check == ("mi-pago",)
    assert compute(definition, document) == {
        "total_fijos": Decimal("405.00"),
        "margen": Decimal("0.45"),
        "equilibrio_mes": 900,
        "equilibrio_dia": 36,
    }


def test_document_comes_back_from_its_stored_form(definition, raw_document):
    raw_document["values"]["justificacion"] = "  Subo el precio en man\u0303ana.\r\n"
    raw_document["values"]["fijos"].insert(1, {"concepto": " ", "monto": "", "estimado": False})
    document = read_document(definition, raw_document)
    assert document.to_dict()["values"]["justificacion"] == "Subo el precio en mañana."
    assert len(document.to_dict()["values"]["fijos"]) == 5
    assert read_document(definition, document.to_dict()) == document


def test_without_margin_there_is_no_break_even_point(definition, raw_document):
    raw_document["values"]["costo"] = "1,00"
    computed = compute(definition, read_document(definition, raw_document))
    assert (computed["margen"], computed["equilibrio_mes"], computed["equilibrio_dia"]) == (0, None, None)


def test_what_may_be_left_out_is_none(definition, raw_document):
    for key in ("dias", "tiene_registro"):
        del raw_document["values"][key]
    document = read_document(definition, raw_document)
    assert (document.values["dias"], document.values["tiene_registro"]) == (None, False)
    assert compute(definition, document)["equilibrio_dia"] is None


def test_self_check_is_optional_and_counts_once(definition, raw_document):
    del raw_document["self_check"]
    assert not is_self_check_complete(definition, read_document(definition, raw_document))
    raw_document["self_check"] = ["redondeo", "mi-pago", "mi-pago"]
    document = read_document(definition, raw_document)
    assert document.self_check == ("mi-pago", "redondeo")
    assert is_self_check_complete(definition, document)


def test_every_problem_is_told_at_once(definition, raw_document):
    raw_document["values"] = {
        "fijos": [
            {"concepto": "", "monto": "5", "estimado": False},
            {"concepto": "", "monto": ""},
            {"concepto": "Luz", "monto": "cinco", "estimado": "sí", "otro": "x"},
            ["Agua", "3"],
            {"concepto": "Gas\nAgua", "monto": 5},
        ],
        "precio": "-1",
        "costo": "0,12345",
        "dias": "2,5",
        "tiene_registro": "true",
        "justificacion": "x" * 41,
        "total_fijos": "999",
        "margen\x00": "1",
    }
    assert _problems(definition, raw_document) == [
        ("missing", "fijos.concepto", 0),
        ("not_a_number", "fijos.monto", 2),
        ("wrong_type", "fijos.estimado", 2),
        ("unknown_field", "fijos.otro", 2),
        ("wrong_type", "fijos", 3),
        ("bad_character", "fijos.concepto", 4),
        ("wrong_type", "fijos.monto", 4),
        ("negative_number", "precio", None),
        ("too_many_decimals", "costo", None),
        ("too_many_decimals", "dias", None),
        ("wrong_type", "tiene_registro", None),
        ("text_too_long", "justificacion", None),
        ("unknown_field", "total_fijos", None),
        ("unknown_field", "?", None),
    ]


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("precio", "", "missing"),
        ("precio", None, "missing"),
        ("precio", 1, "wrong_type"),
        ("precio", "1.013,555", "too_many_decimals"),
        ("precio", "1" * 25, "too_long"),
        ("justificacion", "   ", "missing"),
        ("justificacion", ["a"], "wrong_type"),
        ("justificacion", "a\x00", "bad_character"),
        ("justificacion", "\ud83d", "bad_character"),
        ("justificacion", "x" * 10_001, "text_too_long"),
        ("fijos", None, "too_few_rows"),
        ("fijos", [{"concepto": "", "monto": " "}], "too_few_rows"),
        ("fijos", "no", "wrong_type"),
        ("fijos", {}, "wrong_type"),
        ("fijos", [{"concepto": "a", "monto": "1"}] * 13, "too_many_rows"),
        ("fijos", [{}] * 61, "too_many_rows"),
    ],
)
def test_one_bad_value_is_one_problem(definition, raw_document, key, value, code):
    raw_document["values"][key] = value
    assert _problems(definition, raw_document) == [(code, key, None)]


def test_a_document_may_be_as_large_as_its_form_allows(definition, raw_document):
    raw_document["values"]["fijos"] = [{"concepto": "x" * 120, "monto": "1"}] * 12 + [{}] * 48
    raw_document["values"]["justificacion"] = "x" * 40
    assert len(read_document(definition, raw_document).values["fijos"]) == 12


def test_help_may_have_lines(raw_definition):
    raw_definition["intro"] = "Uno.\nDos."
    assert read_definition(raw_definition).intro == "Uno.\nDos."


def test_unknown_keys_are_reported_in_bounded_number(definition, raw_document):
    raw_document["values"] |= {f"x{number}": "" for number in range(5000)}
    assert len(_problems(definition, raw_document)) == 10


def test_an_unknown_line_of_the_self_check_is_refused(definition, raw_document):
    raw_document["self_check"] = ["otra", {"a": 1}]
    assert _problems(definition, raw_document) == [("unknown_field", "self_check", None)]


@pytest.mark.parametrize(
    "read", [lambda raw, definition: read_document(definition, raw), lambda raw, _: read_draft(raw)]
)
@pytest.mark.parametrize(
    ("raw", "code", "field"),
    [
        (None, "not_an_object", ""),
        ([], "not_an_object", ""),
        ("{}", "not_an_object", ""),
        ({}, "not_an_object", "values"),
        ({"values": []}, "not_an_object", "values"),
        ({"values": {}, "score": 8}, "not_an_object", ""),
        ({"values": {}, "self_check": "mi-pago"}, "wrong_type", "self_check"),
        ({"values": {}, "self_check": ["a"] * 101}, "wrong_type", "self_check"),
    ],
)
def test_another_shape_is_one_problem(definition, read, raw, code, field):
    with pytest.raises(DocumentError) as caught:
        read(raw, definition)
    assert [(p.code, p.field, p.row) for p in caught.value.problems] == [(code, field, None)]


def test_optional_column_may_stay_blank(raw_definition, raw_document):
    raw_definition["sections"][0]["fields"][0]["columns"][1]["required"] = False
    raw_document["values"]["fijos"] = [{"concepto": "Luz"}, {"concepto": "Agua", "monto": "3"}]
    definition = read_definition(raw_definition)
    document = read_document(definition, raw_document)
    assert document.values["fijos"][0]["monto"] is None
    assert compute(definition, document)["total_fijos"] == 3


# Draft


def test_draft_keeps_unfinished_work_as_it_is(raw_document):
    raw_document["values"]["precio"] = "uno y med"
    before = copy.deepcopy(raw_document)
    assert read_draft(raw_document) == before
    assert read_draft({"values": {}}) == {"values": {}, "self_check": []}


def test_draft_may_be_as_large_as_it_gets():
    row = {f"k{n}": "" for n in range(100)}
    values = {"a": [row] * 60, "b": "x" * 4000} | {f"k{n}": True for n in range(98)}
    draft = {"values": values, "self_check": ["c"] * 100}
    assert read_draft(draft) == draft


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"a": None}, "wrong_type"),
        ({"a": 1}, "wrong_type"),
        ({"a": float("nan")}, "wrong_type"),
        ({"a": {}}, "wrong_type"),
        ({"a": ["x"]}, "wrong_type"),
        ({"a": [{"b": ["c"]}]}, "wrong_type"),
        ({"a": [{f"k{n}": "" for n in range(101)}]}, "wrong_type"),
        ({"a": [{}] * 61}, "too_many_rows"),
        ({"a": "x" * 4001}, "text_too_long"),
        ({"a": [{"b": "x" * 4001}]}, "text_too_long"),
        ({"a": "\x00"}, "bad_character"),
        ({"a": [{"b": "\udc00"}]}, "bad_character"),
        ({"clave con espacio": ""}, "unknown_field"),
        ({"a": [{"": "x"}]}, "unknown_field"),
        ({f"k{n}": "" for n in range(101)}, "unknown_field"),
    ],
)
def test_draft_refuses(values, code):
    with pytest.raises(DocumentError) as caught:
        read_draft({"values": values})
    assert [problem.code for problem in caught.value.problems] == [code]


def test_draft_refuses_self_check_lines_that_are_no_keys():
    with pytest.raises(DocumentError):
        read_draft({"values": {}, "self_check": [5]})


def test_problem_says_what_to_do():
    with pytest.raises(DocumentError) as caught:
        read_draft({"values": {"a": "x" * 4001}})
    assert caught.value.problems == (Problem("text_too_long", "a", None, "Usa hasta 4000 caracteres."),)


def test_without_words_figures_and_ticks_stay_and_it_can_still_be_read(definition, raw_document):
    document = read_document(definition, raw_document)
    forgotten = without_words(definition, document.raw)
    again = read_document(definition, forgotten)
    texts = [value for value in walk(document.raw["values"]) if isinstance(value, str) and value.strip()]
    words = [text for text in texts if any(letter.isalpha() for letter in text)]
    assert words
    assert not any(word in walk(forgotten["values"]) for word in words)
    assert again.self_check == document.self_check
    assert compute(definition, again) == compute(definition, document)
    assert without_words(definition, forgotten) == forgotten


def walk(value):
    if isinstance(value, dict):
        return [part for inner in value.values() for part in walk(inner)]
    if isinstance(value, list):
        return [part for inner in value for part in walk(inner)]
    return [value]
