"""Looks for what would make the bridge, or the course around it, go wrong; changes nothing.

Each check returns sentences an operator can act on. What the platform alone knows is asked where the
platform is there; in the embedded classroom those checks have nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import django
from django.contrib.auth import get_user_model

from integra_bridge import certificate_states, conf, http, outbox
from integra_bridge.models import OutboxEvent
from integra_gradebook import api

OLD_OUTBOX = timedelta(minutes=15)
QUIET_RELAY = timedelta(minutes=10)
PACKAGES = (
    "integra-openedx",
    "XBlock",
    "edx-opaque-keys",
    "edx-submissions",
    "edx-completion",
    "edx-django-utils",
)
# Roles which open Studio, where every answer key of the course can be read.
TEAM_ROLES = ("staff", "instructor", "limited_staff")


def list_versions() -> Iterator[str]:
    """Yield what is installed, one package a line."""
    yield f"Django {django.get_version()}"
    for package in PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            yield f"{package} -"


def find_problems(*, now: datetime) -> list[str]:
    """Return every problem found, in the order in which they are best mended."""
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        _check_settings,
        _check_courses,
        lambda: _check_outbox(now),
        lambda: _check_relay(now),
        lambda: _check_service(now),
        _check_completion,
        lambda: _check_facilitators(now),
        _check_certificates,
    )
    return [problem for check in checks for problem in check()]


def _check_settings() -> Iterator[str]:
    for problem in conf.list_problems():
        yield f"Setting: {problem}"


def _check_courses() -> Iterator[str]:
    if not api.list_courses():
        yield "No course is registered: learners' answers cannot be stored (integra_register_course)."


def _check_outbox(now: datetime) -> Iterator[str]:
    summary = outbox.summarise()
    if summary.oldest_pending_at is not None and now - summary.oldest_pending_at > OLD_OUTBOX:
        minutes = int((now - summary.oldest_pending_at).total_seconds() // 60)
        yield f"The oldest event has been waiting for {minutes} minutes: is integra_relay running?"
    if summary.deferred_count:
        yield (
            f"{summary.deferred_count} events are refused by the service, which keeps no more of them: "
            "its operator looks at what it kept and makes room (integra_forget_refused)."
        )
    for code, count in summary.dead_by_code.items():
        yield f"{count} dead letters with code {code or '-'}: see integra_outbox, then --resend."
    missing = outbox.count_missing()
    if missing:
        yield f"{missing} events of the journal are not in the outbox: integra_outbox --backfill."


def _check_relay(now: datetime) -> Iterator[str]:
    state = outbox.get_state()
    if state.stopped_at is not None:
        yield "The service answered 410 and the relay has stopped: ask there, then integra_outbox --resend."
    elif state.hold_until is not None and state.hold_until > now:
        yield f"The relay holds back until {state.hold_until.isoformat()}: {state.last_error}."
    is_quiet = state.last_pass_at is None or now - state.last_pass_at > QUIET_RELAY
    if is_quiet and OutboxEvent.objects.exists():
        yield "The relay has not run for ten minutes: start integra_relay as a service of its own."


def _check_service(now: datetime) -> Iterator[str]:
    try:
        settings = conf.get_settings()
    except conf.BridgeSettingsError:
        return  # Told above.
    try:
        after = outbox.get_state().certificate_position
        certificate_states.fetch_page(settings, after=after, now=now)
    except http.UnreachableError as error:
        yield f"The service cannot be reached at {settings.service_url}: {error.code}."
    except certificate_states.StatesError as error:
        yield f"The service refuses this LMS ({error.code}): compare source, pull secret and clocks."


def _check_completion() -> Iterator[str]:
    waffle = _platform("completion.waffle")
    if waffle is not None and not waffle.ENABLE_COMPLETION_TRACKING_SWITCH.is_enabled():
        yield "The switch completion.enable_completion_tracking is off: finished units never turn green."


def _check_facilitators(now: datetime) -> Iterator[str]:
    student = _platform("common.djangoapps.student.models")
    if student is None:
        return
    for course_key in api.list_courses():
        ids = set(api.list_facilitators(course_key, on=now.date()))
        team = student.CourseAccessRole.objects.filter(
            user_id__in=ids, course_id=course_key, role__in=TEAM_ROLES
        )
        reach_studio = set(team.values_list("user_id", flat=True))
        people = get_user_model().objects.filter(pk__in=ids)
        reach_studio |= set(people.filter(is_staff=True).values_list("pk", flat=True))
        for username in people.filter(pk__in=reach_studio).order_by("pk").values_list("username", flat=True):
            yield f"{username} is facilitator of {course_key} and course staff: they can read every answer key."


def _check_certificates() -> Iterator[str]:
    overviews = _platform("openedx.core.djangoapps.content.course_overviews.models")
    if overviews is None:
        return
    courses = api.list_courses()
    active = overviews.CourseOverview.objects.filter(id__in=courses, has_any_active_web_certificate=True)
    for course_key in active.values_list("id", flat=True):
        yield f"{course_key} has an active LMS certificate: it would contradict INTEGRA's. Switch it off in Studio."


def _platform(module: str) -> Any:
    """Return a module of the platform, or ``None`` outside an LMS."""
    try:
        return import_module(module)
    except (ImportError, RuntimeError):
        return None  # RuntimeError: installed, but not an app of this project.
