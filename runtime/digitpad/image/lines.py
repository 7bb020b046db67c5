"""Takes out of a picture's ink, at first sight, the line that a digit stands on, or that is drawn under it."""

from typing import cast

import numpy as np

from digitpad.image.filters import Map, Mask, largest
from digitpad.image.marks import Marks

_NEAR = 2  # pixels: so far from where it is in most places a line may be
_LEAST = 0.12  # of the picture's longer side: what is left of the ink without a line is so large
_STRIPS = 24  # upright strips of the picture in which lines are looked for
_ACROSS = 0.7  # of the strips: a line is in so many


def without_lines(ink: Map) -> Map:
    """An ink map at first sight, as one digit: without a line that it stands on, or that is drawn under it."""
    lines = _level_lines(ink >= 0.3) | _level_lines(ink.T >= 0.3).T
    rest = without(ink, lines) if lines.any() else ink
    marks = Marks(rest >= 0.5)
    if lines.any():
        main = int(marks.extent.argmax()) if marks.count else -1
        # Otherwise it is the digit's, such as the top of a seven that is cut out closely.
        if main < 0 or not marks.free[main] or marks.extent[main] < _LEAST * max(ink.shape):
            rest, marks = ink, Marks(ink >= 0.5)
    if marks.count < 2:
        return rest
    main = int(marks.down.argmax())
    under = (marks.down < 0.15 * marks.across) & (marks.top > marks.bottom[main] + 0.05 * marks.down[main])
    under &= (marks.left < marks.right[main]) & (marks.right > marks.left[main])
    under &= (marks.across > 0.6 * marks.across[main]) & (marks.across > 0.3 * marks.down[main])
    return without(rest, marks.mask(under)) if under.any() else rest


def without(ink: Map, others: Mask) -> Map:
    """Ink without some of its pixels, and without their soft edges."""
    kept = (ink >= 0.5) & ~others
    return cast(Map, np.where(largest(others, 2) & ~largest(kept, 1), np.float32(0), ink))


def _level_lines(mask: Mask) -> Mask:
    """Pixels of thin lines from side to side, level to within six degrees, as forms and paper have them."""
    height, width = mask.shape
    most = max(3, round(0.08 * min(height, width)))
    edge = 2 * width // _STRIPS + 1
    if height <= most or width < _STRIPS or not (mask[:, :edge].any() and mask[:, -edge:].any()):
        return np.zeros_like(mask)
    # What is part of no longer run from top to bottom.
    tall = mask
    for _ in range(most):
        tall = tall[:-1] & tall[1:]
    thin = mask.copy()
    for step in range(most + 1):
        thin[step : height - most + step] &= ~tall
    ends = np.linspace(0, width, _STRIPS + 1).astype(int)
    parts = np.pad(np.add.reduceat(thin, ends[:-1], axis=1) / np.diff(ends), 1)
    strips: Mask = parts[:-2, 1:-1] + parts[1:-1, 1:-1] + parts[2:, 1:-1] > 0.5
    rows, columns = np.arange(height)[:, None], np.arange(width)
    middles = (ends[:-1] + ends[1:]) / 2
    best, cover, slope = 0.0, np.zeros(height), 0.0
    most_off = round(0.05 * width) + 1
    for tilt in np.arange(-0.1, 0.101, max(1.5 / width, 0.01)):
        shifted = np.pad(strips, ((most_off, most_off), (0, 0)))[
            most_off + rows + np.rint(tilt * (middles - width / 2)).astype(int), np.arange(_STRIPS)
        ]
        at_slope = shifted.mean(axis=1) * shifted[:, :2].any(axis=1) * shifted[:, -2:].any(axis=1)
        if at_slope.max() > best:
            best, cover, slope = float(at_slope.max()), at_slope, float(tilt)
    at = largest(np.repeat(cover[:, None] >= _ACROSS, 3, axis=1), _NEAR)[:, 1]
    line = np.pad(at, most_off)[most_off + rows - np.rint(slope * (columns - width / 2)).astype(int)]
    return cast(Mask, thin & line)
