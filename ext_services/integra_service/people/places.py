"""Cities and their zones, as commands name them: an existing one keeps its name."""

from integra_grading.errors import WireError
from integra_grading.wire import KEY
from integra_service.lib.errors import RequestError

from .models import City, Zone


def ensure_city(key: str, name: str) -> City:
    """Return the city of that key; without one it is made, which takes a name. Another name is refused."""
    city = City.objects.filter(key=key).first()
    if city is None:
        if not name:
            raise RequestError("unknown_city", f"There is no city {key!r}; --city {key}=NAME makes one.")
        require_key(key, "city")
        city, _ = City.objects.get_or_create(key=key, defaults={"name": name})
    require_same_name(f"city {key!r}", city.name, name)
    return city


def ensure_zone(city_key: str, key: str, name: str) -> Zone:
    """Return the zone of that city, made where it is new; another name is refused."""
    require_key(key, "zone")
    zone, _ = Zone.objects.get_or_create(city=get_city(city_key), key=key, defaults={"name": name or key})
    require_same_name(f"zone {key!r}", zone.name, name)
    return zone


def require_same_name(what: str, stored: str, name: str) -> None:
    if name and name != stored:
        raise RequestError("named_differently", f"The {what} is called {stored!r}, not {name!r}.")


def get_city(key: str) -> City:
    city = City.objects.filter(key=key).first()
    if city is None:
        raise RequestError("unknown_city", f"There is no city {key!r}.", "city_key")
    return city


def require_key(text: str, what: str) -> None:
    """Refuse a key that no event could bear."""
    try:
        KEY.read(text, what)
    except WireError as error:
        raise RequestError(
            "bad_key",
            f"The {what} key {text!r} needs another form: up to 64 of A-Z a-z 0-9 . _ - after a letter or digit.",
        ) from error
