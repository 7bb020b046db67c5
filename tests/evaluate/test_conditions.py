"""Pictures under every condition: they are what they are called, can be made again, and the models read them."""

import numpy as np
import pytest

from digitpad import Recognizer
from digitpad.stroke_files import Sample
from evaluate.conditions import CONDITIONS, photograph, read_photographs
from train.synthetic.generate import generate_samples

SAMPLES = list(generate_samples(10, 4))

HUGE = "4000 pixels, pen 1 %"
SMALLER = [name for name in CONDITIONS if name != HUGE]


@pytest.mark.parametrize("condition", SMALLER)
def test_a_picture_is_of_bytes_shows_ink_and_is_the_same_for_the_same_seed_alone_or_not(condition: str) -> None:
    one, other = photograph(SAMPLES[:2], condition, 1)
    for picture in (one, other):
        assert picture.dtype == np.uint8
        assert picture.ndim == 2 or picture.shape[2] in (3, 4)
        assert np.ptp(picture) > 60
    (alone,) = photograph(SAMPLES[:1], condition, 1)
    assert np.array_equal(one, alone)
    assert not np.array_equal(one, other)


def test_a_condition_can_be_told_from_plain_ink() -> None:
    means = {
        c: float(next(photograph(SAMPLES[:1], c, 1)).mean()) for c in ("plain", "white on black", "gradient light")
    }
    assert means["plain"] > 200
    assert means["white on black"] < 100
    assert 60 < means["gradient light"] < means["plain"]


@pytest.mark.parametrize(
    ("condition", "shape"),
    [
        ("28 pixels", (28, 28)),
        ("one-pixel pen, 28 pixels", (28, 28)),
        ("8 pixels, cut out", (8, 8)),
        (HUGE, (4000, 4000)),
        ("small in a corner", (800, 800)),
        ("screenshot", (480, 480, 3)),
    ],
)
def test_the_size_is_as_named(condition: str, shape: tuple[int, ...]) -> None:
    picture = next(photograph(SAMPLES[:1], condition, 1))
    assert picture.shape == shape
    assert np.ptp(picture) > 60


@pytest.mark.parametrize(("condition", "share"), [("pen 1 %", 0.01), ("pen 15 %", 0.15), ("pen 25 %", 0.25)])
def test_the_pen_is_as_wide_as_named(condition: str, share: float) -> None:
    stroke = Sample([np.array([(0.0, 0.0), (0.0, 100.0)])], "1")
    ink = next(photograph([stroke], condition, 1)) < 128
    height = np.flatnonzero(ink.any(axis=1)).size
    assert ink.any(axis=0).sum() == pytest.approx(share * height, abs=1.5)


@pytest.mark.parametrize("condition", [c for c in SMALLER if c != "8 pixels, cut out"])
def test_the_shipped_cnn_reads_nearly_every_picture(condition: str) -> None:
    answers = read_photographs(condition, SAMPLES, {"cnn": Recognizer("cnn")}, 1)["cnn"]
    read = [-1 if p.status == "blank" else p.probabilities.argmax() for p in answers]
    assert sum(digit == int(sample.label or "") for digit, sample in zip(read, SAMPLES, strict=True)) >= 9
