"""Corruptions that no network is ever trained on: measured only, to see what training on others is worth beyond them.

They come from paper, pens and cameras; chosen, and their strength fixed, before any network was trained on corrupted
digits. The strength is such that the ONNX Model Zoo's MNIST network errs on 12 % of MNIST's validation digits.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.floating]  # (N, 28, 28), 0 = paper, 1 = ink
Random = np.random.Generator
_Y, _X = np.mgrid[:28, :28].astype(np.float32)


def corrupt(images: NDArray[np.uint8], family: str, seed: int = 0) -> NDArray[np.uint8]:
    """Corrupt images uint8 (N, 28, 28), 0 = paper, 255 = ink, each in its own way; equal seeds, equal pictures."""
    ink = images.astype(np.float32) / 255
    changed = UNSEEN[family](ink, np.random.default_rng([seed, *family.encode()]))
    return np.rint(np.clip(changed, 0, 1) * 255).astype(np.uint8)


def _shown_through(ink: Maps, rng: Random) -> Maps:
    """Thin paper: what another person wrote on its back shows through, mirrored and paler."""
    back = np.roll(ink, 1, axis=0)[:, :, ::-1]
    back = np.stack([np.roll(b, rng.integers(-8, 9, 2), (0, 1)) for b in back])
    return np.maximum(ink, back * _each(rng, 0.5, 0.85, ink))


def _folded(ink: Maps, rng: Random) -> Maps:
    """A crease in the paper: one side of a line has slipped along it, and the crease is darker."""
    turn, off, slip = _each(rng, 0, np.pi, ink), _each(rng, -4, 4, ink), rng.choice([-1, 1], (len(ink), 1, 1))
    slip = slip * _each(rng, 2, 4.5, ink)
    side = (_X - 13.5) * np.cos(turn) + (_Y - 13.5) * np.sin(turn) - off
    moved = np.where(side > 0, slip, 0)
    folded = _sampled(ink, _X - moved * np.sin(turn), _Y + moved * np.cos(turn))
    return np.maximum(folded, _each(rng, 0.1, 0.5, ink) * np.clip(1.2 - np.abs(side), 0, 1))


def _smeared(ink: Maps, rng: Random) -> Maps:
    """A hand has wiped over wet ink: it trails off to one side."""
    turn, length = _each(rng, 0, 2 * np.pi, ink), _each(rng, 8, 16, ink)
    trail = ink
    for step in range(1, 16):
        fade = np.clip(1 - step / length, 0, 1)
        trail = np.maximum(trail, fade * _sampled(ink, _X - step * np.cos(turn), _Y - step * np.sin(turn)))
    return trail


def _feathered(ink: Maps, rng: Random) -> Maps:
    """Blotting paper: ink creeps along the fibres, further here than there, and loses its edge."""
    for _ in range(3):
        around = np.stack([np.roll(ink, step, axis) for axis in (1, 2) for step in (-1, 1)])
        soaked = _smooth_noise(ink, rng, 9) > _each(rng, -0.5, 0.1, ink)
        ink = np.where(soaked, np.maximum(ink, around.max(axis=0) * _each(rng, 0.8, 1, ink)), ink)
    return ink


def _rubbed_out(ink: Maps, rng: Random) -> Maps:
    """An eraser has passed once or twice over the digit: a band is almost gone, its ink spread thin within it."""
    for _ in range(2):
        turn, off, half = _each(rng, 0, np.pi, ink), _each(rng, -7, 7, ink), _each(rng, 1.2, 2.6, ink)
        across = np.abs((_X - 13.5) * np.cos(turn) + (_Y - 13.5) * np.sin(turn) - off)
        band = np.clip(half + 0.5 - across, 0, 1) * _each(rng, 0.7, 1, ink)
        ink = ink * (1 - band) + band * _each(rng, 0, 0.3, ink)
    return ink


def _rippled(ink: Maps, rng: Random) -> Maps:
    """A page that does not lie flat: what is written on it bends in waves."""
    turn, phase = _each(rng, 0, np.pi, ink), _each(rng, 0, 2 * np.pi, ink)
    along = _X * np.cos(turn) + _Y * np.sin(turn)
    wave = _each(rng, 1.2, 2.7, ink) * np.sin(along * 2 * np.pi / _each(rng, 9, 16, ink) + phase)
    return _sampled(ink, _X - wave * np.sin(turn), _Y + wave * np.cos(turn))


UNSEEN: dict[str, Callable[[Maps, Random], Maps]] = {
    "shown through": _shown_through,
    "folded": _folded,
    "smeared": _smeared,
    "feathered": _feathered,
    "rubbed out": _rubbed_out,
    "rippled": _rippled,
}


def _each(rng: Random, low: float, high: float, ink: Maps) -> Maps:
    """A number for each picture, (N, 1, 1)."""
    return rng.uniform(low, high, (len(ink), 1, 1)).astype(np.float32)


def _smooth_noise(ink: Maps, rng: Random, grid: int) -> Maps:
    """Normal noise on a coarse grid, enlarged: (N, 28, 28)."""
    coarse = rng.normal(size=(len(ink), grid, grid)).astype(np.float32)
    place = np.linspace(0, grid - 1.001, 28)
    low, share = place.astype(int), (place % 1).astype(np.float32)
    rows = coarse[:, low] * (1 - share)[:, None] + coarse[:, low + 1] * share[:, None]
    return rows[:, :, low] * (1 - share) + rows[:, :, low + 1] * share


def _sampled(ink: Maps, x: Maps, y: Maps) -> Maps:
    """Pictures read at the places x, y (N, 28, 28), bilinearly; outside is paper."""
    padded = np.pad(ink, ((0, 0), (1, 2), (1, 2)))
    x, y = np.clip(x, -1, 28) + 1, np.clip(y, -1, 28) + 1
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, down = x - left, y - top
    which = np.arange(len(ink))[:, None, None]
    upper = padded[which, top, left] * (1 - right) + padded[which, top, left + 1] * right
    lower = padded[which, top + 1, left] * (1 - right) + padded[which, top + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, np.float32)
