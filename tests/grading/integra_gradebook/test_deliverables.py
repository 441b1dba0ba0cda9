"""Drafts and versions of a deliverable."""

from uuid import uuid4

import pytest

from integra_gradebook import api
from integra_gradebook.models import Submission


@pytest.fixture
def save(classroom, tools):
    def call(learner, revision, price, **more):
        arguments = {
            "deliverable_key": "m06-hoja",
            "block_key": tools.block("m06-hoja"),
            "document": {"values": {"precio": price}, "self_check": []},
            "revision": revision,
            "now": classroom.now,
        }
        return api.save_draft(learner, **(arguments | more))

    return call


def state_of(learner):
    return api.get_deliverable_state(learner, "m06-hoja")


def test_a_draft_is_kept_with_its_revision(classroom, save):
    ana = classroom.learner()
    assert state_of(ana).state == "none"
    first = save(ana, 0, "1")
    second = save(ana, first.revision, "2,5")

    assert (first.revision, second.revision) == (1, 2)
    assert state_of(ana).draft == second
    assert second.document["values"] == {"precio": "2,5"}
    assert state_of(ana).state == "draft"


def test_a_second_device_cannot_overwrite_unseen_work(classroom, save, refused):
    ana = classroom.learner()
    save(ana, 0, "1")
    refused("draft_conflict", save, ana, 0, "9")
    save(ana, 1, "2")
    refused("draft_conflict", save, ana, 1, "9")
    refused("draft_conflict", save, ana, 7, "9")
    assert state_of(ana).draft.document["values"] == {"precio": "2"}


def test_the_same_draft_again_changes_nothing(classroom, save):
    ana = classroom.learner()
    assert save(ana, 0, "1") == save(ana, 0, "1")


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {"values": []},
        {"values": {"precio": "\x00"}},
        {"values": {"precio": {"a": {}}}, "self_check": []},
    ],
)
def test_a_draft_of_another_shape_is_refused(classroom, save, refused, document):
    refused("document_invalid", save, classroom.learner(), 0, "1", document=document)


def test_a_draft_of_a_megabyte_is_refused(classroom, save, refused):
    rows = [{"a": "x" * 1000} for _ in range(60)]
    document = {"values": {f"t{number}": rows for number in range(20)}, "self_check": []}
    refused("document_invalid", save, classroom.learner(), 0, "1", document=document)


def test_handing_in_makes_a_version_and_clears_the_draft(classroom, save):
    ana = classroom.learner()
    save(ana, 0, "1")
    work = classroom.hand_in(ana)

    assert (work.version, work.state, work.rating) == (1, "submitted", None)
    state = state_of(ana)
    assert (state.state, state.draft, state.versions) == ("submitted", None, (work,))
    assert classroom.said(ana)[-3:] == [
        "deliverable.submitted",
        "module.standing.changed",
        "course.standing.changed",
    ]
    assert classroom.last_said("deliverable.submitted")["version"] == 1


def test_a_repeated_uuid_gives_the_same_version(classroom, tools):
    ana, uuid = classroom.learner(), uuid4()
    work = classroom.hand_in(ana, uuid=uuid)
    rows = tools.count_rows()
    other = {"values": {"precio": "9", "costo": "1"}, "self_check": []}
    assert classroom.hand_in(ana, uuid=uuid, document=other) == work
    assert tools.count_rows() == rows


def test_a_newer_version_replaces_the_one_that_waits(classroom):
    ana = classroom.learner()
    classroom.hand_in(ana)
    second = classroom.hand_in(ana)
    assert [version.state for version in state_of(ana).versions] == ["submitted", "replaced"]
    assert state_of(ana).versions[0] == second


def test_every_problem_of_a_document_is_named(classroom, refused):
    document = {"values": {"precio": "caro", "otro": "1"}, "self_check": []}
    error = refused("document_invalid", classroom.hand_in, classroom.learner(), document=document)
    assert {(problem.field, problem.code) for problem in error.problems} >= {("costo", "missing")}
    assert len(error.problems) == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"deliverable_key": "otra"}, "deliverable_unknown"),
        ({"module_key": "m04"}, "module_unknown"),
        ({"definition": {}}, "definition_invalid"),
        ({"definition": []}, "definition_invalid"),
        ({"document": []}, "document_invalid"),
        ({"document": None}, "document_invalid"),
    ],
)
def test_what_does_not_belong_is_refused(classroom, refused, change, code):
    if change == {"document": None}:
        change = {"document": "null"}
    refused(code, classroom.hand_in, classroom.learner(), **change)


def test_the_definition_of_another_deliverable_is_refused(classroom, refused):
    definition = classroom.course.definition | {"key": "m05-modelo"}
    refused("definition_invalid", classroom.hand_in, classroom.learner(), definition=definition)


def test_somebody_elses_uuid_is_refused(classroom, refused):
    ana, beto, uuid = classroom.learner("ana"), classroom.learner("beto"), uuid4()
    classroom.hand_in(ana, uuid=uuid)
    refused("uuid_reused", classroom.hand_in, beto, uuid=uuid)
    classroom.read(beto)
    refused("uuid_reused", classroom.hand_in, beto, uuid=uuid)
    assert state_of(beto).versions == ()


class TestAutomaticAcceptance:
    @pytest.fixture
    def course(self, tools):
        return tools.make_course(accepted_by="automatic")

    def hand_in_until(self, classroom, is_drawn, **more):
        """Return the work of the first of many learners whose draw is ``is_drawn``."""
        for number in range(40):
            work = classroom.hand_in(classroom.learner(f"persona-{number}"), **more)
            if Submission.objects.get(uuid=work.uuid).is_drawn is is_drawn:
                return work
        raise AssertionError

    def test_complete_work_is_accepted_without_levels(self, classroom):
        work = self.hand_in_until(classroom, is_drawn=False)
        assert work.state == "accepted"
        assert (work.rating.by, work.rating.levels, work.rating.outcome) == ("automatic", {}, "accepted")
        said = classroom.last_said("deliverable.rated")
        assert (said["by"], said["levels"], said.get("rater_uuid")) == ("automatic", [], None)

    def test_drawn_work_waits_for_a_person(self, classroom):
        assert self.hand_in_until(classroom, is_drawn=True).state == "submitted"

    def test_an_open_self_check_waits_for_a_person(self, classroom):
        document = classroom.course.document | {"self_check": []}
        assert self.hand_in_until(classroom, is_drawn=False, document=document).state == "submitted"

    def test_accepted_work_is_not_handed_in_again(self, classroom, refused):
        work = self.hand_in_until(classroom, is_drawn=False)
        owner = Submission.objects.get(uuid=work.uuid).learner.user_id
        refused("already_accepted", classroom.hand_in, api.Learner(owner, classroom.key))


def test_what_a_person_must_accept_is_never_accepted_automatically(classroom):
    states = {classroom.hand_in(classroom.learner(f"persona-{number}")).state for number in range(10)}
    assert states == {"submitted"}
