"""What the blocks take from the platform they run in; the only module that knows its ways.

Two runtimes must both work: the LMS and Studio of Open edX, and the embedded classroom. They differ in what
``scope_ids.usage_id`` is, in which services exist and in who the "current user" really is.
"""

from __future__ import annotations

import gettext as gettext_module
import hashlib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from crum import get_current_user
from django.utils.translation import get_language
from xblock.core import XBlock

from integra_gradebook.api import GradebookError, Learner, is_facilitator

_PREFIX = "edx-platform."
_TRANSLATIONS = Path(__file__).parent / "translations"
# What Studio's preview gives as anonymous id instead of a learner's (open-edx: every author shares it).
_STUDIO_ANONYMOUS_ID = "student"


class ReadOnly(Exception):  # noqa: N818 - a state of the request, not a defect
    """This request may look but must not write a row.

    ``code`` is ``studio``, ``anonymous``, ``not_enrolled`` or ``masquerade``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def course_key(block: XBlock) -> str:
    """Return the key of the course run ``block`` stands in, as text."""
    usage_id = block.scope_ids.usage_id
    key = getattr(usage_id, "course_key", None)
    if key is None:
        return str(block.runtime.course_id)
    # Studio's draft store may hand out keys that carry a branch, which no stored row knows.
    return str(key.for_branch(None) if hasattr(key, "for_branch") else key)


def usage_key(block: XBlock) -> str:
    """Return the key of ``block`` itself, as text."""
    usage_id = block.scope_ids.usage_id
    if getattr(usage_id, "course_key", None) is None:
        return str(block.runtime.usage_key_of(block))
    return str(usage_id.for_branch(None) if hasattr(usage_id, "for_branch") else usage_id)


def url_name(block: XBlock) -> str:
    """Return the last part of the block's key: the ``url_name`` it has in the course's OLX."""
    return usage_key(block).rpartition("@")[2]


def is_author_mode(block: XBlock) -> bool:
    """Tell whether ``block`` is shown or called in Studio.

    Only Studio's preview says so. Its edit dialog has a user without a learner's anonymous id, which is what
    tells it from the LMS, where an anonymous visitor has no user id either.
    """
    if getattr(block.runtime, "is_author_mode", False):
        return True
    return _user_id(block) is not None and _anonymous_id(block) in (None, _STUDIO_ANONYMOUS_ID)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a block: whose facts it shows, and why nothing may be written ("" when it may)."""

    learner: Learner | None
    read_only: str


def viewer(block: XBlock) -> Viewer:
    """Return who looks at ``block``.

    While staff view as a learner, ``learner`` is that learner and ``read_only`` is ``masquerade``: reading is
    wanted, writing is not.
    """
    code = _why_unknown(block)
    if code:
        return Viewer(None, code)
    learner = Learner(_user_id(block), course_key(block))
    # Every attribute of the user service is the learner's while masquerading; only crum tells who asks.
    real = get_current_user()
    is_somebody_else = real is not None and real.pk is not None and real.pk != learner.user_id
    return Viewer(learner, "masquerade" if is_somebody_else else "")


def reader(block: XBlock) -> Learner | None:
    """Return whose facts ``block`` shows; ``None`` in Studio, for a visitor and for somebody not enrolled."""
    return viewer(block).learner


def writer(block: XBlock) -> Learner:
    """Return the learner in whose name this request may write.

    Raises:
        ReadOnly: Studio, anonymous, not enrolled, or staff viewing as the learner.
    """
    seen = viewer(block)
    if seen.learner is None or seen.read_only:
        raise ReadOnly(seen.read_only)
    return seen.learner


def facilitator(block: XBlock, *, on: date) -> int:
    """Return the user id of the facilitator of this run who makes the request.

    Being one is a row in the gradebook, never the platform's staff role, which opens every answer key.

    Raises:
        GradebookError: ``not_a_facilitator`` for anybody else, in Studio, and while somebody views as a
            facilitator: to all of them the desk is absent.
    """
    seen = viewer(block)
    if seen.learner is None or seen.read_only:
        raise GradebookError("not_a_facilitator")
    if not is_facilitator(seen.learner.user_id, seen.learner.course_key, on=on):
        raise GradebookError("not_a_facilitator")
    return seen.learner.user_id


def find_learner(block: XBlock, anonymous_id: str) -> Learner | None:
    """Return whom the platform's staff tools mean by an anonymous id; ``None`` where it is nobody's."""
    service = block.runtime.service(block, "user")
    user = service.get_user_by_anonymous_id(anonymous_id) if service else None
    return Learner(user.pk, course_key(block)) if user is not None else None


def bound_learner(block: XBlock) -> Learner | None:
    """Return whose state a staff task bound to ``block``: there is no request, so crum says nothing."""
    identity = _user_id(block)
    return Learner(identity, course_key(block)) if identity is not None else None


def require_author(block: XBlock) -> None:
    """Refuse a request that does not come from Studio.

    Raises:
        ReadOnly: ``not_studio``; the LMS serves the handlers of the edit dialog to every learner as well.
    """
    if not is_author_mode(block):
        raise ReadOnly("not_studio")


def device_owner(block: XBlock) -> str:
    """Return an opaque key for whoever reads, under which a shared phone keeps drafts apart; "" if unknown."""
    identity = _anonymous_id(block) or _user_id(block)
    if identity is None or is_author_mode(block):
        return ""
    return hashlib.sha256(f"{identity}|{course_key(block)}".encode()).hexdigest()[:16]


def translate(block: XBlock, message: str) -> str:
    """Return ``message`` in the reader's language.

    The platform's service is asked first, so that an operator's own catalogue wins; where it has none (the
    embedded classroom, or a Spanish variant without a catalogue) ours answers.
    """
    service = block.runtime.service(block, "i18n")
    translated = str(service.gettext(message))
    return translated if translated != message else _catalogue(get_language() or "").gettext(message)


@lru_cache(maxsize=16)
def _catalogue(language: str) -> gettext_module.NullTranslations:
    languages = ["es_419"] if language.lower().startswith("es") else []
    return gettext_module.translation("text", str(_TRANSLATIONS), languages=languages, fallback=True)


def _why_unknown(block: XBlock) -> str:
    """Return why there is no learner behind this request; "" when there is one."""
    if is_author_mode(block):
        return "studio"
    user_id = _user_id(block)
    if user_id is None:
        return "anonymous"
    enrollments = block.runtime.service(block, "enrollments")
    if enrollments is None:
        return "not_enrolled"
    active = enrollments.get_active_enrollments_by_course(course_key(block))
    # A query set in the LMS; older releases and the embedded classroom answer with a list.
    if hasattr(active, "filter"):
        is_enrolled = active.filter(user_id=user_id).exists()
    else:
        is_enrolled = any(enrolment.user_id == user_id for enrolment in active)
    return "" if is_enrolled else "not_enrolled"


def _user_id(block: XBlock) -> int | None:
    value = _user_attributes(block).get(_PREFIX + "user_id")
    return None if value is None else int(value)


def _anonymous_id(block: XBlock) -> str | None:
    return _user_attributes(block).get(_PREFIX + "anonymous_user_id") or None


def _user_attributes(block: XBlock) -> dict[str, Any]:
    service = block.runtime.service(block, "user")
    user = service.get_current_user() if service else None
    return user.opt_attrs if user else {}
