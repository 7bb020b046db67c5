"""What else may be the digit in a picture, where the ink found first does not look like one.

On printed or patterned paper, in a cutting with parts of its neighbours, nobody can tell beforehand how dark ink is,
where the picture should end, and which marks belong to the digit. So all are tried, and the network's scores choose.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from digitpad.image.filters import Map, Mask, blurred, largest, median, percentiles
from digitpad.image.fit import fit_ink
from digitpad.image.ink import FAINT, off_paper, otsu
from digitpad.image.marks import Marks
from digitpad.image.pieces import picture_rows
from digitpad.log import Tell
from digitpad.reader import Choices, Row, moved

_NOISE = 3.7  # standard deviations of the paper's noise: so much darker is ink (the darkest of noise come to three)
_EDGE = 0.08  # of each side: what is cut off, in case parts of something else are there
_CUT_OFF = 0.35  # price of that
_OUTLINES = (True, 0.5), (False, 0.65)  # whether blurred, and at which part of the ink's darkness it ends
_MOST = 6  # marks: every choice among so many of the largest is looked at,
_CHEAPEST = 8  # and of these choices so many are inked
_MANY = 40  # marks that are no specks: a picture with more is seen in no other way as a number, as it takes too long
_SPECK = 0.03  # of the largest mark's area and a quarter of its extent: a smaller mark is not looked at
_DEAREST = 4.0  # price of what is no longer looked at
_LEFT_OUT = 0.05, 12.5  # price of a mark left out: of any, and of one as tall as the digit (it grows with the square)
_NEAR = 2  # pixels: so far from where it is in most places a line may be, at first sight
_LEAST = 0.12  # of the picture's longer side: what is left of the ink without a line is so large
_AROUND = 3.0  # price of leaving out what runs around a straight stroke: that is a zero rather than a one in a frame
_INSIDE = 0.3  # of its height: what a mark runs around is so high if that is a frame, and not a zero with a dot
_AT_BORDER = 0.12, 5.0, 0.2  # the same where the picture ends in it, by its ink; and of a second such one taken in
_REST = 5.0, 2.0  # price of as much ink as the digit's in marks that are not looked at, and the most that it can be
_APART = 1.5, 0.3  # price of parts a digit's size further from each other than this share of it
_LINES = 0.5, 0.1  # price of taking lines from side to side for a part of the digit; and of leaving as much ink out
_STRIPS = 24  # upright strips of the picture in which lines are looked for
_ACROSS = 0.7  # of the strips: a line is in so many


def without_lines(ink: Map) -> Map:
    """An ink map at first sight, as one digit: without a line that it stands on, or that is drawn under it."""
    lines = _level_lines(ink >= 0.3, _NEAR) | _level_lines(ink.T >= 0.3, _NEAR).T
    rest = _without(ink, lines) if lines.any() else ink
    marks = Marks(rest >= 0.5)
    if lines.any():
        main = int(marks.extent.argmax()) if marks.count else -1
        # Otherwise it is the digit's, such as the top of a seven that is cut out closely.
        if main < 0 or not marks.free[main] or marks.extent[main] < _LEAST * max(ink.shape):
            rest, marks = ink, Marks(ink >= 0.5)
    if marks.count < 2:
        return rest
    main = int(marks.down.argmax())
    under = (marks.down < 0.15 * marks.across) & (marks.top > marks.bottom[main] + 0.05 * marks.down[main])
    under &= (marks.left < marks.right[main]) & (marks.right > marks.left[main])
    under &= (marks.across > 0.6 * marks.across[main]) & (marks.across > 0.3 * marks.down[main])
    return _without(rest, marks.mask(under)) if under.any() else rest


def other_digits(grey: Map, tell: Tell) -> list[Choices]:
    """What a picture, float32 (H, W) in [0, 1], may be as one digit: for each way to see its ink, choices of marks."""
    dark = darkness(grey)
    height, width = dark.shape
    x, y = round(_EDGE * width), round(_EDGE * height)
    parts = (0.0, dark), (_CUT_OFF, dark[:, x : width - x]), (_CUT_OFF, dark[: height - y])
    inside = _open_inside(dark)
    ways = []
    for blur, level in _OUTLINES:
        tell("seen again: ink from %d %% of its darkness", 100 * level, ink=outline(dark, blur, level))
        also = _choices(outline(inside[0], blur, level)) if inside else []
        for price, part in parts:
            ways.append([(price + more, image) for more, image in _choices(outline(part, blur, level))] + also)
    return ways


def other_numbers(grey: Map) -> Iterator[tuple[float, list[Row]]]:
    """What it may be as numbers: prices, and the candidates for the digits, with boxes in its own pixels."""
    dark = darkness(grey)
    inside = _open_inside(dark)
    for part, corner in [(dark, (0, 0)), *([inside] if inside else [])]:
        for blur, level in _OUTLINES:
            for price, ink in _with_lines_and_without(outline(part, blur, level)):
                if np.count_nonzero(_large(Marks(ink >= 0.5))) <= _MANY:
                    yield price, [moved(row, 1, corner) for row in picture_rows(ink)]


def darkness(grey: Map) -> Map:
    """How much pixels (H, W) differ from the paper around them: 1 = as much as ink, all 0 where there is only noise."""
    ink, even = off_paper(grey)
    split = otsu(ink)
    bare, some = ink[ink <= split], ink[ink > split]
    level = median(bare)
    noise = 1.48 * median(np.abs(bare - level))
    black = float(percentiles(some, [75])[0]) - level if some.size else 0.0
    if black < max(FAINT[even], _NOISE * noise):
        return np.zeros_like(ink)
    return cast(Map, (ink - np.float32(level)) / np.float32(black))


def _open_inside(dark: Map) -> tuple[Map, tuple[int, int]] | None:
    """The darkness of what is left open in a filled mark, such as a badge or a sheet on a table; and its corner (x, y).

    None where there is no such mark.
    """
    marks = Marks(dark >= 0.5)
    if not marks.count:
        return None
    left, top, right, bottom = marks.box(int(marks.area.argmax()))
    mark = marks.mask_of(int(marks.area.argmax()))[top:bottom, left:right]
    light = Marks(np.pad(~mark, 1, constant_values=True))
    outside = light.mask(~light.free)[1:-1, 1:-1]
    if min(mark.shape) < 16 or outside.mean() > 0.25 or not 0.6 <= mark.sum() / (~outside).sum() <= 0.995:
        return None
    return np.where(largest(outside, 2), np.float32(0), 1 - dark[top:bottom, left:right]), (left, top)


def outline(dark: Map, blur: bool, level: float) -> Map:
    """The ink map for `darkness`: float32 (H, W) in [0, 1], 0.5 where ink ends, at a part `level` of its darkness."""
    edge = blurred(dark, 3) if blur else dark
    return cast(Map, np.clip(edge / np.float32(2 * level), 0, 1))


def _with_lines_and_without(ink: Map) -> list[tuple[float, Map]]:
    """An ink map without lines from side to side, and with them if there are any; and the prices of both."""
    lines = _level_lines(ink >= 0.3) | _level_lines(ink.T >= 0.3).T
    if not lines.any():
        return [(0.0, ink)]
    rest = _without(ink, lines)
    before, after = int(np.count_nonzero(ink >= 0.5)), int(np.count_nonzero(rest >= 0.5))
    lost = before / max(after, 1) - 1
    return [(_LINES[1] * lost**2, rest), (_LINES[0], ink)]


def _choices(ink: Map) -> Choices:
    """What an ink map may be as one digit, with lines from side to side and without."""
    return [(line + price, image) for line, rest in _with_lines_and_without(ink) for price, image in _marks_of(rest)]


def _marks_of(ink: Map) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """What marks of an ink map may be one digit: any of the largest, all but what is left out and what is far away."""
    marks = Marks(ink >= 0.5)
    large = _large(marks)
    few = np.argsort(-marks.area * large, kind="stable")[: min(_MOST, np.count_nonzero(large))]
    keep: Mask = (np.arange(1, 1 << len(few))[:, None] >> np.arange(len(few)) & 1).astype(bool)
    across, down, area, free = marks.across[few], marks.down[few], marks.area[few], marks.free[few]
    if not len(keep):
        return
    left, top = (np.where(keep, sides[few], np.inf).min(axis=1) for sides in (marks.left, marks.top))
    right, bottom = (np.where(keep, sides[few], -np.inf).max(axis=1) for sides in (marks.right, marks.bottom))
    width, height = right - left, bottom - top
    kept = keep @ area
    around = (marks.left[few] < left[:, None]) & (marks.right[few] > right[:, None])
    around &= (marks.top[few] < top[:, None]) & (marks.bottom[few] > bottom[:, None])
    around &= height[:, None] > _INSIDE * down
    stroke = np.zeros(len(keep), bool)
    if around.any():
        straight = np.array([_straight(marks.mask_of(n)) for n in few.tolist()])
        stroke = (keep.sum(axis=1) == 1) & keep[:, straight].any(axis=1)
    frame = np.where(stroke, _AROUND, _LEFT_OUT[0])[:, None]
    left_out = np.where(around, frame, _LEFT_OUT[0] + _LEFT_OUT[1] * (down / height[:, None]) ** 2)
    at_border = _AT_BORDER[0] + _AT_BORDER[1] * (area / kept[:, None]) ** 2
    prices = np.where(keep, 0, np.where(free, left_out, np.minimum(left_out, at_border))).sum(axis=1)
    prices += _AT_BORDER[2] * np.maximum((keep & ~free).sum(axis=1) - 1, 0)
    prices += np.minimum(_REST[0] * ((marks.area.sum() - area.sum()) / kept) ** 2, _REST[1])
    size = np.where(keep, np.maximum(across, down), 0).max(axis=1)
    for span, sides in ((width, across), (height, down)):
        prices += _APART[0] * np.maximum((span - np.where(keep, sides, 0).sum(axis=1)) / size - _APART[1], 0)
    for n in np.argsort(prices, kind="stable")[:_CHEAPEST]:
        if prices[n] > _DEAREST:
            break
        chosen = np.isin(np.arange(marks.count), few[keep[n]])
        yield float(prices[n]), fit_ink(_without(ink, marks.mask(~chosen)))


def _straight(mark: Mask) -> bool:
    """Whether a mark is a straight stroke, in any direction."""
    short, long = np.linalg.eigvalsh(np.cov(np.argwhere(mark).astype(np.float32).T))
    return bool(short < 0.04 * long)


def _large(marks: Marks) -> Mask:
    """Which marks are no specks."""
    large: Mask = (marks.area >= _SPECK * marks.area.max(initial=0)) | (marks.extent >= marks.extent.max(initial=0) / 4)
    large &= marks.extent > (3 if min(marks.shape) > 100 else 0)
    return large


def _without(ink: Map, others: Mask) -> Map:
    """Ink without some of its pixels, and without their soft edges."""
    kept = (ink >= 0.5) & ~others
    return cast(Map, np.where(largest(others, 2) & ~largest(kept, 1), np.float32(0), ink))


def _level_lines(mask: Mask, near: int | None = None) -> Mask:
    """Pixels of thin lines from side to side, level to within six degrees, as forms and paper have them.

    `near` is how far from where it is in most places, in pixels, a line may be; by default as far as it may be thick.
    """
    height, width = mask.shape
    most = max(3, round(0.08 * min(height, width)))
    edge = 2 * width // _STRIPS + 1
    if height <= most or width < _STRIPS or not (mask[:, :edge].any() and mask[:, -edge:].any()):
        return np.zeros_like(mask)
    # What is part of no longer run from top to bottom.
    tall = mask
    for _ in range(most):
        tall = tall[:-1] & tall[1:]
    thin = mask.copy()
    for step in range(most + 1):
        thin[step : height - most + step] &= ~tall
    ends = np.linspace(0, width, _STRIPS + 1).astype(int)
    parts = np.pad(np.add.reduceat(thin, ends[:-1], axis=1) / np.diff(ends), 1)
    strips: Mask = parts[:-2, 1:-1] + parts[1:-1, 1:-1] + parts[2:, 1:-1] > 0.5
    rows, columns = np.arange(height)[:, None], np.arange(width)
    middles = (ends[:-1] + ends[1:]) / 2
    best, cover, slope = 0.0, np.zeros(height), 0.0
    most_off = round(0.05 * width) + 1
    for tilt in np.arange(-0.1, 0.101, max(1.5 / width, 0.01)):
        shifted = np.pad(strips, ((most_off, most_off), (0, 0)))[
            most_off + rows + np.rint(tilt * (middles - width / 2)).astype(int), np.arange(_STRIPS)
        ]
        at_slope = shifted.mean(axis=1) * shifted[:, :2].any(axis=1) * shifted[:, -2:].any(axis=1)
        if at_slope.max() > best:
            best, cover, slope = float(at_slope.max()), at_slope, float(tilt)
    at = largest(np.repeat(cover[:, None] >= _ACROSS, 3, axis=1), most if near is None else near)[:, 1]
    line = np.pad(at, most_off)[most_off + rows - np.rint(slope * (columns - width / 2)).astype(int)]
    return cast(Mask, thin & line)
