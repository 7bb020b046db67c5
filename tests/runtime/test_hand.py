"""What its owner teaches a recogniser: told once, it reads so; a wrong lesson does little; the file is theirs."""

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from digitpad import DigitPadError, Hand, ModelError, Recognizer, Sample, StrokeError, read_samples, write_samples
from digitpad.hand import MOST
from digitpad.mnist_form import Points
from digitpad.pad.demo_strokes import demo_samples
from digitpad.reader import Known
from tests.runtime.conftest import DATA

DIGITS = [sample.strokes for sample in demo_samples()]
HEART = [np.array([(50, 80), (15, 40), (30, 20), (50, 38), (70, 20), (85, 40), (50, 80)], float)]


def redrawn(strokes: list[Points], seed: int = 1) -> list[Points]:
    """The same once more by an unsteady hand, slanted a little, elsewhere and in another size."""
    rng = np.random.default_rng(seed)
    extent = np.ptp(np.concatenate(strokes), axis=0).max()
    slanted = [points @ [[1, 0], [rng.uniform(-0.1, 0.1), 1]] for points in strokes]
    return [3 * (points + rng.normal(0, 0.01 * extent, points.shape)) + 70 for points in slanted]


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture(params=["cnn", "mlp", "cnn-int8", "mlp-int8"])
def recognizer(request: pytest.FixtureRequest, hand: Hand) -> Recognizer:
    """Each shipped model, with that hand."""
    return Recognizer(request.param, hand=hand)


def turned(strokes: list[Points], degrees: float) -> list[Points]:
    """As a hand writes it that slants much."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [points @ [[cos, sin], [-sin, cos]] for points in strokes]


# Each is misread by every shipped model.
MISREAD = {"a one read as a seven": (1, 30), "a six read as a five": (6, 60), "a two refused": (2, 60)}


@pytest.mark.parametrize(("digit", "degrees"), MISREAD.values(), ids=MISREAD)
def test_told_once_it_reads_a_digit_the_next_time_and_the_others_as_before(
    hand: Hand, recognizer: Recognizer, digit: int, degrees: float
) -> None:
    drawing = turned(DIGITS[digit], degrees)
    before = recognizer.predict_strokes(drawing)
    assert before.digit != digit and before.network is None
    hand.learn_strokes(drawing, digit)
    for again in (drawing, *(redrawn(drawing, seed) for seed in range(3))):
        answer = recognizer.predict_strokes(again)
        assert (answer.digit, answer.learned) == (digit, True)
        assert answer.network is not None and answer.network.digit != digit, "what the network said is kept apart"
        assert answer.confidence == answer.probabilities.max() and answer.probabilities.sum() == pytest.approx(1)
    for other in range(10):
        answer = recognizer.predict_strokes(DIGITS[other])
        assert (answer.digit, answer.learned) == (other, False)
    hand.forget(*hand.lessons)
    assert recognizer.predict_strokes(drawing).digit == before.digit


def test_what_is_no_digit_is_refused_the_next_time(hand: Hand, recognizer: Recognizer) -> None:
    hand.learn_strokes(DIGITS[2], None)
    for again in (DIGITS[2], redrawn(DIGITS[2])):
        answer = recognizer.predict_strokes(again)
        assert (answer.status, answer.digit, answer.learned) == ("not_a_digit", None, True)
    hand.learn_strokes(DIGITS[2], 3)
    assert recognizer.predict_strokes(DIGITS[2]).digit == 3, "what was said last of the same drawing counts"


def test_a_picture_of_no_digit_is_refused_the_next_time_whatever_the_row_reader_says(
    hand: Hand, recognizer: Recognizer
) -> None:
    picture = np.kron(255 - recognizer.predict_strokes(DIGITS[7]).image, np.ones((4, 4), np.uint8))
    assert recognizer.predict(picture).digit == 7
    hand.learn(picture, None)
    answer = recognizer.predict(picture)
    assert (answer.status, answer.learned) == ("not_a_digit", True)


def test_one_lesson_does_not_win_over_many_near_it(hand: Hand, recognizer: Recognizer) -> None:
    for seed in range(5):
        hand.learn_strokes(redrawn(DIGITS[4], seed), 4)
    hand.learn_strokes(DIGITS[4], 9)
    for seed in range(5):
        assert recognizer.predict_strokes(redrawn(DIGITS[4], seed)).digit == 4
    assert recognizer.predict_strokes(redrawn(DIGITS[4], seed=9)).digit == 4


def test_numbers_and_pictures_are_read_by_it_too(hand: Hand, recognizer: Recognizer) -> None:
    beside = [points + np.array([1500, 0]) for points in DIGITS[7]]
    known = Known()
    assert recognizer.read_strokes(DIGITS[4] + beside, known).text == "47"
    hand.learn_strokes(DIGITS[7], 2)
    number = recognizer.read_strokes(DIGITS[4] + beside, known)
    assert (number.text, [digit.learned for digit in number.digits]) == ("42", [False, True])
    assert number.status == "number", "what its picture looks like to others does not count"
    picture = recognizer.predict_strokes(DIGITS[5]).image
    hand.learn(picture, 6)
    answer = recognizer.predict(picture)
    assert (answer.digit, answer.learned) == (6, True)


def test_what_is_the_owners_own_way_is_surer_though_it_was_right_already(hand: Hand, recognizer: Recognizer) -> None:
    """And it is so at once, whatever is known of the drawing from before."""
    number, known = DIGITS[1] + [points + np.array([700, 0]) for points in DIGITS[2]], Known()
    before = recognizer.read_strokes(number, known)
    known.begin()
    for digit in (1, 2):
        hand.learn_strokes(DIGITS[digit], digit)
    after = recognizer.read_strokes(number, known)
    assert before.text == after.text == "12" and after.confidence != before.confidence
    assert after.confidence == pytest.approx(recognizer.read_strokes(number).confidence, abs=1e-6)


def test_one_hand_is_heeded_by_several_models_and_threads_at_once(hand: Hand) -> None:
    recognizers = [Recognizer("cnn", hand=hand), Recognizer("mlp", hand=hand)]

    def teach(digit: int) -> list[int | None]:
        hand.learn_strokes(DIGITS[digit], (digit + 1) % 10)
        return [recognizer.predict_strokes(DIGITS[digit]).digit for recognizer in recognizers]

    with ThreadPoolExecutor(5) as threads:
        read = list(threads.map(teach, (0, 1, 2, 4, 7)))
    assert read == [[(digit + 1) % 10] * 2 for digit in (0, 1, 2, 4, 7)] and len(hand.lessons) == 5


@pytest.mark.parametrize("name", ["mine.json", "mine.json.gz"])
def test_the_file_is_a_stroke_file_that_holds_more_than_lessons_and_keeps_it(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / name
    hand = Hand(path)
    assert not path.exists(), "not before there is something to keep"
    hand.learn_strokes(DIGITS[7], 3)
    hand.learn_strokes(HEART, None)
    hand.learn(Recognizer().predict_strokes(DIGITS[5]).image, 6)
    assert [sample.label for sample in read_samples(path)] == ["3", "", "6"]
    raw = path.read_bytes()
    content = json.loads(gzip.decompress(raw) if name.endswith(".gz") else raw)
    others = [{"label": "1984", "strokes": [[[0, 0], [1, 9]]]}, {"label": None, "strokes": [[[0, 0], [5, 9]]]}, "bad"]
    content = content | {"mine": 1, "samples": [*others, *content["samples"]]}
    write_raw(path, content)
    again = Hand(path)
    assert "sample 3" in capsys.readouterr().err
    assert [lesson.label for lesson in again.lessons] == [3, None, 6]
    assert Recognizer(hand=again).predict_strokes(DIGITS[7]).digit == 3
    again.forget(again.lessons[0])
    raw = path.read_bytes()
    left = json.loads(gzip.decompress(raw) if name.endswith(".gz") else raw)
    assert left == content | {"samples": content["samples"][:3] + content["samples"][4:]}
    assert "features" not in json.dumps(left)


def write_raw(path: Path, content: object) -> None:
    data = json.dumps(content).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def test_what_another_program_wrote_into_the_file_is_not_lost(tmp_path: Path) -> None:
    one, other = Hand(tmp_path / "mine.json"), Hand(tmp_path / "mine.json")
    one.learn_strokes(DIGITS[1], 1)
    other.learn_strokes(DIGITS[2], 2)
    assert [lesson.label for lesson in other.lessons] == [1, 2]
    one.load()
    assert [lesson.label for lesson in one.lessons] == [1, 2]


def test_of_a_longer_file_what_was_read_wrong_counts_first(tmp_path: Path) -> None:
    drawn = [Sample(redrawn(DIGITS[n % 10], n), str(n % 10)) for n in range(MOST)]
    write_samples(tmp_path / "mine.json", [Sample(DIGITS[7], "3"), *drawn])
    hand = Hand(tmp_path / "mine.json")
    recognizer = Recognizer(hand=hand)
    assert len(hand.lessons) == MOST + 1 and recognizer.predict_strokes(DIGITS[7]).network is not None
    hand.forget(*[lesson for lesson in hand.lessons if lesson.label == 7])
    assert recognizer.predict_strokes(DIGITS[7]).digit == 3, "the oldest is the one that corrects"


def test_a_damaged_file_is_an_error_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{")
    with pytest.raises(StrokeError, match="mine"):
        Hand(tmp_path / "mine.json")
    assert (tmp_path / "mine.json").read_text() == "{"


def test_a_lesson_that_cannot_be_kept_is_not_learned(tmp_path: Path, full_disk: Callable[[], None]) -> None:
    hand = Hand(tmp_path / "mine.json")
    hand.learn_strokes(DIGITS[1], 1)
    before = (tmp_path / "mine.json").read_bytes()
    full_disk()
    with pytest.raises(DigitPadError, match="No space left"):
        hand.learn_strokes(DIGITS[7], 3)
    assert Recognizer(hand=hand).predict_strokes(DIGITS[7]).digit == 7
    assert [*tmp_path.iterdir()] == [tmp_path / "mine.json"] and (tmp_path / "mine.json").read_bytes() == before


@pytest.mark.parametrize(("strokes", "label"), [([], 3), ([[(1, 1), (1, 1)]], 3), (DIGITS[3], 10), (DIGITS[3], "3")])
def test_there_is_nothing_to_learn_from_blank_paper_or_another_label(hand: Hand, strokes: list, label: int) -> None:
    with pytest.raises(DigitPadError):
        hand.learn_strokes(strokes, label)
    assert hand.lessons == ()


def test_a_model_without_features_cannot_learn_and_says_so(hand: Hand) -> None:
    with pytest.raises(ModelError, match="cannot learn"):
        Recognizer(DATA / "first_contract.onnx", hand=hand)
    recognizer = Recognizer(DATA / "first_contract.onnx")
    with pytest.raises(ModelError, match="cannot learn"):
        recognizer.use_hand(hand)
    assert recognizer.predict_strokes(DIGITS[3]).status != "blank"
