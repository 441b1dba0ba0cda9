"""What comes before a module, and the orders through the course: said where a learner looks, and checked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from integra_course.olx import compile_course
from integra_course.workbook import build_chapters

PATHS = """\
rutas:
  - {{clave: negocio, titulo: "Quiero abrir o mejorar mi negocio", modulos: [{order}]}}
"""
BEFORE = "antes: [{needed}]\nconviene: [m03]\nsalvo: ya tienes un negocio en marcha\n"


@pytest.fixture
def plant(slice_root: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a copy of the course in which module 6 needs module 4, with one path."""

    def plant_paths(*, order: str = "m04, m06", needed: str = "m04", listed: str = "m04, m06") -> Path:
        root = Path(shutil.copytree(slice_root, tmp_path / "course"))
        module = root / "modules" / "m06" / "modulo.yaml"
        module.write_text(module.read_text("utf-8") + BEFORE.format(needed=needed), "utf-8")
        course = root / "course.yaml"
        text = course.read_text("utf-8").replace("\nmodulos: [m04, m06]\n", f"\nmodulos: [{listed}]\n")
        course.write_text(text + PATHS.format(order=order), "utf-8")
        return root

    return plant_paths


def test_a_learner_reads_what_comes_before_and_in_which_order_to_go(plant: Callable, load: Callable) -> None:
    course, problems = load(plant())
    assert [str(problem) for problem in problems] == []

    files = compile_course(course, dict.fromkeys(course.static_files, b""))

    [block] = etree.fromstring(files["vertical/m06-ruta-pagina.xml"]).iter("integra_module")
    # Module 3 is not in this edition.
    assert block.get("advice") == (
        "Antes de este módulo: «Ideación e innovación: entrevistar y validar». "
        "Si ya tienes un negocio en marcha, puedes empezar aquí."
    )
    [first] = etree.fromstring(files["vertical/m04-ruta-pagina.xml"]).iter("integra_module")
    assert first.get("advice") is None
    overview = files["about/overview.html"].decode()
    assert "<h3>Quiero abrir o mejorar mi negocio</h3><ol><li>Ideación" in overview
    body = "".join(etree.tostring(part, encoding="unicode") for part in build_chapters(course)[0].body)
    assert "Quiero abrir o mejorar mi negocio" in body


@pytest.mark.parametrize(
    ("changes", "code", "file"),
    [
        ({"listed": "m06, m04"}, "module_too_early", "course.yaml"),
        ({"order": "m06, m04"}, "module_too_early", "course.yaml"),
        ({"needed": "m06"}, "module_too_early", "course.yaml"),
        ({"order": "m04"}, "path_incomplete", "course.yaml"),
        ({"order": "m04, m06, m06"}, "path_incomplete", "course.yaml"),
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
