"""Reference vectors: what a port of the runtime to another language must reproduce, strokes to answers.

Every drawing is ours: the demo's digits, digits and non-digits of our generators, and what they become when they are
resized, moved, cut into few points or set in rows. `make export` writes them for the models it exports;
`python -m export.reference` for those that are there.
"""

import base64
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitpad import Prediction, Recognizer
from digitpad.files import write_whole
from digitpad.pad.demo_strokes import demo_samples
from export.manifest import MODELS, read_manifest
from train.command import finish
from train.synthetic.generate import generate_samples
from train.synthetic.outliers import outlier_strokes

Strokes = list[NDArray[np.float64]]  # (n, 2) each: x right, y down
Drawings = Iterator[tuple[str, Strokes]]  # with what each is

DESCRIPTION = (
    "Reference vectors, all drawn by us. samples: strokes (x right, y down) become image, 28x28 bytes in base64 (0 ="
    " paper, 255 = ink; equal within 1), and these become, per model, probabilities (equal within 1e-3), ood_score"
    " (within 1e-2) and status; what is blank has a status alone. numbers: strokes become, per model, text, status,"
    " confidence (within 1e-3), the box of each digit (left, top, right, bottom; within 1e-6 of its size) and, as"
    " digits, how sure each is (within 1e-3), as the groups of strokes alone say, before the row reader is heard."
)
LISTS = ("samples", "numbers")
NEAR = 2e-3  # a drawing whose answer is nearer than this to another one is left out: ports may round differently
GAP = 15.0  # between the digits of a number, where a digit is about 100 high


def reference_vectors(recognizers: dict[str, Recognizer]) -> dict[str, Any]:
    """Strokes with the bytes and answers they must become, by model, as JSON holds them."""
    samples, numbers = [], []
    for what, strokes in single_drawings():
        answers = {name: recognizer.predict_strokes(strokes) for name, recognizer in recognizers.items()}
        if not any(_is_close(recognizers[name], answer) for name, answer in answers.items()):
            image = base64.b64encode(next(iter(answers.values())).image.tobytes()).decode()
            said = {name: _said(answer) for name, answer in answers.items()}
            samples.append({"what": what, "strokes": _plain(strokes), "image": image, "answers": said})
    for what, strokes in number_drawings():
        read = {name: recognizer.read_strokes(strokes) for name, recognizer in recognizers.items()}
        if all(abs(number.confidence - recognizers[name].unsure_threshold) > NEAR for name, number in read.items()):
            said = {
                name: {
                    "text": number.text,
                    "status": number.status,
                    "confidence": _short(number.confidence),
                    "boxes": [digit.box for digit in number.digits],
                    "digits": [_short(digit.confidence) for digit in number.digits],
                }
                for name, number in read.items()
            }
            numbers.append({"what": what, "strokes": _plain(strokes), "answers": said})
    return {"description": DESCRIPTION, "samples": samples, "numbers": numbers}


def write_reference(folder: Path, recognizers: dict[str, Recognizer]) -> None:
    """Write a folder's reference.json, a vector a line.

    Raises:
        DigitPadError: the file cannot be written.
    """
    vectors = reference_vectors(recognizers)
    lines = {key: ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors[key]) for key in LISTS}
    lists = ",\n".join(f'"{key}": [\n{of}\n]' for key, of in lines.items())
    write_whole(folder / "reference.json", f'{{"description": {json.dumps(DESCRIPTION)},\n{lists}}}\n'.encode())


def single_drawings() -> Drawings:
    """What is read as one digit, or as none."""
    for sample in demo_samples():
        digit, label = sample.strokes, f"demo {sample.label}"
        yield label, digit
        yield f"{label}, tiny and negative", _moved(digit, 1e-6, -0.03)
        yield f"{label}, huge", _moved(digit, 1e60, 1e62)
        yield f"{label}, far from the origin", _moved(digit, 1, -1e7)
        yield f"{label}, curves through few points", [_few(stroke, 5) for stroke in digit]
        yield (
            f"{label}, corners: every point twice, of few",
            [np.repeat(_few(stroke, 6), 2, axis=0) for stroke in digit],
        )
        yield f"{label}, drawn backwards", [stroke[::-1] for stroke in reversed(digit)]
        yield f"{label} and a tap beside it", [*digit, np.array([[5.0, 400.0], [9.0, 402.0]])]
        size = float(np.ptp(np.concatenate(digit), axis=0).max())
        for part in (0.035, 0.045):
            tap = np.array([[-0.4 * size, 0.5 * size], [(part - 0.4) * size, 0.5 * size]]).round(1)
            yield f"{label} and a mark {part} of its size beside it", [*digit, tap]
        yield f"{label} and a point above it", [*digit, np.array([[500.0, -300.0]])]
    for sample in islice(generate_samples(200, seed=24), 0, 200, 3):
        yield f"generated {sample.writer}", _rounded(sample.strokes)
    for kind, drawings in outlier_strokes(2, seed=24).items():
        for strokes in drawings:
            yield f"no digit: {kind}", _rounded(strokes)
    yield from _shapes()


def _shapes() -> Drawings:
    """Blanks, long pieces and corners."""
    shapes: dict[str, list[list[tuple[float, float]]]] = {
        "nothing": [],
        "strokes without points": [[], []],
        "one point": [[(5, 5)]],
        "one point nine times": [[(5, 5)] * 9],
        "two points in one place": [[(-3, 8)], [(-3, 8)]],
        "an extent too small to see": [[(0, 0), (1e-301, 0)]],
        "two points apart": [[(0, 0)], [(10, 4)]],
        "a line from left to right": [[(0, 0), (1000, 0)]],
        "a line downwards in two pieces": [[(0, 0), (0, 50), (0, 100)]],
        "a line there and back": [[(0, 0), (10, 100), (0, 0)]],
        "a seven of three points": [[(0, 0), (60, 0), (20, 100)]],
        "a seven of three points and a bar": [[(0, 0), (60, 0), (20, 100)], [(20, 50), (55, 45)]],
        "a four of three pieces": [[(40, 0), (0, 60), (70, 60)], [(45, 30), (45, 100)]],
        "a one of two pieces": [[(0, 30), (30, 0), (30, 100)]],
        "a zero of eight points": [
            [(30, 0), (5, 15), (0, 50), (8, 88), (30, 100), (55, 85), (60, 45), (50, 10), (30, 0)]
        ],
        "an eight of ten points": [
            [
                (55, 10),
                (30, 0),
                (10, 15),
                (15, 35),
                (45, 60),
                (50, 85),
                (28, 100),
                (5, 85),
                (12, 60),
                (48, 28),
                (55, 10),
            ]
        ],
        "a square": [[(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]],
        "a cross": [[(0, 0), (100, 100)], [(100, 0), (0, 100)]],
        "a zigzag": [[(0, 0), (20, 100), (40, 0), (60, 100), (80, 0), (100, 100)]],
        "a long piece between short ones": [[(0, 0), (1, 2), (2, 5), (3, 9), (80, 90), (82, 92), (85, 93)]],
        "a right angle and a tap": [[(0, 0), (0, 100), (60, 100)], [(90, 50)]],
        "three taps beside a line": [[(0, 0), (5, 100)], [(60, 50)], [(80, 55)], [(99, 45)]],
        "points in a spiral": [[(t * np.cos(t), t * np.sin(t)) for t in np.linspace(0, 12, 25).round(3).tolist()]],
    }
    for what, strokes in shapes.items():
        yield what, [np.array(stroke, float).reshape(-1, 2) for stroke in strokes]


def number_drawings() -> Drawings:
    """What is read as a whole number: in one row and in two, close and apart, in any order, with what is no digit."""
    rng = np.random.default_rng(24)
    hands = [_digits([_rounded(s.strokes) for s in islice(generate_samples(40, 7), n, 40, 10)]) for n in range(10)]
    demo = _digits([_rounded(_moved(sample.strokes, 0.2, 0)) for sample in demo_samples()])

    def row(text: str, gap: float = GAP, own: bool = False) -> Strokes:
        digits = [demo[int(c)] if own else hands[int(c)][int(rng.integers(4))] for c in text]
        return _in_a_row(digits, gap)

    for text in ("42", "1984", "007", "314", "65536", "271828", "9", "5550123"):
        yield f"demo digits {text}", row(text, own=True)
    for length in (2, 2, 3, 3, 4, 5, 6, 7, 8, 10, 12):
        text = "".join(map(str, rng.integers(0, 10, length)))
        yield f"generated {text}", row(text)
        yield f"generated {text}, close", row(text, 2)
        yield f"generated {text}, boxes overlap", row(text, -6)
        yield f"generated {text}, drawn from right to left", row(text)[::-1]
    for text in ("12", "380", "4711"):
        whole = row(text, own=True)
        wide = max(stroke[:, 0].max() for stroke in whole)
        yield f"{text}, a point between its digits", [*whole, np.array([[wide / 2, 190.0], [wide / 2 + 1, 191.0]])]
        yield f"{text}, underlined", [*whole, np.array([[0.0, 230.0], [wide, 226.0]])]
        yield f"{text} above 95", [*whole, *_below(row("95", own=True), 260)]
        yield f"{text}, tiny", _moved(whole, 1e-5, 0)
        yield f"{text}, huge and negative", _moved(whole, 1e9, -1e12)
    yield (
        "a number in three rows",
        [stroke for n, text in enumerate(("12", "3", "456")) for stroke in _below(row(text), 250 * n)],
    )
    circle = np.stack([np.cos(turn := np.linspace(0, 6.2, 20)), np.sin(turn)], axis=1) * 50
    for gap in (0.0, 0.15, 0.3):
        yield (
            f"an eight of two circles, {gap} of their height apart",
            _rounded([circle, np.add(circle, (0, 100 * (1 + gap)))]),
        )
    yield "33 ones", [np.array([[40.0 * n, 0], [40.0 * n + 1, 100]]) for n in range(33)]
    yield "nothing", []
    yield "a point", [np.array([[1.0, 1.0]])]
    for n, digit in enumerate(demo):
        if len(digit) > 1:
            for gap in (0.28, 0.33, 0.37, 0.42):
                yield f"{n} with its strokes {gap} of its height apart", _apart(digit, gap)
    for gap in (0.02, 0.08, 0.12, 0.3):
        upper, lower = row("12", own=True), row("95", own=True)
        top, height = min(s[:, 1].min() for s in lower), float(np.ptp(np.concatenate(lower)[:, 1]))
        distance = max(s[:, 1].max() for s in upper) + gap * height - top
        yield f"two rows {gap} of a digit's height apart", _rounded([*upper, *_below(lower, distance)])
    for kind, drawings in outlier_strokes(4, seed=4).items():
        yield from ((f"no number: {kind}", _rounded(strokes)) for strokes in drawings)


def _digits(drawings: list[Strokes]) -> list[Strokes]:
    """Each with its left edge at 0."""
    return [[stroke - np.array([min(s[:, 0].min() for s in strokes), 0]) for stroke in strokes] for strokes in drawings]


def _in_a_row(digits: list[Strokes], gap: float) -> Strokes:
    strokes, left = [], 0.0
    for digit in digits:
        strokes += [stroke + np.array([left, 0]) for stroke in digit]
        left = max(stroke[:, 0].max() for stroke in strokes) + gap
    return _rounded(strokes)


def _apart(digit: Strokes, gap: float) -> Strokes:
    """Its strokes with this part of its height between one and the next."""
    height = float(np.ptp(np.concatenate(digit)[:, 1]))
    return _in_a_row(_digits([[stroke] for stroke in digit]), gap * height)


def _below(strokes: Strokes, distance: float) -> Strokes:
    return [stroke + np.array([0, distance]) for stroke in strokes]


def _few(stroke: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """Every fifth point or so, and the last."""
    return np.concatenate([stroke[:-1:step], stroke[-1:]])


def _moved(strokes: Strokes, scale: float, offset: float) -> Strokes:
    return [stroke * scale + offset for stroke in strokes]


def _rounded(strokes: Strokes) -> Strokes:
    return [stroke.round(1) for stroke in strokes]


def _is_close(recognizer: Recognizer, answer: Prediction) -> bool:
    """Whether rounding could change the status."""
    over_ood, over_unsure = answer.ood_score - recognizer.ood_threshold, answer.confidence - recognizer.unsure_threshold
    return answer.status != "blank" and (abs(over_ood) < 10 * NEAR or abs(over_unsure) < NEAR)


def _said(answer: Prediction) -> dict[str, Any]:
    if answer.status == "blank":
        return {"status": "blank"}
    probabilities = [_short(p) for p in answer.probabilities]
    return {"status": answer.status, "probabilities": probabilities, "ood_score": _short(answer.ood_score)}


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _plain(strokes: Strokes) -> list[Any]:
    return [stroke.tolist() for stroke in strokes]


def main() -> int:
    """Write the reference vectors of the shipped models; returns the exit status."""
    return finish("reference", lambda: write_reference(MODELS, exact_models(MODELS)), "nothing was changed")


def exact_models(folder: Path) -> dict[str, Recognizer]:
    """The models of a folder but the int8 forms, whose sums are rounded differently from processor to processor."""
    files = {name: entry["file"] for name, entry in sorted(read_manifest(folder).items()) if not name.endswith("-int8")}
    return {name: _ByStrokesAlone(folder / file) for name, file in files.items()}


class _ByStrokesAlone(Recognizer):
    """Reads without the row reader, which needs pictures drawn, and ports may lack."""

    def _heard(self, way: Any, *_: Any) -> Any:
        return way

    def _doubted(self, found: Any, *_: Any) -> Any:
        return found


if __name__ == "__main__":
    sys.exit(main())
