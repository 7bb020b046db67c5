"""Our own handwritten digits: skeletons of every way to write a digit, bent at random and inked as the pad's are.

They are always available, under nobody's licence. `DATA=synthetic` trains on them alone, the tests use them, and they
teach ways of writing that MNIST's American writers lack: the 1 with flag and foot, the 7 with a bar, the open 4.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from digitpad.mnist_form import hermite
from digitpad.stroke_files import Sample
from train.data import Digits, render

Polyline = list[tuple[float, float]]
Strokes = list[NDArray[np.float64]]  # (n, 2) each

# Each way of writing a digit: its strokes as points in a unit square (y down) that a smooth curve passes through.
# A point given twice is a corner.
VARIANTS: dict[str, dict[str, list[Polyline]]] = {
    "0": {
        "round": [[(0.55, 0.02), (0.2, 0.2), (0.1, 0.55), (0.3, 0.95), (0.65, 0.9), (0.85, 0.5), (0.75, 0.12), (0.5, 0.03)]],
        "from the top right": [[(0.7, 0.08), (0.4, 0.03), (0.15, 0.35), (0.2, 0.85), (0.5, 1), (0.82, 0.7), (0.8, 0.25), (0.6, 0.05)]],
        "narrow": [[(0.5, 0), (0.33, 0.2), (0.3, 0.6), (0.42, 0.97), (0.6, 0.9), (0.69, 0.5), (0.64, 0.12), (0.48, 0.01)]],
        "open": [[(0.5, 0.06), (0.2, 0.25), (0.12, 0.6), (0.35, 0.97), (0.7, 0.88), (0.87, 0.45), (0.7, 0.08), (0.58, 0.0)]],
        "slashed": [
            [(0.5, 0.02), (0.2, 0.2), (0.12, 0.55), (0.3, 0.95), (0.65, 0.92), (0.86, 0.5), (0.75, 0.12), (0.48, 0.03)],
            [(0.85, 0.03), (0.15, 0.97)],
        ],
    },
    "1": {
        "stroke": [[(0.5, 0), (0.5, 0.5), (0.5, 1)]],
        "flag": [[(0.25, 0.25), (0.42, 0.15), (0.55, 0), (0.55, 0), (0.55, 0.5), (0.54, 1)]],
        "long flag": [[(0.2, 0.36), (0.4, 0.2), (0.58, 0), (0.58, 0), (0.58, 0.5), (0.57, 1)]],
        "foot": [[(0.5, 0), (0.5, 0.5), (0.5, 1)], [(0.25, 1), (0.75, 1)]],
        "flag and foot": [[(0.25, 0.25), (0.42, 0.15), (0.53, 0), (0.53, 0), (0.53, 0.5), (0.53, 1)], [(0.22, 1), (0.82, 1)]],
    },
    "2": {
        "angular": [[(0.15, 0.25), (0.3, 0.05), (0.65, 0.05), (0.78, 0.3), (0.5, 0.65), (0.12, 0.98), (0.12, 0.98), (0.5, 0.98), (0.88, 0.97)]],
        "looped": [[(0.15, 0.22), (0.35, 0.02), (0.7, 0.08), (0.75, 0.35), (0.45, 0.75), (0.2, 0.95), (0.12, 0.82), (0.3, 0.78), (0.55, 0.95), (0.9, 0.92)]],
        "swan": [[(0.18, 0.2), (0.45, 0), (0.75, 0.2), (0.6, 0.55), (0.25, 0.85), (0.15, 0.95), (0.35, 0.92), (0.6, 0.98), (0.88, 0.9)]],
        "like a z": [[(0.15, 0.08), (0.45, 0.03), (0.75, 0.1), (0.7, 0.28), (0.4, 0.65), (0.13, 0.97), (0.13, 0.97), (0.85, 0.96)]],
    },
    "3": {
        "round": [[(0.2, 0.12), (0.45, 0.01), (0.75, 0.15), (0.65, 0.4), (0.42, 0.48), (0.42, 0.48), (0.75, 0.58), (0.78, 0.85), (0.45, 1), (0.15, 0.87)]],
        "looped": [[(0.22, 0.1), (0.55, 0), (0.74, 0.2), (0.52, 0.43), (0.4, 0.5), (0.42, 0.43), (0.72, 0.55), (0.78, 0.82), (0.5, 1), (0.15, 0.9)]],
        "flat top": [[(0.18, 0.03), (0.75, 0.03), (0.75, 0.03), (0.45, 0.4), (0.45, 0.4), (0.75, 0.5), (0.8, 0.8), (0.5, 1), (0.15, 0.9)]],
        "narrow": [[(0.32, 0.08), (0.5, 0), (0.66, 0.15), (0.58, 0.4), (0.48, 0.47), (0.48, 0.47), (0.66, 0.57), (0.68, 0.85), (0.5, 1), (0.3, 0.93)]],
    },
    "4": {
        "open": [[(0.25, 0.05), (0.2, 0.35), (0.18, 0.58), (0.18, 0.58), (0.5, 0.58), (0.85, 0.56)], [(0.7, 0.1), (0.68, 0.5), (0.65, 1)]],
        "closed": [[(0.65, 1), (0.66, 0.5), (0.66, 0), (0.66, 0), (0.4, 0.35), (0.1, 0.68), (0.1, 0.68), (0.5, 0.68), (0.9, 0.67)]],
        "two strokes closed": [[(0.62, 0), (0.35, 0.35), (0.1, 0.65), (0.1, 0.65), (0.5, 0.66), (0.9, 0.65)], [(0.63, 0.02), (0.63, 0.5), (0.62, 1)]],
        "lightning": [[(0.4, 0), (0.3, 0.3), (0.15, 0.6), (0.15, 0.6), (0.5, 0.6), (0.85, 0.58)], [(0.65, 0.35), (0.55, 0.65), (0.45, 1)]],
        "one stroke": [[(0.28, 0.02), (0.2, 0.3), (0.22, 0.5), (0.5, 0.5), (0.72, 0.35), (0.78, 0.05), (0.78, 0.05), (0.72, 0.5), (0.66, 1)]],
        "short stem": [[(0.3, 0), (0.22, 0.3), (0.12, 0.6), (0.12, 0.6), (0.5, 0.6), (0.92, 0.6)], [(0.62, 0.38), (0.61, 0.7), (0.6, 1)]],
    },
    "5": {
        "two strokes": [[(0.28, 0.03), (0.25, 0.2), (0.22, 0.43), (0.22, 0.43), (0.55, 0.38), (0.8, 0.6), (0.68, 0.92), (0.4, 1), (0.15, 0.88)], [(0.28, 0.04), (0.8, 0.02)]],
        "one stroke": [[(0.8, 0.02), (0.5, 0.03), (0.28, 0.04), (0.28, 0.04), (0.25, 0.25), (0.22, 0.43), (0.22, 0.43), (0.55, 0.4), (0.78, 0.6), (0.7, 0.9), (0.42, 1), (0.15, 0.9)]],
        "like an s": [[(0.78, 0.06), (0.5, 0.02), (0.28, 0.15), (0.32, 0.38), (0.6, 0.52), (0.76, 0.72), (0.62, 0.95), (0.38, 1), (0.18, 0.9)]],
        "bar apart": [[(0.25, 0.1), (0.22, 0.3), (0.2, 0.48), (0.2, 0.48), (0.5, 0.42), (0.75, 0.62), (0.65, 0.93), (0.35, 1), (0.15, 0.9)], [(0.35, 0.05), (0.88, 0.0)]],
    },
    "6": {
        "curved": [[(0.65, 0), (0.35, 0.25), (0.18, 0.6), (0.28, 0.93), (0.6, 0.98), (0.78, 0.75), (0.62, 0.54), (0.35, 0.58), (0.2, 0.75)]],
        "straight": [[(0.55, 0), (0.38, 0.3), (0.22, 0.65), (0.25, 0.92), (0.52, 1), (0.74, 0.85), (0.68, 0.62), (0.4, 0.6), (0.22, 0.78)]],
        "hooked": [[(0.75, 0.1), (0.55, 0), (0.28, 0.25), (0.15, 0.65), (0.3, 0.95), (0.62, 0.97), (0.78, 0.72), (0.55, 0.5), (0.28, 0.62)]],
        "open loop": [[(0.6, 0), (0.3, 0.3), (0.18, 0.68), (0.32, 0.96), (0.62, 0.95), (0.75, 0.72), (0.58, 0.58), (0.4, 0.66)]],
    },
    "7": {
        "plain": [[(0.15, 0.04), (0.5, 0.03), (0.82, 0.02), (0.82, 0.02), (0.6, 0.45), (0.42, 1)]],
        "barred": [[(0.15, 0.04), (0.5, 0.03), (0.82, 0.02), (0.82, 0.02), (0.6, 0.45), (0.42, 1)], [(0.3, 0.5), (0.82, 0.48)]],
        "serif": [[(0.15, 0.2), (0.16, 0.03), (0.16, 0.03), (0.5, 0.04), (0.82, 0.02), (0.82, 0.02), (0.58, 0.45), (0.45, 1)]],
        "serif and bar": [[(0.15, 0.2), (0.16, 0.03), (0.16, 0.03), (0.82, 0.03), (0.82, 0.03), (0.58, 0.45), (0.45, 1)], [(0.32, 0.48), (0.8, 0.5)]],
        "curved": [[(0.15, 0.1), (0.4, 0.02), (0.75, 0.06), (0.75, 0.25), (0.55, 0.6), (0.45, 1)]],
    },
    "8": {
        "one stroke": [[(0.7, 0.15), (0.45, 0), (0.25, 0.2), (0.45, 0.43), (0.72, 0.65), (0.68, 0.93), (0.4, 1), (0.2, 0.8), (0.4, 0.55), (0.68, 0.35), (0.72, 0.12)]],
        "from the middle": [[(0.5, 0.45), (0.25, 0.25), (0.45, 0.01), (0.72, 0.2), (0.52, 0.45), (0.22, 0.72), (0.45, 1), (0.75, 0.78), (0.5, 0.46)]],
        "two circles": [
            [(0.5, 0), (0.28, 0.2), (0.48, 0.45), (0.72, 0.24), (0.52, 0.01)],
            [(0.5, 0.45), (0.22, 0.7), (0.45, 1), (0.78, 0.75), (0.52, 0.46)],
        ],
        "open top": [[(0.75, 0.05), (0.45, 0.08), (0.28, 0.25), (0.5, 0.48), (0.74, 0.72), (0.55, 0.98), (0.25, 0.9), (0.32, 0.62), (0.65, 0.4), (0.82, 0.12)]],
        "slim": [[(0.62, 0.12), (0.6, 0.02), (0.52, 0.3), (0.42, 0.55), (0.3, 0.85), (0.2, 1), (0.22, 0.88), (0.45, 0.55), (0.7, 0.22), (0.95, 0)]],
    },
    "9": {
        "straight": [[(0.72, 0.18), (0.45, 0.02), (0.2, 0.22), (0.38, 0.46), (0.65, 0.35), (0.74, 0.1), (0.74, 0.1), (0.72, 0.55), (0.68, 1)]],
        "curved": [[(0.74, 0.2), (0.5, 0.02), (0.22, 0.2), (0.35, 0.45), (0.65, 0.38), (0.76, 0.18), (0.72, 0.55), (0.55, 0.85), (0.3, 1)]],
        "curled tail": [[(0.74, 0.18), (0.48, 0), (0.2, 0.22), (0.4, 0.46), (0.7, 0.32), (0.76, 0.15), (0.78, 0.55), (0.68, 0.92), (0.4, 1), (0.15, 0.85)]],
        "open": [[(0.68, 0.05), (0.35, 0.06), (0.22, 0.28), (0.42, 0.45), (0.68, 0.3), (0.76, 0.08), (0.76, 0.08), (0.74, 0.5), (0.68, 1)]],
        "two strokes": [[(0.7, 0.1), (0.42, 0.02), (0.22, 0.22), (0.4, 0.45), (0.68, 0.3), (0.7, 0.1)], [(0.74, 0.05), (0.73, 0.5), (0.66, 1)]],
        "flat head": [[(0.82, 0.12), (0.6, 0.02), (0.3, 0.06), (0.12, 0.16), (0.2, 0.24), (0.5, 0.18), (0.86, 0.06), (0.86, 0.06), (0.62, 0.45), (0.38, 0.78), (0.1, 1)]],
        "flat head, straight": [[(0.8, 0.14), (0.5, 0.03), (0.2, 0.1), (0.3, 0.22), (0.6, 0.16), (0.8, 0.04), (0.8, 0.04), (0.7, 0.4), (0.58, 1)]],
    },
}  # fmt: skip


def generate_digits(count: int, seed: int) -> Digits:
    """Generate labelled digits in the model's form; every digit and every way of writing it is equally frequent."""
    return render(list(generate_samples(count, seed)))


def generate_samples(count: int, seed: int) -> Iterator[Sample]:
    """Generate labelled strokes; `writer` is the way of writing, such as "7 barred". Equal seeds, equal strokes."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        label = str(number % 10)
        names = list(VARIANTS[label])
        name = names[number // 10 % len(names)]
        yield Sample(write_digit(VARIANTS[label][name], rng), label, f"{label} {name}")


def write_digit(skeleton: list[Polyline], rng: np.random.Generator) -> Strokes:
    """One hand's rendering of a skeleton: (n, 2) points a stroke, about 100 units high, y down."""
    loosened = rng.uniform(0.01, 0.045)  # how far this hand strays from the skeleton
    slant, turn = rng.normal(0, 0.18), rng.normal(0, 0.08)
    width = np.exp(rng.normal(-0.15, 0.2))
    shape = np.array([[width * np.cos(turn), np.sin(turn)], [-np.sin(turn) - slant, np.cos(turn)]])
    tremor = rng.uniform(0, 0.006)
    strokes = []
    for points in skeleton:
        moved = _move(np.array(points), loosened, rng)
        curve = _curve(moved + rng.normal(0, 0.3 * loosened, 2))
        strokes.append((curve + rng.normal(0, tremor, curve.shape)) @ shape * 100)
    return strokes


def vary_strokes(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Real strokes (n, 2) as another hand might have written them: slanted, stretched, turned, bent, slightly shaky."""
    extent = float(np.ptp(np.concatenate(strokes), axis=0).max())
    slant, turn, stretch = rng.normal(0, 0.15), rng.normal(0, 0.07), np.exp(rng.normal(0, 0.12))
    shape = np.array([[stretch * np.cos(turn), np.sin(turn)], [-np.sin(turn) - slant, np.cos(turn)]])
    bend, tremor = rng.uniform(0, 0.03) * extent, rng.uniform(0, 0.006) * extent
    varied = []
    for stroke in strokes:
        place = np.linspace(0, 4, len(stroke))
        bent = np.stack([np.interp(place, range(5), rng.normal(0, bend, 5)) for _ in range(2)], axis=1)
        moved = stroke + bent + rng.normal(0, 0.3 * bend, 2) + rng.normal(0, tremor, stroke.shape)
        varied.append(moved @ shape)
    return varied


def turned(points: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Points (n, 2), x and y down, turned clockwise about the origin by an angle in radians."""
    return np.asarray(points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]))


def _move(points: NDArray[np.float64], distance: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Move each point at random, the two halves of a corner together."""
    moves = rng.normal(0, distance, points.shape)
    corner = np.concatenate([[False], (points[1:] == points[:-1]).all(axis=1)])
    moves[corner] = moves[np.flatnonzero(corner) - 1]
    return points + moves


def _curve(points: NDArray[np.float64], step: float = 0.04) -> NDArray[np.float64]:
    """A Catmull-Rom spline through the points (https://en.wikipedia.org/wiki/Cubic_Hermite_spline), (n, 2)."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    pieces = [points[:1]]
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        length = float(np.hypot(*(end - start)))
        if length == 0:
            continue
        t = np.linspace(0, 1, max(2, int(length / step) + 1))[1:, None]
        pieces.append(hermite(t, start, (end - before) / 2, end, (after - start) / 2))
    return np.concatenate(pieces)
