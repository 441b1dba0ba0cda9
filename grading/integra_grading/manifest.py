"""The manifest: the course's rules, blueprint and digests, without a key, an option or a text of an item.

Schema ``integra.manifest/1``: interfaces, section 1. Its digest is the ``rule_version`` of every fact.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from integra_grading.blueprint import BlueprintRow, LevelRow
from integra_grading.bypass import BypassRules
from integra_grading.canonical import digest
from integra_grading.errors import ManifestError, WireError
from integra_grading.forms import ClosingRules, PostRules, PreRules
from integra_grading.items import bank_digest
from integra_grading.ring import Stratum
from integra_grading.rubric import Rubric
from integra_grading.wire import (
    COURSE_KEY,
    KEY,
    PROSE,
    TITLE,
    TOKEN,
    Choice,
    Constant,
    Flag,
    Many,
    Nullable,
    Record,
    Text,
    Whole,
    refusing_as,
    require_distinct,
    wire,
)

SCHEMA = "integra.manifest/1"

_MINUTES = Whole(0, 10_000)


class Due(StrEnum):
    """Whose deliverable it is: everybody's, or only of those who did the module by training."""

    ALWAYS = "always"
    TRAINING = "training"


class AcceptedBy(StrEnum):
    FACILITATOR = "facilitator"
    AUTOMATIC = "automatic"


class BankKind(StrEnum):
    TEST = "test"
    BYPASS = "bypass"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    key: str = wire(COURSE_KEY)
    title: str = wire(TITLE)
    language: str = wire(Text(35, r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A group of modules that an achievement asks for together; ``title`` is what learners call it."""

    key: str = wire(KEY)
    title: str | None = wire(TITLE, optional=True)
    modules: tuple[str, ...] = wire(Many(KEY, 100, minimum=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    key: str = wire(KEY)
    text: str = wire(PROSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    key: str = wire(KEY)
    items: tuple[str, ...] = wire(Many(KEY, 50, minimum=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """``always_required``: also of those who are exempt from the module."""

    key: str = wire(KEY)
    title: str = wire(TITLE)
    minutes: int = wire(_MINUTES)
    always_required: bool = wire(Flag())
    practices: tuple[Practice, ...] = wire(Many(Record(Practice), 20))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverable:
    """``document`` names what the fund reads it as, where it does."""

    key: str = wire(KEY)
    title: str = wire(TITLE)
    due: Due = wire(Choice(Due))
    accepted_by: AcceptedBy = wire(Choice(AcceptedBy))
    rubric_version: str = wire(TOKEN)
    document: str | None = wire(KEY, optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """``minutes`` is the sum of its units' minutes."""

    key: str = wire(KEY)
    title: str = wire(TITLE)
    minutes: int = wire(_MINUTES)
    can_be_bypassed: bool = wire(Flag())
    outcomes: tuple[Outcome, ...] = wire(Many(Record(Outcome), 50))
    units: tuple[Unit, ...] = wire(Many(Record(Unit), 50, minimum=1))
    deliverable: Deliverable | None = wire(Nullable(Record(Deliverable)))

    def __post_init__(self) -> None:
        if self.minutes != sum(unit.minutes for unit in self.units):
            raise WireError(
                "contradiction", f"{self.key}.minutes", "Minutes are the sum of the units' minutes."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRules:
    __test__ = False  # pytest would take the name for a test case

    pre: PreRules = wire(Record(PreRules))
    post: PostRules = wire(Record(PostRules))

    def __post_init__(self) -> None:
        if self.post.cut > self.post.max_score:
            raise WireError("contradiction", "tests.post.cut", "The cut is above the highest possible score.")
        panel = self.post.panel
        if panel is not None and (panel.points, panel.items) != (self.post.cut, self.post.max_score):
            raise WireError(
                "contradiction", "tests.post.panel", "The cut is what the panel of this form's items gave."
            )
        require_distinct(list(self.pre.forms), "tests.pre.forms")
        require_distinct([*self.post.forms, *self.post.further_forms], "tests.post.forms")
        if set(self.pre.forms) != set(self.post.forms):
            raise WireError(
                "contradiction", "tests.post.forms", "Pre-test and post-test share their twin forms."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BankItem:
    """An item by key and digest only."""

    key: str = wire(KEY)
    digest: str = wire(TOKEN)
    form: str | None = wire(KEY, optional=True)
    stratum: str | None = wire(KEY, optional=True)
    twin: str | None = wire(KEY, optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A bank as the manifest names it; ``is_public``: its keys stand in a public repository.

    A test bank has forms; the ring of a module's bypass quiz and that of an area's closing form have strata.
    """

    id: str = wire(KEY)
    kind: BankKind = wire(Choice(BankKind))
    module: str | None = wire(KEY, optional=True)
    is_public: bool = wire(Flag(), name="public")
    digest: str = wire(TOKEN)
    items: tuple[BankItem, ...] = wire(Many(Record(BankItem), 2000, minimum=1))
    strata: tuple[Stratum, ...] = wire(Many(Record(Stratum), 50))

    def __post_init__(self) -> None:
        require_distinct([item.key for item in self.items], f"{self.id}.items")
        require_distinct([stratum.key for stratum in self.strata], f"{self.id}.strata")
        if self.digest != bank_digest((item.key, item.digest) for item in self.items):
            raise WireError("digest_mismatch", f"{self.id}.digest", "Not the digest of the items listed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything that decides about a learner, and the digest that names this version of it."""

    schema: str = wire(Constant(SCHEMA))
    course: Course = wire(Record(Course))
    achievements: tuple[str, ...] = wire(Many(KEY, 20))
    areas: tuple[Area, ...] = wire(Many(Record(Area), 20))
    modules: tuple[Module, ...] = wire(Many(Record(Module), 100, minimum=1))
    rubrics: tuple[Rubric, ...] = wire(Many(Record(Rubric), 20))
    tests: TestRules = wire(Record(TestRules))
    blueprint: tuple[BlueprintRow, ...] = wire(Many(Record(BlueprintRow), 500))
    blueprint_levels: tuple[LevelRow, ...] = wire(Many(Record(LevelRow), 500), optional=True, default=())
    closing: tuple[ClosingRules, ...] = wire(Many(Record(ClosingRules), 20), optional=True, default=())
    bypass: BypassRules | None = wire(Nullable(Record(BypassRules)))
    banks: tuple[Bank, ...] = wire(Many(Record(Bank), 100))
    digest: str = wire(TOKEN)

    @property
    def rule_version(self) -> str:
        """The digest, under the name facts and events use."""
        return self.digest

    def find_module(self, module_key: str) -> Module | None:
        """Return the module, or None."""
        return next((module for module in self.modules if module.key == module_key), None)

    def find_unit(self, unit_key: str) -> tuple[Module, Unit] | None:
        """Return the unit with its module, or None."""
        return next(((m, unit) for m in self.modules for unit in m.units if unit.key == unit_key), None)

    def find_deliverable(self, deliverable_key: str) -> tuple[Module, Deliverable] | None:
        """Return the deliverable with its module, or None."""
        return next(
            (
                (m, m.deliverable)
                for m in self.modules
                if m.deliverable and m.deliverable.key == deliverable_key
            ),
            None,
        )

    def find_rubric(self, version: str) -> Rubric | None:
        """Return the rubric, or None."""
        return next((rubric for rubric in self.rubrics if rubric.version == version), None)

    def find_bank(self, bank_id: str) -> Bank | None:
        """Return the bank, or None."""
        return next((bank for bank in self.banks if bank.id == bank_id), None)

    def find_closing(self, bank_id: str) -> ClosingRules | None:
        """Return the rules of the closing form drawn from a bank, or None."""
        return next((rules for rules in self.closing if rules.bank == bank_id), None)

    def find_bypass_bank(self, module_key: str) -> Bank | None:
        """Return the module's ring, or None."""
        return next((b for b in self.banks if b.kind is BankKind.BYPASS and b.module == module_key), None)


def manifest_digest(raw: dict[str, object]) -> str:
    """Return SHA-256 over the canonical JSON of everything but ``digest``.

    Raises:
        CanonicalError: The manifest has no canonical form.
    """
    return digest({key: value for key, value in raw.items() if key != "digest"})


def parse_manifest(raw: object) -> Manifest:
    """Return the manifest of its JSON form.

    Args:
        raw: Any JSON.

    Raises:
        ManifestError: A code of ``integra_grading.wire`` (``unknown_key``, ``missing_key``, ``wrong_type`` …),
            ``duplicate_key``, ``unknown_reference`` (a module, rubric, outcome or form that is not there),
            ``contradiction`` (two parts that cannot both hold), ``digest_mismatch``.

    Invariants: nothing but ManifestError is raised, whatever ``raw`` is; every reference of the result
    resolves.
    """
    with refusing_as(ManifestError):
        manifest: Manifest = Record(Manifest).read(raw, "")
        _check_keys(manifest)
        _check_references(manifest)
        _check_banks(manifest)
        if isinstance(raw, dict) and manifest.digest != manifest_digest(raw):
            raise WireError(
                "digest_mismatch", "digest", "The manifest was changed after its digest was made."
            )
    return manifest


def _check_keys(manifest: Manifest) -> None:
    modules = manifest.modules
    units = [unit for module in modules for unit in module.units]
    require_distinct(list(manifest.achievements), "achievements")
    require_distinct([area.key for area in manifest.areas], "areas")
    require_distinct([module.key for module in modules], "modules")
    require_distinct([unit.key for unit in units], "units")
    require_distinct([practice.key for unit in units for practice in unit.practices], "practices")
    require_distinct([item for unit in units for p in unit.practices for item in p.items], "practice items")
    require_distinct([outcome.key for module in modules for outcome in module.outcomes], "outcomes")
    require_distinct([module.deliverable.key for module in modules if module.deliverable], "deliverables")
    require_distinct([rubric.version for rubric in manifest.rubrics], "rubrics")
    require_distinct([row.outcome for row in manifest.blueprint], "blueprint")
    require_distinct([bank.id for bank in manifest.banks], "banks")
    require_distinct([bank.module for bank in manifest.banks if bank.module], "banks of modules")
    require_distinct([rules.area for rules in manifest.closing], "closing")
    require_distinct([rules.bank for rules in manifest.closing], "banks of closing forms")


def _check_references(manifest: Manifest) -> None:
    outcomes = {outcome.key for module in manifest.modules for outcome in module.outcomes}
    for area in manifest.areas:
        for module_key in area.modules:
            _require(manifest.find_module(module_key) is not None, f"areas.{area.key}", "No such module.")
    for module in manifest.modules:
        if module.deliverable is not None:
            rubric = manifest.find_rubric(module.deliverable.rubric_version)
            _require(rubric is not None, f"{module.key}.deliverable.rubric_version", "No such rubric.")
        if module.can_be_bypassed:
            found = manifest.bypass is not None and manifest.find_bypass_bank(module.key) is not None
            _require(found, f"{module.key}.can_be_bypassed", "There are no bypass rules or no ring for it.")
    for level_row in manifest.blueprint_levels:
        known = manifest.find_module(level_row.module) is not None
        _require(known, f"blueprint_levels.{level_row.module}", "No such module.")
    areas = {area.key for area in manifest.areas}
    for closing in manifest.closing:
        _require(closing.area in areas, f"closing.{closing.area}", "No such area.")
        bank = manifest.find_bank(closing.bank)
        found = bank is not None and bank.kind is BankKind.CLOSING
        _require(found, f"closing.{closing.area}.bank", "No such bank of closing items.")
    for row in manifest.blueprint:
        _require(row.outcome in outcomes, f"blueprint.{row.outcome}", "No module has this outcome.")


def _check_banks(manifest: Manifest) -> None:
    for bank in manifest.banks:
        if bank.kind is BankKind.BYPASS:
            _check_bypass_ring(bank, manifest)
        elif bank.kind is BankKind.CLOSING:
            _check_closing_ring(bank, manifest)
        else:
            _check_test_bank(bank, manifest)


def _check_test_bank(bank: Bank, manifest: Manifest) -> None:
    if bank.module is not None or bank.strata:
        raise WireError("contradiction", bank.id, "A test bank belongs to no module and has no strata.")
    per_form = Counter(item.form for item in bank.items)
    if set(per_form) != {*manifest.tests.post.forms, *manifest.tests.post.further_forms}:
        raise WireError("contradiction", f"{bank.id}.items", "Every form has items, every item a form.")
    if len(set(per_form.values())) != 1:
        raise WireError("contradiction", f"{bank.id}.items", "Forms have equally many items.")


def _check_bypass_ring(bank: Bank, manifest: Manifest) -> None:
    module = manifest.find_module(bank.module or "")
    _require(module is not None, f"{bank.id}.module", "No such module.")
    if manifest.bypass is None:
        raise WireError("unknown_reference", f"{bank.id}.kind", "There are no bypass rules for it.")
    _check_ring(bank, form_items=manifest.bypass.form_items)


def _check_closing_ring(bank: Bank, manifest: Manifest) -> None:
    rules = manifest.find_closing(bank.id)
    if rules is None:
        raise WireError("unknown_reference", f"{bank.id}.kind", "No closing form is drawn from it.")
    if bank.module is not None:
        raise WireError("contradiction", bank.id, "A closing form belongs to an area, not to a module.")
    if rules.cut > rules.max_score:
        raise WireError(
            "contradiction", f"closing.{rules.area}.cut", "The cut is above the highest possible score."
        )
    _check_ring(bank, form_items=rules.max_score)


def _check_ring(bank: Bank, *, form_items: int) -> None:
    """Whole forms only: otherwise items would come back to a learner before the ring is used up."""
    if sum(stratum.per_form for stratum in bank.strata) != form_items:
        raise WireError("contradiction", f"{bank.id}.strata", "Counts per form add up to one form.")
    held = Counter(item.stratum for item in bank.items)
    counts = {stratum.key: stratum.per_form for stratum in bank.strata}
    if any(stratum not in counts for stratum in held):
        raise WireError("unknown_reference", f"{bank.id}.items", "An item is of a stratum without a count.")
    for key, per_form in counts.items():
        if held[key] < 2 * per_form:
            raise WireError("contradiction", f"{bank.id}.strata", "A ring holds two forms without a repeat.")
        if held[key] % per_form:
            raise WireError(
                "contradiction", f"{bank.id}.strata", "Each stratum is a whole multiple of a form."
            )


def _require(condition: bool, at: str, message: str) -> None:
    if not condition:
        raise WireError("unknown_reference", at, message)
