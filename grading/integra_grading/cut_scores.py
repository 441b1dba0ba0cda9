"""Cut scores: what a panel of judges says that a minimally competent learner reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from integra_grading.errors import ManifestError, WireError
from integra_grading.wire import KEY, Day, Many, Record, Text, Whole, refusing_as, require_distinct, wire


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRating:
    """How many of 100 minimally competent learners one judge thinks would answer an item correctly."""

    item: str = wire(KEY)
    percent: int = wire(Whole(0, 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """One judge by pseudonym, with expertise in a word ("contadora", "egresada")."""

    key: str = wire(KEY)
    expertise: str = wire(Text(80))
    ratings: tuple[ItemRating, ...] = wire(Many(Record(ItemRating), 200, minimum=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The record of a modified-Angoff panel: every judge rated every item of one form.

    Raises:
        WireError: ``too_few_judges``, ``duplicate_key``, ``rating_missing`` (judges rated different items).
    """

    held_on: str = wire(Day())
    form: str = wire(KEY)
    judges: tuple[Judge, ...] = wire(Many(Record(Judge), 50))

    def __post_init__(self) -> None:
        if len(self.judges) < 2:
            raise WireError("too_few_judges", "judges", "A panel has at least two judges.")
        require_distinct([judge.key for judge in self.judges], "judges")
        asked = {rating.item for rating in self.judges[0].ratings}
        for judge in self.judges:
            require_distinct([rating.item for rating in judge.ratings], f"judges.{judge.key}")
            if {rating.item for rating in judge.ratings} != asked:
                raise WireError("rating_missing", f"judges.{judge.key}", "Every judge rates every item.")

    @classmethod
    def from_dict(cls, raw: object) -> Panel:
        """Return the panel of its JSON form.

        Raises:
            ManifestError: A code of this class or of ``integra_grading.wire``.
        """
        with refusing_as(ManifestError):
            panel: Panel = Record(cls).read(raw, "")
            return panel


@dataclass(frozen=True, slots=True, kw_only=True)
class CutScore:
    """What came of a panel: the cut in whole points, and how sure the panel was.

    ``mean_millipoints`` and ``error_millipoints`` are the mean over the judges and its standard error in thousandths
    of a point: a manifest holds no fractions.
    """

    points: int = wire(Whole(1, 1000))
    items: int = wire(Whole(1, 1000))
    judges: int = wire(Whole(2, 50))
    mean_millipoints: int = wire(Whole(0, 1_000_000))
    error_millipoints: int = wire(Whole(0, 1_000_000))
    held_on: str = wire(Day())

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form that a manifest holds."""
        return Record(CutScore).write(self)


def compute_cut(panel: Panel) -> CutScore:
    """Return the cut a panel's ratings give.

        judge's cut = sum of ratings / 100
        cut         = mean over the judges, rounded up to a whole point
        error       = sd of the judges' cuts (n - 1) / sqrt(judges)

    Returns:
        ``points`` is rounded up, because half a point cannot be scored and whoever stays below the mean has not
        reached what the panel asked for; at least 1.

    Invariants: a higher rating never lowers the cut; independent of the order of judges and items.

    Source: Angoff (1971); dossier 5.3 for the number of judges and Shulruf et al. (2016) there.
    """
    cuts = [sum(rating.percent for rating in judge.ratings) for judge in panel.judges]
    mean = sum(cuts) / len(cuts) / 100
    variance = math.fsum((cut / 100 - mean) ** 2 for cut in cuts) / (len(cuts) - 1)
    return CutScore(
        # In integers, so that a mean of exactly 28 is 28 and not 29.
        points=max(1, -(-sum(cuts) // (100 * len(cuts)))),
        items=len(panel.judges[0].ratings),
        judges=len(cuts),
        mean_millipoints=round(mean * 1000),
        error_millipoints=round(math.sqrt(variance / len(cuts)) * 1000),
        held_on=panel.held_on,
    )
