"""My page, permissions and the name, over HTTP as the phone asks for them."""

import html
import io
import re
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pypdf import PdfReader
from service_support import confirm

from integra_service.credentials.life import revoke, suspend
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    RevocationReason,
    SuspensionReason,
)
from integra_service.credentials.policies import read_policies
from integra_service.lib.clock import utc_now
from integra_service.lib.models import ThrottleWindow
from integra_service.people.models import Consent, LearnerIdentity
from integra_service.people.services import confirmed_name

NAME, OTHER = "Zulmira Canario Quishpe", "Zulmira Canaria Quispe"


def text_of(answer):
    """What a person reads, as one line of words."""
    content = re.sub(r"<(head|script|style).*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", content)).split())


@pytest.fixture
def holder(committed_world):
    return Holder(committed_world)


class Holder:
    """A certified learner of city A with a phone."""

    def __init__(self, world):
        self.world, self.learner = world, uuid.uuid4()
        world.a.send(world.a.tell(self.learner))
        self.phone = world.a.enter(self.learner)
        confirm(self.phone, NAME)
        self.identity = LearnerIdentity.objects.for_system().get(learner_uuid=self.learner)
        self.person = self.identity.person

    @property
    def credential(self):
        return Credential.objects.for_system().get(person=self.person)

    def page(self):
        return self.phone.get("/mi/")

    def rename(self, name, step="confirm", phone=None):
        return (phone or self.phone).post("/mi/nombre/", {"name": name, "step": step})

    def withdraw(self, purpose="certificado", sure="si"):
        fields = {"proposito": purpose, "respuesta": "no", "seguro": sure}
        return self.phone.post("/mi/permisos/", fields)

    def check(self, name, phone=None):
        page = (phone or Client()).post(f"/c/{self.credential.token}", {"nombre": name})
        return text_of(page)


def test_the_certificate_comes_first_with_its_forms_and_a_message_without_the_name(holder):
    page = holder.page()
    content, text = page.content.decode(), text_of(page)

    assert "Válido" in text
    token = holder.credential.token
    assert f'href="/mi/certificado/{token}.pdf"' in content
    assert "en un teléfono compartido, bórralo" in text
    for ending in ("", ".png", ".svg", ".json", ".jwt", ".vc.jwt"):
        assert f'href="http://localhost:8001/c/{token}{ending}"' in content
    (share,) = re.findall(r'href="(https://wa\.me/[^"]+)"', content)
    (message,) = parse_qs(urlsplit(html.unescape(share)).query)["text"]
    assert message.endswith(f"http://localhost:8001/c/{token}")
    assert "¡Hola!" in message
    assert not {word for word in NAME.split() if word in message}
    # Nothing is asked of anybody else before the tap: the only foreign address is that link.
    assert re.findall(r'(?:src|action|content)="https?://', content) == []
    assert set(re.findall(r'href="(https?://[^/"]+)', content)) == {
        "https://wa.me",
        "http://localhost:8000",
        "http://localhost:8001",
    }


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (
            lambda c: suspend(c, SuspensionReason.UNDER_REVIEW, "user:1", utc_now()),
            ["Suspendido", "por ahora"],
        ),
        (
            lambda c: revoke(c, RevocationReason.ISSUED_IN_ERROR, "user:1", utc_now()),
            ["Anulado", "ya no vale"],
        ),
        (
            lambda c: Credential.objects.for_system().filter(pk=c.pk).update(expires_at=c.awarded_at),
            ["Vencido", "Valió hasta"],
        ),
        (
            lambda c: CredentialDocument.objects.for_system().filter(credential=c).update(content=b"{}"),
            ["No confirmado", "Algo no está bien"],
        ),
    ],
)
def test_what_does_not_count_says_so_and_is_not_shared(holder, act, words):
    act(holder.credential)
    text = text_of(holder.page())
    assert [word for word in words if word not in text] == []
    assert "wa.me" not in holder.page().content.decode()
    assert "Más formatos" not in text


@pytest.fixture
def three_achievements(settings, monkeypatch):
    """The packaged policies, over the demonstration's two modules."""
    from integra_service.credentials import approvals

    own = read_policies(settings.INTEGRA_ACHIEVEMENTS)
    packaged = read_policies(settings.PACKAGE / "credentials" / "achievements")
    further = tuple(policy for policy in packaged if policy.key != own[0].key)
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (*own, *further))
    return [policy.name.es for policy in (*own, *further)]


def test_what_is_missing_is_told_per_achievement_with_the_nearest_first(holder, three_achievements):
    reached, *open_ones = three_achievements
    text = text_of(holder.page())
    content = holder.page().content.decode()

    assert len(open_ones) == 2
    nearest, other = re.findall(r"(?:Lo que te falta para|Y para) «([^»]+)»", text)
    assert {nearest, other} == set(open_ones)
    assert reached not in {nearest, other}
    lists = re.findall(r"<ul>(.*?)</ul>", content, re.DOTALL)
    counts = [part.count("<li>") for part in lists]
    assert len(counts) == 2
    assert 0 < counts[0] <= counts[1]
    assert content.index("<details>\n    <summary>Y para") > content.index("Lo que te falta para")
    # Nothing that is done stands among what is missing, and nobody is sent to two places at once.
    assert 'class="steps"' not in content


def test_there_is_exactly_one_next_step(world, client):
    world.a.enter(uuid.uuid4(), client)
    steps = []
    for act in (
        lambda: None,
        lambda: client.post("/mi/aviso/", {"certificado": "si", "busqueda_por_nombre": "no"}),
        lambda: client.post("/mi/nombre/", {"name": NAME, "step": "confirm"}),
    ):
        act()
        content = client.get("/mi/").content.decode()
        steps.append(
            (content.count("step-next"), re.findall(r'class="button primary" href="([^"]+)"', content))
        )
    assert steps == [(1, ["/mi/aviso/"]), (1, ["/mi/nombre/"]), (1, [])]


def test_a_corrected_name_is_on_every_form_and_the_former_is_known_as_former(holder):
    before = holder.credential
    former = CredentialDocument.objects.for_system().get(credential=before)

    preview = holder.rename(OTHER, "preview")
    assert preview["location"] == "/mi/nombre/revisar/"
    assert "deja de valer" in text_of(holder.phone.get("/mi/nombre/revisar/"))
    assert confirmed_name(holder.person) == NAME
    answer = holder.rename(OTHER)

    assert answer["location"] == "/mi/"
    text = text_of(holder.page())
    assert "Imprime tu certificado de nuevo" in text
    assert "Esta es la versión 2" in text
    assert holder.credential.token == before.token
    assert "Coincide" in holder.check(OTHER)
    assert "Ese papel fue reemplazado" in holder.check(NAME)
    assert "No coincide" in holder.check("Nadie")
    former.refresh_from_db()
    assert (former.is_revoked, former.replaced_because) == (True, "name_changed")
    pdf = PdfReader(io.BytesIO(holder.phone.get(f"/mi/certificado/{before.token}.pdf").content))
    printed = " ".join(pdf.pages[0].extract_text().split())
    assert OTHER in printed
    assert NAME not in printed


def test_the_same_name_again_makes_no_new_version(holder):
    holder.rename(NAME)
    assert CredentialDocument.objects.for_system().count() == 1
    assert ThrottleWindow.objects.count() == 0


def test_after_three_corrections_in_a_year_somebody_helps(holder):
    for number in range(3):
        assert holder.rename(f"{OTHER} {number * 'i'}")["location"] == "/mi/"
    limited = holder.phone.get("/mi/nombre/")
    refused = holder.rename("Cuarta Vez")

    assert (limited.status_code, refused.status_code) == (200, 429)
    assert "oficina del programa" in text_of(limited)
    assert confirmed_name(holder.person) == f"{OTHER} ii"
    assert CredentialDocument.objects.for_system().count() == 4
    asked = holder.phone.post("/mi/datos/pedir/", {"tipo": "correction", "tema": "name"})
    assert asked["location"] == "/mi/datos/"


def test_before_a_certificate_the_name_is_corrected_as_often_as_wanted(world, client):
    confirm(world.a.enter(uuid.uuid4(), client), NAME)
    for number in range(6):
        assert (
            client.post("/mi/nombre/", {"name": f"Ana {'i' * number}", "step": "confirm"}).status_code == 302
        )
    assert "deja de valer" not in text_of(client.get("/mi/nombre/"))


def test_a_withdrawn_permission_hides_what_it_was_for_and_giving_it_shows_it_again(holder):
    token = holder.credential.token
    addresses = [f"/c/{token}{ending}" for ending in ("", ".json", ".jwt", ".vc.jwt", ".png", ".svg", ".pdf")]
    assert {Client().get(path).status_code for path in addresses} == {200}

    asked = holder.withdraw(sure="")
    assert asked["location"] == "/mi/permisos/?retirar=certificado"
    assert "Tu certificado se oculta" in text_of(holder.phone.get(asked["location"]))
    assert Consent.objects.filter(is_granted=False).count() == 0
    assert holder.withdraw()["location"] == "/mi/permisos/"

    for path in addresses:
        missing = Client().get(path.replace(token, "x" * 22))
        hidden = Client().get(path)
        assert (hidden.status_code, hidden.content) == (404, missing.content), path
        assert hidden.headers == missing.headers
    # To its holder alone, wherever they kept the address, it says so and how to show it again.
    for answer in (
        holder.phone.get(addresses[0]),
        holder.phone.get(f"/mi/certificado/{token}.pdf", follow=True),
    ):
        assert "Tu certificado está oculto" in text_of(answer)
        assert 'href="/mi/permisos/"' in answer.content.decode()
    stranger = holder.world.a.enter(uuid.uuid4())
    assert "oculto" not in text_of(stranger.get(addresses[0]))
    page = text_of(holder.page())
    assert "Oculto" in page
    assert "wa.me" not in holder.page().content.decode()

    holder.phone.post("/mi/permisos/", {"proposito": "certificado", "respuesta": "si"})
    assert {Client().get(path).status_code for path in addresses} == {200}
    assert "Oculto" not in text_of(holder.page())


def test_each_permission_is_withdrawn_on_its_own(holder):
    holder.withdraw("busqueda_por_nombre")
    staff = holder.world.client_of("personal-a")

    assert Client().get(f"/c/{holder.credential.token}").status_code == 200
    assert (
        "Zulmira" not in text_of(staff.post("/consola/personas/", {"query": "canario"})).split("Buscar")[-1]
    )
    text = text_of(holder.phone.get("/mi/permisos/"))
    assert text.count("Dijiste que sí") == text.count("Dijiste que no") == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"proposito": "certificado"},
        {"proposito": "certificado", "respuesta": "quizá", "seguro": "si"},
        {"proposito": "todo", "respuesta": "no", "seguro": "si"},
    ],
)
def test_what_is_no_decision_changes_nothing(holder, fields):
    before = Consent.objects.count()
    assert holder.phone.post("/mi/permisos/", fields).status_code == 400
    assert Consent.objects.count() == before


def test_the_notice_does_not_ask_again_what_was_decided(holder):
    before = Consent.objects.count()
    page = holder.phone.get("/mi/aviso/")
    assert "<fieldset" not in page.content.decode()
    answer = holder.phone.post("/mi/aviso/", {"certificado": "no", "busqueda_por_nombre": "no"})
    assert (answer["location"], Consent.objects.count()) == ("/mi/permisos/", before)


def test_a_permission_given_under_an_earlier_notice_says_so(holder):
    assert "aviso anterior" not in text_of(holder.phone.get("/mi/permisos/"))
    Consent.objects.update(notice_version="aviso-2")
    assert text_of(holder.phone.get("/mi/permisos/")).count("aviso anterior") == 2
