"""The recipes: what the networks learn from, how long and how hard."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Strength:
    """How far digits are distorted: limits of uniform draws, or standard deviations where it says so."""

    rotation: float = 9.0  # degrees
    aspect: float = 0.08  # stretched along each axis, as a share
    shear: float = 0.10
    elastic: float = 0.8  # pixels, standard deviation on the coarse grid; each digit bends by its own share of it
    thickness: float = 0.35  # by what share of a pixel strokes grow or shrink
    loose: float = 0.02  # how far a digit misses its former size, as a share, and its place, as a share of 20 pixels
    grid: int = 7  # points along a side of the coarse grid


@dataclass(frozen=True)
class Mixture:
    """What a round of the pool is made of; an epoch shows one round."""

    rounds: int
    distorted: int = 50_000  # of MNIST's digits, or as many as there are; each distorted in its own way
    undistorted: int = 5_000  # pictures that a round shows once more, unchanged
    pen: int = 20_000  # pen digits, as many of each collection, each varied
    generated: int = 30_000  # freshly generated digits
    outliers: int = 20_000  # generated non-digits
    letters: int = 10_000  # that people wrote and are no digits; as many of each collection, each varied
    neighbours: int = 3_000  # digits beside which another is visible, in part or whole: non-digits
    leavings: int = 2_000  # pictures of paper without a digit: non-digits
    corrupted: float = 0.5  # share of the pictures that paper, pens and cameras have changed
    corrupted_strokes: float = 0.25  # the same of pen digits and generated ones
    strength: Strength = Strength()  # how far MNIST's digits are distorted


@dataclass(frozen=True)
class Training:
    """How one network is trained."""

    epochs: int
    batch_size: int = 128
    learning_rate: float = 1.0  # at the start, from where it falls to nothing along a cosine
    ema: float = 0.999  # decay per step of the exponential moving average of the weights
    dropout: tuple[float, float] = (0.2, 0.3)
    weight_decay: float = 0.0
    taught: float = 0.0  # how much of the targets is what the teacher answers; the rest is the labels
    network: dict[str, Any] = field(default_factory=dict)  # what differs from the defaults when the network is built


@dataclass(frozen=True)
class Recipe:
    """A pool, and each network's training on it."""

    mixture: Mixture
    trainings: dict[str, Training]  # by the names in NETWORKS
    teacher: Training | None = None  # of a CNN that is trained first, and from whose answers the networks learn
    seeds: tuple[int, ...] = (1,)  # each network is trained once with each; the best on validation is kept


# Long training tolerates, and needs, more than the default.
_STRONG = Strength(rotation=13.5, aspect=0.12, shear=0.15, elastic=1.2, thickness=0.52)

# Of what a teacher has looked at, its answers say more than the labels.
_TAUGHT = 0.7

RECIPES = {
    # Shows in seconds that everything runs; says nothing about accuracy.
    "smoke": Recipe(
        Mixture(
            rounds=2,
            distorted=600,
            undistorted=300,
            pen=600,
            generated=400,
            outliers=300,
            letters=100,
            neighbours=50,
            leavings=50,
        ),
        {
            "cnn": Training(epochs=2, batch_size=32, ema=0.9),
            "mlp": Training(epochs=2, batch_size=32, ema=0.9, learning_rate=0.1, taught=_TAUGHT),
        },
        teacher=Training(epochs=1, batch_size=32, ema=0.9),
    ),
    "quick": Recipe(
        # Distorting a digit takes longer than learning it unchanged.
        Mixture(
            rounds=2,
            distorted=15_000,
            undistorted=55_000,
            pen=6_000,
            generated=4_000,
            outliers=3_000,
            letters=2_000,
            neighbours=1_000,
            leavings=1_000,
        ),
        {
            "cnn": Training(epochs=4, ema=0.99, dropout=(0.1, 0.2)),
            "mlp": Training(epochs=12, ema=0.99, learning_rate=0.1, dropout=(0.1, 0.2)),
        },
    ),
    "default": Recipe(
        Mixture(rounds=8, strength=_STRONG),
        {
            "cnn": Training(epochs=8, dropout=(0.1, 0.2), weight_decay=2e-4, taught=_TAUGHT),
            "mlp": Training(epochs=24, learning_rate=0.1, dropout=(0.1, 0.2), weight_decay=1e-4, taught=_TAUGHT),
        },
        teacher=Training(epochs=4, dropout=(0.1, 0.2), weight_decay=2e-4),
    ),
    # What the committed weights come from.
    "full": Recipe(
        # When an epoch repeats what an earlier one showed, the MLP memorises it.
        Mixture(rounds=30, strength=_STRONG),
        {
            "cnn": Training(epochs=40, dropout=(0.1, 0.2), weight_decay=2e-4, taught=_TAUGHT),
            "mlp": Training(
                epochs=100,
                batch_size=256,
                learning_rate=0.2,
                ema=0.9995,
                dropout=(0.1, 0.2),
                weight_decay=1e-4,
                taught=_TAUGHT,
            ),
        },
        teacher=Training(
            epochs=24, dropout=(0.1, 0.3), weight_decay=2e-4, network={"filters": (64, 112), "dense": 320}
        ),
        seeds=(1, 2, 3),
    ),
}
