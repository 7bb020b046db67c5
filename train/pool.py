"""A pool of digits: made once, and used by every network and seed.

A round of the pool shows each digit of the training part in a new form: pictures distorted, pen digits varied, freshly
generated ones, and non-digits; many of them as paper, pens and cameras leave them. PyTorch is loaded only where digits
are distorted, not where a round is read.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from digitpad.files import write_whole
from digitpad.mnist_form import render_strokes
from digitpad.stroke_files import Sample
from train.corruption import corrupted, leavings, neighbours
from train.data import NOT_A_DIGIT, Digits, Images, Targets, labels_of, one_hot
from train.recipes import Mixture
from train.synthetic.generate import generate_samples, vary_strokes
from train.synthetic.outliers import generate_outliers

Random = np.random.Generator


@dataclass(frozen=True)
class Known:
    """What people wrote, to make a pool from: pictures, and by collection digits and letters as strokes."""

    images: Digits
    pen: dict[str, list[Sample]]
    letters: dict[str, list[Sample]]


@dataclass(frozen=True)
class Round:
    """A round of the pool, and where each picture comes from."""

    digits: Digits  # non-digits are labelled NOT_A_DIGIT
    parts: dict[str, int]  # what it is made of, in its order, and how many pictures of each
    families: NDArray[np.uint8]  # (N, 2): the families of corruption each went through, see `corrupted`


def fill_pool(folder: Path, mixture: Mixture, known: Known, first: int = 0, step: int = 1) -> None:
    """Make the rounds that are missing, as round_00.npz and so on: every `step`-th from the `first` one."""
    rounds = range(first, mixture.rounds, step)
    for number in tqdm(rounds, "pool", leave=False, position=first, disable=None):
        if not round_path(folder, number).exists():
            made, buffer = make_round(mixture, number, known), io.BytesIO()
            np.savez_compressed(
                buffer,
                images=made.digits.images,
                labels=made.digits.labels.astype(np.uint8),
                names=np.array(list(made.parts)),
                counts=np.array(list(made.parts.values())),
                families=made.families,
            )
            write_whole(round_path(folder, number), buffer.getvalue())


def make_round(mixture: Mixture, number: int, known: Known) -> Round:
    """Pictures distorted, and some unchanged; pen digits varied, and generated ones; then non-digits.

    All but the unchanged ones are in part corrupted. Equal numbers give equal rounds.
    """
    from train.augmentation import distorted

    seed = 1_000 + number
    rng = np.random.default_rng(seed)
    images = distorted(_some(known.images, mixture.distorted, rng), mixture.strength, seed)
    pen = _each_collection(known.pen, mixture.pen, rng)
    letters = _each_collection(known.letters, mixture.letters, rng)
    parts = {
        "mnist": images,
        "undistorted": _some(known.images, mixture.undistorted, rng),
        **{name: _ink(samples, rng) for name, samples in pen.items()},
        "generated": _ink(list(generate_samples(mixture.generated, seed)), rng),
        "outliers": _no_digits(generate_outliers(mixture.outliers, seed)[0]),
        **{name: _no_digits(_ink(samples, rng).images) for name, samples in letters.items()},
        "neighbours": _no_digits(neighbours(_some(images, mixture.neighbours, rng).images, rng)),
        "leavings": _no_digits(leavings(mixture.leavings, rng)),
    }
    on_pad = {*pen, "generated"}
    families = []
    for name, digits in parts.items():
        share = mixture.corrupted_strokes if name in on_pad else mixture.corrupted if name != "undistorted" else 0.0
        parts[name], passed = corrupted(digits, share, rng)
        families.append(passed)
    images = Digits(*(np.concatenate([getattr(d, part) for d in parts.values()]) for part in ("images", "labels")))
    return Round(images, {name: len(digits) for name, digits in parts.items()}, np.concatenate(families))


def _some(digits: Digits, count: int, rng: Random) -> Digits:
    return digits.pick(rng.permutation(len(digits))[:count])


def _each_collection(collections: dict[str, list[Sample]], count: int, rng: Random) -> dict[str, list[Sample]]:
    """About `count` samples, as many of each collection, each as another hand might have written it."""
    return {
        name: [
            Sample(vary_strokes(samples[which].strokes, rng), samples[which].label)
            for which in np.resize(rng.permutation(len(samples)), count // len(collections))
        ]
        for name, samples in collections.items()
    }


def _ink(samples: list[Sample], rng: Random) -> Digits:
    """Samples inked with pens of all widths, labelled if they are digits."""
    images = [render_strokes(sample.strokes, rng.uniform(1.9, 3.3)) for sample in samples]
    return Digits(np.array(images, np.uint8).reshape(-1, 28, 28), labels_of(samples))


def _no_digits(images: Images) -> Digits:
    return Digits(images, np.full(len(images), NOT_A_DIGIT))


def round_path(folder: Path, number: int) -> Path:
    """Where a round is kept."""
    return folder / f"round_{number:02}.npz"


def read_round(folder: Path, number: int) -> Round:
    """A round, as it was made."""
    with np.load(round_path(folder, number)) as arrays:
        digits = Digits(arrays["images"], arrays["labels"].astype(np.int64))
        parts = dict(zip(arrays["names"].tolist(), arrays["counts"].tolist(), strict=True))
        return Round(digits, parts, arrays["families"])


def pool_lesson(
    folder: Path, rounds: int, seed: int, epoch: int, answers: Path | None = None, taught: float = 0.0
) -> tuple[Images, Targets]:
    """What an epoch shows: a round's images and their targets."""
    number = round_number(rounds, seed, epoch)
    digits = read_round(folder, number).digits
    return digits.images, targets_of(digits, number, answers, taught)


def targets_of(digits: Digits, number: int, answers: Path | None, taught: float) -> Targets:
    """What to learn of a round: a share `taught` of the teacher's answers, in a folder; the rest is the labels."""
    targets = one_hot(digits.labels)
    if answers and taught:
        targets += np.float32(taught) * (np.load(answers_path(answers, number)) - targets)
    return targets


def answers_path(folder: Path, number: int) -> Path:
    """Where a teacher's answers to a round are kept: its probabilities for the eleven classes, float16 (N, 11)."""
    return folder / f"round_{number:02}.npy"


def round_number(rounds: int, seed: int, epoch: int) -> int:
    """Which of the rounds an epoch shows; every seed begins with a different one."""
    return (epoch + 5 * seed) % rounds
