"""The drawing on the pad: strokes, undo and redo, the chosen models and what they answered. No pygame in here."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitpad.errors import ModelError
from digitpad.pad.stroke import Point, Stroke, clip_to_paper, cut
from digitpad.recognizer import Prediction

BRUSH = 0.05  # width of the brush at first; the paper is a square whose side is 1
THINNEST, THICKEST = 0.015, 0.12  # brushes
MARK = 0.05  # a stroke that is smaller is a slip of the hand
CLOSE = 0.1  # a second digit with this probability or more is named beside the first
FITTED = 0.7  # the longer side of a drawing that comes from a file
NO_BREAK = "\N{NO-BREAK SPACE}"


class Reader(Protocol):
    """What the pad needs of a recogniser: `digitpad.Recognizer` is one."""

    name: str

    def predict_strokes(self, strokes: Sequence[ArrayLike]) -> Prediction:
        """Read the digit that strokes draw."""

    def predict_normalised(self, image: NDArray[np.uint8]) -> Prediction:
        """Read an image in the model's form, uint8 (28, 28)."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image that is read in the strokes' stead."""

    seen: NDArray[np.uint8]  # (28, 28): the image in the model's form
    photo: NDArray[np.uint8]  # (height, width, 3): the image as it came


@dataclass(frozen=True)
class _Edit:
    """One step: the strokes from number `start` on were `removed`, `added` took their place.

    So with the picture and the label, in `before` and `after`.
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
        label: which digit it is, "0" to "9", if somebody said so; or None.
        brush: how wide the next stroke will be, and half as wide as the eraser.
        chosen: the models that are asked, as `Recognizer` takes them.
        answers: by model, what it last answered; see `up_to_date`.
        took: by model, how many seconds that took.
        troubles: by model, why it cannot answer.
        changes: counts every change of the drawing.
        rewrites: counts those changes that did more than add ink at the end.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.strokes: list[Stroke] = []
        self.picture: Picture | None = None
        self.label: str | None = None
        self.brush = BRUSH
        self.chosen: tuple[str, ...] = ("cnn",)
        self.answers: dict[str, Prediction] = {}
        self.took: dict[str, float] = {}
        self.troubles: dict[str, str] = {}
        self.changes = 0
        self.rewrites = 0
        self._clock = clock
        self._answered = -1
        self._past: list[_Edit] = []
        self._future: list[_Edit] = []
        self._pen: Point | None = None  # where the pen is while it is down, on the paper or off it
        self._erasing = False  # whether it is the eraser
        self._start = 0  # how many strokes there were when the pen went down
        # What there was when the pen went down; of the strokes only if it is the eraser.
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
        """Move the pen; it draws if it is down. Off the paper there is no ink: there a stroke ends."""
        if self._pen is None or self._pen == (x, y):
            return
        if self._erasing:
            # Small steps are gathered: an eraser need not look at all strokes a thousand times a second.
            if abs(x - self._pen[0]) + abs(y - self._pen[1]) < self.brush / 8:
                return
            self._erase(self._pen, (x, y))
        else:
            self._draw_line(self._pen, (x, y), pressure)
        self._pen = (x, y)

    def lift(self) -> None:
        """Take the pen up: all it did since it was put down is one step for undo."""
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
        """Put other strokes, or a picture, in the place of all there is."""
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

    def marks(self) -> list[list[Point]]:
        """The points of the strokes that mean something. A very small one is a slip of the hand."""
        return [stroke.points for stroke in self.strokes if stroke.extent >= MARK]

    # Reading

    def ask(self, readers: Mapping[str, Reader]) -> None:
        """Have the chosen models among `readers` read the drawing; a model that fails is noted in `troubles`."""
        marks = self.marks()
        self.answers, self.took = {}, {}
        for model in self.chosen:
            if model not in readers:
                continue
            started = self._clock()
            try:
                if self.picture is not None:
                    self.answers[model] = readers[model].predict_normalised(self.picture.seen)
                else:
                    self.answers[model] = readers[model].predict_strokes(marks)
            except ModelError as error:
                self.troubles[model] = str(error)
            else:
                self.took[model] = self._clock() - started
        self._answered = self.changes

    @property
    def up_to_date(self) -> bool:
        """Whether the answers are about the drawing as it is now."""
        return self._answered == self.changes and all(m in self.answers or m in self.troubles for m in self.chosen)

    # How

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
        """Cut away the ink that the eraser meets on its way; a picture has none."""
        near = self.brush + THICKEST / 2
        low = np.minimum(start, end) - near
        high = np.maximum(start, end) + near
        boxes = np.array([stroke.box for stroke in self.strokes]).reshape(-1, 4)
        meets = (boxes[:, 2:] >= low).all(axis=1) & (boxes[:, :2] <= high).all(axis=1)
        strokes, cuts = self.strokes, False
        for number in reversed(np.flatnonzero(meets).tolist()):
            pieces = cut(strokes[number], start, end, self.brush)
            if pieces is not None:
                strokes[number : number + 1] = pieces
                cuts = True
        if cuts:
            self._rewritten()

    def _remember(self, strokes: list[Stroke], picture: Picture | None, label: str | None) -> None:
        """Note the step from those strokes, that picture and label to what there is now, if there is any."""
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


def verdict(prediction: Prediction) -> tuple[str, list[str]]:
    """An answer in words: what to show large, and the line under it in several lengths, the longest first."""
    if prediction.status == "blank":
        return "", ["Blank paper: draw a digit from 0 to 9", "Blank: draw a digit first", "blank"]
    # Never "100.0 %": no model is that sure.
    short = f"{min(int(100 * prediction.confidence), 99)}%"
    percent = f"{min(100 * prediction.confidence, 99.9):.1f}{NO_BREAK}%"
    if prediction.status == "not_a_digit":
        return "–", ["Not a digit, by the look of it", "Not a digit", "no digit"]
    if prediction.status == "unsure":
        first, second = np.argsort(-prediction.probabilities)[:2]
        long = f"Unsure: {first} or {second}? ({percent})"
        return f"{first}?", [long, f"unsure: {first} or {second}", f"unsure, {percent}", "unsure"]
    second = int(np.argsort(-prediction.probabilities)[1])
    if (chance := float(prediction.probabilities[second])) >= CLOSE:
        perhaps = f"or a {second} ({100 * chance:.0f}{NO_BREAK}%)"
        return str(prediction.digit), [
            f"{percent} sure, {perhaps}",
            f"{percent}, {perhaps}",
            f"{short}, or {second}",
            short,
        ]
    return str(prediction.digit), [f"{percent} sure", percent, short]
