"""Rows to train the row reader on: what they say is on them, and they are as the reader sees them."""

from pathlib import Path

import numpy as np
import pytest

from digitpad import Recognizer
from digitpad.image.rows import HEIGHT, OTHER, likeliest_texts, scores_of_row
from digitpad.stroke_files import Sample
from train.data import Digits, render
from train.rows import WIDTHS, Hands, Rows, bent, make_rows, read_rows, write_rows
from train.synthetic.generate import generate_digits, generate_samples


@pytest.fixture(scope="module")
def hands() -> Hands:
    """Writers of our own making: one of digits as strokes, some pictures, and one who draws a cross."""
    cross = [Sample([np.array([(0, 0), (50, 100)]), np.array([(50, 0), (0, 100)])], "X")]
    return Hands(generate_digits(60, seed=1), [{"w": list(generate_samples(60, seed=2))}], [cross], ["our own"])


@pytest.fixture(scope="module")
def rows(hands: Hands) -> Rows:
    return make_rows(hands, 150, (1, 2))


def test_equal_seeds_give_equal_rows_and_others_other_ones(hands: Hands, rows: Rows) -> None:
    again, other = make_rows(hands, 150, (1, 2)), make_rows(hands, 5, (1, 3))
    for (row, text), (same, said) in zip(rows, again, strict=True):
        assert np.array_equal(row, same) and text == said
    assert not all(np.array_equal(row, same) for (row, _), (same, _) in zip(rows, other, strict=False))


def test_rows_have_the_form_that_the_reader_sees_and_few_widths(rows: Rows) -> None:
    for row, text in rows:
        assert row.dtype == np.uint8 and row.shape[0] == HEIGHT and row.shape[1] in WIDTHS
        assert set(text) <= set(range(OTHER + 1))
    assert len({row.shape[1] for row, _ in rows}) > 3


def test_there_are_digits_letters_and_bare_paper_among_them(rows: Rows) -> None:
    texts = [text for _, text in rows]
    assert sum(bool(text) and OTHER not in text for text in texts) > 90
    assert any(set(text) == {OTHER} for text in texts) and [] in texts
    assert {len(text) for text in texts} >= {0, 1, 2, 3, 4, 5}


def test_the_shipped_reader_reads_most_of_them(rows: Rows) -> None:
    numbers = [(row, tuple(text)) for row, text in rows if text and OTHER not in text]
    read = 0
    for row, text in numbers:
        texts = likeliest_texts(scores_of_row(row))
        read += max(texts, key=lambda text: texts[text]) == text
    assert read > 0.6 * len(numbers)


def test_digits_are_bent_each_in_its_own_way_and_the_same_for_equal_seeds(hands: Hands) -> None:
    bent_hands, again, other = bent(hands, 40, 1), bent(hands, 40, 1), bent(hands, 40, 2)
    images, labels = bent_hands.images.images, bent_hands.images.labels
    assert np.array_equal(images, again.images.images) and not np.array_equal(images, other.images.images)
    assert images.any(axis=(1, 2)).all() and len(images) == 40 and bent_hands.digits is hands.digits
    whole = {image.tobytes(): label for image, label in zip(hands.images.images, hands.images.labels, strict=True)}
    kept = [
        (whole[image.tobytes()], label) for image, label in zip(images, labels, strict=True) if image.tobytes() in whole
    ]
    assert 8 <= len(kept) <= 16 and all(was == label for was, label in kept)
    answers = Recognizer("cnn").predict_batch(images).argmax(axis=1)
    assert (answers == labels).mean() > 0.8, "bent, they are still what they were"


def test_some_rows_are_drawn_as_the_pad_shows_them_to_the_reader(hands: Hands) -> None:
    """Ink on even paper, as high as `drawn` makes it."""
    only_strokes = Hands(Digits(hands.images.images[:0], hands.images.labels[:0]), hands.digits, hands.letters, [])
    drawn_rows = [
        (row, text)
        for row, text in make_rows(only_strokes, 120, (5,))
        if text and OTHER not in text and (row[[0, 1, 2, -3, -2, -1]] == row.min()).all()
    ]
    assert len(drawn_rows) > 10
    read = [likeliest_texts(scores_of_row(row)) for row, _ in drawn_rows]
    right = [
        max(texts, key=lambda t: texts[t]) == tuple(text) for texts, (_, text) in zip(read, drawn_rows, strict=True)
    ]
    assert np.mean(right) > 0.8


def test_rows_can_be_written_with_nothing_but_pictures_or_nothing_at_all() -> None:
    for images in (generate_digits(20, seed=3), render([])):
        assert len(make_rows(Hands(images, [], [], []), 20, (4,))) == 20


def test_rows_are_kept_as_they_were_made(rows: Rows, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.npz", rows)
    for (row, text), (kept, said) in zip(rows, read_rows(tmp_path / "rows.npz"), strict=True):
        assert np.array_equal(row, kept) and text == said
