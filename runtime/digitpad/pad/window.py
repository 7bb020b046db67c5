"""The pad's window: how pygame is started, and what happens when the display goes away."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from digitpad.errors import DigitPadError, printable
from digitpad.pad import paint
from digitpad.pad.rect import Rect
from digitpad.pad.sdl import pygame

_kept: list[Any] = []  # what C code calls must not be collected


def open_window(size: tuple[int, int], fullscreen: bool = False) -> pygame.Surface:
    """Open the window; raises DigitPadError if there is no display.

    Only the display and font parts of pygame are started, so no sound device is touched.
    """
    no_display = "there is no display to open the pad on; `digitpad demo --out DIR` (make demo) draws without one"
    try:
        pygame.display.init()
        # Without an X or Wayland server SDL may fall back to a driver that shows nothing, and report success.
        if pygame.display.get_driver() in ("dummy", "offscreen") and "SDL_VIDEODRIVER" not in os.environ:
            raise DigitPadError(no_display)
        if pygame.display.get_driver() == "x11":
            # Or SDL sends each whole frame through OpenGL; this way it sends only what changed, through shared memory.
            os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
        pygame.font.init()
        paint.font.cache_clear()  # a font from before a pygame.quit() would crash the process
        pygame.display.set_caption("digitpad")
        icon = pygame.Surface((64, 64))
        paint.paint_button(icon, Rect(0, 0, 64, 64), paint.ButtonLook("7", on=True), paint.LIGHT, 48, 48)
        pygame.display.set_icon(icon)
        flags = pygame.FULLSCREEN if fullscreen else pygame.RESIZABLE
        screen = pygame.display.set_mode((0, 0) if fullscreen else size, flags)
    except pygame.error as error:
        raise DigitPadError(f"{no_display} ({error})") from None
    return screen


def when_x_is_lost(farewell: Callable[[], str]) -> None:
    """Have `farewell` called when the X server goes away; the line it returns is the last thing said.

    Xlib then prints lines of its own and ends the process, whatever Python does: this is the one chance to save.
    """
    if pygame.display.get_driver() != "x11":
        return
    import ctypes

    def lost(_: object) -> int:
        with suppress(Exception):
            os.write(2, f"digitpad: {printable(farewell())}\n".encode())
        os._exit(1)

    with suppress(OSError, AttributeError):
        handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lost)
        ctypes.CDLL("libX11.so.6").XSetIOErrorHandler(handler)
        _kept[:] = [handler]
