"""The facilitator's desk: work that waits for a rating, who may need help, what the cohort gained, and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from web_fragments.fragment import Fragment
from webob import Request, Response
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock

from integra_gradebook import api
from integra_gradebook.errors import GradebookError
from integra_gradebook.results import Queue, QueueRow, SubmissionView
from integra_grading.deliverables import read_definition
from integra_grading.rubric import Rubric
from integra_xblocks import reports
from integra_xblocks.base import BaseBlock, json_post, json_response
from integra_xblocks.messages import N_, get_status
from integra_xblocks.platform import Viewer, course_key, facilitator, viewer
from integra_xblocks.roster import CONCERNS, find_concerns, sort_by_need, write_csv
from integra_xblocks.sheet import describe_answers

_TEXTS = {
    "opening": N_("Opening…"),
    "needsSignal": N_(
        "There is no signal. Try again when you have it; what you wrote is kept on this phone."
    ),
    "work": N_("{title} · version {version}"),
    "mine": N_("You are reading it"),
    "taken": N_("Somebody is reading it"),
    "read": N_("Open this work"),
    "empty": N_("No work is waiting. Thank you!"),
    "waiting": N_("{count} waiting"),
    "checks": N_("What the person checked"),
    "checked": N_("checked"),
    "unchecked": N_("not checked"),
    "blank": N_("(blank)"),
    "rule": N_("Accepted from {cut} of {max_score} points on."),
    "ruleZero": N_("“{title}” must not be 0."),
    "points": N_("{points} points"),
    "onePoint": N_("1 point"),
    "comment": N_("Comment for the person (optional)"),
    "wholeComment": N_("Comment on the whole (the person reads it)"),
    "accept": N_("Accept"),
    "giveBack": N_("Return to be improved"),
    "chooseLevels": N_("Choose one level for each criterion."),
    "sayWhy": N_("Say in a comment what to improve, so that the person can."),
    "accepted": N_("Accepted with {score} of {max_score}."),
    "returned": N_("Returned with {score} of {max_score}. The person sees your comments."),
    "units": N_("{done} of {total} units"),
    "wellUnderWay": N_("on its way"),
    "reached": N_("course reached"),
    "needHelp": N_("{count} may need help"),
    "nobody": N_("Nobody is enrolled yet."),
    "counting": N_("Counting…"),
    "extra_time": N_("half as much time again in tests"),
    "assisted": N_("somebody reads aloud or types"),
    "support": N_("Support in tests"),
    "supportSaved": N_("Saved. It counts from the next test on."),
}


_FILE_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class ListQueue:
    """The next page of the queue; ``after`` is the mark the last one ended with."""

    after: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimSubmission:
    """Open one work, so that nobody else rates it meanwhile."""

    submission_uuid: UUID


@dataclass(frozen=True, slots=True)
class RateSubmission:
    """A rating; points are computed from the levels, never sent."""

    uuid: UUID
    submission_uuid: UUID
    levels: dict[str, int]
    comments: dict[str, str]
    outcome: str


@dataclass(frozen=True, slots=True)
class ListRoster:
    """Everybody in this facilitator's cohorts."""


@dataclass(frozen=True, slots=True)
class SetAccommodations:
    """What one person gets in tests from now on; the whole list, not a change of it."""

    short_code: str
    accommodations: list[str]


@dataclass(frozen=True, slots=True)
class ShowReport:
    """Gain and tests of one cohort; None for all of this facilitator's together."""

    cohort_key: str | None = None


class DeskBlock(BaseBlock):
    """Absent for anybody who is no facilitator of this run."""

    FOLDER = "desk"
    INIT_FUNCTION = "IntegraDesk"
    completion_mode = XBlockCompletionMode.EXCLUDED

    @XBlock.supports("multi_device")
    def student_view(self, context: Any = None) -> Fragment:
        """Show the queue; to an author what the desk is; to anybody else nothing."""
        seen = viewer(self)
        title = self.display_name or self.t("Facilitator's desk")
        if seen.read_only == "studio":
            return self._build(
                seen, {"title": title, "is_preview": True}, {"rows": [], "next_after": None, "waiting": 0}
            )
        now = datetime.now(UTC)
        try:
            rater = facilitator(self, on=now.date())
            queue = api.list_queue(rater, course_key(self), now=now)
        except GradebookError as error:
            if get_status(error.code) == 404:
                return Fragment()
            return self._build(seen, {"title": title, "notice": error.message}, {})
        page = {
            "title": title,
            "export_url": self.runtime.handler_url(self, "export_roster"),
            "report_csv_url": self.runtime.handler_url(self, "export_report", "csv"),
            "report_xlsx_url": self.runtime.handler_url(self, "export_report", "xlsx"),
        }
        return self._build(seen, page, _describe_queue(queue))

    # --- handlers ------------------------------------------------------------------------------------------

    @json_post
    def list_queue(self, request: Request) -> dict[str, Any]:
        """List work that waits, oldest first."""
        now = datetime.now(UTC)
        rater = facilitator(self, on=now.date())
        command = self.parse(request, ListQueue)
        return _describe_queue(api.list_queue(rater, course_key(self), now=now, after=command.after))

    @json_post
    def claim_submission(self, request: Request) -> dict[str, Any]:
        """Open one work, or renew the claim on it."""
        now = datetime.now(UTC)
        rater = facilitator(self, on=now.date())
        command = self.parse(request, ClaimSubmission)
        submission = api.claim_submission(
            rater, course_key(self), submission_uuid=command.submission_uuid, now=now
        )
        return _describe_submission(submission, self._find_rubric(submission))

    @json_post
    def rate_submission(self, request: Request) -> dict[str, Any]:
        """Store a rating and tell what the levels amount to."""
        now = datetime.now(UTC)
        rater = facilitator(self, on=now.date())
        command = self.parse(request, RateSubmission)
        rating = api.rate_submission(
            rater,
            course_key(self),
            submission_uuid=command.submission_uuid,
            levels=command.levels,
            comments=command.comments,
            outcome=command.outcome,
            uuid=command.uuid,
            now=now,
        )
        return {"outcome": rating.outcome, "score": rating.score, "max_score": rating.max_score}

    @json_post
    def list_roster(self, request: Request) -> dict[str, Any]:
        """List the people of this facilitator's cohorts, those who may need help first."""
        now = datetime.now(UTC)
        rater = facilitator(self, on=now.date())
        self.parse(request, ListRoster)
        rows = api.list_roster(rater, course_key(self), now=now)
        described = []
        for row in sort_by_need(rows, now):
            described.append(
                {
                    "short_code": row.short_code,
                    "username": row.username,
                    "cohort_key": row.cohort_key,
                    "units_complete": row.units_complete,
                    "units_total": row.units_total,
                    "is_reached": row.is_course_reached,
                    "concerns": [self.t(CONCERNS[key]) for key in find_concerns(row, now)],
                    "accommodations": list(row.accommodations),
                }
            )
        return {"rows": described}

    @json_post
    def set_accommodations(self, request: Request) -> dict[str, Any]:
        """Grant a person what they need in tests."""
        now = datetime.now(UTC)
        person = facilitator(self, on=now.date())
        command = self.parse(request, SetAccommodations)
        granted = api.set_accommodations(
            person,
            course_key(self),
            short_code=command.short_code,
            accommodations=command.accommodations,
            now=now,
        )
        return {"short_code": command.short_code, "accommodations": list(granted)}

    @json_post
    def show_report(self, request: Request) -> dict[str, Any]:
        """Give the report of a cohort as markup of our own template, and the cohorts to choose from."""
        now = datetime.now(UTC)
        rater = facilitator(self, on=now.date())
        command = self.parse(request, ShowReport)
        report = api.get_cohort_report(rater, course_key(self), now=now, cohort_key=command.cohort_key)
        return {
            "cohorts": list(report.cohorts),
            "cohort_key": report.cohort_key,
            "html": self.render_template("report.html", reports.describe_report(report, self.t)),
        }

    @XBlock.handler
    def export_roster(self, request: Request, suffix: str = "") -> Response:
        """Give the roster as a file."""

        def write(rater: int, now: datetime) -> bytes:
            return write_csv(api.list_roster(rater, course_key(self), now=now), self.t)

        return self._send_file(write, "integra", "csv")

    @XBlock.handler
    def export_report(self, request: Request, suffix: str = "") -> Response:
        """Give the report of all this facilitator's cohorts as a file; the suffix says which kind."""

        def write(rater: int, now: datetime) -> bytes:
            report = api.get_cohort_report(rater, course_key(self), now=now)
            return (reports.write_xlsx if suffix == "xlsx" else reports.write_csv)(report, self.t)

        return self._send_file(write, "integra-pruebas", "xlsx" if suffix == "xlsx" else "csv")

    def _send_file(self, write: Callable[[int, datetime], bytes], name: str, extension: str) -> Response:
        now = datetime.now(UTC)
        try:
            body = write(facilitator(self, on=now.date()), now)
        except GradebookError as error:
            refusal = {"code": error.code, "message": error.message, "field": error.field}
            return json_response(refusal, get_status(error.code))
        response = Response(body, content_type=_FILE_TYPES[extension])
        if extension == "csv":
            response.charset = "utf-8"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}-{now:%Y-%m-%d}.{extension}"'
        response.headers["Cache-Control"] = "no-store"
        return response

    def _build(self, seen: Viewer, page: dict[str, Any], queue: dict[str, Any]) -> Fragment:
        texts = {name: self.t(text) for name, text in _TEXTS.items()}
        return self.build_fragment("desk.html", page, viewer=seen, texts=texts, queue=queue)

    def _find_rubric(self, submission: SubmissionView) -> Rubric:
        rules = api.get_rules(course_key(self))
        found = rules.find_deliverable(submission.deliverable_key)
        rubric = rules.find_rubric(found[1].rubric_version) if found else None
        if rubric is None:
            raise GradebookError("deliverable_unknown", field=submission.deliverable_key)
        return rubric


def _describe_queue(queue: Queue) -> dict[str, Any]:
    return {
        "rows": [_describe_row(row) for row in queue.rows],
        "next_after": queue.next_after,
        "waiting": queue.waiting_count,
    }


def _describe_row(row: QueueRow) -> dict[str, Any]:
    return {
        "submission_uuid": str(row.submission_uuid),
        "short_code": row.short_code,
        "cohort_key": row.cohort_key,
        "title": row.title,
        "version": row.version,
        "submitted_at": row.submitted_at.isoformat(),
        "is_claimed": row.is_claimed,
        "is_mine": row.is_mine,
    }


def _describe_submission(submission: SubmissionView, rubric: Rubric) -> dict[str, Any]:
    definition = read_definition(submission.definition)
    ticked = submission.document.get("self_check", [])
    return {
        "submission_uuid": str(submission.uuid),
        "short_code": submission.short_code,
        "title": submission.title,
        "version": submission.version,
        "submitted_at": submission.submitted_at.isoformat(),
        "sections": describe_answers(definition, submission.document),
        "self_check": [{"text": c.text, "is_ticked": c.key in ticked} for c in definition.self_check],
        "rubric": {
            "cut": rubric.cut,
            "max_score": rubric.max_score,
            "criteria": [
                {
                    "key": criterion.key,
                    "title": criterion.title,
                    "must_be_positive": criterion.must_be_positive,
                    "levels": [{"points": level.points, "text": level.text} for level in criterion.levels],
                }
                for criterion in rubric.criteria
            ],
        },
    }
