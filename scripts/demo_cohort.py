"""Play the demonstration's invented cohort: signed events for two mirrored cities, and graduates with a name.

Everything enters through the service's own doors (``POST /api/v1/events``, the hand-over, the learner's
pages), so that what the demonstration shows is what those doors do. Names, places and results are invented and
say so. Ids and times are fixed: playing twice changes nothing. Prints ``{"token": …}`` of the first certificate.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import requests

from integra_bridge.signing import name_delivery, sign_body
from integra_grading import events
from integra_grading.achievements import list_achievements
from integra_grading.canonical import canonical_json, digest
from integra_grading.forms import ClosingRules
from integra_grading.manifest import Bank, BankItem, Manifest, Module, parse_manifest
from integra_grading.standing import CourseState, ModuleState, Route

NAMESPACE = uuid.UUID("6f0c8a52-5a55-4f0b-9d6f-0d6a1c1f2e11")
BEGIN = datetime(2026, 9, 7, 14, 0, tzinfo=UTC)
CITIES = (("ciudad-a", "inventada-a"), ("ciudad-b", "inventada-b"))
# How far each invented learner of a city is: the same in both cities, so that a leak between them shows.
STAGES = (
    "graduate",
    "enrolled",
    "enrolled",
    "pre",
    "unit",
    "unit",
    "handed_in",
    "returned",
    "post_failed",
    "all_but_post",
    "emprendimiento",
    "empleabilidad",
)
# Who of them holds a certificate, with the name on it in each city; the last two closed one area.
GRADUATES = {
    "graduate": ("Rosa Inventada Ejemplo", "Luz Inventada Muestra"),
    "emprendimiento": ("Elsa Inventada Prueba", "Nora Inventada Modelo"),
    "empleabilidad": ("Iván Inventado Ensayo", "Saúl Inventado Boceto"),
}
BATCH = 100


@dataclass(frozen=True)
class Place:
    """Where the service is and with which secrets the classroom speaks to it."""

    service: str
    source: str
    webhook_secret: bytes
    handover_secret: str
    course_key: str


def main() -> int:
    place = Place(
        service=os.environ["INTEGRA_SERVICE_URL"],
        source=os.environ["INTEGRA_SOURCE"],
        webhook_secret=base64.b64decode(os.environ["INTEGRA_WEBHOOK_SECRET"].removeprefix("whsec_")),
        handover_secret=os.environ["INTEGRA_HANDOVER_SECRET"],
        course_key=os.environ["INTEGRA_COURSE_KEY"],
    )
    manifest = parse_manifest(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    played = [
        event
        for city_key, cohort_key in CITIES
        for number, stage in enumerate(STAGES)
        for event in play(manifest, place, city_key, cohort_key, number, stage)
    ]
    for start in range(0, len(played), BATCH):
        send(place, played[start : start + BATCH])
    tokens = [
        graduate(place, learner_of(cohort_key, STAGES.index(stage)), city_key, name)
        for stage, names in GRADUATES.items()
        for (city_key, cohort_key), name in zip(CITIES, names, strict=True)
    ]
    print(json.dumps({"token": tokens[0]}))
    return 0


def learner_of(cohort_key: str, number: int) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, f"{cohort_key}/{number}")


def play(
    manifest: Manifest, place: Place, city_key: str, cohort_key: str, number: int, stage: str
) -> Iterator[dict[str, Any]]:
    """Yield the events of one invented learner, in order."""
    learner = learner_of(cohort_key, number)
    story = Story(manifest, place.course_key, city_key, cohort_key, f"{cohort_key}/{number}")
    for sequence, data in enumerate(story.tell(stage), start=1):
        event = events.Event(
            id=str(uuid.uuid5(NAMESPACE, f"{cohort_key}/{number}/{sequence}")),
            learner_uuid=learner,
            sequence=sequence,
            time=BEGIN + timedelta(days=number, hours=sequence),
            data=data,
        )
        yield events.to_cloudevent(event, source=place.source)


class Story:
    """What one invented learner did, up to a stage."""

    def __init__(
        self, manifest: Manifest, course_key: str, city_key: str, cohort_key: str, seed: str
    ) -> None:
        self.manifest = manifest
        self.seed = seed
        self.common = {
            "city_key": city_key,
            "cohort_key": cohort_key,
            "course_key": course_key,
            "rule_version": manifest.digest,
        }

    def tell(self, stage: str) -> Iterator[events.EventData]:
        """Yield the facts in the order in which a learner makes them."""
        yield events.LearnerEnrolled(**self.common, modality="virtual", route_intended=Route.TRAINING)
        if stage == "enrolled":
            return
        post = self.manifest.tests.post
        yield self.test("pre", score=post.cut // 2)
        if stage == "pre":
            return
        closing = next((rules for rules in self.manifest.closing if rules.area == stage), None)
        for module in self.list_modules("" if closing is None else stage):
            yield from self.units(module)
            if stage == "unit":
                return
            if module.deliverable is not None:
                yield from self.deliverable(module, "submitted" if stage == "handed_in" else "returned")
                if stage in ("handed_in", "returned"):
                    return
                yield from self.deliverable(module, "accepted", version=2)
            yield self.done(module)
        if closing is not None:
            yield self.closing(closing, score=closing.cut + 2)
        elif stage != "all_but_post":
            yield self.test("post", score=post.cut - 2 if stage == "post_failed" else post.cut + 4)
            if stage == "graduate":
                yield self.reached()

    def list_modules(self, area: str) -> list[Module]:
        """Return the modules that the achievement of an area asks for, or with "" that of the whole course."""
        achievement = next(each for each in list_achievements(self.manifest) if each.area == area)
        return [module for module in self.manifest.modules if module.key in achievement.module_keys]

    def reached(self) -> events.EventData:
        return events.CourseStandingChanged(
            **self.common,
            state=CourseState.REACHED,
            reasons=(),
            minutes_trained=sum(module.minutes for module in self.manifest.modules),
            minutes_recognised=0,
        )

    def units(self, module: Module) -> Iterator[events.EventData]:
        for unit in module.units:
            yield events.UnitCompleted(
                **self.common,
                unit_key=unit.key,
                declared_minutes=unit.minutes,
                active_minutes=unit.minutes - 5,
            )

    def done(self, module: Module) -> events.EventData:
        return events.ModuleStandingChanged(
            **self.common,
            module_key=module.key,
            state=ModuleState.DONE,
            route=Route.TRAINING,
            reasons=(),
            minutes_trained=module.minutes,
            minutes_recognised=0,
        )

    def test(self, kind: str, score: int) -> events.EventData:
        bank = next(bank for bank in self.manifest.banks if bank.kind == "test")
        form = "A" if kind == "pre" else "B"
        items = [item for item in bank.items if item.form == form]
        return self.sitting(
            kind, bank, form, items, score, self.manifest.tests.post.cut if kind == "post" else None
        )

    def closing(self, rules: ClosingRules, score: int) -> events.EventData:
        bank = next(bank for bank in self.manifest.banks if bank.id == rules.bank)
        items = [
            item
            for stratum in bank.strata
            for item in [item for item in bank.items if item.stratum == stratum.key][: stratum.per_form]
        ]
        return self.sitting("closing", bank, f"{rules.area}.1", items, score, rules.cut)

    def sitting(
        self, kind: str, bank: Bank, form_key: str, items: list[BankItem], score: int, cut: int | None
    ) -> events.EventData:
        return events.AssessmentSubmitted(
            **self.common,
            attempt_uuid=self.uuid(kind),
            kind=events.AttemptKind(kind),
            form_key=form_key,
            ordinal=1,
            score=score,
            max_score=len(items),
            cut=cut,
            items=tuple(
                events.AssessedItem(item.key, item.digest, self.outcome(bank, item.key), int(n < score), 1)
                for n, item in enumerate(items)
            ),
            bank_id=bank.id,
            bank_digest=bank.digest,
            mode=events.AttemptMode.ALONE,
            accommodations=(),
            started_at=BEGIN,
        )

    def outcome(self, bank: Bank, item_key: str) -> str:
        """Return some outcome of the course: the manifest does not say which item measures which."""
        outcomes = [outcome.key for module in self.manifest.modules for outcome in module.outcomes]
        return outcomes[[item.key for item in bank.items].index(item_key) % len(outcomes)]

    def deliverable(self, module: Module, result: str, version: int = 1) -> Iterator[events.EventData]:
        assert module.deliverable is not None  # noqa: S101 - the caller looked
        key = module.deliverable.key
        submission = self.uuid(f"{key}/{version}")
        yield events.DeliverableSubmitted(
            **self.common,
            submission_uuid=submission,
            deliverable_key=key,
            version=version,
            digest=digest(str(submission)),
        )
        if result == "submitted":
            return
        rubric = next(r for r in self.manifest.rubrics if r.version == module.deliverable.rubric_version)
        points = 2 if result == "accepted" else 1
        yield events.DeliverableRated(
            **self.common,
            submission_uuid=submission,
            rating_uuid=self.uuid(f"{key}/{version}/rating"),
            by=events.RatedBy.FACILITATOR,
            rater_uuid=self.uuid("rater"),
            rubric_version=rubric.version,
            levels=tuple(events.RatedCriterion(criterion.key, points) for criterion in rubric.criteria),
            outcome=events.RatingOutcome(result),
        )

    def uuid(self, name: str) -> uuid.UUID:
        return uuid.uuid5(NAMESPACE, f"{self.seed}/{name}")


def send(place: Place, batch: list[dict[str, Any]]) -> None:
    """Deliver a batch and insist that every event was accepted."""
    body = canonical_json(batch)
    ids = [event["id"] for event in batch]
    delivery, now = name_delivery(ids), int(time.time())
    answer = requests.post(
        f"{place.service}/api/v1/events",
        data=body,
        headers={
            "content-type": "application/cloudevents-batch+json",
            "integra-source": place.source,
            "webhook-id": delivery,
            "webhook-timestamp": str(now),
            "webhook-signature": sign_body(place.webhook_secret, delivery, now, body),
        },
        timeout=60,
    )
    receipt = answer.json()
    if answer.status_code != 202 or sorted(receipt["accepted"]) != sorted(ids):
        raise SystemExit(f"The service did not accept the invented events: {answer.status_code} {receipt}")


def graduate(place: Place, learner: uuid.UUID, city_key: str, name: str) -> str:
    """Consent and confirm the name as the learner would, and return the certificate's token."""
    session = enter(place, learner, city_key)
    post_form(session, f"{place.service}/mi/aviso/", {"certificado": "si", "busqueda_por_nombre": "si"})
    post_form(session, f"{place.service}/mi/nombre/", {"name": name, "step": "confirm"})
    page = session.get(f"{place.service}/mi/", timeout=30).text
    found = re.search(r"/c/([A-Za-z0-9_-]{20,})", page)
    if found is None:
        raise SystemExit("The invented graduate has no certificate; the page said:\n" + page)
    return found.group(1)


def enter(place: Place, learner: uuid.UUID, city_key: str) -> requests.Session:
    """Enter by a hand-over of the classroom, as the learner's browser does."""
    now = int(time.time())
    claims = {
        "iss": place.source,
        "sub": str(learner),
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 300,
        "aud": place.service,
        "city_key": city_key,
        "course_key": place.course_key,
    }
    session = requests.Session()
    session.get(f"{place.service}/entrar/{jwt.encode(claims, place.handover_secret, 'HS256')}", timeout=30)
    return session


def post_form(session: requests.Session, url: str, fields: dict[str, str]) -> None:
    page = session.get(url, timeout=30).text
    # The form's token, and whose page it is.
    hidden = dict(re.findall(r'name="(csrfmiddlewaretoken|de)" value="([^"]+)"', page))
    answer = session.post(url, data={**hidden, **fields}, headers={"Referer": url}, timeout=60)
    if answer.status_code >= 400:
        raise SystemExit(f"{url} answered {answer.status_code}:\n{answer.text}")


if __name__ == "__main__":
    sys.exit(main())
