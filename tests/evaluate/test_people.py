"""What people wrote: cut out, measured as the runtime answers, and odds weighed fairly."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from digitpad import Recognizer
from digitpad.mnist_form import render_strokes
from digitpad.stroke_files import Sample
from evaluate.answers import read, summarise
from evaluate.people import honest_odds, measure_people
from evaluate.sets import PEN_NUMBERS_NAME, load_pen_numbers
from train.data import DataError, RealOutliers
from train.synthetic.generate import generate_digits, generate_samples

SAMPLES = list(generate_samples(30, seed=5))


def test_a_blank_is_wrong_and_refused() -> None:
    zero = generate_digits(1, seed=3).images
    answers = read(Recognizer("cnn"), np.concatenate([zero, 0 * zero]))
    reading = summarise(answers, answers.digit)
    assert (reading.accuracy, reading.rejected, reading.answered) == (0.5, 0.5, 0.5)


def test_pen_numbers_are_cut_into_the_strokes_of_each_digit(tmp_path: Path) -> None:
    assert load_pen_numbers(tmp_path) is None, "they are never downloaded"
    path = tmp_path / PEN_NUMBERS_NAME
    path.parent.mkdir()
    dash, one = SAMPLES[10].strokes[0].tolist(), SAMPLES[11].strokes[0].tolist()
    numbers = [{"label": "71", "strokes": [dash, one, dash], "owner": [0, 1, 0]}]
    path.write_bytes(gzip.compress(json.dumps({"samples": numbers}).encode()))
    digits = load_pen_numbers(tmp_path)
    assert digits is not None and [sample.label for sample in digits] == ["7", "1"]
    assert [[stroke.tolist() for stroke in sample.strokes] for sample in digits] == [[dash, dash], [one]]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="pen_numbers"):
        load_pen_numbers(tmp_path)


def test_what_people_wrote_is_measured_as_the_runtime_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recognizer, drawn, numbers = Recognizer("cnn"), list(generate_samples(40, seed=21)), generate_digits(40, seed=21)
    letters = [Sample(SAMPLES[n].strokes[:1], "A") for n in range(30)]
    real = RealOutliers({}, {}, {"greek": letters}, [DataError("UJI is not there")])
    monkeypatch.setattr("evaluate.people.load_outliers", lambda data: real)
    monkeypatch.setattr("evaluate.people.load_pen_numbers", lambda data: drawn)
    cheques = [np.full((30, 20), 255, np.uint8), 255 - np.pad(numbers.images[0], 10)], numbers.labels[[1, 0]]
    monkeypatch.setattr("evaluate.people.load_cheque_digits", lambda data: cheques)
    monkeypatch.setattr("evaluate.people.generate_outliers", lambda n, seed, held_out: (numbers.images, numbers.labels))
    sets = {"some_validation": generate_digits(50, seed=22), "mnist_test": numbers}
    found = measure_people({"cnn": recognizer}, sets, None, seed=1)
    assert "UJI is not there" in capsys.readouterr().err
    for part, answers in {
        "pen_numbers": [recognizer.predict_strokes(sample.strokes) for sample in drawn],
        "pen_numbers_alone": [recognizer.predict_normalised(render_strokes(sample.strokes)) for sample in drawn],
    }.items():
        right = [str(p.probabilities.argmax()) == sample.label for p, sample in zip(answers, drawn, strict=True)]
        of_numbers = found["people_digits"]["cnn"][part]
        assert of_numbers["accuracy"] == pytest.approx(np.mean(right))
        assert of_numbers["rejected"] == pytest.approx(np.mean([answer.status == "not_a_digit" for answer in answers]))
    alone = recognizer.predict_batch(numbers.images).argmax(axis=1) == numbers.labels
    assert found["people_digits"]["cnn"]["mnist_test_alone"]["accuracy"] == pytest.approx(alone.mean())
    of_cheques = found["people_digits"]["cnn"]["cheque_digits"]
    assert (of_cheques["accuracy"], of_cheques["rejected"]) == (0.5, 0.5), "a blank is wrong and refused"
    of_letters = found["people_letters"]["cnn"]["greek"]
    status = [recognizer.predict_strokes(sample.strokes).status for sample in letters]
    assert of_letters["count"] == 30
    assert [of_letters[s] for s in ("digit", "unsure")] == [status.count(s) / 30 for s in ("digit", "unsure")]
    assert set(found["odds"]["cnn"]) == {"fitted on", "never seen"}


def test_odds_are_honest_where_half_of_what_is_in_the_middle_is_no_digit_whatever_the_counts() -> None:
    def odds(middle: int, far: int) -> np.ndarray:
        return np.array([0.1] * middle + [5] * far, np.float32)

    assert honest_odds([odds(2, 8)], [odds(20, 80)]) == {"count": 22, "no_digit": 0.5}
    assert honest_odds([odds(1, 9), odds(3, 1)], [odds(1, 9)])["no_digit"] == pytest.approx(0.1 / (0.1 + 0.85 / 2))
    assert honest_odds([odds(0, 1)], [odds(0, 1)])["no_digit"] is None
