"""From the ink of a picture to the candidates for the digits of numbers: marks, cut where digits may touch, in rows."""

from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from digitpad.image.filters import Map, Mask, largest
from digitpad.image.fit import fit_ink
from digitpad.image.marks import Marks
from digitpad.reader import Row, Span, candidates, rows_of

_MOST = 64  # pieces of a picture, the largest first
_SEVERAL = 0.85  # of the height of a row: marks wider than this may be several digits
_THIN = 0.45  # of the same: a digit is not cut where it has more ink
_CUT_WIDTH = 0.12  # of the same: cuts are at least so far apart
_GAP = 0.1  # of the same: the marks of one digit are no further apart, as ink rarely breaks so far
_CUT = 2.0  # price of each side of a cut


def picture_rows(ink: Map) -> list[Row]:
    """The candidates in a picture's ink, rows from top to bottom; boxes in the map's pixels.

    Args:
        ink: float32 (H, W) in [0, 1], 0.5 along the outline of the ink.
    """
    number, mark_of, boxes = _pieces(ink)
    rows = []
    for members in rows_of(boxes):

        def inked(spans: list[Span], members: NDArray[np.intp] = members) -> list[NDArray[np.uint8]]:
            return [_together(ink, number, boxes, members[start:end]) for start, end in spans]

        row = candidates(boxes[members], inked, _GAP)
        mark = mark_of[members]
        cut = np.array([0, *(mark[:-1] == mark[1:]), 0])  # whether a mark goes on behind the piece before each place
        groups = [
            group
            if group.image is None
            else replace(group, price=group.price + _CUT * (cut[group.start] + cut[group.end]))
            for group in row.groups
        ]
        rows.append(replace(row, groups=groups))
    return rows


def _pieces(ink: Map) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.float64]]:
    """The piece that each pixel belongs to (H, W), -1 for none; and of each piece its mark and its box."""
    marks = Marks(ink >= 0.5)
    number = np.full(ink.shape, -1, np.int32)
    boxes: list[list[int]] = []
    mark_of: list[int] = []
    tall = marks.down >= 0.4 * marks.down.max(initial=0)
    height = float(np.median(marks.down[tall])) if marks.count else 0.0
    for mark in np.argsort(-marks.area, kind="stable")[:_MOST].tolist():
        left, top, right, bottom = marks.box(mark)
        shape, place = marks.mask_of(mark)[top:bottom, left:right], number[top:bottom, left:right]
        cuts = _cuts(shape, height)
        for start, end in zip([0, *cuts], [*cuts, right - left], strict=True):
            part = shape[:, start:end]
            rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
            if rows.size:
                place[:, start:end][part] = len(boxes)
                mark_of.append(mark)
                x, y = left + start, top
                boxes.append([x + columns[0], y + rows[0], x + columns[-1] + 1, y + rows[-1] + 1])
    return number, np.array(mark_of, np.intp), np.array(boxes, np.float64).reshape(-1, 4)


def _cuts(shape: Mask, height: float) -> list[int]:
    """The columns at which a mark may be cut: where little of its ink lies above one another."""
    width = shape.shape[1]
    reach = max(int(_CUT_WIDTH * height), 2)
    if width < max(_SEVERAL * height, 8) or shape.shape[0] < height / 3:
        return []
    ink = np.convolve(np.pad(shape.sum(axis=0).astype(np.float64), 1, "edge"), [0.25, 0.5, 0.25], "valid")
    low = [
        x
        for x in range(reach, width - reach)
        if ink[x] == ink[x - reach : x + reach + 1].min() and ink[x] <= _THIN * height
    ]
    cuts: list[int] = []
    for x in sorted(low, key=lambda x: ink[x]):
        if all(abs(x - other) > reach for other in cuts):
            cuts.append(x)
    return sorted(cuts[: 2 * round(width / height) + 1])


def _together(
    ink: Map, number: NDArray[np.int32], boxes: NDArray[np.float64], chosen: NDArray[np.intp]
) -> NDArray[np.uint8]:
    """Some pieces, without the others and their soft edges, in the model's form."""
    left, top = np.maximum(boxes[chosen, :2].min(axis=0).astype(int) - 3, 0)
    right, bottom = boxes[chosen, 2:].max(axis=0).astype(int) + 3
    part, of = ink[top:bottom, left:right], number[top:bottom, left:right]
    others = (part >= 0.5) & ~np.isin(of, chosen)
    if others.any():
        gone = largest(others, 2) & ~largest((part >= 0.5) & ~others, 1)
        part = cast(Map, np.where(gone, np.float32(0), part))
    return fit_ink(part)
