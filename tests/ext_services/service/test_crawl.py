"""Every route × every id of city B × every role of city A: nothing of B is answered, and nothing of B changes.

Routes come from the URLconf, ids from the models and fields from the forms that the pages of A really show, so that a
new route, model or form is crawled without a word here.
"""

import itertools
import os
import re
from html import unescape

import pytest
from django.apps import apps
from django.db import models
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from service_support import give_factor, make_staff, pass_factor
from test_cities import Towns

from integra_service.people.models import Role
from integra_service.routes import ROUTES, Access

ROLES = (Role.STAFF, Role.AUDITOR, Role.OFFICER, Role.OPERATOR)
OPEN = {Access.PUBLIC, Access.LINK, Access.SIGNATURE}
ENDS_SESSIONS = {"web:leave", "web:sign-out", "web:sign-in", "web:enter"}
MARKERS = re.compile(r"Canario de B|aula-b|ciudad-b|Ciudad B|Norte de B|b-norte|-b@|personal-b|auditora-b")
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
FIELD = re.compile(r"<(?:input|select|textarea|button)\b[^>]*\bname=\"([^\"]+)\"")
ACTION = re.compile(r"\baction=\"([^\"]*)\"")
LINK = re.compile(r"<a\b[^>]* href=\"(/[^\"#?]*)")
# The same statements on either database: once is enough.
pytestmark = pytest.mark.skipif("INTEGRA_DATABASE_URL" in os.environ, reason="runs on SQLite")


@pytest.fixture
def towns(committed_world):
    return Towns(committed_world)


def list_patterns(resolver, prefix=""):
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from list_patterns(pattern, f"{pattern.namespace}:" if pattern.namespace else prefix)
        else:
            yield (
                prefix + pattern.name,
                {name: type(kind).__name__ for name, kind in pattern.pattern.converters.items()},
            )


PATTERNS = dict(list_patterns(get_resolver()))


def own_models():
    return [
        model
        for model in apps.get_models()
        if model.__module__.startswith("integra_service.") and model._meta.managed
    ]


def manager_of(model):
    manager = model._default_manager
    return manager.for_system() if hasattr(manager, "for_system") else manager.all()


class Ids:
    """Every id of every row, by city: a row belongs to the city that its foreign keys lead to."""

    def __init__(self, towns):
        self.of = {"a": {}, "b": {}}
        cities = {letter: towns.people[letter].city_id for letter in "ab"}
        for model in own_models():
            for row in manager_of(model):
                for letter, city in cities.items():
                    if city in find_cities(row):
                        self.of[letter].setdefault(model, []).append(row)

    def values(self, letter, kind):
        """Return what a converter of this kind would take, of all rows of that city."""
        rows = [row for found in self.of[letter].values() for row in found]
        match kind:
            case "UUIDConverter":
                wanted = models.UUIDField
            case "IntConverter":
                return sorted({row.pk for row in rows if isinstance(row.pk, int)})
            case "TokenConverter" | "SlugConverter" | "StringConverter":
                wanted = models.CharField
            case _:
                raise AssertionError(f"the crawl knows no ids for {kind}")
        found = {
            getattr(row, field.attname)
            for row in rows
            for field in row._meta.concrete_fields
            if isinstance(field, wanted) and getattr(row, field.attname)
        }
        if kind == "TokenConverter":
            found = {text for text in found if re.fullmatch(r"[A-Za-z0-9_-]{22}", str(text))}
        if kind in {"SlugConverter", "StringConverter"}:
            found = {text for text in found if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(text))}
        return sorted(found, key=str)


def find_cities(row, depth=3):
    """Return the cities a row leads to by its foreign keys."""
    if row._meta.label == "people.City":
        return {row.pk}
    found = set()
    for field in row._meta.concrete_fields:
        if (
            field.is_relation
            and depth
            and field.related_model._meta.label.startswith(
                ("people.", "records.", "credentials.", "eligibility.")
            )
        ):
            key = getattr(row, field.attname)
            other = None if key is None else manager_of(field.related_model).filter(pk=key).first()
            found |= find_cities(other, depth - 1) if other is not None else set()
    return found


def snapshot(ids):
    """Return every row of city B as it stands now."""
    return {
        (model._meta.label, row.pk): tuple(manager_of(model).filter(pk=row.pk).values_list())
        for model, rows in ids.of["b"].items()
        for row in rows
    }


def make_client(role):
    username = make_staff(f"rastreo-{role.value}", "ciudad-a", role)
    client = Client()
    assert client.login(username=username, password="una-clave-larga-para-probar")
    if role in {Role.OFFICER, Role.OPERATOR}:
        give_factor(username)
        pass_factor(client, username)
    return client


def addresses(ids, route):
    """Yield the route's address with ids of B; where it takes several, mixed with those of A, never A alone."""
    converters = PATTERNS[route.name]
    if not converters:
        yield reverse(route.name)
        return
    first, *others = converters.items()
    foreign = {name: ids.values("b", kind) for name, kind in converters.items()}
    for value in foreign[first[0]]:
        for rest in itertools.product(*(foreign[name] for name, _ in others)):
            yield reverse(route.name, kwargs=dict(zip(converters, (value, *rest), strict=True)))
    if others:
        for own in ids.values("a", first[1]):
            for rest in itertools.product(*(foreign[name] for name, _ in others)):
                yield reverse(route.name, kwargs=dict(zip(converters, (own, *rest), strict=True)))


def leak(asked, answer, secret_words):
    text = unescape(answer.content.decode("utf-8", "replace")) + str(answer.headers)
    found = {*MARKERS.findall(text), *(word for word in secret_words if word in text)}
    return {word for word in found if word not in asked}


@pytest.fixture
def crawl(towns):
    ids = Ids(towns)
    # Their ids must not be told either, in any answer that was not asked with them.
    words = {str(value) for value in ids.values("b", "UUIDConverter")} | set(
        ids.values("b", "TokenConverter")
    )
    assert len(words) >= 7  # person, learner, residence, application, credential, subject, address
    own = {str(value) for value in ids.values("a", "UUIDConverter")} | set(ids.values("a", "TokenConverter"))
    return ids, words - own


@pytest.mark.parametrize("role", ROLES)
def test_no_route_tells_or_changes_anything_of_the_other_city(crawl, role):
    ids, words = crawl
    client, before, asked_count, leaks = make_client(role), snapshot(ids), 0, {}
    for route in ROUTES:
        if route.name in ENDS_SESSIONS or set(route.methods.values()) <= OPEN:
            continue
        for address in addresses(ids, route):
            for method in route.methods:
                answer = client.generic(method, address, b"", "application/x-www-form-urlencoded")
                asked_count += 1
                assert answer.status_code < 500, (method, address)
                if found := leak(address, answer, words):
                    leaks[method, address] = found
    assert leaks == {}
    assert snapshot(ids) == before
    assert asked_count > 60


@pytest.mark.parametrize("role", ROLES)
def test_no_form_of_the_own_city_takes_ids_of_the_other(crawl, role):
    """Find the forms by following the links from the console, and post each with each field set to each id of B."""
    ids, words = crawl
    client, before, leaks = make_client(role), snapshot(ids), {}
    values = sorted({str(v) for kind in ("UUIDConverter", "IntConverter") for v in ids.values("b", kind)})
    values += ["ciudad-b", "aula-b", "b-norte"]
    seen_forms = set()
    for address, fields in list_forms(client, ids):
        if (re.sub(r"[0-9a-f-]{36}|\d+", "#", address), fields) in seen_forms:
            continue
        seen_forms.add((re.sub(r"[0-9a-f-]{36}|\d+", "#", address), fields))
        for field, value in itertools.product(fields, values):
            form = {**dict.fromkeys(fields, "1"), field: value}
            answer = client.post(address, form)
            assert answer.status_code < 500, (address, form)
            if found := leak(f"{address} {form}", answer, words):
                leaks[address, field, value] = found
    assert leaks == {}
    assert changed(before, snapshot(ids)) == set()
    assert seen_forms or role is Role.OPERATOR


def changed(before, after):
    return {key for key in before if before[key] != after[key]}


def list_forms(client, ids):
    """Yield where each form posts and its field names, from every page of the own city that links lead to."""
    waiting, known = [reverse("web:console")], set()
    waiting += [
        reverse(name, kwargs={"uuid": value})
        for name, converters in PATTERNS.items()
        if list(converters.items()) == [("uuid", "UUIDConverter")]
        for value in ids.values("a", "UUIDConverter")
    ]
    while waiting:
        path = waiting.pop(0)
        if path in known or "/salir" in path or path.startswith("/static/"):
            continue
        known.add(path)
        answer = client.get(path)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        page = answer.content.decode()
        for attributes, body in FORM.findall(page):
            action = ACTION.search(attributes)
            target = unescape(action.group(1)) if action and action.group(1) else path
            fields = tuple(sorted({*FIELD.findall(body)} - {"csrfmiddlewaretoken"}))
            if fields and "/salir" not in target and "entrar" not in target and "clave" not in target:
                yield target, fields
        waiting += LINK.findall(page)


def test_the_crawl_finds_what_is_there_to_be_found(towns):
    """The same questions, asked by somebody of B, do show the markers and ids: the crawl is not blind."""
    ids = Ids(towns)
    client = towns.world.client_of("personal-b")
    words = {str(value) for value in ids.values("b", "UUIDConverter")}
    pages = [client.get(path) for path in towns.pages("b")]
    assert all(page.status_code == 200 for page in pages)
    text = "".join(page.content.decode() for page in pages)
    assert MARKERS.search(text)
    assert any(word in text for word in words)
