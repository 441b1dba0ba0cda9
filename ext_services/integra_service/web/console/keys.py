"""Who signs and with what, read-only: rotating and withdrawing keys are commands of who keeps the machine."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integra_service.credentials.services import KeyState, count_documents, count_entries, find_issuer
from integra_service.credentials.status_list import LENGTH
from integra_service.people.services import Staff
from integra_service.web.sessions import officer_page

STATES = {
    KeyState.ACTIVE: (gettext_lazy("Signs"), "tag-good"),
    KeyState.RETIRED: (gettext_lazy("Signs no more; what it signed counts"), ""),
    KeyState.COMPROMISED: (gettext_lazy("Not trusted; what it signed does not count"), "tag-bad"),
}


@require_GET
@never_cache
@officer_page
def keys(request: HttpRequest, staff: Staff) -> HttpResponse:
    """Show keys and lists. Counts are of the officer's own cities: how much the others issue is theirs to tell."""
    issuer = find_issuer()
    context: dict[str, Any] = {"issuer": issuer, "keys": [], "lists": [], "length": LENGTH}
    if issuer is not None:
        context["keys"] = [
            {
                "row": key,
                "label": STATES[KeyState(key.state)][0],
                "look": STATES[KeyState(key.state)][1],
                "document_count": count_documents(key, staff.officer_city_ids),
            }
            for key in issuer.keys.order_by("-created_at", "-pk")
        ]
        context["lists"] = [
            {"row": row, **count_entries(row, staff.officer_city_ids)}
            for row in issuer.status_lists.order_by("-pk")
        ]
    return render(request, "integra/keys.html", context)
