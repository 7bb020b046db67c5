"""`digitpad predict --explain DIR` and `read`: what happened to each input, step by step, in one picture."""

import contextlib
import functools
import io
import itertools
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from digitpad.answers import Number, Prediction, percent
from digitpad.errors import printable
from digitpad.files import make_folder, write_whole
from digitpad.image.reading import on_white, read_image
from digitpad.log import Tell, log_step
from digitpad.mnist_form import Points
from digitpad.reader import Box
from digitpad.recognizer import Recognizer

_SIDE = 252  # pixels of a panel: nine for each of the model's
_GAP = 20  # pixels between panels
_LABEL = 46  # pixels above a panel, for two lines
_PAGE, _TEXT, _FAINT, _GONE, _BEST = "#eceef1", "#20242c", "#8a909c", "#e8731a", "#2563c9"

Panel = tuple[str, Image.Image]


class Explainer:
    """Writes a picture for each input into a folder."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Make the folder if it isn't there.

        Raises:
            DigitPadError: it cannot be made.
        """
        self._folder = Path(folder)
        make_folder(self._folder)
        self._panels: list[Panel] = []

    def start(self) -> Tell:
        """Begin an input; returns what its steps are reported to, which logs them too."""
        self._panels = []
        return self._tell

    def _tell(self, words: str, *values: object, **pictures: Any) -> None:
        log_step(words, *values)
        if pictures:
            self._panels.append((words % values, _shown(**pictures)))

    def write(self, name: str, answers: Sequence[tuple[Recognizer, Prediction]]) -> None:
        """Write a picture of the steps since the last one, and of what came of them.

        Args:
            name: of the input, as in the results; the file is named after it, and replaces no other.
            answers: each model, at least one, with what it made of the input.

        Raises:
            DigitPadError: the file cannot be written.
        """
        panels = [*self._panels, ("28 x 28: what the model saw", _shown(ink=answers[0][1].image / np.float32(255)))]
        panels += [(f"{recognizer.name}: {answer}", _scores(recognizer, answer)) for recognizer, answer in answers]
        self._panels = []
        self._save(name, panels)

    def write_numbers(
        self,
        name: str,
        source: str | bytes | list[Points] | NDArray[np.uint8],
        answers: Sequence[tuple[Recognizer, Number]],
    ) -> None:
        """Write a picture of what was read as whole numbers: where each digit is, what the model saw, and its scores.

        Args:
            name: of the input, as for `write`.
            source: the path of an image, an image file's content, strokes, or an image in the model's form.
            answers: each model, at least one, with what it made of the input.

        Raises:
            DigitPadError: the file cannot be written.
        """
        panels = []
        for recognizer, number in answers:
            boxes = [digit.box for digit in number.digits if digit.box]
            panels.append((f"{recognizer.name}: {number}", _boxed(source, boxes)))
            for digit in number.digits:
                panels.append(("28 x 28: what the model saw", _shown(ink=digit.image / np.float32(255))))
                panels.append((f"{recognizer.name}: {digit}", _scores(recognizer, digit)))
        self._save(name, panels)

    def _save(self, name: str, panels: Sequence[Panel]) -> None:
        name = "standard input" + name[1:] if name == "-" or name.startswith("-#") else name
        data = io.BytesIO()
        _sheet(printable(name), panels).save(data, "PNG")
        _write_new(self._folder, name, data.getvalue())


def _write_new(folder: Path, name: str, data: bytes) -> None:
    """Write FOLDER/seven-explained.png for elsewhere/seven.jpg, or seven-explained-2.png if that is taken."""
    stem, _, sample = Path(name).name.partition("#")
    stem = stem.removesuffix(".gz").rsplit(".", 1)[0] + (f"-{sample}" if sample else "")
    stem = "".join(c if c.isalnum() or c in "-_ ." else "_" for c in stem)[:60] + "-explained"
    for number in itertools.count(1):
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.png"
        with contextlib.suppress(FileExistsError):
            if not path.exists():
                write_whole(path, data, only_new=True)
                return


def _shown(
    *, seen: Any = None, alpha: Any = None, ink: Any = None, strokes: Sequence[Points] = (), before: Any = None
) -> Image.Image:
    """A step as a person understands it: ink dark on white, and what has gone since `before` in orange."""
    if seen is not None:
        return _fitted(on_white(np.atleast_3d(seen), alpha))
    if ink is None:
        return _drawn(strokes, strokes if before is None else before)
    before = ink if before is None else before
    most = max(float(before.max()), 1e-6)
    was, ink = np.clip(before / most, 0, 1)[:, :, None], np.clip(ink / most, 0, 1)[:, :, None]
    gone = np.maximum(was - ink, 0) * np.subtract(255, ImageColor.getrgb(_GONE), dtype=np.float32)
    return _fitted(np.clip(255 - 255 * ink - gone, 0, 255).astype(np.uint8))


def _fitted(picture: NDArray[np.uint8]) -> Image.Image:
    """A picture (H, W, 3) as large as fits a panel; if it has few pixels, they are shown as squares."""
    height, width = picture.shape[:2]
    scale = _SIDE / max(height, width)
    how = Image.Resampling.NEAREST if scale >= 4 else Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    return Image.fromarray(picture).resize((max(round(width * scale), 1), max(round(height * scale), 1)), how)


def _drawn(strokes: Sequence[Points], before: Sequence[Points]) -> Image.Image:
    image = Image.new("RGB", (_SIDE, _SIDE), "white")
    pencil = ImageDraw.Draw(image)
    points = np.concatenate(before) if before else np.zeros((1, 2))
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (_SIDE - 40) / max(float((high - low).max()), 1e-300)
    for stroke in before:
        colour = _TEXT if any(stroke is kept for kept in strokes) else _GONE
        path = [(x, y) for x, y in ((stroke - (low + high) / 2) * scale + _SIDE / 2).tolist()]
        pencil.line(path, fill=colour, width=2)
        for x, y in path:
            pencil.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
    return image


def _boxed(source: str | bytes | list[Points] | NDArray[np.uint8], boxes: Sequence[Box]) -> Image.Image:
    """An input with a frame around each digit."""
    frames = [np.array(box)[[[0, 1], [2, 1], [2, 3], [0, 3], [0, 1]]] for box in boxes]
    if isinstance(source, list):
        return _drawn(source, [*source, *frames])
    colour, alpha, scale = read_image(source)
    image = _fitted(on_white(colour, alpha))
    scale = max(image.size) / (scale * max(colour.shape[:2]))
    for frame in frames:
        ImageDraw.Draw(image).line((frame * scale).ravel().tolist(), fill=_GONE, width=2)
    return image


def _scores(recognizer: Recognizer, prediction: Prediction) -> Image.Image:
    """A bar for each digit's probability, and whether it is a digit at all."""
    image = Image.new("RGB", (_SIDE, _SIDE), "white")
    pencil = ImageDraw.Draw(image)
    for digit, probability in enumerate(prediction.probabilities.tolist()):
        y = 15 + 22 * digit
        pencil.text((12, y), str(digit), fill=_TEXT, font=_font(15), anchor="mm")
        if (length := round(160 * probability)) > 0:
            pencil.rectangle((26, y - 7, 25 + length, y + 7), fill=_BEST if digit == prediction.digit else _FAINT)
        pencil.text((_SIDE - 8, y), percent(probability), fill=_TEXT, font=_font(13), anchor="rm")
    limit = recognizer.ood_threshold
    verdict = f"score {prediction.ood_score:.1f}, at most {limit:.1f}: a digit"
    if prediction.status == "not_a_digit":
        verdict = f"score {prediction.ood_score:.1f}, above {limit:.1f}: not a digit"
    elif prediction.ood_score > limit:
        verdict = f"score {prediction.ood_score:.1f}, above {limit:.1f}: perhaps none"
    elif prediction.status == "blank":
        verdict = "nothing is written"
    pencil.text((8, _SIDE - 14), verdict, fill=_TEXT, font=_font(13), anchor="lm")
    return image


def _sheet(title: str, panels: Sequence[Panel]) -> Image.Image:
    """All panels in rows, each below its number and words."""
    rows = [panels[first : first + 4] for first in range(0, len(panels), 4)]
    heights = [_LABEL + _GAP + max(picture.height for _, picture in row) for row in rows]
    sheet = Image.new("RGB", (_GAP + len(rows[0]) * (_SIDE + _GAP), 3 * _GAP + sum(heights)), _PAGE)
    pencil = ImageDraw.Draw(sheet)
    _write(pencil, (_GAP, _GAP), title, 18, 26 * len(rows[0]), lines=1)
    number, y = 0, 3 * _GAP
    for row, height in zip(rows, heights, strict=True):
        for x, (words, picture) in zip(range(_GAP, sheet.width, _SIDE + _GAP), row, strict=False):
            number += 1
            _write(pencil, (x, y + 4), f"{number}. {words}", 15, 34, lines=2)
            frame = x - 1, y + _LABEL - 1, x + picture.width, y + _LABEL + picture.height
            pencil.rectangle(frame, outline=_FAINT)
            sheet.paste(picture, (x, y + _LABEL))
        y += height
    return sheet


def _write(pencil: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, letters: int, lines: int) -> None:
    wrapped = textwrap.wrap(text, letters, max_lines=lines, placeholder=" ...")
    pencil.text(place, "\n".join(wrapped), fill=_TEXT, font=_font(size))


@functools.cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)
