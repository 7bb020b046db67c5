"""Mouse, fingers and keys: each event becomes calls on the pad."""

from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path

from digitpad.pad.actions import action_of, perform
from digitpad.pad.pad import Pad
from digitpad.pad.sdl import pygame
from digitpad.pad.view import View

ECHO_MS = 500  # a mouse event this soon after a finger's, at the same place, is a copy of it
_DIGITS = {getattr(pygame, f"K_{pad}{n}"): n for pad in ("", "KP") for n in range(10)}
_SCANCODES = {getattr(pygame, f"KSCAN_{n}"): n for n in range(10)}
_NAMES = {"Return": "Enter", "Escape": "Esc"}  # where pygame's names differ
_WITH_LESSONS = ("lessons", "previous", "next", "theme", "full screen", "leave")  # while these are shown
_ARROWS = {"Left": -1, "Down": -1, "Right": 1, "Up": 1}


class Events:
    """Turns events into what they ask for. One pointer counts at a time: a resting hand does not draw."""

    def __init__(self, pad: Pad, view: View) -> None:
        self._pad = pad
        self._view = view
        self._now_ms = 0
        self._pointer: Hashable = None  # the one mouse or finger that is down and counts
        self._finger = (-ECHO_MS, 0.0, 0.0)  # when and where in the window a finger was last
        self._cursor = 0  # how wide the pointer's ring is; 0: it is an arrow

    def handle(self, event: pygame.event.Event, now_ms: int) -> None:
        """Do what an event asks for."""
        self._now_ms = now_ms
        if event.type == pygame.QUIT:
            perform(self._pad, "quit")
        elif event.type == pygame.KEYDOWN:
            self._key(event)
        elif event.type in (pygame.FINGERDOWN, pygame.FINGERMOTION, pygame.FINGERUP):
            self._touch(event)
        elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION, pygame.MOUSEBUTTONUP):
            if not self._is_echo(event):
                self._mouse(event)
        elif event.type == pygame.MOUSEWHEEL:
            if not self._view.is_covered:
                self._pad.thicken(event.y)
                self._show_cursor()
        elif event.type == pygame.DROPFILE:
            self._pad.open_dropped(Path(event.file))
        elif event.type == pygame.WINDOWFOCUSLOST:
            self.let_go()
        elif event.type == pygame.WINDOWEXPOSED:
            self._view.forget()

    def let_go(self) -> None:
        """Assume that no pointer is down any more."""
        self._pointer = None
        self._pad.let_go()

    # Pointers

    def _touch(self, event: pygame.event.Event) -> None:
        width, height = self._view.layout.size
        x, y = event.x * width, event.y * height
        self._finger = self._now_ms, x, y
        finger = (event.touch_id, event.finger_id)
        if event.type == pygame.FINGERDOWN:
            with suppress(pygame.error):
                pygame.mouse.set_visible(False)
            self._pad.hover = None
            self._down(finger, x, y, _pressure(event))
        elif event.type == pygame.FINGERMOTION:
            self._move(finger, x, y, _pressure(event))
        else:
            self._up(finger, x, y)

    def _is_echo(self, event: pygame.event.Event) -> bool:
        """Whether a mouse event is a copy of a finger's: SDL says so of those it makes, an X server does not."""
        when, x, y = self._finger
        near = abs(event.pos[0] - x) <= 3 and abs(event.pos[1] - y) <= 3
        return bool(getattr(event, "touch", False)) or (near and self._now_ms - when < ECHO_MS)

    def _mouse(self, event: pygame.event.Event) -> None:
        # A pixel's middle, not its corner, is where the pointer is.
        x, y = event.pos[0] + 0.5, event.pos[1] + 0.5
        if event.type == pygame.MOUSEMOTION:
            if self._pointer == "mouse" and not event.buttons[0]:
                self.let_go()  # the button came up where we could not see it
            with suppress(pygame.error):
                pygame.mouse.set_visible(True)
            self._pad.hover = self._view.at(x, y)
            self._show_cursor(self._view.is_on_paper(x, y))
            self._move("mouse", x, y)
        elif event.button == 1:
            if event.type == pygame.MOUSEBUTTONDOWN:
                self._down("mouse", x, y)
            else:
                self._up("mouse", x, y)

    def _down(self, pointer: Hashable, x: float, y: float, pressure: float = 1.0) -> None:
        if self._pointer is not None:
            return  # one pen draws; a second finger or a resting hand does not
        self._pointer, self._pad.focus = pointer, None
        if self._pad.help_is_open and self._view.at(x, y) is None:
            self._pad.help_is_open = False
        elif self._view.is_on_paper(x, y):
            self._pad.press(*self._view.on_paper(x, y), pressure)
        else:
            self._pad.pressed = self._view.at(x, y)
            self._slide(x)

    def _move(self, pointer: Hashable, x: float, y: float, pressure: float = 1.0) -> None:
        if pointer == self._pointer:
            self._pad.move(*self._view.on_paper(x, y), pressure)
            self._slide(x)

    def _up(self, pointer: Hashable, x: float, y: float) -> None:
        if pointer != self._pointer:
            return
        self._move(pointer, x, y)
        pressed = self._pad.pressed
        self.let_go()
        if pressed is not None and pressed == self._view.at(x, y):
            perform(self._pad, pressed)

    def _slide(self, x: float) -> None:
        if self._pad.pressed == "brush":
            self._pad.set_brush(self._view.brush_at(x))

    def _show_cursor(self, on_paper: bool = True) -> None:
        """Show the pointer as the usual arrow, or over the paper as a ring as wide as the brush or the eraser."""
        tip = self._pad.drawing.brush * (2 if self._pad.erasing else 1)
        wide = min(max(round(tip * self._view.scale), 5), 120) if on_paper else 0
        if wide != self._cursor:
            self._cursor = wide
            with suppress(pygame.error):  # not every display has such pointers
                pygame.mouse.set_cursor(_ring(wide) if wide else pygame.cursors.arrow)

    # Keys

    def _key(self, event: pygame.event.Event) -> None:
        pad, keys = self._pad, _keys(event)
        action, key = action_of(*keys), keys[-1]
        if pad.help_is_open and action not in ("leave", "lessons"):
            pad.help_is_open = False
        elif key == "Tab":
            self._go_on(-1 if keys[0] == "Shift Tab" else 1)
        elif pad.focus in self._view.controls() and key in ("Enter", "Space"):
            perform(pad, pad.focus)
        elif pad.focus == "brush" and key in _ARROWS:
            pad.thicken(_ARROWS[key])
        elif pad.lessons_from is not None and action == "quit":
            pad.show_lessons()
        elif action and (pad.lessons_from is None or action in _WITH_LESSONS):
            perform(pad, action)

    def _go_on(self, step: int) -> None:
        """Go to the next control, or the one before."""
        names = list(self._view.controls())
        if self._pad.focus in names:
            self._pad.focus = names[(names.index(self._pad.focus) + step) % len(names)]
        else:
            self._pad.focus = names[0 if step > 0 else -1]


def _keys(event: pygame.event.Event) -> list[str]:
    """The names of what is pressed, as in the ACTIONS: with Shift if that is held, then without."""
    modifiers = getattr(event, "mod", 0)
    # AltGr, which types brackets on many keyboards, is Alt, or Mode, or on Windows Control and Alt.
    alt = modifiers & (pygame.KMOD_ALT | pygame.KMOD_MODE)
    control = modifiers & (pygame.KMOD_CTRL | pygame.KMOD_META) and not alt
    typed = "" if control else getattr(event, "unicode", "")
    # By its place on the keyboard, as a French one types digits only with Shift.
    digit = _SCANCODES.get(getattr(event, "scancode", -1), _DIGITS.get(event.key))
    brackets = ("[", "]")
    if typed in brackets or (typed == "?" and digit is None):
        return [typed]  # whatever else must be held: on many keyboards brackets share a key with a digit
    if alt:
        return [""]
    name = pygame.key.name(event.key).title()
    if name in brackets and typed:
        name = ""  # it is something else with Shift
    if digit is not None and name not in brackets:
        name = str(digit)
    name = _NAMES.get(name, name)
    held = "Ctrl " if control else ""
    return [f"{held}Shift {name}", f"{held}{name}"] if modifiers & pygame.KMOD_SHIFT else [f"{held}{name}"]


def _pressure(event: pygame.event.Event) -> float:
    """How hard a finger or pen presses, in (0, 1]; 1 where SDL does not know.

    SDL knows it, but pygame's events leave it out: the device is asked.
    """
    pressure = getattr(event, "pressure", None)
    if pressure is None:
        with suppress(pygame.error, ImportError):
            from pygame._sdl2 import touch

            fingers = (touch.get_finger(event.touch_id, n) for n in range(touch.get_num_fingers(event.touch_id)))
            pressure = next((f["pressure"] for f in fingers if f and f["id"] == event.finger_id), None)
    return float(pressure) if pressure else 1.0


def _ring(width: int) -> pygame.cursors.Cursor:
    """A pointer that shows how wide the brush is: a dark ring in a light one, visible on any ground."""
    middle = width // 2 + 2
    image = pygame.Surface((2 * middle + 1, 2 * middle + 1), pygame.SRCALPHA)
    pygame.draw.circle(image, (255, 255, 255, 200), (middle, middle), middle, 1)
    pygame.draw.circle(image, (0, 0, 0, 255), (middle, middle), middle - 1, 1)
    return pygame.cursors.Cursor((middle, middle), image)
