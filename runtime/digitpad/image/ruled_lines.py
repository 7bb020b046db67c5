"""Ruled lines, level or upright, taken out of a picture's differences from paper."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from digitpad.image.filters import Map, largest, median, percentiles
from digitpad.image.marks import Marks
from digitpad.log import Tell

_STRIPS = 24  # upright strips of the picture in which ruled lines are looked for
_PALE = 0.15  # of full contrast: as dark as a ruled line surely is, on average over a strip
_FAINT = 0.025  # of full contrast: lines that differ less from their paper are not seen


def without_rules(ink: Map, tell: Tell) -> Map:
    """Differences from paper without those of ruled lines, level or upright."""
    if min(ink.shape) < 64:
        return ink
    level = _without_level_rules(ink)
    turned = level.T
    upright = _without_level_rules(turned)
    rest = np.ascontiguousarray(upright.T)
    if level is not ink or upright is not turned:
        tell("ruled lines taken out", ink=rest, before=ink)
    return rest


def _without_level_rules(ink: Map) -> Map:
    """Differences from paper without those of lines from left to right, level to within five degrees or so."""
    height, width = ink.shape
    strips = np.stack([part.mean(axis=1) for part in np.array_split(ink, _STRIPS, axis=1)])
    place = np.linspace(-0.5, 0.5, _STRIPS) * width
    slopes = np.arange(-0.1, 0.101, 1.5 / width)
    rows = np.arange(height)
    shifts = np.rint(slopes[:, None] * place).astype(int)  # (slopes, strips)
    most = int(np.abs(shifts).max())

    def sheared(strips: Map) -> Map:
        """The strips moved up or down by any number of rows: (strips, moves, rows)."""
        longer = np.pad(strips, ((0, 0), (most, most)), "edge")
        return np.lib.stride_tricks.sliding_window_view(longer, height, axis=1)

    # The slope at which lines stand out, not a digit's bar, which is darker.
    pale = sheared(np.minimum(strips, _PALE))
    lines = sum(pale[strip, most + shifts[:, strip]] for strip in range(_STRIPS))
    best = int(np.var(lines, axis=1).argmax())
    # What nearly all strips have at the same height reaches across the picture.
    level = sheared(strips)[np.arange(_STRIPS), most + shifts[best]]
    rule = percentiles(largest(level.T, 1).T, [15])[0]
    rule -= median(rule)
    peaks = rule > max(_FAINT, 0.3 * float(rule.max()))
    starts = np.flatnonzero(np.diff(peaks, prepend=False) & peaks)
    thickness = peaks.sum() / max(len(starts), 1)
    # Thick lines may be part of the digit.
    if not len(starts) or thickness > max(0.03 * height, 3):
        return ink
    columns = np.arange(width)
    if len(starts) == 1:
        line = starts[0] + (thickness - 1) / 2 + slopes[best] * (columns - width / 2)
        return _without_one_line(ink, np.rint(line).astype(int), float(rule.max()), thickness)
    at = np.clip(rows[:, None] - np.rint(slopes[best] * (columns - width / 2)).astype(int), 0, height - 1)
    reach = int(np.ceil(thickness)) + 2
    level = np.where(largest(peaks[None], reach)[0], largest(rule[None].astype(np.float32), 2)[0], 0)[at]
    on_rule = level > 0
    rest = np.where(on_rule & (ink < 1.5 * level), np.float32(0), ink)
    # The ink of a stroke goes on where it crosses a line as dark as itself.
    dark = rest[rest > level.max() / 2]
    above = rest > (0.6 * float(percentiles(dark, [75])[0]) if dark.size else 1)
    below = above.copy()
    for _ in range(2 * reach):
        above[1:] |= above[:-1]
        below[:-1] |= below[1:]
    crossing = on_rule & above & below
    return cast(Map, np.where(crossing, ink, rest))


def _without_one_line(ink: Map, line: NDArray[np.intp], level: float, thickness: float) -> Map:
    """Differences from paper without those of one line from side to side, which the digit may stand on.

    `line` is its row in each column. Where more than the line is dark, the digit is on it, and stays.
    """
    height, width = ink.shape
    reach = int(3 * thickness) + 4
    steps = np.arange(-reach, reach + 1)[:, None]
    rows, columns = np.clip(line + steps, 0, height - 1), np.arange(width)
    band = ink[rows, columns]
    start = np.argmax(band[reach - 2 : reach + 3], axis=0) - 2
    dark = band > level / 2
    run = np.logical_and.accumulate(dark | (steps < start), axis=0)
    run &= np.logical_and.accumulate((dark | (steps > start))[::-1], axis=0)[::-1]
    length = run.sum(axis=0)
    alone = length <= 1.5 * float(percentiles(length, [25])[0]) + 1
    # The line runs on to both sides of the picture, and what is left does not reach them. Otherwise it is the digit's,
    # such as the top of a seven cut out closely.
    if not (alone & (length > 0))[[0, 1, 2, -3, -2, -1]].all():
        return ink
    cut = largest(run, 1) & alone
    rest = ink.copy()
    rest[rows[cut], np.broadcast_to(columns, rows.shape)[cut]] = 0
    marks = Marks(rest > level / 2)
    if not marks.count or marks.extent.max() < 0.12 * max(height, width):
        return ink
    return rest if marks.free[marks.extent.argmax()] else ink
