"""Whole numbers: composed as stated, measured as answered, and what may not be shown is not."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from digitpad import Number, Recognizer
from digitpad.stroke_files import Sample, write_samples
from evaluate import numbers
from evaluate.__main__ import main
from evaluate.numbers import compose, compose_pictures, figures, in_any_order, measure_numbers
from evaluate.sets import CHEQUES_NAME, Numbers, load_cheque_digits, load_labelled_folder, load_set
from evaluate.tables import page, picture_name
from train.data import DataError
from train.synthetic.generate import generate_digits, generate_samples

DRAWN = list(generate_samples(20, seed=5))


def box(label: str, writer: str, wide: float) -> Sample:
    """A drawing of one stroke that is one unit high."""
    return Sample([np.array([[0, 0], [wide, 0], [wide, 1.0], [0, 1]])], label, writer)


@pytest.mark.parametrize("gap", [0.25, 0.0, -0.1])
def test_a_composed_number_is_one_writers_digits_at_the_gap_in_the_order_of_its_label(gap: float) -> None:
    samples = [box("1", "Ann", 0.2), box("8", "Ann", 0.6), box("3", "Bob", 0.9)]
    made = compose(samples, 60, gap, seed=1)
    assert {len(label) for label in made.labels} == {2, 3, 4, 5, 6}
    assert {"".join(sorted(set(label))) for label in made.labels} == {"3", "1", "8", "18"}
    widths = {"1": 0.2, "8": 0.6, "3": 0.9}
    for strokes, label in zip(made.inputs, made.labels, strict=True):
        assert isinstance(strokes, list) and len(strokes) == len(label)
        low, high = (np.array([end(stroke, axis=0) for stroke in strokes]) for end in (np.min, np.max))
        np.testing.assert_allclose(low[1:, 0] - high[:-1, 0], gap * 100, atol=1e-6)
        tall = high[:, 1] - low[:, 1]
        assert (abs(tall - 100) <= 8).all() and (abs(low[:, 1]) <= 8).all()
        np.testing.assert_allclose(high[:, 0] - low[:, 0], tall * [widths[digit] for digit in label])
    assert compose(samples, 60, gap, seed=1).labels == made.labels


def test_strokes_in_any_order_are_the_same_strokes() -> None:
    made = compose(DRAWN, 10, 0.25, seed=1)
    mixed = in_any_order(made, seed=2)
    assert mixed.labels == made.labels
    for one, other in zip(made.inputs, mixed.inputs, strict=True):
        assert sorted(map(id, one)) == sorted(map(id, other))
    assert any(list(map(id, a)) != list(map(id, b)) for a, b in zip(made.inputs, mixed.inputs, strict=True))


@pytest.mark.parametrize("gap", [4, 1, -2])
def test_a_picture_of_a_number_has_its_digits_at_the_gap(gap: int) -> None:
    ink = np.zeros((2, 28, 28), np.uint8)
    ink[0, 4:24, 10:15] = 100
    ink[1, 4:24, 3:13] = 200
    made = compose_pictures(ink, ["1", "8"], 20, gap, seed=1)
    for picture, label in zip(made.inputs, made.labels, strict=True):
        assert isinstance(picture, np.ndarray)
        row, left = np.full(picture.shape[1], 255), 8
        for digit in label:
            width, level = {"1": (5, 155), "8": (10, 55)}[digit]
            row[left : left + width] = np.minimum(row[left : left + width], level)
            left += width + gap
        assert picture.shape == (44, left - gap + 8)
        assert (picture[20] == row).all() and (picture[:8] == 255).all()


def answer(text: str, status: str = "number", confidence: float = 1.0) -> Number:
    return Number(text, status, confidence, ())


def test_what_is_exact_answered_refused_and_of_another_length_is_counted() -> None:
    labels = ["12", "12", "345", "345", "6\n7", "12345678", "12345679"]
    answers = [
        answer("12"),
        answer("1", "unsure", 0.5),
        answer("346"),
        answer("", "not_a_number", 0.9),
        answer("67"),
        answer("12345678", "unsure", 0.5),
        answer("", "blank", 0.0),
    ]
    found = figures(labels, answers)
    assert found["count"] == 7
    assert found["exact"] == pytest.approx(2 / 7)
    assert found["interval"][0] < 2 / 7 < found["interval"][1]
    assert found["digit_errors"] == pytest.approx((1 + 1 + 3 + 1 + 8) / (2 + 2 + 3 + 3 + 2 + 8 + 8))
    assert found["wrong_length"] == pytest.approx(3 / 7)
    assert found["answered"] == pytest.approx(3 / 7)
    assert found["answered_wrong"] == pytest.approx(2 / 7), "two rows are not one"
    assert found["refused"] == pytest.approx(2 / 7)
    assert found["ece"] == pytest.approx((3 * (1 - 1 / 3) + 2 * 0) / 5), "of those that have an answer"
    assert {length: of["count"] for length, of in found["by_length"].items()} == {
        "2 digits": 3,
        "3 digits": 2,
        "7 or more digits": 2,
    }
    assert found["by_length"]["3 digits"]["exact"] == 0
    assert figures(["1"], [answer("", "blank", 0.0)])["ece"] is None


def test_a_stroke_file_with_longer_labels_is_measured_as_the_runtime_reads_it(tmp_path: Path) -> None:
    made = compose(DRAWN, 12, 0.25, seed=3)
    samples = [Sample(s, label) for s, label in zip(made.inputs, made.labels, strict=True) if isinstance(s, list)]
    samples[0] = Sample(samples[0].strokes, "0000000000")
    write_samples(tmp_path / "mine.json", [*samples, Sample([np.eye(2)], ""), Sample([np.eye(2)], None)])
    assert main(["--model", "cnn", "--set", str(tmp_path / "mine.json"), "--out", str(tmp_path / "out")]) == 0
    results = json.loads((tmp_path / "out" / "evaluation.json").read_bytes())["cnn"]["numbers"]
    recognizer = Recognizer("cnn")
    recognizer.ood_threshold = math.inf  # the text counts, whatever the status
    right = [recognizer.read_strokes(sample.strokes).text == sample.label for sample in samples]
    assert (results["own"]["mine.json"]["count"], results["own"]["mine.json"]["exact"]) == (12, sum(right) / 12)
    assert results["none"]["mine.json"]["count"] == 1, "labelled as no number"
    text = (tmp_path / "out" / "evaluation.md").read_text()
    assert "| mine.json | cnn | 12 |" in text and "Accuracy" not in text
    assert picture_name("numbers", "cnn") in text, "what went wrong is shown"
    Image.open(tmp_path / "out" / picture_name("numbers", "cnn")).verify()


def test_a_folder_with_a_table_is_measured_and_a_bad_row_costs_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        Image.new("L", (60, 20), 255).save(tmp_path / name)
    (tmp_path / "text.png").write_text("no picture")
    rows = [
        "a.png,12,me",
        "none.png,1,me",
        "text.png,2,me",
        'b.png,"12\n7",me',
        "c.png,,me",
        "a.png,seven,me",
        ",1,me",
        "a.png",
    ]
    (tmp_path / "labels.csv").write_bytes("\r\n".join(["\ufefffile,number,who", *rows]).encode())
    found = load_set(tmp_path)
    assert isinstance(found, Numbers)
    assert [(path.name, label) for path, label in zip(found.inputs, found.labels, strict=True)] == [
        ("a.png", "12"),
        ("b.png", "12\n7"),
        ("c.png", ""),
    ]
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 5 and all("labels.csv, line " in line for line in told)
    assert "none.png" in told[0] and "text.png" in told[1] and "'seven'" in told[2]
    monkeypatch.setattr(Recognizer, "read", lambda recognizer, image: answer("12"))
    assert main(["--model", "mlp", "--set", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    results = json.loads((tmp_path / "out" / "evaluation.json").read_bytes())["mlp"]["numbers"]
    assert results["own"][tmp_path.name]["exact"] == 0.5
    assert results["none"][tmp_path.name] == {"count": 1, "number": 1, "unsure": 0, "not_a_number": 0, "blank": 0}


@pytest.mark.parametrize("table", [b"\xff\xfe", b"file;number\na.png;1", b"", b'file,number\na.png,"1\n'])
def test_a_table_without_a_usable_row_is_one_error(table: bytes, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(table)
    with pytest.raises(DataError, match=r"labels\.csv") as raised:
        load_labelled_folder(tmp_path)
    assert "\n" not in str(raised.value)


def test_the_digits_of_cheques_are_cut_out_with_a_margin(tmp_path: Path) -> None:
    assert load_cheque_digits(tmp_path) is None, "they are never downloaded"
    table = tmp_path / CHEQUES_NAME
    table.parent.mkdir(parents=True)
    picture = np.arange(60 * 100, dtype=np.uint32).reshape(60, 100).astype(np.uint8)
    Image.fromarray(picture).save(table.parent / "a.png")
    table.write_text('file,number,boxes_xywh\na.png,17,"[[1, 10, 20, 40], [60, 5, 8, 9]]"\n')
    found = load_cheque_digits(tmp_path)
    assert found is not None and found[1].tolist() == [1, 7]
    assert (found[0][0] == picture[5:55, 0:26]).all(), "12 % of 40, as far as the picture goes"
    assert (found[0][1] == picture[3:16, 58:70]).all(), "at least two pixels"
    table.write_text(table.read_text().replace("17", "177"))
    with pytest.raises(DataError, match=r"labels\.csv"):
        load_cheque_digits(tmp_path)


def stands_in(read: Callable[[object], Number]) -> SimpleNamespace:
    """A recogniser that answers what it is told."""
    return SimpleNamespace(read_strokes=read, predict_strokes=lambda strokes: SimpleNamespace(digit=None))


def test_composed_numbers_are_shown_where_they_went_wrong_and_real_ones_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = compose(DRAWN, 5, 0.25, seed=3)
    monkeypatch.setattr(numbers, "no_numbers", lambda data, seed: {})
    monkeypatch.setattr(numbers, "real_sets", lambda data, seed: {"pen numbers": made})
    monkeypatch.setattr(numbers, "composed_sets", lambda data, seed, each: {})
    wrong = stands_in(lambda strokes: answer("0"))
    measured = measure_numbers({"m": wrong}, None, tmp_path, seed=1)
    assert measured["m"]["real"]["pen numbers"]["answered_wrong"] == 1
    assert measured["m"]["real"]["pen numbers"]["refused_as_digit"] == 1
    assert not list(tmp_path.iterdir())
    assert "numbers_m.png" not in page({"m": {"figures": {}, "numbers": measured["m"]}})
    monkeypatch.setattr(numbers, "composed_sets", lambda data, seed, each: {"pen digits, gap 25%": made})
    measured = measure_numbers({"m": wrong}, None, tmp_path, seed=1)
    text = page({"m": {"figures": {}, "numbers": measured["m"]}})
    assert "![numbers m](numbers_m.png)" in text and [p.name for p in tmp_path.iterdir()] == ["numbers_m.png"]
    assert text.index("Real numbers") < text.index("| pen numbers | m |") < text.index("Composed numbers")
    assert text.index("Composed numbers") < text.index("| pen digits, gap 25% | m |")


def test_every_set_is_made_where_the_data_are_and_the_rest_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(folder: Path | None) -> None:
        raise DataError("not there")

    pen, digits = SimpleNamespace(validation=DRAWN), SimpleNamespace(validation=generate_digits(9, seed=1))
    letters = SimpleNamespace(validation={}, measure={"uji_letters": [Sample(DRAWN[0].strokes, "A", "w9")]})
    for name, load in (("load_pen", pen), ("load_mnist", digits), ("load_outliers", letters)):
        monkeypatch.setattr(numbers, name, lambda folder, load=load: load)
    monkeypatch.setattr(numbers, "load_uji", missing)
    made, none = numbers.composed_sets(None, 1, 20), numbers.no_numbers(None, 1, 20)
    assert (len(made), len(none)) == (9, 8)
    assert all(label.isdecimal() for of in made.values() for label in of.labels)
    assert all(label == "" for of in none.values() for label in of.labels)
    assert "no numbers of UJI digits: not there" in capsys.readouterr().err
    assert numbers.real_sets(tmp_path, 1) == {}, "they are never downloaded"
