"""What the pad costs: starting, painting frames, being left alone, live predictions.

`python -m bench.pad` measures off-screen. Times are processor time where another program could disturb the clock; the
start is compared with that of a Python that only imports the pad's libraries, by turns.
"""

import itertools
import math
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from digitpad.pad.demo import written
from digitpad.pad.loop import PadWindow
from digitpad.pad.sdl import pygame
from digitpad.pad.window import open_window

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "runtime")}
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


def at_rest(seconds: float = 20) -> tuple[float, float]:
    """Share of a core that an open pad takes while nobody touches it, and its peak memory in MiB, as /proc reports."""
    command = [sys.executable, "-m", "digitpad", "pad"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            time.sleep(10)  # until it has started
            before = processor_seconds(child.pid)
            time.sleep(seconds)
            share = (processor_seconds(child.pid) - before) / seconds
            lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
        finally:
            child.kill()
    return share, next(int(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM"))


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def live(rate: int, seconds: float = 15) -> tuple[float, float]:
    """Share of a core while `rate` points a second are drawn in live mode; and predictions a second."""
    pad = open_pad(live=True)
    predictions: list[None] = []
    predict = pad._predict_live

    def counted() -> None:
        predictions.append(None)
        predict()

    pad._predict_live = counted  # type: ignore[method-assign]
    count = int(seconds * rate)
    circle = [(0.5 + 0.3 * math.cos(6 * i / count), 0.5 + 0.3 * math.sin(6 * i / count)) for i in range(count)]
    where = on_paper(pad, circle)
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


def measure_start(rounds: int = 7) -> None:
    """From the command to the first frame."""
    pairs = [(run_time(IMPORTS), run_time(FIRST_FRAME)) for _ in range(rounds)]
    for number, name in enumerate(("clock", "processor")):
        imports, first = (statistics.median(pair[side][number] for pair in pairs) * 1000 for side in (0, 1))
        print(f"start to first frame, {name}: {first:.0f} ms; `{IMPORTS}`: {imports:.0f} ms; {first - imports:+.0f} ms")


def measure_frames(seconds: float = 5, rate: int = 1000) -> None:
    """Draw a spiral with `rate` events a second, which arrive while the frames are painted."""
    pad, count = open_pad(), int(seconds * rate)
    spiral = [(i / 400, 0.1 + 0.35 * i / count) for i in range(count)]
    where = on_paper(pad, [(0.5 + r * math.cos(a), 0.5 + r * math.sin(a)) for a, r in spiral])
    print_frames("frame at 1280x800", pad, [where], rate)
    different = 1 + sum(a != b for a, b in itertools.pairwise(where))
    kept = sum(len(stroke.points) for stroke in pad.drawing.strokes)
    print(f"events: {count} sent at {rate} a second, {different} of them to a new place, {kept} in the drawing")
    pygame.quit()


def measure_number(number: str = "271828", rate: int = 200) -> None:
    """Draw a number in live mode, read by both models."""
    pad = open_pad(live=True, model="both")
    strokes = [[pad.view.in_window(x, y) for x, y in stroke] for stroke in written(pad, number)]
    print_frames(f"frame while {number} is drawn live", pad, strokes, rate)
    pygame.quit()


def print_frames(what: str, pad: PadWindow, strokes: list[list[tuple[int, int]]], rate: int) -> None:
    """Draw strokes, places in the window, with `rate` events a second, and print what the frames cost."""
    cost: list[float] = []
    lasted: list[float] = []
    for where in strokes:
        pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=where[0], button=1))
        clock, sent, begun = pygame.time.Clock(), 0, time.perf_counter()
        while sent < len(where):
            due = min(int((time.perf_counter() - begun) * rate), len(where))  # what has arrived since the last frame
            for pos in where[sent:due]:
                pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=pos, buttons=(1, 0, 0)))
            sent = due
            processor, started = time.thread_time(), time.perf_counter()
            if pad.step(pygame.time.get_ticks()):
                cost.append((time.thread_time() - processor) * 1000)
                lasted.append((time.perf_counter() - started) * 1000)
            clock.tick(120)
        pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=where[-1], button=1))
    for name, values in (("processor", cost), ("clock", lasted)):
        values.sort()
        marks = [values[int(len(values) * part)] for part in (0.5, 0.99)]
        print(f"{what}, {name}: median {marks[0]:.2f}, 99 of 100 {marks[1]:.2f}, most {values[-1]:.2f} ms")


def open_pad(live: bool = False, model: str = "cnn") -> PadWindow:
    """A pad in a window of 1280x800, its models loaded."""
    open_window((1280, 800))
    pad = PadWindow(model, live=live)
    pad.models.require()
    pad.step(0)
    return pad


def on_paper(pad: PadWindow, points: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """Points in parts of the paper as places in the window."""
    paper = pad.view.layout.paper
    return [(round(paper.x + paper.w * x), round(paper.y + paper.h * y)) for x, y in points]


def run_time(code: str) -> tuple[float, float]:
    """Wall and processor seconds that a Python takes to run this code."""
    before, started = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
    after = os.times()
    taken = time.perf_counter() - started
    return taken, after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    os.environ["SDL_VIDEODRIVER"] = ENVIRONMENT["SDL_VIDEODRIVER"] = "dummy"
    measure_start()
    measure_frames()
    measure_number()
    print(f"idle: {at_rest()[0]:.2%} of a core")
    for rate in (10, 60):  # slow enough for each prediction to have something new to see, and fast
        share, per_second = live(rate)
        print(f"pen down, {rate} new points and {per_second:.1f} predictions a second: {share:.2%} of a core")
