"""The forms to carry away: what each holds, under which media type, and to whom it is shown."""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from openbadgeslib import baking as foreign
from PIL import Image

from integra_service.credentials import badge, services
from integra_service.credentials.badge import draw_badge, paint_badge
from integra_service.credentials.baking import PNG_SIGNATURE, bake_png, bake_svg
from integra_service.credentials.issuer import get_issuer, resolve_own
from integra_service.credentials.jose import JwtForm
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    RevocationReason,
    StatusList,
)
from integra_service.credentials.verification import Outcome, verify_document, verify_jwt
from integra_service.lib.clock import utc_now
from integra_service.people.models import LearnerIdentity
from integra_service.people.session import begin_session

FORMS = (".jwt", ".vc.jwt", ".png", ".svg")
NAME_PARTS = ("José", "Ñáñez", "Quishpe", "Mar\u00eda")


def list_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Read a PNG by its specification, checksums included."""
    assert png.startswith(PNG_SIGNATURE)
    position = len(PNG_SIGNATURE)
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        chunk = png[position + 4 : position + 8 + length]
        (checksum,) = struct.unpack(">I", png[position + 8 + length : position + 12 + length])
        assert checksum == zlib.crc32(chunk)
        yield chunk[:4], chunk[4:]
        position += 12 + length


def unbake_png(png: bytes) -> bytes:
    texts = [data for kind, data in list_chunks(png) if kind == b"iTXt"]
    (text,) = texts
    keyword, rest = text.split(b"\0", 1)
    assert (keyword, rest[:4]) == (b"openbadgecredential", b"\0\0\0\0")
    return rest[4:]


def unbake_svg(svg: bytes) -> bytes:
    root = ElementTree.fromstring(svg)  # noqa: S314 - drawn by us a moment ago
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    (credential,) = root.iter("{https://purl.imsglobal.org/ob/v3p0}credential")
    assert next(iter(root)) is credential
    assert credential.attrib == {}
    return (credential.text or "").encode()


@pytest.fixture
def url(credential: Credential) -> str:
    return reverse("credentials:page", args=[credential.token])


@pytest.fixture
def stored(credential: Credential) -> CredentialDocument:
    return CredentialDocument.objects.for_system().get(credential=credential)


@pytest.mark.django_db
def test_jwts_are_served_as_stored_under_their_media_types(
    client: Client, stored: CredentialDocument, url: str, now: Any
) -> None:
    resolve = resolve_own(get_issuer())
    for ending, text, media_type, form in (
        (".jwt", stored.ob_jwt, "text/plain; charset=us-ascii", JwtForm.OPEN_BADGES),
        (".vc.jwt", stored.vc_jwt, "application/vc+jwt", JwtForm.VC_JOSE_COSE),
    ):
        answer = client.get(url + ending)
        assert (answer.status_code, answer["Content-Type"]) == (200, media_type)
        assert answer.content == text.encode()
        assert verify_jwt(answer.content, form, resolve, now=now).outcome is Outcome.VALID


@pytest.mark.django_db
def test_images_carry_the_very_bytes_of_the_signed_file(
    client: Client, stored: CredentialDocument, url: str, now: Any
) -> None:
    content = bytes(stored.content)
    png, svg = client.get(f"{url}.png"), client.get(f"{url}.svg")
    assert (png["Content-Type"], svg["Content-Type"]) == ("image/png", "image/svg+xml")
    assert unbake_png(png.content) == unbake_svg(svg.content) == content
    assert foreign.extract_png(png.content, keyword=foreign.ITXT_KEYWORD_OB3).encode() == content
    text = foreign.extract_svg(svg.content, element=foreign.SVG_ELEMENT_OB3, text_fallback=True)
    assert text.encode() == content
    result = verify_document(unbake_png(png.content), resolve_own(get_issuer()), now=now)
    assert result.outcome is Outcome.VALID


@pytest.mark.django_db
def test_image_is_one_that_opens_and_shows_the_achievement(client: Client, url: str) -> None:
    image = Image.open(io.BytesIO(client.get(f"{url}.png").content))
    image.load()
    assert (image.format, image.size) == ("PNG", (512, 512))
    root = ElementTree.fromstring(client.get(f"{url}.svg").content)  # noqa: S314 - ours
    shown = " ".join(text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "Emprender escuchando y con cuentas claras" in shown
    assert "INTEGRA (demostración)" in shown


@pytest.mark.django_db
def test_no_form_tells_the_name(client: Client, url: str) -> None:
    for form in FORMS:
        content = client.get(url + form).content
        assert not any(part.encode() in content for part in NAME_PARTS), form


@pytest.mark.django_db
def test_forms_may_not_be_kept_or_indexed_and_are_for_any_reader(client: Client, url: str) -> None:
    for form in FORMS:
        answer = client.get(url + form)
        assert "no-store" in answer["Cache-Control"]
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "default-src 'none'" in answer["Content-Security-Policy"]


@pytest.mark.django_db
def test_revoked_credential_keeps_its_forms_as_it_keeps_its_file(
    client: Client, credential: Credential, stored: CredentialDocument, url: str, now: Any
) -> None:
    before = {form: client.get(url + form).content for form in FORMS}
    services.revoke(credential, RevocationReason.MISUSE, "user:7", now)
    assert {form: client.get(url + form).content for form in FORMS} == before
    result = verify_jwt(before[".jwt"], JwtForm.OPEN_BADGES, resolve_own(get_issuer()), now=now)
    assert result.outcome is Outcome.REVOKED


@pytest.mark.django_db
def test_jwt_that_was_never_made_is_not_there(client: Client, stored: CredentialDocument, url: str) -> None:
    CredentialDocument.objects.for_system().filter(pk=stored.pk).update(ob_jwt="", vc_jwt="")
    assert [client.get(url + form).status_code for form in FORMS] == [404, 404, 200, 200]
    assert client.get(f"{url}.jwt").content == client.get("/c/" + "A" * 22).content


@pytest.mark.django_db
def test_page_offers_the_forms_and_the_holder_the_badge(
    client: Client, credential: Credential, url: str
) -> None:
    offered = [f'href="{url}{form}"' for form in (".json", *FORMS)]
    text = client.get(url).content.decode()
    assert [link for link in offered if link not in text] == []
    assert "Mi insignia" not in text
    session = client.session
    begin_session(session, LearnerIdentity.objects.for_system().get(person=credential.person), utc_now())
    session.save()
    assert "Mi insignia para compartir" in client.get(url).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept", "is_jwt"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("application/vc", False),
        ("application/ld+json, application/json", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("text/plain", False),
        ("application/vc+jwt", True),
        ("application/vc+jwt, */*;q=0.1", True),
        ("application/json, application/vc+jwt;q=0.5", False),
        ("application/json;q=0.5, application/vc+jwt", True),
        ("application/vc+jwt;q=0", False),
        (";;;,,,", False),
    ],
)
def test_status_list_comes_as_asked_for(
    client: Client, credential: Credential, accept: str | None, is_jwt: bool
) -> None:
    answer = client.get("/status/1", headers={} if accept is None else {"accept": accept})
    stored = StatusList.objects.get()
    expected = ("application/vc+jwt", stored.jwt) if is_jwt else ("application/vc", stored.content)
    assert (answer.status_code, answer["Content-Type"], answer.content.decode()) == (200, *expected)
    assert "Accept" in answer["Vary"]
    assert answer["Cache-Control"] == "no-cache"


@pytest.mark.django_db
def test_both_forms_of_the_list_follow_a_revocation(client: Client, credential: Credential, now: Any) -> None:
    content = client.get(reverse("credentials:document", args=[credential.token])).content
    for outcome in (Outcome.VALID, Outcome.REVOKED):
        for accept in ("application/vc", "application/vc+jwt"):
            published = client.get("/status/1", headers={"accept": accept}).content
            own = resolve_own(get_issuer())
            resolve = lambda address: published if "/status/" in address else own(address)  # noqa: E731, B023
            assert verify_document(content, resolve, now=now).outcome is outcome
        services.revoke(credential, RevocationReason.MISUSE, "user:7", now)


documents = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=200
)


@given(documents)
def test_whatever_is_baked_is_what_is_read(text: str) -> None:
    png = paint_badge("Título", "INTEGRA")
    baked = bake_png(png, text.encode())
    assert unbake_png(baked) == text.encode()
    assert foreign.extract_png(baked, keyword=foreign.ITXT_KEYWORD_OB3) == text
    # The picture is what it was.
    assert [chunk for chunk in list_chunks(baked) if chunk[0] != b"iTXt"] == list(list_chunks(png))
    assert unbake_svg(bake_svg(draw_badge("Título", "INTEGRA"), text.encode()).encode()) == text.encode()


@pytest.mark.parametrize("text", ["]]>", "]]]>>", "a]]>b]]>", "<script>&amp;", "]]&gt;"])
def test_end_of_a_cdata_section_inside_the_document_survives(text: str) -> None:
    svg = bake_svg(draw_badge("Título", "INTEGRA"), text.encode()).encode()
    assert unbake_svg(svg).decode() == text
    read = foreign.extract_svg(svg, element=foreign.SVG_ELEMENT_OB3, text_fallback=True)
    assert read == text


TITLES = (
    "Empleabilidad",
    "Medios de vida, negocio y empleo",
    "Emprender escuchando y con cuentas claras",
    "Electroencefalografistas interdisciplinarios",
    "Emprendimiento con cuentas claras, plan de ventas, formalización y acceso al fondo semilla de la ciudad",
    "palabra " * 60,
)


@pytest.mark.parametrize("title", TITLES)
def test_title_stays_inside_the_badge_and_is_readable(title: str) -> None:
    size, lines = badge._set_title(title)
    assert lines
    # At 200 pixels wide, letters of ten pixels.
    assert size * 200 / 512 > 10
    assert all(len(line.text) * 0.58 * size <= 404 or " " not in line.text for line in lines)
    assert lines[0].baseline - size * 0.7 > 120
    assert lines[-1].baseline < 404
    shown = " ".join(line.text for line in lines)
    assert shown == title.strip() or shown.endswith("…")


def test_titles_are_drawn_with_letters() -> None:
    """A machine without fonts would paint every badge alike."""
    assert len({paint_badge(title, "INTEGRA") for title in TITLES}) == len(TITLES)


def test_markup_in_a_title_is_text() -> None:
    svg = draw_badge('<script>alert("1")</script> & más', "INTEGRA </svg>")
    root = ElementTree.fromstring(svg)  # noqa: S314 - ours
    assert {re.sub("{.*}", "", element.tag) for element in root.iter()} <= {
        "svg",
        "title",
        "rect",
        "circle",
        "path",
        "g",
        "text",
    }
    assert "alert" in "".join(root.itertext())
