"""The printed workbook and the EPUB: the whole course to read and work with, and no key of a test or an evaluation."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from lxml import etree
from pypdf import PdfReader
from weasyprint.urls import FatalURLFetchingError

from integra_course.cli import main
from integra_course.model import Course
from integra_course.printing import print_pdf
from integra_course.workbook import build_chapters, to_html
from integra_grading.items import ItemKind

XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def printed(course_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cuaderno")
    assert main(["workbook", "--source", str(course_root), "--output", str(folder)]) == 0
    return folder


def text_of(path: Path) -> str:
    pages = [page.extract_text() for page in PdfReader(path).pages]
    return re.sub(r"\s+", " ", " ".join(pages))


@pytest.mark.parametrize(("name", "width", "height"), [("a4", 595, 842), ("media-carta", 396, 612)])
def test_the_pdf_has_its_size_is_tagged_numbered_and_in_spanish(
    printed: Path, name: str, width: int, height: int
) -> None:
    reader = PdfReader(printed / f"cuaderno-{name}.pdf")
    page = reader.pages[0].mediabox
    assert (round(float(page.width)), round(float(page.height))) == (width, height)
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "es"
    assert reader.pages[3].extract_text().rstrip().endswith("4")
    assert len(reader.outline) >= 5


def test_lessons_questions_and_the_sheet_are_in_it(printed: Path) -> None:
    text = text_of(printed / "cuaderno-a4.pdf")
    for words in (
        "Costos y punto de equilibrio",
        "900 empanadas al mes",
        "Ronald vende jugos a 1,50",
        "Entregable: Hoja de costos",
        "Dólares por unidad",
        "Respuestas de las prácticas",
    ):
        assert words in text, words


def test_nothing_of_tests_and_evaluations_is_in_it(printed: Path, delivered: Course) -> None:
    book = zipfile.ZipFile(printed / "curso.epub")
    everything = text_of(printed / "cuaderno-a4.pdf") + " ".join(
        re.sub(r"<[^>]*>", "", book.read(name).decode())
        for name in book.namelist()
        if name.endswith(".xhtml")
    )
    for bank in delivered.banks():
        for each in bank.items:
            assert each.stem_text[:60] not in everything
            assert not any(error in everything for error in each.errors if "_" in error)
    for unit in delivered.units():
        for each in unit.practice_items:
            assert not any(option.feedback and option.feedback in everything for option in each.item.options)


def test_the_answers_at_the_end_are_the_right_ones_in_the_order_that_is_printed(delivered: Course) -> None:
    html = to_html(delivered, build_chapters(delivered), "")
    tree = etree.HTML(html)
    for unit in delivered.units():
        if unit.practice is None:
            continue
        questions = tree.xpath(f"//section[@id='{unit.key}']//ol[@class='preguntas']/li")
        [title] = [
            p for p in tree.xpath("//section[@id='respuestas']/p") if "".join(p.itertext()) == unit.title
        ]
        answers = ["".join(li.itertext()) for li in title.getnext()]
        for each, question, answer in zip(unit.practice_items, questions, answers, strict=True):
            if each.item.kind is not ItemKind.SINGLE:
                continue
            [right] = [option for option in each.item.options if option.is_correct]
            printed = {
                "".join(li.itertext())[:1]: "".join(li.itertext())[3:]
                for li in question.xpath(".//ul[@class='opciones']/li")
            }
            assert printed[answer].strip() == re.sub(r"<[^>]*>", "", right.text).strip()


def test_every_kind_of_question_can_be_answered_on_paper(mini_course: Course) -> None:
    html = to_html(mini_course, build_chapters(mini_course), "")
    kinds = {str(each.item.kind) for unit in mini_course.units() for each in unit.practice_items}
    assert len(kinds) >= 5
    answers = ["".join(li.itertext()) for li in etree.HTML(html).xpath("//section[@id='respuestas']//li")]
    assert len(answers) == sum(len(unit.practice_items) for unit in mini_course.units())
    assert all(answers)


def test_the_book_is_whole_opens_anywhere_and_asks_for_nothing(printed: Path) -> None:
    book = zipfile.ZipFile(printed / "curso.epub")
    first = book.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert book.read("mimetype") == b"application/epub+zip"
    package = etree.fromstring(book.read("libro/contenido.opf"))
    listed = {f"libro/{item.get('href')}" for item in package.iter("{*}item")}
    assert listed | {"mimetype", "META-INF/container.xml", "libro/contenido.opf"} == set(book.namelist())
    for name in listed:
        if not name.endswith(".xhtml"):
            continue
        page = etree.fromstring(book.read(name))
        assert page.tag == f"{XHTML}html"
        for address in page.xpath("//@href | //@src"):
            target = str(address).partition("#")[0]
            if not target.startswith("https://"):
                assert not target or f"libro/{target}" in listed, (name, address)
        assert not page.xpath("//*[local-name()='script' or local-name()='iframe']")


def test_two_books_of_the_same_sources_have_the_same_bytes(
    course_root: Path, printed: Path, tmp_path: Path
) -> None:
    assert main(["workbook", "--source", str(course_root), "--output", str(tmp_path)]) == 0
    assert (tmp_path / "curso.epub").read_bytes() == (printed / "curso.epub").read_bytes()


def test_without_a_printer_the_book_is_made_and_a_sentence_says_what_is_missing(
    course_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    assert main(["workbook", "--source", str(course_root), "--output", str(tmp_path)]) == 1
    assert "WeasyPrint" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["curso.epub"]


def test_a_picture_of_a_lesson_is_printed_and_a_foreign_one_stops_the_print(
    course_root: Path, tmp_path: Path
) -> None:
    picture = {"escalera.svg": (course_root / "static" / "m04-escalera-de-compra.svg").read_bytes()}
    page = '<html lang="es"><title>x</title><body><img alt="Una escalera" src="/static/{}"></body></html>'

    pdf = print_pdf(page.format("escalera.svg"), "a4", picture)

    assert "no cuenta" in PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    with pytest.raises(FatalURLFetchingError, match="otra"):
        print_pdf(page.format("otra.svg"), "a4", picture)
