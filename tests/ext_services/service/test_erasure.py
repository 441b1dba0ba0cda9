"""Forgetting a person: nothing names them any more, whatever asked for it and whatever stopped on the way."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.test import Client
from service_support import confirm
from test_learner_pages import NAME, OTHER, Holder, text_of
from test_my_data import REASON, download, enter_facts, officer

from integra_grading.events import LearnerRetired
from integra_service.audit.models import AuditEntry
from integra_service.credentials.models import Credential, CredentialDocument, StatusList
from integra_service.credentials.states import list_states
from integra_service.eligibility.models import ProposalRow
from integra_service.lib.clock import utc_now
from integra_service.people.data_requests import COOLING
from integra_service.people.models import (
    Consent,
    DataRequest,
    LearnerIdentity,
    LegalName,
    NameToken,
    Person,
    ResidenceEpisode,
)
from integra_service.privacy.erasing import KEPT_LINKED, erase_person, work_off
from integra_service.records.models import InboxEvent, LearningRecordRow, RefusedEvent

HERE = Path(__file__).parent
CANARIES = ("zulmira", "canari", "quishpe", "quispe", "norte-canario")


@pytest.fixture
def holder(committed_world):
    return enter_facts(Holder(committed_world))


def dump_all():
    """Return every value of every row of the database as one text."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
            parts += [
                bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
                for row in cursor.fetchall()
                for value in row
            ]
    return "\n".join(parts)


def names_in(text):
    return {canary for canary in CANARIES if canary in text.casefold()}


def ask(holder):
    assert holder.phone.post("/mi/datos/borrar/", {"seguro": "si"}).status_code == 302
    return DataRequest.objects.for_system().get(kind="erasure")


def wait_and_work(days=0):
    return work_off(utc_now() + COOLING + timedelta(days=days, minutes=1))


def test_after_the_cooling_time_nothing_in_the_database_names_the_person(holder, caplog, capfd):
    """Also not what a classroom should never have sent, and what was signed for a former name."""
    room = holder.world.a
    wrong = room.event(holder.learner, 11, room.unit())
    wrong["data"]["name"] = NAME
    assert room.send(wrong).status_code == 409
    assert {"zulmira", "canari", "quishpe"} <= names_in(dump_all())
    names = [LegalName.objects.get().ciphertext, *NameToken.objects.values_list("digest", flat=True)]
    documents = CredentialDocument.objects.for_system()
    signed = [row.salt for row in documents] + [row.name_hash for row in documents]
    assert all(value in dump_all() for value in names + signed)
    token, request = holder.credential.token, ask(holder)

    assert work_off(utc_now() + COOLING - timedelta(hours=1)) == 0
    assert Client().get(f"/c/{token}.pdf").status_code == 200
    assert wait_and_work() == 1

    dump = dump_all()
    assert names_in(dump) == set()
    assert REASON not in dump
    assert [value for value in names + signed if value in dump] == []
    assert (LegalName.objects.count(), ResidenceEpisode.objects.for_system().count()) == (0, 0)
    assert set(ProposalRow.objects.for_system().values_list("content", "facts_digest")) == {("", "")}
    assert [row.body for row in RefusedEvent.objects.all()] == [""]
    request.refresh_from_db()
    assert (request.state, request.handled_by) == ("done", "system")
    out, err = capfd.readouterr()
    assert names_in(caplog.text + out + err) == set()
    forms = (".pdf", ".json", ".jwt", ".vc.jwt", ".png", ".svg")
    assert {Client().get(f"/c/{token}{form}").status_code for form in forms} == {404}
    page = text_of(Client().get(f"/c/{token}"))
    assert "Borrado" in page
    assert "Medios" not in page
    call_command("integra_audit")


def test_numbers_stay_and_lead_to_nobody(holder):
    record = LearningRecordRow.objects.for_system().get().content
    events = InboxEvent.objects.count()
    ask(holder)
    wait_and_work()

    assert LearningRecordRow.objects.for_system().get().content == record
    assert InboxEvent.objects.count() == events
    assert Credential.objects.for_system().get().state == "erased"
    assert Consent.objects.count() == 2
    actions = set(AuditEntry.objects.filter(sequence__gt=0).values_list("action", flat=True))
    assert {"person.erasure_begun", "name.erased", "credential.erased", "residences.erased", "proposals.erased",
            "data_request.done"} <= actions  # fmt: skip


def test_an_erased_person_is_not_found_by_anybody(holder):
    ask(holder)
    wait_and_work()

    staff, their_page = holder.world.client_of("personal-a"), f"/consola/personas/{holder.person.uuid}/"
    assert holder.page().status_code == 403
    assert staff.get(their_page).status_code == 404
    for query in (NAME, OTHER, holder.identity.short_code):
        assert "0 personas encontradas" in text_of(staff.post("/consola/personas/", {"query": query}))
    console = officer()
    row = DataRequest.objects.for_system().get(kind="erasure")
    text = text_of(console.get(f"/consola/solicitudes/{row.uuid}/"))
    assert "Borrada: ya nada dice quién es." in text
    assert holder.identity.short_code not in text


def test_the_classroom_learns_it_and_later_events_name_nobody(holder):
    room, source = holder.world.a, holder.identity.source
    ask(holder)
    wait_and_work()
    states = list_states(source, 0, utc_now())
    assert [(row.learner_uuid, row.state) for row in states] == [(holder.learner, "erased")]

    room.send(room.event(holder.learner, 11, room.unit("m06-u09")))
    assert InboxEvent.objects.filter(state="applied").count() == 11
    assert Credential.objects.for_system().count() == 1
    assert LegalName.objects.count() == 0
    assert names_in(dump_all()) == set()


def test_who_was_forgotten_can_begin_anew_and_nothing_leads_back(holder):
    ask(holder)
    wait_and_work()
    former = holder.person

    phone = holder.world.a.enter(holder.learner)
    page = text_of(phone.get("/mi/"))
    assert "Tu certificado, paso a paso" in page
    confirm(phone, "Nombre Nuevo")

    identity = LearnerIdentity.objects.for_system().get(learner_uuid=holder.learner)
    assert identity.person_id == identity.own_person_id != former.pk
    fresh = Credential.objects.for_system().get(person=identity.person)
    assert fresh.state == "valid"
    moments = {
        value
        for row in (identity, identity.person)
        for field in row._meta.get_fields()
        if isinstance(field, models.DateTimeField)
        for value in [getattr(row, field.name)]
        if value
    }
    former.refresh_from_db()
    assert not {former.created_at, former.erased_at} & moments
    told = " ".join(
        AuditEntry.objects.filter(subject=f"person:{identity.person.uuid}").values_list("data", flat=True)
    )
    assert str(former.uuid) not in told


def test_after_a_month_the_link_is_cut_by_itself(holder):
    ask(holder)
    wait_and_work()
    assert wait_and_work(days=20) == 0
    assert LearnerIdentity.objects.for_system().get().person_id == holder.person.pk
    work_off(utc_now() + COOLING + KEPT_LINKED + timedelta(days=1))
    assert LearnerIdentity.objects.for_system().get().person_id != holder.person.pk
    assert Person.objects.for_system().count() == 2


def test_who_leaves_the_classroom_for_good_is_forgotten_the_same_way(holder):
    room = holder.world.a
    token = holder.credential.token
    room.send(room.event(holder.learner, 11, LearnerRetired(**room.common())))

    assert names_in(dump_all()) == set()
    assert "Borrado" in text_of(Client().get(f"/c/{token}"))
    assert Client().get(room.link(holder.learner)).status_code == 403
    # The request that was open is about nothing any more.
    assert set(DataRequest.objects.for_system().values_list("state", flat=True)) == {"withdrawn"}
    before = AuditEntry.objects.count()
    erase_person(holder.person, by="system", now=utc_now())
    assert AuditEntry.objects.count() == before


def test_people_a_human_joined_are_forgotten_together(holder):
    second = Holder(holder.world)
    LearnerIdentity.objects.for_system().filter(pk=second.identity.pk).update(person=holder.person)
    ask(holder)
    wait_and_work()
    assert names_in(dump_all()) == set()
    assert set(Credential.objects.for_system().values_list("state", flat=True)) == {"erased"}


def test_the_twin_keeps_everything(holder):
    twin = Holder(holder.world)
    before = download(twin.phone)[1]["certificado-curso-1.json"]
    ask(holder)
    wait_and_work()
    assert "Válido" in text_of(twin.page())
    assert download(twin.phone)[1]["certificado-curso-1.json"] == before
    assert "Coincide" in twin.check(NAME)


def test_an_officer_erases_at_once_for_who_stands_before_them(holder):
    request = ask(holder)
    console, path = officer(), f"/consola/solicitudes/{request.uuid}/"
    assert console.post(path, {"respuesta": "borrar"}).status_code == 400
    assert console.post(path, {"respuesta": "hecho"}).status_code == 400
    assert LegalName.objects.count() == 1

    assert console.post(path, {"respuesta": "borrar", "seguro": "si"}).status_code == 302
    request.refresh_from_db()
    assert (request.state, request.handled_by[:5]) == ("done", "user:")
    assert names_in(dump_all()) == set()
    assert console.post(path, {"respuesta": "borrar", "seguro": "si"}).status_code == 409


@pytest.mark.parametrize("stop", ["withdrawn", "refused"])
def test_what_was_taken_back_or_refused_is_not_carried_out(holder, stop):
    request = ask(holder)
    if stop == "withdrawn":
        holder.phone.post(f"/mi/datos/pedidos/{request.uuid}/retirar/")
    else:
        officer().post(f"/consola/solicitudes/{request.uuid}/", {"respuesta": "negar", "motivo": "not_asked"})
    assert wait_and_work() == 0
    request.refresh_from_db()
    assert request.state == stop
    assert LegalName.objects.count() == 1


def test_one_that_cannot_be_finished_stops_nobody_and_is_due_again(holder, monkeypatch):
    from integra_service.privacy import erasing

    twin = Holder(holder.world)
    first, second = ask(holder), None
    twin.phone.post("/mi/datos/borrar/", {"seguro": "si"})
    second = DataRequest.objects.for_system().filter(kind="erasure").latest("pk")
    healthy = erasing.erase_residences

    def fail(person, **options):
        if person.pk == holder.person.pk:
            raise OSError("the disk is full")
        healthy(person, **options)

    monkeypatch.setattr(erasing, "erase_residences", fail)
    assert wait_and_work() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("begun", "done")
    # Begun, it can be neither taken back nor begun anew with.
    assert Client().get(holder.world.a.link(holder.learner)).status_code == 403
    monkeypatch.setattr(erasing, "erase_residences", healthy)
    assert work_off(utc_now()) == 1
    assert names_in(dump_all()) == set()


@pytest.mark.fault
@pytest.mark.parametrize(
    "step",
    ["close_person", "erase_name", "erase_credentials", "erase_residences", "erase_proposals", "erase_refused",
     "end_erasure"],
)  # fmt: skip
def test_a_process_killed_between_two_steps_leaves_what_the_next_one_finishes(process_database, holder, step):
    request = ask(holder)
    died = subprocess.run(
        [sys.executable, str(HERE / "erase_and_die.py"), step], env=process_database, check=False
    )
    assert died.returncode == -signal.SIGKILL
    request.refresh_from_db()
    assert request.state == "begun"
    if step != "close_person":
        assert holder.page().status_code == 403

    # However young the request is: what was begun is finished.
    command = [sys.executable, "-m", "integra_service", "integra_erasures"]
    said = subprocess.run(command, env=process_database, check=True, capture_output=True, text=True)
    assert "1 people erased." in said.stdout
    request.refresh_from_db()
    assert request.state == "done"
    assert names_in(dump_all()) == set()
    actions = list(AuditEntry.objects.values_list("action", flat=True))
    for once in (
        "name.erased",
        "credential.erased",
        "residences.erased",
        "proposals.erased",
        "data_request.done",
    ):
        assert actions.count(once) == 1, once


def test_no_erasure_takes_a_revocation_back(holder):
    lists = {row.pk: row.content for row in StatusList.objects.all()}
    ask(holder)
    wait_and_work()
    assert set(CredentialDocument.objects.for_system().values_list("is_revoked", flat=True)) == {True}
    assert {row.pk: row.content for row in StatusList.objects.all()} != lists


def test_every_column_that_could_name_somebody_is_empty_or_a_code(holder):
    """What is left of an erased person holds keys, dates and codes; a free text anywhere would be seen here."""
    ask(holder)
    wait_and_work()
    person_rows = [
        row
        for model in apps.get_models()
        if model.__name__ in {"Consent", "DataRequest", "Credential", "CredentialDocument", "ProposalRow"}
        for row in model._base_manager.all()
    ]
    texts = {
        str(getattr(row, field.name))
        for row in person_rows
        for field in row._meta.get_fields()
        if isinstance(field, models.CharField | models.TextField) and getattr(row, field.name)
    }
    assert {text for text in texts if " " in text or any(letter > "\x7f" for letter in text)} == set()
