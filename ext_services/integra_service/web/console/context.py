"""What the console's frame shows: the entries of one's roles, and of which cities."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from integra_service.people.models import City
from integra_service.people.services import Staff
from integra_service.web.sessions import find_request_staff


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation."""

    label: str
    about: str  # one sentence, for who has no people to search
    route: str
    is_for: Callable[[Staff], bool]
    # Further paths whose pages belong to it; those under its own address do anyway.
    under: tuple[str, ...] = ()


# In the order of the navigation. The first page of the console is everybody's, so it names what lies under it.
ENTRIES = (
    Entry(
        gettext_noop("People"),
        gettext_noop("Find a person of your cities."),
        "web:console",
        lambda staff: staff.sees_people,
        ("/consola/personas/", "/consola/postulaciones/"),
    ),
    Entry(
        gettext_noop("Certificates"),
        gettext_noop("What was issued, and what became of it."),
        "web:credentials",
        lambda staff: staff.sees_people,
    ),
    Entry(
        gettext_noop("Rules"),
        gettext_noop("What each certificate asks for, and who stands for it."),
        "web:policies",
        lambda staff: staff.sees_people,
    ),
    Entry(
        gettext_noop("Issue"),
        gettext_noop("Issue to everybody who reached it."),
        "web:runs",
        lambda staff: staff.is_officer,
    ),
    Entry(
        gettext_noop("Keys"),
        gettext_noop("Who signs, and with what."),
        "web:keys",
        lambda staff: staff.is_officer,
    ),
    Entry(
        gettext_noop("Requests"),
        gettext_noop("What people ask for about their data, with its deadline."),
        "web:data-requests",
        lambda staff: staff.is_officer,
    ),
    Entry(
        gettext_noop("The machine"),
        gettext_noop("What arrives from the classrooms, and what waits."),
        "web:machine",
        lambda staff: staff.is_operator,
    ),
    Entry(
        gettext_noop("My account"),
        gettext_noop("Your roles, your password and your second key."),
        "web:account",
        lambda staff: True,
    ),
)
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
    entries = [
        {
            "label": _(entry.label),
            "about": _(entry.about),
            "url": reverse(entry.route),
            "is_current": is_current(entry, request.path),
        }
        for entry in ENTRIES
        if entry.is_for(staff)
    ]
    names = dict(City.objects.order_by("name").values_list("pk", "name"))
    machine = reverse("web:machine")
    tabs = [describe_tab(label, route, request.path) for label, route in TABS]
    tabs[0]["is_current"] = request.path == machine
    return {
        "console_entries": entries,
        "machine_tabs": tabs if request.path.startswith(machine) else (),
        "staff_cities": [name for pk, name in names.items() if pk in staff.city_ids],
        "operator_cities": [name for pk, name in names.items() if pk in staff.operator_city_ids],
    }


def is_current(entry: Entry, path: str) -> bool:
    own = reverse(entry.route)
    if own == reverse("web:console"):
        return path == own or path.startswith(entry.under)
    return path.startswith((own, *entry.under))


def describe_tab(label: str, route: str, path: str) -> dict[str, object]:
    return {"label": _(label), "url": reverse(route), "is_current": path.startswith(reverse(route))}
