"""Brush, eraser, history and the Tab key: every control of the pad by mouse, finger and keyboard."""

import numpy as np
import pygame
import pytest

from digitpad.pad.demo import click, drag
from digitpad.pad.drawing import BRUSH, THICKEST, THINNEST
from tests.runtime.pad.pad_user import (
    THREE,
    accent_in,
    finger,
    finger_drag,
    focus,
    part,
    post,
    press_key,
    tap,
    window,
)


def wheel(pad, notches):
    post(pad, (pygame.MOUSEWHEEL, {"x": 0, "y": notches, "flipped": False}))


def slide(pad, part_of_way):
    rect = pad.view.layout.brush
    x, y = rect.x + rect.h / 2 + part_of_way * (rect.w - rect.h), rect.y + rect.h / 2
    start = {"pos": (rect.x + rect.w // 2, int(y)), "button": 1}
    post(
        pad,
        (pygame.MOUSEBUTTONDOWN, start),
        (pygame.MOUSEMOTION, {"pos": (round(x), int(y)), "buttons": (1, 0, 0)}),
        (pygame.MOUSEBUTTONUP, {"pos": (round(x), int(y)), "button": 1}),
    )


def inked(pad):
    """How many pixels of the paper are dark."""
    return int((part(pad.view.layout.paper).max(axis=2) < 100).sum())


# The brush


def test_the_slider_sets_the_brush(pad):
    slide(pad, 0)
    assert pad.drawing.brush == pytest.approx(THINNEST, abs=0.001)
    slide(pad, 1)
    assert pad.drawing.brush == pytest.approx(THICKEST, abs=0.001)
    slide(pad, 0.5)
    assert pad.drawing.brush == pytest.approx((THINNEST + THICKEST) / 2, abs=0.002)
    rect = pad.view.layout.brush
    finger(pad, pygame.FINGERDOWN, rect.x + 3, rect.y + 3)
    finger(pad, pygame.FINGERUP, rect.x + 3, rect.y + 3)
    assert pad.drawing.brush == THINNEST, "a finger's tap is enough"


@pytest.mark.parametrize(
    "thicker",
    [
        lambda pad, notch: wheel(pad, notch),
        lambda pad, notch: press_key(pad, pygame.K_RIGHTBRACKET if notch > 0 else pygame.K_LEFTBRACKET),
        # As on German keyboards, with what AltGr is on different systems.
        *(
            lambda pad, notch, held=held: press_key(pad, pygame.K_9, held, unicode="]" if notch > 0 else "[")
            for held in (0, pygame.KMOD_RALT, pygame.KMOD_LALT, pygame.KMOD_MODE, pygame.KMOD_LCTRL | pygame.KMOD_RALT)
        ),
    ],
)
def test_wheel_and_brackets_make_the_brush_thicker_and_thinner(pad, thicker):
    thicker(pad, 1)
    assert pad.drawing.brush > BRUSH
    thicker(pad, -1)
    assert pad.drawing.brush == pytest.approx(BRUSH)
    for _ in range(40):
        thicker(pad, -1)
    assert pad.drawing.brush == THINNEST
    for _ in range(40):
        thicker(pad, 1)
    assert pad.drawing.brush == THICKEST


def test_a_thicker_brush_leaves_more_ink_and_changes_nothing_of_the_answer(pad, three_read):
    usual, seen = inked(pad), pad.models.answers["cnn"].image
    slide(pad, 1)
    press_key(pad, pygame.K_t)
    press_key(pad, pygame.K_t)
    assert inked(pad) == usual, "a stroke keeps the brush that it was drawn with"
    click(pad, "clear")
    drag(pad, THREE)
    click(pad, "predict")
    assert inked(pad) > 1.7 * usual
    assert np.array_equal(pad.models.answers["cnn"].image, seen)


def test_a_pen_that_presses_lightly_leaves_a_thinner_line(make_pad):
    widths = []
    for pressure in (1.0, 0.2):
        pad = make_pad()
        x, y = pad.view.in_window(0.3, 0.5)
        w, h = pad.view.layout.size
        for kind, dx in ((pygame.FINGERDOWN, 0), (pygame.FINGERMOTION, 100), (pygame.FINGERUP, 200)):
            where = {"x": (x + dx) / w, "y": y / h, "pressure": pressure}
            post(pad, (kind, where | {"touch_id": 1, "finger_id": 1}))
        widths.append(inked(pad))
    assert widths[1] < 0.7 * widths[0]


# The eraser


def test_the_eraser_cuts_a_stroke_in_two(pad):
    drag(pad, [(0.1, 0.5), (0.9, 0.5)])
    click(pad, "eraser")
    drag(pad, [(0.5, 0.3), (0.5, 0.7)])
    (first, last), right = (stroke.points for stroke in pad.drawing.strokes)
    gap = BRUSH + BRUSH / 2
    assert first == pytest.approx((0.1, 0.5), abs=0.002) and last == pytest.approx((0.5 - gap, 0.5), abs=0.003)
    assert right[0] == pytest.approx((0.5 + gap, 0.5), abs=0.003)
    x, y = pad.view.in_window(0.5, 0.5)
    assert window()[x, y].min() > 200, "and the ink is gone"
    press_key(pad, pygame.K_z)
    assert len(pad.drawing.strokes) == 1, "one stroke of the eraser is one step"
    assert window()[x, y].max() < 100


def test_e_takes_the_eraser_and_gives_the_brush_back(pad):
    press_key(pad, pygame.K_e)
    assert pad.erasing
    drag(pad, THREE)
    assert pad.drawing.strokes == []
    press_key(pad, pygame.K_e)
    finger_drag(pad, THREE)
    assert len(pad.drawing.strokes) == 1
    click(pad, "eraser")
    click(pad, "clear")
    drag(pad, THREE)
    assert len(pad.drawing.strokes) == 1, "after clear one draws"


def test_erasing_makes_an_answer_old(pad, three_read):
    click(pad, "eraser")
    drag(pad, [(0.0, 0.0), (1.0, 1.0)])
    assert not pad.models.up_to_date and not accent_in(pad.view.layout.cards[0].digit)


# The history


def test_each_drawing_that_was_read_is_in_the_history_the_newest_first(pad):
    for digit in (1, 2, 3):
        pad.models.readers["cnn"].digit = digit
        drag(pad, THREE)
        click(pad, "predict")
        click(pad, "clear")
    assert [entry.answer for entry in pad.history.entries] == ["3", "2", "1"]
    seen = part(pad.view.layout.history[0])
    assert (seen.max(axis=2) < 100).any(), "it is shown"


def test_a_click_on_the_history_brings_a_drawing_back_with_its_answer(pad, three_read):
    click(pad, "clear")
    drag(pad, [(0.2, 0.2), (0.8, 0.8)])
    click(pad, "predict")
    click(pad, "history 1")
    assert len(pad.drawing.strokes[0].points) > 5 and pad.models.up_to_date
    assert len(pad.history.entries) == 2, "that is no new drawing"
    drag(pad, [(0.2, 0.2), (0.8, 0.8)])
    assert len(pad.drawing.strokes) == 2, "it can be drawn on"
    press_key(pad, pygame.K_z)
    press_key(pad, pygame.K_z)
    assert len(pad.drawing.strokes[0].points) < 5, "and bringing it back can be undone"
    tap(pad, pad.view.layout.history[1])
    assert len(pad.drawing.strokes[0].points) > 5


def test_a_drawing_that_goes_on_takes_its_own_place_in_the_history(make_pad):
    pad = make_pad(live=True)
    for ms, line in ((1000, THREE), (2000, [(0.2, 0.2), (0.8, 0.8)])):
        drag(pad, line)
        pad.step(ms)
        pad.step(ms + 500)
    assert len(pad.history.entries) == 1 and len(pad.history.entries[0].strokes) == 2


# Keyboard alone


def test_tab_visits_every_control_with_a_ring_around_it_and_enter_presses_it(pad, three_read):
    controls = list(pad.view.controls())
    visited = []
    for _ in controls:
        before = window()
        press_key(pad, pygame.K_TAB)
        visited.append(pad.focus)
        rect = pad.view.controls()[pad.focus]
        changed = (window() != before)[rect.x : rect.right, rect.y : rect.bottom].any(axis=2)
        assert changed.sum() > rect.w + rect.h, f"{pad.focus} shows that it is chosen"
    assert visited == controls
    press_key(pad, pygame.K_TAB, pygame.KMOD_LSHIFT)
    assert pad.focus == controls[-2]


def test_arrow_keys_move_the_slider_that_has_the_focus(pad):
    press_key(pad, pygame.K_RIGHT)
    assert pad.drawing.brush == BRUSH, "not before"
    focus(pad, "brush")
    press_key(pad, pygame.K_RIGHT)
    assert pad.drawing.brush > BRUSH
    press_key(pad, pygame.K_LEFT)
    press_key(pad, pygame.K_LEFT)
    assert pad.drawing.brush < BRUSH


def test_enter_predicts_again_once_the_pointer_is_used(pad):
    focus(pad, "live")
    drag(pad, THREE)
    press_key(pad, pygame.K_RETURN)
    assert pad.models.answers and not pad.live


# Fingers


@pytest.mark.parametrize("made_by", ["SDL", "an X server"])
def test_mouse_events_that_are_made_up_from_a_touch_do_not_count_twice(pad, made_by):
    rect = pad.view.controls()["live"]
    tap(pad, rect)
    if made_by == "SDL":
        at = {"pos": (rect.x + 5, rect.y + 5), "button": 1, "touch": True}
    else:
        at = {"pos": (rect.x + rect.w // 2, rect.y + rect.h // 2), "button": 1}
    click = (pygame.MOUSEBUTTONDOWN, at), (pygame.MOUSEBUTTONUP, at)
    post(pad, *click)
    assert pad.live, "pressed once, not twice"
    pad.step(10_000)
    for kind, attributes in click:
        pygame.event.post(pygame.event.Event(kind, attributes))
    pad.step(10_001)
    assert pad.live == (made_by == "SDL"), "a real click, later, does count"
