"""The drawing on the pad: strokes, undo and redo, the chosen models and what they answered. No pygame in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitpad.errors import ModelError
from digitpad.recognizer import Prediction

BRUSH = 0.05  # width of the brush; the paper is a square whose side is 1
FITTED = 0.7  # the longer side of a drawing that comes from a file

Point = tuple[float, float]


class Reader(Protocol):
    """What the pad needs of a recogniser: `digitpad.Recognizer` is one."""

    name: str

    def predict_strokes(self, strokes: Sequence[ArrayLike]) -> Prediction:
        """Read the digit that strokes draw."""

    def predict_normalised(self, image: NDArray[np.uint8]) -> Prediction:
        """Read an image in the model's form, uint8 (28, 28)."""


@dataclass(frozen=True)
class _Edit:
    """The strokes from number `start` on were `removed` and `added` took their place."""

    start: int
    removed: list[list[Point]]
    added: list[list[Point]]


class Drawing:
    """What somebody has drawn, in coordinates that know no window: the paper is the square from (0, 0) to (1, 1).

    Attributes:
        strokes: the strokes in the order they were drawn, lists of points (x right, y down). They lie on the paper.
        picture: an image in the model's form, uint8 (28, 28), that is read instead of the strokes; or None.
        chosen: the models that are asked, as `Recognizer` takes them.
        answers: by model, what it last answered; see `up_to_date`.
        troubles: by model, why it cannot answer.
        changes: counts every change of the drawing.
        rewrites: counts those changes that did more than add ink at the end.
    """

    def __init__(self) -> None:
        self.strokes: list[list[Point]] = []
        self.picture: NDArray[np.uint8] | None = None
        self.chosen: tuple[str, ...] = ("cnn",)
        self.answers: dict[str, Prediction] = {}
        self.troubles: dict[str, str] = {}
        self.changes = 0
        self.rewrites = 0
        self._answered = -1
        self._past: list[_Edit] = []
        self._future: list[_Edit] = []
        self._pen: Point | None = None  # where the pen is while it is down, on the paper or off it
        self._start = 0  # how many strokes there were when the pen went down

    def press(self, x: float, y: float) -> None:
        """Put the pen down; the drawing in a picture's stead begins."""
        self.lift()
        if self.picture is not None:
            self._take_away_picture()
        self._pen = (x, y)
        self._start = len(self.strokes)
        self._draw_line((x, y), (x, y))

    def move(self, x: float, y: float) -> None:
        """Move the pen; it draws if it is down. Off the paper there is no ink: there a stroke ends."""
        if self._pen is None or self._pen == (x, y):
            return
        self._draw_line(self._pen, (x, y))
        self._pen = (x, y)

    def lift(self) -> None:
        """Take the pen up: all it drew since it was put down is one step for undo."""
        if self._pen is None:
            return
        self._pen = None
        if added := self.strokes[self._start :]:
            self._past.append(_Edit(self._start, [], added))
            self._future.clear()

    @property
    def pen_is_down(self) -> bool:
        """Whether a stroke is being drawn."""
        return self._pen is not None

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past) or self.pen_is_down

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to bring back."""
        return bool(self._future)

    def undo(self) -> None:
        """Take back the last step: a stroke, a clearing, an opened file."""
        self.lift()
        if self._past:
            edit = self._past.pop()
            self._future.append(edit)
            self.strokes[edit.start :] = edit.removed
            self._rewritten()

    def redo(self) -> None:
        """Bring back the step that was last undone."""
        self.lift()
        if self._future:
            edit = self._future.pop()
            self._past.append(edit)
            self.strokes[edit.start :] = edit.added
            self._rewritten()

    def clear(self) -> None:
        """Take away all strokes (which can be undone) and the picture."""
        if self.picture is not None:
            self._take_away_picture()
        self._replace([])

    def open_strokes(self, strokes: Sequence[NDArray[np.float64]]) -> None:
        """Put strokes, (n, 2) arrays in any unit and with any offset, in the middle of the paper."""
        points = [p for p in strokes if len(p)]
        fitted: list[list[Point]] = []
        if points:
            low = np.min([p.min(axis=0) for p in points], axis=0)
            high = np.max([p.max(axis=0) for p in points], axis=0)
            extent = float((high - low).max()) or 1.0
            middle = low + (high - low) / 2
            fitted = [[(x, y) for x, y in ((p - middle) / extent * FITTED + 0.5).tolist()] for p in points]
        self._replace(fitted)

    def open_picture(self, image: NDArray[np.uint8]) -> None:
        """Put an image in the model's form, uint8 (28, 28), in place of the drawing."""
        self._replace([])
        self.picture = image
        self._rewritten()

    def marks(self) -> list[list[Point]]:
        """The strokes that mean something: those larger than the brush. A smaller one is a slip of the hand."""
        return [stroke for stroke in self.strokes if _extent(stroke) >= BRUSH]

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to read."""
        return self.picture is None and not self.marks()

    def ask(self, readers: Mapping[str, Reader]) -> None:
        """Have the chosen models among `readers` read the drawing; a model that fails is noted in `troubles`."""
        marks = self.marks()
        self.answers = {}
        for model in self.chosen:
            if model not in readers:
                continue
            try:
                if self.picture is not None:
                    self.answers[model] = readers[model].predict_normalised(self.picture)
                else:
                    self.answers[model] = readers[model].predict_strokes(marks)
            except ModelError as error:
                self.troubles[model] = str(error)
        self._answered = self.changes

    @property
    def up_to_date(self) -> bool:
        """Whether the answers are about the drawing as it is now."""
        return self._answered == self.changes and all(m in self.answers or m in self.troubles for m in self.chosen)

    def _draw_line(self, start: Point, end: Point) -> None:
        """Continue the stroke, or begin one where the line comes onto the paper."""
        clipped = _clip_to_paper(start, end)
        if clipped is None:
            return
        first, last = clipped
        going_on = len(self.strokes) > self._start and self.strokes[-1][-1] == first
        if not going_on:
            self.strokes.append([first])
        if last != first:
            self.strokes[-1].append(last)
        self.changes += 1

    def _replace(self, strokes: list[list[Point]]) -> None:
        self.lift()
        if strokes or self.strokes:
            self._past.append(_Edit(0, self.strokes, strokes))
            self._future.clear()
            self.strokes = list(strokes)
            self._rewritten()

    def _take_away_picture(self) -> None:
        self.picture = None
        self._rewritten()

    def _rewritten(self) -> None:
        self.changes += 1
        self.rewrites += 1


def verdict(prediction: Prediction) -> tuple[str, list[str]]:
    """An answer in words: what to show large, and the line under it in several lengths, the longest first."""
    if prediction.status == "blank":
        return "", ["Nothing to read yet: draw a digit from 0 to 9", "Draw a digit first", "nothing drawn"]
    # Never "100.0 %": no model is that sure.
    percent = f"{min(100 * prediction.confidence, 99.9):.1f}\N{NO-BREAK SPACE}%"
    if prediction.status == "not_a_digit":
        return "–", ["This does not look like a digit", "Not a digit", "no digit"]
    if prediction.status == "unsure":
        first, second = np.argsort(-prediction.probabilities)[:2]
        long = f"Unsure: {first} or {second}? ({percent})"
        return f"{first}?", [long, f"unsure: {first} or {second}", f"unsure, {percent}", "unsure"]
    return str(prediction.digit), [f"{percent} sure", percent]


def _extent(stroke: list[Point]) -> float:
    x, y = [p[0] for p in stroke], [p[1] for p in stroke]
    return max(max(x) - min(x), max(y) - min(y))


def _clip_to_paper(start: Point, end: Point) -> tuple[Point, Point] | None:
    """The part of a line that lies in the unit square, or None (Liang and Barsky 1984)."""
    enter, leave = 0.0, 1.0
    for a, b in zip(start, end, strict=True):
        for distance, step in ((a, a - b), (1 - a, b - a)):  # to the low and to the high edge
            if step == 0:
                if distance < 0:
                    return None
            elif step > 0:
                leave = min(leave, distance / step)
            else:
                enter = max(enter, distance / step)
    if enter > leave:
        return None
    # An end that needs no clipping is kept to the bit, so that one line's end is the next one's start.
    return _between(start, end, enter), _between(start, end, leave)


def _between(start: Point, end: Point, part: float) -> Point:
    if part in (0, 1):
        x, y = end if part else start
    else:
        x, y = (a + part * (b - a) for a, b in zip(start, end, strict=True))
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)  # rounding must not lead off the paper
