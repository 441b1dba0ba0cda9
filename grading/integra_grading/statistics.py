"""Classical item and test statistics of one table of responses, streamed.

Names and formulas are those of Moodle's quiz statistics where it has them, so that both can be computed from the
same data and compared (``question/classes/statistics/questions/calculator.php`` and
``mod/quiz/report/statistics/classes/calculator.php``). Every figure comes with its n and is None where n is below
``minimum`` or the figure is not defined: a missing figure is never a zero.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from integra_grading.errors import InvalidScoreError

# Below this many learners a figure says more about them than about the item.
MINIMUM_N = 10
# What an item keeps after its try-out (dossier 5.1).
LOWEST_FACILITY, HIGHEST_FACILITY = 0.30, 0.90
LOWEST_ITEM_REST = 0.20
LOWEST_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """One item. ``n``: learners who had it.

    facility    mean score in [0, 1] (Moodle: facility index)
    sd          of the scores, with n - 1 (Moodle: standard deviation)
    item_rest   correlation with the rest of the test, corrected: the item is not in the rest
                (Moodle: discrimination index)
    """

    key: str
    n: int
    facility: float | None
    sd: float | None
    item_rest: float | None


@dataclass(frozen=True, slots=True)
class TestStatistics:
    """The whole table. Figures below ``n_complete`` are of the rows without a gap; scores are in points.

    alpha  Cronbach's (Moodle: coefficient of internal consistency)
    kr20   the same where each of their scores is 0 or 1, else None
    sem    standard error of measurement, ``sd * sqrt(1 - alpha)`` (Moodle: standard error)
    """

    __test__ = False  # pytest would take the name for a test case

    n: int
    items: tuple[ItemStatistics, ...]
    n_complete: int
    mean: float | None
    sd: float | None
    alpha: float | None
    kr20: float | None
    sem: float | None


def analyse(
    keys: Sequence[str], rows: Iterable[Sequence[float | None]], *, minimum: int = MINIMUM_N
) -> TestStatistics:
    """Return item and test statistics of ``rows``, which are read once and not kept.

        item_rest   r(x, rest), where the rest is the mean of the learner's other items; for a row without gaps
                    that is the same correlation as with their sum
        alpha       k / (k - 1) * (1 - sum of item variances / variance of the totals)

    Args:
        keys: The items, one per column.
        rows: One per learner: scores in [0, 1], or None where the learner did not have the item.
        minimum: Least n for which a figure is given; at least 2.

    Raises:
        InvalidScoreError: A score outside [0, 1] or not a number, a row of another length, no items, a key twice.

    Invariants: independent of the order of rows; a row without any score changes nothing but ``n``.

    Source: Moodle as above; Cronbach (1951), Psychometrika 16, 297-334; Kuder & Richardson (1937), formula 20;
    Henrysson (1963), Psychometrika 28, 211-218, for the corrected correlation.
    """
    if not keys or len(set(keys)) != len(keys):
        raise InvalidScoreError("bad_items", "keys", "At least one item, and every key once.")
    tallies = [_Tally() for _ in keys]
    totals = _Moments()
    complete = [_Moments() for _ in keys]
    n, is_binary = 0, True  # of the rows without a gap
    for row in rows:
        if len(row) != len(keys):
            raise InvalidScoreError("ragged", f"rows[{n}]", "A row has one place per item.")
        n += 1
        total, count = 0.0, 0
        for value in row:
            if value is not None:
                if not 0 <= value <= 1:
                    raise InvalidScoreError(
                        "out_of_range", f"rows[{n - 1}]", "A score from 0 to 1 is expected."
                    )
                total += value
                count += 1
        for tally, value in zip(tallies, row, strict=True):
            if value is not None:
                if count > 1:
                    tally.add(value, (total - value) / (count - 1))
                else:
                    tally.alone.add(value)
        if count == len(keys):
            totals.add(total)
            is_binary = is_binary and all(value in (0, 1) for value in row)
            for moments, value in zip(complete, row, strict=True):
                moments.add(value or 0)
    alpha = _alpha(complete, totals, minimum)
    sd = totals.sd() if totals.n >= minimum else None
    return TestStatistics(
        n=n,
        items=tuple(tally.describe(key, minimum) for key, tally in zip(keys, tallies, strict=True)),
        n_complete=totals.n,
        mean=totals.mean if totals.n >= minimum else None,
        sd=sd,
        alpha=alpha,
        kr20=alpha if is_binary else None,
        sem=None if alpha is None or sd is None else sd * math.sqrt(1 - alpha),
    )


def _alpha(items: Sequence[_Moments], totals: _Moments, minimum: int) -> float | None:
    variance = totals.variance()
    if totals.n < minimum or len(items) < 2 or not variance:
        return None
    within = math.fsum(moments.variance() or 0.0 for moments in items)
    # Rounding may leave a hair above 1.
    return min(1.0, len(items) / (len(items) - 1) * (1 - within / variance))


# --- the options of one item ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OptionStatistics:
    """How often an option (or a named error) was the answer, and what those who chose it know otherwise.

    ``point_biserial``: correlation of having chosen it with the rest of the test; positive for a good key, negative
    for a good distractor.
    """

    key: str
    n: int
    share: float | None
    point_biserial: float | None


def analyse_options(
    answers: Iterable[tuple[Sequence[str], float]], keys: Sequence[str], *, minimum: int = MINIMUM_N
) -> tuple[OptionStatistics, ...]:
    """Return the statistics of every option of one item, in the order of ``keys``.

    Args:
        answers: Per learner who had the item: the option keys chosen (none where it was left open) and the score on
            the rest of the test, on any scale.
        keys: All options; a chosen key that is not among them is not counted.
        minimum: Least number of answers for which shares and correlations are given.

    Source: Lord & Novick (1968), chapter 15, for the point-biserial correlation.
    """
    chosen = {key: _Tally() for key in keys}
    for marks, rest in answers:
        if not math.isfinite(rest):
            raise InvalidScoreError("not_a_number", "rest", "A finite score of the rest is expected.")
        for key, tally in chosen.items():
            tally.add(float(key in marks), rest)
    return tuple(
        OptionStatistics(
            key=key,
            n=round(tally.mean_x * tally.n),
            share=tally.mean_x if tally.n >= minimum else None,
            point_biserial=tally.correlation() if tally.n >= minimum else None,
        )
        for key, tally in chosen.items()
    )


class ReviewReason(StrEnum):
    """Why an item should be revised after its try-out."""

    TOO_HARD = "too_hard"
    TOO_EASY = "too_easy"
    DOES_NOT_DISCRIMINATE = "does_not_discriminate"
    UNUSED_DISTRACTOR = "unused_distractor"


def find_review_reasons(
    item: ItemStatistics, distractors: Iterable[OptionStatistics] = ()
) -> tuple[ReviewReason, ...]:
    """Return why an item should be revised; nothing is said of figures that are not given.

    Source: dossier 5.1: facility 0.30-0.90, item-rest correlation at least 0.20, every distractor chosen by at least
    5 %.
    """
    reasons = []
    if item.facility is not None and item.facility < LOWEST_FACILITY:
        reasons.append(ReviewReason.TOO_HARD)
    if item.facility is not None and item.facility > HIGHEST_FACILITY:
        reasons.append(ReviewReason.TOO_EASY)
    if item.item_rest is not None and item.item_rest < LOWEST_ITEM_REST:
        reasons.append(ReviewReason.DOES_NOT_DISCRIMINATE)
    if any(option.share is not None and option.share < LOWEST_SHARE for option in distractors):
        reasons.append(ReviewReason.UNUSED_DISTRACTOR)
    return tuple(reasons)


# --- forms ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FormEquivalence:
    """Whether two forms are as hard and spread as each other.

    ``difference``: |mean A - mean B| in pooled standard deviations; ``sd_ratio``: the larger by the smaller.
    ``is_equivalent`` is None below the minimum n or where nothing varies.
    """

    n_a: int
    n_b: int
    difference: float | None
    sd_ratio: float | None
    is_equivalent: bool | None


HIGHEST_DIFFERENCE = 0.25
HIGHEST_SD_RATIO = 1.15


def compare_forms(
    scores_a: Iterable[float], scores_b: Iterable[float], *, minimum: int = MINIMUM_N
) -> FormEquivalence:
    """Return how two forms compare, each by the scores of those who had it first.

    Args:
        scores_a: Totals on form A, on the same scale as B's.
        scores_b: Totals on form B.
        minimum: Least n on each form.

    Source: dossier 5.4: |mean A - mean B| at most 0.25 SD, equal SD (within 15 %).
    """
    a, b = _moments_of(scores_a), _moments_of(scores_b)
    variance_a, variance_b = a.variance(), b.variance()
    if min(a.n, b.n) < max(2, minimum) or not variance_a or not variance_b:
        return FormEquivalence(a.n, b.n, None, None, None)
    pooled = math.sqrt(((a.n - 1) * variance_a + (b.n - 1) * variance_b) / (a.n + b.n - 2))
    difference = abs(a.mean - b.mean) / pooled
    ratio = math.sqrt(max(variance_a, variance_b) / min(variance_a, variance_b))
    is_equivalent = difference <= HIGHEST_DIFFERENCE and ratio <= HIGHEST_SD_RATIO
    return FormEquivalence(a.n, b.n, difference, ratio, is_equivalent)


def measure_exposure(
    forms: Iterable[Iterable[str]], keys: Sequence[str]
) -> dict[str, tuple[int, float | None]]:
    """Return per item how many forms held it, and the share of all forms (None where there was no form)."""
    counts: Counter[str] = Counter()
    total = 0
    for form in forms:
        counts.update(set(form))
        total += 1
    return {key: (counts[key], counts[key] / total if total else None) for key in keys}


# --- moments --------------------------------------------------------------------------------------


class _Moments:
    """Count, mean and sum of squared differences, updated one by one.

    Source: Welford (1962), Technometrics 4, 419-420: no cancellation, however many rows.
    """

    __slots__ = ("mean", "n", "squares")

    def __init__(self) -> None:
        self.n, self.mean, self.squares = 0, 0.0, 0.0

    def add(self, value: float) -> None:
        self.n += 1
        step = value - self.mean
        self.mean += step / self.n
        self.squares += step * (value - self.mean)

    def variance(self) -> float | None:
        """Return the variance with n - 1, or None for fewer than two."""
        return self.squares / (self.n - 1) if self.n > 1 else None

    def sd(self) -> float | None:
        variance = self.variance()
        return None if variance is None else math.sqrt(variance)


def _moments_of(values: Iterable[float]) -> _Moments:
    moments = _Moments()
    for value in values:
        if not math.isfinite(value):
            raise InvalidScoreError("not_a_number", "scores", "Finite scores are expected.")
        moments.add(value)
    return moments


class _Tally:
    """Co-moments of a score and the rest of the test; ``alone`` are scores of learners without a rest."""

    __slots__ = ("alone", "mean_rest", "mean_x", "n", "products", "squares_rest", "squares_x")

    def __init__(self) -> None:
        self.n, self.mean_x, self.mean_rest = 0, 0.0, 0.0
        self.squares_x, self.squares_rest, self.products = 0.0, 0.0, 0.0
        self.alone = _Moments()

    def add(self, x: float, rest: float) -> None:
        self.n += 1
        step_x, step_rest = x - self.mean_x, rest - self.mean_rest
        self.mean_x += step_x / self.n
        self.mean_rest += step_rest / self.n
        left = x - self.mean_x
        self.squares_x += step_x * left
        self.squares_rest += step_rest * (rest - self.mean_rest)
        self.products += step_rest * left

    def correlation(self) -> float | None:
        """Return Pearson's r, or None where one of the two does not vary."""
        spread = math.sqrt(self.squares_x) * math.sqrt(self.squares_rest)
        # Rounding leaves a trace of variance where every rest is the same number.
        if spread <= 1e-12 * self.n:
            return None
        return max(-1.0, min(1.0, self.products / spread))

    def describe(self, key: str, minimum: int) -> ItemStatistics:
        scores = self._all_scores()
        is_told = scores.n >= minimum
        return ItemStatistics(
            key=key,
            n=scores.n,
            facility=scores.mean if is_told else None,
            sd=scores.sd() if is_told else None,
            item_rest=self.correlation() if self.n >= minimum else None,
        )

    def _all_scores(self) -> _Moments:
        """Return the moments of all scores, those without a rest included (Chan, Golub & LeVeque 1979)."""
        scores = _Moments()
        scores.n = self.n + self.alone.n
        if scores.n:
            difference = self.alone.mean - self.mean_x
            scores.mean = self.mean_x + difference * self.alone.n / scores.n
            between = difference * difference * self.n * self.alone.n / scores.n
            scores.squares = self.squares_x + self.alone.squares + between
        return scores
