"""Learning gain of one learner between two forms of the same assessment."""

from __future__ import annotations

from integra_grading.numbers import require_proportion


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
