"""What authors changed in Studio: an export of the course beside what the sources compile to.

The sources are the one truth. A change made in Studio is brought into them by hand; this lists what there is to bring.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lxml import etree

Element = etree._Element

# What Studio adds or drops by itself.
_IGNORED = frozenset({"xblock-family", "xml_attributes", "editor", "filename", "edited_by", "edited_on"})
_STRUCTURE = ("chapter", "sequential", "vertical")
# By the first of these an element is told from its neighbours; else by its place.
_NAMES = ("key", "word", "column", "when")
_MAX_FILES, _MAX_BYTES = 20_000, 50_000_000
_SHOWN = 90


class ExportError(Exception):
    """The export cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference: in which part of the course, where in it, what the sources say and what Studio says."""

    part: str
    path: str
    ours: str | None
    theirs: str | None

    def __str__(self) -> str:
        if self.ours is None:
            return f"{self.part}: {self.path}: en Studio hay «{_short(self.theirs)}» y en las fuentes nada."
        if self.theirs is None:
            return f"{self.part}: {self.path}: en Studio falta «{_short(self.ours)}»."
        return f"{self.part}: {self.path}: «{_short(self.ours)}» → «{_short(self.theirs)}»."


def read_export(path: Path) -> dict[str, bytes]:
    """Return the XML files of an export, a ``.tar.gz`` or an unpacked folder, by path below its course folder.

    Raises:
        ExportError: No course in it, or too much of it.
    """
    files = dict(_walk(path) if path.is_dir() else _unpack(path))
    roots = [name for name in files if PurePosixPath(name).name == "course.xml"]
    if not roots:
        raise ExportError("No hay course.xml. Da el archivo que exportó Studio, o su carpeta.")
    root = str(PurePosixPath(min(roots, key=len)).parent)
    prefix = "" if root == "." else f"{root}/"
    return {
        name.removeprefix(prefix): content
        for name, content in files.items()
        # Drafts are no part of what learners see.
        if name.startswith(prefix) and not name.removeprefix(prefix).startswith("drafts/")
    }


def list_changes(ours: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> list[Change]:
    """Return every difference between two OLX trees, part by part, in the order of their names."""
    before, after = dict(_list_parts(ours)), dict(_list_parts(theirs))
    changes = []
    for part in before.keys() | after.keys():
        if part not in after:
            changes.append(Change(part, "todo", part, None))
        elif part not in before:
            changes.append(Change(part, "todo", None, part))
        else:
            changes.extend(_compare(part, before[part], after[part]))
    return sorted(changes, key=lambda change: (change.part, change.path))


def _compare(part: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path):
            yield Change(part, path, before.get(path), after.get(path))


def _list_parts(files: Mapping[str, bytes]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every chapter, section, page and block with what it says, by path inside it."""
    for name, content in sorted(files.items()):
        folder = name.split("/")[0]
        if folder not in _STRUCTURE or not name.endswith(".xml"):
            continue
        try:
            node = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            raise ExportError(f"{name}: {error.msg}") from error
        children = [child for child in node if isinstance(child.tag, str)]
        said = {f"@{key}": value for key, value in _attributes(node) if key not in _IGNORED}
        said["orden"] = ", ".join(f"{child.tag} {child.get('url_name', '')}".strip() for child in children)
        yield f"{folder} {PurePosixPath(name).stem}", said
        if folder == "vertical":
            for child in children:
                yield f"{child.tag} {child.get('url_name', '')}".strip(), dict(_flatten(child, ""))


def _flatten(node: Element, path: str) -> Iterator[tuple[str, str]]:
    for key, value in _attributes(node):
        if key not in _IGNORED and key != "url_name":
            yield f"{path}@{key}", _canonical(value)
    if text := _squeeze(node.text):
        yield f"{path}texto" if path else "texto", text
    places: dict[str, int] = {}
    for child in node:
        if not isinstance(child.tag, str):
            continue
        places[child.tag] = places.get(child.tag, 0) + 1
        name = next((child.get(key) for key in _NAMES if child.get(key)), str(places[child.tag]))
        yield from _flatten(child, f"{path}{child.tag}[{name}]/")


def _attributes(node: Element) -> Iterator[tuple[str, str]]:
    return ((str(key), str(value)) for key, value in node.attrib.items())


def _canonical(value: str) -> str:
    """Return JSON in one spelling: the platform writes a form's definition anew."""
    if not value.startswith("{"):
        return value
    try:
        return json.dumps(json.loads(value), ensure_ascii=False, sort_keys=True)
    except ValueError:
        return value


def _squeeze(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()


def _short(text: str | None) -> str:
    flat = _squeeze(text)
    return flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 1]}…"


def _walk(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.xml")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _unpack(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the XML files of an archive without writing one: names in it are never paths of this machine."""
    size = 0
    try:
        with tarfile.open(path, "r:*") as archive:
            for number, member in enumerate(archive):
                if number >= _MAX_FILES:
                    raise ExportError(f"Hay más de {_MAX_FILES} archivos. No parece un curso.")
                if not member.isfile() or not member.name.endswith(".xml"):
                    continue
                size += member.size
                file = archive.extractfile(member)
                if size > _MAX_BYTES or file is None:
                    raise ExportError("El archivo es demasiado grande para ser un curso.")
                yield PurePosixPath(member.name).as_posix().removeprefix("./"), file.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ExportError(f"No se puede leer {path.name}: {error}") from error
