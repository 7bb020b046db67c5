"""Which pixels of a grey picture are ink, at first sight: paper and light told apart from what is on it.

In a scan, a photo, a screenshot, or a drawing in any colour on any ground, the paper surrounds the ink. So the border
tells the paper's colour; how that changes across the picture is the light; and what clearly differs from it is ink.
"""

from typing import cast

import numpy as np

from digitpad.image.filters import Map, blurred, closed, median, percentiles, shrink
from digitpad.image.marks import Marks
from digitpad.log import Tell, log_step
from digitpad.reader import Cutting, Units

_WORK = 400  # pixels along the longer side of the picture while ink is looked for
_COARSE = 64  # the same while paper and light are
_DUST = 6  # of the picture's own pixels: where there is nothing larger, there is no ink, unless it is small
_TINY = 24  # pixels: pictures this small are cut out closely, with ink all along their border, and evenly lit
_EVEN = 0.05  # of full contrast: paper that differs less across the picture is evenly lit
_FAINT = 0.12, 0.05  # of full contrast: ink that differs less from its paper, unevenly or evenly lit, is not seen
_LEVEL = 0.5  # of the ink's darkness: where its outline is drawn


def find_ink(grey: Map, tell: Tell) -> tuple[Cutting, Units]:
    """The ink in a picture of either polarity, and what lies around it.

    Args:
        grey: float32 (H, W) in [0, 1].
        tell: receives each step, in words and as a picture.

    Returns:
        The part of the picture that it was found in, its ink all zero where there is none; and the units of its pixels.
    """
    x, y = 0, 0
    while True:
        small = shrink(grey, _WORK)
        scale = max(grey.shape) / max(small.shape)
        ink, even = off_paper(small, tell)
        ink = _levelled(ink, even)
        marks = Marks(ink >= 0.5)
        if min(ink.shape) > 100 and marks.extent.max(initial=0) * scale <= _DUST:
            ink = np.zeros_like(ink)
            marks = Marks(ink >= 0.5)
        tell("ink found: %d mark%s", marks.count, "" if marks.count == 1 else "s", ink=ink)
        window = _surroundings(marks) if scale > 1.5 else None
        if window is None:
            return Cutting(small, ink), (scale, (x, y))
        left, top, right, bottom = (round(edge * scale) for edge in window)
        grey = grey[top:bottom, left:right]
        x, y = x + left, y + top
        tell("once more, closer to the ink", seen=grey)


def off_paper(grey: Map, tell: Tell = log_step) -> tuple[Map, bool]:
    """How much each pixel of a picture differs from the paper around it; and whether that is evenly lit.

    Returns:
        float32 (H, W) in [-1, 1], above 0 where the pixel differs as ink does; and as said.
    """
    from PIL import Image

    coarse = shrink(grey, _COARSE)
    paper, even = _paper(coarse)
    # Ink differs in one direction only; uneven light in both, relative to the average around.
    ground = paper if even else blurred(coarse, max(coarse.shape) * 2 // 5)
    lit = ((coarse - ground) ** 3).sum() < 0
    if not lit:  # light ink: work on the negative
        grey, coarse, paper = 1 - grey, 1 - coarse, 1 - paper
    if even:
        ink = paper - grey
    else:
        # The light on the paper is the picture without what is dark and narrow.
        light = Image.fromarray(closed(coarse, max(coarse.shape) * 2 // 5))
        around = np.asarray(light.resize(grey.shape[::-1], Image.Resampling.BILINEAR))
        ink = around - grey
        if lit:  # a shadow dims paper and ink alike
            ink /= np.maximum(around, 0.15)
    ink = np.clip(ink, -1, 1, out=ink)
    tell("paper taken out: %s light, %s ink", "even" if even else "uneven", "dark" if lit else "light", ink=ink)
    return ink, even


def _paper(coarse: Map) -> tuple[np.float32, bool]:
    """The paper of a coarse picture, as its border shows it, and whether it is evenly lit."""
    border = np.concatenate([coarse[0], coarse[-1], coarse[1:-1, 0], coarse[1:-1, -1]])
    paper = np.float32(median(border))
    if max(coarse.shape) <= _TINY:
        low, high = percentiles(coarse.ravel(), [10, 90])
        return low if paper - low < high - paper else high, True
    return paper, bool((np.abs(border - paper) > _EVEN).mean() < 0.1)


def _levelled(ink: Map, even: bool) -> Map:
    """Scale differences from paper so that 0.5 lies on the outline of the ink; all 0 where nothing stands out.

    `even` says that the paper is evenly lit, so that fainter ink counts.
    """
    level, noise = _paper_noise(ink, even)
    if noise > 0.008 and min(ink.shape) > 100:
        ink = blurred(ink, 3)
        level, noise = _paper_noise(ink, even)
    stands_out = ink[ink > level + max(5 * noise, _FAINT[even])]
    if not stands_out.size:
        return np.zeros_like(ink)
    black = float(percentiles(stands_out, [75])[0]) - level
    if even:  # most of what stands out may be paler than the ink: highlighter, a stain, shading
        dark = stands_out[stands_out > _otsu(stands_out)]
        darker = (float(percentiles(dark, [75])[0]) if dark.size > 0.02 * stands_out.size else 0.0) - level
        black = darker if darker > 2 * black else black
    outline = max(_LEVEL * black, 2.5 * noise)
    levelled = ink - level
    levelled /= outline * 2
    return cast(Map, np.clip(levelled, 0, 1, out=levelled))


def _paper_noise(ink: Map, even: bool) -> tuple[float, float]:
    """The level of bare paper and the standard deviation of its noise."""
    if max(ink.shape) <= _TINY:  # too few pixels to tell noise from ink
        return 0.0, 0.0
    split = _otsu(ink)
    paper, dark = ink[ink <= split], ink[ink > split]
    if dark.size and paper.size:
        level, noise = _median_and_spread(paper)
        # If there are clearly two levels, ink may well cover most of the picture; otherwise it does not.
        if dark.mean() - paper.mean() > 5 * (noise if even else paper.std()):
            return level, noise
    return _median_and_spread(ink.ravel())


def _median_and_spread(values: Map) -> tuple[float, float]:
    """The median, and the standard deviation estimated from the median deviation, so that soft edges do not count."""
    middle = median(values)
    off = values - middle
    return middle, 1.48 * median(np.abs(off, out=off))


def _otsu(values: Map) -> float:
    """The threshold that best splits values in two: N. Otsu, IEEE Trans. SMC 9(1), 1979, pages 62-66."""
    low, high, bins = values.min(), values.max(), 128
    if low == high:
        return float(high)
    # In parts: numpy's own histogram takes twice the time, and 2 MB.
    parts = ((part - low) * (bins / (high - low)) for part in np.array_split(values.ravel(), 8))
    counts = sum(np.bincount(np.minimum(part, bins - 1).astype(np.uint8), minlength=bins) for part in parts)
    edges = np.linspace(low, high, bins + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    sums = np.cumsum(counts * centres)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between))]) if np.isfinite(between).any() else float(edges[-1])


def _surroundings(marks: Marks) -> list[float] | None:
    """A window around marks that are small in their picture: left, top, right, bottom; None if they are large."""
    if not marks.count:
        return None
    low, high = marks.boxes[:, :2].min(axis=0), marks.boxes[:, 2:].max(axis=0)
    side = (high - low).max()
    if side > 0.4 * max(marks.shape):
        return None
    margin = max(0.4 * side, 4)
    return [*np.maximum(low - margin, 0).tolist(), *np.minimum(high + margin, marks.shape[::-1]).tolist()]
