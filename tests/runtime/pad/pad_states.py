"""Every state of the pad, to be looked at, and for tests that look at all of them.

A stand-in answers here in the models' place, so that each state can be shown whatever the models say.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitpad.errors import ModelError
from digitpad.mnist_form import render_strokes
from digitpad.pad.demo import click, drag, on_paper
from digitpad.pad.demo_strokes import demo_samples
from digitpad.pad.drawing import Picture, Reader
from digitpad.pad.loop import Opened, Pad
from digitpad.pad.sdl import pygame
from digitpad.pad.window import open_window
from digitpad.recognizer import Prediction, Status

SIZES = [(320, 240), (480, 320), (800, 480), (1280, 800)]


class StandIn:
    """Answers everything that has ink in one way."""

    def __init__(self, name: str, status: Status = "digit", first: int = 7, second: int = 1, chance: float = 0.991):
        self.name = name
        self.status: Status = status
        self.probabilities = np.full(10, 0.002, np.float32)
        self.probabilities[second] = 1 - chance - 8 * 0.002 if chance < 0.98 else 0.002
        self.probabilities[first] = chance

    def predict_strokes(self, strokes: Sequence[ArrayLike]) -> Prediction:
        """Answer, whatever the strokes are."""
        return self.predict_normalised(render_strokes(strokes))

    def predict_normalised(self, image: NDArray[np.uint8]) -> Prediction:
        """Answer, whatever the image is, unless it is blank."""
        if not image.any():
            return Prediction("blank", None, 0.0, np.full(10, 0.1, np.float32), math.nan, image)
        digit = None if self.status == "not_a_digit" else int(self.probabilities.argmax())
        return Prediction(self.status, digit, float(self.probabilities.max()), self.probabilities, 0.0, image)


def show_state(state: str, size: tuple[int, int]) -> Pad:
    """Open a window of that size with a pad in one of the STATES."""
    open_window(size)
    pad = Pad(_MODEL.get(state, "cnn"), load=_LOAD.get(state, StandIn), kiosk=state == "kiosk_help")
    pad.shows_times = False
    if state != "loading":
        pad.load_models()
    pad.step(0)
    STATES[state](pad)
    pad.draw(pygame.display.get_surface())
    return pad


def _draw(pad: Pad, digit: int = 7) -> None:
    for stroke in demo_samples()[digit].strokes:
        drag(pad, on_paper(stroke.tolist()))


def _answer(pad: Pad) -> None:
    _draw(pad)
    click(pad, "predict")


def _dark(pad: Pad) -> None:
    pad.toggle_theme()
    _answer(pad)


def _live(pad: Pad) -> None:
    click(pad, "live")
    _answer(pad)


def _press_undo(pad: Pad) -> None:
    _draw(pad)
    pad.pressed, pad.hover = "undo", "clear"


def _erase(pad: Pad) -> None:
    _draw(pad, 8)
    click(pad, "eraser")
    drag(pad, [(0.1, 0.3), (0.9, 0.7)])


def _focus(pad: Pad, control: str) -> None:
    _answer(pad)
    pad.focus = control


def _say(pad: Pad, notice: str) -> None:
    _answer(pad)
    pad.notice = notice


def _remember(pad: Pad) -> None:
    for digit in range(10):
        click(pad, "clear")
        _draw(pad, digit)
        click(pad, "predict")


def _open_several(pad: Pad) -> None:
    pad.opened = Opened("my_digits.json", demo_samples(), 0)
    pad.next()


def _open_photo(pad: Pad) -> None:
    seen = render_strokes(demo_samples()[4].strokes)
    photo = 255 - np.kron(np.pad(seen, ((4, 4), (10, 10))), np.ones((10, 10), np.uint8))
    pad.drawing.put([], Picture(seen, np.repeat(photo[:, :, None], 3, axis=2)))
    pad.predict()


def _thick(pad: Pad) -> None:
    pad.set_brush(1)
    _draw(pad)
    pad.set_brush(0)
    _draw(pad, 3)


STATES: dict[str, Callable[[Pad], None]] = {
    "blank": lambda pad: None,
    "loading": lambda pad: None,
    "drawn": _draw,
    "digit": _answer,
    "close": _answer,
    "unsure": _answer,
    "not_a_digit": _answer,
    "blank_answer": lambda pad: click(pad, "predict"),
    "both": _answer,
    "dark": _dark,
    "own_model": _answer,
    "trouble": _answer,
    "live": _live,
    "pressed": _press_undo,
    "brushes": _thick,
    "eraser": _erase,
    "focus_button": lambda pad: _focus(pad, "predict"),
    "focus_slider": lambda pad: _focus(pad, "brush"),
    "focus_history": lambda pad: _focus(pad, "history 0"),
    "saved": lambda pad: _say(pad, "Saved: ~/Documents/digitpad/drawing-0001.png and .json"),
    "history": _remember,
    "several": _open_several,
    "photo": _open_photo,
    "help": lambda pad: click(pad, "help"),
    "kiosk_help": lambda pad: click(pad, "help"),
}
_MODEL = {"both": "both", "dark": "both", "own_model": str(Path("models") / "grandma.onnx")}


def _no_model(model: str) -> Reader:
    raise ModelError(f"{Path('models') / model}.onnx: no such model file; install digitpad again")


_LOAD: dict[str, Callable[[str], Reader]] = {
    "close": lambda model: StandIn(model, chance=0.8),
    "unsure": lambda model: StandIn(model, "unsure", chance=0.5),
    "not_a_digit": lambda model: StandIn(model, "not_a_digit", chance=0.4),
    "dark": lambda model: StandIn(model, chance=0.9 if model == "cnn" else 0.99, first=7 if model == "cnn" else 4),
    "own_model": lambda model: StandIn("grandma"),
    "trouble": _no_model,
}
