"""What of the dark on a picture is not the digit's: ruled lines, frames, specks, and the table under the paper."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from digitpad.image.filters import Marks, largest, median, percentiles, spread

_STRIPS = 24  # upright strips of the picture in which ruled lines are looked for
_PALE = 0.15  # of full contrast: as dark as a ruled line surely is, on average over a strip
_FAINT = 0.025  # of full contrast: lines that differ less from their paper are not seen

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


def inside_sheet(marks: Marks, shape: tuple[int, ...]) -> tuple[float, float, float, float] | None:
    """The inside (left, top, right, bottom) of a mark that is a sheet on a table, a canvas in a window, or a badge.

    That is, of one that is filled but for what is written on it, and has corners or is a disc.
    """
    height, width = shape
    if not marks.count:
        return None
    main = int(marks.area.argmax())
    left, top, right, bottom = (int(e[main]) for e in (marks.left, marks.top, marks.right, marks.bottom))
    across, down = right - left, bottom - top
    if min(across, down) < 16 or across < 0.4 * width or down < 0.4 * height:
        return None
    sheet = marks.mask(np.arange(marks.count) == main)[top:bottom, left:right]
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
    elif abs(across - down) < 0.05 * down and (solid == _circle(solid.shape)).mean() > 0.98:
        written = _written_on_disc(solid & ~marks.mask(np.ones(marks.count, bool))[top:bottom, left:right])
        if written is not None:
            return left + written[0], top + written[1], left + written[2], top + written[3]
    return None


def _circle(shape: tuple[int, ...], share: float = 1.0) -> Mask:
    """The disc within a box, or a smaller one."""
    y, x = (np.indices(shape, dtype=np.float32) + 0.5) / np.array(shape, np.float32)[:, None, None] - 0.5
    return np.asarray(x**2 + y**2 <= (share / 2) ** 2)


def _written_on_disc(light: Mask) -> tuple[int, int, int, int] | None:
    """The box (left, top, right, bottom) in which something is written on a disc, with some of the disc around it.

    None where it goes up to the rim, and where it is no line but one patch: the hole of a round, fat zero.
    """
    marks = Marks(light)
    if not marks.count:
        return None
    large = marks.area > 0.05 * marks.area.max()
    top, bottom = int(marks.top[large].min()), int(marks.bottom[large].max())
    left, right = int(marks.left[large].min()), int(marks.right[large].max())
    # A bar as narrow as a one is a one, though a zero of a pen that nearly fills it has such a hole as well.
    if marks.area[large].sum() > 0.7 * (bottom - top) * (right - left) and right - left > 0.2 * (bottom - top):
        return None
    # Of what lies beside the disc, corners of the box may show.
    rows, columns = [top, bottom - 1], [left, right - 1]
    if not _circle(light.shape, 0.98)[np.ix_(rows, columns)].all():
        return None
    margin = max(light.shape[0] // 20, 2)
    return left - margin, top - margin, right + margin, bottom + margin


def without_clutter(ink: Map, marks: Marks) -> Map:
    """Ink without specks, without lines and frames along the border, and without a line under it."""
    height, width = ink.shape
    across, down = marks.right - marks.left, marks.bottom - marks.top
    extent = np.maximum(across, down)
    # In a large picture a mark of few pixels is dust or noise, also where it is all there is.
    keep = extent > (3 if min(height, width) > 100 else 0)
    if not keep.any():
        return np.zeros_like(ink)
    # Lines from side to side, and what else hangs on the border, where a digit stands free of it.
    free = (marks.left > 0) & (marks.top > 0) & (marks.right < width) & (marks.bottom < height)
    if free.any() and extent[free].max() >= (0.12 if min(height, width) > 64 else 0.4) * max(height, width):
        reaches = (across == width) | (down == height)
        beside = _along_border(marks, ink.shape)
        corner = ((marks.left == 0) | (marks.right == width)) & ((marks.top == 0) | (marks.bottom == height))
        keep &= free | ~(reaches | beside | corner) | _rings(marks, int(np.where(free, extent, 0).argmax()))
        keep &= ~(beside & _apart(marks, int(np.where(free & ~beside, extent, 0).argmax())))
    keep &= ~_frames(marks)
    keep &= ~_underlines(marks, keep)
    keep &= ~_walls(marks, keep)
    if keep.any():
        keep &= (marks.area >= 0.03 * marks.area[keep].max()) | (extent >= 0.25 * extent[keep].max())
    if keep.all() or not keep.any():
        return ink
    dropped = spread(marks.mask(~keep), 2) & ~spread(marks.mask(keep), 1)
    return cast(Map, np.where(dropped, np.float32(0), ink))


def _along_border(marks: Marks, shape: tuple[int, ...]) -> Mask:
    """Which marks lie wholly in the outer tenth of the picture, on one side or another."""
    height, width = shape
    edge = 0.1 * min(height, width)
    beside: Mask = (marks.right < edge) | (marks.bottom < edge)
    beside |= (marks.left > width - edge) | (marks.top > height - edge)
    return beside


def _apart(marks: Marks, main: int) -> Mask:
    """Which marks are far from the main one, and too small or too thin to be another digit: holes, a screen's bar."""
    across, down = marks.right - marks.left, marks.bottom - marks.top
    extent = np.maximum(across, down)
    gap = np.maximum(
        np.maximum(marks.left - marks.right[main], marks.left[main] - marks.right),
        np.maximum(marks.top - marks.bottom[main], marks.top[main] - marks.bottom),
    )
    slight = (extent < 0.5 * extent[main]) | (np.minimum(across, down) < 0.1 * extent)
    apart: Mask = slight & (gap > 0.25 * extent[main])
    return apart


def _underlines(marks: Marks, keep: Mask) -> Mask:
    """Which marks are a level line below the tallest one, at a distance that no pen leaves within a digit."""
    across, down = marks.right - marks.left, marks.bottom - marks.top
    main = int(np.where(keep, down, 0).argmax())
    lines: Mask = (down < 0.15 * across) & (marks.top > marks.bottom[main] + 0.05 * down[main])
    lines &= keep & (marks.left < marks.right[main]) & (marks.right > marks.left[main])
    lines &= (across > 0.6 * across[main]) & (across > 0.3 * down[main])
    return lines


def _walls(marks: Marks, keep: Mask) -> Mask:
    """Which marks are the upright lines of a form's cell, on both sides of what is written in it and taller."""
    across, down = marks.right - marks.left, marks.bottom - marks.top
    walls: Mask = keep & (across < 0.1 * down)
    written = keep & (down < 0.8 * np.where(walls, down, 0).max())
    main = int(np.where(written, down, 0).argmax())
    beyond = 0.1 * down[main]
    walls &= (marks.top < marks.top[main] - beyond) & (marks.bottom > marks.bottom[main] + beyond)
    before, behind = walls & (marks.right <= marks.left[main]), walls & (marks.left >= marks.right[main])
    return before | behind if written.any() and before.any() and behind.any() else np.zeros_like(walls)


def _rings(marks: Marks, inner: int) -> Mask:
    """Which marks run around an inner one without filling three corners: a zero that is crossed, not a frame."""
    y, x = (marks.top[inner] + marks.bottom[inner]) // 2, (marks.left[inner] + marks.right[inner]) // 2
    rings: Mask = (marks.left < x) & (marks.top < y) & (marks.right > x) & (marks.bottom > y)
    rings[inner] = False
    for number in np.flatnonzero(rings):
        mark = marks.mask(np.arange(marks.count) == number)
        around = all(part.any() for part in (mark[:y, x], mark[y:, x], mark[y, :x], mark[y, x:]))
        rings[number] = around and sum(_corners(mark)) <= 2
    return rings


def _corners(mark: Mask) -> list[bool]:
    """In which of its four corners, a tenth of its side wide, a picture has ink."""
    y, x = (max(side // 10, 1) for side in mark.shape)
    return [bool(part.any()) for part in (mark[:y, :x], mark[:y, -x:], mark[-y:, :x], mark[-y:, -x:])]


def without_rules(ink: Map) -> Map:
    """Differences from paper without those of ruled lines, level or upright."""
    if min(ink.shape) < 64:
        return ink
    return np.ascontiguousarray(_without_level_rules(_without_level_rules(ink).T).T)


def _frames(marks: Marks) -> Mask:
    """Which marks are a frame drawn around another, with corners or round."""
    frames = np.zeros(marks.count, bool)
    main = int((marks.right - marks.left + marks.bottom - marks.top).argmax())
    left, top, right, bottom = (int(e[main]) for e in (marks.left, marks.top, marks.right, marks.bottom))
    inside = (marks.left > left) & (marks.right < right) & (marks.top > top) & (marks.bottom < bottom)
    across, down = right - left, bottom - top
    tall = np.where(inside, marks.bottom - marks.top, 0)
    if min(across, down) < 12 or not (tall > 0.15 * down).any():
        return frames
    mark = marks.mask(np.arange(marks.count) == main)[top:bottom, left:right]
    x, y = max(across // 10, 1), max(down // 10, 1)
    if mark[2 * y : -2 * y, 2 * x : -2 * x].any():
        return frames
    # A ring may be a zero, and what is in it its stroke across or its dot.
    inner = int(tall.argmax())
    round_frame = _closed(mark) and tall[inner] > 0.3 * down and not _straight(marks, inner)
    frames[main] = all(_corners(mark)) or round_frame
    return frames


def _closed(mark: Mask) -> bool:
    """Whether there is ink to the left and right of the middle in nearly each row, above and below in each column."""
    y, x = mark.shape[0] // 2, mark.shape[1] // 2
    sides = (mark[:, :x].any(axis=1), mark[:, x:].any(axis=1), mark[:y].any(axis=0), mark[y:].any(axis=0))
    return min(float(side.mean()) for side in sides) > 0.9


def _straight(marks: Marks, number: int) -> bool:
    """Whether a mark is a straight stroke, whichever way it goes."""
    places = np.argwhere(marks.mask(np.arange(marks.count) == number)).astype(np.float32)
    short, long = np.linalg.eigvalsh(np.cov(places.T))
    return bool(short < 0.04 * long)


def _without_level_rules(ink: Map) -> Map:
    """Differences from paper without those of lines from left to right, level within some five degrees."""
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
    rule = percentiles(largest(level.T, 1).T, [15], axis=0)[0]
    rule -= median(rule)
    peaks = rule > max(_FAINT, 0.3 * float(rule.max()))
    starts = np.flatnonzero(np.diff(peaks, prepend=False) & peaks)
    thickness = peaks.sum() / max(len(starts), 1)
    # Thick lines may be the digit's.
    if not len(starts) or thickness > max(0.03 * height, 3):
        return ink
    columns = np.arange(width)
    if len(starts) == 1:
        line = starts[0] + (thickness - 1) / 2 + slopes[best] * (columns - width / 2)
        return _without_one_line(ink, np.rint(line).astype(int), float(rule.max()), thickness)
    at = np.clip(rows[:, None] - np.rint(slopes[best] * (columns - width / 2)).astype(int), 0, height - 1)
    reach = int(np.ceil(thickness)) + 2
    level = np.where(spread(peaks[:, None], reach)[:, 0], largest(rule[None].astype(np.float32), 2)[0], 0)[at]
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
    """Differences from paper without those of one line from side to side, on which the digit may stand.

    `line` is its row in each column. Where more than the line is dark at once, the digit is on it, and stays.
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
    # The line goes on to both sides of the picture, and what is left does not reach them: else it is a digit's,
    # as the top of a seven cut out closely.
    if not (alone & (length > 0))[[0, 1, 2, -3, -2, -1]].all():
        return ink
    cut = spread(run, 1) & alone
    rest = ink.copy()
    rest[rows[cut], np.broadcast_to(columns, rows.shape)[cut]] = 0
    marks = Marks(rest > level / 2)
    extent = np.maximum(marks.right - marks.left, marks.bottom - marks.top)
    if not marks.count or extent.max() < 0.12 * max(height, width):
        return ink
    main = int(extent.argmax())
    free = marks.left[main] > 0 and marks.right[main] < width and marks.top[main] > 0 and marks.bottom[main] < height
    return rest if free else ink
