"""Which learner's browser this is, for the pages of every app: set by the hand-over alone.

The deadlines stand in the session, not in its cookie: a cookie that lasts would survive a browser that was closed, and
with it open the pages to the next person.
"""

from datetime import datetime

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from integra_service.lib.clock import utc_now

from .models import LearnerIdentity

LEARNER_KEY = "learner_identity"
ENTERED_KEY, SEEN_KEY = "learner_entered_at", "learner_seen_at"
IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 4 * 3600
# A session is written anew when it was seen so long ago, not at every request.
NOTED_SECONDS = 60


def begin_session(session: SessionBase, identity: LearnerIdentity, now: datetime) -> None:
    """Make this session the learner's: until half an hour without a request, and four hours at most."""
    session[LEARNER_KEY] = identity.pk
    session[ENTERED_KEY] = session[SEEN_KEY] = now.timestamp()


def note_activity(session: SessionBase, now: datetime) -> None:
    """Let the half hour begin again."""
    if now.timestamp() - session[SEEN_KEY] >= NOTED_SECONDS:
        session[SEEN_KEY] = now.timestamp()


def is_over(session: SessionBase, now: datetime) -> bool:
    """Tell whether a learner was handed over to this session and their time ran out."""
    if LEARNER_KEY not in session:
        return False
    seen_at, entered_at = float(session.get(SEEN_KEY, 0)), float(session.get(ENTERED_KEY, 0))
    moment = now.timestamp()
    return moment - seen_at > IDLE_SECONDS or moment - entered_at > LONGEST_SECONDS


def find_learner(request: HttpRequest) -> LearnerIdentity | None:
    """Return the learner who was handed over to this browser, or None."""
    pk = request.session.get(LEARNER_KEY)
    if pk is None or is_over(request.session, utc_now()):
        return None
    identities = LearnerIdentity.objects.for_system().select_related("person__city", "source")
    return identities.filter(
        pk=pk, source__is_active=True, retired_at__isnull=True, person__erased_at__isnull=True
    ).first()
