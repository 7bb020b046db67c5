"""Leave one writer out: how honest the answers are for a person on whom temperature and thresholds were not fitted.

The shipped ones are fitted on all validation writers, so figures on these same writers are flattering. Here each writer
in turn is judged by what was fitted on the others. Recipe and seed were chosen on all of them, which still flatters.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitpad import Recognizer
from evaluate.answers import Answers, judge, summarise, together
from evaluate.sets import Drawn
from train.calibration import calibrate, ood_score, probabilities
from train.data import Digits, Images


def leave_one_writer_out(
    recognizer: Recognizer, digits: Drawn, further: list[Digits], outliers: list[Images]
) -> dict[str, Any]:
    """For each writer: fit on all the others, on further validation parts and on non-digits, and judge this one.

    Returns:
        For each writer, a Reading and what was fitted, as a dict; for "all" of them together, a Reading.
    """
    scores = uncalibrated_scores(recognizer, digits.images)
    parts = [(uncalibrated_scores(recognizer, part.images), part.labels) for part in further]
    no_digits = [uncalibrated_scores(recognizer, kind) for kind in outliers]
    result: dict[str, Any] = {}
    judged: list[tuple[Answers, NDArray[np.int64]]] = []
    for writer in np.unique(digits.writers):
        held = digits.writers == writer
        fitted = calibrate([*parts, (scores[~held], digits.labels[~held])], no_digits)
        answers = judge(
            probabilities(scores[held], fitted.temperature).astype(np.float32),
            ood_score(scores[held], fitted).astype(np.float32),
            fitted.ood_threshold,
            fitted.unsure_threshold,
        )
        judged.append((answers, digits.labels[held]))
        result[str(writer)] = asdict(fitted) | asdict(summarise(answers, digits.labels[held]))
    everyone = together(answers for answers, _ in judged)
    result["all"] = asdict(summarise(everyone, np.concatenate([labels for _, labels in judged])))
    return result


def uncalibrated_scores(recognizer: Recognizer, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The scores (N, 11) before the temperature, recovered from the file's answers, each row up to a constant.

    Divided by the temperature, the digits' scores are log p, and that of "not a digit" is ood_score: as the network
    gave it but for scale and offset, which are fitted anew.
    """
    probabilities, ood_score = recognizer.run(images)
    logs = np.log(np.maximum(probabilities, 1e-37))
    return np.column_stack([logs, ood_score]) * np.float32(recognizer.metadata["temperature"])
