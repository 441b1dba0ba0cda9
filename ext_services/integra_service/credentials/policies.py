"""Achievements as policy: what a certificate asks for, and the decision whether a learner reached it.

The gradebook decides module standing and the outcome of tests and ratings; a policy says which of them make an
achievement. Cuts and minutes travel with the facts and are repeated nowhere.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from integra_service.lib.strictyaml import Reader, StrictYamlError
from integra_service.records.fold import AttemptRecord, CourseRecord, LearningRecord, find_best

SCHEMA = "integra.achievement/1"
# What a policy may ask a second person for.
ACTS = frozenset({"revoke", "suspend", "reinstate"})
# A shorter one could be renewed with the test it was issued for (ADR 0014).
MIN_VALID_MONTHS = 4


class PolicyError(ValueError):
    """A policy file says something we do not understand; the start stops."""


@dataclass(frozen=True, slots=True)
class Texts:
    """One text in both languages of the certificate."""

    es: str
    en: str


@dataclass(frozen=True, slots=True)
class AchievementPolicy:
    """One version of what an achievement asks for and of what its certificate says."""

    key: str
    version: str
    course: str
    achievement_type: str
    name: Texts
    description: Texts
    criteria: Texts
    modules: tuple[tuple[str, Texts], ...]
    deliverables: tuple[tuple[str, Texts], ...]
    trained_in: Mapping[
        str, str
    ]  # by deliverable: the module by whose training it becomes due; the others always are
    test: str  # "post" | "closing"
    area: str  # whose closing form; empty for the final test
    valid_months: int | None  # None: for good
    second_person: frozenset[str]  # acts that only count when another person agrees
    file_name: str
    digest: str

    def get_module(self, module_key: str) -> Texts:
        return dict(self.modules)[module_key]

    def get_deliverable(self, deliverable_key: str) -> Texts:
        return dict(self.deliverables)[deliverable_key]


class ReasonCode(StrEnum):
    """Why an achievement is not reached."""

    POLICY_UNAPPROVED = "policy_unapproved"
    SOURCE_DISTRUSTED = "source_distrusted"
    NOT_ENROLLED = "not_enrolled"
    LEARNER_RETIRED = "learner_retired"
    RULES_UNKNOWN = "rules_unknown"
    MODULE_OPEN = "module_open"
    DELIVERABLE_MISSING = "deliverable_missing"
    DELIVERABLE_UNRATED = "deliverable_unrated"
    DELIVERABLE_RETURNED = "deliverable_returned"
    TEST_MISSING = "test_missing"
    BELOW_CUT = "below_cut"
    BANK_UNKNOWN = "bank_unknown"
    BANK_PUBLIC = "bank_public"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with the key of the module, deliverable or bank it speaks of; empty for the whole course."""

    code: ReasonCode
    key: str = ""


@dataclass(frozen=True, slots=True)
class RegisteredBank:
    """A bank as a registered manifest names it."""

    bank_id: str
    digest: str
    is_public: bool


@dataclass(frozen=True, slots=True)
class RegisteredRules:
    """What a registered manifest says that matters here."""

    course: str
    banks: tuple[RegisteredBank, ...]
    closing_banks: Mapping[str, str]  # bank id by area

    def find_bank(self, bank_id: str, digest: str) -> RegisteredBank | None:
        return next((b for b in self.banks if (b.bank_id, b.digest) == (bank_id, digest)), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the achievement is reached, with every reason if not, and the facts it stands on."""

    is_met: bool
    reasons: tuple[Reason, ...]
    policy_version: str
    course: CourseRecord | None
    tests: tuple[AttemptRecord, ...]  # the deciding test, and the evaluations that exempted from modules


def decide_achievement(
    record: LearningRecord,
    policy: AchievementPolicy,
    rules: Mapping[str, RegisteredRules],
    *,
    allows_public_banks: bool,
    held: Sequence[Reason] = (),
    tested_since: datetime | None = None,
) -> Decision:
    """Return whether ``record`` reaches ``policy``.

    Args:
        record: The fold of one learner's events.
        policy: The achievement.
        rules: Registered manifests by ``rule_version``; a fact under an unknown one counts for nothing.
        allows_public_banks: Keys in a public repository are no secret: only the demonstration accepts them.
        held: What stands against it whatever the record says.
        tested_since: A sitting of the deciding test that was handed in earlier counts for nothing; None: all count.

    Of several runs of the course the first one that reaches the achievement counts, else the one that lacks least.
    """
    courses = [
        course
        for course in record.courses
        if course.rule_version not in rules or rules[course.rule_version].course == policy.course
    ]
    if record.is_retired:
        return Decision(False, (*held, Reason(ReasonCode.LEARNER_RETIRED)), policy.version, None, ())
    if not courses:
        return Decision(False, (*held, Reason(ReasonCode.NOT_ENROLLED)), policy.version, None, ())
    decisions = [
        _decide_course(course, policy, rules, allows_public_banks, held, tested_since) for course in courses
    ]
    return min(decisions, key=lambda decision: len(decision.reasons))


def _decide_course(
    course: CourseRecord,
    policy: AchievementPolicy,
    rules: Mapping[str, RegisteredRules],
    allows_public_banks: bool,
    held: Sequence[Reason],
    tested_since: datetime | None,
) -> Decision:
    reasons = list(held)
    if course.rule_version not in rules:
        reasons.append(Reason(ReasonCode.RULES_UNKNOWN))
    for module_key, _texts in policy.modules:
        module = course.find_module(module_key)
        if module is None or module.state == "open" or module.route is None:
            reasons.append(Reason(ReasonCode.MODULE_OPEN, module_key))
    reasons += [
        reason
        for key, _texts in policy.deliverables
        if _is_due(course, policy, key) and (reason := _judge_deliverable(course, key)) is not None
    ]
    test = find_best(_sittings(course, policy, rules, tested_since))
    if test is None:
        reasons.append(Reason(ReasonCode.TEST_MISSING, policy.test))
    elif test.cut is None or test.score < test.cut:  # a test without a cut proves nothing
        reasons.append(Reason(ReasonCode.BELOW_CUT, policy.test))
    tests = (() if test is None else (test,)) + _evaluations(course, policy)
    for attempt in tests:
        reasons += _judge_bank(attempt, rules, allows_public_banks)
    return Decision(not reasons, tuple(dict.fromkeys(reasons)), policy.version, course, tests)


def _sittings(
    course: CourseRecord,
    policy: AchievementPolicy,
    rules: Mapping[str, RegisteredRules],
    since: datetime | None,
) -> list[AttemptRecord]:
    """Return the sittings of the test that decides; of closing forms, those of the policy's area."""
    of_kind = [
        attempt
        for attempt in course.attempts
        if attempt.kind == policy.test and (since is None or attempt.submitted_at >= since)
    ]
    if not policy.area:
        return of_kind
    return [
        attempt
        for attempt in of_kind
        if attempt.rule_version in rules
        and rules[attempt.rule_version].closing_banks.get(policy.area) == attempt.bank_id
    ]


def _is_due(course: CourseRecord, policy: AchievementPolicy, key: str) -> bool:
    """Tell whether the work is due: always, or since its module was done by training."""
    if key not in policy.trained_in:
        return True
    module = course.find_module(policy.trained_in[key])
    return module is not None and module.route == "training"


def _judge_deliverable(course: CourseRecord, key: str) -> Reason | None:
    deliverable = course.find_deliverable(key)
    if deliverable is None:
        return Reason(ReasonCode.DELIVERABLE_MISSING, key)
    if deliverable.outcome is None:
        return Reason(ReasonCode.DELIVERABLE_UNRATED, key)
    if deliverable.outcome != "accepted":
        return Reason(ReasonCode.DELIVERABLE_RETURNED, key)
    return None


def _evaluations(course: CourseRecord, policy: AchievementPolicy) -> tuple[AttemptRecord, ...]:
    """Return the evaluations of this run behind the modules reached that way.

    An exemption carried over from another run has its sittings there; the standing names it all the same.
    """
    by_evaluation = {
        module.module_key
        for key, _texts in policy.modules
        if (module := course.find_module(key)) is not None and module.route == "evaluation"
    }
    return tuple(a for a in course.attempts if a.kind == "bypass" and a.module_key in by_evaluation)


def _judge_bank(
    attempt: AttemptRecord, rules: Mapping[str, RegisteredRules], allows_public_banks: bool
) -> list[Reason]:
    if attempt.rule_version not in rules:
        return [Reason(ReasonCode.RULES_UNKNOWN)]
    bank = rules[attempt.rule_version].find_bank(attempt.bank_id, attempt.bank_digest)
    if bank is None:
        return [Reason(ReasonCode.BANK_UNKNOWN, attempt.bank_id)]
    if bank.is_public and not allows_public_banks:
        return [Reason(ReasonCode.BANK_PUBLIC, attempt.bank_id)]
    return []


class _PolicyReader(Reader):
    """What achievement policies hold beyond plain text: texts in two languages, and lists of named keys."""

    def bilingual(self, tree: Any, where: str) -> Texts:
        members = self.members(tree, where, {"es", "en"})
        return Texts(self.text(members, "es", where), self.text(members, "en", where))

    def named(
        self, top: Mapping[str, Any], where: str, *, can_be_empty: bool, optional: Collection[str] = ()
    ) -> tuple[tuple[str, Texts], ...]:
        rows = []
        for position, item in enumerate(self.items(top, where, can_be_empty=can_be_empty)):
            place = f"{where}[{position}]"
            members = self.members(item, place, {"key", "name"}, optional=optional)
            rows.append((self.text(members, "key", place), self.bilingual(members["name"], f"{place}.name")))
        if len({key for key, _texts in rows}) != len(rows):
            self.refuse(where, "names a key twice")
        return tuple(rows)

    def trained(self, top: Mapping[str, Any], modules: Collection[str]) -> dict[str, str]:
        """Return by key the module that each deliverable with ``trained_in`` names; ``named`` read the list before."""
        found = {item["key"]: item["trained_in"] for item in top["deliverables"] if "trained_in" in item}
        for key, module_key in found.items():
            if module_key not in modules:
                self.refuse(
                    "deliverables", f"says that {key} is trained in {module_key}, which is no module of it"
                )
        return found

    def acts(self, top: Mapping[str, Any]) -> frozenset[str]:
        acts = self.texts(top, "second_person") if "second_person" in top else ()
        if not ACTS.issuperset(acts):
            self.refuse("second_person", f"must name acts of {', '.join(sorted(ACTS))}")
        return frozenset(acts)


def read_policies(folder: Path) -> tuple[AchievementPolicy, ...]:
    """Return every policy of ``folder`` by key; raise PolicyError with the file and what is wrong."""
    policies = tuple(parse_policy(path.read_bytes(), path.name) for path in sorted(folder.glob("*.yaml")))
    if not policies:
        raise PolicyError(f"{folder}: there is no achievement policy (*.yaml) in it")
    if len({policy.key for policy in policies}) != len(policies):
        raise PolicyError(f"{folder}: an achievement stands there twice")
    return policies


def parse_policy(raw: bytes, name: str) -> AchievementPolicy:
    """Return the policy ``raw`` spells, or raise PolicyError with the file and what is wrong."""
    reader = _PolicyReader(name)
    try:
        return _read_policy(reader, reader.parse(raw))
    except StrictYamlError as error:
        raise PolicyError(str(error)) from error


def _read_policy(reader: _PolicyReader, tree: Any) -> AchievementPolicy:
    top = reader.members(tree, "", {
        "schema", "key", "version", "course", "type", "name", "description", "criteria", "modules",
        "deliverables", "test",
    }, optional={"area", "valid_months", "second_person"})  # fmt: skip
    if top["schema"] != SCHEMA:
        reader.refuse("schema", f"must be {SCHEMA}")
    if top["test"] not in ("post", "closing"):  # a tuple: the value may be unhashable
        reader.refuse("test", "must be post or closing")
    if ("area" in top) != (top["test"] == "closing"):
        reader.refuse("area", "names whose closing form decides, and stands there only with test: closing")
    modules = reader.named(top, "modules", can_be_empty=False)
    return AchievementPolicy(
        key=reader.text(top, "key"),
        version=reader.text(top, "version"),
        course=reader.text(top, "course"),
        achievement_type=reader.text(top, "type"),
        name=reader.bilingual(top["name"], "name"),
        description=reader.bilingual(top["description"], "description"),
        criteria=reader.bilingual(top["criteria"], "criteria"),
        modules=modules,
        deliverables=reader.named(top, "deliverables", can_be_empty=True, optional={"trained_in"}),
        trained_in=reader.trained(top, [key for key, _texts in modules]),
        test=top["test"],
        area=reader.text(top, "area") if "area" in top else "",
        valid_months=reader.whole(top, "valid_months", low=MIN_VALID_MONTHS, high=600)
        if "valid_months" in top
        else None,
        second_person=reader.acts(top),
        file_name=reader.name,
        digest=hashlib.sha256(json.dumps(tree, sort_keys=True, ensure_ascii=False).encode()).hexdigest(),
    )
