"""`python -m evaluate`: how well models read digits, how honest they are about it, and what they take for digits.

Without a set of your own: on MNIST and the pen digits, on generated digits and pictures, and on what is no digit.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from digitpad import Recognizer
from digitpad.files import make_folder, write_whole
from digitpad.models import shipped_models
from digitpad.stroke_files import Sample, is_stroke_file, read_samples
from evaluate.answers import DigitsByWriter, by_writer, compare, figures, read
from evaluate.tables import Results, page, picture_name, short_title
from train.command import ROOT, finish
from train.data import DataError, Digits, load_mnist, load_own, load_pen, read_idx, render
from train.synthetic.generate import generate_samples

PHOTOGRAPHED = 200  # digits that are read under each condition


def main(argv: list[str] | None = None) -> int:
    """Measure, print and save; returns the exit status."""
    parser = argparse.ArgumentParser("python -m evaluate", description=__doc__)
    parser.add_argument("--model", help="names or .onnx files, commas between them (default: every shipped model)")
    parser.add_argument("--set", type=Path, help="IDX images, stroke file, or folder with folders 0 to 9")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--out", type=Path, default=ROOT / "artifacts" / "evaluation", help="where the results go")
    options = parser.parse_args(argv)

    def work() -> None:
        recognizers = load_models(options.model)
        make_folder(options.out)
        if options.set:
            results = evaluate(recognizers, {options.set.name: load_set(options.set)}, options.out)
        else:
            results = evaluate_fully(recognizers, options.data, options.out)
        print(text := page(results))
        write_whole(options.out / "evaluation.json", (json.dumps(results, indent=1) + "\n").encode())
        write_whole(options.out / "evaluation.md", text.encode())
        print(f"saved in {options.out}")

    return finish("evaluate", work, "nothing was saved but pictures")


def evaluate(recognizers: dict[str, Recognizer], sets: dict[str, Digits], pictures: Path) -> Results:
    """Measure models on labelled sets, each alone and one against another; leaves pictures in a folder that is there.

    Raises:
        DigitPadError: a model fails to run, or a picture cannot be written.
    """
    from evaluate.pictures import plot_calibration  # matplotlib takes a second to load
    from train.pictures import plot_most_wrong

    answers = {m: {s: read(r, digits.images) for s, digits in sets.items()} for m, r in recognizers.items()}
    results: Results = {}
    for model, of_sets in answers.items():
        later = list(answers)[list(answers).index(model) + 1 :]
        results[model] = {
            "figures": {s: asdict(figures(a, sets[s])) for s, a in of_sets.items()},
            "report": {
                "writers": {s: by_writer(of_sets[s], d) for s, d in sets.items() if isinstance(d, DigitsByWriter)},
                "against": {
                    other: {s: compare(a, answers[other][s], sets[s].labels) for s, a in of_sets.items()}
                    for other in later
                },
            },
        }
    for name, digits in sets.items():
        of_models = {model: of_sets[name] for model, of_sets in answers.items()}

        plot_calibration(of_models, digits.labels, pictures / picture_name("calibration", name), short_title(name))
        for model, a in of_models.items():
            plot_most_wrong(digits, a.probabilities, pictures / picture_name("errors", model, name), most=100)
    return results


def evaluate_fully(recognizers: dict[str, Recognizer], data: Path | None, pictures: Path) -> Results:
    """Measure models on all there is: the known sets at hand, writers held out, and hard cases of our own making.

    Raises:
        DigitPadError: a model fails to run, or a picture cannot be written.
    """
    from evaluate import hard_cases
    from evaluate.held_out import leave_one_writer_out

    sets = known_sets(data)
    results = evaluate(recognizers, sets, pictures)
    pen = sets.get("pen_validation")
    samples = load_pen(data).validation if pen else list(generate_samples(PHOTOGRAPHED, hard_cases.SEED))
    some = samples[:: len(samples) // PHOTOGRAPHED][:PHOTOGRAPHED]
    measured = {
        "variants": hard_cases.measure_variants(recognizers, pictures),
        "conditions": hard_cases.measure_conditions(recognizers, some, pictures),
        "outliers": hard_cases.measure_outliers(
            recognizers, {name: sets[name] for name in ("pen_validation", "mnist_test") if name in sets}, pictures
        ),
    }
    for model, recognizer in recognizers.items():
        report = results[model]["report"]
        report |= {key: by_model[model] for key, by_model in measured.items()}
        if isinstance(pen, DigitsByWriter):
            further = [sets["mnist_validation"]] if "mnist_validation" in sets else []
            report["held_out_writers"] = leave_one_writer_out(recognizer, pen, further)
    return results


def load_models(which: str | None) -> dict[str, Recognizer]:
    """The models that are named, by a short name for tables: all that are shipped where none is.

    Raises:
        DigitPadError: one cannot be loaded.
    """
    if not which:
        return {name: Recognizer(name) for name in shipped_models()}
    parts = [which] if Path(which).exists() else [part.strip() for part in which.split(",")]
    stems = [Path(part).stem for part in parts]
    return {stem if stems.count(stem) == 1 else part: Recognizer(part) for part, stem in zip(parts, stems, strict=True)}


def known_sets(folder: Path | None = None) -> dict[str, Digits]:
    """The fixed sets that are at hand, by name; a set that cannot be had is named on standard error and left out."""
    sets: dict[str, Digits] = {}
    try:
        mnist = load_mnist(folder)
        sets |= {"mnist_test": mnist.test, "mnist_validation": mnist.validation}
    except DataError as error:
        print(f"not measured on MNIST: {error}", file=sys.stderr)
    try:
        sets["pen_validation"] = with_writers(load_pen(folder).validation)
    except DataError as error:
        print(f"not measured on the pen digits: {error}", file=sys.stderr)
    return sets


def load_set(path: Path) -> Digits:
    """A labelled set: an IDX file of images with its labels beside it, a stroke file, or a folder sorted by label.

    Raises:
        DigitPadError: it cannot be read or holds no labels, or not a label for each image.
    """
    if "idx3" in path.name:
        labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
        digits = Digits(read_idx(path), read_idx(labels).astype(np.int64))
        if digits.images.shape[1:] != (28, 28) or digits.labels.shape != digits.images.shape[:1]:
            raise DataError(
                f"{path}: shape {digits.images.shape}, and {labels.name} {digits.labels.shape}: needed are (N, 28, 28)"
                " and (N,)"
            )
        if digits.labels.max(initial=0) > 9:
            raise DataError(f"{labels}: holds the label {digits.labels.max()}; digits have 0 to 9")
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


if __name__ == "__main__":
    sys.exit(main())
