"""Learning gain between two forms of the same assessment: of one learner, and of a group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from integra_grading.errors import InvalidScoreError
from integra_grading.numbers import require_proportion
from integra_grading.statistics import MINIMUM_N

# Two-sided 95 % of the normal distribution.
_Z95 = 1.959963984540054


def raw_gain(pre_proportion: float, post_proportion: float) -> float:
    """Return the difference between post and pre, as a difference of proportions.

        raw_gain = post - pre

    Args:
        pre_proportion: Result on the pre form, in [0, 1].
        post_proportion: Result on the post form, in [0, 1], same scale.

    Returns:
        A number in [-1, 1]; negative when the learner scored lower at the end.

    Raises:
        InvalidScoreError: An argument is outside [0, 1] or not a number.

    Source: Bao (2006), Am. J. Phys. 74(10), 917-922, for the choice between learner and group gains.

    Invariants: raw_gain(a, a) == 0; raw_gain(a, b) == -raw_gain(b, a).
    """
    require_proportion("pre_proportion", pre_proportion)
    require_proportion("post_proportion", post_proportion)
    return post_proportion - pre_proportion


def normalized_gain(pre_proportion: float, post_proportion: float) -> float | None:
    """Return the share of the possible improvement that one learner achieved.

        g = (post - pre) / (1 - pre)

    Args:
        pre_proportion: Result on the pre form, in [0, 1].
        post_proportion: Result on the post form, in [0, 1], same scale.

    Returns:
        A number not greater than 1, negative if the result went down, or ``None`` when
        ``pre_proportion`` is 1 and no improvement was possible.

    Raises:
        InvalidScoreError: An argument is outside [0, 1] or not a number.

    Source: Hake (1998), Am. J. Phys. 66(1), 64-74. Defined there for class averages; for learners see
    Bao (2006), Am. J. Phys. 74(10), 917-922.

    Invariants: normalized_gain(a, a) == 0 and normalized_gain(a, 1) == 1 for a < 1.
    """
    require_proportion("pre_proportion", pre_proportion)
    require_proportion("post_proportion", post_proportion)
    if pre_proportion == 1.0:
        return None
    return (post_proportion - pre_proportion) / (1.0 - pre_proportion)


# --- groups ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """One learner's results before and after, in [0, 1], and the form that came first ("A" or "B")."""

    pre: float
    post: float
    first_form: str = ""


@dataclass(frozen=True, slots=True)
class EffectSize:
    """``d`` with its 95 % interval; the method names denominator and interval."""

    d: float
    low: float
    high: float
    method: str


@dataclass(frozen=True, slots=True)
class GainReport:
    """The gain of a group, of complete pairs only. Everything but the counts is None below the minimum n.

    n             learners with both tests
    coverage      n of everybody who could have had both
    raw           mean of post - pre
    group         Hake's normalised gain of the group's means
    learners      mean of the learners' own normalised gains; n_learners had room to improve
    """

    n: int
    coverage: float | None
    pre_mean: float | None
    post_mean: float | None
    raw: float | None
    group: float | None
    learners: float | None
    n_learners: int
    effect: EffectSize | None


METHOD_D = "d-av, interval of Bonett (2008)"


def describe_gain(
    pairs: Sequence[Pair], *, enrolled: int | None = None, minimum: int = MINIMUM_N
) -> GainReport:
    """Return the gain of a group; nobody without both results is looked at and nothing is imputed.

        group     (mean post - mean pre) / (1 - mean pre)
        d         mean of post - pre / s, where s^2 is the mean of the variances before and after (d_av)
        interval  d +- 1.96 * e, where with covariance c and m = n - 1
                  e^2 = d^2 * (s_pre^4 + s_post^4 + 2 * c^2) / (8 * s^4 * m) + (s_pre^2 + s_post^2 - 2 * c) / (s^2 * m)

    Args:
        pairs: One per learner with both results.
        enrolled: How many could have had both; gives the coverage.
        minimum: Least n for which figures are given.

    Raises:
        InvalidScoreError: A result outside [0, 1], or fewer enrolled than pairs.

    Invariants: independent of the order of pairs; ``raw`` and ``effect.d`` have the same sign; identical results
    before and after give 0.

    Source: Hake (1998) for ``group``; Cumming (2012), Understanding the New Statistics, chapter 11, for d_av;
    Bonett (2008), Psychol. Methods 13, 99-109, for the interval.
    """
    if enrolled is not None and enrolled < len(pairs):
        raise InvalidScoreError("out_of_range", "enrolled", "No fewer than the learners with both results.")
    coverage = len(pairs) / enrolled if enrolled else None
    own = [
        gain for pair in pairs if (gain := normalized_gain(pair.pre, pair.post)) is not None
    ]  # also checks every result
    n = len(pairs)
    if n < max(2, minimum):
        return GainReport(n, coverage, None, None, None, None, None, len(own), None)
    pre_mean = math.fsum(pair.pre for pair in pairs) / n
    post_mean = math.fsum(pair.post for pair in pairs) / n
    return GainReport(
        n=n,
        coverage=coverage,
        pre_mean=pre_mean,
        post_mean=post_mean,
        raw=math.fsum(pair.post - pair.pre for pair in pairs) / n,
        group=None if pre_mean == 1 else (post_mean - pre_mean) / (1 - pre_mean),
        learners=math.fsum(own) / len(own) if len(own) >= minimum else None,
        n_learners=len(own),
        effect=_effect(pairs, pre_mean, post_mean),
    )


def _effect(pairs: Sequence[Pair], pre_mean: float, post_mean: float) -> EffectSize | None:
    n = len(pairs)
    pre_variance = math.fsum((pair.pre - pre_mean) ** 2 for pair in pairs) / (n - 1)
    post_variance = math.fsum((pair.post - post_mean) ** 2 for pair in pairs) / (n - 1)
    covariance = math.fsum((pair.pre - pre_mean) * (pair.post - post_mean) for pair in pairs) / (n - 1)
    variance = (pre_variance + post_variance) / 2
    # Rounding leaves a trace of variance where all results are the same number.
    if variance < 1e-24:
        return None
    d = math.fsum(pair.post - pair.pre for pair in pairs) / n / math.sqrt(variance)
    spread = (pre_variance**2 + post_variance**2 + 2 * covariance**2) / (8 * variance**2 * (n - 1))
    change = max(0.0, pre_variance + post_variance - 2 * covariance) / (variance * (n - 1))
    half = _Z95 * math.sqrt(d * d * spread + change)
    return EffectSize(d, d - half, d + half, METHOD_D)


def describe_gain_by_order(pairs: Iterable[Pair], *, minimum: int = MINIMUM_N) -> dict[str, GainReport]:
    """Return the report of every order of forms, by the form that came first.

    The two orders differ by twice what the forms do, in opposite directions: it cancels in the plain average of both
    reports, not in the report of everybody, where the larger group weighs more.

    Source: dossier 5.4.
    """
    by_form: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_form.setdefault(pair.first_form, []).append(pair)
    return {form: describe_gain(by_form[form], minimum=minimum) for form in sorted(by_form)}


@dataclass(frozen=True, slots=True)
class OutcomeHint:
    """Share right before and after in one outcome. A hint where to look: one or two items carry no decision."""

    outcome: str
    n: int
    pre: float | None
    post: float | None


def hint_outcomes(
    results: Iterable[tuple[Mapping[str, float], Mapping[str, float]]], *, minimum: int = MINIMUM_N
) -> tuple[OutcomeHint, ...]:
    """Return the mean share right per outcome before and after, of learners who have the outcome in both.

    Args:
        results: Per learner the share right by outcome, before and after.
        minimum: Least n for which shares are given.

    Source: dossier 2.6 and 5.2, "per outcome 1-2 items = hint only".
    """
    values: dict[str, list[tuple[float, float]]] = {}
    for pre, post in results:
        for outcome in pre.keys() & post.keys():
            require_proportion(f"pre.{outcome}", pre[outcome])
            require_proportion(f"post.{outcome}", post[outcome])
            values.setdefault(outcome, []).append((pre[outcome], post[outcome]))
    hints = []
    for outcome, both in sorted(values.items()):
        is_told = len(both) >= minimum
        means = [math.fsum(column) / len(both) if is_told else None for column in zip(*both, strict=True)]
        hints.append(OutcomeHint(outcome, len(both), *means))
    return tuple(hints)


@dataclass(frozen=True, slots=True)
class ReliableChange:
    """How many changed by more than the tests' own error lets happen by chance once in twenty."""

    n: int
    improved: int
    unchanged: int
    worse: int
    threshold: float  # least difference that counts, in [0, 1]


def count_reliable_change(
    pairs: Sequence[Pair], *, reliability: float, minimum: int = MINIMUM_N
) -> ReliableChange | None:
    """Return how many learners changed reliably, or None below the minimum or where nothing varies.

        threshold = 1.96 * sqrt(2) * s_pre * sqrt(1 - reliability)

    Args:
        pairs: One per learner with both results.
        reliability: Of the test, for example alpha, in [0, 1].
        minimum: Least n.

    Raises:
        InvalidScoreError: A value outside its range.

    Source: Jacobson & Truax (1991), J. Consult. Clin. Psychol. 59, 12-19.
    """
    require_proportion("reliability", reliability)
    for pair in pairs:
        raw_gain(pair.pre, pair.post)
    n = len(pairs)
    if n < max(2, minimum):
        return None
    mean = math.fsum(pair.pre for pair in pairs) / n
    sd = math.sqrt(math.fsum((pair.pre - mean) ** 2 for pair in pairs) / (n - 1))
    if sd < 1e-12:
        return None
    threshold = _Z95 * math.sqrt(2) * sd * math.sqrt(1 - reliability)
    improved = sum(pair.post - pair.pre > threshold for pair in pairs)
    worse = sum(pair.pre - pair.post > threshold for pair in pairs)
    return ReliableChange(n, improved, n - improved - worse, worse, threshold)
