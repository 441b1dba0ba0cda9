"""Gain and item statistics on the desk: right figures, silence for few, own cohorts only, files that run nothing."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from openpyxl import load_workbook

from integra_gradebook import api
from integra_gradebook.results import Bank
from integra_grading.items import bank_digest, item_digest
from integra_xblocks.charts import place_bars, place_correlation, place_points, place_scores
from integra_xblocks.reports import number, percent

DESK = ("integra_desk", "mesa")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def world(make_world: Any, element: Any) -> Any:
    return make_world(element("integra_desk", url_name="mesa"))


@pytest.fixture
def take(world: Any, twin_items: Any) -> Any:
    """``take(user, kind, right)``: a test with the first ``right`` questions right and the others wrong."""
    digest = bank_digest((item.key, item_digest(item)) for item in twin_items)
    bank = Bank("prueba-demo", digest, True, tuple(twin_items))

    def sit(name: str, kind: str, right: int, *, cohort: str = "manta-1", unknown: int = 0) -> None:
        user = get_user_model().objects.get_or_create(username=name)[0]
        learner = api.Learner(user.pk, world.course_key)
        api.enrol(learner, cohort_key=cohort, now=NOW)
        attempt = api.start_attempt(learner, kind=kind, block_key=kind, bank=bank, uuid=uuid4(), now=NOW)
        for place, item in enumerate(sorted(attempt.items, key=lambda each: each.key)):
            option = "b" if place < right else "no_lo_se" if place < right + unknown else "a"
            api.save_response(
                learner,
                attempt_uuid=attempt.uuid,
                block_key=kind,
                item_key=item.key,
                response={"option": option},
                now=NOW,
            )
        api.submit_attempt(learner, attempt_uuid=attempt.uuid, block_key=kind, now=NOW)

    return sit


@pytest.fixture
def desk(world: Any, people: Any, make_facilitator: Any) -> Any:
    make_facilitator(people["sofia"], world)
    return world.as_learner(people["sofia"])


@pytest.fixture
def report(world: Any, people: Any) -> Any:
    def get(**more: Any) -> api.CohortReport:
        return api.get_cohort_report(people["sofia"].pk, world.course_key, now=NOW, **more)

    return get


@pytest.fixture
def cohort_of_24(desk: Any, take: Any) -> None:
    for person in range(24):
        take(f"persona-{person:02}", "pre", person % 5, unknown=2)
        take(f"persona-{person:02}", "post", 3 + person % 6)


def test_the_gain_is_that_of_the_pairs(cohort_of_24: None, take: Any, report: Any) -> None:
    take("solo-antes", "pre", 8)
    found = report()
    pre, post = [n % 5 / 8 for n in range(24)], [(3 + n % 6) / 8 for n in range(24)]
    assert (found.enrolled, found.gain.n, found.gain.coverage) == (25, 24, 24 / 25)
    assert found.gain.pre_mean == pytest.approx(sum(pre) / 24)
    assert found.gain.raw == pytest.approx(sum(post) / 24 - sum(pre) / 24)
    assert found.gain.effect.low < found.gain.effect.d < found.gain.effect.high
    assert {form: each.n for form, each in found.gain_by_order.items()} == {"A": 12, "B": 12}
    assert sum(each.learners for each in found.pre_scores) == 25
    assert [each.score for each in found.post_scores] == list(range(9))
    assert (
        found.reliable_change.improved + found.reliable_change.unchanged + found.reliable_change.worse == 24
    )


def test_every_form_has_its_items_with_n_options_and_what_to_revise(cohort_of_24: None, report: Any) -> None:
    forms = {(form.kind, form.form_key): form for form in report().forms}
    assert set(forms) == {("pre", "A"), ("pre", "B"), ("post", "A"), ("post", "B")}
    form = forms["post", "A"]
    assert (form.n, len(form.items), form.max_score) == (12, 8, 8)
    assert form.alpha is not None
    assert form.consistency.method == "huynh-1976-beta-binomial"
    first = form.items[0]
    assert (first.figures.facility, first.exposure, first.right) == (1.0, 12, ("b",))
    assert "too_easy" in first.review
    assert [option.key for option in first.options] == ["a", "b", "c"]
    unknown = {option.key for item in forms["pre", "A"].items for option in item.options}
    assert "no_lo_se" in unknown


def test_who_repeats_counts_once(cohort_of_24: None, take: Any, report: Any) -> None:
    before = report()
    from integra_gradebook.models import Attempt

    Attempt.objects.filter(kind="post").update(submitted_at=datetime(2026, 11, 1, tzinfo=UTC))
    take("persona-00", "post", 8)
    assert report().gain == before.gain


def test_few_people_are_silent_in_data_page_and_files(desk: Any, take: Any, report: Any) -> None:
    for person in range(9):
        take(f"persona-{person}", "pre", 2)
        take(f"persona-{person}", "post", 7)
    found = report()
    assert (found.gain.n, found.gain.raw, found.pre_scores, found.post_scores) == (9, None, (), ())
    html = desk.handle(*DESK, "show_report", {}).json["html"]
    assert "Todavía no hay suficientes personas." in html
    assert "%" not in html
    for suffix in ("csv", "xlsx"):
        assert desk.handle(*DESK, "export_report", method="GET", suffix=suffix).status == 200


def test_the_page_names_nobody_and_has_a_table_beside_every_picture(cohort_of_24: None, desk: Any) -> None:
    reply = desk.handle(*DESK, "show_report", {"cohort_key": "manta-1"}).json
    html = reply["html"]
    assert (reply["cohorts"], reply["cohort_key"]) == (["manta-1"], "manta-1")
    assert "persona-" not in html
    # A decimal comma would move every mark to the edge.
    assert re.findall(r'(?:x|y|width|height|cx|cy|x1|y1|x2|y2)="[^"]*,[^"]*"', html) == []
    assert html.count("<svg") == html.count('role="img"') == 5
    assert html.count("<table") >= 5
    assert "Ganancia normalizada" in html


def test_another_city_s_cohort_looks_like_none(
    cohort_of_24: None, desk: Any, world: Any, take: Any, report: Any
) -> None:
    api.open_cohort(world.course_key, cohort_key="quito-1", city_key="quito")
    for person in range(12):
        take(f"quito-{person}", "pre", 8, cohort="quito-1")
    answer = desk.handle(*DESK, "show_report", {"cohort_key": "quito-1"})
    missing = desk.handle(*DESK, "show_report", {"cohort_key": "no-hay"})
    assert (answer.status, answer.json) == (missing.status, missing.json)
    assert answer.json["code"] == "cohort_unknown"
    assert report().enrolled == 24


def test_nobody_else_gets_a_report(cohort_of_24: None, world: Any, people: Any) -> None:
    for visit in (world.as_learner(people["ana"]), world.as_staff(people["aurora"])):
        for handler in ("show_report", "export_report"):
            assert visit.handle(*DESK, handler, {}).status == 404


def test_files_hold_the_same_figures_and_no_formula(
    cohort_of_24: None, world: Any, people: Any, report: Any
) -> None:
    from integra_xblocks.reports import write_csv, write_xlsx

    found = report()
    rows = list(csv.reader(io.StringIO(write_csv(found, str).decode("utf-8-sig")), delimiter=";"))
    book = load_workbook(io.BytesIO(write_xlsx(found, str)))
    sheet = [[cell.value for cell in row] for row in book["Questions"].iter_rows()]
    assert (
        len(rows) == len(sheet) == 1 + sum(len(item.options) for form in found.forms for item in form.items)
    )
    assert rows[0] == sheet[0]
    assert float(rows[1][7].replace(",", ".")) == pytest.approx(sheet[1][7], abs=1e-3)
    assert isinstance(sheet[1][7], float)
    assert all(cell.data_type != "f" for page in book for row in page.iter_rows() for cell in row)
    assert "persona-" not in str(rows) + str(sheet)


def test_a_report_costs_the_same_number_of_statements_for_any_size(
    cohort_of_24: None, take: Any, report: Any, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    report()
    with CaptureQueriesContext(connection) as small:
        report()
    for person in range(12):
        take(f"otra-{person}", "pre", 4)
    with django_assert_num_queries(len(small)):
        report()


# --- geometry and figures ---------------------------------------------------------------------------------


def test_bars_are_shares_of_their_own_series() -> None:
    bars = place_bars([{0: 1, 1: 1}, {1: 4}], 1)
    heights = {(bar["series"], place % 2): float(bar["height"]) for place, bar in enumerate(bars)}
    assert heights[1, 1] == 2 * heights[0, 0] == 2 * heights[0, 1]
    assert heights[1, 0] == 0
    assert all(float(bar["height"]) == 0 for bar in place_bars([{}, {}], 3))
    assert [mark["text"] for mark in place_scores(40, 5)] == [0, 5, 10, 15, 20, 25, 30, 35, 40]


def test_points_stay_inside_the_picture() -> None:
    low, high = place_points([("a", 0.0, -1.0, True), ("b", 1.0, 1.0, False)])
    assert float(low["x"]) < float(high["x"])
    assert float(low["y"]) > float(high["y"])
    assert place_correlation(-1) == place_correlation(-0.4)


def test_figures_are_written_as_people_here_write_them() -> None:
    assert (percent(0.456), percent(None)) == ("46 %", "–")
    assert (number(-0.25), number(None), number(28.44, 1)) == ("−0,25", "–", "28,4")
