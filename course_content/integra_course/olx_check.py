"""Checks of an unpacked OLX tree: ours, or one exported from Studio.

The platform imports several mistakes in silence: a pointer to a custom block comes up empty, of two blocks with one
url_name one is lost, a block that cannot be parsed vanishes from its unit, an unknown ``format`` never counts.
Here each is refused with its file and line. Works beside olxcleaner, which sees none of those four.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from integra_course.markup import REFERENCE
from integra_course.olx import BLOCK_TYPES, Element
from integra_course.problems import Place, Problems
from integra_course.schema import SLUG
from integra_grading.deliverables import read_definition
from integra_grading.errors import GradingError
from integra_grading.items import bank_digest, item_digest
from integra_grading.olx import read_item

LEVELS = ("course", "chapter", "sequential", "vertical")
SECTION_KINDS = ("objectives", "prediction", "text", "example", "activity", "closing")
# What Open edX itself installs; anything else would be invisible to learners where it is missing.
BUILT_IN = frozenset(
    {
        "annotatable",
        "conditional",
        "discussion",
        "drag-and-drop-v2",
        "edx_sga",
        "html",
        "itembank",
        "library_content",
        "lti",
        "lti_consumer",
        "openassessment",
        "poll",
        "problem",
        "split_test",
        "survey",
        "video",
        "word_cloud",
    }
)
# Problems that run an author's code on the server.
SCRIPTED = ("script", "customresponse", "schematicresponse")
COMMON = frozenset({"url_name", "display_name", "xblock-family"})
BANK = frozenset({"bank_id", "bank_digest", "bank_public"})
# Attributes each block must have; COMMON may stand beside them, anything else would be dropped in silence.
ATTRIBUTES: dict[str, frozenset[str]] = {
    "integra_lesson": frozenset({"unit_key", "minutes"}),
    "integra_practice": frozenset({"unit_key"}),
    "integra_test": BANK | {"kind", "form_items"},
    "integra_bypass": BANK | {"module_key"},
    "integra_deliverable": frozenset({"module_key", "deliverable_key", "definition"}),
    "integra_module": frozenset({"module_key"}),
    "integra_record": frozenset(),
    "integra_desk": frozenset(),
}
OPTIONAL = {
    "integra_practice": frozenset({"shows_all"}),
    "integra_lesson": frozenset({"needs_legal_review"}),
    "integra_module": frozenset({"advice"}),
}
WITH_ITEMS = ("integra_practice", "integra_test", "integra_bypass")
MAX_BYTES = 4_000_000
MAX_FILES = 20_000


def check_tree(root: Path, problems: Problems) -> None:
    """Note everything in the OLX tree at ``root`` that an import would lose, change or refuse."""
    if not (root / "course.xml").is_file():
        problems.refuse(
            Place("course.xml"), "file_missing", "No existe course.xml. Da la carpeta que lo contiene."
        )
        return
    if sum(1 for _ in zip(root.rglob("*"), range(MAX_FILES + 1), strict=False)) > MAX_FILES:
        problems.refuse(
            Place("course.xml"), "too_many_files", f"Hay más de {MAX_FILES} archivos. No parece un curso."
        )
        return
    _Tree(root, problems).check()


@dataclass(slots=True)
class _Tree:
    root: Path
    problems: Problems
    seen: dict[str, tuple[str, Place]] = field(default_factory=dict)
    graded: list[tuple[str, Place]] = field(default_factory=list)
    references: list[tuple[str, str, Place]] = field(default_factory=list)

    def check(self) -> None:
        """Walk from ``course.xml`` down, then compare with the policies."""
        pointer = self._parse("course.xml")
        if pointer is None:
            return
        place = _place("course.xml", pointer)
        if pointer.tag != "course" or set(pointer.attrib) != {"url_name", "org", "course"} or len(pointer):
            self.problems.refuse(
                place, "course_pointer", 'course.xml debe ser solo <course url_name="…" org="…" course="…"/>.'
            )
            return
        run = str(pointer.get("url_name"))
        if not re.fullmatch(r"[\w-]+", run, re.ASCII):
            self.problems.refuse(
                place, "bad_url_name", f"«{run}» no sirve como edición. Usa letras, cifras y guiones."
            )
            return
        course = self._parse(f"course/{run}.xml")
        if course is not None:
            self._walk(course, f"course/{run}.xml", 0)
        self._check_policies(run)
        self._check_references()

    def _parse(self, file: str) -> Element | None:
        """Return the root element of ``file``; entities, DTDs and the network stay off."""
        path = self.root / file
        place = Place(file)
        if not path.is_file() or path.is_symlink():
            self.problems.refuse(
                place, "file_missing", "El archivo no existe. Agrégalo o borra lo que lo nombra."
            )
            return None
        if path.stat().st_size > MAX_BYTES:
            self.problems.refuse(place, "file_too_big", "El archivo pasa de 4 MB. Divídelo.")
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            tree = etree.fromstring(path.read_bytes(), parser).getroottree()
        except (etree.XMLSyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            self.problems.refuse(
                Place(file, line), "bad_xml", "El archivo no es XML bien formado. Revisa esa línea."
            )
            return None
        if tree.docinfo.doctype:  # type: ignore[union-attr] # the stubs know no attribute of DocInfo
            self.problems.refuse(place, "doctype", "No se admite <!DOCTYPE …>. Borra esa línea.")
            return None
        return tree.getroot()

    def _walk(self, node: Element, file: str, level: int) -> None:
        if node.tag != LEVELS[level]:
            self.problems.refuse(
                _place(file, node),
                "wrong_tag",
                f"Aquí va <{LEVELS[level]}> y está <{node.tag}>. Cambia el archivo.",
            )
            return
        if LEVELS[level] == "sequential":
            self._note_format(node, file)
        if LEVELS[level] == "vertical":
            for block in _elements(node):
                self._check_block(block, file)
            return
        for child in _elements(node):
            self._follow(child, file, level + 1)

    def _follow(self, child: Element, file: str, level: int) -> None:
        """Check a child that is either inline or a pointer to its own file."""
        if child.tag != LEVELS[level]:
            if not (child.tag == "wiki" and level == 1):
                self.problems.refuse(
                    _place(file, child),
                    "wrong_tag",
                    f"Aquí va <{LEVELS[level]}> y está <{child.tag}>. Muévelo.",
                )
            return
        if not self._take_name(child, file):
            return
        if len(child) or set(child.attrib) != {"url_name"}:
            self._walk(child, file, level)
            return
        name = str(child.get("url_name"))
        target = f"{child.tag}/{name}.xml"
        if not (self.root / target).is_file():
            self.problems.refuse(
                _place(file, child), "file_missing", f"No existe {target}. Agrégalo o borra esta línea."
            )
            return
        node = self._parse(target)
        if node is not None:
            self._walk(node, target, level)

    def _take_name(self, node: Element, file: str) -> bool:
        """Return whether the url_name can be used; everything in the course has its own."""
        place = _place(file, node)
        name = str(node.get("url_name", ""))
        if not name:
            self.problems.refuse(
                place, "no_url_name", f"<{node.tag}> no tiene url_name. Ponle una clave que no cambie."
            )
            return False
        if not SLUG.fullmatch(name):
            self.problems.refuse(
                place, "bad_url_name", f"«{name}» no sirve como url_name. Usa a-z, 0-9 y guiones."
            )
            return False
        if name in self.seen:
            tag, first = self.seen[name]
            self.problems.refuse(
                place,
                "duplicate_url_name",
                f"El url_name «{name}» ya es de <{tag}> en {first}. Una de las dos partes se perdería: cambia uno.",
            )
            return False
        self.seen[name] = (str(node.tag), place)
        return True

    def _note_format(self, node: Element, file: str) -> None:
        place = _place(file, node)
        grading = node.get("format")
        if node.get("graded") == "true" and not grading:
            self.problems.refuse(
                place, "no_format", 'graded="true" sin «format» no cuenta. Agrega el tipo de tarea.'
            )
        elif grading:
            self.graded.append((grading, place))

    def _check_block(self, block: Element, file: str) -> None:
        tag = str(block.tag)
        place = _place(file, block)
        if tag not in BLOCK_TYPES and tag not in BUILT_IN:
            self.problems.refuse(
                place,
                "unknown_block",
                f"<{tag}> no se conoce: quien estudia no vería nada. Usa un bloque instalado.",
            )
            return
        if not self._take_name(block, file):
            return
        if tag in BLOCK_TYPES:
            self._note_references(block, place)
            self._check_own_block(tag, block, file)
        else:
            self._check_built_in(tag, block, file)

    def _note_references(self, block: Element, place: Place) -> None:
        self.references += [(kind, name, place) for kind, name in REFERENCE.findall(_text_of(block))]

    def _check_built_in(self, tag: str, block: Element, file: str) -> None:
        """Check a block of the platform, following its pointer, which it has and ours have not."""
        target = f"{tag}/{block.get('url_name')}.xml"
        is_pointer = not len(block) and set(block.attrib) == {"url_name"}
        node = self._parse(target) if is_pointer else block
        if node is None:
            return
        file = target if is_pointer else file
        self._note_references(node, _place(file, node))
        for scripted in node.iter(*SCRIPTED):
            self.problems.refuse(
                _place(file, scripted),
                "scripted_problem",
                f"<{scripted.tag}> ejecuta código en el servidor. Usa preguntas sin programas.",
            )

    def _check_own_block(self, tag: str, block: Element, file: str) -> None:
        place = _place(file, block)
        wanted = ATTRIBUTES[tag]
        if (wanted and set(block.attrib) <= COMMON) or (
            self.root / tag / f"{block.get('url_name')}.xml"
        ).exists():
            self.problems.refuse(
                place,
                "pointer_block",
                f"<{tag}> está vacío: la plataforma no sigue punteros a estos bloques. Escríbelo completo aquí.",
            )
            return
        for name in sorted(wanted - set(block.attrib)):
            self.problems.refuse(place, "missing_attribute", f"A <{tag}> le falta «{name}». Agrégalo.")
        for name in sorted(
            {str(name) for name in block.attrib} - wanted - COMMON - OPTIONAL.get(tag, frozenset())
        ):
            self.problems.refuse(
                place, "unknown_attribute", f"<{tag}> no tiene «{name}»: se perdería. Bórralo."
            )
        if wanted <= set(block.attrib):
            _CHECKS.get(tag, _check_nothing)(block, file, self.problems)

    def _check_policies(self, run: str) -> None:
        policy = self._read_json(f"policies/{run}/policy.json")
        if policy is not None and f"course/{run}" not in policy:
            self.problems.refuse(
                Place(f"policies/{run}/policy.json"),
                "bad_policy",
                f"Falta la clave «course/{run}». Agrégala.",
            )
        file = f"policies/{run}/grading_policy.json"
        grading = self._read_json(file)
        if grading is not None:
            self._check_grading(grading, Place(file))

    def _check_grading(self, grading: dict[str, Any], place: Place) -> None:
        graders = grading.get("GRADER")
        cutoffs = grading.get("GRADE_CUTOFFS")
        if not isinstance(graders, list) or not all(_is_grader(each) for each in graders) or not graders:
            self.problems.refuse(
                place,
                "bad_policy",
                "GRADER es una lista con type, weight, min_count y drop_count. Complétala.",
            )
            return
        if abs(sum(each["weight"] for each in graders) - 1) > 1e-9:
            self.problems.refuse(place, "weights", "Los pesos («weight») no suman 1. Corrígelos.")
        if (
            not isinstance(cutoffs, dict)
            or not cutoffs
            or not all(_is_share(value) for value in cutoffs.values())
        ):
            self.problems.refuse(
                place, "cutoffs", 'GRADE_CUTOFFS lleva números de 0 a 1. Escribe {"Pass": 0.7}.'
            )
        types = Counter(grading for grading, _ in self.graded)
        known = [each["type"] for each in graders]
        for name, at in self.graded:
            if name not in known:
                self.problems.refuse(
                    at,
                    "unknown_format",
                    f"El tipo «{name}» no está en GRADER: no contaría. Usa: {', '.join(known)}.",
                )
        for each in graders:
            if each["min_count"] != types[each["type"]]:
                self.problems.refuse(
                    place,
                    "min_count",
                    f"«{each['type']}» pide {each['min_count']} y hay {types[each['type']]} secciones. Iguálalos.",
                )

    def _read_json(self, file: str) -> dict[str, Any] | None:
        path = self.root / file
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.problems.refuse(Place(file), "file_missing", "El archivo no existe. Agrégalo.")
            return None
        except (ValueError, RecursionError) as error:
            line = getattr(error, "lineno", 1)
            self.problems.refuse(Place(file, line), "bad_json", "El archivo no es JSON. Revisa esa línea.")
            return None
        if not isinstance(value, dict):
            self.problems.refuse(Place(file), "bad_json", "El archivo debe empezar con «{».")
            return None
        return value

    def _check_references(self) -> None:
        static = self.root / "static"
        names = {path.name for path in static.iterdir()} if static.is_dir() else set()
        for kind, name, place in self.references:
            if kind == "static" and name not in names:
                self.problems.refuse(
                    place, "file_missing", f"No existe static/{name}. Ponlo o cambia el nombre."
                )
            elif kind == "jump_to_id" and name not in self.seen:
                self.problems.refuse(
                    place, "unknown_place", f"«{name}» no es un lugar del curso. Revisa el enlace."
                )


def _check_nothing(block: Element, file: str, problems: Problems) -> None:
    """Blocks whose attributes are names only."""


def _check_lesson(block: Element, file: str, problems: Problems) -> None:
    if not re.fullmatch(r"[1-9][0-9]{0,3}", block.get("minutes", "")):
        problems.refuse(
            _place(file, block), "bad_attribute", "«minutes» es un número entero de minutos. Corrígelo."
        )
    kinds = []
    for child in _elements(block):
        place = _place(file, child)
        if child.tag not in ("section", "term"):
            problems.refuse(
                place, "unknown_element", f"Una lección no tiene <{child.tag}>. Usa <section> o <term>."
            )
        elif len(child):
            problems.refuse(place, "markup_not_text", "El HTML va dentro de <![CDATA[…]]>. Enciérralo.")
        elif child.tag == "section":
            kinds.append(child.get("kind"))
            if child.get("kind") not in SECTION_KINDS:
                problems.refuse(place, "section_kind", f"«kind» es uno de: {', '.join(SECTION_KINDS)}.")
    if not kinds:
        problems.refuse(
            _place(file, block), "empty", "La lección no tiene ninguna <section>. Agrega su texto."
        )


def _check_items(block: Element, file: str, problems: Problems) -> None:
    digests: dict[str, str] = {}
    for child in _elements(block):
        place = _place(file, child)
        try:
            item = read_item(child)
        except GradingError as error:
            problems.refuse(
                place, "bad_item", f"La pregunta se perdería ({error.code}: {error.message}) Corrígela."
            )
            continue
        if item.key in digests:
            problems.refuse(
                place, "duplicate_item", f"La pregunta «{item.key}» está dos veces. Cambia una clave."
            )
        digests[item.key] = item_digest(item)
    if not digests:
        problems.refuse(_place(file, block), "empty", "El bloque no tiene ninguna pregunta. Agrega <item>.")
    declared = block.get("bank_digest")
    if declared is not None and not problems.has_errors_in(file) and declared != bank_digest(digests.items()):
        problems.refuse(
            _place(file, block),
            "bank_digest",
            "Las preguntas no son las del manifiesto. Compila el curso otra vez.",
        )
    if block.get("kind", "pre") not in ("pre", "post", "closing"):
        problems.refuse(_place(file, block), "bad_attribute", "«kind» es pre, post o closing. Corrígelo.")
    if block.get("bank_public", "true") not in ("true", "false"):
        problems.refuse(_place(file, block), "bad_attribute", "«bank_public» es true o false. Corrígelo.")


def _check_deliverable(block: Element, file: str, problems: Problems) -> None:
    place = _place(file, block)
    try:
        definition = read_definition(json.loads(block.get("definition", "")))
    except (ValueError, RecursionError):
        problems.refuse(
            place, "bad_attribute", "«definition» no es JSON: el bloque se perdería. Compila otra vez."
        )
        return
    except GradingError as error:
        problems.refuse(place, "bad_attribute", f"«definition» no se puede usar ({error}). Compila otra vez.")
        return
    if definition.key != block.get("deliverable_key"):
        problems.refuse(
            place, "bad_attribute", "«deliverable_key» y la clave de «definition» difieren. Iguálalas."
        )


def _check_module(block: Element, file: str, problems: Problems) -> None:
    if block.get("module_key") != block.get("url_name"):
        problems.refuse(
            _place(file, block),
            "bad_attribute",
            "«module_key» debe ser igual a «url_name»: de él cuelga la nota.",
        )


_CHECKS: dict[str, Callable[[Element, str, Problems], None]] = {
    "integra_lesson": _check_lesson,
    "integra_deliverable": _check_deliverable,
    "integra_module": _check_module,
    **dict.fromkeys(WITH_ITEMS, _check_items),
}


def _place(file: str, node: Element) -> Place:
    line: Any = node.sourceline
    return Place(file, line or 1)


def _elements(node: Element) -> list[Element]:
    return [child for child in node if isinstance(child.tag, str)]


def _text_of(block: Element) -> str:
    return " ".join(str(text) for text in block.itertext()) + " ".join(
        str(value) for value in block.attrib.values()
    )


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _is_grader(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("type"), str)
        and _is_share(value.get("weight"))
        and all(isinstance(value.get(key), int) for key in ("min_count", "drop_count"))
    )
