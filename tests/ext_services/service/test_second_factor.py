"""The second factor: enrolled on a phone, each code once, asked for again after half an hour, lost and reset."""

import base64
import io
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from threading import Barrier
from urllib.parse import parse_qs, quote, urlsplit

import pyotp
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.test import Client
from service_support import NOW, PASSWORD, code_of, give_factor, make_staff, open_factor_link, pass_factor

from integra_service.audit.models import AuditEntry
from integra_service.lib.clock import utc_now
from integra_service.lib.models import ThrottleWindow
from integra_service.people import accounts, factors, invitations
from integra_service.people.models import City, RecoveryCode, Role, SecondFactor, StaffRole

FACTOR, ENROL, CODES = (
    "/consola/segundo-factor/",
    "/consola/mi-cuenta/segundo-factor/",
    "/consola/mi-cuenta/codigos/",
)
OFFICERS, OPERATORS = "/consola/prueba/oficiales/", "/consola/prueba/operadores/"
RECOVERY = re.compile(r"[2-9B-DF-HJ-NP-TV-Z]{4}(?:-[2-9B-DF-HJ-NP-TV-Z]{4}){3}")

pytestmark = pytest.mark.urls("guarded_pages")


@pytest.fixture
def officer(world):
    make_staff("oficial", "ciudad-a", Role.OFFICER)
    client = Client()
    client.login(username="oficial", password=PASSWORD)
    client.user = User.objects.get(username="oficial")
    open_factor_link(client, "oficial")
    return client


def enrol_on_phone(client, **more):
    """Enrol as a person does: read the key from the page, type the code; return the secret and the last page.

    A first one with a link from the operator.
    """
    user = User.objects.get(pk=client.session["_auth_user_id"])
    if factors.find_factor(user) is None:
        open_factor_link(client, user.username)
    shown = client.post(ENROL, {"step": "show", **more}).content.decode()
    secret = re.search(r'data-role="secret">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")
    return secret, client.post(ENROL, {"step": "prove", "code": code_of(secret), **more})


def where(answer):
    """Return path and ``next`` of a redirect."""
    assert answer.status_code == 302, answer.content.decode()
    parts = urlsplit(answer["location"])
    assert parts.netloc == ""
    return parts.path, parse_qs(parts.query).get("next", [None])[0]


def test_an_officer_without_a_factor_is_led_to_enrolment_and_back(officer):
    assert where(officer.get(f"{OFFICERS}?a=1&b=2")) == (FACTOR, f"{OFFICERS}?a=1&b=2")
    assert where(officer.get(f"{FACTOR}?next={quote(OFFICERS)}")) == (ENROL, OFFICERS)
    _, done = enrol_on_phone(officer, next=OFFICERS)
    assert f'href="{OFFICERS}"' in done.content.decode()
    assert officer.get(OFFICERS).status_code == 200


def test_the_square_code_and_the_link_carry_the_key_that_is_written(officer):
    shown = officer.post(ENROL, {"step": "show"}).content.decode()
    secret = re.search(r'data-role="secret">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")
    link = unescape(re.search(r'href="(otpauth://[^"]+)"', shown)[1])
    parsed = pyotp.parse_uri(link)
    assert (parsed.secret, parsed.issuer, parsed.name) == (secret, "INTEGRA", "oficial")
    assert len(base64.b32decode(secret)) == 20
    assert 'src="data:image/svg+xml' in shown


def test_the_secret_is_shown_once_and_stored_encrypted(officer):
    shown = officer.post(ENROL, {"step": "show"}).content.decode()
    secret = re.search(r'data-role="secret">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")
    wrong = officer.post(ENROL, {"step": "prove", "code": "000000"})
    assert wrong.status_code == 400
    done = officer.post(ENROL, {"step": "prove", "code": code_of(secret)})
    for page in (wrong, done, officer.get(ENROL), officer.get("/consola/mi-cuenta/")):
        text = page.content.decode()
        assert secret not in text.replace(" ", "")
        assert "otpauth" not in text
    factor = SecondFactor.objects.get()
    assert secret not in factor.ciphertext
    assert factors.open_secret(factor) == secret
    assert secret not in str(dict(officer.session))


def test_a_ciphertext_of_another_account_does_not_open(officer):
    give_factor("oficial")
    give_factor("personal-a")
    rows = {row.user.username: row for row in SecondFactor.objects.select_related("user")}
    rows["oficial"].ciphertext = rows["personal-a"].ciphertext
    with pytest.raises(Exception, match="cannot_decrypt"):
        factors.open_secret(rows["oficial"])


def test_a_code_passes_once(officer):
    secret = give_factor("oficial")
    code = code_of(secret)
    assert where(officer.post(FACTOR, {"code": code, "next": OFFICERS}))[0] == OFFICERS
    again = officer.post(FACTOR, {"code": code, "next": OFFICERS})
    assert again.status_code == 400
    other = Client()
    other.login(username="oficial", password=PASSWORD)
    assert other.post(FACTOR, {"code": code}).status_code == 400
    assert where(other.get(OFFICERS))[0] == FACTOR


def test_the_code_that_enrolled_does_not_pass_again(officer):
    secret, _ = enrol_on_phone(officer)
    used = pyotp.TOTP(secret).generate_otp(SecondFactor.objects.get().last_step)
    assert officer.post(FACTOR, {"code": used}).status_code == 400
    assert officer.post(FACTOR, {"code": code_of(secret, steps=1)}).status_code == 302


@pytest.mark.parametrize(("steps", "passes"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_half_a_minute_either_way_is_forgiven(world, steps, passes):
    user, secret = User.objects.get(username="personal-a"), give_factor("personal-a")
    code = pyotp.TOTP(secret).at(NOW, counter_offset=steps)
    assert (factors.pass_code(user, code, now=NOW) is not None) == passes


def test_a_code_older_than_the_last_that_passed_does_not_pass(world):
    user, secret = User.objects.get(username="personal-a"), give_factor("personal-a")
    totp = pyotp.TOTP(secret)
    assert factors.pass_code(user, totp.at(NOW), now=NOW)
    assert factors.pass_code(user, totp.at(NOW, counter_offset=-1), now=NOW) is None
    assert factors.pass_code(user, totp.at(NOW, counter_offset=1), now=NOW)


def test_the_codes_are_those_of_the_rfc(world):
    """RFC 6238 appendix B, SHA-1, the last six of its eight digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    vectors = {59: "94287082", 1111111109: "07081804", 1234567890: "89005924", 20000000000: "65353130"}
    for seconds, code in vectors.items():
        at = datetime.fromtimestamp(seconds, UTC)
        assert factors.find_step(secret, code[-6:], at) == seconds // 30
        assert factors.find_step(secret, code[-5:], at) is None


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", "٠١٢٣٤٥", "12 34 5x", "\x00" * 6]
)
def test_what_is_no_code_is_refused(officer, code):
    give_factor("oficial")
    assert officer.post(FACTOR, {"code": code}).status_code == 400
    assert where(officer.get(OFFICERS))[0] == FACTOR


def test_guessing_is_stopped_and_the_right_code_does_not_pass_meanwhile(officer):
    secret = give_factor("oficial")
    wrong = "000000" if code_of(secret) != "000000" else "000001"
    statuses = [officer.post(FACTOR, {"code": wrong}).status_code for _ in range(factors.TRIES)]
    assert statuses == [400] * factors.TRIES
    # From another browser too: what is counted is the account.
    other = Client()
    other.login(username="oficial", password=PASSWORD)
    assert other.post(FACTOR, {"code": code_of(secret)}).status_code == 429
    assert other.post(FACTOR, {"recovery_code": "K7QM-2XRD-9FHT-C4WP"}).status_code == 429
    assert where(other.get(OFFICERS))[0] == FACTOR
    ThrottleWindow.objects.all().delete()
    assert other.post(FACTOR, {"code": code_of(secret)}).status_code == 302


def test_a_recovery_code_passes_once_however_it_is_written(officer):
    _, done = enrol_on_phone(officer)
    codes = RECOVERY.findall(done.content.decode())
    assert len(codes) == len(set(codes)) == 10
    other = Client()
    other.login(username="oficial", password=PASSWORD)
    sloppy = f" {codes[0].lower().replace('-', ' ')} "
    assert where(other.post(FACTOR, {"recovery_code": sloppy, "next": OFFICERS}))[0] == OFFICERS
    assert other.get(OFFICERS).status_code == 200
    assert other.post(FACTOR, {"recovery_code": codes[0]}).status_code == 400
    assert "Quedan 9 códigos" in other.get("/consola/mi-cuenta/").content.decode()
    stored = " ".join(RecoveryCode.objects.values_list("digest", flat=True))
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_a_recovery_code_of_somebody_else_does_not_pass(officer):
    make_staff("oficial-2", "ciudad-a", Role.OFFICER)
    other = Client()
    other.login(username="oficial-2", password=PASSWORD)
    foreign = RECOVERY.findall(enrol_on_phone(other)[1].content.decode())
    give_factor("oficial")
    assert officer.post(FACTOR, {"recovery_code": foreign[0]}).status_code == 400


def test_new_recovery_codes_need_the_factor_and_end_the_old_ones(officer):
    _, done = enrol_on_phone(officer)
    old = RECOVERY.findall(done.content.decode())
    other = Client()
    other.login(username="oficial", password=PASSWORD)
    assert where(other.post(CODES))[0] == FACTOR
    assert RecoveryCode.objects.count() == 10
    new = RECOVERY.findall(officer.post(CODES).content.decode())
    assert len(new) == 10
    assert not set(new) & set(old)
    assert other.post(FACTOR, {"recovery_code": old[0]}).status_code == 400
    assert other.post(FACTOR, {"recovery_code": new[0]}).status_code == 302


def test_after_half_an_hour_it_is_asked_again(officer):
    pass_factor(officer, "oficial")
    for minutes, status in ((29, 200), (31, 302), (-5, 302)):
        session = officer.session
        session["second_factor"] = {
            **session["second_factor"],
            "passed_at": time.time() - timedelta(minutes=minutes).total_seconds(),
        }
        session.save()
        assert officer.get(OFFICERS).status_code == status


def test_a_form_sent_after_half_an_hour_leads_back_to_its_page(officer):
    give_factor("oficial")
    page = "http://testserver/consola/personas/?x=1"
    answer = officer.post(OFFICERS, headers={"referer": page})
    assert where(answer) == (FACTOR, "/consola/personas/?x=1")
    assert "Todavía no ha cambiado nada" in officer.get(FACTOR).content.decode()
    assert where(officer.post(OFFICERS, headers={"referer": "https://evil.example/consola"})) == (
        FACTOR,
        "/consola/",
    )


FOREIGN = [
    "https://evil.example/consola/",
    "//evil.example/consola/",
    "/\\evil.example/consola/",
    "///evil.example",
    "javascript:alert(1)",
    "/consola",
    "consola/",
    "\\consola\\",
    "/mi/",
    "http:/consola/",
    " /consola/",
    "/consola/" + "a" * 600,
    "",
]


@pytest.mark.parametrize("target", FOREIGN)
def test_nothing_but_a_page_of_the_console_is_gone_on_to(officer, target):
    secret = give_factor("oficial")
    question = officer.get(FACTOR, {"next": target}).content.decode()
    assert re.findall(r'name="next" value="([^"]*)"', question) == ["/consola/", "/consola/"]
    assert officer.post(FACTOR, {"code": code_of(secret), "next": target})["location"] == "/consola/"
    SecondFactor.objects.all().delete()
    assert where(officer.get(FACTOR, {"next": target})) == (ENROL, "/consola/")
    _, done = enrol_on_phone(officer, next=target)
    assert 'class="button primary" href="/consola/"' in done.content.decode()


def test_a_line_break_in_what_to_go_on_to_stays_inside_the_address(officer):
    secret = give_factor("oficial")
    answer = officer.post(FACTOR, {"code": code_of(secret), "next": "/consola/\r\nSet-Cookie: a=1"})
    assert answer["location"] == "/consola/%0D%0ASet-Cookie:%20a=1"


def test_each_guard_lets_in_its_own_role_with_a_factor_and_nobody_else(world):
    make_staff("oficial", "ciudad-a", Role.OFFICER)
    make_staff("operador", "ciudad-a", Role.OPERATOR)
    found = {}
    for name in ("personal-a", "auditora-a", "oficial", "operador", "sin-rol"):
        client = Client()
        client.login(username=name, password=PASSWORD)
        bare = [client.get(path).status_code for path in (OFFICERS, OPERATORS)]
        if name != "sin-rol":
            pass_factor(client, name)
        found[name] = (bare, [client.get(path).status_code for path in (OFFICERS, OPERATORS)])
    assert found == {
        "personal-a": ([404, 404], [404, 404]),
        "auditora-a": ([404, 404], [404, 404]),
        "oficial": ([302, 404], [200, 404]),
        "operador": ([404, 302], [404, 200]),
        "sin-rol": ([404, 404], [404, 404]),
    }
    assert where(Client().get(OFFICERS)) == ("/consola/entrar/", None)


def test_a_role_that_ended_is_refused_with_the_next_request_factor_or_not(officer):
    pass_factor(officer, "oficial")
    assert officer.get(OFFICERS).status_code == 200
    StaffRole.objects.filter(user=officer.user).update(to_on=utc_now().date() - timedelta(days=2))
    assert officer.get(OFFICERS).status_code == 404
    assert officer.get("/consola/").status_code == 404


def test_another_sign_in_has_to_pass_the_factor_itself(officer):
    pass_factor(officer, "oficial")
    officer.post("/consola/salir/")
    assert where(officer.get(OFFICERS)) == ("/consola/entrar/", None)
    officer.post("/consola/entrar/", {"username": "oficial", "password": PASSWORD})
    assert where(officer.get(OFFICERS))[0] == FACTOR


def test_a_reset_factor_counts_no_more_in_sessions_that_passed_it(officer):
    pass_factor(officer, "oficial")
    assert factors.reset_factor(officer.user, actor="system", now=NOW)
    assert not factors.reset_factor(officer.user, actor="system", now=NOW)
    assert where(officer.get(OFFICERS))[0] == FACTOR
    give_factor("oficial")
    assert where(officer.get(OFFICERS))[0] == FACTOR
    assert RecoveryCode.objects.count() == 0


def test_a_session_that_did_not_pass_the_factor_cannot_replace_it(officer):
    secret = give_factor("oficial")
    for data in ({"step": "show"}, {"step": "prove", "code": "123456"}, {}):
        assert where(officer.post(ENROL, data))[0] == FACTOR
    assert where(officer.get(ENROL)) == (FACTOR, ENROL)
    officer.post(FACTOR, {"code": code_of(secret)})
    new, done = enrol_on_phone(officer)
    assert done.status_code == 200
    assert factors.open_secret(SecondFactor.objects.get()) == new != secret


def test_a_key_shown_before_another_was_enrolled_changes_nothing(officer):
    shown = officer.post(ENROL, {"step": "show"}).content.decode()
    secret = re.search(r'data-role="secret">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")
    other = Client()
    other.login(username="oficial", password=PASSWORD)
    kept, _ = enrol_on_phone(other)
    officer.post(FACTOR, {"code": code_of(kept, steps=1)})
    answer = officer.post(ENROL, {"step": "prove", "code": code_of(secret)})
    assert answer.status_code == 409
    assert "changed_meanwhile" in answer.content.decode()
    assert factors.open_secret(SecondFactor.objects.get()) == kept


def with_password_only(username="oficial"):
    client = Client()
    assert client.login(username=username, password=PASSWORD)
    return client


def staff_command(*arguments):
    """Call ``integra_staff``; return the path of the link it prints."""
    out = io.StringIO()
    call_command("integra_staff", *arguments, stdout=out)
    return re.search(r"http://localhost:8001(/consola/\S+)", out.getvalue())[1]


def may_enrol(client):
    statuses = {client.get(ENROL).status_code, client.post(ENROL, {"step": "show"}).status_code}
    assert statuses in ({200}, {403})
    return statuses == {200}


def test_a_stolen_password_does_not_enrol_its_thiefs_phone(officer, settings):
    settings.INTEGRA_STAFF_CONTACT = "Mesa de ayuda, ext. 204"
    thief = with_password_only()
    for answer in (
        thief.get(ENROL),
        thief.post(ENROL, {"step": "show"}),
        thief.post(ENROL, {"step": "prove", "code": "123456"}),
    ):
        text = answer.content.decode()
        assert answer.status_code == 403
        assert "Mesa de ayuda, ext. 204" in text
        assert "otpauth" not in text
    # A key that was shown while the link counted is of no use to the thief either.
    shown = officer.post(ENROL, {"step": "show"}).content.decode()
    secret = re.search(r'data-role="secret">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")
    session = thief.session
    session["second_factor_shown"] = officer.session["second_factor_shown"]
    session.save()
    assert thief.post(ENROL, {"step": "prove", "code": code_of(secret)}).status_code == 403
    assert not SecondFactor.objects.exists()


def test_who_set_the_password_by_the_operators_link_enrols_in_that_browser_within_half_an_hour(world, client):
    page = client.get(staff_command("add", "rosa"), follow=True).request["PATH_INFO"]
    client.post(page, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    StaffRole.objects.create(
        user=User.objects.get(username="rosa"),
        city=City.objects.get(key="ciudad-a"),
        role=Role.OFFICER,
        from_on=NOW.date(),
    )
    client.post("/consola/entrar/", {"username": "rosa", "password": PASSWORD})
    assert may_enrol(client)
    assert not may_enrol(with_password_only("rosa"))
    for minutes, may in ((29, True), (31, False), (-5, False)):
        session = client.session
        opened_at = time.time() - timedelta(minutes=minutes).total_seconds()
        session["factor_invitation"] = {**session["factor_invitation"], "opened_at": opened_at}
        session.save()
        assert may_enrol(client) is may


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_who_knows_the_session_in_which_the_link_is_opened_does_not_enrol(officer, is_signed_in):
    """The thief planted it, or signed in on the shared computer with the stolen password and kept its key."""
    shared = with_password_only() if is_signed_in else Client()
    if not is_signed_in:
        session = shared.session
        session["planted"] = True
        session.save()
        shared.cookies["integra_session"] = session.session_key
    thief = Client()
    thief.cookies["integra_session"] = shared.cookies["integra_session"].value
    shared.get(staff_command("factor-link", "oficial"))
    if not is_signed_in:
        thief.post("/consola/entrar/", {"username": "oficial", "password": PASSWORD})
    assert thief.get(ENROL).status_code in (302, 403)
    if not is_signed_in:
        shared.post("/consola/entrar/", {"username": "oficial", "password": PASSWORD})
    assert may_enrol(shared)


def test_an_enrolment_link_works_for_its_own_account_before_or_after_signing_in(officer):
    link = staff_command("factor-link", "oficial")
    signed_in = with_password_only()
    assert where(signed_in.get(link)) == (ENROL, None)
    assert may_enrol(signed_in)

    stranger = Client()
    assert where(stranger.get(link)) == ("/consola/entrar/", None)
    stranger.post("/consola/entrar/", {"username": "personal-a", "password": PASSWORD})
    assert not may_enrol(stranger)
    refused = stranger.get(link)
    assert (refused.status_code, "other_account" in refused.content.decode()) == (403, True)
    assert not may_enrol(stranger)

    fresh = Client()
    fresh.get(link)
    fresh.post("/consola/entrar/", {"username": "oficial", "password": PASSWORD})
    assert may_enrol(fresh)
    assert link.split("/")[-2] not in fresh.get(ENROL).content.decode()


def test_enrolling_spends_the_link_and_every_session_it_opened(officer):
    link = staff_command("factor-link", "oficial")
    here, there = with_password_only(), with_password_only()
    for client in (here, there):
        assert where(client.get(link))[0] == ENROL
    shown = there.post(ENROL, {"step": "show"}).content.decode()
    secret = re.search(r'data-role="secret">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")
    key = here.post(ENROL, {"step": "show"}).content.decode()
    key = re.search(r'data-role="secret">([A-Z2-7 ]+)<', key)[1].replace(" ", "")
    assert here.post(ENROL, {"step": "prove", "code": code_of(key)}).status_code == 200
    again = Client().get(link)
    assert (again.status_code, "link_used" in again.content.decode()) == (400, True)
    # Nor after the factor was taken away again: what was opened before counts no more.
    factors.reset_factor(officer.user, actor="system", now=utc_now())
    assert there.post(ENROL, {"step": "prove", "code": code_of(secret)}).status_code == 403
    assert not may_enrol(there)
    assert Client().get(link).status_code == 400
    assert where(there.get(staff_command("factor-link", "oficial")))[0] == ENROL
    assert may_enrol(there)


def test_a_lost_phone_is_replaced_by_the_link_of_its_reset(officer):
    give_factor("oficial")
    client = with_password_only()
    client.get(staff_command("reset-factor", "oficial"))
    assert may_enrol(client)


def test_another_link_a_disabled_account_and_a_day_end_a_link(officer, settings):
    first, second = staff_command("factor-link", "oficial"), staff_command("factor-link", "oficial")
    assert [Client().get(link).status_code for link in (first, second)] == [400, 302]
    for hours, status in ((23, 302), (25, 400)):
        settings.PASSWORD_RESET_TIMEOUT = 24 * 3600 - hours * 3600 - 1
        assert Client().get(second).status_code == status
    settings.PASSWORD_RESET_TIMEOUT = 24 * 3600
    accounts.disable_user(officer.user, now=utc_now())
    accounts.enable_user(officer.user, now=utc_now())
    assert Client().get(second).status_code == 400


@pytest.mark.parametrize("uidb64", ["MQ", "x", "ñ", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_made_up_link_opens_nothing(officer, uidb64):
    assert Client().get(f"/consola/segundo-factor/{uidb64}/x-y/").status_code == 400


def test_a_link_does_not_replace_a_factor(officer):
    give_factor("oficial")
    invitations.invite(officer.user, now=NOW)
    client = with_password_only()
    open_factor_link(client, "oficial")
    for data in ({"step": "show"}, {"step": "prove", "code": "123456"}):
        assert where(client.post(ENROL, data))[0] == FACTOR
    with pytest.raises(CommandError):
        staff_command("factor-link", "oficial")


def test_what_happens_is_audited_without_codes_or_keys(officer):
    secret, done = enrol_on_phone(officer)
    codes = RECOVERY.findall(done.content.decode())
    officer.post(FACTOR, {"code": code_of(secret, steps=1)})
    officer.post(FACTOR, {"recovery_code": codes[0]})
    officer.post(CODES)
    factors.reset_factor(officer.user, actor="system", now=NOW)
    me = f"user:{officer.user.pk}"
    entries = AuditEntry.objects.filter(action__startswith="second_factor").order_by("sequence")
    assert list(entries.values_list("action", "actor", "subject")) == [
        ("second_factor.link_made", "system", me),
        ("second_factor.link_made", "system", me),
        ("second_factor.enrolled", me, me),
        ("second_factor.passed", me, me),
        ("second_factor.recovery_code_used", me, me),
        ("second_factor.codes_renewed", me, me),
        ("second_factor.reset", "system", me),
    ]
    told = " ".join(f"{entry.data}{entry.subject}" for entry in entries)
    assert not any(word in told for word in (secret, "oficial", *codes))


def test_an_address_in_the_pages_is_nobody_elses(officer):
    """The page that asks has no picture, script or style of another host, and the picture of the key is inside."""
    for page in (officer.get(ENROL), officer.post(ENROL, {"step": "show"})):
        assert not re.findall(r'(?:src|action)="(?:https?:)?//', page.content.decode())


needs_server = pytest.mark.skipif("INTEGRA_DATABASE_URL" not in os.environ, reason="needs a server database")


def together(works):
    """Run each at one moment, each with its own connection; return their results in order."""
    barrier = Barrier(len(works))

    def run(work):
        try:
            barrier.wait()
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@needs_server
@pytest.mark.concurrency
def test_one_code_twenty_times_at_once_passes_once(committed_world):
    user, secret = User.objects.get(username="personal-a"), give_factor("personal-a")
    code = pyotp.TOTP(secret).at(NOW)
    passed = together([lambda: factors.pass_code(user, code, now=NOW)] * 20)
    assert sum(factor is not None for factor in passed) == 1
    assert AuditEntry.objects.filter(action="second_factor.passed").count() == 1


@needs_server
@pytest.mark.concurrency
def test_one_recovery_code_twenty_times_at_once_passes_once(committed_world):
    user = User.objects.get(username="personal-a")
    give_factor("personal-a")
    code = factors.renew_recovery_codes(user, now=NOW)[0]
    passed = together([lambda: factors.pass_recovery_code(user, code, now=NOW)] * 20)
    assert sum(factor is not None for factor in passed) == 1
    assert factors.count_recovery_codes(user) == 9


@needs_server
@pytest.mark.concurrency
def test_two_enrolments_at_once_end_in_the_one_that_was_shown_its_codes(committed_world):
    user = User.objects.get(username="personal-a")
    invitations.invite(user, now=NOW)
    secrets = [factors.make_secret() for _ in range(8)]

    def enrol(secret):
        try:
            code = pyotp.TOTP(secret).at(NOW)
            return factors.enrol(user, secret, code, replaces=None, invited_at=NOW, now=NOW)
        except Exception as error:
            return getattr(error, "code", error)

    results = together([lambda secret=secret: enrol(secret) for secret in secrets])
    (winner,) = [n for n, result in enumerate(results) if isinstance(result, factors.Enrolment)]
    assert results.count("changed_meanwhile") == 7
    assert factors.open_secret(SecondFactor.objects.get()) == secrets[winner]
    code = results[winner].recovery_codes[0]
    assert factors.pass_recovery_code(user, code, now=NOW) is not None
