"""Asking models what the drawing shows: which are chosen, loading them, and their answers. No pygame in here."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitpad.errors import ModelError
from digitpad.pad.drawing import Drawing
from digitpad.recognizer import Prediction

CLOSE = 0.1  # a second digit with this probability or more is named beside the first
NO_BREAK = "\N{NO-BREAK SPACE}"


class Reader(Protocol):
    """What the pad needs of a recogniser: `digitpad.Recognizer` is one."""

    name: str

    def predict_strokes(self, strokes: Sequence[ArrayLike]) -> Prediction:
        """Read the digit that strokes draw."""

    def predict_normalised(self, image: NDArray[np.uint8]) -> Prediction:
        """Read an image in the model's form, uint8 (28, 28)."""


@dataclass(frozen=True)
class Choice:
    """One of the buttons that say which models are asked."""

    label: str
    models: tuple[str, ...]


class Models:
    """The models that read a drawing. Each is loaded when it is first needed.

    Attributes:
        choices: the models that can be chosen, each alone or together.
        chosen: the models that are asked, as `Recognizer` takes them.
        labels: by model, the name to show.
        answers: by model, what it last answered; see `up_to_date`.
        took: by model, how many seconds that took.
        troubles: by model, why it cannot answer.
        wanted: whether an answer is due as soon as the models are loaded.
    """

    def __init__(
        self,
        drawing: Drawing,
        model: str = "cnn",
        load: Callable[[str], Reader] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Choose a model, or "both"; nothing is loaded yet. `load` takes the place of Recognizer."""
        self.choices = [Choice("CNN", ("cnn",)), Choice("MLP", ("mlp",)), Choice("Both", ("cnn", "mlp"))]
        known = {"cnn": 0, "mlp": 1, "both": 2}
        if model not in known:
            self.choices.append(Choice(Path(model).stem, (model,)))
        self.chosen = self.choices[known.get(model, -1)].models
        self.labels = {"cnn": "CNN", "mlp": "MLP"}
        self.answers: dict[str, Prediction] = {}
        self.took: dict[str, float] = {}
        self.troubles: dict[str, str] = {}
        self.wanted = False
        self._drawing = drawing
        self._answered = -1  # the number of the drawing's change that the answers are about
        self._load = load or _load_recognizer
        self._clock = clock
        self._readers: dict[str, Reader] = {}
        self._loading: threading.Thread | None = None

    def ask(self) -> None:
        """Have the chosen models read the drawing, as soon as they are loaded; one that fails is in `troubles`."""
        self.wanted = not self._ready()
        if self.wanted:
            return
        picture, marks = self._drawing.picture, self._drawing.marks()
        self.answers, self.took = {}, {}
        for model in self.chosen:
            if model not in self._readers:
                continue
            started = self._clock()
            try:
                if picture is not None:
                    self.answers[model] = self._readers[model].predict_normalised(picture.seen)
                else:
                    self.answers[model] = self._readers[model].predict_strokes(marks)
            except ModelError as error:
                self.troubles[model] = str(error)
            else:
                self.took[model] = self._clock() - started
        self._answered = self._drawing.changes

    def choose(self, number: int) -> None:
        """Ask other models from now on, and at once if there is an answer to compare with."""
        if number < len(self.choices):
            answered = self.up_to_date
            self.chosen = self.choices[number].models
            if answered:
                self.ask()
            else:
                self._ready()

    @property
    def up_to_date(self) -> bool:
        """Whether the answers are about the drawing as it is now."""
        answered = all(model in self.answers or model in self.troubles for model in self.chosen)
        return self._answered == self._drawing.changes and answered

    def has_loaded(self, model: str) -> bool:
        """Whether a model can be asked."""
        return model in self._readers

    def load(self) -> None:
        """Load the chosen models that are not loaded yet; one that fails is noted in `troubles`."""
        for model in self.chosen:
            self.troubles.pop(model, None)
            if model not in self._readers:
                try:
                    self._readers[model] = self._load(model)
                except ModelError as error:
                    self.troubles[model] = str(error)
                else:
                    self._name(model, self._readers[model].name)

    def require(self) -> None:
        """Load the chosen models.

        Raises:
            ModelError: one of them cannot be loaded.
        """
        self.load()
        self._raise_trouble()

    def start_loading(self) -> None:
        """Load the chosen models in the background; `finish_loading` tells when they are there."""
        self._loading = threading.Thread(target=self.load)
        self._loading.start()

    def finish_loading(self) -> bool:
        """Whether loading in the background has just come to its end.

        Raises:
            ModelError: one of the models cannot be loaded.
        """
        if self._loading is None or self._loading.is_alive():
            return False
        self._loading = None
        self._raise_trouble()
        self.load()  # if others were chosen in the meantime
        return True

    def _ready(self) -> bool:
        """Load the chosen models unless loading goes on in the background; whether they can be asked now."""
        if self._loading is not None:
            return False
        self.load()
        return True

    def _raise_trouble(self) -> None:
        for trouble in self.troubles.values():
            raise ModelError(trouble)

    def _name(self, model: str, name: str) -> None:
        """Label a model of the user's own by the name in its file, unless that would pass it off as one of ours."""
        if model in ("cnn", "mlp"):
            return
        if name in ("cnn", "mlp"):
            self.labels[model] = f"{name} ({Path(model).name})"
        else:
            self.labels[model] = name
            self.choices[-1] = Choice(name, (model,))


def verdict(prediction: Prediction) -> tuple[str, list[str]]:
    """An answer in words: what to show large, and the line under it in several lengths, the longest first."""
    if prediction.status == "blank":
        return "", ["Blank paper: draw a digit from 0 to 9", "Blank: draw a digit first", "blank"]
    # Never "100.0 %": no model is that sure.
    short = f"{min(int(100 * prediction.confidence), 99)}%"
    percent = f"{min(100 * prediction.confidence, 99.9):.1f}{NO_BREAK}%"
    if prediction.status == "not_a_digit":
        return "–", ["Not a digit, by the look of it", "Not a digit", "no digit"]
    if prediction.status == "unsure":
        first, second = np.argsort(-prediction.probabilities)[:2]
        long = f"Unsure: {first} or {second}? ({percent})"
        return f"{first}?", [long, f"unsure: {first} or {second}", f"unsure, {percent}", "unsure"]
    second = int(np.argsort(-prediction.probabilities)[1])
    if (chance := float(prediction.probabilities[second])) >= CLOSE:
        perhaps = f"or a {second} ({100 * chance:.0f}{NO_BREAK}%)"
        return str(prediction.digit), [
            f"{percent} sure, {perhaps}",
            f"{percent}, {perhaps}",
            f"{short}, or {second}",
            short,
        ]
    return str(prediction.digit), [f"{percent} sure", percent, short]


def _load_recognizer(model: str) -> Reader:
    from digitpad.recognizer import Recognizer

    return Recognizer(model)
