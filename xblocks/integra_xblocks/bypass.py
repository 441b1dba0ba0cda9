"""Evaluation mode: a module's circular quiz, decided in up to two stages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from web_fragments.fragment import Fragment
from xblock.core import XBlock
from xblock.fields import Scope, String

from integra_gradebook import api
from integra_gradebook.errors import GradebookError
from integra_gradebook.results import AttemptView, BypassState
from integra_grading.manifest import Due, Module
from integra_xblocks.item_form import STRATUM, TWIN
from integra_xblocks.messages import N_
from integra_xblocks.platform import Viewer, course_key, usage_key, viewer
from integra_xblocks.sitting import SittingBlock, describe_items

_REASONS = {
    "too_early": N_(
        "You sat this evaluation recently. Until you can sit it again, the module is open to you."
    ),
    "sittings_used": N_(
        "You have used all your chances to be evaluated in this module. Now do it step by step."
    ),
    "module_done": N_("You have already finished this module: you need no evaluation."),
    "not_offered": N_("This module cannot be passed by evaluation."),
    "already_exempt": N_("You are already exempt from this module."),
    "ring_too_small": N_("There are not enough questions to evaluate this module."),
}


class BypassBlock(SittingBlock):
    """Shows an outcome and what to study; never a score, nor whether one answer was right."""

    IDENTITY_FIELDS: ClassVar[tuple[str, ...]] = ("module_key", "bank_id")
    ATTEMPT_KIND = "bypass"
    PLACES = (STRATUM, TWIN)

    module_key = String(scope=Scope.content, default="", help="The module this evaluation may exempt from.")

    @XBlock.supports("multi_device")
    def student_view(self, context: Any = None) -> Fragment:
        """Show what an exemption covers, the open attempt, or the outcome and what comes next."""
        seen = viewer(self)
        try:
            page, arguments = self._describe_page(seen, datetime.now(UTC))
        except GradebookError as error:
            page, arguments = {"notice": error.message}, {}
        title = self.display_name or self.t("Evaluation of the module")
        return self.build_sitting("bypass.html", {"title": title, **page}, seen, arguments)

    def is_decided(self, attempt: AttemptView) -> bool:
        """Tell whether the sitting is over; a second set of questions may have to decide."""
        return attempt.outcome in ("exempt", "take_module")

    def _describe_page(self, seen: Viewer, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
        if seen.read_only == "studio":
            return self.describe_preview_page()
        rules = api.get_rules(course_key(self))
        module = rules.find_module(self.module_key)
        if module is None:
            raise GradebookError("module_unknown", field=self.module_key)
        if rules.bypass is None:
            raise GradebookError("not_offered", field=self.module_key)
        page = {
            "item_count": rules.bypass.form_items,
            "minutes": rules.bypass.minutes,
            **_describe_cover(module),
        }
        if seen.learner is None:
            return {**page, "stage": "intro", "can_start": True}, {}
        attempt = api.find_attempt(seen.learner, block_key=usage_key(self))
        if attempt is not None and attempt.state == "open" and attempt.mode == "paper":
            return {"stage": "paper"}, {}
        if attempt is not None and attempt.state == "open":
            return (
                {"stage": "open", "items": describe_items(attempt), "is_second": attempt.stage == 2},
                self.get_open_arguments(attempt, now),
            )
        state = api.get_bypass_state(seen.learner, module_key=self.module_key, now=now)
        return {**page, **self._describe_state(state, attempt, module)}, {}

    def _describe_state(
        self, state: BypassState, attempt: AttemptView | None, module: Module
    ) -> dict[str, Any]:
        stage = "exempt" if state.is_exempt else attempt.outcome if attempt is not None else "intro"
        outcomes = {outcome.key: outcome.text for outcome in module.outcomes}
        is_explained = state.is_exempt or state.may_start or state.reason is None
        return {
            "stage": stage,
            "state": state,
            "can_start": state.may_start,
            "reason": "" if is_explained else self._explain(state.reason or ""),
            "to_study": [outcomes[key] for key in state.outcomes_to_study if key in outcomes],
        }

    def _explain(self, code: str) -> str:
        known = _REASONS.get(code)
        return self.t(known) if known else GradebookError(code).message


def _describe_cover(module: Module) -> dict[str, Any]:
    """Return what an exemption does not cover: what later modules or everybody's safety need."""
    deliverable = module.deliverable
    return {
        "always_units": [unit.title for unit in module.units if unit.always_required],
        "deliverable": deliverable.title if deliverable and deliverable.due is Due.ALWAYS else "",
    }
