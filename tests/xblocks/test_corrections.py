"""The platform's staff tools on our blocks: delete state, rescore, override (stand-in of the LMS)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from xblock.scorable import Score

from integra_gradebook import api
from integra_gradebook.models import Attempt, LearnerEvent
from integra_grading.items import Item, bank_digest, item_digest
from integra_grading.manifest import manifest_digest

pytestmark = [pytest.mark.lms, pytest.mark.django_db(transaction=True)]

POST = ("integra_test", "prueba-final")
PRE = ("integra_test", "prueba-inicial")


@pytest.fixture
def world(make_world: Any, element: Any, twin_items: Any) -> Any:
    bank = {
        "bank_id": "prueba-demo",
        "bank_digest": bank_digest((item.key, item_digest(item)) for item in twin_items),
        "form_items": "8",
    }
    return make_world(
        element("integra_test", items=twin_items, url_name=PRE[1], kind="pre", **bank),
        element("integra_test", items=twin_items, url_name=POST[1], kind="post", **bank),
    )


def take(world: Any, user: Any, place: tuple[str, str], right: int) -> str:
    visit = world.as_learner(user)
    attempt = visit.handle(*place, "start_attempt", {"uuid": str(uuid4())}).json["attempt_uuid"]
    for number, key in enumerate(sorted(_keys(attempt))):
        body = {"uuid": str(uuid4()), "attempt_uuid": attempt, "item_key": key}
        visit.handle(
            *place, "save_response", {**body, "response": {"option": "b" if number < right else "a"}}
        )
    assert visit.handle(*place, "submit_attempt", {"attempt_uuid": attempt}).status == 200
    return str(attempt)


def _keys(attempt: str) -> list[str]:
    return list(Attempt.objects.get(uuid=attempt).drawn.values_list("item_key", flat=True))


def shown_score(world: Any, user: Any) -> tuple[int, int] | None:
    from common.djangoapps.student.models import anonymous_id_for_user
    from submissions import api as submissions

    api.mirror_pending(100)
    item = {
        "student_id": anonymous_id_for_user(user, world.course.key),
        "course_id": world.course_key,
        "item_id": world.usage_key(*POST),
        "item_type": "integra_test",
    }
    score = submissions.get_score(item)
    return (score["points_earned"], score["points_possible"]) if score else None


def said() -> list[str]:
    return [
        each.split(".")[-2] for each in LearnerEvent.objects.order_by("pk").values_list("type", flat=True)
    ]


def test_delete_state_voids_takes_the_score_back_and_lets_the_learner_begin_again(
    world: Any, people: Any
) -> None:
    take(world, people["ana"], POST, 8)
    assert shown_score(world, people["ana"]) == (8, 8)

    world.delete_state(*POST, people["ana"])

    assert shown_score(world, people["ana"]) in (None, (0, 0), (0, 8))
    assert said()[-1] == "changed" or "voided" in said()
    assert "voided" in said()
    visit = world.as_learner(people["ana"])
    assert "Empezar" in visit.render(*POST).html
    take(world, people["ana"], POST, 7)
    assert shown_score(world, people["ana"]) == (7, 8)


def test_delete_state_of_the_starting_test_and_of_nobody(world: Any, people: Any) -> None:
    take(world, people["ana"], PRE, 2)
    world.delete_state(*PRE, people["ana"])
    assert Attempt.objects.get().void_reason == "state_deleted"
    block = world.staff_task(*PRE, people["ana"])
    block.clear_student_state("nobody-s-id", world.course_key, "x", "staff")
    assert Attempt.objects.count() == 1


def test_rescore_finds_nothing_to_change_and_skips_who_sent_nothing(world: Any, people: Any) -> None:
    take(world, people["ana"], POST, 5)
    block = world.staff_task(*POST, people["ana"])
    assert block.has_submitted_answer()
    assert block.get_score() == Score(5.0, 8.0)
    block.rescore(only_if_higher=True)
    assert Attempt.objects.count() == 1
    nobody = world.staff_task(*POST, people["beto"])
    assert not nobody.has_submitted_answer()
    assert nobody.get_score() is None


def register_items(world: Any, block: Any, manifest: dict[str, Any]) -> None:
    """Register the run with the block's items as they are now, as publishing the course does."""
    del manifest["digest"]
    (entry,) = [each for each in manifest["banks"] if each["id"] == block.bank_id]
    digests = {raw["key"]: item_digest(Item.from_dict(raw)) for raw in block.items}
    for item in entry["items"]:
        item["digest"] = digests[item["key"]]
    block.bank_digest = entry["digest"] = bank_digest(digests.items())
    api.register_course(world.course_key, manifest | {"digest": manifest_digest(manifest)})


def test_rescore_after_the_author_mended_a_key(world: Any, people: Any, make_manifest: Any) -> None:
    take(world, people["ana"], POST, 5)
    block = world.staff_task(*POST, people["ana"])
    block.items = [
        {
            **raw,
            "options": [
                {**{name: value for name, value in option.items() if name not in ("correct", "error")}}
                | ({"correct": True} if option["key"] == "a" else {})
                for option in raw["options"]
            ],
        }
        for raw in block.items
    ]
    with pytest.raises(api.GradebookError, match="bank_mismatch"):
        block.rescore()
    register_items(world, block, make_manifest())
    block.rescore(only_if_higher=True)
    assert Attempt.objects.count() == 1  # 3 of 8 would be lower
    block.rescore()
    assert shown_score(world, people["ana"]) == (3, 8)
    assert Attempt.objects.get(score=5).void_reason == "rescored"


def test_override_replaces_the_score_everywhere(world: Any, people: Any) -> None:
    take(world, people["ana"], POST, 5)
    block = world.staff_task(*POST, people["ana"])
    block.set_score(Score(raw_earned=7.0, raw_possible=8.0))
    block.publish_grade()
    assert shown_score(world, people["ana"]) == (7, 8)
    assert said().count("submitted") == 2


def test_a_learner_reaches_none_of_this_by_a_handler(world: Any, people: Any) -> None:
    take(world, people["ana"], POST, 5)
    visit = world.as_learner(people["ana"])
    for name in ("clear_student_state", "rescore", "set_score", "publish_grade", "get_score"):
        assert visit.handle(*POST, name, {}).status == 404
    assert Attempt.objects.get().voided_at is None
