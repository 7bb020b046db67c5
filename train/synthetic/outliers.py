# ruff: noqa: E501
"""Generated non-digits, in the model's form: to train on (outlier exposure) and to measure with.

After D. Hendrycks, M. Mazeika, T. Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019. Every kind has
shapes that are trained on and others that are held out, and some kinds are held out as a whole, so that figures from
the held-out ones are about things no model has seen. Two kinds hold out less: uniform grey only other levels, several
digits only which two come first. What a person might take for a digit is left out: reading a real digit correctly is
worth more than rejecting a letter O.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitpad.mnist_form import BOX, CENTRE, PEN_WIDTH, SIZE, centre_of_mass, render_strokes
from train.corruption import to_bytes
from train.data import Images, Labels
from train.synthetic.generate import VARIANTS, Polyline, Skeleton, Strokes, turned, write_digit
from train.synthetic.glyphs import trace_glyphs

Maps = NDArray[np.float64]  # (N, 28, 28) in [0, 1]
Random = np.random.Generator
Painter = Callable[[int, Random], Images]

# Left out: what looks like a digit in handwriting, such as B C D G I J L O Q S U Y Z, a slash or a bracket, and whatever
# is close to these; a lambda, also mirrored, as it is a 1 whose first stroke is long.
LETTERS = "AEFHKMNRTWXadefkmntvwx"
HELD_OUT_LETTERS = "PÆhp"
FONTS = ("DejaVuSans", "DejaVuSerif", "STIXGeneralItalic", "DejaVuSansMono-Oblique")
FOREIGN = (
    "ДЖИЙЛПШЩЮЂЉЊЋѢѪѬѰҢҰКджийклмнптщшюљњћѣѫѭѱқңұΔΞΨμπχψω"  # Cyrillic and Greek
    "ԲԵԷԹԻԽՔՖաբեէթիխպփⴲⴼⴽⴿⵅⵋⵌⵣⵥກຫພຟຜ"  # Armenian, Tifinagh and Lao
    "ɖɦɧɮɯɰɱɲɴɶʀʁʉʍʜʞʣʤʥʦʧʨʩʪʬ"  # of the phonetic alphabet
    "ᐄᐆᐋᑏᑑᑖᒨᒫᕌ"  # Canadian syllabics
)
# Left out: what a hand makes a 2 or a 7 of, such as the Hebrew bet and kaf, and the Arabic jim and khah.
HELD_OUT_FOREIGN = "אמתשبتثسشصضفكنლოღფ"  # Hebrew, Arabic and Georgian
# Letters as hands write them, and some that those fonts lack: strokes parted by |, points by spaces, each point x and y
# from 0 to 9. A point given twice is a corner.
WRITTEN_LETTERS = (
    "19 13 50 83 89|15 85", "90 10 10 19 19 99|15 75", "15 85 71 30 14 27 58 97", "81 50 32 39|14 74",
    "10 19|74 16 16 89", "13 19 19 15 33 45 49 49 54 73 85 89", "13 28 28 54 54 78 78 93", "03 18 48 43 58 88 93",
    "13 35 57 88|83 28", "30 37 59 78|13 73", "85 54 26 38 68 85|90 88 99", "09 10 10 55 55 90 90 99",
    "09 00 00 89 89 80", "10 19|10 61 64 15|45 89", "10 19|10 80|14 64", "10 19|80 15 15 89", "19 10 10 55 90 90 99",
)  # fmt: skip
HELD_OUT_WRITTEN_LETTERS = (
    "10 19|10 71 74 15",
    "12 19|13 52 75 57 16",
    "10 19|15 43 75 79",
    "50 09|90 50 50 59 59 99|25 85",
)
WRITTEN_FOREIGN = (
    "03 93|50 59|53 08|53 98", "03 93|50 53 08|53 98", "50 59|13 43 43 08|93 55|54 98", "12 24|82 63|50 54 09|54 99",
    "40 15 88|70 56 09|03 93", "11 19|11 91 91 99|15 95|51 59|19 99", "12 16|12 82 82 86|16 86|50 59",
    "50 58|13 18 18 88|83 88", "12 82|40 46 58|73 46 18 06 34 75 87 68 59", "12 82|14 84|40 76|27 19 69",
    "10 18|33 93|70 66 49", "12 82|14 84|50 57 38 17 36 88", "50 47 69 87|22 72|25 75", "14 83 85 66|41 52|20 59",
    "12 82 82 79 68|40 19", "30 14|22 92|72 49", "03 93|20 25|70 76 39", "02 92|50 59|25 08|75 98", "70 09|23 88",
    "11 41 41 18|70 79|74 94", "11 17 17 47|70 79|74 94", "01 91|51 59|54 25 17 37 54 85 87 67", "01 91|71 79|74 34 35",
    "06 12 41 72 96|45 46", "00 15 46 75 90|19 39|59 89", "90 00 00 09 09 99|55 65", "00 90 90 99 99 09|35 45",
    "09 00 00 90 90 99|43 45", "30 33|60 63|05 18 49 78 95", "03 14 47 74 93|00 90", "91 30 04 38 99|35 36|65 66",
)  # fmt: skip
HELD_OUT_WRITTEN_FOREIGN = (
    "50 51|02 92|72 09|22 99", "01 91|51 06|53 59|64 97", "10 90|15 85|09 99|50 59", "50 59 38|23 06|73 96",
    "70 11|13 83|05 95|50 58 39", "03 73 73 69 58|40 19|82 94", "04 94|71 76 66|20 28 88", "10 19|33 93|70 77 59 48 67 98",
    "02 62|40 19|54 84|58 78 99", "11 51|11 17 17 57|70 79|74 94",
)  # fmt: skip
PUNCTUATION = '?@#€£¥"«»:'
HELD_OUT_PUNCTUATION = "‡„”⁂※"
ARITHMETIC = "+-=×÷±<>≤≥≠∞πΣ"
HELD_OUT_ARITHMETIC = "*√%≈⊩∈↔∀"  # not ∓, a 7 with a wide bar

# Halves of digits that are not digits themselves: the digit, the half that is left, and the ways of writing it left out.
_SLIM = ("slim", "upright", "narrow circles")
_OPEN_FOURS = (
    "open", "lightning", "narrow lightning", "one stroke", "lightning in one stroke", "narrow lightning in one stroke",
    "arched", "folded", "like an H", "like a u", "looped in one stroke",
)  # fmt: skip
_NO_LEFT_HALVES = (*_SLIM, "entry stroke", "circles apart", "small head")
_NO_BOTTOMS = ("big loop", "cursive", "curled and looped", "short base", "closed curl, short base", "narrow")
HALVES = (
    ("2", "bottom", _NO_BOTTOMS), ("3", "middle out", ()), ("4", "left", _OPEN_FOURS), ("5", "top", ()),
    ("8", "left", _NO_LEFT_HALVES), ("0", "top", ("narrow", "entry stroke", "slashed")),
)  # fmt: skip
HELD_OUT_HALVES = (
    ("0", "middle out", ("narrow", "lying")), ("5", "left", ("without a bar",)), ("8", "middle out", _SLIM),
)  # fmt: skip
# An open 4 lies like a 2 or a 5, a 3 whose upper bowl is curled or small like an 8, a 9 or a 6.
_LYING_ALIKE = (*_OPEN_FOURS, "curled", "curled and looped", "small upper bowl")


def generate_outliers(count: int, seed: int, held_out: bool = False) -> tuple[Images, Labels]:
    """Generate pictures of non-digits; equal arguments, equal pictures.

    Args:
        count: how many. Kinds to train on come as often as is useful there (letters more often than noise), those held
            out equally often.
        seed: of the random numbers.
        held_out: only shapes that are never trained on, instead of only those that are.

    Returns:
        Images, uint8 (count, 28, 28), 0 = paper, 255 = ink, none of them blank; and the kind of each as its place in
        KINDS, int64 (count,). In random order.
    """
    painters = {place: pair[held_out] for place, pair in enumerate(_PAINTERS.values())}
    shares = [0 if not paint else 1 if held_out else _SHARES.get(KINDS[place], 1) for place, paint in painters.items()]
    rota = np.repeat(np.arange(len(KINDS)), shares)
    labels = np.random.default_rng(seed).permutation(np.resize(rota, count))
    images = np.empty((count, SIZE, SIZE), np.uint8)
    for place, paint in painters.items():
        mine = labels == place
        if paint and mine.any():
            images[mine] = paint(int(mine.sum()), np.random.default_rng([seed, place, held_out]))
    return images, labels


def validation_outliers(each: int = 300) -> dict[str, Images]:
    """Non-digits to calibrate with, by kind: shapes that are trained on, as no round of the pool shows them."""
    return {
        kind: to_train_on(each, np.random.default_rng([2, place]))
        for place, (kind, (to_train_on, _)) in enumerate(_PAINTERS.items())
        if to_train_on
    }


def outlier_strokes(each: int, seed: int) -> dict[str, list[Strokes]]:
    """Non-digits as strokes, in shapes never trained on: of every kind that is drawn and never is like a number."""
    return {
        kind: [held_out.draw(np.random.default_rng([seed, place, number])) for number in range(each)]
        for place, (kind, (_, held_out)) in enumerate(_PAINTERS.items())
        if isinstance(held_out, _Inked) and kind not in LIKE_NUMBERS
    }


def drawn_outlier(rng: Random, but: frozenset[str]) -> Strokes:
    """A non-digit as strokes, in a shape to train on, of any kind but some."""
    drawn = [
        (kind, paint.draw) for kind, (paint, _) in _PAINTERS.items() if isinstance(paint, _Inked) and kind not in but
    ]
    shares = np.array([_SHARES.get(kind, 1) for kind, _ in drawn])
    return drawn[rng.choice(len(drawn), p=shares / shares.sum())][1](rng)


def painted_outlier(rng: Random) -> NDArray[np.uint8]:
    """A non-digit (28, 28) in a shape to train on, each kind as likely, but never several digits."""
    paints = [paint for kind, (paint, _) in _PAINTERS.items() if paint and kind not in SEVERAL_DIGITS]
    picture: NDArray[np.uint8] = paints[rng.integers(len(paints))](1, rng)[0]
    return picture


# Strokes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Inked:
    """Paints what a function draws as strokes, half of it with a pen that is thinner or wider than usual."""

    draw: Callable[[Random], Strokes]

    def __call__(self, count: int, rng: Random) -> Images:
        pens = np.where(rng.random(count) < 0.5, PEN_WIDTH, rng.uniform(1.6, 3.6, count))
        return np.stack([render_strokes(self.draw(rng), pen) for pen in pens])


def _glyphs(letters: str, fonts: Sequence[str] = ("DejaVuSans",), written: Sequence[str] = ()) -> Painter:
    """Paint letters of the fonts and, a third of the time if there is a table, its letters."""
    table = [_read(letter) for letter in written]

    def draw(rng: Random) -> Strokes:
        from_table = table and rng.random() < 1 / 3
        return write_digit(table[rng.integers(len(table))] if from_table else _glyph(letters, fonts, rng), rng)

    return _Inked(draw)


def _read(written: str) -> Skeleton:
    return [[(int(point[0]) / 9, int(point[1]) / 9) for point in stroke.split()] for stroke in written.split("|")]


def _glyph(letters: str, fonts: Sequence[str], rng: Random) -> Skeleton:
    glyphs = trace_glyphs(fonts[int(rng.integers(len(fonts)))], letters)
    return glyphs[rng.integers(len(glyphs))]


def _scribble(rng: Random) -> Strokes:
    """A curve through many random points, a coil, a zigzag, a spiral, a rosette, a wave, chords, or short strokes."""
    manner = rng.integers(8)
    if manner == 0:
        line = rng.random((rng.integers(8, 18), 2))
    elif manner == 1:
        t = np.arange(0, rng.uniform(3, 6), 0.125)
        line = np.stack([t * rng.uniform(0.1, 0.6) + np.cos(t * 2 * np.pi) / 2, np.sin(t * 2 * np.pi) / 2], axis=1)
    elif manner == 2:
        corners = np.arange(rng.integers(7, 14))
        line = np.stack([corners * rng.uniform(0.1, 0.35), corners % 2 + rng.normal(0, 0.15, len(corners))], axis=1)
    elif manner == 3:
        t = np.arange(0, rng.uniform(2.2, 4.5), 0.125)
        line = (t * rng.choice([-1, 1]) + 0.2)[:, None] * np.stack([np.cos(t * 2 * np.pi), np.sin(t * 2 * np.pi)], 1)
    elif manner == 4:
        t = np.linspace(0, 2 * np.pi, 80)[:, None]
        inner, times = rng.uniform(0.4, 0.9), rng.choice([-6, -5, -4, 4, 5, 6])
        line = np.hstack([np.cos(t), np.sin(t)]) + inner * np.hstack([np.cos(times * t), np.sin(times * t)])
    elif manner == 5:
        t = np.arange(0, rng.uniform(4, 7), 0.1)
        line = np.stack([t * rng.uniform(0.3, 0.8), np.sin(t * 2 * np.pi) * rng.uniform(0.7, 1, len(t))], axis=1)
    elif manner == 6:
        t = rng.uniform(0, 2 * np.pi, rng.integers(12, 20))
        line = np.stack([np.cos(t), np.sin(t)], axis=1)
    else:
        pieces = [rng.random((rng.integers(2, 4), 2)) * 0.5 + rng.random(2) * 0.8 for _ in range(rng.integers(4, 9))]
        return write_digit([_points(piece) for piece in pieces], rng)
    return write_digit([_points(turned(line, rng.uniform(0, 2 * np.pi)))], rng)


def _other_scribble(rng: Random) -> Strokes:
    """A wandering line, a Lissajous figure, or hatching."""
    manner = rng.integers(3)
    if manner == 0:
        line = np.array([(0.0, 0.0), (0.0, 1.0)])
        while np.divide(*np.sort(np.ptp(line, axis=0))) < 0.6:  # not a 1 in a shaky hand
            headings = np.cumsum(rng.normal(0, 0.9, rng.integers(60, 100))) + rng.uniform(0, 2 * np.pi)
            line = np.cumsum(np.stack([np.cos(headings), np.sin(headings)], axis=1) * 0.2, axis=0)
    elif manner == 1:
        t = np.linspace(0, 2 * np.pi, 60)
        a, b = rng.permutation([3, 4, 5])[:2]
        line = np.stack([np.sin(a * t + rng.uniform(0.5, 1)), np.sin(b * t)], axis=1)
    else:
        strokes = rng.integers(5, 9)
        ends = [[(0.15 * k, 0.0), (0.15 * k + 0.2, 1.0)] for k in range(strokes)]
        return write_digit([_points(turned(np.array(end), rng.uniform(-1.5, 1.5))) for end in ends], rng)
    return write_digit([_points(line / np.ptp(line, axis=0).max())], rng)


def _made_up(letters: str, rng: Random) -> Strokes:
    """A sign from no script: strokes of several letters, each turned and scaled, thrown together."""
    pieces = rng.integers(4, 7)
    strokes: Skeleton = []
    while len(strokes) < pieces:
        glyph = _glyph(letters, ("DejaVuSans",), rng)
        piece = np.array(glyph[rng.integers(len(glyph))])
        if np.ptp(piece, axis=0).max() < 0.35:
            continue
        piece = turned(piece - piece.mean(axis=0), rng.uniform(0, 2 * np.pi)) * rng.uniform(0.5, 1)
        strokes.append(_points(piece + rng.uniform(0, 0.6, 2)))
    return write_digit(strokes, rng)


def _half_digit(halves: Sequence[tuple[str, str, Sequence[str]]], rng: Random) -> Strokes:
    label, half, left_out = halves[int(rng.integers(len(halves)))]
    strokes = _random_digit(label, rng, left_out)
    low, high = _box(strokes)
    kept = []
    for stroke in strokes:
        x, y = ((stroke - low) / (high - low)).T
        cut = rng.uniform(0.42, 0.52)
        keep = {"left": x < cut, "top": y < cut, "bottom": y > 1 - cut, "middle out": abs(y - 0.5) > 0.22}[half]
        ends = [0, *(np.flatnonzero(np.diff(keep)) + 1), len(stroke)]
        kept += [stroke[start:end] for start, end in itertools.pairwise(ends) if keep[start]]
    return kept


def _several_digits(held_out: bool, rng: Random) -> Strokes:
    """Two digits, sometimes three, side by side or one above the other.

    A quarter of all pairs is held out, but only as the first two: a third digit may be any, here and in training, and may
    make such a pair with the second.
    """
    stacked = rng.random() < 0.15
    # A ring above a ring is an 8, and a line above a line a 1.
    possible = [2, 3, 4, 5] if stacked else range(10)
    pairs = [(a, b) for a in possible for b in possible if ((a * 10 + b) % 4 == 0) is held_out]
    labels = [str(digit) for digit in pairs[int(rng.integers(len(pairs)))]]
    if rng.random() < 0.2:
        labels.append(str(rng.choice(possible)))
    strokes: Strokes = []
    for label in labels:
        digit = _random_digit(label, rng)
        low, high = _box(digit)
        size = rng.uniform(0.8, 1.15)
        if not strokes:
            strokes, edge = [(stroke - low) * size for stroke in digit], (high - low) * size
            continue
        gap = rng.uniform(15, 40) if stacked or "1" in labels else rng.uniform(-12, 40)
        place = np.array([rng.uniform(-10, 10), edge[1] + gap] if stacked else [edge[0] + gap, rng.uniform(-15, 15)])
        strokes += [(stroke - low) * size + place for stroke in digit]
        edge = place + (high - low) * size
    return strokes


def _struck_out(held_out: bool, rng: Random) -> Strokes:
    """A digit under a cross, a zigzag or several lines; of those held out, under a coil or a grid."""
    digit = _random_digit(str(rng.integers(10)), rng)
    low, high = _box(digit)
    manner = rng.integers(2 if held_out else 3)
    over: Skeleton
    if held_out and manner == 0:
        t = np.arange(0, rng.uniform(3, 5), 0.125)
        coil = np.stack([t / t[-1] + 0.15 * np.cos(t * 2 * np.pi), 0.5 + 0.35 * np.sin(t * 2 * np.pi)], axis=1)
        over = [_points(coil)]
    elif held_out:
        over = [[(-0.1, y), (1.1, y)] for y in (0.2, 0.5, 0.8)] + [[(x, -0.1), (x, 1.1)] for x in (0.15, 0.85)]
    elif manner == 0:
        over = [[(-0.1, 0), (1.1, 1)], [(1.1, 0), (-0.1, 1)]]
    elif manner == 1:
        corners = np.arange(rng.integers(5, 8))
        over = [_points(np.stack([corners / corners[-1], 0.15 + 0.7 * (corners % 2)], axis=1))]
    else:
        over = [[(-0.2, y), (1.2, y)] for y in np.linspace(0.2, 0.8, rng.integers(3, 5))]
    size = np.maximum(high - low, 50)
    return digit + [stroke / 100 * size + (low + high - size) / 2 for stroke in write_digit(over, rng)]


def _small_mark(rng: Random) -> Strokes:
    """A tap's tremble, a dash, a few dots, or dashes in a row; a lone dot is blank for `predict_strokes`."""
    manner = rng.integers(4)
    if manner == 0:
        return [np.cumsum(rng.normal(0, (1.3, 0.8), (rng.integers(10, 20), 2)), axis=0)]
    if manner == 1:
        return [np.array([(0, 0), (1, rng.uniform(-0.4, 0.4))])]
    if manner == 2:
        return [rng.random((1, 2)) * (1, 0.8) for _ in range(rng.integers(2, 6))] + [np.zeros((1, 2)), np.ones((1, 2))]
    return [np.array([(k, 0.0), (k + 0.6, rng.uniform(-0.2, 0.2))]) for k in range(rng.integers(2, 5))]


def _other_small_mark(rng: Random) -> Strokes:
    """A ring of dots, a row of them, or a dash with dots."""
    manner = rng.integers(3)
    dots = np.arange(rng.integers(4, 8))
    if manner == 0:
        turn = dots / len(dots) * 2 * np.pi
        return list(np.stack([np.cos(turn), 0.8 * np.sin(turn)], 1)[:, None] + rng.normal(0, 0.05, (len(dots), 1, 2)))
    if manner == 1:
        return list(np.stack([dots, rng.uniform(-0.3, 0.3) * dots], 1)[:, None] + rng.normal(0, 0.1, (len(dots), 1, 2)))
    return [np.array([(0, 0), (1, rng.uniform(-0.3, 0.3))]), rng.uniform(-0.3, 1, (1, 2)), rng.uniform(0, 1.3, (1, 2))]


def _lying_digit(rng: Random) -> Strokes:
    """A digit turned by a right angle: a 3, 4 or 8, since others would look like digits again."""
    turn = rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.15)
    return [turned(stroke, turn) for stroke in _random_digit(str(rng.choice([3, 4, 8])), rng, _SLIM + _LYING_ALIKE)]


def _random_digit(label: str, rng: Random, left_out: Sequence[str] = ()) -> Strokes:
    ways = [way for name, way in VARIANTS[label].items() if name not in left_out]
    return write_digit(ways[rng.integers(len(ways))], rng)


def _points(line: NDArray[np.float64]) -> Polyline:
    return [(float(x), float(y)) for x, y in line]


def _box(strokes: Strokes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the largest x and y."""
    points = np.concatenate(strokes)
    return points.min(axis=0), np.maximum(points.max(axis=0), points.min(axis=0) + 1)


# Shapes ----------------------------------------------------------------------------------------------------------


def _corners(*points: tuple[float, float]) -> Polyline:
    """A closed polygon with sharp corners."""
    return [point for corner in (*points, points[0]) for point in (corner, corner)]


def _star(tips: int, inner: float) -> Polyline:
    turn = (np.arange(2 * tips) / (2 * tips) - 0.25) * 2 * np.pi
    radius = np.where(np.arange(2 * tips) % 2, inner, 1)
    return _corners(*_points(0.5 + 0.5 * radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)))


def _ellipse(width: float) -> Polyline:
    turn = np.linspace(0, 2 * np.pi, 17)
    return _points(np.stack([width * np.cos(turn), np.sin(turn)], axis=1) / 2)


_TIPS = [(0.5 + 0.5 * np.sin(k * 0.8 * np.pi), 0.5 - 0.5 * np.cos(k * 0.8 * np.pi)) for k in range(5)]

OUTLINES: dict[str, Polyline] = {
    "heart": [(0.5, 0.25), (0.5, 0.25), (0.3, 0.03), (0.05, 0.12), (0.03, 0.4), (0.5, 0.97), (0.5, 0.97), (0.97, 0.4), (0.95, 0.12), (0.7, 0.03), (0.5, 0.25)],
    "pentagram": _corners(*_TIPS),
    "star of four": _star(4, 0.35),
    "star of six": _star(6, 0.5),
    "star of eight": _star(8, 0.5),
    "triangle": _corners((0.5, 0), (1, 0.9), (0, 0.9)),
    "triangle on its tip": _corners((0, 0), (1, 0), (0.5, 0.9)),
    "wide ellipse": _ellipse(3.2),
    "wide rectangle": _corners((0, 0), (3, 0), (3, 1), (0, 1)),
    "wide diamond": _corners((0, 0.5), (1.2, 0), (2.4, 0.5), (1.2, 1)),
    "crescent": [(0.7, 0), (0.7, 0), (0.2, 0.15), (0, 0.5), (0.2, 0.85), (0.7, 1), (0.7, 1), (0.4, 0.8), (0.3, 0.5), (0.4, 0.2), (0.7, 0)],
    "house": _corners((0, 0.45), (0.5, 0), (1, 0.45), (1, 1), (0, 1)),
    "arrow": _corners((0, 0.35), (0.8, 0.35), (0.8, 0), (1.4, 0.5), (0.8, 1), (0.8, 0.65), (0, 0.65)),
    "cross": _corners((0.35, 0), (0.65, 0), (0.65, 0.35), (1, 0.35), (1, 0.65), (0.65, 0.65), (0.65, 1), (0.35, 1), (0.35, 0.65), (0, 0.65), (0, 0.35), (0.35, 0.35)),
    "cloud": [(0.2, 0.8), (0, 0.6), (0.2, 0.4), (0.2, 0.4), (0.3, 0.1), (0.7, 0.1), (0.8, 0.3), (0.8, 0.3), (1.1, 0.3), (1.2, 0.6), (1, 0.8), (1, 0.8), (0.2, 0.8)],
}  # fmt: skip
HELD_OUT_OUTLINES: dict[str, Polyline] = {
    "star of five": _star(5, 0.45),
    "pointed heart": _corners((0.5, 0.25), (0.25, 0), (0, 0.3), (0.5, 1), (1, 0.3), (0.75, 0)),
    "star of seven": _star(7, 0.5),
    "wide trapezium": _corners((0.5, 0), (2, 0), (2.6, 1), (0, 1)),
    "wide half disc": [(0, 1), (0, 1), (0.2, 0.4), (1, 0), (1.8, 0.4), (2, 1), (2, 1), (0, 1)],
    "fish": [(0, 0.5), (0.5, 0.05), (1, 0.4), (1.4, 0.9), (1.4, 0.9), (1.4, 0.1), (1.4, 0.1), (1, 0.6), (0.5, 0.95), (0, 0.5)],
    "speech bubble": _corners((0, 0), (1.6, 0), (1.6, 0.7), (0.7, 0.7), (0.3, 1.1), (0.4, 0.7), (0, 0.7)),
    "flag": [(0, 0), (0, 0), (0.8, 0.1), (1.6, -0.1), (2.4, 0), (2.4, 0), (2.4, 0.6), (2.4, 0.6), (1.6, 0.5), (0.8, 0.7), (0, 0.6), (0, 0.6), (0, 0)],
}  # fmt: skip
FILLED = OUTLINES | {"disc": _ellipse(1.2), "square": _corners((0, 0), (1.2, 0), (1.2, 1), (0, 1))}
HELD_OUT_FILLED = HELD_OUT_OUTLINES | {
    "drop": [(0.5, 0), (0.5, 0), (0.9, 0.6), (0.5, 1), (0.1, 0.6), (0.5, 0)],
    "hexagon": _corners((0.3, 0), (0.9, 0), (1.2, 0.5), (0.9, 1), (0.3, 1), (0, 0.5)),
    "ellipse": _ellipse(1.6),
}  # fmt: skip


def _outlined(shapes: dict[str, Polyline]) -> Painter:
    outlines = list(shapes.values())
    return _Inked(lambda rng: write_digit([outlines[rng.integers(len(outlines))]], rng))


def _filled(shapes: dict[str, Polyline], count: int, rng: Random) -> Images:
    """Filled shapes: two in three fitted as `fit_ink` does, the others anywhere in the frame in any size."""
    outlines = list(shapes.values())
    return np.stack([_fill(write_digit([outlines[rng.integers(len(outlines))]], rng)[0], rng) for _ in range(count)])


def _fill(outline: NDArray[np.float64], rng: Random) -> NDArray[np.uint8]:
    finer = 4
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    placed = rng.random() < 2 / 3
    size = BOX if placed else rng.uniform(8, 30)
    scaled = (outline - middle) * size / np.ptp(outline, axis=0).max()
    shift = np.full(2, CENTRE) if placed else SIZE / 2 + rng.uniform(-5, 5, 2)
    for _ in range(2 if placed else 1):
        large = Image.new("L", (SIZE * finer, SIZE * finer))
        ImageDraw.Draw(large).polygon([(float(x), float(y)) for x, y in (scaled + shift) * finer], 255)
        ink = np.asarray(large.reduce(finer))
        shift = shift + CENTRE - centre_of_mass(ink.astype(np.float32))
    return ink if placed or rng.random() < 0.5 else (ink * rng.uniform(0.4, 1)).astype(np.uint8)


# Whole pictures --------------------------------------------------------------------------------------------------

_Y, _X = np.mgrid[:SIZE, :SIZE] / (SIZE - 1.0)
_FROM_MIDDLE = np.maximum(abs(_X - 0.5), abs(_Y - 0.5))
_IN_BOX = _FROM_MIDDLE < BOX / SIZE / 2  # where a fitted picture would be


def _photographs(count: int, rng: Random) -> Images:
    """1/f noise, landscapes, lit blobs and edges, as photographs are made of; some as ink finding leaves them."""
    manner = rng.integers(5, size=count)
    rough = _one_over_f(count, rng)
    across, down = rng.uniform(-1, 1, (2, count, 1, 1))
    horizon = rng.uniform(0.2, 0.8, (count, 1, 1)) + 0.15 * rough[:, 14:15, :]
    land = np.where(horizon < _Y, 0.6 + 0.25 * rough, 0.15 + 0.3 * _Y) + 0.1 * rough
    blobs = sum(_blob(count, rng) for _ in range(4))
    edges = sum(rng.uniform(-1, 1, (count, 1, 1)) * (_distance(count, rng) > 0) for _ in range(4))
    stretched = rough * rng.uniform(0.5, 2, (count, 1, 1)) + across * _X + down * _Y
    manners = [stretched, land, blobs + 0.1 * rough, edges + 0.15 * rough, _levelled(rough, rng)]
    return _exposed(np.choose(manner[:, None, None], manners), manner == 4, rng)


def _dead_leaves(count: int, rng: Random) -> Images:
    """Discs and squares that hide each other: a model of real scenes (D. Mumford, B. Gidas, 2001)."""
    pictures = np.zeros((count, SIZE, SIZE))
    for _ in range(40):
        x, y, grey = rng.uniform(-0.1, 1.1, (3, count, 1, 1))
        size = 0.05 * rng.random((count, 1, 1)) ** -0.7
        power = rng.choice([2, 8], (count, 1, 1))
        pictures = np.where(abs(_X - x) ** power + abs(_Y - y) ** power < size**power, grey, pictures)
    return _exposed(pictures + 0.1 * _one_over_f(count, rng), np.zeros(count, bool), rng)


def _one_over_f(count: int, rng: Random) -> Maps:
    """Noise whose spectrum falls as real pictures' does, mean 0, standard deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)) + 1 / SIZE
    spectrum = np.fft.rfft2(rng.normal(size=(count, SIZE, SIZE))) / frequency ** rng.uniform(0.8, 2.4, (count, 1, 1))
    noise = np.fft.irfft2(spectrum, (SIZE, SIZE))
    noise -= noise.mean(axis=(1, 2), keepdims=True)
    return np.asarray(noise / noise.std(axis=(1, 2), keepdims=True))


def _levelled(rough: Maps, rng: Random) -> Maps:
    """Blotches in the middle of paper: what ink finding makes of a textured picture."""
    level = rng.uniform(-0.3, 0.8, (len(rough), 1, 1))
    return _IN_BOX / (1 + np.exp(-(rough - level) * 12))


def _blob(count: int, rng: Random) -> Maps:
    x, y = rng.uniform(0, 1, (2, count, 1, 1))
    away = np.hypot(_X - x, (_Y - y) * rng.uniform(0.5, 2, (count, 1, 1))) / rng.uniform(0.05, 0.4, (count, 1, 1))
    return rng.uniform(-1, 1, (count, 1, 1)) * np.exp(-(away ** rng.choice([2, 6], (count, 1, 1))))


def _distance(count: int, rng: Random) -> Maps:
    """The distance of each pixel from a random straight line, in sides of the picture."""
    turn, off = rng.uniform(0, 2 * np.pi, (count, 1, 1)), rng.normal(0, 0.25, (count, 1, 1))
    return np.asarray((_X - 0.5) * np.cos(turn) + (_Y - 0.5) * np.sin(turn) - off)


def _exposed(pictures: Maps, keep: NDArray[np.bool_], rng: Random) -> Images:
    """Bring pictures to random contrast and brightness, some negative; where `keep` is set, only to full contrast."""
    low, high = pictures.min(axis=(1, 2), keepdims=True), pictures.max(axis=(1, 2), keepdims=True)
    pictures = (pictures - low) / np.maximum(high - low, 1e-9)
    negative = (rng.random((len(pictures), 1, 1)) < 0.5) & ~keep[:, None, None]
    pictures = np.where(negative, 1 - pictures, pictures)
    contrast = np.where(keep, 1, rng.uniform(0.3, 1, len(pictures)))[:, None, None]
    base = (1 - contrast) * rng.random((len(pictures), 1, 1))
    return to_bytes(base + contrast * pictures)


def _textures(count: int, rng: Random) -> Images:
    """Stripes, checks, crossed stripes and dots in rows, in any direction, soft or hard."""
    turn, (a, b) = rng.uniform(0, np.pi, (count, 1, 1)), rng.uniform(3, 10, (2, count, 1, 1)) * 2 * np.pi
    u, v = _X * np.cos(turn) + _Y * np.sin(turn), _Y * np.cos(turn) - _X * np.sin(turn)
    one, two = np.sin(a * u + rng.uniform(0, 6, (count, 1, 1))), np.sin(b * v + rng.uniform(0, 6, (count, 1, 1)))
    return _patterned([one, one * two, np.maximum(one, two), np.minimum(one, two)], rng)


def _other_textures(count: int, rng: Random) -> Images:
    """Waves, rings and bricks."""
    turn, a = rng.uniform(0, np.pi, (count, 1, 1)), rng.uniform(3, 9, (count, 1, 1)) * 2 * np.pi
    u, v = _X * np.cos(turn) + _Y * np.sin(turn), _Y * np.cos(turn) - _X * np.sin(turn)
    waves = np.sin(a * (u + 0.06 * np.sin(2 * a * v / 3)))
    rings = np.sin(a * np.hypot(_X - rng.random((count, 1, 1)), _Y - rng.random((count, 1, 1))))
    rows = np.floor(_Y * a / 6)
    bricks = np.minimum(np.sin(_Y * a / 6 * 2 * np.pi), np.sin((_X * a / 12 + rows / 2) * 2 * np.pi)) + 0.7
    return _patterned([waves, rings, bricks], rng)


def _patterned(patterns: list[Maps], rng: Random) -> Images:
    count = len(patterns[0])
    which = rng.integers(len(patterns), size=(count, 1, 1))
    picture = 1 / (1 + np.exp(-np.choose(which, patterns) * 10 ** rng.uniform(0, 1.5, (count, 1, 1))))
    framed = rng.random((count, 1, 1)) < 0.4  # fitted into the box, on paper
    return _exposed(np.where(framed & ~_IN_BOX, 0, picture), framed[:, 0, 0], rng)


def _noise(count: int, rng: Random) -> Images:
    """Even, normal, sparse and blurred noise."""
    even = rng.random((count, SIZE, SIZE))
    normal = rng.uniform(0, 1, (count, 1, 1)) + rng.uniform(0.05, 0.5, (count, 1, 1)) * rng.normal(size=even.shape)
    sparse = (even < rng.uniform(0.02, 0.5, (count, 1, 1))) * 1.0
    blurred = (normal + np.roll(normal, 1, 1) + np.roll(normal, 1, 2) + np.roll(normal, (1, 1), (1, 2))) / 4
    return to_bytes(np.choose(rng.integers(4, size=(count, 1, 1)), [even, normal, sparse, blurred]))


def _block_noise(count: int, rng: Random) -> Images:
    """Noise in blocks of 2 or 4 pixels, and on lines."""
    blocks = np.stack([np.kron(rng.random((14, 14)), np.ones((2, 2))) for _ in range(count)])
    large = np.stack([np.kron(rng.random((7, 7)), np.ones((4, 4))) for _ in range(count)])
    lines = np.broadcast_to(rng.random((count, SIZE, 1)), blocks.shape)
    picture = np.choose(rng.integers(3, size=(count, 1, 1)), [blocks, large, lines])
    return to_bytes(np.where(rng.random((count, 1, 1)) < 0.3, picture > 0.6, picture))


def _grey(held_out: bool, count: int, rng: Random) -> Images:
    """One grey, all over or in the middle, some of it slightly noisy. Every other block of 16 levels is held out."""
    level = rng.integers(8, size=(count, 1, 1)) * 32 + rng.integers(16, size=(count, 1, 1)) + (0 if held_out else 16)
    inside = rng.uniform(0.25, 0.6, (count, 1, 1)) > _FROM_MIDDLE
    whole = rng.random((count, 1, 1)) < 0.7
    noise = rng.normal(size=(count, SIZE, SIZE)) * rng.choice([0, 0, 3], (count, 1, 1))
    return np.clip(np.where(whole | inside, level + noise, 0), 1, 255).astype(np.uint8)


def _codes(count: int, rng: Random) -> Images:
    """Bar codes and square codes."""
    bars = np.stack([np.repeat(rng.random(SIZE) < 0.5, rng.integers(1, 3, SIZE))[:SIZE] for _ in range(count)])
    across = np.broadcast_to(bars[:, None, :], (count, SIZE, SIZE)) & (
        abs(_Y - 0.5) < rng.uniform(0.2, 0.6, (count, 1, 1))
    )
    squares = np.stack([np.kron(rng.random((14, 14)) < 0.5, np.ones((2, 2))) for _ in range(count)])
    for y, x in ((0, 0), (0, 20), (20, 0)):
        squares[:, y : y + 8, x : x + 8] = 0
        squares[:, y + 1 : y + 7, x + 1 : x + 7] = 1
        squares[:, y + 2 : y + 6, x + 2 : x + 6] = 0
        squares[:, y + 3 : y + 5, x + 3 : x + 5] = 1
    return to_bytes(np.where(rng.random((count, 1, 1)) < 0.5, across, squares) * 1.0)


# Each kind: what paints the shapes to train on, and those held out.
_PAINTERS: dict[str, tuple[Painter | None, Painter | None]] = {
    "letters": (_glyphs(LETTERS, FONTS, WRITTEN_LETTERS), _glyphs(HELD_OUT_LETTERS, FONTS, HELD_OUT_WRITTEN_LETTERS)),
    "foreign letters": (
        _glyphs(FOREIGN, written=WRITTEN_FOREIGN),
        _glyphs(HELD_OUT_FOREIGN, written=HELD_OUT_WRITTEN_FOREIGN),
    ),
    "made-up signs": (
        _Inked(partial(_made_up, LETTERS + FOREIGN)),
        _Inked(partial(_made_up, HELD_OUT_LETTERS + HELD_OUT_FOREIGN)),
    ),
    "punctuation": (_glyphs(PUNCTUATION), _glyphs(HELD_OUT_PUNCTUATION)),
    "arithmetic signs": (_glyphs(ARITHMETIC), _glyphs(HELD_OUT_ARITHMETIC)),
    "scribbles": (_Inked(_scribble), _Inked(_other_scribble)),
    "outlined shapes": (_outlined(OUTLINES), _outlined(HELD_OUT_OUTLINES)),
    "filled shapes": (partial(_filled, FILLED), partial(_filled, HELD_OUT_FILLED)),
    "half digits": (_Inked(partial(_half_digit, HALVES)), _Inked(partial(_half_digit, HELD_OUT_HALVES))),
    "several digits": (_Inked(partial(_several_digits, False)), _Inked(partial(_several_digits, True))),
    "digits struck out": (_Inked(partial(_struck_out, False)), _Inked(partial(_struck_out, True))),
    "small marks": (_Inked(_small_mark), _Inked(_other_small_mark)),
    "photographs": (_photographs, _dead_leaves),
    "textures": (_textures, _other_textures),
    "noise": (_noise, _block_noise),
    "uniform grey": (partial(_grey, False), partial(_grey, True)),
    "lying digits": (None, _Inked(_lying_digit)),
    "bar codes": (None, _codes),
}
KINDS = tuple(_PAINTERS)
TRAINED_ON = frozenset(kind for kind, (to_train_on, _) in _PAINTERS.items() if to_train_on)
# Two digits; the sides of a 0 and a quotation mark are 11, and a lying 8 is 00.
LIKE_NUMBERS = frozenset({"several digits", "half digits", "lying digits", "punctuation"})
SEVERAL_DIGITS = frozenset({"several digits"})
# In training, kinds that are hard to tell from digits, or varied, come more often than the others.
_SHARES = {
    "letters": 3, "foreign letters": 4, "made-up signs": 3, "punctuation": 1, "arithmetic signs": 2, "scribbles": 2,
    "outlined shapes": 2, "half digits": 2, "several digits": 2,
}  # fmt: skip
