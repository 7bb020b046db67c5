"""A pool of digits: made once, learned from by every network and seed.

A round of the pool shows each digit of the training part anew: pictures distorted, pen digits written anew, freshly
generated ones; and things that are no digit.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from digitpad.files import write_whole
from digitpad.mnist_form import render_strokes
from digitpad.stroke_files import Sample
from train.augmentation import Batches, Loader, Strength, distort, one_hot, shuffled
from train.data import NOT_A_DIGIT, Digits
from train.recipes import Mixture
from train.synthetic.generate import generate_samples, vary_strokes
from train.synthetic.outliers import generate_outliers

_PIECE = 1_000  # digits distorted at once


def fill_pool(folder: Path, mixture: Mixture, images: Digits, pen: list[Sample], first: int = 0, step: int = 1) -> None:
    """Make the rounds that are not there yet, as round_00.npz and so on: every `step`-th from the `first` one."""
    rounds = range(first, mixture.rounds, step)
    for number in tqdm(rounds, "pool", leave=False, position=first, disable=not sys.stderr.isatty()):
        if not round_path(folder, number).exists():
            digits, buffer = make_round(mixture, number, images, pen), io.BytesIO()
            np.savez_compressed(buffer, images=digits.images, labels=digits.labels.astype(np.uint8))
            write_whole(round_path(folder, number), buffer.getvalue())


def make_round(mixture: Mixture, number: int, images: Digits, pen: list[Sample]) -> Digits:
    """Images distorted, some as they are; pen digits written anew and generated ones; what is no digit.

    In this order; the last part is labelled NOT_A_DIGIT. Equal numbers give equal rounds.
    """
    seed = 1_000 + number
    rng = np.random.default_rng(seed)
    written = [*_rewritten(pen * mixture.pen_repeats, rng), *generate_samples(mixture.generated, seed)]
    inked = Digits(
        np.stack([render_strokes(sample.strokes, rng.uniform(1.9, 3.3)) for sample in written]),
        np.array([int(sample.label or "") for sample in written]),
    )
    plain = images.pick(rng.permutation(len(images))[: mixture.undistorted])
    outliers, _ = generate_outliers(mixture.outliers, seed)
    no_digits = Digits(outliers, np.full(len(outliers), NOT_A_DIGIT))
    if mixture.distorted < len(images):
        images = images.pick(rng.permutation(len(images))[: mixture.distorted])
    return distorted(images, mixture.strength, seed) + plain + inked + no_digits


def round_path(folder: Path, number: int) -> Path:
    """Where a round lies."""
    return folder / f"round_{number:02}.npz"


def read_round(folder: Path, number: int) -> Digits:
    """A round, in the order that it was made in."""
    with np.load(round_path(folder, number)) as arrays:
        return Digits(arrays["images"], arrays["labels"].astype(np.int64))


def pool_loader(folder: Path, rounds: int, batch_size: int, seed: int, epoch: int) -> Loader:
    """The batches of an epoch, shuffled; every seed begins with another round."""
    digits = read_round(folder, (epoch + 5 * seed) % rounds)
    return shuffled(Batches(digits.images, one_hot(digits.labels)), batch_size, 1_000 * seed + epoch)


def _rewritten(samples: list[Sample], rng: np.random.Generator) -> Iterator[Sample]:
    for sample in samples:
        yield Sample(vary_strokes(sample.strokes, rng), sample.label)


def distorted(digits: Digits, strength: Strength, seed: int) -> Digits:
    """Every digit distorted in its own way; equal seeds, equal digits."""
    rng = torch.Generator().manual_seed(seed)
    images: NDArray[np.uint8] = np.empty_like(digits.images)
    for first in range(0, len(digits), _PIECE):
        piece = torch.from_numpy(digits.images[first : first + _PIECE]).unsqueeze(1).float()
        images[first : first + _PIECE] = distort(piece, strength, rng)[:, 0].clamp(0, 255).round().byte().numpy()
    return Digits(images, digits.labels)
