"""The drawing pad: its window, what its buttons do, and its loop.

drawing.py is what is on the paper; events.py turns what the user does into calls on the pad; view.py turns its state
into pixels.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from digitpad.errors import DigitPadError, ModelError
from digitpad.models import find_model
from digitpad.pad import paint
from digitpad.pad.drawing import BRUSH, THICKEST, THINNEST, Drawing, Picture, Reader
from digitpad.pad.events import Events
from digitpad.pad.history import History
from digitpad.pad.layout import Rect
from digitpad.pad.saving import GATHERED, Gatherer, save_drawing, save_folder
from digitpad.pad.sdl import pygame
from digitpad.pad.settings import Settings, read_settings, settings_file, write_settings
from digitpad.pad.stroke import Stroke
from digitpad.pad.view import View
from digitpad.pad.window import open_window, when_x_is_lost
from digitpad.stroke_files import Sample

SIZE = (1000, 640)  # of the window, unless told otherwise
IDLE_MS = 30  # between looks at the event queue while nothing happens; waiting in SDL would cost ten times as much
LIVE_MS = 100  # between predictions while drawing
NOTICE_MS = 6000  # how long a remark is shown
KIOSK_MS = 60_000  # without input: then a kiosk is ready for the next visitor
FRAMES = 120  # a second at most
PHOTO = 1024  # pixels: the longer side of a picture that is kept to be shown


@dataclass(frozen=True)
class Choice:
    """One of the buttons that say which models are asked."""

    label: str
    models: tuple[str, ...]


@dataclass(frozen=True)
class Opened:
    """A stroke file with several drawings, and which of them is on the paper."""

    name: str
    samples: list[Sample]
    number: int
    # By number, the strokes and the label of those that were labelled since.
    labelled: dict[int, tuple[list[Stroke], str | None]] = field(default_factory=dict)

    @property
    def is_last(self) -> bool:
        """Whether there is none after it."""
        return self.number == len(self.samples) - 1


def run_pad(
    file: Path | None,
    model: str | None = None,
    live: bool = False,
    fullscreen: bool = False,
    kiosk: bool = False,
    size: tuple[int, int] | None = None,
) -> int:
    """Open the pad and stay until it is closed. What is not told is as it was left last time.

    Args:
        file: a stroke file, opened as a drawing, or an image, shown with its answer; None begins with blank paper.
        model: "cnn", "mlp", "both", another shipped model's name, or the path of an .onnx file.
        live: predict while drawing.
        fullscreen: fill the screen; F goes back to a window.
        kiosk: fill the screen and leave by Ctrl+Q alone; clear the paper when nobody is there.
        size: width and height of the window in pixels.

    Returns:
        The exit status, 0.

    Raises:
        DigitPadError: there is no display; the file cannot be read; or (ModelError) the model cannot.
    """
    kept, remark = (Settings(), "") if kiosk else read_settings(settings_file())
    pad = Pad(model or kept.model, live=live or kept.live, kiosk=kiosk)
    pad.theme = paint.DARK if kept.dark else paint.LIGHT
    pad.drawing.brush = kept.brush
    pad.fullscreen, pad.window_size = fullscreen or kiosk, size or (kept.width, kept.height)
    pad.notice = remark
    for name in pad.drawing.chosen:
        find_model(name)  # the common mistakes are told before a window opens
    if file is not None:
        pad.open_file(file)
    try:
        screen = open_window(pad.window_size, pad.fullscreen)
        pad.draw(screen)
        pygame.display.flip()
        when_x_is_lost(pad.farewell)
        pad.start_loading()
        pad.run()
        if not kiosk:
            write_settings(settings_file(), pad.settings(kept.model))
    finally:
        pygame.quit()
    return 0


class Pad:
    """The pad without its window: give it steps, have it painted with `draw`, or let it `run`.

    Attributes that the view shows: `drawing`, `history`, `choices`, `labels` (a name for each model), `live`,
    `erasing`, `theme`, `help_is_open`, `notice` (a remark, empty if there is none), `opened`, `shows_times`; and the
    names of the controls that the pointer is over (`hover`), that it holds down (`pressed`), that the Tab key is on
    (`focus`), each None if there is none.
    """

    def __init__(
        self,
        model: str = "cnn",
        live: bool = False,
        kiosk: bool = False,
        load: Callable[[str], Reader] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Begin with blank paper.

        Models are loaded when they are first needed, with `load` if not as Recognizer. Files are saved in `folder`,
        by default one among the user's documents.
        """
        self.drawing = Drawing()
        self.history = History()
        self.live = live
        self.erasing = False
        self.kiosk = kiosk
        self.fullscreen = False
        self.running = True
        self.help_is_open = False
        self.shows_times = True
        self.notice = ""
        self.opened: Opened | None = None
        self.theme = paint.LIGHT
        self.hover: str | None = None
        self.pressed: str | None = None
        self.focus: str | None = None
        self.now_ms = 0  # when the last step began
        self.choices = [Choice("CNN", ("cnn",)), Choice("MLP", ("mlp",)), Choice("Both", ("cnn", "mlp"))]
        known = {"cnn": 0, "mlp": 1, "both": 2}
        if model not in known:
            self.choices.append(Choice(Path(model).stem, (model,)))
        self.drawing.chosen = self.choices[known.get(model, -1)].models
        self.labels = {"cnn": "CNN", "mlp": "MLP"}
        self.window_size = SIZE  # to go back to from full screen
        self._at_first = (self.drawing.chosen, live)
        self._leaves: dict[Stroke, Opened] = {}  # by stroke, where in which file it comes from
        self._folder = folder
        self._load = load or _load_recognizer
        self._readers: dict[str, Reader] = {}
        self._loading: threading.Thread | None = None
        self._asked = False  # whether somebody waits for an answer while models are loading
        self._remembered: object = None  # the answers that the history has
        self._shown: tuple[str, int] = "", 0  # the notice, and when it was first there
        self._input_ms = 0  # when there was input last
        self._predict_ms = -LIVE_MS  # when live last predicted
        self._rest_ms = LIVE_MS  # how long it waits until it does again
        self._stale = True  # whether to look for something to paint though no event came
        self.view = View(self)
        self._events = Events(self)

    # What buttons and keys do

    def press(self, control: str) -> None:
        """Press a button, or click one of the last drawings."""
        if control.startswith("choice "):
            self.choose(int(control.removeprefix("choice ")))
        elif control.startswith("history "):
            self.recall(int(control.removeprefix("history ")))
        elif control != "brush":
            {
                "predict": self.predict,
                "live": self.toggle_live,
                "eraser": self.toggle_eraser,
                "undo": self.undo,
                "redo": self.redo,
                "clear": self.clear,
                "save": self.save,
                "help": self.toggle_help,
                "previous": self.previous,
                "next": self.next,
            }[control]()

    def predict(self) -> None:
        """Have the chosen models read the drawing."""
        self.drawing.lift()
        self._ask()

    def clear(self) -> None:
        """Take everything off the paper."""
        self.drawing.clear()
        self.erasing = False
        self._follow_file()

    def undo(self) -> None:
        """Take back the last step."""
        self.drawing.undo()
        self._follow_file()

    def redo(self) -> None:
        """Bring back what was undone."""
        self.drawing.redo()
        self._follow_file()

    def toggle_eraser(self) -> None:
        """Take the eraser, or the brush again."""
        self.drawing.lift()
        self.erasing = not self.erasing

    def set_brush(self, width: float) -> None:
        """Take a brush of another width, in parts of the paper's side; the nearest there is."""
        self.drawing.brush = min(max(width, THINNEST), THICKEST)

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
        """Change between a window and the whole screen.

        Raises:
            DigitPadError: neither can be had; the drawing was saved, if possible.
        """
        if not self.kiosk:
            if not self.fullscreen:
                self.window_size = pygame.display.get_window_size()
            self.fullscreen = not self.fullscreen
            try:
                open_window(self.window_size, self.fullscreen)
            except DigitPadError as error:
                self.fullscreen = not self.fullscreen
                self._reopen(error)
                self.notice = str(error)
            self.view.forget()

    def choose(self, number: int) -> None:
        """Ask other models from now on, and at once if there is an answer to compare with."""
        if number >= len(self.choices):
            return
        answered = self.drawing.up_to_date
        self.drawing.chosen = self.choices[number].models
        if answered:
            self._ask()
        else:
            self._want_models()

    def recall(self, number: int) -> None:
        """Put one of the last drawings, 0 the newest, back on the paper with its answer."""
        if number < len(self.history.entries):
            entry = self.history.entries[number]
            self.drawing.put(entry.strokes, entry.picture, entry.label)
            self._follow_file()
            self._ask()

    def quit(self) -> None:
        """End `run`."""
        self.running = False

    # Files

    def save(self) -> None:
        """Write the drawing as a picture and as strokes, under a name of its own."""
        if self.kiosk or not self.drawing.strokes:
            return
        self.drawing.lift()
        try:
            path = save_drawing(self.drawing, self._save_folder())
            self.notice = f"Saved: {_short(path.with_suffix('.png'))} and .json"
        except DigitPadError as error:
            self.notice = str(error)

    def label(self, digit: str) -> None:
        """Say which digit, "0" to "9", the drawing is, and gather it to learn from; the same once more takes it out."""
        if self.kiosk:
            return
        self.drawing.lift()
        if not self.drawing.marks():
            self.notice = f"There is no drawing to call a {digit}"
            return
        try:
            self.drawing.label, held = self._gatherer.label(self.drawing, digit)
        except DigitPadError as error:
            self.notice = str(error)
            return
        if leaf := self._leaf():
            leaf.labelled[leaf.number] = list(self.drawing.strokes), self.drawing.label
        if self.history.find(self.drawing) is not None:
            self.history.remember(self.drawing)
        drawings = "1 drawing" if held == 1 else f"{held} drawings"
        what = f"Gathered as a {digit}" if self.drawing.label else f"No longer gathered as a {digit}"
        self.notice = f"{what}: {drawings} in {_short(self._gatherer.path)}"

    def open_file(self, path: Path) -> None:
        """Put a stroke file's first drawing on the paper, or show an image.

        Raises:
            DigitPadError: the file cannot be read, or holds no drawing.
        """
        from digitpad.stroke_files import is_stroke_file, read_samples

        if is_stroke_file(path):
            if not (samples := read_samples(path)):
                raise DigitPadError(f"{path}: holds no drawing")
            if len(samples) > 1:
                self._show_opened(Opened(path.name, samples, 0))
            else:
                self._open_sample(samples[0])
                self._follow_file()
        else:
            from digitpad.image.normalise import normalise_image

            seen = normalise_image(path)
            self.drawing.put([], Picture(seen, _load_photo(path)))
            self._follow_file()
        self._asked = self._stale = True

    def open_dropped(self, path: Path) -> None:
        """Open a file that was dropped on the window; what is wrong with it is told there."""
        try:
            self.open_file(path)
        except DigitPadError as error:
            self.notice = str(error)
        else:
            self._ask()

    def previous(self) -> None:
        """Go to the drawing before, in a file that holds several."""
        if self.opened and self.opened.number > 0:
            self._show_opened(replace(self.opened, number=self.opened.number - 1))
            self._ask()

    def next(self) -> None:
        """Go to the next drawing in a file that holds several."""
        if self.opened and not self.opened.is_last:
            self._show_opened(replace(self.opened, number=self.opened.number + 1))
            self._ask()

    def _show_opened(self, opened: Opened) -> None:
        if opened.number in opened.labelled:
            strokes, label = opened.labelled[opened.number]
            self.drawing.put(strokes, None, label)
        else:
            self._open_sample(opened.samples[opened.number])
        self._leaves |= dict.fromkeys(self.drawing.strokes, opened)
        self._leaf_from(opened)

    def _open_sample(self, sample: Sample) -> None:
        self.drawing.open_strokes(sample.strokes, sample.label)
        if not self.kiosk:
            self._gatherer.know(self.drawing.strokes, sample)

    def _leaf_from(self, opened: Opened | None) -> None:
        """Have the drawing on the paper be this one of a file with several, and say so; None: of no such file."""
        self.opened, self.notice = opened, ""
        if opened:
            label = f", a {self.drawing.label}" if self.drawing.label else ""
            self.notice = f"Drawing {opened.number + 1} of {len(opened.samples)} in {opened.name}{label}"

    def _follow_file(self) -> None:
        """Leaf on from the drawing that has come back to the paper, if it is of a file, or no more if it is of none."""
        if (leaf := self._leaf()) is not self.opened:
            self._leaf_from(leaf)

    def _leaf(self) -> Opened | None:
        """Where in which file with several the drawing on the paper comes from, if it comes from one."""
        return next((self._leaves[stroke] for stroke in self.drawing.strokes if stroke in self._leaves), None)

    @cached_property
    def _gatherer(self) -> Gatherer:
        return Gatherer(self._save_folder() / GATHERED)

    def _save_folder(self) -> Path:
        return self._folder or save_folder()

    def settings(self, model: str = "cnn") -> Settings:
        """How the pad is now, to be kept until next time; `model` is what is kept in the place of a model by path."""
        names = {("cnn",): "cnn", ("mlp",): "mlp", ("cnn", "mlp"): "both"}
        width, height = self.window_size if self.fullscreen else self.view.layout.size
        return Settings(
            model=names.get(self.drawing.chosen, model),
            live=self.live,
            dark=self.theme is paint.DARK,
            brush=self.drawing.brush,
            width=width,
            height=height,
        )

    # Models

    def has_loaded(self, model: str) -> bool:
        """Whether a model is there to be asked."""
        return model in self._readers

    def load_models(self) -> None:
        """Load the chosen models that are not loaded yet; one that fails is noted in the drawing's troubles."""
        self._stale = True
        for model in self.drawing.chosen:
            self.drawing.troubles.pop(model, None)
            if model not in self._readers:
                try:
                    self._readers[model] = self._load(model)
                except ModelError as error:
                    self.drawing.troubles[model] = str(error)
                else:
                    self._name(model, self._readers[model].name)

    def require_models(self) -> None:
        """Load the chosen models.

        Raises:
            ModelError: one of them cannot be loaded.
        """
        self.load_models()
        for trouble in self.drawing.troubles.values():
            raise ModelError(trouble)

    def start_loading(self) -> None:
        """Load the chosen models while the window can be used already; `step` raises what `require_models` would."""
        self._loading = threading.Thread(target=self.load_models)
        self._loading.start()

    def _want_models(self) -> bool:
        """Load the chosen models if they are not there; whether they are now."""
        if self._loading is not None:
            return False
        self.load_models()
        return True

    def _ask(self) -> None:
        self._asked = not self._want_models()
        if not self._asked:
            self.drawing.ask(self._readers)

    def _name(self, model: str, name: str) -> None:
        """Label a model of the user's own by the name in its file, unless that would pass it off as one of ours."""
        if model in ("cnn", "mlp"):
            return
        if name in ("cnn", "mlp"):
            self.labels[model] = f"{name} ({Path(model).name})"
        else:
            self.labels[model] = name
            self.choices[-1] = Choice(name, (model,))

    # The loop

    def run(self) -> None:
        """Handle events and paint until the window is closed.

        Raises:
            DigitPadError: the display is gone; the drawing was saved, if possible. ModelError: see `start_loading`.
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
        """Handle all events that have come, predict if it is live and time, paint what changed.

        Args:
            now_ms: a clock's milliseconds.

        Returns:
            Whether anything happened.
        """
        self.now_ms = now_ms
        events = pygame.event.get()
        for event in events:
            self._events.handle(event)
        self._watch_clock(bool(events))
        if self._loading is not None and not self._loading.is_alive():
            self._loading = None
            for trouble in self.drawing.troubles.values():
                raise ModelError(trouble)
            self.load_models()  # if others were chosen in the meantime
        if self._asked:
            self._ask()
        elif self.live and not self.drawing.up_to_date and now_ms - self._predict_ms >= self._rest_ms:
            self._predict_live()
        if not events and not self._stale:
            return False  # even to see that nothing is to be painted costs more than all the rest of waiting
        self._stale = False
        drawing = self.drawing
        if drawing.answers is not self._remembered and drawing.up_to_date and not drawing.pen_is_down:
            self._remembered = drawing.answers
            self.history.remember(drawing)
        pygame.display.update(self.draw(pygame.display.get_surface()))
        return True

    def draw(self, surface: pygame.Surface) -> list[Rect]:
        """Bring a surface up to date and return what changed."""
        return self.view.draw(surface)

    def _predict_live(self) -> None:
        started = time.perf_counter()
        self._ask()
        # Where that takes long, most of the time is still left to the pen.
        self._rest_ms = max(LIVE_MS, round(4000 * (time.perf_counter() - started)))
        self._predict_ms = self.now_ms
        self._stale = True

    def _watch_clock(self, had_input: bool) -> None:
        """Take a remark away after its time, and make a kiosk ready for the next visitor."""
        if self.notice != self._shown[0]:
            self._shown = self.notice, self.now_ms
            self._stale = True
        elif self.notice and self.now_ms - self._shown[1] >= NOTICE_MS:
            self.notice = ""
            self._stale = True
        if had_input:
            self._input_ms = self.now_ms
        elif self.kiosk and self.now_ms - self._input_ms >= KIOSK_MS:
            self._input_ms = self.now_ms
            self._start_over()

    def _start_over(self) -> None:
        self._events.let_go()
        self.drawing.clear()
        self.drawing.forget()
        self.drawing.brush = BRUSH
        self.drawing.chosen, self.live = self._at_first
        self.history = History()
        self._leaves.clear()
        self.erasing = self.help_is_open = False
        self.theme = paint.LIGHT
        self.hover = self.focus = self.opened = None
        self.notice = ""
        self._stale = True

    def _reopen(self, error: Exception) -> None:
        """Open the window anew after the display failed.

        Raises:
            DigitPadError: that fails as well.
        """
        self._events.let_go()
        try:
            pygame.display.quit()
            open_window(self.window_size, self.fullscreen)
            self.view.forget()
            self._stale = True
        except DigitPadError:
            raise DigitPadError(f"{self.farewell()} ({error})") from None

    def farewell(self) -> str:
        """Save the drawing as the display is gone, and say so."""
        self.notice = ""
        self.save()
        return f"the display is gone. {self.notice}".rstrip()


def _load_recognizer(model: str) -> Reader:
    from digitpad.recognizer import Recognizer

    return Recognizer(model)


def _load_photo(path: Path) -> "np.typing.NDArray[np.uint8]":
    from digitpad.image.reading import on_white, read_image

    colour, alpha = read_image(path)
    step = -(-max(colour.shape[:2]) // PHOTO)
    return on_white(colour[::step, ::step], None if alpha is None else alpha[::step, ::step])


def _short(path: Path) -> str:
    """A path as people write it, with ~ for the home folder."""
    try:
        return f"~{os.sep}{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)
