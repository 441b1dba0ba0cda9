"""The desk's report on a phone: pictures with their tables, inside the screen, opened by one touch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import expect

from .test_browser import PHONE, browser, open_phone, show_unit  # noqa: F401 - fixtures
from .test_reports import cohort_of_24, desk, take  # noqa: F401 - fixtures

pytestmark = [pytest.mark.aula, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(show_unit: Any, element: Any) -> Any:  # noqa: F811
    from integra_aula.runtime import AulaRuntime

    path = show_unit(element("integra_desk", url_name="mesa"))
    return SimpleNamespace(path=path, course_key=AulaRuntime(None).course_id, as_learner=lambda user: user)


def test_results_are_read_on_a_phone(world: Any, cohort_of_24: None, open_phone: Any, people: Any) -> None:  # noqa: F811
    page = open_phone(people["sofia"], world.path)

    page.get_by_role("button", name="Ver los resultados").click()

    expect(page.locator("figure")).to_have_count(5)
    for details in page.locator("details").all():
        details.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # Marks stand inside their picture: a decimal comma would put them all at its edge.
    widths = page.locator("figure rect").evaluate_all(
        "marks => marks.map(mark => mark.getBoundingClientRect().x)"
    )
    assert len(set(widths)) > 10
    assert page.errors == []
