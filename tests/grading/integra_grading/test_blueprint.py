"""The blueprint: a form that misses it is named in every place."""

from hypothesis import given
from hypothesis import strategies as st

from integra_grading.blueprint import BlueprintRow, LevelRow, Miss, PlannedItem, find_misses

OUTCOMES = (BlueprintRow(outcome="4.3", items=1), BlueprintRow(outcome="6.3", items=2))
LEVELS = (
    LevelRow(module="m06", levels=("recordar", "comprender"), items=1),
    LevelRow(module="m06", levels=("aplicar",), items=1),
)
MODULE_OF = {"4.3": "m04", "6.3": "m06"}
GOOD = (PlannedItem("4.3", "decidir"), PlannedItem("6.3", "comprender"), PlannedItem("6.3", "aplicar"))


def _misses(items):
    return find_misses(items, OUTCOMES, LEVELS, module_of=MODULE_OF)


def test_a_form_that_meets_the_blueprint_has_no_miss():
    assert _misses(GOOD) == ()


def test_every_miss_is_named():
    form = (PlannedItem("4.3", "aplicar"), PlannedItem("6.3", "aplicar"), PlannedItem("6.3", "aplicar"))
    assert _misses(form) == (Miss("m06/recordar+comprender", 0, 1), Miss("m06/aplicar", 2, 1))
    assert _misses(GOOD[1:]) == (Miss("4.3", 0, 1),)
    assert _misses((*GOOD, PlannedItem("9.9", "aplicar"))) == (Miss("9.9", 1, 0),)
    # A level no row of the module speaks of is planned with none.
    assert Miss("m06/analizar", 1, 0) in _misses((*GOOD[:2], PlannedItem("6.3", "analizar")))


ITEMS = st.builds(
    PlannedItem, st.sampled_from(["4.3", "6.3"]), st.sampled_from(["comprender", "aplicar", "decidir"])
)


@given(st.lists(ITEMS, max_size=6), st.randoms())
def test_no_miss_means_exactly_the_planned_counts_in_any_order(items, chance):
    mixed = list(items)
    chance.shuffle(mixed)
    assert _misses(mixed) == _misses(items)
    is_met = (
        sorted((item.outcome, item.level) for item in items if item.outcome == "6.3")
        == [
            ("6.3", "aplicar"),
            ("6.3", "comprender"),
        ]
        and sum(item.outcome == "4.3" for item in items) == 1
    )
    assert (not _misses(items)) == is_met
