"""What finding ink is made of: pictures shrunk, blurred and closed, masks grown and parted into their marks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
Pixels = NDArray[Any]  # uint8, which takes a quarter of the memory, or float32 in [0, 1]


def as_float(pixels: Pixels) -> Map:
    """Pixels as float32 in [0, 1]."""
    return np.divide(pixels, 255, dtype=np.float32) if pixels.dtype == np.uint8 else pixels


def percentiles(values: NDArray[Any], percents: Sequence[float], axis: int | None = None) -> NDArray[Any]:
    """Percentiles along an axis, or of all values, one for each percent: as numpy's own.

    Numpy's own load numpy.ma, which takes a tenth of the time and 2 MB of the memory of reading one picture.
    """
    values = values if values.dtype.kind == "f" else values.astype(np.float64)
    count = values.size if axis is None else values.shape[axis]
    places = np.asarray(percents) / 100 * (count - 1)
    below = places.astype(np.intp)
    above = np.minimum(below + 1, count - 1)
    ordered = np.partition(values, sorted({*below.tolist(), *above.tolist()}), axis=axis)
    low, high = np.take(ordered, below, axis), np.take(ordered, above, axis)
    parts = (places - below).astype(values.dtype)
    if axis is not None:
        parts = parts.reshape([-1 if dimension == axis else 1 for dimension in range(values.ndim)])
    return np.asarray(low + (high - low) * parts)


def median(values: NDArray[Any]) -> float:
    """The median of all values."""
    return float(percentiles(values, [50])[0])


def shrink(picture: Map, side: int) -> Map:
    """Area-average a picture (H, W) until its longer side has at most `side` pixels."""
    from PIL import Image

    height, width = picture.shape
    if max(height, width) <= side:
        return picture
    scale = side / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def closed(picture: Map, window: int) -> Map:
    """Fill everything dark that is narrower than a window of so many pixels."""
    half = max(window // 2, 1)
    return -largest(-largest(picture, half), half)


def largest(picture: Map, half: int) -> Map:
    """The largest value within `half` pixels to each side."""
    for _ in range(2):
        padded = np.pad(picture, ((half, half), (0, 0)), mode="edge")
        picture = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0).max(axis=-1).T
    return picture


def blurred(picture: Map, window: int) -> Map:
    """The average over a window of so many pixels, made odd."""
    half = window // 2
    for _ in range(2):
        padded = np.pad(picture, ((half + 1, half), (0, 0)), mode="edge")
        sums = np.cumsum(padded, axis=0, dtype=np.float64)
        picture = ((sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)).T.astype(np.float32)
    return picture


def spread(mask: Mask, steps: int) -> Mask:
    """A mask grown by so many pixels to each side."""
    for _ in range(steps):
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        mask = grown.copy()
        mask[:, 1:] |= grown[:, :-1]
        mask[:, :-1] |= grown[:, 1:]
    return mask


def grown(picture: Map, shape: tuple[int, ...]) -> Map:
    """Bring a coarse picture to a shape, smoothly."""
    from PIL import Image

    return np.asarray(
        Image.fromarray(np.ascontiguousarray(picture)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    )


class Marks:
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
