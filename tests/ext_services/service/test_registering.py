"""What an operator says of a source by command, judged by what it may send afterwards."""

import base64
import json
import os
import stat
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from test_concurrency import together

from integra_grading.canonical import canonical_json
from integra_service.audit.models import AuditEntry
from integra_service.audit.services import check_chain
from integra_service.people.models import City, SecretKind, Source, Zone
from integra_service.people.sources import open_secrets
from integra_service.records.models import CheckReport, InboxEvent, ReconcileReport

TENA = "course-v1:INTEGRA+CAP40+tena"
SINGLE = "application/cloudevents+json"
needs_server = pytest.mark.skipif("INTEGRA_DATABASE_URL" not in os.environ, reason="needs a server database")


@pytest.fixture
def said(committed_world, capsys):
    """Run the command for city A's classroom and return what it said."""

    def run(*arguments, key=committed_world.a.key):
        call_command("integra_register_source", key, *map(str, arguments))
        return capsys.readouterr().out

    return run


def secrets_of(letter):
    """Three secrets, and the bytes of the one that signs."""
    raw = letter.encode() * 32
    texts = {
        "webhook": "whsec_" + base64.b64encode(raw).decode(),
        "handover": letter * 40,
        "pull": letter.upper() * 40,
    }
    return texts, raw


def write(path, texts):
    path.write_text(json.dumps(texts))
    return path


def send(room, secret=None):
    """Return status and code of one more learner's first event."""
    body = canonical_json(room.event(uuid.uuid4(), 1, room.enrolled()))
    answer = Client().post(
        "/api/v1/events", body, content_type=SINGLE, headers=room.headers(body, secret=secret)
    )
    return answer.status_code, answer.json().get("code")


def territory(key="aula-a"):
    source = Source.objects.get(key=key)
    cities = source.cities.order_by("key").values_list("key", flat=True)
    return list(cities), list(source.courses.order_by("course_key").values_list("course_key", flat=True))


def test_secrets_are_changed_with_the_key_and_the_file_alone(committed_world, said, tmp_path):
    room, before = committed_world.a, territory()
    texts, new = secrets_of("n")
    out = said("--secrets", write(tmp_path / "new.json", texts))

    assert territory() == before
    assert (send(room)[0], send(room, new)[0]) == (202, 202)
    assert "cities: unchanged; now ciudad-a\n" in out
    assert f"courses: unchanged; now {room.course_key}\n" in out
    for kind in ("webhook", "handover", "pull"):
        assert f"active secrets, {kind}: 2 (" in out
    assert out.count(", new") == 3
    assert not any(text in out for text in texts.values())

    assert "3 old secrets retired" in said("--retire-old-secrets")
    assert (send(room), send(room, new)[0]) == ((401, "bad_signature"), 202)


def test_new_secrets_and_the_end_of_the_old_ones_in_one_call(committed_world, said, tmp_path):
    room = committed_world.a
    texts, new = secrets_of("n")
    out = said("--secrets", write(tmp_path / "new.json", texts), "--retire-old-secrets")

    assert (send(room), send(room, new)[0]) == ((401, "bad_signature"), 202)
    source = Source.objects.get(key="aula-a")
    assert [open_secrets(source, kind) for kind in SecretKind] == [
        (texts["webhook"],),
        (texts["handover"],),
        (texts["pull"],),
    ]
    assert "active secrets, webhook: 1 (" in out
    assert "3 old secrets retired" in out
    assert check_chain().is_intact


def test_the_secrets_of_the_file_stay_even_where_newer_ones_are_active(committed_world, said, tmp_path):
    room, (first, kept) = committed_world.a, secrets_of("k")
    first_file = write(tmp_path / "kept.json", first)
    second, newer = secrets_of("n")
    said("--secrets", first_file)
    said("--secrets", write(tmp_path / "newer.json", second))
    said("--secrets", first_file, "--retire-old-secrets")
    assert [send(room, secret)[0] for secret in (room.webhook, newer, kept)] == [401, 401, 202]


def test_a_file_that_is_refused_retires_nothing(committed_world, said, tmp_path):
    texts, _ = secrets_of("n")
    path = write(tmp_path / "new.json", {**texts, "pull": "short"})
    with pytest.raises(CommandError, match="pull secret"):
        said("--secrets", path, "--retire-old-secrets", "--city", "tena=Tena", "--course", TENA)
    assert send(committed_world.a)[0] == 202
    assert Source.objects.get(key="aula-a").secrets.filter(retired_at=None).count() == 3
    assert not City.objects.filter(key="tena").exists()


def test_places_are_added_and_only_taken_away_by_name(committed_world, said):
    course = committed_world.a.course_key
    out = said("--city", "tena=Tena", "--zone", "tena:tena-sur=Sur", "--course", TENA)
    assert "cities: +tena; now ciudad-a, tena\n" in out
    assert f"courses: +{TENA}; now {course}, {TENA}\n" in out
    assert Zone.objects.get(key="tena-sur").city.key == "tena"
    assert territory() == (["ciudad-a", "tena"], [course, TENA])

    out = said("--remove-city", "ciudad-a", "--remove-course", course)
    assert "cities: -ciudad-a; now tena\n" in out
    assert territory() == (["tena"], [TENA])
    assert City.objects.filter(key="ciudad-a").exists()
    last = AuditEntry.objects.filter(action="source.registered").latest("sequence")
    assert json.loads(last.data)["removed_cities"] == ["ciudad-a"]

    count = AuditEntry.objects.count()
    assert "cities: unchanged; now tena\n" in said()
    assert AuditEntry.objects.count() == count


@pytest.mark.parametrize("arguments", [("--remove-city", "ciudad-a"), ("--remove-course", TENA)])
def test_the_last_place_or_course_is_not_taken_away(committed_world, said, arguments):
    said("--course", TENA, "--remove-course", committed_world.a.course_key)
    with pytest.raises(CommandError, match="at least one"):
        said(*arguments)
    assert territory() == (["ciudad-a"], [TENA])


def test_an_address_or_a_name_changes_alone(committed_world, said):
    before = territory()
    out = said("--url", "http://localhost:9000/", "--name", "Aula de Quito")
    assert "url: http://localhost:9000 (changed)\n" in out
    assert "name: Aula de Quito (changed)\n" in out
    assert territory() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--remove-city", "ciudad-b"], "no city 'ciudad-b' to remove"),
        (["--remove-course", TENA], "no course 'course-v1:INTEGRA"),
        (["--city", "ciudad-b", "--remove-city", "ciudad-b"], "no city 'ciudad-b'"),
        (["--city", "ciudad-a", "--remove-city", "ciudad-a"], "both to be added and removed"),
        (["--city", "ciudad-a=Ciudad Aa"], "is called 'Ciudad A', not 'Ciudad Aa'"),
        (["--zone", "ciudad-a:a-norte=Sur"], "is called 'Norte de A', not 'Sur'"),
        (["--zone", "ciudad-z:z-norte=Norte"], "no city 'ciudad-z'"),
        (["--zone", "a-norte=Norte"], "the form is CITY:KEY=NAME"),
        (["--city", "cuidad-a"], "no city 'cuidad-a'; --city cuidad-a=NAME"),
        (["--city", "la paz=La Paz"], "needs another form"),
        (["--city", "=Nada"], "needs another form"),
        (["--course", "INTEGRA+CAP40+2027"], "course-v1:ORG"),
        (["--course", "course-v1:INTEGRA+CAP40"], "course-v1:ORG"),
        (["--course", "course-v1:INTEGRA+CAP40+a+b"], "course-v1:ORG"),
        (["--course", "course-v1:INTEGRA+CAP40+2027 "], "course-v1:ORG"),
        (["--course", "course-v1:INTEGRA+CAP40+" + "x" * 255], "course-v1:ORG"),
        (["--secrets", "/there/is/no.json"], "There is no file /there/is/no.json"),
        (["--secrets", "/"], "/ cannot be read: Is a directory"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence_and_changes_nothing(
    committed_world, said, arguments, sentence
):
    before, cities = territory(), City.objects.count()
    with pytest.raises(CommandError) as refused:
        said("--city", "tena=Tena", "--course", TENA, *arguments)
    assert sentence in str(refused.value)
    assert (territory(), City.objects.count()) == (before, cities)


@pytest.mark.parametrize(
    "content", ["[]", "{}", "no json", '{"webhook": 1, "handover": 2, "pull": 3}', "\xff"]
)
def test_a_file_that_holds_no_secrets_is_refused_with_a_sentence(said, tmp_path, content):
    path = tmp_path / "secrets.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(CommandError, match="webhook, handover and pull are expected"):
        said("--secrets", path)


@pytest.mark.parametrize("option", ["--retire-old-secrets", "--deactivate", "--activate"])
def test_a_source_that_is_not_there_is_named(said, option):
    with pytest.raises(CommandError, match="no source 'aula-c': a new one needs --url"):
        said(option, key="aula-c")


@pytest.mark.parametrize("command", ["integra_reconcile", "integra_check", "integra_forget_refused"])
def test_a_source_that_is_not_there_is_not_passed_over(committed_world, command):
    for key in ("lms-nowhere", "lms\x00nowhere"):
        with pytest.raises(CommandError, match="There is no source"):
            call_command(command, key)
    with pytest.raises(CommandError, match="There is no source 'lms-nowhere'"):
        call_command("integra_distrust", "lms-nowhere", "--lift")
    assert (ReconcileReport.objects.count(), CheckReport.objects.count()) == (0, 0)


def test_secrets_are_made_for_one_reader_and_fit(committed_world, said, tmp_path):
    path = tmp_path / "made.json"
    out = said("--make-secrets", path)
    made = json.loads(path.read_text())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(text in out for text in made.values())
    for member in ("webhook", "handover", "pull"):
        assert f"INTEGRA_{member.upper()}_SECRET" in out
    assert Source.objects.get(key="aula-a").secrets.count() == 3
    said("--secrets", path, "--retire-old-secrets")
    secret = base64.b64decode(made["webhook"].removeprefix("whsec_"))
    assert send(committed_world.a, secret)[0] == 202

    with pytest.raises(CommandError, match="second call"):
        said("--make-secrets", tmp_path / "more.json", "--retire-old-secrets")
    assert not (tmp_path / "more.json").exists()
    with pytest.raises(CommandError, match="exists"):
        said("--make-secrets", path)
    assert json.loads(path.read_text()) == made
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        said("--make-secrets", tmp_path / "no" / "made.json")


def alarms():
    return {alarm["code"]: alarm["count"] for alarm in Client().get("/readyz").json()["alarms"]}


def test_a_source_that_is_switched_off_is_refused_and_raises_no_alarm(committed_world, said):
    room, now = committed_world.a, datetime.now(UTC)
    Source.objects.filter(key="aula-b").update(is_demo=True)  # of which nothing is overdue
    told = room.tell(uuid.uuid4())
    room.send([told[0], *told[2:]])  # a gap
    room.send({**told[0], "sequence": 5})  # a conflict
    room.send(room.event(uuid.uuid4(), 1, room.enrolled(city_key="ciudad-b")))
    InboxEvent.objects.filter(state="parked").update(received_at=now - timedelta(days=2))
    InboxEvent.objects.exclude(state="parked").update(received_at=now - timedelta(days=9))
    source = Source.objects.get(key="aula-a")
    ReconcileReport.objects.create(
        source=source,
        requested_at=now - timedelta(days=3),
        requested_by="system",
        finished_at=now - timedelta(days=3),
        error="unreachable",
    )
    CheckReport.objects.create(
        source=source,
        kind="standing",
        started_at=now,
        finished_at=now,
        checked_count=1,
        skipped_count=0,
        difference_count=1,
        differences="[]",
    )
    assert set(alarms()) >= {"sequence_gaps", "id_conflicts", "parked", "drift", "check_differences"}
    assert "comparison_overdue" in alarms()

    assert "state: switched off" in said("--deactivate")
    said("--deactivate")
    assert alarms() == {}
    assert send(room) == (403, "source_inactive")
    assert send(room, b"not the secret of this classroom") == (401, "bad_signature")
    reports = ReconcileReport.objects.count(), CheckReport.objects.count()
    call_command("integra_check")
    assert (ReconcileReport.objects.count(), CheckReport.objects.count()) == reports

    assert "state: active" in said("--activate")
    assert send(room)[0] == 202
    assert {"parked", "drift"} <= set(alarms())
    assert not {"comparison_overdue", "source_silent"} & set(alarms())  # not from one moment to the next
    actions = AuditEntry.objects.filter(action__in=["source.deactivated", "source.activated"])
    assert list(actions.order_by("sequence").values_list("action", flat=True)) == [
        "source.deactivated",
        "source.activated",
    ]


def test_nothing_is_read_from_a_source_that_is_switched_off(committed_world, said, capsys):
    said("--deactivate")
    said("--deactivate", key="aula-b")
    for command in ("integra_reconcile", "integra_check"):
        call_command(command)
        assert "There is no active source to" in capsys.readouterr().out
    assert (ReconcileReport.objects.count(), CheckReport.objects.count()) == (0, 0)
    with pytest.raises(CommandError, match="Not compared: aula-a"):
        call_command("integra_reconcile", "aula-a")
    assert ReconcileReport.objects.get().error == "source_inactive"


def test_what_is_new_is_not_overdue(committed_world, said, tmp_path):
    Source.objects.update(is_demo=True)  # the others have nothing overdue
    texts, _ = secrets_of("n")
    said(
        *("--url", "http://localhost:9000", "--city", "tena=Tena", "--course", TENA),
        *("--secrets", write(tmp_path / "new.json", texts)),
        key="lms-tena",
    )
    assert alarms() == {}
    for days, overdue in ((1, {}), (3, {"comparison_overdue": 1})):
        moment = datetime.now(UTC) - timedelta(days=days)
        Source.objects.filter(key="lms-tena").update(active_since=moment)
        assert alarms() == overdue


@needs_server
def test_of_many_who_register_or_change_at_once_all_end_in_one_source(committed_world, tmp_path):
    files = [write(tmp_path / f"{n}.json", secrets_of("abcd"[n])[0]) for n in range(4)]
    arguments = ("--url", "http://localhost:9000", "--city", "ciudad-a", "--course", TENA)

    def register(n):
        call_command(
            "integra_register_source",
            "lms-tena",
            *arguments,
            "--secrets",
            str(files[n]),
            "--retire-old-secrets",
        )

    _, errors = together(register, 4)
    assert errors == []
    assert territory("lms-tena") == (["ciudad-a"], [TENA])
    active = Source.objects.get(key="lms-tena").secrets.filter(retired_at=None)
    assert sorted(active.values_list("kind", flat=True)) == ["handover", "pull", "webhook"]
    assert check_chain().is_intact
