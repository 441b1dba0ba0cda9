"""The command ``integra-course``: build, check, report."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from integra_course.archive import write_build
from integra_course.checks import check_course
from integra_course.manifest import build_manifest, manifest_bytes
from integra_course.model import Course
from integra_course.olx import compile_course
from integra_course.problems import Problems
from integra_course.reading import Sources, read_course

EXIT_REFUSED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    return int(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="integra-course", description="Compila y revisa el curso.")
    commands = parser.add_subparsers(required=True, metavar="build | check | report")
    build = commands.add_parser("build", help="compila el curso a OLX y escribe el manifiesto")
    build.add_argument(
        "--output", type=Path, default=Path("build"), metavar="CARPETA", help="por omisión: build"
    )
    _add_source(build)
    build.set_defaults(run=_build)
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
    write_build(options.output, compile_course(course, static), manifest_bytes(manifest))
    sys.stdout.write(
        f"{options.output}/course.tar.gz\n{options.output}/manifest.json\n{manifest['digest']}\n"
    )
    return 0


def _load(source: Path) -> Course | None:
    """Return the course, or None after printing everything that is wrong with it."""
    problems = Problems()
    banks = os.environ.get("INTEGRA_BANKS")
    course = read_course(Sources(source, Path(banks) if banks else None), problems)
    if course is not None:
        check_course(course, problems)
    _print(problems)
    return None if problems.has_errors() else course


def _print(problems: Problems) -> None:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
