"""A small course that both runtimes show, and the embedded classroom's side of the adapter protocol.

tests/standin/README.md describes the protocol. One test runs in both runtimes, chosen by ``--ds``; what only the
real platform has (Studio, masquerade, completion) is marked ``lms`` and collected there only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import crum
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from javascript import install_packages
from lxml import etree
from web_fragments.fragment import Fragment
from webob import Request
from xblock.exceptions import NoSuchHandlerError

from integra_gradebook import api
from integra_grading.items import Item, bank_digest, item_digest
from integra_grading.manifest import manifest_digest
from integra_grading.olx import write_item

IS_STANDIN = settings.ROOT_URLCONF == "standin.urls"
SPANISH = "es-419"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lms: needs what only the platform has; collected there only")
    config.addinivalue_line(
        "markers", "aula: needs pages, which only the classroom has; collected there only"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    elsewhere = "aula" if IS_STANDIN else "lms"
    not_here = [item for item in items if item.get_closest_marker(elsewhere)]
    config.hook.pytest_deselected(items=not_here)
    items[:] = [item for item in items if item not in not_here]


# --- the course ------------------------------------------------------------------------------------------


def make_item(key: str, *, outcome: str = "6.3", **more: Any) -> Item:
    """A question with three options, of which ``b`` is right."""
    return Item.from_dict(
        {
            "key": key,
            "kind": "single",
            "outcome": outcome,
            "level": "aplicar",
            "stem": f"<p>¿Cuánto es <strong>{key}</strong>?</p>",
            "options": [
                {"key": "a", "text": "Poco", "feedback": "<p>Falta restar.</p>", "error": "no_resto"},
                {"key": "b", "text": "Lo justo", "feedback": "<p>Bien & completo.</p>", "correct": True},
                {"key": "c", "text": "Mucho", "feedback": "<p>Sobra.</p>"},
            ],
            **more,
        }
    )


def make_numeric_item(key: str) -> Item:
    """A question whose answer is 1.013."""
    return Item.from_dict(
        {
            "key": key,
            "kind": "numeric",
            "outcome": "6.3",
            "level": "aplicar",
            "stem": "<p>¿Cuántas empanadas?</p>",
            "answer": {"value": "1013", "absolute": "0", "unit": "empanadas"},
            "feedback": {
                "correct": "<p>Se redondea hacia arriba.</p>",
                "wrong": "<p>Divide para el margen.</p>",
            },
        }
    )


PRACTICE_ITEMS = (make_item("m06-u03-q1"), make_numeric_item("m06-u03-q2"))
TEST_ITEMS = tuple(
    make_item(f"pp-{number}-{form.lower()}", form=form, twin=f"pp-{number}")
    for form in "AB"
    for number in range(1, 9)
)
RING_ITEMS = tuple(
    make_item(f"r-{stratum.replace('.', '')}-{number}", outcome=stratum, stratum=stratum)
    for stratum in ("6.1", "6.2", "6.3")
    for number in range(1, 9)
)


CLOSING_ITEMS = tuple(make_item(f"c-{number}", stratum="6.3") for number in range(1, 49))


def _bank(bank_id: str, kind: str, items: tuple[Item, ...], strata: list[Any], **more: Any) -> dict[str, Any]:
    entries = []
    for item in items:
        place = {"form": item.form} if item.form else {"stratum": item.stratum}
        entries.append({"key": item.key, "digest": item_digest(item), **place})
    digest = bank_digest((entry["key"], entry["digest"]) for entry in entries)
    return {
        "id": bank_id,
        "kind": kind,
        "public": True,
        "digest": digest,
        "items": entries,
        "strata": strata,
        **more,
    }


def _unit(key: str, title: str, minutes: int) -> dict[str, Any]:
    items = [item.key for item in PRACTICE_ITEMS] if key == "m06-u03" else [f"{key}-q1"]
    practices = [{"key": f"{key}-practica", "items": items}]
    return {"key": key, "title": title, "minutes": minutes, "always_required": False, "practices": practices}


def _criterion(key: str, *, must_be_positive: bool = False) -> dict[str, Any]:
    levels = [{"points": points, "text": f"Nivel {points}"} for points in (0, 1, 2)]
    return {"key": key, "title": key, "must_be_positive": must_be_positive, "levels": levels}


def make_manifest() -> dict[str, Any]:
    """The rules of the small course, signed with their digest."""
    raw: dict[str, Any] = {
        "schema": "integra.manifest/1",
        "course": {"key": "cap40", "title": "Economía para tu negocio", "language": "es-419"},
        "achievements": ["curso", "demo"],
        "areas": [{"key": "demo", "title": "Negocio con cuentas", "modules": ["m06"]}],
        "modules": [
            {
                "key": "m04",
                "title": "Clientes",
                "minutes": 72,
                "can_be_bypassed": False,
                "outcomes": [{"key": "4.3", "text": "Formula una apuesta comprobable."}],
                "units": [_unit("m04-u03", "Entrevistar a clientes", 72)],
                "deliverable": None,
            },
            {
                "key": "m06",
                "title": "Costos y precios",
                "minutes": 36,
                "can_be_bypassed": True,
                "outcomes": [{"key": key, "text": f"Resultado {key}."} for key in ("6.1", "6.2", "6.3")],
                "units": [_unit("m06-u03", "Punto de equilibrio", 36)],
                "deliverable": {
                    "key": "m06-hoja-de-costos",
                    "title": "Hoja de costos",
                    "due": "always",
                    "accepted_by": "facilitator",
                    "rubric_version": "rubrica-1",
                    "document": "punto_de_equilibrio",
                },
            },
        ],
        "rubrics": [
            {
                "version": "rubrica-1",
                "cut": 5,
                "max_score": 8,
                "criteria": [
                    _criterion("datos_propios", must_be_positive=True),
                    _criterion("procedimiento"),
                    _criterion("decision"),
                    _criterion("accion"),
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
        "blueprint": [{"outcome": "6.3", "items": 8}],
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
        "closing": [
            {
                "area": "demo",
                "bank": "cierre-demo",
                "max_score": 24,
                "minutes": 25,
                "cut": 17,
                "max_attempts": 2,
                "wait_hours": 48,
            }
        ],
        "banks": [
            _bank("prueba-demo", "test", TEST_ITEMS, []),
            _bank("cierre-demo", "closing", CLOSING_ITEMS, [{"key": "6.3", "per_form": 24}]),
            _bank(
                "anillo-m06",
                "bypass",
                RING_ITEMS,
                [{"key": stratum, "per_form": 4} for stratum in ("6.1", "6.2", "6.3")],
                module="m06",
            ),
        ],
    }
    return {**raw, "digest": manifest_digest(raw)}


def element(tag: str, *, items: tuple[Item, ...] = (), **attributes: str) -> etree._Element:
    """An OLX element of ours with ``items`` as children."""
    node = etree.Element(tag, **attributes)
    for item in items:
        write_item(node, item, etree.SubElement)
    return node


def make_lesson() -> etree._Element:
    """A lesson with every kind of section, CDATA, an entity and a term."""
    node = element(
        "integra_lesson",
        url_name="m06-u03-leccion",
        display_name="Costos y punto de equilibrio",
        unit_key="m06-u03",
        minutes="36",
    )
    for kind, html in (
        ("objectives", "<ul><li>Separar costos.</li></ul>"),
        ("prediction", "<p>¿Está ganando?</p>"),
        ("text", "<p>Las ventas &amp; la <strong>ganancia</strong>.</p>"),
        ("example", "<table><tr><th>Masa</th><td>0,18</td></tr></table>"),
        ("activity", "<p>Escoge un producto.</p>"),
        ("closing", "<p>Suma, resta, divide.</p>"),
    ):
        etree.SubElement(node, "section", kind=kind, title=f"Parte {kind}").text = etree.CDATA(html)
    etree.SubElement(node, "term", word="margen").text = "Precio menos costo variable."
    return node


def make_practice() -> etree._Element:
    """The practice of the unit: one question with options, one with a number."""
    return element(
        "integra_practice",
        items=PRACTICE_ITEMS,
        url_name="m06-u03-practica",
        display_name="Práctica",
        unit_key="m06-u03",
    )


def make_unit(*blocks: etree._Element) -> etree._Element:
    """A vertical with ``blocks``."""
    vertical = etree.Element("vertical", url_name="unidad", display_name="Unidad")
    vertical.extend(blocks)
    return vertical


# --- the embedded classroom as the tests use it ---------------------------------------------------------


class Answer(NamedTuple):
    """What a handler answered; ``json`` is ``None`` where the body is not JSON."""

    status: int
    json: Any


@dataclass(frozen=True)
class Page:
    """A rendered view."""

    html: str
    fragment: Fragment

    @property
    def init_function(self) -> str | None:
        return self.fragment.js_init_fn

    @property
    def init_args(self) -> Any:
        return self.fragment.json_init_args


class AulaWorld:
    """The classroom with the blocks of one unit in memory."""

    def __init__(self, olx: etree._Element) -> None:
        from integra_aula.runtime import AulaRuntime

        runtime = AulaRuntime(None)
        # A fresh copy: reading takes our children out of the element.
        vertical = etree.fromstring(etree.tostring(olx))
        nodes = list(vertical) if vertical.tag == "vertical" else [vertical]
        self._usages = {(node.tag, node.get("url_name")): runtime.load_block(node) for node in nodes}
        self.course_key = runtime.course_id

    def blocks(self) -> list[tuple[str, str]]:
        return list(self._usages)

    def usage_key(self, block_type: str, url_name: str) -> str:
        from integra_aula.runtime import AulaRuntime

        runtime = AulaRuntime(None)
        return runtime.usage_key_of(runtime.get_block(self._usages[block_type, url_name]))

    def as_learner(self, user: Any) -> AulaVisit:
        return AulaVisit(self, user)

    def as_staff(self, user: Any) -> AulaVisit:
        return AulaVisit(self, user)

    def not_enrolled(self, user: Any) -> AulaVisit:
        """Whoever has an active account is enrolled here."""
        get_user_model().objects.filter(pk=user.pk).update(is_active=False)
        return AulaVisit(self, user)

    def anonymous(self) -> AulaVisit:
        return AulaVisit(self, None)


class AulaVisit:
    """One person's requests to the classroom."""

    def __init__(self, world: AulaWorld, user: Any) -> None:
        self._world = world
        self._user = user

    def render(self, block_type: str, url_name: str, view: str = "student_view") -> Page:
        with crum.impersonate(self._user):
            fragment = self._load(block_type, url_name).render(view, {})
            inner = getattr(self._load(block_type, url_name), view)({})
        return Page(fragment.body_html(), inner)

    def handle(
        self,
        block_type: str,
        url_name: str,
        handler: str,
        body: Any = b"",
        *,
        method: str = "POST",
        suffix: str = "",
    ) -> Answer:
        if self._user is None:
            return Answer(403, None)
        request = Request.blank("/handler", method=method)
        if method != "GET":
            request.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        with crum.impersonate(self._user):
            block = self._load(block_type, url_name)
            try:
                response = block.handle(handler, request, suffix)
            except NoSuchHandlerError:
                return Answer(404, None)
        try:
            return Answer(response.status_code, json.loads(response.body))
        except ValueError:
            return Answer(response.status_code, None)

    def handler_url(self, block_type: str, url_name: str, handler: str) -> str:
        block = self._load(block_type, url_name)
        return str(block.runtime.handler_url(block, handler))

    def _load(self, block_type: str, url_name: str) -> Any:
        from integra_aula.runtime import AulaRuntime

        return AulaRuntime(self._user).get_block(self._world._usages[block_type, url_name])


# --- fixtures --------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def in_spanish() -> Any:
    """Requests of learners come with their language; views are rendered in it."""
    from django.utils import translation

    with translation.override(SPANISH):
        yield


@pytest.fixture
def make_world(db: None) -> Any:
    """``make_world(*blocks)``: both runtimes' worlds take blocks the same way; the course is registered."""

    def make(*blocks: etree._Element, is_registered: bool = True) -> Any:
        if IS_STANDIN:
            from standin.world import Standin as World
        else:
            World = AulaWorld  # noqa: N806 - a class
        world = World(make_unit(*blocks))
        if is_registered:
            api.register_course(world.course_key, make_manifest())
        return world

    return make


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    """Ana and Beto learn, Sofía works for the course, Aurora writes it."""
    make = get_user_model().objects.create_user
    return {name: make(name, f"{name}@example.org") for name in ("ana", "beto", "sofia", "aurora")}


@pytest.fixture
def make_facilitator(db: None) -> Any:
    """``make_facilitator(user, world)``: from 2020 on, in a cohort of their own city."""

    def make(user: Any, world: Any, cohort_key: str = "manta-1", city_key: str = "manta") -> None:
        api.open_cohort(world.course_key, cohort_key=cohort_key, city_key=city_key)
        api.appoint_facilitator(user.pk, world.course_key, cohort_key=cohort_key, starts_on=date(2020, 1, 1))

    return make


@pytest.fixture
def tracking() -> Iterator[None]:
    """The platform keeps completion (``lms`` tests only)."""
    from completion.waffle import ENABLE_COMPLETION_TRACKING_SWITCH
    from edx_toggles.toggles.testutils import override_waffle_switch

    with override_waffle_switch(ENABLE_COMPLETION_TRACKING_SWITCH, active=True):
        yield


@pytest.fixture
def count_rows() -> Any:
    """Count every row of the gradebook and the bridge, by table."""

    def count() -> dict[str, int]:
        from django.apps import apps

        models = [
            model
            for label in ("integra_gradebook", "integra_bridge")
            for model in apps.get_app_config(label).get_models()
        ]
        return {model._meta.label: model._default_manager.count() for model in models}

    return count


@pytest.fixture
def package_root() -> Path:
    """Where the blocks' own files are."""
    import integra_xblocks

    return Path(integra_xblocks.__file__).parent


@pytest.fixture
def find_barriers() -> Any:
    """``find_barriers(page, selector)``: what axe finds wrong with a part of the page."""
    axe = install_packages() / "axe-core" / "axe.min.js"

    def find(page: Any, selector: str) -> Any:
        page.evaluate(axe.read_text("utf-8"))
        ask = (
            "(part) => axe.run(part).then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
        )
        return page.evaluate(ask, selector)

    return find


# What tests of single blocks start from; conftest modules cannot be imported.


@pytest.fixture(name="make_lesson")
def _make_lesson() -> Any:
    return make_lesson


@pytest.fixture
def lesson() -> etree._Element:
    return make_lesson()


@pytest.fixture
def practice() -> etree._Element:
    return make_practice()


@pytest.fixture(name="element")
def _element() -> Any:
    return element


@pytest.fixture
def twin_items() -> tuple[Item, ...]:
    """The bank ``prueba-demo``: eight items in each of two forms."""
    return TEST_ITEMS


@pytest.fixture
def ring_items() -> tuple[Item, ...]:
    """The ring ``anillo-m06``: 24 items in three strata."""
    return RING_ITEMS


@pytest.fixture
def closing_items() -> tuple[Item, ...]:
    """The ring ``cierre-demo``: 48 items in one stratum."""
    return CLOSING_ITEMS


@pytest.fixture(name="make_manifest")
def _make_manifest() -> Any:
    return make_manifest
