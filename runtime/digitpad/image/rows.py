"""Reads a row of digits as a whole, where they touch or stand on printed ground and cannot be parted into marks.

A network of its own (rows.onnx) gives each place of the row the probabilities of the ten digits, of something else and
of nothing. What is written is then found by connectionist temporal classification, whose texts are summed over all
places where their digits may be (A. Graves et al., ICML 2006).
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitpad.image.filters import Map, Mask, largest, shrink
from digitpad.image.fit import fit_ink
from digitpad.image.ink import off_paper
from digitpad.image.lines import without
from digitpad.image.marks import Marks
from digitpad.mnist_form import PEN_WIDTH, Points
from digitpad.models import load_row_reader
from digitpad.reader import Box, Cutting, Units, rows_of

if TYPE_CHECKING:
    import onnxruntime

HEIGHT = 40  # pixels of a row as the network sees it
PLACE = 2  # pixels of width to a place
OTHER, NOTHING = 10, 11  # beside the ten digits: what is no digit, and none at all
_WIDEST = 1_600  # pixels
_FAINTEST = 0.012  # standard deviation of grey: where there is less, nothing is written
_HOPELESS = -15.0  # log probability that a row is a number: where it is lower, its digits are not looked for
_RIVALS, _RIVAL = 4, math.log(0.001)  # how many of its numbers are judged; and how likely beside the likeliest
_UNLIKELY = -30.0  # log probability of any sign where there is nothing
_SCALED, _TINY = 8, 1e-300  # after so many places small probabilities are scaled up; and none is less
_BEAM = 12  # texts that are followed
_LEAST = -9.0  # log probability of what is looked at, at a place
_MINE = 0.7  # of a mark's width: with so much of it in a digit's part of the row, all of it is that digit's
_SHARED = 0.3  # of the narrower of a mark and that part: with less of it in the part, none of it is the digit's
_LARGE = 64  # marks, of which each may be a frame around others
_INSIDE = 0.3  # of a mark's height: what it surrounds is higher than this, or it is no frame but a zero with a dot;
_AROUND = 0.5  # and of each side of that the frame covers more, or it is a digit on a line
_PLATE = 0.3  # of the picture's longer side: a mark that is longer, and filled, may be a badge, a key or a sheet,
_FILLED, _SQUARE = 0.66, 0.68  # if it covers so much of its box, and its shorter side is so much of its longer one
_INSET = 0.04  # of its shorter side: so far from its edge it is cut out
_COARSE, _CORE = 40, 0.4  # pixels of its longer side, and of that: a square of so much ink is wider than any pen
_SPECK = 8  # pixels: smaller holes in a filled shape are noise
_NEAR = 12  # pixels around a digit's ink: so much is looked at
_LOW, _BAR = 0.4, 0.35  # of a digit's height: so low are points and dashes; and so far from its top its bar ends
_OVERLAP = 0.15  # of the same: so far they may reach into it from the side
_DOT, _SMALL = 0.12, 0.55  # of a picture's height: a row between these is seen only cut out
_MARGIN = 0.15  # of the height of ink: so much around it is cut out with it
_ROOM, _FINE = 5, 4  # around strokes that are drawn: pixels; and how many times finer they are drawn than seen

Text = tuple[int, ...]
Cut = tuple[NDArray[np.uint8], Box]  # a digit cut out: in the model's form; and its box
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class RowText:
    """A number that a row may be, digit by digit: (L,) each.

    Attributes:
        signs: the digits.
        log_p: the log probability that they are right, given that it is a number.
        images: uint8 (L, 28, 28), the ink of each in the model's form.
        boxes: of each, in the cutting's pixels.
        scores: of the row, as from `scores`.
    """

    signs: Text
    log_p: float
    images: list[NDArray[np.uint8]]
    boxes: list[Box]
    scores: Scores

    def log_signs(self) -> Scores:
        """The log probabilities (L, 11) that each is each of the ten digits, or something else, given the rest."""
        texts = np.where(np.eye(len(self.signs), dtype=bool)[:, None], np.arange(OTHER + 1)[:, None], self.signs)
        log_signs = log_probabilities(self.scores, texts.reshape(-1, len(self.signs))).reshape(len(self.signs), -1)
        return np.asarray(log_signs - np.logaddexp.reduce(log_signs, axis=1, keepdims=True))


@cache
def _network() -> "onnxruntime.InferenceSession":
    return load_row_reader()


def scores(grey: Map) -> Scores:
    """The log probabilities (places, 12) of the signs in a grey picture, by place.

    Args:
        grey: float32 (H, W) in [0, 1], of either polarity.

    Raises:
        ModelError: the network's file is missing or damaged.
    """
    return scores_of_row(seen_row(grey))


def scores_in(cutting: Cutting) -> Scores:
    """The same of a part of a picture, of which it is asked only once."""
    if not cutting.seen:
        cutting.seen.append(scores(cutting.grey))
    return cutting.seen[0]


def scores_of_row(row: NDArray[np.uint8]) -> Scores:
    """The same of what `seen_row` gives."""
    if row.min() == row.max():
        bare = np.full((row.shape[1] // PLACE, NOTHING + 1), _UNLIKELY)
        bare[:, NOTHING] = 0
        return bare
    (found,) = _network().run(None, {"rows": row[None]})
    return np.asarray(found[0], np.float64)


def digits(scores: Scores) -> tuple[Scores, float]:
    """The log probability of each digit (10,), that it is there, and nothing else; and that nothing is."""
    return log_probabilities(scores, np.arange(10)[:, None]), float(scores[:, NOTHING].sum())


def numbers(cutting: Cutting) -> tuple[list[RowText], float]:
    """The likeliest numbers in a cutting, the likeliest first, and the log probability that it is one at all.

    There are none where it is most likely bare, or a number next to impossible.
    """
    scores = scores_in(cutting)
    texts = likeliest_texts(scores)
    if not next(iter(texts)):
        return [], 0.0
    numbers = _numbers(texts)
    if not numbers:  # the likeliest, however unlikely
        scores = scores.copy()
        scores[:, OTHER] = -np.inf
        numbers = _numbers(likeliest_texts(scores))
    log_number = float(np.logaddexp.reduce([*numbers.values()])) if numbers else -math.inf
    if log_number < _HOPELESS:
        return [], log_number
    most = max(numbers.values()) + _RIVAL
    likely = [(signs, log_p) for signs, log_p in numbers.items() if log_p >= most][:_RIVALS]
    marks, cut = Marks(cutting.ink >= 0.5), dict[Hashable, Cut]()
    return [row_text(cutting, marks, scores, s, p - log_number, cut) for s, p in likely], min(log_number, 0.0)


def row_text(
    cutting: Cutting,
    marks: Marks,
    scores: Scores,
    signs: Text,
    log_p: float,
    cut: dict[Hashable, Cut],
) -> RowText:
    """A number in a cutting, by the marks of its ink, with its digits where they most likely are.

    `cut` keeps what was cut out for others.
    """
    middles = places_of(scores, signs) * (cutting.grey.shape[1] / len(scores))
    return RowText(signs, log_p, *_parted(cutting, marks, middles, cut), scores)


def _numbers(texts: dict[Text, float]) -> dict[Text, float]:
    return {text: log_p for text, log_p in texts.items() if text and OTHER not in text}


def cuttings(picture: Cutting, marks: Marks) -> list[list[Cutting]]:
    """How a picture may be cut into rows, by the marks of its ink, each way from top to bottom.

    Left whole, which loses nothing, unless its only row is small in it; and around each row of ink.
    """
    boxes = marks.boxes[~_frames(marks)].astype(np.float64)
    around = [_cut(picture, boxes[members]) for members in rows_of(boxes)]
    small = len(around) == 1 and _DOT < len(around[0].grey) / len(picture.grey) < _SMALL
    return [*([] if small else [[picture]]), *([around] if around else [])]


def inside_filled(picture: Cutting, marks: Marks) -> list[list[Cutting]]:
    """What is in a large filled mark, such as a badge, or a sheet of paper on a table."""
    filled = (marks.area > _FILLED * marks.across * marks.down) & (marks.extent > _PLATE * max(picture.ink.shape))
    filled &= np.minimum(marks.across, marks.down) > _SQUARE * marks.extent
    if not filled.any():
        return []
    left, top, right, bottom = marks.boxes[filled.argmax()].tolist()
    inset = round(_INSET * min(right - left, bottom - top))
    part = np.s_[top + inset : bottom - inset, left + inset : right - inset]
    return [[Cutting(picture.grey[part], picture.ink[part], (left + inset, top + inset))]]


def solid(picture: Cutting, marks: Marks) -> bool:
    """Whether there is a filled shape, wider than any pen's line, with nothing in it or of any size beside it."""
    most = marks.extent.max(initial=0)
    if most <= _PLATE * max(picture.ink.shape) or (marks.extent > _PLATE * most).sum() > 1:
        return False
    main = int(marks.extent.argmax())
    left, top, right, bottom = marks.boxes[main].tolist()
    filled = picture.ink[top:bottom, left:right]
    if min(filled.shape) < most / 2 or marks.area[main] < filled.size / 3:
        return False
    coarse = np.pad(shrink(filled, _COARSE), 1)
    if largest(coarse < 0.5, round(_CORE * max(coarse.shape) / 2)).all():
        return False
    holes = Marks(filled < 0.5)
    return not (holes.area[holes.free] > _SPECK).any()


def _frames(marks: Marks) -> Mask:
    """Which marks are around others on all four sides, as rings and the lines of forms are."""
    large = np.argsort(-marks.down, kind="stable")[:_LARGE]
    left, top, right, bottom = marks.boxes[large].T[:, :, None]
    inside = (left < left.T) & (top < top.T) & (right > right.T) & (bottom > bottom.T)
    inside &= _INSIDE * (bottom - top) < (bottom - top).T
    frames = np.zeros(marks.count, bool)
    for frame in np.flatnonzero(inside.any(axis=1)).tolist():
        boxes = marks.boxes[large[inside[frame]]]
        (left, top), (right, bottom) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        mark = marks.mask(np.arange(marks.count) == large[frame])
        down, across = np.s_[top:bottom], np.s_[left:right]
        beside = mark[down, :left], mark[down, right:], mark[:top, across].T, mark[bottom:, across].T
        frames[large[frame]] = min(lines.any(axis=1).mean() for lines in beside) > _AROUND
    return frames


def _cut(picture: Cutting, boxes: NDArray[np.float64]) -> Cutting:
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    margin = _MARGIN * (high[1] - low[1]) + 2
    left, top = np.maximum(low - margin, 0).astype(int).tolist()
    right, bottom = np.ceil(high + margin).astype(int).tolist()
    part = np.s_[top:bottom, left:right]
    return Cutting(picture.grey[part], picture.ink[part], (left, top))


def seen_row(grey: Map) -> NDArray[np.uint8]:
    """A cutting as the network is given it: its mean is 128, its standard deviation 40, and ink lies above.

    Args:
        grey: float32 (H, W) in [0, 1], of either polarity.

    Returns:
        uint8 (HEIGHT, W), W a multiple of 4.
    """
    from PIL import Image

    width = min(max(round(grey.shape[1] * HEIGHT / grey.shape[0] / 4), 2) * 4, _WIDEST)
    if grey.shape != (HEIGHT, width):
        sized = Image.fromarray(grey).resize((width, HEIGHT), Image.Resampling.BICUBIC)
        grey = np.clip(np.asarray(sized), 0, 1)
    ink, _ = off_paper(grey)
    spread = float(ink.std())
    if spread < _FAINTEST:
        return np.full(grey.shape, 128, np.uint8)
    seen: NDArray[np.uint8] = np.clip(np.rint(128 + 40 * (ink - ink.mean()) / spread), 0, 255).astype(np.uint8)
    return seen


def drawn(strokes: list[Points]) -> tuple[Cutting, Units]:
    """A row of strokes in ink, dark on white, for the row reader; and its units, as in `Readings`.

    Args:
        strokes: (n, 2) arrays of x (right) and y (down), not all in one point.
    """
    from PIL import Image, ImageDraw

    points = np.concatenate(strokes)
    low, extent = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-300)
    scale = float(((np.array([_WIDEST, HEIGHT]) - 2 * _ROOM) / extent).min())
    size = math.ceil(round(extent[0] * scale, 6)) + 2 * _ROOM, HEIGHT
    origin = low + extent / 2 - np.array(size) / 2 / scale
    sheet = Image.new("L", (size[0] * _FINE, size[1] * _FINE))
    pencil, pen = ImageDraw.Draw(sheet), round(PEN_WIDTH * _FINE)
    for stroke in strokes:
        line = ((stroke - origin) * (scale * _FINE)).round()
        pencil.line([*map(tuple, line.tolist())], 255, pen)
        for x, y in (line[0].tolist(), line[-1].tolist()):
            pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), 255)
    ink: Map = np.asarray(sheet.reduce(_FINE), np.float32) / np.float32(255)
    return Cutting(1 - ink, ink), (1 / scale, (float(origin[0]), float(origin[1])))


def shown(grey: Map) -> NDArray[np.uint8]:
    """What the row reader makes out in a cutting, in the model's form: what is darkest, in a picture without ink."""
    darkness = (seen_row(grey).astype(np.float32) - 128) / np.float32(96)
    return fit_ink(np.clip(darkness, 0, 1))


def likeliest_numbers(scores: Scores) -> dict[str, float]:
    """The likeliest numbers that a row may be, and nothing else, and their probabilities; the likeliest first."""
    numbers = _numbers(likeliest_texts(scores))
    return {"".join(map(str, text)): math.exp(log_p) for text, log_p in numbers.items()}


def probability(scores: Scores, text: str) -> tuple[float, float]:
    """That a row is this number and nothing else, given that all in it are digits; and that they are."""
    log_digits = float(np.log1p(-np.minimum(np.exp(scores[:, OTHER]), 1 - 1e-9)).sum())
    log_text = float(log_probabilities(scores, np.array([[*map(int, text)]]))[0])
    return min(math.exp(log_text - log_digits), 1.0), math.exp(log_digits)


def _parted(
    cutting: Cutting, marks: Marks, middles: NDArray[np.float64], cut: dict[Hashable, Cut]
) -> tuple[list[NDArray[np.uint8]], list[Box]]:
    """The ink of digits at these places, in the model's form, and their boxes; `cut` keeps both by their marks.

    A mark is the digit's in whose part of the row most of it lies; where two share it, it is cut between them.
    """
    ends = [0, *((middles[:-1] + middles[1:]) / 2).round().astype(int).tolist(), cutting.ink.shape[1]]
    found = []
    for start, end in pairwise(ends):
        inside = np.minimum(marks.right, end) - np.maximum(marks.left, start)
        whole = inside >= _MINE * marks.across
        whole &= ~_beside(marks, whole)
        shared = (inside < _MINE * marks.across) & (inside > _SHARED * np.minimum(marks.across, end - start))
        key = whole.tobytes(), shared.tobytes(), (start, end) if shared.any() or not whole.any() else ()
        if key not in cut:
            cut[key] = _cut_out(cutting, marks, whole, shared, (start, max(end, start + 1)))
        found.append(cut[key])
    return [image for image, _ in found], [box for _, box in found]


def _cut_out(cutting: Cutting, marks: Marks, whole: Mask, shared: Mask, part: tuple[int, int]) -> Cut:
    """The ink of some marks, whole or as far as they are in a part of the row, in the model's form; and its box."""
    (start, end), ink = part, cutting.ink
    if (boxes := marks.boxes[whole | shared]).size:
        left, top = np.maximum(boxes[:, :2].min(axis=0) - _NEAR, 0).tolist()
        right, bottom = np.minimum(boxes[:, 2:].max(axis=0) + _NEAR, ink.shape[::-1]).tolist()
        around, box = ink[top:bottom, left:right], (left, top, right, bottom)
        mask, inside = marks.mask(whole, box), np.s_[max(start - left, 0) : max(end - left, 0)]
        mask[:, inside] |= marks.mask(shared, box)[:, inside]
        if mask.any():
            x, y = (np.flatnonzero(mask.any(axis=axis))[[0, -1]].tolist() for axis in (0, 1))
            near = np.s_[max(y[0] - _NEAR, 0) : y[1] + _NEAR, max(x[0] - _NEAR, 0) : x[1] + _NEAR]
            image = fit_ink(without(around[near], (around[near] >= 0.5) & ~mask[near]))
            return image, (left + x[0], top + y[0], left + x[1] + 1, top + y[1] + 1)
    return shown(cutting.grey[:, start:end]), (start, 0, end, ink.shape[0])


def _beside(marks: Marks, whole: Mask) -> Mask:
    """Which marks are points, commas or dashes beside the largest of a digit's, and none of its strokes."""
    if not whole.any():
        return whole
    main = int(np.where(whole, marks.down, 0).argmax())
    most = _OVERLAP * marks.down[main]
    beside = (marks.left > marks.right[main] - most) | (marks.right < marks.left[main] + most)
    high = marks.bottom < marks.top[main] + _BAR * marks.down[main]  # as the bar of a five is
    return np.asarray(beside & (marks.down < _LOW * marks.down[main]) & ~high)


def likeliest_texts(scores: Scores) -> dict[Text, float]:
    """The likeliest texts of a row and their log probabilities, the likeliest first, by prefix beam search.

    Args:
        scores: log probabilities (places, 12).
    """
    beam: dict[Text, tuple[float, float]] = {(): (0.0, -math.inf)}  # that it ends in nothing, and in its last sign
    for here in scores.tolist():
        found: dict[Text, tuple[float, float]] = {}
        likely = [sign for sign in range(NOTHING) if here[sign] > _LEAST]
        for text, (nothing, last) in beam.items():
            both = _sum(nothing, last)
            goes_on = last + here[text[-1]] if text else -math.inf
            found[text] = both + here[NOTHING], _sum(found.get(text, (0, -math.inf))[1], goes_on)
            for sign in likely:
                start = (nothing if text and text[-1] == sign else both) + here[sign]
                ends, so_far = found.get((*text, sign), (-math.inf, -math.inf))
                found[*text, sign] = ends, _sum(so_far, start)
        beam = dict(sorted(found.items(), key=lambda item: -_sum(*item[1]))[:_BEAM])
    return {text: _sum(*ways) for text, ways in beam.items()}


def _sum(one: float, other: float) -> float:
    """Of two probabilities, all as logarithms."""
    low, high = (one, other) if one < other else (other, one)
    return high + math.log1p(math.exp(low - high)) if low > -math.inf else high


def log_probabilities(scores: Scores, texts: NDArray[np.int64]) -> Scores:
    """The log probabilities (N,) of texts (N, L) of a row, equally long ones."""
    count, length = texts.shape
    signs = np.full((count, 2 * length + 1), NOTHING)
    signs[:, 1::2] = texts
    skips = np.pad(signs[:, 2:] != signs[:, :-2], ((0, 0), (2, 0)))
    here = np.exp(np.maximum(scores, _UNLIKELY))
    ways = np.zeros((count, 2 * length + 3))  # two more in front, from where nothing comes
    ways[:, 2:4], log_scale = here[0][signs[:, :2]], np.zeros(count)
    for place in range(1, len(here)):
        ways[:, 2:] = (ways[:, 2:] + ways[:, 1:-1] + skips * ways[:, :-2]) * here[place][signs]
        if place % _SCALED == 0:
            most = ways.max(axis=1)
            ways /= most[:, None]
            log_scale += np.log(most)
    return np.asarray(log_scale + np.log(np.maximum(ways[:, -2:].sum(axis=1), _TINY)))


def places_of(scores: Scores, text: Text) -> NDArray[np.float64]:
    """Where each sign of a text most likely is: its middle, in places from the left (L,)."""
    signs = np.array([NOTHING, *(part for sign in text for part in (sign, NOTHING))])
    count = len(signs)
    skips = np.pad(signs[2:] != signs[:-2], (2, 0))
    way, came = np.full(count + 2, -np.inf), np.zeros((len(scores), count), np.int64)
    way[2:4] = scores[0][signs[:2]]
    for place, here in enumerate(scores[1:], 1):
        options = np.array([way[2:], way[1:-1], np.where(skips, way[:-2], -np.inf)])
        came[place] = options.argmax(axis=0)
        way[2:] = options.max(axis=0) + here[signs]
    state = count - 1 if way[-1] >= way[-2] else count - 2
    at: list[list[int]] = [[] for _ in text]
    for place in range(len(scores) - 1, -1, -1):
        if state % 2:
            at[state // 2].append(place)
        state -= int(came[place, state])
    return np.array([np.mean(places) + 0.5 for places in at])
