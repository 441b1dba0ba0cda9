"""The readable half of what a person carries away: the same values as the JSON, with words for codes."""

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from integra_grading.manifest import Manifest
from integra_service.credentials.pages import describe_reason, describe_state
from integra_service.eligibility.engine import Outcome
from integra_service.people.models import (
    Evidence,
    Purpose,
    RefusalReason,
    RequestKind,
    RequestState,
    RequestTopic,
)
from integra_service.privacy.download import STAFF
from integra_service.records.services import find_manifest
from integra_service.web.console.applications import OUTCOMES
from integra_service.web.console.people import EVIDENCE_LABELS
from integra_service.web.progress import CourseView
from integra_service.web.request_words import KIND_LABELS, REFUSAL_LABELS, STATE_LABELS, TOPIC_LABELS
from integra_service.web.wording import ENTRIES, name_achievements

from . import notice

TEST_LABELS = {
    "pre": gettext_lazy("Test at the beginning"),
    "post": gettext_lazy("Final test"),
    "bypass": gettext_lazy("Evaluation of what you already knew"),
    "closing": gettext_lazy("Closing test of an area"),
}
MOMENTS = ("_at", "_since")
# What the audit trail says of a person, besides what it says of their certificates.
ACTIONS = {
    "learner.entered": gettext_lazy("You entered from your classroom"),
    "consent.granted": gettext_lazy("You gave a permission"),
    "consent.refused": gettext_lazy("You refused or withdrew a permission"),
    "name.confirmed": gettext_lazy("You confirmed your name"),
    "name.changed": gettext_lazy("You corrected your name"),
    "name.erased": gettext_lazy("The name was erased"),
    "residence.recorded": gettext_lazy("It was noted where you live"),
    "residence.corrected": gettext_lazy("Where you live was corrected"),
    "residences.erased": gettext_lazy("Where you lived was erased"),
    "application.registered": gettext_lazy("Your application to the fund was noted"),
    "proposal.made": gettext_lazy("The computer made a proposal about your application"),
    "proposals.erased": gettext_lazy("The reasons of the proposals were erased"),
    "person.erasure_begun": gettext_lazy("The erasure began"),
    "data.downloaded": gettext_lazy("You downloaded your data"),
    "data_request.asked": gettext_lazy("You asked for something about your data"),
    "data_request.withdrawn": gettext_lazy("You took a request back"),
    "data_request.begun": gettext_lazy("The erasure began"),
    "data_request.done": gettext_lazy("What you asked for was done"),
    "data_request.refused": gettext_lazy("What you asked for was refused"),
}


def describe_file(data: dict[str, Any], courses: tuple[CourseView, ...]) -> dict[str, Any]:
    """Return the context of the page's template: what ``collect_data`` returned, revived and in words."""
    read = revive(data)
    for person in read["people"]:
        add_words(person)
    for learner in read["learners"]:
        for course in learner["record"]["courses"]:
            add_titles(course, find_manifest(course["rule_version"]))
    for entry in read["audit"]:
        entry["label"] = name_action(entry["action"])
        entry["who"] = name_actor(entry["by"])
    return {"data": read, "courses": courses}


def add_titles(course: dict[str, Any], manifest: Manifest | None) -> None:
    """Name what the learner did as the course names it; what its rules do not know keeps its key."""
    modules = () if manifest is None else manifest.modules
    units = {unit.key: unit.title for module in modules for unit in module.units}
    works = {module.deliverable.key: module.deliverable.title for module in modules if module.deliverable}
    titles = {module.key: module.title for module in modules}
    course["title"] = course["course_key"] if manifest is None else manifest.course.title
    for unit in course["units"]:
        unit["title"] = units.get(unit["unit_key"], unit["unit_key"])
    for work in course["deliverables"]:
        work["title"] = works.get(work["deliverable_key"], work["deliverable_key"])
    for attempt in course["attempts"]:
        attempt["label"] = TEST_LABELS.get(attempt["kind"], attempt["kind"])
        attempt["module"] = titles.get(attempt["module_key"], attempt["module_key"] or "")


def name_action(action: str) -> str:
    """Return what was done, in words; what has none keeps its key."""
    if action in ENTRIES:
        return gettext("Certificate: %(what)s") % {"what": ENTRIES[action]}
    return str(ACTIONS.get(action, action))


def name_actor(by: str) -> str:
    """Return who did it, in words: a learner in their own data is who reads."""
    if by == STAFF:
        return gettext("the programme's team")
    return gettext("you") if by.startswith("learner:") else gettext("the computer")


def add_words(person: dict[str, Any]) -> None:
    achievements = name_achievements()
    for consent in person["consents"]:
        consent["label"] = notice.get_purpose_text(Purpose(consent["purpose"])).label
    for credential in person["credentials"]:
        credential["title"] = achievements.get(credential["achievement"], credential["achievement"])
        credential["word"] = describe_state(credential["state"])
        credential["because"] = describe_reason(credential["reason"]) if credential["reason"] else ""
    for residence in person["residences"]:
        residence["label"] = EVIDENCE_LABELS[Evidence(residence["evidence"])]
    for application in person["applications"]:
        for proposal in application["proposals"]:
            proposal["label"] = OUTCOMES[Outcome(proposal["outcome"])][0]
    for asked in person["data_requests"]:
        asked["label"] = KIND_LABELS[RequestKind(asked["kind"])]
        asked["about"] = TOPIC_LABELS[RequestTopic(asked["topic"])]
        asked["word"] = STATE_LABELS[RequestState(asked["state"])]
        asked["because"] = REFUSAL_LABELS[RefusalReason(asked["reason"])] if asked["reason"] else ""


def revive(value: Any, key: str = "") -> Any:
    """Return the JSON value with its moments and days as such, so that a template can spell them."""
    if isinstance(value, dict):
        return {name: revive(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [revive(part) for part in value]
    if isinstance(value, str) and (key.endswith(MOMENTS) or key == "at"):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and key.endswith("_on"):
        return date.fromisoformat(value)
    return value
