"""Accounts of the staff: the command ``integra_staff``, the person's own page, and what ends a session."""

import io
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.test import Client
from service_support import NOW, PASSWORD, confirm, give_factor, make_staff, pass_factor

from integra_service.audit.models import AuditEntry
from integra_service.audit.services import check_chain
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people import accounts
from integra_service.people.models import ExternalAccount, Role, SecondFactor, StaffRole

ISSUER = "https://lms.example.org/oauth2"
ACCOUNT, CHANGE = "/consola/mi-cuenta/", "/consola/mi-cuenta/clave/"
NEW_PASSWORD = "cuatro palabras que junto yo"


def staff(*arguments):
    """Call the command; return what it says."""
    out = io.StringIO()
    call_command("integra_staff", *arguments, stdout=out)
    return out.getvalue()


def link_in(said):
    (link,) = re.findall(r"http://localhost:8001(/consola/clave/\S+)", said)
    return link


def use_link(client, link, password=NEW_PASSWORD, repeated=None):
    page = client.get(link, follow=True)
    form = page.request["PATH_INFO"]
    assert link.split("/")[-2] not in form  # the token does not stay in the address
    return client.post(form, {"new_password1": password, "new_password2": repeated or password})


def sign_in(username, password=PASSWORD):
    client = Client()
    client.post("/consola/entrar/", {"username": username, "password": password})
    return client


def is_inside(client):
    return client.get("/consola/").status_code == 200


def actions():
    return list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))


def test_the_first_officer_from_nothing(world, client):
    link = link_in(staff("add", "rosa"))
    assert not User.objects.get(username="rosa").has_usable_password()
    assert use_link(client, link)["location"] == "/consola/entrar/"
    staff("give", "rosa", "--role", "officer", "--city", "ciudad-a")
    assert is_inside(sign_in("rosa", NEW_PASSWORD))
    row = StaffRole.objects.get(user__username="rosa")
    assert (row.role, row.city.key, row.to_on) == (Role.OFFICER, "ciudad-a", None)
    assert actions()[-5:] == [
        "account.added",
        "account.link_made",
        "account.password_set",
        "role.given",
        "account.signed_in",
    ]
    entry = AuditEntry.objects.latest("sequence")
    assert (entry.actor, entry.data) == (f"user:{row.user_id}", '{"by":"password"}')
    assert check_chain().is_intact


def test_a_link_counts_once(world, client):
    link = link_in(staff("add", "rosa"))
    use_link(client, link)
    again = Client().get(link)
    assert again.status_code == 400
    assert "link_used" in again.content.decode()
    assert Client().get("/consola/clave/MQ/x-y/").status_code == 400


@pytest.mark.parametrize("hours", [23, 25])
def test_a_link_counts_a_day(world, client, settings, hours):
    link = link_in(staff("add", "rosa"))
    settings.PASSWORD_RESET_TIMEOUT = settings.PASSWORD_RESET_TIMEOUT - hours * 3600 - 1
    assert Client().get(link).status_code == (302 if hours < 24 else 400)


def test_a_later_link_ends_an_earlier_one_of_either_kind(world):
    to_the_wrong_person = link_in(staff("add", "rosa"))
    assert Client().get(to_the_wrong_person).status_code == 302
    staff("factor-link", "rosa")
    assert Client().get(to_the_wrong_person).status_code == 400
    assert Client().get(link_in(staff("link", "rosa"))).status_code == 302


def test_a_link_ends_with_a_sign_in_and_with_a_further_password(world, client):
    link = link_in(staff("link", "personal-a"))
    sign_in("personal-a")
    assert Client().get(link).status_code == 400


@pytest.mark.parametrize(
    ("password", "repeated"),
    [("corta", "corta"), ("123456789012", "123456789012"), (NEW_PASSWORD, "otra cosa distinta")],
)  # fmt: skip
def test_a_weak_or_mistyped_password_leaves_the_link_as_it_was(world, client, password, repeated):
    link = link_in(staff("add", "rosa"))
    answer = use_link(client, link, password, repeated)
    assert answer.status_code == 200
    assert 'class="problem"' in answer.content.decode()
    assert not User.objects.get(username="rosa").has_usable_password()
    assert use_link(Client(), link).status_code == 302


def test_a_password_is_asked_for_at_the_prompt_and_never_taken_as_an_argument(world, monkeypatch):
    import getpass

    from integra_service.people.management.commands import integra_staff as command

    typed = iter([NEW_PASSWORD, NEW_PASSWORD, "a", "b", "corta", "corta"])
    monkeypatch.setattr(command, "getpass", lambda prompt: next(typed))
    assert getpass.getpass is not command.getpass
    assert NEW_PASSWORD not in staff("add", "rosa", "--prompt")
    staff("give", "rosa", "--role", "staff", "--city", "ciudad-a")
    assert is_inside(sign_in("rosa", NEW_PASSWORD))
    for name in ("mistyped", "weak"):
        with pytest.raises(CommandError):
            staff("add", name, "--prompt")
        assert not User.objects.filter(username=name).exists()
    with pytest.raises(CommandError):
        staff("add", "pedro", "--password", "x")


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "personal-a"),
        ("add", "PERSONAL-A"),
        ("add", "with blank"),
        ("add", ""),
        ("link", "nobody"),
        ("disable", "nobody"),
        ("bind", "personal-a", "--subject", "", "--issuer", ISSUER),
        ("bind", "personal-a", "--subject", "x" * 256, "--issuer", ISSUER),
        ("bind", "personal-a", "--subject", "a\nb", "--issuer", ISSUER),
        ("bind", "personal-a", "--subject", "of-b", "--issuer", ISSUER),
        ("bind", "personal-a", "--subject", "1"),
        ("unbind", "personal-a", "--subject", "of-b", "--issuer", ISSUER),
        ("give", "personal-a", "--role", "officer", "--city", "nowhere"),
        ("give", "personal-a", "--role", "mayor", "--city", "ciudad-a"),
        ("give", "personal-a", "--role", "officer", "--city", "ciudad-a", "--from", "2026-02-30"),
        ("give", "personal-a", "--role", "officer", "--city", "ciudad-a", "--from", "2026-03-02", "--to", "2026-03-01"),
        ("give", "personal-a", "--role", "staff", "--city", "ciudad-a", "--from", "2027-01-01"),
        ("give", "personal-a", "--role", "staff", "--city", "ciudad-a", "--from", "2025-01-01", "--to", "2026-01-01"),
        ("end", "personal-a", "--role", "staff", "--city", "ciudad-b"),
        ("end", "personal-a", "--role", "officer", "--city", "ciudad-a"),
        ("reset-factor", "personal-a"),
        ("nonsense",),
        (),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_changes_nothing(world, arguments):
    accounts.bind(User.objects.get(username="personal-b"), issuer=ISSUER, subject="of-b", now=NOW)

    def everything():
        return [
            list(model.objects.order_by("pk").values())
            for model in (User, StaffRole, ExternalAccount, SecondFactor, AuditEntry)
        ]

    before = everything()
    with pytest.raises(CommandError):
        staff(*arguments)
    assert everything() == before


def test_one_role_after_another_in_time_is_no_overlap(world):
    role = ("--role", "staff", "--city", "ciudad-a")
    staff("give", "personal-a", *role, "--from", "2025-01-01", "--to", "2025-12-31")
    assert StaffRole.objects.filter(user__username="personal-a").count() == 2
    assert [entry.data for entry in AuditEntry.objects.filter(action="role.given")] == [
        '{"city_key":"ciudad-a","from":"2025-01-01","role":"programme_staff","to":"2025-12-31"}'
    ]


def test_a_role_that_is_ended_is_refused_with_the_next_request(world):
    client = sign_in("personal-a")
    assert is_inside(client)
    staff("end", "personal-a", "--role", "staff", "--city", "ciudad-a")
    assert client.get("/consola/").status_code == 404
    staff("give", "personal-a", "--role", "staff", "--city", "ciudad-a")
    assert is_inside(client)


def test_a_role_that_ends_later_counts_until_that_day(world):
    client = sign_in("personal-a")
    staff(
        "end",
        "personal-a",
        "--role",
        "staff",
        "--city",
        "ciudad-a",
        "--to",
        str(utc_now().date() + timedelta(days=9)),
    )
    assert is_inside(client)


def test_a_disabled_account_is_out_with_the_next_request_and_stays_out(world):
    client = sign_in("personal-a")
    staff("disable", "personal-a")
    assert client.get("/consola/")["location"] == "/consola/entrar/"
    assert not is_inside(sign_in("personal-a"))
    link = link_in(staff("enable", "personal-a"))
    assert not is_inside(client)  # the session of before does not come back to life
    use_link(Client(), link)
    assert is_inside(sign_in("personal-a", NEW_PASSWORD))
    assert not is_inside(client)


def test_binding_and_unbinding(world, settings):
    staff("bind", "personal-a", "--subject", "4711", "--issuer", ISSUER)
    staff("bind", "personal-a", "--subject", "4711", "--issuer", ISSUER)
    bound = accounts.find_bound_user(issuer=ISSUER, subject="4711")
    assert bound == User.objects.get(username="personal-a")
    assert "1 bound" in staff("list")
    staff("unbind", "personal-a", "--subject", "4711", "--issuer", ISSUER)
    assert accounts.find_bound_user(issuer=ISSUER, subject="4711") is None
    assert actions()[-2:] == ["account.bound", "account.unbound"]
    assert "4711" not in " ".join(AuditEntry.objects.values_list("data", flat=True))


def test_a_lost_phone(world):
    give_factor("personal-a")
    assert re.search(r"personal-a: active, password, 0 bound, second factor\n", staff("list"))
    staff("reset-factor", "personal-a")
    assert re.search(r"personal-a: active, password, 0 bound, no second factor\n", staff("list"))


def test_the_list_says_roles_with_their_dates(world):
    assert "  staff in ciudad-a, 2026-01-01 to no end\n" in staff("list")


def test_my_account_says_what_i_may_do_where_and_until_when(world):
    make_staff("rosa", "ciudad-a", Role.OFFICER)
    staff(
        "give",
        "rosa",
        "--role",
        "auditor",
        "--city",
        "ciudad-b",
        "--from",
        "2026-02-01",
        "--to",
        "2027-03-31",
    )
    page = sign_in("rosa").get(ACCOUNT).content.decode()
    for words in (
        "Responsable de certificados · Ciudad A",
        "Auditoría · Ciudad B",
        "31 de marzo de 2027",
        "sin fecha de fin",
    ):
        assert words in page
    assert "Su rol necesita la verificación en dos pasos" in page
    assert "personal-a" not in page
    assert (
        "Su rol necesita la verificación en dos pasos"
        not in sign_in("personal-a").get(ACCOUNT).content.decode()
    )


def change(client, old, new, repeated=None):
    data = {"old_password": old, "new_password1": new, "new_password2": repeated or new}
    return client.post(CHANGE, data)


def test_changing_the_password_keeps_this_session_and_ends_the_others(world):
    here, elsewhere = sign_in("personal-a"), sign_in("personal-a")
    key = here.session.session_key
    assert change(here, PASSWORD, NEW_PASSWORD)["location"] == ACCOUNT
    assert is_inside(here)
    assert here.session.session_key != key
    assert elsewhere.get("/consola/")["location"] == "/consola/entrar/"
    assert not is_inside(sign_in("personal-a"))
    assert is_inside(sign_in("personal-a", NEW_PASSWORD))
    entry = AuditEntry.objects.get(action="account.password_set")
    assert entry.actor == entry.subject == f"user:{User.objects.get(username='personal-a').pk}"


@pytest.mark.parametrize(
    ("old", "new", "repeated"),
    [
        ("wrong", NEW_PASSWORD, None),
        (PASSWORD, "corta", None),
        (PASSWORD, NEW_PASSWORD, "otra"),
        ("", "", None),
    ],
)
def test_a_password_that_cannot_be_changed_stays(world, old, new, repeated):
    client = sign_in("personal-a")
    answer = change(client, old, new, repeated)
    assert answer.status_code == 400
    assert 'class="problem"' in answer.content.decode()
    assert is_inside(sign_in("personal-a"))


def test_guessing_the_password_of_an_open_session_is_stopped(world):
    client = sign_in("personal-a")
    statuses = [change(client, f"wrong-{n}", NEW_PASSWORD).status_code for n in range(11)]
    assert statuses == [400] * 9 + [429] * 2  # the sign-in was the first try
    assert change(client, PASSWORD, NEW_PASSWORD).status_code == 429


def test_a_stolen_password_is_not_enough_to_change_it(world):
    give_factor("personal-a")
    thief = sign_in("personal-a")
    for answer in (thief.get(CHANGE), change(thief, PASSWORD, NEW_PASSWORD)):
        assert (answer.status_code, answer["location"].partition("?")[0]) == (302, "/consola/segundo-factor/")
    owner = sign_in("personal-a")
    assert is_inside(owner)
    assert change(pass_factor(owner, "personal-a"), PASSWORD, NEW_PASSWORD)["location"] == ACCOUNT


def test_an_account_without_a_password_has_none_to_change(world):
    client = sign_in("personal-a")
    user = User.objects.get(username="personal-a")
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    assert client.get(CHANGE).status_code == 404
    assert CHANGE not in client.get(ACCOUNT).content.decode()


def test_an_operator_has_a_home_and_sees_nobody(committed_world):
    import uuid

    from integra_service.people.models import LearnerIdentity

    world, learner = committed_world, uuid.uuid4()
    world.a.send(world.a.tell(learner))
    confirm(world.a.enter(learner), "Persona Canario de A")
    identity = LearnerIdentity.objects.for_system().get(learner_uuid=learner)
    make_staff("operador", "ciudad-a", Role.OPERATOR)
    client = pass_factor(sign_in("operador"), "operador")

    home = client.get("/consola/", follow=True)
    assert home.redirect_chain == [("/consola/maquina/", 302)]
    assert "Ciudad A" in home.content.decode()
    assert 'role="search"' not in home.content.decode()
    assert f'href="{ACCOUNT}"' in home.content.decode()
    # The words are there to be found: the city's own staff find them.
    found = sign_in("personal-a").post("/consola/personas/", {"query": identity.short_code})
    assert "Persona Canario de A" in found.content.decode()
    for query in (identity.short_code, "Persona Canario"):
        answer = client.post("/consola/personas/", {"query": query})
        assert answer.status_code == 404
        assert "Canario" not in answer.content.decode()
    assert client.get(f"/consola/personas/{identity.person.uuid}/").status_code == 404


def test_the_frame_shows_each_role_its_entries(world):
    make_staff("operador", "ciudad-a", Role.OPERATOR)
    make_staff("oficial", "ciudad-a", Role.OFFICER)

    def entries(username):
        page = sign_in(username).get(ACCOUNT).content.decode()
        return re.findall(r'<a href="(/consola/[^"]*)"(?: aria-current="page")?>', page.split("<main")[0])

    people = ["/consola/", "/consola/certificados/", "/consola/politicas/"]
    officer = ["/consola/emisiones/", "/consola/llaves/", "/consola/solicitudes/"]
    assert entries("personal-a") == entries("auditora-a") == [*people, ACCOUNT]
    assert entries("oficial") == [*people, *officer, ACCOUNT]
    assert entries("operador") == ["/consola/maquina/", ACCOUNT]


def test_the_frame_marks_the_page_one_is_on(world):
    client = sign_in("personal-a")

    def current(path):
        return re.findall(r'<a href="([^"]*)" aria-current="page">', client.get(path).content.decode())

    assert [current(path) for path in ("/consola/", ACCOUNT, CHANGE)] == [["/consola/"], [ACCOUNT], [ACCOUNT]]


def test_signing_in_changes_the_key_of_the_session_and_signing_out_clears_it(world):
    client = Client()
    client.get("/consola/entrar/cuenta/")
    session = client.session
    session["planted"] = "x"
    session.save()
    client.cookies["integra_session"] = planted = session.session_key
    client.post("/consola/entrar/", {"username": "personal-a", "password": PASSWORD})
    assert client.session.session_key != planted
    assert "planted" not in client.session
    inside = client.session.session_key
    answer = client.post("/consola/salir/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert answer.cookies["integra_session"].value == ""
    thief = Client()
    for key in (planted, inside):
        thief.cookies["integra_session"] = key
        assert thief.get("/consola/")["location"] == "/consola/entrar/"


def together(works):
    """Run each at one moment, each with its own connection; return results or codes of errors, in order."""
    barrier = Barrier(len(works))

    def run(work):
        try:
            barrier.wait()
            return work()
        except RequestError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


needs_server = pytest.mark.skipif("INTEGRA_DATABASE_URL" not in os.environ, reason="needs a server database")


@needs_server
@pytest.mark.concurrency
def test_one_role_given_eight_times_at_once_is_held_once(committed_world):
    user = User.objects.get(username="personal-a")
    days = [NOW.date() - timedelta(days=n) for n in range(8)]
    results = together(
        [
            lambda day=day: accounts.give_role(
                user, Role.OFFICER, "ciudad-a", from_on=day, to_on=None, now=NOW
            )
            for day in days
        ]
    )
    assert results.count("role_held") == 7
    assert StaffRole.objects.filter(user=user, role=Role.OFFICER).count() == 1
    assert actions().count("role.given") == 1


@needs_server
@pytest.mark.concurrency
def test_one_subject_bound_to_two_at_once_is_one_of_theirs(committed_world):
    users = list(User.objects.filter(username__in=["personal-a", "personal-b"])) * 4
    results = together(
        [lambda user=user: accounts.bind(user, issuer=ISSUER, subject="4711", now=NOW) for user in users]
    )
    winner = ExternalAccount.objects.get().user_id
    lost = [result for result, user in zip(results, users, strict=True) if user.pk != winner]
    assert lost == ["subject_bound"] * 4
    assert results.count("subject_bound") == 4
    assert actions().count("account.bound") == 1
