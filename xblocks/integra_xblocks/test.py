"""The test before and after the course, in twin forms, and the closing form of an area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from web_fragments.fragment import Fragment
from xblock.core import XBlock
from xblock.fields import Integer, Scope, String

from integra_gradebook import api
from integra_gradebook.errors import GradebookError
from integra_gradebook.results import AttemptView
from integra_grading.forms import ClosingRules, PostRules
from integra_grading.manifest import Manifest
from integra_xblocks.content import Problem
from integra_xblocks.corrections import ScorableMixin
from integra_xblocks.item_form import FORM, STRATUM, TWIN
from integra_xblocks.messages import N_
from integra_xblocks.platform import Viewer, course_key, usage_key, viewer
from integra_xblocks.sitting import SittingBlock, describe_items

PRE, POST, CLOSING = "pre", "post", "closing"
_TITLES = {PRE: N_("Starting test"), POST: N_("Final test"), CLOSING: N_("Closing test of the area")}


class TestBlock(ScorableMixin, SittingBlock):
    """An ex-ante test that shows no score; an ex-post or closing test with score and cut once it is sent."""

    __test__ = False  # pytest would take the name for a test case

    IDENTITY_FIELDS = ("bank_id",)
    PLACES = (FORM, TWIN, STRATUM)
    has_score = True

    kind = String(scope=Scope.content, default=PRE, values=(PRE, POST, CLOSING), help="pre, post or closing")
    form_items = Integer(scope=Scope.content, default=0, help="How many items one form has.")

    def max_score(self) -> int | None:
        """Return the points of one form; ``None`` for the pre-test, which has no score.

        The platform asks at publishing, with no learner bound: content alone may be read.
        """
        return None if self.kind == PRE else int(self.form_items)

    @XBlock.supports("multi_device")
    def student_view(self, context: Any = None) -> Fragment:
        """Show what to expect, the open attempt, or what may be known of the last one."""
        seen = viewer(self)
        now = datetime.now(UTC)
        try:
            page, arguments = self._describe_page(seen, now)
        except GradebookError as error:
            page, arguments = {"notice": error.message}, {}
        title = self.display_name or self.t(_TITLES.get(self.kind, _TITLES[PRE]))
        return self.build_sitting("test.html", {"title": title, "kind": self.kind, **page}, seen, arguments)

    def get_attempt_kind(self) -> str:
        """Return ``pre``, ``post`` or ``closing``."""
        return self.kind

    def _describe_page(self, seen: Viewer, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
        if seen.read_only == "studio":
            return self.describe_preview_page()
        attempt = api.find_attempt(seen.learner, block_key=usage_key(self)) if seen.learner else None
        if attempt is not None and attempt.state == "open" and attempt.mode == "paper":
            return {"stage": "paper"}, {}
        if attempt is not None and attempt.state == "open":
            return (
                {
                    "stage": "open",
                    "items": describe_items(attempt),
                    "allows_unknown": attempt.allows_unknown,
                },
                self.get_open_arguments(attempt, now),
            )
        if attempt is not None:
            return self._describe_result(attempt, now), {}
        return {"stage": "intro", "can_start": True, **self._describe_rules()}, {}

    def _describe_result(self, attempt: AttemptView, now: datetime) -> dict[str, Any]:
        if self.kind == PRE:
            return {"stage": "taken"}
        is_passed = attempt.outcome == "passed"
        waits_until = attempt.available_at if attempt.available_at and attempt.available_at > now else None
        return {
            "stage": "result",
            "attempt": attempt,
            "is_passed": is_passed,
            "is_provisional": self._find_cut_rules().is_provisional,
            "waits_until": waits_until,
            "can_start": not is_passed and attempt.attempts_left > 0 and waits_until is None,
        }

    def _describe_rules(self) -> dict[str, Any]:
        if self.kind == PRE:
            pre = self._find_rules().tests.pre
            return {"item_count": pre.max_score, "minutes": pre.minutes}
        cut_rules = self._find_cut_rules()
        return {
            "item_count": cut_rules.max_score,
            "minutes": cut_rules.minutes,
            "max_attempts": cut_rules.max_attempts,
            "wait_hours": cut_rules.wait_hours,
            "is_provisional": cut_rules.is_provisional,
        }

    def _find_rules(self) -> Manifest:
        rules = api.get_rules(course_key(self))
        if rules.find_bank(self.bank_id) is None:
            raise GradebookError("bank_unknown", field=self.bank_id)
        return rules

    def _find_cut_rules(self) -> PostRules | ClosingRules:
        rules = self._find_rules()
        cut_rules = rules.find_closing(self.bank_id) if self.kind == CLOSING else rules.tests.post
        if cut_rules is None:
            raise GradebookError("bank_unknown", field=self.bank_id)
        return cut_rules

    def get_editable(self) -> dict[str, Any]:
        """Return the values an author edits."""
        return {"kind": self.kind, "form_items": self.form_items, **super().get_editable()}

    def check_editable(self, values: Mapping[str, Any]) -> list[Problem]:
        """Return what is to mend in the edited values."""
        known = values["kind"] in (PRE, POST, CLOSING)
        problems = (
            [] if known else [Problem(("kind",), "kind", N_("One of pre, post and closing is expected."))]
        )
        return problems + super().check_editable(values)

    def list_notices(self, values: Mapping[str, Any]) -> list[str]:
        """Add: forms whose number of questions is another than the block says."""
        sizes = Counter(raw["form"] for raw in values["items"] if raw.get("form"))
        return super().list_notices(values) + [
            self.t(
                "Form {form} has {count} questions; {wanted} are expected.",
                form=form,
                count=count,
                wanted=wanted,
            )
            for form, count in sorted(sizes.items())
            for wanted in [values["form_items"]]
            if count != wanted
        ]
