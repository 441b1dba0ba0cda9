"""The second factor: codes of an application on the phone (RFC 6238), each once, and recovery codes.

Asked of whoever revokes, suspends, signs or keeps the machine; ``web.sessions`` says when.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from integra_grading.pseudonym import ALPHABET
from integra_service.audit import services as audit
from integra_service.lib import encryption, throttle
from integra_service.lib.errors import RequestError

from . import invitations
from .models import RecoveryCode, SecondFactor

SERVICE_NAME = "INTEGRA"  # how the application lists the account
CODE = re.compile(r"[0-9]{6}")
DRIFT_STEPS = 1  # a phone whose clock is half a minute away
TRIES = 5
TRIES_WINDOW_SECONDS = 15 * 60
RECOVERY_CODE_COUNT = 10
RECOVERY_CODE_LENGTH = 16  # of 28 letters: 76 bits, more than a digest can be searched for


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A factor that was just proved, with the codes that are shown this once."""

    factor: SecondFactor
    recovery_codes: tuple[str, ...]


def make_secret() -> str:
    """Return a new secret in base32: 160 bits, the length RFC 4226 section 4 asks for."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, username: str) -> str:
    """Return what the application reads from the square code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=SERVICE_NAME)


def find_factor(user: User) -> SecondFactor | None:
    return SecondFactor.objects.filter(user=user).first()


def count_recovery_codes(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at__isnull=True).count()


@transaction.atomic
def enrol(
    user: User,
    secret: str,
    code: str,
    *,
    replaces: datetime | None,
    invited_at: datetime | None,
    now: datetime,
) -> Enrolment | None:
    """Store the secret once a code proves that the phone has it; None when the code does not.

    Args:
        replaces: When the factor was enrolled that was in force as the secret was shown; another by now is an error.
        invited_at: When the invitation was made by which this session came. A first factor spends it and is an error
            without it; who replaces one has passed it.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    current = find_factor(user)
    if (current and current.enrolled_at) != replaces:
        raise RequestError(
            "changed_meanwhile",
            _("Your second factor was changed in another window. Begin again."),
            status=409,
        )
    step = find_step(secret, code, now)
    if step is None:
        return None
    if current is None and not invitations.spend(user, invited_at):
        raise RequestError(
            "link_used", _("This link was used already or is too old. Ask for another."), status=403
        )
    invitations.withdraw(user)
    factor = store(user, secret, step, now)
    codes = replace_recovery_codes(user)
    audit.record("second_factor.enrolled", actor=actor_of(user), subject=actor_of(user), now=now)
    return Enrolment(factor, codes)


@transaction.atomic
def pass_code(user: User, code: str, *, now: datetime) -> SecondFactor | None:
    """Return the factor when the code is right and has not passed before, else None."""
    factor = find_factor(user)
    if factor is None:
        return None
    step = find_step(open_secret(factor), code, now)
    if step is None:
        return None
    # Compared and set in one statement: of two requests with one code, one finds it used.
    fresh = SecondFactor.objects.filter(pk=factor.pk, enrolled_at=factor.enrolled_at, last_step__lt=step)
    if not fresh.update(last_step=step):
        return None
    audit.record("second_factor.passed", actor=actor_of(user), subject=actor_of(user), now=now)
    return factor


@transaction.atomic
def pass_recovery_code(user: User, code: str, *, now: datetime) -> SecondFactor | None:
    """Return the factor when the code is one of the user's and was never used, else None."""
    factor = find_factor(user)
    unused = RecoveryCode.objects.filter(user=user, digest=digest_of(user, code), used_at__isnull=True)
    if factor is None or not unused.update(used_at=now):
        return None
    audit.record(
        "second_factor.recovery_code_used",
        actor=actor_of(user),
        subject=actor_of(user),
        now=now,
        data={"left": count_recovery_codes(user)},
    )
    return factor


@transaction.atomic
def renew_recovery_codes(user: User, *, now: datetime) -> tuple[str, ...]:
    """Return new codes; the old ones, used or not, are gone."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    codes = replace_recovery_codes(user)
    audit.record("second_factor.codes_renewed", actor=actor_of(user), subject=actor_of(user), now=now)
    return codes


@transaction.atomic
def reset_factor(user: User, *, actor: str, now: datetime) -> bool:
    """Take the factor away (a lost phone); sessions that passed it have to pass a new one, which a link must open."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    deleted, _models = SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    invitations.withdraw(user)
    if deleted:
        audit.record("second_factor.reset", actor=actor, subject=actor_of(user), now=now)
    return bool(deleted)


@transaction.atomic
def enrol_for_demo(user: User, secret: str, *, now: datetime) -> None:
    """Enrol a secret that the demonstration prints; nothing happens when it is the one in force."""
    factor = find_factor(user)
    if factor is not None and open_secret(factor) == secret:
        return
    store(user, secret, 0, now)
    audit.record("second_factor.enrolled", actor=audit.SYSTEM, subject=actor_of(user), now=now)


def take_try(user: User, now: datetime) -> bool:
    """Count one try, before the code is looked at, and return whether it is within the limit."""
    return throttle.take_turn(
        f"second-factor:{user.pk}", limit=TRIES, window_seconds=TRIES_WINDOW_SECONDS, now=now
    )


def find_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step whose code this is, one half minute before to one after; None for a wrong one."""
    digits = code.replace(" ", "")
    if not CODE.fullmatch(digits):
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(digits, for_time=now, valid_window=DRIFT_STEPS)
    except pyotp.OTPVerificationError:
        return None


def store(user: User, secret: str, step: int, now: datetime) -> SecondFactor:
    ciphertext = encryption.encrypt_text(secret, context=secret_context(user))
    values = {"ciphertext": ciphertext, "enrolled_at": now, "last_step": step}
    factor, _is_new = SecondFactor.objects.update_or_create(user=user, defaults=values)
    return factor


def open_secret(factor: SecondFactor) -> str:
    return encryption.decrypt_text(factor.ciphertext, context=secret_context(factor.user))


def encrypt_secret_anew(factor: SecondFactor) -> bool:
    """Put the secret under the current key; False when another was enrolled meanwhile."""
    token = encryption.encrypt_anew(factor.ciphertext, context=secret_context(factor.user))
    same = SecondFactor.objects.filter(pk=factor.pk, ciphertext=factor.ciphertext)
    return bool(same.update(ciphertext=token))


def replace_recovery_codes(user: User) -> tuple[str, ...]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = tuple(make_recovery_code() for number in range(RECOVERY_CODE_COUNT))
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(user=user, digest=digest_of(user, code)) for code in codes]
    )
    return codes


def make_recovery_code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for position in range(RECOVERY_CODE_LENGTH))
    return "-".join(letters[n : n + 4] for n in range(0, RECOVERY_CODE_LENGTH, 4))


def digest_of(user: User, code: str) -> str:
    """Return the stored form; blanks, hyphens and small letters are how people write a code."""
    letters = "".join(code.split()).replace("-", "").upper()
    return hashlib.sha256(f"people.recovery_code:{user.pk}:{letters}".encode()).hexdigest()


def secret_context(user: User) -> str:
    return f"people.second_factor:{user.pk}"


def actor_of(user: User) -> str:
    return f"user:{user.pk}"
