"""Whole numbers that strokes draw: which strokes make up which digit, chosen by the network's own scores.

Nobody can tell beforehand whether two strokes are a 4, or a 1 and a 7. So the likely groups of neighbours in a row are
all inked and judged, and the row is parted into the groups that are the most probable digits together, written in as
many strokes as people take for them: over-segmentation and dynamic programming (R. G. Casey, E. Lecolinet, A survey of
methods and strategies in character segmentation, IEEE Trans. PAMI 18(7), 1996, pages 690-706).
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from digitpad.mnist_form import Points, render_drawings

MOST_DIGITS = 32  # in a row
MOST_STROKES = 6  # in a digit
_GAP = 0.35  # of the row's height: strokes of one digit are no further apart from left to right
_WIDE = 1.7  # of the row's height: no digit of several strokes is wider
_APART = 0.1  # of the height of the lower of two rows: what is closer to each other is one row
_SMALL = 0.4  # of the largest stroke: smaller ones say nothing about the row's height
_LITTLE = 12.0, 0.5  # price of a digit as small as a point, and from which part of the row's height on it is none
_LEFT_OUT = 0.5, 15.0  # price of a stroke left out: of any, and of one as tall as the row (it grows with the square)
_ABREAST = 4.0, 0.25  # price of two digits in one place; and from which distance, in heights of the row, it is none
_CLOSE = 10.0, 0.5  # the same for the parts of a letter, which lie closer than two digits do, except in haste
_SKIP = 0.06  # of the row's height: a stroke that begins so close to where another ends goes on with it
# The shares of each digit that the pen writers and UJI's who train the networks write in two strokes, and in more.
_IN_TWO, _IN_MORE = np.array([0.03, 0.01, 0.01, 0.01, 0.56, 0.72, 0.01, 0.89, 0.07, 0.04]), 0.01
_LOG_STROKES = np.log([1 - _IN_TWO - _IN_MORE, _IN_TWO, np.full(10, _IN_MORE)])

T = TypeVar("T")
Box = tuple[float, float, float, float]  # left, top, right, bottom
Units = tuple[float, tuple[float, float]]  # of pixels: how many of the input's own units make one, and where they begin


@dataclass(frozen=True)
class Group:
    """A candidate: the strokes `start` to `end` of a row as one digit; without an image, as nothing that counts.

    Attributes:
        image: uint8 (28, 28), in MNIST's form; None where the strokes are left out.
        box: of its ink, in the input's own coordinates.
        price: what its way of reading the strokes costs beforehand, as a log probability.
        written: in how many strokes: one that goes on where another ended is one with it, as if the pen had skipped.
    """

    start: int
    end: int
    image: NDArray[np.uint8] | None = None
    box: Box = (0.0, 0.0, 0.0, 0.0)
    price: float = 0.0
    written: int = 1


class Known:
    """What was inked and judged as a drawing was last read, so that when it has grown only what is new is."""

    def __init__(self) -> None:
        self._before: dict[Hashable, Any] = {}
        self._now: dict[Hashable, Any] = {}

    def begin(self) -> None:
        """Begin to read the drawing anew; what was not asked for the last time is forgotten."""
        self._before, self._now = self._now, {}

    def each(self, keys: Sequence[Hashable], compute: Callable[[list[int]], Iterable[T]]) -> list[T]:
        """What belongs to each key; `compute` is given the places of those that are not known."""
        self._now |= {key: self._before[key] for key in keys if key in self._before}
        if new := [n for n, key in enumerate(keys) if key not in self._now]:
            self._now |= zip((keys[n] for n in new), compute(new), strict=True)
        return [self._now[key] for key in keys]


@dataclass(frozen=True)
class Cutting:
    """A part of a picture that may hold a row.

    Attributes:
        grey: float32 (H, W) in [0, 1].
        ink: what was found in it: float32 (H, W) in [0, 1], 0.5 along the outline.
        corner: where in the picture (x, y) it begins.
        seen: what the row reader sees in it, once it was asked: `image.rows.scores_in`.
    """

    grey: NDArray[np.float32]
    ink: NDArray[np.float32]
    corner: tuple[int, int] = (0, 0)
    seen: list[NDArray[np.float64]] = field(default_factory=list)


@dataclass(frozen=True)
class Readings:
    """What a picture may be.

    Attributes:
        found: uint8 (R, 28, 28): what it most likely is as one digit, in the model's form.
        ways: how it may be cut into rows, from top to bottom.
        units: those of the cuttings' pixels.
        filled: whether what was found is hardly a pen's: a large filled mark, of which the last way is the inside.
        crossed: whether a mark is a line from one side of the picture to the other, as on ruled paper.
        solid: whether it is a filled shape with nothing in it, which the row reader takes for a zero.
    """

    found: NDArray[np.uint8]
    ways: list[list[Cutting]] = field(default_factory=list)
    units: Units = (1.0, (0.0, 0.0))
    filled: bool = False
    crossed: bool = False
    solid: bool = False


@dataclass(frozen=True)
class Row:
    """A row's candidates, its height in the input's own units, and its strokes from left to right."""

    groups: list[Group]
    height: float
    strokes: list[Points]

    @cached_property
    def log_strokes(self) -> NDArray[np.float64]:
        """The log probability that each digit is written in as many strokes as each group has: (G, 10)."""
        return _LOG_STROKES[[min(group.written, len(_LOG_STROKES)) - 1 for group in self.groups]]

    @cached_property
    def lattice(self) -> tuple[list[tuple[int, list[int], NDArray[np.float64]]], list[int]]:
        """The groups, each after those that may stand before it, and what it costs that both lie in one place.

        And which may be the last. The beginning of the row stands before the first: group number len(groups).
        """
        groups, begin = [*self.groups, Group(0, 0)], len(self.groups)
        order = sorted(range(begin), key=lambda n: groups[n].end)
        ending: dict[int, list[int]] = {0: [begin]}  # the groups that end at a stroke
        for n in order:
            ending.setdefault(groups[n].end, []).append(n)
        before = {n: ending[groups[n].start] for n in order}
        prices = {n: np.array([_abreast(groups[m], groups[n], self.height) for m in before[n]]) for n in order}
        return [(n, before[n], prices[n]) for n in order], ending[max(ending)]


def best_reading(row: Row, log_digits: NDArray[np.float64]) -> tuple[list[int], float]:
    """Part a row into the groups that are the most probable digits together.

    Args:
        row: the candidates; some groups must lead to each stroke from the first.
        log_digits: (G, 10) for each group, the log probability that it is this digit and no outlier. For groups without
            an image they count nothing.

    Returns:
        The places of the digits' groups, from left to right; and the log probability that all of it are digits and
        nothing else is there, shared out among them.
    """
    (steps, final), begin = row.lattice, len(row.groups)
    inked, prices = _inked(row)
    log_best = np.where(inked, log_digits.max(axis=1), 0) - prices
    best, before = np.full(begin + 1, -np.inf), np.full(begin, begin)
    best[begin] = 0
    for n, last, abreast in steps:
        ways = best[last] - abreast
        before[n] = last[int(ways.argmax())]
        best[n] = ways.max() + log_best[n]
    way = [final[int(best[final].argmax())]]
    while before[way[-1]] < begin:
        way.append(int(before[way[-1]]))
    chosen = [n for n in reversed(way) if inked[n]]
    some = best[final].max() + (np.logaddexp.reduce(log_digits[chosen], axis=1) - log_digits[chosen].max(axis=1)).sum()
    some -= sum(_abreast(row.groups[m], row.groups[n], row.height, _CLOSE) for m, n in pairwise(chosen))
    return chosen, float(some) / max(len(chosen), 1)


def log_texts(row: Row, log_digits: NDArray[np.float64], texts: Sequence[str]) -> list[float]:
    """The log probability of each text that it is what a row says, given that this is a number.

    A text may come about in several ways, the bar of a five left to this digit or to that: their probabilities add.
    """
    (steps, final), begin = row.lattice, len(row.groups)
    inked, prices = _inked(row)
    log_some = np.where(inked, np.logaddexp.reduce(log_digits, axis=1), 0) - prices
    total = np.full(begin + 1, -np.inf)
    total[begin] = 0
    for n, last, abreast in steps:
        total[n] = np.logaddexp.reduce(total[last] - abreast) + log_some[n]
    found = []
    for text in texts:
        digits = [*map(int, text)]
        of_text = np.full((begin + 1, len(digits) + 1), -np.inf)  # of all ways to here that read so many of its digits
        of_text[begin, 0] = 0
        for n, last, abreast in steps:
            so_far = np.logaddexp.reduce(of_text[last] - abreast[:, None])
            if inked[n]:
                of_text[n, 1:] = so_far[:-1] + log_digits[n, digits] - prices[n]
            else:
                of_text[n] = so_far - prices[n]
        found.append(float(np.logaddexp.reduce(of_text[final, -1]) - np.logaddexp.reduce(total[final])))
    return found


def _inked(row: Row) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which groups are read as a digit, and their prices."""
    return np.array([group.image is not None for group in row.groups]), np.array([group.price for group in row.groups])


def _abreast(one: Group, other: Group, height: float, price: tuple[float, float] = _ABREAST) -> float:
    """What it costs that two digits in a row lie in the same place, as if the bar of a crossed zero were a one."""
    if one.image is None or other.image is None:
        return 0.0
    apart = abs(other.box[0] + other.box[2] - one.box[0] - one.box[2]) / 2
    return price[0] * max(1 - apart / (price[1] * height), 0.0)


def stroke_rows(strokes: list[Points], known: Known) -> list[Row]:
    """The candidates in strokes, in whatever order they were drawn: rows from top to bottom."""
    boxes = np.array([[*stroke.min(axis=0), *stroke.max(axis=0)] for stroke in strokes]).reshape(-1, 4)
    return [_candidates([strokes[n] for n in row], boxes[row], known) for row in rows_of(boxes)]


def rows_of(boxes: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Which boxes are in which row: those that share much of their height, and what is small in the nearest."""
    down = boxes[:, 3] - boxes[:, 1]
    extents = np.maximum(down, boxes[:, 2] - boxes[:, 0])
    tall = down >= _SMALL * extents.max(initial=0)
    spans: list[list[float]] = []  # top and bottom of each row
    for top, bottom in sorted(boxes[tall][:, [1, 3]].tolist()):
        if spans and top < spans[-1][1] + _APART * min(bottom - top, spans[-1][1] - spans[-1][0]):
            spans[-1][1] = max(spans[-1][1], bottom)
        else:
            spans.append([top, bottom])
    if not spans:
        return [np.arange(len(boxes))] if len(boxes) else []
    tops, bottoms = np.array(spans).T
    middles = (boxes[:, 1] + boxes[:, 3])[:, None] / 2
    beyond = np.maximum(np.maximum(tops - middles, middles - bottoms), 0)
    row = np.where(beyond.min(axis=1) > 0, beyond.argmin(axis=1), np.abs(middles - (tops + bottoms) / 2).argmin(axis=1))
    order = np.argsort(boxes[:, 0] + boxes[:, 2], kind="stable")
    return [members for n in range(len(spans)) if (members := order[row[order] == n]).size]


def _candidates(strokes: list[Points], boxes: NDArray[np.float64], known: Known) -> Row:
    """The candidates of one row: its strokes from left to right, and their boxes (n, 4)."""
    extents = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    height = float(np.median(extents[extents >= _SMALL * extents.max()])) or 1.0
    groups = [
        Group(n, n + 1, price=_LEFT_OUT[0] + _LEFT_OUT[1] * (extent / height) ** 2)
        for n, extent in enumerate(extents.tolist())
    ]
    spans: dict[tuple[int, int], Box] = {}
    for start in range(len(boxes)):
        left, top, right, bottom = boxes[start].tolist()
        for end in range(start + 1, min(start + MOST_STROKES, len(boxes)) + 1):
            box = boxes[end - 1].tolist()
            if max(box[0] - right, left - box[2]) > _GAP * height:
                break
            left, top, right, bottom = min(left, box[0]), min(top, box[1]), max(right, box[2]), max(bottom, box[3])
            if end > start + 1 and right - left > _WIDE * height:
                break
            spans[start, end] = left, top, right, bottom
    starts, ends = (np.array([stroke[n] for stroke in strokes]) for n in (0, -1))
    goes_on = np.hypot(*np.moveaxis(starts[:, None] - ends, 2, 0)) < _SKIP * height
    np.fill_diagonal(goes_on, False)
    parts = [strokes[slice(*span)] for span in spans]
    keys = [tuple(stroke.tobytes() for stroke in part) for part in parts]
    images = known.each(keys, lambda new: render_drawings([parts[n] for n in new]))
    for ((start, end), box), image in zip(spans.items(), images, strict=True):
        if image.any():
            share = max(box[2] - box[0], box[3] - box[1]) / height
            written = end - start - int(goes_on[start:end, start:end].any(axis=1).sum())
            groups.append(Group(start, end, image, box, _LITTLE[0] * max(1 - share / _LITTLE[1], 0.0), max(written, 1)))
    return Row(groups, height, strokes)
