"""A report never tells one person's answers, nor a key to somebody who still learns in the run."""

import pytest

from integra_gradebook import api


@pytest.fixture
def sofia(classroom):
    classroom.cohort("quito-2026-1", "quito")
    return classroom.facilitator("sofia", "quito-2026-1")


def sit(classroom, count):
    for number in range(count):
        learner = classroom.learner(f"persona-{number}", cohort="quito-2026-1")
        classroom.take(learner, "pre", number % 9)


def told(classroom, who):
    report = api.get_cohort_report(who, classroom.key, now=classroom.now)
    return [(item.options, item.right, item.errors) for form in report.forms for item in form.items]


def test_of_few_people_no_option_is_told(classroom, sofia):
    sit(classroom, 3)
    assert set(map(str, told(classroom, sofia))) == {"((), (), {})"}


def test_of_many_people_the_options_are_told(classroom, sofia):
    sit(classroom, 80)
    assert any(options and right for options, right, _ in told(classroom, sofia))


def test_whoever_still_learns_here_sees_no_option_and_is_no_part_of_it(classroom, sofia):
    sit(classroom, 80)
    own = classroom.learner("sofia", cohort="quito-2026-1")
    classroom.take(own, "pre", 0)

    report = api.get_cohort_report(sofia, classroom.key, now=classroom.now)

    assert report.enrolled == 80
    assert set(map(str, told(classroom, sofia))) == {"((), (), {})"}
