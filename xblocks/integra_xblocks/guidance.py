"""What is still missing, in sentences with the place where the learner can do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from integra_grading.manifest import Manifest
from integra_grading.reasons import Reason, ReasonCode
from integra_xblocks.messages import N_

# url_names every compiled course has; see docs/interfaces.md, section 2.
START_PLACE = "inicio"
CLOSING_PLACE = "cierre"
DESK_PLACE = "facilitacion"

_SENTENCES = {
    ReasonCode.UNIT_MISSING: N_("Read the lesson “{title}” to its end."),
    ReasonCode.PRACTICE_MISSING: N_("Answer each question of the practice of “{title}” right once."),
    ReasonCode.DELIVERABLE_MISSING: N_("Send your work “{title}”."),
    ReasonCode.DELIVERABLE_IN_REVIEW: N_("“{title}” was sent: your facilitator is reading it."),
    ReasonCode.DELIVERABLE_RETURNED: N_("“{title}” came back to you: correct it and send it again."),
    ReasonCode.MODULE_OPEN: N_("Finish the module “{title}”."),
    ReasonCode.BYPASS_FAILED: N_("The evaluation showed that this module will help you: follow its lessons."),
    ReasonCode.POST_MISSING: N_("Take the final test."),
    ReasonCode.BELOW_CUT: N_("Reach the goal of the final test."),
    ReasonCode.COOLDOWN: N_("Wait a little: you can take the test again later."),
    ReasonCode.ATTEMPTS_USED: N_("You have used all attempts of the final test. Talk to your facilitator."),
}
# A reason this version has no sentence for must still be seen.
_OTHER = N_("Something is still missing ({code}). Talk to your facilitator.")


def get_closing_place(area: str) -> str:
    """Return the ``url_name`` of an area's closing form."""
    return f"{CLOSING_PLACE}-{area}"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: the sentence, and the ``url_name`` of its place ("" when there is nowhere to go)."""

    sentence: str
    place: str


@dataclass(frozen=True, slots=True)
class Titles:
    """Titles and places by key."""

    titles: dict[str, str]
    places: dict[str, str]


def collect_titles(manifest: Manifest) -> Titles:
    """Return what every key of ``manifest`` is called and where it is."""
    titles: dict[str, str] = {}
    places: dict[str, str] = {"post": CLOSING_PLACE}
    for module in manifest.modules:
        titles[module.key] = module.title
        for unit in module.units:
            titles[unit.key] = unit.title
            titles |= {practice.key: unit.title for practice in unit.practices}
        if module.deliverable is not None:
            titles[module.deliverable.key] = module.deliverable.title
    return Titles(titles, {key: key for key in titles} | places)


def describe_reasons(
    reasons: Iterable[Reason], titles: Titles, translate: Callable[..., str]
) -> tuple[Task, ...]:
    """Return one task per reason, in the given order."""
    return tuple(_describe(reason, titles, translate) for reason in reasons)


def _describe(reason: Reason, titles: Titles, translate: Callable[..., str]) -> Task:
    sentence = _SENTENCES.get(reason.code)
    if sentence is None:
        return Task(translate(_OTHER, code=reason.code.value), "")
    is_waiting = reason.code is ReasonCode.DELIVERABLE_IN_REVIEW
    place = "" if is_waiting else titles.places.get(reason.key, "")
    return Task(translate(sentence, title=titles.titles.get(reason.key, reason.key)), place)
