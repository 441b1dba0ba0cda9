"""What a report says of questions that are not chosen from, and of tests that everybody gets another form of."""

from dataclasses import replace

import pytest

from integra_gradebook import api
from integra_grading.items import Item

ORDERING = {
    "kind": "ordering",
    "options": [{"key": key, "text": key.upper()} for key in ("uno", "dos", "tres")],
    "feedback": {"correct": "Así es.", "wrong": "Mira otra vez."},
}
MATCHING = {
    "kind": "matching",
    "options": [
        {"key": "arriendo", "text": "Arriendo", "target": "fijo", "error": "confunde_arriendo"},
        {"key": "harina", "text": "Harina", "target": "variable"},
    ],
    "targets": [{"key": "fijo", "text": "Fijo"}, {"key": "variable", "text": "Variable"}],
    "feedback": {"correct": "Así es.", "wrong": "Mira otra vez."},
}
RIGHT = {
    "ordering": {"order": ["uno", "dos", "tres"]},
    "matching": {"pairs": {"arriendo": "fijo", "harina": "variable"}},
    "single": {"option": "b"},
}
WRONG = {
    "ordering": {"order": ["dos", "uno", "tres"]},
    "matching": {"pairs": {"arriendo": "variable", "harina": "fijo"}},
    "single": {"option": "a"},
}


def turned_into(item, raw):
    kept = {name: value for name, value in item.to_dict().items() if name not in ("kind", "options")}
    return Item.from_dict(kept | raw)


@pytest.fixture
def sofia(classroom):
    classroom.cohort("quito-2026-1", "quito")
    return classroom.facilitator("sofia", "quito-2026-1")


@pytest.fixture
def mixed(classroom, published):
    """A test whose first question is to be ordered and whose second is to be matched, in every form."""
    kinds = {"pp-01": ORDERING, "pp-02": MATCHING}
    classroom.course.test = published(
        turned_into(item, kinds[item.key[:5]]) if item.key[:5] in kinds else item
        for item in classroom.course.test.items
    )


def sit(classroom, name, kind, right):
    learner = classroom.learner(name, cohort="quito-2026-1")
    attempt = classroom.start(learner, kind)
    for number, item in enumerate(sorted(attempt.items, key=lambda each: each.key)):
        api.save_response(
            learner,
            attempt_uuid=attempt.uuid,
            block_key=attempt.block_key,
            item_key=item.key,
            response=(RIGHT if number < right else WRONG)[str(item.kind)],
            now=classroom.now,
        )
    classroom.submit(learner, attempt)


def get_items(classroom, who):
    report = api.get_cohort_report(who, classroom.key, now=classroom.now)
    return {item.key: item for form in report.forms for item in form.items}


def test_steps_and_pairs_are_no_options_and_their_named_errors_are_told(classroom, sofia, mixed):
    for number in range(40):
        sit(classroom, f"persona-{number:02}", "pre", number % 4)
    items = get_items(classroom, sofia)

    told = [option for form in "ab" for option in items[f"pp-02-{form}"].options]
    assert [option.key for option in told] == ["confunde_arriendo"] * 2
    assert sum(option.n for option in told) == 20
    for form in "ab":
        assert [option.key for option in items[f"pp-01-{form}"].options] == []
        assert [option.key for option in items[f"pp-03-{form}"].options] == ["a", "b", "c"]
        assert "unused_distractor" not in [*items[f"pp-01-{form}"].review, *items[f"pp-02-{form}"].review]
        assert "unused_distractor" in items[f"pp-03-{form}"].review  # nobody chose c


def test_of_a_drawn_test_the_figures_are_of_people_and_the_exposure_of_forms(classroom, sofia, tools):
    for number in range(12):
        learner = classroom.learner(f"persona-{number:02}", cohort="quito-2026-1")
        classroom.take(learner, "bypass", 4)
    classroom.later(days=31)
    for number in range(12):
        classroom.take(classroom.learner(f"persona-{number:02}"), "bypass", 4)

    (form,) = api.get_cohort_report(sofia, classroom.key, now=classroom.now).forms

    assert (form.kind, form.form_key, form.n) == ("bypass", "anillo-m06", 12)
    assert max(item.figures.n for item in form.items) <= 12
    assert sum(item.figures.n for item in form.items) == 12 * 12
    # A second form shows nothing that the first one did: in both together everybody saw the whole ring.
    assert {item.exposure for item in form.items} == {12}


def test_few_people_who_repeat_stay_few(classroom, sofia):
    """Six people with two sittings each are not twelve."""
    for _ in range(2):
        for number in range(6):
            classroom.take(classroom.learner(f"persona-{number}", cohort="quito-2026-1"), "bypass", 4)
        classroom.later(days=31)
    (form,) = api.get_cohort_report(sofia, classroom.key, now=classroom.now).forms
    assert form.n == 6
    assert {item.figures.facility for item in form.items} == {None}
    assert {item.options for item in form.items} == {()}


def test_an_item_is_told_as_it_was_the_last_time(classroom, sofia, published):
    for number in range(10):
        classroom.take(classroom.learner(f"persona-{number}", cohort="quito-2026-1"), "pre", 3)
    classroom.course.test = published(replace(item, level="analizar") for item in classroom.course.test.items)
    classroom.later(hours=1)
    for number in range(10, 14):
        classroom.take(classroom.learner(f"persona-{number}", cohort="quito-2026-1"), "pre", 3)
    assert {item.level for item in get_items(classroom, sofia).values()} == {"analizar"}
