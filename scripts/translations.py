#!/usr/bin/env python3
"""Keep the Spanish catalogues complete: every text has a translation, every translation a text.

    scripts/translations.py            check all catalogues and compile the .mo files
    scripts/translations.py --check    check only, and that the committed .mo files are what the .po give
    scripts/translations.py --update   append texts without an entry (still untranslated) to the .po files

A text without translation, an entry nothing uses any more, a placeholder that differs and a .mo file behind
its .po each end with a sentence and exit status 1.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
_TEMPLATE_TEXT = re.compile(r"""\{%\s*t\s+(?P<quote>["'])(?P<text>.*?)(?P=quote)[^%]*%\}""")
_PLACEHOLDER = re.compile(r"\{\w*\}|%\(\w+\)\w")
_KEYWORDS = {"N_": None, "t": None, "gettext": None, "gettext_lazy": None, "_": None, "ngettext": (1, 2)}


@dataclass(frozen=True, slots=True)
class Source:
    """One catalogue and the package whose texts it holds."""

    package: Path
    po: Path

    @property
    def mo(self) -> Path:
        return self.po.with_suffix(".mo")


SOURCES = (
    Source(
        ROOT / "xblocks/integra_xblocks",
        ROOT / "xblocks/integra_xblocks/translations/es_419/LC_MESSAGES/text.po",
    ),
    Source(
        ROOT / "grading/integra_gradebook",
        ROOT / "grading/integra_gradebook/locale/es/LC_MESSAGES/django.po",
    ),
    Source(
        ROOT / "ext_services/integra_bridge",
        ROOT / "ext_services/integra_bridge/locale/es/LC_MESSAGES/django.po",
    ),
)


def extract_texts(package: Path) -> dict[str, str]:
    """Return every text of ``package`` with the file it stands in."""
    found = {}
    method_map = [("templates/**.html", "ignore"), ("**.py", "python")]
    for name, _, message, _, _ in extract_from_dir(str(package), method_map, keywords=_KEYWORDS):
        found[message if isinstance(message, str) else message[0]] = name
    found.update(_extract_from_templates(package))
    return found


def _extract_from_templates(package: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(package.glob("templates/**/*.html")):
        for match in _TEMPLATE_TEXT.finditer(path.read_text("utf-8")):
            yield match["text"], str(path.relative_to(package))


def find_problems(texts: dict[str, str], catalog: Catalog) -> list[str]:
    """Return a sentence per difference between ``texts`` and ``catalog``."""
    entries = {_key(message): message for message in catalog if message.id}
    problems = [f"not in the catalogue: {text!r} ({texts[text]})" for text in texts if text not in entries]
    for key, message in entries.items():
        if key not in texts:
            problems.append(f"no longer used: {key!r}")
        elif not all(_strings(message)):
            problems.append(f"not translated: {key!r}")
        elif any(_placeholders(text) - _placeholders(key) for text in _strings(message)):
            problems.append(f"a placeholder differs: {key!r}")
        elif message.fuzzy:
            problems.append(f"marked as fuzzy: {key!r}")
    return problems


def is_compiled(source: Source, catalog: Catalog) -> bool:
    """Tell whether the .mo file says what ``catalog`` says; its header holds dates and versions, so not by bytes."""
    if not source.mo.exists():
        return False
    with source.mo.open("rb") as stream:
        return _translations(read_mo(stream)) == _translations(catalog)


def compile_catalog(source: Source, catalog: Catalog) -> None:
    """Write the .mo file."""
    with source.mo.open("wb") as stream:
        write_mo(stream, catalog)


def _translations(catalog: Catalog) -> dict[object, object]:
    return {message.id: message.string for message in catalog if message.id}


def append_missing(po: Path, texts: dict[str, str], catalog: Catalog) -> int:
    """Append texts without an entry to ``po`` and return how many."""
    missing = [text for text in texts if text not in {_key(message) for message in catalog}]
    with po.open("a", encoding="utf-8") as stream:
        for text in missing:
            escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            stream.write(f'\nmsgid "{escaped}"\nmsgstr ""\n')
    return len(missing)


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def _placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def _read(po: Path) -> Catalog:
    with po.open("rb") as stream:
        return read_po(stream, locale="es_419", domain="text")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true", help="write nothing")
    group.add_argument("--update", action="store_true", help="append texts without an entry")
    options = parser.parse_args(arguments)
    is_clean = True
    for source in SOURCES:
        texts = extract_texts(source.package)
        if options.update:
            print(
                f"{source.po.relative_to(ROOT)}: {append_missing(source.po, texts, _read(source.po))} appended"
            )
        catalog = _read(source.po)
        problems = find_problems(texts, catalog)
        if not is_compiled(source, catalog):
            if options.check:
                problems.append("the .mo file is behind its .po: run scripts/translations.py")
            else:
                compile_catalog(source, catalog)
        for problem in problems:
            print(f"{source.po.relative_to(ROOT)}: {problem}")
        is_clean = is_clean and not problems
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
