"""Facts of the country that lessons state: each figure once, with its source and the day somebody last checked it.

A text writes ``{hecho:clave}``; the value stands in one file of ``hechos/``, so that one edit changes every lesson.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from integra_course.problems import Place, Problems

REFERENCE = re.compile(r"\{hecho:([^}\n]*)\}")
# What may stand inside any text of YAML or Markdown without changing how it is read.
VALUE = re.compile(r"[^\s{}\"'#:|`*_\\<>\[\]]([^{}\"'#:|`*_\\<>\[\]\n]*[^\s{}\"'#:|`*_\\<>\[\]])?")
OLD_AFTER = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure or name: what a text shows, what it means, since when it holds, when and where it was checked."""

    place: Place
    key: str
    value: str
    meaning: str
    valid_from: date
    checked_on: date
    source: str


class Facts:
    """The facts of a course; remembers which of them a text used."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._by_key = {fact.key: fact for fact in facts}
        self._used: set[str] = set()

    def fill(self, text: str, file: str, problems: Problems) -> str:
        """Return ``text`` with the value of every fact in the place of its reference; lines stay where they are."""
        if "{hecho:" not in text:
            return text

        def fill_line(number: int, line: str) -> str:
            place = Place(file, number)
            return REFERENCE.sub(lambda found: self._value(found[1], place, problems), line)

        return "\n".join(fill_line(number, line) for number, line in enumerate(text.split("\n"), start=1))

    def warn_of_unused(self, problems: Problems) -> None:
        """Note facts that no text refers to."""
        for key, fact in self._by_key.items():
            if key not in self._used:
                problems.warn(
                    fact.place, "unused_fact", f"Ningún texto usa «{key}». Escribe {{hecho:{key}}} o bórralo."
                )

    def _value(self, key: str, place: Place, problems: Problems) -> str:
        fact = self._by_key.get(key)
        if fact is None:
            known = ", ".join(sorted(self._by_key)) or "ninguno"
            problems.refuse(place, "unknown_fact", f"No hay un hecho «{key}» en hechos/. Están: {known}.")
            return "0"
        self._used.add(key)
        return fact.value


def list_files(root: Path) -> list[Path]:
    """Return the files that hold facts, in order of name."""
    folder = root / "hechos"
    return sorted(folder.glob("*.yaml")) if folder.is_dir() else []


def list_old(facts: Iterable[Fact], today: date) -> list[Fact]:
    """Return the facts nobody checked for a year, the longest unchecked first."""
    old = [fact for fact in facts if today - fact.checked_on > OLD_AFTER]
    return sorted(old, key=lambda fact: (fact.checked_on, fact.key))
