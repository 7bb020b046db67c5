"""Asking models what the drawing shows: which are chosen, loading them, and their answers. No pygame in here."""

import contextlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitpad.answers import Number, Prediction, certainty
from digitpad.answers import percent as in_percent
from digitpad.errors import ModelError
from digitpad.pad.drawing import Drawing
from digitpad.reader import Known
from digitpad.recognizer import Recognizer

if TYPE_CHECKING:
    from digitpad.hand import Hand

Answer = Prediction | Number  # a number of several digits; a single digit, and what is none, is a prediction

ELEVEN = [np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[0.4, 0.0], [0.4, 1.0]])]  # two strokes
CLOSE = 0.1  # a second digit with this probability or more is named beside the first
NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Choice:
    """One of the buttons that say which models are asked."""

    label: str
    models: tuple[str, ...]


CHOICES = {
    "cnn": Choice("CNN", ("cnn",)),
    "mlp": Choice("MLP", ("mlp",)),
    "both": Choice("Both", ("cnn", "mlp")),
}


class Models:
    """The models that read a drawing. Each is loaded when it is first needed."""

    def __init__(
        self,
        drawing: Drawing,
        model: str = "cnn",
        load: Callable[[str], Recognizer] | None = None,
        hand: "Callable[[], Hand | None]" = lambda: None,
    ) -> None:
        """Choose a model, or one of the CHOICES; nothing is loaded yet.

        `load` takes the place of what loads a Recognizer; `hand`, whose lessons are to be heeded, is asked when a model
        is loaded.
        """
        self.choices = list(CHOICES.values())
        if model not in CHOICES:
            self.choices.append(Choice(Path(model).stem, (model,)))
        self.chosen = CHOICES.get(model, self.choices[-1]).models  # those that are asked, as `Recognizer` takes them
        # By model: what is loaded, the name to show, the last answer, how many seconds that took, why there is none.
        self.readers: dict[str, Recognizer] = {}
        self.labels = {"cnn": "CNN", "mlp": "MLP"}
        self.answers: dict[str, Answer] = {}
        self.took: dict[str, float] = {}
        self.troubles: dict[str, str] = {}
        self.cannot_learn: dict[str, str] = {}  # why not, by model
        self.pointed: int | None = None  # which digit of a number the user asked to see
        self.wanted = False  # whether an answer is due as soon as the models are loaded
        self._drawing = drawing
        self._known = Known()  # of the drawing, as it was last read
        self._answered = -1  # the drawing's `changes` when the answers were given
        self._load = load or _loaded
        self._loading: threading.Thread | None = None
        self._hand = hand

    def ask(self) -> None:
        """Have the chosen models read the drawing, as soon as they are loaded; one that fails is in `troubles`."""
        self.wanted = not self._ready()
        if self.wanted:
            return
        self.answers, self.took, self.pointed = {}, {}, None
        self._known.begin()
        for model in self.chosen:
            if model not in self.readers:
                continue
            reader, started = self.readers[model], time.perf_counter()
            try:
                answer = _read(reader, self._drawing, self._known)
            except ModelError as error:
                self.troubles[model] = str(error)
            else:
                self.answers[model], self.took[model] = answer, time.perf_counter() - started
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

    def load(self) -> None:
        """Load the chosen models that are not loaded yet; one that fails is noted in `troubles`."""
        for model in self.chosen:
            self.troubles.pop(model, None)
            if model not in self.readers:
                try:
                    reader = self._load(model)
                except ModelError as error:
                    self.troubles[model] = str(error)
                else:
                    self._name(model, reader.name)
                    if hand := self._hand():
                        try:
                            reader.use_hand(hand)
                        except ModelError as error:
                            self.cannot_learn[model] = str(error)
                    self.readers[model] = reader

    def require(self) -> None:
        """Load the chosen models; raises ModelError if one cannot be."""
        self.load()
        self._raise_trouble()

    def start_loading(self) -> None:
        """Load the chosen models in the background; `finish_loading` tells when they are ready."""
        self._loading = threading.Thread(target=self.load)
        self._loading.start()

    def finish_loading(self) -> bool:
        """Whether loading in the background has just ended; raises ModelError if a model cannot be loaded."""
        if self._loading is None or self._loading.is_alive():
            return False
        self._loading = None
        self._raise_trouble()
        self.load()  # if others were chosen in the meantime
        return True

    def _ready(self) -> bool:
        """Load the chosen models unless background loading is under way; whether they can be asked now."""
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


def _loaded(model: str) -> Recognizer:
    """A model, and what it needs for numbers, which would otherwise be loaded when one is drawn, and be seen to be."""
    reader = Recognizer(model)
    with contextlib.suppress(ModelError):  # it is told when a number is drawn
        reader.read_strokes(ELEVEN)
    return reader


def _read(reader: Recognizer, drawing: Drawing, known: Known) -> Answer:
    picture, marks = drawing.picture, drawing.marks()
    number = reader.read_readings(picture.seen) if picture else reader.read_strokes(marks, known)
    if number.digits:
        return number if len(number.digits) > 1 else number.digits[0]
    return reader.predict_readings(picture.seen) if picture else reader.predict_strokes(marks)


def verdict(prediction: Answer) -> tuple[str, list[str]]:
    """An answer in words: what to show large, and the line under it in several lengths, the longest first."""
    if prediction.status == "blank":
        return "", ["Blank paper: draw a digit from 0 to 9", "Blank: draw a digit first", "blank"]
    short = f"{min(int(100 * prediction.confidence), 99)}%"
    percent = in_percent(prediction.confidence).replace(" ", NO_BREAK)
    if isinstance(prediction, Number):
        text = prediction.text.replace("\n", " / ")
        if prediction.status == "unsure":
            return f"{text}?", [f"Unsure: perhaps {text} ({percent})", f"unsure, {percent}", "unsure"]
        return text, [f"{percent} sure", percent, short]
    if prediction.status == "not_a_digit":
        return "–", ["Not a digit, by the look of it", "Not a digit", "no digit"]
    first, second = np.argsort(-prediction.probabilities)[:2]
    if prediction.status == "unsure":
        percent = in_percent(math.exp(certainty(prediction))).replace(" ", NO_BREAK)
        other = "no digit" if math.exp(min(prediction.ood_score, 0)) > prediction.probabilities[second] else second
        long = f"Unsure: {first} or {other}? ({percent})"
        return f"{first}?", [long, f"unsure: {first} or {other}", f"unsure, {percent}", "unsure"]
    if (chance := float(prediction.probabilities[second])) >= CLOSE:
        perhaps = f"or a {second} ({100 * chance:.0f}{NO_BREAK}%)"
        return str(prediction.digit), [
            f"{percent} sure, {perhaps}",
            f"{percent}, {perhaps}",
            f"{short}, or {second}",
            short,
        ]
    return str(prediction.digit), [f"{percent} sure", percent, short]
