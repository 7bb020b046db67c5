"""Pictures of digits under every condition that people take them in: pens, sizes, papers, light, cameras, screens.

Strokes are inked on a large sheet, which is then lit, photographed, scanned or saved, so that accuracy can be given
condition by condition without using anyone's pictures.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitpad import Prediction, Recognizer
from digitpad.image.normalise import image_readings
from digitpad.stroke_files import Sample
from evaluate.photographs import (
    Levels,
    Picture,
    askew,
    coloured,
    fading,
    levels,
    out_of_focus,
    placed,
    rules,
    shadow,
    sheet,
    texture,
    through_jpeg,
)
from train.corruption import to_bytes

# Takes a picture of strokes: a Picture, or its brightness as Levels, which are then turned into bytes.
Take = Callable[[Sample, Generator], NDArray[Any]]


def photograph(samples: Sequence[Sample], condition: str, seed: int) -> Iterator[Picture]:
    """Pictures of strokes under one of CONDITIONS, one at a time, as large ones fill the memory.

    Each depends only on its strokes, its place in the row and the seed. A sample has at least one stroke.

    Yields:
        One uint8 array for each sample: (H, W), (H, W, 3) or, where the ground is transparent, (H, W, 4).

    Raises:
        KeyError: there is no such condition.
    """
    take = CONDITIONS[condition]
    for number, sample in enumerate(samples):
        picture = take(sample, np.random.default_rng((seed, number)))
        yield picture if picture.dtype == np.uint8 else to_bytes(picture)


def read_photographs(
    condition: str, samples: Sequence[Sample], recognizers: dict[str, Recognizer], seed: int
) -> dict[str, list[Prediction]]:
    """What each model makes of the same pictures."""
    return _read_all(photograph(samples, condition, seed), recognizers)


def read_on_paper(
    images: NDArray[np.uint8], recognizers: dict[str, Recognizer], seed: int
) -> dict[str, list[Prediction]]:
    """What each model makes of ink, uint8 (N, 28, 28), photographed on unevenly lit paper."""
    return _read_all((_on_paper(image, seed, number) for number, image in enumerate(images)), recognizers)


def _read_all(pictures: Iterable[Picture], recognizers: dict[str, Recognizer]) -> dict[str, list[Prediction]]:
    predictions: dict[str, list[Prediction]] = {model: [] for model in recognizers}
    for readings in map(image_readings, pictures):
        for model, recognizer in recognizers.items():
            predictions[model].append(recognizer.predict_readings(readings))
    return predictions


def _on_paper(image: NDArray[np.uint8], seed: int, number: int) -> Picture:
    rng = np.random.default_rng((seed, number))
    ink = levels(Image.fromarray(np.pad(image, 8)).resize((396, 396), Image.Resampling.BICUBIC))
    paper = texture(ink.shape, rng, 0.02) * fading(ink.shape, rng, rng.uniform(0.1, 0.4))
    return through_jpeg(paper * (1 - 0.8 * ink), 80)


# What a digit is drawn with, and how large


def black_on_white(**how: Any) -> Take:
    """Black on white, with a pen of 4 to 10 % of the digit's height unless `how`, as for `sheet`, says otherwise."""
    return lambda sample, rng: 1 - sheet(sample, rng, **how)


def pixels(side: int, pen: float | None = None) -> Take:
    """Black on white, the digit filling two thirds of a picture of this many pixels a side."""
    return black_on_white(height=side / 1.5, size=(side, side), pen=pen)


def one_pixel_pen(sample: Sample, rng: Generator) -> Picture:
    """Drawn in hard pixels, one wide, on 28x28, as a beginner's canvas does."""
    image = Image.new("L", (28, 28), 0)
    for points in placed(sample.strokes, 20, (28, 28), (0.5, 0.5), 1):
        ImageDraw.Draw(image).line([(round(x), round(y)) for x, y in points], fill=255)
    return np.asarray(image)


# Where it is, on what ground, in which colours


def coloured_ink(sample: Sample, rng: Generator) -> Levels:
    """Any colour on any other that is not too similar."""
    while True:
        ink, paper = rng.uniform(0, 1, 3), rng.uniform(0, 1, 3)
        if np.abs(ink - paper).max() > 0.4:
            return coloured(sheet(sample, rng), paper, ink)


def transparent(sample: Sample, rng: Generator) -> Levels:
    """Ink of any colour on nothing, as a drawing program exports it."""
    ink = sheet(sample, rng)
    colour = np.broadcast_to(rng.uniform(0, 1, 3).astype(np.float32), (*ink.shape, 3))
    return np.dstack([colour, ink])


def small_in_a_corner(sample: Sample, rng: Generator) -> Levels:
    """A digit of 5 to 10 % of the picture's height, in one of its corners."""
    place = rng.choice([0.04, 0.96], 2) + rng.uniform(-0.03, 0.03, 2)
    return 1 - sheet(sample, rng, height=rng.uniform(40, 80), size=(800, 800), place=place)


def few_pixels(side: int, grey: bool) -> Take:
    """Cropped to the ink and reduced to this many pixels a side, as in old collections."""

    def take(sample: Sample, rng: Generator) -> Picture:
        ink = cropped(sheet(sample, rng, height=256, pen=rng.uniform(0.07, 0.14)))
        spare = [max(ink.shape) - length for length in ink.shape]
        canvas = np.pad(ink, [(free // 2, free - free // 2) for free in spare])
        small = np.asarray(Image.fromarray(canvas).resize((side, side), Image.Resampling.BOX))
        return to_bytes(small if grey else small > 0.5)

    return take


def cropped(ink: Levels) -> Levels:
    """Without the rows and columns that hold no ink, on the sides or between."""
    return ink[np.ix_(ink.max(axis=1) > 0.5, ink.max(axis=0) > 0.5)]


def border_line(sample: Sample, rng: Generator) -> Picture:
    """A line along one side, as when cut from a form, or a box all around."""
    image = Image.fromarray(to_bytes(1 - sheet(sample, rng)))
    pencil, (width, height) = ImageDraw.Draw(image), image.size
    inset, thickness, side = (int(rng.integers(*ends)) for ends in ((0, 14), (1, 6), (0, 5)))
    ends = (inset, inset, width - 1 - inset, height - 1 - inset)
    if side == 4:
        pencil.rectangle(ends, outline=0, width=thickness)
    else:
        line = [(0, ends[1], width, ends[1]), (0, ends[3], width, ends[3])]
        line += [(ends[0], 0, ends[0], height), (ends[2], 0, ends[2], height)]
        pencil.line(line[side], fill=0, width=thickness)
    return np.asarray(image)


def screenshot(sample: Sample, rng: Generator) -> Picture:
    """A drawing program's window: a canvas in a grey surround, with a bar of buttons on top."""
    canvas = to_bytes(coloured(sheet(sample, rng, size=(420, 360)), (1, 1, 1), rng.uniform(0, 0.4, 3)))
    surround = int(rng.integers(170, 235))
    window = np.full((480, 480, 3), surround, np.uint8)
    window[:34] = int(rng.integers(40, 90))
    for x in range(12, 12 + 34 * int(rng.integers(3, 9)), 34):
        window[8:26, x : x + 18] = rng.integers(60, 255, 3)
    window[84:444, 30:450] = canvas
    return window


# Papers


def paper_texture(sample: Sample, rng: Generator) -> Levels:
    """Recycled paper: fibres and clouds."""
    ink = sheet(sample, rng)
    return texture(ink.shape, rng, 0.05) * (1 - rng.uniform(0.5, 0.85) * ink)


def single_line(sample: Sample, rng: Generator) -> Levels:
    """One line from side to side, as dark as the ink, on which the digit stands or which crosses its foot."""
    ink = sheet(sample, rng, size=(300, 300), place=(rng.uniform(0.3, 0.7), 0.5))
    foot = np.flatnonzero(ink.max(axis=1) > 0.5)[-1] + int(rng.integers(-8, 14))
    rows = np.arange(300, dtype=np.float32)[:, None] + rng.uniform(-0.02, 0.02) * (np.arange(300) - 150)
    line = np.clip(rng.uniform(1, 2) + 0.5 - np.abs(rows - foot), 0, 1)
    return 0.95 - 0.8 * np.maximum(ink, line)


def pencil(sample: Sample, rng: Generator) -> Levels:
    """A pale line, grainy, on white paper."""
    ink = sheet(sample, rng, pen=rng.uniform(0.02, 0.05))
    grain = np.clip(rng.normal(0.8, 0.35, ink.shape), 0, 1)
    return texture(ink.shape, rng, 0.01) * (1 - rng.uniform(0.25, 0.5) * ink * grain)


def lit(strength: float, light: Callable[[tuple[int, ...], Generator], Levels]) -> Take:
    """Ink that takes a share `strength` of the light from the paper, `light` of its shape (H, W); a little noise."""

    def take(sample: Sample, rng: Generator) -> Levels:
        ink = sheet(sample, rng)
        return light(ink.shape, rng) * (1 - strength * ink) + rng.normal(0, 0.01, ink.shape)

    return take


# What else is on the sheet


def _on_sheet(sample: Sample, rng: Generator, draw: Callable[[ImageDraw.ImageDraw], None]) -> Picture:
    """Dark ink in the middle of a white sheet of 600x800 on which `draw` has drawn; the digit is 300 pixels large."""
    sheet_of_paper = Image.new("RGB", (600, 800), (250, 250, 248))
    draw(ImageDraw.Draw(sheet_of_paper))
    ink = sheet(sample, rng, height=300, size=(600, 800), place=(0.5, 0.5), pen=rng.uniform(0.03, 0.08))
    page = np.asarray(sheet_of_paper, np.float32) / 255 * (1 - rng.uniform(0.7, 0.95) * ink[:, :, None])
    return to_bytes(page + rng.normal(0, 0.005, page.shape))


def marked(sample: Sample, rng: Generator) -> Picture:
    """A highlighter's mark over the digit, or a cell of a table or a pale band behind it or beside it."""
    colour = [(255, 250, 120), (255, 180, 210), (200, 245, 190), (226, 226, 226)][int(rng.integers(4))]
    left, top = rng.uniform(60, 240), rng.uniform(120, 560)
    box = (left, top, left + rng.uniform(150, 300), top + rng.uniform(60, 240))
    return _on_sheet(sample, rng, lambda pencil: pencil.rectangle(box, fill=colour))


def stained(sample: Sample, rng: Generator) -> Picture:
    """The ring of a cup, or a pale smudge."""
    x, y = rng.uniform(150, 450, 2)
    if rng.random() < 0.5:
        box, width = (x - 130, y - 130, x + 130, y + 130), int(rng.integers(8, 20))
        return _on_sheet(sample, rng, lambda pencil: pencil.ellipse(box, outline=(218, 198, 170), width=width))
    across, down = np.indices((800, 600), dtype=np.float32)[::-1]
    smudge = np.exp(-((across - x) ** 2 + (down - y - 100) ** 2) / rng.uniform(8_000, 30_000))
    clean = _on_sheet(sample, rng, lambda pencil: None)
    return to_bytes(clean / np.float32(255) * (1 - rng.uniform(0.06, 0.15) * smudge[:, :, None]))


def underlined(sample: Sample, rng: Generator) -> Picture:
    """A line like the pen's under the digit, nearly level."""
    y, left, right = 550 + rng.uniform(20, 60), rng.uniform(130, 200), rng.uniform(400, 470)
    line = (left, y, right, y + rng.uniform(-8, 8))
    return _on_sheet(sample, rng, lambda pencil: pencil.line(line, fill=(40, 40, 60), width=int(rng.integers(5, 14))))


def circled(sample: Sample, rng: Generator) -> Picture:
    """A ring like the pen's around the digit, not quite round."""
    x, y = rng.uniform(215, 275, 2)
    box, width = (300 - x, 400 - y, 300 + x, 400 + y), int(rng.integers(4, 12))
    return _on_sheet(sample, rng, lambda pencil: pencil.ellipse(box, outline=(40, 40, 60), width=width))


def badge(sample: Sample, rng: Generator) -> Picture:
    """White ink on a disc or a rounded square of one dark colour."""
    ink = sheet(sample, rng, rng.uniform(110, 220), size=(440, 440), place=(0.5, 0.5))
    ground = Image.new("RGB", (440, 440), "white")
    colour = tuple(int(level) for level in rng.integers(0, 150, 3))
    ImageDraw.Draw(ground).rounded_rectangle((30, 30, 410, 410), (190, 60)[int(rng.integers(2))], fill=colour)
    return to_bytes(np.asarray(ground) / 255 * (1 - ink[:, :, None]) + ink[:, :, None])


def phone_screenshot(sample: Sample, rng: Generator) -> Picture:
    """A phone's clock above, and its bar below."""

    def draw(pencil: ImageDraw.ImageDraw) -> None:
        pencil.text((20, 8), "12:41", fill=(0, 0, 0), font_size=22)
        pencil.text((540, 8), "87%", fill=(0, 0, 0), font_size=22)
        pencil.line((210, 786, 390, 786), fill=(0, 0, 0), width=int(rng.integers(4, 8)))

    return _on_sheet(sample, rng, draw)


def punched(sample: Sample, rng: Generator) -> Picture:
    """Holes along the left side, dark as what lies under the sheet, and a margin's line."""
    dark, first = int(rng.integers(20, 120)), int(rng.integers(60, 160))

    def draw(pencil: ImageDraw.ImageDraw) -> None:
        for y in range(first, 780, 220):
            pencil.ellipse((14, y, 44, y + 30), fill=(dark, dark, dark))
        pencil.line((66, 0, 66, 800), fill=(230, 130, 130), width=2)

    return _on_sheet(sample, rng, draw)


# Cameras and files


def noise(sample: Sample, rng: Generator) -> Levels:
    """A sensor's noise, of 5 to 12 % of full contrast."""
    ink = sheet(sample, rng)
    return 0.9 - 0.7 * ink + rng.normal(0, rng.uniform(0.05, 0.12), ink.shape)


def scan(sample: Sample, rng: Generator) -> Picture:
    """From a flatbed: sharp, slightly turned, paper not quite white, a dark edge where the lid left a gap."""
    ink = sheet(sample, rng, height=rng.uniform(80, 250), pen=rng.uniform(0.02, 0.08), turn=rng.uniform(-4, 4))
    page = 0.96 - rng.uniform(0.6, 0.9) * out_of_focus(ink, 0.8) + rng.normal(0, 0.012, ink.shape)
    if rng.random() < 0.5:
        page[:, : int(rng.integers(1, 8))] = 0.15
    for y, x in rng.integers(0, np.array(ink.shape) - 3, (int(rng.integers(0, 6)), 2)):  # dust
        page[y : y + 2, x : x + 2] = 0.4
    return through_jpeg(page, 75)


def phone_photo(sample: Sample, rng: Generator) -> Picture:
    """All at once: texture, fading light and a shadow, camera askew and out of focus, noise, a tint, JPEG."""
    return _photo(sample, rng)[0]


def close_photo(sample: Sample, rng: Generator) -> Picture:
    """The same, cropped to the digit with a margin of 2 to 15 % of its size."""
    return np.ascontiguousarray(_cut_out(*_photo(sample, rng), rng.uniform(0.02, 0.15)))


def _cut_out(picture: NDArray[Any], ink: Levels, margin: float) -> NDArray[Any]:
    """A picture cropped to ink, both (H, W), with a margin of a share of its longer side."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.5), np.flatnonzero(ink.max(axis=0) > 0.5)
    free = int(margin * max(np.ptp(rows), np.ptp(columns))) + 1
    return picture[max(rows[0] - free, 0) : rows[-1] + free + 1, max(columns[0] - free, 0) : columns[-1] + free + 1]


def security_paper(sample: Sample, rng: Generator) -> Picture:
    """Cut from a cheque: waves printed all over grey paper, pen, little focus, few pixels."""
    ink = sheet(sample, rng, height=rng.uniform(40, 90), size=(160, 160), place=(0.5, 0.5), pen=rng.uniform(0.06, 0.1))
    y, x = np.indices(ink.shape, dtype=np.float32)
    waves = [
        np.sin(2 * np.pi * (y + rng.uniform(2, 12) * np.sin(x / rng.uniform(8, 40) + phase)) / rng.uniform(4, 9))
        for phase in rng.uniform(0, 6, int(rng.integers(1, 3)))
    ]
    paper = rng.uniform(0.55, 0.85) * (1 - rng.uniform(0.1, 0.3) * (np.max(waves, axis=0) > rng.uniform(0.2, 0.8)))
    page = paper * (1 - rng.uniform(0.5, 0.8) * ink) + rng.normal(0, 0.015, ink.shape)
    return through_jpeg(_cut_out(out_of_focus(page, rng.uniform(0.6, 1.2)), ink, rng.uniform(0.1, 0.2)), 80)


def notebook(sample: Sample, rng: Generator) -> Picture:
    """A close crop from a ruled notebook: a line touching the foot or just under it, seldom level; ink or pencil."""
    height = rng.uniform(60, 160)
    ink = sheet(sample, rng, height=height, size=(320, 320), place=(0.5, 0.5), pen=rng.uniform(0.03, 0.07))
    foot = np.flatnonzero(ink.max(axis=1) > 0.5)[-1] + height * rng.uniform(-0.06, 0.1)
    y, x = np.indices(ink.shape, dtype=np.float32)
    off = y + np.tan(np.radians(rng.uniform(-5, 5))) * (x - 160) - foot
    every, width = height * rng.uniform(1, 1.6), rng.uniform(0.8, 2)
    line = np.clip(width / 2 + 0.5 - np.abs((off + every / 2) % every - every / 2), 0, 1)
    light = texture(ink.shape, rng, 0.02) * fading(ink.shape, rng, rng.uniform(0.1, 0.4))
    page = light * (1 - rng.uniform(0.15, 0.4) * line) * (1 - rng.uniform(0.35, 0.85) * ink)
    page = out_of_focus(page, 0.008 * height) + rng.normal(0, 0.012, ink.shape)
    return through_jpeg(_cut_out(page, ink, rng.uniform(0.08, 0.25)), 80)


def faint_red(sample: Sample, rng: Generator) -> Picture:
    """A red pen that is nearly empty, on lit paper."""
    ink = sheet(sample, rng, pen=rng.uniform(0.02, 0.05))
    light = texture(ink.shape, rng, 0.015) * fading(ink.shape, rng, rng.uniform(0.1, 0.3))
    page = coloured(ink * rng.uniform(0.25, 0.45), (1, 1, 0.97), (0.85, 0.2, 0.2)) * light[:, :, None]
    return through_jpeg(page + rng.normal(0, 0.01, page.shape), 85)


def between_neighbours(sample: Sample, rng: Generator) -> Picture:
    """Cut out of a number, with a part of the digits on both sides, here its like, cut through."""
    ink = sheet(sample, rng, height=120, size=(400, 200), place=(0.5, 0.5))
    columns = np.flatnonzero(ink.max(axis=0) > 0.5)
    width, gap = np.ptp(columns) + 1, int(120 * rng.uniform(0.05, 0.2))
    both = np.maximum(np.roll(ink, width + gap, axis=1), np.roll(ink, -width - gap, axis=1))
    seen = gap + int(rng.uniform(0.05, 0.25) * width)
    page = 0.95 - rng.uniform(0.6, 0.9) * np.maximum(ink, both) + rng.normal(0, 0.01, ink.shape)
    return to_bytes(page[20:180, max(columns[0] - seen, 0) : columns[-1] + 1 + seen])


def _photo(sample: Sample, rng: Generator) -> tuple[Picture, Levels]:
    height = rng.uniform(90, 300)
    size = (int(height * rng.uniform(1.6, 3)), int(height * rng.uniform(1.6, 3)))
    place, pen = rng.uniform(0.2, 0.8, 2), rng.uniform(0.02, 0.1)
    ink = askew(sheet(sample, rng, height=height, size=size, place=place, pen=pen, pressure=0.2), rng)
    light = texture(ink.shape, rng, 0.02) * fading(ink.shape, rng, rng.uniform(0.1, 0.6))
    if rng.random() < 0.5:
        light = light * shadow(ink.shape, rng, rng.uniform(0.02, 0.15))
    if rng.random() < 0.3:
        light = light * rules(ink.shape, rng)
    page = coloured(ink * rng.uniform(0.55, 0.9), rng.uniform(0.85, 1, 3), rng.uniform(0, 0.35, 3)) * light[:, :, None]
    page = np.dstack([out_of_focus(page[:, :, c], 0.006 * height) for c in range(3)])
    noisy = page + rng.normal(0, rng.uniform(0.005, 0.03), page.shape)
    return through_jpeg(noisy, int(rng.integers(50, 92))), ink


CONDITIONS: dict[str, Take] = {
    "plain": black_on_white(),
    "pen 1 %": black_on_white(pen=0.01),
    "pen 3 %": black_on_white(pen=0.03),
    "pen 15 %": black_on_white(pen=0.15),
    "pen 20 %": black_on_white(pen=0.20),
    "pen 25 %": black_on_white(pen=0.25),
    "16 pixels": pixels(16),
    "28 pixels": pixels(28),
    "64 pixels": pixels(64),
    "1000 pixels": pixels(1000),
    "4000 pixels, pen 1 %": pixels(4000, pen=0.01),
    "one-pixel pen, 28 pixels": one_pixel_pen,
    # Hard pixels without grey, as simple paint programs draw.
    "paint brush": lambda sample, rng: sheet(sample, rng, rng.uniform(60, 160), pen=rng.uniform(0.04, 0.12)) < 0.5,
    "changing pressure": black_on_white(pressure=0.5),
    "white on black": lambda sample, rng: rng.uniform(0, 0.25) + rng.uniform(0.6, 0.75) * sheet(sample, rng),
    "coloured ink": coloured_ink,
    "transparent PNG": transparent,
    "small in a corner": small_in_a_corner,
    "cut out closely": lambda sample, rng: 1 - cropped(sheet(sample, rng)),
    "8 pixels, cut out": few_pixels(8, grey=True),
    "16 pixels, cut out": few_pixels(16, grey=True),
    "16 black pixels, cut out": few_pixels(16, grey=False),
    "32 black pixels, cut out": few_pixels(32, grey=False),
    "border line": border_line,
    "screenshot": screenshot,
    "paper texture": paper_texture,
    "ruled paper": lit(0.8, lambda shape, rng: 0.93 * rules(shape, rng)),
    "single line": single_line,
    "squared paper": lit(0.8, lambda shape, rng: rules(shape[::-1], rng).T * (0.93 * rules(shape, rng))),
    "pencil": pencil,
    "highlighter, table cell": marked,
    "stains": stained,
    "underlined": underlined,
    "circled": circled,
    "badge": badge,
    "phone screenshot": phone_screenshot,
    "punched sheet": punched,
    "gradient light": lit(0.75, lambda shape, rng: fading(shape, rng, rng.uniform(0.5, 0.85))),
    "soft shadow": lit(0.75, lambda shape, rng: 0.9 * shadow(shape, rng, rng.uniform(0.03, 0.12))),
    "hard shadow": lit(0.75, lambda shape, rng: 0.9 * shadow(shape, rng, 0.004)),
    "noise": noise,
    "rotated": lambda sample, rng: 1 - sheet(sample, rng, turn=rng.uniform(-15, 15)),
    "blur": lambda sample, rng: 1 - out_of_focus(sheet(sample, rng), rng.uniform(1, 6)),
    "JPEG": lambda sample, rng: through_jpeg(1 - sheet(sample, rng, rng.uniform(50, 200)), int(rng.integers(8, 30))),
    "scan": scan,
    "phone photo": phone_photo,
    "phone photo, cut out": close_photo,
    "security paper, cut out": security_paper,
    "notebook, cut out": notebook,
    "faint red pen": faint_red,
    "between neighbours": between_neighbours,
}
