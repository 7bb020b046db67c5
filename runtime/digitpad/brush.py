"""Ink on the screen: strokes as smooth anti-aliased lines, drawn bit by bit as they grow. No pygame in here."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitpad.drawing import BRUSH, Drawing, Point

_CHORD = 6.0  # pixels: a curve is drawn as straight lines no longer than this

Box = tuple[int, int, int, int]  # left, top, width, height in pixels


class Ink:
    """How much of each pixel of the paper is inked, kept up to date with a drawing.

    Attributes:
        covered: uint8 (side, side), indexed [x, y] as pygame does; 0 = paper, 255 = ink.
    """

    def __init__(self, side: int) -> None:
        self.covered = np.zeros((side, side), np.uint8)
        self._side = side
        self._radius = max(BRUSH * side / 2, 0.75)
        self._rewrites = -1
        self._strokes = 0  # how many strokes have been begun
        self._points = 0  # how many points of the last one of them are inked
        self._under_tail: tuple[Box, NDArray[np.uint8]] | None = None

    def follow(self, drawing: Drawing) -> Box | None:
        """Ink what is new in the drawing and return the box that changed, None if nothing did."""
        if self._rewrites != drawing.rewrites:
            self._rewrites = drawing.rewrites
            self._strokes = self._points = 0
            self._under_tail = None
            self.covered[:] = 0
            self._ink_what_is_new(drawing.strokes)
            return 0, 0, self._side, self._side
        return self._ink_what_is_new(drawing.strokes)

    def _ink_what_is_new(self, strokes: list[list[Point]]) -> Box | None:
        changed: Box | None = None
        for number in range(max(self._strokes - 1, 0), len(strokes)):
            if number >= self._strokes:
                self._strokes, self._points, self._under_tail = number + 1, 0, None
            if self._points < len(strokes[number]):
                changed = _join(changed, self._extend(strokes[number]))
        return changed

    def _extend(self, stroke: list[Point]) -> Box | None:
        """Ink a stroke's new points.

        The curve between two points bends with the point that comes after them. So the last bit of a growing stroke
        is ink on trial: what lies under it is kept, and put back when the next point is known.
        """
        changed: Box | None = None
        if self._under_tail is not None:
            changed = self._under_tail[0]
            left, top, width, height = changed
            self.covered[left : left + width, top : top + height] = self._under_tail[1]
        points = [(x * self._side, y * self._side) for x, y in stroke[max(self._points - 3, 0) :]]
        first = self._points - (len(stroke) - len(points))  # of the new ones
        for i in range(max(first - 1, 1), len(points) - 1):
            changed = _join(changed, self._ink(_curve(points[max(i - 2, 0)], points[i - 1], points[i], points[i + 1])))
        tail = _curve(points[max(len(points) - 3, 0)], points[max(len(points) - 2, 0)], points[-1], points[-1])
        left, top, width, height = box = self._box(tail)
        self._under_tail = box, self.covered[left : left + width, top : top + height].copy()
        self._points = len(stroke)
        return _join(changed, self._ink(tail))

    def _ink(self, points: list[Point]) -> Box | None:
        changed: Box | None = None
        for start, end in pairwise(points):
            changed = _join(changed, self._ink_line(start, end))
        return changed

    def _ink_line(self, start: Point, end: Point) -> Box:
        """Ink one straight line with round ends: a pixel is covered by as much as the edge has passed its centre."""
        left, top, width, height = box = self._box([start, end])
        x = np.arange(left + 0.5 - start[0], left + width - start[0], dtype=np.float32)[:, None]
        y = np.arange(top + 0.5 - start[1], top + height - start[1], dtype=np.float32)[None, :]
        dx, dy = end[0] - start[0], end[1] - start[1]
        along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
        away = np.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2)
        ink = np.clip((self._radius + 0.5 - away) * 255, 0, 255).astype(np.uint8)
        part = self.covered[left : left + width, top : top + height]
        np.maximum(part, ink, out=part)
        return box

    def _box(self, points: list[Point]) -> Box:
        """The pixels that a line through the points can touch."""
        reach = self._radius + 1
        low = [min(max(int(min(c) - reach), 0), self._side) for c in zip(*points, strict=True)]
        high = [min(max(int(max(c) + reach) + 1, 0), self._side) for c in zip(*points, strict=True)]
        return low[0], low[1], max(high[0] - low[0], 0), max(high[1] - low[1], 0)


def _curve(before: Point, start: Point, end: Point, after: Point) -> list[Point]:
    """Points on a smooth curve from `start` to `end` that goes on to `after`, having come from `before`.

    A centripetal Catmull-Rom spline: it passes through every point, and never loops or overshoots between two
    (Yuksel, Schaefer and Keyser, "Parameterization and applications of Catmull-Rom curves", 2011).
    """
    length = math.dist(start, end)
    pieces = math.ceil(length / _CHORD)
    if pieces <= 1:
        return [start, end]
    t0, t1, t2 = math.sqrt(math.dist(before, start)), math.sqrt(length), math.sqrt(math.dist(end, after))
    ways: list[list[float]] = []
    for p0, p1, p2, p3 in zip(before, start, end, after, strict=True):
        m1 = m2 = p2 - p1
        if t0:
            m1 += t1 * ((p1 - p0) / t0 - (p2 - p0) / (t0 + t1))
        if t2:
            m2 += t1 * ((p3 - p2) / t2 - (p3 - p1) / (t1 + t2))
        c2, c3 = 3 * (p2 - p1) - 2 * m1 - m2, 2 * (p1 - p2) + m1 + m2
        ways.append([p1 + t * (m1 + t * (c2 + t * c3)) for t in (i / pieces for i in range(pieces + 1))])
    return list(zip(*ways, strict=True))


def _join(a: Box | None, b: Box | None) -> Box | None:
    """The box around both."""
    if a is None or b is None:
        return a or b
    left, top = min(a[0], b[0]), min(a[1], b[1])
    right, bottom = max(a[0] + a[2], b[0] + b[2]), max(a[1] + a[3], b[1] + b[3])
    return left, top, right - left, bottom - top
