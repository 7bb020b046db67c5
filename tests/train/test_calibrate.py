"""Calibration: the temperature and thresholds do what the model card says of them."""

import numpy as np
import pytest

from train.calibrate import KEPT, calibrate, energy, fit_temperature, probabilities
from train.evaluate import calibration_error, wilson


def overconfident(count: int = 5_000, factor: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores `factor` times too large for how often they are right."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (count, 10)).astype(np.float32)
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
        assert (energy(scores, fitted.temperature) <= fitted.ood_threshold).mean() >= KEPT - 1e-3


def test_energy_is_lower_where_the_scores_are_surer() -> None:
    scores = np.array([[20.0] + [0.0] * 9, [2.0] + [0.0] * 9, [0.0] * 10], np.float32)
    assert (np.diff(energy(scores, 1.0)) > 0).all()


def test_wilsons_interval_agrees_with_the_textbook() -> None:
    low, high = wilson(9_950, 10_000)
    assert low == pytest.approx(0.99343, abs=1e-4)
    assert high == pytest.approx(0.99621, abs=1e-4)
