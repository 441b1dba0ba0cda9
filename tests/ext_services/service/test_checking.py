"""The checker: every seeded difference is found, nothing true is reported, nothing is changed."""

import dataclasses
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from service_support import DIGEST, STARTED, make_manifest, pass_factor

from integra_grading import events
from integra_grading.manifest import manifest_digest
from integra_grading.standing import CourseState, ModuleState, Route
from integra_service.credentials.models import Credential
from integra_service.people.models import Source
from integra_service.records.checking import check_standings
from integra_service.records.fold import CourseStandingRecord
from integra_service.records.manifests import register_manifest
from integra_service.records.models import CheckReport, InboxEvent, LearningRecordRow
from integra_service.records.storage import digest_record, dump_record, load_record


@pytest.fixture
def world(committed_world):
    """Events are applied after the commit, so there must be one."""
    return committed_world


def settle():
    """All of it came yesterday: no standing is still on its way."""
    InboxEvent.objects.update(received_at=datetime.now(UTC) - timedelta(days=1))


def tell(world, *stories):
    for story in stories:
        world.a.send(world.a.tell(uuid.uuid4(), story))
    settle()


def check():
    report = check_standings(Source.objects.get(key="aula-a"))
    found = [(d["module_key"], d["decided"], d["recomputed"]) for d in json.loads(report.differences)]
    assert len(found) == report.difference_count
    return report, found


def bypass(classroom, score, ordinal=1):
    sat = classroom.test("pre", 3)
    items = tuple(events.AssessedItem(f"an-{n:02}", DIGEST, "6.3", int(n < score), 1) for n in range(12))
    return dataclasses.replace(
        sat,
        attempt_uuid=uuid.uuid4(),
        kind=events.AttemptKind.BYPASS,
        module_key="m06",
        form_key="anillo",
        ordinal=ordinal,
        score=score,
        max_score=12,
        items=items,
    )


def exempt(classroom):
    return dataclasses.replace(
        classroom.module("m06", 0, ModuleState.EXEMPT, Route.EVALUATION), minutes_recognised=36
    )


def test_true_standings_are_not_reported(world):
    story = world.a.story()
    by_evaluation = [
        story[0],
        bypass(world.a, 8),
        bypass(world.a, 10, 2),
        exempt(world.a),
        story[2],
        story[3],
        *story[5:7],
        story[8],
        dataclasses.replace(story[9], minutes_trained=72, minutes_recognised=36),
    ]
    open_course = dataclasses.replace(story[9], state=CourseState.OPEN, minutes_trained=72)
    failed_quiz = [story[0], bypass(world.a, 3), story[2], story[3], open_course]
    tell(world, story, by_evaluation, failed_quiz, story[:1], [*story[:4], open_course])

    report, found = check()

    assert found == []
    assert (report.checked_count, report.skipped_count) == (15, 0)


def seeded(name, classroom):
    story = classroom.story()
    match name:
        case "done without its unit":
            return [*story[:2], *story[3:]]
        case "minutes of a module":
            return [*story[:3], classroom.module("m04", 71), *story[4:]]
        case "route":
            wrong = dataclasses.replace(
                classroom.module("m04", 0, ModuleState.EXEMPT, Route.TRAINING), minutes_recognised=72
            )
            return [*story[:3], wrong, *story[4:]]
        case "done and never said":
            return [*story[:3], *story[4:]]
        case "reached without the post-test":
            return [*story[:8], story[9]]
        case "reached below the cut":
            return [*story[:8], classroom.test("post", 5), story[9]]
        case "reached with a returned deliverable":
            rated = dataclasses.replace(story[6], outcome=events.RatingOutcome.RETURNED)
            return [*story[:6], rated, *story[7:]]
        case "reached and never said":
            return story[:9]
        case "minutes of the course":
            return [*story[:9], dataclasses.replace(story[9], minutes_trained=107)]
        case "the post-test was voided and the course stays reached":
            voided = events.AttemptVoided(
                **classroom.common(), attempt_uuid=story[8].attempt_uuid, reason="otra-persona"
            )
            return [*story, voided]
        case "the quiz exempts and the module stays open":
            return [story[0], bypass(classroom, 11)]
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("done without its unit", {"m04", ""}),
        ("minutes of a module", {"m04"}),
        ("route", {"m04"}),
        ("done and never said", {"m04"}),
        ("reached without the post-test", {""}),
        ("reached below the cut", {""}),
        ("reached with a returned deliverable", {""}),
        ("reached and never said", {""}),
        ("minutes of the course", {""}),
        ("the post-test was voided and the course stays reached", {""}),
        ("the quiz exempts and the module stays open", {"m06", ""}),
    ],
)
def test_each_seeded_difference_is_found_where_it_is(world, name, where):
    tell(world, world.a.story(), seeded(name, world.a))
    before = list(LearningRecordRow.objects.for_system().values_list("content", "digest").order_by("pk"))

    _, found = check()

    assert {module_key for module_key, _, _ in found} == where
    assert (
        list(LearningRecordRow.objects.for_system().values_list("content", "digest").order_by("pk")) == before
    )
    assert Credential.objects.for_system().count() == 0


def test_what_the_events_do_not_say_is_left_out_and_not_reported(world):
    story = world.a.story()
    carried_over = [story[0], exempt(world.a), story[2], story[3]]  # earned in a run we never heard of
    first = bypass(world.a, 8)
    voided = [
        story[0],
        first,
        bypass(world.a, 11, 2),
        events.AttemptVoided(**world.a.common(), attempt_uuid=first.attempt_uuid, reason="otra-persona"),
    ]
    tell(world, carried_over, voided)

    report, found = check()

    assert found == []
    assert report.skipped_count == 4  # the module and the course of each


def test_a_learner_of_whom_something_is_missing_held_or_fresh_is_left_out(world):
    wrong = seeded("minutes of a module", world.a)
    gap = world.a.tell(uuid.uuid4(), wrong)
    world.a.send([*gap[:4], *gap[5:]])
    held = uuid.uuid4()
    world.a.send(world.a.tell(held, wrong))
    world.a.send(world.a.event(held, 11, world.a.enrolled(rule_version="f" * 64)))
    settle()
    fresh = world.a.tell(uuid.uuid4(), wrong)
    world.a.send(fresh)

    report, found = check()

    assert (found, report.checked_count, report.skipped_count) == ([], 0, 3)


@pytest.mark.parametrize("part", ["course", "module", "standing", "sitting"])
def test_rules_that_are_gone_are_told_and_everybody_else_is_checked(world, part):
    """As after a restored database: events were applied under a manifest that is not there any more."""
    gone = "f" * 64
    by_evaluation = [world.a.story()[0], bypass(world.a, 11), exempt(world.a)]
    tell(world, by_evaluation, seeded("minutes of a module", world.a))
    row = LearningRecordRow.objects.for_system().order_by("pk")[0]
    record = load_record(row.content)
    (course,) = record.courses
    said = CourseStandingRecord("open", (), 0, 36, gone, course.modules[0].changed_at, "ev-x")
    changed = {
        "course": {"rule_version": gone},
        "module": {"modules": tuple(dataclasses.replace(m, rule_version=gone) for m in course.modules)},
        "standing": {"standing": said},
        "sitting": {"attempts": tuple(dataclasses.replace(a, rule_version=gone) for a in course.attempts)},
    }[part]
    content = dump_record(dataclasses.replace(record, courses=(dataclasses.replace(course, **changed),)))
    LearningRecordRow.objects.for_system().filter(pk=row.pk).update(
        content=content, digest=digest_record(content)
    )

    report = check_standings(Source.objects.get(key="aula-a"))

    unknown, other = json.loads(report.differences)
    assert unknown == {
        "short_code": row.identity.short_code,
        "course_key": world.a.course_key,
        "rule_version": gone,
    }
    assert other["module_key"] == "m04"
    operator = pass_factor(world.client_of(world.staff["operator-a"]), world.staff["operator-a"])
    page = operator.get(f"/consola/maquina/revisiones/{report.pk}/").content.decode()
    assert f"reglas que no están registradas: {gone}" in page


def test_a_standing_is_judged_by_the_rules_it_names(world):
    """Rules with another unit came after the module was done: nobody takes it back."""
    rules = make_manifest()
    rules["modules"][0]["units"].append({**rules["modules"][0]["units"][0], "key": "m04-u04", "minutes": 10})
    rules["modules"][0]["units"][1]["practices"] = []
    rules["modules"][0]["minutes"] = 82
    rules.pop("digest")
    rules["digest"] = manifest_digest(rules)
    register_manifest(rules, STARTED)
    story = world.a.story()
    later = dataclasses.replace(story[4], rule_version=rules["digest"])
    open_course = dataclasses.replace(story[9], state=CourseState.OPEN, minutes_trained=108)
    tell(world, [*story[:4], later, open_course])
    assert check()[1] == [
        (
            "m06",
            None,
            {"state": "done", "route": "training", "minutes_trained": 36, "minutes_recognised": 0},
        )
    ]


def test_the_command_fails_where_something_differs(world, capsys):
    Source.objects.filter(key="aula-b").update(is_demo=True)
    tell(world, world.a.story())
    call_command("integra_check")
    assert "aula-a, standing: 3 checked, 0 left out, 0 differ" in capsys.readouterr().out
    tell(world, seeded("minutes of a module", world.a))
    with pytest.raises(CommandError):
        call_command("integra_check", "aula-a")
    assert list(
        CheckReport.objects.order_by("pk").values_list("source__key", "kind", "difference_count")
    ) == [
        ("aula-a", "standing", 0),
        ("aula-a", "evidence", 0),
        ("aula-a", "standing", 1),
        ("aula-a", "evidence", 0),
    ]


def test_the_operator_sees_what_differs_under_a_pseudonym(world):
    tell(world, seeded("minutes of a module", world.a))
    report, _ = check()
    operator = pass_factor(world.client_of(world.staff["operator-a"]), world.staff["operator-a"])
    page = operator.get(f"/consola/maquina/revisiones/{report.pk}/")
    text = page.content.decode()
    learner = InboxEvent.objects.first().learner_uuid
    assert "done training 71 min" in text
    assert "done training 72 min" in text
    assert str(learner) not in text
    elsewhere = pass_factor(world.client_of(world.staff["operator-b"]), world.staff["operator-b"])
    assert elsewhere.get(f"/consola/maquina/revisiones/{report.pk}/").status_code == 404
