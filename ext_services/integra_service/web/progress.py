"""What the learner's and the staff's pages show of one person: steps, what is missing, certificates."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integra_grading.manifest import Manifest
from integra_service.credentials.policies import ReasonCode
from integra_service.credentials.services import (
    Credential,
    CredentialState,
    decide_achievements,
    get_page_url,
    get_policies,
    list_credentials,
)
from integra_service.eligibility.facts import describe_missing
from integra_service.people.models import LearnerIdentity, Person, Purpose
from integra_service.people.services import confirmed_name, list_consents
from integra_service.records.fold import CourseRecord, ModuleRecord
from integra_service.records.services import find_manifest, get_record

CONSENT_LABELS = {
    Purpose.CERTIFICATE: gettext_lazy("Certificate with your name"),
    Purpose.FIND_BY_NAME: gettext_lazy("Being found by your name"),
}
# What staff must settle; to the learner it is one sentence, said once.
OURS = {
    ReasonCode.POLICY_UNAPPROVED,
    ReasonCode.SOURCE_DISTRUSTED,
    ReasonCode.RULES_UNKNOWN,
    ReasonCode.BANK_UNKNOWN,
    ReasonCode.BANK_PUBLIC,
    ReasonCode.NOT_ENROLLED,
    ReasonCode.LEARNER_RETIRED,
}


@dataclass(frozen=True, slots=True)
class CertificateView:
    """One certificate as a page shows it."""

    title: str
    is_valid: bool
    issued_at: datetime
    page_url: str
    pdf_url: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step towards the certificate."""

    title: str
    text: str
    state: str  # "done" | "next" | "later"


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What was decided on one purpose, and when."""

    label: str
    is_granted: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class LearnerProgress:
    """Everything the learner's first page shows."""

    name: str | None
    short_code: str
    city_name: str
    certificates: tuple[CertificateView, ...]
    steps: tuple[Step, ...]
    next_url: str
    next_label: str
    missing: tuple[str, ...]
    consents: tuple[ConsentView, ...]
    is_name_fixed: bool  # a certificate bears it


@dataclass(frozen=True, slots=True)
class ModuleView:
    """One module as staff see it."""

    title: str
    state: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class CourseView:
    """One course run as staff see it."""

    title: str
    is_reached: bool
    modules: tuple[ModuleView, ...]
    missing: tuple[str, ...]


def describe_progress(identity: LearnerIdentity) -> LearnerProgress:
    """Return what the learner sees, with exactly one next step."""
    person = identity.person
    consents = list_consents(person)
    certificates = list_certificates(person)
    missing = list_missing([identity])
    has_read = Purpose.CERTIFICATE in consents
    agrees = has_read and consents[Purpose.CERTIFICATE].is_granted
    name = confirmed_name(person)
    next_url, next_label = choose_next(has_read=has_read, agrees=agrees, has_name=name is not None)
    return LearnerProgress(
        name=name,
        short_code=identity.short_code,
        city_name=person.city.name,
        certificates=certificates,
        steps=make_steps(has_read, agrees, name is not None, bool(certificates), bool(missing)),
        next_url="" if certificates else next_url,
        next_label=next_label,
        missing=() if certificates else missing,
        consents=tuple(
            ConsentView(str(CONSENT_LABELS[purpose]), consent.is_granted, consent.decided_at)
            for purpose, consent in consents.items()
        ),
        is_name_fixed=bool(certificates),
    )


def choose_next(*, has_read: bool, agrees: bool, has_name: bool) -> tuple[str, str]:
    if not has_read:
        return reverse("web:notice"), _("Read and decide")
    if agrees and not has_name:
        return reverse("web:name"), _("Write my name")
    return "", ""


def make_steps(
    has_read: bool, agrees: bool, has_name: bool, is_issued: bool, is_missing: bool
) -> tuple[Step, ...]:
    refused = has_read and not agrees
    last = _("Issued. You can show it and download it.") if is_issued else describe_last(refused, is_missing)
    return (
        Step(
            _("Read how we use your data and decide"),
            _("You said no to the certificate. You can change it below.")
            if refused
            else _("Two minutes. Nothing is done before you decide."),
            "done" if has_read else "next",
        ),
        Step(
            _("Confirm your name"),
            _("It is printed exactly as you write it."),
            "done" if has_name else "next" if agrees else "later",
        ),
        Step(_("Receive your certificate"), last, state_of_last(agrees and has_name, is_issued)),
    )


def describe_last(refused: bool, is_missing: bool) -> str:
    if refused:
        return _("Without your agreement no certificate is made.")
    if is_missing:
        return _("When the course is finished it is made by itself.")
    return _("Everything is finished in the classroom.")


def state_of_last(is_ready: bool, is_issued: bool) -> str:
    return "done" if is_issued else "next" if is_ready else "later"


def list_certificates(person: Person) -> tuple[CertificateView, ...]:
    names = {policy.key: policy.name.es for policy in get_policies()}
    return tuple(describe_certificate(row, names) for row in list_credentials(person))


def describe_certificate(credential: Credential, names: dict[str, str]) -> CertificateView:
    page_url = get_page_url(credential)
    return CertificateView(
        title=names.get(credential.achievement_key, credential.achievement_key),
        is_valid=credential.state == CredentialState.VALID,
        issued_at=credential.awarded_at,
        page_url=page_url,
        pdf_url=f"{page_url}.pdf",
    )


def list_missing(identities: Iterable[LearnerIdentity]) -> tuple[str, ...]:
    """Return what is missing for the achievements of the courses the learner is in, as sentences."""
    sentences: list[str] = []
    for identity in identities:
        for policy, decision in decide_achievements(identity):
            if decision.course is None and decision.reasons:
                sentences.append(_("Start the course in your classroom."))
                continue
            sentences += [
                _("The programme's team must review your record; you need not do anything.")
                if reason.code in OURS
                else to_sentence(describe_missing(reason, policy))
                for reason in decision.reasons
            ]
    return tuple(dict.fromkeys(sentences))


def to_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def list_identities(person: Person) -> list[LearnerIdentity]:
    identities = LearnerIdentity.objects.for_system().filter(person=person, retired_at__isnull=True)
    return list(identities.select_related("source", "person").order_by("pk"))


def list_short_codes(person: Person) -> tuple[str, ...]:
    return tuple(identity.short_code for identity in list_identities(person))


def describe_courses(person: Person) -> tuple[CourseView, ...]:
    return tuple(
        describe_course(identity, course)
        for identity in list_identities(person)
        for course in get_record(identity).courses
    )


def describe_course(identity: LearnerIdentity, course: CourseRecord) -> CourseView:
    manifest = find_manifest(course.rule_version)
    is_reached = course.standing is not None and course.standing.state == "reached"
    return CourseView(
        title=course.course_key if manifest is None else manifest.course.title,
        is_reached=is_reached,
        modules=tuple(describe_module(module, manifest) for module in course.modules),
        missing=() if is_reached else list_missing([identity]),
    )


def describe_module(module: ModuleRecord, manifest: Manifest | None) -> ModuleView:
    titles = {} if manifest is None else {m.key: m.title for m in manifest.modules}
    return ModuleView(
        title=titles.get(module.module_key, module.module_key),
        state=describe_state(module),
        changed_at=module.changed_at,
    )


def describe_state(module: ModuleRecord) -> str:
    if module.state == "exempt":
        return _("Exempt by evaluation")
    if module.state == "done":
        return _("Done by training, %(minutes)d minutes") % {"minutes": module.minutes_trained}
    return _("In progress")
