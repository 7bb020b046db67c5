"""Calibration: the temperature and thresholds do what the model card says of them."""

import numpy as np
import pytest

from train.calibrate import KEPT, RIGHT, calibrate, fit_temperature, ood_score, probabilities
from train.measures import calibration_error


def overconfident(count: int = 5_000, factor: float = 3.0, spread: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores `factor` times too large for how often they are right, which is the more often the wider their spread."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0, spread, (count, 11)).astype(np.float32)
    labels = np.array([rng.choice(10, p=p) for p in probabilities(honest, 1.0)])
    return honest * factor, labels


def test_the_temperature_undoes_overconfidence() -> None:
    scores, labels = overconfident()
    assert fit_temperature([(scores, labels)]) == pytest.approx(3.0, rel=0.1)
    answers = probabilities(scores, 3.0)
    right = answers.argmax(axis=1) == labels
    assert calibration_error(answers.max(axis=1).astype(np.float32), right) < 0.02
    loud = probabilities(scores, 1.0)
    assert calibration_error(loud.max(axis=1).astype(np.float32), right) > 0.1


def test_the_thresholds_keep_the_share_of_every_part_they_promise() -> None:
    easy, hard = overconfident(2_000, 6.0), overconfident(2_000, 1.0)
    fitted = calibrate([easy, hard])
    for scores, _ in (easy, hard):
        assert (ood_score(scores, fitted.temperature) <= fitted.ood_threshold).mean() >= KEPT - 1e-3


def test_answers_that_are_sure_are_right_as_often_as_promised_in_every_part() -> None:
    parts = [overconfident(5_000, 1.0, spread=20), overconfident(5_000, 1.0, spread=12)]
    fitted = calibrate(parts)
    assert fitted.unsure_threshold < 0.99
    for scores, labels in parts:
        answers = probabilities(scores, fitted.temperature)
        kept = (ood_score(scores, fitted.temperature) <= fitted.ood_threshold) & (
            answers.max(axis=1) >= fitted.unsure_threshold
        )
        right = answers.argmax(axis=1) == labels
        assert right[kept].mean() >= RIGHT


def test_the_ood_score_is_the_log_odds_against_a_digit() -> None:
    scores = np.array([[20.0] + [0.0] * 10, [0.0] * 11, [0.0] * 10 + [20.0]], np.float32)
    found = ood_score(scores, 1.0)
    assert (np.diff(found) > 0).all()
    assert found[1] == pytest.approx(-np.log(10))
