"""The report: for programs in the shape that outside checks rely on, for authors as tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from integra_course.model import Course
from integra_course.report import build_report
from integra_course.report_text import write_report

GOLDEN = Path(__file__).parent / "good" / "golden" / "report.txt"


def test_programs_get_the_shape_that_the_architecture_names(mini_course: Course) -> None:
    report = build_report(mini_course)

    [module] = report["modules"]
    assert set(report) == {"minutes", "words", "readability", "modules", "tests", "facts"}
    assert (report["minutes"], report["tests"], report["facts"]) == (30, {"A": 2, "B": 2}, [])
    assert set(report["readability"]) == {"min", "median"}
    assert module == {
        "key": "m01",
        "minutes": 20,
        "minutes_by_type": {"reading": 3, "example": 2, "practice": 10, "field": 5, "deliverable": 0},
        "units": [{"key": "m01-u01", "minutes": 20}],
        "outcomes": ["1.1", "1.2"],
        "items": {"practice": 5, "bypass": 4},
        "deliverable": "hoja",
    }


def test_authors_get_tables(mini_course: Course) -> None:
    assert write_report(mini_course, date(2026, 11, 1)) == GOLDEN.read_text(encoding="utf-8")


def test_authors_hear_which_facts_are_old(delivered: Course) -> None:
    ages = {fact.key: (date(2026, 11, 1) - fact.checked_on).days for fact in delivered.facts}
    old = [key for key, days in ages.items() if days > 365]

    text = write_report(delivered, date(2026, 11, 1))

    assert f"Hechos con fuente: {len(ages)}. " in text
    assert f"más {len(old)}.\n" in text
    assert len(old) >= 3
    assert all(f"«{key}»" in text for key in old)
