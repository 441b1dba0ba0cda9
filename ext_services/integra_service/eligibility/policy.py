"""A fund's policy: what it asks, and the sentences it answers with. Data of the city, typed strictly."""

import hashlib
import json
import re
import string
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from integra_service.lib.strictyaml import Reader, StrictYamlError

SCHEMA = "integra.capital/1"
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class PolicyError(ValueError):
    """The policy file cannot be used; the message names the place and what to write."""


class IfUnknown(StrEnum):
    """What follows when a fact is not known: never a refusal."""

    REVIEW = "revision"  # the team looks it up
    ASK = "pedir"  # the person is asked for it
    WAIT = "esperar"  # it comes by itself


class RuleState(StrEnum):
    """What is known of one requirement."""

    MET = "cumple"
    NOT_MET = "no_cumple"
    UNKNOWN = "sin_dato"


@dataclass(frozen=True, slots=True)
class CertificateTest:
    """Any of these achievements, in force."""

    achievements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResidenceTest:
    """Whole months of residence in the policy's zones, counted to the cut-off date."""

    minimum_months: int


@dataclass(frozen=True, slots=True)
class DeliveredTest:
    """A document handed in through the course and accepted."""

    document: str
    in_review: str  # sentence while nobody has rated it; may hold {version}


Test = CertificateTest | ResidenceTest | DeliveredTest


@dataclass(frozen=True, slots=True)
class Rule:
    """One requirement."""

    key: str
    title: str
    test: Test
    if_unknown: IfUnknown
    what_changes_it: dict[RuleState, str]
    source: str
    texts: dict[RuleState, str]


@dataclass(frozen=True, slots=True)
class Contest:
    """How and how long an outcome can be contested."""

    working_days: int
    decided_by: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """One immutable version of a fund's rules."""

    code: str
    version: int
    name: str
    cutoff_on: date
    rules: tuple[Rule, ...]
    contest: Contest
    digest: str


# Which blanks a rule's sentences may hold; another one is refused when the policy is read, not when somebody asks.
BLANKS: dict[type, dict[RuleState, frozenset[str]]] = {
    CertificateTest: {
        RuleState.MET: frozenset({"via"}),
        RuleState.NOT_MET: frozenset({"faltante"}),
        RuleState.UNKNOWN: frozenset(),
    },
    ResidenceTest: {
        RuleState.MET: frozenset({"valor", "minimo", "fecha_de_corte"}),
        RuleState.NOT_MET: frozenset({"valor", "minimo", "fecha_de_corte", "cuando"}),
        RuleState.UNKNOWN: frozenset({"minimo", "fecha_de_corte"}),
    },
    DeliveredTest: {
        RuleState.MET: frozenset({"version"}),
        RuleState.NOT_MET: frozenset({"version"}),
        RuleState.UNKNOWN: frozenset(),
    },
}


def parse_policy(raw: bytes, name: str) -> Policy:
    """Return the policy that ``raw`` spells, or raise PolicyError with the file, the place and what is expected."""
    reader = Reader(name)
    try:
        tree = reader.parse(raw)
        return _read_policy(reader, tree)
    except StrictYamlError as problem:
        raise PolicyError(str(problem)) from problem


def _read_policy(reader: Reader, tree: Any) -> Policy:
    top = reader.members(tree, "", {"esquema", "politica", "requisitos", "impugnacion"})
    reader.one_of(top, "esquema", {SCHEMA})
    head = reader.members(
        top["politica"], "politica", {"codigo", "version", "nombre", "fecha_de_corte", "zonas"}
    )
    reader.one_of(head, "zonas", {"todas_las_de_la_ciudad"}, "politica")
    rules = tuple(
        _read_rule(reader, item, f"requisitos[{position}]")
        for position, item in enumerate(reader.items(top, "requisitos"))
    )
    if len({rule.key for rule in rules}) != len(rules):
        reader.refuse("requisitos", "names one id twice")
    code = reader.text(head, "codigo", "politica")
    if not CODE.fullmatch(code):
        reader.refuse("politica.codigo", "must be up to 64 letters, digits and hyphens")
    return Policy(
        code=code,
        version=reader.whole(head, "version", "politica", low=1),
        name=reader.text(head, "nombre", "politica"),
        cutoff_on=_read_date(reader, head, "fecha_de_corte", "politica"),
        rules=rules,
        contest=_read_contest(reader, top["impugnacion"]),
        digest=hashlib.sha256(json.dumps(tree, sort_keys=True, ensure_ascii=False).encode()).hexdigest(),
    )


def _read_rule(reader: Reader, tree: Any, where: str) -> Rule:
    members = reader.members(
        tree, where, {"id", "titulo", "prueba", "si_falta_dato", "que_lo_cambiaria", "fuente", "textos"}
    )
    test = _read_test(reader, members["prueba"], f"{where}.prueba")
    changes = reader.members(members["que_lo_cambiaria"], f"{where}.que_lo_cambiaria", set(RuleState))
    texts = reader.members(members["textos"], f"{where}.textos", set(RuleState))
    for state in RuleState:
        _check_blanks(
            reader,
            reader.text(texts, state, f"{where}.textos"),
            BLANKS[type(test)][state],
            f"{where}.{state}",
        )
    return Rule(
        key=reader.text(members, "id", where),
        title=reader.text(members, "titulo", where),
        test=test,
        if_unknown=IfUnknown(reader.one_of(members, "si_falta_dato", set(IfUnknown), where)),
        what_changes_it={
            state: reader.text(changes, state, f"{where}.que_lo_cambiaria") for state in RuleState
        },
        source=reader.text(members, "fuente", where),
        texts={state: texts[state].strip() for state in RuleState},
    )


def _read_test(reader: Reader, tree: Any, where: str) -> Test:
    kind = tree.get("tipo") if isinstance(tree, dict) else None
    match kind:
        case "certificado_vigente":
            members = reader.members(tree, where, {"tipo", "programas"})
            return CertificateTest(reader.texts(members, "programas", where))
        case "meses_de_residencia":
            members = reader.members(tree, where, {"tipo", "minimo"})
            return ResidenceTest(reader.whole(members, "minimo", where, low=1, high=600))
        case "entregado":
            members = reader.members(tree, where, {"tipo", "documento", "en_revision"})
            in_review = reader.text(members, "en_revision", where)
            _check_blanks(reader, in_review, frozenset({"version"}), f"{where}.en_revision")
            return DeliveredTest(reader.text(members, "documento", where), in_review)
        case _:
            return reader.refuse(
                f"{where}.tipo", "must be certificado_vigente, meses_de_residencia or entregado"
            )


def _read_contest(reader: Reader, tree: Any) -> Contest:
    members = reader.members(tree, "impugnacion", {"plazo_dias_habiles", "resuelve", "canales"})
    return Contest(
        working_days=reader.whole(members, "plazo_dias_habiles", "impugnacion", low=1, high=365),
        decided_by=reader.text(members, "resuelve", "impugnacion"),
        channels=reader.texts(members, "canales", "impugnacion"),
    )


def _read_date(reader: Reader, members: dict[str, Any], key: str, where: str) -> date:
    text = reader.text(members, key, where)
    try:
        return date.fromisoformat(text)
    except ValueError:
        reader.refuse(f"{where}.{key}", "must be a date like 2026-12-31")


def _check_blanks(reader: Reader, text: str, allowed: frozenset[str], where: str) -> None:
    try:
        blanks = {name for _, name, spec, conversion in string.Formatter().parse(text) if name is not None}
    except ValueError:
        reader.refuse(where, "has a brace that is neither opened nor closed")
    if not blanks <= allowed:
        known = ", ".join(f"{{{name}}}" for name in sorted(allowed)) or "none"
        reader.refuse(where, f"may hold these blanks only: {known}")
