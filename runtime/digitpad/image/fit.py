"""An ink map of any size to the 28x28 image a model sees, with MNIST's pen width.

A thin pen on a large canvas turns pale and hair-thin when it is merely shrunk, and a marker closes its own loops. So
the drawing is first brought to a working size, where its pen is measured and its outline moved out or in until the pen
is as wide as that of `render_strokes`; only then is it sampled, the way strokes are.
"""

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray

from digitpad.image.filters import Map, Mask, percentiles
from digitpad.mnist_form import BOX, CENTRE, PEN_WIDTH, SIZE, centre_of_mass

_FRAME = 128  # pixels along the longer side of the ink while the pen is measured and changed
_MARGIN = 24  # pixels around it: more than the widened pen reaches
_WIDE = 3.5  # pixels of the result: a pen wider than this fills loops
_WIDEST = 4.0  # pixels: the widest that such a pen may stay


def fit_ink(ink: Map) -> NDArray[np.uint8]:
    """Bring a drawing to MNIST's form: pen width, size, place.

    Args:
        ink: float32 (H, W) in [0, 1], 0.5 along the outline of the ink, which may lie anywhere in it.

    Returns:
        uint8 (28, 28), 0 = paper, 255 = ink; all zero where there is no ink.
    """
    shape = _to_frame(ink)
    if shape is None:
        return np.zeros((SIZE, SIZE), np.uint8)
    rows, columns = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
    extent = float(max(np.ptp(rows), np.ptp(columns)) + 1)
    inside, skeleton = np.zeros(shape.shape, np.float32), np.zeros_like(shape)
    box = np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    inside[box] = distances(~shape[box], round(extent / 2))
    skeleton[box] = thin(shape[box])
    # Half a pixel, as the edge lies between the centres of the pixels on both sides of it.
    depths = (inside[skeleton] if skeleton.any() else inside[shape]) - 0.5
    thinner, half, thicker = percentiles(depths, [25, 50, 75])
    pen = 2 * float(half)
    # A dot, or a filled shape, whose middle line lies deep in some places and not in others: no pen to change.
    if extent < 2 * pen or (extent < 8 * pen and thicker - thinner > 0.8 * half):
        scale = BOX / extent
        field = scale * (inside - distances(shape, _MARGIN))
    else:
        # If the pen is so wide that it fills loops and bays, half the excess stays: the outline tells the digit.
        width = float(np.clip(PEN_WIDTH + (BOX * pen / extent - _WIDE) / 2, PEN_WIDTH, _WIDEST))
        scale = (BOX - width) / (extent - pen)
        outline = scale * (inside - distances(shape, _MARGIN) + np.where(shape, -0.5, 0.5).astype(np.float32))
        moved = outline + (width - scale * pen) / 2
        if extent > 3 * pen and inside.max() < 1.3 * pen:
            # The pen's middle ran half its width from the outline: what lies much deeper is a loop that it filled.
            # (Deeper still, it is not a loop but a shape filled on purpose.)
            moved = np.minimum(moved, width / 2 + scale * pen / 2 - outline)
            skeleton &= outline < scale * pen / 2 + 0.5
        if extent < 5 * pen:  # the middle line of a wide pen runs on into every corner
            skeleton &= inside > half / 2
        # Where the pen was pressed less, moving the outline in would break the stroke: its middle line stays.
        spine = PEN_WIDTH / 2 - scale * distances(skeleton, _MARGIN)
        field = np.maximum(moved, spine)

    middle = np.array([columns[0] + columns[-1] + 1, rows[0] + rows[-1] + 1]) / 2
    covered = _sample(field, middle, scale)
    # First with the box in the middle, to find the centre of mass; then with that in its place.
    covered = _sample(field, middle + (centre_of_mass(covered) - CENTRE) / scale, scale)
    return np.rint(covered * 255).astype(np.uint8)


def thin(shape: Mask) -> Mask:
    """The middle line of a shape, one pixel wide and connected as the shape is.

    T. Y. Zhang, C. Y. Suen: A fast parallel algorithm for thinning digital patterns. Communications of the
    ACM 27(3), 1984, pages 236-239.
    """
    image = np.pad(shape, 1).astype(np.uint16)
    inner = image[1:-1, 1:-1]
    before = math.inf
    while (left := inner.sum()) < before:
        before = left
        for removable in _REMOVABLE:
            # Nine bits for each pixel, those of itself and of its neighbours: first three across, then three down.
            across = image[:, :-2] | image[:, 1:-1] << 1 | image[:, 2:] << 2
            inner -= removable[across[:-2] | across[1:-1] << 3 | across[2:] << 6]
    return inner.astype(bool)


def distances(shape: Mask, limit: int) -> Map:
    """The distance of each pixel from the nearest pixel of the shape, in pixels, exact up to `limit`."""
    # Along columns first, then the least over rows: the squared distance is separable (A. Meijster et al., A
    # general algorithm for computing distance transforms in linear time, ISMM 2000). Within a limit, whole rows
    # at once are faster here than its scan.
    squared = np.where(shape, 0, limit * limit).astype(np.int16)
    for _ in range(2):
        result, reached = squared.copy(), np.empty_like(squared)
        for step in range(1, limit + 1):
            np.add(squared, np.int16(step * step), out=reached)
            np.minimum(result[step:], reached[:-step], out=result[step:])
            np.minimum(result[:-step], reached[step:], out=result[:-step])
            if step * step >= result.max():
                break  # from further away nothing can be nearer
        squared = result.T
    return cast(Map, np.sqrt(squared))


def _to_frame(ink: Map) -> Mask | None:
    """The ink's shape with its longer side at the working size, with a margin; None where there is no ink."""
    from PIL import Image

    box = Image.fromarray(ink >= 0.5).getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    scale = _FRAME / max(right - left, bottom - top)
    margin = int(_MARGIN / scale) + 2
    part = Image.fromarray(ink).crop((left - margin, top - margin, right + margin, bottom + margin))
    size = max(round(part.width * scale), 1), max(round(part.height * scale), 1)
    shape = np.asarray(part.resize(size, Image.Resampling.BICUBIC)) >= 0.5
    beyond = max(int(margin * scale) - _MARGIN, 0)  # much if the picture has few pixels, as each is so large
    shape = shape[beyond : shape.shape[0] - beyond, beyond : shape.shape[1] - beyond]
    return shape if shape.any() else None


def _sample(field: Map, centre: NDArray[np.float64], scale: float) -> Map:
    """How much of each pixel of the result is covered, float32 (28, 28) in [0, 1].

    `centre` is the point (x, y) of the field that is placed at MNIST's centre of mass. As with strokes, a pixel's
    coverage is how far the ink's edge has passed its centre.
    """
    offsets = (np.arange(SIZE) + 0.5 - CENTRE) / scale - 0.5
    columns, right = _weights(centre[0] + offsets, field.shape[1])
    rows, down = _weights(centre[1] + offsets, field.shape[0])
    upper, lower = field[rows], field[rows + 1]
    mixed = upper + (lower - upper) * down[:, None]
    near = mixed[:, columns] + (mixed[:, columns + 1] - mixed[:, columns]) * right
    return cast(Map, np.clip(near + 0.5, 0, 1))


def _weights(places: NDArray[np.float64], size: int) -> tuple[NDArray[np.intp], Map]:
    """For linear interpolation: the pixel before each place, and how far the place is on the way to the next."""
    places = np.clip(places, 0, size - 1.001)
    whole = places.astype(np.intp)
    return whole, (places - whole).astype(np.float32)


def _removable() -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Which neighbourhoods of an ink pixel let it go in the first and the second half-step: 1 or 0 for each of 512."""
    row_by_row = [np.arange(512) >> i & 1 for i in range(9)]
    # P2 to P9 of Zhang and Suen: clockwise from above.
    around = [row_by_row[place] for place in (1, 2, 5, 8, 7, 6, 3, 0)]
    n, e, s, w = around[::2]
    count = sum(around)
    rises = sum((1 - around[i]) * around[(i + 1) % 8] for i in range(8))
    thick = (row_by_row[4] == 1) & (count >= 2) & (count <= 6) & (rises == 1)
    first = thick & (n * e * s == 0) & (e * s * w == 0)
    second = thick & (n * e * w == 0) & (n * s * w == 0)
    return first.astype(np.uint16), second.astype(np.uint16)


_REMOVABLE = _removable()
