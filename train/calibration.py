"""What turns scores into honest answers: a temperature, odds against a digit, and thresholds; fitted on validation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scores = NDArray[np.float32]  # (N, 11), the last one's for "not a digit"
Parts = list[tuple[Scores, NDArray[np.int64]]]  # of each validation set of digits: scores, and labels (N,), 0 to 9

RIGHT = 0.997  # share of right answers among those given with status "digit"


@dataclass(frozen=True)
class Calibration:
    """temperature divides scores; ood_score = ood_scale x log odds + ood_offset.

    An ood_score above ood_threshold means a non-digit; less confidence than unsure_threshold is "unsure".
    """

    temperature: float
    ood_scale: float
    ood_offset: float
    ood_threshold: float
    unsure_threshold: float


def calibrate(digits: Parts, outliers: list[Scores]) -> Calibration:
    """Fit everything on validation sets.

    Args:
        digits: scores and labels of each set.
        outliers: scores of non-digits, an array for each generated kind and for each set of real ones.

    All digits count equally in the temperature. In the rest each set of digits does, however large it is, and each
    array of non-digits.
    """
    temperature = fit_temperature(digits)
    odds = [log_odds(scores, temperature) for scores, _ in digits]
    scale, offset = fit_odds(odds, [log_odds(scores, temperature) for scores in outliers])
    # Where odds are calibrated, least goes wrong if the likelier side is taken: no search, which among few digits finds
    # chance, is needed.
    ood_threshold = 0.0
    confidence, right = [], []
    for (scores, labels), values in zip(digits, odds, strict=True):
        answered = scale * values + offset <= ood_threshold
        confidence.append(probabilities(scores[answered], temperature).max(axis=1))
        right.append(scores[answered, :10].argmax(axis=1) == labels[answered])
    return Calibration(temperature, scale, offset, ood_threshold, fit_unsure_threshold(confidence, right))


def fit_temperature(parts: Parts) -> float:
    """The temperature with the least negative log-likelihood.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    scores, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    low, high = 0.2, 5.0
    for _ in range(3):  # each pass looks closer around the best of the last
        candidates = np.geomspace(low, high, 30)
        losses = [_nll(scores, labels, t) for t in candidates]
        best = int(np.argmin(losses))
        low, high = float(candidates[max(best - 1, 0)]), float(candidates[min(best + 1, 29)])
    return float(candidates[best])


def fit_odds(digits: list[Floats], outliers: list[Floats]) -> tuple[float, float]:
    """Scale and offset that make log odds (N,) those of a non-digit, if there are as many of them as of digits.

    Each array of digits counts equally, and each of outliers. Platt scaling: J. Platt, "Probabilistic Outputs for
    Support Vector Machines", 1999, by Newton's method as in Lin, Lin, Weng, "A Note on Platt's Probabilistic Outputs",
    2007. His targets, which are not quite 0 and 1, keep the scale finite where nothing overlaps.
    """
    odds = np.concatenate([*digits, *outliers])
    of_digits, of_outliers = sum(map(len, digits)), sum(map(len, outliers))
    targets = np.repeat([1 / (of_digits + 2), (of_outliers + 1) / (of_outliers + 2)], [of_digits, of_outliers])
    weights = np.concatenate(
        [np.full(len(values), 1 / len(values) / len(side)) for side in (digits, outliers) for values in side]
    )
    inputs = np.column_stack([odds, np.ones_like(odds)])

    def loss(fitted: Floats) -> float:
        return float(weights @ (np.logaddexp(0, inputs @ fitted) - targets * (inputs @ fitted)))

    fitted = np.array([1.0, 0.0])
    for _ in range(50):
        p = np.exp(-np.logaddexp(0, -inputs @ fitted))
        curvature = (inputs.T * (weights * p * (1 - p))) @ inputs + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, inputs.T @ (weights * (p - targets)))
        while loss(fitted - step) > loss(fitted):
            step /= 2
        fitted = fitted - step
    return float(fitted[0]), float(fitted[1])


def log_odds(scores: Scores, temperature: float) -> Floats:
    """What the network says, uncalibrated: the log (N,) of how much likelier "not a digit" is than all digits together.

    Outlier exposure with a class of its own: Hendrycks, Mazeika, Dietterich, "Deep Anomaly Detection with Outlier
    Exposure", ICLR 2019; Thulasidasan et al., "An Effective Baseline for Robustness to Distributional Shift", 2021.
    """
    scaled = scores.astype(np.float64) / temperature
    return scaled[:, 10] - np.logaddexp.reduce(scaled[:, :10], axis=1)


def ood_score(scores: Scores, fitted: Calibration) -> Floats:
    """The out-of-distribution score (N,): calibrated log odds that it is no digit."""
    return fitted.ood_scale * log_odds(scores, fitted.temperature) + fitted.ood_offset


def probabilities(scores: Scores, temperature: float) -> Floats:
    """Softmax (N, 10) of the digits' scores / temperature."""
    return np.exp(_log_softmax(scores, temperature))


def _log_softmax(scores: Scores, temperature: float) -> Floats:
    scaled = scores[:, :10].astype(np.float64) / temperature
    return scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)


def _nll(scores: Scores, labels: NDArray[np.int64], temperature: float) -> float:
    return -float(_log_softmax(scores, temperature)[np.arange(len(labels)), labels].mean())


def fit_unsure_threshold(confidence: list[Floats], right: list[NDArray[np.bool_]]) -> float:
    """The lowest confidence above which answers are right as often as RIGHT asks, in the mean over the sets."""
    for threshold in np.linspace(0.4, 0.99, 119):
        shares = [r[c >= threshold].mean() for c, r in zip(confidence, right, strict=True) if (c >= threshold).any()]
        if shares and np.mean(shares) >= RIGHT:
            return float(threshold)
    return 0.99
