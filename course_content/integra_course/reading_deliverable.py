"""Reading the form of a deliverable into the definition that blocks and gradebook use (docs/interfaces.md §4)."""

from __future__ import annotations

from typing import Any

from integra_course.schema import NAME, Fields
from integra_grading.arithmetic import Comparison, Node, columns_of, names_of, parse_comparison, parse_formula
from integra_grading.errors import FormulaError

FIELD_KINDS = {
    "texto": "text",
    "dinero": "money",
    "numero": "number",
    "entero": "integer",
    "marca": "flag",
    "tabla": "table",
    "calculado": "computed",
}
COLUMN_KINDS = {written: kind for written, kind in FIELD_KINDS.items() if kind not in ("table", "computed")}
FORMATS = {"dinero": "money", "unidades": "units"}
NUMBER_KINDS = ("money", "number", "integer")


class _Names:
    """What a formula may read: the number fields and table columns above it."""

    def __init__(self) -> None:
        self.fields: set[str] = set()
        self.columns: set[tuple[str, str]] = set()
        self.keys: set[str] = set()
        self.is_complete = True


def read_definition(fields: Fields) -> dict[str, Any]:
    """Return the definition; where something was refused, what could be read of it."""
    names = _Names()
    definition: dict[str, Any] = {
        "key": fields.slug("clave"),
        "version": fields.integer("version", 1, 10_000),
        "title": fields.text("titulo", max_length=120),
        "intro": fields.text("introduccion", max_length=1000),
        "sections": [_read_section(section, names) for section in fields.groups("secciones")],
        "self_check": [_read_check(check) for check in fields.groups("lista_de_revision")],
    }
    fields.finish()
    return definition


def _read_section(fields: Fields, names: _Names) -> dict[str, Any]:
    section: dict[str, Any] = {
        "key": fields.slug("clave", NAME),
        "title": fields.text("titulo", max_length=120),
    }
    if fields.has("ayuda"):
        section["help"] = fields.text("ayuda", max_length=400)
    else:
        fields.text("ayuda", is_required=False)
    section["fields"] = [_read_field(field, names) for field in fields.groups("campos")]
    fields.finish()
    return section


def _read_check(fields: Fields) -> dict[str, Any]:
    check = {"key": fields.slug("clave"), "text": fields.text("texto", max_length=200)}
    fields.finish()
    return check


def _read_field(fields: Fields, names: _Names) -> dict[str, Any]:
    key = fields.slug("clave", NAME)
    kind = fields.choice("tipo", FIELD_KINDS)
    field: dict[str, Any] = {"key": key, "kind": kind, "label": fields.text("etiqueta", max_length=200)}
    if key in names.keys:
        fields.refuse("clave", "duplicate_key", f"Otro campo se llama «{key}». Ponle otro nombre.")
    names.keys.add(key)
    if kind == "table":
        _read_table(fields, field, names)
    elif kind == "computed":
        _read_computed(fields, field, names)
        names.fields.add(key)
    else:
        if kind != "flag" and fields.flag("obligatorio"):
            field["required"] = True
        if kind == "text":
            field["max_length"] = fields.integer("maximo", 1, 4000)
        names.is_complete = names.is_complete and fields.is_good()
        if kind in NUMBER_KINDS:
            names.fields.add(key)
    fields.finish()
    return field


def _read_table(fields: Fields, field: dict[str, Any], names: _Names) -> None:
    field["min_rows"] = fields.integer("filas_minimas", 0, 50)
    field["max_rows"] = fields.integer("filas_maximas", 1, 50)
    if field["min_rows"] > field["max_rows"]:
        fields.refuse("filas_minimas", "out_of_range", "Pasa de «filas_maximas». Escribe un número menor.")
    columns: list[dict[str, Any]] = []
    for column in fields.groups("columnas"):
        read = {
            "key": column.slug("clave", NAME),
            "kind": column.choice("tipo", COLUMN_KINDS),
            "label": column.text("etiqueta", max_length=80),
        }
        if read["key"] in [each["key"] for each in columns]:
            column.refuse(
                "clave", "duplicate_key", f"Otra columna se llama «{read['key']}». Ponle otro nombre."
            )
        column.finish()
        columns.append(read)
        names.is_complete = names.is_complete and column.is_good()
        if read["kind"] in NUMBER_KINDS:
            names.columns.add((str(field["key"]), read["key"]))
    field["columns"] = columns
    examples = fields.texts("ejemplos", is_required=False, max_length=80)
    if examples:
        field["examples"] = list(examples)


def _read_computed(fields: Fields, field: dict[str, Any], names: _Names) -> None:
    field["format"] = fields.choice("formato", FORMATS)
    field["formula"] = fields.text("formula", max_length=200)
    _check_formula(fields, "formula", field["formula"], names)
    needs = fields.text("necesita", max_length=200, is_required=False)
    otherwise = fields.text("si_no", max_length=300, is_required=False)
    if bool(needs) != bool(otherwise):
        missing = "si_no" if needs else "necesita"
        fields.refuse("clave", "missing_key", f"Falta «{missing}»: «necesita» y «si_no» van juntos.")
    if needs:
        _check_formula(fields, "necesita", needs, names)
        field["needs"] = needs
        field["otherwise"] = otherwise


def _check_formula(fields: Fields, key: str, text: str, names: _Names) -> None:
    if not text:
        return
    try:
        node: Node | Comparison = parse_comparison(text) if key == "necesita" else parse_formula(text)
    except FormulaError as error:
        fields.refuse(
            key,
            "bad_formula",
            f"La fórmula no se entiende ({error.message}) Usa campos de arriba, + - * / ( ), suma(), techo().",
        )
        return
    if not names.is_complete:
        return
    for name in sorted(names_of(node) - names.fields):
        fields.refuse(
            key, "unknown_field", f"No hay arriba un campo de número «{name}». Revisa el nombre o el orden."
        )
    for table, column in sorted(columns_of(node) - names.columns):
        fields.refuse(
            key, "unknown_field", f"No hay arriba una columna de número «{table}.{column}». Revisa el nombre."
        )
