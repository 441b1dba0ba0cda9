"""What the learner's first page shows: what they have, the one next step, what is missing for what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from django.urls import reverse
from django.utils.translation import gettext as _

from integra_service.credentials.models import CredentialState
from integra_service.credentials.pages import compare_name, describe_credential, find_document
from integra_service.credentials.services import (
    Case,
    Credential,
    Obstacle,
    decide_achievements,
    decide_renewals,
    list_credentials,
    list_terms,
    read_case,
)
from integra_service.people.data_requests import list_requests, read_clock
from integra_service.people.models import LearnerIdentity, Person, Purpose, RequestKind, RequestState
from integra_service.people.services import confirmed_name, list_consents
from integra_service.web.progress import describe_reasons
from integra_service.web.wording import LOOKS

# A link and nothing more: no request leaves the phone before it is tapped.
SHARE_URL = "https://wa.me/?text="


@dataclass(frozen=True, slots=True)
class RenewalView:
    """How a certificate that ends is renewed."""

    opens_at: datetime  # since when the test counts for it
    is_open: bool
    missing: tuple[str, ...]  # sentences; shown once it is open


@dataclass(frozen=True, slots=True)
class CertificateCard:
    """One certificate as its holder sees it."""

    title: str
    state: str
    word: str
    look: str
    reason: str
    awarded_at: datetime
    changed_at: datetime
    expires_at: datetime | None
    version: int
    replaced_at: datetime | None  # when the version before this one ended
    is_hidden: bool  # its holder withdrew the permission: its address answers as if there were none
    is_being_replaced: bool  # the name was changed and the new version is not signed yet
    is_renewed: bool  # a later one of the same achievement follows it
    renewal: RenewalView | None  # of the latest, if it ends
    token: str
    page_url: str
    share_url: str  # empty for one that does not count


@dataclass(frozen=True, slots=True)
class AchievementView:
    """One achievement that is not reached yet."""

    title: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step towards the certificate."""

    title: str
    text: str
    state: str  # "done" | "next" | "later"


@dataclass(frozen=True, slots=True)
class MyPage:
    """Everything the learner's first page shows."""

    name: str | None
    short_code: str
    city_name: str
    certificates: tuple[CertificateCard, ...]
    steps: tuple[Step, ...]  # none once there is a certificate
    next_url: str
    next_label: str
    nearest: AchievementView | None
    others: tuple[AchievementView, ...]
    has_decided: bool
    erases_at: datetime | None  # an erasure was asked for, and is carried out then


def describe_my_page(identity: LearnerIdentity, now: datetime) -> MyPage:
    """Return what the learner sees, with exactly one next step."""
    person = identity.person
    consents = list_consents(person)
    has_read = Purpose.CERTIFICATE in consents
    agrees = has_read and consents[Purpose.CERTIFICATE].is_granted
    name = confirmed_name(person)
    case = read_case(identity)
    renewals = describe_renewals(case, person, now)
    certificates = list_cards(person, name, renewals, is_hidden=not agrees, now=now)
    missing = list_missing_achievements(case, person)
    next_url, next_label = choose_next(has_read=has_read, agrees=agrees, has_name=name is not None)
    return MyPage(
        name=name,
        short_code=identity.short_code,
        city_name=person.city.name,
        certificates=certificates,
        steps=()
        if certificates
        else make_steps(has_read, agrees, name is not None, is_something_reached(case)),
        next_url=next_url,
        next_label=next_label,
        nearest=missing[0] if missing else None,
        others=missing[1:],
        has_decided=has_read,
        erases_at=find_erasure(person, now),
    )


def describe_renewals(case: Case, person: Person, now: datetime) -> Mapping[str, RenewalView]:
    """Return by achievement how its latest certificate is renewed; only where nothing else must be settled first."""
    policies = {version.policy.key: version.policy for version in case.versions}
    return {
        key: RenewalView(
            renewal.opens_at,
            Obstacle.TOO_EARLY not in renewal.obstacles,
            describe_reasons(policies[key], renewal.decision),
        )
        for key, renewal in decide_renewals(case, list_terms(person), now).items()
        if Obstacle.UNSETTLED not in renewal.obstacles
    }


def list_cards(
    person: Person,
    name: str | None,
    renewals: Mapping[str, RenewalView],
    *,
    is_hidden: bool,
    now: datetime,
) -> tuple[CertificateCard, ...]:
    """Return the person's certificates, those that count first and of these the renewed ones last."""
    rows = list_credentials(person)
    latest = {row.achievement_key: row.pk for row in rows}
    cards = [
        make_card(
            row,
            name,
            None if latest[row.achievement_key] != row.pk else renewals.get(row.achievement_key),
            is_renewed=latest[row.achievement_key] != row.pk,
            is_hidden=is_hidden,
            now=now,
        )
        for row in rows
    ]
    return tuple(sorted(cards, key=lambda card: (card.state != CredentialState.VALID, card.is_renewed)))


def make_card(
    credential: Credential,
    name: str | None,
    renewal: RenewalView | None,
    *,
    is_renewed: bool,
    is_hidden: bool,
    now: datetime,
) -> CertificateCard:
    document = find_document(credential)
    page = describe_credential(document, now)
    counts = page.state == CredentialState.VALID and not is_hidden
    return CertificateCard(
        title=page.title,
        state=page.state,
        word=_("Hidden") if is_hidden else page.word,
        look="tag-warn" if is_hidden else LOOKS[page.state],
        reason=page.reason,
        awarded_at=page.awarded_at,
        changed_at=page.changed_at,
        expires_at=page.expires_at,
        version=page.version,
        replaced_at=page.replaced_at,
        is_hidden=is_hidden,
        is_being_replaced=name is not None and compare_name(document, name) != "match",
        is_renewed=is_renewed,
        renewal=renewal,
        token=page.token,
        page_url=page.url,
        share_url=make_share_url(page.title, page.url) if counts else "",
    )


def make_share_url(title: str, page_url: str) -> str:
    """Return the address that opens WhatsApp with a text ready: the certificate's address and no name."""
    text = _(
        "Hello! I finished “%(title)s” in the INTEGRA programme. Here you can check my certificate: %(url)s"
    ) % {"title": title, "url": page_url}
    return SHARE_URL + quote(text, safe="")


def list_missing_achievements(case: Case, person: Person) -> tuple[AchievementView, ...]:
    """Return what was not reached, the one that lacks least first."""
    open_ones = [(policy, decision) for policy, decision in decide_achievements(case) if decision.reasons]
    issued = {row.achievement_key for row in list_credentials(person)}
    views = [
        AchievementView(policy.name.es, describe_reasons(policy, decision))
        for policy, decision in open_ones
        if policy.key not in issued
    ]
    return tuple(sorted(views, key=lambda view: len(view.missing)))


def is_something_reached(case: Case) -> bool:
    return any(decision.is_met for _policy, decision in decide_achievements(case))


def find_erasure(person: Person, now: datetime) -> datetime | None:
    """Return when the erasure the person asked for is carried out."""
    waiting = {RequestState.OPEN, RequestState.BEGUN}
    for request in list_requests(person):
        if request.kind == RequestKind.ERASURE and request.state in waiting:
            return read_clock(request, now).erases_at
    return None


def choose_next(*, has_read: bool, agrees: bool, has_name: bool) -> tuple[str, str]:
    if not has_read:
        return reverse("web:notice"), _("Read and decide")
    if not agrees:
        return reverse("web:consents"), _("Change my decision")
    if not has_name:
        return reverse("web:name"), _("Write my name")
    return "", ""


def make_steps(has_read: bool, agrees: bool, has_name: bool, is_reached: bool) -> tuple[Step, ...]:
    refused = has_read and not agrees
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
        Step(
            _("Receive your certificate"),
            describe_last(refused, is_reached),
            "next" if agrees and has_name else "later",
        ),
    )


def describe_last(refused: bool, is_reached: bool) -> str:
    if refused:
        return _("Without your agreement no certificate is made.")
    if is_reached:
        return _("Everything is finished in the classroom.")
    return _("When the course is finished it is made by itself.")
