"""The certificates of the course as "mi avance" shows them: what each asks for, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from integra_gradebook.api import CertificateStateView, Record
from integra_grading.achievements import AchievementStanding, ClosingStanding
from integra_xblocks.guidance import CLOSING_PLACE, get_closing_place
from integra_xblocks.messages import N_

Translate = Callable[..., str]

_STATES = {
    "valid": N_("Your certificate is issued and valid."),
    "suspended": N_("It is being looked at; for now it does not count."),
    "revoked": N_("This certificate is no longer valid."),
    "expired": N_("Its time is over: it was valid until its last day."),
    "erased": N_("It was deleted, as you asked."),
}
# What an earlier or later release stored.
_OTHER_STATE = N_("Open “My certificates” to see how it stands.")


@dataclass(frozen=True, slots=True)
class Goal:
    """One certificate: a sentence about it, and where its test or its page is ("" where there is nowhere to go)."""

    title: str
    sentence: str
    is_good: bool
    test: str = ""
    test_from: datetime | None = None
    place: str = ""
    link: str = ""
    url: str = ""


def describe_goals(record: Record, t: Translate) -> tuple[Goal, ...]:
    """Return the course's achievements in their order, then what else the learner holds."""
    certificates = {each.achievement_key: each for each in record.certificates}
    closings = {closing.area: closing for closing in record.closings}
    goals = []
    for standing in record.achievements:
        achievement = standing.achievement
        certificate = certificates.pop(achievement.key, None)
        if certificate is not None:
            goals.append(_describe_certificate(certificate, achievement.title, t))
        else:
            goals.append(_describe_way(standing, closings.get(achievement.area), t))
    others = (_describe_certificate(each, each.achievement_key, t) for each in certificates.values())
    return (*goals, *others)


def _describe_certificate(certificate: CertificateStateView, title: str, t: Translate) -> Goal:
    sentence = t(_STATES.get(certificate.state, _OTHER_STATE))
    return Goal(title, sentence, is_good=certificate.state == "valid", url=certificate.url)


def _describe_way(standing: AchievementStanding, closing: ClosingStanding | None, t: Translate) -> Goal:
    title = standing.achievement.title
    if standing.is_reached:
        return Goal(title, t("You reached everything it asks for."), is_good=True)
    sentence = t("You still need: {things}", things=" · ".join(_list_things(standing, t)))
    if standing.is_test_reached:
        return Goal(title, sentence, is_good=False)
    if closing is None:
        return Goal(title, sentence, is_good=False, place=CLOSING_PLACE, link=t("Go to the final test"))
    return Goal(
        title,
        sentence,
        is_good=False,
        test=_describe_closing(closing, t),
        test_from=closing.permission.until,
        place=get_closing_place(closing.area),
        link=t("Go to the closing test"),
    )


def _list_things(standing: AchievementStanding, t: Translate) -> list[str]:
    things = []
    if modules := len(standing.modules_open):
        total = len(standing.achievement.module_keys)
        things.append(
            t("1 module") if total == 1 else t("{left} of {total} modules", left=modules, total=total)
        )
    if works := len(standing.deliverables_open):
        things.append(t("1 work") if works == 1 else t("{count} works", count=works))
    if not standing.is_test_reached:
        is_closing = bool(standing.achievement.area)
        things.append(t("the closing test") if is_closing else t("the final test"))
    return things


def _describe_closing(closing: ClosingStanding, t: Translate) -> str:
    if closing.best is None:
        return ""
    result = t(
        "Closing test: {score} of {max_score}; the goal is {cut}.",
        score=closing.best.score,
        max_score=closing.best.max_score,
        cut=closing.cut,
    )
    if closing.attempts_left:
        return result
    used = t("You have used all its attempts. Talk to your facilitator.")
    return f"{result} {used}"
