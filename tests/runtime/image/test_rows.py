"""Pictures whose digits cannot be told apart by their marks: the row reader reads them as a whole."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitpad import Hand, Recognizer
from digitpad.image import rows
from digitpad.image.filters import Map
from digitpad.image.normalise import image_readings
from digitpad.mnist_form import Points
from digitpad.reader import Cutting
from tests.runtime.image.test_normalise import DIGITS, draw, grey

CNN = Recognizer("cnn")


def printed(shape: tuple[int, int]) -> Map:
    """Paper with a pattern of waves on it."""
    y, x = np.indices(shape)
    return 0.7 - 0.12 * (np.sin((y + 3 * np.sin(x / 7)) * 2 * np.pi / 5) > 0.4)


def amount(*digits: str, apart: int = 34) -> Map:
    """Digits side by side, 1 = ink."""
    ink = np.zeros((60, 30 + apart * len(digits)))
    for place, digit in enumerate(digits):
        part = ink[:, 10 + apart * place : 50 + apart * place]
        np.maximum(part, draw(digit, 40, 0.1, size=(40, 60))[:, : part.shape[1]], out=part)
    return ink


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_on_printed_paper_beside_a_sliver_of_its_neighbour_is_the_likeliest(digit: str) -> None:
    ink = draw(digit, 50, 0.1, size=(60, 70)).copy()
    ink[20:50, :4] = 1
    noise = np.random.default_rng(1).normal(0, 0.015, ink.shape)
    found = CNN.predict(grey(printed(ink.shape) * (1 - 0.7 * ink) + noise))
    assert found.status != "blank" and found.probabilities.argmax() == int(digit)


def test_an_amount_on_printed_paper_is_read_over_its_point_and_closing_dash() -> None:
    ink = amount("2", "5", "3", "0", "7", "4", apart=38)
    ink[46:50, 122:126] = 1
    ink = np.pad(ink, ((0, 0), (0, 40)))
    ink[33:36, -45:-20] = 1
    number = CNN.read(grey(printed(ink.shape) * (1 - 0.7 * ink)))
    assert (number.status, number.text) == ("number", "253074")
    last = number.digits[-1].box
    assert last is not None and last[2] < ink.shape[1] - 45, "the dash is in the box of the last digit"


def test_a_digit_of_a_number_is_read_as_its_owner_taught_and_no_other_is_lost() -> None:
    picture, hand = grey(1 - amount("3", "0", "8", "2", apart=27)), Hand()
    taught = Recognizer("cnn", hand=hand)
    hand.learn(taught.read(picture).digits[1].image, 6)
    assert taught.read(picture).text == "3682"


def test_digits_that_touch_are_read() -> None:
    assert CNN.read(grey(1 - amount("3", "0", "8", "2", apart=27))).text == "3082"


def test_the_boxes_of_digits_are_the_pictures_own() -> None:
    picture = np.ones((900, 1400))
    for digit, left in (("4", 560), ("2", 720)):
        picture[360:540, left : left + 120] -= 0.9 * draw(digit, 140, size=(120, 180))
    number = CNN.read(grey(picture))
    assert number.text == "42"
    for left, digit in zip((560, 720), number.digits, strict=True):
        assert digit.box is not None
        assert left - 12 <= digit.box[0] and digit.box[2] <= left + 132
        assert digit.box[1] + 12 >= 360 and digit.box[3] <= 552


def test_the_box_of_one_digit_is_where_it_stands_in_the_picture() -> None:
    for side, high in ((300, 200), (300, 60), (900, 200)):  # the last is seen from closer
        picture = np.ones((side, side))
        picture[-high - 20 : -20, 10 : high - 10] -= 0.9 * draw("3", 0.8 * high, size=(high - 20, high))
        (digit,) = CNN.read(grey(picture)).digits
        ink = np.argwhere(picture < 0.5)
        wanted = (*ink.min(axis=0)[::-1], *(ink.max(axis=0)[::-1] + 1))
        assert digit.box is not None and np.abs(np.array(digit.box) - wanted).max() < 0.1 * high


def test_rows_are_read_from_top_to_bottom() -> None:
    page = np.concatenate([amount("4", "2"), amount("7", "3"), amount("6", "0")])
    assert CNN.read(grey(1 - page)).text == "42\n73\n60"


def test_what_may_be_no_number_is_unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, found = grey(0.9 - 0.9 * amount(*"1984")), rows.numbers
    assert CNN.read(picture).status == "number"
    monkeypatch.setattr(rows, "numbers", lambda part: (found(part)[0], math.log(0.3)))
    number = CNN.read(picture)
    assert (number.text, number.status) == ("1984", "unsure") and number.confidence < 0.7


def test_looking_for_numbers_where_none_is_likely_leaves_what_was_seen_as_it_was() -> None:
    cutting, seen = Cutting(np.ones((40, 80), np.float32), np.zeros((40, 80), np.float32)), np.full((40, 12), -40.0)
    seen[:, rows.NOTHING], seen[18:22, rows.OTHER] = -4.0, 0.0
    cutting.seen.append(seen.copy())
    assert rows.numbers(cutting)[0] == []
    assert np.array_equal(rows.scores_in(cutting), seen)


def test_one_digit_is_a_number_of_one_and_its_prediction_is_what_predict_gives() -> None:
    for picture in (
        grey(1 - draw("3", 200, size=(300, 300))),
        grey(printed((70, 60)) * (1 - 0.7 * draw("5", 50, 0.1, size=(60, 70)))),
    ):
        one, number = CNN.predict(picture), CNN.read(picture)
        assert one.digit is not None
        assert (number.text, number.confidence) == (str(one.digit), one.confidence)
        (digit,) = number.digits
        assert np.array_equal(digit.probabilities, one.probabilities) and digit.box is not None


def test_what_is_surely_a_digit_at_first_sight_is_not_read_as_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitpad.image.rows.scores", lambda _: pytest.fail("the row reader was asked"))
    picture = grey(1 - draw("3", 200, size=(300, 300)))
    assert Recognizer("cnn").predict(picture).digit == 3
    assert Recognizer("cnn").read(picture).text == "3"


@pytest.mark.parametrize("digit", "34789")
def test_white_on_a_dark_disc_is_read(digit: str) -> None:
    y, x = np.indices((300, 300)) - 149.5
    picture = np.where(np.hypot(x, y) < 120, 0.2, 1.0)
    picture[80:220, 80:220] += 0.8 * draw(digit, 100, 0.1, size=(140, 140))
    assert CNN.predict(grey(np.clip(picture, 0, 1))).digit == int(digit)


def test_a_fat_digit_is_no_disc() -> None:
    assert [CNN.predict(grey(1 - draw(digit, 200, 0.24, size=(300, 300)))).digit for digit in "0689"] == [0, 6, 8, 9]


def test_a_page_full_of_marks_is_no_number() -> None:
    picture = np.full((800, 800), 255, np.uint8)
    for y, x in np.argwhere(np.ones((20, 20))) * 38 + 15:
        picture[y : y + 9, x : x + 9] = 0
    assert CNN.read(picture).status == "not_a_number"


def test_a_tall_digit_that_touches_the_line_they_stand_on_is_not_cut_away_as_a_frame() -> None:
    ink = np.pad(amount("7", "5", "2"), ((8, 12), (60, 0)))
    ink[:, :60] = draw("6", 66, 0.06, size=(60, 80))
    ink[72:75, 4:-4] = 1
    assert all(way[0].corner[0] < 10 for way in image_readings(grey(1 - ink)).ways)
    assert CNN.read(grey(1 - ink)).text == "6752"


@pytest.mark.parametrize("bare", ["half black", "white", "noise", "printed"])
def test_what_has_no_writing_on_it_is_no_number(bare: str) -> None:
    picture = np.full((300, 400), 1.0)
    if bare == "half black":
        picture[:, :200] = 0
    elif bare == "noise":
        picture = np.random.default_rng(2).uniform(0, 1, picture.shape)
    elif bare == "printed":
        picture = printed((300, 400))
    assert CNN.read(grey(picture)).status in ("not_a_number", "blank")
    assert CNN.predict(grey(picture)).status in ("not_a_digit", "blank")


def test_a_picture_is_cut_around_its_rows_and_left_whole_where_they_are_as_large() -> None:
    whole, around = image_readings(grey(1 - amount("4", "2"))).ways
    assert [cutting.corner for cutting in whole] == [(0, 0)]
    assert whole[0].grey.size >= around[0].grey.size


# What a row says, from the probabilities at each place

SIGNS = (1, 2, rows.OTHER)
scores = st.integers(1, 5).flatmap(
    lambda places: st.lists(
        st.lists(st.floats(-4, 4), min_size=12, max_size=12).map(lambda row: np.array(row) - np.logaddexp.reduce(row)),
        min_size=places,
        max_size=places,
    ).map(np.array)
)


def said(path: tuple[int, ...]) -> tuple[int, ...]:
    """What signs at all places say: those that repeat, once; and without nothing."""
    return tuple(sign for sign, _ in itertools.groupby(path) if sign != rows.NOTHING)


def of_all_paths(row: rows.Scores) -> dict[tuple[int, ...], float]:
    """The probability of each text of a few signs, summed over all that the places may hold."""
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product((*SIGNS, rows.NOTHING), repeat=len(row)):
        found[said(path)] += float(np.exp(sum(row[place, sign] for place, sign in enumerate(path))))
    return found


@given(scores)
@settings(deadline=None)
def test_a_texts_probability_is_that_of_all_places_where_it_may_stand(row: rows.Scores) -> None:
    for text, probability in of_all_paths(row).items():
        if text:
            found = rows.log_probabilities(row, np.array([text, text]))
            assert np.exp(found) == pytest.approx([probability] * 2, rel=1e-6)


def test_a_texts_probability_can_be_as_small_as_a_long_row_makes_it() -> None:
    """In all of 2,000 places a sign has a quarter, and nothing a half; it may stand in any stretch of them."""
    stretches = [(2001 - length) * 2.0**-length for length in range(1, 1000)]
    row = np.full((2000, 12), math.log(0.25))
    row[:, rows.NOTHING] = math.log(0.5)
    expected = math.log(sum(stretches)) + 2000 * math.log(0.5)
    assert rows.log_probabilities(row, np.array([[3]]))[0] == pytest.approx(expected, rel=1e-9)


@given(scores)
@settings(deadline=None)
def test_the_likeliest_text_is_found_or_one_that_is_nearly_as_likely(row: rows.Scores) -> None:
    row[:, [sign for sign in range(rows.NOTHING) if sign not in SIGNS]] = -50
    by_hand = of_all_paths(row)
    found = rows.likeliest_texts(row)
    best = max(found, key=lambda text: found[text])
    assert by_hand[best] >= 0.7 * max(by_hand.values())
    assert 0.7 * by_hand[best] <= np.exp(found[best]) <= (1 + 1e-6) * by_hand[best]


@given(scores)
@settings(deadline=None)
def test_the_places_of_a_text_are_in_its_order_and_in_the_row(row: rows.Scores) -> None:
    found = rows.likeliest_texts(row)
    for text in found:
        if text:
            places = rows.places_of(row, text)
            assert len(places) == len(text)
            assert (np.diff(places) > 0).all() and places[0] > 0 and places[-1] < len(row)


@pytest.mark.parametrize("corners", [4, 5, 6, 20])
def test_a_filled_shape_is_no_digit(corners: int) -> None:
    """To the row reader a blot is a zero without a hole."""
    angles = np.linspace(0.3, 2 * np.pi + 0.3, corners, endpoint=False)
    y, x = np.indices((300, 300)) - 149.5
    inside = np.all([x * np.cos(a) + y * np.sin(a) < 80 for a in angles], axis=0)
    paper = 0.9 + np.random.default_rng(corners).normal(0, 0.02, inside.shape)
    assert CNN.predict(grey(np.clip(np.where(inside, 0.2, paper), 0, 1))).digit is None


@pytest.mark.parametrize("pen", [0.2, 0.3])
@pytest.mark.parametrize("digit", DIGITS)
def test_a_bold_digit_is_no_filled_shape(digit: str, pen: float) -> None:
    number = CNN.read(grey(1 - draw(digit, 160, pen, size=(300, 300))))
    assert number.text == digit
    box = number.digits[0].box
    assert box is not None and 140 <= box[3] - box[1] <= 230


def test_thin_writing_on_a_dark_board_is_no_filled_shape() -> None:
    picture = np.ones((700, 700))
    picture[50:650, 50:650] = 0.2 + 0.7 * draw("7", 300, 0.012, size=(600, 600))
    assert CNN.predict(grey(picture)).digit == 7


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 2), min_size=1, max_size=8).map(np.array), min_size=1, max_size=5
    ),
    st.floats(1e-9, 1e9),
)
def test_strokes_are_drawn_in_a_row_that_says_where_they_are(strokes: list[Points], scale: float) -> None:
    strokes = [stroke * scale for stroke in strokes]
    points = np.concatenate(strokes)
    cutting, (unit, corner) = rows.drawn(strokes)
    height, width = cutting.grey.shape
    assert height == rows.HEIGHT and width <= 1601 and np.allclose(cutting.ink + cutting.grey, 1)
    if (extent := np.ptp(points, axis=0)).max() > 1e-6 * np.abs(points).max():
        at = (points - corner) / unit
        assert (at > 4).all() and (at < np.array([width, height]) - 4).all()
        ends = np.array([stroke[place] for stroke in strokes for place in (0, -1)])
        column, row = ((ends - corner) / unit).astype(int).T
        assert cutting.ink[row, column].min() > 0, "there is no ink where a stroke begins or ends"
        assert (extent / unit / np.array([1590, 30])).max() > 0.99, "it is drawn smaller than there is room for"
