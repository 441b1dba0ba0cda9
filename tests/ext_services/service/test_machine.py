"""The operator's pages: their own sources only, nobody's name, and what they may set going."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from service_support import NOW, confirm, make_manifest, make_staff, pass_factor
from test_reconcile import Outbox

from integra_grading.manifest import manifest_digest
from integra_service.audit.models import AuditEntry
from integra_service.credentials.models import SourceDistrust
from integra_service.people.models import City, Role, Source, SourceSecret, StaffRole
from integra_service.people.registering import register_source
from integra_service.people.sources import SourceSecrets
from integra_service.records.manifests import register_manifest
from integra_service.records.models import InboxEvent, ReconcileReport, RefusedEvent

MACHINE = "/consola/maquina/"
PAGES = ("", "detenidos/", "rechazados/", "secuencias/", "fuentes/", "reglas/")
CANARY = "Canaria Secreta Inventada"


@pytest.fixture
def world(committed_world):
    """Events are applied after the commit, so there must be one."""
    return committed_world


def operator(world, letter="a"):
    username = world.staff[f"operator-{letter}"]
    return as_operator(world, username)


def as_operator(world, username):
    """A browser in which this operator signed in and passed the second factor."""
    return pass_factor(world.client_of(username), username)


def read(client, path=""):
    answer = client.get(MACHINE + path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def park_and_refuse(classroom, other_city):
    """One event of each kind that an operator has to look at; return the parked and the refused one."""
    learner = uuid.uuid4()
    classroom.send(classroom.event(learner, 1, classroom.enrolled(city_key=other_city)))
    classroom.send({"id": "roto", "nombre": f"<script>alert('{classroom.key}')</script>"})
    told = classroom.tell(uuid.uuid4())
    classroom.send([told[0], *told[3:]])  # two numbers are missing
    source = Source.objects.get(key=classroom.key)
    return InboxEvent.objects.get(state="parked", source=source), RefusedEvent.objects.get(source=source)


def test_an_operator_of_one_city_sees_nothing_of_the_other(world):
    mine, _ = park_and_refuse(world.a, "ciudad-b")
    theirs, refused_there = park_and_refuse(world.b, "ciudad-a")
    client = operator(world)

    pages = "".join(read(client, page) for page in PAGES)
    assert (mine.event_id in pages, "aula-a" in pages) == (True, True)
    assert (theirs.event_id in pages, "aula-b" in pages, "Aula B" in pages) == (False, False, False)
    for path in (
        f"detenidos/{theirs.pk}/",
        f"rechazados/{refused_there.pk}/",
        "fuentes/aula-b/",
        "fuentes/no-existe/",
    ):
        assert client.get(MACHINE + path).status_code == 404, path
    for path in (
        f"detenidos/{theirs.pk}/reintentar/",
        "fuentes/aula-b/comparar/",
        "fuentes/aula-b/reintentar/",
    ):
        assert client.post(MACHINE + path, {"reason": "source_mismatch"}).status_code == 404, path
    assert ReconcileReport.objects.count() == 0


def test_a_source_that_also_speaks_of_anothers_city_is_not_there(world):
    register_source(
        key="aula-ab",
        name="Aula de ambas",
        url="http://localhost:8000",
        city_keys=["ciudad-a", "ciudad-b"],
        course_keys=["course-v1:INTEGRA+CAP40+ab"],
        secrets=SourceSecrets("whsec_" + "QUJD" * 10, "h" * 32, "p" * 32),
        now=NOW,
    )
    assert "aula-ab" not in read(operator(world), "fuentes/")
    assert operator(world).get(f"{MACHINE}fuentes/aula-ab/").status_code == 404

    both = User.objects.get(username=world.staff["operator-a"])
    StaffRole.objects.create(
        user=both, city=City.objects.get(key="ciudad-b"), role=Role.OPERATOR, from_on=NOW.date()
    )
    assert "aula-ab" in read(operator(world), "fuentes/")


def test_no_page_of_the_machine_names_a_person(world):
    learner = uuid.uuid4()
    told = world.a.tell(learner)
    world.a.send([told[0], *told[2:]])
    confirm(world.a.enter(learner), CANARY)
    park_and_refuse(world.a, "ciudad-b")
    client = operator(world)
    event = InboxEvent.objects.filter(state="parked").first()

    pages = [read(client, page) for page in (*PAGES, f"detenidos/{event.pk}/", "fuentes/aula-a/")]
    assert [CANARY in page or str(learner) in page for page in pages] == [False] * len(pages)
    # Nor does the role open the people's pages.
    assert client.get("/consola/").headers["location"] == MACHINE
    found = client.post("/consola/personas/", {"query": CANARY}).content.decode()
    assert "/consola/personas/" not in found.replace('action="/consola/personas/"', "")


def test_a_refused_body_is_shown_as_it_came_and_harmless(world):
    _, refused = park_and_refuse(world.a, "ciudad-b")
    page = read(operator(world), f"rechazados/{refused.pk}/")
    assert "&lt;script&gt;alert(" in page
    assert "<script" not in page


def test_an_event_is_tried_again_and_the_audit_says_who_asked(world):
    rules = make_manifest()
    rules["course"]["title"] = "Emprender, segunda edición"
    rules.pop("digest")
    rules["digest"] = manifest_digest(rules)
    learner = uuid.uuid4()
    world.a.send(world.a.event(learner, 1, world.a.enrolled(city_key="ciudad-b")))
    event = InboxEvent.objects.get()
    Source.objects.get(key="aula-a").cities.add(City.objects.get(key="ciudad-b"))  # now it may
    make_staff("operadora-ab", "ciudad-a", Role.OPERATOR)
    both = User.objects.get(username="operadora-ab")
    StaffRole.objects.create(
        user=both, city=City.objects.get(key="ciudad-b"), role=Role.OPERATOR, from_on=NOW.date()
    )

    answer = as_operator(world, "operadora-ab").post(f"{MACHINE}detenidos/{event.pk}/reintentar/")

    assert (answer.status_code, answer.headers["location"]) == (302, f"{MACHINE}detenidos/")
    event.refresh_from_db()
    assert (event.state, event.reason) == ("applied", "")
    entry = AuditEntry.objects.get(action="event.retried")
    assert (entry.actor, entry.subject) == (f"user:{both.pk}", f"event:{event.event_id}")
    assert json.loads(entry.data) == {"reason": "source_mismatch"}


def test_all_of_a_reason_are_tried_again_and_no_others(world):
    unknown = [world.a.event(uuid.uuid4(), 1, world.a.enrolled(rule_version="f" * 64)) for _ in range(3)]
    elsewhere = world.a.event(uuid.uuid4(), 1, world.a.enrolled(city_key="ciudad-b"))
    world.a.send([*unknown, elsewhere])
    InboxEvent.objects.filter(reason="unknown_rule_version").update(reason="apply_failed")  # it failed then
    rule_version = world.manifest["digest"]
    for event in InboxEvent.objects.filter(reason="apply_failed"):
        body = event.body.replace("f" * 64, rule_version)
        InboxEvent.objects.filter(pk=event.pk).update(body=body, rule_version=rule_version)
    client = operator(world)

    answer = client.post(f"{MACHINE}fuentes/aula-a/reintentar/", {"reason": "apply_failed"})

    assert answer.status_code == 302
    assert dict(InboxEvent.objects.values_list("event_id", "state")) == {
        **{event["id"]: "applied" for event in unknown},
        elsewhere["id"]: "parked",
    }
    again = client.post(f"{MACHINE}fuentes/aula-a/reintentar/", {"reason": "apply_failed"})
    assert again.status_code == 400  # nothing is held for it any more
    assert AuditEntry.objects.filter(action="events.retried").count() == 1


def test_of_a_secret_the_page_shows_age_and_the_beginning_of_its_fingerprint(world):
    page = read(operator(world), "fuentes/aula-a/")
    for secret in SourceSecret.objects.filter(source__key="aula-a"):
        assert secret.fingerprint[:8] in page
        assert secret.fingerprint[:9] not in page
        assert secret.ciphertext not in page
    for text in (world.a.handover, world.a.pull, world.a.webhook.decode()):
        assert text not in page


def test_a_distrusted_or_switched_off_source_says_so(world):
    source = Source.objects.get(key="aula-a")
    assert "Sin confianza" not in read(operator(world), "fuentes/aula-a/")
    SourceDistrust.objects.create(source=source, since=NOW, declared_by="user:1", declared_at=NOW)
    Source.objects.filter(pk=source.pk).update(is_active=False)
    page = read(operator(world), "fuentes/aula-a/")
    assert ("Sin confianza" in page, "Apagada" in page) == (True, True)


def test_compare_now_brings_in_what_is_missing_and_keeps_its_report(world):
    box = Outbox(world.a.pull)
    Source.objects.filter(key="aula-a").update(url=box.url)
    told = world.a.tell(uuid.uuid4())
    box.events = [*told[:3], {**told[3], "time": told[4]["time"]}]
    world.a.send([told[0], told[3]])
    client = operator(world)
    try:
        answer = client.post(f"{MACHINE}fuentes/aula-a/comparar/")
    finally:
        box.server.shutdown()
        box.server.server_close()

    assert answer.status_code == 302
    report = ReconcileReport.objects.get()
    counts = (report.read_count, report.missing_count, report.different_count, report.refused_count)
    assert counts == (4, 2, 1, 1)
    assert json.loads(report.different_ids) == [told[3]["id"]]
    assert InboxEvent.objects.filter(state="applied").count() == 4
    page = read(client, "fuentes/aula-a/")
    assert told[3]["id"] in page
    assert AuditEntry.objects.get(action="reconcile.requested").subject == "source:aula-a"


def test_a_comparison_that_breaks_off_is_kept_with_its_code(world):
    Source.objects.filter(key="aula-a").update(url="http://localhost:1")
    client = operator(world)
    client.post(f"{MACHINE}fuentes/aula-a/comparar/")
    assert ReconcileReport.objects.get().error == "unreachable"
    assert "unreachable" in read(client, "fuentes/aula-a/")


def test_a_manifest_says_how_many_facts_name_it_and_which_banks_are_public(world):
    world.a.send(world.a.tell(uuid.uuid4()))
    world.b.send(world.b.tell(uuid.uuid4()))
    page = read(operator(world), "reglas/")
    assert world.manifest["digest"] in page
    assert "<dd>10</dd>" in page  # those of the other city's source are not counted
    assert page.count("público") == 2


def test_the_overview_says_what_is_the_matter_in_words(world):
    client = operator(world)
    assert "2 fuentes llevan" not in read(client)
    assert "1 fuente lleva dos días sin compararse." in read(client)
    for source in Source.objects.all():
        ReconcileReport.objects.create(
            source=source, requested_at=NOW, requested_by="system", finished_at=datetime.now(UTC)
        )
    assert "Todo está bien." in read(client)
    park_and_refuse(world.a, "ciudad-b")
    InboxEvent.objects.filter(state="parked").update(received_at=datetime.now(UTC) - timedelta(days=2))
    page = read(client)
    assert "1 evento está detenido desde hace más de un día." in page
    assert "Falta algo en la secuencia de 1 persona." in page
    assert "Todo está bien." not in page
    assert "Todo está bien." in read(operator(world, "b"))


@pytest.mark.parametrize("query", ["antes=x", "antes=" + "9" * 30, "fuente=a%00b"])
def test_an_address_nobody_made_is_refused(world, query):
    assert operator(world).get(f"{MACHINE}detenidos/?{query}").status_code == 400


def test_a_long_list_goes_on_on_the_next_page(world):
    world.a.send([world.a.event(uuid.uuid4(), 1, world.a.enrolled(city_key="ciudad-b")) for _ in range(60)])
    client = operator(world)
    first = read(client, "detenidos/")
    ids = list(InboxEvent.objects.order_by("-pk").values_list("event_id", flat=True))
    assert [event_id in first for event_id in ids] == [True] * 50 + [False] * 10
    before = InboxEvent.objects.get(event_id=ids[49]).pk
    assert f"antes={before}" in first
    second = read(client, f"detenidos/?antes={before}&motivo=source_mismatch&fuente=aula-a")
    assert [event_id in second for event_id in ids] == [False] * 50 + [True] * 10


def test_a_visitor_signs_in_first(world):
    assert Client().get(MACHINE).headers["location"].startswith("/consola/entrar/")


def test_a_manifest_registered_later_is_listed_first(world):
    rules = make_manifest()
    rules["course"]["title"] = "Segunda edición"
    rules.pop("digest")
    register_manifest({**rules, "digest": manifest_digest(rules)}, NOW + timedelta(days=1))
    page = read(operator(world), "reglas/")
    assert page.index("Segunda edición") < page.index(world.manifest["digest"])
