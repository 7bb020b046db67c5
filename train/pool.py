"""A pool of distorted digits: made once, labelled once by the teachers, learned from by every network and seed.

Distilled networks learn best from what their teacher says of the very image they see, on more images than a
training set holds (Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022).
A round of the pool shows each digit of the training part anew: pictures distorted, pen digits written anew, freshly
generated ones. The teachers know pictures alone (MNIST's): strokes say no less of their label than a teacher could.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from digitpad.files import write_whole
from digitpad.ink import render_strokes
from digitpad.strokes import Sample
from train.augment import Batches, Loader, Strength, distort, one_hot, shuffled
from train.data import NOT_A_DIGIT, Digits
from train.generate import generate_samples, vary_strokes
from train.outliers import generate_outliers
from train.recipes import Mixture, Recipe

_PIECE = 1_000  # digits distorted at once


def fill_pool(folder: Path, mixture: Mixture, images: Digits, pen: list[Sample]) -> None:
    """Make the rounds that are not there yet, as round_00.npz and so on."""
    rounds = tqdm(range(mixture.rounds), "pool", leave=False, disable=not sys.stderr.isatty())
    for number in rounds:
        if not round_path(folder, number).exists():
            digits = make_round(mixture, number, images, pen)
            labels = digits.labels.astype(np.uint8)
            _write(round_path(folder, number), images=digits.images, labels=labels, pictures=np.array(len(images)))


def make_round(mixture: Mixture, number: int, images: Digits, pen: list[Sample]) -> Digits:
    """All images distorted; some as they are; pen digits written anew and generated ones; what is no digit.

    In this order; the last part is labelled NOT_A_DIGIT. Equal numbers give equal rounds.

    A distorted picture is smoother than a scan or an inked stroke. Where all pictures were distorted and no stroke was,
    the networks took whatever is crisp for a stroke, and many a 7 of MNIST for the 1 that European pens write like it
    (53 errors on MNIST's validation part, and 22 with each digit moved by half a pixel). So some pictures are left
    alone, and a quarter of what is inked is distorted a little.
    """
    seed = 1_000 + number
    rng = np.random.default_rng(seed)
    written = [*_rewritten(pen * mixture.pen_repeats, rng), *generate_samples(mixture.generated, seed)]
    inked = Digits(
        np.stack([render_strokes(sample.strokes, rng.uniform(1.9, 3.3)) for sample in written]),
        np.array([int(sample.label or "") for sample in written]),
    )
    smooth = rng.random(len(inked)) < 0.25
    inked.images[smooth] = distorted(inked.pick(smooth), mixture.ink_strength, seed).images
    plain = images.pick(rng.permutation(len(images))[: mixture.undistorted])
    outliers, _ = generate_outliers(mixture.outliers, seed)
    no_digits = Digits(outliers, np.full(len(outliers), NOT_A_DIGIT))
    return distorted(images, mixture.strength, seed) + plain + inked + no_digits


def round_path(folder: Path, number: int) -> Path:
    """Where a round lies."""
    return folder / f"round_{number:02}.npz"


def scores_path(folder: Path, number: int) -> Path:
    """Where the teachers' scores of a round lie."""
    return folder / f"scores_{number:02}.npz"


def read_round(folder: Path, number: int) -> tuple[Digits, int]:
    """A round, and how many distorted pictures it begins with."""
    with np.load(round_path(folder, number)) as arrays:
        return Digits(arrays["images"], arrays["labels"].astype(np.int64)), int(arrays["pictures"])


def write_scores(folder: Path, number: int, scores: NDArray[np.float32]) -> None:
    """Keep the teachers' scores (N, 10) of a round's pictures."""
    _write(scores_path(folder, number), scores=scores.astype(np.float16))


def pool_loader(folder: Path, recipe: Recipe, batch_size: int, seed: int, epoch: int) -> Loader:
    """The batches of an epoch, shuffled; their targets are the labels, or what the teachers say of the pictures.

    Every seed begins with another round.
    """
    number = (epoch + 5 * seed) % recipe.mixture.rounds
    digits, pictures = read_round(folder, number)
    targets = one_hot(digits.labels)
    if recipe.teachers:
        with np.load(scores_path(folder, number)) as arrays:
            targets[:pictures, :10] = torch.softmax(torch.from_numpy(arrays["scores"]).float(), dim=1)
    return shuffled(Batches(digits.images, targets), batch_size, 1_000 * seed + epoch)


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


def _write(path: Path, **arrays: Any) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_whole(path, buffer.getvalue())
