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


def run_demo(out: Path) -> int:
    """Draw on the pad by mouse, have both models read it, and save what the window shows.

    The folder `out` gets blank_tool.png, predict_0.png to predict_9.png and the moving picture pad.gif.

    Returns:
        0 if both models read every digit, else 1.

    Raises:
        DigitPadError: the folder cannot be written. ModelError: a model cannot be loaded.
    """
    # SDL reads these when the window is opened: neither a display nor a sound device is needed.
    os.environ["SDL_VIDEODRIVER"] = os.environ["SDL_AUDIODRIVER"] = "dummy"
    try:
        pad = _new_pad("both", SIZE)
        make_folder(out)
        misread = _draw_ten(pad, out)
        write_whole(out / "pad.gif", _film())
        print(f"{out}: blank_tool.png, predict_0.png to predict_9.png, pad.gif")
    finally:
        pygame.quit()
    if misread:
        print(f"{misread} of the ten digits were misread", file=sys.stderr)
    return int(misread > 0)


def _draw_ten(pad: PadWindow, out: Path) -> int:
    """Draw the ten digits; how many of them a model misread."""
    _save_window(out / "blank_tool.png")
    misread = 0
    for sample in demo_samples():
        click(pad, "clear")
        for stroke in sample.strokes:
            drag(pad, on_paper(stroke.tolist()))
        click(pad, "predict")
        _save_window(out / f"predict_{sample.label}.png")
        answers = pad.models.answers
        misread += any(str(answer.digit) != sample.label for answer in answers.values())
        said = ", ".join(f"{m}: {verdict(a)[0]} ({verdict(a)[1][0]})" for m, a in answers.items())
        print(f"{sample.label} read as {said}")
    return misread


def _film() -> bytes:
    """The pad in use as an animated GIF: two digits are drawn, read, and compared."""
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
    for digit in (7, 4):
        for stroke in demo_samples()[digit].strokes:
            events = _mouse(pad, on_paper(stroke.tolist()))
            for number, event in enumerate(events):
                pygame.event.post(event)
                if number % 4 == 3 or number == len(events) - 1:
                    show()
        press("predict", 1600)
        if digit == 7:
            press("clear", 400)
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


def on_paper(points: list[list[float]]) -> list[Point]:
    """A demo stroke's points in the pad's unit: the paper goes from (0, 0) to (1, 1)."""
    return [(x / CANVAS, y / CANVAS) for x, y in points]


def drag(pad: PadWindow, points: list[Point]) -> None:
    """Draw one stroke with the mouse; the points are on the paper, from (0, 0) to (1, 1)."""
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
