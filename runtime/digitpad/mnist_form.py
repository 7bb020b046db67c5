"""Strokes to the 28x28 image a model sees.

MNIST's digits were fitted into 20x20 pixels with their aspect ratio kept, anti-aliased, and placed with
their centre of mass in the middle of 28x28 (LeCun et al., http://yann.lecun.com/exdb/mnist). A drawing is
brought into the same form while it is still made of points: the points are scaled, then inked with a pen as
wide as MNIST's. How large, how densely and with which brush somebody drew changes nothing.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate
from typing import TypeVar

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
_CHUNK = 1024  # segments whose distances are held in memory at once
_DRAWINGS = 64  # drawings whose pictures are

Points = NDArray[np.float64]  # (n, 2): x right, y down
_LEAST = 1e-300  # an extent that is smaller cannot be scaled up in float64
_NOWHERE = np.zeros((1, 2))
# Within this file all strokes are one array of x + iy, which costs half as many steps and none per stroke. As complex
# numbers, lengths are absolute values, and multiplying with a direction turns.
Line = NDArray[np.complex128]  # (n,)
Breaks = NDArray[np.intp]  # where in it the second stroke begins, the third, ...
Lengths = NDArray[np.float64]  # (n,)
Places = TypeVar("Places", Points, Line)


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
    kept = without_taps(drawn)
    if len(kept) < len(drawn):
        tell("taps beside the drawing left out: %d", len(drawn) - len(kept), strokes=kept, before=drawn)
    images: NDArray[np.uint8] = render_drawings([kept], pen_width)[0]
    return images


def render_each(drawings: Sequence[Sequence[Points]]) -> NDArray[np.uint8]:
    """What `render_strokes` makes of several drawings, uint8 (N, 28, 28), sooner than one by one.

    The strokes must be as `clean_strokes` gives them.
    """
    return render_drawings([without_taps([*drawing]) for drawing in drawings])


def render_drawings(drawings: Sequence[Sequence[Points]], pen_width: float = PEN_WIDTH) -> NDArray[np.uint8]:
    """Draw several drawings in ink at once, each as `render_strokes` does, but for taps, which stay: uint8 (N, 28, 28).

    Of many that are small, each costs a part of what it would alone. The strokes must be as `clean_strokes` gives them.
    """
    if not drawings:
        return np.zeros((0, SIZE, SIZE), np.uint8)
    if len(drawings) > _DRAWINGS:
        some = [drawings[n : n + _DRAWINGS] for n in range(0, len(drawings), _DRAWINGS)]
        return np.concatenate([render_drawings(part, pen_width) for part in some])
    # What has no points gets one, whose picture is then blank, as it has no extent.
    drawings = [drawing or [_NOWHERE] for drawing in drawings]
    strokes = [stroke for drawing in drawings for stroke in drawing]
    x, y = np.concatenate(strokes).T
    line, breaks = x + 1j * y, np.array([*accumulate(map(len, strokes[:-1]))], np.intp)
    firsts = np.array([0, *accumulate(map(len, drawings[:-1]))])  # stroke of each drawing

    line, visible, _ = _fitted(line, breaks, firsts, pen_width)
    line, breaks = _smooth(*_thin_out(line, breaks))
    line, _, drawing = _fitted(line, breaks, firsts, pen_width)  # curves reach a little beyond their points
    line += complex(CENTRE, CENTRE)
    covered = _ink(line, *_chords(line, breaks), drawing, len(drawings), pen_width)
    covered *= 255
    if not visible.all():
        covered[~visible] = 0
    return np.rint(covered, out=covered).astype(np.uint8)


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
        if not np.abs(points).max() <= 1e100:
            raise StrokeError(f"stroke {number} holds NaN, infinite or absurdly large numbers: leave those points out")
        cleaned.append(points)
    return cleaned


def centre_of_mass(ink: NDArray[np.float32]) -> NDArray[np.float64]:
    """The centre of mass (x, y) of an ink map (..., height, width), in pixels from its upper left corner."""
    sums = (_sums(ink.shape[-2]) @ ink @ _sums(ink.shape[-1]).T).reshape(*ink.shape[:-2], 4)
    return np.asarray(sums[..., 1:3] / sums[..., :1])


@cache
def _sums(count: int) -> NDArray[np.float64]:
    """(2, count): what pixels in a row are multiplied with for their sum and for their first moment."""
    return np.stack([np.ones(count), np.arange(count) + 0.5])


def without_taps(strokes: list[Points]) -> list[Points]:
    """Strokes without a dot or two beside the drawing, where a hand touched: they would make it smaller.

    Dots above and below may belong to it, as in an i, which must be told from a 1.
    """
    if len(strokes) < 2:
        return strokes
    points, firsts = np.concatenate(strokes), [0, *accumulate(map(len, strokes[:-1]))]
    lows, highs = np.minimum.reduceat(points, firsts), np.maximum.reduceat(points, firsts)
    extents = (highs - lows).max(axis=1)
    drawn = extents > _TAP * extents.max()
    if not drawn.any() or not 1 <= np.count_nonzero(~drawn) <= 2:
        return strokes
    low, high = lows[drawn].min(axis=0), highs[drawn].max(axis=0)
    size = (high - low).max()
    across, down = np.maximum(low - highs, lows - high).T
    beside = ((across > 0.2 * size) & (down < 0.05 * size)) | (np.maximum(across, down) > size)
    return [stroke for stroke, stays in zip(strokes, drawn | ~beside, strict=True) if stays]


def _fitted(
    line: Line, breaks: Breaks, firsts: NDArray[np.intp], pen_width: float
) -> tuple[Line, NDArray[np.bool_], NDArray[np.intp]]:
    """Drawings with their bounding boxes around 0, the longer side as in MNIST.

    `firsts` is the number of each drawing's first stroke. Also, whether a drawing has an extent, and of each point,
    which drawing it belongs to; if there is but one, once for all points.
    """
    starts = firsts if len(firsts) == 1 else np.concatenate([firsts[:1], breaks])[firsts]
    points = line.view(np.float64).reshape(-1, 2)
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    sides = high - low
    extents = np.maximum(sides[:, 0], sides[:, 1])
    scales = (BOX - pen_width) / np.maximum(extents, _LEAST)
    drawing = np.arange(len(starts))
    if len(starts) > 1:
        drawing = np.repeat(drawing, np.diff(starts, append=len(line)))
    middles = (low + sides / 2).view(np.complex128)[:, 0]
    return (line - middles[drawing]) * scales[drawing], extents > _LEAST, drawing


def _chords(line: Line, breaks: Breaks) -> tuple[Line, Lengths]:
    """What leads from each point to the next of its stroke, and its length; from the last one it is nothing."""
    chords = np.zeros_like(line)
    np.subtract(line[1:], line[:-1], out=chords[:-1])
    chords[breaks - 1] = 0
    return chords, np.abs(chords)


def _thin_out(line: Line, breaks: Breaks) -> tuple[Line, Breaks]:
    """Keep both ends of each stroke, its second point, and the first in each further stretch of _STEP pixels."""
    way = np.cumsum(_chords(line, breaks)[1])  # to the next point
    keep: NDArray[np.bool_] = np.ones(len(line), np.bool_)
    if len(breaks):
        starts = np.concatenate([[0], breaks])
        way -= np.repeat(np.concatenate([[0], way[breaks - 1]]), np.diff(starts, append=len(line)))
    stretch = np.floor(way / _STEP)
    np.greater(stretch[1:-1], stretch[:-2], out=keep[2:])
    keep[-1] = True
    if len(breaks):
        keep[breaks - 1] = keep[breaks] = keep[np.minimum(breaks + 1, len(line) - 1)] = True
        breaks = np.cumsum(keep, dtype=np.intp)[breaks - 1]
    return line[keep], breaks


def _smooth(line: Line, breaks: Breaks) -> tuple[Line, Breaks]:
    """Bend strokes, in pixels of the result, where their points lie far apart; corners stay corners.

    Centripetal Catmull-Rom curves: C. Yuksel, S. Schaefer, J. Keyser, Parameterization and applications of
    Catmull-Rom curves, Computer-Aided Design 43(7), 2011, pages 747-755.
    """
    chord, length = _chords(line, breaks)
    if length.max() <= _FAR[0]:
        return line, breaks
    last: NDArray[np.bool_] = np.zeros(len(line), np.bool_)
    last[breaks - 1] = last[-1] = True
    moved = last | (length > 0)
    line, last, chord, length = line[moved], last[moved], chord[moved], length[moved]
    # From one stroke to the next there is a piece of no length; as a short one beside a long one it bends nothing.
    pace = np.sqrt(np.where(last, 1, length))
    straight = chord / pace
    before, after = straight[:-1], straight[1:]
    tangent = (before * pace[1:] + after * pace[:-1]) / (pace[:-1] + pace[1:])
    turn = np.abs(np.angle(after * before.conj(), deg=True))
    # Where a long piece meets short ones, the hand moved straight: short ones would show a curve.
    even = np.minimum(length[:-1], length[1:]) / np.maximum(np.maximum(length[:-1], length[1:]), 1e-9)
    bends = _ramp(turn, _CORNER[::-1]) * _ramp(even, (0.2, 0.5))
    far = _ramp(length, _FAR)
    leaving, arriving = straight.copy(), straight.copy()
    leaving[1:] += bends * far[1:] * (tangent - after)
    arriving[:-1] += bends * far[:-1] * (tangent - before)
    first, final = np.roll(last, 1), np.roll(last, -1)
    leaving[first] += (straight[first] - arriving[first]) / 2
    arriving[final] += (straight[final] - leaving[final]) / 2
    u = np.arange(_PIECES)[:, None] / _PIECES
    curve = hermite(u, line, leaving * pace, line + chord, arriving * pace).T
    inked = (length > _FAR[0])[:, None] | (u.T == 0)  # short pieces stay in one
    return curve[inked], np.cumsum(inked.sum(axis=1))[last][:-1]


def hermite(u: Points, start: Places, leaving: Places, end: Places, arriving: Places) -> Places:
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


def _ink(
    line: Line, chords: Line, lengths: Lengths, drawing: NDArray[np.intp], count: int, pen_width: float
) -> NDArray[np.float32]:
    """How much of each pixel a round pen covers as it follows the segments of `count` drawings: (count, 28, 28).

    A pixel's coverage, in [0, 1], is how far the pen's edge has passed its centre. For an edge along the grid that is
    exactly the covered area, and elsewhere close to it, so no super-sampling is needed, and the order and direction
    of the strokes cannot matter. Only the pixels around a segment are looked at, a square of them.
    """
    reach = pen_width / 2 + 0.5
    side = math.ceil(float(np.abs(chords.view(np.float64)).max()) + 2 * reach)
    margin = side + SIZE // 2  # around the picture, so that no square leaves the map
    width = SIZE + 2 * margin
    square, square_cells = _square(side, width)
    turns = np.divide(chords.conj(), lengths, out=np.ones_like(chords), where=lengths > 1e-9).astype(np.complex64)
    halves = (lengths / 2).astype(np.float32)
    squared = np.empty((count, width, width), np.float32)  # from each pixel's centre to the nearest segment
    maps = drawing * width**2

    def covered(middles: Line) -> NDArray[np.float32]:
        corners = np.floor(middles.view(np.float64) - (side - 1) / 2).view(np.complex128)
        cells = (corners * complex(1, -width)).real.astype(np.intp) + maps
        offsets = (corners - middles).astype(np.complex64)
        squared.fill(reach**2)
        for first in range(0, len(chords), _CHUNK):
            part = slice(first, first + _CHUNK)
            # The pixels' centres, (pixels, segments), seen from the middle of each segment, turned so that it lies
            # along x: what the pixel is beyond its end in x, and beside it in y, makes the distance.
            seen = square + offsets[part]
            seen *= turns[part]
            beyond = np.abs(seen.real)
            beyond -= halves[part]
            np.maximum(beyond, 0, out=beyond)
            beyond *= beyond
            beyond += seen.imag**2
            np.minimum.at(squared.reshape(-1), (square_cells + cells[part]).reshape(-1), beyond.reshape(-1))
        near = squared[:, margin:-margin, margin:-margin]
        return np.minimum(np.float32(reach) - np.sqrt(near), np.float32(1))

    # First with the bounding box in the middle, to find the centre of mass; then with that in its place.
    middles = line + chords / 2
    shifts = (CENTRE - centre_of_mass(covered(middles))).view(np.complex128)[:, 0]
    return covered(middles + shifts[drawing])


@cache
def _square(side: int, width: int) -> tuple[NDArray[np.complex64], NDArray[np.intp]]:
    """The centres of side x side pixels from their common corner, and their places in a map of this width: (n, 1)."""
    margin = (width - SIZE) // 2
    row, column = np.divmod(np.arange(side * side)[:, None], side)
    return (column + 1j * row + (0.5 + 0.5j)).astype(np.complex64), (row + margin) * width + column + margin
