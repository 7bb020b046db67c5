"""Ten digits drawn through the real pad, off-screen: the pictures of the README, and a check that all works."""

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from digitpad.drawing import verdict
from digitpad.files import write_whole
from digitpad.lines import Point
from digitpad.saving import make_folder
from digitpad.strokes import Sample, read_samples

if TYPE_CHECKING:
    from digitpad.pad import Pad

CANVAS = 1000.0  # demo_strokes.json was drawn on a paper of 1000 by 1000


def demo_samples() -> list[Sample]:
    """The ten demo digits, 0 to 9, drawn for this project; x and y go from 0 to 1000 on the pad's paper."""
    return read_samples(Path(__file__).with_name("demo_strokes.json"))


def run_demo(out: Path) -> int:
    """Draw a blank and ten digits on the pad by mouse, have both models read them, and save what the window shows.

    Args:
        out: the folder for blank_tool.png and predict_0.png to predict_9.png; made if it is not there.

    Returns:
        0 if both models read every digit, else 1.

    Raises:
        DigitPadError: pygame is missing, or the folder cannot be written. ModelError: a model cannot be loaded.
    """
    # SDL reads these when the window is opened: no display and no sound device is needed.
    os.environ["SDL_VIDEODRIVER"] = os.environ["SDL_AUDIODRIVER"] = "dummy"
    from digitpad import pad as window  # before pygame: it says what to do if that is missing

    pad = window.Pad("both")
    pad.shows_times = False  # they differ from run to run; the pictures are the same every time
    import pygame

    def save(name: str) -> None:
        data = io.BytesIO()
        pygame.image.save(screen, data, name)
        write_whole(out / name, data.getvalue())

    misread = 0
    try:
        screen = window.open_window(window.SIZE)
        pad.require_models()
        make_folder(out)
        pad.step(0)
        save("blank_tool.png")
        for sample in demo_samples():
            click(pad, "clear")
            for stroke in sample.strokes:
                drag(pad, [(x / CANVAS, y / CANVAS) for x, y in stroke.tolist()])
            click(pad, "predict")
            save(f"predict_{sample.label}.png")
            answers = pad.drawing.answers
            misread += any(str(answer.digit) != sample.label for answer in answers.values())
            said = ", ".join(f"{m}: {verdict(a)[0]} ({verdict(a)[1][0]})" for m, a in answers.items())
            print(f"{sample.label} read as {said}")
    finally:
        pygame.quit()
    print(f"{out}: blank_tool.png, predict_0.png to predict_9.png")
    if misread:
        print(f"{misread} of the ten digits were misread", file=sys.stderr)
    return int(misread > 0)


def drag(pad: "Pad", points: list[Point]) -> None:
    """Draw one stroke with the mouse; the points are on the paper, from (0, 0) to (1, 1)."""
    import pygame

    paper = pad.view.layout.paper
    where = [(paper.x + round(x * paper.w), paper.y + round(y * paper.h)) for x, y in points]
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=where[0], button=1))
    for pos in where[1:]:
        pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=pos, rel=(0, 0), buttons=(1, 0, 0)))
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=where[-1], button=1))
    pad.step(0)


def click(pad: "Pad", button: str) -> None:
    """Press a button of the pad, or another control, with the mouse."""
    import pygame

    rect = pad.view.controls()[button]
    pos = (rect.x + rect.w // 2, rect.y + rect.h // 2)
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=pos, button=1))
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=pos, button=1))
    pad.step(0)
