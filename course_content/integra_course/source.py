"""Reading a YAML file into nodes that remember their line: scalars stay text, and nothing is guessed.

PyYAML's own constructors turn ``no`` into False, ``012`` into 10 and ``1:30`` into 90, keep the last of two equal
keys and follow aliases; here the schema decides what a text means, and the rest is refused.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import yaml

from integra_course.facts import Facts
from integra_course.language import check_language
from integra_course.problems import Place, Problems

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
# Controls that reorder what a reader sees (bidirectional overrides and isolates, U+FEFF inside a text).
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text with the line it starts on; ``text_line`` is the line of its first character of content."""

    text: str
    line: int
    is_plain: bool
    text_line: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys in the order written."""

    entries: tuple[tuple[Scalar, Node], ...]
    line: int


type_names = {Scalar: "un texto", Sequence: "una lista", Mapping: "un grupo de claves"}
Node = Scalar | Sequence | Mapping


def read_text(path: Path, file: str, problems: Problems, facts: Facts) -> str | None:
    """Return the text of ``path`` with its facts filled in, or None after noting why it cannot be used."""
    place = Place(file)
    try:
        if path.stat().st_size > MAX_BYTES:
            problems.refuse(
                place, "file_too_big", "El archivo pasa de 1 MB. Divídelo en archivos más pequeños."
            )
            return None
        raw = path.read_bytes()
    except OSError as error:
        problems.refuse(
            place, "file_missing", f"No se puede leer el archivo ({error.strerror}). Revisa su nombre."
        )
        return None
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        problems.refuse(
            place, "bad_encoding", "El archivo empieza con una marca BOM. Guárdalo como «UTF-8» sin BOM."
        )
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.refuse(
            Place(file, line),
            "bad_encoding",
            "Hay letras que no están en UTF-8. Guarda el archivo como «UTF-8».",
        )
        return None
    if not _check_characters(text, file, problems):
        return None
    return facts.fill(check_language(text.replace("\r\n", "\n"), file, problems), file, problems)


def _check_characters(text: str, file: str, problems: Problems) -> bool:
    """Note every character that no reader can see, one problem per line."""
    is_clean = True
    for number, line in enumerate(text.split("\n"), start=1):
        character = next((each for each in line if _is_forbidden(each)), None)
        if character is None:
            continue
        is_clean = False
        code = "bidi_control" if character in BIDI_CONTROLS else "control_character"
        problems.refuse(
            Place(file, number),
            code,
            f"Hay un carácter invisible (U+{ord(character):04X}). Bórralo y escribe de nuevo.",
        )
    return is_clean


def _is_forbidden(character: str) -> bool:
    if character in BIDI_CONTROLS:
        return True
    if character in "\t\r":
        return False
    return unicodedata.category(character) in ("Cc", "Cs") or character in "\ufffe\uffff\u2028\u2029"


def read_yaml(path: Path, file: str, problems: Problems, facts: Facts) -> Mapping | None:
    """Return the one mapping in ``path``, or None after noting why it cannot be used."""
    text = read_text(path, file, problems, facts)
    return None if text is None else parse_yaml(text, file, problems)


def parse_yaml(text: str, file: str, problems: Problems) -> Mapping | None:
    """Return the one mapping in ``text``, or None after noting why it cannot be used."""
    builder = _Builder(file, problems)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if not builder.take(event):
                return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problems.refuse(Place(file, line), "bad_yaml", _explain(error, text, line))
        return None
    except yaml.YAMLError:
        problems.refuse(
            Place(file), "bad_yaml", "El archivo no es YAML. Compáralo con otro archivo del curso."
        )
        return None
    root = builder.root
    if not isinstance(root, Mapping):
        problems.refuse(
            Place(file, root.line if root else 1),
            "not_a_mapping",
            "El archivo debe empezar con claves como «clave: valor».",
        )
        return None
    return None if builder.is_broken else root


def _explain(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    lines = text.split("\n")
    written = lines[line - 1] if line <= len(lines) else ""
    if "\t" in written:
        return "Hay un tabulador. En YAML la sangría se escribe solo con espacios."
    if written.count(":") > 1 or "mapping values are not allowed" in (error.problem or ""):
        return "Esta línea no se entiende: si el texto lleva signos (: ? , comillas), ponlo entre comillas dobles."
    return "Esta línea no se entiende como YAML. Revisa la sangría, los guiones y que cada comilla se cierre."


@dataclass(slots=True)
class _Open:
    """A collection being filled while its events arrive."""

    line: int
    is_mapping: bool
    children: list[Node]


class _Builder:
    """Builds nodes from PyYAML's events without recursion, so that depth is our limit and not Python's."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.file = file
        self.problems = problems
        self.root: Node | None = None
        self.is_broken = False
        self._stack: list[_Open] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> bool:
        """Add one event; False stops the reading."""
        line = _line(event)
        if isinstance(event, yaml.DocumentStartEvent):
            return self._start_document(line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            return self._stop(
                line, "yaml_alias", "No se admiten «&» ni «*» de YAML. Escribe el texto completo."
            )
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            return self._stop(line, "yaml_tag", f"No se admite la marca «{tag}». Escribe solo el texto.")
        if isinstance(event, yaml.ScalarEvent):
            self._add(_scalar(event))
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(self._stack) >= MAX_DEPTH:
                return self._stop(line, "too_deep", f"Hay más de {MAX_DEPTH} niveles. Revisa la sangría.")
            self._stack.append(_Open(line, isinstance(event, yaml.MappingStartEvent), []))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._add(self._close(self._stack.pop()))
        return True

    def _start_document(self, line: int) -> bool:
        self._documents += 1
        if self._documents > 1:
            return self._stop(
                line, "several_documents", "Hay más de un documento («---»). Usa un archivo para cada uno."
            )
        return True

    def _stop(self, line: int, code: str, message: str) -> bool:
        self.problems.refuse(Place(self.file, line), code, message)
        self.is_broken = True
        return False

    def _add(self, node: Node) -> None:
        if self._stack:
            self._stack[-1].children.append(node)
        else:
            self.root = node

    def _close(self, opened: _Open) -> Node:
        if not opened.is_mapping:
            return Sequence(tuple(opened.children), opened.line)
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(opened.children[::2], opened.children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.problems.refuse(
                    Place(self.file, key.line), "bad_key", "Una clave debe ser un texto simple."
                )
                self.is_broken = True
            elif key.text in entries:
                first = entries[key.text][0].line
                self.problems.refuse(
                    Place(self.file, key.line, key.text),
                    "duplicate_key",
                    f"La clave «{key.text}» ya está en la línea {first}. Deja solo una.",
                )
                self.is_broken = True
            else:
                entries[key.text] = (key, value)
        return Mapping(tuple(entries.values()), opened.line)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    line = _line(event)
    is_block = event.style in ("|", ">")
    return Scalar(event.value, line, event.style is None, line + 1 if is_block else line)
