"""Strokes to the 28x28 image a model sees.

MNIST's digits were fitted into 20x20 pixels with their aspect ratio kept, anti-aliased, and placed with
their centre of mass in the middle of 28x28 (LeCun et al., http://yann.lecun.com/exdb/mnist). A drawing is
brought into that very form while it is still made of points: the points are scaled, then inked with a pen as
wide as MNIST's. How large, how densely and with which brush somebody drew changes nothing.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitpad.errors import StrokeError

SIZE = 28  # pixels along a side of the model's image
BOX = 20  # pixels along the longer side of the ink in it
PEN_WIDTH = 2.5  # pixels: with it the pen digits hold as much ink, on average, as MNIST's

CENTRE = SIZE / 2 + 0.5  # where the centre of mass lies in MNIST (measured; pixel 14 of 0 to 27, as whole pixels go)
_STEP = 0.1  # pixels: points closer together than this along a stroke add nothing to the picture
_CHUNK = 512  # segments whose distances are held in memory at once
_PIXEL_CENTRES = np.arange(SIZE, dtype=np.float32) + 0.5

Stroke = NDArray[np.float64]
Image = NDArray[np.uint8]


def render_strokes(strokes: Iterable[ArrayLike], pen_width: float = PEN_WIDTH) -> Image:
    """Ink strokes the way MNIST's digits were made.

    Args:
        strokes: (n, 2) arrays of x (right) and y (down), in any unit and with any offset.
        pen_width: width of the pen in pixels of the result.

    Returns:
        uint8 (28, 28), 0 = paper, 255 = ink; all zero where there is no ink or it has no extent.

    Raises:
        StrokeError: a stroke is not an (n, 2) array of finite numbers.
    """
    points = clean_strokes(strokes)
    if not points:
        return np.zeros((SIZE, SIZE), np.uint8)
    low = np.min([p.min(axis=0) for p in points], axis=0)
    high = np.max([p.max(axis=0) for p in points], axis=0)
    extent = float((high - low).max())
    if not extent > 1e-300:  # an extent yet smaller cannot be scaled up in float64
        return np.zeros((SIZE, SIZE), np.uint8)

    scale = (BOX - pen_width) / extent
    middle = low + (high - low) / 2
    starts, ends = _segments([(p - middle) * scale + CENTRE for p in points])
    # First with the bounding box in the middle, to learn where the centre of mass lies; then with that there.
    ink = _ink(starts, ends, pen_width)
    shift = CENTRE - centre_of_mass(ink)
    ink = _ink(starts + shift, ends + shift, pen_width)
    return np.rint(ink * 255).astype(np.uint8)


def clean_strokes(strokes: Iterable[ArrayLike]) -> list[Stroke]:
    """Check strokes and return those that hold points, as float64 (n, 2) arrays.

    Raises:
        StrokeError: a stroke is not an (n, 2) array of finite numbers.
    """
    cleaned: list[Stroke] = []
    try:
        listed = list(strokes)
    except TypeError:
        raise StrokeError("strokes must be a sequence of (n, 2) arrays of x and y") from None
    for number, stroke in enumerate(listed, start=1):
        try:
            points = np.asarray(stroke, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise StrokeError(f"stroke {number} is not an (n, 2) array of numbers") from None
        if points.size == 0:
            continue
        if points.ndim != 2 or points.shape[1] != 2:
            raise StrokeError(f"stroke {number} has shape {points.shape}: give (n, 2), a row of x and y for each point")
        # The bound keeps differences and squares finite; no device has a canvas of 1e100 pixels.
        if not (np.abs(points) <= 1e100).all():
            raise StrokeError(f"stroke {number} holds NaN, infinite or absurdly large numbers: leave those points out")
        cleaned.append(points)
    return cleaned


def centre_of_mass(ink: NDArray[np.float32]) -> NDArray[np.float64]:
    """The centre of mass (x, y) of an ink map (height, width), in pixels from its upper left corner."""
    total = float(ink.sum())
    x = float(ink.sum(axis=0) @ (np.arange(ink.shape[1]) + 0.5)) / total
    y = float(ink.sum(axis=1) @ (np.arange(ink.shape[0]) + 0.5)) / total
    return np.array([x, y], np.float64)


def _segments(strokes: Sequence[Stroke]) -> tuple[Stroke, Stroke]:
    """Starts and ends of all line segments, each (n, 2); a stroke of one point is a segment of no length."""
    starts, ends = [], []
    for points in strokes:
        points = _thin_out(points)
        starts.append(points[:-1] if len(points) > 1 else points)
        ends.append(points[1:] if len(points) > 1 else points)
    return np.concatenate(starts), np.concatenate(ends)


def _thin_out(points: Stroke) -> Stroke:
    """Keep the first point in each stretch of _STEP pixels along a stroke, and the last point of all."""
    if len(points) < 3:
        return points
    lengths = np.hypot(*np.diff(points, axis=0).T)
    stretch = np.concatenate([[-1], np.floor(np.cumsum(lengths) / _STEP)])
    keep: NDArray[np.bool_] = np.concatenate([[True], stretch[1:] > stretch[:-1]])
    keep[-1] = True
    return points[keep]


def _ink(starts: Stroke, ends: Stroke, pen_width: float) -> NDArray[np.float32]:
    """How much of each pixel a round pen covers that walks along the segments: float32 (28, 28) in [0, 1].

    A pixel is covered by as much as the pen's edge has passed its centre. For an edge along the grid that is
    exactly the covered area, and nowhere far from it, so no super-sampling is needed, and order and direction
    of the strokes cannot matter.
    """
    squared = np.full((SIZE, SIZE), np.inf, np.float32)
    for first in range(0, len(starts), _CHUNK):
        start = starts[first : first + _CHUNK].astype(np.float32)
        along = ends[first : first + _CHUNK].astype(np.float32) - start
        length2 = np.maximum((along**2).sum(axis=1), 1e-12)
        x = _PIXEL_CENTRES - start[:, :1]  # (n, 28)
        y = _PIXEL_CENTRES - start[:, 1:]
        dx, dy = along[:, 0, None], along[:, 1, None]
        # Where along each segment (0 to 1) it comes nearest to each pixel: (n, 28 rows, 28 columns).
        nearest = (y * (dy / length2[:, None]))[:, :, None] + (x * (dx / length2[:, None]))[:, None, :]
        np.clip(nearest, 0, 1, out=nearest)
        away_x = x[:, None, :] - nearest * dx[:, :, None]
        away_y = y[:, :, None] - nearest * dy[:, :, None]
        np.minimum(squared, (away_x**2 + away_y**2).min(axis=0), out=squared)
    covered: NDArray[np.float32] = np.clip(pen_width / 2 + 0.5 - np.sqrt(squared), 0, 1)
    return covered
