"""Calibration: the temperature and thresholds do what the model card says of them."""

import numpy as np
import pytest

from evaluate.metrics import calibration_error
from train.calibration import ANSWERED, KEPT, NEARLY_RIGHT, RIGHT, calibrate, fit_temperature, ood_score, probabilities


def overconfident(count: int = 5_000, factor: float = 3.0, spread: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores `factor` times too large for how often they are right, which is more often the wider their spread."""
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
        assert right[kept].mean() >= NEARLY_RIGHT


def part(confidence: list[float], wrong: int, count: int = 1_000) -> tuple[np.ndarray, np.ndarray]:
    """Digits of which the first few are given a confidence each, and the first `wrong` of those are wrong."""
    sure = np.full(count, 0.999)
    sure[: len(confidence)] = confidence
    scores = np.full((count, 11), -20.0, np.float32)
    scores[:, 0], scores[:, 1] = np.log(sure), np.log(1 - sure)
    labels = np.zeros(count, np.int64)
    labels[:wrong] = 1
    return scores, labels


def test_one_wrong_answer_among_few_digits_does_not_make_many_right_ones_unsure() -> None:
    # Four wrong ones of 2,140 would do, five of 2,200 do not: shutting out the least sure takes sixty right ones along.
    near = part([0.89, 0.95, 0.96, 0.97, 0.98, *np.linspace(0.6, 0.88, 60)], wrong=5, count=2_200)
    fitted = calibrate([near])
    confidence = probabilities(near[0], fitted.temperature).max(axis=1)
    assert (confidence >= fitted.unsure_threshold).mean() >= 0.98
    right = near[0][:, :10].argmax(axis=1) == near[1]
    assert right[confidence >= fitted.unsure_threshold].mean() >= NEARLY_RIGHT


def test_where_enough_is_answered_sure_answers_are_right_as_often_as_promised_in_every_part() -> None:
    large, small = part([0.7] * 10, wrong=10, count=5_000), part([0.8] * 8, wrong=6, count=1_000)
    fitted = calibrate([large, small])
    for scores, labels in (large, small):
        answers = probabilities(scores, fitted.temperature)
        kept = answers.max(axis=1) >= fitted.unsure_threshold
        assert kept.mean() > ANSWERED
        assert (answers.argmax(axis=1) == labels)[kept].mean() >= RIGHT


def test_the_ood_score_is_the_log_odds_against_a_digit() -> None:
    scores = np.array([[20.0] + [0.0] * 10, [0.0] * 11, [0.0] * 10 + [20.0]], np.float32)
    found = ood_score(scores, 1.0)
    assert (np.diff(found) > 0).all()
    assert found[1] == pytest.approx(-np.log(10))
