"""What the desk shows of a cohort's gain and of its tests, and the same figures as CSV and XLSX."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from openpyxl import Workbook

from integra_gradebook.api import CohortReport, FormReport, ItemReport
from integra_grading.gain import GainReport
from integra_grading.items import UNKNOWN_OPTION
from integra_grading.statistics import (
    HIGHEST_FACILITY,
    LOWEST_FACILITY,
    LOWEST_ITEM_REST,
    OptionStatistics,
    ReviewReason,
)
from integra_xblocks import charts
from integra_xblocks.messages import N_
from integra_xblocks.roster import disarm

Translate = Callable[[str], str]
NOT_GIVEN = "–"

KINDS = {
    "pre": N_("Starting test"),
    "post": N_("Final test"),
    "bypass": N_("Evaluation mode"),
    "closing": N_("Closing test of the area"),
}
_RIGHT = N_("right")
REVIEW = {
    ReviewReason.TOO_HARD: N_("too hard"),
    ReviewReason.TOO_EASY: N_("too easy"),
    ReviewReason.DOES_NOT_DISCRIMINATE: N_("does not tell who knows"),
    ReviewReason.UNUSED_DISTRACTOR: N_("an option nobody chooses"),
}
COLUMNS = (
    N_("Test"),
    N_("Form"),
    N_("Question"),
    N_("Outcome"),
    N_("Level"),
    N_("Times shown"),
    N_("n"),
    N_("Facility"),
    N_("Discrimination"),
    N_("Option"),
    N_("Error"),
    N_("Chosen by"),
    N_("Share"),
    N_("Correlation with the rest"),
    N_("To revise"),
)


def describe_report(report: CohortReport, translate: Translate) -> dict[str, Any]:
    """Return the values of the template ``report.html``."""
    return {
        "report": report,
        "scores": _describe_scores(report),
        "gains": [
            {"name": translate(N_("Everybody")), **_describe_gain(report.gain)},
            *(
                {"name": translate(N_("Form {form} first")).format(form=form), **_describe_gain(gain)}
                for form, gain in report.gain_by_order.items()
            ),
        ],
        "effect": _describe_effect(report.gain),
        "outcomes": [
            {"outcome": hint.outcome, "n": hint.n, "pre": percent(hint.pre), "post": percent(hint.post)}
            for hint in report.outcomes
        ],
        "forms": [_describe_form(form, translate) for form in report.forms],
        "width": charts.WIDTH,
        "height": charts.HEIGHT,
        "left": charts.MARGIN,
        "right": charts.WIDTH - charts.MARGIN,
        "top": charts.MARGIN,
        "bottom": charts.HEIGHT - charts.MARGIN,
        "label_y": charts.HEIGHT - charts.MARGIN + 16,
        "low_x": charts.place_facility(LOWEST_FACILITY),
        "high_x": charts.place_facility(HIGHEST_FACILITY),
        "low_y": charts.place_correlation(LOWEST_ITEM_REST),
        "zero_y": charts.place_correlation(0),
    }


def percent(value: float | None) -> str:
    """Return a share as "45 %", or a dash where it is not given."""
    return NOT_GIVEN if value is None else f"{100 * value:.0f} %"


def number(value: float | None, places: int = 2) -> str:
    """Return a number with a decimal comma, or a dash where it is not given."""
    if value is None:
        return NOT_GIVEN
    # Adding zero turns a minus zero into zero.
    return f"{round(value, places) + 0.0:.{places}f}".replace(".", ",").replace("-", "−")


def _describe_scores(report: CohortReport) -> dict[str, Any] | None:
    if not report.pre_scores and not report.post_scores:
        return None
    pre = {each.score: each.learners for each in report.pre_scores}
    post = {each.score: each.learners for each in report.post_scores}
    highest = max((*pre, *post))
    return {
        "bars": charts.place_bars([pre, post], highest),
        "marks": charts.place_scores(highest, 1 if highest <= 12 else 5),
        "rows": [
            {
                "score": score,
                "pre": pre.get(score, 0) if pre else NOT_GIVEN,
                "post": post.get(score, 0) if post else NOT_GIVEN,
            }
            for score in range(highest + 1)
        ],
    }


def _describe_gain(gain: GainReport) -> dict[str, Any]:
    return {
        "n": gain.n,
        "pre": percent(gain.pre_mean),
        "post": percent(gain.post_mean),
        "raw": NOT_GIVEN if gain.raw is None else f"{100 * gain.raw:+.0f}".replace("-", "−"),
        "group": number(gain.group),
        "learners": number(gain.learners),
    }


def _describe_effect(gain: GainReport) -> dict[str, str] | None:
    if gain.effect is None:
        return None
    return {"d": number(gain.effect.d), "low": number(gain.effect.low), "high": number(gain.effect.high)}


def _describe_form(form: FormReport, translate: Translate) -> dict[str, Any]:
    consistency = form.consistency
    return {
        "title": translate(KINDS[form.kind]),
        # The bank's id of a drawn kind says itself what it is.
        "name": form.form_key
        if form.kind in ("bypass", "closing")
        else translate(N_("form {form}")).format(form=form.form_key),
        "n": form.n,
        "max_score": form.max_score,
        "mean": number(form.mean, 1),
        "sd": number(form.sd, 1),
        "alpha": number(form.alpha),
        "sem": number(form.sem, 1),
        "consistency": percent(consistency.consistency) if consistency else "",
        "kappa": number(consistency.kappa) if consistency else "",
        "points": charts.place_points(
            (item.key, item.figures.facility, item.figures.item_rest, bool(item.review))
            for item in form.items
            if item.figures.facility is not None and item.figures.item_rest is not None
        ),
        "items": [_describe_item(item, translate) for item in form.items],
    }


def _describe_item(item: ItemReport, translate: Translate) -> dict[str, Any]:
    return {
        "key": item.key,
        "outcome": item.outcome,
        "level": item.level,
        "n": item.figures.n,
        "facility": percent(item.figures.facility),
        "item_rest": number(item.figures.item_rest),
        "review": ", ".join(translate(REVIEW[reason]) for reason in item.review),
        "options": [
            {
                "name": _name_option(option, item, translate),
                "is_right": option.key in item.right,
                "n": option.n,
                "share": percent(option.share),
                "percent": round(100 * option.share) if option.share is not None else 0,
                "correlation": number(option.point_biserial),
            }
            for option in item.options
        ],
    }


def _name_option(option: OptionStatistics, item: ItemReport, translate: Translate) -> str:
    if option.key == UNKNOWN_OPTION:
        return translate(N_("I don't know"))
    if option.key in item.right:
        return f"{option.key} · {translate(_RIGHT)}"
    error = item.errors.get(option.key, "")
    return f"{option.key} · {error.replace('_', ' ')}" if error else option.key.replace("_", " ")


# --- files ----------------------------------------------------------------------------------------


def write_csv(report: CohortReport, translate: Translate) -> bytes:
    """Return item and option figures as a file that Excel in Spanish opens by itself."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([translate(column) for column in COLUMNS])
    for row in _list_rows(report, translate):
        writer.writerow([_as_text(cell) for cell in row])
    return buffer.getvalue().encode("utf-8-sig")


def write_xlsx(report: CohortReport, translate: Translate) -> bytes:
    """Return the same figures as a workbook, with the gain on a sheet of its own; numbers are numbers."""
    book = Workbook(write_only=True)
    items = book.create_sheet(translate(N_("Questions")))
    items.append([translate(column) for column in COLUMNS])
    for row in _list_rows(report, translate):
        items.append([disarm(cell) if isinstance(cell, str) else cell for cell in row])
    gain = book.create_sheet(translate(N_("Gain")))
    gain.append(
        [
            translate(text)
            for text in (
                N_("Group"),
                N_("n"),
                N_("Before"),
                N_("After"),
                N_("Gain"),
                N_("Normalised gain"),
                N_("Normalised gain, mean of each person's"),
            )
        ]
    )
    for name, each in ((translate(N_("Everybody")), report.gain), *report.gain_by_order.items()):
        gain.append(
            [disarm(name), each.n, each.pre_mean, each.post_mean, each.raw, each.group, each.learners]
        )
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _list_rows(report: CohortReport, translate: Translate) -> Iterator[Sequence[str | float | None]]:
    """Yield a row per question and option; a question without options has one row."""
    for form in report.forms:
        for item in form.items:
            about = (
                translate(KINDS[form.kind]),
                form.form_key,
                item.key,
                item.outcome,
                item.level,
                item.exposure,
                item.figures.n,
                item.figures.facility,
                item.figures.item_rest,
            )
            review = ", ".join(translate(REVIEW[reason]) for reason in item.review)
            for option in item.options:
                figures = (option.n, option.share, option.point_biserial)
                yield (*about, option.key, item.errors.get(option.key, ""), *figures, review)
            if not item.options:
                yield (*about, "", "", None, None, None, review)


def _as_text(cell: str | float | None) -> str:
    if cell is None:
        return ""
    return disarm(cell) if isinstance(cell, str) else f"{cell:.4g}".replace(".", ",")
