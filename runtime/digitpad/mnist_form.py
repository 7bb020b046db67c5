"""Strokes to the 28x28 image a model sees.

MNIST's digits were fitted into 20x20 pixels with their aspect ratio kept, anti-aliased, and placed with
their centre of mass in the middle of 28x28 (LeCun et al., http://yann.lecun.com/exdb/mnist). A drawing is
brought into the same form while it is still made of points: the points are scaled, then inked with a pen as
wide as MNIST's. How large, how densely and with which brush somebody drew changes nothing.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitpad.errors import StrokeError
from digitpad.log import Tell, log_step

SIZE = 28  # pixels along a side of the model's image
BOX = 20  # pixels along the longer side of the ink in it
PEN_WIDTH = 2.5  # pixels: with it the pen digits hold as much ink, on average, as MNIST's

CENTRE = SIZE / 2 + 0.5  # where MNIST's centre of mass lies (measured; in whole pixels, pixel 14 of 0 to 27)
_STEP = 0.1  # pixels: points closer together than this along a stroke add nothing to the picture
_FAR = (4.0, 6.0)  # pixels: length of a piece, from left straight to fully bent; the pen digits' are shorter
_CORNER = (85.0, 105.0)  # degrees of turn between two pieces, from a bend to a corner
_PIECES = 8  # straight pieces that make up a bend
_TAP = 0.04  # of the drawing's extent: a stroke that is smaller is a dot
_CHUNK = 512  # segments whose distances are held in memory at once
_PIXEL_CENTRES = np.arange(SIZE, dtype=np.float32) + 0.5

Points = NDArray[np.float64]  # (n, 2): x right, y down


def render_strokes(
    strokes: Iterable[ArrayLike], pen_width: float = PEN_WIDTH, tell: Tell = log_step
) -> NDArray[np.uint8]:
    """Draw strokes in ink, the way MNIST's digits were made.

    Args:
        strokes: (n, 2) arrays of x (right) and y (down), in any unit and with any offset.
        pen_width: width of the pen in pixels of the result.
        tell: receives each step, in words and with the strokes; by default they are logged at debug level.

    Returns:
        uint8 (28, 28), 0 = paper, 255 = ink; all zero where there is no ink or it has no extent.

    Raises:
        StrokeError: a stroke is not an (n, 2) array of finite numbers.
    """
    drawn = clean_strokes(strokes)
    tell("read: strokes: %d, points: %d", len(drawn), sum(map(len, drawn)), strokes=drawn)
    points = _without_taps(drawn)
    if len(points) < len(drawn):
        tell("taps beside the drawing left out: %d", len(drawn) - len(points), strokes=points, before=drawn)
    if not points:
        return np.zeros((SIZE, SIZE), np.uint8)
    low, high = _box(points)
    extent = float((high - low).max())
    if not extent > 1e-300:  # anything smaller cannot be scaled up in float64
        return np.zeros((SIZE, SIZE), np.uint8)

    middle = low + (high - low) / 2
    points = [_smooth(_thin_out((p - middle) * ((BOX - pen_width) / extent))) for p in points]
    low, high = _box(points)  # curves reach a little beyond their points
    scale, middle = (BOX - pen_width) / float((high - low).max()), low + (high - low) / 2
    points = [(p - middle) * scale + CENTRE for p in points]
    # A stroke of one point is a segment of no length.
    starts = np.concatenate([p[: max(len(p) - 1, 1)] for p in points])
    ends = np.concatenate([p[min(len(p) - 1, 1) :] for p in points])
    # First with the bounding box in the middle, to find the centre of mass; then with that in its place.
    ink = _ink(starts, ends, pen_width)
    shift = CENTRE - centre_of_mass(ink)
    ink = _ink(starts + shift, ends + shift, pen_width)
    return np.rint(ink * 255).astype(np.uint8)


def clean_strokes(strokes: Iterable[ArrayLike]) -> list[Points]:
    """Check strokes and return those with points in them, as float64 (n, 2) arrays.

    Raises:
        StrokeError: a stroke is not an (n, 2) array of finite numbers.
    """
    cleaned: list[Points] = []
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


def _box(strokes: Sequence[Points]) -> tuple[Points, Points]:
    """The least and the greatest x and y of all points, (2,) each."""
    return np.min([p.min(axis=0) for p in strokes], axis=0), np.max([p.max(axis=0) for p in strokes], axis=0)


def _without_taps(strokes: list[Points]) -> list[Points]:
    """Strokes without a dot or two beside the drawing, where a hand touched: they would make it smaller.

    Dots above and below may belong to it, as in an i, which must be told from a 1.
    """
    boxes = [_box([p]) for p in strokes]
    extents = [float((high - low).max()) for low, high in boxes]
    least = _TAP * max(extents, default=0)
    drawn = [number for number, extent in enumerate(extents) if extent > least]
    if not drawn or not 1 <= len(strokes) - len(drawn) <= 2:
        return strokes
    low, high = _box([strokes[i] for i in drawn])
    size = float((high - low).max())
    kept = []
    for number, points in enumerate(strokes):
        across, down = np.maximum(low - boxes[number][1], boxes[number][0] - high)
        if number in drawn or not ((across > 0.2 * size and down < 0.05 * size) or max(across, down) > size):
            kept.append(points)
    return kept


def _smooth(points: Points) -> Points:
    """Bend a stroke, in pixels of the result, where its points lie far apart; corners stay corners.

    Centripetal Catmull-Rom curves: C. Yuksel, S. Schaefer, J. Keyser, Parameterization and applications of
    Catmull-Rom curves, Computer-Aided Design 43(7), 2011, pages 747-755.
    """
    chord = np.diff(points, axis=0)
    length = np.hypot(*chord.T)
    moved = length > 0
    chord, length = chord[moved], length[moved]
    if len(length) < 2 or length.max() <= _FAR[0]:
        return points
    points = points[np.concatenate([[True], moved])]
    pace = np.sqrt(length)[:, None]
    straight = chord / pace
    before, after = straight[:-1], straight[1:]
    tangent = (before * pace[1:] + after * pace[:-1]) / (pace[:-1] + pace[1:])
    turn = np.degrees(
        np.abs(np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(1)))
    )
    # Where a long piece meets short ones, the hand moved straight: short ones would show a curve.
    even = np.minimum(length[:-1], length[1:]) / np.maximum(length[:-1], length[1:])
    bends = (_ramp(turn, _CORNER[::-1]) * _ramp(even, (0.2, 0.5)))[:, None]
    far = _ramp(length, _FAR)[:, None]
    leaving, arriving = straight.copy(), straight.copy()
    leaving[1:] += bends * far[1:] * (tangent - after)
    arriving[:-1] += bends * far[:-1] * (tangent - before)
    leaving[0] += (straight[0] - arriving[0]) / 2
    arriving[-1] += (straight[-1] - leaving[-1]) / 2
    u = (np.arange(_PIECES) / _PIECES)[None, :, None]
    curve = hermite(u, points[:-1, None], (leaving * pace)[:, None], points[1:, None], (arriving * pace)[:, None])
    return np.concatenate([curve.reshape(-1, 2), points[-1:]])


def hermite(u: Points, start: Points, leaving: Points, end: Points, arriving: Points) -> Points:
    """Points at `u`, 0 to 1, on cubic curves from `start` to `end` with these tangents; shapes broadcast."""
    return np.asarray(
        (2 * u**3 - 3 * u**2 + 1) * start
        + (u**3 - 2 * u**2 + u) * leaving
        + (3 * u**2 - 2 * u**3) * end
        + (u**3 - u**2) * arriving
    )


def _ramp(values: Points, limits: tuple[float, float]) -> Points:
    """0 at the first limit and beyond, 1 at the second and beyond."""
    return np.clip((values - limits[0]) / (limits[1] - limits[0]), 0, 1)


def _thin_out(points: Points) -> Points:
    """Keep the first point in each stretch of _STEP pixels along a stroke, and the very last point."""
    if len(points) < 3:
        return points
    lengths = np.hypot(*np.diff(points, axis=0).T)
    stretch = np.concatenate([[-1], np.floor(np.cumsum(lengths) / _STEP)])
    keep: NDArray[np.bool_] = np.concatenate([[True], stretch[1:] > stretch[:-1]])
    keep[-1] = True
    return points[keep]


def _ink(starts: Points, ends: Points, pen_width: float) -> NDArray[np.float32]:
    """How much of each pixel a round pen covers as it follows the segments: float32 (28, 28) in [0, 1].

    A pixel's coverage is how far the pen's edge has passed its centre. For an edge along the grid that is
    exactly the covered area, and elsewhere close to it, so no super-sampling is needed, and the order and direction
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
        # Its squared distance from there, worked out in place: allocating memory takes longer than the arithmetic.
        away = nearest * dx[:, :, None]
        np.subtract(x[:, None, :], away, out=away)
        away *= away
        nearest *= dy[:, :, None]
        np.subtract(y[:, :, None], nearest, out=nearest)
        nearest *= nearest
        away += nearest
        np.minimum(squared, away.min(axis=0), out=squared)
    covered: NDArray[np.float32] = np.clip(pen_width / 2 + 0.5 - np.sqrt(squared), 0, 1)
    return covered
