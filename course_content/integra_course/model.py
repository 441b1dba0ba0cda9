"""The course as read from its sources: frozen, typed, and every part knows where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from integra_course.facts import Fact
from integra_course.problems import Place
from integra_course.readability import Measure, count_words, measure, plain_text
from integra_grading.cut_scores import Panel
from integra_grading.items import Item

MINUTE_TYPES = ("reading", "example", "practice", "field", "deliverable")


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One question: what the blocks and the gradebook know of it, and where its parts stand."""

    place: Place
    item: Item
    errors: tuple[str, ...]
    option_texts: tuple[str, ...]
    stem_text: str
    is_calculation: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a lesson: kind as in the OLX, HTML already safe."""

    place: Place
    kind: str
    title: str
    html: str
    markdown: str


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the glossary."""

    word: str
    definition: str


@dataclass(frozen=True, slots=True)
class Practice:
    """The formative questions of a unit."""

    place: Place
    key: str
    items: tuple[SourceItem, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A lesson with its practice; where nothing but the deliverable is worked on, there is none."""

    place: Place
    key: str
    title: str
    minutes: int
    minutes_by_type: dict[str, int]
    is_always_required: bool
    outcomes: tuple[str, ...]
    sections: tuple[Section, ...]
    terms: tuple[Term, ...]
    practice: Practice | None

    @property
    def practice_items(self) -> tuple[SourceItem, ...]:
        """Return the questions of the practice."""
        return self.practice.items if self.practice else ()

    @property
    def word_count(self) -> int:
        """Return how many words the lesson has."""
        return sum(count_words(section.markdown) for section in self.sections)

    @property
    def reading(self) -> Measure:
        """Return how the lesson as a whole reads."""
        return measure("\n".join(plain_text(section.markdown) for section in self.sections))


@dataclass(frozen=True, slots=True)
class Stratum:
    """One outcome of a ring with the number of its items in each form."""

    place: Place
    key: str
    per_form: int


@dataclass(frozen=True, slots=True)
class Bank:
    """A test bank, the ring of a module's bypass quiz or that of an area's closing form."""

    place: Place
    key: str
    kind: str
    is_public: bool
    items: tuple[SourceItem, ...]
    strata: tuple[Stratum, ...]


@dataclass(frozen=True, slots=True)
class Deliverable:
    """A deliverable of a module: its rules and its form (``definition`` as in docs/interfaces.md §4)."""

    place: Place
    key: str
    title: str
    due: str
    accepted_by: str
    rubric_version: str
    document: str
    definition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a person can do at the end of a module."""

    place: Place
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class LegalReview:
    """Whether somebody who knows the law has read a module that speaks of it; signed by whom and when."""

    signed_by: str = ""
    signed_on: date | None = None

    @property
    def is_pending(self) -> bool:
        """Whether nobody has signed yet."""
        return self.signed_on is None


@dataclass(frozen=True, slots=True)
class Before:
    """What comes before a module: ``needed`` and ``helpful`` modules, and what stands in for the needed ones.

    It advises; nothing is locked, because whoever has a business does not wait for a course.
    """

    place: Place
    needed: tuple[str, ...]
    helpful: tuple[str, ...]
    unless: str


@dataclass(frozen=True, slots=True)
class Module:
    """A module with its units, and a ring where it can be bypassed; ``legal_review``: only where it speaks of law."""

    place: Place
    key: str
    title: str
    before: Before
    can_be_bypassed: bool
    outcomes: tuple[Outcome, ...]
    units: tuple[Unit, ...]
    bypass: Bank | None
    min_calculations: int
    deliverable: Deliverable | None
    legal_review: LegalReview | None

    @property
    def minutes(self) -> int:
        """Return the declared minutes of its units."""
        return sum(unit.minutes for unit in self.units)


@dataclass(frozen=True, slots=True)
class Tests:
    """The twin tests before and after the course."""

    place: Place
    cut_place: Place
    forms: tuple[str, ...]
    further_forms: tuple[str, ...]
    pre_minutes: int
    post_minutes: int
    cut: int
    panel: Panel | None
    max_attempts: int
    wait_hours: int
    blueprint: tuple[Stratum, ...]
    levels: tuple[LevelCount, ...]
    bank: Bank

    @property
    def all_forms(self) -> tuple[str, ...]:
        """Return the twin forms and those for further attempts."""
        return (*self.forms, *self.further_forms)

    @property
    def minutes(self) -> int:
        """Return the minutes of both tests, which count as the course's."""
        return self.pre_minutes + self.post_minutes


@dataclass(frozen=True, slots=True)
class LevelCount:
    """How many questions of every form about one module are of one of these levels."""

    place: Place
    module: str
    levels: tuple[str, ...]
    per_form: int


@dataclass(frozen=True, slots=True)
class Closing:
    """The closing form of an area."""

    place: Place
    area: str
    title: str
    minutes: int
    cut: int
    max_attempts: int
    wait_hours: int
    bank: Bank

    @property
    def max_score(self) -> int:
        """Return how many questions one form has."""
        return sum(stratum.per_form for stratum in self.bank.strata)


@dataclass(frozen=True, slots=True)
class GradedPart:
    """One assignment type of the LMS's own grade book."""

    place: Place
    key: str
    type: str
    short_label: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class Info:
    """Name, run and dates of the course."""

    place: Place
    key: str
    title: str
    org: str
    number: str
    run: str
    language: str
    start: str
    end: str
    image: str
    summary: str
    overview_html: str


@dataclass(frozen=True, slots=True)
class Area:
    """Modules that an achievement asks for together; ``title`` may be empty."""

    place: Place
    key: str
    title: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LearningPath:
    """An order of the course's modules that suits one aim; every module stands in it once."""

    place: Place
    key: str
    title: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rubric:
    """A scoring guide; ``content`` as in the manifest."""

    place: Place
    version: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Course:
    """The whole course; ``places`` has the place of every key of ``course.yaml``."""

    places: dict[str, Place]
    info: Info
    minutes: int
    achievements: tuple[str, ...]
    areas: tuple[Area, ...]
    paths: tuple[LearningPath, ...]
    modules: tuple[Module, ...]
    rubrics: tuple[Rubric, ...]
    tests: Tests
    closings: tuple[Closing, ...]
    bypass_rules: dict[str, int]
    titles: dict[str, str]
    graded_parts: tuple[GradedPart, ...]
    pass_mark: Decimal
    static_files: tuple[str, ...]
    facts: tuple[Fact, ...]

    def banks(self) -> tuple[Bank, ...]:
        """Return the test bank and every ring."""
        rings = (module.bypass for module in self.modules if module.bypass is not None)
        return (self.tests.bank, *rings, *(closing.bank for closing in self.closings))

    def units(self) -> tuple[Unit, ...]:
        """Return every unit in course order."""
        return tuple(unit for module in self.modules for unit in module.units)

    def practice_items(self) -> tuple[SourceItem, ...]:
        """Return the questions of every practice, in course order."""
        return tuple(each for unit in self.units() for each in unit.practice_items)

    def items(self) -> tuple[SourceItem, ...]:
        """Return every question: those of the practices, then those of the banks."""
        return (*self.practice_items(), *(each for bank in self.banks() for each in bank.items))
