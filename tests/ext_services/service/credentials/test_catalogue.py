"""Every text of the public pages has its Spanish, and the compiled catalogue is the one the source gives."""

import io
import re
from pathlib import Path

from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from integra_service import credentials

PACKAGE = Path(credentials.__file__).parent
CATALOGUE = PACKAGE / "locale/es/LC_MESSAGES/django.po"
TEMPLATE_TEXT = re.compile(r'{% translate "([^"]+)"')
TEMPLATE_BLOCK = re.compile(r"{% blocktranslate[^%]*%}(.*?){% endblocktranslate %}", re.DOTALL)
PYTHON_TEXT = re.compile(r'\b_\(\s*"([^"]+)"')


def collect_texts() -> set[str]:
    texts = set()
    for path in PACKAGE.rglob("*.html"):
        content = path.read_text(encoding="utf-8")
        texts |= set(TEMPLATE_TEXT.findall(content))
        texts |= {re.sub(r"{{ (\w+) }}", r"%(\1)s", block) for block in TEMPLATE_BLOCK.findall(content)}
    for path in PACKAGE.glob("*.py"):
        texts |= set(PYTHON_TEXT.findall(path.read_text(encoding="utf-8")))
    return texts


def test_catalogue_holds_exactly_the_texts_in_use() -> None:
    catalogue = read_po(io.BytesIO(CATALOGUE.read_bytes()), locale="es")
    entries = {message.id: message for message in catalogue if message.id}
    assert set(entries) == collect_texts()
    assert [key for key, message in entries.items() if not message.string or message.fuzzy] == []
    placeholder = re.compile(r"%\(\w+\)s")
    assert [
        key
        for key, message in entries.items()
        if set(placeholder.findall(key)) != set(placeholder.findall(message.string))
    ] == []


def test_compiled_catalogue_is_up_to_date() -> None:
    source = read_po(io.BytesIO(CATALOGUE.read_bytes()), locale="es")
    compiled = read_mo(io.BytesIO(CATALOGUE.with_suffix(".mo").read_bytes()))
    assert {m.id: m.string for m in source if m.id} == {m.id: m.string for m in compiled if m.id}
