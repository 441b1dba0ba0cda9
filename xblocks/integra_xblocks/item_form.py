"""The form in which an author edits one question: its fields by kind, with what each of them means.

The script in ``public/edit.js`` draws whatever stands here; it knows no kind of question by name. A field is

    line, text   one line, several lines (HTML)
    key          like a line, but what stands there already stays: it joins answers to questions
    flag         yes or no
    choice       one of ``choices``; with ``is_open``, another word may be written
    group, list  fields inside, once or as many times as wanted

What is left empty is left out. Whatever a question has beyond these fields is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from integra_grading.items import ItemKind
from integra_xblocks.messages import N_

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Field:
    """One field; ``note`` says what to write."""

    name: str
    label: str
    kind: str = "line"
    note: str = ""
    fields: tuple[Field, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    is_open: bool = False
    is_mixed: bool = False  # a list whose order is the answer: its keys must not tell it

    def describe(self, t: Translate) -> dict[str, Any]:
        """Return the field for the script."""
        described: dict[str, Any] = {"name": self.name, "label": t(self.label), "kind": self.kind}
        if self.note:
            described["note"] = t(self.note)
        if self.fields:
            described["fields"] = [field.describe(t) for field in self.fields]
        if self.choices:
            described["choices"] = [[word, t(label)] for word, label in self.choices]
        marks = {"isOpen": self.is_open, "isMixed": self.is_mixed}
        return described | {name: True for name, is_set in marks.items() if is_set}


_LEVELS = tuple((word, word) for word in ("recordar", "comprender", "aplicar", "analizar", "decidir"))
_ITEM_KEY = Field("key", N_("Key"), "key", N_("Short and lasting, without blanks: m06-u03-q1."))
_KEY = Field("key", N_("Key"), "key")
_BEGIN = (
    Field("outcome", N_("Learning outcome"), note=N_("Its number in the course: 6.3.")),
    Field("level", N_("Level"), "choice", choices=_LEVELS, is_open=True),
    Field("stem", N_("Question"), "text"),
)
_ERROR = Field("error", N_("Mistake behind it"), note=N_("Its name, without blanks: divide_por_precio."))
_FEEDBACK = Field("feedback", N_("What is said to whoever answers this"), "text")
_TEXT = Field("text", N_("Text"), "text")
_CORRECT = Field("correct", N_("It is right"), "flag")
_WHOLE = Field(
    "feedback",
    N_("What is said of the answer as a whole"),
    "group",
    fields=(
        Field("correct", N_("When it is right"), "text"),
        Field("wrong", N_("When it is not right yet"), "text"),
    ),
)
_NUMBER = (
    Field("value", N_("Right number"), note=N_("With a point for decimals: 0.45.")),
    Field("absolute", N_("Distance allowed, in the same unit"), note=N_("Empty: none.")),
    Field("relative", N_("Distance allowed, as a share"), note=N_("0.05 is five per cent.")),
    Field("unit", N_("Unit")),
    Field(
        "slips",
        N_("Wrong numbers with a known mistake"),
        "list",
        fields=(Field("value", N_("Wrong number")), _ERROR, _FEEDBACK),
    ),
)
_OPTIONS: dict[ItemKind, tuple[Field, ...]] = {
    ItemKind.SINGLE: (_KEY, _TEXT, _CORRECT, _ERROR, _FEEDBACK),
    ItemKind.MULTIPLE: (_KEY, _TEXT, _CORRECT, _ERROR, _FEEDBACK),
    ItemKind.ORDERING: (_KEY, _TEXT, _FEEDBACK),
    ItemKind.MATCHING: (
        _KEY,
        _TEXT,
        Field("target", N_("Key of the group it belongs to")),
        _ERROR,
        _FEEDBACK,
    ),
}
_PARTS: dict[ItemKind, tuple[Field, ...]] = {
    ItemKind.SINGLE: (Field("options", N_("Options"), "list", fields=_OPTIONS[ItemKind.SINGLE]),),
    ItemKind.MULTIPLE: (Field("options", N_("Options"), "list", fields=_OPTIONS[ItemKind.MULTIPLE]), _WHOLE),
    ItemKind.NUMERIC: (Field("answer", N_("Answer"), "group", fields=_NUMBER), _WHOLE),
    ItemKind.ORDERING: (
        Field(
            "options",
            N_("Steps"),
            "list",
            N_("In the right order; learners get them mixed."),
            fields=_OPTIONS[ItemKind.ORDERING],
            is_mixed=True,
        ),
        _WHOLE,
    ),
    ItemKind.MATCHING: (
        Field("targets", N_("Groups"), "list", fields=(_KEY, _TEXT)),
        Field("options", N_("What is to be matched"), "list", fields=_OPTIONS[ItemKind.MATCHING]),
        _WHOLE,
    ),
    ItemKind.GRID: (
        Field("columns", N_("Columns"), "list", fields=(_KEY, _TEXT)),
        Field(
            "rows",
            N_("Rows"),
            "list",
            fields=(
                _KEY,
                Field("label", N_("Title of the row"), "text"),
                Field(
                    "cells",
                    N_("Cells"),
                    "list",
                    N_("Each has a text that is given or a number that is asked for."),
                    fields=(
                        Field("column", N_("Key of its column")),
                        Field("text", N_("Text that is given")),
                        Field("answer", N_("Number that is asked for"), "group", fields=_NUMBER),
                    ),
                ),
            ),
        ),
        _WHOLE,
    ),
}
_KINDS: dict[ItemKind, str] = {
    ItemKind.SINGLE: N_("One option"),
    ItemKind.MULTIPLE: N_("Several options"),
    ItemKind.NUMERIC: N_("A number"),
    ItemKind.ORDERING: N_("Put in order"),
    ItemKind.MATCHING: N_("Match"),
    ItemKind.GRID: N_("Fill in a table"),
}
# Where a question stands in its bank; a practice has neither.
FORM = Field("form", N_("Form"), note=N_("A, B or C."))
STRATUM = Field("stratum", N_("Stratum"), note=N_("The part of the ring it is drawn from."))
TWIN = Field("twin", N_("Twins"), note=N_("The same word in all questions that are twins."))


def describe_form(places: tuple[Field, ...], t: Translate) -> dict[str, Any]:
    """Return what the script draws: every kind with its fields; ``places`` say where a question stands in its bank."""
    kinds = [
        {
            "kind": str(kind),
            "label": t(_KINDS[kind]),
            "fields": [field.describe(t) for field in (_ITEM_KEY, *places, *_BEGIN, *parts)],
        }
        for kind, parts in _PARTS.items()
    ]
    return {"name": "items", "kinds": kinds}
