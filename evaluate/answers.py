"""A model's answers to labelled digits, and what they are worth. Read through the .onnx file, as users meet it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitpad import Recognizer
from evaluate import metrics
from train.data import Digits


@dataclass(frozen=True)
class Answers:
    """What one model says of N images; the answer is the most probable digit, whatever the status."""

    probabilities: NDArray[np.float32]  # (N, 10)
    ood_score: NDArray[np.float32]  # (N,)
    confidence: NDArray[np.float32]  # (N,), the largest probability
    digit: NDArray[np.int64]  # (N,)
    status: NDArray[np.str_]  # (N,): "digit", "unsure" or "not_a_digit"


@dataclass(frozen=True)
class Reading:
    """How well one model reads some labelled digits; every share is in [0, 1]."""

    count: int
    errors: int
    accuracy: float
    interval: tuple[float, float]  # 95 % interval of the accuracy (Wilson)
    nll: float  # mean negative log-likelihood, in nats
    ece: float  # expected calibration error over 15 bins
    aurc: float  # mean risk over all coverages: 0 would be no errors at all
    wrong_confidence: float | None  # mean confidence of the wrong answers
    answered: float  # share that gets status "digit"
    answered_accuracy: float | None  # accuracy among those
    unsure: float  # share that gets status "unsure"
    rejected: float  # share that is taken for no digit


@dataclass(frozen=True)
class Figures(Reading):
    """The same for a whole set, with what happens to each digit."""

    per_class: list[float | None]
    confusion: list[list[int]]  # rows: true digit, columns: answer


@dataclass(frozen=True)
class DigitsByWriter(Digits):
    """Labelled digits of which it is known who wrote them: names (N,)."""

    writers: NDArray[np.str_]


def read(recognizer: Recognizer, images: NDArray[np.uint8]) -> Answers:
    """A model's answers to images uint8 (N, 28, 28); the statuses are those that `Recognizer.predict` gives."""
    return judge(*recognizer.run(images), recognizer.ood_threshold, recognizer.unsure_threshold)


def judge(
    probabilities: NDArray[np.float32],
    ood_score: NDArray[np.float32],
    ood_threshold: float,
    unsure_threshold: float,
) -> Answers:
    """Answers from a model's outputs, (N, 10) and (N,), and two thresholds."""
    confidence = probabilities.max(axis=1)
    sure = np.where(confidence < unsure_threshold, "unsure", "digit")
    status = np.where(ood_score > ood_threshold, "not_a_digit", sure)
    return Answers(probabilities, ood_score, confidence, probabilities.argmax(axis=1), status)


def summarise(answers: Answers, labels: NDArray[np.int64], which: NDArray[Any] | slice = slice(None)) -> Reading:
    """Compare answers with the truth, or those of them that an index picks; there must be at least one."""
    labels, digit, confidence = labels[which], answers.digit[which], answers.confidence[which]
    status, right = answers.status[which], digit == labels
    answered = status == "digit"
    return Reading(
        count=len(labels),
        errors=int((~right).sum()),
        accuracy=float(right.mean()),
        interval=metrics.wilson(int(right.sum()), len(labels)),
        nll=metrics.log_loss(answers.probabilities[which], labels),
        ece=metrics.calibration_error(confidence, right),
        aurc=float(metrics.risk_coverage(confidence, right)[1].mean()),
        wrong_confidence=_mean(confidence[~right]),
        answered=float(answered.mean()),
        answered_accuracy=_mean(right[answered]),
        unsure=float((status == "unsure").mean()),
        rejected=float((status == "not_a_digit").mean()),
    )


def measure(recognizer: Recognizer, digits: Digits) -> Figures:
    """Read all digits with one model."""
    return figures(read(recognizer, digits.images), digits)


def figures(answers: Answers, digits: Digits) -> Figures:
    """What a model's answers to a whole set are worth."""
    confusion = np.zeros((10, 10), np.int64)
    np.add.at(confusion, (digits.labels, answers.digit), 1)
    right = answers.digit == digits.labels
    per_class = [_mean(right[digits.labels == digit]) for digit in range(10)]
    return Figures(**vars(summarise(answers, digits.labels)), per_class=per_class, confusion=confusion.tolist())


def brief(reading: Reading) -> dict[str, Any]:
    """What a table of many small groups shows."""
    return {key: vars(reading)[key] for key in ("count", "errors", "accuracy", "answered", "answered_accuracy")}


def by_writer(answers: Answers, digits: DigitsByWriter) -> dict[str, dict[str, Any]]:
    """The brief figures of each writer."""
    return {
        str(writer): brief(summarise(answers, digits.labels, digits.writers == writer))
        for writer in np.unique(digits.writers)
    }


def compare(first: Answers, second: Answers, labels: NDArray[np.int64]) -> dict[str, float]:
    """Two models on the same digits: what each alone reads right, and how easily chance gives that (McNemar)."""
    one, other = first.digit == labels, second.digit == labels
    only_this, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    return {"only_this": only_this, "only_other": only_other, "p": metrics.mcnemar(only_this, only_other)}


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None
