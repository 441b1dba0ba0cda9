"""What the console's frame shows: its entries and whose people one sees."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from integra_service.people.models import City

from .sessions import find_request_staff

# Label and name of the route, in the order of the navigation.
ENTRIES = ((gettext_noop("People"), "web:console"),)


def console(request: HttpRequest) -> dict[str, object]:
    """Nothing outside the console: other pages must not pay for it."""
    if not request.path.startswith("/consola/"):
        return {}
    staff = find_request_staff(request)
    if staff is None:
        return {}
    entries = [
        {"label": _(label), "url": reverse(route), "is_current": request.path.startswith(reverse(route))}
        for label, route in ENTRIES
    ]
    cities = City.objects.filter(pk__in=staff.city_ids).order_by("name")
    return {"console_entries": entries, "staff_cities": [city.name for city in cities]}
