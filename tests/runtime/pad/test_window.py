"""The pad in a real window under a virtual X server, used with real pointer and key events."""

import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import time

import pytest

pytest.importorskip("pygame")

from digitpad.pad.demo_strokes import CANVAS, demo_samples
from digitpad.pad.layout import lay_out
from digitpad.pad.paint import LIGHT, bar_places

MISSING = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {' and '.join(MISSING)}")

SIZE = (800, 480)  # of the window and of the screen: so the window lies at (0, 0)
PATIENCE = 60  # seconds after which a machine, however busy, is assumed to hang


def wait_until(true):
    """Wait for something, however long it may take on a busy machine."""
    for _ in range(PATIENCE * 10):
        if result := true():
            return result
        time.sleep(0.1)
    raise AssertionError("it did not happen")


@pytest.fixture
def x_server(tmp_path):
    """An X server without a screen: its DISPLAY, the file with its picture, and its process."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x480x24", "-fbdir", tmp_path, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        display = f":{pipe.readline().strip()}"
    yield display, tmp_path / "Xvfb_screen0", server
    server.kill()
    server.wait()


@pytest.fixture
def pad(x_server, tmp_path):
    """A pad in its window on that server: its process, and a function that does things with xdotool."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SDL_", "XDG_", "WAYLAND"))}
    environment = kept | {"DISPLAY": x_server[0], "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "digitpad", "pad", "--size", f"{SIZE[0]}x{SIZE[1]}"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def do(*words):
        done = subprocess.run(["xdotool", *map(str, words)], env=environment, capture_output=True, text=True)
        return done.stdout

    yield process, do, home
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.wait()


def pixel(screen, x, y):
    """A pixel of the server's picture, an XWD file with 32 bits a pixel."""
    data = screen.read_bytes()
    header = [int.from_bytes(data[i : i + 4], "big") for i in range(0, 100, 4)]
    start = header[0] + 12 * header[19]
    blue, green, red = data[start + y * header[12] + 4 * x :][:3]
    return red, green, blue


def test_a_digit_is_drawn_with_the_pointer_and_its_answer_is_seen(x_server, pad):
    process, do, home = pad
    layout, screen = lay_out(*SIZE), x_server[1]
    wait_until(lambda: pixel(screen, layout.paper.x + 20, layout.paper.y + 20)[0] > 240)
    (stroke,) = demo_samples()[3].strokes
    paper = layout.paper
    where = [(paper.x + round(x * paper.h), paper.y + round(y * paper.h)) for x, y in (stroke / CANVAS).tolist()]
    do("mousemove", *where[0], "mousedown", 1)
    do(*(word for at in where[1:] for word in ("mousemove", *at)))
    do("mouseup", 1)
    wait_until(lambda: max(pixel(screen, *where[len(where) // 2])) < 100)
    button, digit = layout.buttons["predict"], layout.cards[0].digit
    do("mousemove", button.x + button.w // 2, button.y + button.h // 2, "click", 1)
    places = [(x, y) for x in range(digit.x, digit.right, 3) for y in range(digit.y, digit.bottom, 3)]
    wait_until(lambda: any(pixel(screen, *at) == LIGHT.accent for at in places[:: max(1, len(places) // 300)]))
    do("key", "s")
    saved = wait_until(lambda: [p for p in home.rglob("drawing-0001.json") if p.stat().st_size])
    content = json.loads(saved[0].read_bytes())
    assert content["meta"]["answers"]["cnn"]["digit"] == 3
    drawn = content["samples"][0]["strokes"][0]
    assert len(drawn) == len(dict.fromkeys(where)), "each place the pointer was at, and no other"
    do("key", "Escape")
    assert process.wait(PATIENCE) == 0
    assert process.stdout.read() == ""
    assert list(home.rglob("pad.json")), "the settings are kept"


def test_when_the_x_server_dies_the_drawing_is_saved_and_one_line_says_so(x_server, pad):
    process, do, home = pad
    layout = lay_out(*SIZE)
    x, y = layout.paper.x + 100, layout.paper.y + 100
    wait_until(lambda: pixel(x_server[1], x, y)[0] > 240)
    do("mousemove", x, y, "mousedown", 1, "mousemove", x + 100, y + 60, "mouseup", 1)
    wait_until(lambda: max(pixel(x_server[1], x, y)) < 100)
    x_server[2].kill()
    assert process.wait(PATIENCE) == 1
    (line,) = process.stdout.read().splitlines()
    assert line.startswith("digitpad: the display is gone. Saved: ~") and "drawing-0001.png" in line
    assert list(home.rglob("drawing-0001.json"))


def test_what_is_misread_is_corrected_by_one_touch_and_read_when_it_is_drawn_again(x_server, pad):
    """Draw, misread, correct by touch, draw again, read."""
    process, do, home = pad
    layout, screen = lay_out(*SIZE), x_server[1]
    card, paper = layout.cards[0], layout.paper
    wait_until(lambda: pixel(screen, paper.x + 20, paper.y + 20)[0] > 240)
    # A one that leans so far that every shipped model takes it for a seven.
    (stroke,) = demo_samples()[1].strokes
    angle = math.radians(30)
    turned = (stroke / CANVAS - 0.5) @ [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]] + 0.5
    where = [(paper.x + round(x * paper.h), paper.y + round(y * paper.h)) for x, y in turned.tolist()]

    def press(rect):
        do("mousemove", rect.x + rect.w // 2, rect.y + rect.h // 2, "click", 1)

    def draw_and_predict():
        do("mousemove", *where[0], "mousedown", 1)
        do(*(word for at in where[1:] for word in ("mousemove", *at)))
        do("mouseup", 1)
        wait_until(lambda: max(pixel(screen, *where[len(where) // 2])) < 100)
        press(layout.buttons["predict"])

    def read():
        """Which digit's bar has the colour of the answer."""
        bars = bar_places(card.bars, layout.small)
        data = [[pixel(screen, x, y) for x in range(r.x, r.right, 2)] for r in bars for y in [r.y + r.h // 2]]
        return next((n for n, row in enumerate(data) if LIGHT.accent in row), None)

    draw_and_predict()
    wait_until(lambda: read() == 7)
    press(bar_places(card.bars, layout.small)[1])
    wait_until(lambda: read() == 1)
    (file,) = home.rglob("my_digits.json")
    assert [sample["label"] for sample in json.loads(file.read_bytes())["samples"]] == ["1"]
    press(layout.tools[3])  # clear
    wait_until(lambda: read() is None)
    draw_and_predict()
    wait_until(lambda: read() == 1)
    do("key", "Escape")
    assert process.wait(PATIENCE) == 0 and process.stdout.read() == ""
