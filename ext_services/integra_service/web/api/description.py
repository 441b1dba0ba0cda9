"""What ``/api/schema/`` says beyond what the views themselves tell: event schemas, errors, public documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from integra_grading.events import EVENT_TYPES, json_schema
from integra_service.credentials.views import VC, VC_JWT
from integra_service.records.intake import BATCH, MAX_EVENTS, SINGLE

BUSY = ("429", "503")
TOKEN_PATTERN = "^[A-Za-z0-9_-]{22}$"  # noqa: S105 - the form of an address
KEY_PATTERN = "^[A-Za-z0-9_-]+$"


class ErrorSerializer(serializers.Serializer[None]):
    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(required=False)


ERROR = OpenApiResponse(ErrorSerializer, description="A stable code and a sentence; nothing was stored.")
COME_BACK = OpenApiResponse(
    ErrorSerializer, description="Nothing was stored; send the same again after `Retry-After` seconds."
)
RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    OpenApiTypes.INT,
    OpenApiParameter.HEADER,
    required=True,
    description="Seconds to wait before the same request is sent again.",
    response=list(BUSY),
)


def header(name: str, description: str, *, pattern: str | None = None) -> OpenApiParameter:
    kind: Any = {"type": "string", "pattern": pattern} if pattern else OpenApiTypes.STR
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, True, description)


def describe_deliveries() -> dict[str, Any]:
    """Return the request bodies of the intake: every published event type, alone or up to a hundred."""
    events = [without_dialect(json_schema(type_name)) for type_name in sorted(EVENT_TYPES)]
    single = {"oneOf": events}
    return {SINGLE: single, BATCH: {"type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": single}}


def without_dialect(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the names by which the schema stands alone: inside a description they would begin another document."""
    return {name: part for name, part in schema.items() if name not in {"$schema", "$id"}}


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a certificate as HTTP spells it; what it holds and why says ``docs/credentials.md``."""

    operation_id: str
    description: str
    content_type: str
    schema: Mapping[str, Any]
    is_made_on_request: bool = False  # and limited by address, as what is served as it was stored is not


def add_documents(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Describe the public documents and the health answers, which are no views of the API framework."""
    result["paths"] |= {
        **{f"/c/{{token}}.{ending}": get_form(form) for ending, form in FORMS.items()},
        "/status/{key}": get(
            "status_list_read",
            "The signed Bitstring status list as it is now: with its proof, or as a JWT for whoever prefers that in "
            "`Accept`. Both are signed together. A cached one would hide a revocation: ask each time (`no-cache`).",
            {
                "200": media({VC: STATUS_LIST, VC_JWT: COMPACT_JWT}, headers=["Vary"]),
                "404": page("There is no such list."),
                "503": describe_away(),
            },
            [path_parameter("key", KEY_PATTERN, "As `credentialStatus` of a credential names it.")],
        ),
        "/.well-known/did.json": get(
            "did_document_read",
            "The issuer's DID document: every key that still counts.",
            {"200": media({"application/json": DID_DOCUMENT}), "503": describe_away()},
        ),
        "/healthz": get("health_read", "The process answers.", {"200": media({"application/json": HEALTH})}),
        "/readyz": get(
            "readiness_read",
            "Whether the service can work, and what waits to be looked at.",
            {
                "200": media({"application/json": READINESS}),
                "503": media(
                    {"application/json": READINESS, "text/html": {"type": "string"}},
                    "It cannot do its work: `status` and `alarms` say why; a page where not even the database answers.",
                ),
            },
        ),
        "/api/schema/": get(
            "description_read",
            "This description.",
            {"200": media({"application/vnd.oai.openapi+json": {"type": "object"}})},
        ),
    }
    return result


def get_form(form: Form) -> dict[str, Any]:
    responses = {
        "200": media({form.content_type: form.schema}),
        "404": page("No certificate has this token, its holder does not show it, or it was erased."),
        "503": describe_away(),
    }
    if form.is_made_on_request:
        responses["429"] = describe_too_many()
    token = path_parameter("token", TOKEN_PATTERN, "The part of the certificate's address after `/c/`.")
    return get(form.operation_id, form.description, responses, [token])


COMPACT_JWT = {"type": "string", "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"}
CREDENTIAL = {
    "type": "object",
    "required": [
        "@context",
        "id",
        "type",
        "issuer",
        "validFrom",
        "credentialSubject",
        "credentialStatus",
        "proof",
    ],
    "properties": {
        "@context": {"type": "array", "items": {"type": "string"}},
        "id": {"type": "string", "format": "uri"},
        "type": {"type": "array", "items": {"type": "string"}},
        "validFrom": {"type": "string", "format": "date-time"},
        "validUntil": {"type": "string", "format": "date-time"},
        "proof": {"type": "array", "minItems": 1, "maxItems": 1, "items": {"type": "object"}},
    },
}
STATUS_LIST = {
    "type": "object",
    "required": ["@context", "id", "type", "issuer", "validFrom", "credentialSubject", "proof"],
    "properties": {
        "credentialSubject": {
            "type": "object",
            "required": ["id", "type", "statusPurpose", "encodedList"],
            "properties": {"encodedList": {"type": "string", "pattern": "^u[A-Za-z0-9_-]+$"}},
        }
    },
}
FORMS: Mapping[str, Form] = {
    "json": Form(
        "credential_read",
        "The signed credential with its `eddsa-rdfc-2022` proof, byte for byte as it was stored.",
        VC,
        CREDENTIAL,
    ),
    "jwt": Form(
        "credential_ob_jwt_read",
        "The credential as VC-JWT of Open Badges 3.0 (§8.2), ES256.",
        "text/plain",
        COMPACT_JWT,
    ),
    "vc.jwt": Form("credential_vc_jwt_read", "The credential as VC-JOSE-COSE, ES256.", VC_JWT, COMPACT_JWT),
    "png": Form(
        "credential_png_read",
        "The badge, with the signed credential baked into it (Open Badges 3.0, §5.3).",
        "image/png",
        {"type": "string", "contentMediaType": "image/png"},
        is_made_on_request=True,
    ),
    "svg": Form(
        "credential_svg_read",
        "The same as SVG.",
        "image/svg+xml",
        {"type": "string"},
        is_made_on_request=True,
    ),
    "pdf": Form(
        "credential_pdf_read",
        "The certificate to print, with the signed credential attached; without a name to whoever is not its holder.",
        "application/pdf",
        {"type": "string", "contentMediaType": "application/pdf"},
        is_made_on_request=True,
    ),
}
DID_DOCUMENT = {
    "type": "object",
    "required": ["@context", "id", "verificationMethod", "assertionMethod"],
    "properties": {
        "@context": {"type": "array", "items": {"type": "string"}},
        "id": {"type": "string", "pattern": "^did:web:"},
        "verificationMethod": {"type": "array", "items": {"type": "object"}},
        "assertionMethod": {"type": "array", "items": {"type": "string"}},
    },
}
HEALTH = {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}}
READINESS = {
    "type": "object",
    "required": ["status", "alarms", "inbox", "audit_head"],
    "properties": {
        "status": {"type": "string"},
        "alarms": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "count"],
                "properties": {"code": {"type": "string"}, "count": {"type": "integer"}},
            },
        },
        "inbox": {"type": "object"},
        "audit_head": {
            "type": "object",
            "required": ["sequence", "hash"],
            "properties": {"sequence": {"type": "integer"}, "hash": {"type": "string"}},
        },
    },
}


def get(
    operation_id: str,
    description: str,
    responses: dict[str, Any],
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "get": {
            "operationId": operation_id,
            "description": description,
            "parameters": parameters or [],
            "responses": responses,
        }
    }


def media(
    contents: Mapping[str, Mapping[str, Any]], description: str = "", headers: Sequence[str] = ()
) -> dict[str, Any]:
    """Return an answer by its media types; ``headers`` are there every time."""
    content = {content_type: {"schema": dict(schema)} for content_type, schema in contents.items()}
    named = {name: {"required": True, "schema": {"type": "string"}} for name in headers}
    return {"description": description, "content": content, **({"headers": named} if named else {})}


def page(description: str) -> dict[str, Any]:
    """A page for people, or JSON for whom prefers it, as addresses outside ``/api/`` answer errors."""
    error = {"schema": {"$ref": "#/components/schemas/Error"}}
    content = {"text/html": {"schema": {"type": "string"}}, "application/json": error}
    return {"description": description, "content": content}


def describe_too_many() -> dict[str, Any]:
    seconds = {
        "Retry-After": {
            "required": True,
            "schema": {"type": "integer"},
            "description": "Seconds until more are made.",
        }
    }
    return {**page("Too many were made for this address: ask again later."), "headers": seconds}


def describe_away() -> dict[str, Any]:
    seconds = {
        "Retry-After": {"schema": {"type": "integer"}, "description": "Given while the database is away."}
    }
    return {**page("Not at the moment: ask again later."), "headers": seconds}


def path_parameter(name: str, pattern: str, description: str) -> dict[str, Any]:
    return {
        "in": "path",
        "name": name,
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
    }
