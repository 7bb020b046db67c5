"""An ink map of any size to the 28x28 image a model sees, in the size and place of MNIST's digits.

The pen stays as wide as it is, as the models learn from every pen: only one so thin that it would turn pale is widened,
and one so wide that it fills loops made narrower.
"""

import math

import numpy as np
from numpy.typing import NDArray

from digitpad.image.filters import Map, largest
from digitpad.mnist_form import BOX, CENTRE, SIZE, centre_of_mass

_FRAME = 100  # pixels along the longer side of the ink while its pen is measured
_THIN, _WIDE = 1.2, 3.5  # pixels of the result: a thinner pen is widened, and a wider one made narrower


def fit_ink(ink: Map) -> NDArray[np.uint8]:
    """Bring a drawing to MNIST's form: size and place.

    Args:
        ink: float32 (H, W) in [0, 1], 0.5 along the outline of the ink, which may lie anywhere in it.

    Returns:
        uint8 (28, 28), 0 = paper, 255 = ink; all zero where there is none but hairlines.
    """
    from PIL import Image

    box = Image.fromarray(ink >= 0.5).getbbox()
    if box is None:
        return np.zeros((SIZE, SIZE), np.uint8)
    left, top, right, bottom = box
    scale = _FRAME / max(right - left, bottom - top)
    margin = math.ceil(2 / min(scale, 1))  # as far as resizing looks
    part = Image.fromarray(ink).crop((left - margin, top - margin, right + margin, bottom + margin))
    size = max(round(part.width * scale), 1), max(round(part.height * scale), 1)
    shape = np.asarray(part.resize(size, Image.Resampling.BICUBIC)) >= 0.5
    # A pen's width is twice its area by its outline, whose steps are longer than it by a quarter.
    steps = np.count_nonzero(shape[1:] != shape[:-1]) + np.count_nonzero(shape[:, 1:] != shape[:, :-1])
    pen = 2 * np.count_nonzero(shape) / max(steps * math.pi / 4, 1)
    wider = round((min(max(pen, _THIN * _FRAME / BOX), _WIDE * _FRAME / BOX) - pen) / 2)
    shape = np.pad(shape, _FRAME)
    if wider:
        shape = largest(shape, wider) if wider > 0 else ~largest(~shape, -wider)
    inked = shape.astype(np.float32)
    if not inked.any():
        return np.zeros((SIZE, SIZE), np.uint8)
    unit = (_FRAME + 2 * wider) / BOX
    x, y = centre_of_mass(inked) - CENTRE * unit
    window = x, y, x + SIZE * unit, y + SIZE * unit
    fitted = Image.fromarray(inked).resize((SIZE, SIZE), Image.Resampling.BOX, window)
    grey: NDArray[np.uint8] = np.rint(255 * np.clip(np.asarray(fitted), 0, 1)).astype(np.uint8)
    return grey
