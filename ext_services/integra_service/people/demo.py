"""Two mirrored, invented cities: the same shapes in both, so that a leak from one to the other shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.models import User
from django.db import transaction

from .factors import enrol_for_demo
from .models import City, Role, StaffRole, Zone

ZONES = (("norte", "Norte"), ("centro", "Centro"), ("sur", "Sur"))
CITIES = (("ciudad-a", "Ciudad A (inventada)"), ("ciudad-b", "Ciudad B (inventada)"))


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """An account of the console, with one role in some cities."""

    username: str
    password: str
    name: str
    role: Role
    city_keys: tuple[str, ...]
    totp_secret: str  # base32; empty: no second factor


@transaction.atomic
def make_places() -> None:
    for key, name in CITIES:
        city, _ = City.objects.update_or_create(key=key, defaults={"name": name, "is_demo": True})
        for zone_key, zone_name in ZONES:
            Zone.objects.update_or_create(
                city=city, key=f"{key}-{zone_key}", defaults={"name": f"{zone_name} de {name}"}
            )


@transaction.atomic
def make_staff(accounts: Sequence[StaffAccount], *, now: datetime) -> None:
    """Create the accounts or bring them up to date; what still fits is left alone."""
    for account in accounts:
        user, _ = User.objects.get_or_create(username=account.username)
        if not user.check_password(account.password):
            user.set_password(account.password)
        user.first_name = account.name[:150]
        user.save()
        for city in City.objects.filter(key__in=account.city_keys):
            StaffRole.objects.get_or_create(
                user=user, city=city, role=account.role, defaults={"from_on": date(2026, 1, 1)}
            )
        if account.totp_secret:
            enrol_for_demo(user, account.totp_secret, now=now)
