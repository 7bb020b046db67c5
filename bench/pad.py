"""What the pad costs: start, frames while drawing, live predictions, idling.

    python -m bench.pad [--window]

Without --window it measures off-screen. Times of the processor, not of the clock, where another program may be in the
way; the start is compared with that of a Python that does no more than import the pad's libraries, by turns.
"""

import argparse
import itertools
import math
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

RUNTIME = Path(__file__).parents[1] / "runtime"

ENVIRONMENT = os.environ | {"PYTHONPATH": str(RUNTIME), "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
IMPORTS = "import pygame, numpy, onnxruntime"
# Ends the pad as soon as its first frame is shown.
FIRST_FRAME = """
import os, pygame
flip = pygame.display.flip
def first():
    flip()
    os._exit(0)
pygame.display.flip = first
from digitpad.cli import main
main(["pad", "--size", "1280x800"])
"""


def run_time(code: str) -> tuple[float, float]:
    """Seconds of the clock and of the processor that a Python with this code takes."""
    before, started = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
    after = os.times()
    taken = time.perf_counter() - started
    return taken, after.children_user + after.children_system - before.children_user - before.children_system


def measure_start(rounds: int = 7) -> None:
    """From the command to the first frame."""
    pairs = [(run_time(IMPORTS), run_time(FIRST_FRAME)) for _ in range(rounds)]
    for number, name in enumerate(("clock", "processor")):
        imports, first = (statistics.median(pair[side][number] for pair in pairs) * 1000 for side in (0, 1))
        print(f"start to first frame, {name}: {first:.0f} ms; `{IMPORTS}`: {imports:.0f} ms; {first - imports:+.0f} ms")


def measure_frames(seconds: float = 5, rate: int = 1000) -> None:
    """Draw a spiral at 1280x800, with `rate` events a second that come while the frames are painted."""
    from digitpad.pad.loop import PadWindow
    from digitpad.pad.sdl import pygame
    from digitpad.pad.window import open_window

    open_window((1280, 800))
    pad = PadWindow("cnn")
    pad.models.require()
    pad.step(0)
    paper, count = pad.view.layout.paper, int(seconds * rate)
    spiral = [(i / 400, 0.1 + 0.35 * i / count) for i in range(count)]
    where = [
        (paper.x + round(paper.w * (0.5 + r * math.cos(a))), paper.y + round(paper.h * (0.5 + r * math.sin(a))))
        for a, r in spiral
    ]

    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=where[0], button=1))
    cost: list[float] = []
    lasted: list[float] = []
    clock, sent, begun = pygame.time.Clock(), 0, time.perf_counter()
    while sent < count:
        due = min(int((time.perf_counter() - begun) * rate), count)  # what has come since the last frame
        for pos in where[sent:due]:
            pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=pos, buttons=(1, 0, 0)))
        sent = due
        processor, started = time.thread_time(), time.perf_counter()
        if pad.step(pygame.time.get_ticks()):
            cost.append((time.thread_time() - processor) * 1000)
            lasted.append((time.perf_counter() - started) * 1000)
        clock.tick(120)
    different = 1 + sum(a != b for a, b in itertools.pairwise(where))
    kept = sum(len(stroke.points) for stroke in pad.drawing.strokes)
    print(f"events: {count} sent at {rate} a second, {different} of them to a new place, {kept} in the drawing")
    for name, values in (("processor", cost), ("clock", lasted)):
        values.sort()
        marks = [values[int(len(values) * part)] for part in (0.5, 0.99)]
        print(f"frame at 1280x800, {name}: median {marks[0]:.2f}, 99 of 100 {marks[1]:.2f}, most {values[-1]:.2f} ms")
    pygame.quit()


def measure_idle(seconds: float = 30) -> None:
    """Leave the pad alone."""
    from digitpad.pad.loop import PadWindow
    from digitpad.pad.sdl import pygame
    from digitpad.pad.window import open_window

    open_window((1280, 800))
    pad = PadWindow("cnn")
    pad.models.require()
    threading.Timer(seconds, pad.quit).start()
    pad.step(0)
    before, started = time.process_time(), time.perf_counter()
    pad.run()
    share = (time.process_time() - before) / (time.perf_counter() - started)
    print(f"idle: {100 * share:.2f} % of a core")
    pygame.quit()


def measure_live() -> None:
    """Draw a circle, slowly enough for each of ten predictions a second to have something new to see, and swiftly."""
    for on, rate in ((False, 10), (True, 10), (False, 60), (True, 60)):
        share, per_second = live(rate, on)
        print(f"pen down, {rate} new points and {per_second:.1f} predictions a second: {100 * share:.2f} % of a core")


def live(rate: int, on: bool = True, seconds: float = 15) -> tuple[float, float]:
    """Share of a core while `rate` points a second are drawn, in live mode or not; and predictions a second."""
    from digitpad.pad.loop import PadWindow
    from digitpad.pad.sdl import pygame
    from digitpad.pad.window import open_window

    open_window((1280, 800))
    pad = PadWindow("cnn", live=on)
    pad.models.require()
    pad.step(0)
    predictions = count_calls(pad, "_predict_live")
    paper, count = pad.view.layout.paper, int(seconds * rate)
    where = [
        (
            round(paper.x + paper.w * (0.5 + 0.3 * math.cos(6 * i / count))),
            round(paper.y + paper.h * (0.5 + 0.3 * math.sin(6 * i / count))),
        )
        for i in range(count)
    ]
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=where[0], button=1))

    def draw() -> None:
        for pos in where:
            pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=pos, buttons=(1, 0, 0)))
            time.sleep(1 / rate)
        pad.quit()

    threading.Thread(target=draw, daemon=True).start()
    before, started = time.process_time(), time.perf_counter()
    pad.run()
    lasted = time.perf_counter() - started
    share = (time.process_time() - before) / lasted
    pygame.quit()
    return share, len(predictions) / lasted


def count_calls(pad: object, name: str) -> list[None]:
    """Let a method of the pad leave a mark each time that it is called."""
    calls: list[None] = []
    method = getattr(pad, name)

    def counted() -> None:
        calls.append(None)
        method()

    setattr(pad, name, counted)
    return calls


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--window", action="store_true", help="open real windows")
    if not options.parse_args().window:
        os.environ["SDL_VIDEODRIVER"] = ENVIRONMENT["SDL_VIDEODRIVER"] = "dummy"
    measure_start()
    measure_frames()
    measure_idle()
    measure_live()
