"""Proof from the operator that this person may put a first second factor on their phone.

A password alone, which may be stolen, must not. ``integra_staff`` invites; a one-time link of it (the one that sets the
password, or one for this alone) leaves a mark in the session of whoever opened it, and enrolling spends the invitation.
"""

from datetime import datetime

from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from integra_service.audit import services as audit

from .models import FactorInvitation


class PasswordTokenGenerator(PasswordResetTokenGenerator):
    """Django's tokens, bound to the invitation as well: a link that was made before another one opens nothing."""

    key_salt = "integra_service.people.invitations.password"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}:{find_invited_at(user)}"


class FactorTokenGenerator(PasswordResetTokenGenerator):
    """Bound to the invitation instead of the password and the last sign-in."""

    key_salt = "integra_service.people.invitations"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{user.pk}:{find_invited_at(user)}:{timestamp}"


password_tokens, factor_tokens = PasswordTokenGenerator(), FactorTokenGenerator()


@transaction.atomic
def invite(user: User, *, now: datetime) -> None:
    """Let this user enrol a first factor; what an earlier invitation opened counts no more."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    FactorInvitation.objects.update_or_create(user=user, defaults={"made_at": now})


@transaction.atomic
def make_link(user: User, *, now: datetime) -> tuple[str, str]:
    """Invite, and return the two parts of a link that says so: one day, until a factor is enrolled."""
    invite(user, now=now)
    audit.record("second_factor.link_made", actor=audit.SYSTEM, subject=f"user:{user.pk}", now=now)
    return encode_id(user), factor_tokens.make_token(user)


def read_link(uidb64: str, token: str) -> User | None:
    """Return the active user a link invites; None for one that is spent, too old or made up."""
    try:
        pk = int(urlsafe_base64_decode(uidb64))
    except ValueError:
        return None
    invited = User.objects.filter(pk=pk, is_active=True, factor_invitation__isnull=False).first()
    return invited if invited is not None and factor_tokens.check_token(invited, token) else None


def find_invited_at(user: User) -> datetime | None:
    """Return when the invitation was made that this user has not spent."""
    return FactorInvitation.objects.filter(user=user).values_list("made_at", flat=True).first()


def spend(user: User, invited_at: datetime | None) -> bool:
    """Take the invitation of that moment; False when there is none, or another by now."""
    if invited_at is None:
        return False
    deleted, _models = FactorInvitation.objects.filter(user=user, made_at=invited_at).delete()
    return bool(deleted)


def withdraw(user: User) -> None:
    FactorInvitation.objects.filter(user=user).delete()


def encode_id(user: User) -> str:
    return urlsafe_base64_encode(force_bytes(user.pk))
