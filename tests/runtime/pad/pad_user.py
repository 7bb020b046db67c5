"""A user of the pad, for the tests: mouse, fingers and keys through the real event loop, off-screen."""

import os
import subprocess
import sys

os.environ["SDL_VIDEODRIVER"] = os.environ["SDL_AUDIODRIVER"] = "dummy"

import pygame

from digitpad.pad.demo import click, drag
from digitpad.pad.demo_strokes import CANVAS, demo_samples
from digitpad.pad.paint import LIGHT
from digitpad.stroke_files import read_samples, write_samples

_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "SDL_VIDEODRIVER")
SHIFT = pygame.KMOD_LSHIFT
THREE = [(x, y) for x, y in (demo_samples()[3].strokes[0] / CANVAS).tolist()]


def run_python(code, **environment):
    """Run a program in its own process, with no display unless `environment` names one."""
    kept = {k: v for k, v in os.environ.items() if k not in _DISPLAY}
    kept["PYTHONPATH"] = os.pathsep.join(sys.path)
    return subprocess.run([sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True)


def draw_digit(pad, digit=7):
    for stroke in demo_samples()[digit].strokes:
        drag(pad, (stroke / CANVAS).tolist())


def post(pad, *events):
    for kind, attributes in events:
        pygame.event.post(pygame.event.Event(kind, attributes))
    pad.step(0)


def press_key(pad, key, mod=0, unicode=""):
    post(pad, (pygame.KEYDOWN, {"key": key, "mod": mod, "unicode": unicode}), (pygame.KEYUP, {"key": key, "mod": mod}))


def focus(pad, control):
    while pad.focus != control:
        press_key(pad, pygame.K_TAB)


def finger(pad, kind, x, y, finger_id=0):
    width, height = pad.view.layout.size
    position = {"x": x / width, "y": y / height, "dx": 0, "dy": 0}
    post(pad, (kind, position | {"touch_id": 7, "finger_id": finger_id}))


def tap(pad, rect, finger_id=0):
    for kind in (pygame.FINGERDOWN, pygame.FINGERUP):
        finger(pad, kind, rect.x + rect.w / 2, rect.y + rect.h / 2, finger_id)


def finger_drag(pad, points):
    places = [pad.view.in_window(x, y) for x, y in points]
    finger(pad, pygame.FINGERDOWN, *places[0])
    for place in places[1:]:
        finger(pad, pygame.FINGERMOTION, *place)
    finger(pad, pygame.FINGERUP, *places[-1])


def window():
    return pygame.surfarray.array3d(pygame.display.get_surface())


def part(rect):
    return window()[rect.x : rect.right, rect.y : rect.bottom]


def accent_in(rect):
    """Whether something in a part of the window has the accent's colour."""
    return (part(rect) == LIGHT.accent).all(axis=2).any()


def label(pad, digit):
    press_key(pad, getattr(pygame, f"K_{digit}"), SHIFT)


def draw_and_label(pad, digit, as_what):
    draw_digit(pad, digit)
    click(pad, "predict")
    label(pad, as_what)


def gathered(tmp_path):
    """The labels in the file of gathered drawings, and how many of the drawings differ."""
    samples = read_samples(tmp_path / "files" / "my_digits.json")
    return [s.label for s in samples], len({str([points.tolist() for points in s.strokes]) for s in samples})


def drop(pad, path):
    post(pad, (pygame.DROPFILE, {"file": str(path)}))


def several(tmp_path):
    write_samples(tmp_path / "all.json", demo_samples())
    return tmp_path / "all.json"
