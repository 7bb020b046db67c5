"""Where a drawing comes from. No pygame in here.

Strokes and pictures are shared between drawings, never copied or changed. So a drawing continues an earlier one if it
has a stroke, or the picture, in common with it.
"""

from typing import Generic, TypeVar

from digitpad.pad.drawing import Drawing, Picture
from digitpad.pad.stroke import Stroke

T = TypeVar("T")


class Origins(Generic[T]):
    """Finds what a drawing continues: an entry of the history, a page of a file, a sample that was gathered."""

    def __init__(self) -> None:
        self._of: dict[Stroke | Picture, T] = {}

    def note(self, drawing: Drawing, origin: T) -> None:
        """Remember where the drawing as it is now comes from."""
        self._of |= dict.fromkeys(drawing.parts, origin)

    def find(self, drawing: Drawing) -> T | None:
        """What the drawing continues, if that is known; its oldest stroke decides."""
        return next((self._of[part] for part in drawing.parts if part in self._of), None)

    def forget(self, origin: T) -> None:
        """Have no drawing continue this any more."""
        self._of = {part: other for part, other in self._of.items() if other is not origin}
