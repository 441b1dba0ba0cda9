"""How dependable a decision at a cut is, from one administration of a test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from integra_grading.errors import InvalidScoreError

METHOD = "huynh-1976-beta-binomial"
MAX_ITEMS = 200
_TERMS = 100  # of the continued fraction; it needs about the square root of the larger parameter


@dataclass(frozen=True, slots=True)
class Consistency:
    """The same decision on a parallel form. None where the scores do not fit the model.

    ``consistency``: share of learners decided alike on both forms; ``kappa``: the same corrected for chance;
    ``accuracy``: share of decisions that agree with the true score at the standard.
    """

    method: str
    consistency: float | None
    kappa: float | None
    accuracy: float | None


def estimate_consistency(
    *, mean: float, sd: float, items: int, cut: int, standard: float | None = None
) -> Consistency:
    """Return the consistency of decisions at ``cut``, estimated from mean and spread of one administration.

        true score ~ Beta(a, b), observed | true ~ Binomial(items, true)
        r = KR-21 = items / (items - 1) * (1 - mean * (items - mean) / (items * sd ** 2))
        a = (1 / r - 1) * mean,  b = (1 / r - 1) * (items - mean)

    Args:
        mean: Of the total scores, in points.
        sd: Of the total scores, in points, with n - 1 (with n the difference is below the method's own error).
        items: Items of the form, each right or wrong, 2 to 200.
        cut: Points that reach the cut, 1 to ``items``.
        standard: True share of mastery that is asked for, in (0, 1); None: ``cut / items``.

    Returns:
        All None where the scores spread no more than chance alone (KR-21 not above 0) or not at all.

    Raises:
        InvalidScoreError: A value outside its range.

    Source: Huynh (1976), J. Educ. Meas. 13, 253-264; Subkoviak (1984) for the comparison of methods. Figures for
    other lengths stand in dossier 5.2.
    """
    _check_form(items, cut, standard)
    if not 0 <= mean <= items:
        raise InvalidScoreError("out_of_range", "mean", "A mean between 0 and all points is expected.")
    if not 0 <= sd <= items:
        raise InvalidScoreError("out_of_range", "sd", "A standard deviation in points is expected.")
    nothing = Consistency(METHOD, None, None, None)
    if sd == 0 or mean in (0, items):
        return nothing
    kr21 = items / (items - 1) * (1 - mean * (items - mean) / (items * sd * sd))
    if not 0 < kr21 < 1:
        return nothing
    a, b = (1 / kr21 - 1) * mean, (1 / kr21 - 1) * (items - mean)
    return describe_beta(a, b, items=items, cut=cut, standard=standard)


def describe_beta(a: float, b: float, *, items: int, cut: int, standard: float | None = None) -> Consistency:
    """Return the consistency where true scores follow Beta(a, b).

    Args:
        a: First parameter, above 0.
        b: Second parameter, above 0.
        items: Items of the form, 2 to 200.
        cut: Points that reach the cut, 1 to ``items``.
        standard: As in ``estimate_consistency``.

    Raises:
        InvalidScoreError: A value outside its range.
    """
    _check_form(items, cut, standard)
    if not (a > 0 and b > 0 and math.isfinite(a) and math.isfinite(b)):
        raise InvalidScoreError("out_of_range", "a", "Both parameters are above 0.")
    joint = [_joint(x, items, a, b) for x in range(items + 1)]
    both_below = math.fsum(_pair(x, y, items, a, b) for x in range(cut) for y in range(cut))
    share_below = math.fsum(joint[:cut])
    both_above = max(0.0, 1 - 2 * share_below + both_below)
    consistency = both_below + both_above
    chance = share_below**2 + (1 - share_below) ** 2
    kappa = (consistency - chance) / (1 - chance) if chance < 1 else None
    border = cut / items if standard is None else standard
    return Consistency(METHOD, consistency, kappa, _accuracy(joint, a, b, cut, border))


def _joint(x: int, items: int, a: float, b: float) -> float:
    """Return the beta-binomial probability of ``x`` points."""
    return math.exp(_log_choose(items, x) + _log_beta(a + x, b + items - x) - _log_beta(a, b))


def _pair(x: int, y: int, items: int, a: float, b: float) -> float:
    """Return the probability of ``x`` points on one form and ``y`` on the parallel one."""
    return math.exp(
        _log_choose(items, x)
        + _log_choose(items, y)
        + _log_beta(a + x + y, b + 2 * items - x - y)
        - _log_beta(a, b)
    )


def _accuracy(joint: Sequence[float], a: float, b: float, cut: int, border: float) -> float:
    """Return the probability that observed and true score lie on the same side of the cut.

    true score | x points ~ Beta(a + x, b + items - x)
    """
    items = len(joint) - 1
    below = [_beta_share(border, a + x, b + items - x) for x in range(items + 1)]
    return math.fsum(
        chance * (share if x < cut else 1 - share)
        for x, (chance, share) in enumerate(zip(joint, below, strict=True))
    )


def _beta_share(x: float, a: float, b: float) -> float:
    """Return the share of Beta(a, b) below ``x``, in (0, 1]: the regularised incomplete beta function.

    Source: the continued fraction 26.5.8 of Abramowitz & Stegun (1964), evaluated by Lentz's method.
    """
    if x == 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly
        return 1 - _beta_share(1 - x, b, a)
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _TERMS):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = 1 + step / c, 1 / (1 + step * d)
            fraction *= c * d
    return math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b)) / a * fraction


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _check_form(items: int, cut: int, standard: float | None) -> None:
    if not 2 <= items <= MAX_ITEMS:
        raise InvalidScoreError("out_of_range", "items", f"From 2 to {MAX_ITEMS} items are expected.")
    if not 1 <= cut <= items:
        raise InvalidScoreError("out_of_range", "cut", "From 1 point to all of them are expected.")
    if standard is not None and not 0 < standard < 1:
        raise InvalidScoreError("out_of_range", "standard", "A share between 0 and 1 is expected.")
