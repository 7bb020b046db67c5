"""Letters and signs of the fonts that matplotlib ships, as the strokes a hand would draw them with.

A filled glyph is thinned to its middle line, which is followed from end to end, straight on where lines cross.
The result has the form of the skeletons in generate.py, so that the same hand writes digits and everything else.
"""

import functools
import itertools
import math
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitpad.image.filters import Mask
from train.synthetic.generate import Polyline

_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
_HEIGHT = 64  # pixels: the size of the letters that are thinned
_LOOSE = 0.025  # of the longer side: how far the simplified line may be from the middle line

Pixel = tuple[int, int]


@functools.cache
def trace_glyphs(font: str, letters: str) -> tuple[list[Polyline], ...]:
    """The strokes of each letter in a font (a name such as "DejaVuSans"), its longer side 1 unit long, y down."""
    face = ImageFont.truetype(_FONTS / f"{font}.ttf", _HEIGHT)
    return tuple(_trace(letter, face) for letter in letters)


def _trace(letter: str, face: ImageFont.FreeTypeFont) -> list[Polyline]:
    left, top, right, bottom = face.getbbox(letter)
    picture = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    ImageDraw.Draw(picture).text((2 - left, 2 - top), letter, 255, face)
    ink = np.asarray(picture) > 127
    lines = [_smooth(np.array(path, np.float64)[:, ::-1]) for path in follow_lines(thin(ink))]
    low = np.min([line.min(axis=0) for line in lines], axis=0)
    extent = max(float(np.max(line.max(axis=0) - low)) for line in lines)
    return [_simplify((line - low) / max(extent, 1)) for line in lines]


def follow_lines(skeleton: NDArray[np.bool_]) -> list[list[Pixel]]:
    """The lines of a drawing one pixel wide, each as its pixels (row, column) in the order a pen would go."""
    pixels = {(int(row), int(column)) for row, column in np.argwhere(skeleton)}
    around = {pixel: _neighbours(pixel, pixels) for pixel in pixels}
    knots = {pixel for pixel in pixels if len(around[pixel]) != 2}
    paths = [[pixel] for pixel in knots if not around[pixel]]
    used: set[frozenset[Pixel]] = set()
    # A ring has no knot: it starts anywhere, once the rest is done.
    for start in [*sorted(knots), *sorted(pixels - knots)]:
        for step in around[start]:
            if frozenset((start, step)) in used or (
                start not in knots and frozenset((start, around[start][0])) in used
            ):
                continue
            path = [start, step]
            while path[-1] not in knots and path[-1] != start:
                path.append(next(p for p in around[path[-1]] if p != path[-2]))
            used.update(frozenset(pair) for pair in itertools.pairwise(path))
            paths.append(path)
    # Thinning leaves hairs where a line ends or bends: too short to have been drawn.
    hairs = [p for p in paths if 1 < len(p) < 6 and (len(around[p[0]]) == 1) != (len(around[p[-1]]) == 1)]
    return _joined([path for path in paths if path not in hairs])


def _neighbours(pixel: Pixel, pixels: set[Pixel]) -> list[Pixel]:
    """The pixels a line goes on to: a diagonal step only where none goes around its corner."""
    row, column = pixel
    straight = [p for p in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)) if p in pixels]
    corners = [(row + dy, column + dx) for dy in (-1, 1) for dx in (-1, 1)]
    return straight + [
        (y, x) for y, x in corners if (y, x) in pixels and (y, column) not in pixels and (row, x) not in pixels
    ]


def _joined(paths: list[list[Pixel]]) -> list[list[Pixel]]:
    """Join lines that meet, the straightest two first, as long as the turn is below 60 degrees."""
    while True:
        best, pair = -0.5, None
        for (i, one), (j, other) in itertools.combinations(enumerate(paths), 2):
            for a, b in itertools.product((one, one[::-1]), (other, other[::-1])):
                if a[0] != b[0] or a[0] == a[-1] or b[0] == b[-1]:
                    continue
                turn = float(_direction(a) @ _direction(b))
                if turn < best:
                    best, pair = turn, (i, j, a[:0:-1] + b)
        if pair is None:
            return paths
        i, j, path = pair
        paths = [p for k, p in enumerate(paths) if k not in (i, j)] + [path]


def _direction(path: list[Pixel]) -> NDArray[np.float64]:
    """The direction in which a line leaves its first pixel."""
    step = np.subtract(path[min(len(path) - 1, 8)], path[0])
    return np.asarray(step / np.hypot(*step))


def _smooth(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """The line without the steps of the pixels: each point but the ends averaged with its neighbours, three times."""
    for _ in range(3):
        line[1:-1] = (line[:-2] + line[1:-1] + line[2:]) / 3
    return line


def _simplify(line: NDArray[np.float64]) -> Polyline:
    """A few points along a line, corners twice, by D. Douglas and T. Peucker, Cartographica 10(2), 1973."""
    kept = _douglas_peucker(line)
    points: Polyline = [tuple(kept[0])]
    for before, here, after in zip(kept, kept[1:], kept[2:], strict=False):
        into, out = here - before, after - here
        corner = into @ out < 0.3 * np.hypot(*into) * np.hypot(*out)
        points += [tuple(here)] * (2 if corner else 1)
    return points + [tuple(kept[-1])] * (len(kept) > 1)


def _douglas_peucker(line: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    if len(line) < 3:
        return list(line)
    chord, away = line[-1] - line[0], line - line[0]
    length = np.hypot(*chord)
    from_chord = np.abs(away[:, 0] * chord[1] - away[:, 1] * chord[0]) / max(length, 1e-9)
    distance = from_chord if length > 0.02 else np.hypot(*away.T)  # a ring has no chord
    far = int(distance.argmax())
    if distance[far] < _LOOSE or far in (0, len(line) - 1):
        return [line[0], line[-1]]
    return _douglas_peucker(line[: far + 1])[:-1] + _douglas_peucker(line[far:])


def thin(shape: Mask) -> Mask:
    """The middle line of a shape, one pixel wide and connected as the shape is.

    T. Y. Zhang, C. Y. Suen: A fast parallel algorithm for thinning digital patterns. Communications of the
    ACM 27(3), 1984, pages 236-239.
    """
    image = np.pad(shape, 1).astype(np.uint16)
    inner = image[1:-1, 1:-1]
    before = math.inf
    while (left := inner.sum()) < before:
        before = left
        for removable in _REMOVABLE:
            # Nine bits for each pixel, those of itself and of its neighbours: first three across, then three down.
            across = image[:, :-2] | image[:, 1:-1] << 1 | image[:, 2:] << 2
            inner -= removable[across[:-2] | across[1:-1] << 3 | across[2:] << 6]
    return inner.astype(bool)


def _removable() -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Which neighbourhoods of an ink pixel let it go in the first and the second half-step: 1 or 0 for each of 512."""
    row_by_row = [np.arange(512) >> i & 1 for i in range(9)]
    # P2 to P9 of Zhang and Suen: clockwise from above.
    around = [row_by_row[place] for place in (1, 2, 5, 8, 7, 6, 3, 0)]
    n, e, s, w = around[::2]
    count = sum(around)
    rises = sum((1 - around[i]) * around[(i + 1) % 8] for i in range(8))
    thick = (row_by_row[4] == 1) & (count >= 2) & (count <= 6) & (rises == 1)
    first = thick & (n * e * s == 0) & (e * s * w == 0)
    second = thick & (n * e * w == 0) & (n * s * w == 0)
    return first.astype(np.uint16), second.astype(np.uint16)


_REMOVABLE = _removable()
