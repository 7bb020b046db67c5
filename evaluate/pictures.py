"""Pictures: how sure models are of what they get wrong, and contact sheets.

All are PNG files; a DigitPadError is raised if one cannot be written.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from evaluate import metrics
from evaluate.answers import Answers
from train.pictures import save_figure, write_png


def plot_calibration(answers: dict[str, Answers], labels: NDArray[np.int64], path: Path, title: str) -> None:
    """Reliability diagram and risk-coverage curve of models by name on one set of digits, labels int64 (N,).

    Bars are 95 % intervals; the dot on a curve is for the answers of status "digit", at the model's own thresholds.
    """
    figure, axes = plt.subplots(1, len(answers) + 1, figsize=(3.2 * (len(answers) + 1), 3.6), layout="constrained")
    risky = axes[-1]
    for reliable, (model, a) in zip(axes, answers.items(), strict=False):
        right = a.digit == labels
        counts, confidence, accuracy = metrics.reliability(a.confidence, right)
        filled = counts > 0
        ends = np.array(
            [metrics.wilson(round(s * n), n) for s, n in zip(accuracy[filled], counts[filled], strict=True)]
        )
        bars = 100 * np.abs(ends.T - accuracy[filled])
        coverage, risk = metrics.risk_coverage(a.confidence, right)
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
    save_figure(figure, path)


@dataclass(frozen=True)
class Cell:
    """A picture on a sheet: ink uint8 (H, W), 255 = ink, or RGB (H, W, 3), with a frame and a short caption."""

    image: NDArray[np.uint8]
    colour: str = "white"  # of the frame
    caption: str = ""


def plot_sheet(rows: dict[str, list[Cell]], path: Path, blocks: int = 1) -> None:
    """A contact sheet: a named row of pictures for each entry, the rows spread over blocks side by side.

    All pictures have the same size, and there is at least one.
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
    write_png(sheet, path)
