"""What each epoch of a training run came to."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitpad.files import write_whole


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


History = list[EpochFigures]  # of every finished epoch, in order


def write_history(history: History, path: Path) -> None:
    """Write the figures as JSON; read them with read_history."""
    write_whole(path, json.dumps([asdict(figures) for figures in history], indent=1).encode())


def read_history(path: Path) -> History:
    """What write_history wrote."""
    epochs = [EpochFigures(**figures) for figures in json.loads(path.read_bytes())]
    return [replace(e, validation={part: (v[0], v[1]) for part, v in e.validation.items()}) for e in epochs]


def loss_and_accuracy(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Cross-entropy and accuracy of scores (N, 11) as answers about digits: of the first ten classes alone."""
    digits = scores[:, :10].astype(np.float64)
    loss = np.logaddexp.reduce(digits, axis=1) - digits[np.arange(len(labels)), labels]
    return float(loss.mean()), float((digits.argmax(axis=1) == labels).mean())
