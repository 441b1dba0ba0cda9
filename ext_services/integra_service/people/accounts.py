"""Accounts of the staff: who may sign in, by which doors, with which roles from when to when.

Accounts and roles are given by the command ``integra_staff`` alone: whoever could hand out roles in a page could
hand them to themself.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from integra_service.audit import services as audit
from integra_service.audit.services import AuditValue
from integra_service.lib.errors import RequestError

from . import invitations
from .id_tokens import MAX_SUBJECT_LENGTH
from .models import ExternalAccount, Role, StaffRole
from .places import get_city


@transaction.atomic
def add_user(username: str, *, password: str | None = None, now: datetime) -> User:
    """Create an account; one without a password is opened by a link or a bound account."""
    try:
        UnicodeUsernameValidator()(username)
    except ValidationError as error:
        raise RequestError("bad_username", f"{username!r} cannot be a user's name.", "username") from error
    if User.objects.filter(username__iexact=username).exists():
        raise RequestError("user_exists", f"There is already a user {username!r}.", "username")
    if password is not None:
        require_good_password(password, User(username=username))
    user = User.objects.create_user(username, password=password)
    note("account.added", user, now)
    return user


def get_user(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise RequestError("unknown_user", f"There is no user {username!r}.", "username")
    return user


@transaction.atomic
def set_password(user: User, password: str, *, actor: str = audit.SYSTEM, now: datetime) -> None:
    """Set a password that passes the rules; the user's open sessions end."""
    require_good_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    note("account.password_set", user, now, actor=actor)


def require_good_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise RequestError("weak_password", " ".join(error.messages), "password") from error


@transaction.atomic
def make_password_link(user: User, *, now: datetime) -> tuple[str, str]:
    """Return the two parts of a link that sets the password: one use, one day, none after a sign-in.

    Who used it may enrol a first factor: the operator made sure whom it was given to.
    """
    invitations.invite(user, now=now)
    note("account.link_made", user, now)
    return invitations.encode_id(user), invitations.password_tokens.make_token(user)


@transaction.atomic
def disable_user(user: User, *, now: datetime) -> None:
    """End every session with its next request and every way in; roles and history stay."""
    # Another password, so that enabling the account later does not revive a session.
    user.set_unusable_password()
    user.is_active = False
    user.save(update_fields=["password", "is_active"])
    invitations.withdraw(user)
    note("account.disabled", user, now)


@transaction.atomic
def enable_user(user: User, *, now: datetime) -> None:
    user.is_active = True
    user.save(update_fields=["is_active"])
    note("account.enabled", user, now)


@transaction.atomic
def bind(user: User, *, issuer: str, subject: str, now: datetime) -> ExternalAccount:
    """Let who is ``subject`` at ``issuer`` enter as this user; somebody else's subject is an error."""
    if not 0 < len(subject) <= MAX_SUBJECT_LENGTH or not subject.isprintable():
        raise RequestError("bad_subject", "A subject has 1 to 255 printable characters.", "subject")
    account, is_new = ExternalAccount.objects.get_or_create(
        issuer=issuer, subject=subject, defaults={"user": user, "bound_at": now}
    )
    if account.user_id != user.pk:
        raise RequestError("subject_bound", "This subject is bound to another user.", "subject")
    if is_new:
        note("account.bound", user, now, data={"binding": account.pk, "issuer": issuer})
    return account


@transaction.atomic
def unbind(user: User, *, issuer: str, subject: str, now: datetime) -> None:
    account = ExternalAccount.objects.filter(user=user, issuer=issuer, subject=subject).first()
    if account is None:
        raise RequestError("not_bound", "This subject is not bound to this user.", "subject")
    note("account.unbound", user, now, data={"binding": account.pk, "issuer": issuer})
    account.delete()


def find_bound_user(*, issuer: str, subject: str) -> User | None:
    """Return the active user bound to this subject of this issuer."""
    accounts = ExternalAccount.objects.select_related("user")
    account = accounts.filter(issuer=issuer, subject=subject, user__is_active=True).first()
    return None if account is None else account.user


@transaction.atomic
def note_sign_in(user: User, *, by: str, now: datetime) -> None:
    """Leave a trace of who entered; ``by`` is "password" or "provider"."""
    note("account.signed_in", user, now, actor=f"user:{user.pk}", data={"by": by})


@transaction.atomic
def give_role(
    user: User, role: Role, city_key: str, *, from_on: date, to_on: date | None, now: datetime
) -> StaffRole:
    """Give a role in one city, both days included; one that overlaps the same role is an error."""
    if to_on is not None and to_on < from_on:
        raise RequestError("bad_dates", "The last day is before the first.", "to")
    city = get_city(city_key)
    # One at a time for each user: two at once would both find no overlap.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    held = StaffRole.objects.filter(
        Q(to_on__isnull=True) | Q(to_on__gte=from_on), user=user, city=city, role=role
    )
    if to_on is not None:
        held = held.filter(from_on__lte=to_on)
    if held.exists():
        raise RequestError("role_held", f"{user.username} has this role there in that time already.", "role")
    row, _ = StaffRole.objects.update_or_create(
        user=user, city=city, role=role, from_on=from_on, defaults={"to_on": to_on}
    )
    dates: dict[str, str] = {"from": from_on.isoformat()} | ({"to": to_on.isoformat()} if to_on else {})
    note("role.given", user, now, data={"role": role.value, "city_key": city_key, **dates})
    return row


@transaction.atomic
def end_role(user: User, role: Role, city_key: str, *, last_on: date, now: datetime) -> int:
    """Make ``last_on`` the last day of the role; a past day ends it with the next request."""
    city = get_city(city_key)
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    held = StaffRole.objects.filter(
        Q(to_on__isnull=True) | Q(to_on__gt=last_on), user=user, city=city, role=role
    )
    ended = held.update(to_on=last_on)
    if not ended:
        raise RequestError("role_not_held", f"{user.username} has no such role there after that day.", "role")
    data = {"role": role.value, "city_key": city_key, "to": last_on.isoformat()}
    note("role.ended", user, now, data=data)
    return ended


def day_before(day: date) -> date:
    return day - timedelta(days=1)


def list_roles(users: Iterable[User]) -> dict[int, list[StaffRole]]:
    """Return every role of these users, past and future too, by the user's id."""
    roles: dict[int, list[StaffRole]] = {user.pk: [] for user in users}
    rows = StaffRole.objects.filter(user_id__in=roles).select_related("city")
    for row in rows.order_by("city__name", "role", "from_on"):
        roles[row.user_id].append(row)
    return roles


def note(
    action: str,
    user: User,
    now: datetime,
    *,
    actor: str = audit.SYSTEM,
    data: Mapping[str, AuditValue] | None = None,
) -> None:
    audit.record(action, actor=actor, subject=f"user:{user.pk}", now=now, data=data)
