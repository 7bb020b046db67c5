"""Whole numbers from strokes, read by the shipped models: in any order, in rows, with points and slips between."""

from collections.abc import Iterable
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitpad import Hand, Number, Recognizer, StrokeError
from digitpad.image.rows import NOTHING, drawn
from digitpad.mnist_form import Points
from digitpad.pad.demo_strokes import demo_samples
from digitpad.reader import Known

DIGITS = {sample.label: sample.strokes for sample in demo_samples()}
SLANT = np.array([[1, 0], [-0.2, 1]])


@pytest.fixture(scope="module", params=["cnn", "mlp"])
def recognizer(request: pytest.FixtureRequest) -> Recognizer:
    return Recognizer(request.param)


def written(text: str, gap: float = 0.2) -> list[Points]:
    """Demo digits in rows, each a unit high, a gap apart."""
    strokes = []
    for row, line in enumerate(text.splitlines()):
        x = 0.0
        for digit in line:
            low, high = np.concatenate(DIGITS[digit]).min(axis=0), np.concatenate(DIGITS[digit]).max(axis=0)
            size = high[1] - low[1]
            strokes += [(stroke - low) / size + [x, 1.6 * row] for stroke in DIGITS[digit]]
            x += (high[0] - low[0]) / size + gap
    return strokes


def dot(x: float, y: float, size: float = 0.02) -> Points:
    return np.array([[x, y], [x + size, y], [x + size, y + size]])


@pytest.mark.parametrize("text", ["42", "1984", "7", "100", "31415926", "0123456789"])
def test_numbers_of_any_length_are_read(recognizer: Recognizer, text: str) -> None:
    number = recognizer.read_strokes(written(text))
    assert (number.text, number.status) == (text, "number")
    assert 0 < number.confidence <= 1
    assert [p.digit for p in number.digits] == [int(digit) for digit in text]


def test_each_digit_says_where_it_stands_in_the_units_of_the_drawing(recognizer: Recognizer) -> None:
    number = recognizer.read_strokes([stroke * 300 + [50, -2000] for stroke in written("57", gap=0.5)])
    five, seven = [p.box for p in number.digits]
    assert five is not None
    assert seven is not None
    assert (five[0], five[1], five[3]) == pytest.approx((50, -2000, -1700))
    assert five[2] + 150 == pytest.approx(seven[0])


@pytest.mark.parametrize("doubt", [(0.9, 0.98), (1.1, 1.2)])  # as it is, and as if all were doubtful
def test_one_digit_is_a_number_of_one_and_reads_as_predict_strokes_does(
    recognizer: Recognizer, doubt: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digitpad.recognizer._DOUBT", doubt)
    for label, strokes in DIGITS.items():
        (digit,), alone = recognizer.read_strokes(strokes).digits, recognizer.predict_strokes(strokes)
        assert str(digit.digit) == label
        assert np.array_equal(digit.image, alone.image)
        assert digit.ood_score == pytest.approx(alone.ood_score, abs=1e-4)
        assert alone.box is None


@settings(max_examples=25, deadline=None)
@given(
    text=st.text("0123456789", min_size=2, max_size=6),
    order=st.randoms(use_true_random=False),
    scale=st.floats(1e-3, 1e3),
    x=st.floats(-1e4, 1e4),
)
def test_the_order_the_size_and_the_place_of_the_strokes_do_not_matter(
    text: str, order: Random, scale: float, x: float
) -> None:
    cnn = Recognizer("cnn")
    strokes = written(text)
    moved = [np.add(stroke, (x, -x)) * scale for stroke in strokes]
    order.shuffle(moved)
    assert cnn.read_strokes(moved).text == cnn.read_strokes(strokes).text == text


def test_several_rows_are_read_from_top_to_bottom(recognizer: Recognizer) -> None:
    number = recognizer.read_strokes(written("12\n345\n67"))
    assert number.text == "12\n345\n67"
    assert "12 / 345 / 67" in str(number)
    assert recognizer.read_strokes(written("3\n5")).text == "3\n5"


@pytest.mark.parametrize(
    "slip",
    [
        dot(0.95, 1.0),  # a point
        np.array([[0.97, 0.92], [0.98, 1.0], [0.92, 1.12]]),  # a comma
        dot(4.0, 1.5),  # where a hand touched
        np.array([[1.2, 0.4]]),
    ],
)
def test_points_commas_and_slips_are_read_over(recognizer: Recognizer, slip: Points) -> None:
    assert recognizer.read_strokes([*written("83", gap=0.4), slip]).text == "83"


@pytest.mark.parametrize("gap", [1, 3, 10])
def test_digits_far_apart_are_read_as_surely(recognizer: Recognizer, gap: float) -> None:
    number = recognizer.read_strokes(written("1984", gap))
    assert (number.text, number.status) == ("1984", "number")


def test_slanting_digits_close_together_are_read(recognizer: Recognizer) -> None:
    assert recognizer.read_strokes([stroke @ SLANT.T for stroke in written("2958", gap=0.05)]).text == "2958"


@pytest.mark.parametrize("text", ["12", "16", "18", "31", "61", "81", "91"])
def test_a_one_that_crosses_its_neighbour_is_read_beside_it(recognizer: Recognizer, text: str) -> None:
    assert recognizer.read_strokes(written(text, gap=-0.2)).text == text


def test_of_a_numbers_digits_those_are_likelier_that_people_write_in_as_many_strokes(recognizer: Recognizer) -> None:
    for digit in recognizer.read_strokes(written("57")).digits:
        alone = recognizer.predict_batch(digit.image[None])[0]
        in_two, in_one = (
            digit.probabilities[[4, 5, 7]] / alone[[4, 5, 7]],
            digit.probabilities[[2, 3, 6]] / alone[[2, 3, 6]],
        )
        assert in_two.min() > 20 * in_one.max()
    seven = recognizer.read_strokes(written("7")).digits[0]
    assert np.array_equal(seven.probabilities, recognizer.predict_strokes(DIGITS["7"]).probabilities), "alone it may be"


@pytest.mark.parametrize(("text", "gap"), [("10", 0.0), ("620", 0.2)])
def test_where_the_pen_skips_a_stroke_goes_on(recognizer: Recognizer, text: str, gap: float) -> None:
    strokes = written(text, gap)
    skipped = [part for stroke in strokes for part in np.split(stroke, [len(stroke) // 3, len(stroke) * 2 // 3])]
    number = recognizer.read_strokes(skipped)
    assert (number.text, number.status) == (text, "number")


@pytest.mark.parametrize("gap", [0.0, 0.15, 0.3])
def test_two_circles_are_an_eight_though_they_do_not_touch(recognizer: Recognizer, gap: float) -> None:
    turn = np.linspace(0, 6.2, 20)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    number = recognizer.read_strokes([circle, np.add(circle, (0.1, 2 + 2 * gap))])
    assert (number.text, number.status) == ("8", "number")
    assert number.digits[0].box == pytest.approx((-1, -1, 1.1, 3 + 2 * gap), abs=0.02)
    tapped = recognizer.read_strokes([circle, np.add(circle, (0.1, 2 + 2 * gap)), [(4, 1), (4.01, 1)]])
    assert (tapped.text, tapped.digits[0].box) == ("8", number.digits[0].box)


def test_what_is_no_number_is_refused(recognizer: Recognizer) -> None:
    t = np.linspace(0, 6 * np.pi, 80)
    spiral = np.stack([t * np.cos(t), t * np.sin(t)], axis=1)
    grid = [np.array([[0, y], [4, y]]) for y in range(5)] + [np.array([[x, 0], [x, 4]]) for x in range(5)]
    for drawing in ([spiral], grid, [spiral, np.add(spiral, (40, 0))]):
        number = recognizer.read_strokes(drawing)
        assert (number.status, number.text, number.digits) == ("not_a_number", "", ())
        assert str(number) == "not a number"


def test_a_row_of_more_than_thirty_two_digits_is_no_number() -> None:
    cnn = Recognizer("cnn")
    assert cnn.read_strokes(written("47" * 16)).text == "47" * 16
    longer = cnn.read_strokes(written("47" * 16 + "2"))
    assert (longer.status, str(longer)) == ("not_a_number", "not a number: more than 32 digits in a row")


@pytest.mark.parametrize("strokes", [[], [[]], [[(3, 4)]], [[(3, 4), (3, 4)], [(3, 4)]]])
def test_without_ink_or_extent_it_is_blank(recognizer: Recognizer, strokes: Iterable[Points]) -> None:
    number = recognizer.read_strokes(strokes)
    assert (number.status, number.text, number.confidence) == ("blank", "", 0)


def test_strokes_that_are_none_are_named(recognizer: Recognizer) -> None:
    with pytest.raises(StrokeError, match="stroke 2"):
        recognizer.read_strokes([[(0, 0), (1, 1)], [(0, float("nan"))]])


def test_numbers_in_words() -> None:
    assert str(Number("1984", "number", 0.998, ())) == "1984 (99.8 %)"
    assert str(Number("1984", "unsure", 0.61, ())) == "unsure, perhaps 1984 (61.0 %)"


@pytest.mark.parametrize("seen", [(0.01, 1.0), (1.0, 0.001)])  # as another number; as none at all
def test_what_looks_like_no_such_number_as_a_whole_is_unsure(
    recognizer: Recognizer, seen: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    thirteen = written("13")
    assert recognizer.read_strokes(thirteen).status == "number"
    monkeypatch.setattr("digitpad.image.rows.probability", lambda *_: seen)
    number = recognizer.read_strokes(thirteen)
    assert (number.text, number.status) == ("13", "unsure")


def test_the_text_is_taken_that_strokes_and_their_picture_together_make_the_likeliest(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row reader is given another drawing; where the strokes are hardly legible, it decides."""
    scrawl = written("42")
    sure = recognizer.read_strokes(scrawl).confidence
    elsewhere = drawn(written("57"))
    monkeypatch.setattr("digitpad.image.rows.drawn", lambda _: elsewhere)
    monkeypatch.setattr("digitpad.recognizer._HEARD", 0.4)
    assert recognizer.read_strokes(scrawl).text == "42"
    assert recognizer.read_strokes(scrawl).confidence < 0.9 < sure, "what one of two is sure of is less sure"
    monkeypatch.setattr("digitpad.recognizer._HEARD", 0.99)
    number = recognizer.read_strokes(scrawl)
    assert number.text == "".join(str(digit.digit) for digit in number.digits) == "57"
    assert number.confidence > 0.9


def test_the_text_is_taken_though_another_is_likelier_to_either(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the strokes it is a 42, to the row reader a 57, and to both perhaps the 43 that it is shown."""
    scrawl, elsewhere = written("42"), drawn(written("43"))
    monkeypatch.setattr("digitpad.image.rows.drawn", lambda _: elsewhere)
    monkeypatch.setattr("digitpad.image.rows.probability", lambda *_: (1e-4, 1.0))
    monkeypatch.setattr("digitpad.image.rows.likeliest_numbers", lambda _: {"57": 0.6, "43": 0.3})
    monkeypatch.setattr("digitpad.recognizer.log_texts", lambda *given: np.log([0.6, 1e-4, 0.3])[: len(given[2])])
    number = recognizer.read_strokes(scrawl)
    assert number.text == "".join(str(digit.digit) for digit in number.digits) == "43"
    assert number.status == "number"
    monkeypatch.setattr(Recognizer, "_was_taught", lambda _, *digits: any(digit.digit == 3 for digit in digits))
    assert recognizer.read_strokes(scrawl).text == "42", "what is much like a lesson is not for the row reader to say"


def test_on_a_doubtful_digit_the_row_reader_has_a_say_but_not_on_what_was_taught(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seven, two, hand = written("7"), drawn(written("2")), Hand()
    alone = recognizer.predict_strokes(seven)
    monkeypatch.setattr("digitpad.recognizer._DOUBT", (1.1, 1.2))
    assert recognizer.predict_strokes(seven).digit == 7
    monkeypatch.setattr("digitpad.image.rows.drawn", lambda _: two)  # it is shown another drawing
    doubted = recognizer.predict_strokes(seven)
    assert doubted.probabilities[2] > 2 * alone.probabilities[2]
    assert doubted.confidence < alone.confidence
    taught = Recognizer(recognizer.name, hand=hand)
    assert taught.predict_strokes(seven).confidence == doubted.confidence
    hand.learn_strokes([stroke.round(2) for stroke in seven], 7)  # as a file keeps it, or a hand repeats it
    assert taught.predict_strokes(seven).confidence == alone.confidence


def test_a_letter_that_is_much_like_one_digit_is_not_answered_for_sure() -> None:
    recognizer = Recognizer("cnn")
    cup = np.array([(0, 0), (2, 30), (20, 45), (40, 30), (42, 0)])
    psi = [cup, np.array([(21, -20), (21, 90)])]
    predicted, read = recognizer.predict_strokes(psi), recognizer.read_strokes(psi)
    assert predicted.confidence > 0.9, "if it is a digit, it is a 4"
    assert predicted.status == read.status == "unsure"


@pytest.mark.parametrize("model", ["cnn", "mlp"])
def test_a_letter_that_may_be_parted_into_digits_is_one_only_if_it_looks_like_one_as_a_whole(model: str) -> None:
    recognizer, turn = Recognizer(model), np.linspace(0, 2 * np.pi, 25)
    for width in (27, 33, 39):
        phi = [np.c_[width * np.cos(turn), 20 * np.sin(turn)], np.array([(0, -25), (0, 60)])]  # 0 and 1, or a 9
        assert recognizer.predict_strokes(phi).status != "digit"
        assert recognizer.read_strokes(phi).status != "number"


def test_of_a_drawing_that_grows_only_what_is_new_is_judged_and_the_answer_is_the_same(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[int] = []
    run = Recognizer.run
    monkeypatch.setattr(Recognizer, "run", lambda self, images: judged.append(len(images)) or run(self, images))
    strokes, known = written("1984\n57"), Known()
    for count in range(1, len(strokes) + 1):
        known.begin()
        growing = recognizer.read_strokes(strokes[:count], known)
        judged_of_it = judged.pop()
        at_once = recognizer.read_strokes(strokes[:count])
        assert (growing.text, growing.status, growing.confidence) == (at_once.text, at_once.status, at_once.confidence)
        assert all(map(np.array_equal, [p.image for p in growing.digits], [p.image for p in at_once.digits]))
    assert judged_of_it < judged[-1] / 2, "of the last stroke, not of all six digits"
    for drawing in (strokes, written("3\n5")):
        recognizer.read_strokes(drawing, known)
        known.begin()
        judged.clear()
        recognizer.read_strokes(drawing, known)
        assert not judged


@pytest.mark.parametrize("model", ["cnn", "mlp"])
def test_in_a_picture_the_model_has_more_say_of_clean_ink_than_of_what_is_no_digit_to_it(model: str) -> None:
    struck_out = [np.array([(0.0, 0.0), (1.0, 1.0)]), np.array([(0.0, 1.0), (1.0, 0.0)])]
    for strokes, text in ((written("5"), "5"), ([*written("5"), *struck_out], "3")):
        part, units = drawn(strokes)
        seen = np.full((part.ink.shape[1] // 2, 12), -30.0)
        seen[:, NOTHING], seen[len(seen) // 2] = 0, -30
        seen[len(seen) // 2, [3, 5]] = np.log([0.9, 0.1])
        part.seen.append(seen)  # to the row reader either is probably a 3
        way = Recognizer(model)._row_cut(part, units)
        assert way.texts == [text]
        assert way.confidence > 0.8


@pytest.mark.parametrize("model", ["cnn", "mlp"])
def test_a_comma_that_is_read_over_does_not_make_its_digit_a_letter(model: str) -> None:
    recognizer = Recognizer(model)
    for digit, tall, apart in [("0", 0.4, 0.05), *((digit, 0.3, 0.1) for digit in "123456789")]:
        right, bottom = np.concatenate(strokes := written(digit)).max(axis=0)
        height = np.ptp(np.concatenate(strokes)[:, 1])
        comma = height * np.array([(apart + 0.05, -0.1), (apart, tall - 0.1)]) + (right, bottom)
        assert recognizer.read_strokes([*strokes, comma]).text == digit


def test_the_probability_of_a_digit_in_doubt_is_that_it_is_one_at_all_too() -> None:
    psi = [np.array([(0, 0), (2, 30), (20, 45), (40, 30), (42, 0)]), np.array([(21, -20), (21, 90)])]
    number = Recognizer("cnn").read_strokes(psi)
    (digit,) = number.digits
    assert digit.box == (0, -20, 42, 90)
    assert number.confidence == pytest.approx(digit.confidence / (1 + np.exp(digit.ood_score)), rel=0.05)
