"""Which pixels of a picture are ink: paper, light, colour and clutter told apart from the digit.

A scan, a photo, a screenshot, a drawing in any colour on any ground: what they share is that the paper surrounds the
ink. So the border tells the paper's colour; how that changes across the picture is the light; what differs
from it clearly is ink; and what of the ink is a ruled line, a frame or a speck is not the digit's.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

_WORK = 400  # pixels along the longer side of the picture while ink is looked for
_COARSE = 64  # and while paper and light are
_EVEN = 0.05  # of full contrast: paper that differs less across the picture is evenly lit
_FAINT = 0.05  # of full contrast: ink that differs less from its paper is not seen
_STRIPS = 24  # upright strips in which ruled lines are looked for
_LEVEL = 0.5  # of the ink's darkness: where its outline is drawn

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


def find_ink(colour: Map, alpha: Map | None = None) -> Map:
    """The ink in a picture, of either polarity and any colour.

    Args:
        colour: float32 (H, W, C) in [0, 1], C = 1 or 3.
        alpha: float32 (H, W) in [0, 1], 0 = transparent, or None.

    Returns:
        float32 (h, w) in [0, 1], of the ink and what lies around it: 0 = paper, 1 = ink, 0.5 along its outline; all
        zero where there is no ink.
    """
    if alpha is not None:
        colour = _lay_on_paper(colour, alpha)
    grey = _to_grey(colour)
    ink = np.zeros((1, 1), np.float32)
    for _ in range(3):
        small = shrink(grey, _WORK)
        scale = max(grey.shape) / max(small.shape)
        ink = _ink_on_paper(small)
        marks = _Marks(ink >= 0.5)
        window = _sheet(marks, ink.shape)
        if window is None:
            ink = _without_clutter(ink, marks)
            window = _surroundings(ink) if scale > 1.5 else None
        if window is None:
            break
        left, top, right, bottom = (round(edge * scale) for edge in window)
        grey = grey[top:bottom, left:right]
    return ink


def shrink(picture: Map, side: int) -> Map:
    """Area-average a picture (H, W) until its longer side has at most `side` pixels."""
    from PIL import Image

    height, width = picture.shape
    if max(height, width) <= side:
        return picture
    scale = side / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


# Paper, light and colour


def _lay_on_paper(colour: Map, alpha: Map) -> Map:
    """Give a picture with transparent parts a ground from which its ink differs."""
    seen = alpha > 0.5
    if alpha.min() > 0.5 or not seen.any():
        return colour * alpha[:, :, None]
    values = colour[seen]
    low, high = np.percentile(values.mean(axis=1), [1, 99])
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    filled = seen.sum() / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
    # Paper and ink both, cut out: the ground continues the paper. Ink alone: the ground is its opposite.
    both = filled > 0.5 and high - low > 0.3
    ground = np.median(values, axis=0) if both else np.full(values.shape[1], values.mean() < 0.5, np.float32)
    return cast(Map, colour * alpha[:, :, None] + ground * (1 - alpha[:, :, None]))


def _to_grey(colour: Map) -> Map:
    """Mix the channels so that ink and paper differ most: float32 (H, W) in [0, 1]."""
    if colour.shape[2] == 1:
        return colour[:, :, 0]
    coarse = np.stack([shrink(np.ascontiguousarray(colour[:, :, c]), 2 * _COARSE) for c in range(3)], axis=2)
    if np.ptp(coarse, axis=2).max() < 0.02:
        return cast(Map, colour.mean(axis=2))
    # What changes slowly is light; the direction in which the rest spreads most is from paper to ink.
    spread = np.stack([coarse[:, :, c] - _blurred(coarse[:, :, c], _COARSE // 2) for c in range(3)]).reshape(3, -1)
    direction = np.linalg.eigh(spread @ spread.T)[1][:, -1].astype(np.float32)
    direction *= np.where(direction.sum() < 0, -1, 1) / np.abs(direction).sum()
    return cast(Map, np.clip(colour @ direction - np.minimum(direction, 0).sum(), 0, 1))


def _ink_on_paper(grey: Map) -> Map:
    """How much each pixel differs from the paper around it, 1 = as much as ink does; all 0 where nothing does."""
    coarse = shrink(grey, _COARSE)
    plane, even = _paper(coarse)
    # Ink is what differs to one side. Uneven light differs to both, seen from the average around.
    ground = plane if even else _blurred(coarse, max(coarse.shape) * 2 // 5)
    lit = ((coarse - ground) ** 3).sum() < 0
    if not lit:  # light ink: see it as its negative
        grey, coarse, plane = 1 - grey, 1 - coarse, 1 - plane
    if even:
        ink = plane[0, 0] - grey
    else:
        paper = _grown(_light(coarse, plane), grey.shape)
        ink = paper - grey
        if lit:  # a shadow dims paper and ink alike
            ink /= np.maximum(paper, 0.15)
    return _levelled(_without_rules(np.clip(ink, -1, 1)))


def _light(coarse: Map, plane: Map) -> Map:
    """A coarse picture without what is dark and narrow: the light on the paper."""
    side = max(coarse.shape)
    near = plane + _closed(coarse - plane, side // 5)
    wide = plane + _closed(coarse - plane, side * 2 // 5)
    # The wide window takes parts of shadows for ink, the near one takes fat ink for a shadow. But no shadow is as
    # dark as ink, and shadows come in from the border.
    dark = _Marks(near < 0.45 * wide)
    height, width = coarse.shape
    free = (dark.left > 0) & (dark.top > 0) & (dark.right < width) & (dark.bottom < height) & (dark.area > 4)
    # Grown back to full size an edge of a shadow turns soft, and would be ink on its dark side: rather too dark there.
    return -_largest(-(wide if free.any() else near), 1)


def _paper(coarse: Map) -> tuple[Map, bool]:
    """The paper as its border shows it, as a plane over the coarse picture, and whether it is evenly lit."""
    around = np.concatenate([coarse[0, :-1], coarse[:-1, -1], coarse[-1, :0:-1], coarse[:0:-1, 0]])
    around = around if around.size else coarse.ravel()
    border = np.ones(coarse.shape, bool)
    border[1:-1, 1:-1] = False
    values = coarse[border]
    middle = np.median(values)
    off = np.abs(around - middle) > _EVEN
    if off.mean() < 0.1 or _cut_by_ink(around - middle, off):
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


def _without_rules(ink: Map) -> Map:
    """Differences from paper without those of ruled lines, level or upright."""
    if min(ink.shape) < 64:
        return ink
    return np.ascontiguousarray(_without_level_rules(_without_level_rules(ink).T).T)


def _without_level_rules(ink: Map) -> Map:
    height, width = ink.shape
    strips = np.stack([part.mean(axis=1) for part in np.array_split(ink, _STRIPS, axis=1)])
    place = np.linspace(-0.5, 0.5, _STRIPS) * width
    slopes = np.arange(-0.1, 0.101, 1.5 / width)
    rows = np.arange(height)
    shifts = np.rint(slopes[:, None] * place).astype(int)  # (slopes, strips)
    sheared = strips[np.arange(_STRIPS)[:, None], np.clip(rows + shifts[:, :, None], 0, height - 1)]
    best = int(sheared.mean(axis=1).var(axis=1).argmax())
    # What nearly all strips have at the same height reaches across the picture.
    rule = np.percentile(_largest(sheared[best].T, 1).T, 15, axis=0)
    rule -= np.median(rule)
    peaks = rule > max(_FAINT / 2, 0.3 * float(rule.max()))
    starts = np.flatnonzero(np.diff(peaks, prepend=False) & peaks)
    thickness = peaks.sum() / max(len(starts), 1)
    if len(starts) < 2 or thickness > max(
        0.03 * height, 3
    ):  # a single line may be the digit's: a seven cut out closely
        return ink
    columns = np.arange(width)
    at = np.clip(rows[:, None] - np.rint(slopes[best] * (columns - width / 2)).astype(int), 0, height - 1)
    reach = int(np.ceil(thickness)) + 2
    level = np.where(_spread(peaks[:, None], reach)[:, 0], _largest(rule[None].astype(np.float32), 2)[0], 0)[at]
    on_rule = level > 0
    rest = np.where(on_rule & (ink < 1.5 * level), np.float32(0), ink)
    # The ink of a stroke goes on where it crosses a line as dark as itself.
    strong = (
        rest > 0.6 * float(np.percentile(rest[rest > level.max() / 2], 75))
        if (rest > level.max() / 2).any()
        else rest > 1
    )
    above, below = strong.copy(), strong.copy()
    for _ in range(2 * reach):
        above[1:] |= above[:-1]
        below[:-1] |= below[1:]
    crossing = on_rule & above & below
    return cast(Map, np.where(crossing, ink, rest))


def _cut_by_ink(different: Map, off: Mask) -> bool:
    """Whether what differs along the border is ink that the picture's edge cuts: short stretches, and clearly so."""
    if off.mean() > 0.4 or np.abs(different[off]).mean() < 3 * _EVEN:
        return False
    ends = np.flatnonzero(~np.concatenate([off, off]))  # twice around, for the stretch across the first corner
    return bool(np.diff(ends).max() - 1 < 0.15 * off.size)


def _levelled(ink: Map) -> Map:
    """Scale differences from paper so that 0.5 lies on the outline of the ink; all 0 where none stands out."""
    level, noise = _paper_noise(ink)
    if noise > 0.008 and min(ink.shape) > 100:
        ink = _blurred(ink, 3)
        level, noise = _paper_noise(ink)
    stands_out = ink[ink > level + max(5 * noise, _FAINT)]
    if not stands_out.size:
        return np.zeros_like(ink)
    black = float(np.percentile(stands_out, 75)) - level
    outline = max(_LEVEL * black, 2.5 * noise)
    return cast(Map, np.clip((ink - level) / outline / 2, 0, 1))


def _paper_noise(ink: Map) -> tuple[float, float]:
    """The level of bare paper and the standard deviation of its noise."""
    split = _otsu(ink)
    paper, dark = ink[ink <= split], ink[ink > split]
    # Where two levels are clear, ink may well cover most of the picture; else it does not.
    clear = dark.size and paper.size and dark.mean() - paper.mean() > 5 * paper.std()
    bare = paper if clear else ink
    level = float(np.median(bare))
    return level, 1.48 * float(np.median(np.abs(bare - level)))


def _otsu(values: Map) -> float:
    """The threshold that parts values best in two: N. Otsu, IEEE Trans. SMC 9(1), 1979, pages 62-66."""
    counts, edges = np.histogram(values, bins=128)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    sums = np.cumsum(counts * centres)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between))]) if np.isfinite(between).any() else float(edges[-1])


# Clutter


class _Marks:
    """The connected marks of a mask: for each its area and box, and the mask of any choice of them."""

    def __init__(self, mask: Mask) -> None:
        height, width = mask.shape
        # Runs of ink along the rows, each row ended by a gap; positions count through all rows.
        self.shape, row = mask.shape, width + 1
        flat = np.zeros(height * row + 1, np.int8)
        flat[:-1].reshape(height, row)[:, :width] = mask
        change = np.diff(flat, prepend=np.int8(0))
        self.starts, self.ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
        # Runs that touch, corners included, in the next row.
        first = np.searchsorted(self.ends, self.starts + row, "left")
        last = np.searchsorted(self.starts, self.ends + row, "right")
        count = np.maximum(last - first, 0)
        upper = np.repeat(np.arange(len(self.starts)), count)
        lower = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        self.mark = _joined(len(self.starts), upper, lower)

        lengths = self.ends - self.starts
        self.count = int(self.mark.max()) + 1 if self.mark.size else 0
        self.area = np.bincount(self.mark, lengths, self.count)
        y, x = np.divmod(self.starts, row)
        self.top, self.left = np.full(self.count, height), np.full(self.count, width)
        self.bottom, self.right = np.zeros(self.count, int), np.zeros(self.count, int)
        np.minimum.at(self.top, self.mark, y)
        np.maximum.at(self.bottom, self.mark, y + 1)
        np.minimum.at(self.left, self.mark, x)
        np.maximum.at(self.right, self.mark, x + lengths)

    def mask(self, chosen: Mask) -> Mask:
        """The pixels of the chosen marks."""
        height, width = self.shape
        runs = chosen[self.mark]
        steps = np.zeros(height * (width + 1) + 1, np.int8)
        steps[self.starts[runs]] = 1
        steps[self.ends[runs]] = -1
        return np.cumsum(steps, dtype=np.int8)[:-1].reshape(height, width + 1)[:, :width].astype(bool)


def _joined(count: int, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number the groups into which pairs join the things 0 to count - 1."""
    group = np.arange(count)
    while True:
        a, b = group[one], group[other]
        if (a == b).all():
            return np.unique(group, return_inverse=True)[1]
        least = np.minimum(a, b)
        np.minimum.at(group, a, least)
        np.minimum.at(group, b, least)
        while (group[group] != group).any():
            group = group[group]


def _sheet(marks: _Marks, shape: tuple[int, ...]) -> tuple[float, float, float, float] | None:
    """The inside (left, top, right, bottom) of a mark that is a sheet of paper on a table or a canvas in a window."""
    height, width = shape
    if not marks.count:
        return None
    largest = int(marks.area.argmax())
    left, top, right, bottom = (int(e[largest]) for e in (marks.left, marks.top, marks.right, marks.bottom))
    across, down = right - left, bottom - top
    if min(across, down) < 16 or across < 0.4 * width or down < 0.4 * height:
        return None
    sheet = marks.mask(np.arange(marks.count) == largest)[top:bottom, left:right]
    # All but the holes: what a line from one of the four sides reaches before the mark.
    solid = np.ones_like(sheet)
    for turn in range(4):
        view = np.rot90(sheet, turn)
        np.rot90(solid, turn)[:] &= np.logical_or.accumulate(view, axis=0)
    if solid.mean() < 0.82 or sheet.mean() < 0.6 or sheet.mean() > 0.995:
        return None
    inset = 0.06
    inner = sheet[int(inset * down) : int((1 - inset) * down), int(inset * across) : int((1 - inset) * across)]
    if inner.mean() > 0.995:
        return None
    return left + inset * across, top + inset * down, right - inset * across, bottom - inset * down


def _without_clutter(ink: Map, marks: _Marks) -> Map:
    """Ink without specks, and without lines and frames along the border."""
    height, width = ink.shape
    across, down = marks.right - marks.left, marks.bottom - marks.top
    extent = np.maximum(across, down)
    # In a large picture a mark of few pixels is dust or noise, also where it is all there is.
    keep = extent > (3 if min(height, width) > 100 else 0)
    if not keep.any():
        return np.zeros_like(ink)
    # Lines from side to side, and what else hangs on the border, where a digit stands free of it.
    free = (marks.left > 0) & (marks.top > 0) & (marks.right < width) & (marks.bottom < height)
    if free.any() and extent[free].max() >= 0.12 * max(height, width):
        reaches = (across == width) | (down == height)
        edge = 0.1 * min(height, width)
        beside = (
            (marks.right < edge) | (marks.bottom < edge) | (marks.left > width - edge) | (marks.top > height - edge)
        )
        keep &= free | ~(reaches | beside)
    keep &= ~_frames(marks)
    if keep.any():
        largest = marks.area[keep].max()
        keep &= (marks.area >= 0.03 * largest) | (extent >= 0.25 * extent[keep].max())
    if keep.all() or not keep.any():
        return ink
    dropped = _spread(marks.mask(~keep), 2) & ~_spread(marks.mask(keep), 1)
    return cast(Map, np.where(dropped, np.float32(0), ink))


def _frames(marks: _Marks) -> Mask:
    """Which marks are a frame drawn around another."""
    frames = np.zeros(marks.count, bool)
    largest = int((marks.right - marks.left + marks.bottom - marks.top).argmax())
    left, top, right, bottom = (int(e[largest]) for e in (marks.left, marks.top, marks.right, marks.bottom))
    inside = (marks.left > left) & (marks.right < right) & (marks.top > top) & (marks.bottom < bottom)
    across, down = right - left, bottom - top
    if min(across, down) < 12 or not (inside & (marks.bottom - marks.top > 0.15 * down)).any():
        return frames
    mark = marks.mask(np.arange(marks.count) == largest)[top:bottom, left:right]
    x, y = max(across // 10, 1), max(down // 10, 1)
    corners = all(part.any() for part in (mark[:y, :x], mark[:y, -x:], mark[-y:, :x], mark[-y:, -x:]))
    frames[largest] = corners and not mark[2 * y : -2 * y, 2 * x : -2 * x].any()
    return frames


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


# Filters


def _closed(picture: Map, window: int) -> Map:
    """Fill everything dark that is narrower than a window of so many pixels."""
    half = max(window // 2, 1)
    return -_largest(-_largest(picture, half), half)


def _largest(picture: Map, half: int) -> Map:
    """The largest value within `half` pixels to each side."""
    for _ in range(2):
        padded = np.pad(picture, ((half, half), (0, 0)), mode="edge")
        picture = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0).max(axis=-1).T
    return picture


def _blurred(picture: Map, window: int) -> Map:
    """The average over a window of so many pixels, made odd."""
    half = window // 2
    for _ in range(2):
        padded = np.pad(picture, ((half + 1, half), (0, 0)), mode="edge")
        sums = np.cumsum(padded, axis=0, dtype=np.float64)
        picture = ((sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)).T.astype(np.float32)
    return picture


def _spread(mask: Mask, steps: int) -> Mask:
    """A mask grown by so many pixels to each side."""
    for _ in range(steps):
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        mask = grown.copy()
        mask[:, 1:] |= grown[:, :-1]
        mask[:, :-1] |= grown[:, 1:]
    return mask


def _grown(picture: Map, shape: tuple[int, ...]) -> Map:
    """Bring a coarse picture to a shape, smoothly."""
    from PIL import Image

    return np.asarray(
        Image.fromarray(np.ascontiguousarray(picture)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    )
