"""The certificate on paper: every name right, the code readable, the file accessible and complete."""

import io
import logging
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from integra_service.credentials import services
from integra_service.credentials.models import Credential, CredentialDocument, RevocationReason
from integra_service.credentials.pages import describe_credential, find_document
from integra_service.credentials.paper import make_address, make_qr, render_certificate
from integra_service.lib.clock import utc_now
from integra_service.people.models import LearnerIdentity
from integra_service.people.session import begin_session

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


@pytest.mark.parametrize("name", NAMES)
def test_code_carries_the_name_in_the_fragment_only(credential: Credential, name: str) -> None:
    address = make_address(describe_credential(find_document(credential), utc_now()), name)
    sent, _, fragment = address.partition("#")
    assert sent == f"http://localhost:8001/c/{credential.token}"
    assert unquote(fragment) == f"nombre={name}"
    assert address.isascii()
    assert make_qr(address).startswith("data:image/svg+xml;base64,")


def test_longest_name_still_fits_a_code(credential: Credential) -> None:
    assert make_qr(make_address(describe_credential(find_document(credential), utc_now()), "ሀ" * 150))


def test_only_the_holder_gets_the_name(
    client: Client, credential: Credential, learner: Any, tmp_path: Path
) -> None:
    url = reverse("credentials:paper", args=[credential.token])

    def fetch() -> str:
        answer = client.get(url)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        return read_text(answer.content, tmp_path)

    assert "Quishpe" not in fetch()
    for identity, has_name in (
        (learner("Otra Persona"), False),
        (LearnerIdentity.objects.for_system().get(person=credential.person), True),
    ):
        session = client.session
        begin_session(session, identity, utc_now())
        session.save()
        text = fetch()
        assert ("Quishpe" in text) is has_name
        assert "Otra Persona" not in text


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
