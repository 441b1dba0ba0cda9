"""The eligibility engine: pure. It proposes and explains; people decide and sign.

"Not known" is never "not met": an unknown fact sends the question to whoever can answer it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from integra_service.lib.dates import add_months, add_working_days, count_months, spell_date

from .policy import (
    CertificateTest,
    Contest,
    DeliveredTest,
    IfUnknown,
    Policy,
    ResidenceTest,
    Rule,
    RuleState,
)

ENGINE_VERSION = "2"


class Outcome(StrEnum):
    """What is proposed, in order of precedence: while something is being looked up, nobody is turned away."""

    HUMAN_REVIEW = "revision_humana"
    WAITS_FOR_PERSON = "pendiente_de_la_persona"
    NOT_ELIGIBLE_YET = "no_elegible_por_ahora"
    IN_EVALUATION = "en_evaluacion"
    ELIGIBLE = "elegible"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a fact comes from: shown with it, so that the person can object to the fact and not to the machine."""

    source: str
    known_on: date
    entered_by: str


@dataclass(frozen=True, slots=True)
class CertificateFact:
    """What is known of one achievement of the person.

    ``is_in_force`` is what became of the certificate; whether its time is over as well follows from ``ends_on`` and the
    day of the proposal.
    """

    is_in_force: bool
    route: str  # "formación", "evaluación", "formación y evaluación"; empty while not in force
    missing: tuple[str, ...]  # sentences; of one in force: what must be settled before another can follow it
    provenance: Provenance
    ends_on: date | None = None  # the last day it counts; None: for good, or not in force

    def counts_on(self, day: date) -> bool:
        return self.is_in_force and (self.ends_on is None or day <= self.ends_on)


@dataclass(frozen=True, slots=True)
class Residence:
    """A stay in a zone of the policy, both days inclusive."""

    from_on: date
    to_on: date | None  # None: still lives there
    zone: str
    is_in_zones: bool
    provenance: Provenance


class DocumentState(StrEnum):
    """How far a document of the course is."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class DocumentFact:
    """The last version of a document handed in through the course."""

    state: DocumentState
    version: int
    title: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known of one applicant that a rule may use."""

    certificates: Mapping[str, CertificateFact]
    residences: tuple[Residence, ...]
    documents: Mapping[str, DocumentFact]


@dataclass(frozen=True, slots=True)
class UsedFact:
    """One fact a sentence rests on, as the page shows it."""

    text: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one requirement comes to, in a sentence, with everything needed to disagree."""

    key: str
    title: str
    state: RuleState
    sentence: str
    facts: tuple[UsedFact, ...]
    waits_for: IfUnknown | None  # only while unknown
    what_changes_it: str
    source: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed outcome with its reasons; never a decision."""

    outcome: Outcome
    results: tuple[RuleResult, ...]
    policy_code: str
    policy_version: int
    policy_digest: str
    engine_version: str
    made_on: date
    contest_until_on: date
    contest: Contest


def propose(policy: Policy, facts: Facts, as_of: date) -> Proposal:
    """Return what ``policy`` says of ``facts``.

    Args:
        policy: One published version.
        facts: What is known on ``as_of``; order of rows does not matter.
        as_of: The day of the proposal in the city's time zone; the time to contest starts there.
    """
    results = tuple(_judge(rule, policy, facts, as_of) for rule in policy.rules)
    return Proposal(
        outcome=decide_outcome(results),
        results=results,
        policy_code=policy.code,
        policy_version=policy.version,
        policy_digest=policy.digest,
        engine_version=ENGINE_VERSION,
        made_on=as_of,
        contest_until_on=add_working_days(as_of, policy.contest.working_days),
        contest=policy.contest,
    )


def decide_outcome(results: tuple[RuleResult, ...]) -> Outcome:
    """Return the outcome by precedence: whatever is being looked up comes before any refusal."""
    waiting = {result.waits_for for result in results if result.state is RuleState.UNKNOWN}
    if IfUnknown.REVIEW in waiting:
        return Outcome.HUMAN_REVIEW
    if IfUnknown.ASK in waiting:
        return Outcome.WAITS_FOR_PERSON
    if any(result.state is RuleState.NOT_MET for result in results):
        return Outcome.NOT_ELIGIBLE_YET
    if IfUnknown.WAIT in waiting:
        return Outcome.IN_EVALUATION
    return Outcome.ELIGIBLE


def _judge(rule: Rule, policy: Policy, facts: Facts, as_of: date) -> RuleResult:
    match rule.test:
        case CertificateTest():
            return _judge_certificate(rule, rule.test, facts, as_of)
        case ResidenceTest():
            return _judge_residence(rule, rule.test, policy, facts)
        case DeliveredTest():
            return _judge_document(rule, rule.test, facts)


def _judge_certificate(rule: Rule, test: CertificateTest, facts: Facts, as_of: date) -> RuleResult:
    known = [facts.certificates[key] for key in test.achievements if key in facts.certificates]
    if not known:
        return _result(rule, RuleState.UNKNOWN, {}, ())
    counting = next((fact for fact in known if fact.counts_on(as_of)), None)
    if counting is not None:
        until = "" if counting.ends_on is None else f" hasta el {spell_date(counting.ends_on)}"
        used = UsedFact(f"Certificado válido{until}", counting.provenance)
        return _result(rule, RuleState.MET, {"via": counting.route}, (used,))
    # Of several programmes the one that lacks least: the shortest way for the person.
    nearest = min(known, key=lambda fact: len(_list_missing(fact)))
    shown = "Resultados del curso"
    if nearest.ends_on is not None:
        shown = f"Certificado vencido el {spell_date(nearest.ends_on)}"
    used = UsedFact(shown, nearest.provenance)
    return _result(rule, RuleState.NOT_MET, {"faltante": "; ".join(_list_missing(nearest))}, (used,))


def _list_missing(fact: CertificateFact) -> tuple[str, ...]:
    """Return what is missing of a certificate that does not count."""
    if fact.missing or fact.ends_on is None:
        return fact.missing
    return (f"renovar su certificado, que venció el {spell_date(fact.ends_on)}",)


def _judge_residence(rule: Rule, test: ResidenceTest, policy: Policy, facts: Facts) -> RuleResult:
    blanks = {"minimo": str(test.minimum_months), "fecha_de_corte": spell_date(policy.cutoff_on)}
    if not facts.residences:
        return _result(rule, RuleState.UNKNOWN, blanks, ())
    stays = find_current_stay(facts.residences, policy.cutoff_on)
    used = tuple(
        UsedFact(f"Vive en {stay.zone} desde el {spell_date(stay.from_on)}", stay.provenance)
        if stay.to_on is None
        else UsedFact(
            f"Vivió en {stay.zone} del {spell_date(stay.from_on)} al {spell_date(stay.to_on)}",
            stay.provenance,
        )
        for stay in stays or facts.residences
    )
    months = count_months(stays[0].from_on, policy.cutoff_on) if stays else 0
    blanks["valor"] = str(months)
    if months >= test.minimum_months:
        return _result(rule, RuleState.MET, blanks, used)
    blanks["cuando"] = (
        f"Los cumple el {spell_date(add_months(stays[0].from_on, test.minimum_months))}." if stays else ""
    )
    return _result(rule, RuleState.NOT_MET, blanks, used)


def find_current_stay(residences: tuple[Residence, ...], on: date) -> tuple[Residence, ...]:
    """Return the unbroken stay in the policy's zones that reaches ``on``, oldest first; empty if there is none.

    Moving from one zone to another does not break a stay when the next one begins at the latest on the following day.
    """
    inside = [stay for stay in residences if stay.is_in_zones and stay.from_on <= on]
    chain: list[Residence] = []
    reached = on
    for stay in sorted(inside, key=lambda s: (s.to_on or date.max, s.from_on), reverse=True):
        end = stay.to_on or date.max
        if end >= reached:
            chain.append(stay)
            reached = min(reached, stay.from_on - timedelta(days=1))
    return tuple(sorted(chain, key=lambda s: s.from_on))


def _judge_document(rule: Rule, test: DeliveredTest, facts: Facts) -> RuleResult:
    document = facts.documents.get(test.document)
    if document is None:
        return _result(rule, RuleState.UNKNOWN, {}, ())
    used = (UsedFact(f"{document.title}, versión {document.version}", document.provenance),)
    version = {"version": str(document.version)}
    match document.state:
        case DocumentState.ACCEPTED:
            return _result(rule, RuleState.MET, version, used)
        case DocumentState.RETURNED:
            return _result(rule, RuleState.NOT_MET, version, used)
        case DocumentState.SUBMITTED:
            # The person did their part; what is missing is a rating, so nobody asks them for anything.
            result = _result(rule, RuleState.UNKNOWN, {}, used)
            sentence = test.in_review.format_map(version)
            return replace(result, sentence=sentence, waits_for=IfUnknown.REVIEW)


def _result(
    rule: Rule,
    state: RuleState,
    blanks: Mapping[str, str],
    facts: tuple[UsedFact, ...],
) -> RuleResult:
    return RuleResult(
        key=rule.key,
        title=rule.title,
        state=state,
        sentence=rule.texts[state].format_map(blanks).strip(),
        facts=facts,
        waits_for=rule.if_unknown if state is RuleState.UNKNOWN else None,
        what_changes_it=rule.what_changes_it[state],
        source=rule.source,
    )
