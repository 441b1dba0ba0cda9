"""The staff's pages about certificates: who sees what, what an officer may do, and that looking changes nothing."""

import json
import re
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings, strategies
from service_support import NOW, confirm, give_factor, make_staff, pass_factor

from integra_service.audit.models import AuditEntry
from integra_service.credentials import approvals
from integra_service.credentials.life import suspend
from integra_service.credentials.listing import Filters, list_register
from integra_service.credentials.models import (
    Credential,
    CredentialDocument,
    Finding,
    FindingCode,
    PolicyApproval,
    RequestedAct,
    Run,
    RunKind,
    SuspensionReason,
)
from integra_service.lib import paging
from integra_service.lib.clock import utc_now
from integra_service.people.models import City, LearnerIdentity, Person, Role, StaffRole
from integra_service.people.services import find_staff

REGISTER = "/consola/certificados/"
CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")


def graduate(room, name):
    """Let a learner of this classroom reach the certificate and confirm the name; return it."""
    learner = uuid.uuid4()
    room.send(room.tell(learner))
    confirm(room.enter(learner), name)
    return Credential.objects.for_system().get(person__identities__learner_uuid=learner)


def make_many(city_key, count, *, state="valid", at=NOW):
    """Store credentials as bare rows: the register reads no document."""
    city = City.objects.get(key=city_key)
    last = Credential.objects.for_system().order_by("-pk").first()
    position = 1000 + (0 if last is None else last.pk)
    people = Person.objects.for_system().bulk_create(Person(city=city, created_at=at) for _ in range(count))
    return Credential.objects.for_system().bulk_create(
        Credential(
            token=f"{position + n:022}",
            person=person,
            achievement_key="curso",
            state=state,
            awarded_at=at + timedelta(minutes=n),
            changed_at=at,
            state_position=position + n,
        )
        for n, person in enumerate(people)
    )


@pytest.fixture
def office(committed_world):
    """A certificate in each city, two officers of A, one of B."""
    world = committed_world
    world.credentials = {
        letter: graduate(getattr(world, letter), f"Persona Canario de {letter.upper()}") for letter in "ab"
    }
    for name, letter in (("ana", "a"), ("eva", "a"), ("otto", "b")):
        make_staff(name, f"ciudad-{letter}", Role.OFFICER)
        give_factor(name)
    return world


def officer(world, name):
    return pass_factor(world.client_of(name), name)


def staff_of(name):
    return find_staff(User.objects.get(username=name), on=NOW.date())


def page_of(credential):
    return f"{REGISTER}{credential.uuid}/"


def read_seen(client, path):
    """The state of the certificate that the act's page was made of, as its form carries it."""
    return re.search(r'name="state_position" value="(\d+)"', text_of(client.get(path)))[1]


def confirm_act(client, path, reason=""):
    """Press the last button of the act's page as it is now."""
    fields = {"reason": reason, "state_position": read_seen(client, path), "step": "confirm"}
    return client.post(path, fields)


def two_eyes(monkeypatch, *acts):
    (policy,) = approvals.read_own_policies()
    declared = replace(policy, second_person=frozenset(acts))
    monkeypatch.setattr(approvals, "read_own_policies", lambda: (declared,))


def text_of(answer):
    return answer.content.decode()


# --- The register


@pytest.mark.parametrize(("own", "other"), [("a", "b"), ("b", "a")])
def test_the_register_shows_ones_cities_and_nothing_of_others(office, own, other):
    client = office.client_of(f"personal-{own}")
    for query in (
        "",
        "?estado=valid",
        "?logro=curso",
        f"?ciudad=ciudad-{other}",
        "?hallazgos=on",
        "?espera=on",
    ):
        text = text_of(client.get(REGISTER + query))
        assert f"Canario de {other.upper()}" not in text
        assert str(office.credentials[other].uuid) not in text
    assert f"Canario de {own.upper()}" in text_of(client.get(REGISTER))


def test_a_page_cannot_begin_after_a_credential_of_another_city(office):
    client = office.client_of("personal-a")
    foreign = client.get(f"{REGISTER}?despues={office.credentials['b'].uuid}")
    missing = client.get(f"{REGISTER}?despues={uuid.uuid4()}")
    assert (foreign.status_code, foreign.content) == (404, missing.content)


def test_the_filters_find_exactly_what_they_say(office):
    world, now = office, utc_now()
    own = world.credentials["a"]
    (suspended, long_suspended, revoked, erased, expired, intended) = make_many("ciudad-a", 6, at=now)
    rows = Credential.objects.for_system()
    rows.filter(pk=suspended.pk).update(state="suspended", reason="under_review")
    rows.filter(pk=long_suspended.pk).update(state="suspended", changed_at=now - timedelta(days=31))
    rows.filter(pk=revoked.pk).update(state="revoked", reason="misuse")
    rows.filter(pk=erased.pk).update(state="erased")
    rows.filter(pk=expired.pk).update(expires_at=now - timedelta(seconds=1))
    rows.filter(pk=intended.pk).update(state="intended", state_position=None)
    rows.filter(pk=own.pk).update(awarded_at=now - timedelta(days=400))
    CredentialDocument.objects.for_system().filter(credential=own).update(
        replaced_at=now, replaced_because="name_changed"
    )
    Finding.objects.create(credential=own, code=FindingCode.EVIDENCE_GONE, details="[]", found_at=now)
    Finding.objects.create(
        credential=revoked, code=FindingCode.EVIDENCE_GONE, details="[]", found_at=now, settled_at=now
    )
    RequestedAct.objects.create(
        credential=suspended, act="revoke", requested_by=User.objects.get(username="ana"), requested_at=now
    )
    client = world.client_of("personal-a")

    def found(query):
        answer = client.get(REGISTER + query)
        assert answer.status_code == 200
        return {row["credential"].pk for row in answer.context["rows"]}

    issued = {own.pk, suspended.pk, long_suspended.pk, revoked.pk, erased.pk, expired.pk}
    day = (now - timedelta(days=400)).date()
    assert {
        query: found(query)
        for query in (
            "",
            "?estado=valid",
            "?estado=suspended",
            "?estado=long_suspended",
            "?estado=revoked",
            "?estado=erased",
            "?estado=expired",
            "?estado=replaced",
            "?hallazgos=on",
            "?espera=on",
            f"?hasta={day + timedelta(days=1)}",
            f"?desde={day + timedelta(days=2)}",
            "?estado=valid&hallazgos=on",
        )
    } == {
        "": issued,
        "?estado=valid": {own.pk},
        "?estado=suspended": {suspended.pk, long_suspended.pk},
        "?estado=long_suspended": {long_suspended.pk},
        "?estado=revoked": {revoked.pk},
        "?estado=erased": {erased.pk},
        "?estado=expired": {expired.pk},
        "?estado=replaced": {own.pk},
        "?hallazgos=on": {own.pk},
        "?espera=on": {suspended.pk},
        f"?hasta={day + timedelta(days=1)}": {own.pk},
        f"?desde={day + timedelta(days=2)}": issued - {own.pk},
        "?estado=valid&hallazgos=on": {own.pk},
    }


@pytest.mark.parametrize(
    "query",
    [
        "?estado=otra",
        "?logro=nada",
        "?desde=ayer",
        "?hasta=9999-12-31",
        "?desde=0001-01-01",
        "?despues=x",
        "?desde=2026-02-01&hasta=2026-01-01",
    ],
)
def test_a_bad_filter_is_named_and_shows_nothing(office, query):
    answer = office.client_of("personal-a").get(REGISTER + query)
    assert answer.status_code == 400
    assert "Canario" not in text_of(answer)


def test_days_are_those_of_the_programme(office):
    """Seven in the evening in Guayaquil is the next day in UTC."""
    moment = NOW.replace(hour=0, minute=30)
    Credential.objects.for_system().filter(pk=office.credentials["a"].pk).update(awarded_at=moment)
    client = office.client_of("personal-a")
    before = (moment - timedelta(days=1)).date()
    assert len(client.get(f"{REGISTER}?desde={before}&hasta={before}").context["rows"]) == 1
    assert client.get(f"{REGISTER}?desde={moment.date()}&hasta={moment.date()}").context["rows"] == []


def test_who_has_several_cities_may_choose_one(office):
    user = User.objects.get(username="personal-a")
    StaffRole.objects.create(
        user=user,
        city=City.objects.get(key="ciudad-b"),
        role=Role.AUDITOR,
        from_on=NOW.date().replace(month=1),
    )
    client = office.client_of("personal-a")
    assert len(client.get(REGISTER).context["rows"]) == 2
    only = client.get(f"{REGISTER}?ciudad=ciudad-b").context["rows"]
    assert [row["credential"] for row in only] == [office.credentials["b"]]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=strategies.lists(strategies.integers(0, 3), min_size=0, max_size=12),
    size=strategies.integers(1, 5),
)
def test_paging_shows_everything_once_newest_first(db, minutes, size):
    """Also where many were issued at the same moment, and whatever is issued between two pages."""

    Credential.objects.for_system().delete()
    city, _ = City.objects.get_or_create(key="ciudad-a", defaults={"name": "Ciudad A"})
    if not User.objects.filter(username="lectora").exists():
        make_staff("lectora", "ciudad-a", Role.AUDITOR)
    made = make_many(city.key, len(minutes))
    for row, minute in zip(made, minutes, strict=True):
        Credential.objects.for_system().filter(pk=row.pk).update(awarded_at=NOW + timedelta(minutes=minute))
    kept, paging.PAGE = paging.PAGE, size
    try:
        seen, after = [], None
        while True:
            page = list_register(staff_of("lectora"), Filters(), after, NOW)
            seen += page.rows
            make_many(city.key, 1, at=NOW + timedelta(days=1))
            if page.last is None:
                break
            after = page.last.uuid
    finally:
        paging.PAGE = kept
    expected = sorted(zip(minutes, (row.pk for row in made), strict=True), reverse=True)
    assert [row.pk for row in seen] == [pk for _minute, pk in expected]


def test_one_row_and_a_whole_page_take_as_many_queries(office):
    client = office.client_of("personal-a")
    client.get(REGISTER)
    counts = []
    for count in (0, paging.PAGE + 10):
        make_many("ciudad-a", count)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(REGISTER)
        counts.append((len(answer.context["rows"]), len(queries)))
    assert [rows for rows, _ in counts] == [1, paging.PAGE]
    assert len({queries for _, queries in counts}) == 1
    assert counts[0][1] <= 12


def test_the_next_page_keeps_the_filters_and_holds_no_name(office):
    make_many("ciudad-a", paging.PAGE + 5)
    client = office.client_of("personal-a")
    first = client.get(f"{REGISTER}?estado=valid")
    second = client.get(REGISTER + first.context["next_url"])
    assert re.fullmatch(r"\?estado=valid&despues=[0-9a-f-]{36}", first.context["next_url"])
    assert (len(second.context["rows"]), second.context["next_url"]) == (6, "")


# --- One certificate


def test_the_page_tells_what_the_certificate_rests_on(office):
    credential = office.credentials["a"]
    text = text_of(office.client_of("auditora-a").get(page_of(credential)))
    document = CredentialDocument.objects.for_system().get(credential=credential)
    evidence = json.loads(document.evidence)
    for part in ("modules", "deliverables", "tests"):
        assert evidence[part]
        for fact in evidence[part]:
            assert fact["event_id"] in text
    for told in (
        document.content_digest,
        document.policy_digest,
        document.rule_version,
        document.signing_key.fragment,
        document.jose_key.fragment,
        "72 minutos",
        "7 de 8 puntos",
        "se necesitaban 6",
        "Criterio 1: 2",
        "público",
        "Firmado y emitido",
        f"lugar {document.status_index}",
    ):
        assert told in text, told


def test_an_auditor_and_the_staff_see_no_act(office):
    Finding.objects.create(
        credential=office.credentials["a"], code=FindingCode.EVIDENCE_GONE, details="[]", found_at=NOW
    )
    path = page_of(office.credentials["a"])
    for name in ("auditora-a", "personal-a"):
        text = text_of(office.client_of(name).get(path))
        assert ("/anular/" in text, "/hallazgos/" in text) == (False, False)
        assert "Con los datos de hoy" in text
    text = text_of(office.client_of("ana").get(path))
    assert ("/anular/" in text, "/suspender/" in text, "/hallazgos/" in text) == (True, True, True)


def test_only_the_last_button_acts(office):
    client, credential = officer(office, "ana"), office.credentials["a"]
    path = f"{page_of(credential)}anular/"
    before, seen = AuditEntry.objects.count(), read_seen(client, path)
    for answer in (
        client.get(path),
        client.post(path),
        client.post(path, {"reason": "misuse"}),
        client.post(path, {"reason": "misuse", "state_position": seen, "step": "review"}),
        client.get(f"{path}?reason=misuse&step=confirm"),
    ):
        assert answer.status_code == 200
        assert "No se puede deshacer" in text_of(answer)
    for fields in ({"step": "confirm"}, {"step": "confirm", "reason": "source_distrusted"}):
        assert client.post(path, fields).status_code == 400
    credential.refresh_from_db()
    assert (credential.state, AuditEntry.objects.count()) == ("valid", before)

    answer = confirm_act(client, path, "misuse")
    assert (answer.status_code, answer["location"]) == (302, page_of(credential))
    credential.refresh_from_db()
    assert (credential.state, credential.reason) == ("revoked", "misuse")
    text = text_of(client.get(page_of(credential)))
    assert "Anulado" in text
    assert "de forma indebida" in text
    # Nothing is left to do, and its address leads back.
    assert "/levantar/" not in text
    assert client.get(path)["location"] == page_of(credential)


def test_suspending_and_lifting_through_the_pages(office):
    client, credential = officer(office, "ana"), office.credentials["a"]
    for word, state, label in (("suspender", "suspended", "Suspendido"), ("levantar", "valid", "Válido")):
        assert confirm_act(client, f"{page_of(credential)}{word}/").status_code == 302
        credential.refresh_from_db()
        assert credential.state == state
        assert label in text_of(client.get(page_of(credential)))


@pytest.mark.parametrize("step", ["review", "confirm"])
@pytest.mark.parametrize("eyes", [(), ("revoke",)])
def test_what_changed_since_it_was_looked_at_is_looked_at_again_first(office, monkeypatch, eyes, step):
    two_eyes(monkeypatch, *eyes)
    client, credential = officer(office, "ana"), office.credentials["a"]
    path = f"{page_of(credential)}anular/"
    seen = read_seen(client, path)
    suspend(credential, SuspensionReason.UNDER_REVIEW, "user:7", NOW)
    before = AuditEntry.objects.count()
    for position in (seen, "", "1x", "9" * 30):
        answer = client.post(path, {"reason": "misuse", "state_position": position, "step": step})
        assert answer.status_code == 409
        assert "mírelo otra vez" in text_of(answer)
        assert f'name="state_position" value="{credential.state_position}"' in text_of(answer)
    credential.refresh_from_db()
    assert (credential.state, AuditEntry.objects.count()) == ("suspended", before)
    assert not RequestedAct.objects.for_system().exists()
    assert confirm_act(client, path, "misuse").status_code == 302


@pytest.mark.parametrize("caller", ["personal-a", "auditora-a", "otto"])
def test_acts_of_those_who_may_not_do_nothing(office, caller):
    client = officer(office, caller)
    credential = office.credentials["a"]
    before = list(AuditEntry.objects.filter(subject__startswith="credential:").values_list("pk", flat=True))
    for word in ("anular", "suspender", "levantar", "borrar"):
        for fields in (None, {"step": "confirm", "reason": "misuse"}):
            path = f"{page_of(credential)}{word}/"
            answer = client.get(path) if fields is None else client.post(path, fields)
            assert answer.status_code == 404
    credential.refresh_from_db()
    after = AuditEntry.objects.filter(subject__startswith="credential:").values_list("pk", flat=True)
    assert (credential.state, list(after)) == ("valid", before)


def test_a_revocation_takes_two_officers_in_two_browsers(office, monkeypatch):
    two_eyes(monkeypatch, "revoke")
    ana, eva, otto = (officer(office, name) for name in ("ana", "eva", "otto"))
    credential = office.credentials["a"]
    path = page_of(credential)
    confirm_act(ana, f"{path}anular/", reason="misuse")
    credential.refresh_from_db()
    requested = RequestedAct.objects.for_system().get()
    decide = f"{path}pedidos/{requested.uuid}/"
    assert credential.state == "valid"
    assert "/anular/" not in text_of(ana.get(path))
    assert ["Leer y decidir" in text_of(client.get(path)) for client in (ana, eva)] == [False, True]
    assert "Espera a otra persona" in text_of(ana.get(f"{REGISTER}?espera=on"))

    assert ana.post(decide, {"decision": "approved"}).status_code == 409
    assert otto.post(decide, {"decision": "approved"}).status_code == 404
    foreign = f"{page_of(office.credentials['b'])}pedidos/{requested.uuid}/"
    assert [client.get(foreign).status_code for client in (ana, otto)] == [404, 404]
    assert eva.get(f"{decide}?decision=approved").status_code == 200
    assert eva.post(decide, {"decision": "quizas"}).status_code == 400
    credential.refresh_from_db()
    assert credential.state == "valid"

    assert eva.post(decide, {"decision": "approved"}).status_code == 302
    credential.refresh_from_db()
    assert (credential.state, credential.reason) == ("revoked", "misuse")
    assert eva.post(decide, {"decision": "refused"}).status_code == 409
    text = text_of(ana.get(path))
    assert ("Aprobado por una segunda persona" in text, "eva" in text, "ana" in text) == (True, True, True)


def test_a_refused_request_changes_nothing_and_stays_in_the_history(office, monkeypatch):
    two_eyes(monkeypatch, "suspend")
    ana, eva = officer(office, "ana"), officer(office, "eva")
    credential = office.credentials["a"]
    confirm_act(ana, f"{page_of(credential)}suspender/")
    requested = RequestedAct.objects.for_system().get()
    eva.post(f"{page_of(credential)}pedidos/{requested.uuid}/", {"decision": "refused"})
    credential.refresh_from_db()
    assert credential.state == "valid"
    text = text_of(ana.get(page_of(credential)))
    assert "Rechazado" in text
    assert "/suspender/" in text


def test_who_asked_takes_it_back_in_two_tabs_and_asks_for_something_else(office, monkeypatch):
    two_eyes(monkeypatch, "suspend")
    ana, eva = officer(office, "ana"), officer(office, "eva")
    credential = office.credentials["a"]
    path = page_of(credential)
    confirm_act(ana, f"{path}suspender/")
    requested = RequestedAct.objects.for_system().get()
    decide = f"{path}pedidos/{requested.uuid}/"
    assert decide in text_of(ana.get(path))
    button = 'value="withdrawn"'
    assert [button in text_of(client.get(decide)) for client in (ana, eva)] == [True, False]
    assert eva.post(decide, {"decision": "withdrawn"}).status_code == 409
    assert [ana.post(decide, {"decision": "withdrawn"}).status_code for _tab in range(2)] == [302, 302]
    assert eva.post(decide, {"decision": "approved"}).status_code == 409
    credential.refresh_from_db()
    assert credential.state == "valid"
    text = text_of(ana.get(path))
    assert text.count("Lo retiró quien lo pidió") == 2  # among the requests and in the trail
    assert "/suspender/" in text
    confirm_act(ana, f"{path}suspender/")
    assert RequestedAct.objects.for_system().filter(decision="").count() == 1


def test_a_difference_is_settled_by_an_officer_who_says_so(office):
    credential = office.credentials["a"]
    finding = Finding.objects.create(
        credential=credential, code=FindingCode.EVIDENCE_GONE, details='["module_open:m06"]', found_at=NOW
    )
    path = f"{page_of(credential)}hallazgos/{finding.uuid}/"
    assert officer(office, "otto").post(path).status_code == 404
    assert office.client_of("personal-a").post(path).status_code == 404
    ana = officer(office, "ana")
    assert ana.post(f"{page_of(office.credentials['b'])}hallazgos/{finding.uuid}/").status_code == 404
    finding.refresh_from_db()
    assert finding.settled_at is None
    assert ana.post(path).status_code == 302
    assert ana.post(path).status_code == 302
    finding.refresh_from_db()
    assert finding.settled_by == f"user:{User.objects.get(username='ana').pk}"
    assert AuditEntry.objects.filter(action="credential.finding_settled").count() == 1
    assert "Revisada" in text_of(ana.get(page_of(credential)))


def test_what_belongs_to_another_certificate_is_not_found_under_this_one(office, monkeypatch):
    two_eyes(monkeypatch, "suspend")
    ana, eva = officer(office, "ana"), officer(office, "eva")
    credential, other = office.credentials["a"], graduate(office.a, "Otra Canario de A")
    confirm_act(ana, f"{page_of(credential)}suspender/")
    requested = RequestedAct.objects.for_system().get()
    finding = Finding.objects.create(
        credential=credential, code=FindingCode.EVIDENCE_GONE, details="[]", found_at=NOW
    )
    for path, fields in (
        (f"pedidos/{requested.uuid}/", {"decision": "approved"}),
        (f"hallazgos/{finding.uuid}/", {}),
    ):
        assert eva.post(page_of(other) + path, fields).status_code == 404
        assert eva.post(page_of(credential) + path, fields).status_code == 302


def test_what_is_left_of_an_erased_certificate_names_nobody(office):
    from integra_service.credentials.erasing import erase_credentials

    credential = office.credentials["a"]
    erase_credentials(credential.person, by="system", now=utc_now())
    text = text_of(office.client_of("ana").get(page_of(credential)))
    assert "Lo que queda no nombra a nadie" in text
    assert "/anular/" not in text


def test_the_persons_page_tells_the_real_state(office):
    credential = office.credentials["a"]
    confirm_act(officer(office, "ana"), f"{page_of(credential)}suspender/")
    text = text_of(office.client_of("personal-a").get(f"/consola/personas/{credential.person.uuid}/"))
    assert "Suspendido" in text
    assert "Borrado" not in text
    assert page_of(credential) in text


def test_looking_changes_nothing(office, monkeypatch):
    two_eyes(monkeypatch, "revoke")
    ana = officer(office, "ana")
    credential = office.credentials["a"]
    confirm_act(ana, f"{page_of(credential)}anular/", reason="misuse")
    ana.post("/consola/emisiones/")
    requested, run = RequestedAct.objects.for_system().get(), Run.objects.get()
    eva = officer(office, "eva")
    before = AuditEntry.objects.count()
    for path in (
        REGISTER,
        page_of(credential),
        f"{page_of(credential)}suspender/",
        f"{page_of(credential)}pedidos/{requested.uuid}/",
        "/consola/politicas/",
        "/consola/emisiones/",
        f"/consola/emisiones/{run.uuid}/",
        "/consola/llaves/",
        "/consola/",
    ):
        assert eva.get(path).status_code == 200
    assert AuditEntry.objects.count() == before
    assert Run.objects.count() == 1


# --- Rules, issues, keys, what waits


def test_one_officer_proposes_a_rule_and_another_approves(office):
    ana, eva = officer(office, "ana"), officer(office, "eva")
    (policy,) = approvals.read_own_policies()
    approve = f"/consola/politicas/{policy.digest}/aprobar/"
    assert eva.post(approve).status_code == 404
    ana.post(f"/consola/politicas/{policy.key}/proponer/")
    assert (
        approve in text_of(ana.get("/consola/politicas/")),
        approve in text_of(eva.get("/consola/politicas/")),
    ) == (
        False,
        True,
    )
    assert approve not in text_of(office.client_of("auditora-a").get("/consola/politicas/"))
    assert eva.get("/consola/").context["waiting"].policy_count == 1
    ana.post(approve)
    assert PolicyApproval.objects.get().approved_at is None
    eva.post(approve)
    assert PolicyApproval.objects.get().approved_by.username == "eva"
    assert eva.get("/consola/").context["waiting"].policy_count == 0
    assert ana.post("/consola/politicas/otra/proponer/").status_code == 404


@pytest.mark.parametrize(
    ("reader", "named"),
    [
        ("ana", {"ana", "eva"}),
        ("auditora-a", {"ana", "eva"}),
        ("otto", set()),
        ("personal-b", set()),
        # Eva worked in B as well, until last year: there she is known.
        ("otto who knew eva", {"eva"}),
    ],
)
def test_who_stands_for_a_rule_is_named_in_their_own_cities_only(office, reader, named):
    (policy,) = approvals.read_own_policies()
    approval = approvals.propose_policy(staff_of("ana"), policy.key, NOW)
    approvals.approve_policy(staff_of("eva"), approval.pk, NOW)
    name, _space, knows = reader.partition(" ")
    if knows:
        StaffRole.objects.create(
            user=User.objects.get(username="eva"),
            city=City.objects.get(key="ciudad-b"),
            role=Role.STAFF,
            from_on=NOW.date() - timedelta(days=400),
            to_on=NOW.date() - timedelta(days=300),
        )
    client = officer(office, name) if name in {"ana", "otto"} else office.client_of(name)
    own = office.credentials["a" if name in {"ana", "auditora-a"} else "b"]
    for path in ("/consola/politicas/", page_of(own)):
        text = text_of(client.get(path))
        shown = {who for who in ("ana", "eva") if re.search(rf"\b{who}\b", text) and name != who}
        assert shown == named - {name}
        assert ("una persona de otra ciudad" in text) is (named != {"ana", "eva"})
    actors = AuditEntry.objects.filter(subject__startswith="policy:").order_by("sequence")
    assert list(actors.values_list("actor", flat=True)) == [staff_of("ana").actor, staff_of("eva").actor]


def test_an_issue_goes_through_ones_own_city_only(office, monkeypatch):
    """Both cities hold somebody who is due and was passed by."""
    from integra_service.credentials import receivers

    monkeypatch.setattr(receivers, "issue_due", lambda *_: ())
    due = {}
    for letter in "ab":
        room, learner = getattr(office, letter), uuid.uuid4()
        room.send(room.tell(learner))
        confirm(room.enter(learner), f"Pendiente de {letter.upper()}")
        due[letter] = LearnerIdentity.objects.for_system().get(learner_uuid=learner).person
    ana = officer(office, "ana")
    answer = ana.post("/consola/emisiones/", {"city": str(City.objects.get(key="ciudad-b").pk)})
    assert (answer.status_code, Run.objects.count()) == (400, 0)
    answer = ana.post("/consola/emisiones/")
    run = Run.objects.get()
    assert answer["location"] == f"/consola/emisiones/{run.uuid}/"
    assert (run.total_count, run.done_count, run.made_count, run.failed_count) == (2, 2, 1, 0)
    issued = Credential.objects.for_system().filter(person__in=due.values())
    assert [credential.person for credential in issued] == [due["a"]]
    otto = officer(office, "otto")
    assert otto.get(answer["location"]).status_code == 404
    assert "Ciudad A" not in text_of(otto.get("/consola/emisiones/"))
    assert "Ciudad A" in text_of(ana.get("/consola/emisiones/"))


def test_an_open_run_shows_how_far_it_is_and_goes_on(office):
    city = City.objects.get(key="ciudad-a")
    run = Run.objects.create(
        kind=RunKind.ISSUE, city=city, total_count=4, done_count=1, started_by="system", started_at=NOW
    )
    ana = officer(office, "ana")
    text = text_of(ana.get(f"/consola/emisiones/{run.uuid}/"))
    assert '<progress aria-label="Avance" max="100" value="25">' in text
    assert "Revisadas 1 de 4 personas" in text
    assert ana.get("/consola/").context["waiting"].run_count == 1
    answer = ana.post("/consola/emisiones/", {"city": str(city.pk)})
    assert answer["location"] == f"/consola/emisiones/{run.uuid}/"
    run.refresh_from_db()
    assert run.finished_at is not None
    assert ana.get("/consola/").context["waiting"].run_count == 0


def test_signing_anew_is_shown_without_counts(office):
    run = Run.objects.create(
        kind=RunKind.RESIGN,
        total_count=7331,
        done_count=3677,
        failed_count=9,
        started_by="system",
        started_at=NOW,
    )
    ana = officer(office, "ana")
    for path in ("/consola/emisiones/", f"/consola/emisiones/{run.uuid}/"):
        text = text_of(ana.get(path))
        assert "50 % hecho" in text
        assert ("7331" in text, "3677" in text) == (False, False)


def test_keys_count_ones_own_documents(office):
    graduate(office.b, "Otra Canario de B")
    text = text_of(officer(office, "ana").get("/consola/llaves/"))
    keys = CredentialDocument.objects.for_system().first().signing_key.issuer.keys.all()
    for key in keys:
        assert key.fragment in text
    assert text.count("<dd>1</dd>") == len(keys)
    assert "1 de 131" in text
    assert "did:web:localhost" in text


def test_what_waits_is_counted_in_ones_own_cities(office):
    for letter, count in (("a", 1), ("b", 3)):
        rows = make_many(f"ciudad-{letter}", count, state="suspended", at=NOW - timedelta(days=90))
        for row in rows:
            Finding.objects.create(credential=row, code=FindingCode.UNDECIDABLE, details="[]", found_at=NOW)
            RequestedAct.objects.create(
                credential=row, act="revoke", requested_by=User.objects.get(username="ana"), requested_at=NOW
            )
    expected = {"ana": (1, 1, 1), "otto": (3, 3, 3)}
    for name, counts in expected.items():
        client = office.client_of(name)
        waiting = client.get("/consola/").context["waiting"]
        assert (waiting.finding_count, waiting.act_count, waiting.long_suspended_count) == counts
        for query in ("?hallazgos=on", "?espera=on", "?estado=long_suspended"):
            assert len(client.get(REGISTER + query).context["rows"]) == counts[0]
    assert office.client_of("personal-a").get("/consola/").context["waiting"] is None
