"""Texts stay what the author wrote, and no damage to a source is more than a list of sentences."""

from __future__ import annotations

import os
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integra_course.checks import check_course
from integra_course.markup import to_html
from integra_course.problems import Place, Problems
from integra_course.readability import count_syllables, measure
from integra_course.reading import Sources, read_course
from integra_course.report import list_indices
from integra_course.report_text import write_report
from integra_course.sanitiser import is_safe_link, sanitise
from integra_course.schema import Fields
from integra_course.source import parse_yaml

MINI = Path(__file__).parent / "good" / "course"
SOURCES = sorted(str(path.relative_to(MINI)) for path in MINI.rglob("*") if path.suffix in (".yaml", ".md"))

DAMAGES = 2_000 if os.environ.get("INTEGRA_LONG") else 40


def fields_of(text: str, problems: Problems) -> Fields:
    """Return the keys of a small YAML text."""
    mapping = parse_yaml(text, "x.yaml", problems)
    assert mapping is not None
    return Fields(mapping, Place("x.yaml"), problems)


@pytest.mark.parametrize(
    "written", ["no", "012", "1:30", "2026-03-01", ".nan", "~", "null", "0x10", "1e3", "yes"]
)
def test_plain_text_is_never_turned_into_something_else(written: str) -> None:
    problems = Problems()

    assert fields_of(f"titulo: {written}\n", problems).text("titulo") == written
    assert list(problems) == []


def test_same_text_in_two_unicode_spellings_is_read_alike() -> None:
    problems = Problems()

    composed = fields_of("titulo: José\n", problems).text("titulo")
    decomposed = fields_of("titulo: Jose\u0301\n", problems).text("titulo")

    assert composed == decomposed == "José"


def test_unknown_key_close_to_a_known_one_names_it() -> None:
    problems = Problems()
    fields = fields_of("titulo: a\nminuto: 3\n", problems)
    fields.text("titulo")
    fields.integer("minutos", 1, 9)
    fields.finish()

    assert [(each.place.line, each.code) for each in problems] == [(1, "missing_key"), (2, "unknown_key")]
    assert "¿Quisiste escribir «minutos»?" in [each.message for each in problems][1]


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_is_yaml_or_a_problem_with_a_line(text: str) -> None:
    problems = Problems()

    mapping = parse_yaml(text, "x.yaml", problems)

    assert (mapping is None) == problems.has_errors()


@settings(max_examples=DAMAGES, deadline=None)
@given(file=st.sampled_from(SOURCES), data=st.data())
def test_no_damage_to_a_source_is_a_traceback(file: str, data: st.DataObject, tmp_path_factory) -> None:
    root = Path(shutil.copytree(MINI, tmp_path_factory.mktemp("damaged") / "course"))
    lines = (root / file).read_text(encoding="utf-8").split("\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    damage = data.draw(st.sampled_from(["drop", "double", "indent", "garbage", "empty"]))
    match damage:
        case "drop":
            del lines[at]
        case "double":
            lines.insert(at, lines[at])
        case "indent":
            lines[at] = "  " + lines[at]
        case "garbage":
            lines[at] = lines[at][:8] + data.draw(st.text(max_size=30))
        case _:
            lines[at] = lines[at].split(":")[0] + ":"
    (root / file).write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    problems = Problems()

    course = read_course(Sources(root), problems)
    if course is not None:
        check_course(course, problems)

    assert course is not None or problems.has_errors()
    for problem in problems:
        assert re.fullmatch(r"[\w./-]+:\d+", str(problem.place))
        assert re.fullmatch(r"[a-z_]+", problem.code)


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="<>&;:/()[]!\"'`*_#|-\n abjs=x1{}", max_size=120))
def test_html_that_comes_out_is_inside_the_allow_list(text: str) -> None:
    html = to_html(text, Place("x.md"), Problems())

    assert sanitise(html) == html
    assert not re.search(r"<\s*(script|iframe|style|svg|form)|\son\w+\s*=(?=[^<]*>)", html, re.IGNORECASE)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "javascript:1",
        "JaVaScRiPt:1",
        "data:text/html,x",
        "//example.org/x",
        "http://example.org",
        "/static/../secret",
        'https://example.org/" onclick="x',
        "vbscript:x",
    ],
)
def test_unsafe_address_is_refused(address: str) -> None:
    assert not is_safe_link(address)
    assert address not in sanitise(f'<a href="{address}">x</a>')


@pytest.mark.parametrize(
    "html",
    [
        '<img src="/static/x.png" onerror="alert(1)">',
        "<svg><script>alert(1)</script></svg>",
        '<p style="position:fixed">x</p>',
        '<iframe src="https://example.org"></iframe>',
        '<math href="javascript:1">x</math>',
        '<form action="https://example.org"><input></form>',
    ],
)
def test_markup_outside_the_allow_list_does_not_come_through(html: str) -> None:
    assert not re.search(r"<(svg|script|iframe|math|form|input)|<[^>]*(onerror|style)=", sanitise(html))


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("agua", 2),
        ("día", 2),
        ("país", 2),
        ("ahorro", 3),
        ("averigua", 4),
        ("guitarra", 3),
        ("pingüino", 3),
        ("hoy", 1),
    ],
)
def test_syllables_are_counted_by_rule(word: str, syllables: int) -> None:
    assert count_syllables(word) == syllables


def test_readability_of_the_sample_lessons_is_close_to_the_figures_published_for_them(delivered) -> None:
    units = {unit.key: unit for unit in delivered.units()}

    # Dossier 4.1 gives 75.3 and 82.8 for the texts of the lessons that became these units.
    assert list_indices([units["m04-u03"]]) == [pytest.approx(75.3, abs=2)]
    assert list_indices([units["m06-u03"]]) == [pytest.approx(82.8, abs=2)]


def test_the_report_says_what_the_rules_of_the_evaluation_mean(delivered) -> None:
    text = write_report(delivered, date(2026, 11, 1))
    assert "en las 2 permitidas: 50 %: 3 % y 5 %;" in text
    assert "80 %: 83 % y 97 %" in text


def test_numerals_are_no_words_and_an_empty_text_has_no_index() -> None:
    assert measure("Vende 900 en 25 días.").words == 3
    assert measure("12 34").index is None
