"""How well whole numbers are read: real ones, such as we compose of single digits, and what is no number at all."""

import copy
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tqdm import tqdm

from digitpad import Number, Recognizer
from digitpad.mnist_form import Points
from digitpad.stroke_files import Sample
from evaluate import metrics
from evaluate.photographs import placed
from evaluate.pictures import Cell, plot_sheet
from evaluate.sets import Numbers, Written, load_cheques, load_whole_pen_numbers
from evaluate.tables import Results, picture_name
from train.data import DataError, Images, load_mnist, load_outliers, load_pen, load_uji, render
from train.synthetic.outliers import KINDS, LIKE_NUMBERS, generate_outliers, outlier_strokes

HEIGHT = 100  # of a digit that is put in a row, before it varies
VARIED = 0.08  # by what share at most sizes and places in a row vary, of the height
LENGTHS = (2, 6)  # digits in a number that we compose
LONG = 7  # digits: numbers of as many or more are counted together
PICTURES = 2  # times fewer pictures than drawings are read, as each takes that much longer
STROKE_GAPS = (0.25, 0.0, -0.1)  # heights from box to box
PIXEL_GAPS = (4, 1, -2)  # of a digit 20 pixels high
THUMBNAIL = (160, 48)


def measure_numbers(
    recognizers: dict[str, Recognizer], data: Path | None, pictures: Path, seed: int, each: int = 2_000
) -> dict[str, dict[str, Any]]:
    """Measure models on whole numbers, as far as their digits are at hand; pictures go into an existing folder.

    Returns:
        By model: "real" and "composed", of each set what `figures` finds; "none", of what is no number the shares that
        get each status; and "shown", whether there is a picture of what went wrong.

    Raises:
        DigitPadError: a model fails to run, or a picture cannot be written.
    """
    sets = {"real": real_sets(data, seed), "composed": composed_sets(data, seed, each), "none": no_numbers(data, seed)}
    return {model: _measure(model, recognizer, sets, pictures) for model, recognizer in recognizers.items()}


def measure_own(recognizers: dict[str, Recognizer], name: str, numbers: Numbers, pictures: Path) -> Results:
    """Measure models on a set of one's own; what is labelled "" is no number.

    Raises:
        DigitPadError: a model fails to run, or a picture cannot be written.
    """
    is_number = np.array([label != "" for label in numbers.labels])
    sets = {
        "own": {name: numbers.pick(np.flatnonzero(is_number).tolist())} if is_number.any() else {},
        "none": {name: numbers.pick(np.flatnonzero(~is_number).tolist())} if not is_number.all() else {},
    }
    return {m: {"figures": {}, "numbers": _measure(m, r, sets, pictures)} for m, r in recognizers.items()}


def _measure(model: str, recognizer: Recognizer, sets: dict[str, dict[str, Numbers]], pictures: Path) -> dict[str, Any]:
    measured: dict[str, dict[str, Any]] = {kind: {} for kind in sets}
    wrong: dict[str, list[Cell]] = {}
    for kind, of_kind in sets.items():
        for name, numbers in of_kind.items():
            answers = read_all(recognizer, numbers, f"{model}, {name}")
            if kind == "none":
                measured[kind][name] = statuses(answers)
            else:
                measured[kind][name] = figures(numbers.labels, with_text(recognizer, numbers, answers))
            if kind == "real":
                measured[kind][name]["refused_as_digit"] = refused_as_digit(recognizer, numbers)
            else:  # real ones may be measured on, and not be shown
                wrong |= _what_went_wrong(name, numbers, answers, 60 if kind == "own" else 6)
    if wrong:
        plot_sheet(wrong, pictures / picture_name("numbers", model))
    return measured | {"shown": bool(wrong)}


def real_sets(data: Path | None, seed: int) -> dict[str, Numbers]:
    """Whole numbers that people wrote, by name, as far as they are at hand: for figures, never to be shown."""
    sets = {}
    if (numbers := load_whole_pen_numbers(data)) is not None:
        sets = {"pen numbers": numbers, "pen numbers, strokes in any order": in_any_order(numbers, seed)}
    if (cheques := load_cheques(data)) is not None:
        sets["amounts on cheques"] = cheques
    return sets


def composed_sets(data: Path | None, seed: int, each: int) -> dict[str, Numbers]:
    """Numbers composed of validation digits, by name; what cannot be had is named on standard error and left out."""
    sets = {}
    for collection, load in (("pen", load_pen), ("UJI", load_uji)):
        try:
            samples = load(data).validation
        except DataError as error:
            print(f"no numbers of {collection} digits: {error}", file=sys.stderr)
            continue
        for gap in STROKE_GAPS:
            sets[f"{collection} digits, gap {gap:.0%}"] = in_row = compose(samples, each, gap, seed)
            if collection == "pen":
                sets[f"pen digits, gap {gap:.0%}, strokes in any order"] = in_any_order(in_row, seed)
    try:
        digits = load_mnist(data).validation
    except DataError as error:
        print(f"no pictures of numbers: {error}", file=sys.stderr)
    else:
        labels = [str(label) for label in digits.labels]
        for pixels in PIXEL_GAPS:
            name = f"pictures of MNIST's digits, gap {pixels} px"
            sets[name] = compose_pictures(digits.images, labels, each // PICTURES, pixels, seed)
    return sets


def no_numbers(data: Path | None, seed: int, each: int = 1_000) -> dict[str, Numbers]:
    """What is no number, by name: letters that people wrote and non-digits that we generate, alone and in a row."""
    real = load_outliers(data)
    letters = [sample for part in (real.validation, real.measure) for sample in part.get("uji_letters", [])]
    drawn = outlier_strokes(100, seed)
    samples = {
        "letters of UJI": [Sample(letter.strokes, "", letter.writer) for letter in letters],
        "generated non-digits": [Sample(strokes, "") for kind in drawn.values() for strokes in kind],
    }
    sets = {}
    for name, found in samples.items():
        if found:
            sets[name] = Numbers([sample.strokes for sample in found], [""] * len(found))
            sets[f"{name} in a row"] = compose(found, each, STROKE_GAPS[0], seed)
    images, kinds = generate_outliers(20 * len(KINDS), seed, held_out=True)
    pictures = {
        "letters of UJI": render(samples["letters of UJI"]).images,
        "generated non-digits": images[[KINDS[kind] not in LIKE_NUMBERS for kind in kinds]],
    }
    for name, inked in pictures.items():
        if len(inked):
            alone = [in_a_row([image], 0) for image in inked]
            sets[f"pictures of {name}"] = Numbers([*alone], [""] * len(inked))
            labels = [""] * len(inked)
            sets[f"pictures of {name} in a row"] = compose_pictures(
                inked, labels, each // PICTURES, PIXEL_GAPS[0], seed
            )
    return sets


def compose(samples: Sequence[Sample], count: int, gap: float, seed: int) -> Numbers:
    """Numbers of 2 to 6 drawings by one writer, side by side in the order of their labels.

    Args:
        samples: by one or several writers.
        count: how many numbers.
        gap: from the box of a drawing to that of the next, in heights of a digit; negative where they overlap.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    by_writer: dict[str, list[Sample]] = {}
    for sample in samples:
        by_writer.setdefault(sample.writer or "", []).append(sample)
    numbers = Numbers([], [])
    for _ in range(count):
        mine = by_writer[sorted(by_writer)[rng.integers(len(by_writer))]]
        chosen = [mine[rng.integers(len(mine))] for _ in range(rng.integers(LENGTHS[0], LENGTHS[1] + 1))]
        strokes: list[Points] = []
        right = 0.0
        for sample in chosen:
            points = np.concatenate(sample.strokes)
            low, extent = points.min(axis=0), np.ptp(points, axis=0)
            # What is flat, such as a dash, is not made as high as a digit.
            scale = HEIGHT * (1 + rng.uniform(-VARIED, VARIED)) / max(extent[1], 0.3 * extent[0], 1e-9)
            place = (right, HEIGHT * rng.uniform(-VARIED, VARIED))
            strokes += [(stroke - low) * scale + place for stroke in sample.strokes]
            right += extent[0] * scale + gap * HEIGHT
        numbers.inputs.append(strokes)
        numbers.labels.append("".join(sample.label or "" for sample in chosen))
    return numbers


def in_any_order(numbers: Numbers, seed: int) -> Numbers:
    """The same strokes, as if the second stroke of a digit had been drawn after others."""
    rng = np.random.default_rng(seed)
    strokes = [drawing for drawing in numbers.inputs if isinstance(drawing, list)]
    return Numbers([[drawing[n] for n in rng.permutation(len(drawing))] for drawing in strokes], numbers.labels)


def compose_pictures(images: Images, labels: Sequence[str], count: int, gap: int, seed: int) -> Numbers:
    """Pictures of numbers of 2 to 6 digits, dark on white, uint8 (44, W).

    Args:
        images: digits in MNIST's form, uint8 (N, 28, 28).
        labels: N of them.
        count: how many numbers.
        gap: pixels from the ink of a digit to that of the next; negative where they overlap.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    numbers = Numbers([], [])
    for _ in range(count):
        chosen = rng.integers(len(images), size=rng.integers(LENGTHS[0], LENGTHS[1] + 1))
        numbers.inputs.append(in_a_row([images[n] for n in chosen], gap))
        numbers.labels.append("".join(labels[n] for n in chosen))
    return numbers


def in_a_row(images: Sequence[NDArray[np.uint8]], gap: int, margin: int = 8) -> NDArray[np.uint8]:
    """Images of ink, each (28, 28) and 255 = ink, pasted side by side, dark on white, with a margin around."""
    columns = [np.flatnonzero(image.any(axis=0)) for image in images]
    inked = [image[:, at.min() : at.max() + 1] for image, at in zip(images, columns, strict=True)]
    width = sum(ink.shape[1] for ink in inked) + gap * (len(inked) - 1)
    sheet = np.zeros((inked[0].shape[0] + 2 * margin, width + 2 * margin), np.uint8)
    left = margin
    for ink in inked:
        part = sheet[margin : margin + ink.shape[0], left : left + ink.shape[1]]
        np.maximum(part, ink, out=part)
        left += ink.shape[1] + gap
    return 255 - sheet


def read_all(recognizer: Recognizer, numbers: Numbers, title: str = "") -> list[Number]:
    """A model's answer to each; a progress bar shows on a terminal."""
    inputs = tqdm(numbers.inputs, title, leave=False, disable=None)
    return [_read(recognizer, drawing) for drawing in inputs]


def _read(recognizer: Recognizer, drawing: Written) -> Number:
    if isinstance(drawing, list):
        return recognizer.read_strokes(drawing)
    return recognizer.read(drawing)


def with_text(recognizer: Recognizer, numbers: Numbers, answers: Sequence[Number]) -> list[Number]:
    """The answers, those that refuse with the likeliest text as well."""
    willing = copy.copy(recognizer)
    willing.ood_threshold = math.inf
    return [
        replace(answer, text=_read(willing, drawing).text) if answer.status == "not_a_number" else answer
        for drawing, answer in zip(numbers.inputs, answers, strict=True)
    ]


def refused_as_digit(recognizer: Recognizer, numbers: Numbers) -> float:
    """Which share of them is refused where a single digit is asked for."""
    answers = [recognizer.predict_strokes(d) if isinstance(d, list) else recognizer.predict(d) for d in numbers.inputs]
    return float(np.mean([answer.digit is None for answer in answers]))


def figures(labels: Sequence[str], answers: Sequence[Number]) -> dict[str, Any]:
    """What answers are worth, in all and "by_length", by "2 digits" and so on; there must be at least one.

    Returns:
        count; exact, the share whose text is the label, whatever the status, with the 95 % interval (Wilson);
        digit_errors, digits that would have to be put in, taken out or changed, for each digit of the labels;
        wrong_length, the share with some other number of digits; answered, that with status "number";
        answered_wrong; refused, that with status "not_a_number" or "blank"; ece, the
        expected calibration error of the others' confidence (None if there are none).
    """
    pairs = list(zip(labels, answers, strict=True))
    lengths = sorted({min(_digits(label), LONG) for label in labels})
    return _figures(pairs) | {
        "by_length": {
            f"{length}{' or more' if length == LONG else ''} digits": _figures(
                [pair for pair in pairs if min(_digits(pair[0]), LONG) == length]
            )
            for length in lengths
        }
    }


def _figures(pairs: list[tuple[str, Number]]) -> dict[str, Any]:
    answers = [answer for _, answer in pairs]
    right = np.array([answer.text == label for label, answer in pairs])
    status = np.array([answer.status for answer in answers])
    confidence = np.array([answer.confidence for answer in answers])
    refused = np.isin(status, ("not_a_number", "blank"))
    return {
        "count": len(pairs),
        "exact": float(right.mean()),
        "interval": metrics.wilson(int(right.sum()), len(pairs)),
        "digit_errors": sum(metrics.edits(answer.text, label) for label, answer in pairs)
        / sum(_digits(label) for label, _ in pairs),
        "wrong_length": float(np.mean([_digits(answer.text) != _digits(label) for label, answer in pairs])),
        "answered": float((status == "number").mean()),
        "answered_wrong": float(((status == "number") & ~right).mean()),
        "refused": float(refused.mean()),
        "ece": None if refused.all() else metrics.calibration_error(confidence[~refused], right[~refused]),
    }


def _digits(text: str) -> int:
    return len(text.replace("\n", ""))


def statuses(answers: Sequence[Number]) -> dict[str, Any]:
    """The share of each status among answers to what is no number."""
    given = [answer.status for answer in answers]
    return {"count": len(given)} | {
        status: given.count(status) / len(given) for status in ("number", "unsure", "not_a_number", "blank")
    }


def _what_went_wrong(
    name: str, numbers: Numbers, answers: Sequence[Number], most: int, across: int = 6
) -> dict[str, list[Cell]]:
    """Rows of a sheet: what was read wrong, the surest answers first; nothing where all is right."""
    wrong = [n for n, answer in enumerate(answers) if answer.text != numbers.labels[n]]
    wrong.sort(key=lambda n: (answers[n].status != "number", -answers[n].confidence))
    cells = [
        Cell(
            _thumbnail(numbers.inputs[n]),
            {"number": "red", "unsure": "orange"}.get(answers[n].status, "white"),
            f"{_in_line(numbers.labels[n]) or 'none'}: {_in_line(answers[n].text) or 'refused'}"
            f"  {answers[n].confidence:.0%}",
        )
        for n in wrong[:most]
    ]
    return {
        name if start == 0 else f"{name}, {start + 1} on": cells[start : start + across]
        for start in range(0, len(cells), across)
    }


def _in_line(text: str) -> str:
    return text.replace("\n", "/")


def _thumbnail(drawing: Written) -> NDArray[np.uint8]:
    sheet = Image.new("RGB", THUMBNAIL, "white")
    if isinstance(drawing, list):
        pencil, extent = ImageDraw.Draw(sheet), np.ptp(np.concatenate(drawing), axis=0)
        room = min((np.array(THUMBNAIL) - 6) / np.maximum(extent, 1e-9))
        for points in placed(drawing, room * float(extent.max()), THUMBNAIL, (0.5, 0.5), 4):
            pencil.line([tuple(point) for point in points], fill="black", width=2, joint="curve")
    else:
        picture = Image.fromarray(drawing) if isinstance(drawing, np.ndarray) else Image.open(drawing)
        picture = picture.convert("RGB")
        picture.thumbnail(THUMBNAIL)
        sheet.paste(picture)
    return np.asarray(sheet)
