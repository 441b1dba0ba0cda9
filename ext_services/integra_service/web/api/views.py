"""The machine interface: events in, certificate states out."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from integra_service.credentials.services import list_states
from integra_service.lib.clock import utc_now
from integra_service.lib.errors import BusyError, RequestError
from integra_service.people.tokens import require_request_token
from integra_service.records.inbox import FULL, Receipt, store_events
from integra_service.records.intake import read_delivery
from integra_service.records.tasks import request_apply

from .description import COME_BACK, ERROR, RETRY_AFTER, describe_deliveries, header

MAX_STATES = 200
MAX_POSITION_DIGITS = 18
FULL_WAIT_SECONDS = 600  # until a person looked, which takes longer


class RefusedSerializer(serializers.Serializer[None]):
    id = serializers.CharField(help_text="empty where the event had none")
    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(required=False)


class DeferredSerializer(serializers.Serializer[None]):
    id = serializers.CharField(help_text="empty where the event had none")
    code = serializers.ChoiceField(choices=(FULL,))


class ReceiptSerializer(serializers.Serializer[None]):
    accepted = serializers.ListField(child=serializers.CharField())
    refused = RefusedSerializer(many=True)
    deferred = DeferredSerializer(many=True)


class StateSerializer(serializers.Serializer[None]):
    position = serializers.IntegerField()
    learner_uuid = serializers.UUIDField()
    achievement_key = serializers.CharField()
    state = serializers.ChoiceField(choices=("valid", "suspended", "revoked", "expired", "erased"))
    token = serializers.CharField()
    changed_at = serializers.DateTimeField()


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
            "only the ids named in `accepted` are safe. What `deferred` names would be refused and was not stored, "
            "because too much of this source was refused already: send other events first, and these again later, the "
            "first time after ten minutes. A single event is answered 503 `refused_full` instead. One named nowhere "
            "was not stored: send it again later."
        ),
        parameters=[
            header("integra-source", "Key of the Source; selects the secrets."),
            header(
                "webhook-id",
                "Names the delivery; the same on every retry.",
                pattern="^[A-Za-z0-9_:-]{1,128}$",
            ),
            header(
                "webhook-timestamp",
                "Seconds since 1970, at most 300 away from our clock.",
                pattern="^[0-9]{1,11}$",
            ),
            header("webhook-signature", "v1,base64 of HMAC-SHA256 over id.timestamp.body; at most five."),
            RETRY_AFTER,
        ],
        request=describe_deliveries(),
        responses={
            202: ReceiptSerializer,
            400: ERROR,
            401: ERROR,
            403: ERROR,
            409: ReceiptSerializer,
            411: ERROR,
            413: ERROR,
            415: ERROR,
            429: COME_BACK,
            503: COME_BACK,
        },
    )
    def post(self, request: HttpRequest) -> JsonResponse:
        now = utc_now()
        delivery = read_delivery(request, now)
        receipt = store_events(delivery.source, delivery.events, now)
        if receipt.accepted:
            transaction.on_commit(request_apply, robust=True)
        if receipt.deferred and not delivery.is_batch:
            message = "Too much of this source was refused to keep more of it. Nothing of this was stored."
            raise BusyError(FULL, message, wait_seconds=FULL_WAIT_SECONDS)
        is_single_refused = bool(receipt.refused) and not delivery.is_batch
        return JsonResponse(describe_receipt(receipt), status=409 if is_single_refused else 202)


def describe_receipt(receipt: Receipt) -> dict[str, object]:
    refused = [
        {"id": r.event_id, "code": r.code, "message": r.message, **({"field": r.field} if r.field else {})}
        for r in receipt.refused
    ]
    deferred = [{"id": event_id, "code": FULL} for event_id in receipt.deferred]
    return {"accepted": list(receipt.accepted), "refused": refused, "deferred": deferred}


class CertificateStatesView(APIView):
    """What became of the certificates of a source's learners; of one learner and achievement the latest is told."""

    @extend_schema(
        operation_id="certificate_states_list",
        parameters=[
            header(
                "Authorization", "Bearer token made with the source's pull secret, for this method and path."
            ),
            OpenApiParameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": 10**MAX_POSITION_DIGITS - 1, "default": 0},
                description="Position of the last row already read.",
            ),
            RETRY_AFTER,
        ],
        responses={200: StateSerializer(many=True), 400: ERROR, 401: ERROR, 429: COME_BACK, 503: COME_BACK},
    )
    def get(self, request: Request) -> JsonResponse:
        now = utc_now()
        source = require_request_token(
            request.headers.get("Authorization", ""), method="GET", path=request.path, now=now
        )
        states = list_states(source, read_position(request.GET.get("after", "0")), now, limit=MAX_STATES)
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
