"""The drawing pad's window: events become calls on the drawing, and the drawing becomes pixels."""

import os
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from digitpad.brush import Ink
from digitpad.drawing import Drawing, Reader
from digitpad.errors import DigitPadError, ModelError
from digitpad.layout import TOOLS, Layout, Rect, lay_out
from digitpad.models import find_model

# Read when pygame and SDL start: no greeting on standard output; no mouse events made up from touches (we take the
# touches themselves); true pixels on Windows instead of a blurred enlargement; a signal to end does end even a kiosk;
# a folder without a Wayland server where none is named, as libwayland prints a line of its own otherwise.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_TOUCH_MOUSE_EVENTS", "0")
os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
os.environ.setdefault("XDG_RUNTIME_DIR", os.devnull)
os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")
try:
    import pygame
except ImportError:
    raise DigitPadError("the pad needs pygame, which is not installed: pip install 'digitpad[pad]'") from None

from digitpad import paint  # after pygame, which it needs

SIZE = (1000, 640)  # of the window, unless told otherwise
IDLE_MS = 30  # between looks at the event queue while nothing happens; waiting in SDL would cost ten times as much
LIVE_MS = 100  # between predictions while drawing
FRAMES = 120  # a second at most

HELP = [
    ("Enter", "predict the digit"),
    ("C", "clear the paper"),
    ("Z  /  Shift Z", "undo / redo"),
    ("1  2  3", "CNN, MLP, both"),
    ("L", "live: predict while you draw"),
    ("T", "light or dark"),
    ("F", "full screen"),
    ("H", "this help"),
    ("Esc", "quit"),
]


@dataclass(frozen=True)
class Choice:
    """One of the buttons that say which models are asked."""

    label: str
    models: tuple[str, ...]


def run_pad(file: Path | None, model: str, live: bool, fullscreen: bool, kiosk: bool, size: tuple[int, int]) -> int:
    """Open the pad and stay until it is closed.

    Args:
        file: a stroke file, opened as a drawing, or an image, shown with its answer; None begins with blank paper.
        model: "cnn", "mlp", "both", another shipped model's name, or the path of an .onnx file.
        live: predict while drawing.
        fullscreen: fill the screen; F goes back to a window.
        kiosk: fill the screen and leave by Ctrl+Q alone.
        size: width and height of the window in pixels.

    Returns:
        The exit status, 0.

    Raises:
        DigitPadError: there is no display; the file cannot be read; or (ModelError) the model cannot.
    """
    pad = Pad(model, live=live, kiosk=kiosk)
    pad.fullscreen, pad.window_size = fullscreen or kiosk, size
    for name in pad.drawing.chosen:
        find_model(name)  # the common mistakes are told before a window opens
    if file is not None:
        pad.open_file(file)
    try:
        screen = open_window(size, pad.fullscreen)
        pad.draw(screen)
        pygame.display.flip()
        pad.require_models()
        if file is not None:
            pad.predict()
        pad.run()
    finally:
        pygame.quit()
    return 0


def open_window(size: tuple[int, int], fullscreen: bool = False) -> pygame.Surface:
    """Open the window; nothing of pygame but display and font is started, so no sound device is touched.

    Raises:
        DigitPadError: there is no display.
    """
    no_display = "there is no display to open the pad on; `digitpad demo --out DIR` (make demo) draws without one"
    try:
        pygame.display.init()
        # Without an X or Wayland server SDL may fall back to a driver that shows nothing, and call it a success.
        if pygame.display.get_driver() in ("dummy", "offscreen") and "SDL_VIDEODRIVER" not in os.environ:
            raise DigitPadError(no_display)
        pygame.font.init()
        paint.font.cache_clear()  # a font from before a pygame.quit() would crash the process
        pygame.display.set_caption("digitpad")
        icon = pygame.Surface((64, 64))
        paint.paint_button(icon, Rect(0, 0, 64, 64), paint.ButtonLook("7", primary=True), paint.LIGHT, 48, 48)
        pygame.display.set_icon(icon)
        flags = pygame.FULLSCREEN if fullscreen else pygame.RESIZABLE
        screen = pygame.display.set_mode((0, 0) if fullscreen else size, flags)
    except pygame.error as error:
        raise DigitPadError(f"{no_display} ({error})") from None
    return screen


class Pad:
    """The pad without its window: feed it events with `handle`, have it painted with `draw`, or let it `run`."""

    def __init__(
        self, model: str = "cnn", live: bool = False, kiosk: bool = False, load: Callable[[str], Reader] | None = None
    ) -> None:
        """Begin with blank paper; models are loaded when they are first needed, with `load` if not as Recognizer."""
        self.drawing = Drawing()
        self.live = live
        self.kiosk = kiosk
        self.fullscreen = False
        self.running = True
        self.help_is_open = False
        self.theme = paint.LIGHT
        self.choices = [Choice("CNN", ("cnn",)), Choice("MLP", ("mlp",)), Choice("Both", ("cnn", "mlp"))]
        known = {"cnn": 0, "mlp": 1, "both": 2}
        if model not in known:
            self.choices.append(Choice(Path(model).stem, (model,)))
        self.drawing.chosen = self.choices[known.get(model, 3)].models
        self.labels = {"cnn": "CNN", "mlp": "MLP"}
        self._load = load or _load_recognizer
        self._readers: dict[str, Reader] = {}
        self._photo: pygame.Surface | None = None  # the picture that is read, as it came
        self._pointer: Hashable = None  # the one mouse or finger that is down and counts
        self._pressed: str | None = None  # the button it went down on
        self._hover: str | None = None
        self._cross = False  # whether the pointer is a cross
        self._predicted_ms = -LIVE_MS
        self.window_size = SIZE  # to go back to from full screen
        self.layout = lay_out(*SIZE)  # as last painted
        self._ink = Ink(1)
        self._paper = pygame.Surface((1, 1), depth=8)
        self._paper_theme = self.theme
        self._stale = True  # whether to look for something to paint though no event came
        self._painted: dict[str, object] = {}  # what each part looked like when it was painted

    # What buttons and keys do

    def predict(self) -> None:
        """Have the chosen models read the drawing."""
        self.drawing.lift()
        self._ask()

    def clear(self) -> None:
        """Take everything off the paper."""
        self.drawing.clear()

    def undo(self) -> None:
        """Take back the last step."""
        self.drawing.undo()

    def redo(self) -> None:
        """Bring back what was undone."""
        self.drawing.redo()

    def toggle_live(self) -> None:
        """Switch predicting while drawing on or off."""
        self.live = not self.live

    def toggle_help(self) -> None:
        """Show or hide the list of shortcuts."""
        self.help_is_open = not self.help_is_open

    def toggle_theme(self) -> None:
        """Change between light and dark."""
        self.theme = paint.DARK if self.theme is paint.LIGHT else paint.LIGHT

    def toggle_fullscreen(self) -> None:
        """Change between a window and the whole screen."""
        if not self.kiosk:
            if not self.fullscreen:
                self.window_size = pygame.display.get_window_size()
            self.fullscreen = not self.fullscreen
            open_window(self.window_size, self.fullscreen)

    def choose(self, number: int) -> None:
        """Ask other models from now on, and at once if there is an answer to compare with."""
        if number >= len(self.choices):
            return
        answered = self.drawing.up_to_date
        self.drawing.chosen = self.choices[number].models
        self.load_models()
        if answered:
            self._ask()

    def quit(self) -> None:
        """End `run`."""
        self.running = False

    def load_models(self) -> None:
        """Load the chosen models that are not loaded yet; one that fails is noted in the drawing's troubles."""
        self._stale = True
        for model in self.drawing.chosen:
            self.drawing.troubles.pop(model, None)
            if model not in self._readers:
                try:
                    self._readers[model] = reader = self._load(model)
                except ModelError as error:
                    self.drawing.troubles[model] = str(error)
                else:
                    self._name(model, reader.name)

    def require_models(self) -> None:
        """Load the chosen models.

        Raises:
            ModelError: one of them cannot be loaded.
        """
        self.load_models()
        for trouble in self.drawing.troubles.values():
            raise ModelError(trouble)

    def open_file(self, path: Path) -> None:
        """Put a stroke file's first drawing on the paper, or show an image.

        Raises:
            DigitPadError: the file cannot be read, or holds no drawing.
        """
        from digitpad.strokes import is_stroke_file, read_samples

        if is_stroke_file(path):
            if not (samples := read_samples(path)):
                raise DigitPadError(f"{path}: holds no drawing")
            self.drawing.open_strokes(samples[0].strokes)
        else:
            from digitpad.images import normalise_image

            self.drawing.open_picture(normalise_image(path))
            self._photo = _load_photo(path)
        self._stale = True

    # Events

    def handle(self, event: pygame.event.Event) -> None:
        """Do what an event asks for: mouse, finger, key, or the window's closing."""
        if event.type == pygame.QUIT:
            if not self.kiosk:
                self.quit()
        elif event.type == pygame.KEYDOWN:
            self._key(event)
        elif event.type in (pygame.FINGERDOWN, pygame.FINGERMOTION, pygame.FINGERUP):
            width, height = self.layout.size
            finger = (event.touch_id, event.finger_id)
            kind = {pygame.FINGERDOWN: self._down, pygame.FINGERMOTION: self._move, pygame.FINGERUP: self._up}
            kind[event.type](finger, event.x * width, event.y * height)
        elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION, pygame.MOUSEBUTTONUP):
            if not getattr(event, "touch", False):  # else it is a copy of a finger's event
                self._mouse(event)
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._let_go()
        elif event.type == pygame.WINDOWEXPOSED:
            self._painted.clear()

    def _mouse(self, event: pygame.event.Event) -> None:
        # A pixel's middle, not its corner, is where the pointer is.
        x, y = event.pos[0] + 0.5, event.pos[1] + 0.5
        if event.type == pygame.MOUSEMOTION:
            if self._pointer == "mouse" and not event.buttons[0]:
                self._let_go()  # the button came up where we could not see it
            self._hover = self._button_at(x, y)
            self._show_cross(self.layout.paper.holds(x, y) and not self.help_is_open)
            self._move("mouse", x, y)
        elif event.button == 1:
            (self._down if event.type == pygame.MOUSEBUTTONDOWN else self._up)("mouse", x, y)

    def _show_cross(self, cross: bool) -> None:
        """Have the pointer be a cross, as over the paper, or the usual arrow."""
        if cross != self._cross:
            self._cross = cross
            with suppress(pygame.error):  # not every display has such pointers
                pygame.mouse.set_cursor(pygame.SYSTEM_CURSOR_CROSSHAIR if cross else pygame.SYSTEM_CURSOR_ARROW)

    def _down(self, pointer: Hashable, x: float, y: float) -> None:
        if self._pointer is not None:
            return  # one pen draws; a second finger or a resting hand does not
        self._pointer = pointer
        if self.help_is_open:
            self.help_is_open = False
        elif self.layout.paper.holds(x, y):
            self.drawing.press(*self._on_paper(x, y))
        else:
            self._pressed = self._button_at(x, y)

    def _move(self, pointer: Hashable, x: float, y: float) -> None:
        if pointer == self._pointer and self.drawing.pen_is_down:
            self.drawing.move(*self._on_paper(x, y))

    def _up(self, pointer: Hashable, x: float, y: float) -> None:
        if pointer != self._pointer:
            return
        self._move(pointer, x, y)
        pressed = self._pressed
        self._let_go()
        if pressed is not None and pressed == self._button_at(x, y):
            self._press_button(pressed)

    def _let_go(self) -> None:
        self._pointer = self._pressed = None
        self.drawing.lift()

    def _button_at(self, x: float, y: float) -> str | None:
        return next((name for name, rect in self._buttons().items() if rect.holds(x, y)), None)

    def _press_button(self, name: str) -> None:
        if name.startswith("choice "):
            self.choose(int(name.removeprefix("choice ")))
        else:
            {
                "predict": self.predict,
                "clear": self.clear,
                "undo": self.undo,
                "redo": self.redo,
                "live": self.toggle_live,
                "help": self.toggle_help,
            }[name]()

    def _key(self, event: pygame.event.Event) -> None:
        modifiers = getattr(event, "mod", 0)
        control = modifiers & (pygame.KMOD_CTRL | pygame.KMOD_META)
        if event.key == pygame.K_q and control:
            self.quit()
        elif self.help_is_open:
            self.help_is_open = False
        elif event.key in (pygame.K_ESCAPE, pygame.K_q):
            if not self.kiosk:
                self.quit()
        elif event.key == pygame.K_z:
            (self.redo if modifiers & pygame.KMOD_SHIFT else self.undo)()
        elif event.key == pygame.K_y and control:
            self.redo()
        elif event.key in _NUMBERS:
            self.choose(_NUMBERS[event.key])
        elif event.key == pygame.K_F1 or getattr(event, "unicode", "") == "?":
            self.toggle_help()
        else:
            keys: dict[int, Callable[[], None]] = {
                pygame.K_RETURN: self.predict,
                pygame.K_KP_ENTER: self.predict,
                pygame.K_c: self.clear,
                pygame.K_l: self.toggle_live,
                pygame.K_t: self.toggle_theme,
                pygame.K_f: self.toggle_fullscreen,
                pygame.K_F11: self.toggle_fullscreen,
                pygame.K_h: self.toggle_help,
            }
            if event.key in keys:
                keys[event.key]()

    # The loop

    def run(self) -> None:
        """Handle events and paint until the window is closed."""
        clock = pygame.time.Clock()
        while self.running:
            busy = self.step(pygame.time.get_ticks())
            if busy or self.drawing.pen_is_down:
                clock.tick(FRAMES)
            else:
                pygame.time.wait(IDLE_MS)

    def step(self, now_ms: int) -> bool:
        """Handle all events that have come, predict if it is live and time, paint what changed.

        Args:
            now_ms: a clock's milliseconds.

        Returns:
            Whether anything happened.
        """
        events = pygame.event.get()
        for event in events:
            self.handle(event)
        if self.live and not self.drawing.up_to_date and now_ms - self._predicted_ms >= LIVE_MS:
            self._predicted_ms = now_ms
            self._ask()
        if not events and not self._stale:
            return False  # even to see that nothing is to be painted costs more than all the rest of waiting
        self._stale = False
        pygame.display.update(self.draw(pygame.display.get_surface()))
        return True

    def _ask(self) -> None:
        self.load_models()
        self.drawing.ask(self._readers)

    def _name(self, model: str, name: str) -> None:
        """Label a model of the user's own by the name in its file, unless that would pass it off as one of ours."""
        if model in ("cnn", "mlp"):
            return
        if name in ("cnn", "mlp"):
            self.labels[model] = f"{name} ({Path(model).name})"
        else:
            self.labels[model] = name
            self.choices[3] = Choice(name, (model,))

    # Painting

    def draw(self, surface: pygame.Surface) -> list[Rect]:
        """Bring a surface up to date and return what changed: only what looks different than last time is painted."""
        layout = lay_out(*surface.get_size(), len(self.choices), len(self.drawing.chosen))
        frame = (layout, self.theme, self.help_is_open)
        if frame == self._painted.get("frame"):
            if self.help_is_open:
                return []
            return self._draw_parts(surface, layout)
        if self._paper.get_width() != layout.paper.w or self._paper_theme != self.theme:
            self._ink = Ink(layout.paper.w)
            self._paper = pygame.Surface(layout.paper[2:], depth=8)
            self._paper.set_palette(paint.paper_colours(self.theme))
            self._paper_theme = self.theme
        self.layout = layout
        self._painted = {"frame": frame}
        surface.fill(self.theme.back)
        self._draw_parts(surface, layout)
        if self.help_is_open:
            paint.paint_help(surface, layout.help, HELP, self.theme, layout.body)
        return [Rect(0, 0, *layout.size)]

    def _draw_parts(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        return [
            *self._draw_paper(surface, layout),
            *self._draw_buttons(surface, layout),
            *self._draw_cards(surface, layout),
        ]

    def _draw_paper(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        new_ink = self._ink.follow(self.drawing)
        if new_ink:
            left, top, width, height = new_ink
            pixels = pygame.surfarray.pixels2d(self._paper)
            pixels[left : left + width, top : top + height] = self._ink.covered[left : left + width, top : top + height]
            del pixels  # it locks the surface
        empty = not self.drawing.strokes and self.drawing.picture is None
        look = (empty, self.drawing.picture is None)
        paper = layout.paper
        if self._painted.get("paper") != look:
            self._painted["paper"] = look
            surface.blit(self._paper, paper[:2])
            if empty:
                text = Rect(paper.x, paper.y + paper.h // 3, paper.w, paper.h // 3)
                paint.paint_text(surface, text, ["Draw a digit here"], self.theme.quiet, [layout.body, layout.small])
            elif self.drawing.picture is not None and self._photo is not None:
                paint.paint_photo(surface, paper, self._photo)
            changed = [paper]
        elif new_ink and self.drawing.picture is None:
            surface.blit(self._paper, (paper.x + left, paper.y + top), new_ink)
            changed = [Rect(paper.x + left, paper.y + top, width, height)]
        else:
            return []
        pygame.draw.rect(surface, self.theme.edge, paper, 1)
        return changed

    def _draw_buttons(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        drawing = self.drawing
        looks = {
            "predict": paint.ButtonLook("Predict the Digit", "Enter", primary=True),
            "clear": paint.ButtonLook("Clear", "C", enabled=bool(drawing.strokes) or drawing.picture is not None),
            "undo": paint.ButtonLook("Undo", "Z", enabled=drawing.can_undo),
            "redo": paint.ButtonLook("Redo", "Shift Z", enabled=drawing.can_redo),
            "live": paint.ButtonLook("Live", "L", on=self.live),
            "help": paint.ButtonLook("Help", "H", on=self.help_is_open),
        }
        for number, choice in enumerate(self.choices):
            on = choice.models == drawing.chosen
            looks[f"choice {number}"] = paint.ButtonLook(choice.label, str(number + 1), on=on)
        changed = []
        # The tools are alike: if one needs small type, all get it.
        room = layout.buttons["clear"].w - 6
        tool_size = layout.body if paint.font(layout.body).size("Clear")[0] <= room else layout.small
        for name, rect in self._buttons().items():
            look = replace(looks[name], under_pointer=name == self._hover, pressed=name == self._pressed)
            if self._painted.get(name) != look:
                self._painted[name] = look
                size = tool_size if name in TOOLS else layout.body
                paint.paint_button(surface, rect, look, self.theme, size, layout.small)
                changed.append(rect)
        return changed

    def _draw_cards(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        changed = []
        drawing, style = self.drawing, (self.theme, layout.body, layout.small)
        current = drawing.up_to_date or self.live
        for number, (model, card) in enumerate(zip(drawing.chosen, layout.cards, strict=True)):
            answer = drawing.answers.get(model) if current else None
            trouble = drawing.troubles.get(model)
            if model not in self._readers:
                hint = "One moment: the model is loading"
            elif drawing.is_blank:
                hint = "Draw a digit, then press Predict the Digit"
            else:
                hint = "Press Predict the Digit"
            label = self.labels.get(model, Path(model).stem)
            look = (label, trouble, answer, hint)
            if self._painted.get(f"card {number}") == look:
                continue
            self._painted[f"card {number}"] = look
            changed.append(card.rect)
            if trouble:
                paint.paint_trouble(surface, card, label, trouble, *style)
            elif answer:
                paint.paint_answer(surface, card, label, answer, *style)
            else:
                paint.paint_message(surface, card, label, [hint], *style)
        return changed

    def _buttons(self) -> dict[str, Rect]:
        return self.layout.buttons | {f"choice {n}": rect for n, rect in enumerate(self.layout.choices)}

    def _on_paper(self, x: float, y: float) -> tuple[float, float]:
        paper = self.layout.paper
        return (x - paper.x) / paper.w, (y - paper.y) / paper.h


def _load_recognizer(model: str) -> Reader:
    from digitpad.recognizer import Recognizer

    return Recognizer(model)


def _load_photo(path: Path) -> pygame.Surface:
    from digitpad.images import read_image

    colour, alpha = read_image(path)
    if alpha is not None:  # on white paper
        colour = 1 - alpha[:, :, None] * (1 - colour)
    pixels = np.rint(np.broadcast_to(colour, (*colour.shape[:2], 3)) * 255).astype(np.uint8)
    return pygame.surfarray.make_surface(pixels.swapaxes(0, 1))


_NUMBERS = {getattr(pygame, f"K_{pad}{n}"): n - 1 for pad in ("", "KP") for n in range(1, 5)}
