"""A pool of digits: made once, and used by every network and seed.

A round of the pool shows each digit of the training part in a new form: pictures distorted, pen digits varied, freshly
generated ones; and non-digits. PyTorch is loaded only where digits are distorted, not where a round is read.
"""

import io
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from digitpad.files import write_whole
from digitpad.mnist_form import render_strokes
from digitpad.stroke_files import Sample
from train.data import NOT_A_DIGIT, Digits, Images, Targets, one_hot
from train.recipes import Mixture
from train.synthetic.generate import generate_samples, vary_strokes
from train.synthetic.outliers import generate_outliers


def fill_pool(folder: Path, mixture: Mixture, images: Digits, pen: list[Sample], first: int = 0, step: int = 1) -> None:
    """Make the rounds that are missing, as round_00.npz and so on: every `step`-th from the `first` one."""
    rounds = range(first, mixture.rounds, step)
    for number in tqdm(rounds, "pool", leave=False, position=first, disable=not sys.stderr.isatty()):
        if not round_path(folder, number).exists():
            digits, buffer = make_round(mixture, number, images, pen), io.BytesIO()
            np.savez_compressed(buffer, images=digits.images, labels=digits.labels.astype(np.uint8))
            write_whole(round_path(folder, number), buffer.getvalue())


def make_round(mixture: Mixture, number: int, images: Digits, pen: list[Sample]) -> Digits:
    """Images distorted, and some unchanged; pen digits varied and generated ones; non-digits.

    In this order; non-digits are labelled NOT_A_DIGIT. Equal numbers give equal rounds.
    """
    from train.augmentation import distorted

    seed = 1_000 + number
    rng = np.random.default_rng(seed)
    rewritten = [Sample(vary_strokes(sample.strokes, rng), sample.label) for sample in pen * mixture.pen_repeats]
    written = [*rewritten, *generate_samples(mixture.generated, seed)]
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
    """Where a round is kept."""
    return folder / f"round_{number:02}.npz"


def read_round(folder: Path, number: int) -> Digits:
    """A round, in the order in which it was made."""
    with np.load(round_path(folder, number)) as arrays:
        return Digits(arrays["images"], arrays["labels"].astype(np.int64))


def pool_lesson(folder: Path, rounds: int, seed: int, epoch: int) -> tuple[Images, Targets]:
    """What an epoch shows: a round's images and their targets."""
    digits = read_round(folder, round_number(rounds, seed, epoch))
    return digits.images, one_hot(digits.labels)


def round_number(rounds: int, seed: int, epoch: int) -> int:
    """Which of the rounds an epoch shows; every seed begins with a different one."""
    return (epoch + 5 * seed) % rounds
