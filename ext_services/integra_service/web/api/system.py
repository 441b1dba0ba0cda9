"""Whether the service lives, whether it can work, and what waits to be looked at."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integra_service.audit.services import get_head
from integra_service.lib.clock import utc_now
from integra_service.lib.remembering import Remembered, StillAskingError
from integra_service.records.monitoring import measure_inbox
from integra_service.upkeep.alarms import list_alarms

READY_SECONDS, FAILED_SECONDS = 5, 1  # a stranger may ask as often as they like


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Who came here by the bare address learns where to go."""
    return render(request, "integra/front.html")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Counts and alarms only, and the head of the audit chain to keep elsewhere; looked at every five seconds at most.

    503 where the service cannot do its work (the database is away, the inbox does not move, the audit chain lost its
    head); what only people can settle is named in ``alarms`` and leaves the pages where they are.
    """
    try:
        body, status = readiness.get()
    except StillAskingError:  # the database does not answer, and does not refuse either
        body, status = {"status": "storage_unavailable"}, 503
    return JsonResponse(body, status=status)


def describe_readiness() -> tuple[dict[str, object], int]:
    """Return what is the matter, and the status that says so."""
    now = utc_now()
    inbox = measure_inbox(now)
    alarms = list_alarms(inbox, now)
    sequence, digest = get_head()
    stopping = [alarm.code for alarm in alarms if alarm.is_stopping]
    body: dict[str, object] = {
        "status": stopping[0] if stopping else "attention" if alarms else "ok",
        "alarms": [{"code": alarm.code, "count": alarm.count} for alarm in alarms],
        "inbox": {
            "new": inbox.new_count,
            "oldest_new_seconds": inbox.oldest_new_seconds,
            "parked": inbox.parked_counts,
            "oldest_parked_seconds": inbox.oldest_parked_seconds,
            "refused": inbox.refused_count,
            "sequence_gaps": inbox.gap_count,
            "announcements_due": inbox.due_count,
        },
        "audit_head": {"sequence": sequence, "hash": digest},
    }
    return body, 503 if stopping else 200


readiness = Remembered(describe_readiness, READY_SECONDS, FAILED_SECONDS)
