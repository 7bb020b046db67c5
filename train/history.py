"""What each epoch of a training run came to."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitpad.errors import DigitPadError


@dataclass
class EpochFigures:
    """Loss and accuracy on the training part while it was learnt, and on each validation part afterwards."""

    loss: float
    accuracy: float
    validation: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"loss {self.loss:.4f}  accuracy {self.accuracy:.2%}"]
        parts += [f"{name}: loss {loss:.4f}  accuracy {right:.2%}" for name, (loss, right) in self.validation.items()]
        return "  |  ".join(parts)


class History(list[EpochFigures]):
    """The figures of every finished epoch, in order."""

    def to_json(self) -> list[dict[str, Any]]:
        """Plain lists, dicts and numbers."""
        return [asdict(figures) for figures in self]

    @classmethod
    def from_json(cls, epochs: list[dict[str, Any]]) -> "History":
        """What to_json gave."""
        return cls(
            EpochFigures(e["loss"], e["accuracy"], {name: (v[0], v[1]) for name, v in e["validation"].items()})
            for e in epochs
        )


def loss_and_accuracy(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Cross-entropy and accuracy of scores (N, 11) as answers about digits: of the first ten classes alone."""
    digits = scores[:, :10].astype(np.float64)
    loss = np.logaddexp.reduce(digits, axis=1) - digits[np.arange(len(labels)), labels]
    return float(loss.mean()), float((digits.argmax(axis=1) == labels).mean())


def check_loss(network: str, loss: float) -> float:
    """The loss itself, if training is still sound.

    Raises:
        DigitPadError: it is not a finite number; the last checkpoint stays.
    """
    if not math.isfinite(loss):
        raise DigitPadError(
            f"{network}: training diverged (the loss is {loss}); the checkpoint of the last good epoch is kept:"
            " lower the learning rate in train/recipes.py"
        )
    return loss
