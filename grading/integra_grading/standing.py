"""What a learner has reached in a module and in the course, derived from facts and rules.

Two questions are kept apart. A module is *done* or *exempt* by its units or by the bypass quiz alone; its
deliverable is due besides, and the course asks for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from integra_grading.errors import GradingError
from integra_grading.forms import POST_KEY, CutAttempt, has_reached_cut
from integra_grading.manifest import Due, Manifest, Module, Unit
from integra_grading.reasons import Reason, ReasonCode


class ModuleState(StrEnum):
    OPEN = "open"
    DONE = "done"
    EXEMPT = "exempt"


class Route(StrEnum):
    """How a module was reached."""

    TRAINING = "training"
    EVALUATION = "evaluation"


class CourseState(StrEnum):
    OPEN = "open"
    REACHED = "reached"


class DeliverableState(StrEnum):
    """Where the latest version of a deliverable stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """What is known about one learner in one module; everything absent by default.

    A unit counts as complete when it is in ``units_completed`` (who only sees events knows no more), or when
    its lesson and all its practices are. Time-bound refusals are no facts of a standing: see
    ``bypass.may_sit``.
    """

    units_completed: frozenset[str] = frozenset()
    lessons_completed: frozenset[str] = frozenset()  # unit keys
    practices_completed: frozenset[str] = frozenset()
    deliverable: DeliverableState | None = None
    is_exempted: bool = False  # an exemption stands, of this run or carried over
    has_failed_bypass: bool = False  # the last sitting said: take the module


@dataclass(frozen=True, slots=True)
class ModuleStanding:
    """``reasons`` is everything still missing in the module, its deliverable included where due."""

    module_key: str
    state: ModuleState
    route: Route | None
    reasons: tuple[Reason, ...]
    is_deliverable_due: bool
    minutes_trained: int
    minutes_recognised: int

    @property
    def is_reached(self) -> bool:
        """Done or exempt, whatever its deliverable."""
        return self.state is not ModuleState.OPEN


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """What is known about one learner in one run of the course.

    Attempts are submitted and not voided, in any order.
    """

    modules: Mapping[str, ModuleFacts] = field(default_factory=dict)
    post_attempts: tuple[CutAttempt, ...] = ()
    closing_attempts: Mapping[str, tuple[CutAttempt, ...]] = field(default_factory=dict)  # by area


@dataclass(frozen=True, slots=True)
class CourseStanding:
    """``modules`` in the order of the manifest."""

    state: CourseState
    reasons: tuple[Reason, ...]
    minutes_trained: int
    minutes_recognised: int
    modules: tuple[ModuleStanding, ...]

    def get_module(self, module_key: str) -> ModuleStanding:
        """Return the standing in one module.

        Raises:
            GradingError: ``unknown_module``.
        """
        for standing in self.modules:
            if standing.module_key == module_key:
                return standing
        raise GradingError("unknown_module", "module_key", "The manifest has no such module.")


def is_unit_complete(unit: Unit, facts: ModuleFacts) -> bool:
    """Return whether the unit's lesson and all its practices are complete."""
    return not _missing_in(unit, facts)


def is_half_done(facts: ModuleFacts, module: Module) -> bool:
    """Return whether units of at least half the module's minutes are complete.

    Source: dossier 2.7: who failed the bypass quiz may sit it again after doing half the module; whenever that was, so
    that nobody who has worked waits.
    """
    return 2 * sum(unit.minutes for unit in module.units if is_unit_complete(unit, facts)) >= module.minutes


def decide_module(facts: ModuleFacts, module: Module) -> ModuleStanding:
    """Return the learner's standing in one module.

        exempt (evaluation)   an exemption stands and every unit with ``always_required`` is complete
        done (training)       else, every unit is complete
        open                  else

    An exemption goes before training: minutes once recognised do not turn into minutes trained, and no
    deliverable becomes due afterwards.

    Args:
        facts: The learner's in this module.
        module: Its rules.

    Returns:
        Reasons in the order of the manifest: ``unit_missing`` (key: unit), ``practice_missing`` (practice),
        ``bypass_failed`` (module, while open), then ``deliverable_missing``, ``deliverable_in_review`` or
        ``deliverable_returned`` (deliverable) where it is due and not accepted. It is due with ``always``, and
        with ``training`` once the module was done by training. ``minutes_trained`` are the module's declared
        minutes when done, ``minutes_recognised`` when exempt, both otherwise 0.

    Invariants: more units, practices or an accepted deliverable never add a reason to an open module other
    than its deliverable's; at most one of the two minutes is not 0.

    Source: dossier 2.5 to 2.7.
    """
    required = [unit for unit in module.units if unit.always_required or not facts.is_exempted]
    missing = tuple(reason for unit in required for reason in _missing_in(unit, facts))
    if missing:
        state, route = ModuleState.OPEN, None
        if facts.has_failed_bypass and not facts.is_exempted:
            missing += (Reason(ReasonCode.BYPASS_FAILED, module.key),)
    elif facts.is_exempted:
        state, route = ModuleState.EXEMPT, Route.EVALUATION
    else:
        state, route = ModuleState.DONE, Route.TRAINING
    is_due = _is_deliverable_due(module, route)
    return ModuleStanding(
        module_key=module.key,
        state=state,
        route=route,
        reasons=missing + (_deliverable_reasons(module, facts) if is_due else ()),
        is_deliverable_due=is_due,
        minutes_trained=module.minutes if route is Route.TRAINING else 0,
        minutes_recognised=module.minutes if route is Route.EVALUATION else 0,
    )


def decide_course(facts: CourseFacts, manifest: Manifest) -> CourseStanding:
    """Return the learner's standing in the course.

    Reached iff every module is done or exempt, every deliverable due is accepted and a post-test is at or
    above the cut.

    Args:
        facts: The learner's in this run; modules the manifest does not know are ignored.
        manifest: The rules.

    Returns:
        Reasons in this order: ``module_open`` (module) and the deliverable's reason per module, then
        ``post_missing`` or ``below_cut`` (key "post"; the best attempt counts, the cut is inclusive). Minutes
        are sums over the modules.

    Invariants: independent of the order of facts; ``reached`` iff there is no reason.

    Source: dossier 2.6.
    """
    standings = tuple(
        decide_module(facts.modules.get(module.key, ModuleFacts()), module) for module in manifest.modules
    )
    reasons: list[Reason] = []
    for standing in standings:
        if not standing.is_reached:
            reasons.append(Reason(ReasonCode.MODULE_OPEN, standing.module_key))
        reasons += [reason for reason in standing.reasons if reason.code in DELIVERABLE_CODES]
    reasons += _post_reasons(facts, manifest)
    return CourseStanding(
        state=CourseState.OPEN if reasons else CourseState.REACHED,
        reasons=tuple(reasons),
        minutes_trained=sum(standing.minutes_trained for standing in standings),
        minutes_recognised=sum(standing.minutes_recognised for standing in standings),
        modules=standings,
    )


_CODES_BY_STATE = {
    None: ReasonCode.DELIVERABLE_MISSING,
    DeliverableState.DRAFT: ReasonCode.DELIVERABLE_MISSING,
    DeliverableState.SUBMITTED: ReasonCode.DELIVERABLE_IN_REVIEW,
    DeliverableState.RETURNED: ReasonCode.DELIVERABLE_RETURNED,
}
DELIVERABLE_CODES = frozenset(_CODES_BY_STATE.values())


def _missing_in(unit: Unit, facts: ModuleFacts) -> list[Reason]:
    if unit.key in facts.units_completed:
        return []
    missing = []
    if unit.key not in facts.lessons_completed:
        missing.append(Reason(ReasonCode.UNIT_MISSING, unit.key))
    missing += [
        Reason(ReasonCode.PRACTICE_MISSING, practice.key)
        for practice in unit.practices
        if practice.key not in facts.practices_completed
    ]
    return missing


def _is_deliverable_due(module: Module, route: Route | None) -> bool:
    if module.deliverable is None:
        return False
    return module.deliverable.due is Due.ALWAYS or route is Route.TRAINING


def _deliverable_reasons(module: Module, facts: ModuleFacts) -> tuple[Reason, ...]:
    if module.deliverable is None or facts.deliverable is DeliverableState.ACCEPTED:
        return ()
    return (Reason(_CODES_BY_STATE[facts.deliverable], module.deliverable.key),)


def _post_reasons(facts: CourseFacts, manifest: Manifest) -> list[Reason]:
    if not facts.post_attempts:
        return [Reason(ReasonCode.POST_MISSING, POST_KEY)]
    if any(has_reached_cut(attempt, manifest.tests.post) for attempt in facts.post_attempts):
        return []
    return [Reason(ReasonCode.BELOW_CUT, POST_KEY)]
