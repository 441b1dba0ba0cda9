"""The tree checker finds what an import would lose in silence, and answers whatever it is given with sentences."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integra_course.cli import main
from integra_course.olx_check import check_tree
from integra_course.problems import Problems

GOLDEN = Path(__file__).parent / "good" / "golden" / "olx"
Edit = Callable[[Path], None]


@pytest.fixture
def tree(tmp_path: Path, mini_root: Path) -> Path:
    """A copy of the compiled small course."""
    copy = Path(shutil.copytree(GOLDEN, tmp_path / "olx"))
    (copy / "static").mkdir(exist_ok=True)
    shutil.copy(mini_root / "static" / "portada.png", copy / "static" / "portada.png")
    return copy


def replace(file: str, old: str, new: str, count: int = 1) -> Edit:
    """Return an edit of one file that must find what it replaces."""

    def edit(root: Path) -> None:
        path = root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, count), encoding="utf-8")

    return edit


def write(file: str, content: str | bytes) -> Edit:
    """Return an edit that writes one file."""

    def edit(root: Path) -> None:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(content.encode() if isinstance(content, str) else content)

    return edit


def found_in(root: Path) -> list[tuple[str, str]]:
    """Return (file:line, code) of everything refused."""
    problems = Problems()
    check_tree(root, problems)
    return [(str(problem.place), problem.code) for problem in problems]


LESSON = "vertical/m01-u01-leer.xml"
PRACTICE = "vertical/m01-u01-practicar.xml"
ROUTE = "vertical/m01-ruta-pagina.xml"
SHEET = "vertical/m01-entregable-pagina.xml"
GRADING = "policies/r1/grading_policy.json"
LESSON_POINTER = '<vertical display_name="x">\n  <integra_lesson url_name="m01-u01-leccion"/>\n</vertical>'
RECORDS = (
    '<vertical><integra_record url_name="mi-avance"/>\n<integra_record url_name="mi-avance"/></vertical>'
)

CASES: dict[str, tuple[Edit, list[tuple[str, str]]]] = {
    "pointer to a block of ours": (write(LESSON, LESSON_POINTER), [(f"{LESSON}:2", "pointer_block")]),
    "file of a block of ours": (
        write("integra_record/mi-avance.xml", "<integra_record/>"),
        [("vertical/inicio-avance-pagina.xml:2", "pointer_block")],
    ),
    "url_name twice in one vertical": (
        write("vertical/inicio-avance-pagina.xml", RECORDS),
        [("vertical/inicio-avance-pagina.xml:2", "duplicate_url_name")],
    ),
    "url_name twice in two kinds": (
        replace("vertical/inicio-avance-pagina.xml", "mi-avance", "m01-u01"),
        [("chapter/capitulo-m01.xml:3", "duplicate_url_name")],
    ),
    "vertical referenced twice": (
        replace("sequential/m01-u01.xml", "m01-u01-practicar", "m01-u01-leer"),
        [("sequential/m01-u01.xml:3", "duplicate_url_name")],
    ),
    "space in url_name": (
        replace("vertical/inicio-avance-pagina.xml", "mi-avance", "mi avance"),
        [("vertical/inicio-avance-pagina.xml:2", "bad_url_name")],
    ),
    "no url_name": (
        replace("vertical/inicio-avance-pagina.xml", 'url_name="mi-avance" ', ""),
        [("vertical/inicio-avance-pagina.xml:2", "no_url_name")],
    ),
    "format that GRADER has not": (
        replace("sequential/cierre-prueba.xml", "Prueba final", "prueba final", 2),
        [
            ("policies/r1/grading_policy.json:1", "min_count"),
            ("sequential/cierre-prueba.xml:1", "unknown_format"),
        ],
    ),
    "graded without format": (
        replace("sequential/cierre-prueba.xml", 'format="Prueba final" ', ""),
        [("policies/r1/grading_policy.json:1", "min_count"), ("sequential/cierre-prueba.xml:1", "no_format")],
    ),
    "weights that sum to 0.9": (replace(GRADING, "0.3", "0.2"), [(f"{GRADING}:1", "weights")]),
    "cutoff above 1": (replace(GRADING, "0.7", "1.7"), [(f"{GRADING}:1", "cutoffs")]),
    "policy that is no JSON": (write(GRADING, '{\n"GRADER": [\n'), [(f"{GRADING}:3", "bad_json")]),
    "policy of another run": (
        replace("policies/r1/policy.json", "course/r1", "course/r2"),
        [("policies/r1/policy.json:1", "bad_policy")],
    ),
    "missing vertical": (
        lambda root: (root / LESSON).unlink(),
        [("sequential/m01-u01.xml:2", "file_missing")],
    ),
    "missing static file": (
        lambda root: (root / "static" / "portada.png").unlink(),
        [(f"{LESSON}:2", "file_missing")],
    ),
    "link to nowhere": (
        replace(LESSON, "/jump_to_id/m01", "/jump_to_id/m07"),
        [(f"{LESSON}:2", "unknown_place")],
    ),
    "unknown block": (
        write("vertical/inicio-avance-pagina.xml", "<vertical>\n<integra_recrod url_name='x'/></vertical>"),
        [("vertical/inicio-avance-pagina.xml:2", "unknown_block")],
    ),
    "problem that runs code": (
        write(
            "vertical/inicio-avance-pagina.xml",
            '<vertical><problem url_name="p1">\n<script type="loncapa/python">import os</script></problem></vertical>',
        ),
        [("vertical/inicio-avance-pagina.xml:2", "scripted_problem")],
    ),
    "problem that is not there": (
        write("vertical/inicio-avance-pagina.xml", '<vertical><problem url_name="p1"/></vertical>'),
        [("problem/p1.xml:1", "file_missing")],
    ),
    "minutes that are no number": (
        replace(LESSON, 'minutes="20"', 'minutes="veinte"'),
        [(f"{LESSON}:2", "bad_attribute")],
    ),
    "attribute that would be dropped": (
        replace(LESSON, 'minutes="20"', 'minutes="20" weight="3"'),
        [(f"{LESSON}:2", "unknown_attribute")],
    ),
    "attribute that is missing": (
        replace(LESSON, ' minutes="20"', ""),
        [(f"{LESSON}:2", "missing_attribute")],
    ),
    "child the block does not know": (
        replace(PRACTICE, "<item ", "<pregunta/><item "),
        [(f"{PRACTICE}:3", "bad_item")],
    ),
    "HTML that is not text": (
        replace(LESSON, "<![CDATA[<ol>", "<ol/><![CDATA[<ol>"),
        [(f"{LESSON}:3", "markup_not_text")],
    ),
    "section of an unknown kind": (
        replace(LESSON, 'kind="text"', 'kind="texto"'),
        [(f"{LESSON}:7", "section_kind")],
    ),
    "item without its key": (
        replace(PRACTICE, ' correct="true"', ""),
        [(f"{PRACTICE}:3", "bad_item")],
    ),
    "item changed after the manifest": (
        replace("vertical/inicio-prueba-pagina.xml", "Quito las peras.", "Quito peras."),
        [("vertical/inicio-prueba-pagina.xml:2", "bank_digest")],
    ),
    "definition that is no JSON": (
        replace(SHEET, "{&quot;intro", "{intro"),
        [(f"{SHEET}:2", "bad_attribute")],
    ),
    "definition with a foreign formula": (
        replace(SHEET, "suma(compras.monto)", "suma(ventas.monto)"),
        [(f"{SHEET}:2", "bad_attribute")],
    ),
    "module that is not its url_name": (
        replace(ROUTE, 'module_key="m01"', 'module_key="m02"'),
        [(f"{ROUTE}:2", "bad_attribute")],
    ),
    "wrong root": (replace(LESSON, "vertical", "unit", 2), [(f"{LESSON}:1", "wrong_tag")]),
    "file that is cut off": (write(LESSON, "<vertical>\n<integra_lesson"), [(f"{LESSON}:2", "bad_xml")]),
    "course pointer with more": (
        replace("course.xml", "url_name", 'display_name="x" url_name'),
        [("course.xml:1", "course_pointer")],
    ),
    "course pointer that leaves the folder": (
        replace("course.xml", 'url_name="r1"', 'url_name="../../etc"'),
        [("course.xml:1", "bad_url_name")],
    ),
}


def test_compiled_course_has_no_problem(tree: Path) -> None:
    assert found_in(tree) == []


@pytest.mark.parametrize("name", CASES)
def test_loss_is_refused_at_its_line(name: str, tree: Path) -> None:
    edit, expected = CASES[name]
    edit(tree)

    found = found_in(tree)

    assert found == expected


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE vertical [<!ENTITY x SYSTEM "file://{canary}">]><vertical>&x;</vertical>',
        '<!DOCTYPE vertical [<!ENTITY % x SYSTEM "file://{canary}"> %x;]><vertical/>',
        '<!DOCTYPE vertical SYSTEM "file://{canary}"><vertical/>',
        '<!DOCTYPE v [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><vertical>&b;</vertical>',
    ],
)
def test_entities_and_document_types_are_refused_without_being_read(
    document: str, tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = tmp_path / "canary"
    canary.write_text("<!-- canary 7f3a -->")
    write(LESSON, document.format(canary=canary))(tree)

    status = main(["check", str(tree)])

    printed = capsys.readouterr()
    assert status == 1
    assert re.search(rf"^{re.escape(LESSON)}:\d+: .*\[(doctype|bad_xml)\]$", printed.err, re.MULTILINE)
    assert "7f3a" not in printed.err + printed.out


def test_include_is_not_followed(tree: Path, tmp_path: Path) -> None:
    include = (
        f'<vertical xmlns:xi="http://www.w3.org/2001/XInclude">\n<xi:include href="{tmp_path}/x"/></vertical>'
    )
    write(LESSON, include)(tree)

    assert found_in(tree) == [(f"{LESSON}:2", "unknown_block")]


def test_all_problems_are_shown_at_once(tree: Path) -> None:
    for name in ("weights that sum to 0.9", "space in url_name", "definition that is no JSON"):
        CASES[name][0](tree)

    assert {code for _, code in found_in(tree)} == {"weights", "bad_url_name", "bad_attribute"}


def test_folder_without_a_course_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 1
    assert "course.xml:1: No existe course.xml" in capsys.readouterr().err


FILES = sorted(
    str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*") if path.suffix in (".xml", ".json")
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), data=st.data())
def test_no_damage_to_a_file_is_a_traceback(file: str, data: st.DataObject, tmp_path_factory) -> None:
    root = Path(shutil.copytree(GOLDEN, tmp_path_factory.mktemp("damaged") / "olx"))
    content = bytearray((root / file).read_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(start, min(len(content), start + 200)))
    content[start:end] = data.draw(st.binary(max_size=20))
    (root / file).write_bytes(bytes(content))

    for place, code in found_in(root):
        assert re.fullmatch(r"[\w./-]+:\d+", place)
        assert re.fullmatch(r"[a-z_]+", code)


@settings(max_examples=40, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_grading_policy_is_answered(value: object, tmp_path_factory) -> None:
    root = Path(shutil.copytree(GOLDEN, tmp_path_factory.mktemp("policy") / "olx"))
    (root / GRADING).write_text(json.dumps({"GRADER": value, "GRADE_CUTOFFS": value}))

    assert {code for _, code in found_in(root)} <= {
        "bad_policy",
        "weights",
        "cutoffs",
        "unknown_format",
        "min_count",
        "file_missing",
    }
