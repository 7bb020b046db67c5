"""The table of actions: each row can be reached by its keys, its button and the Tab key, and is in the help."""

from dataclasses import replace

import pygame
import pytest

from digitpad.pad import paint
from digitpad.pad.actions import ACTIONS, Action, Button, help_lines
from digitpad.pad.demo import click
from digitpad.pad.demo_strokes import demo_samples
from digitpad.stroke_files import write_samples
from tests.runtime.pad.pad_user import focus, press_key

CODES = {"Enter": "RETURN", "Esc": "ESCAPE", "Page Up": "PAGEUP", "Page Down": "PAGEDOWN"}
KEYS = [(name, key) for name, action in ACTIONS.items() for key in action.keys]


def type_key(pad, name, control):
    """Press a key by the name that the table gives it."""
    mod = 0
    for word, held in (("Ctrl", control), ("Shift", pygame.KMOD_LSHIFT)):
        if name.startswith(f"{word} "):
            name, mod = name.removeprefix(f"{word} "), mod | held
    code = CODES.get(name, name.lower() if len(name) == 1 else name)
    unicode = name.lower() if len(name) == 1 else ""
    press_key(pad, getattr(pygame, f"K_{code}") if code.isalnum() else ord(code), mod, unicode=unicode)


def watch(monkeypatch):
    """The names of the actions called from now on, which do nothing else."""
    done = []
    for name, action in ACTIONS.items():
        monkeypatch.setitem(ACTIONS, name, replace(action, do=lambda pad, name=name: done.append(name)))
    return done


@pytest.mark.parametrize("control", [pygame.KMOD_LCTRL, pygame.KMOD_RMETA], ids=["control", "command"])
def test_every_key_of_the_table_does_its_action_and_no_other(make_pad, monkeypatch, control):
    pad, done = make_pad(), watch(monkeypatch)
    for _, key in KEYS:
        type_key(pad, key, control)
    assert done == [name for name, _ in KEYS] and len(KEYS) == len({key for _, key in KEYS})


def test_every_button_of_the_table_is_pressed_with_the_mouse_or_the_keyboard_alone(make_pad, monkeypatch, tmp_path):
    write_samples(tmp_path / "two.json", demo_samples()[:2])
    pad = make_pad(str(tmp_path / "own.onnx"))
    pages = [press_and_list(pad, key) for key in (pygame.K_h, pygame.K_m)]
    assert pages == [["lessons"], ["newer", "older", "forget all", "close"]]
    press_key(pad, pygame.K_ESCAPE)
    pad.open_file(tmp_path / "two.json")
    click(pad, "predict")
    controls = list(pad.view.controls())
    buttons = {name for name, action in ACTIONS.items() if action.button.label} - {*pages[0], *pages[1]}
    bars = {f"bar 0 {n}" for n in range(11)}
    assert set(controls) == buttons | bars | {"brush", "history 0", *(f"choice {n}" for n in range(4))}
    done = watch(monkeypatch)
    for name in controls:
        click(pad, name)
    assert done == controls
    done.clear()
    for key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
        for _ in controls:
            press_key(pad, pygame.K_TAB)
            press_key(pad, key)
    assert done == 3 * controls


def press_and_list(pad, key):
    """The controls there are once a key was pressed."""
    press_key(pad, key)
    return list(pad.view.controls())


def test_the_help_names_every_key(make_pad):
    named = " ".join(keys for keys, _ in help_lines(make_pad())).replace(",", "").split()
    assert {"Enter", *"CZE[]123LSMTFH?Q", "Shift", "Page", "Tab", "F11", "Esc"} <= set(named)
    undone = {"S", "Shift 0 to 9", "M", "F  or  F11", "Esc  or  Q"}
    assert help_lines(make_pad(kiosk=True)) == [line for line in help_lines(make_pad()) if line[0] not in undone]


HELLO = Action(
    lambda pad: setattr(pad, "notice", "Hello"),
    keys=("X", "F5"),
    help=(16, "X", "say hello"),
    button=Button("Hello", tool=True),
)


@pytest.mark.parametrize("size", [(320, 240), (1000, 640), (480, 800)])
def test_a_row_more_is_a_button_with_its_keys_its_help_and_its_turn_with_tab(make_pad, monkeypatch, size):
    monkeypatch.setitem(ACTIONS, "hello", HELLO)
    written = []
    monkeypatch.setattr(paint, "write", lambda surface, text, *how: written.append(text))
    pad = make_pad(size=size)
    for reach in (
        lambda: press_key(pad, pygame.K_x),
        lambda: press_key(pad, pygame.K_F5),
        lambda: click(pad, "hello"),
        lambda: focus(pad, "hello") or press_key(pad, pygame.K_RETURN),
    ):
        pad.notice = ""
        reach()
        assert pad.notice == "Hello"
    press_key(pad, pygame.K_h)
    assert {"Hello", "X", "say hello"} <= set(written)


def test_a_row_that_is_not_for_a_kiosk_does_nothing_there(make_pad, monkeypatch):
    monkeypatch.setitem(ACTIONS, "hello", replace(HELLO, in_kiosk=False))
    pad = make_pad(kiosk=True)
    press_key(pad, pygame.K_x)
    click(pad, "hello")
    assert not pad.notice
    assert ("X", "say hello") in help_lines(make_pad()) and ("X", "say hello") not in help_lines(pad)
