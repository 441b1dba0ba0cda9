"""What requests about data are called on the pages of those who ask and of those who answer."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integra_service.people.data_requests import Clock, read_clock
from integra_service.people.models import DataRequest, RefusalReason, RequestKind, RequestState, RequestTopic

KIND_LABELS = {
    RequestKind.CORRECTION: gettext_lazy("Correct"),
    RequestKind.ERASURE: gettext_lazy("Erase everything"),
    RequestKind.OPPOSITION: gettext_lazy("Oppose a use"),
}
TOPIC_LABELS = {
    RequestTopic.NAME: gettext_lazy("Name"),
    RequestTopic.CITY: gettext_lazy("City"),
    RequestTopic.RESIDENCE: gettext_lazy("Place of residence"),
    RequestTopic.RESULTS: gettext_lazy("Results of the course"),
    RequestTopic.CERTIFICATE: gettext_lazy("What the certificate says"),
    RequestTopic.STATISTICS: gettext_lazy("Use in statistics"),
    RequestTopic.AUTOMATED: gettext_lazy("What a computer decides or proposes"),
    RequestTopic.EVERYTHING: gettext_lazy("All data"),
}
STATE_LABELS = {
    RequestState.OPEN: gettext_lazy("Waiting"),
    RequestState.BEGUN: gettext_lazy("Being carried out"),
    RequestState.DONE: gettext_lazy("Done"),
    RequestState.REFUSED: gettext_lazy("Refused request"),
    RequestState.WITHDRAWN: gettext_lazy("Taken back"),
}
STATE_LOOKS = {
    RequestState.OPEN: "tag-warn",
    RequestState.BEGUN: "tag-warn",
    RequestState.DONE: "tag-good",
    RequestState.REFUSED: "tag-bad",
    RequestState.WITHDRAWN: "",
}
REFUSAL_LABELS = {
    RefusalReason.NOT_ASKED: gettext_lazy("The person says they did not ask for it."),
    RefusalReason.ALREADY_RIGHT: gettext_lazy("It was checked together: the data are right."),
    RefusalReason.IN_CLASSROOM: gettext_lazy(
        "It is corrected in the classroom, with who facilitates the course."
    ),
    RefusalReason.LEGAL_DUTY: gettext_lazy("The law obliges us to keep it for now."),
}


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request in words."""

    uuid: UUID
    kind: str
    what: str
    topic: str
    state: str
    word: str
    look: str
    asked_at: datetime
    due_at: datetime
    handled_at: datetime | None
    reason: str
    clock: Clock
    days: str  # how many days are left, or by how many it is overdue
    is_open: bool  # can still be taken back, refused or done
    is_waiting: bool  # its clock runs


def describe_request(row: DataRequest, now: datetime) -> RequestView:
    clock = read_clock(row, now)
    state = RequestState(row.state)
    return RequestView(
        uuid=row.uuid,
        kind=row.kind,
        what=str(KIND_LABELS[RequestKind(row.kind)]),
        topic=str(TOPIC_LABELS[RequestTopic(row.topic)]),
        state=row.state,
        word=str(STATE_LABELS[state]),
        look=STATE_LOOKS[state],
        asked_at=row.asked_at,
        due_at=row.due_at,
        handled_at=row.handled_at,
        reason=str(REFUSAL_LABELS[RefusalReason(row.reason)]) if row.reason else "",
        clock=clock,
        days=spell_days(clock),
        is_open=state == RequestState.OPEN,
        is_waiting=state in {RequestState.OPEN, RequestState.BEGUN},
    )


def spell_days(clock: Clock) -> str:
    if clock.is_overdue:
        return _("The deadline has passed.")
    if clock.days_left == 1:
        return _("Less than one day is left.")
    return _("%(days)d days are left.") % {"days": clock.days_left}
