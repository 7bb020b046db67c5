"""Marks that are not the digit's: specks, frames, lines along the border or under the digit, a form's cell."""

from typing import cast

import numpy as np

from digitpad.image.filters import Map, Mask, largest
from digitpad.image.marks import Marks
from digitpad.log import Tell


def without_clutter(ink: Map, marks: Marks, tell: Tell) -> Map:
    """Ink without the marks that are not the digit's."""
    height, width = ink.shape
    # In a large picture a mark of a few pixels is dust or noise, even if there is nothing else.
    keep = marks.extent > (3 if min(height, width) > 100 else 0)
    if not keep.any():
        return np.zeros_like(ink)
    # Where a digit stands clear of the border, drop lines from side to side and whatever else touches the border.
    free, extent = marks.free, marks.extent
    if free.any() and extent[free].max() >= (0.12 if min(height, width) > 64 else 0.4) * max(height, width):
        reaches = (marks.across == width) | (marks.down == height)
        beside = _along_border(marks)
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
    dropped = largest(marks.mask(~keep), 2) & ~largest(marks.mask(keep), 1)
    rest = cast(Map, np.where(dropped, np.float32(0), ink))
    tell("%d of %d marks left out as clutter", marks.count - np.count_nonzero(keep), marks.count, ink=rest, before=ink)
    return rest


def _along_border(marks: Marks) -> Mask:
    """Which marks lie wholly in the outer tenth of the picture, on one side or another."""
    height, width = marks.shape
    edge = 0.1 * min(height, width)
    beside: Mask = (marks.right < edge) | (marks.bottom < edge)
    beside |= (marks.left > width - edge) | (marks.top > height - edge)
    return beside


def _apart(marks: Marks, main: int) -> Mask:
    """Which marks are far from the main one, and too small or thin to be another digit: holes, a screen's bar."""
    gap = np.maximum(
        np.maximum(marks.left - marks.right[main], marks.left[main] - marks.right),
        np.maximum(marks.top - marks.bottom[main], marks.top[main] - marks.bottom),
    )
    slight = (marks.extent < 0.5 * marks.extent[main]) | (np.minimum(marks.across, marks.down) < 0.1 * marks.extent)
    apart: Mask = slight & (gap > 0.25 * marks.extent[main])
    return apart


def _underlines(marks: Marks, keep: Mask) -> Mask:
    """Which marks are level lines below the tallest mark, further away than gaps within a digit."""
    across, down = marks.across, marks.down
    main = int(np.where(keep, down, 0).argmax())
    lines: Mask = (down < 0.15 * across) & (marks.top > marks.bottom[main] + 0.05 * down[main])
    lines &= keep & (marks.left < marks.right[main]) & (marks.right > marks.left[main])
    lines &= (across > 0.6 * across[main]) & (across > 0.3 * down[main])
    return lines


def _walls(marks: Marks, keep: Mask) -> Mask:
    """Which marks are the upright lines of a form's cell, on both sides of what is written in it and taller."""
    walls: Mask = keep & (marks.across < 0.1 * marks.down)
    written = keep & (marks.down < 0.8 * np.where(walls, marks.down, 0).max())
    main = int(np.where(written, marks.down, 0).argmax())
    beyond = 0.1 * marks.down[main]
    walls &= (marks.top < marks.top[main] - beyond) & (marks.bottom > marks.bottom[main] + beyond)
    before, behind = walls & (marks.right <= marks.left[main]), walls & (marks.left >= marks.right[main])
    return before | behind if written.any() and before.any() and behind.any() else np.zeros_like(walls)


def _rings(marks: Marks, inner: int) -> Mask:
    """Which marks run around an inner one without filling three corners: a crossed zero, not a frame."""
    y, x = (marks.top[inner] + marks.bottom[inner]) // 2, (marks.left[inner] + marks.right[inner]) // 2
    rings: Mask = (marks.left < x) & (marks.top < y) & (marks.right > x) & (marks.bottom > y)
    rings[inner] = False
    for number in np.flatnonzero(rings).tolist():
        mark = marks.mask_of(number)
        around = all(part.any() for part in (mark[:y, x], mark[y:, x], mark[y, :x], mark[y, x:]))
        rings[number] = around and sum(_corners(mark)) <= 2
    return rings


def _frames(marks: Marks) -> Mask:
    """Which marks are a frame drawn around another, with corners or round."""
    frames = np.zeros(marks.count, bool)
    main = int((marks.across + marks.down).argmax())
    left, top, right, bottom = marks.box(main)
    inside = (marks.left > left) & (marks.right < right) & (marks.top > top) & (marks.bottom < bottom)
    across, down = right - left, bottom - top
    tall = np.where(inside, marks.down, 0)
    if min(across, down) < 12 or not (tall > 0.15 * down).any():
        return frames
    mark = marks.mask_of(main)[top:bottom, left:right]
    x, y = max(across // 10, 1), max(down // 10, 1)
    if mark[2 * y : -2 * y, 2 * x : -2 * x].any():
        return frames
    # A ring may be a zero, with its dot or the stroke across it inside.
    inner = int(tall.argmax())
    round_frame = _closed(mark) and tall[inner] > 0.3 * down and not _straight(marks.mask_of(inner))
    frames[main] = all(_corners(mark)) or round_frame
    return frames


def _corners(mark: Mask) -> list[bool]:
    """Which of the four corners of a picture, each a tenth of its side wide, have ink."""
    y, x = (max(side // 10, 1) for side in mark.shape)
    return [bool(part.any()) for part in (mark[:y, :x], mark[:y, -x:], mark[-y:, :x], mark[-y:, -x:])]


def _closed(mark: Mask) -> bool:
    """Whether there is ink on both sides of the middle in nearly every row, and above and below in every column."""
    y, x = mark.shape[0] // 2, mark.shape[1] // 2
    sides = (mark[:, :x].any(axis=1), mark[:, x:].any(axis=1), mark[:y].any(axis=0), mark[y:].any(axis=0))
    return min(float(side.mean()) for side in sides) > 0.9


def _straight(mark: Mask) -> bool:
    """Whether a mark is a straight stroke, in any direction."""
    short, long = np.linalg.eigvalsh(np.cov(np.argwhere(mark).astype(np.float32).T))
    return bool(short < 0.04 * long)
