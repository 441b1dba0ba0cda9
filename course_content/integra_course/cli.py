"""The command ``integra-course``: build, check, report, diff-export, workbook."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from integra_course.archive import pack, write_build
from integra_course.checks import check_course
from integra_course.diff_export import ExportError, list_changes, read_export
from integra_course.epub import write_epub
from integra_course.manifest import build_manifest, manifest_bytes
from integra_course.model import Course
from integra_course.olx import compile_course
from integra_course.olx_check import check_tree
from integra_course.printing import SIZES, PrinterMissing, print_pdf
from integra_course.problems import Place, Problems
from integra_course.reading import Sources, read_course
from integra_course.report import build_report
from integra_course.report_text import write_report
from integra_course.workbook import build_chapters, to_html
from integra_grading.errors import GradingError

EXIT_REFUSED = 1
STYLE = Path(__file__).parent / "workbook.css"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 something to mend, 2 wrong use."""
    # Authors' terminals and log files must not stop the command at the first accent.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # both are text streams
    options = _parser().parse_args(arguments)
    return int(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="integra-course", description="Compila y revisa el curso.")
    commands = parser.add_subparsers(required=True, metavar="build | check | report | diff-export | workbook")
    build = commands.add_parser("build", help="compila el curso a OLX y escribe el manifiesto")
    build.add_argument(
        "--output", type=Path, default=Path("build"), metavar="CARPETA", help="por omisión: build"
    )
    build.add_argument(
        "--check", action="store_true", help="no escribe nada: dice si lo compilado está al día"
    )
    _add_source(build)
    build.set_defaults(run=_build)
    check = commands.add_parser("check", help="revisa las fuentes, o un curso OLX ya desempacado")
    check.add_argument(
        "tree", nargs="?", type=Path, metavar="CARPETA_OLX", help="carpeta que contiene course.xml"
    )
    _add_source(check)
    check.set_defaults(run=_check)
    report = commands.add_parser("report", help="muestra minutos, palabras, lectura y preguntas")
    report.add_argument("--json", action="store_true", help="en JSON, para otros programas")
    _add_source(report)
    report.set_defaults(run=_report)
    workbook = commands.add_parser("workbook", help="hace el cuaderno: PDF en dos tamaños y EPUB")
    workbook.add_argument(
        "--output", type=Path, default=Path("build"), metavar="CARPETA", help="por omisión: build"
    )
    _add_source(workbook)
    workbook.set_defaults(run=_workbook)
    diff = commands.add_parser(
        "diff-export", help="lista lo que se cambió en Studio y no está en las fuentes"
    )
    diff.add_argument("export", type=Path, metavar="EXPORTACIÓN", help="el .tar.gz de Studio, o su carpeta")
    _add_source(diff)
    diff.set_defaults(run=_diff_export)
    return parser


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source",
        type=Path,
        default=Path("course_content/course"),
        metavar="CARPETA",
        help="fuentes del curso; por omisión: course_content/course",
    )


def _build(options: argparse.Namespace) -> int:
    course = _load(options.source)
    if course is None:
        return EXIT_REFUSED
    static = {name: (options.source / "static" / name).read_bytes() for name in course.static_files}
    manifest = build_manifest(course)
    if options.check:
        return _compare_build(options.output, compile_course(course, static), manifest_bytes(manifest))
    try:
        write_build(options.output, compile_course(course, static), manifest_bytes(manifest))
    except OSError as error:
        sys.stderr.write(
            f"No se puede escribir en {options.output} ({error.strerror}). Elige otra con --output.\n"
        )
        return EXIT_REFUSED
    sys.stdout.write(
        f"{options.output}/course.tar.gz\n{options.output}/manifest.json\n{manifest['digest']}\n"
    )
    return 0


def _workbook(options: argparse.Namespace) -> int:
    course = _load(options.source)
    if course is None:
        return EXIT_REFUSED
    static = {name: (options.source / "static" / name).read_bytes() for name in course.static_files}
    chapters = build_chapters(course)
    html = to_html(course, chapters, STYLE.read_text(encoding="utf-8"))
    identifier = f"urn:integra:{course.info.key}:{build_manifest(course)['digest']}"
    book = write_epub(
        title=course.info.title,
        identifier=identifier,
        chapters=chapters,
        style=STYLE.read_text(encoding="utf-8"),
        static=static,
    )
    options.output.mkdir(parents=True, exist_ok=True)
    files = {"curso.epub": book}
    try:
        files |= {f"cuaderno-{size}.pdf": print_pdf(html, size, static) for size in SIZES}
    except PrinterMissing as error:
        sys.stderr.write(f"Sin PDF: falta WeasyPrint o Pango ({error}). Instala integra-openedx[workbook].\n")
    for name, content in files.items():
        (options.output / name).write_bytes(content)
        sys.stdout.write(f"{options.output / name}\n")
    return 0 if len(files) > 1 else EXIT_REFUSED


def _compare_build(output: Path, files: Mapping[str, bytes], manifest: bytes) -> int:
    """Say whether what stands in ``output`` is what the sources give now."""
    for name, content in (("course.tar.gz", pack(files)), ("manifest.json", manifest)):
        path = output / name
        if not path.is_file() or path.read_bytes() != content:
            sys.stderr.write(f"{path} no está al día. Compila con: integra-course build\n")
            return EXIT_REFUSED
    sys.stdout.write("Lo compilado está al día.\n")
    return 0


def _diff_export(options: argparse.Namespace) -> int:
    course = _load(options.source)
    if course is None:
        return EXIT_REFUSED
    try:
        theirs = read_export(options.export)
        changes = list_changes(compile_course(course, dict.fromkeys(course.static_files, b"")), theirs)
    except ExportError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_REFUSED
    for change in changes:
        sys.stdout.write(f"{change}\n")
    sys.stdout.write(f"Diferencias: {len(changes)}.\n")
    return EXIT_REFUSED if changes else 0


def _check(options: argparse.Namespace) -> int:
    if options.tree is None:
        return EXIT_REFUSED if _load(options.source) is None else 0
    problems = Problems()
    check_tree(options.tree, problems)
    _print(problems)
    return EXIT_REFUSED if problems.has_errors() else 0


def _report(options: argparse.Namespace) -> int:
    course = _load(options.source)
    if course is None:
        return EXIT_REFUSED
    if options.json:
        text = json.dumps(build_report(course), ensure_ascii=False, indent=2) + "\n"
    else:
        text = write_report(course, datetime.now(UTC).date())
    sys.stdout.write(text)
    return 0


def _load(source: Path) -> Course | None:
    """Return the course, or None after printing everything that is wrong with it."""
    problems = Problems()
    course = None
    banks = os.environ.get("INTEGRA_BANKS")
    if banks and not Path(banks).is_dir():
        # A typing mistake must not certify with the public bank.
        problems.refuse(
            Place("INTEGRA_BANKS"), "file_missing", f"La carpeta «{banks}» no existe. Corrige la variable."
        )
    else:
        course = read_course(Sources(source, Path(banks) if banks else None), problems)
    if course is not None:
        check_course(course, problems)
        _check_manifest(course, problems)
    _print(problems)
    return None if problems.has_errors() else course


def _check_manifest(course: Course, problems: Problems) -> None:
    """Ask the manifest's own reader, so that nothing leaves here that gradebook and service would refuse."""
    if problems.has_errors():
        return
    try:
        build_manifest(course)
    except GradingError as error:
        problems.refuse(
            Place("course.yaml", 1, error.field),
            "bad_manifest",
            f"El manifiesto no se puede usar ({error.code}: {error.message}) Revisa esa parte.",
        )


def _print(problems: Problems) -> None:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if problems.has_errors():
        sys.stderr.write(f"Hay {problems.error_count()} cosas por corregir. No se escribió nada.\n")
