"""Lines of ink on the paper: what a stroke is, where it ends at the paper's edge, and what an eraser cuts away."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]  # on the paper, from (0, 0) in its upper left corner; where it is not scaled, it is 1 high


@dataclass(eq=False)
class Stroke:
    """One line of ink: its points (x right, y down, on the paper) and how wide the brush was at each.

    It grows while it is drawn and is never changed afterwards: drawings, undo steps and the history share it.
    """

    points: list[Point]
    widths: list[float]
    _bounds: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    _counted: int = 0  # how many points there were when the bounds were computed

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The least and the greatest x and y of its points: left, top, right, bottom."""
        if self._counted != len(self.points):
            x, y = zip(*self.points, strict=True)
            self._bounds, self._counted = (min(x), min(y), max(x), max(y)), len(self.points)
        return self._bounds

    @property
    def extent(self) -> float:
        """The larger of its width and height."""
        left, top, right, bottom = self.bounds
        return max(right - left, bottom - top)


def clip_to_paper(start: Point, end: Point, size: Point) -> tuple[Point, Point] | None:
    """The part of a line that lies on a paper of this width and height, or None (Liang and Barsky 1984)."""
    enter, leave = 0.0, 1.0
    for a, b, high in zip(start, end, size, strict=True):
        for distance, step in ((a, a - b), (high - a, b - a)):  # to the low and to the high edge
            if step == 0:
                if distance < 0:
                    return None
            elif step > 0:
                leave = min(leave, distance / step)
            else:
                enter = max(enter, distance / step)
    if enter > leave:
        return None
    # An end that needs no clipping is kept exactly, so that one line's end is the next one's start.
    return _between(start, end, enter, size), _between(start, end, leave, size)


def _between(start: Point, end: Point, part: float, size: Point) -> Point:
    if part in (0, 1):
        x, y = end if part else start
    else:
        x, y = (a + part * (b - a) for a, b in zip(start, end, strict=True))
    return min(max(x, 0.0), size[0]), min(max(y, 0.0), size[1])  # rounding must not lead off the paper


def cut(stroke: Stroke, start: Point, end: Point, radius: float) -> list[Stroke] | None:
    """Cut away what a round eraser touches on a straight path from `start` to `end`.

    A stroke is touched where its ink is: `radius` is that of the eraser, and half the ink's width is added.

    Returns:
        The pieces that are left, with new points where the cuts are; None if the eraser does not touch the stroke.
    """
    points = np.asarray(stroke.points, np.float64)
    reach = radius + max(stroke.widths) / 2
    if len(points) == 1:
        enter, leave = _touched(points, points, start, end, reach)
        return [] if enter[0] <= leave[0] else None
    enter, leave = _touched(points[:-1], points[1:], start, end, reach)
    touched = enter <= leave
    if not touched.any():
        return None
    pieces: list[Stroke] = []
    piece = Stroke([stroke.points[0]], [stroke.widths[0]])
    for i, is_touched in enumerate(touched.tolist()):
        if is_touched:
            if enter[i] > 0:
                _add(piece, stroke, i, float(enter[i]))
            pieces.append(piece)
            piece = Stroke([], [])
            if leave[i] >= 1:
                continue
            _add(piece, stroke, i, float(leave[i]))
        _add(piece, stroke, i, 1.0)
    pieces.append(piece)
    # An end with only one point left is not worth a dot.
    return [piece for piece in pieces if len(piece.points) > 1]


def _add(piece: Stroke, stroke: Stroke, i: int, part: float) -> None:
    """Append the point that is `part`, 0 to 1, of the way from point i of the stroke to the next one."""
    (x0, y0), (x1, y1) = stroke.points[i : i + 2]
    w0, w1 = stroke.widths[i : i + 2]
    piece.points.append(stroke.points[i + 1] if part == 1 else (x0 + part * (x1 - x0), y0 + part * (y1 - y0)))
    piece.widths.append(w0 + part * (w1 - w0))


Parts = NDArray[np.float64]


def _touched(p: Parts, q: Parts, start: Point, end: Point, reach: float) -> tuple[Parts, Parts]:
    """Where the lines from p to q, (n, 2) each, run within `reach` of the line from `start` to `end`.

    What lies within reach of a line is convex: a disc around either end, and a rectangle between. So each line is
    inside from one part of its length to another, both in [0, 1] and each (n,); the first is larger where it is not.
    """
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    spans = [_in_disc(p, q, a, reach), _in_disc(p, q, b, reach)]
    length = float(np.hypot(*(b - a)))
    if length > 0:
        along, across = (b - a) / length, np.array([a[1] - b[1], b[0] - a[0]]) / length
        u = _in_strip((p - a) @ along, (q - a) @ along, 0.0, length)
        v = _in_strip((p - a) @ across, (q - a) @ across, -reach, reach)
        spans.append((np.maximum(u[0], v[0]), np.minimum(u[1], v[1])))
    enter, leave = np.full(len(p), np.inf), np.full(len(p), -np.inf)
    for low, high in spans:
        inside = low <= high
        enter = np.where(inside, np.minimum(enter, low), enter)
        leave = np.where(inside, np.maximum(leave, high), leave)
    return enter, leave


def _in_disc(p: Parts, q: Parts, centre: Parts, radius: float) -> tuple[Parts, Parts]:
    step, away = q - p, p - centre
    a = np.maximum((step**2).sum(axis=1), 1e-18)  # a line of no length is inside as a whole or not at all
    b = (step * away).sum(axis=1)
    root = b**2 - a * ((away**2).sum(axis=1) - radius**2)
    half = np.sqrt(np.maximum(root, 0))
    low, high = np.clip((-b - half) / a, 0, None), np.clip((-b + half) / a, None, 1)
    return np.where(root < 0, 1.0, low), np.where(root < 0, 0.0, high)


def _in_strip(p: Parts, q: Parts, low: float, high: float) -> tuple[Parts, Parts]:
    step = q - p
    flat = np.abs(step) < 1e-12
    first, second = (low - p) / np.where(flat, 1, step), (high - p) / np.where(flat, 1, step)
    inside = (low <= p) & (p <= high)
    enter = np.where(flat, np.where(inside, 0.0, 1.0), np.minimum(first, second))
    leave = np.where(flat, np.where(inside, 1.0, 0.0), np.maximum(first, second))
    return np.clip(enter, 0, None), np.clip(leave, None, 1)
