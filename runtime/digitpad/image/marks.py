"""The connected marks that make up a mask."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitpad.image.filters import Mask


class Marks:
    """The connected marks of a mask, numbered from 0.

    Attributes:
        count: how many there are. The rest are arrays of that length, in pixels:
        area: how many pixels each has.
        left, top, right, bottom: its box; right and bottom are one past its last pixel.
        boxes: the same, (count, 4).
        across, down, extent: the sides of its box, and the longer of the two.
        free: whether it stays clear of the mask's border.
    """

    def __init__(self, mask: Mask) -> None:
        height, width = mask.shape
        # Runs of ink along the rows, each row ended by a gap; positions count through all rows.
        self.shape, row = mask.shape, width + 1
        flat = np.zeros(height * row + 1, np.int8)
        flat[:-1].reshape(height, row)[:, :width] = mask
        change = np.diff(flat, prepend=np.int8(0))
        self._starts, self._ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
        # Runs that touch, corners included, in the next row.
        first = np.searchsorted(self._ends, self._starts + row, "left")
        last = np.searchsorted(self._starts, self._ends + row, "right")
        count = np.maximum(last - first, 0)
        upper = np.repeat(np.arange(len(self._starts)), count)
        lower = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        self._mark = _joined(len(self._starts), upper, lower)

        lengths = self._ends - self._starts
        self.count = int(self._mark.max()) + 1 if self._mark.size else 0
        self.area = np.bincount(self._mark, lengths, self.count)
        y, x = np.divmod(self._starts, row)
        self.top, self.left = np.full(self.count, height), np.full(self.count, width)
        self.bottom, self.right = np.zeros(self.count, int), np.zeros(self.count, int)
        np.minimum.at(self.top, self._mark, y)
        np.maximum.at(self.bottom, self._mark, y + 1)
        np.minimum.at(self.left, self._mark, x)
        np.maximum.at(self.right, self._mark, x + lengths)
        self.boxes = np.stack([self.left, self.top, self.right, self.bottom], axis=1)
        self.across, self.down = self.right - self.left, self.bottom - self.top
        self.extent = np.maximum(self.across, self.down)
        self.free = (self.left > 0) & (self.top > 0) & (self.right < width) & (self.bottom < height)

    def mask(self, chosen: Mask, box: Sequence[int] = ()) -> Mask:
        """The pixels of the chosen marks: all, or those in a box that holds all of their ink."""
        left, top, right, bottom = box or (0, 0, self.shape[1], self.shape[0])
        height, width = bottom - top, right - left + 1
        runs = chosen[self._mark]
        steps = np.zeros(height * width + 1, np.int8)
        for ends, step in ((self._starts, 1), (self._ends, -1)):
            y, x = np.divmod(ends[runs], self.shape[1] + 1)
            steps[(y - top) * width + x - left] = step
        return np.cumsum(steps, dtype=np.int8)[:-1].reshape(height, width)[:, :-1].astype(bool)


def _joined(count: int, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number the groups that result when pairs join the things 0 to count - 1."""
    group = np.arange(count)
    while True:
        a, b = group[one], group[other]
        if (a == b).all():
            return np.unique(group, return_inverse=True)[1]
        np.minimum.at(group, np.maximum(a, b), np.minimum(a, b))
        while (group[group] != group).any():
            group = group[group]
