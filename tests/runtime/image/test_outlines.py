"""Pictures that have to be seen in more ways than one."""

import numpy as np
import pytest

from digitpad import Recognizer
from digitpad.image.normalise import image_readings, number_readings
from tests.runtime.image.test_normalise import DIGITS, draw, grey

CNN = Recognizer("cnn")


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_on_printed_paper_beside_a_sliver_of_its_neighbour_is_read(digit: str) -> None:
    y, x = np.indices((70, 60))
    waves = 0.12 * (np.sin((y + 3 * np.sin(x / 7)) * 2 * np.pi / 5) > 0.4)
    ink = draw(digit, 50, 0.1, size=(60, 70)).copy()
    ink[20:50, :4] = 1
    picture = grey((0.7 - waves) * (1 - 0.7 * ink) + np.random.default_rng(1).normal(0, 0.015, ink.shape))
    assert CNN.predict(picture).digit == int(digit)


def test_what_is_found_at_once_is_not_looked_at_again() -> None:
    readings = image_readings(grey(1 - draw("3", 200, size=(300, 300))))
    assert CNN.predict_readings(readings).digit == 3
    assert "others" not in vars(readings)


def test_the_boxes_of_a_number_in_a_filled_mark_are_the_pictures_own() -> None:
    picture = np.ones((900, 1400))
    picture[300:600, 500:900] = 0.2
    for digit, left in (("4", 560), ("2", 720)):
        picture[360:540, left : left + 120] += 0.7 * draw(digit, 140, size=(120, 180))
    number = CNN.read(grey(picture))
    assert number.text == "42"
    for left, digit in zip((560, 720), number.digits, strict=True):
        assert digit.box is not None
        assert left <= digit.box[0] + 6 and digit.box[2] <= left + 126
        assert digit.box[1] + 6 >= 366 and digit.box[3] <= 546


def test_a_page_full_of_marks_is_seen_in_one_way_as_it_would_take_too_long() -> None:
    picture = np.full((800, 800), 255, np.uint8)
    for y, x in np.argwhere(np.ones((20, 20))) * 38 + 15:
        picture[y : y + 9, x : x + 9] = 0
    assert not any(rows for _, rows in list(number_readings(picture))[1:])
    assert CNN.read(picture).status == "not_a_number"


def test_half_a_black_page_is_no_number() -> None:
    picture = np.full((300, 400), 255, np.uint8)
    picture[:, :200] = 0
    assert CNN.read(picture).status in ("not_a_number", "blank")
