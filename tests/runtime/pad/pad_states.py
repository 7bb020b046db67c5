"""Every state of the pad, to look at, and for tests that look at all of them.

A stand-in answers in place of the models, so that each state can be shown whatever the models say.
"""

import tempfile
from pathlib import Path

import numpy as np

from digitpad.errors import ModelError
from digitpad.mnist_form import render_strokes
from digitpad.pad.demo import click, drag
from digitpad.pad.demo_strokes import demo_samples
from digitpad.pad.drawing import Picture
from digitpad.pad.loop import PadWindow
from digitpad.pad.opened_file import Page
from digitpad.pad.sdl import pygame
from digitpad.pad.window import open_window
from digitpad.reader import Readings
from tests.runtime.pad.pad_user import draw_digit
from tests.runtime.pad.stand_in import StandIn

_FOLDER = tempfile.TemporaryDirectory()  # for what is learned
SIZES = [(320, 240), (480, 320), (800, 480), (1280, 800)]


def show_state(state, size):
    """Open a window of that size with a pad in one of the STATES."""
    open_window(size)
    hand = Path(_FOLDER.name) / "my_digits.json"
    hand.unlink(missing_ok=True)
    pad = PadWindow(_MODEL.get(state, "cnn"), load=_LOAD.get(state, _reads()), kiosk=state == "kiosk_help", hand=hand)
    pad.shows_times = False
    if state != "loading":
        pad.models.load()
    pad.step(0)
    STATES[state](pad)
    pad.view.draw(pygame.display.get_surface())
    return pad


def _answer(pad):
    draw_digit(pad)
    click(pad, "predict")


def _answered(**changes):
    """What answers, and then changes attributes of the pad."""

    def change(pad):
        _answer(pad)
        vars(pad).update(changes)

    return change


def _press_undo(pad):
    draw_digit(pad)
    pad.pressed, pad.hover = "undo", "clear"


def _erase(pad):
    draw_digit(pad, 8)
    click(pad, "eraser")
    drag(pad, [(0.1, 0.3), (0.9, 0.7)])


def _remember(pad):
    for digit in range(10):
        click(pad, "clear")
        draw_digit(pad, digit)
        click(pad, "predict")


def _open_several(pad):
    pad.file.page = Page("my_digits.json", demo_samples(), 0)
    pad.turn(1)


def _open_photo(pad):
    seen = render_strokes(demo_samples()[4].strokes)
    photo = 255 - np.kron(np.pad(seen, ((4, 4), (10, 10))), np.ones((10, 10), np.uint8))
    pad.drawing.put([], Picture(Readings(seen[None]), np.repeat(photo[:, :, None], 3, axis=2)))
    pad.predict()


def _thick(pad):
    pad.set_brush(1)
    draw_digit(pad)
    pad.set_brush(0)
    draw_digit(pad, 3)


def _learn(pad):
    for digit in range(10):
        click(pad, "clear")
        draw_digit(pad, digit)
        click(pad, "predict")
        click(pad, f"bar 0 {digit or 10}")


def _show_lessons(pad):
    _learn(pad)
    click(pad, "help")
    click(pad, "lessons")


STATES = {
    "blank": lambda pad: None,
    "loading": lambda pad: None,
    "drawn": draw_digit,
    "digit": _answer,
    "close": _answer,
    "unsure": _answer,
    "not_a_digit": _answer,
    "blank_answer": lambda pad: click(pad, "predict"),
    "both": _answer,
    "number": _answer,
    "unsure_number": _answer,
    "both_numbers": _answer,
    "rows": _answer,
    "long_number": _answer,
    "focus_digit": _answered(focus="digit 0 2"),
    "dark": _answered(dark=True),
    "own_model": _answer,
    "trouble": _answer,
    "live": _answered(live=True),
    "pressed": _press_undo,
    "brushes": _thick,
    "eraser": _erase,
    "focus_button": _answered(focus="predict"),
    "focus_slider": _answered(focus="brush"),
    "focus_history": _answered(focus="history 0"),
    "saved": _answered(notice="Saved: ~/Documents/digitpad/drawing-0001.png and .json"),
    "history": _remember,
    "learned": _learn,
    "over_a_bar": _answered(hover="bar 0 4"),
    "focus_bar": _answered(focus="bar 0 10"),
    "lessons": _show_lessons,
    "no_lessons": lambda pad: pad.show_lessons(),
    "forget_all": lambda pad: (_show_lessons(pad), click(pad, "forget all")),
    "several": _open_several,
    "photo": _open_photo,
    "help": lambda pad: click(pad, "help"),
    "kiosk_help": lambda pad: click(pad, "help"),
}
_MODEL = {"both": "both", "both_numbers": "both", "dark": "both", "own_model": str(Path("models") / "grandma.onnx")}


def _reads(digit=7, status="digit", chance=0.991):
    return lambda model: StandIn(model, digit, status, chance)


def _no_model(model):
    raise ModelError(f"{Path('models') / model}.onnx: no such model file; install digitpad again")


_LOAD = {
    "close": _reads(chance=0.8),
    "unsure": _reads(status="unsure", chance=0.5),
    "not_a_digit": _reads(status="not_a_digit", chance=0.4),
    "number": _reads("19?84"),
    "unsure_number": _reads("1984", "unsure", 0.5),
    "both_numbers": lambda model: StandIn(model, {"cnn": "1984", "mlp": "1?7?84"}[model], chance=0.9),
    "rows": _reads("1984\n42"),
    "long_number": _reads("3141592653"),
    "focus_digit": _reads("1984"),
    "dark": lambda model: StandIn(model, 7, chance=0.9) if model == "cnn" else StandIn(model, 4, chance=0.99),
    "own_model": lambda model: StandIn("grandma", 7, chance=0.991),
    "trouble": _no_model,
}
