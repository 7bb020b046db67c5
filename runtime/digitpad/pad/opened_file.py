"""Opening files on the pad: an image, a drawing, or a file of several drawings to page through. No pygame in here."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from digitpad.errors import DigitPadError
from digitpad.pad.drawing import Drawing, Picture
from digitpad.pad.origin import Origins
from digitpad.pad.stroke import Stroke
from digitpad.reader import Readings
from digitpad.stroke_files import Sample, is_stroke_file, read_samples

PHOTO = 1024  # pixels: the longer side of a picture kept for display


@dataclass(frozen=True)
class Page:
    """One drawing of a stroke file that holds several."""

    file: str
    samples: list[Sample]
    number: int
    # By number, the strokes and the label of those that have been labelled since.
    labelled: dict[int, tuple[list[Stroke], str | None]] = field(default_factory=dict)


class OpenedFile:
    """The file that is on the paper, and paging through it. `page` is None if it does not hold several drawings.

    `know` is called with each sample that is put on the paper.
    """

    def __init__(self, drawing: Drawing, know: Callable[[Sample], None]) -> None:
        self.page: Page | None = None
        self._drawing = drawing
        self._know = know
        self._pages: Origins[Page] = Origins()

    # Each of these returns whether it led to another page, or away from one.

    def open(self, path: Path) -> bool:
        """Put a stroke file's first drawing on the paper, or an image; raises DigitPadError if it holds neither."""
        if not is_stroke_file(path):
            self._drawing.put([], _read_picture(path))
        elif not (samples := read_samples(path)):
            raise DigitPadError(f"{path}: holds no drawing")
        elif len(samples) > 1:
            return self._show(Page(path.name, samples, 0))
        else:
            self._put(samples[0])
        return self.follow()

    def turn(self, pages: int) -> bool:
        """Go on, or back, in a file that holds several drawings."""
        if self.page is None or not self.can_turn(pages):
            return False
        return self._show(replace(self.page, number=self.page.number + pages))

    def can_turn(self, pages: int) -> bool:
        """Whether the file has a drawing that far on, or back."""
        return self.page is not None and 0 <= self.page.number + pages < len(self.page.samples)

    def follow(self) -> bool:
        """Go to the page whose drawing has come back to the paper; to none if what is there is from no such file."""
        before, self.page = self.page, self._pages.find(self._drawing)
        return self.page is not before

    def note_label(self) -> None:
        """When its page is turned to again, show the drawing as it is now, with its present label."""
        if page := self._pages.find(self._drawing):
            page.labelled[page.number] = list(self._drawing.strokes), self._drawing.label

    @property
    def remark(self) -> str:
        """What to say of the page; empty if there is none."""
        if self.page is None:
            return ""
        label = f", a {' / '.join(self._drawing.label.split())}" if self._drawing.label else ""
        return f"Drawing {self.page.number + 1} of {len(self.page.samples)} in {self.page.file}{label}"

    def _show(self, page: Page) -> bool:
        if page.number in page.labelled:
            strokes, label = page.labelled[page.number]
            self._drawing.put(strokes, None, label)
        else:
            self._put(page.samples[page.number])
        self.page = page
        self._pages.note(self._drawing, page)
        return True

    def _put(self, sample: Sample) -> None:
        if sample.image is None:
            self._drawing.open_strokes(sample.strokes, sample.label)
        else:
            photo = np.repeat(255 - sample.image[:, :, None], 3, axis=2)
            self._drawing.put([], Picture(Readings(sample.image[None]), photo), sample.label)
        self._know(sample)


def _read_picture(path: Path) -> Picture:
    from digitpad.image.normalise import image_readings
    from digitpad.image.reading import on_white, read_image

    seen = image_readings(path)
    colour, alpha, _ = read_image(path)
    step = -(-max(colour.shape[:2]) // PHOTO)
    return Picture(seen, on_white(colour[::step, ::step], None if alpha is None else alpha[::step, ::step]))
