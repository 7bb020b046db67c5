"""Measures of a model's answers, as plain functions of arrays: no model, no file, no data set.

A share is in [0, 1]. `confidence` is the largest of the ten probabilities, `right` whether that answer was.
"""

from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

BINS = 15


def wilson(successes: int, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    z, share = 1.959964, successes / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(only_first: int, only_second: int) -> float:
    """How often chance alone makes two equally good models differ this much on the same digits (p, two-sided).

    The exact binomial form of McNemar's test (Psychometrika 12, 1947): only digits that just one of the two reads
    right count, and each of them is a toss of a fair coin.

    Args:
        only_first: digits that only the first model reads right.
        only_second: digits that only the second does.
    """
    tosses = only_first + only_second
    tail = sum(comb(tosses, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / 2**tosses)


def log_loss(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Mean negative log-likelihood of the true digits, in nats; a probability counts as at least 1e-12."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_truth, 1e-12)).mean())


def calibration_error(confidence: Floats, right: Bools) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over 15 equally wide bins.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    counts, confidences, accuracies = reliability(confidence, right)
    filled = counts > 0
    return float((counts * np.abs(confidences - accuracies))[filled].sum() / len(confidence))


def reliability(confidence: Floats, right: Bools) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Count, mean confidence and accuracy of the answers in each of 15 equally wide bins; NaN where a bin is empty."""
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(which, minlength=BINS)
    divisors = np.where(counts, counts, np.nan)
    return (
        counts,
        np.bincount(which, confidence.astype(np.float64), BINS) / divisors,
        np.bincount(which, right.astype(np.float64), BINS) / divisors,
    )


def risk_coverage(confidence: Floats, right: Bools) -> tuple[Floats, Floats]:
    """Coverage and risk, (N,) each: what share of the k surest answers is wrong, for every k from 1 to N.

    Answers of equal confidence cannot be ranked, so their errors are spread evenly among them.
    Geifman, El-Yaniv, "Selective Classification for Deep Neural Networks", NeurIPS 2017.
    """
    order = np.argsort(-confidence, kind="stable")
    _, start, size = np.unique(-confidence[order], return_index=True, return_counts=True)
    wrong = np.add.reduceat((~right[order]).astype(np.float64), start) / size
    taken = np.arange(1, len(right) + 1)
    return taken / len(right), np.cumsum(np.repeat(wrong, size)) / taken


def edits(one: str, other: str) -> int:
    """How many characters have to be put in, taken out or changed to make one text of the other (Levenshtein, 1966)."""
    row = list(range(len(other) + 1))
    for place, character in enumerate(one, start=1):
        diagonal, row[0] = row[0], place
        for n, its in enumerate(other, start=1):
            diagonal, row[n] = row[n], min(row[n] + 1, row[n - 1] + 1, diagonal + (character != its))
    return row[-1]


def auroc(digits: Floats, others: Floats) -> float:
    """How often a non-digit scores higher than a digit, both picked at random; equal scores count half.

    The area under the ROC curve, by ranks (Hanley, McNeil, Radiology 143, 1982).
    """
    ordered = np.sort(digits)
    below, not_above = (np.searchsorted(ordered, others, side=side) for side in ("left", "right"))
    return float((below + not_above).mean() / (2 * len(digits)))


def false_positives(digits: Floats, others: Floats, kept: float = 0.95) -> float:
    """Share of the non-digits that pass when the threshold lets this share of the digits pass.

    Hendrycks, Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples", ICLR 2017.
    """
    threshold = np.quantile(digits, kept, method="inverted_cdf")
    return float((others <= threshold).mean())
