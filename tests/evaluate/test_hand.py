"""What it is worth to teach a hand: simulated writers, strangers and wrong lessons, and the page."""

import json
from pathlib import Path

import numpy as np
import pytest

from digitpad import Recognizer
from evaluate import hand
from evaluate.hand import as_page, simulate, teach_wrongly
from train.data import Digits
from train.synthetic.generate import generate_digits


@pytest.fixture
def writer() -> Digits:
    """One who writes each digit upside down, twice in a row."""
    upright = generate_digits(20, seed=3)
    return Digits(np.repeat(upright.images[:, ::-1, ::-1], 2, axis=0), np.repeat(upright.labels, 2))


def test_each_wrong_answer_is_corrected_once_and_what_comes_again_is_counted_apart(writer: Digits) -> None:
    counts = simulate("cnn", writer)
    answers = [Recognizer("cnn").predict_normalised(image).digit for image in writer.images]
    wrong = [answer != label for answer, label in zip(answers, writer.labels.tolist(), strict=True)]
    assert counts["digits"] == 40 and counts["alone"] == sum(wrong) >= 20
    assert counts["taught"] <= counts["alone"] / 2, "the second of each pair is read as the first was taught"
    assert counts["taught again"] < counts["alone again"] <= counts["alone"]


def test_a_writer_may_teach_wrongly() -> None:
    digits = generate_digits(120, seed=4)
    counts = teach_wrongly("cnn", digits)
    assert counts["digits"] == len(digits) - hand.LESSONS
    assert counts["taught"] <= counts["alone"] + 2


def test_the_page_is_written_from_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hand.json").write_bytes(hand.FIGURES.read_bytes())
    assert hand.main(["--page", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "hand.md").read_text()
    assert page == as_page(json.loads(hand.FIGURES.read_bytes())) == hand.FIGURES.with_suffix(".md").read_text()
    assert capsys.readouterr().out.strip() == str(tmp_path / "hand.md")
