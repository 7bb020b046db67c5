"""The pad's window, driven as a user drives it: by mouse, finger and key, through the real event loop, off-screen."""

import math
import sys

import numpy as np
import pygame
import pytest

from digitpad import DigitPadError, ModelError
from digitpad.errors import GET_PAD
from digitpad.pad.demo import click, drag
from digitpad.pad.drawing import BRUSH
from digitpad.pad.loop import LIVE_MS, run_pad
from digitpad.recognizer import Recognizer
from tests.runtime.pad.pad_user import (
    THREE,
    accent_in,
    finger,
    finger_drag,
    part,
    post,
    press_key,
    run_python,
    tap,
    window,
)
from tests.runtime.pad.stand_in import StandIn

# From blank paper to a digit


@pytest.mark.parametrize("model", ["cnn", "mlp"])
def test_each_model_reads_a_digit_drawn_with_a_finger(make_pad, model):
    pad = make_pad(model, load=Recognizer)
    finger_drag(pad, THREE)
    tap(pad, pad.view.controls()["predict"])
    assert pad.models.answers[model].digit == 3


def test_both_models_answer_side_by_side(make_pad):
    pad = make_pad("both", load=lambda model: StandIn(model, {"cnn": 3, "mlp": 8}[model]))
    drag(pad, THREE)
    before = [part(card.rect) for card in pad.view.layout.cards]
    press_key(pad, pygame.K_RETURN)
    assert {m: a.digit for m, a in pad.models.answers.items()} == {"cnn": 3, "mlp": 8}
    for card, old in zip(pad.view.layout.cards, before, strict=True):
        assert not np.array_equal(part(card.rect), old)


def test_blank_paper_or_a_dot_is_answered_with_words_not_a_digit_and_not_kept(pad):
    for dot in (False, True):
        if dot:
            drag(pad, [(0.5, 0.5), (0.51, 0.51)])
            assert part(pad.view.layout.paper).min() < 100, "the dot is seen"
        click(pad, "predict")
        assert pad.models.answers["cnn"].status == "blank" and pad.history.entries == []
        assert not accent_in(pad.view.layout.cards[0].digit)


@pytest.mark.parametrize(("status", "certain"), [("digit", True), ("unsure", False), ("not_a_digit", False)])
def test_an_answer_to_doubt_does_not_look_like_a_certain_one(make_pad, status, certain):
    pad = make_pad(load=lambda model: StandIn(model, status=status))
    drag(pad, THREE)
    click(pad, "predict")
    assert accent_in(pad.view.layout.cards[0].digit) == certain


def test_the_picture_of_what_the_model_saw_is_shown_magnified(pad, three_read):
    box = pad.view.layout.cards[0].picture
    times = box.w // 28
    shown = part(box)[times // 2 :: times, times // 2 :: times, 0]
    assert times > 1 and np.array_equal(shown.T, pad.models.answers["cnn"].image)


def test_a_long_burst_of_events_loses_none(pad):
    points = [(0.5 + 0.4 * math.cos(i / 300), 0.5 + 0.4 * math.sin(i / 300)) for i in range(3000)]
    expected = [pad.view.in_window(x, y) for x, y in points]
    drag(pad, points)
    half = 0.5 / pad.view.layout.paper.h  # of a pixel
    drawn = [pad.view.in_window(x - half, y - half) for x, y in pad.drawing.strokes[0].points]
    assert drawn == [p for i, p in enumerate(expected) if i == 0 or p != expected[i - 1]]


# Buttons and keys


def test_what_buttons_and_keys_do(pad, three_drawn):
    """That each does the same is in test_actions.py."""
    press_key(pad, pygame.K_z)
    assert pad.drawing.strokes == []
    press_key(pad, pygame.K_z, pygame.KMOD_LSHIFT)
    assert len(pad.drawing.strokes) == 1
    press_key(pad, pygame.K_KP_ENTER)
    assert pad.models.answers["cnn"].digit == 3
    click(pad, "clear")
    assert pad.drawing.strokes == []
    click(pad, "live")
    assert pad.live
    for key, models in [(pygame.K_2, ("mlp",)), (pygame.K_3, ("cnn", "mlp")), (pygame.K_KP1, ("cnn",))]:
        press_key(pad, key)
        assert pad.models.chosen == models
    press_key(pad, pygame.K_4)
    assert pad.models.chosen == ("cnn",), "there is no fourth choice"
    press_key(pad, pygame.K_t)
    assert pad.dark
    for key, typed in [(pygame.K_h, "h"), (pygame.K_SLASH, "?"), (pygame.K_F1, "")]:
        press_key(pad, key, unicode=typed)
        assert pad.help_is_open
        press_key(pad, pygame.K_ESCAPE)
        assert not pad.help_is_open and pad.running
    tap(pad, pad.view.controls()["help"])
    tap(pad, pad.view.layout.buttons["live"])
    assert not pad.help_is_open and pad.live, "a click anywhere closes the help, and does no more"
    press_key(pad, pygame.K_ESCAPE)
    assert not pad.running


def state(pad):
    """What keys change."""
    drawing, models = pad.drawing, pad.models
    shown = pad.live, pad.erasing, pad.dark, pad.fullscreen, pad.help_is_open, pad.notice, pad.focus
    return len(drawing.strokes), drawing.label, models.up_to_date, drawing.brush, models.chosen, shown, pad.running


@pytest.mark.parametrize("held", ["LCTRL", "RCTRL", "LMETA", "RMETA", "LALT", "RALT", "MODE"])
def test_a_shortcut_of_other_programs_does_nothing_here(pad, three_drawn, held):
    """Control or Command with C copies elsewhere; here it must not clear the paper."""
    before = state(pad)
    keys = "celtfh123a"
    names = ["RETURN", "KP_ENTER", "SPACE", "ESCAPE", "TAB", "F1", "F11", "LEFTBRACKET", "PAGEDOWN", "LCTRL", "LALT"]
    for key in [*keys, *names, *("zsq" if held in ("LALT", "RALT", "MODE") else "")]:
        typed = key if len(key) == 1 else ""
        press_key(pad, getattr(pygame, f"K_{key}"), getattr(pygame, f"KMOD_{held}"), unicode=typed)
        assert state(pad) == before, key
    press_key(pad, pygame.K_3, getattr(pygame, f"KMOD_{held}") | pygame.KMOD_LSHIFT)
    assert state(pad) == before, "and no label"


@pytest.mark.parametrize("held", [pygame.KMOD_LCTRL, pygame.KMOD_RMETA])
def test_control_or_command_with_q_quits_even_from_the_help(pad, held):
    press_key(pad, pygame.K_q, held | pygame.KMOD_RALT)
    assert pad.running, "on Windows that is AltGr, which types an @"
    press_key(pad, pygame.K_h)
    press_key(pad, pygame.K_q, held)
    assert not pad.running


@pytest.mark.parametrize("typed", ["", "&", "?", "7"])
def test_shift_and_a_digit_say_what_the_drawing_is_whatever_they_type(pad, three_drawn, typed):
    press_key(pad, pygame.K_7, pygame.KMOD_LSHIFT, unicode=typed)
    assert pad.drawing.label == "7" and not pad.help_is_open


@pytest.mark.parametrize(("key", "plain", "shifted"), [("&", "&", "2"), ("[", "[", "2")])
def test_a_digit_is_known_by_its_place_on_the_keyboard(pad, three_drawn, key, plain, shifted):
    """On French keyboards, and on one for programmers, that key types a digit with Shift only."""
    place = {"key": ord(key), "scancode": pygame.KSCAN_2}
    post(pad, (pygame.KEYDOWN, place | {"mod": pygame.KMOD_LSHIFT, "unicode": shifted}))
    assert pad.drawing.label == "2"
    post(pad, (pygame.KEYDOWN, place | {"mod": 0, "unicode": plain}))
    assert (pad.models.chosen, pad.drawing.brush < BRUSH) == ((("cnn",), True) if plain == "[" else (("mlp",), False))


def test_full_screen_and_back_keeps_the_drawing(pad, three_drawn):
    kept = list(pad.drawing.strokes)
    press_key(pad, pygame.K_F11)
    assert pygame.display.get_surface().get_flags() & pygame.FULLSCREEN
    press_key(pad, pygame.K_f)
    assert not pygame.display.get_surface().get_flags() & pygame.FULLSCREEN
    assert pad.drawing.strokes == kept


def test_the_help_is_shown_and_leaves_no_trace(pad):
    before = window()
    press_key(pad, pygame.K_h)
    assert not np.array_equal(window(), before)
    press_key(pad, pygame.K_h)
    assert np.array_equal(window(), before)


def test_a_button_left_before_it_is_let_go_does_nothing(pad, three_drawn):
    rect = pad.view.controls()["clear"]
    at = (rect.x + 5, rect.y + 5)
    post(pad, (pygame.MOUSEBUTTONDOWN, {"pos": at, "button": 1}), (pygame.MOUSEBUTTONUP, {"pos": (1, 1), "button": 1}))
    assert pad.drawing.strokes


def test_other_mouse_buttons_do_not_draw(pad):
    post(pad, (pygame.MOUSEBUTTONDOWN, {"pos": pad.view.layout.paper[:2], "button": 3}))
    assert not pad.drawing.pen_is_down


def test_a_mouse_button_let_go_outside_the_window_ends_the_stroke(pad):
    x, y = pad.view.layout.paper.x + 50, pad.view.layout.paper.y + 50
    post(pad, (pygame.MOUSEBUTTONDOWN, {"pos": (x, y), "button": 1}))
    post(pad, (pygame.MOUSEMOTION, {"pos": (x + 90, y), "rel": (90, 0), "buttons": (0, 0, 0)}))
    assert not pad.drawing.pen_is_down and len(pad.drawing.strokes[0].points) == 1


# Fingers


def test_a_second_finger_does_not_disturb_the_first(pad):
    paper = pad.view.layout.paper
    x, y = paper.x + 100, paper.y + 100
    finger(pad, pygame.FINGERDOWN, x, y, 1)
    finger(pad, pygame.FINGERDOWN, x + 200, y + 200, 2)
    finger(pad, pygame.FINGERMOTION, x + 210, y + 200, 2)
    finger(pad, pygame.FINGERMOTION, x + 20, y, 1)
    tap(pad, pad.view.controls()["clear"], 3)
    finger(pad, pygame.FINGERUP, x + 200, y + 200, 2)
    finger(pad, pygame.FINGERMOTION, x + 40, y, 1)
    finger(pad, pygame.FINGERUP, x + 40, y, 1)
    assert len(pad.drawing.strokes) == 1
    assert np.allclose(
        pad.drawing.strokes[0].points, [((100 + d) / paper.h, 100 / paper.h) for d in (0, 20, 40)], atol=1e-6
    )


# Live


def test_live_predicts_while_drawing_but_not_at_every_event(make_pad):
    reader = StandIn("cnn")
    pad = make_pad(live=True, load=lambda model: reader)
    asked = reader.asked
    x, y = pad.view.layout.paper.x + 50, pad.view.layout.paper.y + 50
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(x, y), button=1))
    for ms in range(0, 1000, 5):
        pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=(x + ms // 5, y), buttons=(1, 0, 0)))
        pad.step(10_000 + ms)
    assert pad.drawing.pen_is_down
    assert asked + 5 <= reader.asked <= asked + 1 + 1000 // LIVE_MS


def test_live_rests_when_nothing_changes(make_pad):
    reader = StandIn("cnn")
    pad = make_pad(live=True, load=lambda model: reader)
    drag(pad, THREE)
    pad.step(20_000)
    asked = reader.asked
    assert not any(pad.step(20_000 + LIVE_MS * i) for i in range(1, 5))
    assert reader.asked == asked


# Window


def test_nothing_is_painted_while_nothing_changes_and_then_only_the_ink_that_is_new(pad, three_drawn):
    surface = pygame.display.get_surface()
    assert pad.view.draw(surface) == []
    pad.drawing.press(0.5, 0.5)
    pad.view.draw(surface)
    pad.drawing.move(0.51, 0.5)
    assert sum(w * h for _, _, w, h in pad.view.draw(surface)) < 60 * 60


def test_what_is_painted_bit_by_bit_is_what_is_painted_at_once(make_pad):
    pad = make_pad("both")
    for key in (pygame.K_2, pygame.K_1, pygame.K_2):
        press_key(pad, key)
    check_repaint(pad)
    for _ in range(2):
        drag(pad, THREE)
        click(pad, "predict")
        check_repaint(pad)
        click(pad, "undo")


def check_repaint(pad):
    bit_by_bit = window()
    post(pad, (pygame.WINDOWEXPOSED, {}))
    assert np.array_equal(window(), bit_by_bit)


@pytest.mark.parametrize("size", [(320, 240), (480, 320), (320, 480), (800, 480), (1280, 800), (3000, 500), (200, 150)])
def test_the_pad_can_be_used_at_any_size(make_pad, size):
    pad = make_pad(size=size)
    drag(pad, THREE)
    press_key(pad, pygame.K_RETURN)
    press_key(pad, pygame.K_3)
    press_key(pad, pygame.K_h)
    assert pad.models.answers["mlp"].digit == 3


# Models and files


def test_a_model_that_cannot_be_loaded_is_named_in_the_window_and_the_other_goes_on(make_pad):
    def load(model):
        if model == "mlp":
            raise ModelError("mlp.onnx: no such model file")
        return StandIn(model)

    pad = make_pad(load=load)
    drag(pad, THREE)
    press_key(pad, pygame.K_3)
    click(pad, "predict")
    assert pad.models.troubles == {"mlp": "mlp.onnx: no such model file"}
    assert pad.models.answers["cnn"].digit == 3 and pad.running


def test_a_model_of_ones_own_has_its_own_button_beside_the_others(make_pad, tmp_path):
    path = str(tmp_path / "mine.onnx")
    pad = make_pad(path, load=lambda model: StandIn("grandma" if model == path else model))
    assert [choice.label for choice in pad.models.choices] == ["CNN", "MLP", "Both", "grandma"]
    assert pad.models.chosen == (path,) and pad.models.labels[path] == "grandma"
    press_key(pad, pygame.K_1)
    assert pad.models.chosen == ("cnn",)
    tap(pad, pad.view.controls()["choice 3"])
    assert pad.models.chosen == (path,)


def test_a_retrained_cnn_is_not_passed_off_as_ours(make_pad, tmp_path):
    path = str(tmp_path / "mine.onnx")
    pad = make_pad(path, load=lambda model: StandIn("cnn"))
    assert pad.models.labels[path] == "cnn (mine.onnx)" and pad.models.choices[3].label == "mine"


def test_changing_the_model_answers_again_at_once(make_pad):
    pad = make_pad(load=lambda model: StandIn(model, {"cnn": 3, "mlp": 8}[model]))
    drag(pad, THREE)
    click(pad, "predict")
    press_key(pad, pygame.K_2)
    assert pad.models.up_to_date and pad.models.answers["mlp"].digit == 8


# What can go wrong at the start: one line that names the thing and what to do about it


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read"), ("{", "not valid JSON"), ('{"samples": []}', "holds no drawing")],
)
def test_a_file_that_cannot_be_opened_is_an_error(make_pad, tmp_path, content, reason):
    path = tmp_path / "drawing.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DigitPadError, match=reason):
        make_pad().open_file(path)


@pytest.mark.parametrize(("content", "said"), [(None, "no such model file"), (b"not a model", r"own\.onnx")])
def test_the_model_asked_for_must_exist_and_load(nothing_of_the_users, tmp_path, content, said):
    if content:
        (tmp_path / "own.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=said):
        run_pad(None, str(tmp_path / "own.onnx"))


OPEN = """
from digitpad.errors import DigitPadError
try:
    from digitpad.pad.window import open_window
    open_window((640, 480))
except DigitPadError as error:
    print(error)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
@pytest.mark.parametrize("environment", [{}, {"DISPLAY": ":987"}, {"SDL_VIDEODRIVER": "x11"}])
def test_without_a_display_one_line_says_so_and_points_to_the_demo(environment):
    done = run_python(OPEN, **environment)
    said = done.stdout
    assert done.stderr == "" and said.count("\n") == 1 and "no display" in said and "digitpad demo --out DIR" in said


@pytest.mark.parametrize("package", ["pygame", "platformdirs"])
@pytest.mark.parametrize("words", [["pad"], ["demo", "--out", "nowhere"]])
def test_without_a_package_that_it_needs_one_line_says_how_to_get_it(package, words):
    done = run_python(f"import sys; sys.modules['{package}'] = None; from digitpad.cli import main; main({words})")
    said = f"digitpad: the pad needs {package}, which is not installed: {GET_PAD}\n"
    assert (done.stdout, done.stderr) == ("", said)


def test_the_window_opens_quietly_and_touches_no_sound_device():
    code = (
        "import sys; from digitpad.pad.window import open_window; open_window((640, 480));"
        "mixer = sys.modules.get('pygame.mixer');"  # None on a system without the libraries that it needs
        "print(mixer and mixer.get_init())"
    )
    done = run_python(code, SDL_VIDEODRIVER="dummy")
    assert (done.stdout, done.stderr) == ("None\n", "")
