"""The labelled digits and numbers that models are measured on: the fixed sets, and any set of your own."""

import csv
import gzip
import json
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitpad import DigitPadError
from digitpad.image.reading import read_image
from digitpad.mnist_form import Points
from digitpad.stroke_files import LABEL, Sample, is_stroke_file, read_samples
from train.data import DataError, Digits, at_hand, load_mnist, load_own, load_pen, load_uji, read_idx, render

# 2,739 whole numbers that people wrote with pens, cut from the formulas of CROHME (competition on recognition of online
# handwritten mathematical expressions, CC BY-NC-SA 3.0): to measure on alone, never downloaded, trained or fitted on.
PEN_NUMBERS_NAME = "numbers/pen_numbers.json.gz"
# 399 photographs of amounts on bank cheques (ORAND-CAR, for research): to measure on alone, as these.
CHEQUES_NAME = "numbers/cheques/labels.csv"


@dataclass(frozen=True)
class Drawn(Digits):
    """Labelled digits that were drawn: the strokes of each, (n, 2), and writers (N,), "" where one is not named."""

    strokes: list[list[Points]]
    writers: NDArray[np.str_]


Written = list[Points] | NDArray[np.uint8] | Path


@dataclass(frozen=True)
class Numbers:
    """Whole numbers, N of them: each as strokes, (n, 2) each, or as an image; and what it says, "" if it is none."""

    inputs: list[Written]
    labels: list[str]

    def __len__(self) -> int:
        return len(self.labels)

    def pick(self, which: Iterable[int]) -> "Numbers":
        """Those at some places."""
        return Numbers([self.inputs[n] for n in which], [self.labels[n] for n in which])


def known_sets(folder: Path | None = None) -> dict[str, Digits]:
    """The fixed sets that are at hand, by name; a missing set is named on standard error and left out."""
    sets: dict[str, Digits] = {}
    try:
        mnist = load_mnist(folder)
        sets |= {"mnist_test": mnist.test, "mnist_validation": mnist.validation}
    except DataError as error:
        print(f"not measured on MNIST: {error}", file=sys.stderr)
    for name, words, load in (("pen", "pen", load_pen), ("uji", "UJI", load_uji)):
        try:
            sets[f"{name}_validation"] = drawn(load(folder).validation)
        except DataError as error:
            print(f"not measured on the {words} digits: {error}", file=sys.stderr)
    return sets


def load_pen_numbers(folder: Path | None = None) -> list[Sample] | None:
    """The digits of real pen numbers, each cut out by its strokes; None where the file is not at hand.

    It is a stroke file whose labels are whole numbers, and whose samples say of each stroke which digit it belongs to.

    Raises:
        DataError: the file is damaged.
    """
    path = at_hand(PEN_NUMBERS_NAME, folder)
    if path is None:
        return None
    try:
        with gzip.open(path) as file:
            numbers = json.load(file)["samples"]
        return [
            Sample(
                [np.array(s, float) for s, of in zip(n["strokes"], n["owner"], strict=True) if of == place],
                label,
                n.get("writer"),
            )
            for n in numbers
            for place, label in enumerate(n["label"])
        ]
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise DataError(f"{path}: not a whole file of pen numbers ({error})") from None


def load_whole_pen_numbers(folder: Path | None = None) -> Numbers | None:
    """Real pen numbers; None where the file is not at hand.

    Raises:
        StrokeError: the file is damaged.
    """
    path = at_hand(PEN_NUMBERS_NAME, folder)
    return None if path is None else _numbers(read_samples(path))


def load_cheques(folder: Path | None = None) -> Numbers | None:
    """Photographs of amounts on cheques; None where they are not at hand.

    Raises:
        DataError: the table is damaged, or none of its pictures is there.
    """
    path = at_hand(CHEQUES_NAME, folder)
    return None if path is None else load_labelled_folder(path.parent)


def load_cheque_digits(folder: Path | None = None) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]] | None:
    """The digits of the cheques, each cut out by its box with a margin; None where they are not at hand.

    The margin is 12 % of the box's longer side, but at least two pixels, as far as the picture goes.

    Returns:
        Images, uint8 (H, W) or (H, W, 3), and labels (N,).

    Raises:
        DataError: the table is damaged, or a picture is missing.
    """
    path = at_hand(CHEQUES_NAME, folder)
    if path is None:
        return None
    images, labels = [], []
    try:
        for row in _rows(path):
            with Image.open(path.parent / row["file"]) as opened:
                picture = np.asarray(opened)
            for digit, (left, top, width, height) in zip(row["number"], json.loads(row["boxes_xywh"]), strict=True):
                margin = max(2, round(0.12 * max(width, height)))
                rows = slice(max(top - margin, 0), top + height + margin)
                images.append(picture[rows, max(left - margin, 0) : left + width + margin])
                labels.append(int(digit))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a whole set of cheques ({error})") from None
    return images, np.array(labels)


def load_labelled_folder(path: Path) -> Numbers:
    """Pictures in a folder, with a table labels.csv beside them; what cannot be used is named on standard error.

    The table has the columns `file` and `number`, digits alone, or nothing where the picture shows no number; further
    columns are ignored.

    Raises:
        DataError: the table cannot be read, or none of its rows be used.
    """
    table = path / "labels.csv"
    found = Numbers([], [])
    for place, row in enumerate(_rows(table), start=2):
        file, number = row.get("file"), row.get("number")
        try:
            if not file or number is None or not LABEL.fullmatch(number):
                raise DataError(f"{number!r:.40} is not a number" if file else "no file is named")
            read_image(path / file)
        except DigitPadError as error:
            print(f"{table}, line {place}: {error}; left out", file=sys.stderr)
        else:
            found.inputs.append(path / file)
            found.labels.append(number)
    if not len(found):
        raise DataError(f"{table}: holds no usable row: it must have columns file and number")
    return found


def _rows(table: Path) -> list[dict[str, Any]]:
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _numbers(samples: list[Sample]) -> Numbers:
    """Labelled samples as whole numbers."""
    labelled = [sample for sample in samples if sample.label is not None]
    inputs: list[Written] = [s.strokes if s.image is None else s.image for s in labelled]
    return Numbers(inputs, [sample.label or "" for sample in labelled])


def load_set(path: Path) -> Digits | Numbers:
    """A labelled set: an IDX file of images with its labels beside it, a stroke file, or a folder sorted by label.

    Whole numbers, if the stroke file has longer labels, or the folder a labels.csv; else digits.

    Raises:
        DigitPadError: it cannot be read, has no labels, or not one label for each image.
    """
    if "idx3" in path.name:
        labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
        digits = Digits(read_idx(path), read_idx(labels).astype(np.int64))
        if digits.images.shape[1:] != (28, 28) or digits.labels.shape != digits.images.shape[:1]:
            raise DataError(
                f"{path}: shape {digits.images.shape}, and {labels.name} {digits.labels.shape};"
                " they must be (N, 28, 28) and (N,)"
            )
        if digits.labels.max(initial=0) > 9:
            raise DataError(f"{labels}: holds the label {digits.labels.max()}; labels must be 0 to 9")
    elif is_stroke_file(path):
        samples = read_samples(path)
        if any(len(sample.label or "") > 1 for sample in samples):
            return _numbers(samples)
        digits = drawn([sample for sample in samples if sample.label])
    elif (path / "labels.csv").exists():
        return load_labelled_folder(path)
    else:
        digits, _ = load_own(path)
    if not len(digits):
        raise DataError(f"{path}: holds no labelled digits")
    return digits


def drawn(samples: list[Sample]) -> Drawn:
    """Labelled strokes, also as the model sees them."""
    digits, writers = render(samples), np.array([sample.writer or "" for sample in samples], np.str_)
    return Drawn(digits.images, digits.labels, [sample.strokes for sample in samples], writers)
