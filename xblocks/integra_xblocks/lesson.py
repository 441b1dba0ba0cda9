"""A lesson: a question to predict, text, example, activity, glossary, and a button for the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from lxml import etree
from web_fragments.fragment import Fragment
from webob import Request
from xblock.completable import CompletableXBlockMixin
from xblock.core import XBlock
from xblock.fields import Boolean, Integer, List, Scope, String

from integra_gradebook import api
from integra_gradebook.api import GradebookError, UnitState
from integra_xblocks import content
from integra_xblocks.base import BaseBlock, json_post
from integra_xblocks.content import Problem
from integra_xblocks.messages import N_
from integra_xblocks.platform import Viewer, usage_key, viewer, writer
from integra_xblocks.sanitiser import sanitise

TITLES = {
    "objectives": N_("When you finish you will be able to"),
    "prediction": N_("A question before you read"),
    "text": N_("Read"),
    "example": N_("A worked example"),
    "activity": N_("Your turn"),
    "closing": N_("To remember"),
}

_TEXTS = {
    "listen": N_("Listen"),
    "stop": N_("Stop"),
    "noteKept": N_("Noted on this phone. Nobody else sees it."),
    "noteIs": N_("Before reading you noted: {note}"),
    "finished": N_("You finished this lesson."),
    "activeMinutes": N_("Your time so far: {minutes} min"),
    "table": N_("Table: slide to see it all"),
}


@dataclass(frozen=True, slots=True)
class FinishLesson:
    """The learner says that the end is reached."""

    uuid: UUID


@dataclass(frozen=True, slots=True)
class Tick:
    """The page was in use since the last tick; the server's clock decides how much that counts."""


class LessonBlock(CompletableXBlockMixin, BaseBlock):
    """Text to read on the phone; complete when the learner says so at its end."""

    IDENTITY_FIELDS: ClassVar[tuple[str, ...]] = ("unit_key",)
    OWN_TAGS = frozenset({"section", "term"})
    CHILD_FIELDS: ClassVar[tuple[str, ...]] = ("sections", "terms")
    FOLDER = "lesson"
    INIT_FUNCTION = "IntegraLesson"

    unit_key = String(scope=Scope.settings, default="", help="The unit of the course this lesson is.")
    minutes = Integer(scope=Scope.settings, default=0, help="Declared minutes of the unit.")
    needs_legal_review = Boolean(
        scope=Scope.settings, default=False, help="Nobody who knows the law has signed this lesson yet."
    )
    sections = List(scope=Scope.content, default=[], help="Sections: kind, title, html.")
    terms = List(scope=Scope.content, default=[], help="Glossary: word, definition.")

    @XBlock.supports("multi_device")
    def student_view(self, context: Any = None) -> Fragment:
        """Show the lesson with what the learner has done of it."""
        seen = viewer(self)
        state, notice = self._find_state(seen)
        return self.build_fragment(
            "lesson.html",
            {
                "title": self.display_name or self.t("Lesson"),
                "minutes": self.minutes,
                "needs_legal_review": self.needs_legal_review,
                "sections": [self._describe(section) for section in self.sections],
                "terms": self.terms,
                "is_done": state is not None and state.is_lesson_done,
                "is_unit_complete": state is not None and state.is_complete,
                "has_practice": state is None or bool(state.items_due),
                "notice": notice,
            },
            viewer=seen,
            texts={name: self.t(text) for name, text in _TEXTS.items()},
            activeSeconds=state.active_seconds if state else 0,
        )

    @json_post
    def finish(self, request: Request) -> dict[str, Any]:
        """Record that the learner reached the end, and tell the platform."""
        learner = writer(self)
        command = self.parse(request, FinishLesson)
        state = api.complete_lesson(
            learner,
            unit_key=self.unit_key,
            block_key=usage_key(self),
            uuid=command.uuid,
            now=datetime.now(UTC),
        )
        self.emit_completion(1.0)
        return {"is_lesson_done": state.is_lesson_done, "is_unit_complete": state.is_complete}

    @json_post
    def tick(self, request: Request) -> dict[str, Any]:
        """Count active time, as much as the server's clock allows."""
        learner = writer(self)
        self.parse(request, Tick)
        seconds = api.tick_active_time(learner, unit_key=self.unit_key, now=datetime.now(UTC))
        return {"active_seconds": seconds}

    def _find_state(self, seen: Viewer) -> tuple[UnitState | None, str]:
        """Return the learner's state in the unit, and a sentence when the gradebook cannot tell it."""
        if seen.learner is None:
            return None, ""
        try:
            return api.get_unit_state(seen.learner, self.unit_key), ""
        except GradebookError as error:
            return None, error.message

    def _describe(self, section: Mapping[str, str]) -> dict[str, Any]:
        kind = section.get("kind", "text")
        return {
            "kind": kind,
            "title": section.get("title") or self.t(TITLES.get(kind, TITLES["text"])),
            "html": sanitise(section.get("html", "")),
        }

    @classmethod
    def read_children(cls, elements: Iterable[etree._Element]) -> tuple[dict[str, Any], list[str]]:
        """Read sections and terms."""
        sections, terms, problems = content.read_sections(elements)
        return {"sections": sections, "terms": terms}, problems

    def write_children(self, node: etree._Element) -> None:
        """Write sections and terms."""
        content.write_sections(node, self.sections, self.terms)

    def get_editable(self) -> dict[str, Any]:
        """Return the values an author edits."""
        own = {"minutes": self.minutes, "needs_legal_review": self.needs_legal_review}
        return own | super().get_editable()

    def check_editable(self, values: Mapping[str, Any]) -> list[Problem]:
        """Return a problem per section or term that is not well formed."""
        return [*content.check_sections(values["sections"]), *content.check_terms(values["terms"])]
