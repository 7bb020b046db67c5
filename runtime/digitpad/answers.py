"""What a model answers, of one drawing or of a number; and what several opinions of the same digits come to."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from digitpad.reader import Box

SAY, MORE = 0.15, 0.2  # say of the model on what the row reader found; and how much more, as all of it is digits to it
_ENOUGH = 0.65  # how probable a digit is on average over the ways to see a picture where it is certain: some are wrong
LEAST = 1e-4  # probability that either gives a text: no network is surer that it is wrong
UNLIKELIEST = 1e-30

Status = Literal["digit", "unsure", "not_a_digit", "blank"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model makes of one drawing. `str(prediction)` is a short answer in words.

    Attributes:
        status: "digit"; "unsure" (a digit, but the confidence is low, or perhaps none); "not_a_digit"; or
            "blank".
        digit: 0 to 9; None when blank or not a digit.
        confidence: the largest probability, in [0, 1]; 0.0 when blank.
        probabilities: float32 (10,), summing to 1; all 0.1 when blank.
        ood_score: out-of-distribution score: the log odds that it is no digit; NaN when blank.
        image: uint8 (28, 28), 0 = paper, 255 = ink: exactly what the model saw; of a picture, where no ink was found
            or only a large filled mark, what the row reader made out; of a drawn number that it parts, what it cut out;
            all 0 when blank. Where the row reader has a say, probabilities and ood_score are those of both; of a drawn
            number that it parts, ood_score is its own.
        box: of a number's digit, in the input's own coordinates: left, top, right, bottom; None of a single one.
        network: what the network says by itself, where lessons of a hand have shifted that; None elsewhere.
    """

    status: Status
    digit: int | None
    confidence: float
    probabilities: NDArray[np.float32]
    ood_score: float
    image: NDArray[np.uint8]
    box: Box | None = None
    network: "Prediction | None" = None

    @property
    def learned(self) -> bool:
        """Whether what the owner taught decided: the network by itself reads another digit, or refuses, or does not."""
        return self.network is not None and self.network.digit != self.digit

    def __str__(self) -> str:
        """In words: "7 (99.8 %)"; "unsure, perhaps 7 (61.0 %)"; "not a digit"; "blank".

        In doubt the per cent are how probable it is this digit, and one at all.
        """
        if self.digit is None:
            return self.status.replace("_", " ")
        if self.status == "unsure":
            return f"unsure, perhaps {self.digit} ({percent(math.exp(certainty(self)))})"
        return f"{self.digit} ({percent(self.confidence)})"


@dataclass(frozen=True, eq=False)
class Number:
    """What a model makes of a whole number, or of several in rows. `str(number)` is a short answer in words.

    Attributes:
        text: the digits, left to right, rows joined by a line end; "" when not a number or blank.
        status: "number"; "unsure" (a number, but the confidence is low); "not_a_number"; or "blank".
        confidence: how probable it is that the text is right as a whole, in [0, 1]; 0.0 when blank.
        digits: the prediction for each digit, with its box; () when not a number or blank.
        reason: why it is not a number, where that is not for what it looks like; otherwise "".
    """

    text: str
    status: Literal["number", "unsure", "not_a_number", "blank"]
    confidence: float
    digits: tuple[Prediction, ...]
    reason: str = ""

    def __str__(self) -> str:
        """In words: "1984 (99.8 %)"; "unsure, perhaps 1984 (61.0 %)"; "not a number"; "blank"."""
        if not self.text:
            return self.status.replace("_", " ") + (f": {self.reason}" if self.reason else "")
        sure = f"{' / '.join(self.text.splitlines())} ({percent(self.confidence)})"
        return sure if self.status == "number" else f"unsure, perhaps {sure}"


def status_of(confidence: float, ood_score: float, ood_threshold: float, unsure_threshold: float) -> Status:
    """The status of an answer to an image that is not blank."""
    if ood_score > ood_threshold:
        return "not_a_digit"
    return "unsure" if confidence < unsure_threshold else "digit"


def percent(probability: float) -> str:
    """A probability in percent, never as 100.0 %: no answer is certain."""
    return f"{min(100 * probability, 99.9):.1f} %"


def certainty(prediction: Prediction) -> float:
    """The log probability that it is this digit, and no outlier."""
    if prediction.status == "blank":
        return -math.inf
    return log_joint(prediction.confidence, prediction.ood_score)


def log_joint(confidence: float, ood_score: float) -> float:
    """The same by its parts."""
    return float(np.log(confidence) - np.logaddexp(0, ood_score))


def log_found(found: Prediction) -> NDArray[np.float64]:
    """The log probability of each digit, and no outlier: (10,)."""
    return log_answers(found.probabilities, np.array(found.ood_score, np.float32))


def log_answers(probabilities: NDArray[np.float32], ood_score: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same of a network's answers, (..., 10) and (...): (..., 10)."""
    no_outlier = -np.logaddexp(0, np.asarray(ood_score, np.float64))
    log_digits: NDArray[np.float64] = np.log(np.maximum(probabilities, 1e-12)) + no_outlier[..., None]
    return log_digits


def pooled(one: Any, other: Any, say: float) -> Any:
    """What two log probabilities come to, the other with so much say: a weighted geometric mean, not yet to scale.

    Logarithmic opinion pool: C. Genest, J. V. Zidek, Combining probability distributions, Statistical Science 1(1),
    1986.
    """
    return (1 - say) * one + say * other


def seen_in_row(
    log_signs: NDArray[np.float64], probabilities: NDArray[np.float32], say: float
) -> tuple[NDArray[np.float32], np.float32]:
    """The probabilities (10,) and ood_score of a row's digit: the row reader's, and a network's of its ink."""
    log_some = np.logaddexp.reduce(log_signs[:10])
    log_both = pooled(log_signs[:10] - log_some, np.log(np.maximum(probabilities, 1e-12)), say)
    log_both -= np.logaddexp.reduce(log_both)
    return np.exp(log_both).astype(np.float32), none_by(log_signs)


def none_by(log_signs: NDArray[np.float64]) -> np.float32:
    """The ood_score of a row's digit, by the row reader."""
    return np.float32(max(log_signs[10] - np.logaddexp.reduce(log_signs[:10]), math.log(UNLIKELIEST)))


def second_opinion(
    found: Prediction, log_row: NDArray[np.float64], say: float
) -> tuple[NDArray[np.float32], np.float32]:
    """The probabilities (10,) and ood_score of a digit in doubt, to which the row reader gives each so much."""
    log_digits = np.array([log_found(found), log_row])
    log_none = np.log(np.maximum(1 - np.exp(log_digits).sum(axis=1, keepdims=True), LEAST))
    one, other = np.maximum(np.hstack([log_digits, log_none]), math.log(LEAST))
    log_both = pooled(one, other, say)
    log_some = np.logaddexp.reduce(log_both[:10])
    return np.exp(log_both[:10] - log_some).astype(np.float32), np.float32(log_both[10] - log_some)


def mean_opinion(log_ways: list[NDArray[np.float64]]) -> tuple[NDArray[np.float32], np.float32]:
    """The probabilities (10,) and ood_score that some ways to see a picture come to, by log p(digit) (10,) of each.

    Their arithmetic mean, as in a picture either may find no ink of the digit: in a geometric one that is a veto.
    """
    log_mean = np.logaddexp.reduce(log_ways) - math.log(len(log_ways) * _ENOUGH)
    log_some = np.logaddexp.reduce(log_mean)
    likely = min(max(math.exp(log_some), UNLIKELIEST), 1 - 1e-6)
    return np.exp(log_mean - log_some).astype(np.float32), np.float32(math.log(1 / likely - 1))


def weighted(shares: NDArray[np.float64], *judged: Any) -> tuple[Any, ...]:
    """Each of the answers' probabilities (10,) times shares, summing to 1; ood_scores stay."""
    return tuple((p * shares / (p * shares).sum()).astype(np.float32) if np.ndim(p) else p for p in judged)
