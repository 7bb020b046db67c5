"""pygame, imported the way the pad needs it: every other file gets it from here."""

import os

from digitpad.errors import GET_PAD, DigitPadError

# Read when pygame and SDL start: no greeting on standard output; no mouse events made up from touches (we handle the
# touches themselves); a signal to quit ends even a kiosk; a folder without a Wayland server where none is named, as
# libwayland otherwise prints a line of its own; true pixels on Windows instead of a blurred enlargement.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_TOUCH_MOUSE_EVENTS", "0")
os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
os.environ.setdefault("XDG_RUNTIME_DIR", os.devnull)
os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")
try:
    import pygame
except ImportError:
    raise DigitPadError(f"the pad needs pygame, which is not installed: {GET_PAD}") from None

__all__ = ["pygame"]
