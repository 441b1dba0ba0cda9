"""What the console's frame shows: its entries and whose people one sees."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from integra_service.people.models import City

from .sessions import find_request_staff

# Label and name of the route, in the order of the navigation.
ENTRIES = ((gettext_noop("People"), "web:console"),)
OPERATOR_ENTRIES = ((gettext_noop("The machine"), "web:machine"),)
# Parts of the operator's pages, in their order.
TABS = (
    (gettext_noop("Overview"), "web:machine"),
    (gettext_noop("Held"), "web:machine-parked"),
    (gettext_noop("Refused"), "web:machine-refused"),
    (gettext_noop("Gaps"), "web:machine-gaps"),
    (gettext_noop("Sources"), "web:machine-sources"),
    (gettext_noop("Rules"), "web:machine-manifests"),
)


def console(request: HttpRequest) -> dict[str, object]:
    """Nothing outside the console: other pages must not pay for it."""
    if not request.path.startswith("/consola/"):
        return {}
    staff = find_request_staff(request)
    if staff is None:
        return {}
    chosen = (ENTRIES if staff.city_ids else ()) + (OPERATOR_ENTRIES if staff.operator_city_ids else ())
    machine = reverse("web:machine")
    entries = [describe(label, route, request.path) for label, route in chosen]
    for entry in entries:  # the people's pages begin where all of the console's do
        if entry["url"] == reverse("web:console"):
            entry["is_current"] = not request.path.startswith(machine)
    tabs = [describe(label, route, request.path) for label, route in TABS]
    tabs[0]["is_current"] = request.path == machine
    cities = City.objects.filter(pk__in=staff.city_ids).order_by("name")
    return {
        "console_entries": entries,
        "machine_tabs": tabs if request.path.startswith(machine) else (),
        "staff_cities": [city.name for city in cities],
    }


def describe(label: str, route: str, path: str) -> dict[str, object]:
    return {"label": _(label), "url": reverse(route), "is_current": path.startswith(reverse(route))}
