"""The machine interface: events in, certificate states out."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from integra_service.credentials.services import list_states
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import RequestError
from integra_service.people.tokens import require_request_token
from integra_service.records.inbox import Receipt, store_events
from integra_service.records.intake import BATCH, SINGLE, read_delivery
from integra_service.records.tasks import request_apply

MAX_STATES = 200
MAX_POSITION_DIGITS = 18


class RefusedSerializer(serializers.Serializer[None]):
    id = serializers.CharField(help_text="empty where the event had none")
    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(required=False)


class ReceiptSerializer(serializers.Serializer[None]):
    accepted = serializers.ListField(child=serializers.CharField())
    refused = RefusedSerializer(many=True)


class ErrorSerializer(serializers.Serializer[None]):
    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(required=False)


class StateSerializer(serializers.Serializer[None]):
    position = serializers.IntegerField()
    learner_uuid = serializers.UUIDField()
    achievement_key = serializers.CharField()
    state = serializers.CharField()
    token = serializers.CharField()
    changed_at = serializers.DateTimeField()


ERROR = OpenApiResponse(ErrorSerializer, description="A stable code and a sentence; nothing was stored.")


BUSY = OpenApiResponse(
    ErrorSerializer,
    description="Not now: nothing was stored. `Retry-After` says in how many seconds to send it again.",
)


def header(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, True, description)


@method_decorator(csrf_exempt, name="dispatch")
class EventsView(APIView):
    """Intake of learning events; the framework describes it and is asked for nothing else."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return super().dispatch(request, *args, **kwargs)
        return self.post(request)

    @extend_schema(
        operation_id="events_receive",
        description=(
            "One CloudEvent, or an array of up to 100, signed as in Standard Webhooks. Answered after the commit; "
            "only the ids named in `accepted` are safe."
        ),
        parameters=[
            header("integra-source", "Key of the Source; selects the secrets."),
            header("webhook-id", "Names the delivery; the same on every retry."),
            header("webhook-timestamp", "Seconds since 1970, at most 300 away from our clock."),
            header("webhook-signature", "v1,base64 of HMAC-SHA256 over id.timestamp.body; at most five."),
        ],
        request={SINGLE: OpenApiTypes.OBJECT, BATCH: {"type": "array", "maxItems": 100, "items": {}}},
        responses={
            202: ReceiptSerializer,
            400: ERROR,
            401: ERROR,
            409: ReceiptSerializer,
            411: ERROR,
            413: ERROR,
            415: ERROR,
            429: BUSY,
            503: BUSY,
        },
    )
    def post(self, request: HttpRequest) -> JsonResponse:
        now = utc_now()
        delivery = read_delivery(request, now)
        receipt = store_events(delivery.source, delivery.events, now)
        if receipt.accepted:
            transaction.on_commit(request_apply, robust=True)
        is_single_refused = bool(receipt.refused) and not delivery.is_batch
        return JsonResponse(describe_receipt(receipt), status=409 if is_single_refused else 202)


def describe_receipt(receipt: Receipt) -> dict[str, object]:
    refused = [
        {"id": r.event_id, "code": r.code, "message": r.message, **({"field": r.field} if r.field else {})}
        for r in receipt.refused
    ]
    return {"accepted": list(receipt.accepted), "refused": refused}


class CertificateStatesView(APIView):
    """What became of the certificates of a source's learners."""

    @extend_schema(
        operation_id="certificate_states_list",
        parameters=[
            header(
                "Authorization", "Bearer token made with the source's pull secret, for this method and path."
            ),
            OpenApiParameter("after", OpenApiTypes.INT, description="Position of the last row already read."),
        ],
        responses={200: StateSerializer(many=True), 400: ERROR, 401: ERROR},
    )
    def get(self, request: Request) -> JsonResponse:
        source = require_request_token(
            request.headers.get("Authorization", ""), method="GET", path=request.path, now=utc_now()
        )
        states = list_states(source, read_position(request.GET.get("after", "0")), limit=MAX_STATES)
        rows = [
            {
                "position": row.position,
                "learner_uuid": str(row.learner_uuid),
                "achievement_key": row.achievement_key,
                "state": row.state,
                "token": row.token,
                "changed_at": row.changed_at.isoformat(),
            }
            for row in states
        ]
        return JsonResponse(rows, safe=False)


def read_position(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > MAX_POSITION_DIGITS:
        raise RequestError("bad_position", "after is the position of the last row already read.", "after")
    return int(text)
