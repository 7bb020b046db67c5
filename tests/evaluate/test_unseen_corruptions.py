"""What may be relied on about the corruptions that are only measured."""

import numpy as np
import pytest

from evaluate.unseen_corruptions import UNSEEN, corrupt
from train.synthetic.generate import generate_digits


@pytest.mark.parametrize("family", UNSEEN)
def test_a_family_changes_digits_and_equal_seeds_change_them_equally(family: str) -> None:
    images = generate_digits(20, seed=1).images

    once, again, otherwise = (corrupt(images, family, seed) for seed in (0, 0, 1))

    assert once.shape == images.shape and once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)
    assert (once != otherwise).any() and (once != images).any(axis=(1, 2)).mean() > 0.9


def test_no_training_code_knows_these_families() -> None:
    from pathlib import Path

    root = Path(__file__).parents[2]
    assert not [path for path in (root / "train").rglob("*.py") if "unseen_corruptions" in path.read_text()]
