"""What people may ask for about their data: everything to carry away, and requests with their clock."""

import io
import json
import re
import uuid
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from service_support import NOW, PASSWORD, confirm, give_factor, make_staff, pass_factor
from test_learner_pages import NAME, OTHER, Holder, text_of
from test_routes import read_demo_policy

from integra_service.audit.models import AuditEntry
from integra_service.credentials.services import list_credentials
from integra_service.eligibility.services import register_application, register_policy
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.data_requests import ANSWER_WITHIN, ask, read_clock, refuse, withdraw
from integra_service.people.models import (
    City,
    DataRequest,
    LearnerIdentity,
    Person,
    RefusalReason,
    RequestKind,
    RequestTopic,
    Role,
    Zone,
)
from integra_service.people.services import find_staff, record_residence
from integra_service.records.erasing import erase_refused
from integra_service.records.models import InboxEvent, RefusedEvent

REASON = "Canario: se leyó mal la fecha"


@pytest.fixture
def holder(committed_world):
    return Holder(committed_world)


def enter_facts(holder, zone="a-norte"):
    """Everything that can be known of a person: a corrected residence, an application, a corrected name, requests."""
    User.objects.filter(username="personal-a").update(first_name="Facilitadora", last_name="Ajena")
    staff = find_staff(User.objects.get(username="personal-a"), on=NOW.date())
    place = Zone.objects.get(key=zone)
    first = record_residence(
        staff, holder.person, zone=place, from_on=NOW.date().replace(month=1), to_on=None,
        evidence="declaracion_propia", now=NOW,
    )  # fmt: skip
    record_residence(
        staff, holder.person, zone=place, from_on=NOW.date().replace(month=2), to_on=None,
        evidence="carta_vecinal", now=NOW, replaces=first, reason=REASON,
    )  # fmt: skip
    policy = register_policy(
        City.objects.get(key="ciudad-a"), read_demo_policy(), "policy-demo.yaml", now=NOW
    )
    register_application(staff, holder.person, policy.pk, now=NOW)
    holder.rename(OTHER)
    holder.phone.post("/mi/datos/pedir/", {"tipo": "correction", "tema": "residence"})
    return holder


def download(phone):
    answer = phone.post("/mi/datos/descargar/")
    assert answer.status_code == 200
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    return answer, {name: archive.read(name).decode() for name in archive.namelist()}


def test_the_download_holds_everything_and_is_never_stored(holder):
    enter_facts(holder)
    answer, files = download(holder.phone)

    assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert answer["Content-Type"] == "application/zip"
    assert sorted(files) == [
        "certificado-curso-1.json",
        "certificado-curso-2.json",
        "mis-datos.html",
        "mis-datos.json",
    ]
    data = json.loads(files["mis-datos.json"])
    (person,), (learner,) = data["people"], data["learners"]
    assert person["name"] == OTHER
    assert [row["is_granted"] for row in person["consents"]] == [True, True]
    assert [row["reason"] for row in person["residences"]] == ["", REASON]
    assert person["applications"][0]["proposals"][-1]["content"]["results"]
    assert [row["kind"] for row in person["data_requests"]] == ["correction"]
    token = holder.credential.token
    assert [row["address"] for row in person["credentials"]] == [f"http://localhost:8001/c/{token}"]
    documents = person["credentials"][0]["documents"]
    assert [document["ordinal"] for document in documents] == [1, 2]
    public = json.loads(holder.phone.get(f"/c/{token}.json").content)
    assert documents[-1]["signed"] == json.loads(files["certificado-curso-2.json"]) == public
    assert learner["short_code"] == holder.identity.short_code
    assert len(learner["events"]) == 10
    assert learner["record"]["courses"][0]["units"]
    assert {
        "consent.granted",
        "name.confirmed",
        "name.changed",
        "credential.issued",
        "credential.replaced",
        "residence.recorded",
        "data_request.asked",
        "data.downloaded",
    } <= {row["action"] for row in data["audit"]}


def test_the_page_in_the_file_says_it_in_words(holder):
    enter_facts(holder)
    page = download(holder.phone)[1]["mis-datos.html"]
    assert "<script" not in page
    for word in (OTHER, "Ciudad A", "Norte de A", REASON, "Carta", "Módulo m04", "Prueba final", "7 / 8",
                 "Certificado con tu nombre", "Dijiste que sí"):  # fmt: skip
        assert word in page, word


def test_a_refused_event_is_given_to_whom_it_is_about_alone(committed_world):
    """A facilitator is a learner too: what they rated of somebody else is not theirs to carry away, nor to erase."""
    holder, rater = Holder(committed_world), Holder(committed_world)
    (rated,) = [data for data in committed_world.a.story() if hasattr(data, "rater_uuid")]
    event = committed_world.a.event(holder.learner, 99, replace(rated, rater_uuid=rater.learner))
    committed_world.a.send({**event, "canary": "no event has this"})
    row = RefusedEvent.objects.get()
    assert str(holder.learner) in row.body
    assert str(rater.learner) in row.body

    theirs, own = (" ".join(download(who.phone)[1].values()) for who in (rater, holder))
    assert "no event has this" in own
    assert str(rater.learner) not in own
    assert "no event has this" not in theirs
    assert str(holder.learner) not in theirs

    erase_refused(rater.identity)
    assert RefusedEvent.objects.get().body == row.body
    erase_refused(holder.identity)
    assert RefusedEvent.objects.get().body == ""


def test_nothing_of_anybody_else_is_in_the_download(committed_world):
    holder = enter_facts(Holder(committed_world))
    twin_learner = uuid.uuid4()
    committed_world.a.send(committed_world.a.tell(twin_learner))
    confirm(committed_world.a.enter(twin_learner), "Gemela Ajena Quishpe")
    twin = LearnerIdentity.objects.for_system().get(learner_uuid=twin_learner)
    (twin_credential,) = list_credentials(twin.person)
    raters = set(
        re.findall(
            r'"rater_uuid":"([0-9a-f-]{36})"', " ".join(InboxEvent.objects.values_list("body", flat=True))
        )
    )
    everything = " ".join(download(holder.phone)[1].values())

    assert len(raters) == 2
    theirs = (
        str(twin_learner),
        str(twin.person.uuid),
        twin.short_code,
        twin_credential.token,
        str(twin_credential.uuid),
    )
    others = ("Gemela", "Facilitadora", "personal-a", "user:", "aula-b", "Ciudad B")
    for foreign in (*raters, *theirs, *others):
        assert foreign not in everything, foreign


def test_every_table_about_a_person_has_its_place(db):
    """A new table that leads to a person must be thought of: in the download, and in the erasure."""
    about = {Person, LearnerIdentity}
    found = set()
    grown = True
    while grown:
        grown = False
        for model in apps.get_models():
            leads = any(
                field.is_relation
                and (field.many_to_one or field.one_to_one)
                and field.related_model in about | found
                for field in model._meta.get_fields()
                if not field.auto_created
            )
            if leads and model not in found | about:
                found.add(model)
                grown = True
    assert sorted(model.__name__ for model in found) == [
        "Application",
        "Consent",
        "Credential",
        "CredentialDocument",
        "DataRequest",
        "Finding",
        "LearningRecordRow",
        "LegalName",
        "NameToken",  # digests of the name's words
        "ProposalRow",
        "RequestedAct",
        "ResidenceEpisode",
    ]


def test_downloads_are_limited(holder):
    statuses = [holder.phone.post("/mi/datos/descargar/").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_a_request_shows_its_clock_and_can_be_taken_back(holder):
    answer = holder.phone.post("/mi/datos/pedir/", {"tipo": "correction", "tema": "results"})
    assert answer["location"] == "/mi/datos/"
    holder.phone.post("/mi/datos/pedir/", {"tipo": "correction", "tema": "results"})

    row = DataRequest.objects.for_system().get()
    assert row.due_at - row.asked_at == timedelta(days=15)
    text = text_of(holder.phone.get("/mi/datos/"))
    assert "Corregir: Resultados del curso En espera" in text
    assert "Faltan 15 días." in text

    holder.phone.post(f"/mi/datos/pedidos/{row.uuid}/retirar/")
    row.refresh_from_db()
    assert row.state == "withdrawn"
    assert "Retirada" in text_of(holder.phone.get("/mi/datos/"))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tipo": "erasure", "tema": "everything"},
        {"tipo": "correction"},
        {"tipo": "correction", "tema": "statistics"},
        {"tipo": "opposition", "tema": "name"},
        {"tipo": "x", "tema": "y"},
    ],
)
def test_a_request_that_is_none_is_pointed_out(holder, fields):
    assert holder.phone.post("/mi/datos/pedir/", fields).status_code == 400
    assert DataRequest.objects.for_system().count() == 0


def test_an_erasure_is_asked_for_only_after_reading_what_follows(holder):
    page = holder.phone.get("/mi/datos/borrar/")
    assert "Qué queda" in text_of(page)
    assert holder.phone.post("/mi/datos/borrar/").status_code == 400
    assert DataRequest.objects.for_system().count() == 0

    assert holder.phone.post("/mi/datos/borrar/", {"seguro": "si"})["location"] == "/mi/datos/"
    assert "Pediste que borremos tus datos" in text_of(holder.page())
    assert Client().get(f"/c/{holder.credential.token}").status_code == 200
    row = DataRequest.objects.for_system().get()
    holder.phone.post(f"/mi/datos/pedidos/{row.uuid}/retirar/")
    assert "Pediste que borremos tus datos" not in text_of(holder.page())


def test_somebody_elses_request_is_not_there(committed_world):
    first, second = Holder(committed_world), Holder(committed_world)
    first.phone.post("/mi/datos/borrar/", {"seguro": "si"})
    row = DataRequest.objects.for_system().get()
    second.page()  # shows what was to be said once
    foreign = second.phone.post(f"/mi/datos/pedidos/{row.uuid}/retirar/")
    missing = second.phone.post(f"/mi/datos/pedidos/{uuid.uuid4()}/retirar/")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    row.refresh_from_db()
    assert row.state == "open"


def officer(letter="a"):
    username = make_staff(f"oficial-{letter}", f"ciudad-{letter}", Role.OFFICER)
    give_factor(username)
    client = Client()
    client.login(username=username, password=PASSWORD)
    return pass_factor(client, username)


def test_officers_see_what_is_due_first_and_what_is_overdue_in_words(holder):
    now = utc_now()
    for days, topic in ((3, "city"), (16, "results"), (14, "residence")):
        request = ask(
            holder.person, RequestKind.CORRECTION, RequestTopic(topic), actor="learner:x",
            now=now - timedelta(days=days, hours=1),
        )  # fmt: skip
        assert read_clock(request, now).is_overdue is (days == 16)
    page = officer().get("/consola/solicitudes/")
    text = text_of(page)

    assert text.index("Resultados del curso") < text.index("Lugar de residencia")
    assert "El plazo ya pasó." in text
    assert "Falta menos de un día." in text
    assert page.content.decode().count("tag-bad") == 1


def test_officers_answer_in_their_own_city_only(holder):
    holder.phone.post("/mi/datos/pedir/", {"tipo": "opposition", "tema": "statistics"})
    row = DataRequest.objects.for_system().get()
    path = f"/consola/solicitudes/{row.uuid}/"
    own, other = officer("a"), officer("b")

    assert NAME in text_of(own.get(path))
    foreign, missing = other.get(path), other.get(f"/consola/solicitudes/{uuid.uuid4()}/")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert NAME not in text_of(other.get("/consola/solicitudes/"))
    answers = (
        {"respuesta": "hecho"},
        {"respuesta": "negar", "motivo": "not_asked"},
        {"respuesta": "borrar", "seguro": "si"},
    )
    assert {other.post(path, fields).status_code for fields in answers} == {404}
    row.refresh_from_db()
    assert row.state == "open"


@pytest.mark.parametrize(
    ("fields", "state", "word"),
    [
        ({"respuesta": "hecho"}, "done", "Hecho"),
        ({"respuesta": "negar", "motivo": "already_right"}, "refused", "los datos están bien"),
        ({"respuesta": "negar", "motivo": "legal_duty"}, "open", ""),
        ({"respuesta": "negar"}, "open", ""),
        ({"respuesta": "borrar", "seguro": "si"}, "open", ""),
        ({}, "open", ""),
    ],
)
def test_an_answer_is_seen_by_who_asked(holder, fields, state, word):
    holder.phone.post("/mi/datos/pedir/", {"tipo": "correction", "tema": "city"})
    row = DataRequest.objects.for_system().get()
    answer = officer().post(f"/consola/solicitudes/{row.uuid}/", fields)
    row.refresh_from_db()

    assert (answer.status_code, row.state) == (400 if state == "open" else 302, state)
    assert word in text_of(holder.phone.get("/mi/datos/"))
    if state != "open":
        assert row.handled_by.startswith("user:")


def test_who_was_helped_with_the_name_corrects_it_alone_again(holder):
    for number in range(3):
        holder.rename(f"{OTHER} {number * 'i'}")
    holder.phone.post("/mi/datos/pedir/", {"tipo": "correction", "tema": "name"})
    row = DataRequest.objects.for_system().get()
    officer().post(f"/consola/solicitudes/{row.uuid}/", {"respuesta": "hecho"})
    assert holder.rename("Nombre Correcto")["location"] == "/mi/"
    assert "Coincide" in holder.check("Nombre Correcto")


def test_what_was_answered_cannot_be_answered_again(holder):
    from integra_service.lib.errors import RequestError

    row = ask(holder.person, RequestKind.CORRECTION, RequestTopic.CITY, actor="learner:x", now=NOW)
    staff = find_staff(
        User.objects.get(username=make_staff("oficial-a", "ciudad-a", Role.OFFICER)), on=NOW.date()
    )
    refuse(staff, row.uuid, RefusalReason.NOT_ASKED, now=NOW)
    with pytest.raises(RequestError, match="request_settled"):
        withdraw(holder.person, row.uuid, actor="learner:x", now=NOW)
    # Refused, it may be asked for again: with a clock of its own.
    again = ask(
        holder.person, RequestKind.CORRECTION, RequestTopic.CITY, actor="learner:x", now=NOW + ANSWER_WITHIN
    )
    assert again.pk != row.pk


def test_the_audit_tells_requests_without_personal_data(holder):
    holder.phone.post("/mi/datos/pedir/", {"tipo": "correction", "tema": "city"})
    entry = AuditEntry.objects.get(action="data_request.asked")
    assert entry.subject == f"person:{holder.person.uuid}"
    assert json.loads(entry.data) == {"kind": "correction", "topic": "city"}


def test_of_two_corrections_of_one_residence_the_second_is_told_so(holder):
    staff = find_staff(User.objects.get(username="personal-a"), on=NOW.date())
    place = Zone.objects.get(key="a-norte")
    fields = {"zone": place, "to_on": None, "evidence": "declaracion_propia", "now": NOW}
    first = record_residence(staff, holder.person, from_on=NOW.date().replace(month=1), **fields)
    fields |= {"replaces": first, "reason": REASON}
    record_residence(staff, holder.person, from_on=NOW.date().replace(month=2), **fields)
    with pytest.raises(RequestError) as refused:
        record_residence(staff, holder.person, from_on=NOW.date().replace(month=3), **fields)
    assert (refused.value.code, refused.value.status) == ("corrected_meanwhile", 409)
