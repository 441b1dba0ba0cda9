"""The result of a module: done, exempt by evaluation, or what is missing and where to do it."""

from __future__ import annotations

from typing import Any, ClassVar

from web_fragments.fragment import Fragment
from xblock.completable import CompletableXBlockMixin
from xblock.core import XBlock
from xblock.fields import Scope, String

from integra_gradebook import api
from integra_gradebook.api import GradebookError
from integra_grading.errors import GradingError
from integra_grading.manifest import Manifest, Module
from integra_grading.standing import ModuleFacts, ModuleStanding, decide_module
from integra_xblocks.base import BaseBlock
from integra_xblocks.guidance import collect_titles, describe_reasons
from integra_xblocks.platform import Viewer, course_key, url_name, viewer


class ModuleBlock(CompletableXBlockMixin, BaseBlock):
    """Shows a standing; its score and completion are mirrored into the LMS by the gradebook."""

    IDENTITY_FIELDS: ClassVar[tuple[str, ...]] = ("module_key",)
    FOLDER = "module"

    icon_class = "problem"
    # On the class: the platform decides by it which types can score, before any instance exists.
    has_score = True

    module_key = String(scope=Scope.settings, default="", help="The module; equals the url_name.")
    advice = String(
        scope=Scope.settings, default="", help="What to do before, in words; shown until it is reached."
    )

    def max_score(self) -> int:
        """Return the maximum the gradebook's mirror uses.

        A plain number: the platform asks while publishing, with no learner bound, and an exception would
        break every page of the course.
        """
        return 1

    @XBlock.supports("multi_device")
    def student_view(self, context: Any = None) -> Fragment:
        """Show the learner's standing in the module; never raises for want of rules."""
        seen = viewer(self)
        try:
            manifest = api.get_rules(course_key(self))
            module = next(module for module in manifest.modules if module.key == self.module_key)
            standing = self._get_standing(seen, module)
        except (GradebookError, GradingError, StopIteration) as error:
            notice = getattr(error, "message", "") or self.t("This module does not belong to the course yet.")
            return self.build_fragment("module.html", {"title": self._title(), "notice": notice}, viewer=seen)
        return self.build_fragment("module.html", self._describe(manifest, module, standing), viewer=seen)

    def _get_standing(self, seen: Viewer, module: Module) -> ModuleStanding:
        """Return the learner's standing, or for a preview that of somebody who has not begun."""
        if seen.learner is None:
            return decide_module(ModuleFacts(), module)
        return api.get_module_standing(seen.learner, module.key)

    def _describe(self, manifest: Manifest, module: Module, standing: ModuleStanding) -> dict[str, Any]:
        return {
            "title": self._title() or module.title,
            "module_title": module.title,
            "minutes": module.minutes,
            "advice": "" if standing.is_reached else self.advice,
            "state": standing.state.value,
            "tasks": describe_reasons(standing.reasons, collect_titles(manifest), self.t),
            "can_be_bypassed": module.can_be_bypassed and not standing.is_reached,
        }

    def get_editable(self) -> dict[str, Any]:
        """Return the values an author edits."""
        return {**super().get_editable(), "advice": self.advice}

    def _title(self) -> str:
        return self.display_name or ""

    def list_problems(self) -> list[str]:
        """Add: the gradebook's score goes to the block whose url_name is the module key."""
        problems = super().list_problems()
        if self.module_key and self.module_key != url_name(self):
            problems.append(
                self.t("The module key must equal the url_name ({url_name}).", url_name=url_name(self))
            )
        return problems
