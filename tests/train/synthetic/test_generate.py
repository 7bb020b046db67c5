"""Generated digits: every way of writing, the same for the same seed, in the model's form."""

import numpy as np

from train.synthetic.generate import VARIANTS, generate_digits, generate_samples


def test_every_digit_and_every_way_of_writing_it_appears() -> None:
    samples = list(generate_samples(600, seed=1))
    assert {s.writer for s in samples} == {f"{digit} {name}" for digit, ways in VARIANTS.items() for name in ways}
    assert np.bincount([int(s.label or "") for s in samples]).tolist() == [60] * 10


def test_equal_seeds_give_equal_digits_and_others_do_not() -> None:
    one, again, other = (generate_digits(50, seed) for seed in (1, 1, 2))
    assert (one.images == again.images).all()
    assert not (one.images == other.images).all()


def test_generated_digits_are_in_the_models_form() -> None:
    for image in generate_digits(100, seed=3).images:
        rows, columns = np.nonzero(image.any(axis=1))[0], np.nonzero(image.any(axis=0))[0]
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (20, 21, 22)
