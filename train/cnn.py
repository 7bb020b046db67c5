"""The convolutional network: Keras, two convolutions, categorical cross-entropy, Adadelta."""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its greetings are not the user's concern

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from digitpad.files import write_whole
from train.augmentation import Batches, Loader, one_hot
from train.data import CLASSES, Digits
from train.history import EpochFigures, History, check_loss, loss_and_accuracy
from train.precision import Precision
from train.recipes import Training

FILTERS = (32, 64)  # of the two convolutions
DENSE = 160  # units of the dense layer


def build_cnn(dropout: tuple[float, float] = (0.2, 0.3)) -> keras.Model:
    """5x5x32, pool, 5x5x64, pool, dense 160, 11 scores (logits); input float (N, 28, 28, 1) in [0, 1].

    Ten scores are the digits', the eleventh says "not a digit".

    Without padding, and pooled before all else: three times as fast as with it. Batch normalisation does not
    scale: the next layer can, and so it folds into the convolution before the pooling.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(FILTERS[0], 5, use_bias=False, name="conv1"),
            layers.MaxPooling2D(),
            layers.BatchNormalization(momentum=0.95, scale=False, name="norm1"),
            layers.ReLU(),
            layers.Dropout(dropout[0]),
            layers.Conv2D(FILTERS[1], 5, use_bias=False, name="conv2"),
            layers.MaxPooling2D(),
            layers.BatchNormalization(momentum=0.95, scale=False, name="norm2"),
            layers.ReLU(),
            layers.Dropout(dropout[0]),
            layers.Flatten(),
            layers.Dense(DENSE, use_bias=False, name="dense"),
            layers.BatchNormalization(momentum=0.95, scale=False, name="norm3"),
            layers.ReLU(),
            layers.Dropout(dropout[1]),
            layers.Dense(CLASSES, dtype="float32", name="scores"),
        ],
        name="cnn",
    )


def train_cnn(
    training: Training,
    loader: Callable[[int], Loader],
    validation: dict[str, Digits],
    folder: Path,
    seed: int = 1,
    precision: Precision = "float32",
) -> tuple[keras.Model, History]:
    """Train, going on from the last finished epoch that `folder` holds; returns the averaged network.

    Args:
        training: how long and how hard.
        loader: the batches of an epoch, counted from 0: images (N, 1, 28, 28) and targets (N, 11).
        validation: further parts by name, measured after each epoch.
        folder: takes the checkpoint, last.keras, and the figures so far, last.json.
        seed: decides the first weights and the dropout.
        precision: of the forward and backward pass; weights, averages and answers are float32 in any case.
    """
    steps = len(loader(0))
    keras.utils.set_random_seed(seed)
    model, history = _resume(folder, steps, training)
    if model is None:
        model = compiled_cnn(training, training.epochs * steps, precision)
    average = build_cnn()
    _average_weights(model, average)

    for epoch in range(len(history), training.epochs):
        keras.utils.set_random_seed(1_000 * seed + epoch)
        title = f"cnn {epoch + 1}/{training.epochs}"
        bar = tqdm(loader(epoch), title, leave=False, position=0, disable=not sys.stderr.isatty())
        running_loss = running_accuracy = 0.0
        # Not model.fit: at its end it would overwrite the weights with their moving averages.
        for images, targets in bar:
            loss, accuracy = model.train_on_batch(as_keras_takes_them(images), targets.numpy())
            running_loss += float(loss)
            running_accuracy += float(accuracy)
        figures = EpochFigures(check_loss("cnn", running_loss / steps), running_accuracy / steps)
        _average_weights(model, average)
        for name, digits in validation.items():
            figures.validation[name] = loss_and_accuracy(cnn_logits(average, digits), digits.labels)
        history.append(figures)
        tqdm.write(f"cnn  epoch {epoch + 1:3}/{training.epochs}  {figures}")
        # The figures first: if we are killed between the two, _resume leaves out the epoch without weights.
        write_whole(folder / "last.json", json.dumps(history.to_json()).encode())
        save_cnn(model, folder / "last.keras", to_go_on=True)
    return average, history


def compiled_cnn(training: Training, steps: int, precision: Precision) -> keras.Model:
    """The network with its loss, its optimiser and the decay of its learning rate over so many steps."""
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    model = build_cnn(training.dropout)
    keras.config.set_dtype_policy("float32")
    rate = keras.optimizers.schedules.CosineDecay(training.learning_rate, steps)
    model.compile(
        optimizer=keras.optimizers.Adadelta(
            rate, weight_decay=training.weight_decay or None, use_ema=True, ema_momentum=training.ema
        ),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def cnn_step(training: Training, precision: Precision) -> Callable[[], Any]:
    """One step of training on noise, to be timed."""
    model = compiled_cnn(training, 1_000, precision)
    images = np.random.default_rng(0).random((training.batch_size, 28, 28, 1), np.float32)
    targets = np.full((training.batch_size, CLASSES), 1 / CLASSES, np.float32)
    return lambda: model.train_on_batch(images, targets)


def as_keras_takes_them(images: Tensor) -> NDArray[np.float32]:
    """PyTorch's images (N, 1, 28, 28) with the channel last, (N, 28, 28, 1)."""
    return images.permute(0, 2, 3, 1).numpy()


def cnn_logits(model: keras.Model, digits: Digits) -> NDArray[np.float32]:
    """Scores (N, 11) of digits, in their order."""
    images, _ = Batches(digits.images, one_hot(digits.labels))[:]
    return model.predict(as_keras_takes_them(images), batch_size=500, verbose=0)


def save_cnn(model: keras.Model, path: Path, to_go_on: bool = False) -> None:
    """Write a Keras file, with the optimizer's state if training is to go on from it; read it with load_cnn."""
    usual = tempfile.tempdir
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch  # where the disk is full, Keras leaves its own temporary folder behind
        try:
            model.save(Path(scratch) / "model.keras", include_optimizer=to_go_on)
        finally:
            tempfile.tempdir = usual
        write_whole(path, (Path(scratch) / "model.keras").read_bytes())


def load_cnn(path: Path, to_go_on: bool = False) -> keras.Model:
    """Read a Keras file; code hidden in it is not run."""
    return keras.models.load_model(path, compile=to_go_on, safe_mode=True)


def _resume(folder: Path, steps: int, training: Training) -> tuple[Any, History]:
    if not (folder / "last.keras").exists():
        return None, History()
    as_at_first = build_cnn(training.dropout)
    model = load_cnn(folder / "last.keras", to_go_on=True)
    done = int(model.optimizer.iterations)
    for layer, first in zip(model.layers, as_at_first.layers, strict=True):
        if isinstance(layer, layers.Dropout) and layer.rate:  # Keras does not keep how far its random numbers are
            layer.seed_generator.state.assign([first.seed_generator.state[0], done])
    history = History.from_json(json.loads((folder / "last.json").read_bytes()))
    return model, History(history[: done // steps])


def _average_weights(model: keras.Model, average: keras.Model) -> None:
    """Copy the moving averages of the weights that the optimizer keeps, and the statistics of the normalisation."""
    average.set_weights(model.get_weights())
    if model.optimizer.built:
        model.optimizer.finalize_variable_values(average.trainable_variables)
