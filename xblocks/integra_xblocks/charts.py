"""Where the marks of a picture stand: plain geometry for the templates, in the units of an SVG view box.

Coordinates are text: a template would write a number with the reader's decimal comma, which no picture understands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WIDTH, HEIGHT, MARGIN = 320, 180, 28
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN


def place_bars(series: Sequence[Mapping[int, int]], highest: int) -> list[dict[str, Any]]:
    """Return one bar per series and score, side by side, with the heights of the shares of each series.

    Args:
        series: Learners by score, for example before and after.
        highest: The highest possible score.
    """
    totals = [sum(counts.values()) for counts in series]
    shares = [
        {score: count / total for score, count in counts.items()} if total else {}
        for counts, total in zip(series, totals, strict=True)
    ]
    tallest = max((share for each in shares for share in each.values()), default=0)
    slot = _PLOT_WIDTH / (highest + 1)
    width = slot * 0.8 / len(series)
    bars = []
    for number, each in enumerate(shares):
        for score in range(highest + 1):
            height = _PLOT_HEIGHT * each.get(score, 0) / tallest if tallest else 0
            bars.append(
                {
                    "series": number,
                    "x": _as_text(MARGIN + slot * score + slot * 0.1 + width * number),
                    "y": _as_text(HEIGHT - MARGIN - height),
                    "width": _as_text(width),
                    "height": _as_text(height),
                }
            )
    return bars


def place_scores(highest: int, every: int) -> list[dict[str, Any]]:
    """Return the marks of the score axis."""
    slot = _PLOT_WIDTH / (highest + 1)
    return [
        {"text": score, "x": _as_text(MARGIN + slot * (score + 0.5))}
        for score in range(0, highest + 1, every)
    ]


def place_points(points: Iterable[tuple[str, float, float, bool]]) -> list[dict[str, Any]]:
    """Return the dots of an item map.

    Args:
        points: Key, facility in [0, 1] (across), item-rest correlation in [-1, 1] (up), whether it is to be revised.
    """
    return [
        {
            "key": key,
            "x": _as_text(MARGIN + _PLOT_WIDTH * facility),
            "y": place_correlation(correlation),
            "is_flagged": is_flagged,
        }
        for key, facility, correlation, is_flagged in points
    ]


def place_correlation(value: float) -> str:
    """Return the height of a correlation between -0.4 and 1; what lies below stands on the edge."""
    low, high = -0.4, 1.0
    return _as_text(HEIGHT - MARGIN - _PLOT_HEIGHT * (max(low, value) - low) / (high - low))


def place_facility(value: float) -> str:
    """Return where a facility in [0, 1] stands across."""
    return _as_text(MARGIN + _PLOT_WIDTH * value)


def _as_text(value: float) -> str:
    return f"{value:.1f}"
