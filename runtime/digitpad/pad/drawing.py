"""The paper: strokes drawn and erased, or a picture, with undo and redo. No pygame in here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitpad.pad.stroke import Point, Stroke, clip_to_paper, cut
from digitpad.reader import Readings

BRUSH = 0.05  # the initial width of the brush, where the paper is 1 high
THINNEST, THICKEST = 0.015, 0.12  # of the brushes
MARK = 0.05  # a smaller stroke is a slip of the hand
FITTED = 0.7  # of the paper's width or height: how large a drawing that comes from a file is shown


@dataclass(frozen=True, eq=False)
class Picture:
    """An image that is read instead of the strokes."""

    seen: Readings
    photo: NDArray[np.uint8]  # (height, width, 3): the image as it came


@dataclass(frozen=True)
class _Edit:
    """One step: from number `start` on, the strokes `removed` gave way to those `added`."""

    start: int
    removed: list[Stroke]
    added: list[Stroke]
    before: tuple[Picture | None, str | None]  # the picture and the label


class Drawing:
    """What is on the paper."""

    def __init__(self) -> None:
        self.size = 1.0, 1.0  # the paper's width and height, which the window sets; no stroke lies beyond
        self.strokes: list[Stroke] = []  # in the order they were drawn
        self.picture: Picture | None = None  # is read instead of the strokes
        self.label: str | None = None  # which digit it is, "0" to "9", if the user said so
        self.brush = BRUSH  # how wide the next stroke will be; the eraser is twice as wide
        self.changes = 0  # counts every change of the drawing
        self.rewrites = 0  # counts those changes that did more than add ink at the end
        self._past: list[_Edit] = []
        self._future: list[_Edit] = []
        self._pen: Point | None = None  # where the pen is while it is down, on the paper or off it
        self._erasing = False  # whether it is the eraser
        # What was there when the pen went down: the strokes from number `start` on, all of which it can change.
        self._start = 0
        self._before: tuple[list[Stroke], Picture | None, str | None] = [], None, None

    # Drawing and erasing

    def press(self, x: float, y: float, pressure: float = 1.0, erase: bool = False) -> None:
        """Put the pen or the eraser down; `pressure` is in (0, 1]. Drawing removes a picture."""
        self.lift()
        self._erasing = erase
        self._start = 0 if erase else len(self.strokes)
        self._before = self.strokes[self._start :], self.picture, self.label
        if self.picture is not None and not erase:
            self.picture = None
            self._rewritten()
        self._pen = (x, y)
        if erase:
            self._erase((x, y), (x, y))
        else:
            self._draw_line((x, y), (x, y), pressure)

    def move(self, x: float, y: float, pressure: float = 1.0) -> None:
        """Move the pen; it draws if it is down. A stroke ends where the pen leaves the paper."""
        if self._pen is None or self._pen == (x, y):
            return
        if self._erasing:
            # Small steps add up first: an eraser need not look at all strokes a thousand times a second.
            if abs(x - self._pen[0]) + abs(y - self._pen[1]) < self.brush / 8:
                return
            self._erase(self._pen, (x, y))
        else:
            self._draw_line(self._pen, (x, y), pressure)
        self._pen = (x, y)

    def lift(self) -> None:
        """Lift the pen: all it did since it was put down is one step for undo."""
        if self._pen is None:
            return
        self._pen = None
        if self._erasing and self.is_empty:
            self.label = None
        self._remember(self._start, *self._before)

    @property
    def pen_is_down(self) -> bool:
        """Whether a stroke is being drawn or erased."""
        return self._pen is not None

    # Undoing

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past) or self.pen_is_down

    @property
    def steps(self) -> int:
        """How many steps can be taken back."""
        return len(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to bring back."""
        return bool(self._future)

    def undo(self) -> None:
        """Take back the last step: a stroke, an erasure, a clearing, an opened file."""
        self.lift()
        self._take_back(self._past, self._future)

    def redo(self) -> None:
        """Bring back the step that was last undone."""
        self.lift()
        self._take_back(self._future, self._past)

    def forget(self) -> None:
        """Forget all steps: nothing can be undone any more."""
        self._past.clear()
        self._future.clear()

    # The whole paper

    def clear(self) -> None:
        """Remove all strokes and the picture."""
        self.put([])

    def put(self, strokes: Sequence[Stroke], picture: Picture | None = None, label: str | None = None) -> None:
        """Replace everything by other strokes, or by a picture."""
        self.lift()
        before = self.strokes, self.picture, self.label
        self.strokes, self.picture, self.label = list(strokes), picture, label
        self._remember(0, *before)
        self._rewritten()

    def open_strokes(self, strokes: Sequence[NDArray[np.float64]], label: str | None = None) -> None:
        """Put strokes, (n, 2) arrays in any unit and with any offset, in the middle of the paper."""
        points = [p for p in strokes if len(p)]
        fitted: list[Stroke] = []
        if points:
            every = np.concatenate(points)
            low, high, size = every.min(axis=0), every.max(axis=0), np.array(self.size)
            extent = float(((high - low) / size).max()) or 1.0
            middle = low + (high - low) / 2
            for p in points:
                on_paper = ((p - middle) / extent * FITTED + size / 2).tolist()
                fitted.append(Stroke([(x, y) for x, y in on_paper], [BRUSH] * len(p)))
        self.put(fitted, None, label)

    @property
    def is_empty(self) -> bool:
        """Whether the paper is bare."""
        return not self.strokes and self.picture is None

    @property
    def parts(self) -> Sequence[Stroke | Picture]:
        """What is read: the picture, or else the strokes."""
        return self.strokes if self.picture is None else [self.picture]

    def marks(self) -> list[list[Point]]:
        """The points of the strokes that count. A very small one is a slip of the hand."""
        return [stroke.points for stroke in self.strokes if stroke.extent >= MARK]

    # In detail

    def _draw_line(self, start: Point, end: Point, pressure: float) -> None:
        """Continue the stroke, or begin one where the line comes onto the paper."""
        clipped = clip_to_paper(start, end, self.size)
        if clipped is None:
            return
        first, last = clipped
        width = self.brush * (0.4 + 0.6 * min(max(pressure, 0.0), 1.0))
        going_on = len(self.strokes) > self._start and self.strokes[-1].points[-1] == first
        if not going_on:
            self.strokes.append(Stroke([first], [width]))
        if last != first:
            self.strokes[-1].points.append(last)
            self.strokes[-1].widths.append(width)
        self.changes += 1

    def _erase(self, start: Point, end: Point) -> None:
        """Cut away the ink in the eraser's path; a picture has none."""
        near = self.brush + THICKEST / 2
        low = np.minimum(start, end) - near
        high = np.maximum(start, end) + near
        bounds = np.array([stroke.bounds for stroke in self.strokes]).reshape(-1, 4)
        meets = (bounds[:, 2:] >= low).all(axis=1) & (bounds[:, :2] <= high).all(axis=1)
        strokes, cuts = self.strokes, False
        for number in reversed(np.flatnonzero(meets).tolist()):
            pieces = cut(strokes[number], start, end, self.brush)
            if pieces is not None:
                strokes[number : number + 1] = pieces
                cuts = True
        if cuts:
            self._rewritten()

    def _remember(self, start: int, before: list[Stroke], picture: Picture | None, label: str | None) -> None:
        """Note the step from these strokes (number `start` on), picture and label to what there is now."""
        after = self.strokes[start:]
        same, ends = 0, 0
        shortest = min(len(before), len(after))
        while same < shortest and before[same] is after[same]:
            same += 1
        while ends < shortest - same and before[-1 - ends] is after[-1 - ends]:
            ends += 1
        removed, added = before[same : len(before) - ends], after[same : len(after) - ends]
        if removed or added or picture is not self.picture:
            self._past.append(_Edit(start + same, removed, added, (picture, label)))
            self._future.clear()

    def _take_back(self, steps: list[_Edit], opposites: list[_Edit]) -> None:
        """Take back the last of the steps, and note the opposite one."""
        if steps:
            edit = steps.pop()
            opposites.append(_Edit(edit.start, edit.added, edit.removed, (self.picture, self.label)))
            self.strokes[edit.start : edit.start + len(edit.added)] = edit.removed
            self.picture, self.label = edit.before
            self._rewritten()

    def _rewritten(self) -> None:
        self.changes += 1
        self.rewrites += 1
