"""What ``/api/schema/`` promises is what is answered, whatever is sent: Schemathesis over every operation.

Requests of the richest caller are signed as its classroom would, so that they get past the door; the share that does
is part of what is checked, because a fuzzer that is refused at the door proves nothing.
"""

import json
import os
import re
from collections import Counter
from urllib.parse import urlencode

import jsonschema
import pytest
import requests
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from service_support import BATCH
from test_routes import Stage
from urllib3 import HTTPResponse

from integra_grading.canonical import canonical_json
from integra_grading.errors import GradingError
from integra_service.credentials import urls as credentials_urls
from integra_service.credentials import views as credentials_views
from integra_service.credentials.models import Credential, StatusList
from integra_service.routes import ROUTES, Access
from integra_service.web import urls as web_urls

IS_LONG = bool(os.environ.get("INTEGRA_LONG"))
RICHEST, OTHERS = (2_000, 200) if IS_LONG else (300, 30)
CALLERS = ("anonymous", "wrong_secret", "other_source", "learner", "staff", "auditor")
SIGNED = {"events_receive", "certificate_states_list"}
OPERATIONS = (
    "certificate_states_list",
    "credential_ob_jwt_read",
    "credential_pdf_read",
    "credential_png_read",
    "credential_read",
    "credential_svg_read",
    "credential_vc_jwt_read",
    "description_read",
    "did_document_read",
    "events_receive",
    "health_read",
    "readiness_read",
    "status_list_read",
)
# Made anew for each answer: a tenth of the requests tells as much.
DRAWN = {"credential_pdf_read", "credential_png_read", "description_read"}
# Few of the addresses that are drawn exist.
MOSTLY = st.sampled_from((True, True, True, True, False))
PASSED = {200, 202, 409}
LEAST_SHARE = 0.3
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# The same statements on either database: once is enough.
pytestmark = pytest.mark.skipif("INTEGRA_DATABASE_URL" in os.environ, reason="runs on SQLite")
load_all_checks()


@pytest.fixture(scope="module")
def description():
    return json.loads(Client().get("/api/schema/").content)


@pytest.fixture(scope="module")
def operations(description):
    schema = schemathesis.openapi.from_dict(description)
    schema.config.base_url = "http://localhost:8001"
    found = (result.ok() for result in schema.get_all_operations())
    return {operation.definition.raw["operationId"]: operation for operation in found}


class Caller:
    """Sends generated cases as one kind of caller and holds every answer to the description."""

    def __init__(self, stage, name):
        self.room = stage.world.a
        self.name = name
        self.client = stage.client(name if name in {"learner", "staff", "auditor"} else "anonymous")
        self.statuses = Counter()
        self.checks = [CHECKS.get_one(name) for name in CHECKED]
        self.foreign = stage.world.b
        token = {"token": Credential.objects.for_system().get().token}
        self.known = {
            **{name: token for name in OPERATIONS if name.startswith("credential_")},
            "status_list_read": {"key": StatusList.objects.get().key},
        }

    def send(self, operation_id, case, *, is_known):
        if is_known and operation_id in self.known:
            case.path_parameters = self.known[operation_id]
        body = b"" if isinstance(case.body, schemathesis.core.NotSet) else write(case.body)
        headers = {**printable(case.headers), **self.sign(operation_id, case, body)}
        query = urlencode(dict(case.query or {}), doseq=True)
        answer = self.client.generic(
            case.method,
            case.formatted_path,
            body,
            content_type=case.media_type or "application/octet-stream",
            query_string=query,
            headers=headers,
        )
        self.statuses[answer.status_code] += 1
        case.validate_response(as_response(case, answer), checks=self.checks)

    def sign(self, operation_id, case, body):
        if self.name in {"anonymous", "learner", "staff", "auditor"} or operation_id not in SIGNED:
            return {}
        secret = {"wrong_secret": b"another-secret-of-thirty-two-bytes"}.get(self.name)
        if operation_id == "events_receive":
            room = self.foreign if self.name == "other_source" else self.room
            return {**room.headers(body, secret=secret), "integra-source": self.room.key}
        if self.name == "other_source":
            return {"Authorization": self.foreign.bearer(iss=self.room.key)}
        return {"Authorization": self.room.bearer(secret=secret and secret.decode())}


def write(value):
    """Return JSON for anything the generator made, also what has no canonical form."""
    if isinstance(value, bytes):
        return value
    try:
        return canonical_json(value)
    except GradingError:
        return json.dumps(value).encode()


def printable(headers):
    return {name: str(value) for name, value in dict(headers or {}).items() if str(value).isprintable()}


def as_response(case, answer):
    response = requests.Response()
    response.status_code = answer.status_code
    response._content = answer.content
    response.headers.update(dict(answer.items()))
    response.raw = HTTPResponse(headers=dict(answer.items()), status=answer.status_code)
    response.request = requests.Request(case.method, f"http://localhost:8001{case.formatted_path}").prepare()
    return response


@pytest.fixture
def stage(committed_world):
    return Stage(committed_world)


def test_every_operation_is_fuzzed(operations):
    assert tuple(sorted(operations)) == OPERATIONS


def fuzz(stage, operation, name, count):
    """Send so many cases, a quarter of them wrong on purpose; return how often each status was answered."""
    operation_id = operation.definition.raw["operationId"]
    caller, count = Caller(stage, name), max(count // 10, 10) if operation_id in DRAWN else count
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    cases = right
    if operation.body or operation.query or operation.path_parameters:
        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        cases = st.one_of(right, right, right, wrong)

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=cases, is_known=MOSTLY)
    def send(case, is_known):
        caller.send(operation_id, case, is_known=is_known)

    send()
    return caller.statuses


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_the_richest_caller_is_answered_as_described(stage, operations, operation_id):
    statuses = fuzz(stage, operations[operation_id], "source", RICHEST)
    assert max(statuses) < 500
    share = sum(statuses[status] for status in PASSED) / statuses.total()
    assert share >= LEAST_SHARE, statuses


@pytest.mark.parametrize("name", CALLERS)
def test_every_other_caller_is_answered_as_described(stage, operations, name):
    for operation_id in OPERATIONS:
        statuses = fuzz(stage, operations[operation_id], name, OTHERS)
        assert max(statuses) < 500
        if operation_id in SIGNED:
            assert set(statuses) & PASSED == set(), (operation_id, statuses)


# Where the pages for people are; beside these, the front and the certificate's own.
PEOPLE = ("consola/", "entrar/", "mi/")
PAGES = {"web:front", "credentials:page"}


def test_every_public_route_for_machines_is_described(description):
    """Whatever anybody, or a source, may ask for without a session, but for the pages."""
    routes = {
        f"{urls.app_name}:{pattern.name}": str(pattern.pattern)
        for urls in (web_urls, credentials_urls)
        for pattern in urls.urlpatterns
    }
    public = {
        routes[route.name]
        for route in ROUTES
        if set(route.methods.values()) <= {Access.PUBLIC, Access.SIGNATURE} and route.name not in PAGES
    }
    addresses = {
        re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{route}") for route in public if not route.startswith(PEOPLE)
    }
    assert addresses == set(description["paths"])


@pytest.mark.parametrize(
    ("path", "accept", "content_type"),
    [
        ("/c/{token}.json", "", "application/vc"),
        ("/c/{token}.jwt", "", "text/plain"),
        ("/c/{token}.vc.jwt", "", "application/vc+jwt"),
        ("/c/{token}.png", "", "image/png"),
        ("/c/{token}.svg", "", "image/svg+xml"),
        ("/c/{token}.pdf", "", "application/pdf"),
        ("/status/{key}", "application/vc", "application/vc"),
        ("/status/{key}", "application/vc+jwt", "application/vc+jwt"),
        ("/.well-known/did.json", "", "application/json"),
        ("/api/schema/", "", "application/vnd.oai.openapi+json"),
    ],
)
def test_each_document_comes_as_described_and_satisfies_its_schema(
    stage, description, path, accept, content_type
):
    """Also those that the fuzzer does not take for JSON or text."""
    answered = description["paths"][path]["get"]["responses"]["200"]
    address = path.format(token=Credential.objects.for_system().get().token, key="1")
    answer = Client().get(address, headers={"accept": accept or "*/*"})
    assert (answer.status_code, answer["content-type"].partition(";")[0]) == (200, content_type)
    assert set(answered.get("headers", ())) <= set(answer.headers)
    schema = answered["content"][content_type]["schema"]
    if schema["type"] == "object":
        jsonschema.validate(json.loads(answer.content), schema)
    elif "contentMediaType" not in schema:
        jsonschema.validate(answer.content.decode(), schema)


def test_just_the_documents_that_are_made_on_request_are_limited_and_say_so(stage, description, monkeypatch):
    for limit in ("PAPERS_PER_ADDRESS", "IMAGES_PER_ADDRESS"):
        monkeypatch.setattr(credentials_views, limit, 0)
    token = Credential.objects.for_system().get().token
    limited = set()
    for path in description["paths"]:
        answer = Client().get(path.format(token=token, key="1"))
        if answer.status_code == 429:
            limited.add(path)
            assert int(answer["Retry-After"]) > 0
            assert "Retry-After" in description["paths"][path]["get"]["responses"]["429"]["headers"]

    described = {
        path
        for path, methods in description["paths"].items()
        if "429" in methods.get("get", {"responses": ()})["responses"]
    } - {"/api/v1/certificate-states"}
    assert limited == described == {f"/c/{{token}}.{form}" for form in ("png", "svg", "pdf")}


def test_a_batch_of_the_richest_caller_is_received(stage, operations):
    """The generator writes batches too: one by hand shows what passes."""
    room = stage.world.a
    answer = room.send([room.event(stage.learner, 40, room.unit())])
    assert (answer.status_code, len(answer.json()["accepted"])) == (202, 1)
    assert BATCH in operations["events_receive"].definition.raw["requestBody"]["content"]
