"""One pass of the relay: number, deliver, read the certificate states back, mirror into the LMS."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import close_old_connections

from integra_bridge import certificate_states, outbox
from integra_bridge.conf import BridgeSettings
from integra_bridge.delivery import Verdict, deliver
from integra_bridge.models import RelayState
from integra_gradebook import api

log = logging.getLogger(__name__)

MIRRORED_AT_ONCE = 200


@dataclass(slots=True)
class PassReport:
    """What one pass did, for the command's line and the tests."""

    numbered: int = 0
    accepted: int = 0
    refused: int = 0
    retried: int = 0
    states: int = 0
    mirrored: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def has_news(self) -> bool:
        return any((self.accepted, self.refused, self.retried, self.states, self.mirrored))


def run_pass(
    settings: BridgeSettings,
    *,
    clock: Callable[[], datetime],
    chance: random.Random,
    is_stopping: Callable[[], bool],
) -> PassReport:
    """Do everything that is due once. Work already begun is finished when ``is_stopping`` turns true."""
    close_old_connections()
    report = PassReport()
    outbox.get_state()
    while numbered := outbox.number_rows():
        report.numbered += numbered
    _send_everything_due(settings, report, clock=clock, chance=chance, is_stopping=is_stopping)
    if not is_stopping():
        report.states = _quietly(report, "states", lambda: certificate_states.refresh(settings, now=clock()))
    if not is_stopping():
        report.mirrored = _quietly(report, "mirror", lambda: api.mirror_pending(MIRRORED_AT_ONCE))
    RelayState.objects.update(last_pass_at=clock())
    return report


def _send_everything_due(
    settings: BridgeSettings,
    report: PassReport,
    *,
    clock: Callable[[], datetime],
    chance: random.Random,
    is_stopping: Callable[[], bool],
) -> None:
    while not is_stopping():
        state = outbox.get_state()
        if state.stopped_at is not None:
            report.problems.append("stopped: the service answered 410; integra_outbox --resend starts again")
            return
        now = clock()
        if state.hold_until is not None and state.hold_until > now:
            report.problems.append(f"on hold until {state.hold_until.isoformat()}: {state.last_error}")
            return
        rows = outbox.lease_batch(now)
        if not rows:
            return
        delivered = deliver(rows, settings, now)
        settled_at = clock()
        hold_until = outbox.note_result(delivered, now=settled_at, chance=chance)
        outbox.settle(rows, delivered.verdicts, hold_until=hold_until, now=settled_at, chance=chance)
        _count(report, delivered.verdicts.values())


def _count(report: PassReport, verdicts: Iterable[Verdict]) -> None:
    for verdict in verdicts:
        match verdict.outcome:
            case "accepted":
                report.accepted += 1
            case "refused":
                report.refused += 1
            case _:
                report.retried += 1


def _quietly(report: PassReport, name: str, work: Callable[[], int]) -> int:
    """Run one part of the pass; its failure is recorded and must not keep the others from running."""
    try:
        return work()
    except Exception as error:
        log.exception("The relay's part %r failed; it is tried again in the next pass.", name)
        report.problems.append(f"{name}: {type(error).__name__}")
        return 0
