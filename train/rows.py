"""Rows of digits to train the row reader on: composed of digits that people wrote, on paper of every kind.

A row is seen as the reader sees one at work: `seen_row` of a cutting that is photographed, scanned or drawn.
"""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitpad.files import write_whole
from digitpad.image.filters import Map
from digitpad.image.rows import HEIGHT, OTHER, drawn, seen_row
from digitpad.mnist_form import Points
from digitpad.reader import Box
from digitpad.stroke_files import Sample
from train.augmentation import distorted
from train.data import DataError, Digits, load_mnist, load_outliers, load_pen, load_uji
from train.paper import photographed, textured
from train.recipes import Strength
from train.synthetic.generate import VARIANTS, Way, in_turn, vary_strokes, write_digit
from train.synthetic.outliers import LIKE_NUMBERS, SEVERAL_DIGITS, drawn_outlier, painted_outlier

Random = np.random.Generator
WIDTHS = (16, 24, 32, 48, 72, 104, 144, 192, 256)  # of rows, in pixels: those of a batch are equally wide
# Ways to write digits that are seen in amounts and would pass for something else in a digit that stands alone.
_ALSO: dict[int, list[Way]] = {
    1: [
        [[(0.0, 0.95), (0.5, 0.0), (0.5, 0.0), (0.55, 1.0)]],  # as tall an upstroke as the stem
        [[(0.0, 0.85), (0.35, 0.6), (0.62, 0.2), (0.5, 0.0), (0.36, 0.2), (0.4, 0.7), (0.6, 1.0)]],  # like an l
    ],
    5: [[[(1.0, 0.02), (0.5, 0.05), (0.5, 0.05), (0.4, 0.97), (0.4, 0.97), (0.08, 0.62)]]],  # like a root
    7: [
        [  # like an f
            [(0.05, 0.45), (0.3, 0.35), (0.62, 0.12), (0.5, 0.0), (0.38, 0.15), (0.42, 0.5), (0.35, 1.0)],
            [(0.0, 0.62), (0.8, 0.58)],
        ]
    ],
    9: [
        [[(0.3, 1.0), (0.38, 0.5), (0.42, 0.1), (0.42, 0.1), (0.7, 0.02), (0.88, 0.25), (0.7, 0.5), (0.35, 0.52)]]
    ],  # P
}
_FINE = 3  # strokes are drawn so many times larger, and averaged
_BENT = 0.7  # of the pictures of digits: so many are distorted


@dataclass(frozen=True)
class Hands:
    """What rows are written with: strokes by writer, digits and letters, and digits as pictures."""

    images: Digits
    digits: list[dict[str, list[Sample]]]  # of each collection, by writer
    letters: list[list[Sample]]  # of each collection
    sources: list[str]


Rows = list[tuple[NDArray[np.uint8], list[int]]]  # each (HEIGHT, W), and what it says


def load_hands(data: Path | None, validation: bool) -> Hands:
    """The training or the validation part of what people wrote, as far as it is at hand.

    Raises:
        DataError: MNIST is unavailable.
    """
    part = "validation" if validation else "train"
    digits, sources = [], ["MNIST"]
    for name, load in (("UCI pen digits", load_pen), ("digits of UJI pen characters 2", load_uji)):
        try:
            samples = getattr(load(data), part)
        except DataError as error:
            print(f"train: going on without a part of the data: {error}", file=sys.stderr)
            continue
        by_writer: dict[str, list[Sample]] = {}
        for sample in samples:
            by_writer.setdefault(sample.writer or "", []).append(sample)
        digits.append(by_writer)
        sources.append(name)
    outliers = load_outliers(data)
    for missing in outliers.missing:
        print(f"train: going on without a part of the data: {missing}", file=sys.stderr)
    letters = outliers.validation if validation else outliers.train
    return Hands(getattr(load_mnist(data), part), digits, list(letters.values()), [*sources, *letters])


def bent(hands: Hands, count: int, seed: int) -> Hands:
    """The same hands with so many of their pictures, or all if there are fewer, most of them distorted."""
    images, labels = hands.images.images, hands.images.labels
    chosen = np.random.default_rng(seed).permutation(len(labels))[:count]
    few, labels = chosen[: int(_BENT * len(chosen))], labels[chosen]
    changed = distorted(Digits(images[few], labels[: len(few)]), Strength(), seed)
    images = np.concatenate([changed.images, images[chosen[len(few) :]]])
    return replace(hands, images=Digits(images, labels))


def make_rows(hands: Hands, count: int, seed: tuple[int, ...]) -> Rows:
    """Rows; equal seeds give equal ones."""
    rng = np.random.default_rng(seed)
    return [make_row(hands, rng) for _ in range(count)]


def write_rows(path: Path, rows: Rows) -> None:
    """Keep rows in a file, or fail without one."""
    pixels = np.concatenate([row.ravel() for row, _ in rows])
    signs = np.array([sign for _, text in rows for sign in text], np.uint8)
    widths, lengths = [row.shape[1] for row, _ in rows], [len(text) for _, text in rows]
    np.savez(buffer := io.BytesIO(), pixels=pixels, signs=signs, widths=widths, lengths=lengths)
    write_whole(path, buffer.getvalue())


def read_rows(path: Path) -> Rows:
    """Rows, as they were made."""
    with np.load(path) as arrays:
        pixels, signs = arrays["pixels"], arrays["signs"].tolist()
        widths, lengths = arrays["widths"], np.cumsum(arrays["lengths"]).tolist()
    ends = np.cumsum(widths * HEIGHT)[:-1]
    images = [part.reshape(HEIGHT, -1) for part in np.split(pixels, ends)]
    return list(zip(images, [signs[start:end] for start, end in pairwise([0, *lengths])], strict=True))


@dataclass(frozen=True)
class _Manner:
    """How one hand writes: how far it slants to the right, strays from the line, and whether it joins digits."""

    slant: float
    wander: float
    joined: bool


@dataclass
class _Row:
    """What is to be drawn, in heights of the row from its left end: `strokes` with the pen, and pictures."""

    strokes: list[Points] = field(default_factory=list)
    images: list[tuple[NDArray[np.uint8], float, float, float, float]] = field(default_factory=list)  # box
    label: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)  # of what the label names
    right: float = 0.0
    last: Points | None = None  # where the pen left the last digit


def make_row(hands: Hands, rng: Random) -> tuple[NDArray[np.uint8], list[int]]:
    """A row as the reader sees it, uint8 (HEIGHT, W) with W one of WIDTHS; and what it says: digits, and OTHER."""
    row = _written(hands, rng)
    if row.strokes and not row.images and rng.random() < 0.35:
        return _on_the_pad(row, rng) or make_row(hands, rng)
    pen = float(rng.choice([rng.uniform(0.035, 0.09), rng.uniform(0.06, 0.16)]))  # of a digit's height
    box, label, share = _extent(row, pen), row.label, rng.uniform(0.4, 0.97)  # of the height of what is seen
    if len(label) > 1 and rng.random() < 0.2:
        n = int(rng.integers(len(label)))
        if _stands_out(row.boxes[n], row.boxes):
            box, label = row.boxes[n], label[n : n + 1]
            sides = box[3] - box[1], box[2] - box[0]
            share = sides[0] / (sides[0] + 2 * rng.uniform(0.05, 0.2) * max(sides))
    scale = HEIGHT * share / max(box[3] - box[1], 0.3)
    inked, height = (box[2] - box[0]) * scale, HEIGHT * share
    if inked > WIDTHS[-1]:
        return make_row(hands, rng)
    room = [width for width in WIDTHS if width >= inked * rng.uniform(0.93, 1.0)]
    width = (room or WIDTHS[-1:])[0 if rng.random() < 0.85 or label is not row.label else min(1, len(room[1:]))]
    left = rng.uniform(min(width - inked, 0), max(width - inked, 0))
    top = rng.uniform(0, HEIGHT - height) - (rng.uniform(0, 0.08) * HEIGHT if rng.random() < 0.2 else 0)
    seen = np.zeros((HEIGHT, width), np.float32)
    ink, (x, y) = _drawn(row, pen, scale, rng)
    _lay(seen, ink, round(left + (x - box[0]) * scale), round(top + (y - box[1]) * scale))
    if rng.random() < 0.12:
        np.maximum(seen, _around((left, top, left + inked, top + height), seen.shape, pen * scale, rng), out=seen)
    for edge in (0, HEIGHT):
        if rng.random() < 0.08:  # the rows above and below
            ink, _ = _drawn(_written(hands, rng), pen, scale, rng)
            shown = round(rng.uniform(0.03, 0.15) * HEIGHT)
            _lay(seen, ink, round(rng.uniform(-0.5, 0.5) * width), shown - ink.height if edge == 0 else edge - shown)
    return seen_row(photographed(textured(seen, rng), rng)), label


def _on_the_pad(row: _Row, rng: Random) -> tuple[NDArray[np.uint8], list[int]] | None:
    """A row as the reader draws strokes, and paper after it or before; None if it is next to nothing, or too wide."""
    left, top, right, bottom = _extent(row, 0)
    if max(right - left, bottom - top) < 0.1:
        return None
    seen = seen_row(drawn(row.strokes)[0].grey)
    room = next((width for width in WIDTHS if width >= seen.shape[1]), 0) - seen.shape[1]
    if room < 0:
        return None
    before = int(rng.integers(room + 1))
    return np.pad(seen, ((0, 0), (before, room - before)), constant_values=seen.min()), row.label


def _stands_out(box: Box, boxes: list[Box]) -> bool:
    """Whether next to nothing of another digit is whole where this one, by its box, is cut out."""
    inside = [(min(box[2], other[2]) - max(box[0], other[0])) / (other[2] - other[0] + 1e-6) for other in boxes]
    return sum(share > 0.4 for share in inside) == 1


def _around(box: Box, shape: tuple[int, ...], pen: float, rng: Random) -> Map:
    """What people draw around a number: a ring, a frame, one or two lines under it."""
    left, top, right, bottom = box
    sheet = Image.new("L", (shape[1] * _FINE, shape[0] * _FINE))
    pencil = ImageDraw.Draw(sheet)
    kind = rng.choice(["ring", "frame", "line"], p=[0.4, 0.3, 0.3])
    out = rng.uniform(0.02, 0.25, 4) * (bottom - top)
    width = max(round(pen * rng.uniform(0.4, 1.1) * _FINE), 1)
    if kind == "line":
        for n in range(rng.choice([1, 2])):
            y, tilt = bottom + out[0] * 0.6 + n * (pen + out[3]), rng.normal(0, 0.04) * (right - left)
            ends = [(left - out[1], y - tilt), (right + out[2], y + tilt)]
            pencil.line([(x * _FINE, y * _FINE) for x, y in ends], fill=255, width=width)
    else:
        turn = np.linspace(0, 2 * np.pi * rng.uniform(0.93, 1.15), 40) + rng.uniform(0, 6)
        spread = 1.25 if kind == "ring" else 1.0
        middle, half = ((left + right) / 2, (top + bottom) / 2), ((right - left) / 2, (bottom - top) / 2)
        power = 1.0 if kind == "ring" else 0.15
        x = middle[0] + (half[0] * spread + out[0]) * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power
        y = middle[1] + (half[1] * spread + out[1]) * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power
        pencil.line([*zip((x * _FINE).tolist(), (y * _FINE).tolist(), strict=True)], fill=255, width=width)
    return np.asarray(sheet.reduce(_FINE), np.float32) / np.float32(255)


def _written(hands: Hands, rng: Random) -> _Row:
    """What one writer puts side by side: digits with or without points between them; or no digits at all."""
    row = _Row()
    kind = rng.random()
    count = int(rng.choice([1, 2, 3, 4, 5, 6, 7, 8], p=[0.3, 0.09, 0.11, 0.14, 0.15, 0.11, 0.06, 0.04]))
    gap = rng.choice([rng.uniform(-0.2, 0.1), rng.uniform(0.05, 0.25), rng.uniform(0.1, 0.8)], p=[0.35, 0.4, 0.25])
    loose, sizes, wander = rng.uniform(0, 0.12), rng.uniform(0, 0.15), rng.uniform(0, 0.1)
    slant = rng.normal(0.2, 0.25) if rng.random() < 0.85 else rng.uniform(0.3, 1.1)
    if kind < 0.03:
        return row  # bare paper
    digits, letters = _digits(hands, count > 1, rng), _letters(hands, count > 1, rng)
    none = kind < (0.5 if count == 1 else 0.15)
    few = 0.3 if kind > 0.95 and count > 1 else 0.0  # letters amid the digits
    amount = rng.random() < 0.35  # with points, and a dash at the end
    manner = _Manner(slant, wander, rng.random() < 0.2)
    zeros, ones = rng.random() < 0.35, rng.choice([0, 1, 2], p=[0.85, 0.1, 0.05])  # which numbers end and begin with
    small = rng.uniform(0.5, 1) if rng.random() < 0.4 else 1.0  # zeros are often smaller
    if rng.random() < 0.03:
        _mark(row, "-=", rng)
    for n in range(count):
        wanted = 0 if zeros and n >= count / 2 else 1 if n < min(ones, count - 1) else None
        if wanted is None and row.label and row.label[-1] != OTHER and rng.random() < 0.08:
            wanted = row.label[-1]
        label, shape = (letters if none or rng.random() < few else digits)(wanted)
        size = np.exp(rng.normal(0, sizes)) * (small if label == 0 and n else 1)
        if row.label:
            row.right += gap + rng.normal(0, loose)
        _put(row, label, shape, size, manner, rng)
        left = count - 1 - n
        if amount and left and (left % 3 == 0 or rng.random() < 0.05) and rng.random() < 0.8:
            _mark(row, ".,.", rng)
    if amount and rng.random() < 0.5:
        if rng.random() < 0.6:
            _mark(row, ".", rng)
        _mark(row, "-=-~", rng)
    return row


Shape: TypeAlias = "list[Points] | NDArray[np.uint8]"
Write = Callable[[int | None], tuple[int, Shape]]


def _digits(hands: Hands, several: bool, rng: Random) -> Write:
    """One hand's digits: strokes of one writer of a collection, generated ones, or pictures."""
    source = rng.choice(["pictures", "people", "generated"], p=[0.4, 0.3, 0.3])
    writers = hands.digits[rng.integers(len(hands.digits))] if hands.digits else {}
    mine = writers[list(writers)[rng.integers(len(writers))]] if writers else []
    ways: dict[int, Way] = {}  # one hand writes a digit one way

    def write(wanted: int | None) -> tuple[int, Shape]:
        label = int(rng.integers(10)) if wanted is None else wanted
        if source == "pictures" and len(hands.images):
            found = np.flatnonzero(hands.images.labels == label) if wanted is not None else None
            n = int(rng.integers(len(hands.images)) if found is None else rng.choice(found))
            return int(hands.images.labels[n]), hands.images.images[n]
        samples = [sample for sample in mine if sample.label == str(label)] if source == "people" else []
        if samples:
            return label, vary_strokes(samples[rng.integers(len(samples))].strokes, rng)
        if label not in ways:
            names, also = in_turn(str(label)), _ALSO.get(label, []) if several else []
            n = int(rng.integers(len(names) + 4 * len(also)))
            ways[label] = VARIANTS[str(label)][names[n]] if n < len(names) else also[(n - len(names)) // 4]
        return label, write_digit(ways[label], rng)

    return write


def _letters(hands: Hands, several: bool, rng: Random) -> Write:
    """What is no digit: letters of one collection, or what we generate."""
    source = rng.choice(["people", "drawn", "pictures"], p=[0.6, 0.3, 0.1] if several else [0.45, 0.3, 0.25])
    letters = hands.letters[rng.integers(len(hands.letters))] if hands.letters else []

    def write(_: int | None) -> tuple[int, Shape]:
        if source == "pictures":
            return OTHER, painted_outlier(rng)
        if source == "drawn" or not letters:
            return OTHER, drawn_outlier(rng, LIKE_NUMBERS | {"small marks"} if several else SEVERAL_DIGITS)
        return OTHER, vary_strokes(letters[rng.integers(len(letters))].strokes, rng)

    return write


def _put(row: _Row, label: int, shape: Shape, size: float, manner: _Manner, rng: Random) -> None:
    """Add a digit to a row, its foot about on the line."""
    slant, foot = manner.slant + rng.normal(0, 0.07), rng.normal(0, manner.wander)
    row.label.append(label)
    if isinstance(shape, np.ndarray):
        rows, columns = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
        cut = shape[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if abs(slant) > 0.1:
            cut = _sheared(cut, 0.5 * slant)
        scale = size / max(cut.shape[0], 0.35 * cut.shape[1])
        width, height = cut.shape[1] * scale * np.exp(rng.normal(0, 0.1)), cut.shape[0] * scale
        row.images.append((cut, row.right, -height + foot, row.right + width, foot))
        row.boxes.append(row.images[-1][1:])
        row.right += width
        row.last = None
        return
    points = np.concatenate(shape)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size / max(high[1] - low[1], 0.35 * (high[0] - low[0]), 1e-6)
    placed = [(stroke - (low[0], high[1])) * scale for stroke in shape]
    wide = np.exp(rng.normal(0, 0.1))
    placed = [np.stack([wide * stroke[:, 0] - 0.7 * slant * stroke[:, 1], stroke[:, 1]], axis=1) for stroke in placed]
    left = min(float(stroke[:, 0].min()) for stroke in placed)
    placed = [stroke + np.array([row.right - left, foot]) for stroke in placed]
    if manner.joined and row.last is not None and rng.random() < 0.7:
        start, end = row.last[-1], placed[0][0]
        middle = (start + end) / 2 + (0, rng.uniform(-0.15, 0.25))
        t = np.linspace(0, 1, 8)[:, None]
        row.strokes.append((1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end)
    row.strokes += placed
    row.boxes.append(_extent(_Row(placed), 0))
    row.right = row.boxes[-1][2]
    row.last = placed[-1]


def _sheared(cut: NDArray[np.uint8], slant: float) -> NDArray[np.uint8]:
    height, width = cut.shape
    room = abs(slant) * height
    to = (1, slant, -room if slant > 0 else 0, 0, 1, 0)
    sheared = Image.fromarray(cut).transform(
        (round(width + room), height), Image.Transform.AFFINE, to, Image.Resampling.BICUBIC
    )
    return np.asarray(sheared)


def _mark(row: _Row, among: str, rng: Random) -> None:
    """Add a point, a comma or a dash, which is no digit and is read over."""
    mark = among[rng.integers(len(among))]
    left = row.right + rng.uniform(-0.03, 0.15)
    if mark in "-=~":
        left += rng.uniform(0, 0.3) if rng.random() < 0.7 else rng.uniform(0.2, 1.2)
    line = np.linspace(0, 1, 6)[:, None]
    if mark in ".,":
        end = (0.0, 0.0) if mark == "." else (rng.uniform(-0.12, 0.02), rng.uniform(0.08, 0.25))
        strokes = [np.array([left, rng.normal(-0.03, 0.04)]) + line * (end + rng.normal(0, 0.02, 2))]
    else:
        width = rng.uniform(0.15, 0.8) if rng.random() < 0.65 else rng.uniform(0.5, 2.5)
        level = rng.uniform(-0.6, -0.05)
        rise = rng.normal(-0.03, 0.08)
        between = rng.uniform(0.12, 0.3)
        levels = [level - between / 2, level + between / 2] if mark == "=" else [level]
        strokes = [
            np.array([left + rng.normal(0, 0.03), y])
            + line * (width * np.exp(rng.normal(0, 0.1)), rise)
            + np.sin(line * np.pi * 2) * (0, rng.uniform(0.02, 0.1) if mark == "~" else 0)
            for y in levels
        ]
    row.strokes += strokes
    row.right = max(row.right, max(float(stroke[:, 0].max()) for stroke in strokes)) + rng.uniform(-0.02, 0.1)
    row.last = None


def _extent(row: _Row, pen: float) -> Box:
    """Of its ink."""
    points = np.concatenate([*row.strokes, *(np.reshape(image[1:], (2, 2)) for image in row.images), np.empty((0, 2))])
    if not len(points):
        return 0.0, 0.0, 0.0, 0.0
    low, high = points.min(axis=0) - pen / 2, points.max(axis=0) + pen / 2
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _drawn(row: _Row, pen: float, scale: float, rng: Random) -> tuple[Image.Image, tuple[float, float]]:
    """A row drawn at so many pixels to a height, 255 = ink, and where in the row the picture begins."""
    left, top, right, bottom = _extent(row, pen)
    sheet = Image.new("L", (round((right - left) * scale) + 2, round((bottom - top) * scale) + 2))
    if row.strokes:
        fine = Image.new("L", (sheet.width * _FINE, sheet.height * _FINE))
        pencil = ImageDraw.Draw(fine)
        for stroke in row.strokes:
            _line(pencil, (stroke - (left, top)) * scale * _FINE, pen * scale * _FINE)
        sheet = fine.reduce(_FINE)
    wide = rng.choice([0, 0, 1])  # whether pictures are made bolder
    for cut, x0, y0, x1, y1 in row.images:
        size = max(round((x1 - x0) * scale), 1), max(round((y1 - y0) * scale), 1)
        piece = Image.fromarray(cut).resize(size, Image.Resampling.BICUBIC)
        if wide:
            piece = piece.point(lambda v: min(int(v * 1.7), 255))
        place = round((x0 - left) * scale), round((y0 - top) * scale)
        merged = np.asarray(sheet).copy()
        part = merged[max(place[1], 0) : place[1] + size[1], max(place[0], 0) : place[0] + size[0]]
        np.maximum(part, np.asarray(piece)[: part.shape[0], : part.shape[1]], out=part)
        sheet = Image.fromarray(merged)
    return sheet, (left, top)


def _line(pencil: ImageDraw.ImageDraw, points: Points, width: float) -> None:
    broad = max(round(width), 1)
    flat = [(float(x), float(y)) for x, y in points]
    if len(flat) > 1:
        pencil.line(flat, fill=255, width=broad, joint="curve" if broad > 4 else None)
    for x, y in (flat[0], flat[-1]):
        pencil.ellipse([x - broad / 2, y - broad / 2, x + broad / 2, y + broad / 2], fill=255)


def _lay(seen: Map, ink: Image.Image, x: int, y: int) -> None:
    sheet = Image.new("L", (seen.shape[1], seen.shape[0]))
    sheet.paste(ink, (x, y))
    np.maximum(seen, np.asarray(sheet, np.float32) / np.float32(255), out=seen)
