"""What the pad saves: drawings as picture and strokes. Nothing is overwritten: each gets a new file name."""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from digitpad import __version__
from digitpad.answers import Number
from digitpad.errors import GET_PAD, DigitPadError
from digitpad.files import make_folder, write_whole
from digitpad.pad.asking import Answer
from digitpad.pad.drawing import Drawing
from digitpad.pad.screen_ink import Ink
from digitpad.stroke_files import Sample, write_samples

try:
    import platformdirs
except ImportError:
    raise DigitPadError(f"the pad needs platformdirs, which is not installed: {GET_PAD}") from None

CANVAS = 1000  # in stroke files, how long what is 1 long on the paper is
PICTURE = 560  # pixels: the saved picture's height


def save_folder() -> Path:
    """Where the pad puts its files: the folder `digitpad` in the user's documents."""
    return Path(platformdirs.user_documents_dir()) / "digitpad"


def settings_file() -> Path:
    """Where the pad keeps its settings."""
    return Path(platformdirs.user_config_dir("digitpad", appauthor=False)) / "pad.json"


def save_drawing(drawing: Drawing, folder: Path, answers: Mapping[str, Answer] | None = None) -> Path:
    """Write a drawing as drawing-0001.png and drawing-0001.json, or under the next number that is free.

    The stroke file's meta holds what each model answered. Returns the stroke file's path.

    Raises:
        DigitPadError: the files cannot be written; then neither is left.
    """
    said = {model: _said(answer) for model, answer in (answers or {}).items()}
    meta = {"made with": f"digitpad {__version__}", "canvas": CANVAS, "answers": said}
    picture = _write_next(folder, _png(drawing))
    strokes = picture.with_suffix(".json")
    try:
        write_samples(strokes, [sample(drawing)], meta)
    except DigitPadError:
        picture.unlink(missing_ok=True)
        raise
    return strokes


def sample(drawing: Drawing) -> Sample:
    """The drawing as a stroke file holds it."""
    strokes = [np.round(np.array(stroke.points, np.float64) * CANVAS, 1) for stroke in drawing.strokes]
    return Sample(strokes, drawing.label)


def _said(answer: Answer) -> dict[str, Any]:
    """An answer as a saved drawing's file holds it; boxes are in its strokes' unit."""
    said: dict[str, Any] = {"status": answer.status, "confidence": round(answer.confidence, 4)}
    if isinstance(answer, Number):
        return said | {"text": answer.text, "digits": [_said(digit) for digit in answer.digits]}
    box = {} if answer.box is None else {"box": [round(edge * CANVAS, 1) for edge in answer.box]}
    return said | {"digit": answer.digit, "probabilities": [round(float(p), 4) for p in answer.probabilities]} | box


def _write_next(folder: Path, picture: bytes) -> Path:
    """Write a picture under the next free number, which this claims: whole at once, never an empty file."""
    make_folder(folder)
    try:
        taken = [int(m[1]) for path in folder.iterdir() if (m := re.match(r"drawing-(\d{1,9})\.", path.name))]
    except OSError as error:
        reason = error.strerror or error
        raise DigitPadError(f"{folder}: a drawing cannot be saved there ({reason}); choose another folder") from None
    number = max(taken, default=0) + 1
    while True:
        path = folder / f"drawing-{number:04}.png"
        try:
            write_whole(path, picture, only_new=True)
            return path
        except FileExistsError:  # another pad saved at the same moment
            number += 1


def _png(drawing: Drawing) -> bytes:
    """The paper as a PNG file: dark ink on white."""
    from PIL import Image

    ink = Ink(PICTURE / drawing.size[1], drawing.size)
    ink.follow(drawing)
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(255 - ink.covered.T)).save(data, "PNG", optimize=True)
    return data.getvalue()
