"""What paper, pens and cameras make of ink, for the rows that the row reader learns from. All maps are (H, W)."""

import io

import numpy as np
from PIL import Image, ImageFilter

from digitpad.image.filters import Map

Random = np.random.Generator


def textured(ink: Map, rng: Random) -> Map:
    """Ink as a pen leaves it: darker here and lighter there, with gaps."""
    if rng.random() < 0.5:
        ink = ink * np.clip(1 + rng.uniform(0.1, 0.5) * cloud(ink.shape, int(rng.integers(2, 9)), rng), 0.25, 1)
    if rng.random() < 0.15:  # a pen that skips
        ink = ink * (rng.random(ink.shape) > rng.uniform(0.05, 0.4))
    return ink


def photographed(ink: Map, rng: Random) -> Map:
    """Ink (H, W) in [0, 1] on paper, as a camera or scanner brings it: grey (H, W) in [0, 1]."""
    height, width = ink.shape
    dark = rng.uniform(0.25, 0.95) if rng.random() < 0.75 else rng.uniform(0.1, 0.3)
    paper = np.full(ink.shape, rng.uniform(0.55, 1.0), np.float32)
    kind = rng.random()
    if kind < 0.55:  # printed ground
        patterns = rng.integers(1, 4)
        for _ in range(patterns):
            paper *= 1 - rng.uniform(0.05, 0.6 / patterns**0.5) * dark * _pattern(ink.shape, rng)
    if rng.random() < 0.4:
        paper *= 1 + rng.uniform(0.02, 0.12) * cloud(ink.shape, int(rng.integers(3, 30)), rng)
    if rng.random() < 0.4:  # light from one side
        angle = rng.uniform(0, 2 * np.pi)
        y, x = np.indices(ink.shape, np.float32) / max(ink.shape) - 0.5
        paper *= 1 + rng.uniform(0, 0.5) * (np.cos(angle) * x + np.sin(angle) * y)
    seen = paper * (1 - np.float32(dark) * np.clip(np.maximum(ink, _printed(ink.shape, rng)), 0, 1))
    if rng.random() < 0.05:
        seen = _on_badge(seen, ink, rng)
    if rng.random() < 0.5:
        seen = seen + rng.normal(0, rng.uniform(0.01, 0.11) * dark, ink.shape).astype(np.float32)
    picture = Image.fromarray(np.rint(255 * np.clip(seen, 0, 1)).astype(np.uint8))
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.1)))
    if rng.random() < 0.35:  # coarse
        share = rng.uniform(0.45, 0.95)
        small = picture.resize((max(round(width * share), 4), max(round(height * share), 4)), Image.Resampling.BOX)
        picture = small.resize((width, height), Image.Resampling.BICUBIC)
    if rng.random() < 0.35:
        picture.save(buffer := io.BytesIO(), "JPEG", quality=int(rng.integers(25, 92)))
        picture = Image.open(buffer)
    grey = np.asarray(picture, np.float32) / np.float32(255)
    return 1 - grey if rng.random() < 0.15 else grey


def _on_badge(seen: Map, ink: Map, rng: Random) -> Map:
    """A picture inverted inside a disc or a plate that holds its ink, as badges and keys have it."""
    columns, rows = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
    if not columns.size:
        return seen
    y, x = np.indices(ink.shape, np.float32)
    across = np.abs(x - (columns[0] + columns[-1]) / 2) / (np.ptp(columns) / 2 + 1)
    down = np.abs(y - (rows[0] + rows[-1]) / 2) / (np.ptp(rows) / 2 + 1)
    power, size = rng.choice([2.0, 8.0]), rng.uniform(1.1, 1.6)
    inside = ((across / size) ** power + (down / size) ** power) < 1
    return np.where(inside, seen.min() + seen.max() - seen, seen)


def _printed(shape: tuple[int, int], rng: Random) -> Map:
    """Lines that forms have, as dark as the ink or paler: to write on, and around a box."""
    lines = np.zeros(shape, np.float32)
    height, width = shape
    y, x = np.indices(shape, np.float32)
    where = []
    if rng.random() < 0.3:
        where.append((rng.uniform(0.75, 1.0) * height, rng.normal(0, 0.03), False))
    if rng.random() < 0.08:
        where.append((rng.uniform(0.0, 0.12) * height, rng.normal(0, 0.03), False))
    if rng.random() < 0.05:
        where.append((rng.uniform(0.2, 0.8) * height, rng.normal(0, 0.03), False))
    if rng.random() < 0.05:  # squared or lined paper
        apart, first, slope = rng.uniform(7, 30), rng.uniform(0, 30), rng.normal(0, 0.03)
        both = rng.random() < 0.6
        for upright in (False, True) if both else (False,):
            where += [(first % apart + apart * n, slope, upright) for n in range(int(max(shape) / apart) + 1)]
    for end in (rng.uniform(0, 0.06) * height, width - rng.uniform(0, 0.06) * height):
        if rng.random() < 0.08:
            where.append((end, rng.normal(0, 0.03), True))
    strength, thick = rng.uniform(0.3, 1.0), rng.uniform(0.8, 1.6)
    for at, slope, upright in where:
        along, across = (y - height / 2, x) if upright else (x - width / 2, y)
        away = np.abs(across - at - slope * along)
        np.maximum(lines, strength * np.clip(thick - away, 0, 1), out=lines)
    return lines


def _pattern(shape: tuple[int, int], rng: Random) -> Map:
    """A printed ground (H, W) in [0, 1]: waves, hatching, arcs, rulings or dots, a few pixels apart."""
    y, x = np.indices(shape, np.float32)
    angle, apart = rng.uniform(0, np.pi), rng.uniform(2.5, 11)
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    kind = rng.choice(["waves", "level", "arcs", "dots", "cloth", "wild"], p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.15])
    if kind == "level":
        along, across = x, y + rng.normal(0, 0.1) * x
    if kind in ("waves", "level"):
        phase = across + rng.uniform(0, 6) * np.sin(along * 2 * np.pi / rng.uniform(12, 120) + rng.uniform(0, 6))
    elif kind == "arcs":
        middle = rng.uniform(-1, 2, 2) * shape[::-1]
        phase = np.hypot(x - middle[0], (y - middle[1]) * rng.uniform(0.6, 1.6))
    elif kind == "wild":
        phase = across + rng.uniform(2, 12) * cloud(shape, int(rng.integers(8, 40)), rng)
    else:
        other = np.cos(2 * np.pi * along / (apart * rng.uniform(0.7, 1.4)))
        here = np.cos(2 * np.pi * across / apart)
        both = here * other if kind == "cloth" else here + other - rng.uniform(0, 1)
        return np.clip(both * rng.uniform(0.7, 2), 0, 1).astype(np.float32)
    thick = rng.uniform(0.2, 0.8)
    wave = np.cos(2 * np.pi * phase / apart)
    return np.clip((wave - 1 + 2 * thick) * rng.uniform(0.8, 3), 0, 1).astype(np.float32)


def cloud(shape: tuple[int, ...], size: float, rng: Random) -> Map:
    """Smooth noise (H, W), standard deviation about 1, that changes over `size` pixels."""
    coarse = rng.normal(0, 1, (int(shape[0] / size) + 2, int(shape[1] / size) + 2)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
