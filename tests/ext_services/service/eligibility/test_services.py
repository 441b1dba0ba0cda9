"""Policies, applications, facts and proposals on the real database, fed by what a classroom really sends."""

import itertools
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from service_support import NOW, STARTED, find_counting

from integra_grading import events
from integra_service.audit.models import AuditEntry
from integra_service.audit.services import check_chain
from integra_service.credentials.life import announce_expired
from integra_service.credentials.services import Credential, RevocationReason, revoke
from integra_service.eligibility.engine import DocumentState, Outcome
from integra_service.eligibility.facts import collect_facts
from integra_service.eligibility.models import Application, PolicyVersion, ProposalRow
from integra_service.eligibility.services import (
    access_application,
    get_policy,
    list_applications,
    list_policies,
    list_proposals,
    refresh_person,
    refresh_proposal,
    register_application,
    register_policy,
)
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import NotFoundError, RequestError, UnscopedQueryError
from integra_service.people.models import Person, ResidenceEpisode, Source

from .conftest import DEMO

CHANGED = DEMO.read_bytes().replace(b"minimo: 6}", b"minimo: 3}")
SECOND = CHANGED.replace(b"  version: 1", b"  version: 2")

# Whose days the fund counts.
GUAYAQUIL = ZoneInfo("America/Guayaquil")


def outcomes(application):
    """Every proposal's outcome, the first one first."""
    return [proposal.outcome for proposal in reversed(list_proposals(application))]


def rule(application, key):
    return next(r for r in list_proposals(application)[0].content["results"] if r["key"] == key)


# Policies


def test_the_same_policy_again_changes_nothing_and_other_content_under_its_number_is_refused(town):
    known = town.policies["a"]
    again = DEMO.read_bytes() + b"\n# one more comment\n"

    assert register_policy(town.cities["a"], again, "again.yaml", now=NOW).pk == known.pk
    with pytest.raises(RequestError) as caught:
        register_policy(town.cities["a"], CHANGED, "changed.yaml", now=NOW)

    assert caught.value.code == "policy_is_published"
    rows = PolicyVersion.objects.for_system().filter(city=town.cities["a"])
    assert [(row.pk, row.content) for row in rows] == [(known.pk, DEMO.read_bytes().decode())]
    second = register_policy(town.cities["a"], SECOND, "second.yaml", now=NOW)
    assert (second.version, get_policy(second).rules[1].test.minimum_months) == (2, 3)
    assert get_policy(known).rules[1].test.minimum_months == 6


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        DEMO.read_text().encode("utf-16"),
        b"{",
        b"a: &x [*x]",
        DEMO.read_bytes().replace(b"version: 1", b"version: 0"),
        DEMO.read_bytes().replace(b"version: 1", b"version: 99999999999"),
        DEMO.read_bytes().replace(b"DEMO-2026", b"D" * 65),
        DEMO.read_bytes().replace(b"DEMO-2026", b"../otra"),
        DEMO.read_bytes().replace(b"2026-12-31", b"2026-13-31"),
        DEMO.read_bytes() + b"#" * 300_000,
    ],
)
def test_a_policy_that_cannot_be_read_is_refused_with_the_place(town, raw):
    before = PolicyVersion.objects.for_system().count()
    with pytest.raises(RequestError) as caught:
        register_policy(town.cities["a"], raw, "mala.yaml", now=NOW)
    assert caught.value.code == "bad_policy"
    assert "mala.yaml" in caught.value.message
    assert PolicyVersion.objects.for_system().count() == before


def test_the_command_publishes_for_several_cities_and_names_what_is_wrong(town, capsys, tmp_path):
    path = tmp_path / "segunda.yaml"
    path.write_bytes(SECOND)
    for _ in range(2):
        call_command("integra_register_policy", str(path), "--city", "ciudad-a", "--city", "ciudad-b")
    assert PolicyVersion.objects.for_system().filter(version=2).count() == 2
    assert "DEMO-2026 version 2 is published for ciudad-b." in capsys.readouterr().out

    path.write_bytes(SECOND.replace(b"minimo: 3}", b"minimo: 4}"))
    for arguments, said in (
        ((str(path), "--city", "ciudad-a"), "ya está publicada"),
        (("--city", "ciudad-z"), "There is no city 'ciudad-z'"),
        (("nada.yaml", "--city", "ciudad-a"), "There is no file nada.yaml"),
        ((str(tmp_path), "--city", "ciudad-a"), "cannot be read: Is a directory"),
        ((str(path), "--withdraw", "DEMO-2026", "--city", "ciudad-a"), "not both"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("integra_register_policy", *arguments)


def test_a_city_that_is_not_there_stops_it_before_the_first(town, tmp_path):
    path = tmp_path / "segunda.yaml"
    path.write_bytes(SECOND)
    with pytest.raises(CommandError):
        call_command("integra_register_policy", str(path), "--city", "ciudad-a", "--city", "ciudad-z")
    assert not PolicyVersion.objects.for_system().filter(version=2).exists()


def test_outside_the_demonstration_no_policy_is_published_by_default(town, settings):
    before = PolicyVersion.objects.for_system().count()
    settings.INTEGRA_DEMO = False
    with pytest.raises(CommandError, match=r"Name the policy's file\. .*policy-demo\.yaml"):
        call_command("integra_register_policy", "--city", "ciudad-a")
    assert PolicyVersion.objects.for_system().count() == before


def test_to_a_withdrawn_policy_nobody_applies_any_more_and_who_did_goes_on(town, capsys):
    def withdraw(code="DEMO-2026"):
        call_command("integra_register_policy", "--withdraw", code, "--city", "ciudad-a")
        return capsys.readouterr().out

    application = town.apply()
    staff, person = town.staff(), town.person
    second = register_policy(town.cities["a"], SECOND, "second.yaml", now=NOW)
    assert list_policies(staff, person) == (second,)
    assert "DEMO-2026 is withdrawn from ciudad-a (version 1, 2)" in withdraw()
    assert "had been withdrawn from ciudad-a before" in withdraw()

    assert list_policies(staff, person) == ()
    with pytest.raises(NotFoundError):
        register_application(staff, person, second.pk, now=NOW)
    assert access_application(staff, application.uuid).policy.version == 1
    refresh_proposal(application, now=NOW + timedelta(days=1))
    assert list_proposals(application) != ()
    with pytest.raises(RequestError, match="número nuevo"):
        register_policy(town.cities["a"], SECOND, "second.yaml", now=NOW)
    third = register_policy(
        town.cities["a"], SECOND.replace(b"version: 2", b"version: 3"), "third.yaml", now=NOW
    )
    assert list_policies(staff, person) == (third,)
    subjects = AuditEntry.objects.filter(action="policy.withdrawn").values_list("subject", flat=True)
    assert sorted(subjects) == ["policy:ciudad-a:DEMO-2026:1", "policy:ciudad-a:DEMO-2026:2"]
    assert PolicyVersion.objects.for_system().get(city__key="ciudad-b").withdrawn_at is None
    with pytest.raises(CommandError, match="ciudad-a has no policy 'NADA'"):
        withdraw("NADA")


# Applications


def test_registering_twice_is_one_application_with_its_first_proposal(town):
    first, second = town.apply(), town.apply(NOW + timedelta(hours=1))

    assert first.pk == second.pk
    assert Application.objects.for_system().get().registered_at == NOW
    assert outcomes(first) == [Outcome.HUMAN_REVIEW]
    assert [a.pk for a in list_applications(town.staff(), town.person)] == [first.pk]
    assert check_chain().is_intact


def test_only_staff_of_the_persons_city_register_and_only_to_a_policy_of_that_city(town):
    policies = {letter: policy.pk for letter, policy in town.policies.items()}
    for key, policy in (("b", "a"), ("b", "b"), ("a", "b"), ("auditor-a", "a")):
        with pytest.raises(NotFoundError):
            register_application(town.staff(key), town.person, policies[policy], now=NOW)
    assert Application.objects.for_system().count() == 0
    assert (
        list_policies(town.staff("b"), town.person)
        == list_policies(town.staff("auditor-a"), town.person)
        == ()
    )


def test_the_auditor_reads_what_the_other_city_cannot_even_find(town):
    application = town.apply()

    assert access_application(town.staff("auditor-a"), application.uuid).pk == application.pk
    assert len(list_applications(town.staff("auditor-a"), town.person)) == 1
    assert list_applications(town.staff("b"), town.person) == ()
    for key, application_uuid in (
        ("b", application.uuid),
        ("auditor-b", application.uuid),
        ("a", uuid.uuid4()),
    ):
        with pytest.raises(NotFoundError):
            access_application(town.staff(key), application_uuid)


def test_only_the_newest_version_is_offered_and_no_longer_after_applying(town):
    assert [p.version for p in list_policies(town.staff(), town.person)] == [1]
    second = register_policy(town.cities["a"], SECOND, "second.yaml", now=NOW)
    assert [p.version for p in list_policies(town.staff(), town.person)] == [2]
    register_application(town.staff(), town.person, second.pk, now=NOW)
    assert list_policies(town.staff(), town.person) == ()


def test_rows_of_the_fund_cannot_be_queried_without_a_city(town):
    for model in (PolicyVersion, Application, ProposalRow):
        with pytest.raises(UnscopedQueryError):
            model.objects.count()


def test_who_moved_to_the_other_city_is_no_longer_seen_by_the_former_ones_staff(town):
    application = town.apply()
    Source.objects.get(key="aula-a").cities.add(town.cities["b"])
    moved = events.LearnerMoved(
        **town.room.common(city_key="ciudad-b", cohort_key="cohorte-b"),
        from_cohort_key="cohorte-ciudad-a",
        to_cohort_key="cohorte-b",
    )
    assert town.room.send(town.room.event(town.learner, 2, moved)).status_code == 202
    assert Person.objects.in_cities({town.cities["b"].pk}).get().pk == town.person.pk

    for key in ("a", "auditor-a", "b"):
        with pytest.raises(NotFoundError):
            access_application(town.staff(key), application.uuid)
        assert list_applications(town.staff(key), town.person) == ()


# Facts


def test_of_a_learner_who_only_enrolled_everything_is_said_to_be_missing(town):
    facts = collect_facts(town.person, town.cities["a"].pk)

    assert facts.documents == {}
    assert facts.residences == ()
    known = facts.certificates["curso"]
    assert not known.is_in_force
    assert len(known.missing) == 4  # two modules, one deliverable, the test


def test_facts_carry_source_day_and_who_entered_them(town):
    town.certify()
    facts = collect_facts(town.person, town.cities["a"].pk)
    credential = find_counting(town.person, "curso", NOW)

    certificate = facts.certificates["curso"]
    assert (certificate.is_in_force, certificate.route, certificate.missing) == (True, "formación", ())
    assert certificate.provenance.source.startswith("certificado «")
    assert certificate.provenance.known_on == credential.awarded_at.astimezone(GUAYAQUIL).date()
    assert certificate.provenance.entered_by == "este sistema, a partir del aula virtual"
    (stay,) = facts.residences
    assert (stay.from_on, stay.to_on, stay.zone, stay.is_in_zones) == (
        date(2025, 3, 1),
        None,
        "Norte de A",
        True,
    )
    assert stay.provenance.source == "contrato de arriendo"
    assert (stay.provenance.known_on, stay.provenance.entered_by) == (NOW.date(), "Marta Personal")
    sheet = facts.documents["punto_de_equilibrio"]
    assert (sheet.state, sheet.version, sheet.title) == (DocumentState.ACCEPTED, 1, "Hoja de costos")
    assert sheet.provenance.known_on == STARTED.date()
    assert sheet.provenance.source == "trabajo entregado en el aula"


def test_a_day_is_the_programmes_and_not_greenwichs(town):
    late = NOW.replace(hour=3)  # ten in the evening before, in Ecuador
    town.live_since(date(2025, 3, 1), now=late)
    (stay,) = collect_facts(town.person, town.cities["a"].pk).residences
    assert stay.provenance.known_on == date(2026, 11, 24)


def test_a_zone_of_another_city_does_not_count(town):
    town.live_since(date(2025, 3, 1))
    assert [r.is_in_zones for r in collect_facts(town.person, town.cities["a"].pk).residences] == [True]
    assert [r.is_in_zones for r in collect_facts(town.person, town.cities["b"].pk).residences] == [False]


def test_only_the_correction_of_a_residence_is_a_fact(town):
    former = town.live_since(date(2025, 3, 1))
    town.live_since(date(2026, 9, 1), replaces=former, reason="se leyó mal")
    assert [r.from_on for r in collect_facts(town.person, town.cities["a"].pk).residences] == [
        date(2026, 9, 1)
    ]
    assert ResidenceEpisode.objects.for_system().count() == 2


@pytest.mark.parametrize(
    ("count", "missing"),
    [
        (1, ["terminar el módulo", "terminar el módulo", "entregar «", "hacer la prueba final"]),
        (4, ["terminar el módulo", "entregar «", "hacer la prueba final"]),
        (6, ["terminar el módulo", "que quien facilita el curso revise «", "hacer la prueba final"]),
        (8, ["hacer la prueba final"]),
        (9, ["confirmar su nombre"]),
    ],
)
def test_what_is_missing_follows_the_learner(town, count, missing):
    town.play(count)
    said = collect_facts(town.person, town.cities["a"].pk).certificates["curso"].missing
    assert len(said) == len(missing)
    assert all(sentence.startswith(start) for sentence, start in zip(said, missing, strict=True))


# Proposals


def test_a_proposal_is_stored_only_when_a_fact_changed(town, tomorrow):
    application = town.apply()
    refresh_proposal(application, now=NOW)
    refresh_person(town.person, now=tomorrow)
    refresh_person(town.person, now=NOW + timedelta(days=90))
    assert [p.ordinal for p in list_proposals(application)] == [1]

    town.live_since(date(2025, 3, 1))
    town.play(2)  # the pre-test decides about nothing
    refresh_person(town.person, now=tomorrow)
    assert [p.ordinal for p in list_proposals(application)] == [2, 1]


def test_every_proposal_keeps_what_it_was_made_of(town):
    application = town.apply()
    town.live_since(date(2026, 8, 31))
    rows = list(ProposalRow.objects.for_system().filter(application=application).order_by("ordinal"))

    assert [row.ordinal for row in rows] == [1, 2]
    for row in rows:
        content = json.loads(row.content)
        assert row.policy_digest == content["policy_digest"] == town.policies["a"].digest
        assert (row.outcome, row.engine_version) == (content["outcome"], content["engine_version"])
    assert "31 de agosto" not in rows[0].content
    assert "Vive en Norte de A desde el 31 de agosto de 2026" in rows[1].content


def test_records_residence_and_certificate_each_refresh_the_proposal_by_themselves(town):
    application = town.apply()
    former = town.live_since(date(2026, 8, 31))
    town.play(6)
    town.play(8)
    town.play_all()
    town.name()
    town.live_since(date(2025, 3, 1), replaces=former, reason="la fecha estaba mal leída")

    told = outcomes(application)
    changes = [told[0]] + [now for before, now in itertools.pairwise(told) if before != now]
    assert changes == [
        Outcome.HUMAN_REVIEW,  # residence unknown
        Outcome.WAITS_FOR_PERSON,  # cost sheet missing
        Outcome.HUMAN_REVIEW,  # cost sheet waits for the facilitator
        Outcome.NOT_ELIGIBLE_YET,  # certified, four months
        Outcome.ELIGIBLE,
    ]
    assert rule(application, "certificacion")["state"] == "cumple"


def test_a_revoked_certificate_turns_the_proposal_and_says_whose_turn_it_is(town):
    town.certify()
    application = town.apply()
    assert outcomes(application) == [Outcome.ELIGIBLE]

    revoke(find_counting(town.person, "curso", NOW), RevocationReason.EVIDENCE_WITHDRAWN, "user:1", NOW)

    assert outcomes(application) == [Outcome.ELIGIBLE, Outcome.NOT_ELIGIBLE_YET]
    result = rule(application, "certificacion")
    assert result["state"] == "no_cumple"
    assert "anuló" in result["sentence"]
    assert "confirmar su nombre" not in result["sentence"]
    assert "anulado" in result["facts"][0]["provenance"]["source"]


def test_an_expired_certificate_turns_the_proposal_at_the_end_of_its_last_day_in_ecuador(town):
    town.certify()
    midnight = datetime(2028, 3, 3, 5, tzinfo=UTC)  # of Guayaquil
    Credential.objects.for_system().update(expires_at=midnight - timedelta(seconds=1))
    application = town.apply(now=midnight - timedelta(seconds=1))
    assert outcomes(application) == [Outcome.ELIGIBLE]
    assert rule(application, "certificacion")["facts"][0]["text"].endswith("hasta el 2 de marzo de 2028")

    refresh_person(town.person, now=midnight)

    assert outcomes(application) == [Outcome.ELIGIBLE, Outcome.NOT_ELIGIBLE_YET]
    assert "que venció el 2 de marzo de 2028" in rule(application, "certificacion")["sentence"]

    former = Credential.objects.for_system().get()
    Credential.objects.create(
        token="B" * 22,
        person=town.person,
        achievement_key=former.achievement_key,
        term=2,
        state="valid",
        awarded_at=midnight,
        changed_at=midnight,
        state_position=(former.state_position or 0) + 1,
    )
    refresh_person(town.person, now=midnight)
    assert outcomes(application)[-1] == Outcome.ELIGIBLE  # renewed


@pytest.mark.parametrize(
    ("state", "reason", "turn"), [("suspended", "under_review", "revisar"), ("revoked", "misuse", "anuló")]
)
def test_a_certificate_counts_until_its_end_whatever_became_of_its_renewal(town, state, reason, turn):
    town.certify()
    midnight = datetime(2028, 3, 3, 5, tzinfo=UTC)  # of Guayaquil
    Credential.objects.for_system().update(expires_at=midnight - timedelta(seconds=1))
    former = Credential.objects.for_system().get()
    Credential.objects.create(
        token="B" * 22,
        person=town.person,
        achievement_key=former.achievement_key,
        term=2,
        state=state,
        reason=reason,
        awarded_at=midnight - timedelta(days=60),
        changed_at=midnight - timedelta(days=50),
        state_position=(former.state_position or 0) + 1,
    )
    application = town.apply(now=midnight - timedelta(seconds=1))
    assert outcomes(application) == [Outcome.ELIGIBLE]
    assert rule(application, "certificacion")["facts"][0]["text"].endswith("hasta el 2 de marzo de 2028")

    refresh_person(town.person, now=midnight)

    # From then on it is the renewal that something must be done about.
    assert outcomes(application) == [Outcome.ELIGIBLE, Outcome.NOT_ELIGIBLE_YET]
    assert turn in rule(application, "certificacion")["sentence"]


def test_a_certificate_that_expires_proposes_again_by_itself(town):
    town.certify()
    application = town.apply()
    past = utc_now() - timedelta(days=1)
    Credential.objects.for_system().update(expires_at=past, changed_at=past - timedelta(days=1))
    assert announce_expired(utc_now()) == 1
    assert outcomes(application) == [Outcome.ELIGIBLE, Outcome.NOT_ELIGIBLE_YET]


def test_a_returned_sheet_is_not_met_and_a_new_version_waits_again(town):
    town.live_since(date(2025, 3, 1))
    application = town.apply()
    submission, rating = town.story[5], town.story[6]
    returned = json.loads(json.dumps(rating))
    returned["data"]["outcome"] = "returned"
    town.play(5)
    assert town.room.send([submission, returned]).status_code == 202

    sheet = rule(application, "punto_de_equilibrio")
    assert (sheet["state"], sheet["waits_for"]) == ("no_cumple", None)
    again = events.DeliverableSubmitted(
        **town.room.common(),
        submission_uuid=uuid.uuid4(),
        deliverable_key="m06-hoja-de-costos",
        version=2,
        digest="e" * 64,
    )
    assert town.room.send(town.room.event(town.learner, 8, again)).status_code == 202
    sheet = rule(application, "punto_de_equilibrio")
    assert (sheet["state"], sheet["waits_for"]) == ("sin_dato", "revision")
    assert "versión 2" in sheet["sentence"]


def test_another_persons_facts_change_nothing(town):
    application = town.apply()
    other = uuid.uuid4()
    town.room.send(town.room.tell(other))
    town.world.b.send(town.world.b.tell(uuid.uuid4()))
    assert [p.ordinal for p in list_proposals(application)] == [1]


def test_a_failing_first_proposal_leaves_no_application_behind(town):
    PolicyVersion.objects.for_system().filter(pk=town.policies["a"].pk).update(content="{")
    with pytest.raises(ValueError, match="DEMO-2026-1"):
        town.apply()
    assert Application.objects.for_system().count() == 0
