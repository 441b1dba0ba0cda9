"""The pure engine: unknown is never "not met", and whatever is being looked up comes before any refusal."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integra_service.eligibility.engine import (
    CertificateFact,
    DocumentFact,
    DocumentState,
    Facts,
    Outcome,
    Proposal,
    Provenance,
    Residence,
    RuleState,
    find_current_stay,
    propose,
)
from integra_service.eligibility.policy import CertificateTest, Policy, PolicyError, parse_policy
from integra_service.lib.dates import add_months, add_working_days, count_months, spell_date

DEMO = Path(__file__).parents[4] / "ext_services/integra_service/eligibility/policies/policy-demo.yaml"
TODAY = date(2026, 11, 25)
BY = Provenance("contrato de arriendo", TODAY, "Personal de Ciudad A")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return parse_policy(DEMO.read_bytes(), DEMO.name)


def certificate(*missing: str) -> CertificateFact:
    return CertificateFact(not missing, "" if missing else "formación", missing, BY)


def lives_since(day: date) -> Residence:
    return Residence(day, None, "Norte", True, BY)


def sheet(state: DocumentState) -> DocumentFact:
    return DocumentFact(state, 2, "Hoja de costos", BY)


def facts(
    certificate: CertificateFact | None = None,
    residence: Residence | None = None,
    document: DocumentFact | None = None,
) -> Facts:
    return Facts(
        certificates={} if certificate is None else {"curso": certificate},
        residences=() if residence is None else (residence,),
        documents={} if document is None else {"punto_de_equilibrio": document},
    )


UNFINISHED = certificate("terminar el módulo «Costos»", "hacer la prueba final")
LONG = lives_since(date(2025, 3, 1))
SHORT = lives_since(date(2026, 8, 31))
ACCEPTED = sheet(DocumentState.ACCEPTED)


@pytest.mark.parametrize(
    ("known", "outcome"),
    [
        (facts(UNFINISHED), Outcome.HUMAN_REVIEW),  # residence unknown
        (
            facts(UNFINISHED, LONG),
            Outcome.WAITS_FOR_PERSON,
        ),  # cost sheet missing, though the certificate is too
        (facts(UNFINISHED, LONG, ACCEPTED), Outcome.NOT_ELIGIBLE_YET),
        (facts(certificate(), SHORT, ACCEPTED), Outcome.NOT_ELIGIBLE_YET),  # four months
        (facts(certificate(), LONG, ACCEPTED), Outcome.ELIGIBLE),
        (facts(None, LONG, ACCEPTED), Outcome.HUMAN_REVIEW),  # nothing known of the certificate
        (facts(certificate(), LONG, sheet(DocumentState.SUBMITTED)), Outcome.HUMAN_REVIEW),  # the team's turn
        (facts(certificate(), LONG, sheet(DocumentState.RETURNED)), Outcome.NOT_ELIGIBLE_YET),
        (facts(), Outcome.HUMAN_REVIEW),
    ],
)
def test_outcome_of_the_demo_policy(policy: Policy, known: Facts, outcome: Outcome) -> None:
    assert propose(policy, known, TODAY).outcome is outcome


def by_key(proposal: Proposal) -> dict[str, tuple[str, str]]:
    return {result.key: (result.state, result.sentence) for result in proposal.results}


def test_every_rule_answers_in_a_sentence(policy: Policy) -> None:
    assert by_key(propose(policy, facts(UNFINISHED, SHORT), TODAY)) == {
        "certificacion": (
            "no_cumple",
            (
                "Todavía no tiene el certificado de la etapa de formación. "
                "Le falta: terminar el módulo «Costos»; hacer la prueba final."
            ),
        ),
        "residencia": (
            "no_cumple",
            (
                "Al 31 de diciembre de 2026 tendrá 4 meses en la zona y se piden 6. "
                "Los cumple el 28 de febrero de 2027."
            ),
        ),
        "punto_de_equilibrio": ("sin_dato", "Falta entregar su punto de equilibrio."),
    }


ENDS = date(2028, 3, 2)
ENDING = CertificateFact(True, "formación", (), BY, ENDS)


@pytest.mark.parametrize(
    ("day", "state", "shown"),
    [
        (ENDS - timedelta(days=1), RuleState.MET, "Certificado válido hasta el 2 de marzo de 2028"),
        (ENDS, RuleState.MET, "Certificado válido hasta el 2 de marzo de 2028"),
        (ENDS + timedelta(days=1), RuleState.NOT_MET, "Certificado vencido el 2 de marzo de 2028"),
    ],
)
def test_a_certificate_counts_through_its_last_day(
    policy: Policy, day: date, state: RuleState, shown: str
) -> None:
    result = propose(policy, facts(ENDING, LONG, ACCEPTED), day).results[0]
    assert (result.state, [fact.text for fact in result.facts]) == (state, [shown])
    told = "Le falta: renovar su certificado, que venció el 2 de marzo de 2028." in result.sentence
    assert told is (state is RuleState.NOT_MET)


@pytest.mark.parametrize(
    ("others", "state", "said"),
    [
        ({"b": certificate()}, RuleState.MET, "formación"),
        # The shortest way: one thing to renew, or two things to finish.
        ({"b": UNFINISHED}, RuleState.NOT_MET, "venció el 2 de marzo de 2028"),
    ],
)
def test_of_several_programmes_an_expired_one_is_only_one_way(
    policy: Policy, others: dict[str, CertificateFact], state: RuleState, said: str
) -> None:
    rule = policy.rules[0]
    asked = replace(rule, test=CertificateTest(("curso", "b")))
    known = Facts({"curso": ENDING, **others}, (LONG,), {})
    result = propose(replace(policy, rules=(asked,)), known, ENDS + timedelta(days=1)).results[0]
    assert result.state is state
    assert said in result.sentence


def test_a_sentence_carries_its_fact_with_source_date_and_who_entered_it(policy: Policy) -> None:
    result = propose(policy, facts(certificate(), SHORT, ACCEPTED), TODAY).results[1]

    used = [(fact.text, fact.provenance) for fact in result.facts]
    assert used == [("Vive en Norte desde el 31 de agosto de 2026", BY)]
    assert result.what_changes_it.startswith("Traer otra de las pruebas admitidas, si la fecha está mal")


def test_time_to_contest_skips_weekends(policy: Policy) -> None:
    assert propose(policy, facts(), TODAY).contest_until_on == date(2026, 12, 9)
    assert add_working_days(date(2026, 11, 27), 1) == date(2026, 11, 30)


def test_living_elsewhere_is_known_and_not_unknown(policy: Policy) -> None:
    elsewhere = Residence(date(2024, 1, 1), None, "Otra ciudad", False, BY)

    result = propose(policy, facts(certificate(), elsewhere, ACCEPTED), TODAY).results[1]

    assert (result.state, result.sentence) == (
        RuleState.NOT_MET,
        "Al 31 de diciembre de 2026 tendrá 0 meses en la zona y se piden 6.",
    )


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2025, 8, 31), date(2026, 2, 28), 6),
        (date(2025, 9, 1), date(2026, 2, 28), 5),
        (date(2026, 8, 31), date(2026, 12, 31), 4),
        (date(2026, 12, 31), date(2026, 12, 31), 0),
        (date(2027, 1, 15), date(2026, 12, 31), 0),
    ],
)
def test_whole_months_across_month_ends(start: date, end: date, months: int) -> None:
    assert count_months(start, end) == months


days = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@given(days, st.integers(0, 600))
def test_counting_undoes_adding(start: date, months: int) -> None:
    assert count_months(start, add_months(start, months)) == months


@given(days, days, days)
def test_living_longer_never_counts_less(a: date, b: date, end: date) -> None:
    assert count_months(min(a, b), end) >= count_months(max(a, b), end)


stays = st.builds(
    lambda start, length, inside: Residence(
        start, None if length is None else start + timedelta(days=length), "Norte", inside, BY
    ),
    st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    st.one_of(st.none(), st.integers(0, 400)),
    st.booleans(),
)


@given(st.lists(stays, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Residence], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random

    def start(found: tuple[Residence, ...]) -> date | None:
        return found[0].from_on if found else None

    cutoff = date(2026, 12, 31)
    assert start(find_current_stay(tuple(rows), cutoff)) == start(find_current_stay(tuple(shuffled), cutoff))


def test_a_move_to_the_next_zone_on_the_following_day_keeps_the_stay() -> None:
    first = Residence(date(2026, 1, 1), date(2026, 5, 31), "Norte", True, BY)
    second = Residence(date(2026, 6, 1), None, "Sur", True, BY)
    late = Residence(date(2026, 6, 3), None, "Sur", True, BY)

    assert find_current_stay((second, first), date(2026, 12, 31)) == (first, second)
    assert find_current_stay((late, first), date(2026, 12, 31)) == (late,)


CERTIFICATES = (None, UNFINISHED, certificate())
RESIDENCES = (None, SHORT, LONG)
DOCUMENTS = (None, *map(sheet, DocumentState))


EVERYTHING = list(itertools.starmap(facts, itertools.product(CERTIFICATES, RESIDENCES, DOCUMENTS)))


@pytest.mark.parametrize("known", EVERYTHING)
def test_an_unknown_fact_never_rejects_and_never_passes(policy: Policy, known: Facts) -> None:
    proposal = propose(policy, known, TODAY)
    unknown = any(result.state is RuleState.UNKNOWN for result in proposal.results)

    assert unknown == (proposal.outcome in (Outcome.HUMAN_REVIEW, Outcome.WAITS_FOR_PERSON))


def test_spells_dates_in_spanish() -> None:
    assert spell_date(date(2026, 8, 31)) == "31 de agosto de 2026"


def edited(old: str, new: str) -> bytes:
    text = DEMO.read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new).encode()


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (edited("version: 1", "version: 1.0"), "politica.version must be a whole number from 1 to 1000000"),
        (edited("version: 1", "version: １"), "politica.version must be a whole number from 1 to 1000000"),
        (
            edited("minimo: 6", "minimo: 0"),
            "requisitos[1].prueba.minimo must be a whole number from 1 to 600",
        ),
        (edited("2026-12-31", "31/12/2026"), "politica.fecha_de_corte must be a date like 2026-12-31"),
        (
            edited("tipo: entregado", "tipo: adivinado"),
            "must be certificado_vigente, meses_de_residencia or entregado",
        ),
        (edited("({via})", "({monto})"), "may hold these blanks only: {via}"),
        (edited("({via})", "({via)"), "has a brace that is neither opened nor closed"),
        (edited("id: residencia", "id: certificacion"), "requisitos names one id twice"),
        (
            edited("esquema: integra.capital/1", "esquema: integra.capital/2"),
            "esquema must be one of integra.capital/1",
        ),
        (
            edited("impugnacion:", "apelacion:"),
            "lacks the members impugnacion and has the unknown members apelacion",
        ),
        (edited("  codigo: DEMO-2026", "  codigo: DEMO-2026\n  codigo: OTRO"), "codigo stands there twice"),
        (b"a: &x [1]\nb: *x\n", "aliases are not used here"),
        (b"\xff\xfe", "policy.yaml"),
        (b"[" * 3000, "policy.yaml"),
        (b"", "must be a mapping"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_with_its_place(raw: bytes, sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(raw, "policy.yaml")

    assert sentence in str(caught.value)
