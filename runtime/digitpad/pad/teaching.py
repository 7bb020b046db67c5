"""What the user teaches on the pad: a hand in a file, which of its lessons a drawing is, and taking back the last ones.

No pygame in here.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitpad.errors import DigitPadError
from digitpad.mnist_form import render_strokes
from digitpad.pad.drawing import Drawing
from digitpad.pad.origin import Origins
from digitpad.pad.saving import CANVAS, sample
from digitpad.pad.stroke import Stroke
from digitpad.reader import Box
from digitpad.stroke_files import Sample

if TYPE_CHECKING:
    from digitpad.hand import Hand, Lesson

MY_DIGITS = "my_digits.json"


@dataclass(eq=False)
class _Known:
    """A drawing that was taught, or opened: its strokes at that time, and its sample in a file."""

    strokes: list[Stroke]
    sample: Sample


class Teaching:
    """The hand that the pad's user teaches. It is loaded when it is first needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""  # why there is no hand
        self._hand: Hand | None = None
        self._lock = threading.Lock()  # models may be loading in the background
        self._known: Origins[_Known] = Origins()
        self._done: list[tuple[int, Callable[[], None]]] = []  # how many steps the drawing had, and how to take it back

    @property
    def hand(self) -> "Hand | None":
        """The hand; None if its file cannot be read, which `trouble` then explains."""
        with self._lock:
            if self._hand is None and not self.trouble:
                from digitpad.hand import Hand  # when it is needed, not while the pad opens

                try:
                    self._hand = Hand(self.path)
                except DigitPadError as error:
                    self.trouble = str(error)
            return self._hand

    @property
    def lessons(self) -> "list[Lesson]":
        """What was taught, the newest first."""
        return [*reversed(self.hand.lessons)] if self.hand else []

    def know(self, drawing: Drawing, opened: Sample) -> None:
        """Remember that the drawing comes from a sample, which may be a lesson."""
        self._known.note(drawing, _Known(list(drawing.strokes), opened))

    def teach(self, drawing: Drawing, label: str) -> bool:
        """Teach what a drawing of strokes is, "0" to "9", or "" for no digit.

        If it continues one that was taught, it takes that one's place; the same drawing given the same label again is
        forgotten.

        Returns:
            Whether it was taught, and not forgotten.

        Raises:
            DigitPadError: the file cannot be read or written; it is left as it is.
        """
        known = self._known.find(drawing)
        now = _Known(list(drawing.strokes), sample(drawing))
        same = known is not None and known.strokes == now.strokes
        if known and same:
            now.sample = known.sample  # as it is in the file, to the last digit
        now.sample = replace(now.sample, label=label)
        hand = self._needed()
        old = hand.of(known.sample) if known else []
        again = same and drawing.label == label and label in [lesson.sample.label for lesson in old]
        self._change(hand, drawing, None if again else now.sample, old, known)
        drawing.label = None if again else label
        if known:
            self._known.forget(known)
        if not again:
            self._known.note(drawing, now)
        return not again

    def teach_part(self, drawing: Drawing, seen: NDArray[np.uint8], box: Box | None, label: str) -> bool:
        """Teach what a model saw a part of the drawing as, uint8 (28, 28): a digit of a number, or a picture.

        Returns as `teach`.

        Raises:
            DigitPadError: the file cannot be read or written; it is left as it is.
        """
        new = replace(_part(drawing, seen, box), label=label)
        hand = self._needed()
        old = [lesson for lesson in hand.of(new) if lesson.sample.label == label]
        self._change(hand, drawing, None if old else new, old)
        return not old

    def _change(
        self, hand: "Hand", drawing: Drawing, new: Sample | None, old: "list[Lesson]", known: _Known | None = None
    ) -> None:
        """Have a new lesson instead of old ones, of which the drawing was known as one, and note how to undo that."""
        label, before = drawing.label, list(old)
        before += [lesson for lesson in (hand.of(new) if new else []) if lesson not in old]
        learned = hand.change(new, old)

        def take_back() -> None:
            first = before[0].sample if before else None
            hand.change(first, [learned] if learned else [])
            for lesson in before[1:]:
                hand.change(lesson.sample)
            drawing.label = label
            if now := self._known.find(drawing):
                self._known.forget(now)
            if known:
                self._known.note(drawing, known)

        self._done.append((drawing.steps, take_back))

    def can_take_back(self, drawing: Drawing) -> bool:
        """Whether a lesson was the last that was done to the drawing."""
        return bool(self._done) and self._done[-1][0] == drawing.steps

    def take_back(self, drawing: Drawing) -> None:
        """Take back the last lesson; raises DigitPadError if the file cannot be written."""
        self._done[-1][1]()
        self._done.pop()

    def follow(self, drawing: Drawing) -> None:
        """Let lessons be no steps any more where the drawing's own, before them, were taken back."""
        self._done = [(steps, back) for steps, back in self._done if steps <= drawing.steps]

    def forget(self, *lessons: "Lesson") -> None:
        """Forget lessons for good; raises DigitPadError if the file cannot be written."""
        self._needed().forget(*lessons)
        self._done.clear()

    def _needed(self) -> "Hand":
        """The hand, as its file is now."""
        if self.hand is None:
            raise DigitPadError(self.trouble)
        self.hand.load()
        return self.hand


def _part(drawing: Drawing, seen: NDArray[np.uint8], box: Box | None) -> Sample:
    """The strokes of what a model saw; where they cannot be told from others, the picture itself."""
    if box is not None and drawing.picture is None:
        left, top, right, bottom = box
        inside = [
            np.array(stroke.points, np.float64)
            for stroke, (x0, y0, x1, y1) in ((stroke, stroke.bounds) for stroke in drawing.strokes)
            if left <= x0 and top <= y0 and x1 <= right and y1 <= bottom
        ]
        if (render_strokes(inside) == seen).all():
            return Sample([np.round(points * CANVAS, 1) for points in inside])
    return Sample([], image=seen)
