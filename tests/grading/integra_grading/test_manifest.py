"""The manifest is strict, and every reference in it resolves."""

import copy
from contextlib import suppress

import pytest

from integra_grading.errors import CanonicalError, ManifestError
from integra_grading.items import bank_digest
from integra_grading.manifest import Due, Manifest, manifest_digest, parse_manifest
from integra_grading.wire import Record


def test_manifest_is_read(raw_manifest):
    manifest = parse_manifest(raw_manifest)
    assert manifest.rule_version == raw_manifest["digest"] == manifest_digest(raw_manifest)
    assert manifest.find_module("m06").minutes == 66
    assert manifest.find_unit("m04-u03") == (manifest.modules[0], manifest.modules[0].units[0])
    module, deliverable = manifest.find_deliverable("m06-hoja-de-costos")
    assert (module.key, deliverable.due, deliverable.document) == ("m06", Due.ALWAYS, "punto_de_equilibrio")
    assert manifest.find_rubric("rubrica-1").cut == 5
    assert manifest.find_bank("prueba-demo").is_public
    assert manifest.find_bypass_bank("m06").id == "anillo-m06"


def test_manifest_is_written_as_it_was_read(raw_manifest, resign):
    raw_manifest["rubrics"][0]["cut"] = 6
    raw_manifest = resign(raw_manifest)
    assert Record(Manifest).write(parse_manifest(raw_manifest)) == raw_manifest


@pytest.mark.parametrize(
    "find", ["find_module", "find_unit", "find_deliverable", "find_rubric", "find_bank", "find_bypass_bank"]
)
def test_what_is_not_there_is_none(manifest, find):
    assert getattr(manifest, find)("otro") is None


def test_a_course_without_quizzes_needs_no_bypass_rules(raw_manifest, resign):
    raw_manifest["bypass"] = None
    raw_manifest["modules"][1]["can_be_bypassed"] = False
    del raw_manifest["banks"][1]
    assert parse_manifest(resign(raw_manifest)).bypass is None


def _set(value, *path):
    def bend(raw):
        *parents, last = path
        target = raw
        for part in parents:
            target = target[part]
        if value is ...:
            del target[last]
        else:
            target[last] = value

    return bend


def _twice(*path):
    def bend(raw):
        target = raw
        for part in path:
            target = target[part]
        target.append(copy.deepcopy(target[0]))

    return bend


def _items(index, change):
    """Bend the items of a bank and keep its digest right."""

    def bend(raw):
        bank = raw["banks"][index]
        change(bank["items"])
        bank["digest"] = bank_digest((item["key"], item["digest"]) for item in bank["items"])

    return bend


M04, M06 = ("modules", 0), ("modules", 1)


@pytest.mark.parametrize(
    ("bend", "code", "field"),
    [
        (_set("integra.manifest/2", "schema"), "unknown_value", "schema"),
        (_set(1, "extra"), "unknown_key", "extra"),
        (_set("key", *M04, "units", 0, "answer_key"), "unknown_key", "modules[0].units[0].answer_key"),
        (_set(..., "tests"), "missing_key", "tests"),
        (_set(71, *M04, "minutes"), "contradiction", "m04.minutes"),
        (_set(72.0, *M04, "minutes"), "wrong_type", "modules[0].minutes"),
        (_set(float("nan"), "tests", "post", "cut"), "wrong_type", "tests.post.cut"),
        (_set(9, "tests", "post", "cut"), "contradiction", "tests.post.cut"),
        (_set(0, "tests", "post", "cut"), "out_of_range", "tests.post.cut"),
        (_set(["A", "A"], "tests", "pre", "forms"), "duplicate_key", "tests.pre.forms.A"),
        (_set(["A"], "tests", "pre", "forms"), "wrong_length", "tests.pre.forms"),
        (_set(["A", "C"], "tests", "post", "forms"), "contradiction", "tests.post.forms"),
        (_set(["demo", "demo"], "achievements"), "duplicate_key", "achievements.demo"),
        (_twice("areas"), "duplicate_key", "areas.demo"),
        (_twice("modules"), "duplicate_key", "modules.m04"),
        (_set("m04-u03", *M06, "units", 0, "key"), "duplicate_key", "units.m04-u03"),
        (
            _set("m04-u03-practica", *M06, "units", 0, "practices", 0, "key"),
            "duplicate_key",
            "practices.m04-u03-practica",
        ),
        (
            _set("m04-u03-q1", *M06, "units", 0, "practices", 0, "items", 0),
            "duplicate_key",
            "practice items.m04-u03-q1",
        ),
        (_set("4.3", *M06, "outcomes", 0, "key"), "duplicate_key", "outcomes.4.3"),
        (_twice("rubrics"), "duplicate_key", "rubrics.rubrica-1"),
        (_twice("blueprint"), "duplicate_key", "blueprint.4.3"),
        (_twice("banks"), "duplicate_key", "banks.prueba-demo"),
        (_set(["m99"], "areas", 0, "modules"), "unknown_reference", "areas.demo"),
        (
            _set("rubrica-2", *M06, "deliverable", "rubric_version"),
            "unknown_reference",
            "m06.deliverable.rubric_version",
        ),
        (_set("9.9", "blueprint", 0, "outcome"), "unknown_reference", "blueprint.9.9"),
        (_set(True, *M04, "can_be_bypassed"), "unknown_reference", "m04.can_be_bypassed"),
        (_set(None, "bypass"), "unknown_reference", "m06.can_be_bypassed"),
        (_set(12, "bypass", "take_at_most"), "contradiction", "exempt_at"),
        (_set("m99", "banks", 1, "module"), "unknown_reference", "m06.can_be_bypassed"),
        (_set("otra", "banks", 0, "digest"), "digest_mismatch", "prueba-demo.digest"),
        (_set("m06", "banks", 0, "module"), "duplicate_key", "banks of modules.m06"),
        (_set("m04", "banks", 0, "module"), "contradiction", "prueba-demo"),
        (_items(0, lambda items: items[0].update(form="C")), "contradiction", "prueba-demo.items"),
        (_items(0, lambda items: items[0].pop("form")), "contradiction", "prueba-demo.items"),
        (_items(0, lambda items: items.pop()), "contradiction", "prueba-demo.items"),
        (_items(1, lambda items: items.pop()), "contradiction", "anillo-m06.strata"),
        (_items(1, lambda items: items[0].pop("stratum")), "unknown_reference", "anillo-m06.items"),
        (_items(1, lambda items: items.append(items[0])), "duplicate_key", "anillo-m06.items.r-6.1-0"),
        (_set(3, "banks", 1, "strata", 0, "per_form"), "contradiction", "anillo-m06.strata"),
        (_twice("banks", 1, "strata"), "duplicate_key", "anillo-m06.strata.6.1"),
        (_twice("rubrics", 0, "criteria"), "duplicate_key", "criteria.datos_propios"),
        (_set(9, "rubrics", 0, "max_score"), "contradiction", "max_score"),
        (_set(1, "rubrics", 0, "criteria", 0, "levels", 0, "points"), "contradiction", "datos_propios"),
        (_set("Econom\x00", "course", "title"), "bad_character", "course.title"),
        (_set("españa", "course", "language"), "wrong_form", "course.language"),
    ],
)
def test_manifest_is_refused(raw_manifest, resign, bend, code, field):
    bend(raw_manifest)
    with suppress(CanonicalError):  # some bent manifests have no digest at all
        raw_manifest = resign(raw_manifest)
    with pytest.raises(ManifestError) as caught:
        parse_manifest(raw_manifest)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_ring_of_an_unknown_module_is_refused(raw_manifest, resign):
    raw_manifest["modules"][1]["can_be_bypassed"] = False
    raw_manifest["banks"][1]["module"] = "m99"
    with pytest.raises(ManifestError) as caught:
        parse_manifest(resign(raw_manifest))
    assert (caught.value.code, caught.value.field) == ("unknown_reference", "anillo-m06.module")


def test_ring_without_bypass_rules_is_refused(raw_manifest, resign):
    raw_manifest["modules"][1]["can_be_bypassed"] = False
    raw_manifest["bypass"] = None
    with pytest.raises(ManifestError) as caught:
        parse_manifest(resign(raw_manifest))
    assert (caught.value.code, caught.value.field) == ("unknown_reference", "anillo-m06.kind")


def test_a_number_changed_after_the_digest_was_made_is_noticed(raw_manifest):
    raw_manifest["tests"]["post"]["cut"] = 5
    with pytest.raises(ManifestError) as caught:
        parse_manifest(raw_manifest)
    assert (caught.value.code, caught.value.field) == ("digest_mismatch", "digest")


# Closing forms, further forms, levels


@pytest.fixture
def with_closing(raw_manifest, resign):
    """The small course with a closing form of 24 items over its one area."""

    def make(**changes):
        items = [{"key": f"c-{n}", "digest": f"c{n}", "stratum": "6.3"} for n in range(48)]
        bank = {
            "id": "cierre-demo",
            "kind": "closing",
            "public": True,
            "digest": bank_digest((item["key"], item["digest"]) for item in items),
            "items": items,
            "strata": [{"key": "6.3", "per_form": 24}],
        }
        rules = {
            "area": "demo",
            "bank": "cierre-demo",
            "max_score": 24,
            "minutes": 25,
            "cut": 17,
            "max_attempts": 2,
            "wait_hours": 48,
        }
        return resign(
            {
                **raw_manifest,
                "banks": [*raw_manifest["banks"], {**bank, **changes.pop("bank", {})}],
                "closing": [{**rules, **changes}],
            }
        )

    return make


def test_an_area_may_have_a_closing_form(with_closing):
    manifest = parse_manifest(with_closing())
    assert manifest.find_closing("cierre-demo").area == "demo"
    assert manifest.find_closing("cierre-demo").is_provisional
    assert manifest.find_closing("anillo-m06") is None


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"max_score": 23}, "out_of_range", "closing[0].max_score"),
        ({"area": "otra"}, "unknown_reference", "closing.otra"),
        ({"bank": {"module": "m06"}}, "duplicate_key", "banks of modules.m06"),
        ({"bank": {"kind": "test", "strata": []}}, "unknown_reference", "closing.demo.bank"),
        ({"cut": 25}, "contradiction", "closing.demo.cut"),
        ({"bank": {"strata": [{"key": "6.3", "per_form": 20}]}}, "contradiction", "cierre-demo.strata"),
        (
            {"max_score": 30, "bank": {"strata": [{"key": "6.3", "per_form": 30}]}},
            "contradiction",
            "cierre-demo.strata",
        ),
    ],
)
def test_a_closing_form_that_does_not_fit_is_refused(with_closing, changes, code, field):
    with pytest.raises(ManifestError) as caught:
        parse_manifest(with_closing(**changes))
    assert (caught.value.code, caught.value.field) == (code, field)


def test_a_closing_bank_belongs_to_an_area_and_not_to_a_module(with_closing, resign):
    raw = with_closing(bank={"module": "m04"})
    with pytest.raises(ManifestError, match="belongs to an area"):
        parse_manifest(raw)


def test_a_closing_bank_without_rules_is_refused(with_closing, resign):
    raw = with_closing()
    del raw["closing"]
    with pytest.raises(ManifestError, match="No closing form is drawn"):
        parse_manifest(resign(raw))


def test_a_ring_of_other_than_whole_forms_is_refused(raw_manifest, resign):
    bank = raw_manifest["banks"][1]
    bank["items"].append({"key": "r-extra", "digest": "x", "stratum": "6.1"})
    bank["digest"] = bank_digest((item["key"], item["digest"]) for item in bank["items"])
    with pytest.raises(ManifestError, match="whole multiple"):
        parse_manifest(resign(raw_manifest))


def test_further_forms_have_items_like_the_twins(raw_manifest, resign):
    raw_manifest["tests"]["post"]["further_forms"] = ["C"]
    with pytest.raises(ManifestError, match="Every form has items"):
        parse_manifest(resign(raw_manifest))
    bank = raw_manifest["banks"][0]
    bank["items"] += [{"key": f"pp-{n}-C", "digest": f"d{n}C", "form": "C"} for n in range(8)]
    bank["digest"] = bank_digest((item["key"], item["digest"]) for item in bank["items"])
    assert parse_manifest(resign(raw_manifest)).tests.post.further_forms == ("C",)


def test_levels_of_an_unknown_module_are_refused(raw_manifest, resign):
    raw_manifest["blueprint_levels"] = [{"module": "m99", "levels": ["aplicar"], "items": 1}]
    with pytest.raises(ManifestError, match="No such module"):
        parse_manifest(resign(raw_manifest))


PANEL = {
    "points": 6,
    "items": 8,
    "judges": 12,
    "mean_millipoints": 5700,
    "error_millipoints": 210,
    "held_on": "2026-05-20",
}


def test_a_cut_is_provisional_until_a_panel_fixed_it(raw_manifest, resign):
    assert parse_manifest(raw_manifest).tests.post.is_provisional
    post = raw_manifest["tests"]["post"]
    post["panel"] = PANEL | {"points": post["cut"], "items": post["max_score"]}
    manifest = parse_manifest(resign(raw_manifest))
    assert not manifest.tests.post.is_provisional
    assert manifest.tests.post.panel.to_dict() == post["panel"]


@pytest.mark.parametrize("change", [{"points": 1}, {"items": 1}])
def test_a_panel_that_says_another_cut_is_refused(raw_manifest, resign, change):
    post = raw_manifest["tests"]["post"]
    post["panel"] = PANEL | {"points": post["cut"], "items": post["max_score"]} | change
    with pytest.raises(ManifestError) as caught:
        parse_manifest(resign(raw_manifest))
    assert (caught.value.code, caught.value.field) == ("contradiction", "tests.post.panel")
