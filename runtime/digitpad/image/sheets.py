"""Finds the sheet that is written on if it does not fill the picture: paper on a table, a canvas, a badge."""

import numpy as np

from digitpad.image.filters import Mask, Window
from digitpad.image.marks import Marks


def inside_sheet(marks: Marks) -> Window | None:
    """The inside of a mark that is a sheet: filled but for what is written on it, and with corners or a disc."""
    height, width = marks.shape
    if not marks.count:
        return None
    main = int(marks.area.argmax())
    left, top, right, bottom = marks.box(main)
    across, down = right - left, bottom - top
    if min(across, down) < 16 or across < 0.4 * width or down < 0.4 * height:
        return None
    sheet = marks.mask_of(main)[top:bottom, left:right]
    # All but the holes: what a line from one of the four sides reaches before the mark.
    solid = np.ones_like(sheet)
    for turn in range(4):
        view = np.rot90(sheet, turn)
        np.rot90(solid, turn)[:] &= np.logical_or.accumulate(view, axis=0)
    if solid.mean() >= 0.82 and 0.6 <= sheet.mean() <= 0.995:
        inset = 0.06
        inner = sheet[int(inset * down) : int((1 - inset) * down), int(inset * across) : int((1 - inset) * across)]
        if inner.mean() <= 0.995:
            return left + inset * across, top + inset * down, right - inset * across, bottom - inset * down
    elif abs(across - down) < 0.05 * down and (solid == _disc(solid.shape)).mean() > 0.98:
        written = _written_on_disc(solid & ~marks.mask(np.ones(marks.count, bool))[top:bottom, left:right])
        if written is not None:
            return left + written[0], top + written[1], left + written[2], top + written[3]
    return None


def _disc(shape: tuple[int, ...], share: float = 1.0) -> Mask:
    """The disc within a box, or one of a share of its size."""
    y, x = (np.indices(shape, dtype=np.float32) + 0.5) / np.array(shape, np.float32)[:, None, None] - 0.5
    return np.asarray(x**2 + y**2 <= (share / 2) ** 2)


def _written_on_disc(light: Mask) -> Window | None:
    """Where something is written on a disc, with some of the disc around it.

    None if it reaches the rim, or is one patch rather than lines: the hole of a round, fat zero.
    """
    marks = Marks(light)
    if not marks.count:
        return None
    large = marks.area > 0.05 * marks.area.max()
    top, bottom = int(marks.top[large].min()), int(marks.bottom[large].max())
    left, right = int(marks.left[large].min()), int(marks.right[large].max())
    # A bar as narrow as a one is a one, though a zero whose pen nearly fills it has such a hole too.
    if marks.area[large].sum() > 0.7 * (bottom - top) * (right - left) and right - left > 0.2 * (bottom - top):
        return None
    # The corners of the box must be on the disc: what lies beside it does not count.
    if not _disc(light.shape, 0.98)[np.ix_([top, bottom - 1], [left, right - 1])].all():
        return None
    margin = max(light.shape[0] // 20, 2)
    return left - margin, top - margin, right + margin, bottom + margin
