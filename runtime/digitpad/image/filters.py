"""What finding ink is built from: pictures shrunk, blurred and closed, masks grown, and percentiles."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]  # (H, W)
Mask = NDArray[np.bool_]  # (H, W)
Pixels = NDArray[Any]  # (H, W, C), uint8, which takes a quarter of the memory, or float32 in [0, 1]
Image = TypeVar("Image", Map, Mask)


def as_float(pixels: Pixels) -> Map:
    """Pixels as float32 in [0, 1]."""
    return np.divide(pixels, 255, dtype=np.float32) if pixels.dtype == np.uint8 else pixels


def percentiles(values: NDArray[Any], percents: Sequence[float]) -> NDArray[Any]:
    """Percentiles along the first axis, one for each percent, as numpy.percentile gives them.

    Numpy's own load numpy.ma, which costs a tenth of the time and 2 MB of the memory of reading one picture.
    """
    places = np.asarray(percents) / 100 * (len(values) - 1)
    below = places.astype(np.intp)
    above = np.minimum(below + 1, len(values) - 1)
    ordered = np.partition(values, sorted({*below.tolist(), *above.tolist()}), axis=0)
    low, high = ordered[below], ordered[above]
    parts = (places - below).astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(low + (high - low) * parts)


def median(values: NDArray[Any]) -> float:
    """The median of all values."""
    return float(percentiles(values.ravel(), [50])[0])


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
    """Fill everything dark that is narrower than a window of this many pixels."""
    half = max(window // 2, 1)
    return -largest(-largest(picture, half), half)


def largest(picture: Image, half: int) -> Image:
    """The largest value within `half` pixels to each side; a mask is grown by that many."""
    for _ in range(2 * half):
        wider = picture.copy()
        np.maximum(wider[1:], picture[:-1], out=wider[1:])
        np.maximum(wider[:-1], picture[1:], out=wider[:-1])
        picture = wider.T
    return picture


def blurred(picture: Map, window: int) -> Map:
    """The average over a window of this many pixels, made odd."""
    half = window // 2
    for _ in range(2):
        padded = np.pad(picture, ((half + 1, half), (0, 0)), mode="edge")
        sums = np.cumsum(padded, axis=0, dtype=np.float64)
        picture = ((sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)).T.astype(np.float32)
    return picture
