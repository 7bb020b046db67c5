"""Mouse, fingers and keys: each event becomes calls on the pad."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from digitpad.pad.drawing import THICKEST, THINNEST
from digitpad.pad.sdl import pygame

if TYPE_CHECKING:
    from digitpad.pad.loop import Pad

BRUSH_STEP = (THICKEST - THINNEST) / 14  # for a key or a notch of the wheel
ECHO_MS = 500  # a mouse event this soon after a finger's, at the same place, is a copy of it
_DIGITS = {getattr(pygame, f"K_{pad}{n}"): n for pad in ("", "KP") for n in range(10)}
_SCANCODES = {getattr(pygame, f"KSCAN_{n}"): n for n in range(10)}


class Events:
    """Turns events into what they ask for. One pointer counts at a time: a resting hand does not draw."""

    def __init__(self, pad: "Pad") -> None:
        self._pad = pad
        self._pointer: Hashable = None  # the one mouse or finger that is down and counts
        self._finger = (-ECHO_MS, 0.0, 0.0)  # when and where in the window a finger was last
        self._cursor = 0  # how wide the ring is that the pointer shows; 0: it is an arrow

    def handle(self, event: pygame.event.Event) -> None:
        """Do what an event asks for."""
        pad = self._pad
        if event.type == pygame.QUIT:
            if not pad.kiosk:
                pad.quit()
        elif event.type == pygame.KEYDOWN:
            self._key(event)
        elif event.type in (pygame.FINGERDOWN, pygame.FINGERMOTION, pygame.FINGERUP):
            self._touch(event)
        elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION, pygame.MOUSEBUTTONUP):
            if not self._is_echo(event):
                self._mouse(event)
        elif event.type == pygame.MOUSEWHEEL:
            if not pad.help_is_open:
                pad.set_brush(pad.drawing.brush + event.y * BRUSH_STEP)
                self._show_cursor()
        elif event.type == pygame.DROPFILE:
            if not pad.kiosk:
                pad.open_dropped(Path(event.file))
        elif event.type == pygame.WINDOWFOCUSLOST:
            self.let_go()
        elif event.type == pygame.WINDOWEXPOSED:
            pad.view.forget()

    def let_go(self) -> None:
        """Take it that no pointer is down any more."""
        self._pointer = self._pad.pressed = None
        self._pad.drawing.lift()

    # Pointers

    def _touch(self, event: pygame.event.Event) -> None:
        width, height = self._pad.view.layout.size
        x, y = event.x * width, event.y * height
        self._finger = self._pad.now_ms, x, y
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
        """Whether a mouse event is a copy of a finger's: SDL says so of its own, an X server does not of its."""
        when, x, y = self._finger
        near = abs(event.pos[0] - x) <= 3 and abs(event.pos[1] - y) <= 3
        return bool(getattr(event, "touch", False)) or (near and self._pad.now_ms - when < ECHO_MS)

    def _mouse(self, event: pygame.event.Event) -> None:
        # A pixel's middle, not its corner, is where the pointer is.
        x, y = event.pos[0] + 0.5, event.pos[1] + 0.5
        if event.type == pygame.MOUSEMOTION:
            if self._pointer == "mouse" and not event.buttons[0]:
                self.let_go()  # the button came up where we could not see it
            with suppress(pygame.error):
                pygame.mouse.set_visible(True)
            self._pad.hover = self._pad.view.at(x, y)
            self._show_cursor(self._pad.view.layout.paper.holds(x, y) and not self._pad.help_is_open)
            self._move("mouse", x, y)
        elif event.button == 1:
            if event.type == pygame.MOUSEBUTTONDOWN:
                self._down("mouse", x, y)
            else:
                self._up("mouse", x, y)

    def _down(self, pointer: Hashable, x: float, y: float, pressure: float = 1.0) -> None:
        if self._pointer is not None:
            return  # one pen draws; a second finger or a resting hand does not
        pad = self._pad
        self._pointer, pad.focus = pointer, None
        if pad.help_is_open:
            pad.toggle_help()
        elif pad.view.layout.paper.holds(x, y):
            pad.notice = ""  # it would be in the way
            pad.drawing.press(*pad.view.on_paper(x, y), pressure, erase=pad.erasing)
        else:
            pad.pressed = pad.view.at(x, y)
            if pad.pressed == "brush":
                pad.set_brush(pad.view.brush_at(x))

    def _move(self, pointer: Hashable, x: float, y: float, pressure: float = 1.0) -> None:
        pad = self._pad
        if pointer != self._pointer:
            return
        if pad.drawing.pen_is_down:
            pad.drawing.move(*pad.view.on_paper(x, y), pressure)
        elif pad.pressed == "brush":
            pad.set_brush(pad.view.brush_at(x))

    def _up(self, pointer: Hashable, x: float, y: float) -> None:
        if pointer != self._pointer:
            return
        self._move(pointer, x, y)
        pressed = self._pad.pressed
        self.let_go()
        if pressed is not None and pressed == self._pad.view.at(x, y):
            self._pad.press(pressed)

    def _show_cursor(self, on_paper: bool = True) -> None:
        """Have the pointer be the usual arrow, or over the paper a ring as wide as the brush or the eraser."""
        pad = self._pad
        wide = 0
        if on_paper:
            wide = round(pad.drawing.brush * pad.view.layout.paper.w * (2 if pad.erasing else 1))
            wide = min(max(wide, 5), 120)
        if wide != self._cursor:
            self._cursor = wide
            with suppress(pygame.error):  # not every display has such pointers
                pygame.mouse.set_cursor(_ring(wide) if wide else pygame.cursors.arrow)

    # Keys

    def _key(self, event: pygame.event.Event) -> None:
        pad = self._pad
        modifiers = getattr(event, "mod", 0)
        shift = modifiers & pygame.KMOD_SHIFT
        # AltGr, which types brackets on many keyboards, is Alt, or Mode, or on Windows Control and Alt.
        alt = modifiers & (pygame.KMOD_ALT | pygame.KMOD_MODE)
        control = modifiers & (pygame.KMOD_CTRL | pygame.KMOD_META) and not alt
        typed = "" if control else getattr(event, "unicode", "")
        plain = not control and not alt
        # By its place on the keyboard, as a French one types digits with the Shift key only.
        digit = _SCANCODES.get(getattr(event, "scancode", -1), _DIGITS.get(event.key))
        if event.key == pygame.K_q and control:
            pad.quit()
        elif pad.help_is_open:
            pad.toggle_help()
        elif event.key == pygame.K_z and not alt:
            (pad.redo if shift else pad.undo)()
        elif event.key == pygame.K_y and control:
            pad.redo()
        elif event.key == pygame.K_s and not alt:
            pad.save()
        elif typed in ("[", "]") or (plain and not typed and event.key in _BRACKETS):
            # First by what is typed: on many keyboards brackets share a key with a digit.
            self._thicker(-1 if typed == "[" or event.key == pygame.K_LEFTBRACKET else 1)
        elif typed == "?" and digit is None:
            pad.toggle_help()
        elif plain:
            self._plain_key(event.key, bool(shift), digit)

    def _plain_key(self, key: int, shift: bool, digit: int | None) -> None:
        """Do what a key asks for that is pressed by itself or with Shift."""
        pad = self._pad
        if key in (pygame.K_ESCAPE, pygame.K_q):
            if not pad.kiosk:
                pad.quit()
        elif key == pygame.K_TAB:
            self._focus(-1 if shift else 1)
        elif digit is not None:
            if shift:
                pad.label(str(digit))
            elif digit:
                pad.choose(digit - 1)
        elif pad.focus and key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
            pad.press(pad.focus)
        elif pad.focus == "brush" and key in _ARROWS:
            self._thicker(_ARROWS[key])
        else:
            keys: dict[int, Callable[[], None]] = {
                pygame.K_RETURN: pad.predict,
                pygame.K_KP_ENTER: pad.predict,
                pygame.K_c: pad.clear,
                pygame.K_e: pad.toggle_eraser,
                pygame.K_l: pad.toggle_live,
                pygame.K_t: pad.toggle_theme,
                pygame.K_f: pad.toggle_fullscreen,
                pygame.K_F11: pad.toggle_fullscreen,
                pygame.K_h: pad.toggle_help,
                pygame.K_F1: pad.toggle_help,
                pygame.K_PAGEUP: pad.previous,
                pygame.K_PAGEDOWN: pad.next,
            }
            if key in keys:
                keys[key]()

    def _thicker(self, steps: int) -> None:
        self._pad.set_brush(self._pad.drawing.brush + steps * BRUSH_STEP)

    def _focus(self, step: int) -> None:
        """Go to the next control, or the one before."""
        names = list(self._pad.view.controls())
        if self._pad.focus in names:
            self._pad.focus = names[(names.index(self._pad.focus) + step) % len(names)]
        else:
            self._pad.focus = names[0 if step > 0 else -1]


_BRACKETS = (pygame.K_LEFTBRACKET, pygame.K_RIGHTBRACKET)
_ARROWS = {pygame.K_LEFT: -1, pygame.K_DOWN: -1, pygame.K_RIGHT: 1, pygame.K_UP: 1}


def _pressure(event: pygame.event.Event) -> float:
    """How hard a finger or pen presses, in (0, 1]; 1 where SDL does not know.

    SDL knows it, but pygame's events leave it out: it is asked of the device.
    """
    pressure = getattr(event, "pressure", None)
    if pressure is None:
        with suppress(pygame.error, ImportError):
            from pygame._sdl2 import touch

            fingers = (touch.get_finger(event.touch_id, n) for n in range(touch.get_num_fingers(event.touch_id)))
            pressure = next((f["pressure"] for f in fingers if f and f["id"] == event.finger_id), None)
    return float(pressure) if pressure else 1.0


def _ring(width: int) -> pygame.cursors.Cursor:
    """A pointer that shows how wide the brush is: a dark ring in a light one, to be seen on any ground."""
    middle = width // 2 + 2
    image = pygame.Surface((2 * middle + 1, 2 * middle + 1), pygame.SRCALPHA)
    pygame.draw.circle(image, (255, 255, 255, 200), (middle, middle), middle, 1)
    pygame.draw.circle(image, (0, 0, 0, 255), (middle, middle), middle - 1, 1)
    return pygame.cursors.Cursor((middle, middle), image)
