"""Authors' Markdown → HTML for a phone: tables with caption and headers, safe links, nothing else.

Raw HTML is refused with its line instead of being removed in silence.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import markdown
from markdown.treeprocessors import Treeprocessor

from integra_course.problems import Place, Problems
from integra_course.sanitiser import is_safe_image, is_safe_link, sanitise

RAW_HTML = re.compile(r"<[a-zA-Z/!?]")
REFERENCE_LINK = re.compile(r"^\s{0,3}\[[^\]]+\]:")
# Places of the course that a text names; the platform rewrites both.
REFERENCE = re.compile(r"/(static|jump_to_id)/([\w.-]+)")
CAPTION = "Tabla: "
TABLE_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)+\|?\s*")


@dataclass(frozen=True, slots=True)
class Fault:
    """What the conversion met, and how its line is found: by a text, or as the n-th table."""

    code: str
    message: str
    needle: str = ""
    table_index: int | None = None


class _Shape(Treeprocessor):
    """Gives tables their caption and scopes, links their rel, and collects what is refused."""

    def __init__(self, md: markdown.Markdown) -> None:
        super().__init__(md)
        self.faults: list[Fault] = []
        self._tables = 0

    def run(self, root: ET.Element) -> None:
        """Reshape the tree in place."""
        for parent in list(root.iter()):
            for child in list(parent):
                if child.tag == "table":
                    self._shape_table(parent, child)
        for element in root.iter():
            self._check(element)

    def _shape_table(self, parent: ET.Element, table: ET.Element) -> None:
        siblings = list(parent)
        position = siblings.index(table)
        before = siblings[position - 1] if position else None
        text = "".join(before.itertext()) if before is not None else ""
        if before is not None and before.tag == "p" and text.startswith(CAPTION):
            parent.remove(before)
            caption = ET.Element("caption")
            caption.text = text.removeprefix(CAPTION).strip()
            table.insert(0, caption)
        else:
            self.faults.append(
                Fault(
                    "table_caption",
                    f"La tabla no tiene título. Escribe antes una línea «{CAPTION}…» y deja una línea en blanco.",
                    table_index=self._tables,
                )
            )
        self._tables += 1
        for index, cell in enumerate(list(table.iter("th"))):
            if cell.text or len(cell):
                cell.set("scope", "col")
            elif index == 0:
                cell.tag = "td"  # the corner above the rows' names is the heading of nothing
            else:
                self.faults.append(
                    Fault(
                        "table_heading",
                        f"La columna {index + 1} de la tabla no tiene título. Escríbelo.",
                        table_index=self._tables - 1,
                    )
                )
        for row in table.iterfind("tbody/tr"):
            row[0].tag = "th"
            row[0].set("scope", "row")
        for cell in table.iter():
            cell.attrib.pop("style", None)

    def _check(self, element: ET.Element) -> None:
        if element.tag == "a":
            address = element.get("href", "")
            if not is_safe_link(address):
                self.faults.append(
                    Fault(
                        "bad_link",
                        f"El enlace «{address}» no se admite. Usa https:// o /jump_to_id/clave.",
                        address,
                    )
                )
            element.attrib.pop("title", None)
            element.set("rel", "noopener noreferrer")
        elif element.tag == "img":
            address = element.get("src", "")
            element.attrib.pop("title", None)
            if not is_safe_image(address):
                self.faults.append(
                    Fault(
                        "bad_image",
                        f"La imagen «{address}» no se admite. Ponla en static/ y escribe /static/nombre.png.",
                        address,
                    )
                )
            elif not element.get("alt", "").strip():
                self.faults.append(
                    Fault(
                        "image_alt",
                        "La imagen no tiene descripción. Escribe ![qué se ve](/static/…).",
                        address,
                    )
                )
        elif element.tag in ("h1", "h2", "h5", "h6"):
            title = " ".join("".join(element.itertext()).split()[:2])
            self.faults.append(Fault("bad_heading", "Dentro de un texto usa solo títulos ### o ####.", title))
        elif element.tag in ("pre", "code", "hr"):
            self.faults.append(
                Fault(
                    "bad_block",
                    "Aquí hay un bloque de código o una raya. Quita la sangría de 4 espacios, ` o ---.",
                    "".join(element.itertext()).strip(),
                )
            )


def to_html(text: str, place: Place, problems: Problems) -> str:
    """Return the HTML of a Markdown text whose first line stands at ``place``."""
    if _has_raw_html(text, place, problems):
        return ""
    converter = markdown.Markdown(extensions=["tables", "sane_lists"], output_format="html")
    shape = _Shape(converter)
    # After the inline patterns (20), so that links and emphasis are elements already.
    converter.treeprocessors.register(shape, "integra", 15)
    html = converter.convert(text).strip()
    for fault in shape.faults:
        problems.refuse(_locate(text, fault, place), fault.code, fault.message)
    safe = sanitise(html)
    if safe != html and not shape.faults:
        problems.refuse(
            place, "unsafe_html", "El texto produce HTML que no se admite. Escríbelo con Markdown simple."
        )
    return safe


def to_inline_html(text: str, place: Place, problems: Problems) -> str:
    """Return the HTML of one paragraph without its ``<p>``; anything longer is refused."""
    html = to_html(text, place, problems)
    if html and (not html.startswith("<p>") or html.count("<p>") != 1 or not html.endswith("</p>")):
        problems.refuse(
            place, "not_inline", "Aquí va una sola frase o párrafo, sin listas, títulos ni tablas."
        )
        return ""
    return html.removeprefix("<p>").removesuffix("</p>")


def _has_raw_html(text: str, place: Place, problems: Problems) -> bool:
    found = False
    for number, line in enumerate(text.split("\n")):
        if RAW_HTML.search(line):
            found = True
            problems.refuse(
                Place(place.file, place.line + number, place.path),
                "raw_html",
                "No se admite HTML. Usa Markdown: **negrita**, *cursiva*, listas, tablas. «Menor que» es &lt;.",
            )
        elif REFERENCE_LINK.match(line):
            found = True
            problems.refuse(
                Place(place.file, place.line + number, place.path),
                "bad_link",
                "No se admiten enlaces por referencia. Escribe [texto](https://…).",
            )
    return found


def _locate(text: str, fault: Fault, place: Place) -> Place:
    """Return the line of ``place`` that ``fault`` is about, or its first line."""
    lines = text.split("\n")
    if fault.table_index is not None:
        rules = [number for number, line in enumerate(lines) if TABLE_RULE.fullmatch(line)]
        # The extension takes odder lines for a table's rule than any author writes on purpose.
        found = rules[fault.table_index] - 1 if fault.table_index < len(rules) else 0
    else:
        needle = fault.needle.split("\n")[0]
        found = next((number for number, line in enumerate(lines) if needle in re.sub(r"[*_`]", "", line)), 0)
    return Place(place.file, place.line + found, place.path)
