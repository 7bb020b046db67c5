"""What the pad writes: drawings as picture and strokes, and labelled ones gathered in one file to learn from.

Nothing is overwritten unasked: each drawing gets a new file name, and the file of gathered drawings only grows,
unless a label is corrected or taken back.
"""

import gzip
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from digitpad import __version__
from digitpad.errors import GET_PAD, DigitPadError, StrokeError
from digitpad.files import make_folder, write_whole
from digitpad.pad.asking import Answer
from digitpad.pad.drawing import Drawing
from digitpad.pad.origin import Origins
from digitpad.pad.screen_ink import Ink
from digitpad.pad.stroke import Stroke
from digitpad.recognizer import Number
from digitpad.stroke_files import GZIP_MAGIC, Sample, parse_entries, plain_sample, write_samples

try:
    import platformdirs
except ImportError:
    raise DigitPadError(f"the pad needs platformdirs, which is not installed: {GET_PAD}") from None

GATHERED = "my_digits.json"
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
    picture = _write_next(folder, _png(drawing))
    strokes = picture.with_suffix(".json")
    try:
        write_samples(strokes, [sample(drawing)], _meta() | {"answers": said})
    except DigitPadError:
        picture.unlink(missing_ok=True)
        raise
    return strokes


@dataclass
class _Gathered:
    """A drawing that was gathered, or opened: its strokes at that time, and its sample in a file."""

    strokes: list[Stroke]
    sample: Sample


class Gatherer:
    """Gathers labelled drawings in one stroke file, to learn from with `make train EXTRA=FILE`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._gathered: Origins[_Gathered] = Origins()

    def know(self, drawing: Drawing, sample: Sample) -> None:
        """Remember that the drawing comes from a sample, which the file of gathered drawings may hold too."""
        self._gathered.note(drawing, _Gathered(list(drawing.strokes), sample))

    def label(self, drawing: Drawing, label: str) -> tuple[str | None, int]:
        """Add a drawing under a label "0" to "9".

        If the drawing continues one that was gathered, it takes that one's place; the same drawing given the same
        label again is taken out.

        Returns:
            The label the drawing has now, None if it was taken out; and how many drawings the file holds.

        Raises:
            DigitPadError: the file cannot be read or written; it is left as it is.
        """
        content: dict[str, Any] = {"meta": _meta(), "samples": []}
        held: list[Sample | StrokeError] = []
        if data := _read(self.path):
            held = parse_entries(data, str(self.path))  # says what is wrong with it
            content = json.loads(gzip.decompress(data) if data.startswith(GZIP_MAGIC) else data)
        samples: list[Any] = content["samples"]
        known = self._gathered.find(drawing)
        place = None if known is None else _place(held, known.sample)
        same = known is not None and known.strokes == drawing.strokes
        new = replace(known.sample if known is not None and same else sample(drawing), label=label)
        taken_out = same and place is not None and samples[place].get("label") == label == drawing.label
        if place is None:
            samples.append(plain_sample(new))
        elif taken_out:
            del samples[place]
        else:
            samples[place] |= plain_sample(new)
        make_folder(self.path.parent)
        write_whole(self.path, json.dumps(content).encode())
        if known is not None and taken_out:
            self._gathered.forget(known)
        else:
            known = known or _Gathered([], new)
            known.strokes, known.sample = list(drawing.strokes), new
            self._gathered.note(drawing, known)
        return (None if taken_out else label), len(samples)


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


def _meta() -> dict[str, Any]:
    return {"made with": f"digitpad {__version__}", "canvas": CANVAS}


def _place(held: list[Sample | StrokeError], wanted: Sample) -> int | None:
    """The index of the sample with these strokes: of several the newest, but one with the same label comes first."""
    places = [
        (sample.label == wanted.label, number)
        for number, sample in enumerate(held)
        if isinstance(sample, Sample)
        and len(sample.strokes) == len(wanted.strokes)
        and all(map(np.array_equal, sample.strokes, wanted.strokes))
    ]
    return max(places)[1] if places else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise DigitPadError(f"{path}: cannot be read ({error.strerror or error}); move it away") from None


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
