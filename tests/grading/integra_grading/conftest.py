"""One small course that is right in every part, for tests to bend."""

from __future__ import annotations

from typing import Any

import pytest

from integra_grading.items import bank_digest
from integra_grading.manifest import Manifest, manifest_digest, parse_manifest
from integra_grading.rubric import Rubric


def _criterion(key: str, *, must_be_positive: bool = False) -> dict[str, Any]:
    levels = [{"points": points, "text": f"Nivel {points}"} for points in (0, 1, 2)]
    return {"key": key, "title": key, "must_be_positive": must_be_positive, "levels": levels}


def _unit(key: str, minutes: int, *, always_required: bool = False) -> dict[str, Any]:
    practices = [{"key": f"{key}-practica", "items": [f"{key}-q1", f"{key}-q2"]}]
    return {
        "key": key,
        "title": key,
        "minutes": minutes,
        "always_required": always_required,
        "practices": practices,
    }


def _bank(bank_id: str, kind: str, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    value = bank_digest((item["key"], item["digest"]) for item in items)
    return {
        "id": bank_id,
        "kind": kind,
        "public": True,
        "digest": value,
        "items": items,
        "strata": [],
        **more,
    }


def sign(raw: dict[str, Any]) -> dict[str, Any]:
    """Give a bent manifest the digest it would have."""
    return {**raw, "digest": manifest_digest(raw)}


@pytest.fixture
def resign():
    return sign


@pytest.fixture
def raw_manifest() -> dict[str, Any]:
    test_items = [{"key": f"pp-{n}-{f}", "digest": f"d{n}{f}", "form": f} for f in "AB" for n in range(8)]
    ring_items = [
        {"key": f"r-{stratum}-{n}", "digest": f"r{stratum}{n}", "stratum": stratum}
        for stratum in ("6.1", "6.2", "6.3")
        for n in range(8)
    ]
    strata = [{"key": stratum, "per_form": 4} for stratum in ("6.1", "6.2", "6.3")]
    return sign(
        {
            "schema": "integra.manifest/1",
            "course": {"key": "cap40", "title": "Economía para tu negocio", "language": "es-419"},
            "achievements": ["demo"],
            "areas": [{"key": "demo", "modules": ["m04", "m06"]}],
            "modules": [
                {
                    "key": "m04",
                    "title": "Ideación",
                    "minutes": 72,
                    "can_be_bypassed": False,
                    "outcomes": [{"key": "4.3", "text": "Formula una apuesta comprobable."}],
                    "units": [_unit("m04-u03", 72)],
                    "deliverable": None,
                },
                {
                    "key": "m06",
                    "title": "Costos",
                    "minutes": 66,
                    "can_be_bypassed": True,
                    "outcomes": [{"key": key, "text": key} for key in ("6.1", "6.2", "6.3")],
                    "units": [_unit("m06-u03", 36), _unit("m06-u04", 30, always_required=True)],
                    "deliverable": {
                        "key": "m06-hoja-de-costos",
                        "title": "Hoja de costos",
                        "due": "always",
                        "accepted_by": "facilitator",
                        "rubric_version": "rubrica-1",
                        "document": "punto_de_equilibrio",
                    },
                },
            ],
            "rubrics": [
                {
                    "version": "rubrica-1",
                    "cut": 5,
                    "max_score": 8,
                    "criteria": [
                        _criterion("datos_propios", must_be_positive=True),
                        _criterion("procedimiento"),
                        _criterion("decision"),
                        _criterion("accion"),
                    ],
                }
            ],
            "tests": {
                "pre": {"forms": ["A", "B"], "max_score": 8, "minutes": 10},
                "post": {
                    "forms": ["A", "B"],
                    "max_score": 8,
                    "minutes": 10,
                    "cut": 6,
                    "max_attempts": 2,
                    "wait_hours": 48,
                },
            },
            "blueprint": [{"outcome": "4.3", "items": 4}, {"outcome": "6.3", "items": 4}],
            "bypass": {
                "form_items": 12,
                "exempt_at": 10,
                "take_at_most": 6,
                "second_exempt_at": 18,
                "max_sittings": 2,
                "window_months": 12,
                "wait_days": 30,
                "valid_months": 24,
                "minutes": 15,
            },
            "banks": [
                _bank("prueba-demo", "test", test_items),
                _bank("anillo-m06", "bypass", ring_items, module="m06", strata=strata),
            ],
        }
    )


@pytest.fixture
def manifest(raw_manifest: dict[str, Any]) -> Manifest:
    return parse_manifest(raw_manifest)


@pytest.fixture
def rubric(manifest: Manifest) -> Rubric:
    return manifest.rubrics[0]


@pytest.fixture
def raw_single() -> dict[str, Any]:
    return {
        "key": "m06-u03-q2",
        "kind": "single",
        "outcome": "6.3",
        "level": "aplicar",
        "stem": "<p>¿Cuántos jugos debe vender?</p>",
        "options": [
            {
                "key": "a",
                "text": "180",
                "feedback": "Dividiste para el precio.",
                "error": "dividio_para_precio",
            },
            {"key": "b", "text": "300", "feedback": "270 ÷ 0,90 = 300.", "correct": True},
            {
                "key": "c",
                "text": "450",
                "feedback": "Dividiste para el costo.",
                "error": "dividio_para_costo",
            },
        ],
        "form": "A",
        "twin": "pp-02",
        "stratum": "6.3",
    }


@pytest.fixture
def raw_numeric() -> dict[str, Any]:
    return {
        "key": "m06-u03-q5",
        "kind": "numeric",
        "outcome": "6.3",
        "level": "aplicar",
        "stem": "¿Cuál es el margen?",
        "answer": {"value": "0.45", "absolute": "0.01", "unit": "dólares"},
        "feedback": {"correct": "1,00 − 0,55.", "wrong": "Resta el costo variable del precio."},
    }


@pytest.fixture
def raw_definition() -> dict[str, Any]:
    concept = {"key": "concepto", "kind": "text", "label": "Concepto"}
    amount = {"key": "monto", "kind": "money", "label": "Dólares"}
    estimated = {"key": "estimado", "kind": "flag", "label": "E"}
    costs = [
        {
            "key": "fijos",
            "kind": "table",
            "label": "Costos fijos de un mes",
            "min_rows": 1,
            "max_rows": 12,
            "columns": [concept, amount, estimated],
            "examples": ["Arriendo del puesto"],
        },
        {
            "key": "total_fijos",
            "kind": "computed",
            "label": "Total",
            "format": "money",
            "formula": "suma(fijos.monto)",
        },
        {"key": "precio", "kind": "money", "label": "Precio", "required": True},
        {"key": "costo", "kind": "number", "label": "Costo variable", "required": True},
        {"key": "dias", "kind": "integer", "label": "Días"},
        {
            "key": "margen",
            "kind": "computed",
            "label": "Margen",
            "format": "money",
            "formula": "precio - costo",
        },
        {
            "key": "equilibrio_mes",
            "kind": "computed",
            "label": "Equilibrio",
            "format": "units",
            "formula": "techo(total_fijos / margen)",
            "needs": "margen > 0",
            "otherwise": "Cada venta te hace perder.",
        },
        {
            "key": "equilibrio_dia",
            "kind": "computed",
            "label": "Por día",
            "format": "units",
            "formula": "techo(equilibrio_mes / dias)",
        },
    ]
    decision = [
        {"key": "tiene_registro", "kind": "flag", "label": "Tengo registro"},
        {
            "key": "justificacion",
            "kind": "text",
            "label": "Mi decisión",
            "max_length": 40,
            "required": True,
            "help": "En una frase.",
        },
    ]
    return {
        "key": "m06-hoja-de-costos",
        "version": 1,
        "title": "Hoja de costos",
        "intro": "Con tus números.",
        "sections": [
            {"key": "fijos", "title": "Costos", "help": "", "fields": costs},
            {"key": "decision", "title": "Decisión", "fields": decision},
        ],
        "self_check": [
            {"key": "mi-pago", "text": "¿Está tu pago?"},
            {"key": "redondeo", "text": "¿Redondeaste?"},
        ],
    }


@pytest.fixture
def raw_document() -> dict[str, Any]:
    rows = [
        ("Arriendo", "60"),
        ("Transporte", "24"),
        ("Celular", "$ 12"),
        ("Desgaste", "9,00"),
        ("Mi pago", "300"),
    ]
    return {
        "values": {
            "fijos": [
                {"concepto": concept, "monto": amount, "estimado": concept == "Desgaste"}
                for concept, amount in rows
            ],
            "precio": "1,00",
            "costo": "0,55",
            "dias": "25",
            "tiene_registro": True,
            "justificacion": "Subo a 1,10 en marzo.",
        },
        "self_check": ["mi-pago"],
    }
