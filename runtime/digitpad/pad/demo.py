"""The real pad, used off-screen: the pictures of the README, and a check that everything works."""

import io
import os
import sys
from pathlib import Path

from PIL import Image

from digitpad.files import make_folder, write_whole
from digitpad.pad.asking import verdict
from digitpad.pad.demo_strokes import CANVAS, demo_samples
from digitpad.pad.loop import SIZE, PadWindow
from digitpad.pad.sdl import pygame
from digitpad.pad.stroke import Point
from digitpad.pad.window import open_window

FILM = (640, 400)  # the window of the moving picture
FILM_MS = 50  # how long each of its frames is shown
FILM_COLOURS = 48  # few, for a small file
NUMBER = "1984"
GAP = 0.12  # between the digits of a number, in parts of the paper


def run_demo(out: Path) -> int:
    """Draw on the pad by mouse, have both models read it, and save what the window shows.

    The folder `out` gets blank_tool.png, predict_0.png to predict_9.png, predict_number.png and the moving picture
    pad.gif.

    Returns:
        0 if both models read every digit and the number, else 1.

    Raises:
        DigitPadError: the folder cannot be written. ModelError: a model cannot be loaded.
    """
    # SDL reads these when the window is opened: neither a display nor a sound device is needed.
    os.environ["SDL_VIDEODRIVER"] = os.environ["SDL_AUDIODRIVER"] = "dummy"
    try:
        pad = _new_pad("both", SIZE)
        make_folder(out)
        misread = _draw_all(pad, out)
        write_whole(out / "pad.gif", _film())
        print(f"{out}: blank_tool.png, predict_0.png to predict_9.png, predict_number.png, pad.gif")
    finally:
        pygame.quit()
    if misread:
        print(f"{misread} of the ten digits and the number were misread", file=sys.stderr)
    return int(misread > 0)


def _draw_all(pad: PadWindow, out: Path) -> int:
    """Draw the ten digits and a number; how many of them a model misread."""
    _save_window(out / "blank_tool.png")
    misread = 0
    for text in (*"0123456789", NUMBER):
        click(pad, "clear")
        for stroke in written(pad, text):
            drag(pad, stroke)
        click(pad, "predict")
        _save_window(out / f"predict_{'number' if text == NUMBER else text}.png")
        answers = pad.models.answers
        misread += any(verdict(answer)[0] != text for answer in answers.values())
        said = ", ".join(f"{m}: {verdict(a)[0]} ({verdict(a)[1][0]})" for m, a in answers.items())
        print(f"{text} read as {said}")
    return misread


def _film() -> bytes:
    """The pad in use as an animated GIF: a digit is drawn and read, and a number, each digit of which is looked at."""
    pad = _new_pad("cnn", FILM)
    frames: list[Image.Image] = []
    shown: list[int] = []  # milliseconds

    def show(ms: int = FILM_MS) -> None:
        pad.step(0)
        frames.append(_picture())
        shown.append(ms)

    def press(control: str, ms: int) -> None:
        down, up = _press(pad, control)
        pygame.event.post(down)
        show(150)
        pygame.event.post(up)
        show(ms)

    show(600)
    for text in ("7", "42"):
        for stroke in written(pad, text):
            events = _mouse(pad, stroke)
            for number, event in enumerate(events):
                pygame.event.post(event)
                if number % 4 == 3 or number == len(events) - 1:
                    show()
        press("predict", 1600)
        if text == "7":
            press("clear", 400)
    for digit in range(2):
        x, y, w, h = pad.view.controls()[f"digit 0 {digit}"]
        pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=(x + w // 2, y + h // 2), buttons=(0, 0, 0)))
        show(1200)
    press("choice 2", 2400)
    palette = frames[-1].quantize(FILM_COLOURS, dither=Image.Dither.NONE)
    flat = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    data = io.BytesIO()
    flat[0].save(data, "GIF", save_all=True, append_images=flat[1:], duration=shown, loop=0, optimize=False)
    return data.getvalue()


def _new_pad(model: str, size: tuple[int, int]) -> PadWindow:
    open_window(size)
    pad = PadWindow(model)
    pad.shows_times = False  # they would differ from run to run, and so would the pictures
    pad.models.require()
    pad.step(0)
    return pad


def _save_window(path: Path) -> None:
    """Save what the window shows as PNG; raises DigitPadError if it cannot be written."""
    data = io.BytesIO()
    # A palette, for small files: a window has few colours.
    _picture().quantize(256, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
    write_whole(path, data.getvalue())


def _picture() -> Image.Image:
    surface = pygame.display.get_surface()
    return Image.frombytes("RGB", surface.get_size(), pygame.image.tobytes(surface, "RGB"))


def written(pad: PadWindow, text: str) -> list[list[Point]]:
    """The strokes of a digit, or of several side by side, in the middle of the pad's paper."""
    digits = [[points / CANVAS for points in demo_samples()[int(digit)].strokes] for digit in text]
    spans = [(min(p[:, 0].min() for p in digit), max(p[:, 0].max() for p in digit)) for digit in digits]
    wide = sum(right - left for left, right in spans) + GAP * (len(text) - 1)
    scale = min(1.0, 0.85 * pad.drawing.size[0] / wide)
    at, strokes = (pad.drawing.size[0] - scale * wide) / 2, []
    for digit, (left, right) in zip(digits, spans, strict=True):
        strokes += [[(at + scale * (x - left), 0.5 + scale * (y - 0.5)) for x, y in p.tolist()] for p in digit]
        at += scale * (right - left + GAP)
    return strokes


def drag(pad: PadWindow, points: list[Point]) -> None:
    """Draw one stroke with the mouse; the points are on the paper."""
    for event in _mouse(pad, points):
        pygame.event.post(event)
    pad.step(0)


def _mouse(pad: PadWindow, points: list[Point]) -> list[pygame.event.Event]:
    where = [pad.view.in_window(x, y) for x, y in points]
    return [
        pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=where[0], button=1),
        *(pygame.event.Event(pygame.MOUSEMOTION, pos=pos, rel=(0, 0), buttons=(1, 0, 0)) for pos in where[1:]),
        pygame.event.Event(pygame.MOUSEBUTTONUP, pos=where[-1], button=1),
    ]


def click(pad: PadWindow, control: str) -> None:
    """Press a button of the pad, or another control, with the mouse."""
    for event in _press(pad, control):
        pygame.event.post(event)
    pad.step(0)


def _press(pad: PadWindow, control: str) -> list[pygame.event.Event]:
    rect = pad.view.controls()[control]
    pos = (rect.x + rect.w // 2, rect.y + rect.h // 2)
    return [pygame.event.Event(kind, pos=pos, button=1) for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP)]
