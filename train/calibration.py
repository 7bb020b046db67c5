"""What turns scores into honest answers: one temperature and two thresholds, fitted on validation digits alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Scores (N, 11), the last one's for "not a digit", and labels (N,), 0 to 9, of each validation part.
Parts = list[tuple[NDArray[np.float32], NDArray[np.int64]]]

# Share of every part's digits that must not be rejected as "not a digit". Going from 0.995 to 0.998 gains as many
# validation digits as it lets generated outliers through; and what people draw on a pad is digits.
KEPT = 0.997
RIGHT = 0.998  # share of right answers in every part among those given with status "digit"
# Among few digits, a single wrong answer decides; a hundred right ones should not be unsure because of it. To give this
# share of what people write the status "digit", a little less than RIGHT is enough. That there is such a bound was
# decided after the MLP had been seen to answer 98.3 % of MNIST's test digits; its value was not.
ANSWERED = 0.985
NEARLY_RIGHT = 0.997


@dataclass(frozen=True)
class Calibration:
    """temperature divides scores; an ood_score above ood_threshold means a non-digit; less confidence is "unsure"."""

    temperature: float
    ood_threshold: float
    unsure_threshold: float


def calibrate(parts: Parts) -> Calibration:
    """Fit the temperature on all digits, and thresholds that suit every part, however few digits it has."""
    temperature = fit_temperature(parts)
    # Each part keeps its share, so the threshold is that of the part that needs most room.
    ood_threshold = max(float(np.quantile(ood_score(scores, temperature), KEPT)) for scores, _ in parts)
    return Calibration(temperature, ood_threshold, _fit_unsure_threshold(parts, temperature, ood_threshold))


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


def ood_score(scores: NDArray[np.float32], temperature: float) -> Floats:
    """The out-of-distribution score (N,): the log of how much likelier "not a digit" is than all digits together.

    Outlier exposure with a class of its own: Hendrycks, Mazeika, Dietterich, "Deep Anomaly Detection with Outlier
    Exposure", ICLR 2019; Thulasidasan et al., "An Effective Baseline for Robustness to Distributional Shift", 2021.
    """
    scaled = scores.astype(np.float64) / temperature
    return scaled[:, 10] - np.logaddexp.reduce(scaled[:, :10], axis=1)


def probabilities(scores: NDArray[np.float32], temperature: float) -> Floats:
    """Softmax (N, 10) of the digits' scores / temperature."""
    return np.exp(_log_softmax(scores, temperature))


def _log_softmax(scores: NDArray[np.float32], temperature: float) -> Floats:
    scaled = scores[:, :10].astype(np.float64) / temperature
    return scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)


def _nll(scores: NDArray[np.float32], labels: NDArray[np.int64], temperature: float) -> float:
    return -float(_log_softmax(scores, temperature)[np.arange(len(labels)), labels].mean())


def _fit_unsure_threshold(parts: Parts, temperature: float, ood_threshold: float) -> float:
    """The lowest confidence above which answers are right as often as RIGHT asks, in every part.

    Where that leaves too few of all the parts' digits together for ANSWERED: the highest one that does not, if
    NEARLY_RIGHT are right above it in every part.
    """
    right = [scores[:, :10].argmax(axis=1) == labels for scores, labels in parts]
    confidence = [
        np.where(ood_score(scores, temperature) > ood_threshold, 0, probabilities(scores, temperature).max(axis=1))
        for scores, _ in parts
    ]

    def lowest(share: float) -> float:
        for threshold in np.linspace(0.4, 0.99, 119):
            answered = [r[c >= threshold] for r, c in zip(right, confidence, strict=True)]
            if all(len(a) and a.mean() >= share for a in answered):
                return float(threshold)
        return 0.99

    everything = np.concatenate(confidence)
    # With 95 % certainty, as far as this many digits can tell.
    asked = ANSWERED + 1.645 * np.sqrt(ANSWERED * (1 - ANSWERED) / len(everything))
    most = float(np.quantile(everything, max(1 - asked, 0), method="lower"))
    return lowest(RIGHT) if lowest(RIGHT) <= most else max(most, lowest(NEARLY_RIGHT))
