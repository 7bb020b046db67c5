"""What must not bring the pad down: lost displays, closing at a bad time, lots of ink, people who press everything."""

import random
import threading

import numpy as np
import pygame
import pytest

from digitpad import DigitPadError, ModelError
from digitpad.pad.demo import click, drag
from digitpad.pad.demo_strokes import demo_samples
from digitpad.pad.drawing import BRUSH
from digitpad.pad.loop import KIOSK_MS, run_pad
from digitpad.pad.screen_ink import _disc
from digitpad.pad.window import open_window
from digitpad.stroke_files import read_samples, write_samples
from tests.runtime.pad.pad_user import THREE, finger, part, post, press_key, run_python, window
from tests.runtime.pad.stand_in import StandIn

# Display and window


def test_a_display_that_goes_away_and_comes_back_keeps_the_drawing(pad, three_drawn, monkeypatch):
    kept = list(pad.drawing.strokes)
    steps = []
    step = pad.step

    def count(now_ms):
        steps.append(now_ms)
        if len(steps) == 2:
            pygame.display.quit()
        if len(steps) == 5:
            pad.quit()
        return step(now_ms)

    monkeypatch.setattr(pad, "step", count)
    pad.run()
    assert len(steps) == 5 and pad.drawing.strokes == kept
    assert part(pad.view.layout.paper).min() < 100, "and it is shown again"


def test_a_display_that_stays_away_is_told_and_the_drawing_is_saved(pad, three_drawn, monkeypatch, tmp_path):
    def no_window(*_):
        raise DigitPadError("there is no display")

    monkeypatch.setattr("digitpad.pad.loop.open_window", no_window)
    pygame.display.quit()
    with pytest.raises(DigitPadError, match=r"the display is gone\. Saved: .*drawing-0001"):
        pad.run()
    assert len(read_samples(tmp_path / "files" / "drawing-0001.json")) == 1


def test_where_the_whole_screen_cannot_be_had_the_window_stays(pad, three_drawn, monkeypatch):
    kept = list(pad.drawing.strokes)

    def no_full_screen(size, fullscreen=False):
        if fullscreen:
            raise DigitPadError("no such mode")
        return open_window(size)

    monkeypatch.setattr("digitpad.pad.loop.open_window", no_full_screen)
    press_key(pad, pygame.K_f)
    assert not pad.fullscreen and pad.notice == "no such mode" and pad.drawing.strokes == kept
    assert part(pad.view.layout.paper).min() < 100


def test_closing_the_window_while_a_prediction_runs_ends_the_pad(make_pad):
    class Slow(StandIn):
        def predict_normalised(self, image):
            pygame.event.post(pygame.event.Event(pygame.QUIT))
            return super().predict_normalised(image)

    pad = make_pad(load=Slow)
    drag(pad, THREE)
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_RETURN))
    pad.run()
    assert not pad.running and pad.models.answers


def test_the_pad_can_be_drawn_on_and_closed_while_its_models_load(run_with):
    may_load, seen = threading.Event(), []

    def load(model):
        assert may_load.wait(20)
        return StandIn(model)

    def use(pad):
        pad.step(0)
        drag(pad, THREE)
        press_key(pad, pygame.K_RETURN)
        seen.append((len(pad.drawing.strokes), dict(pad.models.answers)))
        may_load.set()
        while not pad.models.answers:
            pygame.time.wait(1)
            pad.step(0)
        seen.append(pad.models.answers["cnn"].digit)

    assert run_with(use, load) == 0
    assert seen == [(1, {}), 3], "one draws and asks at once; the answer comes when the model is there"


def test_a_model_that_fails_to_load_after_the_window_is_there_ends_with_its_error(nothing_of_the_users, monkeypatch):
    def load(model):
        raise ModelError(f"{model}: damaged")

    monkeypatch.setattr("digitpad.pad.asking.Recognizer", load)
    with pytest.raises(ModelError, match="cnn: damaged"):
        run_pad(None)


def test_the_first_frame_is_there_before_onnxruntime_is_loaded():
    code = (
        "import os, sys, pygame\n"
        "flip = pygame.display.flip\n"
        "def first():\n"
        "    flip(); print('onnxruntime' in sys.modules, pygame.display.get_surface().get_size()); os._exit(0)\n"
        "pygame.display.flip = first\n"
        "from digitpad.pad.loop import run_pad\n"
        "run_pad(None, size=(640, 480))"
    )
    done = run_python(code, SDL_VIDEODRIVER="dummy", PYGAME_HIDE_SUPPORT_PROMPT="1")
    assert done.stdout.split("\n")[0] == "False (640, 480)", done.stderr


def test_resizing_while_drawing_goes_on_with_the_stroke(pad):
    x, y = pad.view.in_window(0.2, 0.2)
    post(pad, (pygame.MOUSEBUTTONDOWN, {"pos": (x, y), "button": 1}))
    for size in ((480, 320), (320, 480), (1280, 800), (200, 100), (800, 480)):
        pygame.display.set_mode(size, pygame.RESIZABLE)
        pad.step(0)
        post(pad, (pygame.MOUSEMOTION, {"pos": pad.view.in_window(0.5, 0.5), "buttons": (1, 0, 0)}))
        post(pad, (pygame.MOUSEMOTION, {"pos": pad.view.in_window(0.2, 0.6), "buttons": (1, 0, 0)}))
    post(pad, (pygame.MOUSEBUTTONUP, {"pos": pad.view.in_window(0.2, 0.2), "button": 1}))
    (stroke,) = pad.drawing.strokes
    assert len(stroke.points) >= 11
    grown = window()
    post(pad, (pygame.WINDOWEXPOSED, {}))
    assert np.array_equal(window(), grown)


@pytest.mark.parametrize("larger", ["wider", "higher"])
def test_a_drawing_from_a_larger_paper_lies_on_a_smaller_one_as_a_whole(make_pad, larger):
    pad = make_pad(size=(1200, 600) if larger == "wider" else (600, 2400))
    wide, high = pad.drawing.size
    drag(pad, [(0.1, 0.5), (wide - 0.1, 0.5), (wide - 0.1, high - 0.1)])
    for size in ((480, 800), (320, 240)):
        pygame.display.set_mode(size, pygame.RESIZABLE)
        pad.step(0)
        x, y = pad.view.in_window(wide - 0.1, high - 0.1)
        assert pad.view.is_on_paper(x - 2, y - 2) and window()[x - 2, y - 2].max() < 100, "and is seen there"
        drag(pad, [(0.3, 0.3), (0.4, 0.4)])
        assert np.allclose(pad.drawing.strokes[-1].points, [(0.3, 0.3), (0.4, 0.4)], atol=0.01), (
            "drawn where one points"
        )
    click(pad, "clear")
    assert pad.drawing.size[1] == 1


# Lots of ink


def test_ten_thousand_strokes(make_pad):
    pad, rng = make_pad(size=(480, 320)), random.Random(1)
    for number in range(10_000):
        x, y = rng.random(), rng.random()
        pad.drawing.press(x, y)
        pad.drawing.move(x + rng.uniform(-0.1, 0.1), y + rng.uniform(-0.1, 0.1))
        pad.drawing.lift()
        if number % 500 == 0:
            pad.view.draw(pygame.display.get_surface())
    drag(pad, THREE)
    assert len(pad.drawing.strokes) == 10_001
    bit_by_bit = window()
    pygame.display.set_mode((800, 480), pygame.RESIZABLE)
    pad.step(0)
    pygame.display.set_mode((480, 320), pygame.RESIZABLE)
    pad.step(0)
    assert np.array_equal(window(), bit_by_bit)
    click(pad, "predict")
    assert pad.models.answers["cnn"].digit == 3
    click(pad, "eraser")
    drag(pad, [(0.5, 0.4), (0.5, 0.6)])
    assert len(pad.drawing.strokes) != 10_001
    for _ in range(3):
        pad.undo()
    assert len(pad.drawing.strokes) == 9_999
    pad.clear()
    pad.undo()
    assert len(pad.drawing.strokes) == 9_999


# People who press everything


KEYS = [getattr(pygame, name) for name in dir(pygame) if name.startswith("K_")]
KEYS = [key for key in KEYS if key not in (pygame.K_ESCAPE, pygame.K_q, pygame.K_f, pygame.K_F11)]


def anything(rng, size, path):
    """One random thing a user, or the system, might do."""
    pos = rng.randrange(-50, size[0] + 50), rng.randrange(-50, size[1] + 50)
    where = {"x": pos[0] / size[0], "y": pos[1] / size[1], "touch_id": rng.randrange(2), "finger_id": rng.randrange(3)}
    return rng.choices(
        [
            (pygame.MOUSEMOTION, {"pos": pos, "rel": (0, 0), "buttons": (rng.randrange(2), 0, 0)}),
            (pygame.MOUSEBUTTONDOWN, {"pos": pos, "button": rng.choice([1, 1, 1, 2, 3, 9])}),
            (pygame.MOUSEBUTTONUP, {"pos": pos, "button": rng.choice([1, 1, 1, 2, 3, 9])}),
            (pygame.FINGERMOTION, where),
            (pygame.FINGERDOWN, where | {"pressure": rng.random()}),
            (pygame.FINGERUP, where),
            (pygame.KEYDOWN, {"key": rng.choice(KEYS), "mod": rng.choice([0, 0, 1, 64, 256]), "unicode": ""}),
            (pygame.MOUSEWHEEL, {"x": 0, "y": rng.randrange(-3, 4), "flipped": False}),
            (pygame.WINDOWFOCUSLOST, {}),
            (pygame.WINDOWEXPOSED, {}),
            (pygame.DROPFILE, {"file": str(path)}),
            (pygame.USEREVENT, {}),
        ],
        weights=[400, 60, 60, 250, 40, 40, 60, 20, 3, 3, 1, 5],
    )[0]


@pytest.mark.parametrize("seed", [1, 2])
def test_long_random_input_does_no_harm(make_pad, tmp_path, seed):
    """Twice 30,000 events."""
    resource = pytest.importorskip("resource", reason="Windows has no such module")
    write_samples(tmp_path / "all.json", demo_samples())
    rng, size, now = random.Random(seed), (480, 320), 0
    pad = make_pad(size=size)
    memory: list[int] = []
    for number in range(1500):
        for _ in range(20):
            kind, attributes = anything(rng, size, tmp_path / rng.choice(["all.json", "none.png"]))
            pygame.event.post(pygame.event.Event(kind, attributes))
        now += rng.choice([1, 10, 100, 5000])
        pad.step(now)
        if number % 100 == 99:
            size = rng.choice([(320, 240), (480, 320), (320, 480), (640, 400)])
            pygame.display.set_mode(size, pygame.RESIZABLE)
        if number in (500, 1499):
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    assert pad.running
    size = pad.drawing.size
    assert all(0 <= p[n] <= size[n] * 1.000001 for s in pad.drawing.strokes for p in s.points for n in (0, 1))
    assert len(pad.history.entries) <= 24 and _disc.cache_info().currsize <= 1024
    assert memory[1] - memory[0] < 100, "MB that 20,000 events more have cost"


# Kiosk


def test_a_kiosk_left_alone_for_a_minute_is_ready_for_the_next_visitor(make_pad):
    pad = make_pad(kiosk=True)
    blank = window()
    drag(pad, THREE)
    click(pad, "predict")
    for key in (pygame.K_3, pygame.K_l, pygame.K_RIGHTBRACKET, pygame.K_t, pygame.K_h):
        press_key(pad, key)
    pad.step(KIOSK_MS - 1)
    assert pad.drawing.strokes, "not yet"
    pad.step(KIOSK_MS)
    assert pad.drawing.is_empty and not pad.drawing.can_undo and pad.history.entries == []
    assert (pad.models.chosen, pad.live, pad.help_is_open, pad.drawing.brush) == (("cnn",), False, False, BRUSH)
    post(pad, (pygame.MOUSEMOTION, {"pos": (0, 0), "buttons": (0, 0, 0)}))
    assert np.array_equal(window(), blank)


def test_a_kiosk_that_is_used_is_not_cleared_and_no_other_pad_ever_is(make_pad):
    pad = make_pad(kiosk=True)
    drag(pad, THREE)
    for minute in range(1, 10):
        pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=(minute, 6), buttons=(0, 0, 0)))
        pad.step(minute * (KIOSK_MS - 1))
        pad.step(minute * (KIOSK_MS - 1) + KIOSK_MS // 2)
    assert pad.drawing.strokes
    usual = make_pad()
    drag(usual, THREE)
    usual.step(100 * KIOSK_MS)
    assert usual.drawing.strokes


def test_no_key_or_click_leaves_a_kiosk_without_a_chord(make_pad):
    pad = make_pad(kiosk=True)
    for name in dir(pygame):
        if name.startswith("K_"):
            press_key(pad, getattr(pygame, name), unicode="")
    for rect in pad.view.controls().values():
        post(pad, *((kind, {"pos": rect[:2], "button": 1}) for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP)))
    post(pad, (pygame.QUIT, {}))
    assert pad.running
    press_key(pad, pygame.K_q, pygame.KMOD_LCTRL)
    assert not pad.running


def test_a_touch_hides_the_pointer_and_the_mouse_shows_it_again(make_pad):
    pad = make_pad(kiosk=True)
    finger(pad, pygame.FINGERDOWN, 100, 100)
    finger(pad, pygame.FINGERUP, 100, 100)
    assert not pygame.mouse.get_visible()
    post(pad, (pygame.MOUSEMOTION, {"pos": (200, 200), "buttons": (0, 0, 0)}))
    assert pygame.mouse.get_visible()
