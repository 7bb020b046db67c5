"""The drawing pad without a window: what it shows, and all that can be done with it. No pygame in here.

actions.py says by which keys and buttons; loop.py puts the pad into a window.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from digitpad.answers import Number
from digitpad.errors import DigitPadError
from digitpad.pad.asking import Models
from digitpad.pad.drawing import BRUSH, THICKEST, THINNEST, Drawing
from digitpad.pad.history import History
from digitpad.pad.opened_file import OpenedFile
from digitpad.pad.saving import save_drawing, save_folder
from digitpad.pad.teaching import Teaching
from digitpad.reader import Box
from digitpad.recognizer import Recognizer
from digitpad.stroke_files import Sample

if TYPE_CHECKING:
    from digitpad.hand import Lesson

EXPLAINED = "What is like it will be read so from now on; Undo takes it back"
BRUSH_STEP = (THICKEST - THINNEST) / 14  # for a key or a notch of the wheel


class Pad:
    """The state of a pad, and what can be done with it."""

    def __init__(
        self,
        model: str = "cnn",
        live: bool = False,
        kiosk: bool = False,
        load: Callable[[str], Recognizer] | None = None,
        folder: Path | None = None,
        hand: Path | None = None,
    ) -> None:
        """Begin with blank paper. `load` takes the place of Recognizer, `folder` of one in the user's documents.

        `hand` is the file of what the user teaches; None: the pad does not learn.
        """
        self.drawing = Drawing()
        self.teaching = Teaching(hand) if hand else None
        self.models = Models(self.drawing, model, load, lambda: self.teaching.hand if self.teaching else None)
        self.history = History()
        self.file = OpenedFile(self.drawing, self._know)  # what was opened
        self.live = live
        self.erasing = False
        self.dark = False
        self.kiosk = kiosk
        self.fullscreen = False
        self.help_is_open = False
        self.knows_of_hand = False  # whether the user was told that the pad learns
        self.lessons_from: int | None = None  # the first that is shown of what was learned; None: it is not shown
        self.lessons_shown = 1  # how many of it are, at most
        self.forgets_all = False  # whether the user has asked for it once
        self.running = True
        self.notice = ""  # a remark
        self.shows_times = True
        # The names of the controls that the pointer is over, that it holds down, that the Tab key is on.
        self.hover: str | None = None
        self.pressed: str | None = None
        self.focus: str | None = None
        self._at_first = (self.models.chosen, live)
        self._remembered: object = None  # the answers that the history has
        self._folder = folder

    # Pen and eraser

    def press(self, x: float, y: float, pressure: float = 1.0) -> None:
        """Put the pen or the eraser, whichever is in use, down on the paper."""
        self.notice = ""  # it would be in the way
        self.drawing.press(x, y, pressure, erase=self.erasing)

    def move(self, x: float, y: float, pressure: float = 1.0) -> None:
        """Move the pen."""
        self.drawing.move(x, y, pressure)

    def let_go(self) -> None:
        """Lift the pen and let go of the button that is held down."""
        self.pressed = None
        self.drawing.lift()

    def set_brush(self, width: float) -> None:
        """Take the brush nearest to this width."""
        self.drawing.brush = min(max(width, THINNEST), THICKEST)

    def thicken(self, steps: int) -> None:
        """Take a thicker brush, or a thinner one."""
        self.set_brush(self.drawing.brush + steps * BRUSH_STEP)

    def toggle_eraser(self) -> None:
        """Take the eraser, or the brush again."""
        self.drawing.lift()
        self.erasing = not self.erasing

    # The whole drawing

    def predict(self) -> None:
        """Have the chosen models read the drawing."""
        self.drawing.lift()
        self.models.ask()

    def clear(self) -> None:
        """Take everything off the paper."""
        self.drawing.clear()
        self.erasing = False
        self._follow_file()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self.drawing.can_undo or bool(self.teaching and self.teaching.can_take_back(self.drawing))

    def undo(self) -> None:
        """Take back the last step."""
        self.drawing.lift()
        if self.teaching and self.teaching.can_take_back(self.drawing):
            with self._telling():
                self.teaching.take_back(self.drawing)
                self.notice = "Taken back"
                self.file.note_label()
                self._ask_again()
            return
        self.drawing.undo()
        if self.teaching:
            self.teaching.follow(self.drawing)
        self._follow_file()

    def redo(self) -> None:
        """Bring back what was undone."""
        self.drawing.redo()
        self._follow_file()

    def recall(self, number: int) -> None:
        """Put one of the last drawings, 0 the newest, back on the paper with its answer."""
        if number < len(self.history.entries):
            entry = self.history.entries[number]
            self.drawing.put(entry.strokes, entry.picture, entry.label)
            self._follow_file()
            self.models.ask()

    def remember(self) -> None:
        """Keep the drawing in the history if its answer is new."""
        answers = self.models.answers
        if answers is not self._remembered and self.models.up_to_date and not self.drawing.pen_is_down:
            self._remembered = answers
            self.history.remember(self.drawing, answers)

    def point(self, number: int) -> None:
        """Show a digit of the number that was read: its bars, and what the model saw."""
        self.models.pointed = number

    # How it is shown

    def toggle(self, what: Literal["live", "help_is_open", "dark", "fullscreen"]) -> None:
        """Switch one of these on or off."""
        setattr(self, what, not getattr(self, what))

    def quit(self) -> None:
        """End the loop."""
        self.running = False

    def start_over(self) -> None:
        """Get ready for a kiosk's next visitor."""
        self.let_go()
        self.drawing.clear()
        self.drawing.forget()
        self.drawing.brush = BRUSH
        self.models.chosen, self.live = self._at_first
        self.history = History()
        self.file = OpenedFile(self.drawing, self._know)
        self.erasing = self.help_is_open = self.dark = False
        self.lessons_from = None
        if self.teaching:
            self.teaching.follow(self.drawing)
        self.hover = self.focus = None
        self.notice = ""

    # Files

    def save(self) -> None:
        """Write the drawing as a picture and as strokes, under a new name."""
        if not self.drawing.strokes:
            return
        self.drawing.lift()
        with self._telling():
            answers = self.models.answers if self.models.up_to_date else {}
            path = save_drawing(self.drawing, self._folder or save_folder(), answers)
            self.notice = f"Saved: {short(path.with_suffix('.png'))} and .json"

    def farewell(self) -> str:
        """Save the drawing because the display is gone, and say so."""
        self.notice = ""
        if not self.kiosk:
            self.save()
        return f"the display is gone. {self.notice}".rstrip()

    # What it learns

    def teach(self, label: str, model: int | None = None) -> None:
        """Say what the drawing is, "0" to "9", or "" for no digit; of a number, what the digit is that is pointed at.

        The same said of a drawing again is forgotten. `model` is the place of the answer that was touched, if one was.
        """
        if self.teaching is None:
            return
        self.drawing.lift()
        what = f"this is your {label}" if label else "this is no digit"
        if not self.drawing.marks() and self.drawing.picture is None:
            self.notice = "There is nothing to learn from on the paper"
            return
        with self._telling():
            part = self._part(model)
            if part is not None:
                learned = self.teaching.teach_part(self.drawing, *part, label)
            else:
                learned = self.teaching.teach(self.drawing, label)
                self.file.note_label()
            cannot = [self.models.cannot_learn.get(model) for model in self.models.chosen]
            if cannot[0] and all(cannot):
                self.notice = f"Kept: {what}. But {cannot[0]}"
            elif learned:
                self.notice = f"Learned: {what}{'' if self.knows_of_hand else f'. {EXPLAINED}'}"
                self.knows_of_hand = True
            else:
                self.notice = f"Forgotten that {what}"
            self._ask_again()

    def greet(self) -> None:
        """Now that the models are loaded, say what there is to say about learning."""
        if self.teaching is None:
            return
        count = len(self.teaching.lessons)
        if self.teaching.trouble:
            self.notice = f"It does not learn: {self.teaching.trouble}"
        elif self.models.cannot_learn and not self.kiosk:
            self.notice = next(iter(self.models.cannot_learn.values()))
        elif count and not self.knows_of_hand:
            drawings = "1 drawing" if count == 1 else f"{count} drawings"
            self.notice = f"It reads by the {drawings} in {short(self.teaching.path)} from now on; --hand none: not"
            self.knows_of_hand = True

    def forget(self, number: int) -> None:
        """Forget one of the lessons that are shown."""
        if self.teaching and self.lessons_from is not None:
            self._forget(*self.teaching.lessons[self.lessons_from + number :][:1])

    def forget_all(self) -> None:
        """Forget all that was taught, when this is asked for a second time."""
        if self.teaching and self.forgets_all:
            self._forget(*self.teaching.lessons)
        self.forgets_all = not self.forgets_all

    def show_lessons(self) -> None:
        """Show what was learned, or the paper again."""
        if self.teaching:
            self.lessons_from = 0 if self.lessons_from is None else None
            self.help_is_open = self.forgets_all = False
            self.hover = self.focus = None

    def can_turn_lessons(self, pages: int) -> bool:
        """Whether there are more lessons before (-1) or after (1) those that are shown."""
        if self.teaching is None or self.lessons_from is None:
            return False
        return 0 <= self.lessons_from + pages * self.lessons_shown < max(len(self.teaching.lessons), 1)

    def pointed(self, number: Number) -> int:
        """Which digit to show more of, the same of each model's: pointed at, or else the least sure."""
        count = len(number.digits)
        named = [int(name.split()[-1]) for name in (self.hover, self.focus) if name and name.startswith("digit")]
        wanted = [n for n in (*named, self.models.pointed) if n is not None and n < count]
        return wanted[0] if wanted else min(range(count), key=lambda n: number.digits[n].confidence)

    def _part(self, model: int | None) -> tuple[NDArray[np.uint8], Box | None] | None:
        """What a model saw, and its box, where what is corrected is a digit of a number, or a picture."""
        answers = [self.models.answers.get(name) for name in self.models.chosen] if self.models.up_to_date else []
        answer = answers[model or 0] if answers else None
        if isinstance(answer, Number):
            alone = model is None and self.models.pointed is None and answer.status == "unsure"
            if not alone and (model is not None or all(isinstance(other, Number) for other in answers)):
                digit = answer.digits[self.pointed(answer)]
                return digit.image, digit.box
        if self.drawing.picture is None:
            return None
        if answer is None or isinstance(answer, Number):
            return self.drawing.picture.seen.found[0], None
        return answer.image, None

    def _forget(self, *lessons: "Lesson") -> None:
        with self._telling():
            if self.teaching:
                self.teaching.forget(*lessons)
                while self.lessons_from and not self.teaching.lessons[self.lessons_from :]:
                    self.lessons_from = max(0, self.lessons_from - self.lessons_shown)
                self._ask_again()

    def _ask_again(self) -> None:
        """Have the drawing read again, as it may be read otherwise now."""
        if self.models.up_to_date:
            pointed = self.models.pointed
            self.models.ask()
            self.models.pointed = pointed
        if self.history.has(self.drawing):
            self.history.remember(self.drawing, self.models.answers)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell an error as a remark."""
        try:
            yield
        except DigitPadError as error:
            self.notice = str(error)

    def open_file(self, path: Path) -> None:
        """Open a stroke file or an image, to be read as soon as the models are loaded.

        Raises DigitPadError if the file cannot be read, or holds no drawing.
        """
        if self.file.open(path):
            self.notice = self.file.remark
        self.models.wanted = True

    def open_dropped(self, path: Path) -> None:
        """Open a file that was dropped on the window, unless this is a kiosk; an error is shown as a remark."""
        if self.kiosk:
            return
        with self._telling():
            self.open_file(path)
            self.models.ask()

    def turn(self, pages: int) -> None:
        """Go to the next drawing (1) or the one before (-1) in a file that holds several, or in what was learned."""
        if self.lessons_from is not None:
            if self.can_turn_lessons(pages):
                self.lessons_from += pages * self.lessons_shown
        elif self.file.turn(pages):
            self.notice = self.file.remark
            self.models.ask()

    def _follow_file(self) -> None:
        if self.file.follow():
            self.notice = self.file.remark

    def _know(self, sample: Sample) -> None:
        if self.teaching:
            self.teaching.know(self.drawing, sample)


def short(path: Path) -> str:
    """A path as people write it, with ~ for the home folder."""
    try:
        return f"~{os.sep}{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)
