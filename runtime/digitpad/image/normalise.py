"""A picture of a digit, however it was made, to the 28x28 image a model sees: the whole way, step by step."""

import numpy as np
from numpy.typing import NDArray

from digitpad.image.filters import Map, Pixels, as_float, median
from digitpad.image.fit import fit_ink
from digitpad.image.grey import mix_to_grey
from digitpad.image.ink import find_ink
from digitpad.image.lines import lines_across, only_an_edge, without_underline
from digitpad.image.marks import Marks
from digitpad.image.reading import ImageLike, read_image
from digitpad.image.rows import cuttings, inside_filled, solid
from digitpad.log import Tell, log_step
from digitpad.mnist_form import BOX, CENTRE, SIZE, centre_of_mass
from digitpad.reader import Readings


def normalise_image(image: ImageLike, tell: Tell = log_step) -> NDArray[np.uint8]:
    """Bring an image of any size and either polarity to the form the models are trained on.

    Args:
        image: a PIL image, a path, the bytes of an image file, or an array (H, W) or (H, W, 3 or 4) of uint8, uint16,
            bool or float in [0, 1]. What can be read, and how large, is set in limits.py.
        tell: receives each step, in words and as a picture; by default they are logged at debug level.

    Returns:
        uint8 (28, 28), 0 = paper, 255 = ink; all zero when blank.

    Raises:
        ImageError: it cannot be read as an image; the text names the file and what to do.
    """
    found: NDArray[np.uint8] = image_readings(image, tell).found[0]
    return found


def image_readings(image: ImageLike, tell: Tell = log_step) -> Readings:
    """What an image may be in the model's form, as one digit, and how it may be cut into rows.

    An image of just that size may have been made for a model, and not be in MNIST's exact form because it is faint,
    blurred, or has remains of something beside it: then what it is as it stands is found second.

    Raises:
        ImageError: as `normalise_image`.
    """
    colour, alpha, scale = read_image(image)
    tell("read: %d x %d pixels", colour.shape[1], colour.shape[0], seen=colour, alpha=alpha)
    already = in_mnist_form(colour, alpha)
    if already is not None:
        tell("already in MNIST's form: left as it is", seen=colour)
        return Readings(already[None], units=(scale, (0.0, 0.0)))
    grey = mix_to_grey(colour, alpha)
    tell("mixed to grey", seen=grey)
    found, (unit, (x, y)) = find_ink(grey, tell)
    marks = Marks(found.ink >= 0.5)
    rest = np.zeros_like(found.ink) if only_an_edge(marks) else without_underline(found.ink, marks)
    if rest is not found.ink:
        tell("a line taken out", ink=rest, before=found.ink)
    readings = [fit_ink(rest)]
    if grey.shape == (SIZE, SIZE):
        as_it_is = np.rint(255 * grey).astype(np.uint8)
        readings.append(255 - as_it_is if median(grey) > 0.5 else as_it_is)
    inside, alone = inside_filled(found, marks), solid(found, marks)
    if alone:
        tell("a filled shape: the row reader is not asked", ink=found.ink)
    crossed = bool(lines_across(marks).any())
    units = unit * scale, (x * scale, y * scale)
    return Readings(np.stack(readings), [*cuttings(found, marks), *inside], units, bool(inside), crossed, alone)


def in_mnist_form(colour: Pixels, alpha: Map | None) -> NDArray[np.uint8] | None:
    """The bytes of an image that has MNIST's form, or is the exact negative of one that has; otherwise None.

    Measured on MNIST's training images: the longer side of the ink is 20 pixels, its centre of mass is within half a
    pixel of where it must be, the darkest pixel is at least 254, and 2 area / length of outline, the width of the pen,
    is above 1.1. `render_strokes` places ink between pixels, which adds up to two pixels to its length.
    """
    if colour.shape[:2] != (SIZE, SIZE) or alpha is not None or np.ptp(colour, axis=2).any():
        return None
    grey = np.rint(as_float(colour[:, :, 0]) * 255)
    if median(grey) > 127:
        grey = 255 - grey
    rows, columns = np.flatnonzero(grey.any(axis=1)), np.flatnonzero(grey.any(axis=0))
    if grey.max() < 250 or max(np.ptp(rows), np.ptp(columns)) + 1 not in range(BOX - 1, BOX + 3):
        return None
    if np.abs(centre_of_mass(grey.astype(np.float32)) - CENTRE).max() > 0.55:
        return None
    slopes = np.hypot(np.diff(grey, axis=0, append=0), np.diff(grey, axis=1, append=0))
    return grey.astype(np.uint8) if 2 * grey.sum() > 1.1 * slopes.sum() else None
