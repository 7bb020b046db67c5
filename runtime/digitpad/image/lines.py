"""Lines in a picture's ink, at first sight: across the whole of it, or drawn under a digit."""

from typing import cast

import numpy as np

from digitpad.image.filters import Map, Mask, largest
from digitpad.image.marks import Marks

_THIN = 0.1  # of its length: what is wider is no line
_EDGE = 0.01  # of the same: what is thinner, and all there is, is the edge of something, and no digit


def lines_across(marks: Marks) -> Mask:
    """Which marks are nothing but a line from one side of the picture to the other, as paper has them."""
    height, width = marks.shape
    level = (marks.across == width) & (marks.down < _THIN * width)
    return cast(Mask, level | ((marks.down == height) & (marks.across < _THIN * height)))


def only_an_edge(marks: Marks) -> bool:
    """Whether the only mark is as thin a line across the picture as the edge of a shadow or of a sheet leaves."""
    thin = np.minimum(marks.across, marks.down) < _EDGE * marks.extent
    return marks.count == 1 and bool((lines_across(marks) & thin).all())


def without_underline(ink: Map, marks: Marks) -> Map:
    """An ink map at first sight, as one digit: without that of its marks which is a line drawn under it."""
    if marks.count < 2:
        return ink
    main = int(marks.down.argmax())
    under = (marks.down < 0.15 * marks.across) & (marks.top > marks.bottom[main] + 0.05 * marks.down[main])
    under &= (marks.left < marks.right[main]) & (marks.right > marks.left[main])
    under &= (marks.across > 0.6 * marks.across[main]) & (marks.across > 0.3 * marks.down[main])
    return without(ink, marks.mask(under)) if under.any() else ink


def without(ink: Map, others: Mask) -> Map:
    """Ink without some of its pixels, and without their soft edges."""
    kept = (ink >= 0.5) & ~others
    return cast(Map, np.where(largest(others, 2) & ~largest(kept, 1), np.float32(0), ink))
