"""The drawing pad without a window: what it shows, and all that can be done with it. No pygame in here.

actions.py says by which keys and buttons; loop.py puts the pad into a window.
"""

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Literal

from digitpad.errors import DigitPadError
from digitpad.pad.asking import Models
from digitpad.pad.drawing import BRUSH, THICKEST, THINNEST, Drawing
from digitpad.pad.history import History
from digitpad.pad.opened_file import OpenedFile
from digitpad.pad.saving import GATHERED, Gatherer, save_drawing, save_folder
from digitpad.recognizer import Recognizer
from digitpad.stroke_files import Sample

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
    ) -> None:
        """Begin with blank paper. `load` takes the place of Recognizer, `folder` of one in the user's documents."""
        self.drawing = Drawing()
        self.models = Models(self.drawing, model, load)
        self.history = History()
        self.file = OpenedFile(self.drawing, self._know)  # what was opened
        self.live = live
        self.erasing = False
        self.dark = False
        self.kiosk = kiosk
        self.fullscreen = False
        self.help_is_open = False
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

    def undo(self) -> None:
        """Take back the last step."""
        self.drawing.undo()
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
        self.hover = self.focus = None
        self.notice = ""

    # Files

    def save(self) -> None:
        """Write the drawing as a picture and as strokes, under a new name."""
        if not self.drawing.strokes:
            return
        self.drawing.lift()
        try:
            answers = self.models.answers if self.models.up_to_date else {}
            path = save_drawing(self.drawing, self._save_folder(), answers)
            self.notice = f"Saved: {_short(path.with_suffix('.png'))} and .json"
        except DigitPadError as error:
            self.notice = str(error)

    def farewell(self) -> str:
        """Save the drawing because the display is gone, and say so."""
        self.notice = ""
        if not self.kiosk:
            self.save()
        return f"the display is gone. {self.notice}".rstrip()

    def label(self, digit: str) -> None:
        """Say which digit, "0" to "9", the drawing is, and gather it to learn from; the second time, take it out."""
        self.drawing.lift()
        if not self.drawing.marks():
            self.notice = f"There is no drawing to call a {digit}"
            return
        if self.models.up_to_date and {answer.status for answer in self.models.answers.values()} == {"number"}:
            self.notice = "This is a number: only a digit alone can be gathered"
            return
        try:
            self.drawing.label, held = self._gatherer.label(self.drawing, digit)
        except DigitPadError as error:
            self.notice = str(error)
            return
        self.file.note_label()
        if self.history.has(self.drawing):
            self.history.remember(self.drawing, self.models.answers)
        drawings = "1 drawing" if held == 1 else f"{held} drawings"
        what = f"Gathered as a {digit}" if self.drawing.label else f"No longer gathered as a {digit}"
        self.notice = f"{what}: {drawings} in {_short(self._gatherer.path)}"

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
        try:
            self.open_file(path)
        except DigitPadError as error:
            self.notice = str(error)
        else:
            self.models.ask()

    def turn(self, pages: int) -> None:
        """Go to the next drawing (1) or the one before (-1) in a file that holds several."""
        if self.file.turn(pages):
            self.notice = self.file.remark
            self.models.ask()

    def _follow_file(self) -> None:
        if self.file.follow():
            self.notice = self.file.remark

    def _know(self, sample: Sample) -> None:
        if not self.kiosk:
            self._gatherer.know(self.drawing, sample)

    @cached_property
    def _gatherer(self) -> Gatherer:
        return Gatherer(self._save_folder() / GATHERED)

    def _save_folder(self) -> Path:
        return self._folder or save_folder()


def _short(path: Path) -> str:
    """A path as people write it, with ~ for the home folder."""
    try:
        return f"~{os.sep}{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)
