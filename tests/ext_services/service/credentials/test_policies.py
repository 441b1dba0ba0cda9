"""Which learner reaches an achievement, with every reason if not; and the strict reading of policies."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from integra_service.credentials.evidence import (
    collect_evidence,
    digest_evidence,
    dump_evidence,
    list_results,
)
from integra_service.credentials.policies import (
    AchievementPolicy,
    PolicyError,
    Reason,
    ReasonCode,
    decide_achievement,
    parse_policy,
    read_policies,
)

DEMO = (Path(__file__).parents[1] / "achievements/curso.yaml").read_bytes()


@pytest.fixture(scope="module")
def policy() -> AchievementPolicy:
    (demo,) = read_policies(settings.INTEGRA_ACHIEVEMENTS)
    return demo


def decide(builders: Any, policy: AchievementPolicy, *courses: Any, **options: Any) -> Any:
    rules = options.pop("rules", builders.make_rules())
    record = builders.make_record(*courses, is_retired=options.pop("is_retired", False))
    return decide_achievement(
        record, policy, rules, allows_public_banks=options.pop("allows_public_banks", True), **options
    )


def test_everything_done_is_met(builders: Any, policy: AchievementPolicy) -> None:
    decision = decide(builders, policy, builders.make_course())
    assert (decision.is_met, decision.reasons, decision.policy_version) == (True, (), "1")
    assert [attempt.kind for attempt in decision.tests] == ["post", "bypass"]


@pytest.mark.parametrize(("score", "is_met"), [(5, False), (6, True), (7, True), (8, True), (0, False)])
def test_cut_is_inclusive_and_comes_with_the_attempt(
    builders: Any, policy: AchievementPolicy, score: int, is_met: bool
) -> None:
    course = builders.make_course(attempts=(builders.make_attempt("post", score, builders.TEST_BANK),))
    decision = decide(builders, policy, course)
    assert decision.is_met is is_met
    assert decision.reasons == (() if is_met else (Reason(ReasonCode.BELOW_CUT, "post"),))


def test_a_test_without_a_cut_proves_nothing(builders: Any, policy: AchievementPolicy) -> None:
    attempt = replace(builders.make_attempt("post", 8, builders.TEST_BANK), cut=None)
    decision = decide(builders, policy, builders.make_course(attempts=(attempt,)))
    assert decision.reasons == (Reason(ReasonCode.BELOW_CUT, "post"),)


def test_best_attempt_counts(builders: Any, policy: AchievementPolicy) -> None:
    attempts = tuple(builders.make_attempt("post", score, builders.TEST_BANK) for score in (2, 7, 3))
    assert decide(builders, policy, builders.make_course(attempts=attempts)).is_met


def test_every_reason_is_told(builders: Any, policy: AchievementPolicy) -> None:
    course = builders.make_course(
        modules=(builders.make_module("m04", None, 72),), attempts=(), deliverables=()
    )
    assert decide(builders, policy, course).reasons == (
        Reason(ReasonCode.MODULE_OPEN, "m04"),
        Reason(ReasonCode.MODULE_OPEN, "m06"),
        Reason(ReasonCode.DELIVERABLE_MISSING, "m06-hoja-de-costos"),
        Reason(ReasonCode.TEST_MISSING, "post"),
    )


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(None, ReasonCode.DELIVERABLE_UNRATED), ("returned", ReasonCode.DELIVERABLE_RETURNED)],
)
def test_deliverable_must_be_accepted(
    builders: Any, policy: AchievementPolicy, outcome: str | None, code: ReasonCode
) -> None:
    course = builders.make_course(deliverables=(builders.make_deliverable(outcome),))
    assert decide(builders, policy, course).reasons == (Reason(code, "m06-hoja-de-costos"),)


def test_public_bank_is_refused_outside_the_demonstration(builders: Any, policy: AchievementPolicy) -> None:
    decision = decide(builders, policy, builders.make_course(), allows_public_banks=False)
    assert decision.reasons == (
        Reason(ReasonCode.BANK_PUBLIC, "prueba-demo"),
        Reason(ReasonCode.BANK_PUBLIC, "anillo-m06"),
    )
    private = builders.make_rules(is_public=False)
    assert decide(builders, policy, builders.make_course(), rules=private, allows_public_banks=False).is_met


def test_ring_of_a_module_done_by_training_does_not_matter(builders: Any, policy: AchievementPolicy) -> None:
    modules = (builders.make_module("m04", "training", 72), builders.make_module("m06", "training", 36))
    decision = decide(builders, policy, builders.make_course(modules=modules), allows_public_banks=False)
    assert decision.reasons == (Reason(ReasonCode.BANK_PUBLIC, "prueba-demo"),)


def test_bank_that_no_manifest_names_counts_for_nothing(builders: Any, policy: AchievementPolicy) -> None:
    other = {**builders.TEST_BANK, "digest": "e" * 64}
    course = builders.make_course(attempts=(builders.make_attempt("post", 8, other),))
    assert decide(builders, policy, course).reasons == (Reason(ReasonCode.BANK_UNKNOWN, "prueba-demo"),)


def test_rules_that_are_not_registered_count_for_nothing(builders: Any, policy: AchievementPolicy) -> None:
    decision = decide(builders, policy, builders.make_course(), rules={})
    assert decision.reasons == (Reason(ReasonCode.RULES_UNKNOWN),)


def test_nobody_enrolled_and_nobody_retired_reaches_anything(
    builders: Any, policy: AchievementPolicy
) -> None:
    other = builders.make_course(rule_version="f" * 64)
    rules = {
        **builders.make_rules(),
        "f" * 64: replace(builders.make_rules()[builders.RULE_VERSION], course="otro"),
    }
    assert decide(builders, policy).reasons == (Reason(ReasonCode.NOT_ENROLLED),)
    assert decide(builders, policy, other, rules=rules).reasons == (Reason(ReasonCode.NOT_ENROLLED),)
    retired = decide(builders, policy, builders.make_course(), is_retired=True)
    assert retired.reasons == (Reason(ReasonCode.LEARNER_RETIRED),)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_several_runs_the_one_that_lacks_least_is_judged(
    builders: Any, policy: AchievementPolicy, order: tuple[int, ...]
) -> None:
    make = builders.make_course
    runs = [make(), make(deliverables=()), make(deliverables=(), attempts=())]
    decision = decide(builders, policy, *(runs[position] for position in order))
    assert (decision.is_met, decision.course) == (True, runs[0])


def test_minutes_are_counted_for_training_only(builders: Any, policy: AchievementPolicy) -> None:
    results = list_results(builders.make_course(), policy)
    assert [(r.module_key, r.route, r.minutes) for r in results] == [
        ("m04", "training", 72),
        ("m06", "evaluation", None),
    ]
    with pytest.raises(ValueError, match="m04"):
        list_results(builders.make_course(modules=()), policy)


def test_evidence_names_every_fact_and_its_event(builders: Any, policy: AchievementPolicy) -> None:
    decision = decide(builders, policy, builders.make_course())
    evidence = collect_evidence(decision, decision.course, policy)
    events = {fact["event_id"] for kind in ("modules", "deliverables", "tests") for fact in evidence[kind]}
    assert events == {"event-m04", "event-m06", "event-deliverable", "event-post", "event-bypass"}
    text = dump_evidence(evidence)
    assert len(digest_evidence(text)) == 64
    assert digest_evidence(text) != digest_evidence(text.replace('"score":7', '"score":8'))


def test_demo_policy_is_read(policy: AchievementPolicy) -> None:
    assert (policy.key, policy.version, policy.course, policy.test) == ("curso", "1", "cap40", "post")
    assert [key for key, _texts in policy.modules] == ["m04", "m06"]
    assert policy.get_module("m06").en == "Costs, price and break-even point"
    assert policy.get_deliverable("m06-hoja-de-costos").es == "Hoja de costos"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"key: curso", b"key: curso\nkey: demo", "twice"),
        (b"key: curso", b"key: &a demo\nextra: *a", "alias"),
        (b"key: curso", b"llave: demo", "members"),
        (b"test: post", b"test: pre", "test"),
        (b"test: post", b"test: []", "test"),
        (b"course: cap40", b"course: ''", "course"),
        (b"course: cap40", b"course: [cap40]", "course"),
        (b"integra.achievement/1", b"integra.achievement/2", "schema"),
        (b"  en: Starting", b"  fr: Starting", "name"),
        (b"key: m06\n", b"key: m04\n", "twice"),
        (b"- key: m04", b"- clave: m04", r"modules\[0\]"),
        (b"modules:", b"modules: {}\nmodulos:", "members"),
        (DEMO, b"modules: [", "demo.yaml"),
        (DEMO, b"[" * 3000, "demo.yaml"),
        (DEMO, b"\xff\xfe\x00", "demo.yaml"),
        (DEMO, b"", "members"),
        (DEMO, b"- a", "members"),
    ],
)
def test_policy_that_says_something_else_is_refused(old: bytes, new: bytes, said: str) -> None:
    assert old in DEMO
    with pytest.raises(PolicyError, match=said):
        parse_policy(DEMO.replace(old, new, 1), "demo.yaml")


def test_scalars_stay_text() -> None:
    policy = parse_policy(DEMO.replace(b'version: "1"', b"version: 012"), "demo.yaml")
    assert policy.version == "012"


def test_lists_must_be_lists() -> None:
    with pytest.raises(PolicyError, match="modules must be a list"):
        parse_policy(
            DEMO[: DEMO.index(b"modules:")] + b"modules: []\ndeliverables: []\ntest: post\n", "x.yaml"
        )


def test_a_folder_without_policies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no achievement policy"):
        read_policies(tmp_path)


def test_one_achievement_per_key(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(DEMO)
    (tmp_path / "b.yaml").write_bytes(DEMO)
    with pytest.raises(PolicyError, match="twice"):
        read_policies(tmp_path)


@pytest.fixture
def area_policy(policy: AchievementPolicy) -> AchievementPolicy:
    """The same course, with the closing form of an area instead of the final test."""
    return replace(policy, key="emprendimiento", test="closing", area="emprendimiento")


@pytest.mark.parametrize(
    ("area", "reasons"),
    [
        ("emprendimiento", ()),
        # A closing of another area is not this one's, however well it was done.
        ("empleabilidad", (Reason(ReasonCode.TEST_MISSING, "closing"),)),
    ],
)
def test_an_area_is_closed_by_its_own_form(
    builders: Any, area_policy: AchievementPolicy, area: str, reasons: tuple[Reason, ...]
) -> None:
    ring = builders.make_attempt("bypass", 11, builders.RING_BANK, "m06")
    closing = builders.make_attempt("closing", 10, builders.CLOSING_BANKS[area])
    assert decide(builders, area_policy, builders.make_course(attempts=(ring, closing))).reasons == reasons


def test_an_area_needs_no_final_test_and_the_course_no_closing(
    builders: Any, policy: AchievementPolicy, area_policy: AchievementPolicy
) -> None:
    bank = builders.CLOSING_BANKS["emprendimiento"]
    closing = builders.make_course(attempts=(builders.make_attempt("closing", 10, bank),))
    assert decide(builders, area_policy, closing).is_met
    assert decide(builders, policy, closing).reasons == (Reason(ReasonCode.TEST_MISSING, "post"),)


def test_what_is_held_stands_beside_every_other_reason(builders: Any, policy: AchievementPolicy) -> None:
    held = (Reason(ReasonCode.SOURCE_DISTRUSTED),)
    assert decide(builders, policy, builders.make_course(), held=held).reasons == held
    assert decide(builders, policy, held=held).reasons == (*held, Reason(ReasonCode.NOT_ENROLLED))
    lacking = decide(builders, policy, builders.make_course(deliverables=()), held=held)
    assert [reason.code for reason in lacking.reasons] == ["source_distrusted", "deliverable_missing"]


PACKAGED = Path(__file__).parents[4] / "ext_services/integra_service/credentials/achievements"


def test_the_packaged_policies_follow_the_areas_of_the_course() -> None:
    """Transversal modules and the area's own, with the deliverables that are always due (architecture, 5)."""
    policies = {policy.key: policy for policy in read_policies(PACKAGED)}
    assert {
        key: ([module for module, _texts in policy.modules], policy.test, policy.area)
        for key, policy in policies.items()
    } == {
        "curso": ([f"m{n:02}" for n in range(1, 13)], "post", ""),
        "emprendimiento": ([f"m{n:02}" for n in range(1, 12)], "closing", "emprendimiento"),
        "empleabilidad": (["m01", "m02", "m03", "m12"], "closing", "empleabilidad"),
    }
    always = {f"m{n:02}" for n in (1, 4, 5, 6, 7, 8)}
    for policy in policies.values():
        due = {key[:3]: policy.trained_in.get(key) for key, _texts in policy.deliverables}
        # Each module's own work: always, or since the module was done by training.
        assert due == {key: None if key in always else key for key, _texts in policy.modules}


@pytest.mark.parametrize(
    ("route", "reasons"),
    [
        ("evaluation", ()),
        ("training", (Reason(ReasonCode.DELIVERABLE_MISSING, "m06-hoja-de-costos"),)),
    ],
)
def test_a_work_of_training_is_due_after_training_only(
    builders: Any, policy: AchievementPolicy, route: str, reasons: tuple[Reason, ...]
) -> None:
    by_training = replace(policy, trained_in={"m06-hoja-de-costos": "m06"})
    modules = (builders.make_module("m04", "training", 72), builders.make_module("m06", route, 36))
    course = builders.make_course(modules=modules, deliverables=())
    assert decide(builders, by_training, course).reasons == reasons


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ("test: closing", "area"),
        ("test: post\narea: emprendimiento", "area"),
        ("test: post\nvalid_months: 3", "valid_months"),
        ("test: post\nvalid_months: siempre", "valid_months"),
        ("test: post\nsecond_person: [forget]", "second_person"),
        ("test: post\nsecond_person: []", "second_person"),
        ("test: post\nexpires: 12", "unknown members expires"),
        ("    trained_in: m11\ntest: post", "m11, which is no module"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(lines: str, where: str) -> None:
    raw = DEMO.decode().replace("test: post", lines).encode()
    with pytest.raises(PolicyError, match=where):
        parse_policy(raw, "curso.yaml")


def test_optional_members_are_read() -> None:
    lines = "test: closing\narea: empleabilidad\nvalid_months: 36\nsecond_person: [revoke, suspend]"
    policy = parse_policy(DEMO.decode().replace("test: post", lines).encode(), "curso.yaml")
    assert (policy.area, policy.valid_months) == ("empleabilidad", 36)
    assert policy.second_person == {"revoke", "suspend"}
