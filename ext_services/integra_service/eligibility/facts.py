"""From rows to the facts a policy may use, each with where it comes from."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from integra_service.credentials.policies import AchievementPolicy, Decision, Reason, ReasonCode
from integra_service.credentials.services import (
    Credential,
    CredentialState,
    decide_achievements,
    list_credentials,
    read_case,
)
from integra_service.lib.days import local_day
from integra_service.people.models import Evidence, LearnerIdentity, Person, ResidenceEpisode
from integra_service.people.services import list_residences
from integra_service.records.fold import CourseRecord, DeliverableRecord
from integra_service.records.services import find_manifest, get_record

from .engine import CertificateFact, DocumentFact, DocumentState, Facts, Provenance, Residence

EVIDENCE_NAMES = {
    Evidence.RENTAL: "contrato de arriendo",
    Evidence.UTILITY_BILL: "planilla de luz, agua u otro servicio",
    Evidence.NEIGHBOUR_LETTER: "carta vecinal",
    Evidence.SHELTER_LETTER: "carta del albergue",
    Evidence.SCHOOL: "certificado escolar de hijas o hijos",
    Evidence.ATTENDANCE: "registro de asistencia al programa",
    Evidence.STATEMENT: "declaración propia",
}
ROUTES = {
    frozenset({"training"}): "formación",
    frozenset({"evaluation"}): "evaluación",
    frozenset({"training", "evaluation"}): "formación y evaluación",
}
TESTS = {"post": "la prueba final", "closing": "la prueba de cierre del área"}
# What became of a certificate that does not count, and what the person can do about it.
NOT_IN_FORCE = {
    CredentialState.SUSPENDED: (
        "suspendido",
        "que el equipo del programa termine de revisar su certificado, que está suspendido",
    ),
    CredentialState.REVOKED: (
        "anulado",
        "que el equipo del programa le explique por qué se anuló su certificado",
    ),
}
BY_CLASSROOM = "el aula virtual"
BY_SERVICE = "este sistema, a partir del aula virtual"


def collect_facts(person: Person, city_id: int) -> Facts:
    """Return everything known of ``person`` that a rule of that city's fund may use.

    Nothing in it depends on the day of asking: the same rows are the same facts.
    """
    identities = list(LearnerIdentity.objects.for_system().filter(person=person).order_by("pk"))
    courses = [course for identity in identities for course in get_record(identity).courses]
    return Facts(
        certificates=_certificates(person, identities),
        residences=tuple(_residence(row, city_id) for row in list_residences(person)),
        documents=dict(document for course in courses for document in _documents(course)),
    )


def _certificates(person: Person, identities: list[LearnerIdentity]) -> dict[str, CertificateFact]:
    """Return what is known of each achievement; one of whose course no event speaks is left out: it is not known."""
    nearest: dict[str, tuple[LearnerIdentity, AchievementPolicy, Decision]] = {}
    for identity in identities:
        for policy, decision in decide_achievements(read_case(identity)):
            best = nearest.get(policy.key)
            if decision.course is not None and (best is None or len(decision.reasons) < len(best[2].reasons)):
                nearest[policy.key] = identity, policy, decision
    issued = list_credentials(person)
    latest = {row.achievement_key: row for row in issued}
    # Each stands for itself: one that counts does so whatever became of the one that followed it.
    counting = {row.achievement_key: row for row in issued if row.state == CredentialState.VALID}
    facts = {}
    for key, (identity, policy, decision) in nearest.items():
        if key not in latest:
            facts[key] = _missing(identity, policy, decision)
            continue
        facts[key] = _issued(latest[key], policy, decision)
        if key in counting:
            facts[key] = replace(_issued(counting[key], policy, decision), missing=facts[key].missing)
    return facts


def _issued(credential: Credential, policy: AchievementPolicy, decision: Decision) -> CertificateFact:
    name = f"certificado «{policy.name.es}»"
    if credential.state == CredentialState.VALID:
        provenance = Provenance(name, local_day(credential.awarded_at), BY_SERVICE)
        ends_on = None if credential.expires_at is None else local_day(credential.expires_at)
        return CertificateFact(True, _routes(policy, decision), (), provenance, ends_on)
    what, missing = NOT_IN_FORCE[CredentialState(credential.state)]
    provenance = Provenance(f"{name}, {what}", local_day(credential.changed_at), BY_SERVICE)
    return CertificateFact(is_in_force=False, route="", missing=(missing,), provenance=provenance)


def _missing(identity: LearnerIdentity, policy: AchievementPolicy, decision: Decision) -> CertificateFact:
    missing = tuple(describe_missing(reason, policy) for reason in decision.reasons)
    return CertificateFact(
        is_in_force=False,
        route="",
        missing=missing or ("confirmar su nombre en «Mis certificados», desde el aula",),
        provenance=Provenance(
            "resultados del curso", local_day(_last_change(identity, decision)), BY_CLASSROOM
        ),
    )


def _last_change(identity: LearnerIdentity, decision: Decision) -> datetime:
    """Return when the last of what decides about an achievement became known."""
    course = decision.course
    if course is None:
        return identity.created_at
    moments = [module.changed_at for module in course.modules]
    moments += [attempt.submitted_at for attempt in course.attempts if attempt.kind != "pre"]
    moments += [deliverable.rated_at or deliverable.submitted_at for deliverable in course.deliverables]
    return max(moments, default=identity.created_at)


def _routes(policy: AchievementPolicy, decision: Decision) -> str:
    modules = decision.course.modules if decision.course else ()
    asked = dict(policy.modules)
    routes = {module.route for module in modules if module.module_key in asked and module.route}
    return ROUTES.get(frozenset(routes), "formación")


def describe_missing(reason: Reason, policy: AchievementPolicy) -> str:
    """Return in plain words what is missing, as the end of "Le falta: …"."""
    match reason.code:
        case ReasonCode.MODULE_OPEN:
            return f"terminar el módulo «{policy.get_module(reason.key).es}»"
        case ReasonCode.DELIVERABLE_MISSING:
            return f"entregar «{policy.get_deliverable(reason.key).es}»"
        case ReasonCode.DELIVERABLE_UNRATED:
            return f"que quien facilita el curso revise «{policy.get_deliverable(reason.key).es}»"
        case ReasonCode.DELIVERABLE_RETURNED:
            return f"corregir y volver a entregar «{policy.get_deliverable(reason.key).es}»"
        case ReasonCode.TEST_MISSING:
            return f"hacer {TESTS[reason.key]}"
        case ReasonCode.BELOW_CUT:
            return f"alcanzar la meta de {TESTS[reason.key]}"
        case _:
            return "que el equipo del programa revise sus resultados"


def _residence(row: ResidenceEpisode, city_id: int) -> Residence:
    entered_by = row.entered_by.get_full_name() or row.entered_by.get_username()
    return Residence(
        from_on=row.from_on,
        to_on=row.to_on,
        zone=row.zone.name,
        is_in_zones=row.zone.city_id == city_id,
        provenance=Provenance(EVIDENCE_NAMES[Evidence(row.evidence)], local_day(row.entered_at), entered_by),
    )


def _documents(course: CourseRecord) -> Iterator[tuple[str, DocumentFact]]:
    """Yield what was handed in, by the document's name in policies; the registered manifest says which is which."""
    for deliverable in course.deliverables:
        manifest = find_manifest(deliverable.rule_version)
        if manifest is None:
            continue
        for module in manifest.modules:
            declared = module.deliverable
            if declared is not None and declared.key == deliverable.deliverable_key and declared.document:
                yield declared.document, _document(declared.title, deliverable)


def _document(title: str, deliverable: DeliverableRecord) -> DocumentFact:
    state = DocumentState(deliverable.outcome) if deliverable.outcome else DocumentState.SUBMITTED
    known_at = deliverable.rated_at or deliverable.submitted_at
    return DocumentFact(
        state,
        deliverable.version,
        title,
        Provenance("trabajo entregado en el aula", local_day(known_at), BY_CLASSROOM),
    )
