"""What people wrote and nobody here made or learned from: digits of real numbers, letters, and how honest odds are.

Figures alone, no picture: pen numbers and cheques may be measured on and not shown.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitpad import Recognizer
from evaluate.answers import answers_of, read, read_set, summarise
from evaluate.sets import drawn, load_cheque_digits, load_pen_numbers
from train.data import Digits, Images, RealOutliers, load_outliers, render
from train.synthetic.outliers import KINDS, generate_outliers

ByModel = dict[str, dict[str, Any]]

MIDDLE = (0.4, 0.6)  # of p(no digit): about half of what gets such an answer should be no digit


def measure_people(
    recognizers: dict[str, Recognizer], sets: dict[str, Digits], data: Path | None, seed: int
) -> dict[str, ByModel]:
    """Measure models on what people wrote, as far as it is at hand.

    Args:
        recognizers: the models, by name.
        sets: labelled digits; the odds are measured on those whose names end in "validation".
        data: folder that holds the data sets, or None.
        seed: of the non-digits that are generated.

    Returns:
        "people_digits": a Reading of each set; "people_letters": the share of each status among letters that are no
        digits to the eye; "odds": what `honest_odds` finds, on validation digits and on non-digits by people and by our
        generator. By model and set.
    """
    letters = load_outliers(data)
    for error in letters.missing:
        print(f"not measured on a part of the letters: {error}", file=sys.stderr)
    numbers = load_pen_numbers(data)
    digits = drawn(numbers or [])
    cheques = load_cheque_digits(data)
    non_digits = _non_digits(letters, seed)
    to_read = {name: drawn(samples) for name, samples in letters.measure.items()}
    measured: dict[str, ByModel] = {"people_digits": {}, "people_letters": {}, "odds": {}}
    for model, recognizer in recognizers.items():
        measured["people_digits"][model] = {}
        if test := sets.get("mnist_test"):
            alone = asdict(summarise(read(recognizer, test.images), test.labels))
            measured["people_digits"][model]["mnist_test_alone"] = alone
        if numbers:
            by_part = {
                "pen_numbers": read_set(recognizer, digits),
                "pen_numbers_alone": read(recognizer, digits.images),
            }
            for part, found in by_part.items():
                measured["people_digits"][model][part] = asdict(summarise(found, digits.labels))
        # An int8 file answers as its float32 file does, and this takes minutes.
        if cheques is not None and not model.endswith("-int8"):
            pictures, labels = cheques
            answers = answers_of([recognizer.predict(picture) for picture in pictures])
            measured["people_digits"][model]["cheque_digits"] = asdict(summarise(answers, labels))
        statuses = {name: read_set(recognizer, samples).status for name, samples in to_read.items()}
        measured["people_letters"][model] = {name: _shares(status) for name, status in statuses.items()}
        of_digits = [recognizer.run(d.images)[1] for name, d in sets.items() if name.endswith("validation")]
        measured["odds"][model] = {
            name: honest_odds(of_digits, [recognizer.run(images)[1] for images in kinds])
            for name, kinds in non_digits.items()
            if of_digits
        }
    return measured


def _shares(status: NDArray[np.str_]) -> dict[str, Any]:
    return {
        "count": len(status),
        **{name: float((status == name).mean()) for name in ("digit", "unsure", "not_a_digit")},
    }


def _non_digits(letters: RealOutliers, seed: int, each: int = 300) -> dict[str, list[Images]]:
    """Non-digits of each kind, as those that odds are fitted on, and in shapes and by people that nothing saw."""
    found = {}
    for name, real, held_out in (("fitted on", letters.validation, False), ("never seen", letters.measure, True)):
        images, places = generate_outliers(each * len(KINDS), seed, held_out)
        kinds = [images[places == place] for place in np.unique(places)]
        found[name] = kinds + [render(samples).images for samples in real.values()]
    return found


def honest_odds(digits: list[NDArray[np.float32]], non_digits: list[NDArray[np.float32]]) -> dict[str, Any]:
    """Of what has p(no digit) in MIDDLE, which share is no digit, if there are as many non-digits as digits.

    Args:
        digits: the `ood_score` (N,) of each set of digits; every set counts equally.
        non_digits: the same of each kind of non-digit.
    """
    weights, count = [], 0
    for side in (digits, non_digits):
        probability = [1 / (1 + np.exp(-scores.astype(np.float64))) for scores in side]
        middle = [(p >= MIDDLE[0]) & (p <= MIDDLE[1]) for p in probability]
        weights.append(sum(m.mean() for m in middle) / len(side))
        count += sum(int(m.sum()) for m in middle)
    return {"count": count, "no_digit": float(weights[1] / sum(weights)) if count else None}
