"""Calibration: the temperature and thresholds do what the model card says of them."""

import numpy as np
import pytest

from digitpad import Recognizer
from evaluate.answers import read_set
from evaluate.metrics import calibration_error
from evaluate.sets import known_sets
from export.__main__ import VALIDATION
from train.calibration import RIGHT, calibrate, fit_odds, fit_temperature, log_odds, ood_score, probabilities


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


def scored(odds: np.ndarray, labels: int | np.ndarray = 0, sure: float = 0.999) -> tuple[np.ndarray, np.ndarray]:
    """Scores that answer 0, as sure as told, with these log odds against a digit; and labels."""
    scores = np.full((len(odds), 11), -20.0, np.float32)
    scores[:, 0], scores[:, 1], scores[:, 10] = np.log(sure), np.log(1 - sure), odds
    return scores, np.broadcast_to(labels, len(odds)).astype(np.int64)


def overlapping() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Log odds of digits and of non-digits, whose size says nothing of how good they are; sets of unequal size."""
    rng = np.random.default_rng(1)
    return (
        [rng.normal(-9, 3, 8_000), rng.normal(-7, 3, 500)],
        [rng.normal(2, 3, 300), rng.normal(3, 4, 3_000), rng.normal(-3, 3, 900)],
    )


def share_of_non_digits(digits: list[np.ndarray], outliers: list[np.ndarray], low: float, high: float) -> float:
    """Among what has a probability of being none between two bounds, if every array counts equally."""
    of_digits, of_outliers = (
        np.mean([((p := 1 / (1 + np.exp(-odds))) >= low).mean() - (p > high).mean() for odds in side])
        for side in (digits, outliers)
    )
    return float(of_outliers / (of_outliers + of_digits))


def test_of_what_is_a_digit_or_none_with_equal_probability_half_is_none() -> None:
    digits, outliers = overlapping()
    assert share_of_non_digits(digits, outliers, 0.4, 0.6) > 0.7, "there is something to do"
    fitted = calibrate([scored(odds) for odds in digits], [scored(odds)[0] for odds in outliers])
    digits, outliers = ([ood_score(scored(odds)[0], fitted) for odds in side] for side in (digits, outliers))
    assert share_of_non_digits(digits, outliers, 0.4, 0.6) == pytest.approx(0.5, abs=0.06)
    assert share_of_non_digits(digits, outliers, 0.75, 0.85) == pytest.approx(0.8, abs=0.06)


def test_a_set_counts_as_much_as_any_other_however_large_it_is() -> None:
    digits, outliers = overlapping()
    many_times = [np.tile(odds, times) for odds, times in zip(digits, (1, 20), strict=True)]
    assert fit_odds(many_times, outliers) == pytest.approx(fit_odds(digits, outliers), abs=1e-2)


def test_odds_stay_finite_where_no_digit_and_non_digit_overlap() -> None:
    scale, offset = fit_odds([np.linspace(-9, -5, 50)], [np.linspace(5, 9, 50)])
    assert 0 < scale < 10
    assert offset == pytest.approx(0, abs=0.1)


def test_refusing_more_or_less_would_cost_more() -> None:
    digits, outliers = overlapping()
    fitted = calibrate([scored(odds) for odds in digits], [scored(odds)[0] for odds in outliers])

    def cost(threshold: float) -> float:
        refused = np.mean([(ood_score(scored(odds)[0], fitted) > threshold).mean() for odds in digits])
        taken = np.mean([(ood_score(scored(odds)[0], fitted) <= threshold).mean() for odds in outliers])
        return float(refused + taken)

    least = cost(fitted.ood_threshold)
    assert least < cost(fitted.ood_threshold - 1) and least < cost(fitted.ood_threshold + 1)


def test_sure_answers_are_right_as_often_as_promised_in_the_mean_over_the_sets_and_no_more_are_unsure() -> None:
    parts = [overconfident(5_000, 1.0, spread=20), overconfident(500, 1.0, spread=12)]
    for scores, _ in parts:
        scores[:, 10] = -100
    fitted = calibrate(parts, [np.eye(11, dtype=np.float32)[[10] * 50] * 100])

    def right(threshold: float) -> float:
        shares = []
        for scores, labels in parts:
            answers = probabilities(scores, fitted.temperature)
            shares.append((answers.argmax(axis=1) == labels)[answers.max(axis=1) >= threshold].mean())
        return float(np.mean(shares))

    assert 0.4 < fitted.unsure_threshold < 0.99
    assert right(fitted.unsure_threshold - 0.01) < RIGHT <= right(fitted.unsure_threshold)


def test_the_network_says_how_much_likelier_no_digit_is_than_all_digits_together() -> None:
    scores = np.array([[20.0] + [0.0] * 10, [0.0] * 11, [0.0] * 10 + [20.0]], np.float32)
    found = log_odds(scores, 1.0)
    assert (np.diff(found) > 0).all()
    assert found[1] == pytest.approx(-np.log(10))


@pytest.mark.usefixtures("mnist_at_hand", "pen_at_hand", "letters_at_hand")
@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_of_what_a_shipped_model_answers_for_sure_as_much_is_right_as_its_card_says(name: str) -> None:
    recognizer, sets = Recognizer(name), known_sets()
    promised = recognizer.unsure_threshold

    def right(threshold: float) -> float:
        recognizer.unsure_threshold, shares = threshold, []
        for key in VALIDATION:
            answers = read_set(recognizer, sets[key])
            shares.append((answers.digit == sets[key].labels)[answers.status == "digit"].mean())
        return float(np.mean(shares))

    assert right(promised - 0.01) < RIGHT <= right(promised), "and no more is unsure than that takes"
