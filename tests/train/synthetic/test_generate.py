"""Generated digits: every way of writing, the same for the same seed, in the model's form."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from train.synthetic.generate import VARIANTS, generate_digits, generate_samples, in_turn, write_digit

WAYS = {f"{digit} {name}": way for digit, ways in VARIANTS.items() for name, way in ways.items()}


def test_every_digit_and_every_way_of_writing_it_appears() -> None:
    samples = list(generate_samples(600, seed=1))
    assert {s.writer for s in samples} == set(WAYS)
    assert np.bincount([int(s.label or "") for s in samples]).tolist() == [60] * 10


def test_a_family_is_written_twice_as_often_as_a_lone_skeleton() -> None:
    ways = VARIANTS["7"]
    written = Counter(s.writer for s in generate_samples(10 * len(in_turn("7")), seed=6) if s.label == "7")
    assert written == {f"7 {name}": 2 if isinstance(way, tuple) else 1 for name, way in ways.items()}


def test_equal_seeds_give_equal_digits_and_others_do_not() -> None:
    one, again, other = (generate_digits(50, seed) for seed in (1, 1, 2))
    assert (one.images == again.images).all()
    assert not (one.images == other.images).all()


def test_generated_digits_are_in_the_models_form() -> None:
    for image in generate_digits(100, seed=3).images:
        rows, columns = np.nonzero(image.any(axis=1))[0], np.nonzero(image.any(axis=0))[0]
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (20, 21, 22)


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if isinstance(way, tuple)])
def test_the_extremes_of_a_family_have_the_same_strokes_points_and_corners(name: str) -> None:
    first, *others = ([(len(s), [a == b for a, b in pairwise(s)]) for s in way] for way in WAYS[name])
    assert others and all(other == first for other in others)


def test_a_family_is_written_from_one_extreme_to_the_other() -> None:
    short, long = (
        [[(0.4, 0.0), (0.6, 0.0)], [(0.5, 0.0), (0.5, 1.0)]],
        [[(-1.5, 0.0), (2.5, 0.0)], [(0.5, 0.0), (0.5, 1.0)]],
    )
    rng = np.random.default_rng(4)
    written = [write_digit((short, long), rng) for _ in range(200)]
    bars = [np.ptp(bar[:, 0]) / np.ptp(stem[:, 1]) for bar, stem in written]
    assert min(bars) < 0.5 and max(bars) > 3 and 1.2 < np.median(bars) < 2.4


def test_one_hand_in_seven_is_so_fast_that_it_leaves_few_points() -> None:
    rng = np.random.default_rng(5)
    points = [len(write_digit(VARIANTS["0"]["round"], rng)[0]) for _ in range(400)]
    assert 0.09 < np.mean([count < 25 for count in points]) < 0.2
    assert min(points) > 8, "the digit is still there"
