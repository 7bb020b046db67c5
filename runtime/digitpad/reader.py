"""Whole numbers: which strokes or marks make up which digit, chosen by the network's own scores.

Nobody can tell beforehand whether two strokes are a 4, or a 1 and a 7. So the likely groups of neighbours in a row are
all inked and judged, and the row is parted into the groups that are the most probable digits together:
over-segmentation and dynamic programming (R. G. Casey, E. Lecolinet, A survey of methods and strategies in character
segmentation, IEEE Trans. PAMI 18(7), 1996, pages 690-706).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitpad.mnist_form import Points, render_strokes

MOST_DIGITS = 32  # in a row
_MOST_STROKES = 6  # in a digit
_GAP = 0.35  # of the row's height: strokes of one digit are no further apart from left to right
_WIDE = 1.7  # of the row's height: no digit of several strokes is wider
_SMALL = 0.4  # of the largest stroke: smaller ones say nothing about the row's height
_LEFT_OUT = 0.5, 25.0  # price of a stroke left out: of any, and of one as tall as the row (it grows with the square)
_ABREAST = 4.0, 0.25  # price of two digits in one place; and from which distance, in heights of the row, it is none

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Group:
    """A candidate: the pieces `start` to `end` of a row as one digit; without an image, as nothing that counts.

    Attributes:
        image: uint8 (28, 28), in MNIST's form; None where the pieces are left out.
        box: of its ink, in the input's own coordinates.
        price: what its way of reading the pieces costs beforehand, as a log probability.
    """

    start: int
    end: int
    image: NDArray[np.uint8] | None = None
    box: Box = (0.0, 0.0, 0.0, 0.0)
    price: float = 0.0


@dataclass(frozen=True)
class Row:
    """A row's candidates, and its height in the input's own units."""

    groups: list[Group]
    height: float


@dataclass(frozen=True)
class Reading:
    """The best way to part a row: the places of its digits in the row's groups.

    `confidence` is the probability that each of them is the digit it seems to be, given that the row is a number;
    `log_number` the log probability that all of them are digits and nothing else is there, shared out among them.
    """

    chosen: list[int]
    confidence: float
    log_number: float


def best_reading(row: Row, log_digit: NDArray[np.float64], log_some: NDArray[np.float64]) -> Reading:
    """Part a row into the groups that are the most probable digits together.

    Args:
        row: the candidates; some groups must lead from the first piece to the last.
        log_digit: (G,) for each group, the log probability that it is its likeliest digit, and no outlier.
        log_some: (G,) the same that it is any digit. Of groups left out, both are 0.
    """
    order = sorted(range(len(row.groups)), key=lambda n: (row.groups[n].end, -row.groups[n].start))
    ending: dict[int, list[int]] = {}  # the groups that end at a piece, among those that are done
    best, total = np.full(len(order), -np.inf), np.full(len(order), -np.inf)
    before: dict[int, int] = {}
    for n in order:
        group = row.groups[n]
        prices = np.array([_abreast(row.groups[m], group, row.height) for m in ending.get(group.start, [])])
        last = ending.get(group.start, [])
        if group.start == 0:
            best[n] = total[n] = -group.price
        elif last:
            ways = best[last] - prices
            best[n] = ways.max() - group.price
            total[n] = np.logaddexp.reduce(total[last] - prices) - group.price
            before[n] = last[int(ways.argmax())]
        best[n] += log_digit[n]
        total[n] += log_some[n]
        ending.setdefault(group.end, []).append(n)
    last = ending[max(ending)]
    at: int | None = last[int(best[last].argmax())]
    score, way = float(best[last].max()), []
    while at is not None:
        way.append(at)
        at = before.get(at)
    chosen = [n for n in reversed(way) if row.groups[n].image is not None]
    log_number = (score - float((log_digit - log_some)[way].sum())) / max(len(chosen), 1)
    confidence = float(np.exp(score - np.logaddexp.reduce(total[last])))
    return Reading(chosen, confidence, log_number)


def _abreast(one: Group, other: Group, height: float) -> float:
    """What it costs that two digits in a row lie in the same place, as if the bar of a crossed zero were a one."""
    if one.image is None or other.image is None:
        return 0.0
    apart = abs(other.box[0] + other.box[2] - one.box[0] - one.box[2]) / 2
    return _ABREAST[0] * max(1 - apart / (_ABREAST[1] * height), 0.0)


def stroke_rows(strokes: list[Points]) -> list[Row]:
    """The candidates in strokes, in whatever order they were drawn: rows from top to bottom."""
    boxes = np.array([[*stroke.min(axis=0), *stroke.max(axis=0)] for stroke in strokes]).reshape(-1, 4)
    rows = []
    for members in _rows(boxes):
        members = members[np.argsort(boxes[members, 0] + boxes[members, 2], kind="stable")]
        rows.append(_candidates([strokes[n] for n in members], boxes[members]))
    return rows


def _rows(boxes: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Which boxes are in which row: those that share much of their height, and what is small in the nearest."""
    down = boxes[:, 3] - boxes[:, 1]
    extents = np.maximum(down, boxes[:, 2] - boxes[:, 0])
    tall = down >= _SMALL * extents.max(initial=0)
    spans: list[list[float]] = []  # top and bottom of each row
    for top, bottom in sorted(boxes[tall][:, [1, 3]].tolist()):
        if spans and min(bottom, spans[-1][1]) - top > 0.3 * min(bottom - top, spans[-1][1] - spans[-1][0]):
            spans[-1][1] = max(spans[-1][1], bottom)
        else:
            spans.append([top, bottom])
    if not spans:
        return [np.arange(len(boxes))] if len(boxes) else []
    tops, bottoms = np.array(spans).T
    middles = (boxes[:, 1] + boxes[:, 3])[:, None] / 2
    beyond = np.maximum(np.maximum(tops - middles, middles - bottoms), 0)
    row = np.where(beyond.min(axis=1) > 0, beyond.argmin(axis=1), np.abs(middles - (tops + bottoms) / 2).argmin(axis=1))
    return [members for n in range(len(spans)) if (members := np.flatnonzero(row == n)).size]


def _candidates(strokes: Sequence[Points], boxes: NDArray[np.float64]) -> Row:
    """The candidates of one row, whose strokes are sorted from left to right."""
    extents = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    height = float(np.median(extents[extents >= _SMALL * extents.max()]))
    groups = []
    for start, extent in enumerate(extents.tolist()):
        share = extent / height if height else 0.0
        groups.append(Group(start, start + 1, price=_LEFT_OUT[0] + _LEFT_OUT[1] * share**2))
        left, top, right, bottom = boxes[start].tolist()
        for end in range(start + 1, min(start + _MOST_STROKES, len(strokes)) + 1):
            box = boxes[end - 1].tolist()
            if max(box[0] - right, left - box[2]) > _GAP * height:
                break
            left, top, right, bottom = min(left, box[0]), min(top, box[1]), max(right, box[2]), max(bottom, box[3])
            if end > start + 1 and right - left > _WIDE * height:
                break
            image = render_strokes(strokes[start:end])
            if image.any():
                groups.append(Group(start, end, image, (left, top, right, bottom)))
    return Row(groups, height)
