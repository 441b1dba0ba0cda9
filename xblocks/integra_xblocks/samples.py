"""What previews show instead of a learner's facts: an invented person halfway through the course."""

from __future__ import annotations

from datetime import UTC, datetime

from integra_gradebook.api import (
    CertificateStateView,
    Record,
    RecordDeliverable,
    RecordModule,
    RecordUnit,
)
from integra_grading.achievements import Achievement, AchievementStanding, ClosingStanding
from integra_grading.forms import CutAttempt
from integra_grading.next_step import NextStep, StepKind
from integra_grading.reasons import Permission, Reason, ReasonCode
from integra_grading.standing import CourseStanding, CourseState

_DAY = datetime(2026, 3, 2, 15, tzinfo=UTC)

SAMPLE_RECORD = Record(
    short_code="MUESTRA",
    city_key="",
    cohort_key="",
    minutes_trained=72,
    minutes_recognised=0,
    minutes_total=108,
    modules=(
        RecordModule(
            key="m04",
            title="Conoce a tus clientes",
            minutes=72,
            state="done",
            route="training",
            reasons=(),
            units=(RecordUnit("m04-u03", "Entrevistar a clientes", 72, True),),
            can_be_bypassed=True,
            exempt_until=None,
        ),
        RecordModule(
            key="m06",
            title="Costos, precio y punto de equilibrio",
            minutes=36,
            state="open",
            route=None,
            reasons=(Reason(ReasonCode.UNIT_MISSING, "m06-u03"),),
            units=(RecordUnit("m06-u03", "Costos y punto de equilibrio", 36, False),),
            can_be_bypassed=True,
            exempt_until=None,
        ),
    ),
    course=CourseStanding(CourseState.OPEN, (Reason(ReasonCode.POST_MISSING, "post"),), 72, 0, ()),
    has_pre=True,
    post=None,
    post_cut=6,
    is_cut_provisional=True,
    gain=None,
    deliverables=(
        RecordDeliverable("m06-hoja-de-costos", "m06", "Hoja de costos", True, "submitted", 1, None),
    ),
    achievements=(
        AchievementStanding(
            Achievement("curso", "Medios de vida, negocio y empleo", "", ("m04", "m06")),
            ("m06",),
            ("m06-hoja-de-costos",),
            is_test_reached=False,
        ),
        AchievementStanding(
            Achievement("emprendimiento", "Emprendimiento", "emprendimiento", ("m04", "m06")),
            ("m06",),
            ("m06-hoja-de-costos",),
            is_test_reached=False,
        ),
        AchievementStanding(
            Achievement("empleabilidad", "Empleabilidad", "empleabilidad", ("m04",)),
            (),
            (),
            is_test_reached=True,
        ),
    ),
    closings=(
        ClosingStanding("emprendimiento", "cierre", CutAttempt(_DAY, 15, 24), 24, 17, False, 1, Permission()),
    ),
    certificates=(CertificateStateView("empleabilidad", "valid", "", _DAY),),
    next_step=NextStep(StepKind.UNIT, "m06-u03"),
    is_facilitator=False,
)
