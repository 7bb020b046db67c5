"""Rectangles of pixels: parts of the window, and boxes of ink."""

from typing import NamedTuple


class Rect(NamedTuple):
    """A rectangle in pixels; pygame accepts it as one of its own."""

    x: int
    y: int
    w: int
    h: int

    @property
    def right(self) -> int:
        """The first column to the right of it."""
        return self.x + self.w

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.h

    @property
    def pixels(self) -> tuple[slice, slice]:
        """The part it covers of an array indexed [x, y]."""
        return slice(self.x, self.right), slice(self.y, self.bottom)

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies in it."""
        return self.x <= x < self.right and self.y <= y < self.bottom

    def meets(self, other: "Rect") -> bool:
        """Whether the two have a pixel in common."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


def between(left: int, top: int, right: int, bottom: int) -> Rect:
    """The rectangle from the first column and row to those after the last."""
    return Rect(left, top, right - left, bottom - top)


def join(a: Rect | None, b: Rect) -> Rect:
    """The smallest rectangle around both."""
    if a is None:
        return b
    return between(min(a.x, b.x), min(a.y, b.y), max(a.right, b.right), max(a.bottom, b.bottom))
