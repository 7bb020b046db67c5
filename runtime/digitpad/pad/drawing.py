"""The paper: strokes drawn and erased, or a picture, with undo and redo. No pygame in here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digitpad.pad.stroke import Point, Stroke, clip_to_paper, cut

BRUSH = 0.05  # the initial width of the brush; the paper is a square whose side is 1
THINNEST, THICKEST = 0.015, 0.12  # of the brushes
MARK = 0.05  # a smaller stroke is a slip of the hand
FITTED = 0.7  # the longer side of a drawing that comes from a file


@dataclass(frozen=True, eq=False)
class Picture:
    """An image that is read instead of the strokes."""

    seen: NDArray[np.uint8]  # (28, 28): the image in the model's form
    photo: NDArray[np.uint8]  # (height, width, 3): the image as it came


@dataclass(frozen=True)
class _Edit:
    """One step: from number `start` on, the strokes `removed` gave way to those `added`.

    `before` and `after` are the picture and the label on either side of it.
    """

    start: int
    removed: list[Stroke]
    added: list[Stroke]
    before: tuple[Picture | None, str | None]
    after: tuple[Picture | None, str | None]


class Drawing:
    """What is on the paper. The paper is the square from (0, 0) to (1, 1).

    Attributes:
        strokes: the strokes in the order they were drawn.
        picture: an image that is read instead of the strokes; or None.
        label: which digit it is, "0" to "9", if the user said so; or None.
        brush: how wide the next stroke will be; the eraser is twice as wide.
        changes: counts every change of the drawing.
        rewrites: counts those changes that did more than add ink at the end.
    """

    def __init__(self) -> None:
        self.strokes: list[Stroke] = []
        self.picture: Picture | None = None
        self.label: str | None = None
        self.brush = BRUSH
        self.changes = 0
        self.rewrites = 0
        self._past: list[_Edit] = []
        self._future: list[_Edit] = []
        self._pen: Point | None = None  # where the pen is while it is down, on the paper or off it
        self._erasing = False  # whether it is the eraser
        self._start = 0  # how many strokes there were when the pen went down
        # What was there when the pen went down; the strokes only if it is the eraser.
        self._before: tuple[list[Stroke], Picture | None, str | None] = [], None, None

    # Drawing and erasing

    def press(self, x: float, y: float, pressure: float = 1.0, erase: bool = False) -> None:
        """Put the pen or the eraser down; `pressure` is in (0, 1]. Drawing takes a picture away."""
        self.lift()
        self._erasing = erase
        self._before = (list(self.strokes) if erase else []), self.picture, self.label
        if self.picture is not None and not erase:
            self.picture = None
            self._rewritten()
        self._pen = (x, y)
        self._start = len(self.strokes)
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
        strokes, picture, label = self._before
        if self._erasing:
            if self.is_empty:
                self.label = None
            self._remember(strokes, picture, label)
        elif (added := self.strokes[self._start :]) or picture is not self.picture:
            self._past.append(_Edit(self._start, [], added, (picture, label), (self.picture, self.label)))
            self._future.clear()

    @property
    def pen_is_down(self) -> bool:
        """Whether a stroke is being drawn or erased."""
        return self._pen is not None

    # Taking back

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past) or self.pen_is_down

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to bring back."""
        return bool(self._future)

    def undo(self) -> None:
        """Take back the last step: a stroke, an erasure, a clearing, an opened file."""
        self.lift()
        if self._past:
            edit = self._past.pop()
            # The label may have been given since.
            self._future.append(replace(edit, after=(self.picture, self.label)))
            self.strokes[edit.start : edit.start + len(edit.added)] = edit.removed
            self.picture, self.label = edit.before
            self._rewritten()

    def redo(self) -> None:
        """Bring back the step that was last undone."""
        self.lift()
        if self._future:
            edit = self._future.pop()
            self._past.append(replace(edit, before=(self.picture, self.label)))
            self.strokes[edit.start : edit.start + len(edit.removed)] = edit.added
            self.picture, self.label = edit.after
            self._rewritten()

    def forget(self) -> None:
        """Forget all steps: nothing can be undone any more."""
        self._past.clear()
        self._future.clear()

    # The whole paper

    def clear(self) -> None:
        """Take away all strokes and the picture."""
        self.put([])

    def put(self, strokes: Sequence[Stroke], picture: Picture | None = None, label: str | None = None) -> None:
        """Replace everything by other strokes, or by a picture."""
        self.lift()
        before = self.strokes, self.picture, self.label
        self.strokes, self.picture, self.label = list(strokes), picture, label
        self._remember(*before)
        self._rewritten()

    def open_strokes(self, strokes: Sequence[NDArray[np.float64]], label: str | None = None) -> None:
        """Put strokes, (n, 2) arrays in any unit and with any offset, in the middle of the paper."""
        points = [p for p in strokes if len(p)]
        fitted: list[Stroke] = []
        if points:
            low = np.min([p.min(axis=0) for p in points], axis=0)
            high = np.max([p.max(axis=0) for p in points], axis=0)
            extent = float((high - low).max()) or 1.0
            middle = low + (high - low) / 2
            for p in points:
                on_paper = ((p - middle) / extent * FITTED + 0.5).tolist()
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
        """The points of the strokes that mean something. A very small one is a slip of the hand."""
        return [stroke.points for stroke in self.strokes if stroke.extent >= MARK]

    # In detail

    def _draw_line(self, start: Point, end: Point, pressure: float) -> None:
        """Continue the stroke, or begin one where the line comes onto the paper."""
        clipped = clip_to_paper(start, end)
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
        """Cut away the ink on the eraser's way; a picture has none."""
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

    def _remember(self, strokes: list[Stroke], picture: Picture | None, label: str | None) -> None:
        """Note the step from those strokes, that picture and label to what there is now, if anything changed."""
        after = self.strokes
        start, ends = 0, 0
        shortest = min(len(strokes), len(after))
        while start < shortest and strokes[start] is after[start]:
            start += 1
        while ends < shortest - start and strokes[-1 - ends] is after[-1 - ends]:
            ends += 1
        removed, added = strokes[start : len(strokes) - ends], after[start : len(after) - ends]
        if removed or added or picture is not self.picture:
            self._past.append(_Edit(start, removed, added, (picture, label), (self.picture, self.label)))
            self._future.clear()

    def _rewritten(self) -> None:
        self.changes += 1
        self.rewrites += 1
