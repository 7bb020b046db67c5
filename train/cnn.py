"""The convolutional network: Keras, two convolutions, categorical cross-entropy, Adadelta."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its greetings are not the user's concern

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from digitpad.files import write_whole
from train.data import CLASSES, Images, Targets
from train.precision import Precision
from train.recipes import Training

FILTERS = (32, 64)  # of the two convolutions
DENSE = 160  # units of the dense layer

Batch = tuple[NDArray[np.float32], Targets]  # images (N, 28, 28, 1) in [0, 1], targets (N, 11)


def build_cnn(
    dropout: tuple[float, float] = (0.2, 0.3),
    filters: tuple[int, int] = FILTERS,
    dense: int = DENSE,
) -> keras.Model:
    """5x5x32, pool, 5x5x64, pool, dense 160, 11 scores (logits); input float (N, 28, 28, 1) in [0, 1].

    Ten scores are the digits', the eleventh says "not a digit".

    Without padding, and pooled before all else: three times as fast as with padding. Batch normalisation does not
    scale, since the next layer can, and so it folds into the convolution before the pooling.
    """

    def norm(name: str) -> layers.Layer:
        return layers.BatchNormalization(momentum=0.95, scale=False, name=name)

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(filters[0], 5, use_bias=False, name="conv1"),
            layers.MaxPooling2D(),
            norm("norm1"),
            layers.ReLU(),
            layers.Dropout(dropout[0]),
            layers.Conv2D(filters[1], 5, use_bias=False, name="conv2"),
            layers.MaxPooling2D(),
            norm("norm2"),
            layers.ReLU(),
            layers.Dropout(dropout[0]),
            layers.Flatten(),
            layers.Dense(dense, use_bias=False, name="dense"),
            norm("norm3"),
            layers.ReLU(),
            layers.Dropout(dropout[1]),
            layers.Dense(CLASSES, dtype="float32", name="scores"),
        ],
        name="cnn",
    )


def train_epoch(model: keras.Model, batches: Iterable[Batch]) -> tuple[float, float]:
    """Learn from each batch once; the mean loss and accuracy."""
    mean_loss = accuracy = 0.0
    for number, (images, targets) in enumerate(batches, start=1):
        loss, right = learn_from_batch(model, images, targets)
        mean_loss += (float(loss) - mean_loss) / number  # 6. running average of the loss
        accuracy += (float(right) - accuracy) / number
    return mean_loss, accuracy


@tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
def learn_from_batch(model: keras.Model, images: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The five steps before; as a graph, since step by step in Python they take longer."""
    # 1. clear the gradients: nothing to do, a new tape holds none
    with tf.GradientTape() as tape:
        scores = model(images, training=True)  # 2. forward pass
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)(targets, scores)  # 3. loss
    gradients = tape.gradient(loss, model.trainable_variables)  # 4. backward pass
    model.optimizer.apply(gradients, model.trainable_variables)  # 5. optimiser step
    right = keras.metrics.categorical_accuracy(targets, scores)
    return loss, tf.reduce_mean(tf.cast(right, tf.float32))


class Learner:
    """The network in training; see train/training.py."""

    def __init__(self, training: Training, steps: int, seed: int, precision: Precision) -> None:
        keras.utils.set_random_seed(seed)
        keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
        self.model = build_cnn(training.dropout, **training.network)
        keras.config.set_dtype_policy("float32")
        self.averaged = build_cnn(training.dropout, **training.network)
        optimizer = keras.optimizers.Adadelta(
            keras.optimizers.schedules.CosineDecay(training.learning_rate, steps),
            weight_decay=training.weight_decay or None,
            use_ema=True,
            ema_momentum=training.ema,
        )
        optimizer.build(self.model.trainable_variables)
        self.model.compile(optimizer, jit_compile=False)  # so that a saved model includes its optimiser

    def learn(self, batches: Iterable[Batch], seed: int) -> tuple[float, float]:
        """Learn from each batch once; the mean loss and accuracy."""
        keras.utils.set_random_seed(seed)
        return train_epoch(self.model, batches)

    def average(self) -> keras.Model:
        """The network with the moving averages that the optimiser keeps, and the statistics of the normalisation."""
        self.averaged.set_weights(self.model.get_weights())
        self.model.optimizer.finalize_variable_values(self.averaged.trainable_variables)
        return self.averaged

    def save(self, folder: Path) -> None:
        """Write last.keras."""
        save(self.model, folder / "last.keras", to_go_on=True)

    def resume(self, folder: Path) -> int:
        """Resume from last.keras, if it is there; returns how many steps are done."""
        if not (folder / "last.keras").exists():
            return 0
        as_at_first, self.model = self.model, load(folder / "last.keras", to_go_on=True)
        done = int(self.model.optimizer.iterations)
        for layer, first in zip(self.model.layers, as_at_first.layers, strict=True):
            if isinstance(layer, layers.Dropout) and layer.rate:  # Keras does not keep how far its random numbers are
                layer.seed_generator.state.assign([first.seed_generator.state[0], done])
        return done


def batches(images: Images, targets: Targets, batch_size: int, seed: int) -> Iterator[Batch]:
    """Shuffled batches of a lesson."""
    order = np.random.default_rng(seed).permutation(len(images))
    for first in range(0, len(order) - batch_size + 1, batch_size):
        picked = order[first : first + batch_size]
        yield _as_input(images[picked]), targets[picked]


def logits(model: keras.Model, images: Images) -> NDArray[np.float32]:
    """Scores (N, 11) of images, in their order."""
    return model.predict(_as_input(images), batch_size=500, verbose=0)


def save(model: keras.Model, path: Path, to_go_on: bool = False) -> None:
    """Write a Keras file, with the optimiser's state if training will resume from it; read it with `load`."""
    usual = tempfile.tempdir
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch  # on a full disk, Keras leaves its own temporary folder behind
        try:
            model.save(Path(scratch) / "model.keras", include_optimizer=to_go_on)
        finally:
            tempfile.tempdir = usual
        write_whole(path, (Path(scratch) / "model.keras").read_bytes())


def load(path: Path, to_go_on: bool = False) -> keras.Model:
    """Read a Keras file; code hidden in it is not run."""
    return keras.models.load_model(path, compile=to_go_on, safe_mode=True)


def _as_input(images: Images) -> NDArray[np.float32]:
    """Bytes (N, 28, 28) as float32 (N, 28, 28, 1) in [0, 1]."""
    return images[..., None].astype(np.float32) / np.float32(255)
