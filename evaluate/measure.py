"""Measure models: on labelled sets, each alone and one against another; or on everything there is."""

from dataclasses import asdict
from pathlib import Path

from digitpad import Recognizer
from evaluate.answers import Figures, by_writer, compare, figures, read_set
from evaluate.people import measure_people
from evaluate.sets import Drawn, known_sets
from evaluate.tables import Results, picture_name, short_title
from train.data import Digits, load_pen
from train.synthetic.generate import generate_samples
from train.synthetic.outliers import validation_outliers

PHOTOGRAPHED = 100  # digits that are read under each condition


def measure(recognizer: Recognizer, digits: Digits) -> Figures:
    """Measure one model on one set."""
    return figures(read_set(recognizer, digits), digits)


def measure_sets(recognizers: dict[str, Recognizer], sets: dict[str, Digits], pictures: Path) -> Results:
    """Measure models on labelled sets, each alone and one against another; pictures go into an existing folder.

    Raises:
        DigitPadError: a model fails to run, or a picture cannot be written.
    """
    from evaluate.pictures import plot_calibration  # matplotlib takes a second to load
    from train.pictures import plot_most_wrong

    answers = {model: {s: read_set(r, digits) for s, digits in sets.items()} for model, r in recognizers.items()}
    results: Results = {}
    for number, (model, of_sets) in enumerate(answers.items(), start=1):
        others = list(answers)[number:]
        results[model] = {
            "figures": {s: asdict(figures(a, sets[s])) for s, a in of_sets.items()},
            "writers": {
                s: by_writer(of_sets[s], d) for s, d in sets.items() if isinstance(d, Drawn) and (d.writers != "").all()
            },
            "against": {
                other: {s: compare(a, answers[other][s], sets[s].labels) for s, a in of_sets.items()}
                for other in others
            },
        }
    for name, digits in sets.items():
        of_models = {model: of_sets[name] for model, of_sets in answers.items()}
        plot_calibration(of_models, digits.labels, pictures / picture_name("calibration", name), short_title(name))
        for model, a in of_models.items():
            plot_most_wrong(digits, a.probabilities, pictures / picture_name("errors", model, name), most=100)
    return results


def measure_fully(recognizers: dict[str, Recognizer], data: Path | None, pictures: Path) -> Results:
    """Measure models on everything there is: sets at hand, what people wrote, each writer left out, our hard cases.

    Not all of it is measured of int8 files, which answer as their float32 files do: what takes minutes is left out.

    Raises:
        DigitPadError: a model fails to run, or a picture cannot be written.
    """
    from evaluate import hard_cases
    from evaluate.held_out import leave_one_writer_out
    from evaluate.numbers import measure_numbers

    sets = known_sets(data)
    results = measure_sets(recognizers, sets, pictures)
    measured = measure_people(recognizers, sets, data, hard_cases.SEED)
    exact = {name: recognizer for name, recognizer in recognizers.items() if not name.endswith("-int8")}
    measured["numbers"] = measure_numbers(exact, data, pictures, hard_cases.SEED)
    if "mnist_validation" in sets:
        measured["corruptions"] = hard_cases.measure_corruptions(exact, sets["mnist_validation"], data)
    pen = sets.get("pen_validation")
    samples = load_pen(data).validation if pen else list(generate_samples(PHOTOGRAPHED, hard_cases.SEED))
    some = samples[:: len(samples) // PHOTOGRAPHED][:PHOTOGRAPHED]
    digits: dict[str, Digits] = {name: sets[name] for name in ("pen_validation", "mnist_test") if name in sets}
    measured |= {
        "variants": hard_cases.measure_variants(exact, pictures),
        "conditions": hard_cases.measure_conditions(exact, some, pictures),
        "outliers": hard_cases.measure_outliers(recognizers, digits, pictures),
    }
    if isinstance(pen, Drawn):
        further = [sets["mnist_validation"]] if "mnist_validation" in sets else []
        outliers = list(validation_outliers().values())
        measured["held_out_writers"] = {m: leave_one_writer_out(r, pen, further, outliers) for m, r in exact.items()}
    for model, result in results.items():
        result |= {key: of_models[model] for key, of_models in measured.items() if model in of_models}
    return results
