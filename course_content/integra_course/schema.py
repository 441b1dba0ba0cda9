"""Typed reading of one group of keys: each method takes one key, checks it, and notes what to write instead."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from integra_course.problems import Place, Problems
from integra_course.source import Mapping, Node, Scalar, Sequence, type_names
from integra_grading.errors import WireError
from integra_grading.wire import Day

T = TypeVar("T")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NAME = re.compile(r"[a-z][a-z0-9_]*")
FORM = re.compile(r"[A-Z]")
OUTCOME = re.compile(r"[1-9][0-9]?\.[1-9][0-9]?")


class Fields:
    """One mapping being read; ``finish`` refuses the keys nobody asked for."""

    def __init__(self, mapping: Mapping, place: Place, problems: Problems) -> None:
        lines = {key.text: key.line for key, _ in mapping.entries}
        self.place = Place(place.file, mapping.line, place.path, lines)
        self.problems = problems
        self._nodes = {key.text: node for key, node in mapping.entries}
        self._asked: list[str] = []
        self._errors_before = problems.error_count()

    def is_good(self) -> bool:
        """Return whether nothing was refused since this group was opened."""
        return self.problems.error_count() == self._errors_before

    def is_good_at(self, key: str) -> bool:
        """Return whether what stands under ``key`` was not refused, so that comparing it makes sense."""
        return not self.problems.has_error_at(self.place_of(key))

    def has(self, key: str) -> bool:
        """Return whether the author wrote ``key``."""
        return key in self._nodes

    def place_of(self, key: str) -> Place:
        """Return the place of ``key``; where it is missing, that of the group."""
        return self.place.at(key)

    def text_place_of(self, key: str) -> Place:
        """Return where the content of ``key`` starts (one line lower for a block text)."""
        node = self._nodes.get(key)
        return self.place.at(key, node.text_line if isinstance(node, Scalar) else None)

    def refuse(self, key: str, code: str, message: str) -> None:
        """Note a problem at ``key``."""
        self.problems.refuse(self.place_of(key), code, message)

    def text(self, key: str, *, max_length: int = 4000, is_required: bool = True) -> str:
        """Return a text without blanks around it; empty when it may be missing and is."""
        node = self._scalar(key, is_required)
        if node is None:
            return ""
        text = unicodedata.normalize("NFC", node.text).strip()
        if not text:
            self.refuse(key, "empty", "Está vacío. Escribe un texto o borra la clave si no hace falta.")
        elif len(text) > max_length:
            self.refuse(key, "too_long", f"Tiene {len(text)} letras y el máximo es {max_length}. Acórtalo.")
        return text

    def slug(self, key: str, pattern: re.Pattern[str] = SLUG, *, is_required: bool = True) -> str:
        """Return a key that people chose and that stays for ever."""
        text = self.text(key, max_length=60, is_required=is_required)
        if text and not pattern.fullmatch(text):
            self.refuse(key, "bad_slug", f"«{text}» no sirve como clave. {_slug_help(pattern)}")
        return text

    def day(self, key: str) -> date | None:
        """Return a day of the calendar."""
        text = self.text(key, max_length=10)
        try:
            return date.fromisoformat(Day().read(text, key)) if text else None
        except WireError:
            self.refuse(key, "bad_date", f"«{text}» no es una fecha. Escribe año, mes y día: 2026-03-31.")
            return None

    def integer(self, key: str, low: int, high: int, *, default: int | None = None) -> int:
        """Return a whole number in [low, high]."""
        if not self.has(key) and default is not None:
            self._asked.append(key)
            return default
        node = self._scalar(key, is_required=True)
        if node is None:
            return low
        if not re.fullmatch(r"-?(0|[1-9][0-9]{0,8})", node.text):
            self.refuse(
                key, "not_integer", f"«{node.text}» no es un número entero. Escribe, por ejemplo, {low}."
            )
            return low
        value = int(node.text)
        if not low <= value <= high:
            self.refuse(
                key, "out_of_range", f"{value} está fuera de rango. Escribe un número de {low} a {high}."
            )
            return low
        return value

    def decimal(self, key: str, *, is_required: bool = True) -> Decimal | None:
        """Return a number written with a point (0.45)."""
        node = self._scalar(key, is_required)
        if node is None:
            return None
        try:
            value = Decimal(node.text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", node.text) or not value.is_finite():
            self.refuse(
                key,
                "not_number",
                f"«{node.text}» no es un número. Aquí los decimales van con punto: 0.45 o 1012.5.",
            )
            return None
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a yes or no, written ``si`` or ``no``."""
        if not self.has(key):
            self._asked.append(key)
            return default
        return self.choice(key, {"si": True, "sí": True, "no": False}, default=default)

    def choice(self, key: str, choices: dict[str, T], *, default: T | None = None) -> T:
        """Return what one of the written ``choices`` stands for."""
        fallback = next(iter(choices.values())) if default is None else default
        if not self.has(key) and default is not None:
            self._asked.append(key)
            return default
        node = self._scalar(key, is_required=True)
        if node is None:
            return fallback
        if node.text not in choices:
            self.refuse(
                key, "bad_choice", f"«{node.text}» no es una opción. Escribe una de: {', '.join(choices)}."
            )
            return fallback
        return choices[node.text]

    def texts(self, key: str, *, is_required: bool = True, max_length: int = 1000) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(
            text for text, _ in self.texts_with_places(key, is_required=is_required, max_length=max_length)
        )

    def texts_with_places(
        self, key: str, *, is_required: bool = True, max_length: int = 1000
    ) -> tuple[tuple[str, Place], ...]:
        """Return a list of texts with the place of each."""
        found = []
        for node, place in self._items(key, is_required):
            if not isinstance(node, Scalar) or not node.text.strip():
                self.problems.refuse(place, "not_text", "Aquí va un texto. Escríbelo después del guion.")
            elif len(node.text) > max_length:
                self.problems.refuse(place, "too_long", f"El máximo es {max_length} letras. Acórtalo.")
            else:
                found.append((unicodedata.normalize("NFC", node.text).strip(), place))
        return tuple(found)

    def groups(self, key: str, *, is_required: bool = True) -> tuple[Fields, ...]:
        """Return a list of groups, each to be read like this one."""
        found = []
        for node, place in self._items(key, is_required):
            if isinstance(node, Mapping):
                found.append(Fields(node, place, self.problems))
            else:
                self.problems.refuse(
                    place, "not_a_mapping", f"Aquí van claves y no {type_names[type(node)]}."
                )
        return tuple(found)

    def group(self, key: str, *, is_required: bool = True) -> Fields | None:
        """Return the group under ``key``."""
        node = self._take(key, is_required)
        if node is None:
            return None
        if not isinstance(node, Mapping):
            self.refuse(key, "not_a_mapping", f"Aquí van claves y no {type_names[type(node)]}.")
            return None
        return Fields(node, self.place_of(key), self.problems)

    def table(self, key: str, read: Callable[[Fields, str], T]) -> dict[str, T]:
        """Return the group under ``key`` as written key → what ``read`` makes of it."""
        inner = self.group(key)
        return {} if inner is None else {name: read(inner, name) for name in inner.keys()}  # noqa: SIM118 - no mapping

    def keys(self) -> Iterable[str]:
        """Return the keys as written."""
        return tuple(self._nodes)

    def finish(self) -> bool:
        """Refuse unknown keys; return whether the whole group was good."""
        for key in self._nodes:
            if key in self._asked:
                continue
            near = difflib.get_close_matches(key, self._asked, n=1)
            hint = f"¿Quisiste escribir «{near[0]}»?" if near else f"Aquí valen: {', '.join(self._asked)}."
            self.refuse(key, "unknown_key", f"La clave «{key}» no existe en este lugar. {hint}")
        return self.is_good()

    def _take(self, key: str, is_required: bool) -> Node | None:
        self._asked.append(key)
        node = self._nodes.get(key)
        if node is None and is_required:
            self.problems.refuse(self.place.at(key), "missing_key", f"Falta «{key}». Agrégala en este grupo.")
        return node

    def _scalar(self, key: str, is_required: bool) -> Scalar | None:
        node = self._take(key, is_required)
        if node is None:
            return None
        if not isinstance(node, Scalar):
            self.refuse(key, "not_text", f"Aquí va un texto y no {type_names[type(node)]}.")
            return None
        return node

    def _items(self, key: str, is_required: bool) -> Iterable[tuple[Node, Place]]:
        node = self._take(key, is_required)
        if node is None:
            return
        if not isinstance(node, Sequence):
            self.refuse(key, "not_a_list", "Aquí va una lista. Empieza cada línea con un guion: «- …».")
            return
        if not node.items:
            self.refuse(key, "empty", "La lista está vacía. Agrega un elemento o borra la clave.")
        for index, item in enumerate(node.items):
            yield item, self.place_of(key).at(f"[{index}]", item.line)


def _slug_help(pattern: re.Pattern[str]) -> str:
    if pattern is OUTCOME:
        return 'Escribe módulo y número con punto y entre comillas: "6.3".'
    if pattern is NAME:
        return "Usa minúsculas sin tildes, cifras y «_»: punto_de_equilibrio."
    return "Usa solo minúsculas sin tildes, cifras y guiones: m06-u03-q1."
