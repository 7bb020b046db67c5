"""Which pixels of a picture are ink: paper, light, colour and clutter told apart from the digit.

A scan, a photo, a screenshot, a drawing in any colour on any ground: what they share is that the paper surrounds the
ink. So the border tells the paper's colour; how that changes across the picture is the light; what differs
from it clearly is ink; and what of the ink is a ruled line, a frame or a speck is not the digit's.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from digitpad.image.clutter import inside_sheet, without_clutter, without_rules
from digitpad.image.filters import Marks, Pixels, as_float, blurred, closed, grown, largest, median, percentiles, shrink

_WORK = 400  # pixels along the longer side of the picture while ink is looked for
_COARSE = 64  # and while paper and light are
_TINY = 24  # pixels: pictures so small are cut out closely, with ink all along their border, and evenly lit
_EVEN = 0.05  # of full contrast: paper that differs less across the picture is evenly lit
_FAINT = 0.05  # of full contrast: ink that differs less from its paper is not seen
_FAINT_IN_SHADE = 0.12  # the same where light is uneven, which leaves traces
_LEVEL = 0.5  # of the ink's darkness: where its outline is drawn

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


def find_ink(grey: Map) -> Map:
    """The ink in a picture, of either polarity.

    Args:
        grey: float32 (H, W) in [0, 1].

    Returns:
        float32 (h, w) in [0, 1], of the ink and what lies around it: 0 = paper, 1 = ink, 0.5 along its outline; all
        zero where there is no ink.
    """
    ink, sheet = np.zeros((1, 1), np.float32), None
    for _ in range(3):
        small = shrink(grey, _WORK)
        scale = max(grey.shape) / max(small.shape)
        ink = _ink_on_paper(small)
        marks = Marks(ink >= 0.5)
        if sheet is not None and not marks.count:
            return sheet  # nothing is on it: a fat zero, cut out closely
        window = inside_sheet(marks, ink.shape)
        sheet = ink if window else None
        if window is None:
            ink = without_clutter(ink, marks)
            window = _surroundings(ink) if scale > 1.5 else None
        if window is None:
            break
        left, top, right, bottom = (round(edge * scale) for edge in window)
        grey = grey[top:bottom, left:right]
    return ink


def _lay_on_paper(colour: Map, alpha: Map) -> Map:
    """Give a picture with transparent parts a ground from which its ink differs."""
    seen = alpha > alpha.max() / 2
    if seen.all() or not seen.any():
        return colour * alpha[:, :, None]
    values = colour[seen]
    low, high = percentiles(values.mean(axis=1), [1, 99])
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    filled = seen.sum() / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
    # Paper and ink both, cut out: the ground continues the paper. Ink alone: the ground is its opposite.
    both = filled > 0.5 and high - low > 0.3
    ground = percentiles(values, [50], axis=0)[0] if both else np.full(values.shape[1], values.mean() < 0.5, np.float32)
    return cast(Map, colour * alpha[:, :, None] + ground * (1 - alpha[:, :, None]))


def mix_to_grey(colour: Pixels, alpha: Map | None = None) -> Map:
    """Mix the channels of a picture so that ink of any colour and its paper differ most.

    Args:
        colour: (H, W, C), uint8 or float32 in [0, 1], C = 1 or 3.
        alpha: float32 (H, W) in [0, 1], 0 = transparent, or None.

    Returns:
        float32 (H, W) in [0, 1].
    """
    if alpha is not None:
        colour = _lay_on_paper(as_float(colour), alpha)
    if colour.shape[2] == 1:
        return as_float(colour[:, :, 0])
    channels = (np.ascontiguousarray(as_float(colour[:, :, c])) for c in range(3))
    coarse = np.stack([shrink(channel, 2 * _COARSE) for channel in channels], axis=2)
    if np.ptp(coarse, axis=2).max() < 0.02:
        return np.stack([as_float(row).mean(axis=1) for row in colour])
    # What changes slowly is light; the direction in which the rest spreads most is from paper to ink.
    spread = np.stack([coarse[:, :, c] - blurred(coarse[:, :, c], _COARSE // 2) for c in range(3)]).reshape(3, -1)
    direction = np.linalg.eigh(spread @ spread.T)[1][:, -1].astype(np.float32)
    direction *= np.where(direction.sum() < 0, -1, 1) / np.abs(direction).sum()
    grey = np.stack([as_float(row) @ direction for row in colour])
    grey -= np.minimum(direction, 0).sum()
    return cast(Map, np.clip(grey, 0, 1, out=grey))


def _ink_on_paper(grey: Map) -> Map:
    """How much each pixel differs from the paper around it, 1 = as much as ink does; all 0 where nothing does."""
    coarse = shrink(grey, _COARSE)
    plane, even = _paper(coarse)
    # Ink is what differs to one side. Uneven light differs to both, seen from the average around.
    ground = plane if even else blurred(coarse, max(coarse.shape) * 2 // 5)
    lit = ((coarse - ground) ** 3).sum() < 0
    if not lit:  # light ink: see it as its negative
        grey, coarse, plane = 1 - grey, 1 - coarse, 1 - plane
    if even:
        ink = plane[0, 0] - grey
    else:
        paper = grown(_light(coarse, plane), grey.shape)
        ink = paper - grey
        if lit:  # a shadow dims paper and ink alike
            ink /= np.maximum(paper, 0.15)
    return _levelled(without_rules(np.clip(ink, -1, 1, out=ink)), even)


def _light(coarse: Map, plane: Map) -> Map:
    """A coarse picture without what is dark and narrow: the light on the paper."""
    side = max(coarse.shape)
    near, wide = (
        # Light that fades is even once the plane is taken from it; a step of light, the plane would fill at its foot.
        np.minimum(plane + closed(coarse - plane, window), closed(coarse, window))
        for window in (side // 5, side * 2 // 5)
    )
    # The wide window takes parts of shadows for ink, the near one takes fat ink for a shadow. But no shadow is as
    # dark as ink, and shadows come in from the border.
    dark = Marks(near < 0.45 * wide)
    height, width = coarse.shape
    free = (dark.left > 0) & (dark.top > 0) & (dark.right < width) & (dark.bottom < height) & (dark.area > 4)
    # Grown back to full size an edge of a shadow turns soft, and would be ink on its dark side: rather too dark there.
    return -largest(-(wide if free.any() else near), 1)


def _paper(coarse: Map) -> tuple[Map, bool]:
    """The paper as its border shows it, as a plane over the coarse picture, and whether it is evenly lit."""
    around = np.concatenate([coarse[0, :-1], coarse[:-1, -1], coarse[-1, :0:-1], coarse[:0:-1, 0]])
    around = around if around.size else coarse.ravel()
    border = np.ones(coarse.shape, bool)
    border[1:-1, 1:-1] = False
    values = coarse[border]
    middle = np.float32(median(values))
    if max(coarse.shape) <= _TINY:
        low, high = percentiles(coarse, [10, 90])
        paper = low if middle - low < high - middle else high
        return np.full(coarse.shape, paper, np.float32), True
    off = np.abs(around - middle) > _EVEN
    if off.mean() < 0.1 or _cut_by_ink(around - middle, off, coarse - middle):
        return np.full(coarse.shape, middle, np.float32), True
    y, x = np.indices(coarse.shape, dtype=np.float32)
    terms = np.stack([np.ones_like(x), x / max(coarse.shape), y / max(coarse.shape)], axis=-1)
    weights = np.exp(-(((values - middle) / 0.2) ** 2))
    fitted = np.array([middle, 0, 0], np.float32)
    for _ in range(5):
        weighted = terms[border] * weights[:, None]
        fitted = np.linalg.lstsq(weighted, values * weights, rcond=None)[0]
        weights = 1 / np.sqrt(1 + ((terms[border] @ fitted - values) / 0.05) ** 2)
    return cast(Map, terms @ fitted), False


def _cut_by_ink(border: Map, off: Mask, picture: Map) -> bool:
    """Whether what differs along the border is ink: of a digit that the picture's edge cuts or touches.

    `border` and `picture` are differences from the paper. Ink comes in short stretches and differs clearly; stretches
    may be longer, as the foot of a two cut out closely, where nothing differs more: no shadow is as dark as ink.
    """
    dark = border[off].mean()
    if abs(dark) < 3 * _EVEN or off.all():
        return False
    ends = np.flatnonzero(~np.concatenate([off, off]))  # twice around, for the stretch across the first corner
    stretch = (np.diff(ends).max() - 1) / off.size
    if off.mean() < 0.4 and stretch < 0.15:
        return True
    side = np.sign(dark)
    darkest, lightest = float((side * picture).max()), float((-side * picture).max())
    as_ink = percentiles(side * border[off], [75])[0] > 0.7 * darkest and lightest < 0.3 * darkest
    return bool(off.mean() < 0.6 and stretch < 0.35 and as_ink)


def _levelled(ink: Map, even: bool) -> Map:
    """Scale differences from paper so that 0.5 lies on the outline of the ink; all 0 where nothing stands out.

    `even` says whether the paper is evenly lit, so that less stands out.
    """
    level, noise = _paper_noise(ink, even)
    if noise > 0.008 and min(ink.shape) > 100:
        ink = blurred(ink, 3)
        level, noise = _paper_noise(ink, even)
    stands_out = ink[ink > level + max(5 * noise, _FAINT if even else _FAINT_IN_SHADE)]
    if not stands_out.size:
        return np.zeros_like(ink)
    black = float(percentiles(stands_out, [75])[0]) - level
    if even:
        darker = _ink_on_stains(stands_out) - level
        black = darker if darker > 2 * black else black
    outline = max(_LEVEL * black, 2.5 * noise)
    levelled = ink - level
    levelled /= outline * 2
    return cast(Map, np.clip(levelled, 0, 1, out=levelled))


def _ink_on_stains(stands_out: Map) -> float:
    """How dark ink is if most of what stands out from paper is paler: a highlighter's mark, a stain, a shade."""
    dark = stands_out[stands_out > _otsu(stands_out)]
    return float(percentiles(dark, [75])[0]) if dark.size > 0.02 * stands_out.size else 0.0


def _paper_noise(ink: Map, even: bool) -> tuple[float, float]:
    """The level of bare paper and the standard deviation of its noise."""
    if max(ink.shape) <= _TINY:  # too few pixels to tell noise from ink
        return 0.0, 0.0
    split = _otsu(ink)
    paper, dark = ink[ink <= split], ink[ink > split]
    if dark.size and paper.size:
        level, noise = _median_and_spread(paper)
        # Where two levels are clear, ink may well cover most of the picture; else it does not.
        if dark.mean() - paper.mean() > 5 * (noise if even else paper.std()):
            return level, noise
    return _median_and_spread(ink.ravel())


def _median_and_spread(values: Map) -> tuple[float, float]:
    """The median, and the standard deviation as the median deviation tells it: soft edges of ink do not count."""
    middle = median(values)
    off = values - middle
    return middle, 1.48 * median(np.abs(off, out=off))


def _otsu(values: Map) -> float:
    """The threshold that parts values best in two: N. Otsu, IEEE Trans. SMC 9(1), 1979, pages 62-66."""
    low, high, bins = values.min(), values.max(), 128
    if low == high:
        return float(high)
    # Part by part: numpy's own histogram takes twice the time, and 2 MB.
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


def _surroundings(ink: Map) -> tuple[float, float, float, float] | None:
    """A window (left, top, right, bottom) around ink that is small in its picture; None where it is large or none."""
    mask = ink >= 0.5
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    height, width = ink.shape
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    if side > 0.4 * max(height, width):
        return None
    margin = max(0.4 * side, 4)
    return (
        max(columns[0] - margin, 0),
        max(rows[0] - margin, 0),
        min(columns[-1] + 1 + margin, width),
        min(rows[-1] + 1 + margin, height),
    )
