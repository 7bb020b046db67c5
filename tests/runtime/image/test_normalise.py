"""An image of a digit, however it was made, is brought to the size and place of MNIST's, and read."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from digitpad import Recognizer
from digitpad.image.normalise import image_readings, in_mnist_form, normalise_image
from digitpad.image.reading import read_image
from digitpad.mnist_form import centre_of_mass, render_strokes
from digitpad.pad.demo_strokes import demo_samples

DIGITS = {sample.label or "": sample.strokes for sample in demo_samples()}

MODELS = {name: Recognizer(name) for name in ("cnn", "mlp")}

Grey = NDArray[np.uint8]


@cache
def draw(
    digit: str,
    height: float = 200,
    pen: float = 0.08,
    size: tuple[int, int] | None = None,
    place: tuple[float, float] = (0.5, 0.5),
) -> NDArray[np.float32]:
    """Ink drawn with a round pen: float (H, W), 0 = paper, 1 = ink; `pen` is its width as a share of the height."""
    points = np.concatenate(DIGITS[digit])
    low, high = points.min(axis=0), points.max(axis=0)
    fine = max(round(1200 / height), 1)
    scale, width = height * fine / (high - low).max(), pen * height * fine
    extent = (high - low) * scale + width
    canvas = np.array(size) * fine if size else np.repeat(np.ceil((1.5 + pen) * height), 2).astype(int) * fine
    corner = (canvas - extent) * place + width / 2
    image = Image.new("L", tuple(canvas.tolist()))
    pencil = ImageDraw.Draw(image)
    for stroke in DIGITS[digit]:
        path = [tuple(point) for point in (stroke - low) * scale + corner]
        pencil.line(path, fill=255, width=max(round(width), 1))
        for x, y in path:
            pencil.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    coverage = np.asarray(image.reduce(fine), np.float32) / 255
    coverage.flags.writeable = False  # it is handed out again
    return coverage


def grey(values: Any) -> Grey:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@cache
def plain(digit: str) -> Grey:
    """What a digit in black on white gives."""
    return normalise_image(grey(1 - draw(digit)))


def off(digit: str, image: Any) -> float:
    """How far an image, once normalised, is from what the digit in black on white gives: grey levels, on average."""
    return float(np.abs(normalise_image(image).astype(float) - plain(digit)).mean())


def read_in(image: Any) -> str:
    """The digit that is read in a picture; "None" where it is refused."""
    return str(MODELS["cnn"].predict(image).digit)


def amid_lines(digit: str, image: Any) -> bool:
    """Whether it is read; a one may be refused, as a straight stroke amid lines may be one of them."""
    return read_in(image) in ((digit, "None") if digit == "1" else (digit,))


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(1)


# Two different digits are 30 to 70 grey levels apart, so drawn on average over 28x28.


@pytest.mark.parametrize("pen", [0.01, 0.08, 0.25])
@pytest.mark.parametrize("digit", DIGITS)
def test_the_ink_is_as_large_as_mnists_and_in_its_place(digit: str, pen: float) -> None:
    seen = normalise_image(grey(1 - draw(digit, 250, pen, size=(600, 400), place=(0.2, 0.7))))
    sides = [np.ptp(np.flatnonzero((seen > 64).any(axis=axis))) + 1 for axis in (0, 1)]
    assert abs(max(sides) - 20) <= 1
    assert np.abs(centre_of_mass(seen.astype(np.float32)) - 14.5).max() < 0.5


@pytest.mark.parametrize(("across", "down"), [(12, 100), (30, 300), (200, 200)])
def test_a_straight_one_as_tall_as_its_picture_is_no_line(across: int, down: int) -> None:
    picture = np.full((down, across), 255, np.uint8)
    picture[:, across // 2 : across // 2 + max(down // 20, 2)] = 0
    assert read_in(picture) == "1"


@settings(max_examples=25, deadline=None)
@given(
    digit=st.sampled_from(list(DIGITS)),
    height=st.floats(60, 200),
    pen=st.floats(0.02, 0.12),
    place=st.tuples(st.floats(0.02, 0.98), st.floats(0.02, 0.98)),
    paper=st.floats(0, 1),
    contrast=st.floats(0.2, 1),
)
def test_whatever_the_place_size_pen_paper_and_contrast_the_digit_is_read(
    digit, height, pen, place, paper, contrast
) -> None:
    ink = paper - contrast if paper > 0.5 else paper + contrast
    coverage = draw(digit, height, pen, size=(400, 300), place=place)
    assert read_in(grey(paper + (np.clip(ink, 0, 1) - paper) * coverage)) == digit


@pytest.mark.parametrize("digit", DIGITS)
def test_both_polarities_give_the_same(digit: str) -> None:
    image = grey(draw(digit))
    difference = normalise_image(image).astype(int) - normalise_image(255 - image)
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((0.1, 0.2, 0.7), (0.9, 0.9, 0.85)),  # a blue ball pen
        ((1, 1, 0), (1, 1, 1)),  # yellow on white, which differ in blue alone
        ((0, 0.5, 0), (0.8, 0, 0)),  # green on red, equally light
        ((1, 0.6, 0), (0.1, 0.1, 0.3)),
    ],
)
def test_coloured_ink_on_coloured_paper(digit: str, ink: tuple[float, ...], paper: tuple[float, ...]) -> None:
    coverage = draw(digit)[:, :, None]
    assert off(digit, grey(np.array(paper) * (1 - coverage) + np.array(ink) * coverage)) < 5


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30), (120, 120, 120)])
def test_ink_on_a_transparent_ground(digit: str, colour: tuple[int, ...]) -> None:
    coverage = grey(draw(digit))
    assert off(digit, np.dstack([np.full(coverage.shape, level, np.uint8) for level in colour] + [coverage])) < 3


def test_a_cut_out_piece_of_paper_with_transparent_surroundings() -> None:
    image = np.zeros((500, 500, 4), np.uint8)
    image[60:390, 90:420, :3] = grey(1 - draw("3", 200, size=(330, 330)))[:, :, None]
    image[60:390, 90:420, 3] = 255
    assert off("3", image) < 4


def light(shape: tuple[int, ...], dark: float) -> NDArray[np.float64]:
    y, x = np.indices(shape)
    return 0.9 - dark * (x / shape[1] + y / shape[0]) / 2


def vignetted(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Light that fades to one side and to the corners."""
    y, x = np.indices(shape) / max(shape) - 0.5
    return (1 - 0.75 * (0.5 + (0.7 * x + 0.7 * y) / 1.4)) * (1 - 0.2 * (x**2 + y**2))


def smear(shape: tuple[int, ...], where: float, width: float) -> NDArray[np.float64]:
    """A shadow at the left side, as a factor."""
    y, x = np.indices(shape)
    return 1 - 0.4 / (1 + np.exp((x / shape[1] + 0.2 * y / shape[0] - where) / width))


def ruled(shape: tuple[int, ...], every: int, tilt: float) -> NDArray[np.float64]:
    y, x = np.indices(shape)
    return np.where((y + tilt * x) % every < 2, 0.55, 1.0)


PHOTOS: dict[str, Callable[[NDArray[Any], np.random.Generator], Any]] = {
    "paper": lambda c, r: grey(0.9 - 0.7 * c + r.normal(0, 0.02, c.shape)),
    "noise": lambda c, r: grey(0.9 - 0.7 * c + r.normal(0, 0.1, c.shape)),
    "pencil": lambda c, r: grey(0.9 - 0.25 * c + r.normal(0, 0.02, c.shape)),
    "gradient": lambda c, r: grey(light(c.shape, 0.6) * (1 - 0.7 * c) + r.normal(0, 0.02, c.shape)),
    "soft shadow": lambda c, r: grey(0.9 * smear(c.shape, 0.5, 0.1) * (1 - 0.7 * c) + r.normal(0, 0.02, c.shape)),
    "hard shadow": lambda c, r: grey(0.9 * smear(c.shape, 0.4, 0.004) * (1 - 0.7 * c) + r.normal(0, 0.02, c.shape)),
    "dim": lambda c, r: grey(0.3 * light(c.shape, 0.3) * (1 - 0.7 * c) + r.normal(0, 0.005, c.shape)),
    "chalk": lambda c, r: grey(0.2 + 0.6 * c + r.normal(0, 0.03, c.shape)),
    "ruled": lambda c, r: grey(0.9 * ruled(c.shape, 40, 0.02) * (1 - 0.75 * c) + r.normal(0, 0.02, c.shape)),
    "squared": lambda c, r: grey(0.9 * ruled(c.shape, 30, 0) * ruled(c.T.shape, 30, 0).T * (1 - 0.75 * c)),
    "jpeg": lambda c, r: encoded(Image.fromarray(grey(0.9 - 0.7 * c + r.normal(0, 0.02, c.shape))), "JPEG", quality=15),
    "salt": lambda c, r: np.where(r.random(c.shape) < 0.02, r.choice([0, 255], c.shape), grey(1 - c)).astype(np.uint8),
}


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("kind", PHOTOS)
def test_photos_and_scans(digit: str, kind: str, random: np.random.Generator) -> None:
    photo = PHOTOS[kind](draw(digit, 220), random)
    assert read_in(photo) == digit


@pytest.mark.parametrize("digit", DIGITS)
def test_a_sheet_of_paper_on_a_dark_table(digit: str) -> None:
    table = np.full((500, 460), 50, np.uint8)
    table[80:410, 60:390] = grey(0.9 - 0.8 * draw(digit, 200, size=(330, 330)))
    assert read_in(table) == digit


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("shape", ["disc", "square"])
@pytest.mark.parametrize("height", [120, 140])
def test_a_white_digit_on_a_coloured_badge(height: int, shape: str, digit: str) -> None:
    badge = Image.new("RGB", (300, 300), "white")
    paint = ImageDraw.Draw(badge)
    (paint.ellipse if shape == "disc" else paint.rectangle)((30, 30, 270, 270), fill=(200, 30, 40))
    ink = draw(digit, height, size=(300, 300))[:, :, None]
    assert read_in(np.rint(np.asarray(badge) * (1 - ink) + 255 * ink).astype(np.uint8)) == digit


@pytest.mark.parametrize("pen", [0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8])  # of the outer radius
@pytest.mark.parametrize("narrow", [0.96, 1])
def test_a_round_zero_of_a_fat_pen_is_no_badge(narrow: float, pen: float) -> None:
    image = Image.new("L", (800, 800), 255)
    paint = ImageDraw.Draw(image)
    for radius, level in ((240, 0), (240 * (1 - pen), 255)):
        paint.ellipse((400 - narrow * radius, 400 - radius, 400 + narrow * radius, 400 + radius), fill=level)
    found = MODELS["cnn"].predict(image.reduce(4))
    assert found.digit == 0
    assert found.status == "digit" or pen == 0.8, "what is nearly a disc may be unsure"


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("width", [2, 5])
def test_the_lines_of_a_forms_cell_are_not_the_digits(width: int, digit: str) -> None:
    form = Image.new("L", (300, 300), 255)
    paint = ImageDraw.Draw(form)
    for x in (-90, 70, 230, 390):
        paint.line((x, 60, x, 240), fill=60, width=width)
    for y in (60, 240):
        paint.line((0, y, 300, y), fill=60, width=width)
    ink = draw(digit, 110, size=(300, 300))
    assert amid_lines(digit, np.rint(np.asarray(form) * (1 - 0.9 * ink)).astype(np.uint8))


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_cut_out_closely(digit: str) -> None:
    ink = draw(digit)
    ink = ink[np.ix_(ink.any(axis=1), ink.any(axis=0))]
    assert off(digit, grey(1 - ink)) < 4
    assert off(digit, grey(ink)) < 4


def test_a_digit_in_two_strokes_loses_neither() -> None:
    five = [[(40, 40), (40, 90), (80, 85), (95, 120), (70, 150), (35, 140)], [(60, 35), (105, 32)]]
    image = Image.new("L", (140, 190), 255)
    for stroke in five:
        ImageDraw.Draw(image).line(stroke, fill=0, width=7)
    upper = normalise_image(image)[:8]
    assert (upper > 64).any(axis=0).sum() >= 8


# What else people draw and photograph beside, behind or around a digit

Draw = Callable[[ImageDraw.ImageDraw], None]
SPECKS = np.random.default_rng(1).integers(0, 600, (20, 2)).tolist()
UNDER: dict[str, Draw] = {  # on a sheet of 600x800, where the digit reaches from (150, 225) to (450, 525) at most
    "yellow highlighter": lambda d: d.rectangle((130, 300, 470, 420), fill=(255, 250, 120)),
    "pink highlighter": lambda d: d.rectangle((130, 200, 470, 550), fill=(255, 170, 200)),
    "grey cell of a table": lambda d: d.rectangle((100, 190, 500, 570), fill=(225, 225, 225)),
    "pale band below": lambda d: d.rectangle((20, 640, 540, 700), fill=(238, 238, 238)),
    "watermark": lambda d: d.line([(50, 700), (300, 100), (550, 700)], fill=(215, 215, 215), width=40),
    "coffee ring": lambda d: d.ellipse((300, 320, 580, 600), outline=(220, 195, 165), width=14),
    "line under it": lambda d: d.line((170, 570, 430, 566), fill="black", width=9),
    "circle around it": lambda d: d.ellipse((60, 130, 540, 620), outline="black", width=7),
    "a phone's bar": lambda d: d.line((220, 788, 380, 788), fill="black", width=6),
    "a phone's clock": lambda d: d.text((20, 8), "12:41", fill="black"),
    "punched holes": lambda d: [d.ellipse((15, y, 45, y + 30), fill=(40, 40, 40)) for y in (100, 400, 700)] and None,
    "a thumb on a corner": lambda d: d.pieslice((-130, 670, 130, 930), 270, 360, fill=(150, 100, 80)),
    "a frame of wood": lambda d: d.rectangle((0, 0, 599, 799), outline=(150, 110, 60), width=30),
    "a frame of ink": lambda d: d.rectangle((20, 20, 580, 780), outline="black", width=8),
    "a line across the top": lambda d: d.line((0, 12, 600, 12), fill="black", width=8),
    "specks": lambda d: [d.rectangle((x, y, x + 6, y + 6), fill="black") for x, y in SPECKS] and None,
    "a margin's line": lambda d: d.line((60, 0, 60, 800), fill=(230, 120, 120), width=3),
}


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("what", UNDER)
def test_what_people_draw_and_photograph_with_a_digit_is_not_the_digits(what: str, digit: str) -> None:
    sheet = Image.new("RGB", (600, 800), "white")
    UNDER[what](ImageDraw.Draw(sheet))
    ink = draw(digit, 300, size=(600, 800), place=(0.5, 0.45))
    dark = np.asarray(sheet) * (1 - 0.9 * ink[:, :, None])
    assert amid_lines(digit, dark.astype(np.uint8))


@pytest.mark.parametrize("digit", DIGITS)
def test_white_ink_on_a_framed_board(digit: str) -> None:
    board = Image.new("RGB", (600, 600), (30, 90, 60))
    ImageDraw.Draw(board).rectangle((0, 0, 599, 599), outline=(150, 110, 60), width=30)
    ink = draw(digit, 300, size=(600, 600))[:, :, None]
    assert read_in((np.asarray(board) * (1 - ink) + 240 * ink).astype(np.uint8)) == digit


@pytest.mark.parametrize("digit", DIGITS)
def test_paper_on_a_table_that_shows_at_two_sides(digit: str) -> None:
    table = np.full((600, 600), 0.35)
    table[:540, :540] = 0.95
    assert read_in(grey(table * (1 - 0.9 * draw(digit, 250, size=(600, 600), place=(0.45, 0.45))))) == digit


@pytest.mark.parametrize("inside", ["stroke", "dot"])
def test_the_stroke_across_a_zero_or_its_dot_makes_it_no_circled_digit(inside: str) -> None:
    image = Image.new("L", (400, 400), 255)
    pencil = ImageDraw.Draw(image)
    pencil.ellipse((110, 50, 290, 350), outline=0, width=20)
    if inside == "stroke":
        pencil.line((165, 255, 235, 145), fill=0, width=20)
    else:
        pencil.ellipse((180, 180, 220, 220), fill=0)
    seen = normalise_image(image)
    assert (seen[:, :11].max(), seen[:, 17:].max()) == (255, 255), "the ring is there"


def test_the_foot_of_a_two_just_below_it_is_no_underline() -> None:
    image = Image.new("L", (400, 400), 255)
    pencil = ImageDraw.Draw(image)
    pencil.line([(100, 60), (300, 60), (300, 160), (100, 290)], fill=0, width=12, joint="curve")
    pencil.line((100, 308, 300, 308), fill=0, width=12)
    assert (normalise_image(image)[20:] > 128).sum(axis=1).max() >= 12


# Images in MNIST's form


@pytest.mark.parametrize("digit", DIGITS)
def test_an_image_in_mnists_form_comes_back_unharmed(digit: str) -> None:
    image = render_strokes(DIGITS[digit])
    assert (normalise_image(image) == image).all()
    assert (normalise_image(255 - image) == image).all()
    assert (normalise_image(encoded(Image.fromarray(image))) == image).all()
    assert (normalise_image(image / 255) == image).all()


def test_an_image_of_mnists_size_may_also_be_taken_as_it_stands_in_either_polarity() -> None:
    faint = render_strokes(DIGITS["5"]) // 2
    for image in (faint, 255 - faint, np.repeat(faint[:, :, None], 3, axis=2)):
        fitted, as_it_is = image_readings(image).found
        assert fitted.max() == 255
        assert abs(as_it_is.astype(int) - faint).max() <= 1
    for image in (np.pad(faint, 1), render_strokes(DIGITS["5"])):
        assert len(image_readings(image).found) == 1


def test_the_mnist_test_set_passes_unharmed(mnist: tuple[Grey, Grey]) -> None:
    images = mnist[0][:2000]
    forms = [in_mnist_form(image.astype(np.float32)[:, :, None] / 255, None) for image in images]
    harmed = sum(form is None or (form != image).any() for form, image in zip(forms, images, strict=True))
    assert harmed <= 2


# Cut out closely, of few pixels, on a line: where the border of the picture has ink


def cut(digit: str, side: int, pen: float = 0.1) -> NDArray[np.float32]:
    """A digit that fills a square of this many pixels, as those of older collections do."""
    ink = draw(digit, 256, pen)
    ink = ink[np.ix_(ink.max(axis=1) > 0.5, ink.max(axis=0) > 0.5)]
    canvas = np.zeros((max(ink.shape),) * 2, np.float32)
    top, left = (len(canvas) - ink.shape[0]) // 2, (len(canvas) - ink.shape[1]) // 2
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return np.asarray(Image.fromarray(canvas).resize((side, side), Image.Resampling.BOX))


@pytest.mark.parametrize("pen", [0.2, 0.27, 0.33])
@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_of_few_pixels_enlarged_is_ink_however_soft_its_edges(digit: str, pen: float) -> None:
    fat = draw(digit, pen=pen)
    fat = fat[fat.any(axis=1)]
    few = Image.fromarray(np.rint(255 * fat).astype(np.uint8)).resize((8, 8), Image.Resampling.BOX)
    for side in (32, 128, 400):
        soft = np.asarray(few.resize((side, side), Image.Resampling.BICUBIC))
        assert normalise_image(soft).any(), side
        assert normalise_image(255 - soft).any(), side


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_that_fills_few_pixels(digit: str) -> None:
    for side in (12, 16, 20, 32, 64):
        assert read_in(grey(cut(digit, side))) == digit, side
        assert read_in(grey(1 - cut(digit, side))) == digit, side
    for side in (16, 32):
        assert read_in(cut(digit, side) > 0.5) == digit, f"{side}, black and white"


@pytest.mark.parametrize("size", [20, 32, 100, 300])
def test_a_zero_cut_out_closely_keeps_its_ring_beside_the_bar_in_it(size: int) -> None:
    image = Image.new("L", (600, 600), 255)
    pencil = ImageDraw.Draw(image)
    pencil.ellipse((80, 0, 519, 599), outline=0, width=45)
    pencil.line((250, 370, 350, 230), fill=0, width=45)
    middle = normalise_image(image.resize((size, size), Image.Resampling.BOX))[14]
    assert np.flatnonzero(np.diff((middle > 128).astype(int)) == 1).size == 3  # ring, bar, ring


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("above", [-40, 3, 12])  # pixels by which the line is lower than the digit's foot
@pytest.mark.parametrize("tilt", [-0.02, 0, 0.02])
def test_one_line_as_dark_as_the_ink_is_not_the_digits(digit: str, above: int, tilt: float) -> None:
    ink = draw(digit, 200, size=(320, 320)).copy()
    foot = np.flatnonzero(ink.max(axis=1) > 0.5)[-1]
    rows, columns = np.indices(ink.shape)
    line = np.abs(rows + tilt * (columns - 160) - foot - above) < 1.1
    assert read_in(grey(0.95 - 0.8 * np.maximum(ink, line))) == digit


def test_the_bar_of_a_seven_and_the_foot_of_a_two_are_no_lines() -> None:
    for points in ([(0, 6), (199, 6), (90, 299)], [(40, 0), (160, 80), (0, 293), (199, 293)]):
        image = Image.new("L", (200, 300), 255)
        ImageDraw.Draw(image).line(points, fill=0, width=9)
        wide = (normalise_image(image) > 128).sum(axis=1).max()
        assert wide >= 11, points


# Light


@pytest.mark.parametrize("angle", range(0, 360, 30))
@pytest.mark.parametrize("place", [-0.3, 0.0, 0.25])
def test_the_edge_of_a_shadow_is_no_ink(angle: int, place: float, random: np.random.Generator) -> None:
    y, x = np.indices((300, 300)) / 300 - 0.5
    side = np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y > place
    for softness in (0, 5):
        shade = Image.fromarray(grey(np.where(side, 0.5, 0.9))).filter(ImageFilter.BoxBlur(softness))
        light = np.asarray(shade) / 255 + random.normal(0, 0.01, side.shape)
        assert read_in(grey(light * (1 - 0.8 * draw("4", 180, size=(300, 300))))) == "4"


# Pens of any width on canvases of any size


@settings(max_examples=30, deadline=None)
@given(digit=st.sampled_from(list(DIGITS)), exponent=st.floats(4, 12), pen=st.floats(0.01, 0.25))
def test_pens_of_1_to_25_percent_at_16_to_4000_pixels_get_the_same_verdict(digit, exponent, pen) -> None:
    height = min(2**exponent, 4000) / (1.5 + pen)
    assume(pen * height > 0.3)  # pixels: a thinner one leaves gaps
    picture = grey(1 - draw(digit, height, pen))
    for model in MODELS.values():
        assert model.predict(picture).probabilities.argmax() == int(digit)


@pytest.mark.parametrize("digit", DIGITS)
def test_pens_and_sizes_that_chance_may_miss_get_the_same_verdict(digit: str) -> None:
    widest = [(pixels, 0.25) for pixels in (28, 60, 400)]
    others = [(pixels, pen) for pixels in (16, 28, 100, 700, 4000) for pen in (0.01, 0.05, 0.15)]
    for model, pictures in ((MODELS["mlp"], widest), (MODELS["cnn"], widest + others)):
        for pixels, pen in pictures:
            prediction = model.predict(grey(1 - draw(digit, pixels / (1.5 + pen), pen)))
            assert prediction.probabilities.argmax() == int(digit), (model.name, pixels, pen)


@pytest.mark.parametrize("shape", ["square", "triangle", "disc", "heart", "star"])
def test_a_filled_shape_stays_filled(shape: str) -> None:
    seen = normalise_image(filled(shape))
    inside = Image.fromarray(seen).point(lambda level: 255 * (level > 100))
    ImageDraw.floodfill(inside, (0, 0), 128)
    assert 0 not in np.asarray(inside)  # no paper that the ink shuts in
    assert (seen > 200).sum() > 60


def filled(shape: str) -> Image.Image:
    image = Image.new("L", (300, 300), 255)
    pencil, angle = ImageDraw.Draw(image), np.linspace(0, 2 * np.pi, 101)
    if shape == "disc":
        pencil.ellipse((80, 80, 220, 220), fill=0)
        return image
    corners = {
        "square": [(80, 80), (220, 80), (220, 220), (80, 220)],
        "triangle": [(150, 60), (240, 230), (60, 230)],
        "heart": np.column_stack(
            [150 + 96 * np.sin(angle) ** 3, 150 - 78 * np.cos(angle) + 30 * np.cos(2 * angle) + 12 * np.cos(3 * angle)]
        ).tolist(),
        "star": [
            (150 + r * np.sin(a), 150 - r * np.cos(a))
            for r, a in zip([110, 45] * 5, np.arange(10) * np.pi / 5, strict=True)
        ],
    }[shape]
    pencil.polygon([tuple(corner) for corner in corners], fill=0)
    return image


# Non-digits are shown whole


def several(*digits: str, height: float = 120) -> Grey:
    return np.concatenate([grey(1 - draw(digit, height)) for digit in digits], axis=1)


@pytest.mark.parametrize("digits", ["17", "38", "2019", "40"])
def test_all_digits_of_several_are_seen(digits: str) -> None:
    covered = (normalise_image(several(*digits)) > 128).any(axis=0)
    assert np.flatnonzero(np.diff(covered.astype(int), prepend=0) == 1).size >= min(len(digits), 3)


def test_digits_cut_by_the_border_are_seen_beside_a_whole_one() -> None:
    picture = several("3", "8", "3")[:, 75:-75]
    assert (picture[:, [0, -1]] < 128).any(axis=0).all()
    covered = (normalise_image(picture) > 128).any(axis=0)
    assert np.flatnonzero(np.diff(covered.astype(int), prepend=0) == 1).size == 3


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["noise", "bits", "grain", "clouds", "stripes", "squares"])
@pytest.mark.parametrize("size", [28, 300])
def test_texture_that_fills_the_frame_becomes_no_neat_digit(kind: str, size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    y, x = np.indices((size, size))
    picture = {
        "noise": lambda: random.integers(0, 256, (size, size), np.uint8),
        "bits": lambda: grey(random.random((size, size)) < 0.5),
        "grain": lambda: enlarged(random, size // 4, size),
        "clouds": lambda: enlarged(random, 14, size),
        "stripes": lambda: grey(0.5 + 0.5 * np.sin((x + seed * y) * 50 / size)),
        "squares": lambda: grey((x * 12 // size + y * 12 // size) % 2),
    }[kind]()
    for model in MODELS.values():
        prediction = model.predict(picture)
        assert prediction.status != "digit" or prediction.confidence < 0.9, (kind, model.name)


def enlarged(random: np.random.Generator, cells: int, size: int) -> Grey:
    image = Image.fromarray(random.integers(0, 256, (cells, cells), np.uint8))
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


# Kinds of image


def kinds() -> dict[str, Any]:
    image = Image.fromarray(grey(1 - draw("2")))
    rgb, wide = image.convert("RGB"), np.asarray(image).astype(np.uint16) * 257
    return {
        "png": encoded(image),
        "gif": encoded(image, "GIF"),
        "bmp": encoded(rgb, "BMP"),
        "tiff": encoded(image, "TIFF"),
        "ppm": encoded(rgb, "PPM"),
        "pgm": encoded(image, "PPM"),
        "webp": encoded(rgb, "WEBP", lossless=True),
        "jpeg": encoded(rgb, "JPEG"),
        "palette": encoded(image.convert("P")),
        "palette with transparency": encoded(image.convert("P"), transparency=255),
        "grey with transparency": encoded(image, transparency=255),
        "RGB with transparency": encoded(rgb, transparency=(255, 255, 255)),
        "LA": encoded(image.convert("LA")),
        "RGBA": encoded(image.convert("RGBA")),
        "1 bit": encoded(image.convert("1", dither=Image.Dither.NONE)),
        "cmyk jpeg": encoded(image.convert("CMYK"), "JPEG"),
        "cmyk tiff": encoded(image.convert("CMYK"), "TIFF"),
        "16-bit png": encoded(Image.fromarray(wide)),
        "16-bit tiff": encoded(Image.fromarray(wide), "TIFF"),
        "12 bits of 16": encoded(Image.fromarray(wide >> 4)),
        "32-bit tiff": encoded(Image.fromarray(wide.astype(np.int32)), "TIFF"),
        "float tiff": encoded(Image.fromarray(wide.astype(np.float32)), "TIFF"),
        "uint8": np.asarray(image),
        "uint16": wide,
        "big-endian": wide.astype(">u2"),
        "bool": np.asarray(image) > 127,
        "float64": np.asarray(image) / 255,
        "float64, rounded": np.asarray(image) / 255 * (1 + 5e-7),
        "float16": (np.asarray(image) / 255).astype(np.float16),
        "RGB array": np.asarray(rgb),
        "RGBA array": np.asarray(image.convert("RGBA")),
        "not contiguous": np.asarray(rgb)[:, :, ::-1],
        "bytearray": bytearray(encoded(image)),
        **{mode: image.convert(mode) for mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")},
        **{mode: image.convert("RGB").convert(mode) for mode in ("HSV",)},
        **{mode: image.convert("I").convert(mode) for mode in ("I", "F")},
        "La": image.convert("LA").convert("La"),
        "RGBa": image.convert("RGBA").convert("RGBa"),
    }


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_image_reads_alike(kind: str) -> None:
    assert off("2", kinds()[kind]) < 3


def test_of_an_animation_the_first_picture_is_read() -> None:
    frames = [Image.fromarray(grey(1 - draw(digit))) for digit in "38"]
    animation = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    assert off("3", animation) < 3


def test_a_gif_tells_what_is_transparent_whatever_else_it_tells() -> None:
    black_on_black = Image.fromarray((draw("2") < 0.5).astype(np.uint8)).convert("P")
    black_on_black.putpalette([0, 0, 0, 0, 0, 0])
    told = encoded(black_on_black, "GIF", transparency=1, comment=b"drawn by hand, " * 99)
    assert b"drawn by hand" in told
    assert off("2", told) < 3


# How the camera's sensor saw what the viewer is to see upright, for orientations from 2 on.
SEEN = ["FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_90", "TRANSVERSE", "ROTATE_270"]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright(form: str, orientation: int) -> None:
    image = Image.fromarray(grey(1 - draw("4")))
    if orientation > 1:
        image = image.transpose(Image.Transpose[SEEN[orientation - 2]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = encoded(image, form, exif=exif)
    assert off("4", photo) < 3
    assert off("4", Image.open(io.BytesIO(photo))) < 3


def test_a_50_megapixel_photo(tmp_path: Path) -> None:
    small = Image.fromarray(grey(0.9 - 0.7 * draw("6", 200, size=(420, 330))))
    path = tmp_path / "photo.jpg"
    small.resize((8400, 6600)).save(path, quality=85)
    assert off("6", path) < 4
    assert max(read_image(path)[0].shape) < 4000  # of which little is kept in memory


def test_a_pil_image_is_not_changed() -> None:
    image = Image.open(io.BytesIO(encoded(Image.fromarray(grey(1 - draw("5", 700))), "JPEG")))
    size, mode = image.size, image.mode
    normalise_image(image)
    assert (image.size, image.mode) == (size, mode)


def test_threads_may_share_it() -> None:
    image = encoded(Image.fromarray(grey(1 - draw("9"))))
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(normalise_image, [image] * 8))
    assert all((result == results[0]).all() for result in results)


# No ink, or little


@pytest.mark.parametrize("seed", range(5))
def test_a_page_with_nothing_on_it_but_dust_is_blank(seed: int) -> None:
    page, rng = np.full((600, 800), 235, np.uint8), np.random.default_rng(seed)
    for y, x, down, across in rng.integers((0, 0, 1, 1), (590, 790, 6, 6), (15, 4)).tolist():
        page[y : y + down, x : x + across] = 60
    assert (MODELS["cnn"].predict(page).status, MODELS["cnn"].read(page).status) == ("blank", "blank")


@pytest.mark.parametrize("height", [11, 14])
@pytest.mark.parametrize("digit", "0378")
def test_a_small_digit_on_a_large_page_is_no_dust(digit: str, height: int) -> None:
    page, ink = np.ones((1400, 2000), np.float32), draw(digit, height, 0.1)
    page[900 : 900 + len(ink), 300 : 300 + ink.shape[1]] -= ink
    assert Recognizer("cnn").predict(grey(page)).digit == int(digit)


def specks(shape: tuple[int, int], random: np.random.Generator) -> NDArray[np.float64]:
    """Paper with dark specks of up to 4 pixels."""
    page = np.full(shape, 0.92)
    for y, x, side in random.integers(1, (shape[0] - 4, shape[1] - 4, 5), (20, 3)):
        page[y : y + side, x : x + side] = 0.2
    return page


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((28, 28), np.uint8),
        np.full((300, 200), 255, np.uint8),
        np.full((300, 200, 3), 120, np.uint8),
        np.zeros((50, 50, 4), np.uint8),
        np.ones((1, 1), bool),
        np.full((10, 10000), 200, np.uint8),
        grey(light((300, 300), 0.6)),
        grey(0.85 + np.random.default_rng(2).normal(0, 0.02, (300, 300))),
        grey(specks((700, 500), np.random.default_rng(4))),
    ],
    ids=["black", "white", "grey", "transparent", "one pixel", "strip", "gradient", "paper", "specks"],
)
def test_no_ink_is_blank(image: Any, tiny: Path) -> None:
    assert not normalise_image(image).any()
    assert Recognizer(tiny).predict(image).status == "blank"


def test_an_empty_page_with_a_dark_corner_is_blank() -> None:
    page = grey(vignetted((300, 300)) + np.random.default_rng(3).normal(0, 0.01, (300, 300)))
    assert Recognizer("cnn").predict(page).status == Recognizer("mlp").read(page).status == "blank"


def test_a_large_page_with_little_on_it_is_not_blank() -> None:
    page = np.ones((590, 590))
    for x, y in ((60, 60), (300, 280), (450, 480)):  # rows of crosses, small on the page
        for n in range(24):
            page[y + n, x + n : x + n + 3] = page[y + n, x + 23 - n : x + 26 - n] = 0
    for answer in (Recognizer("cnn").predict(grey(page)), Recognizer("mlp").read(grey(page))):
        assert answer.status in ("not_a_digit", "not_a_number")


def test_the_mnist_test_set_reads_as_in_a_batch(mnist: tuple[Grey, Grey]) -> None:
    images, labels = mnist
    normalised = np.stack([normalise_image(image) for image in images])
    for model in MODELS.values():
        batch, one_by_one = (
            float((model.predict_batch(seen).argmax(axis=1) == labels).mean()) for seen in (images, normalised)
        )
        assert abs(batch - one_by_one) <= 0.001, model.name
