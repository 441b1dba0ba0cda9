"""Tests on paper, for who facilitates: a learner's own form to print, and what was written on it to type in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from web_fragments.fragment import Fragment
from webob import Request

from integra_gradebook import api
from integra_gradebook.results import AttemptView
from integra_grading.items import UNKNOWN_OPTION
from integra_xblocks.base import json_post
from integra_xblocks.item_page import describe_item
from integra_xblocks.messages import N_
from integra_xblocks.platform import Viewer, course_key, facilitator, usage_key

TEXTS = {
    "paperNobody": N_("Nobody is enrolled yet."),
    "paperNone": N_("has not begun"),
    "paperOpen": N_("is answering on their phone"),
    "paperOut": N_("has the sheet"),
    "paperDone": N_("done"),
    "paperMake": N_("Sheet of paper"),
    "paperMissing": N_("{count} of {total} have no answer. If it is so on the sheet, press again."),
    "paperStored": N_("Typed in. Thank you."),
    "paperTakeBack": N_("The sheet will not count, and the person can begin on a phone. Go on?"),
    "paperTakenBack": N_("Done: the sheet no longer counts."),
    "paperNeedsSignal": N_("There is no signal. What you typed is kept here: try again when you have it."),
}


@dataclass(frozen=True, slots=True)
class ListPapers:
    """Everybody in this facilitator's cohorts."""


@dataclass(frozen=True, slots=True)
class StartPaper:
    """A sheet for one learner; ``uuid`` is the attempt's name, made by the browser."""

    uuid: UUID
    short_code: str


@dataclass(frozen=True, slots=True)
class SubmitPaper:
    """What stands on the sheet, by item; what is left out was not answered."""

    short_code: str
    attempt_uuid: UUID
    responses: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TakeBackPaper:
    """A sheet that is not coming back."""

    short_code: str
    attempt_uuid: UUID


class PaperMixin:
    """The part of a sitting's page that only facilitators of the run get."""

    @json_post
    def list_papers(self: Any, request: Request) -> dict[str, Any]:
        """List the people of this facilitator's cohorts with where they stand in this test."""
        now = datetime.now(UTC)
        person = facilitator(self, on=now.date())
        self.parse(request, ListPapers)
        rows = api.list_papers(person, course_key(self), block_key=usage_key(self), now=now)
        return {
            "rows": [
                {
                    "short_code": row.short_code,
                    "username": row.username,
                    "cohort_key": row.cohort_key,
                    "state": row.state,
                    "may_have_sheet": row.state != "open"
                    and row.outcome not in ("taken", "passed", "exempt"),
                }
                for row in rows
            ]
        }

    @json_post
    def start_paper(self: Any, request: Request) -> dict[str, Any]:
        """Draw a learner's form and give it as a page to print and to type in."""
        now = datetime.now(UTC)
        person = facilitator(self, on=now.date())
        command = self.parse(request, StartPaper)
        attempt = api.start_paper(
            person,
            course_key(self),
            short_code=command.short_code,
            kind=self.get_attempt_kind(),
            block_key=usage_key(self),
            bank=self.get_bank(),
            uuid=command.uuid,
            now=now,
        )
        return {"attempt_uuid": str(attempt.uuid), "page": self._render_sheet(attempt, command.short_code)}

    @json_post
    def submit_paper(self: Any, request: Request) -> dict[str, Any]:
        """Store and score what stands on a sheet."""
        now = datetime.now(UTC)
        person = facilitator(self, on=now.date())
        command = self.parse(request, SubmitPaper)
        attempt = api.submit_paper(
            person,
            course_key(self),
            short_code=command.short_code,
            attempt_uuid=command.attempt_uuid,
            block_key=usage_key(self),
            responses=command.responses,
            now=now,
        )
        return {"attempt_uuid": str(attempt.uuid), "state": attempt.state}

    @json_post
    def take_back_paper(self: Any, request: Request) -> dict[str, Any]:
        """Let a sheet count for nothing, so that the learner may begin on a phone."""
        now = datetime.now(UTC)
        person = facilitator(self, on=now.date())
        command = self.parse(request, TakeBackPaper)
        api.take_back_paper(
            person,
            course_key(self),
            short_code=command.short_code,
            attempt_uuid=command.attempt_uuid,
            block_key=usage_key(self),
            now=now,
        )
        return {"attempt_uuid": str(command.attempt_uuid)}

    def add_papers(self: Any, fragment: Fragment) -> None:
        """Add what the facilitator's part of the page needs; learners never load it."""
        fragment.add_css_url(self.runtime.local_resource_url(self, "public/sitting/paper.min.css"))
        fragment.add_javascript_url(self.runtime.local_resource_url(self, "public/sitting/paper.min.js"))

    def offers_papers(self: Any, seen: Viewer) -> bool:
        """Tell whether whoever looks facilitates in this run."""
        if seen.learner is None or seen.read_only:
            return False
        today = datetime.now(UTC).date()
        return bool(api.is_facilitator(seen.learner.user_id, seen.learner.course_key, on=today))

    def _render_sheet(self: Any, attempt: AttemptView, short_code: str) -> str:
        files = [
            self.runtime.local_resource_url(self, f"public/{path}.min.css")
            for path in (*self.SHARED_FILES, "sitting/style", "sitting/paper")
        ]
        context = {
            "files": files,
            "title": self.display_name or self.t("Test"),
            "short_code": short_code,
            "form_key": attempt.form_key,
            "items": [describe_item(item, attempt.responses.get(item.key, {})) for item in attempt.items],
            "on_paper": True,
            "allows_unknown": attempt.allows_unknown,
            "unknown_option": UNKNOWN_OPTION,
            "field_prefix": f"integra-paper-{self.short_digest(str(attempt.uuid))}",
        }
        return str(self.render_template("paper_sheet.html", context))
