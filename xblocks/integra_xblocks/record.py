""" "Mi avance": everything the learner has done, what comes next, and the way to the certificate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from web_fragments.fragment import Fragment
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock

from integra_gradebook import api
from integra_gradebook.api import Gain, GradebookError, NextStep, Record, RecordDeliverable, RecordModule
from integra_grading.next_step import StepKind
from integra_xblocks.base import BaseBlock
from integra_xblocks.goals import describe_goals
from integra_xblocks.guidance import CLOSING_PLACE, DESK_PLACE, START_PLACE, Task, Titles, get_closing_place
from integra_xblocks.messages import N_
from integra_xblocks.platform import Viewer, course_key, viewer
from integra_xblocks.samples import SAMPLE_RECORD

_TEXTS = {
    "opening": N_("Opening…"),
    "opened": N_("If the page does not open by itself, use this link. It works once, for five minutes."),
    "open": N_("Go to my certificates"),
    "noSignal": N_("There is no signal. Try again when you have it."),
    "notNow": N_("It cannot be opened just now. Try again in a few minutes."),
}

_NEXT_STEPS = {
    StepKind.PRE: N_("Begin with the questions about what you already know. They are not a grade."),
    StepKind.UNIT: N_("Go on with “{title}”."),
    StepKind.DELIVERABLE: N_("Send your work “{title}”."),
    StepKind.DELIVERABLE_RETURNED: N_("Correct “{title}” with the comments you received, and send it again."),
    StepKind.POST: N_("Take the final test."),
    StepKind.POST_WAIT: N_(
        "You can take the final test again soon. Meanwhile, look at the lessons once more."
    ),
    StepKind.CLOSING: N_("Take the closing test of “{title}”."),
    StepKind.CLOSING_WAIT: N_(
        "You can take the closing test of “{title}” again soon. Meanwhile, look at the lessons once more."
    ),
    StepKind.CERTIFICATE: N_("You reached “{title}”: get your certificate."),
    StepKind.WAIT: N_("You have done your part. Your facilitator is reading your work."),
    StepKind.DONE: N_("You finished the course. Your certificates are further down."),
}

_DELIVERABLE_STATES = {
    "none": N_("Not begun"),
    "draft": N_("Begun, not sent"),
    "submitted": N_("Sent: being read"),
    "returned": N_("Returned: correct it"),
    "accepted": N_("Accepted"),
}


class RecordBlock(BaseBlock):
    """Shows the learner's record; it stores nothing itself."""

    FOLDER = "record"
    INIT_FUNCTION = "IntegraRecord"
    completion_mode = XBlockCompletionMode.EXCLUDED

    @XBlock.supports("multi_device")
    def student_view(self, context: Any = None) -> Fragment:
        """Show the record, or in a preview that of an invented person."""
        seen = viewer(self)
        record, notice = self._find_record(seen)
        if record is None:
            return self.build_fragment(
                "record.html", {"title": self._title(), "notice": notice}, viewer=seen, course=""
            )
        return self.build_fragment(
            "record.html",
            {"title": self._title(), **self._describe(record)},
            viewer=seen,
            texts={name: self.t(text) for name, text in _TEXTS.items()},
            course=course_key(self),
        )

    def _title(self) -> str:
        return self.display_name or self.t("My progress")

    def _find_record(self, seen: Viewer) -> tuple[Record | None, str]:
        if seen.learner is None:
            return SAMPLE_RECORD, ""
        try:
            return api.get_record(seen.learner, now=datetime.now(UTC)), ""
        except GradebookError as error:
            return None, error.message

    def _describe(self, record: Record) -> dict[str, Any]:
        titles = _collect_titles(record)
        minutes = record.minutes_trained + record.minutes_recognised
        return {
            "next_step": self._describe_next_step(record.next_step, titles),
            "available_at": record.next_step.available_at,
            "minutes_trained": record.minutes_trained,
            "minutes_recognised": record.minutes_recognised,
            "minutes_done": minutes,
            "minutes_total": record.minutes_total,
            "modules": [self._describe_module(module) for module in record.modules],
            "has_pre": record.has_pre,
            "post": record.post,
            "post_cut": record.post_cut,
            "is_cut_provisional": record.is_cut_provisional,
            "is_post_reached": record.post is not None and record.post.score >= record.post_cut,
            "gain": self._describe_gain(record.gain),
            "deliverables": [self._describe_deliverable(each) for each in record.deliverables],
            "short_code": record.short_code,
            "goals": describe_goals(record, self.t),
            "is_earned": record.next_step.kind is StepKind.CERTIFICATE,
            "desk_place": DESK_PLACE if record.is_facilitator else "",
        }

    def _describe_next_step(self, step: NextStep, titles: Titles) -> Task:
        places = {
            StepKind.PRE: START_PLACE,
            StepKind.POST: CLOSING_PLACE,
            StepKind.CLOSING: get_closing_place(step.key),
        }
        place = places.get(step.kind) or titles.places.get(step.key, "")
        return Task(self.t(_NEXT_STEPS[step.kind], title=titles.titles.get(step.key, step.key)), place)

    def _describe_module(self, module: RecordModule) -> dict[str, Any]:
        complete = sum(unit.is_complete for unit in module.units)
        if module.state == "done":
            state = self.t("Finished")
        elif module.state == "exempt":
            state = self.t("Recognised by evaluation")
        elif complete:
            state = self.t("{done} of {total} units", done=complete, total=len(module.units))
        else:
            state = self.t("To do")
        return {
            "key": module.key,
            "title": module.title,
            "minutes": module.minutes,
            "state": state,
            "is_reached": module.state != "open",
        }

    def _describe_deliverable(self, deliverable: RecordDeliverable) -> dict[str, Any]:
        rating = deliverable.rating
        return {
            "key": deliverable.key,
            "title": deliverable.title,
            "state": self.t(_DELIVERABLE_STATES[deliverable.state]),
            "is_accepted": deliverable.state == "accepted",
            "is_due": deliverable.is_due,
            "points": f"{rating.score}/{rating.max_score}" if rating is not None and rating.levels else "",
        }

    def _describe_gain(self, gain: Gain | None) -> dict[str, Any] | None:
        if gain is None:
            return None
        percent = None if gain.normalized_gain is None else round(gain.normalized_gain * 100)
        if percent is None:
            sentence = self.t("You already knew everything at the start, and you still know it.")
        elif percent > 0:
            sentence = self.t(
                "Of what you did not know at the start, you gained {percent} %.", percent=percent
            )
        else:
            sentence = self.t("This time the number did not go up. What you practised still counts.")
        return {"pre": gain.pre, "post": gain.post, "sentence": sentence}


def _collect_titles(record: Record) -> Titles:
    titles: dict[str, str] = {}
    for module in record.modules:
        titles[module.key] = module.title
        titles |= {unit.key: unit.title for unit in module.units}
    titles |= {deliverable.key: deliverable.title for deliverable in record.deliverables}
    places = {key: key for key in titles}
    for standing in record.achievements:
        achievement = standing.achievement
        titles |= {achievement.key: achievement.title, achievement.area: achievement.title}
    return Titles(titles, places)
