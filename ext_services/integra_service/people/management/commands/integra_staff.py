"""``integra_staff``: who signs in to the console, by which doors, with which roles. Every change is audited."""

from argparse import ArgumentParser
from datetime import date
from getpass import getpass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from integra_service.audit.services import SYSTEM
from integra_service.lib.clock import utc_now
from integra_service.lib.days import local_day
from integra_service.lib.errors import RequestError
from integra_service.people import accounts, invitations
from integra_service.people.factors import find_factor, reset_factor
from integra_service.people.models import ExternalAccount, Role, StaffRole

ROLES = {role.name.lower(): role for role in Role}


class Command(BaseCommand):
    help = (
        "Accounts of the staff. A password is never taken from the command line, where others could read it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="every account with its roles, doors and second factor")
        add_action(actions, "add", "a new account; prints a link that sets the password").add_argument(
            "--prompt", action="store_true", help="ask for the password here instead"
        )
        add_action(actions, "link", "another one-time link that sets the password")
        add_action(actions, "disable", "end the sessions and every way in")
        add_action(actions, "enable", "let the account in again; prints a link that sets the password")
        for name, help_text in (
            ("bind", "let a subject of a provider enter as this user"),
            ("unbind", "undo that"),
        ):
            action = add_action(actions, name, help_text)
            action.add_argument(
                "--subject", required=True, help="the provider's id of the account, no e-mail"
            )
            action.add_argument("--issuer", help="default: INTEGRA_OIDC_ISSUER")
        for name, help_text in (("give", "a role in a city"), ("end", "the last day of a role in a city")):
            action = add_action(actions, name, help_text)
            action.add_argument("--role", required=True, choices=sorted(ROLES))
            action.add_argument("--city", required=True, metavar="KEY")
            action.add_argument(
                "--to",
                type=date.fromisoformat,
                metavar="DATE",
                help="last day; absent: no end when given, yesterday (so at once) when ended",
            )
            if name == "give":
                action.add_argument("--from", dest="from_on", type=date.fromisoformat, metavar="DATE")
        add_action(
            actions, "factor-link", "a one-time link that opens the enrolment of a first second factor"
        )
        add_action(
            actions,
            "reset-factor",
            "take the second factor away, after a lost phone; prints a link for the next",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        act = getattr(self, f"do_{options['action'].replace('-', '_')}")
        try:
            act(options)
        except RequestError as error:
            raise CommandError(error.message) from error

    def do_list(self, options: dict[str, Any]) -> None:
        users = list(User.objects.order_by("username"))
        roles = accounts.list_roles(users)
        for user in users:
            bound = ExternalAccount.objects.filter(user=user).count()
            marks = [
                "active" if user.is_active else "disabled",
                "password" if user.has_usable_password() else "no password",
                f"{bound} bound",
                "second factor" if find_factor(user) else "no second factor",
            ]
            self.stdout.write(f"{user.username}: {', '.join(marks)}")
            for row in roles[user.pk]:
                self.stdout.write(f"  {describe(row)}")

    def do_add(self, options: dict[str, Any]) -> None:
        password = ask_password() if options["prompt"] else None
        user = accounts.add_user(options["username"], password=password, now=utc_now())
        if password is None:
            self.print_link(user)
        else:
            self.stdout.write(f"{user.username} can sign in.")

    def do_link(self, options: dict[str, Any]) -> None:
        self.print_link(accounts.get_user(options["username"]))

    def do_disable(self, options: dict[str, Any]) -> None:
        user = accounts.get_user(options["username"])
        accounts.disable_user(user, now=utc_now())
        self.stdout.write(f"{user.username} is disabled; open sessions end with their next request.")

    def do_enable(self, options: dict[str, Any]) -> None:
        user = accounts.get_user(options["username"])
        accounts.enable_user(user, now=utc_now())
        self.print_link(user)

    def do_bind(self, options: dict[str, Any]) -> None:
        user = accounts.get_user(options["username"])
        accounts.bind(user, issuer=find_issuer(options), subject=options["subject"], now=utc_now())
        self.stdout.write(f"{user.username} enters with that account.")

    def do_unbind(self, options: dict[str, Any]) -> None:
        user = accounts.get_user(options["username"])
        accounts.unbind(user, issuer=find_issuer(options), subject=options["subject"], now=utc_now())
        self.stdout.write(f"{user.username} no longer enters with that account.")

    def do_give(self, options: dict[str, Any]) -> None:
        user, role = accounts.get_user(options["username"]), ROLES[options["role"]]
        from_on = options["from_on"] or today()
        row = accounts.give_role(
            user, role, options["city"], from_on=from_on, to_on=options["to"], now=utc_now()
        )
        self.stdout.write(f"{user.username}: {describe(row)}")

    def do_end(self, options: dict[str, Any]) -> None:
        user, role = accounts.get_user(options["username"]), ROLES[options["role"]]
        last_on = options["to"] or accounts.day_before(today())
        accounts.end_role(user, role, options["city"], last_on=last_on, now=utc_now())
        self.stdout.write(
            f"{user.username}: {options['role']} in {options['city']} ends, last day {last_on}."
        )

    def do_reset_factor(self, options: dict[str, Any]) -> None:
        user = accounts.get_user(options["username"])
        if not reset_factor(user, actor=SYSTEM, now=utc_now()):
            raise CommandError(f"{user.username} has no second factor.")
        self.stdout.write(f"The second factor of {user.username} is gone.")
        self.print_factor_link(user)

    def do_factor_link(self, options: dict[str, Any]) -> None:
        user = accounts.get_user(options["username"])
        if find_factor(user) is not None:
            raise CommandError(f"{user.username} has a second factor; reset-factor takes it away.")
        self.print_factor_link(user)

    def print_link(self, user: User) -> None:
        self.show("web:set-password", user, accounts.make_password_link(user, now=utc_now()))

    def print_factor_link(self, user: User) -> None:
        self.show("web:first-factor", user, invitations.make_link(user, now=utc_now()))

    def show(self, route: str, user: User, parts: tuple[str, str]) -> None:
        path = reverse(route, args=parts)
        self.stdout.write(f"Give {user.username} this link; it counts once, within a day:")
        self.stdout.write(f"{settings.INTEGRA_ISSUER_URL}{path}")


def add_action(actions: Any, name: str, help_text: str) -> ArgumentParser:
    action: ArgumentParser = actions.add_parser(name, help=help_text)
    action.add_argument("username")
    return action


def describe(row: StaffRole) -> str:
    return f"{Role(row.role).name.lower()} in {row.city.key}, {row.from_on} to {row.to_on or 'no end'}"


def find_issuer(options: dict[str, Any]) -> str:
    if options["issuer"]:
        return str(options["issuer"])
    if settings.INTEGRA_OIDC is None:
        raise CommandError("There is no INTEGRA_OIDC_ISSUER; name the provider with --issuer.")
    return str(settings.INTEGRA_OIDC.issuer)


def ask_password() -> str:
    password = getpass("Password: ")
    if password != getpass("The same again: "):
        raise CommandError("The two are not the same.")
    return password


def today() -> date:
    """Return the day in the programme's time zone, as roles are read."""
    return local_day(utc_now())
