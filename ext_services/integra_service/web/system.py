"""Whether the service lives, whether it can work, and what waits to be looked at."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integra_service.audit.services import get_head
from integra_service.lib.clock import utc_now
from integra_service.records.monitoring import measure_inbox

OLDEST_UNAPPLIED_SECONDS = 15 * 60


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
    """The database answers and the inbox moves; counts only, and the head of the audit chain to keep elsewhere."""
    inbox = measure_inbox(utc_now())
    sequence, digest = get_head()
    is_ready = inbox.oldest_new_seconds <= OLDEST_UNAPPLIED_SECONDS
    body = {
        "status": "ok" if is_ready else "inbox_behind",
        "inbox": {
            "new": inbox.new_count,
            "oldest_new_seconds": inbox.oldest_new_seconds,
            "parked": inbox.parked_counts,
            "refused": inbox.refused_count,
            "sequence_gaps": inbox.gap_count,
            "announcements_due": inbox.due_count,
        },
        "audit_head": {"sequence": sequence, "hash": digest},
    }
    return JsonResponse(body, status=200 if is_ready else 503)
