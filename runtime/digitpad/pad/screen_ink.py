"""Ink on the screen: strokes as smooth anti-aliased lines, drawn bit by bit as they grow. No pygame in here.

A line is a row of round stamps along a smooth curve through its points, so close that its edge looks straight. A
stamp is inked where it is darker than what is there: so lines that cross or are drawn twice look like one.
"""

import math
from functools import lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

from digitpad.pad.drawing import THICKEST, Drawing
from digitpad.pad.rect import Rect, between, join
from digitpad.pad.stroke import Point, Stroke

_PARTS = 8  # of a pixel: the grid for places and sizes of stamps
_RIPPLE = 0.04  # pixels: how far the edge of a row of stamps may be from straight


class Ink:
    """How much of each pixel of the paper is inked, kept up to date with a drawing.

    `covered` is uint8 (width, height), indexed [x, y] as pygame does; 0 = paper, 255 = ink.
    """

    def __init__(self, scale: float, size: Point = (1.0, 1.0)) -> None:
        """Begin with bare paper of this size, `scale` pixels to its unit."""
        # With a margin all round, as wide as half a stamp, no stamp needs clipping.
        self._margin = margin = math.ceil(max(THICKEST * scale / 2, 0.75)) + 3
        self._size = width, height = round(size[0] * scale), round(size[1] * scale)
        self._all = np.zeros((width + 2 * margin, height + 2 * margin), np.uint8, order="F")
        self.covered = self._all[margin : margin + width, margin : margin + height]
        self._scale = scale
        self._rewrites = -1
        self._count = 0  # how many strokes of the drawing are known
        self._inked: set[Stroke] = set()  # those inked in full, except the last one
        self._touched: dict[Stroke, Rect] = {}  # the pixels in `_all` that the ink of each may cover
        self._last: Stroke | None = None  # it may grow
        self._points = 0  # how many points of the last one are inked
        self._under_tail: tuple[Rect, NDArray[np.uint8]] | None = None

    def follow(self, drawing: Drawing) -> Rect | None:
        """Ink what is new in the drawing and return the rectangle that changed, None if nothing did."""
        strokes, changed = drawing.strokes, None
        if self._rewrites != drawing.rewrites:
            self._rewrites = drawing.rewrites
            changed = self._take_away(strokes)
            new = [stroke for stroke in strokes if stroke not in self._inked]
        else:
            new = strokes[max(self._count - 1, 0) :]
        self._count = len(strokes)
        for stroke in new:
            if stroke is not self._last:
                if self._last is not None:
                    self._inked.add(self._last)
                self._last, self._points, self._under_tail = stroke, 0, None
            if stroke is not new[-1] and self._points == 0:  # it will not grow: no need to ink its end on trial
                stamps = self._stamps(stroke, 0, len(stroke.points) - 1)
                changed = join(changed, self._ink(stroke, stamps))
            elif self._points < len(stroke.points):
                changed = join(changed, self._extend(stroke))
        if changed is None:
            return None
        width, height = self._size
        left, top = (max(edge - self._margin, 0) for edge in changed[:2])
        right, bottom = min(changed.right - self._margin, width), min(changed.bottom - self._margin, height)
        return between(left, top, max(right, left), max(bottom, top))

    def _take_away(self, strokes: list[Stroke]) -> Rect | None:
        """Take away the ink of the strokes that are no longer there, and bring back what else was inked there."""
        there = set(strokes)
        gone = self._inked - there
        self._inked &= there
        if self._last is not None:  # its end may have changed: it is inked again
            gone.add(self._last)
        self._last = self._under_tail = None
        if not gone:
            return None
        bare = reduce(join, (self._touched[stroke] for stroke in gone))
        self._touched = {stroke: box for stroke, box in self._touched.items() if stroke in there}
        if not self._inked:
            self._all[:] = 0
            return Rect(0, 0, *self._all.shape)
        self._all[bare.pixels] = 0
        for stroke in self._inked:
            if self._touched[stroke].meets(bare):
                stamps = self._stamps(stroke, 0, len(stroke.points) - 1)
                reach = stamps[:, 2] / _PARTS + 2
                near = (stamps[:, 0] / _PARTS + reach > bare.x) & (stamps[:, 0] / _PARTS - reach < bare.right)
                near &= (stamps[:, 1] / _PARTS + reach > bare.y) & (stamps[:, 1] / _PARTS - reach < bare.bottom)
                if near.any():
                    self._ink(stroke, stamps[near])
        return bare

    def _extend(self, stroke: Stroke) -> Rect:
        """Ink a stroke's new points.

        The curve between two points bends with the point that comes after them. So the last bit of a growing stroke
        is inked on trial: what lies under it is kept, and put back when the next point is known.
        """
        changed: Rect | None = None
        if self._under_tail is not None:
            changed = self._under_tail[0]
            self._all[changed.pixels] = self._under_tail[1]
        last = len(stroke.points) - 1
        sure = self._stamps(stroke, max(self._points - 2, 0), max(last - 1, 0))
        surely = self._ink(stroke, sure)
        tail = self._stamps(stroke, max(last - 1, 0), last)
        box = _around(tail)
        self._under_tail = box, self._all[box.pixels].copy(order="F")
        self._points = last + 1
        return join(join(changed, surely), self._ink(stroke, tail))

    def _stamps(self, stroke: Stroke, first: int, last: int) -> NDArray[np.int64]:
        """The stamps along a stroke from its point number `first` to number `last`: rows of x, y and radius.

        All are in parts of a pixel. The curve is a centripetal Catmull-Rom spline: it passes through every point, and
        never loops or overshoots between two (Yuksel, Schaefer and Keyser, "Parameterization and applications of
        Catmull-Rom curves", 2011).
        """
        low, high = max(first - 1, 0), min(last + 1, len(stroke.points) - 1)
        points = np.array(stroke.points[low : high + 1]) * self._scale
        radii = np.maximum(np.array(stroke.widths[low : high + 1]) * (self._scale / 2), 0.75)
        begin, radius = points[first - low : first - low + 1], radii[first - low : first - low + 1]
        if last > first:
            number = np.arange(first, last) - low
            p0, p1 = points[np.maximum(number - 1, 0)], points[number]
            p2, p3 = points[number + 1], points[np.minimum(number + 2, len(points) - 1)]
            lengths = np.hypot(*(p2 - p1).T)
            t0, t1, t2 = (np.sqrt(np.hypot(*step.T))[:, None] for step in (p1 - p0, p2 - p1, p3 - p2))
            m1 = p2 - p1 + t1 * (_over(p1 - p0, t0) - np.where(t0 > 0, _over(p2 - p0, t0 + t1), 0))
            m2 = p2 - p1 + t1 * (_over(p3 - p2, t2) - np.where(t2 > 0, _over(p3 - p1, t1 + t2), 0))
            c2, c3 = 3 * (p2 - p1) - 2 * m1 - m2, 2 * (p1 - p2) + m1 + m2
            r1, r2 = radii[number], radii[number + 1]
            pieces = np.maximum(np.ceil(lengths / np.sqrt(8 * _RIPPLE * np.minimum(r1, r2))), 1).astype(np.int64)
            line = np.repeat(np.arange(len(number)), pieces)
            step = np.arange(len(line)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + 1
            t = (step / pieces[line])[:, None]
            # A curve may swing past the paper's edge where its points do not.
            on_curve = np.clip(p1[line] + t * (m1[line] + t * (c2[line] + t * c3[line])), 0, self._size)
            begin = np.concatenate([begin, on_curve])
            radius = np.concatenate([radius, (r1[line] + t[:, 0] * (r2 - r1)[line])])
        stamps: NDArray[np.int64] = np.rint(np.column_stack([begin + self._margin, radius]) * _PARTS).astype(np.int64)
        return stamps

    def _ink(self, stroke: Stroke, stamps: NDArray[np.int64]) -> Rect:
        """Ink stamps of a stroke, and return the rectangle around them."""
        for x, y, radius in stamps.tolist():
            disc = _disc(radius, x % _PARTS, y % _PARTS)
            side = len(disc)
            left, top = x // _PARTS - side // 2, y // _PARTS - side // 2
            part = self._all[left : left + side, top : top + side]
            np.maximum(part, disc, out=part)
        box = _around(stamps)
        self._touched[stroke] = join(self._touched.get(stroke), box)
        return box


@lru_cache(maxsize=1024)
def _disc(radius: int, x: int, y: int) -> NDArray[np.uint8]:
    """A stamp of that radius whose middle lies (x, y) from the corner of its middle pixel, all in parts of a pixel.

    A pixel's coverage is how far the edge has passed its centre.
    """
    reach = math.ceil(radius / _PARTS + 1)
    centres = np.arange(-reach, reach + 1) + 0.5
    away = np.hypot((centres - x / _PARTS)[:, None], (centres - y / _PARTS)[None, :])
    return np.asfortranarray(np.rint(np.clip(radius / _PARTS + 0.5 - away, 0, 1) * 255).astype(np.uint8))


def _around(stamps: NDArray[np.int64]) -> Rect:
    """The rectangle around stamps."""
    reach = np.ceil(stamps[:, 2:] / _PARTS + 1).astype(np.int64)
    left, top = (stamps[:, :2] // _PARTS - reach).min(axis=0).tolist()
    right, bottom = (stamps[:, :2] // _PARTS + reach + 1).max(axis=0).tolist()
    return between(left, top, right, bottom)


def _over(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """a / b, 0 where b is."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)
