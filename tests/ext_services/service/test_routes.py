"""The declared table route × method × caller against the URLconf and against what really answers."""

import itertools
import uuid

import pytest
from django.urls import URLResolver, get_resolver, reverse
from service_support import NOW, SINGLE, Phone, confirm, give_factor, make_staff, pass_factor

from integra_service.credentials.approvals import read_own_policies
from integra_service.credentials.models import (
    Credential,
    Finding,
    FindingCode,
    PolicyApproval,
    RequestedAct,
    Run,
    StatusList,
)
from integra_service.eligibility.models import Application, PolicyVersion
from integra_service.people.data_requests import ask
from integra_service.people.models import (
    City,
    LearnerIdentity,
    RequestKind,
    RequestTopic,
    ResidenceEpisode,
    Role,
    Source,
    Zone,
)
from integra_service.people.services import find_staff, record_residence
from integra_service.records.checking import store_report
from integra_service.records.models import InboxEvent, RefusedEvent
from integra_service.routes import ROUTES, Access
from integra_service.web.sessions import WHOSE_FIELD, name_holder

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CALLERS = (
    "anonymous",
    "learner",
    "no_role",
    "staff",
    "auditor",
    "elsewhere",
    "officer",
    "officer_bare",  # holds the role, has not passed the second factor
    "officer_elsewhere",
    "operator",
    "operator_bare",
    "operator_elsewhere",
)
PEOPLE_ROLES = {"staff", "auditor", "elsewhere", "officer", "officer_bare", "officer_elsewhere"}
CITY_ROLES = {"staff", "auditor", "officer", "officer_bare"}
FACTOR_PASSED = {"officer", "officer_elsewhere", "operator", "operator_elsewhere"}
REFUSED = {401, 403, 404, 405}
SIGN_IN = "/consola/entrar/"
FACTOR = "/consola/segundo-factor/?next="
# They end in a redirect to the sign-in page by themselves; the last two while no provider is configured.
LEADS_TO_SIGN_IN = {"web:sign-in", "web:sign-out", "web:external-start", "web:external-return"}
ENDS_SESSIONS = {"web:enter", "web:leave", "web:sign-in", "web:sign-out", "web:external-return"}


def list_names(resolver, prefix=""):
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from list_names(pattern, f"{pattern.namespace}:" if pattern.namespace else prefix)
        else:
            yield prefix + (pattern.name or "")


def test_every_route_is_declared_and_every_declared_route_exists():
    assert sorted(list_names(get_resolver())) == sorted(route.name for route in ROUTES)


@pytest.fixture
def stage(committed_world):
    """A certified person of city A with a residence and an application, and a client per caller."""
    return Stage(committed_world)


class Stage:
    def __init__(self, world):
        from django.contrib.auth.models import User

        from integra_service.eligibility.services import register_application, register_policy

        self.world = world
        self.learner = uuid.uuid4()
        world.a.send(world.a.tell(self.learner))
        confirm(world.a.enter(self.learner), "Persona Canario de A")
        identity = LearnerIdentity.objects.for_system().get(learner_uuid=self.learner)
        self.person = identity.person
        staff = find_staff(User.objects.get(username=world.staff["a"]), on=NOW.date())
        self.residence = record_residence(
            staff,
            self.person,
            zone=Zone.objects.get(key="a-norte"),
            from_on=NOW.date().replace(month=1),
            to_on=None,
            evidence="declaracion_propia",
            now=NOW,
        )
        world.a.send(world.a.event(uuid.uuid4(), 1, world.a.enrolled(city_key="ciudad-b")))  # parked
        world.a.send({"id": "not-an-event"})  # refused
        source = Source.objects.get(key="aula-a")
        self.check = store_report(source, "standing", started_at=NOW, checked=0, skipped=0, differences=[])
        register_policy(City.objects.get(key="ciudad-a"), read_demo_policy(), "policy-demo.yaml", now=NOW)
        self.policy = PolicyVersion.objects.for_system().get()
        self.application = register_application(staff, self.person, self.policy.pk, now=NOW)
        self.request = ask(self.person, RequestKind.CORRECTION, RequestTopic.CITY, actor="learner:x", now=NOW)
        self.names = {"staff": "personal-a", "auditor": "auditora-a", "elsewhere": "personal-b"}
        for caller, city, role in (
            ("officer", "a", Role.OFFICER),
            ("officer_elsewhere", "b", Role.OFFICER),
            ("operator", "a", Role.OPERATOR),
            ("operator_elsewhere", "b", Role.OPERATOR),
        ):
            self.names[caller] = self.names[f"{caller}_bare"] = make_staff(caller, f"ciudad-{city}", role)
            give_factor(caller)
        self.add_credential_work()

    def add_credential_work(self):
        """A finding, an act that waits for a second person, a policy and a run, each begun by somebody else."""
        from django.contrib.auth.models import User

        asking = User.objects.get(username=make_staff("pidio", "ciudad-a", Role.OFFICER))
        credential = Credential.objects.for_system().get()
        Finding.objects.create(
            credential=credential, code=FindingCode.EVIDENCE_GONE, details="[]", found_at=NOW
        )
        RequestedAct.objects.create(
            credential=credential, act="suspend", reason="under_review", requested_by=asking, requested_at=NOW
        )
        Run.objects.create(
            kind="issue",
            city=self.person.city,
            total_count=1,
            started_by=f"user:{asking.pk}",
            started_at=NOW,
            finished_at=NOW,
        )
        (self.own_policy,) = read_own_policies()
        PolicyApproval.objects.create(
            achievement_key=self.own_policy.key,
            version=self.own_policy.version,
            digest=self.own_policy.digest,
            content="-",
            proposed_by=asking,
            proposed_at=NOW,
            approved_by=User.objects.get(username="officer"),
            approved_at=NOW,
        )

    def client(self, caller, **options):
        client = Phone(**options)
        match caller:
            case "learner":
                return self.world.a.enter(self.learner, client)
            case "no_role":
                client.login(username="sin-rol", password="una-clave-larga-para-probar")
            case _ if caller in self.names:
                client.login(username=self.names[caller], password="una-clave-larga-para-probar")
                if caller in FACTOR_PASSED:
                    pass_factor(client, self.names[caller])
        return client

    def url(self, name):
        return reverse(name, kwargs=self.arguments(name))

    def arguments(self, name):
        match name:
            case "web:enter":
                return {"token": self.world.a.link(self.learner).removeprefix("/entrar/")}
            case "web:person" | "web:residence-add" | "web:register-application":
                return {"uuid": self.person.uuid}
            case "web:residence-correct":
                # Corrected by an earlier call, the row is no longer there to be corrected.
                row = ResidenceEpisode.objects.for_system().filter(replaced_by__isnull=True).last()
                return {"uuid": self.person.uuid, "residence_uuid": row.uuid}
            case "web:application" | "web:propose-again":
                return {"uuid": Application.objects.for_system().get().uuid}
            case "web:data-request" | "web:withdraw-request":
                return {"uuid": self.request.uuid}
            case "web:credential":
                return {"uuid": Credential.objects.for_system().get().uuid}
            case "web:credential-act":
                return {"uuid": Credential.objects.for_system().get().uuid, "word": "anular"}
            case "web:requested-act":
                row = RequestedAct.objects.for_system().get()
                return {"uuid": row.credential.uuid, "act_uuid": row.uuid}
            case "web:finding-settle":
                row = Finding.objects.for_system().get()
                return {"uuid": row.credential.uuid, "finding_uuid": row.uuid}
            case "web:policy-propose":
                return {"key": self.own_policy.key}
            case "web:policy-approve":
                return {"digest": self.own_policy.digest}
            case "web:run":
                return {"uuid": Run.objects.filter(city=self.person.city).first().uuid}
            case "web:set-password" | "web:first-factor":
                return {"uidb64": "MQ", "token": "x-y"}
            case "web:machine-parked-event" | "web:machine-retry":
                return {"pk": InboxEvent.objects.get(state="parked").pk}
            case "web:machine-refused-event":
                return {"pk": RefusedEvent.objects.get().pk}
            case "web:machine-check":
                return {"pk": self.check.pk}
            case "web:machine-source" | "web:machine-source-compare" | "web:machine-retry-all":
                return {"key": "aula-a"}
            case "credentials:status-list":
                return {"key": StatusList.objects.get().key}
            case "credentials:did-document":
                return {}
            case _ if name == "web:my-paper" or name.startswith("credentials:"):
                return {"token": Credential.objects.for_system().get().token}
        return {}


def read_demo_policy():
    from pathlib import Path

    import integra_service.eligibility

    return (Path(integra_service.eligibility.__file__).parent / "policies/policy-demo.yaml").read_bytes()


def expected(access, caller):
    """Return what may come back, as words."""
    asked = "passes" if caller in FACTOR_PASSED else "asks for the factor"
    match access:
        case Access.PUBLIC | Access.LINK:
            return "passes"
        case Access.LEARNER:
            return "passes" if caller == "learner" else "403"
        case Access.SIGNATURE:
            return "401"
        case _ if caller in {"anonymous", "learner"}:
            return "signs in"
        case _ if caller == "no_role":
            return "404"
        case Access.STAFF:
            return "passes"
        case Access.FACTOR:
            return asked
        case Access.OWN_FACTOR:  # officers and operators have one here, the others none
            return asked if caller.startswith(("officer", "operator")) else "passes"
        case Access.FIRST_FACTOR:
            return asked if caller.startswith(("officer", "operator")) else "403"
        case Access.PEOPLE:
            return "passes" if caller in PEOPLE_ROLES else "404"
        case Access.CITY_OPERATOR:
            # Which source an object is of is looked at after the factor.
            return (
                "404" if caller == "operator_elsewhere" else asked if caller.startswith("operator") else "404"
            )
        case Access.CITY_STAFF:
            return "passes" if caller in CITY_ROLES else "404"
        case Access.OFFICER:
            return asked if caller.startswith("officer") else "404"
        case Access.CITY_OFFICER:
            # Which city an object is of is looked at after the factor.
            return (
                "404" if caller == "officer_elsewhere" else asked if caller.startswith("officer") else "404"
            )
        case Access.OPERATOR:
            return asked if caller.startswith("operator") else "404"
        case Access.CITY_EDITOR:
            return "passes" if caller == "staff" else "404"
    raise AssertionError(access)


def observed(answer):
    if answer.status_code == 302 and answer["location"].startswith(SIGN_IN):
        return "signs in"
    if answer.status_code == 302 and answer["location"].startswith(FACTOR):
        return "asks for the factor"
    return str(answer.status_code) if answer.status_code in REFUSED else "passes"


def call(client, method, url, policy_pk=0):
    content_type = SINGLE if url == "/api/v1/events" else "application/x-www-form-urlencoded"
    whose = name_holder(client.session)
    form = f"policy={policy_pk}&reason=source_mismatch&{WHOSE_FIELD}={whose}"
    body = b"{}" if content_type == SINGLE else form.encode()
    return client.generic(method, url, body, content_type)


def test_every_route_answers_every_caller_as_declared(stage):
    differences = []
    clients = {caller: stage.client(caller) for caller in CALLERS}
    for route, caller in itertools.product(ROUTES, CALLERS):
        client = clients[caller]
        for method in METHODS:
            if route.name in ENDS_SESSIONS:
                client = stage.client(caller)
            answer = call(client, method, stage.url(route.name), stage.policy.pk)
            access = route.methods.get(method)
            wanted = "405" if access is None else expected(access, caller)
            is_own = route.name in LEADS_TO_SIGN_IN and observed(answer) == "signs in"
            if observed(answer) != wanted and not (is_own and wanted == "passes"):
                differences.append((route.name, method, caller, wanted, answer.status_code))
            assert answer.status_code < 500
    assert differences == []


def test_every_answer_carries_the_security_headers(stage):
    paths = [stage.url(route.name) for route in ROUTES if route.name != "web:enter"]
    paths += ["/entrar/nada", "/no-existe", "/static/integra/service.css", f"/c/{'x' * 22}"]
    for path in paths:
        for caller in ("anonymous", "learner", "staff"):
            for method in ("GET", "POST"):
                answer = call(stage.client(caller), method, path)
                headers = answer.headers
                assert "default-src 'none'" in headers["Content-Security-Policy"], path
                assert "unsafe" not in headers["Content-Security-Policy"], path
                assert headers["X-Content-Type-Options"] == "nosniff", path
                assert headers["Referrer-Policy"] == "same-origin", path
                assert headers["X-Frame-Options"] == "DENY", path
                if headers.get("Content-Type", "").startswith("text/html"):
                    assert "charset=utf-8" in headers["Content-Type"], path


@pytest.mark.parametrize("caller", ["learner", "staff", "operator"])
def test_personal_pages_are_never_stored(stage, caller):
    for route in ROUTES:
        is_personal = not set(route.methods.values()) <= {Access.PUBLIC, Access.LINK, Access.SIGNATURE}
        if is_personal and "GET" in route.methods:
            answer = call(stage.client(caller), "GET", stage.url(route.name))
            assert "no-store" in answer["Cache-Control"], route.name


def test_every_post_of_a_page_needs_its_csrf_token(stage):
    for route in ROUTES:
        if route.methods.get("POST") in {None, Access.SIGNATURE}:
            continue
        for caller in ("learner", "staff"):
            client = stage.client(caller, enforce_csrf_checks=True)
            answer = client.post(stage.url(route.name), b"a=1", content_type="text/plain")
            assert answer.status_code == 403, route.name
            assert "form_expired" in answer.content.decode(), route.name
