"""The documents we sign, without their proofs. Pure: facts in, JSON out.

Every rule of shape here has an interoperability reason in ``docs/credentials.md``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from .linked_data import CREDENTIALS_V2, OPEN_BADGES_V3, JsonObject
from .policies import AchievementPolicy

TRAINING = "training"
EVALUATION = "evaluation"
STATUS_PURPOSE = "revocation"


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """How one module was reached; minutes are counted for training only."""

    module_key: str
    route: str
    minutes: int | None


@dataclass(frozen=True, slots=True)
class IssuerProfile:
    """Who signs, as every document names them."""

    did: str
    url: str
    name: str


@dataclass(frozen=True, slots=True)
class CredentialFacts:
    """What goes into a credential; the name is there as its salted hash only."""

    url: str
    subject_uuid: UUID
    name_hash: str
    salt: str
    status_list_url: str
    status_index: int
    awarded_at: datetime
    valid_from: datetime
    valid_until: datetime | None
    results: tuple[ModuleResult, ...]


def digest_content(content: bytes) -> str:
    """Return the SHA-256 of a signed document's bytes, in hexadecimal: stored with it, and computed anew when shown."""
    return hashlib.sha256(content).hexdigest()


def format_time(moment: datetime) -> str:
    """Return ``moment`` in UTC to the second, as XML Schema and RFC 3339 both spell it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def build_credential(facts: CredentialFacts, policy: AchievementPolicy, issuer: IssuerProfile) -> JsonObject:
    """Return the Open Badges 3.0 credential on VC 2.0."""
    return {
        "@context": [CREDENTIALS_V2, OPEN_BADGES_V3],
        "id": facts.url,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": policy.name.es,
        "issuer": {"id": issuer.did, "type": ["Profile"], "name": issuer.name, "url": issuer.url},
        "validFrom": format_time(facts.valid_from),
        **({} if facts.valid_until is None else {"validUntil": format_time(facts.valid_until)}),
        "awardedDate": format_time(facts.awarded_at),
        "credentialSubject": {
            "id": f"urn:uuid:{facts.subject_uuid}",
            "type": ["AchievementSubject"],
            "identifier": [build_identifier(facts.name_hash, facts.salt)],
            "achievement": build_achievement(policy, issuer, facts.results),
            "result": [build_result(policy, issuer, result) for result in facts.results],
        },
        "credentialStatus": build_status(facts.status_list_url, facts.status_index),
    }


def rebuild_credential(
    body: JsonObject,
    *,
    name_hash: str,
    salt: str,
    status_list_url: str,
    status_index: int,
    valid_from: datetime,
) -> JsonObject:
    """Return the document that replaces ``body``: same id and award, later ``validFrom``, another place in the list.

    Of two credentials of one issuer with one id, Open Badges 3.0 lets the later ``validFrom`` count.
    """
    subject = {**body["credentialSubject"], "identifier": [build_identifier(name_hash, salt)]}
    return {
        **body,
        "validFrom": format_time(valid_from),
        "credentialSubject": subject,
        "credentialStatus": build_status(status_list_url, status_index),
    }


def build_identifier(name_hash: str, salt: str) -> JsonObject:
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": name_hash,
        "identityType": "name",
        "salt": salt,
    }


def build_status(list_url: str, index: int) -> JsonObject:
    return {
        "id": f"{list_url}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": STATUS_PURPOSE,
        "statusListIndex": str(index),
        "statusListCredential": list_url,
    }


def build_achievement(
    policy: AchievementPolicy, issuer: IssuerProfile, results: Sequence[ModuleResult]
) -> JsonObject:
    """Return the achievement in Spanish, with its English edition as the ``related`` one.

    1EdTech's JSON Schema wants plain strings, so one text cannot carry two languages; ``related`` is defined for
    "alternate language editions" and open to further members.
    """
    return {
        "id": make_urn(issuer, policy, "es"),
        "type": ["Achievement"],
        "achievementType": policy.achievement_type,
        "inLanguage": "es",
        "version": policy.version,
        "name": policy.name.es,
        "description": policy.description.es,
        "criteria": {"narrative": policy.criteria.es},
        "resultDescription": [
            {
                "id": make_urn(issuer, policy, result.module_key),
                "type": ["ResultDescription"],
                "name": policy.get_module(result.module_key).es,
                "resultType": "Result",
            }
            for result in results
        ],
        "related": [
            {
                "id": make_urn(issuer, policy, "en"),
                "type": ["Related"],
                "inLanguage": "en",
                "version": policy.version,
                "name": policy.name.en,
                "description": describe_in_english(policy, results),
            }
        ],
    }


def build_result(policy: AchievementPolicy, issuer: IssuerProfile, result: ModuleResult) -> JsonObject:
    return {
        "type": ["Result"],
        "resultDescription": make_urn(issuer, policy, result.module_key),
        "status": "Completed",
        "value": describe_route(result),
    }


def describe_route(result: ModuleResult) -> str:
    """Return the Spanish words for how a module was reached."""
    if result.route == TRAINING:
        return f"Formación, {result.minutes} minutos"
    return "Evaluación de saberes previos"


def describe_in_english(policy: AchievementPolicy, results: Sequence[ModuleResult]) -> str:
    modules = "; ".join(
        f"{policy.get_module(result.module_key).en} ("
        + (
            f"training, {result.minutes} minutes"
            if result.route == TRAINING
            else "assessment of prior learning"
        )
        + ")"
        for result in results
    )
    return f"{policy.description.en} {policy.criteria.en} Modules: {modules}."


def make_urn(issuer: IssuerProfile, policy: AchievementPolicy, part: str) -> str:
    """Return the same identifier for the same part of the same achievement for ever."""
    return (
        f"urn:uuid:{uuid5(NAMESPACE_URL, f'{issuer.url}/achievements/{policy.key}/{policy.version}/{part}')}"
    )


def build_status_list(url: str, issuer_did: str, encoded: str, valid_from: datetime) -> JsonObject:
    """Return the Bitstring status list credential."""
    return {
        "@context": [CREDENTIALS_V2],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer_did,
        "validFrom": format_time(valid_from),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": STATUS_PURPOSE,
            "encodedList": encoded,
        },
    }
