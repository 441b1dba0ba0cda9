"""What ``/api/schema/`` says beyond what the views themselves tell: event schemas, errors, public documents."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from integra_grading.events import EVENT_TYPES, json_schema
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


def add_documents(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Describe the public documents and the health answers, which are no views of the API framework."""
    result["paths"] |= {
        "/c/{token}.json": get(
            "credential_read",
            "The signed credential, byte for byte as it was stored.",
            {
                "200": media("application/vc", {"type": "object"}),
                "404": page("No credential has this token."),
            },
            [path_parameter("token", TOKEN_PATTERN, "The part of the certificate's address after `/c/`.")],
        ),
        "/status/{key}": get(
            "status_list_read",
            "The signed Bitstring status list as it is now.",
            {"200": media("application/vc", {"type": "object"}), "404": page("There is no such list.")},
            [path_parameter("key", KEY_PATTERN, "As `credentialStatus` of a credential names it.")],
        ),
        "/.well-known/did.json": get(
            "did_document_read",
            "The issuer's DID document: every key that still counts.",
            {"200": media("application/json", DID_DOCUMENT)},
        ),
        "/healthz": get(
            "health_read", "The process answers.", {"200": media("application/json", {"type": "object"})}
        ),
        "/readyz": get(
            "readiness_read",
            "Whether the service can work, and what waits to be looked at.",
            {"200": media("application/json", READINESS), "503": media("application/json", READINESS)},
        ),
    }
    return result


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
READINESS = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string"},
        "inbox": {"type": "object"},
        "audit_head": {"type": "object"},
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


def media(content_type: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": "", "content": {content_type: {"schema": dict(schema)}}}


def page(description: str) -> dict[str, Any]:
    """A page for people, or JSON for whom prefers it, as addresses outside ``/api/`` answer errors."""
    error = {"schema": {"$ref": "#/components/schemas/Error"}}
    content = {"text/html": {"schema": {"type": "string"}}, "application/json": error}
    return {"description": description, "content": content}


def path_parameter(name: str, pattern: str, description: str) -> dict[str, Any]:
    return {
        "in": "path",
        "name": name,
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
    }
