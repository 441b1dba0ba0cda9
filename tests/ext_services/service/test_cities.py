"""Two mirrored cities: staff of one see nothing of the other, by any page, search, id or body."""

import re
import uuid

import pytest
from django.contrib.auth.models import User
from service_support import NOW, PASSWORD, confirm
from test_routes import read_demo_policy

from integra_service.eligibility.models import Application
from integra_service.eligibility.services import register_application, register_policy
from integra_service.lib.errors import NotFoundError, UnscopedQueryError
from integra_service.people.models import City, LearnerIdentity, Person, ResidenceEpisode, Zone
from integra_service.people.services import access_person, find_people, find_staff, record_residence
from integra_service.records.models import LearningRecordRow

MARKER = re.compile(r"Canario de ([AB])|aula-([ab])|Ciudad ([AB])|Norte de ([AB])")


@pytest.fixture
def towns(committed_world):
    return Towns(committed_world)


class Towns:
    """The same in both cities: a certified person with a residence and an application."""

    def __init__(self, world):
        self.world, self.people, self.learners = world, {}, {}
        for letter in "ab":
            room = getattr(world, letter)
            learner = uuid.uuid4()
            room.send(room.tell(learner))
            confirm(room.enter(learner), f"Persona Canario de {letter.upper()}")
            identity = LearnerIdentity.objects.for_system().get(learner_uuid=learner)
            staff = self.staff(letter)
            record_residence(
                staff,
                identity.person,
                zone=Zone.objects.get(key=f"{letter}-norte"),
                from_on=NOW.date().replace(month=1),
                to_on=None,
                evidence="declaracion_propia",
                now=NOW,
            )
            policy = register_policy(
                City.objects.get(key=f"ciudad-{letter}"), read_demo_policy(), "policy-demo.yaml", now=NOW
            )
            register_application(staff, identity.person, policy.pk, now=NOW)
            self.people[letter], self.learners[letter] = identity.person, identity

    def staff(self, letter):
        return find_staff(User.objects.get(username=f"personal-{letter}"), on=NOW.date())

    def pages(self, letter):
        """Every console page about the person of that city."""
        person = self.people[letter]
        residence = ResidenceEpisode.objects.for_system().get(person=person)
        application = Application.objects.for_system().get(person=person)
        base = f"/consola/personas/{person.uuid}/"
        return [
            base,
            f"{base}residencia/",
            f"{base}residencia/{residence.uuid}/",
            f"/consola/postulaciones/{application.uuid}/",
        ]


def markers(text):
    return {next(part for part in found if part).lower() for found in MARKER.findall(text)}


@pytest.mark.parametrize(("own", "other"), [("a", "b"), ("b", "a")])
def test_staff_see_their_city_and_nothing_of_the_other(towns, own, other):
    client = towns.world.client_of(f"personal-{own}")
    searches = [
        "Canario",
        "persona canario de",
        towns.learners[own].short_code,
        towns.learners[other].short_code,
        f"Canario de {other.upper()}",
    ]
    seen = [client.get(path).content.decode() for path in [*towns.pages(own), "/consola/"]]
    seen += [client.post("/consola/personas/", {"query": query}).content.decode() for query in searches]

    assert set().union(*(markers(text.replace(searches[-1], "")) for text in seen)) == {own}
    for text in seen[:4]:
        assert "Canario" in text or "residencia" in text.lower()


@pytest.mark.parametrize(("own", "other"), [("a", "b"), ("b", "a")])
def test_ids_of_the_other_city_answer_like_ids_nobody_has(towns, own, other):
    client = towns.world.client_of(f"personal-{own}")
    for path in towns.pages(other):
        random = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", lambda _: str(uuid.uuid4()), path)
        foreign, missing = client.get(path), client.get(random)
        assert (foreign.status_code, foreign.content) == (404, missing.content)
        assert foreign.headers == missing.headers


def test_two_ids_that_do_not_belong_together_are_refused(towns):
    client = towns.world.client_of("personal-a")
    own, foreign = (towns.people[letter] for letter in "ab")
    residence_of = {
        letter: ResidenceEpisode.objects.for_system().get(person=towns.people[letter]) for letter in "ab"
    }
    before = ResidenceEpisode.objects.for_system().count()
    fields = {
        "zone": residence_of["a"].zone_id,
        "from_on": "2026-02-01",
        "evidence": "declaracion_propia",
        "reason": "x",
    }

    for person, letter in ((own, "b"), (foreign, "a"), (foreign, "b")):
        path = f"/consola/personas/{person.uuid}/residencia/{residence_of[letter].uuid}/"
        assert client.post(path, fields).status_code == 404
    # A zone of the other city in the body of an own form.
    path = f"/consola/personas/{own.uuid}/residencia/"
    assert client.post(path, {**fields, "zone": residence_of["b"].zone_id}).status_code == 400
    assert client.post(f"/consola/personas/{own.uuid}/postular/", {"policy": 10**6}).status_code == 404
    assert ResidenceEpisode.objects.for_system().count() == before


def test_a_correction_keeps_the_former_row_and_says_why(towns):
    client = towns.world.client_of("personal-a")
    person = towns.people["a"]
    former = ResidenceEpisode.objects.for_system().get(person=person)
    path = f"/consola/personas/{person.uuid}/residencia/{former.uuid}/"
    fields = {"zone": former.zone_id, "from_on": "2026-03-05", "to_on": "", "evidence": "carta_vecinal"}

    assert client.post(path, fields).status_code == 400  # no reason given
    assert client.post(path, {**fields, "reason": "se leyó mal"}).status_code == 302

    rows = ResidenceEpisode.objects.for_system().filter(person=person).order_by("pk")
    assert [(str(row.from_on), row.replaces_id, row.reason) for row in rows] == [
        ("2026-01-25", None, ""),
        ("2026-03-05", former.pk, "se leyó mal"),
    ]
    assert client.post(path, {**fields, "reason": "otra vez"}).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [{"from_on": "2999-01-01"}, {"from_on": "2026-02-01", "to_on": "2026-01-01"}, {"from_on": "ayer"}],
)
def test_impossible_dates_are_refused(towns, fields):
    client = towns.world.client_of("personal-a")
    person, zone = towns.people["a"], Zone.objects.get(key="a-norte")
    path = f"/consola/personas/{person.uuid}/residencia/"
    answer = client.post(path, {"zone": zone.pk, "evidence": "declaracion_propia", **fields})
    assert answer.status_code == 400
    assert ResidenceEpisode.objects.for_system().filter(person=person).count() == 1


def test_a_name_finds_only_who_agreed_and_only_by_whole_words(world):
    for name, agrees in (("Yurí Ñáñez Canario", "si"), ("Yuri Ñañez Otra", "no")):
        confirm(world.a.enter(uuid.uuid4()), name, find_by_name=agrees)
    staff = find_staff(User.objects.get(username="personal-a"), on=NOW.date())

    def found(text):
        return [row.name for row in find_people(staff, text)]

    assert found("yuri ñañez") == found("CANARIO yurí") == ["Yurí Ñáñez Canario"]
    assert found("yu") == found("yuri quispe") == found("") == found("%") == found("\x00") == []


def test_a_role_ends_on_its_day_and_at_the_next_request(world):
    from integra_service.people.models import StaffRole

    client = world.client_of("personal-a")
    assert client.get("/consola/").status_code == 200
    StaffRole.objects.filter(user__username="personal-a").update(to_on="2026-01-02")
    assert client.get("/consola/").status_code == 404


def test_models_of_a_city_cannot_be_queried_without_one(world):
    for model in (Person, LearnerIdentity, LearningRecordRow, ResidenceEpisode):
        for query in (
            lambda m=model: list(m.objects.all()),
            lambda m=model: m.objects.filter(pk=1),
            lambda m=model: m.objects.count(),
            lambda m=model: m.objects.get(pk=1),
        ):
            with pytest.raises(UnscopedQueryError):
                query()
    with pytest.raises(UnscopedQueryError):
        City.objects.get(key="ciudad-a").people.count()
    assert Person.objects.in_cities(set()).count() == 0


def test_missing_and_foreign_people_raise_the_same(towns):
    staff = towns.staff("a")
    for person_uuid in (towns.people["b"].uuid, uuid.uuid4()):
        with pytest.raises(NotFoundError):
            access_person(staff, person_uuid)
    assert access_person(staff, towns.people["a"].uuid) == towns.people["a"]


def test_passwords_cannot_be_guessed_at_will(world, client):
    for _ in range(10):
        answer = client.post("/consola/entrar/", {"username": "personal-a", "password": "mal"})
        assert answer.status_code == 400
    answer = client.post("/consola/entrar/", {"username": "PERSONAL-A", "password": PASSWORD})
    assert answer.status_code == 429
    answer = client.post("/consola/entrar/", {"username": "personal-b", "password": PASSWORD})
    assert answer.status_code == 302


def test_a_search_asks_the_same_number_of_questions_for_one_and_for_three(world, django_assert_num_queries):
    staff = find_staff(User.objects.get(username="personal-a"), on=NOW.date())
    confirm(world.a.enter(uuid.uuid4()), "Tomasa Canario")
    with django_assert_num_queries(3):
        assert len(find_people(staff, "canario")) == 1
    for name in ("Luz Canario", "Sol Canario"):
        confirm(world.a.enter(uuid.uuid4()), name)
    with django_assert_num_queries(3):
        assert len(find_people(staff, "canario")) == 3
