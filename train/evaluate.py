"""`python -m train.evaluate`: how well models read labelled digits, with intervals, calibration and confusions."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitpad import DigitPadError, Recognizer
from digitpad.files import write_whole
from digitpad.models import shipped_models
from train.data import DataError, Digits, load_mnist, load_own, load_pen, read_idx, render

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Figures:
    """What one model makes of one set of labelled digits; every share is in [0, 1]."""

    count: int
    errors: int
    accuracy: float
    interval: tuple[float, float]  # 95 % interval of the accuracy (Wilson)
    nll: float  # mean negative log-likelihood, in nats
    ece: float  # expected calibration error over 15 bins
    answered: float  # share that gets status "digit"
    answered_accuracy: float  # accuracy among those
    rejected: float  # share that is taken for no digit
    per_class: list[float]
    confusion: list[list[int]]  # rows: true digit, columns: answer


def measure(recognizer: Recognizer, digits: Digits) -> Figures:
    """Read all digits with one model; an answer is the most probable digit, whatever the status says."""
    probabilities, ood_score = recognizer.run(digits.images)
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = answers == digits.labels
    confusion = np.zeros((10, 10), np.int64)
    np.add.at(confusion, (digits.labels, answers), 1)
    rejected = ood_score > recognizer.ood_threshold
    answered = ~rejected & (confidence >= recognizer.unsure_threshold)
    likelihood = np.maximum(probabilities[np.arange(len(digits)), digits.labels].astype(np.float64), 1e-12)
    return Figures(
        count=len(digits),
        errors=int((~right).sum()),
        accuracy=float(right.mean()),
        interval=wilson(int(right.sum()), len(digits)),
        nll=-float(np.log(likelihood).mean()),
        ece=calibration_error(confidence, right),
        answered=float(answered.mean()),
        answered_accuracy=float(right[answered].mean()) if answered.any() else float("nan"),
        rejected=float(rejected.mean()),
        per_class=[
            float(right[digits.labels == digit].mean()) if row.any() else 0.0 for digit, row in enumerate(confusion)
        ],
        confusion=confusion.tolist(),
    )


def wilson(successes: int, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    z, share = 1.959964, successes / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5
    return middle - half, middle + half


def calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over equally wide bins.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float(confidence[which == b].sum()) - float(right[which == b].sum())) for b in range(bins)]
    return sum(gaps) / len(confidence)


def known_sets(folder: Path | None = None) -> dict[str, Digits]:
    """The fixed sets that are at hand, by name; a set that cannot be had is named on standard error and left out."""
    sets: dict[str, Digits] = {}
    try:
        mnist = load_mnist(folder)
        sets |= {"mnist_test": mnist.test, "mnist_validation": mnist.validation}
    except DataError as error:
        print(f"not measured on MNIST: {error}", file=sys.stderr)
    try:
        sets["pen_validation"] = render(load_pen(folder).validation)
    except DataError as error:
        print(f"not measured on the pen digits: {error}", file=sys.stderr)
    return sets


def load_set(path: Path) -> Digits:
    """A labelled set: an IDX file of images with its labels beside it, a stroke file, or a folder sorted by label.

    Raises:
        DigitPadError: it cannot be read or holds no labels.
    """
    if "idx3" in path.name:
        labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
        digits = Digits(read_idx(path), read_idx(labels).astype(np.int64))
    else:
        digits = load_own(path)
    if not len(digits):
        raise DataError(f"{path}: holds no labelled digits")
    return digits


def table(rows: Sequence[tuple[str, str, Figures]]) -> str:
    """A Markdown table of (model, set, figures)."""
    lines = [
        "| model | set | digits | accuracy | errors | 95 % interval | NLL | ECE | answered | right | rejected |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for model, name, f in rows:
        low, high = f.interval
        lines.append(
            f"| {model} | {name} | {f.count:,} | {f.accuracy:.2%} | {f.errors} | {low:.2%} to {high:.2%} | {f.nll:.4f}"
            f" | {f.ece:.2%} | {f.answered:.2%} | {f.answered_accuracy:.2%} | {f.rejected:.2%} |"
        )
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Measure, print and save; returns the exit status."""
    parser = argparse.ArgumentParser("python -m train.evaluate", description=__doc__)
    parser.add_argument("--model", help="name or .onnx file (default: every shipped model)")
    parser.add_argument("--set", type=Path, help="IDX images, stroke file, or folder with folders 0 to 9")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--out", type=Path, default=ROOT / "artifacts" / "evaluation", help="where the results go")
    options = parser.parse_args(argv)
    try:
        sets = {options.set.name: load_set(options.set)} if options.set else known_sets(options.data)
        if not sets:
            raise DataError("nothing to measure on: give a labelled set with SET=PATH")
        recognizers = {name: Recognizer(name) for name in ([options.model] if options.model else shipped_models())}
        rows = [(m, s, measure(r, digits)) for m, r in recognizers.items() for s, digits in sets.items()]
        print(text := table(rows))
        for model, name, figures in rows:
            print(_confusion_text(model, name, figures))
        results: dict[str, Any] = {}
        for model, name, figures in rows:
            results.setdefault(model, {})[name] = vars(figures)
        options.out.mkdir(parents=True, exist_ok=True)
        write_whole(options.out / "evaluation.json", json.dumps(results, indent=1).encode())
        write_whole(options.out / "evaluation.md", text.encode())
        print(f"saved in {options.out}")
    except OSError as error:
        print(f"evaluate: {options.out}: cannot be made ({error.strerror})", file=sys.stderr)
        return 1
    except DigitPadError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    return 0


def _confusion_text(model: str, name: str, figures: Figures) -> str:
    rows = [f"{model} on {name}: rows are the true digit, columns the answer"]
    rows.append("     " + "".join(f"{digit:6}" for digit in range(10)))
    for digit, row in enumerate(figures.confusion):
        counts = "".join(f"{count or '·':>6}" for count in row)
        rows.append(f"{digit:4} {counts}   {figures.per_class[digit]:.2%}")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
