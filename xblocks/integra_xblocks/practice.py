"""Practice: formative items with feedback after every try; complete when each was right once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from web_fragments.fragment import Fragment
from webob import Request
from xblock.completable import CompletableXBlockMixin
from xblock.core import XBlock
from xblock.fields import Boolean, Scope, String

from integra_gradebook import api
from integra_gradebook.api import GradebookError, PracticeState, UnitState
from integra_grading.items import Item
from integra_xblocks.base import json_post
from integra_xblocks.item_block import ItemBlock
from integra_xblocks.item_page import describe_form
from integra_xblocks.messages import N_
from integra_xblocks.platform import Viewer, device_owner, url_name, usage_key, viewer, writer
from integra_xblocks.sanitiser import to_plain_text

_TEXTS = {
    "right": N_("Right."),
    "notYet": N_("Not yet."),
    "choose": N_("Choose an answer first."),
    "incomplete": N_("Something is still empty. Fill it in first."),
    "checking": N_("Checking…"),
    "waiting": N_("Saved on this phone. You will see the answer when there is signal."),
    "progress": N_("{done} of {total} done"),
    "complete": N_("You answered everything right. This practice is complete."),
    "position": N_("Question {number} of {total}"),
}


@dataclass(frozen=True, slots=True)
class AnswerItem:
    """One try at one item."""

    uuid: UUID
    item_key: str
    response: dict[str, Any]


class PracticeBlock(CompletableXBlockMixin, ItemBlock):
    """Items to practise with; keys and feedback stay on the server until a try was sent."""

    IDENTITY_FIELDS: ClassVar[tuple[str, ...]] = ("unit_key",)
    FOLDER = "practice"
    INIT_FUNCTION = "IntegraPractice"

    icon_class = "problem"

    unit_key = String(
        scope=Scope.settings, default="", help="The unit of the course this practice belongs to."
    )
    shows_all = Boolean(
        scope=Scope.settings, default=False, help="All items below each other, not one by one."
    )

    @XBlock.supports("multi_device")
    def student_view(self, context: Any = None) -> Fragment:
        """Show the items without keys, and which were right already."""
        seen = viewer(self)
        state, notice = self._find_state(seen)
        right = set(state.items_right)
        seed = device_owner(self)
        return self.build_fragment(
            "practice.html",
            {
                "title": self.display_name or self.t("Practice"),
                "items": [
                    {**describe_form(Item.from_dict(raw), seed), "is_right": raw["key"] in right}
                    for raw in self.items
                ],
                "shows_all": self.shows_all or len(self.items) < 2,
                "right_count": sum(raw["key"] in right for raw in self.items),
                "total": len(self.items),
                "notice": notice,
                "reviews": [describe_form(item, seed) for item in state.reviews],
            },
            viewer=seen,
            texts={name: self.t(text) for name, text in _TEXTS.items()},
            showsAll=self.shows_all or len(self.items) < 2,
        )

    @json_post
    def answer(self, request: Request) -> dict[str, Any]:
        """Score one try and give the feedback of what was answered."""
        learner = writer(self)
        command = self.parse(request, AnswerItem)
        result = api.answer_practice(
            learner,
            unit_key=self.unit_key,
            practice_key=url_name(self),
            block_key=usage_key(self),
            item=self._get_item(command.item_key),
            response=command.response,
            uuid=command.uuid,
            now=datetime.now(UTC),
        )
        is_complete = self._is_complete(result.unit)
        if is_complete:
            self.emit_completion(1.0)
        return {
            "item_key": result.item_key,
            "is_right": result.is_right,
            "feedback": to_plain_text(result.feedback),
            "items_right": [key for key in self._list_keys() if key in result.unit.items_right],
            "is_complete": is_complete,
            "is_unit_complete": result.unit.is_complete,
        }

    @json_post
    def answer_review(self, request: Request) -> dict[str, Any]:
        """Score one try at an item of an earlier practice that came back here."""
        learner = writer(self)
        command = self.parse(request, AnswerItem)
        result = api.answer_review(
            learner,
            practice_key=url_name(self),
            block_key=usage_key(self),
            item_key=command.item_key,
            response=command.response,
            uuid=command.uuid,
            now=datetime.now(UTC),
        )
        return {
            "item_key": result.item_key,
            "is_right": result.is_right,
            "feedback": to_plain_text(result.feedback),
        }

    def _find_state(self, seen: Viewer) -> tuple[PracticeState, str]:
        """Return where the learner stands, and a sentence when the gradebook cannot tell it."""
        nothing = PracticeState((), ())
        if seen.learner is None:
            return nothing, ""
        try:
            now = datetime.now(UTC)
            return api.get_practice_state(seen.learner, practice_key=url_name(self), now=now), ""
        except GradebookError as error:
            return nothing, error.message

    def _get_item(self, key: str) -> Item:
        for raw in self.items:
            if raw["key"] == key:
                return Item.from_dict(raw)
        raise GradebookError("item_unknown", field="item_key")

    def _list_keys(self) -> list[str]:
        return [raw["key"] for raw in self.items]

    def _is_complete(self, state: UnitState) -> bool:
        return set(self._list_keys()) <= set(state.items_right)

    def get_editable(self) -> dict[str, Any]:
        """Return the values an author edits."""
        return {"shows_all": self.shows_all, **super().get_editable()}
