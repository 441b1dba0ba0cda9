"""What the test and the module's evaluation share: items in the OLX, one attempt at a time, answers one by one.

The page shows an attempt as the gradebook gives it: drawn items in stored order, without keys, feedback or a
score before its time. After every change of state the page is loaded again, so that it always shows what is
stored; two tabs therefore end in the same attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from web_fragments.fragment import Fragment
from webob import Request
from xblock.completable import CompletableXBlockMixin
from xblock.fields import Boolean, Scope, String

from integra_gradebook import api
from integra_gradebook.errors import GradebookError
from integra_gradebook.results import AttemptView, Bank
from integra_grading.errors import ItemError
from integra_grading.items import UNKNOWN_OPTION, Item, bank_digest, item_digest
from integra_xblocks import content, papers
from integra_xblocks.base import json_post
from integra_xblocks.corrections import CorrectableMixin
from integra_xblocks.item_block import ItemBlock
from integra_xblocks.item_page import describe_form, describe_item
from integra_xblocks.messages import N_
from integra_xblocks.papers import PaperMixin
from integra_xblocks.platform import Viewer, course_key, usage_key, writer

TEXTS = {
    "starting": N_("Getting your questions…"),
    "startNeedsSignal": N_("To start you need signal for a moment. Try again."),
    "answered": N_("{count} of {total} answered"),
    "hasAnswer": N_("answered"),
    "noAnswer": N_("without an answer"),
    "allAnswered": N_("You answered all the questions. You can still change any of them."),
    "oneMissing": N_("One question has no answer yet. Touch it to go back to it."),
    "someMissing": N_("{count} questions have no answer yet. Touch one to go back to it."),
    "send": N_("Send my answers"),
    "sendAnyway": N_("Send with questions unanswered"),
    "sending": N_("Sending…"),
    "sendNeedsSignal": N_("There is no signal. Keep this page open: it will be sent by itself."),
    "minutesLeft": N_("{minutes} min left"),
    "secondsLeft": N_("{seconds} s left"),
    "noTime": N_("Preview: no clock runs"),
    "timeOver": N_("The time is over. Your answers are being sent."),
}


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Begin an attempt; ``uuid`` is its name, made by the browser."""

    uuid: UUID


@dataclass(frozen=True, slots=True)
class SaveResponse:
    """One answer, or None where it was taken back. ``uuid`` names the post; the last answer to an item counts."""

    uuid: UUID
    attempt_uuid: UUID
    item_key: str
    response: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class SubmitAttempt:
    """End the attempt."""

    attempt_uuid: UUID


class SittingBlock(PaperMixin, CorrectableMixin, CompletableXBlockMixin, ItemBlock):
    """Behaviour of a block in which attempts are made; not a block type itself."""

    FOLDER = "sitting"
    INIT_FUNCTION = "IntegraSitting"
    ATTEMPT_KIND: ClassVar[str] = ""

    icon_class = "problem"

    bank_id = String(scope=Scope.content, default="", help="The bank of the manifest these items are.")
    bank_digest = String(scope=Scope.content, default="", help="Digest of that bank.")
    bank_public = Boolean(scope=Scope.content, default=True, help="Whether the keys stand in a public place.")

    # --- handlers ------------------------------------------------------------------------------------------

    @json_post
    def start_attempt(self, request: Request) -> dict[str, Any]:
        """Begin an attempt, or give the open one: its row is there before its first item is shown."""
        learner = writer(self)
        command = self.parse(request, StartAttempt)
        attempt = api.start_attempt(
            learner,
            kind=self.get_attempt_kind(),
            block_key=usage_key(self),
            bank=self.get_bank(),
            uuid=command.uuid,
            now=datetime.now(UTC),
        )
        self.has_facts = True
        return {"attempt_uuid": str(attempt.uuid), "state": attempt.state}

    @json_post
    def save_response(self, request: Request) -> dict[str, Any]:
        """Store one answer and tell which answers are stored."""
        learner = writer(self)
        command = self.parse(request, SaveResponse)
        now = datetime.now(UTC)
        saved = api.save_response(
            learner,
            attempt_uuid=command.attempt_uuid,
            block_key=usage_key(self),
            item_key=command.item_key,
            response=command.response,
            now=now,
        )
        remaining = count_remaining_seconds(saved.deadline_at, now)
        return {"received": saved.responses, "remaining_seconds": remaining}

    @json_post
    def submit_attempt(self, request: Request) -> dict[str, Any]:
        """End the attempt; the page is loaded again for what may be shown of it."""
        learner = writer(self)
        command = self.parse(request, SubmitAttempt)
        attempt = api.submit_attempt(
            learner, attempt_uuid=command.attempt_uuid, block_key=usage_key(self), now=datetime.now(UTC)
        )
        if self.is_decided(attempt):
            self.emit_completion(1.0)
        return {"attempt_uuid": str(attempt.uuid), "state": attempt.state}

    # --- what the views use --------------------------------------------------------------------------------

    def get_attempt_kind(self) -> str:
        """Return the kind of attempt made here, as the gradebook names it."""
        return self.ATTEMPT_KIND

    def is_decided(self, attempt: AttemptView) -> bool:
        """Tell whether a submitted attempt completes the block."""
        return attempt.state == "submitted"

    def get_bank(self) -> Bank:
        """Return the block's items as the bank of the manifest they claim to be.

        Raises:
            GradebookError: ``bank_mismatch`` where an item cannot be read, as for any other changed item.
        """
        try:
            items = content.parse_items(self.items)
        except ItemError as error:
            raise GradebookError("bank_mismatch", field=self.bank_id) from error
        return Bank(self.bank_id, self.bank_digest, self.bank_public, items)

    def build_sitting(
        self, template: str, context: Mapping[str, Any], seen: Viewer, arguments: Mapping[str, Any]
    ) -> Fragment:
        """Return the view's fragment with the texts of a sitting; for facilitators, with tests on paper."""
        texts = TEXTS
        has_papers = context.get("stage") != "open" and self.offers_papers(seen)
        if has_papers:
            texts = TEXTS | papers.TEXTS
        fragment = self.build_fragment(
            template,
            {"unknown_option": UNKNOWN_OPTION, "has_papers": has_papers, **context},
            viewer=seen,
            texts={name: self.t(text) for name, text in texts.items()},
            **arguments,
        )
        if has_papers:
            self.add_papers(fragment)
        return fragment

    def describe_preview_page(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what an author sees: the items as learners get them, of all forms, with no clock."""
        page = {
            "stage": "open",
            "items": describe_preview(self.items),
            "allows_unknown": self.get_attempt_kind() == "pre",
        }
        return page, {"attempt": "", "received": {}, "remainingSeconds": 0}

    def get_open_arguments(self, attempt: AttemptView, now: datetime) -> dict[str, Any]:
        """Return what the script needs for an open attempt."""
        return {
            "attempt": str(attempt.uuid),
            "received": attempt.responses,
            "remainingSeconds": count_remaining_seconds(attempt.deadline_at, now),
        }

    def content_version(self) -> str:
        """Return what waiting answers are kept under: an attempt outlives a change of the course's items."""
        return self.short_digest(self.bank_id)

    def get_editable(self) -> dict[str, Any]:
        """Return the values an author edits, by name; the digest follows from the items."""
        return {
            name: getattr(self, name) for name in (*self.IDENTITY_FIELDS, "bank_public", *self.CHILD_FIELDS)
        }

    def apply_editable(self, values: Mapping[str, Any]) -> None:
        """Set the fields, and the digest of what the items have become."""
        super().apply_editable(values)
        items = content.parse_items(self.items)
        self.bank_digest = bank_digest((item.key, item_digest(item)) for item in items)

    def list_problems(self) -> list[str]:
        """Add: learners are refused where the course's rules know the bank as another."""
        problems = super().list_problems()
        try:
            known = api.get_rules(course_key(self)).find_bank(self.bank_id)
        except GradebookError:
            return problems  # no rules yet: the bridge's doctor says so
        if known is None or known.digest != self.bank_digest:
            problems.append(
                self.t(
                    "These questions are not the ones of the course's rules: learners cannot begin. "
                    "Compile the course and register its manifest again."
                )
            )
        return problems


def describe_items(attempt: AttemptView) -> list[dict[str, Any]]:
    """Return what the template shows of each item of ``attempt``, with the answers given so far."""
    return [describe_item(item, attempt.responses.get(item.key, {})) for item in attempt.items]


def describe_preview(raw_items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the same for an author: the items that can be read, in written order, without an attempt."""
    items = []
    for raw in raw_items:
        try:
            items.append(describe_form(Item.from_dict(raw), "preview"))
        except ItemError:
            continue  # validate() names it
    return items


def count_remaining_seconds(deadline_at: datetime, now: datetime) -> int:
    """Return the whole seconds until the attempt's deadline, at least 0."""
    return max(0, int((deadline_at - now).total_seconds()))
