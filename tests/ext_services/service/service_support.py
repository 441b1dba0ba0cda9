"""Two mirrored cities with a classroom each, signed deliveries and hand-over links, for the service's tests."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import jwt
import pyotp
from django.contrib.auth.models import User
from django.test import Client

from integra_grading import events
from integra_grading.canonical import canonical_json
from integra_grading.manifest import bank_digest, manifest_digest
from integra_grading.standing import CourseState, ModuleState, Route
from integra_service.credentials.services import effective_state, list_terms
from integra_service.lib.clock import utc_now
from integra_service.lib.models import ThrottleWindow
from integra_service.people import factors, invitations
from integra_service.people.models import City, Role, SecondFactor, StaffRole, Zone
from integra_service.people.registering import register_source
from integra_service.people.session import LEARNER_KEY
from integra_service.people.sources import SourceSecrets
from integra_service.records.manifests import register_manifest
from integra_service.web.sessions import WHOSE_FIELD, name_holder

SERVICE = "http://localhost:8001"
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
STARTED = NOW - timedelta(days=30)
SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PASSWORD = "una-clave-larga-para-probar"
DIGEST = hashlib.sha256(b"").hexdigest()


def make_manifest():
    """The rules of a small course with the keys of the demonstration."""
    test_items = [
        {"key": f"pp-{n:02}-{form}", "digest": DIGEST, "form": form} for form in "AB" for n in range(8)
    ]
    ring_items = [{"key": f"an-{n:02}", "digest": DIGEST, "stratum": "6.3"} for n in range(24)]

    def module(key, unit, minutes, can_be_bypassed, deliverable):
        return {
            "key": key,
            "title": f"Módulo {key}",
            "minutes": minutes,
            "can_be_bypassed": can_be_bypassed,
            "outcomes": [{"key": "4.3" if key == "m04" else "6.3", "text": "Logro"}],
            "units": [
                {
                    "key": unit,
                    "title": f"Unidad {unit}",
                    "minutes": minutes,
                    "always_required": False,
                    "practices": [{"key": f"{unit}-practica", "items": [f"{unit}-q1"]}],
                }
            ],
            "deliverable": deliverable,
        }

    sheet = {
        "key": "m06-hoja-de-costos",
        "title": "Hoja de costos",
        "due": "always",
        "accepted_by": "facilitator",
        "rubric_version": "rubrica-1",
        "document": "punto_de_equilibrio",
    }
    levels = [{"points": n, "text": f"Nivel {n}"} for n in range(3)]

    def bank(key, kind, items, strata, **more):
        return {
            "id": key,
            "kind": kind,
            "public": True,
            "digest": bank_digest((item["key"], item["digest"]) for item in items),
            "items": items,
            "strata": strata,
            **more,
        }

    raw = {
        "schema": "integra.manifest/1",
        "course": {"key": "cap40", "title": "Emprender", "language": "es-419"},
        "achievements": ["curso"],
        "areas": [{"key": "demo", "modules": ["m04", "m06"]}],
        "modules": [
            module("m04", "m04-u03", 72, False, None),
            module("m06", "m06-u03", 36, True, sheet),
        ],
        "rubrics": [
            {
                "version": "rubrica-1",
                "cut": 5,
                "max_score": 8,
                "criteria": [
                    {"key": f"c{n}", "title": f"Criterio {n}", "must_be_positive": n == 1, "levels": levels}
                    for n in range(1, 5)
                ],
            }
        ],
        "tests": {
            "pre": {"forms": ["A", "B"], "max_score": 8, "minutes": 10},
            "post": {
                "forms": ["A", "B"],
                "max_score": 8,
                "minutes": 10,
                "cut": 6,
                "max_attempts": 2,
                "wait_hours": 48,
            },
        },
        "blueprint": [{"outcome": "4.3", "items": 4}, {"outcome": "6.3", "items": 4}],
        "bypass": {
            "form_items": 12,
            "exempt_at": 10,
            "take_at_most": 6,
            "second_exempt_at": 18,
            "max_sittings": 2,
            "window_months": 12,
            "wait_days": 30,
            "valid_months": 24,
            "minutes": 15,
        },
        "banks": [
            bank("prueba-demo", "test", test_items, []),
            bank("anillo-m06", "bypass", ring_items, [{"key": "6.3", "per_form": 12}], module="m06"),
        ],
    }
    return {**raw, "digest": manifest_digest(raw)}


class Phone(Client):
    """A browser; with a form of the learners' pages it sends whose page that is, as the page itself does."""

    def post(self, path, data=None, *args, **kwargs):
        is_form = data is None or isinstance(data, dict)
        if path.startswith("/mi/") and is_form and LEARNER_KEY in (session := self.session):
            data = {WHOSE_FIELD: name_holder(session), **(data or {})}
        return super().post(path, data, *args, **kwargs)


@dataclass
class Classroom:
    """A source with its three secrets; makes what a real classroom sends."""

    key: str
    city_key: str
    course_key: str
    rule_version: str
    webhook: bytes
    handover: str
    pull: str

    def event(self, learner_uuid, sequence, data, *, event_id=None, at=None, source=None):
        made = events.Event(
            id=event_id or f"ev-{uuid.uuid4()}",
            learner_uuid=learner_uuid,
            sequence=sequence,
            time=at or STARTED + timedelta(minutes=sequence),
            data=data,
        )
        return events.to_cloudevent(made, source=source or self.key)

    def common(self, **changes):
        return {
            "city_key": self.city_key,
            "cohort_key": f"cohorte-{self.city_key}",
            "course_key": self.course_key,
            "rule_version": self.rule_version,
            **changes,
        }

    def enrolled(self, **changes):
        return events.LearnerEnrolled(
            **self.common(**changes), modality="virtual", route_intended=Route.TRAINING
        )

    def unit(self, key="m04-u03", **changes):
        return events.UnitCompleted(
            **self.common(**changes), unit_key=key, declared_minutes=72, active_minutes=60
        )

    def story(self):
        """Every fact of a learner who reaches the demonstration's achievement, in order."""
        common = self.common()
        sheet = uuid.uuid4()
        return [
            self.enrolled(),
            self.test("pre", 3),
            self.unit("m04-u03"),
            self.module("m04", 72),
            self.unit("m06-u03"),
            events.DeliverableSubmitted(
                **common,
                submission_uuid=sheet,
                deliverable_key="m06-hoja-de-costos",
                version=1,
                digest=DIGEST,
            ),
            events.DeliverableRated(
                **common,
                submission_uuid=sheet,
                rating_uuid=uuid.uuid4(),
                by=events.RatedBy.FACILITATOR,
                rater_uuid=uuid.uuid4(),
                rubric_version="rubrica-1",
                levels=tuple(events.RatedCriterion(criterion_key=f"c{n}", points=2) for n in range(1, 5)),
                outcome=events.RatingOutcome.ACCEPTED,
            ),
            self.module("m06", 36),
            self.test("post", 7),
            events.CourseStandingChanged(
                **common, state=CourseState.REACHED, reasons=(), minutes_trained=108, minutes_recognised=0
            ),
        ]

    def test(self, kind, score):
        form = "A" if kind == "pre" else "B"
        return events.AssessmentSubmitted(
            **self.common(),
            attempt_uuid=uuid.uuid4(),
            kind=events.AttemptKind(kind),
            form_key=form,
            ordinal=1,
            score=score,
            max_score=8,
            cut=6 if kind == "post" else None,
            items=tuple(
                events.AssessedItem(
                    item_key=f"pp-{n:02}-{form}",
                    item_digest=DIGEST,
                    outcome_key="6.3",
                    points=int(n < score),
                    max_points=1,
                )
                for n in range(8)
            ),
            bank_id="prueba-demo",
            bank_digest=self.bank_digest,
            mode=events.AttemptMode.ALONE,
            accommodations=(),
            started_at=STARTED,
        )

    bank_digest: str = ""

    def module(self, key, minutes, state=ModuleState.DONE, route=Route.TRAINING, reasons=()):
        return events.ModuleStandingChanged(
            **self.common(),
            module_key=key,
            state=state,
            route=route,
            reasons=reasons,
            minutes_trained=minutes,
            minutes_recognised=0,
        )

    def tell(self, learner_uuid, story=None):
        """The story as events on the wire."""
        return [self.event(learner_uuid, n, data) for n, data in enumerate(story or self.story(), 1)]

    def headers(self, body, *, timestamp=None, delivery="dlv_1", secret=None):
        stamp = str(int(time.time()) if timestamp is None else timestamp)
        signed = f"{delivery}.{stamp}.".encode() + body
        digest = hmac.digest(secret or self.webhook, signed, "sha256")
        return {
            "integra-source": self.key,
            "webhook-id": delivery,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }

    def send(self, payload, *, client=None, body=None, content_type=None, headers=None):
        raw = canonical_json(payload) if body is None else body
        is_batch = isinstance(payload, list)
        return (client or Client()).post(
            "/api/v1/events",
            data=raw,
            content_type=content_type or (BATCH if is_batch else SINGLE),
            headers=headers or self.headers(raw),
        )

    def link(self, learner_uuid, **changes):
        now = int(time.time())
        claims = {
            "iss": self.key,
            "sub": str(learner_uuid),
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 300,
            "aud": SERVICE,
            "city_key": self.city_key,
            "course_key": self.course_key,
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return "/entrar/" + jwt.encode(claims, self.handover, algorithm="HS256")

    def enter(self, learner_uuid, client=None):
        """Open a link, and say yes where another session of this browser would end."""
        client, link = client or Phone(), self.link(learner_uuid)
        answer = client.get(link)
        if answer.status_code == 200:
            answer = client.post(link)
        assert (answer.status_code, answer["location"]) == (302, "/mi/")
        return client

    def bearer(self, *, secret=None, **changes):
        now = int(time.time())
        claims = {
            "iss": self.key,
            "aud": SERVICE,
            "method": "GET",
            "path": "/api/v1/certificate-states",
            "iat": now,
            "exp": now + 60,
            **changes,
        }
        return "Bearer " + jwt.encode(claims, secret or self.pull, algorithm="HS256")


@dataclass
class World:
    """Both cities."""

    a: Classroom
    b: Classroom
    manifest: dict
    staff: dict = field(default_factory=dict)  # by city key: username

    def client_of(self, username):
        client = Client()
        assert client.login(username=username, password=PASSWORD)
        return client


def make_world():
    manifest = make_manifest()
    register_manifest(manifest, NOW)
    test_bank = manifest["banks"][0]["digest"]
    world = World(
        a=make_classroom("a", manifest["digest"], test_bank),
        b=make_classroom("b", manifest["digest"], test_bank),
        manifest=manifest,
    )
    for letter in "ab":
        world.staff[letter] = make_staff(f"personal-{letter}", f"ciudad-{letter}", Role.STAFF)
        world.staff[f"auditor-{letter}"] = make_staff(f"auditora-{letter}", f"ciudad-{letter}", Role.AUDITOR)
        world.staff[f"operator-{letter}"] = make_staff(
            f"operadora-{letter}", f"ciudad-{letter}", Role.OPERATOR
        )
    User.objects.create_user("sin-rol", password=PASSWORD)
    return world


def make_classroom(letter, rule_version, test_bank):
    city = City.objects.create(key=f"ciudad-{letter}", name=f"Ciudad {letter.upper()}")
    Zone.objects.create(city=city, key=f"{letter}-norte", name=f"Norte de {letter.upper()}")
    secrets = {
        "webhook": f"webhook-secret-of-classroom-{letter}-32".encode(),
        "handover": f"hand-over-secret-of-classroom-{letter}-32bytes",
        "pull": f"pull-secret-of-classroom-{letter}-32-bytes-long",
    }
    register_source(
        key=f"aula-{letter}",
        name=f"Aula {letter.upper()}",
        url="http://localhost:8000",
        city_keys=[city.key],
        course_keys=[f"course-v1:INTEGRA+CAP40+{letter}"],
        secrets=SourceSecrets(
            "whsec_" + base64.b64encode(secrets["webhook"]).decode(), secrets["handover"], secrets["pull"]
        ),
        now=STARTED,
    )
    return Classroom(
        key=f"aula-{letter}",
        city_key=city.key,
        course_key=f"course-v1:INTEGRA+CAP40+{letter}",
        rule_version=rule_version,
        bank_digest=test_bank,
        **secrets,
    )


def make_staff(username, city_key, role):
    user = User.objects.create_user(username, password=PASSWORD)
    StaffRole.objects.create(
        user=user, city=City.objects.get(key=city_key), role=role, from_on=date(2026, 1, 1)
    )
    return username


def give_factor(username):
    """Enrol a second factor for this user; return its secret in base32."""
    secret = pyotp.random_base32()
    factors.enrol_for_demo(User.objects.get(username=username), secret, now=utc_now())
    return secret


def open_factor_link(client, username):
    """Open in this browser a fresh one-time link, as ``integra_staff factor-link`` prints it."""
    uidb64, token = invitations.make_link(User.objects.get(username=username), now=utc_now())
    return client.get(f"/consola/segundo-factor/{uidb64}/{token}/")


def code_of(secret, *, steps=0):
    """Return what the phone shows now, or some half minutes from now."""
    return pyotp.TOTP(secret).at(int(time.time()), counter_offset=steps)


def pass_factor(client, username):
    """Let this signed-in client pass the second factor on its page; enrols one when there is none."""
    user = User.objects.get(username=username)
    factor = factors.find_factor(user)
    secret = give_factor(username) if factor is None else factors.open_secret(factor)
    # A test may pass more often than people do.
    ThrottleWindow.objects.all().delete()
    SecondFactor.objects.filter(user=user).update(last_step=0)
    answer = client.post("/consola/segundo-factor/", {"code": code_of(secret), "next": "/consola/"})
    assert (answer.status_code, answer["location"]) == (302, "/consola/")
    return client


def confirm(client, name="María José Ñáñez", *, find_by_name="si"):
    """Consent and confirm the name, as the pages ask for it."""
    client.post("/mi/aviso/", {"certificado": "si", "busqueda_por_nombre": find_by_name})
    return client.post("/mi/nombre/", {"name": name, "step": "confirm"})


def dump(value):
    return json.dumps(value).encode()


def find_counting(person, achievement_key, now):
    """The person's latest certificate of this achievement that counts now, or None."""
    terms = [term for term in list_terms(person) if term.achievement_key == achievement_key]
    return next((term for term in reversed(terms) if effective_state(term, now) == "valid"), None)
