"""The certificate on paper: every name right, the code readable, the file accessible and complete."""

import base64
import io
import logging
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from integra_service.credentials import services, views
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    RevocationReason,
    SuspensionReason,
)
from integra_service.credentials.pages import (
    CredentialPage,
    ModuleLine,
    describe_credential,
    describe_reason,
    describe_state,
    find_document,
)
from integra_service.credentials.paper import make_address, make_qr, render_certificate
from integra_service.credentials.policies import AchievementPolicy, read_policies
from integra_service.lib.clock import utc_now
from integra_service.lib.text import MAX_NAME_LENGTH
from integra_service.people.models import LearnerIdentity
from integra_service.people.session import begin_session
from integra_service.web.learner import my_paper

pytestmark = pytest.mark.django_db

NAMES = [
    "María José Ñáñez Quishpe",
    "Ana",
    "Jean-Baptiste D’Angelo O'Connor",
    "Nguyễn Thị Hồng Đào",
    "Олександра Коваленко",
    "محمد عبد الرحمن الحسيني",
    "فاطمه می‌نویسد",
    "רבקה לוי",
    "ትርሃስ ገብረመድህን",
    "မသီတာ",
    "王小明",
    "İbrahim Işık Çelebi",
    "María de los Ángeles Guadalupe de la Concepción Chimborazo-Tungurahua y Fernández de Córdoba",
]


def read_text(pdf: bytes, tmp_path: Path) -> str:
    path = tmp_path / "certificate.pdf"
    path.write_bytes(pdf)
    shown = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True, text=True)
    return shown.stdout


def bare(text: str) -> str:
    """Return the letters without blanks, line breaks and the invisible marks that a reader may add or drop."""
    normal = unicodedata.normalize("NFC", text)
    return "".join(c for c in normal if not c.isspace() and unicodedata.category(c) != "Cf")


@pytest.mark.parametrize("name", NAMES)
def test_text_of_the_paper_equals_the_name(credential: Credential, tmp_path: Path, name: str) -> None:
    pdf = render_certificate(describe_credential(find_document(credential), utc_now()), name, is_demo=True)
    assert bare(name) in bare(read_text(pdf, tmp_path))


def find_missing_letters(credential: Credential, name: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the library says of letters for which it had to draw the box of a missing glyph."""
    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        render_certificate(describe_credential(find_document(credential), utc_now()), name, is_demo=True)
    return [record.getMessage() for record in caplog.records if ".notdef" in record.getMessage()]


# What a reader gets back of Devanagari is in the order of shapes; that they are there can be checked all the same.
@pytest.mark.parametrize("name", [*NAMES, "अनीता शर्मा"])
def test_every_letter_has_a_shape(
    credential: Credential, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert find_missing_letters(credential, name, caplog) == []


def test_missing_letters_would_be_noticed(credential: Credential, caplog: pytest.LogCaptureFixture) -> None:
    assert len(find_missing_letters(credential, "\U0010fffd", caplog)) == 1


def test_paper_is_one_accessible_page_with_the_credential_attached(credential: Credential) -> None:
    pdf = render_certificate(
        describe_credential(find_document(credential), utc_now()), NAMES[-1], is_demo=False
    )
    reader = PdfReader(io.BytesIO(pdf))
    stored = CredentialDocument.objects.for_system().get(credential=credential)
    assert len(reader.pages) == 1
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.trailer["/Root"]["/Lang"] == "es"
    assert "pdfuaid" in reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert reader.attachments["credential.json"] == [bytes(stored.content)]
    assert reader.metadata is not None
    assert reader.metadata.title == "Certificado: Emprender escuchando y con cuentas claras"


def test_paper_says_what_the_page_says(credential: Credential, tmp_path: Path) -> None:
    text = read_text(
        render_certificate(describe_credential(find_document(credential), utc_now()), NAMES[0], is_demo=True),
        tmp_path,
    )
    for told in ("Formación, 72 minutos", "Evaluación de saberes previos", "Demostración", credential.token):
        assert told in text
    assert "36" not in text.replace(credential.token, "")


def test_revoked_paper_says_so(credential: Credential, tmp_path: Path, now: Any) -> None:
    services.revoke(credential, RevocationReason.MISUSE, "user:7", now)
    text = read_text(
        render_certificate(describe_credential(find_document(credential), utc_now()), NAMES[0], is_demo=True),
        tmp_path,
    )
    assert "Anulado." in text


def fill(name: str) -> str:
    """Return the longest name that is allowed, made of this one over and over."""
    return (name * MAX_NAME_LENGTH)[: MAX_NAME_LENGTH - 1] + name[0]


PAPER_NAMES = {
    "none": None,
    "short": "Ana",
    "latin": fill("María de los Ángeles Chimborazo-Tungurahua "),
    "wide": fill("WWWWWWW "),
    "arabic": fill("محمد عبد الرحمن الحسيني "),
    "chinese": fill("王小明"),
}
BANDS = [
    ("valid", [], False),
    ("valid", [], True),
    ("suspended", list(SuspensionReason), True),
    ("revoked", list(RevocationReason), True),
]
PACKAGED = {policy.key: policy for policy in read_policies(settings.PACKAGE / "credentials" / "achievements")}
MILLIMETRE = 72 / 25.4
# Of the inner line, from the sheet's edge: the page's margin, the frame and the gap between its two lines.
FRAME = 9 * MILLIMETRE
CODE = 36 * MILLIMETRE


def describe_packaged(
    credential: Credential, policy: AchievementPolicy, state: str, reasons: list[str]
) -> CredentialPage:
    """Return a credential of the packaged achievement, reached by both routes, in this state."""
    routes = ["Formación, 240 minutos", "Evaluación de saberes previos"]
    return replace(
        describe_credential(find_document(credential), utc_now()),
        state=state,
        word=describe_state(state),
        reason=max(map(describe_reason, reasons), key=len, default=""),
        title=policy.name.es,
        description=policy.description.es,
        english_title=policy.name.en,
        modules=tuple(ModuleLine(name.es, routes[n % 2]) for n, (_key, name) in enumerate(policy.modules)),
    )


Box = tuple[float, float, float, float]


def read_boxes(pdf: Path) -> list[list[tuple[str, Box]]]:
    """Return the words of each page with the places they take, in points from the upper left corner."""
    shown = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], capture_output=True, check=True, text=True)
    space = "{http://www.w3.org/1999/xhtml}"
    return [
        [
            (word.text or "", tuple(float(word.attrib[side]) for side in ("xMin", "yMin", "xMax", "yMax")))
            for word in page.iter(f"{space}word")
        ]
        for page in ElementTree.fromstring(shown.stdout).iter(f"{space}page")  # noqa: S314 - our own file
    ]


def find_collisions(words: list[tuple[str, Box]]) -> list[tuple[str, str]]:
    """Return the pairs of words that print over each other: more than their fonts' empty rims touch."""

    def core(box: Box) -> Box:
        left, top, right, bottom = box
        rim = (bottom - top) * 0.25
        return left + 0.5, top + rim, right - 0.5, bottom - rim

    cores = [(text, core(box)) for text, box in words]
    return [
        (one, other)
        for (one, a), (other, b) in combinations(cores, 2)
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


@pytest.mark.parametrize(("state", "reasons", "is_demo"), BANDS)
@pytest.mark.parametrize("name", PAPER_NAMES.values(), ids=list(PAPER_NAMES))
@pytest.mark.parametrize("key", sorted(PACKAGED))
def test_every_certificate_is_one_clean_sheet(
    credential: Credential,
    tmp_path: Path,
    key: str,
    name: str | None,
    state: str,
    reasons: list[str],
    is_demo: bool,
) -> None:
    page = describe_packaged(credential, PACKAGED[key], state, reasons)
    pdf = render_certificate(page, name, is_demo=is_demo)
    text = bare(read_text(pdf, tmp_path))

    (words,) = read_boxes(tmp_path / "certificate.pdf")
    assert find_collisions(words) == []
    width, height = 297 * MILLIMETRE, 210 * MILLIMETRE
    assert [
        (text, box)
        for text, box in words
        if box[0] < FRAME or box[1] < FRAME or box[2] > width - FRAME or box[3] > height - FRAME
    ] == []
    # The code stands to the right of its address, on the same line, and has its square for itself.
    (address,) = [box for text, box in words if page.token in text]
    square = (address[2], address[3] - CODE, width, height)
    assert [text for text, box in words if box[0] > square[0] and box[3] > square[1]] == []
    for told in (page.title, page.english_title, page.description, page.word if reasons else "", page.url):
        assert bare(told) in text
    for module in page.modules:
        assert bare(module.name + module.route) in text
    assert name is None or bare(name)[:20] in text


def test_more_than_one_sheet_holds_goes_on_to_another(credential: Credential, tmp_path: Path) -> None:
    page = describe_credential(find_document(credential), utc_now())
    modules = tuple(ModuleLine(f"Módulo número {n}", "Formación, 60 minutos") for n in range(80))
    text = read_text(render_certificate(replace(page, modules=modules), NAMES[0], is_demo=True), tmp_path)
    pages = read_boxes(tmp_path / "certificate.pdf")
    assert len(pages) > 1
    assert [find_collisions(words) for words in pages] == [[]] * len(pages)
    assert [n for n in range(80) if f"Módulo número {n}" not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_code_carries_the_name_in_the_fragment_only(credential: Credential, name: str) -> None:
    address = make_address(describe_credential(find_document(credential), utc_now()), name)
    sent, _, fragment = address.partition("#")
    assert sent == f"http://localhost:8001/c/{credential.token}"
    assert unquote(fragment) == f"nombre={name}"
    assert address.isascii()
    assert make_qr(address).startswith("data:image/svg+xml;base64,")


def test_longest_name_still_makes_a_code_that_a_phone_reads(credential: Credential) -> None:
    address = make_address(describe_credential(find_document(credential), utc_now()), "ሀ" * MAX_NAME_LENGTH)
    svg = base64.b64decode(make_qr(address).partition(",")[2]).decode()
    squares = int(re.findall(r'width="(\d+)"', svg)[0])
    # Printed 36 mm wide; below a quarter of a millimetre a square is lost in print or in the camera.
    assert 36 / squares > 0.25


def enter(client: Client, identity: LearnerIdentity) -> None:
    """Give the browser the session that the hand-over gives."""
    session = client.session
    begin_session(session, identity, utc_now())
    session.save()


def test_only_the_holders_own_copy_has_the_name(
    client: Client, credential: Credential, learner: Any, tmp_path: Path
) -> None:
    public = reverse("credentials:paper", args=[credential.token])
    own = reverse("web:my-paper", args=[credential.token])

    def fetch(url: str) -> str:
        answer = client.get(url)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert "no-store" in answer["Cache-Control"]
        return read_text(answer.content, tmp_path)

    # Without a session nobody gets a copy that quietly lacks the name.
    refused = client.get(own, headers={"accept": "text/html"})
    assert refused.status_code == 403
    assert "Para entrar, abre «Mi avance»" in refused.content.decode()
    assert "Quishpe" not in fetch(public)
    enter(client, learner("Otra Persona"))
    assert client.get(own).status_code == 404
    assert client.get(own).content == client.get(own.replace(credential.token, "x" * 22)).content
    enter(client, LearnerIdentity.objects.for_system().get(person=credential.person))
    assert "Quishpe" in fetch(own)
    assert "Quishpe" not in fetch(public)


def test_the_holders_copies_are_counted_by_person(
    client: Client, credential: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(my_paper, "PAPERS_PER_PERSON", 2)
    monkeypatch.setattr(views, "PAPERS_PER_ADDRESS", 0)
    enter(client, LearnerIdentity.objects.for_system().get(person=credential.person))
    own = reverse("web:my-paper", args=[credential.token])
    # A classroom behind one address that used up its own turns; another address gives a person no further ones.
    assert client.get(reverse("credentials:paper", args=[credential.token])).status_code == 429
    answers = [client.get(own, REMOTE_ADDR=f"203.0.113.{n}").status_code for n in range(3)]
    assert answers == [200, 200, 429]


def test_machine_without_pango_says_so(
    client: Client, credential: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoPango:
        """What the import system meets where the library is not installed."""

        def find_spec(self, name: str, *_args: Any) -> None:
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr(sys, "meta_path", [NoPango(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "weasyprint")
    answer = client.get(reverse("credentials:paper", args=[credential.token]))
    assert answer.status_code == 503
    assert "no es posible generar el PDF" in answer.content.decode()
