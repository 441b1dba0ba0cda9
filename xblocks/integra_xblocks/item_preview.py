"""What an author sees of questions before saving: each form as learners get it, with what counts as right below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from integra_grading.items import Item, NumericAnswer
from integra_xblocks.item_page import describe_form
from integra_xblocks.sanitiser import sanitise


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One line of what counts: ``belongs_to`` is a group's text or a place in an order."""

    text: str
    is_right: bool
    belongs_to: str = ""
    error: str = ""
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class PreviewGroup:
    """The questions of one form or stratum; ``name`` is empty where the bank has neither."""

    name: str
    is_form: bool
    items: tuple[dict[str, Any], ...]


def describe_groups(items: Iterable[Item]) -> list[PreviewGroup]:
    """Return the questions by form or stratum, in the order in which these first appear."""
    groups: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for item in items:
        name = (item.form or item.stratum or "", item.form is not None)
        groups.setdefault(name, []).append({**describe_form(item, "preview"), **_describe_key(item)})
    return [PreviewGroup(name, is_form, tuple(own)) for (name, is_form), own in groups.items()]


def _describe_key(item: Item) -> dict[str, Any]:
    whole = item.feedback
    return {
        "outcome": item.outcome,
        "level": item.level,
        "twin": item.twin or "",
        "lines": list(_list_key(item)),
        "said_right": sanitise(whole.correct) if whole else "",
        "said_wrong": sanitise(whole.wrong) if whole else "",
    }


def _list_key(item: Item) -> Iterator[KeyLine]:
    """Return a line per option, number and mistake; whatever parts a kind has, they say what is right."""
    targets = {target.key: target.text for target in item.targets}
    chooses = any(option.is_correct for option in item.options)
    for place, option in enumerate(item.options, start=1):
        belongs_to = "" if chooses else targets.get(option.target or "", str(place))
        yield KeyLine(
            sanitise(option.text),
            option.is_correct or not chooses,
            sanitise(belongs_to),
            option.error or "",
            sanitise(option.feedback),
        )
    if item.answer is not None:
        yield from _list_numbers(item.answer, "")
    for row in item.rows:
        for cell in row.cells:
            if cell.answer is not None:
                yield from _list_numbers(cell.answer, sanitise(row.label))


def _list_numbers(answer: NumericAnswer, belongs_to: str) -> Iterator[KeyLine]:
    distance = f" ± {answer.tolerance.normalize():f}" if answer.tolerance else ""
    yield KeyLine(f"{answer.value:f}{distance} {answer.unit}".strip(), True, belongs_to)
    for slip in answer.slips:
        yield KeyLine(f"{slip.value:f}", False, belongs_to, slip.error, sanitise(slip.feedback))
