"""Pictures of a training run: its curves, which digits were confused, which answers were most wrong.

All are PNG files; a DigitPadError is raised where one cannot be written.
"""

import io
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from digitpad.files import write_whole
from train.data import Digits
from train.history import History

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray


def plot_curves(history: History, path: Path) -> None:
    """Loss and accuracy by epoch, on the training part and on every validation part."""
    epochs = range(1, len(history) + 1)
    figure, (losses, accuracies) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    lines = {"training (distorted)": [(e.loss, e.accuracy) for e in history]}
    lines |= {f"validation, {part}": [e.validation[part] for e in history] for part in history[-1].validation}
    for label, figures in lines.items():
        losses.plot(epochs, [loss for loss, _ in figures], label=label)
        accuracies.plot(epochs, [100 * (1 - right) for _, right in figures], label=label)
    losses.set(xlabel="epoch", ylabel="cross-entropy", yscale="log", title="Loss")
    accuracies.set(xlabel="epoch", ylabel="errors in per cent", yscale="log", title="Accuracy, as errors")
    losses.legend()
    accuracies.legend()
    save_figure(figure, path)


def plot_confusion(confusion: NDArray[np.int64], path: Path, title: str) -> None:
    """A confusion matrix, counts int64 (10, 10): rows are the true digit, columns the answer; right ones are pale."""
    wrong = confusion - np.diag(np.diag(confusion))
    figure, axes = plt.subplots(figsize=(6, 5.6), layout="constrained")
    axes.imshow(wrong, cmap="Oranges")
    for row, column in np.ndindex(10, 10):
        if confusion[row, column]:
            colour = "white" if wrong[row, column] > wrong.max() / 2 else "black"
            axes.text(column, row, str(confusion[row, column]), ha="center", va="center", fontsize=8, color=colour)
    axes.set(xticks=range(10), yticks=range(10), xlabel="answer", ylabel="true digit", title=title)
    save_figure(figure, path)


def plot_most_wrong(digits: Digits, probabilities: NDArray[np.floating], path: Path, most: int = 40) -> None:
    """The wrong answers with the least probability for the true digit, worst first: "true→answer, confidence".

    Args:
        digits: N labelled digits.
        probabilities: a model's answers to them, (N, 10).
        path: where the picture goes.
        most: how many are shown at most.
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != digits.labels)
    wrong = wrong[np.argsort(probabilities[wrong, digits.labels[wrong]])][:most]
    rows = max(1, -(-len(wrong) // 10))
    figure, axes = plt.subplots(rows, 10, figsize=(11, 1.35 * rows), layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, index in zip(axes.flat, wrong, strict=False):
        answer = probabilities[index].argmax()
        axis.imshow(digits.images[index], cmap="gray_r", vmin=0, vmax=255)
        axis.set_title(f"{digits.labels[index]}→{answer}  {probabilities[index, answer]:.0%}", fontsize=8)
    save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, and close it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    write_png(Image.open(buffer), path)


def write_png(image: Image.Image, path: Path) -> None:
    """Write a PNG at a quarter of the bytes: 128 colours are enough if rare ones, such as a frame's, count equally."""
    buffer = io.BytesIO()
    image.convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        buffer, format="png", optimize=True
    )
    write_whole(path, buffer.getvalue())
