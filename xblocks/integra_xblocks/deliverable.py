"""A deliverable: a structured form with totals, drafts that survive, versions, and the rating it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from web_fragments.fragment import Fragment
from webob import Request
from xblock.completable import CompletableXBlockMixin
from xblock.core import XBlock
from xblock.fields import Dict, Scope, String

from integra_gradebook import api
from integra_gradebook.errors import GradebookError
from integra_gradebook.results import DeliverableState, RatingView, SubmissionView
from integra_grading.deliverables import Definition, read_definition
from integra_grading.errors import DefinitionError
from integra_xblocks.base import BaseBlock, json_post
from integra_xblocks.content import Problem, describe_error
from integra_xblocks.corrections import CorrectableMixin
from integra_xblocks.messages import N_
from integra_xblocks.platform import Viewer, course_key, usage_key, viewer, writer
from integra_xblocks.sheet import EMPTY_DOCUMENT, describe_formulas, describe_sheet

STATES = {
    "submitted": N_("waits for its review"),
    "replaced": N_("replaced by a newer one"),
    "returned": N_("came back"),
    "accepted": N_("accepted"),
}

_TEXTS = {
    "draftSaved": N_("Draft saved."),
    "tooMany": N_("There is no room for more rows."),
    "badNumber": N_("Write only the number, for example 13,50."),
    "rowRemoved": N_("Row removed."),
    "sending": N_("Sending…"),
    "waits": N_("Your work waits on this phone and will be sent by itself when there is signal."),
    "look": N_("Look over what is marked and send again."),
    "row": N_("row {row}"),
    "none": N_("–"),
}


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """What stands on the page; ``revision`` is the one it was loaded with."""

    document: dict[str, Any]
    revision: int


@dataclass(frozen=True, slots=True)
class LoadDraft:
    """Ask for the draft somebody else's tab saved."""


@dataclass(frozen=True, slots=True)
class SubmitDeliverable:
    """Hand in a version; ``uuid`` names it, made by the browser."""

    uuid: UUID
    document: dict[str, Any]


class DeliverableBlock(CorrectableMixin, CompletableXBlockMixin, BaseBlock):
    """A form whose definition stands in the course; complete when a version is accepted."""

    IDENTITY_FIELDS: ClassVar[tuple[str, ...]] = ("module_key", "deliverable_key")
    FOLDER = "deliverable"
    INIT_FUNCTION = "IntegraDeliverable"

    icon_class = "problem"
    has_score = True

    module_key = String(scope=Scope.content, default="", help="The module this work belongs to.")
    deliverable_key = String(scope=Scope.content, default="", help="Its key in the course's manifest.")
    definition = Dict(
        scope=Scope.content, default={}, help="The form: sections, fields, formulas, self-check."
    )

    def max_score(self) -> int:
        """Return the most the platform's gradebook shows: accepted or not. No learner is bound when it asks."""
        return 1

    @XBlock.supports("multi_device")
    def student_view(self, context: Any = None) -> Fragment:
        """Show the form with its draft, or the version handed in and what was said about it."""
        seen = viewer(self)
        try:
            definition = self._read_definition()
            page, arguments = self._describe_page(definition, seen)
        except GradebookError as error:
            page, arguments = {"title": self.display_name, "notice": error.message}, {"fields": []}
        fragment = self.build_fragment(
            "deliverable.html",
            page,
            viewer=seen,
            texts={name: self.t(text) for name, text in _TEXTS.items()},
            **arguments,
        )
        url = self.runtime.local_resource_url(self, "public/deliverable/arithmetic.min.js")
        fragment.add_javascript_url(url)
        return fragment

    # --- handlers ------------------------------------------------------------------------------------------

    @json_post
    def save_draft(self, request: Request) -> dict[str, Any]:
        """Store the draft unless another tab or phone has stored a newer one."""
        learner = writer(self)
        command = self.parse(request, SaveDraft)
        draft = api.save_draft(
            learner,
            deliverable_key=self.deliverable_key,
            block_key=usage_key(self),
            document=command.document,
            revision=command.revision,
            now=datetime.now(UTC),
        )
        return {"revision": draft.revision}

    @json_post
    def load_draft(self, request: Request) -> dict[str, Any]:
        """Give the stored draft, for the page that met a conflict."""
        learner = writer(self)
        self.parse(request, LoadDraft)
        draft = api.get_deliverable_state(learner, self.deliverable_key).draft
        if draft is None:
            return {"document": EMPTY_DOCUMENT, "revision": 0}
        return {"document": draft.document, "revision": draft.revision}

    @json_post
    def submit_deliverable(self, request: Request) -> dict[str, Any]:
        """Hand in a version, or name everything that is to mend at once."""
        learner = writer(self)
        command = self.parse(request, SubmitDeliverable)
        submission = api.submit_deliverable(
            learner,
            module_key=self.module_key,
            deliverable_key=self.deliverable_key,
            block_key=usage_key(self),
            definition=dict(self.definition),
            document=command.document,
            uuid=command.uuid,
            now=datetime.now(UTC),
        )
        self.has_facts = True
        if submission.state == "accepted":
            self.emit_completion(1.0)
        return {"state": submission.state, **_describe_version(submission)}

    # --- what the view shows -------------------------------------------------------------------------------

    def _describe_page(self, definition: Definition, seen: Viewer) -> tuple[dict[str, Any], dict[str, Any]]:
        state = api.get_deliverable_state(seen.learner, self.deliverable_key) if seen.learner else None
        # A version that waits may be replaced; only an accepted one is closed.
        is_editable = state is None or state.state != "accepted"
        page = {
            "title": self.display_name or definition.title,
            "sheet": describe_sheet(definition, _choose_document(state)),
            "is_editable": is_editable,
        }
        if state is not None:
            page |= self._describe_state(state)
        arguments = {
            **describe_formulas(definition),
            "isEditable": is_editable,
            "revision": state.draft.revision if state and state.draft else 0,
            "versions": len(state.versions) if state else 0,
        }
        return page, arguments

    def _describe_state(self, state: DeliverableState) -> dict[str, Any]:
        versions = [
            _describe_version(version)
            | {"submitted_at": version.submitted_at, "state": self.t(STATES[version.state])}
            for version in state.versions
        ]
        return {
            "state": state.versions[0].state if state.versions else "",
            "has_draft": state.draft is not None,
            "versions": versions,
            "last": versions[0] if versions else None,
            "rating": self._describe_rating(state.rating) if state.rating else None,
        }

    def _describe_rating(self, rating: RatingView) -> dict[str, Any]:
        rubric = api.get_rules(course_key(self)).find_rubric(rating.rubric_version)
        criteria = []
        for criterion in rubric.criteria if rubric else ():
            if criterion.key not in rating.levels:
                continue
            points = rating.levels[criterion.key]
            texts = {level.points: level.text for level in criterion.levels}
            criteria.append(
                {
                    "title": criterion.title,
                    "points": points,
                    "max_points": criterion.levels[-1].points,
                    "level": texts.get(points, ""),
                    "is_low": points < criterion.levels[-1].points,
                    "comment": rating.comments.get(criterion.key, ""),
                }
            )
        return {"criteria": criteria, "comment": rating.comments.get("", "")}

    # --- content -------------------------------------------------------------------------------------------

    def _read_definition(self) -> Definition:
        try:
            return read_definition(dict(self.definition))
        except DefinitionError as error:
            raise GradebookError("definition_invalid", field=error.field) from error

    def content_version(self) -> str:
        """Return what drafts on the phone are kept under: a changed form starts anew from the server's draft."""
        return self.short_digest(f"{self.deliverable_key}|{self.definition.get('version')}")

    def get_editable(self) -> dict[str, Any]:
        """Return the values an author edits."""
        return {**super().get_editable(), "definition": self.definition}

    def check_editable(self, values: Mapping[str, Any]) -> list[Problem]:
        """Return a problem when the form is not well formed."""
        return _check_definition(values["definition"])

    def list_problems(self) -> list[str]:
        """Return a sentence per thing an author must mend."""
        return super().list_problems() + [str(each) for each in _check_definition(dict(self.definition))]


def _check_definition(raw: Any) -> list[Problem]:
    try:
        read_definition(raw)
    except DefinitionError as error:
        return [describe_error(error, ("definition",), "definition")]
    return []


def _choose_document(state: DeliverableState | None) -> Mapping[str, Any]:
    """Return what stands in the form: the draft; else the last version; else nothing."""
    if state is None:
        return EMPTY_DOCUMENT
    if state.draft is not None:
        return state.draft.document
    return state.versions[0].document if state.versions else EMPTY_DOCUMENT


def _describe_version(submission: SubmissionView) -> dict[str, Any]:
    # The first digits of the uuid are enough to name a version on the telephone or on paper.
    return {"number": submission.version, "receipt": str(submission.uuid)[:8].upper()}
