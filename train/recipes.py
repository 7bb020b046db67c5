"""The recipes: how long and how hard the networks are trained."""

from dataclasses import dataclass, field

from train.augment import Strength


@dataclass(frozen=True)
class Recipe:
    """How one network is trained."""

    epochs: int
    batch_size: int = 128
    learning_rate: float = 1.0  # at the start of the cosine decay
    ema: float = 0.999  # decay per step of the exponential moving average of the weights
    dropout: tuple[float, float] = (0.2, 0.3)
    strength: Strength = field(default_factory=Strength)
    pen_repeats: int = 2  # how often an epoch shows each pen digit
    generated: int = 6_000  # generated digits in the training part
    generated_alone: int = 30_000  # generated digits where there are no others
    seed: int = 1


RECIPES = {
    # Proves that the path works, in seconds; says nothing of accuracy.
    "smoke": {
        "cnn": Recipe(epochs=2, batch_size=32, ema=0.9, generated_alone=2_000),
        "mlp": Recipe(epochs=2, batch_size=32, ema=0.9, learning_rate=0.1, generated_alone=2_000),
    },
    "quick": {
        "cnn": Recipe(epochs=5, ema=0.99),
        "mlp": Recipe(epochs=15, ema=0.99, learning_rate=0.1, dropout=(0.2, 0.2)),
    },
    "default": {
        "cnn": Recipe(epochs=22),
        "mlp": Recipe(epochs=65, learning_rate=0.1, dropout=(0.2, 0.3)),
    },
    # What the committed weights come from.
    "full": {
        "cnn": Recipe(epochs=50, strength=Strength(shear=0.15), generated=12_000),
        "mlp": Recipe(
            epochs=200, learning_rate=0.1, dropout=(0.2, 0.3), strength=Strength(shear=0.15), generated=12_000
        ),
    },
}
