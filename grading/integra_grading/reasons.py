"""Why something is not reached or not allowed yet: one enumeration for the whole project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from integra_grading.errors import WireError

_WIRE = re.compile(r"([a-z][a-z0-9_]{0,39})(?::([A-Za-z0-9][A-Za-z0-9._-]{0,63}))?")


class ReasonCode(StrEnum):
    """Each code with what its key names."""

    UNIT_MISSING = "unit_missing"  # unit
    PRACTICE_MISSING = "practice_missing"  # practice
    DELIVERABLE_MISSING = "deliverable_missing"  # deliverable
    DELIVERABLE_IN_REVIEW = "deliverable_in_review"  # deliverable
    DELIVERABLE_RETURNED = "deliverable_returned"  # deliverable
    MODULE_OPEN = "module_open"  # module
    POST_MISSING = "post_missing"  # "post"
    BELOW_CUT = "below_cut"  # "post", or a criterion-free rubric
    CRITERION_AT_ZERO = "criterion_at_zero"  # criterion
    BYPASS_FAILED = "bypass_failed"  # module
    NOT_BYPASSABLE = "not_bypassable"  # module
    MODULE_DONE = "module_done"  # module
    EXEMPT_ALREADY = "exempt_already"  # module
    ALREADY_PASSED = "already_passed"  # "post"
    COOLDOWN = "cooldown"  # module, or "post"
    SITTINGS_USED = "sittings_used"  # module
    ATTEMPTS_USED = "attempts_used"  # "post"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason and what it is about."""

    code: ReasonCode
    key: str

    def to_wire(self) -> str:
        """Return ``code:key``, the form in which a reason travels in an event."""
        return f"{self.code}:{self.key}"


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether the learner may start now.

    ``until`` is when the last of the reasons passes by itself; None when allowed, or when time alone does
    not help.
    """

    reasons: tuple[Reason, ...] = ()
    until: datetime | None = None

    @property
    def is_granted(self) -> bool:
        return not self.reasons


def parse_reason(text: object) -> tuple[str, str]:
    """Return (code, key) of a reason on the wire; key is empty where only the code came.

    Codes this version does not know are kept, so that an older service still shows a newer classroom's.

    Raises:
        WireError: ``bad_reason``.
    """
    match = _WIRE.fullmatch(text) if isinstance(text, str) and len(text) <= 105 else None
    if match is None:
        raise WireError("bad_reason", "", "A reason is a code, or code:key.")
    return match[1], match[2] or ""
