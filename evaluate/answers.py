"""A model's answers to labelled digits, read through the .onnx file that users get, and what they are worth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitpad import Prediction, Recognizer
from digitpad.answers import status_of
from digitpad.reader import Readings
from evaluate import metrics
from evaluate.sets import Drawn
from train.data import Digits


@dataclass(frozen=True)
class Answers:
    """One model's answers to N images: the most probable digit of each, whatever its status."""

    probabilities: NDArray[np.float32]  # (N, 10)
    ood_score: NDArray[np.float32]  # (N,)
    confidence: NDArray[np.float32]  # (N,), the largest probability
    digit: NDArray[np.int64]  # (N,)
    status: NDArray[np.str_]  # (N,): "digit", "unsure", "not_a_digit" or "blank"


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
    answered: float  # share with status "digit"
    answered_accuracy: float | None  # accuracy among those
    unsure: float  # share with status "unsure"
    rejected: float  # share with status "not_a_digit" or "blank"


@dataclass(frozen=True)
class Figures(Reading):
    """The same for a whole set, with what happens to each digit."""

    per_class: list[float | None]
    confusion: list[list[int]]  # rows: true digit, columns: answer


def read(recognizer: Recognizer, images: NDArray[np.uint8]) -> Answers:
    """A network's own answers to images uint8 (N, 28, 28), with the statuses of `Recognizer.predict_normalised`."""
    answers = judge(*recognizer.run(images), recognizer.ood_threshold, recognizer.unsure_threshold)
    answers.status[~images.any(axis=(1, 2))] = "blank"
    return answers


def read_set(recognizer: Recognizer, digits: Digits) -> Answers:
    """What the runtime answers to a set, row reader included: drawn, or pictures in MNIST's form."""
    if isinstance(digits, Drawn):
        answers = [recognizer.predict_strokes(strokes) for strokes in digits.strokes]
    else:
        answers = [recognizer.predict_readings(Readings(image[None])) for image in digits.images]
    return answers_of(answers) if answers else read(recognizer, digits.images)


def judge(
    probabilities: NDArray[np.float32],
    ood_score: NDArray[np.float32],
    ood_threshold: float,
    unsure_threshold: float,
) -> Answers:
    """Answers from a model's outputs, (N, 10) and (N,), and its two thresholds."""
    confidence = probabilities.max(axis=1)
    pairs = zip(confidence.tolist(), ood_score.tolist(), strict=True)
    status = np.array([status_of(c, score, ood_threshold, unsure_threshold) for c, score in pairs], "U11")
    return Answers(probabilities, ood_score, confidence, probabilities.argmax(axis=1), status)


def answers_of(predictions: Sequence[Prediction]) -> Answers:
    """What `predict` said, as answers; there must be at least one."""
    probabilities = np.stack([p.probabilities for p in predictions])
    ood_score = np.array([p.ood_score for p in predictions], np.float32)
    status = np.array([p.status for p in predictions], "U11")
    confidence = np.array([p.confidence for p in predictions], np.float32)
    return Answers(probabilities, ood_score, confidence, probabilities.argmax(axis=1), status)


def together(parts: Iterable[Answers]) -> Answers:
    """All answers as one."""
    return Answers(*(np.concatenate(columns) for columns in zip(*(vars(part).values() for part in parts), strict=True)))


def summarise(answers: Answers, labels: NDArray[np.int64], which: NDArray[Any] | slice = slice(None)) -> Reading:
    """Compare answers, or those an index picks, with the truth; there must be at least one."""
    labels, digit, confidence = labels[which], answers.digit[which], answers.confidence[which]
    status = answers.status[which]
    right = (digit == labels) & (status != "blank")
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
        rejected=float(np.isin(status, ("not_a_digit", "blank")).mean()),
    )


def figures(answers: Answers, digits: Digits) -> Figures:
    """What answers to a whole set are worth."""
    confusion = np.zeros((10, 10), np.int64)
    np.add.at(confusion, (digits.labels, answers.digit), 1)
    right = answers.digit == digits.labels
    per_class = [_mean(right[digits.labels == digit]) for digit in range(10)]
    return Figures(**vars(summarise(answers, digits.labels)), per_class=per_class, confusion=confusion.tolist())


def brief(reading: Reading) -> dict[str, Any]:
    """What a table of many small groups shows."""
    return {key: vars(reading)[key] for key in ("count", "errors", "accuracy", "answered", "answered_accuracy")}


def by_writer(answers: Answers, digits: Drawn) -> dict[str, dict[str, Any]]:
    """The brief figures of each writer."""
    return {
        str(writer): brief(summarise(answers, digits.labels, digits.writers == writer))
        for writer in np.unique(digits.writers)
    }


def compare(first: Answers, second: Answers, labels: NDArray[np.int64]) -> dict[str, float]:
    """Two models on the same digits: what each alone reads right, and how likely chance is to give that (McNemar)."""
    one, other = first.digit == labels, second.digit == labels
    only_this, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    return {"only_this": only_this, "only_other": only_other, "p": metrics.mcnemar(only_this, only_other)}


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None
