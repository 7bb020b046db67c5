"""Pictures: of a training run, of what a model gets wrong and how sure it is of it, and contact sheets.

All are PNG files; a DigitPadError is raised where one cannot be written.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitpad.files import write_whole
from train import measures
from train.answers import Answers
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
    losses.plot(epochs, [e.loss for e in history], label="training (distorted)")
    accuracies.plot(epochs, [100 * (1 - e.accuracy) for e in history], label="training (distorted)")
    for name in history[-1].validation if history else ():
        losses.plot(epochs, [e.validation[name][0] for e in history], label=f"validation, {name}")
        accuracies.plot(epochs, [100 * (1 - e.validation[name][1]) for e in history], label=f"validation, {name}")
    losses.set(xlabel="epoch", ylabel="cross-entropy", yscale="log", title="Loss")
    accuracies.set(xlabel="epoch", ylabel="errors in per cent", yscale="log", title="Accuracy, as errors")
    losses.legend()
    accuracies.legend()
    _save(figure, path)


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
    _save(figure, path)


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
    _save(figure, path)


def plot_calibration(answers: dict[str, Answers], labels: NDArray[np.int64], path: Path, title: str) -> None:
    """Reliability diagram and risk-coverage curve of models by name on one set of digits, labels int64 (N,).

    Bars are 95 % intervals; the dot on a curve is what the shipped thresholds give: the answers of status "digit".
    """
    figure, axes = plt.subplots(1, len(answers) + 1, figsize=(3.2 * (len(answers) + 1), 3.6), layout="constrained")
    risky = axes[-1]
    for reliable, (model, a) in zip(axes, answers.items(), strict=False):
        right = a.digit == labels
        counts, confidence, accuracy = measures.reliability(a.confidence, right)
        filled = counts > 0
        ends = np.array(
            [measures.wilson(round(s * n), n) for s, n in zip(accuracy[filled], counts[filled], strict=True)]
        )
        bars = 100 * np.abs(ends.T - accuracy[filled])
        coverage, risk = measures.risk_coverage(a.confidence, right)
        (line,) = risky.plot(100 * coverage, 100 * risk, label=model)
        answered = a.status == "digit"
        if answered.any():
            risky.plot(100 * answered.mean(), 100 * (~right[answered]).mean(), "o", color=line.get_color())
        reliable.plot([0, 100], [0, 100], color="0.7", linewidth=1)
        points = {"fmt": "o", "markersize": 4, "capsize": 2, "color": line.get_color()}
        reliable.errorbar(100 * confidence[filled], 100 * accuracy[filled], bars, **points)
        reliable.set(xlabel="confidence, %", ylabel="right, %", title=model, xlim=(0, 103), ylim=(-3, 103))
    figure.suptitle(title)
    risky.set(xlabel="answered, %", ylabel="wrong among those, %", title="risk and coverage")
    risky.set(xlim=(80, 100.5), ylim=(0, None))
    risky.legend()
    _save(figure, path)


@dataclass(frozen=True)
class Cell:
    """A picture on a sheet: ink uint8 (H, W), 255 = ink, or colours (H, W, 3), with a frame and a few letters below."""

    image: NDArray[np.uint8]
    colour: str = "white"  # of the frame
    caption: str = ""


def plot_sheet(rows: dict[str, list[Cell]], path: Path, blocks: int = 1) -> None:
    """A contact sheet: a named row of pictures for each entry, the rows spread over blocks side by side.

    All pictures of all rows are of one size, and there is at least one.
    """
    font = ImageFont.load_default(size=12)
    every = [cell for cells in rows.values() for cell in cells]
    high, wide = (max(cell.image.shape[axis] for cell in every) + 6 for axis in (0, 1))
    below = 13 if any(cell.caption for cell in every) else 0
    indent = 10 + max(int(font.getlength(name)) for name in rows)
    width = indent + wide * max(len(cells) for cells in rows.values()) + 16
    per_block = -(-len(rows) // blocks)
    sheet = Image.new("RGB", (width * blocks, (high + below) * per_block + 4), "white")
    pencil = ImageDraw.Draw(sheet)
    for number, (name, cells) in enumerate(rows.items()):
        left, top = width * (number // per_block), 2 + (high + below) * (number % per_block)
        pencil.text((left + 4, top + high / 2), name, fill="black", font=font, anchor="lm")
        for column, cell in enumerate(cells):
            x = left + indent + column * wide
            pencil.rectangle((x, top, x + wide - 2, top + high - 2), outline=cell.colour, width=2)
            sheet.paste(Image.fromarray(255 - cell.image if cell.image.ndim == 2 else cell.image), (x + 2, top + 2))
            pencil.text((x + wide / 2 - 1, top + high), cell.caption, fill="black", font=font, anchor="mt")
    _write_png(sheet, path)


def _save(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    _write_png(Image.open(buffer), path)


def _write_png(image: Image.Image, path: Path) -> None:
    """A quarter of the bytes: 128 colours are enough, if the rare ones, such as a frame's, count like the others."""
    buffer = io.BytesIO()
    image.convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        buffer, format="png", optimize=True
    )
    write_whole(path, buffer.getvalue())
