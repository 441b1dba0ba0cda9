"""The rules of the real platform which the stand-in copies; each test names one.

What they copy was observed in a running LMS and Studio (docs of the stand-in: README.md).
"""

import pytest
from completion.models import BlockCompletion
from completion.waffle import ENABLE_COMPLETION_TRACKING_SWITCH
from django.contrib.auth.models import Group
from edx_toggles.toggles.testutils import override_waffle_switch
from lms.djangoapps.courseware.models import StudentModule
from lxml import etree
from xblock.exceptions import NoSuchServiceError

from standin.course import as_pasted
from standin.world import Standin

KEY = "block-v1:INTEGRA+CAP40+2026+type@probe+block@p1"


@pytest.fixture
def tracking():
    with override_waffle_switch(ENABLE_COMPLETION_TRACKING_SWITCH, active=True):
        yield


# --- who is there -----------------------------------------------------------------------------------


def look(visit):
    status, seen = visit.handle("probe", "p1", "look", {})
    assert status == 200
    return seen


def test_a_learner_is_seen_under_the_platforms_attributes(world, people):
    ana = people["ana"]

    seen = look(world.as_learner(ana))

    assert len(seen.pop("anonymous")) == 32
    assert seen == {
        "user_id": ana.pk,
        "is_staff": False,
        "real": ana.pk,
        "scope_user_id": ana.pk,
        "author_mode": "absent",
        "atomic_depth": 1,  # the test's own
        "usage": KEY,
        "services": ["completion", "enrollments", "replace_urls", "settings"],
        "suffix": "",
    }


def test_the_anonymous_id_belongs_to_person_and_course(world, people):
    other_course = Standin(
        '<course org="X" course="Y" url_name="Z"><chapter url_name="c"><probe url_name="p1"/></chapter></course>'
    )
    ids = {
        look(world.as_learner(people["ana"]))["anonymous"],
        look(world.as_learner(people["beto"]))["anonymous"],
        look(other_course.as_learner(people["ana"]))["anonymous"],
    }

    assert len(ids) == 3
    assert look(world.as_learner(people["ana"]))["anonymous"] in ids


def test_staff_masquerading_looks_like_the_learner_except_to_crum(world, people):
    learner, staff = people["ana"], people["staff"]
    expected = look(world.as_learner(learner))

    seen = look(world.masquerading(staff, as_=learner))

    assert seen == {**expected, "real": staff.pk}


def test_staff_viewing_as_a_generic_learner_keeps_the_own_id_and_loses_staff(world, people):
    seen = look(world.masquerading(people["staff"]))

    assert (seen["user_id"], seen["is_staff"]) == (people["staff"].pk, False)


def test_somebody_not_enrolled_reaches_handlers_and_only_the_enrolment_service_tells(world, people):
    ana, beto = people["ana"], people["beto"]
    visit = world.as_learner(ana)
    assert visit.handle("probe", "p1", "enrolled", {"user_id": ana.pk}).json == {"one": True, "many": True}

    outside = world.not_enrolled(beto)

    assert outside.handle("probe", "p1", "enrolled", {"user_id": beto.pk}) == (
        200,
        {"one": False, "many": False},
    )
    assert look(outside)["user_id"] == beto.pk


def test_somebody_who_left_is_not_enrolled(world, people):
    ana = people["ana"]
    world.as_learner(ana)

    left = world.not_enrolled(ana)

    assert left.handle("probe", "p1", "enrolled", {"user_id": ana.pk}).json == {"one": False, "many": False}


def test_an_anonymous_visitor_sees_views_and_may_get_but_not_post(world):
    visitor = world.anonymous()

    assert "<p/>" in visitor.render("html", "h1").html
    assert visitor.handle("probe", "p1", "look", {}) == (403, None)
    assert visitor.handle("probe", "p1", "plain", method="GET").status == 200


def test_a_hidden_block_is_absent_for_learners_and_there_for_staff(world, people):
    assert world.as_learner(people["ana"]).handle("probe", "p2", "look", {}) == (404, None)
    assert world.as_staff(people["staff"]).handle("probe", "p2", "look", {}).status == 200


# --- Studio -----------------------------------------------------------------------------------------


def test_studios_preview_knows_no_staff_no_learner_and_runs_in_a_transaction(world, people):
    people["autora"].is_superuser = people["autora"].is_staff = True
    people["autora"].save()

    seen = look(world.in_studio(people["autora"]))

    assert seen["is_staff"] is False
    assert seen["anonymous"] == "student"
    assert seen["user_id"] == seen["scope_user_id"] == people["autora"].pk
    assert seen["author_mode"] is True
    assert seen["atomic_depth"] == 2
    assert seen["services"] == ["replace_urls", "settings"]


def test_studios_edit_dialog_has_no_anonymous_id_no_scope_user_and_no_author_mode(world, people):
    seen = look(world.in_studio(people["autora"], is_editing=True))

    assert (seen["anonymous"], seen["scope_user_id"], seen["author_mode"]) == (None, None, "absent")
    assert seen["user_id"] == people["autora"].pk


def test_studio_shows_the_author_view_and_the_edit_dialog_the_studio_view(world, people):
    assert "author" in world.in_studio(people["autora"]).render("probe", "p1").html
    assert "edit" in world.in_studio(people["autora"], is_editing=True).render("probe", "p1").html


def test_studio_rolls_a_failed_handler_back(world, people):
    status, _ = world.in_studio(people["autora"]).handle("probe", "p1", "step", {"raise": True})

    assert status == 500
    assert Group.objects.count() == 0


def test_learner_state_in_the_preview_stays_in_the_authors_session(world, people):
    studio = world.in_studio(people["autora"])
    studio.handle("probe", "p1", "step", {})

    assert studio.handle("probe", "p1", "step", {}).json == {"count": 2}
    assert StudentModule.objects.count() == 0


def test_an_authors_handler_edits_the_course(world, people):
    world.in_studio(people["autora"], is_editing=True).handle("probe", "p1", "author", {"limit": 9})

    assert world.block("probe", "p1").limit == 9


def test_publish_does_nothing_in_studio(world, people):
    answer = world.in_studio(people["autora"]).handle("scored", "e1", "tell", {"type": "grade", "event": {}})

    assert answer == (200, {})
    assert StudentModule.objects.count() == 0


# --- handlers ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_lms_handlers_run_outside_any_transaction(people):
    seen = look(Standin(WORLD).as_learner(people["ana"]))

    assert seen["atomic_depth"] == 0


@pytest.mark.django_db(transaction=True)
def test_an_exception_loses_field_changes_but_keeps_rows_already_written(people):
    visit = Standin(WORLD).as_learner(people["ana"])

    assert visit.handle("probe", "p1", "step", {"raise": True}) == (500, None)

    assert Group.objects.count() == 1
    assert visit.handle("probe", "p1", "step", {}).json == {"count": 1}


def test_fields_are_saved_after_the_handler_and_read_by_the_next(world, people):
    ana, beto = world.as_learner(people["ana"]), world.as_learner(people["beto"])

    counts = [v.handle("probe", "p1", "step", {}).json["count"] for v in (ana, ana, beto)]

    assert counts == [1, 2, 1]
    assert "student 2" in ana.render("probe", "p1").html


@pytest.mark.parametrize("name", ["absent", "not_a_handler", "student_view"])
def test_an_unknown_handler_is_404(world, people, name):
    assert world.as_learner(people["ana"]).handle("probe", "p1", name, {}) == (404, None)


def test_a_json_handler_refuses_get_and_bytes_that_are_no_json(world, people):
    visit = world.as_learner(people["ana"])

    assert visit.handle("probe", "p1", "look", method="GET").status == 405
    assert visit.handle("probe", "p1", "look", b"{").status == 400
    assert visit.handle("probe", "p1", "look", b"\xff").status == 400


def test_a_learners_handler_cannot_write_content(world, people):
    assert world.as_learner(people["ana"]).handle("probe", "p1", "author", {"limit": 9}).status == 500
    assert world.block("probe", "p1").limit == 3


def test_an_undeclared_service_is_an_error_and_a_wanted_one_may_be_absent(world, people):
    visit = world.as_learner(people["ana"])

    assert visit.handle("probe", "p1", "undeclared", {}).status == 500
    assert "submissions" not in look(visit)["services"]


def test_the_suffix_reaches_the_handler(world, people):
    answer = world.as_learner(people["ana"]).handle("probe", "p1", "look", {}, suffix="a/b")

    assert answer.json["suffix"] == "a/b"


def test_handler_addresses_of_lms_and_studio(world, people):
    lms = world.as_learner(people["ana"])
    studio = world.in_studio(people["autora"])

    assert lms.handler_url("probe", "p1", "look").endswith(f"/xblock/{KEY}/handler/look")
    assert studio.handler_url("probe", "p1", "look") == f"/preview/xblock/{KEY}/handler/look/?"
    with pytest.raises(ValueError, match="not_a_handler"):
        lms.handler_url("probe", "p1", "not_a_handler")


# --- pages ------------------------------------------------------------------------------------------


def test_fragments_are_wrapped_and_their_addresses_rewritten(world, people):
    page = world.as_learner(people["ana"]).render("probe", "p1")

    assert f'data-usage-id="{KEY}"' in page.html
    assert 'data-init="ProbeBlock"' in page.html
    assert '"/courses/course-v1:INTEGRA+CAP40+2026/jump_to_id/e1"' in page.html
    assert '"/asset-v1:INTEGRA+CAP40+2026+type@asset+block@a.png"' in page.html
    assert (page.init_function, page.init_args) == ("ProbeBlock", {"count": 0})


def test_a_unit_shows_its_blocks_one_after_the_other(world, people):
    html = world.as_learner(people["ana"]).render("vertical", "v1").html

    assert html.index("student 0") < html.index("scored")


# --- grades and completion --------------------------------------------------------------------------


def tell(visit, kind, event):
    return visit.handle("scored", "e1", "tell", {"type": kind, "event": event})


def grades():
    return list(StudentModule.objects.values_list("student__username", "grade", "max_grade"))


def test_a_grade_goes_to_the_current_user_whoever_it_names(world, people):
    tell(world.as_learner(people["ana"]), "grade", {"value": 3, "max_value": 4, "user_id": people["beto"].pk})

    assert grades() == [("ana", 3, 4)]


def test_a_grade_above_the_maximum_is_stored_as_it_comes(world, people):
    tell(world.as_learner(people["ana"]), "grade", {"value": 9, "max_value": 4})

    assert grades() == [("ana", 9, 4)]


def test_a_grade_without_maximum_is_a_server_error(world, people):
    assert tell(world.as_learner(people["ana"]), "grade", {"value": 3}).status == 500


def test_only_if_higher_keeps_the_higher_grade(world, people):
    visit = world.as_learner(people["ana"])
    tell(visit, "grade", {"value": 3, "max_value": 4})

    tell(visit, "grade", {"value": 2, "max_value": 4, "only_if_higher": True})

    assert grades() == [("ana", 3, 4)]


def test_while_masquerading_grade_and_completion_are_only_logged(world, people, tracking):
    visit = world.masquerading(people["staff"], as_=people["ana"])

    tell(visit, "grade", {"value": 3, "max_value": 4})
    tell(visit, "completion", {"completion": 1.0})

    assert grades() == []
    assert BlockCompletion.objects.count() == 0
    assert [name for name, _event in world.tracking_log] == ["grade", "completion"]


def test_completion_may_go_down_and_must_be_a_proportion(world, people, tracking):
    visit = world.as_learner(people["ana"])

    tell(visit, "completion", {"completion": 1.0})
    tell(visit, "completion", {"completion": 0.25})

    assert [c.completion for c in BlockCompletion.objects.all()] == [0.25]
    assert tell(visit, "completion", {"completion": 1.5}).status == 500


def test_completion_is_only_logged_while_the_switch_is_off(world, people):
    tell(world.as_learner(people["ana"]), "completion", {"completion": 1.0})

    assert BlockCompletion.objects.count() == 0
    assert world.tracking_log == [("completion", {"completion": 1.0})]


def test_a_grade_does_not_complete_a_block_with_its_own_completion(world, people, tracking):
    tell(world.as_learner(people["ana"]), "grade", {"value": 0, "max_value": 4})

    assert BlockCompletion.objects.count() == 0


def test_a_grade_completes_a_scored_block_without_its_own_completion(world, people, tracking):
    plain = Standin(unit('<plainscored url_name="e1"/>')).as_learner(people["ana"])

    plain.handle("plainscored", "e1", "tell", {"type": "grade", "event": {"value": 0, "max_value": 4}})

    assert [c.completion for c in BlockCompletion.objects.all()] == [1.0]


def test_other_events_only_reach_the_tracking_log(world, people):
    tell(world.as_learner(people["ana"]), "integra.event", {"a": 1})

    assert world.tracking_log == [("integra.event", {"a": 1})]


# --- import -----------------------------------------------------------------------------------------


def unit(inner):
    return f'<vertical url_name="v">{inner}</vertical>'


def test_real_usage_keys_and_typed_fields(world):
    block = world.block("probe", "p1")

    assert str(block.scope_ids.usage_id) == KEY
    assert (block.display_name, block.limit) == ("Uno", 3)


def test_unknown_attributes_are_dropped_without_an_error(db):
    world = Standin(unit('<probe url_name="a" answer_key="b" limit="2"/>'))

    assert world.block("probe", "a").limit == 2
    assert "answer_key" not in world.export("probe", "a")


@pytest.mark.parametrize(
    "broken",
    [
        '<probe url_name="a" limit="viel"/>',
        '<probe url_name="a b"/>',
        '<probe url_name="a"><item/></probe>',
    ],
)
def test_a_block_that_raises_while_parsing_vanishes_and_the_import_succeeds(db, broken):
    world = Standin(unit(f'<probe url_name="before"/>{broken}<probe url_name="after"/>'))

    assert [name for kind, name in world.blocks() if kind == "probe" and name not in ("a",)] == [
        "before",
        "after",
    ]
    assert [kind for kind, _name in world.lost] == ["probe"]
    assert len(world.block("vertical", "v").children) == 2


def test_an_unknown_block_type_is_invisible_and_no_error(db, people):
    world = Standin(unit('<gone url_name="g"><item/></gone><probe url_name="p1"/>'))

    assert world.lost == []
    assert world.as_learner(people["ana"]).render("gone", "g").fragment.content == ""


def test_two_blocks_of_one_type_and_name_become_one_shown_twice(db):
    world = Standin(unit('<probe url_name="a" limit="1"/><probe url_name="a" limit="2"/>'))

    assert world.block("probe", "a").limit == 2
    assert len(set(world.block("vertical", "v").children)) == 1


def test_a_pointer_to_a_custom_block_is_taken_literally(db, tmp_path):
    (tmp_path / "vertical").mkdir()
    (tmp_path / "probe").mkdir()
    (tmp_path / "course.xml").write_text(
        '<course org="A" course="B" url_name="C"><chapter url_name="c"><sequential url_name="s">'
        '<vertical url_name="v"/></sequential></chapter></course>'
    )
    (tmp_path / "vertical" / "v.xml").write_text(
        '<vertical display_name="U"><probe url_name="a"/></vertical>'
    )
    (tmp_path / "probe" / "a.xml").write_text('<probe limit="7"/>')

    world = Standin(tmp_path)

    assert world.block("vertical", "v").display_name == "U"
    assert world.block("probe", "a").limit == 1


def test_a_pasted_block_carries_what_studio_adds(db):
    pasted = as_pasted(etree.fromstring('<probe url_name="a" limit="2"/>'))

    world = Standin(pasted)

    assert world.lost == []
    assert world.block("probe", "a").limit == 2


def test_export_writes_only_what_was_set(world):
    exported = etree.fromstring(world.export("probe", "p1"))

    assert dict(exported.attrib) == {
        "url_name": "p1",
        "display_name": "Uno",
        "limit": "3",
        "xblock-family": "xblock.v1",
    }


def test_a_field_named_like_an_inheritable_one_takes_its_default_from_the_parents(world):
    assert world.block("probe", "p1").format == "Cierre"
    assert world.block("probe", "p2").format is None


# --- publishing -------------------------------------------------------------------------------------


def test_max_score_is_asked_without_a_learner(world):
    assert world.max_scores == {"e1": 1}


def test_max_score_that_asks_for_the_learner_stops_publishing(db):
    with pytest.raises(NoSuchServiceError):
        Standin(unit('<needslearner url_name="e1"/>'))


def test_a_user_field_reads_as_its_default_where_nobody_is_bound(world, people):
    world.as_learner(people["ana"]).handle("probe", "p1", "step", {})

    assert world.block("probe", "p1").count == 0


def test_static_files_are_served_from_public_of_a_class_one_level_below_its_package(world, people):
    block = world.block("probe", "p1")

    with pytest.raises(FileNotFoundError):
        block.runtime.local_resource_url(block, "public/absent.css")
    with pytest.raises(FileNotFoundError):
        block.runtime.local_resource_url(block, "probe.py")


def test_every_service_and_attribute_is_the_same_for_a_fresh_request(world, people):
    visit = world.as_learner(people["ana"])

    assert look(visit) == look(visit)


WORLD = unit('<probe url_name="p1"/>')
