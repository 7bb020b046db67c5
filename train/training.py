"""A training run, whichever network learns: epoch after epoch, measured and saved, resumed where it stopped."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from digitpad.errors import DigitPadError
from train.data import CLASSES, Digits, Images, Targets
from train.history import EpochFigures, History, loss_and_accuracy, read_history, write_history
from train.networks import NETWORKS
from train.precision import Precision
from train.recipes import Training

Lesson = tuple[Images, Targets]  # what an epoch shows, not yet shuffled: uint8 (N, 28, 28), float32 (N, 11)


class Learner(Protocol):
    """A network in training, with its optimiser and the moving average of its weights.

    Besides a class of this name, a network's module has `batches(images, targets, batch_size, seed)`, which shuffles a
    lesson as its framework likes and leaves out a short last batch; `logits(network, images)`, the scores (N, 11);
    `save(network, path)` and `load(path)` for the weights.
    """

    def __init__(self, training: Training, steps: int, seed: int, precision: Precision) -> None:
        """`steps` of all epochs together; `seed` decides the first weights.

        `precision` is that of the forward and backward pass: weights, averages and answers are float32 in any case.
        """

    def learn(self, batches: Iterable[Any], seed: int) -> tuple[float, float]:
        """Learn from each batch once, `seed` deciding the dropout; the mean loss and share of right answers."""

    def average(self) -> Any:
        """The network with the moving averages as its weights."""

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""

    def resume(self, folder: Path) -> int:
        """Resume from the checkpoint in a folder; returns how many steps it has done, 0 if there is none."""


def fit(
    name: str,
    training: Training,
    lessons: Callable[[int], Lesson],
    validation: dict[str, Digits],
    folder: Path | None,
    seed: int = 1,
    precision: Precision = "float32",
) -> tuple[Any, History]:
    """Train a network, resuming from the last finished epoch that `folder` holds; returns the averaged network.

    Args:
        name: of the network, in NETWORKS.
        training: how long and how hard.
        lessons: what an epoch shows, counted from 0.
        validation: parts by name, measured after each epoch.
        folder: takes the checkpoint and the figures so far, history.json; None to keep nothing.
        seed: decides the first weights, the order and the dropout.
        precision: see Learner.

    Raises:
        DigitPadError: training diverged, or a file cannot be written.
    """
    network = NETWORKS[name].trainer()
    steps = len(lessons(0)[1]) // training.batch_size
    learner: Learner = network.Learner(training, training.epochs * steps, seed, precision)
    history: History = []
    if folder and (done := learner.resume(folder)):
        history = read_history(folder / "history.json")[: done // steps]
    for epoch in range(len(history), training.epochs):
        seed_of_epoch = 1_000 * seed + epoch
        batches = network.batches(*lessons(epoch), training.batch_size, seed_of_epoch)
        title, line = f"{name} {epoch + 1}/{training.epochs}", list(NETWORKS).index(name)
        bar = tqdm(batches, title, steps, leave=False, position=line, disable=None)
        loss, accuracy = learner.learn(bar, seed_of_epoch)
        if not math.isfinite(loss):
            raise DigitPadError(
                f"{name}: training diverged (the loss is {loss}); the checkpoint of the last good epoch is kept:"
                " lower the learning rate in train/recipes.py"
            )
        figures = EpochFigures(loss, accuracy)
        for part, digits in validation.items():
            scores = network.logits(learner.average(), digits.images)
            figures.validation[part] = loss_and_accuracy(scores, digits.labels)
        history.append(figures)
        tqdm.write(f"{name}  epoch {epoch + 1:3}/{training.epochs}  {figures}")
        if folder:
            # The figures first: those of an epoch whose checkpoint is missing are dropped when training resumes.
            write_history(history, folder / "history.json")
            learner.save(folder)
    return learner.average(), history


def step_on_noise(name: str, training: Training, precision: Precision) -> Callable[[], object]:
    """A function that does one real step of training on a batch of noise, to be timed."""
    network = NETWORKS[name].trainer()
    learner: Learner = network.Learner(training, 1_000, 0, precision)
    images = np.random.default_rng(0).integers(0, 256, (training.batch_size, 28, 28), np.uint8)
    targets = np.full((training.batch_size, CLASSES), 1 / CLASSES, np.float32)
    batches = list(network.batches(images, targets, training.batch_size, 0))
    return lambda: learner.learn(batches, 0)
