"""The readable half of what a person carries away: the same values as the JSON, with words for codes."""

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_lazy

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
from integra_service.web.console.applications import OUTCOMES
from integra_service.web.console.people import EVIDENCE_LABELS
from integra_service.web.progress import CourseView
from integra_service.web.request_words import KIND_LABELS, REFUSAL_LABELS, STATE_LABELS, TOPIC_LABELS

from . import notice

TEST_LABELS = {
    "pre": gettext_lazy("Test at the beginning"),
    "post": gettext_lazy("Final test"),
    "bypass": gettext_lazy("Evaluation of what you already knew"),
    "closing": gettext_lazy("Closing test of an area"),
}
MOMENTS = ("_at", "_since")


def describe_file(data: dict[str, Any], courses: tuple[CourseView, ...]) -> dict[str, Any]:
    """Return the context of the page's template: what ``collect_data`` returned, revived and in words."""
    read = revive(data)
    for person in read["people"]:
        add_words(person)
    for learner in read["learners"]:
        for course in learner["record"]["courses"]:
            for attempt in course["attempts"]:
                attempt["label"] = TEST_LABELS.get(attempt["kind"], attempt["kind"])
    return {"data": read, "courses": courses}


def add_words(person: dict[str, Any]) -> None:
    for consent in person["consents"]:
        consent["label"] = notice.get_purpose_text(Purpose(consent["purpose"])).label
    for credential in person["credentials"]:
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
