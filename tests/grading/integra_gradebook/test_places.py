"""Courses, cohorts, places, and the commands that fill them."""

import json
from datetime import date, timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from integra_gradebook import api
from integra_gradebook.models import Cohort, CourseRun, Enrolment, FacilitatorRole, LearnerPseudonym, Manifest
from integra_grading.manifest import manifest_digest
from integra_grading.pseudonym import short_code

TODAY = date(2026, 3, 2)
HEADING = (
    "course_key,cohort_key,city_key,username,role,modality,starts_on,ends_on,route_intended,accommodations"
)


def test_registering_again_changes_nothing(classroom, course, tools):
    rows = tools.count_rows()
    assert api.register_course(classroom.key, course.manifest) == course.manifest["digest"]
    assert tools.count_rows() == rows
    assert api.get_rules(classroom.key).digest == course.manifest["digest"]
    assert api.list_courses() == (classroom.key,)


def test_a_new_version_is_followed_and_the_old_one_kept(classroom, tools):
    newer = tools.make_course(due="training").manifest
    assert api.register_course(classroom.key, newer) == newer["digest"]
    assert api.get_rules(classroom.key).digest == newer["digest"]
    assert (CourseRun.objects.count(), Manifest.objects.count()) == (1, 2)


@pytest.mark.parametrize("change", [{"digest": "0" * 64}, {"extra": 1}, {"modules": []}])
def test_a_manifest_that_does_not_hold_is_refused(classroom, course, refused, change):
    manifest = course.manifest | change
    if "digest" not in change:
        manifest["digest"] = manifest_digest(manifest)
    refused("manifest_invalid", api.register_course, classroom.key, manifest)


@pytest.mark.parametrize("course_key", ["", "x" * 256])
def test_a_course_key_that_does_not_fit_is_refused(classroom, course, refused, course_key):
    refused("manifest_invalid", api.register_course, course_key, course.manifest)


def test_the_first_write_makes_the_place(classroom):
    ana = classroom.learner()
    assert api.find_place(ana) is None
    classroom.read(ana)
    place = api.find_place(ana)

    assert (place.cohort_key, place.city_key) == ("quito-2026-1", "quito")
    assert place.short_code == short_code(place.learner_uuid) == api.get_short_code(ana)
    assert api.get_learner_uuid(ana) == place.learner_uuid
    assert api.find_user_id(place.learner_uuid) == ana.user_id
    assert classroom.last_said("learner.enrolled")["modality"] == "virtual"
    assert api.get_record(ana, now=classroom.now).short_code == place.short_code


def test_nobody_is_found_by_an_unknown_pseudonym(classroom):
    assert api.find_user_id(uuid4()) is None


def test_one_person_has_one_pseudonym_in_all_runs(classroom, tools):
    api.register_course(tools.OTHER_RUN, classroom.course.manifest)
    here, there = classroom.learner(), classroom.learner(run=tools.OTHER_RUN)
    assert api.get_learner_uuid(here) == api.get_learner_uuid(there)
    assert Enrolment.objects.count() == 2
    assert classroom.said() == ["learner.enrolled", "learner.enrolled"]


def test_a_place_given_before_is_kept(classroom):
    cohort = classroom.cohort("manta-1", "manta", modality="blended")
    ana = classroom.learner(cohort=cohort)
    classroom.read(ana)
    api.enrol(ana, cohort_key=classroom.cohort("quito-9", "quito"), now=classroom.now)
    assert api.find_place(ana).cohort_key == "manta-1"
    assert classroom.said(ana).count("learner.enrolled") == 1


def test_an_unknown_cohort_or_person_is_refused(classroom, refused):
    ana = classroom.learner()
    refused("cohort_unknown", api.enrol, ana, cohort_key="nada", now=classroom.now)
    cohort = classroom.cohort("manta-1", "manta")
    nobody = api.Learner(10**6, classroom.key)
    refused("unknown_user", api.enrol, nobody, cohort_key=cohort, now=classroom.now)
    refused("unknown_user", api.appoint_facilitator, 10**6, classroom.key, cohort_key=cohort, starts_on=TODAY)


@pytest.mark.parametrize("key", ["con espacio", "", "x" * 65, "-a", "ñandú"])
def test_a_cohort_key_events_could_not_carry_is_refused(classroom, refused, key):
    refused("enrolment_invalid", classroom.cohort, key, "quito")
    refused("enrolment_invalid", classroom.cohort, "quito-9", key)


class TestImport:
    @pytest.fixture
    def run(self, classroom, tmp_path):
        for name in ("ana", "beto", "facilita"):
            classroom.person(name)

        def call(*rows, heading=HEADING):
            table = tmp_path / "import.csv"
            lines = [heading, *(f"{classroom.key},{row}" for row in rows)]
            table.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
            out = StringIO()
            call_command("integra_cohorts", str(table), stdout=out)
            return out.getvalue().strip()

        return call

    def test_cohorts_places_and_roles_are_made(self, classroom, run):
        rows = (
            "quito-1,quito,ana,learner,blended,2026-03-01,2026-06-30,evaluation,extra_time",
            "quito-1,quito,beto,,,,,,",
            "quito-1,quito,facilita,facilitator,,2026-01-01,2026-12-31,,",
        )
        assert run(*rows) == "learners: 2, moved: 0, facilitators: 1"
        assert run(*rows) == "learners: 0, moved: 0, facilitators: 0"

        cohort = Cohort.objects.get(key="quito-1")
        assert (cohort.modality, cohort.time_zone) == ("blended", "America/Guayaquil")
        ana = Enrolment.objects.get(learner__user__username="ana")
        assert (ana.route_intended, ana.accommodations) == ("evaluation", ["extra_time"])
        role = FacilitatorRole.objects.get()
        assert (role.user.username, str(role.ends_on)) == ("facilita", "2026-12-31")

    def test_a_learner_in_another_cohort_is_moved(self, classroom, run):
        run("quito-1,quito,ana,learner,,,,,")
        assert run("manta-1,manta,ana,learner,,,,,") == "learners: 0, moved: 1, facilitators: 0"
        assert classroom.said(classroom.learner()) == ["learner.enrolled", "learner.moved"]

    @pytest.mark.parametrize(
        ("row", "sentence"),
        [
            ("quito-1,quito,nadie,,,,,,", "there is no account nadie"),
            ("quito 1,quito,ana,,,,,,", "cohort_key begins"),
            ("quito-1,,ana,,,,,,", "city_key is empty"),
            ("quito-1,quito,ana,jefa,,,,,", "role is one of"),
            ("quito-1,quito,ana,,radio,,,,", "modality is one of"),
            ("quito-1,quito,ana,,,ayer,,,", "starts_on is a date"),
            ("quito-1,quito,ana,,,2026-06-30,2026-03-01,,", "starts_on is after"),
            ("quito-0,manta,ana,,,,,,", "belongs to quito"),
            ("quito-1,quito,ana,,,,,,,sobra", "more cells"),
        ],
    )
    def test_one_wrong_row_stops_the_whole_table(self, classroom, run, tools, row, sentence):
        classroom.cohort("quito-0", "quito")
        before = tools.count_rows()
        with pytest.raises(CommandError, match=f"Row 3: .*{sentence}"):
            run("quito-1,quito,beto,,,,,,", row)
        assert tools.count_rows() == before

    def test_an_unknown_column_or_course_is_named(self, run, tmp_path):
        with pytest.raises(CommandError, match="unknown column edad"):
            run("quito-1,quito,ana,30", heading="course_key,cohort_key,city_key,username,edad")
        table = tmp_path / "other.csv"
        table.write_text(f"{HEADING}\ncourse-v1:X+Y+Z,c,q,ana,,,,,,")
        with pytest.raises(CommandError, match="no manifest is registered"):
            call_command("integra_cohorts", str(table))
        with pytest.raises(CommandError):
            call_command("integra_cohorts", str(tmp_path / "missing.csv"))


def test_the_command_registers_a_course(db, course, tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(course.manifest))
    out = StringIO()
    call_command("integra_register_course", str(path), course="cap40", stdout=out)
    assert course.manifest["digest"] in out.getvalue()
    assert api.get_rules("cap40").course.key == "cap40"


@pytest.mark.parametrize("content", ["", "[]", "{}", "null"])
def test_the_command_says_what_is_wrong_with_a_manifest(db, tmp_path, content):
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(CommandError):
        call_command("integra_register_course", str(path), course="cap40")


class TestAdmin:
    @pytest.fixture
    def page(self, classroom, admin_client):
        classroom.cohort("quito-1", "quito")
        classroom.cohort("manta-1", "manta")
        classroom.learner(cohort="quito-1")
        enrolment = Enrolment.objects.get()
        return admin_client, f"/admin/integra_gradebook/enrolment/{enrolment.pk}/change/"

    def test_moving_a_learner_is_said(self, classroom, page):
        client, address = page
        data = {
            "cohort": Cohort.objects.get(key="manta-1").pk,
            "status": "active",
            "route_intended": "training",
            "accommodations": "[]",
        }
        assert client.get(address).status_code == 200
        assert client.post(address, data).status_code == 302
        assert classroom.last_said("learner.moved")["to"] == "manta-1"

    def test_ending_a_place_is_said(self, classroom, page):
        client, address = page
        data = {
            "cohort": Cohort.objects.get(key="quito-1").pk,
            "status": "withdrawn",
            "route_intended": "training",
            "accommodations": "[]",
        }
        assert client.post(address, data).status_code == 302
        assert classroom.last_said("learner.unenrolled")["reason"] == "withdrawn"

    def test_a_cohort_of_another_run_is_no_choice(self, classroom, page, tools):
        client, address = page
        api.register_course(tools.OTHER_RUN, classroom.course.manifest)
        api.open_cohort(tools.OTHER_RUN, cohort_key="cuenca-1", city_key="cuenca")
        data = {
            "cohort": Cohort.objects.get(key="cuenca-1").pk,
            "status": "active",
            "route_intended": "training",
            "accommodations": "[]",
        }
        assert client.post(address, data).status_code == 200  # the form again, with its error
        assert classroom.said() == ["learner.enrolled"]

    @pytest.mark.parametrize("model", ["cohort", "enrolment", "facilitatorrole"])
    def test_the_lists_open(self, page, model):
        assert page[0].get(f"/admin/integra_gradebook/{model}/").status_code == 200

    @pytest.mark.parametrize("model", ["attempt", "submission", "rating", "standing"])
    def test_facts_are_not_edited(self, page, model):
        assert page[0].get(f"/admin/integra_gradebook/{model}/").status_code == 404


def test_a_day_without_a_place_leaves_nothing_behind(classroom, tools):
    """Everything a page asks for on opening, by somebody new: no row."""
    before, ana = tools.count_rows(), classroom.learner()
    api.get_record(ana, now=classroom.now + timedelta(days=1))
    api.get_unit_state(ana, "m04-u03")
    api.get_module_standing(ana, "m04")
    api.get_deliverable_state(ana, "m06-hoja")
    api.get_bypass_state(ana, module_key="m06", now=classroom.now)
    api.find_attempt(ana, block_key="b")
    assert tools.count_rows() == before
    assert LearnerPseudonym.objects.count() == 0


def test_a_refusal_speaks_the_readers_language(classroom):
    for language, sentence in (
        ("es-419", "Ya hiciste esta prueba."),
        ("en", "You have already taken this test."),
    ):
        with translation.override(language):
            assert api.GradebookError("already_taken").message == sentence
