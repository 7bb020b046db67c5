"""The pad in its window: events go in, time passes, pixels come out.

What the pad can do is in pad.py; actions.py says by which keys and buttons; events.py turns what the user does into
calls on the pad; view.py turns its state into pixels.
"""

import time
from functools import cached_property
from pathlib import Path

from digitpad.errors import DigitPadError
from digitpad.models import find_model
from digitpad.pad.asking import CHOICES
from digitpad.pad.events import Events
from digitpad.pad.pad import Pad
from digitpad.pad.saving import save_folder, settings_file
from digitpad.pad.sdl import pygame
from digitpad.pad.settings import Settings, read_settings, write_settings
from digitpad.pad.teaching import MY_DIGITS
from digitpad.pad.view import View
from digitpad.pad.window import open_window, when_x_is_lost

SIZE = (1120, 640)  # of the window by default
IDLE_MS = 30  # between looks at the event queue while nothing happens; waiting in SDL would cost ten times as much
LIVE_MS = 100  # between predictions while drawing
NOTICE_MS = 6000  # how long a remark is shown
NO_HAND = Path("none")
KIOSK_MS = 60_000  # without input: then a kiosk is ready for the next visitor
FRAMES = 120  # a second at most


def run_pad(
    file: Path | None,
    model: str | None = None,
    live: bool = False,
    fullscreen: bool = False,
    kiosk: bool = False,
    size: tuple[int, int] | None = None,
    hand: Path | None = None,
) -> int:
    """Open the pad and return when it is closed. What is not given is as it was last time.

    Args:
        file: a stroke file, opened as a drawing, or an image, shown with its answer; None begins with blank paper.
        model: "cnn", "mlp", "both", another shipped model's name, or the path of an .onnx file.
        live: predict while drawing.
        fullscreen: fill the screen; F goes back to a window.
        kiosk: fill the screen and leave only by Ctrl+Q; clear the paper when nobody is there.
        size: width and height of the window in pixels.
        hand: the file of what was learned and is; by default one in the user's documents, for a kiosk none. NO_HAND
            stands for none.

    Returns:
        The exit status, 0.

    Raises:
        DigitPadError: there is no display; the file cannot be read; or (ModelError) the model cannot.
    """
    kept, remark = (Settings(), "") if kiosk else read_settings(settings_file())
    if hand is None and not kiosk:
        hand = save_folder() / MY_DIGITS
    pad = PadWindow(model or kept.model, live=live or kept.live, kiosk=kiosk, hand=None if hand == NO_HAND else hand)
    pad.knows_of_hand = kept.knows_of_hand
    pad.dark = kept.dark
    pad.drawing.brush = kept.brush
    pad.fullscreen, pad.window_size = fullscreen or kiosk, size or (kept.width, kept.height)
    pad.notice = remark
    for name in pad.models.chosen:
        find_model(name)  # the common mistakes are reported before a window opens
    if file is not None:
        pad.view.fit(*pad.window_size)  # so that it is put in the middle of the paper
        pad.open_file(file)
    try:
        screen = pad.open()
        pad.view.draw(screen)
        pygame.display.flip()
        when_x_is_lost(pad.farewell)
        pad.models.start_loading()
        pad.run()
        if not kiosk:
            write_settings(settings_file(), pad.settings(kept.model))
    finally:
        pygame.quit()
    return 0


class PadWindow(Pad):
    """A pad in the window that is open: give it steps, or let it `run`."""

    window_size = SIZE  # to go back to from full screen
    _fills_screen = False
    _shown = "", 0  # the notice, and when it was first seen
    _now_ms = 0  # when the last step began
    _input_ms = 0  # when there was last input
    _predict_ms = -LIVE_MS  # when live last predicted
    _rest_ms = LIVE_MS  # how long it then waits
    _stale = True  # whether to look for something to paint even without an event

    @cached_property
    def view(self) -> View:
        """What paints the pad."""
        return View(self)

    @cached_property
    def _events(self) -> Events:
        return Events(self, self.view)

    def run(self) -> None:
        """Handle events and paint until the window is closed.

        Raises DigitPadError if the display is gone, after saving the drawing if possible; ModelError as `step` does.
        """
        clock = pygame.time.Clock()
        while self.running:
            try:
                busy = self.step(pygame.time.get_ticks())
            except pygame.error as error:
                self._reopen(error)
                continue
            if busy or self.drawing.pen_is_down:
                clock.tick(FRAMES)
            else:
                pygame.time.wait(IDLE_MS)

    def step(self, now_ms: int) -> bool:
        """Handle all events that have come, predict if live and due, paint what changed.

        `now_ms` is a clock's milliseconds. Returns whether anything happened; raises ModelError if a model that was
        loading in the background cannot be loaded.
        """
        self._now_ms = now_ms
        events = pygame.event.get()
        for event in events:
            self._events.handle(event, now_ms)
        if self.fullscreen != self._fills_screen:
            self._change_screen()
        self._watch_clock(bool(events))
        if self.models.finish_loading():
            self.greet()
            self._stale = True
        if self.models.wanted:
            self.models.ask()
        elif self.live and not self.models.up_to_date and now_ms - self._predict_ms >= self._rest_ms:
            self._predict_live()
        if not events and not self._stale:
            return False  # just finding that there is nothing to paint costs more than all the rest of waiting
        self._stale = False
        self.remember()
        pygame.display.update(self.view.draw(pygame.display.get_surface()))
        return True

    def open(self) -> pygame.Surface:
        """Open the window, or fill the screen; raises DigitPadError if neither works."""
        self._fills_screen = self.fullscreen
        return open_window(self.window_size, self.fullscreen)

    def settings(self, model: str = "cnn") -> Settings:
        """The pad's settings, to be kept until next time; `model` is kept in place of a model given by path."""
        chosen = next((name for name, choice in CHOICES.items() if choice.models == self.models.chosen), model)
        size = self.window_size if self.fullscreen else self.view.layout.size
        return Settings(chosen, self.live, self.dark, self.drawing.brush, *size, self.knows_of_hand)

    def _predict_live(self) -> None:
        started = time.perf_counter()
        self.models.ask()
        # Where that takes long, most of the time is still left for the pen.
        self._rest_ms = max(LIVE_MS, round(4000 * (time.perf_counter() - started)))
        self._predict_ms = self._now_ms
        self._stale = True

    def _watch_clock(self, had_input: bool) -> None:
        """Remove a remark after its time, and make a kiosk ready for the next visitor."""
        if self.notice != self._shown[0]:
            self._shown = self.notice, self._now_ms
            self._stale = True
        elif self.notice and self._now_ms - self._shown[1] >= NOTICE_MS:
            self.notice = ""
            self._stale = True
        if had_input:
            self._input_ms = self._now_ms
        elif self.kiosk and self._now_ms - self._input_ms >= KIOSK_MS:
            self._input_ms = self._now_ms
            self._events.let_go()
            self.start_over()
            self._stale = True

    def _change_screen(self) -> None:
        """Go from the window to the whole screen, or back; raises DigitPadError if neither works."""
        if self.fullscreen:
            self.window_size = pygame.display.get_window_size()
        try:
            self.open()
        except DigitPadError as error:
            self.fullscreen = not self.fullscreen
            self._reopen(error)
            self.notice = str(error)
        self.view.forget()

    def _reopen(self, error: Exception) -> None:
        """Open the window again after the display failed; raises DigitPadError if that fails as well."""
        self._events.let_go()
        try:
            pygame.display.quit()
            self.open()
            self.view.forget()
            self._stale = True
        except DigitPadError:
            raise DigitPadError(f"{self.farewell()} ({error})") from None
