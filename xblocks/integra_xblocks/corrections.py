"""What the LMS's staff tools ask of a block whose facts stand in the gradebook."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from xblock.fields import Boolean, Scope
from xblock.scorable import Score

from integra_gradebook import api
from integra_xblocks.platform import bound_learner, find_learner, usage_key


class CorrectableMixin:
    """ "Delete state" of a learner: their facts in this block stop counting, are kept, and the service is told."""

    # The platform finds whom it may correct by a row of user state: one constant value, so that nothing can be lost.
    has_facts = Boolean(scope=Scope.user_state, default=False, help="The learner did something here.")

    def clear_student_state(
        self, user_id: str, course_id: str, item_id: str, requesting_user_id: str
    ) -> None:
        """Void what the learner did here; called by the platform with the learner's anonymous id.

        Score and completion are taken back by the mirror, which is never part of a request.
        """
        learner = find_learner(self, user_id)
        if learner is not None:
            api.void_block(learner, block_key=usage_key(self), now=datetime.now(UTC))


class ScorableMixin(CorrectableMixin):
    """ "Rescore" and "override score" of a test, as the platform's instructor tasks call them.

    Not XBlock's own ScorableXBlockMixin: that publishes grades, and ours go through edx-submissions alone.
    """

    def has_submitted_answer(self) -> bool:
        """Return whether there is something to rescore."""
        learner = bound_learner(self)
        return learner is not None and api.has_submitted(learner, block_key=usage_key(self))

    def rescore(self, only_if_higher: bool = False) -> None:
        """Score what was sent with the items as they are now; ``only_if_higher`` leaves a lower result alone."""
        learner = bound_learner(self)
        if learner is not None:
            api.rescore_block(
                learner,
                block_key=usage_key(self),
                bank=self.get_bank(),
                only_if_higher=only_if_higher,
                now=datetime.now(UTC),
            )

    def get_score(self) -> Any:
        """Return the learner's best result, or None before one was sent."""
        learner = bound_learner(self)
        found = api.find_score(learner, block_key=usage_key(self)) if learner else None
        return Score(*map(float, found)) if found else None

    def set_score(self, score: Any) -> None:
        """Override the score of the last attempt; fractions of a point are cut off."""
        learner = bound_learner(self)
        if learner is not None:
            api.override_score(
                learner, block_key=usage_key(self), score=int(score.raw_earned), now=datetime.now(UTC)
            )

    def publish_grade(self, score: Any = None, only_if_higher: bool | None = None) -> None:
        """Do nothing: the mirror brings the score into the LMS."""
