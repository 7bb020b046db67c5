"""The labelled digits that models are measured on: the fixed sets, and any set of your own."""

import gzip
import json
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitpad.stroke_files import Sample, is_stroke_file, read_samples
from train.data import DataError, Digits, at_hand, load_mnist, load_own, load_pen, load_uji, read_idx, render

# 2,739 whole numbers that people wrote with pens, cut from the formulas of CROHME (competition on recognition of online
# handwritten mathematical expressions, CC BY-NC-SA 3.0): to measure on alone, never downloaded, trained or fitted on.
PEN_NUMBERS_NAME = "numbers/pen_numbers.json.gz"


@dataclass(frozen=True)
class DigitsByWriter(Digits):
    """Labelled digits whose writers are known: names (N,)."""

    writers: NDArray[np.str_]


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
            sets[f"{name}_validation"] = with_writers(load(folder).validation)
        except DataError as error:
            print(f"not measured on the {words} digits: {error}", file=sys.stderr)
    return sets


def load_pen_numbers(folder: Path | None = None) -> Digits | None:
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
        digits = [
            Sample([np.array(s, float) for s, of in zip(n["strokes"], n["owner"], strict=True) if of == place], label)
            for n in numbers
            for place, label in enumerate(n["label"])
        ]
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise DataError(f"{path}: not a whole file of pen numbers ({error})") from None
    return render(digits)


def load_set(path: Path) -> Digits:
    """A labelled set: an IDX file of images with its labels beside it, a stroke file, or a folder sorted by label.

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
        digits = with_writers([sample for sample in read_samples(path) if sample.label is not None])
    else:
        digits, _ = load_own(path)
    if not len(digits):
        raise DataError(f"{path}: holds no labelled digits")
    return digits


def with_writers(samples: list[Sample]) -> Digits:
    """Labelled strokes as the model sees them, with their writers if all are named."""
    digits = render(samples)
    if not samples or not all(sample.writer for sample in samples):
        return digits
    return DigitsByWriter(digits.images, digits.labels, np.array([sample.writer for sample in samples]))
