"""Why the gradebook refuses something: one class, a stable code, and a sentence for people."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

# Refusals by code. The sentence is read by a learner or a facilitator, on a small screen.
MESSAGES = {
    "course_not_registered": _("This course is not ready yet: its rules have not been registered."),
    "manifest_invalid": _("The manifest cannot be read: {reason}"),
    "unknown_user": _("There is no such person."),
    "unit_unknown": _("This unit does not belong to the registered course."),
    "practice_unknown": _("This practice does not belong to the registered course."),
    "item_unknown": _("This question does not belong here."),
    "module_unknown": _("This module does not belong to the registered course."),
    "deliverable_unknown": _("This deliverable does not belong to the registered course."),
    "bank_unknown": _("This set of questions does not belong to the registered course."),
    "bank_mismatch": _(
        "The questions have changed since the course was registered. Please tell your facilitator."
    ),
    "score_invalid": _("The score must lie between 0 and the maximum of the test."),
    "kind_unknown": _("There is no test of this kind."),
    "response_invalid": _("We could not read your answer. {reason}"),
    "uuid_reused": _("This was already sent for something else."),
    "attempt_unknown": _("This attempt does not exist."),
    "attempt_open": _("You already have an open attempt. Continue with it."),
    "attempt_closed": _("This attempt is already finished: your answers can no longer change."),
    "attempts_used": _("You have used all your attempts. Talk to your facilitator."),
    "time_over": _("The time is over. Your answers are safe: send them now."),
    "too_early": _("You can take it again on {available}."),
    "already_taken": _("You have already taken this test."),
    "already_exempt": _("You have already shown that you know this module."),
    "module_done": _("You have already finished this module."),
    "not_offered": _("This module cannot be passed by evaluation."),
    "sittings_used": _("You have used all your chances to be evaluated in this module."),
    "draft_conflict": _("This draft was changed on another device. Reload it before you go on."),
    "document_invalid": _("Your work cannot be sent yet. {reason}"),
    "definition_invalid": _("This deliverable is not well defined. Please tell your facilitator."),
    "cohort_unknown": _("There is no such cohort in this course."),
    "enrolment_invalid": _("This place in a cohort cannot be stored: {reason}"),
    "already_accepted": _("Your work has already been accepted."),
    "not_a_facilitator": _("We found nothing here."),
    "learner_unknown": _("There is nobody with this code in your cohorts."),
    "sheet_typed_in": _(
        "Somebody has already registered this sheet, with other answers: those count. Compare them with the sheet and "
        "talk to whoever runs the course if they are wrong."
    ),
    "take_back_used": _(
        "A sheet of this person was taken back already. Ask the programme to clear the test in the platform."
    ),
    "accommodation_unknown": _("This is no support that can be granted."),
    "submission_unknown": _("This work does not exist."),
    "submission_replaced": _("There is a newer version of this work."),
    "already_rated": _("This work has already been rated."),
    "claimed_by_other": _("Another facilitator is reading this work."),
    "not_claimed": _("Open the work before you rate it."),
    "own_work": _("You cannot rate your own work."),
    "levels_invalid": _("Choose one level for each criterion."),
    "comment_invalid": _("This comment is too long, or it has a character that cannot be stored."),
    "outcome_invalid": _("Choose whether the work is accepted or returned."),
    "below_cut": _("These levels do not reach the cut: the work can only be returned."),
    "cursor_invalid": _("This page of the list does not exist."),
    "busy": _("We could not save it just now. Please try again."),
}


class GradebookError(Exception):
    """The gradebook refused; nothing was stored.

    Attributes:
        code: Stable, for programs and tests.
        field: What it is about (an item key, a criterion…), or the empty string.
        message: A sentence a learner or facilitator can act on, in the language of the request.
    """

    def __init__(self, code: str, field: str = "", **details: object) -> None:
        self.code = code
        self.field = field
        self.message = str(MESSAGES[code]).format(**details)
        super().__init__(f"{code}: {self.message}")


class CourseNotRegistered(GradebookError):  # noqa: N818 - the name is part of the published interface
    """No manifest is registered for this course run; the operator does it with one command."""

    def __init__(self, course_key: str) -> None:
        super().__init__("course_not_registered", field=course_key)


class DocumentInvalid(GradebookError):  # noqa: N818 - reads as the state of the document
    """A deliverable that cannot be sent yet. ``problems`` names every field, row and sentence."""

    def __init__(self, problems: tuple[Any, ...], *, field: str, reason: str) -> None:
        super().__init__("document_invalid", field=field, reason=reason)
        self.problems = problems
