""" "Mi avance": everything the learner has done, what comes next, and the way to the certificate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from web_fragments.fragment import Fragment
from xblock.completable import XBlockCompletionMode
from xblock.core import XBlock

from integra_gradebook import api
from integra_gradebook.api import Gain, GradebookError, NextStep, Record, RecordDeliverable, RecordModule
from integra_grading.standing import CourseState
from integra_xblocks.base import BaseBlock
from integra_xblocks.guidance import (
    CLOSING_PLACE,
    DESK_PLACE,
    START_PLACE,
    Task,
    Titles,
    describe_reasons,
)
from integra_xblocks.messages import N_
from integra_xblocks.platform import Viewer, course_key, viewer
from integra_xblocks.samples import SAMPLE_RECORD

_TEXTS = {
    "opening": N_("Opening…"),
    "opened": N_("If the page does not open by itself, use this link. It works once, for five minutes."),
    "open": N_("Go to my certificate"),
    "noSignal": N_("There is no signal. Try again when you have it."),
    "notNow": N_("It cannot be opened just now. Try again in a few minutes."),
}

_NEXT_STEPS = {
    "pre": N_("Begin with the questions about what you already know. They are not a grade."),
    "unit": N_("Go on with “{title}”."),
    "deliverable": N_("Send your work “{title}”."),
    "deliverable_returned": N_("Correct “{title}” with the comments you received, and send it again."),
    "post": N_("Take the final test."),
    "post_wait": N_("You can take the final test again soon. Meanwhile, look at the lessons once more."),
    "certificate": N_("You reached everything: get your certificate."),
    "wait": N_("You have done your part. Your facilitator is reading your work."),
}

_DELIVERABLE_STATES = {
    "none": N_("Not begun"),
    "draft": N_("Begun, not sent"),
    "submitted": N_("Sent: being read"),
    "returned": N_("Returned: correct it"),
    "accepted": N_("Accepted"),
}

_CERTIFICATE_STATES = {
    "valid": N_("Your certificate is issued and valid."),
    "revoked": N_("This certificate is no longer valid."),
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
            "is_reached": record.course.state is CourseState.REACHED,
            "tasks": describe_reasons(record.course.reasons, titles, self.t),
            "certificates": [
                {
                    "sentence": self.t(_CERTIFICATE_STATES.get(each.state, _CERTIFICATE_STATES["revoked"])),
                    "is_valid": each.state == "valid",
                    "url": each.url,
                }
                for each in record.certificates
            ],
            "desk_place": DESK_PLACE if record.is_facilitator else "",
        }

    def _describe_next_step(self, step: NextStep, titles: Titles) -> Task:
        places = {"pre": START_PLACE, "post": CLOSING_PLACE}
        sentence = _NEXT_STEPS.get(step.kind, _NEXT_STEPS["wait"])
        place = places.get(step.kind) or titles.places.get(step.key, "")
        return Task(self.t(sentence, title=titles.titles.get(step.key, step.key)), place)

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
    return Titles(titles, {key: key for key in titles} | {"post": CLOSING_PLACE})
