"""What simulated photographs are made of: ink on a sheet, papers, light, cameras. A shape is (H, W) in pixels."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from digitpad.stroke_files import Sample
from train.corruption import to_bytes
from train.paper import cloud
from train.synthetic.generate import Strokes, turned

Picture = NDArray[np.uint8]  # (H, W), (H, W, 3) or (H, W, 4)
Levels = NDArray[np.floating]  # (H, W), of ink or light, in [0, 1]; float32 unless stated otherwise
Numbers = Sequence[float] | NDArray[np.float64]


def sheet(
    sample: Sample,
    rng: Generator,
    height: float = 200,
    size: tuple[int, int] | None = None,
    place: Numbers | None = None,
    pen: float | None = None,
    turn: float = 0,
    pressure: float = 0,
) -> Levels:
    """Ink on a sheet, float32 (H, W), 1 = ink.

    Args:
        sample: the strokes.
        rng: for what is not given.
        height: of the digit's longer side, in pixels.
        size: of the sheet (width, height), in pixels; by default 1.5 times the digit's.
        place: of the digit on the sheet, from (0, 0), upper left, to (1, 1), lower right.
        pen: its width as a share of the digit's longer side; by default 4 to 10 %.
        turn: clockwise, in degrees.
        pressure: by what share the pen's width changes along the strokes.
    """
    share = rng.uniform(0.04, 0.10) if pen is None else pen
    size = (round(height * (1.5 + share)),) * 2 if size is None else size
    where: Numbers = rng.uniform(0.3, 0.7, 2) if place is None else place
    fine = max(1, min(8, round(1000 / max(size))))
    width = max(share * height, 0.7) * fine
    image = Image.new("L", (size[0] * fine, size[1] * fine), 0)
    pencil, travelled = ImageDraw.Draw(image), rng.uniform(0, 6)
    strokes = [turned(points, np.radians(turn)) for points in sample.strokes]
    for points in placed(strokes, (height - share * height) * fine, image.size, where, width):
        last = points[0]
        for point in points:
            travelled += float(np.hypot(*(point - last))) / (0.2 * height * fine)
            wide = width * (1 + pressure * np.sin(travelled))
            pencil.line([tuple(last), tuple(point)], fill=255, width=max(round(wide), 1))
            x, y = point
            pencil.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=255)
            last = point
    return levels(image.reduce(fine) if fine > 1 else image)


def placed(strokes: Strokes, extent: float, size: tuple[int, int], place: Numbers, margin: float) -> Strokes:
    """Strokes scaled to an extent and moved to a place on a canvas: float64 (n, 2) each, x and y in its pixels.

    Args:
        strokes: (n, 2) each, in any unit.
        extent: of their longer side afterwards, in pixels.
        size: of the canvas (width, height), in pixels.
        place: as for `sheet`.
        margin: pixels left free, half of them on either side: as many as the pen is wide.
    """
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = extent / max(float((high - low).max()), 1e-9)
    corner = margin / 2 + (np.array(size) - (high - low) * scale - margin) * np.asarray(place)
    return [(stroke - low) * scale + corner for stroke in strokes]


def texture(shape: tuple[int, ...], rng: Generator, strength: float) -> Levels:
    """Paper: how much light each place reflects; `strength` is that of the noise, in each of three sizes."""
    grains = sum(cloud(shape, scale, rng) for scale in (1.5, 4, 30))
    return np.clip(0.93 - strength * grains, 0, 1).astype(np.float32)


def rules(shape: tuple[int, ...], rng: Generator) -> Levels:
    """Ruled paper: how much light each place reflects; a line every 22 to 60 pixels, one to two and a half wide."""
    every, tilt, dark = rng.uniform(22, 60), rng.uniform(-0.03, 0.03), rng.uniform(0.15, 0.5)
    y, x = np.indices(shape, dtype=np.float32)
    away = np.abs((y + tilt * x + rng.uniform(0, every)) % every - every / 2)
    return 1 - dark * np.clip(rng.uniform(0.5, 1.2) + 0.5 - away, 0, 1)


def fading(shape: tuple[int, ...], rng: Generator, loss: float) -> Levels:
    """Light from one side that fades by a share `loss`, and towards the corners; float64."""
    y, x = np.indices(shape, dtype=np.float32) / (max(shape) - 1) - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    along = (np.cos(angle) * x + np.sin(angle) * y) / 1.4 + 0.5
    return np.clip((1 - loss * along) * (1 - 0.2 * (x**2 + y**2)), 0, 1)


def shadow(shape: tuple[int, ...], rng: Generator, softness: float) -> Levels:
    """A shadow from one side over part of the sheet: 1 = none, its edge `softness` longer sides wide; float64."""
    y, x = np.indices(shape, dtype=np.float32) / max(shape) - 0.5
    angle, where = rng.uniform(0, 2 * np.pi), rng.uniform(-0.35, 0.35)
    along = np.cos(angle) * x + np.sin(angle) * y - where
    return 1 - rng.uniform(0.25, 0.5) / (1 + np.exp(np.clip(-along / softness, -50, 50)))


def out_of_focus(picture: Levels, radius: float) -> Levels:
    """A picture (H, W) out of focus: blurred with a standard deviation of `radius` pixels."""
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    return levels(image.filter(ImageFilter.GaussianBlur(radius)))


def askew(ink: Levels, rng: Generator) -> Levels:
    """As seen by a camera held askew: turned by up to 8 degrees, corners moved by up to 6 % of the side."""
    height, width = ink.shape
    turn = np.radians(rng.uniform(-8, 8))
    corners = np.array([(0, 0), (0, height), (width, height), (width, 0)])
    middle = corners.mean(axis=0)
    seen = turned(corners - middle, turn) + middle + rng.uniform(-0.06, 0.06, (4, 2)) * max(ink.shape)
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, seen, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    numbers = np.linalg.solve(np.array(rows, float), np.array(values, float))
    image = Image.fromarray(to_bytes(ink))
    perspective = Image.Transform.PERSPECTIVE
    return levels(image.transform(image.size, perspective, numbers.tolist(), Image.Resampling.BICUBIC))


def coloured(ink: Levels, paper: Numbers, colour: Numbers) -> Levels:
    """Ink (H, W) of one colour on paper of another, both RGB in [0, 1]: float32 (H, W, 3)."""
    part = ink[:, :, None]
    return np.asarray(paper, np.float32) * (1 - part) + np.asarray(colour, np.float32) * part


def through_jpeg(picture: Levels, quality: int) -> Picture:
    """A picture (H, W) or (H, W, 3) in [0, 1] after JPEG compression with a quality of 1 to 95."""
    file = io.BytesIO()
    Image.fromarray(to_bytes(picture)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def levels(image: Image.Image) -> Levels:
    """A grey picture as float32 (H, W) in [0, 1]."""
    return np.asarray(image, np.float32) / np.float32(255)
