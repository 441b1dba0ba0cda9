"""What comes before a module, and the orders through the course: said where a learner looks, and checked."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from integra_course.model import Course
from integra_course.olx import compile_course
from integra_course.workbook import build_chapters

IN_ORDER = "m01, m02, m03, m04, m05, m06, m07, m08, m09, m10, m11, m12"
SWAPPED = "m01, m02, m03, m06, m04, m05, m07, m08, m09, m10, m11, m12"


@pytest.fixture
def plant(course_root: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a copy of the course whose list of modules, first path or what module 6 needs can be changed."""

    def plant_paths(*, order: str = IN_ORDER, needed: str = "m04", listed: str = IN_ORDER) -> Path:
        root = Path(shutil.copytree(course_root, tmp_path / "course"))
        module = root / "modules" / "m06" / "modulo.yaml"
        module.write_text(
            re.sub(r"^antes: .*$", f"antes: [{needed}]", module.read_text("utf-8"), flags=re.MULTILINE),
            "utf-8",
        )
        course = root / "course.yaml"
        text = course.read_text("utf-8").replace(f"\nmodulos: [{IN_ORDER}]\n", f"\nmodulos: [{listed}]\n")
        course.write_text(
            text.replace(f"\n    modulos: [{IN_ORDER}]\n", f"\n    modulos: [{order}]\n"), "utf-8"
        )
        return root

    return plant_paths


def test_a_learner_reads_what_comes_before_and_in_which_order_to_go(delivered: Course) -> None:
    files = compile_course(delivered, dict.fromkeys(delivered.static_files, b""))

    [block] = etree.fromstring(files["vertical/m06-ruta-pagina.xml"]).iter("integra_module")
    assert block.get("advice") == (
        "Antes de este módulo: «Ideación e innovación: entrevistar y validar». "
        "Si ya tienes un negocio en marcha, puedes empezar aquí."
    )
    [first] = etree.fromstring(files["vertical/m01-ruta-pagina.xml"]).iter("integra_module")
    assert first.get("advice") is None
    overview = files["about/overview.html"].decode()
    assert "<h3>Quiero abrir o mejorar mi negocio</h3><ol><li>Empezar con rumbo" in overview
    body = "".join(etree.tostring(part, encoding="unicode") for part in build_chapters(delivered)[0].body)
    assert "Busco empleo" in body


@pytest.mark.parametrize(
    ("changes", "code", "file"),
    [
        ({"listed": SWAPPED}, "module_too_early", "course.yaml"),
        ({"order": SWAPPED}, "module_too_early", "course.yaml"),
        ({"needed": "m06"}, "module_too_early", "course.yaml"),
        ({"order": "m04, m06"}, "path_incomplete", "course.yaml"),
        ({"order": IN_ORDER + ", m06"}, "path_incomplete", "course.yaml"),
        ({"needed": "m99"}, "unknown_module", "modules/m06/modulo.yaml"),
        ({"needed": "../m04"}, "unknown_module", "modules/m06/modulo.yaml"),
        ({"needed": "m04, m04"}, "duplicate_key", "modules/m06/modulo.yaml"),
    ],
)
def test_an_order_that_cannot_be_followed_is_refused(
    plant: Callable, load: Callable, changes: dict[str, str], code: str, file: str
) -> None:
    _, problems = load(plant(**changes))

    assert (code, file) in {(problem.code, problem.place.file) for problem in problems}
