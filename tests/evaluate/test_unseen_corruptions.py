"""What may be relied on about the corruptions that are only measured."""

from pathlib import Path

import numpy as np
import pytest

from digitpad import Recognizer
from evaluate.hard_cases import measure_corruptions
from evaluate.unseen_corruptions import UNSEEN, corrupt
from train.corruption import FAMILIES
from train.synthetic.generate import generate_digits


@pytest.mark.parametrize("family", UNSEEN)
def test_a_family_changes_digits_and_equal_seeds_change_them_equally(family: str) -> None:
    images = generate_digits(20, seed=1).images

    once, again, otherwise = (corrupt(images, family, seed) for seed in (0, 0, 1))

    assert once.shape == images.shape and once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)
    assert (once != otherwise).any() and (once != images).any(axis=(1, 2)).mean() > 0.9


def test_every_family_of_corruption_is_measured_fed_directly_and_through_predict(tmp_path: Path) -> None:
    digits = generate_digits(20, seed=6)
    found = measure_corruptions({"cnn": Recognizer("cnn")}, digits, tmp_path, each=2)["cnn"]
    assert list(found) == ["as they are", *FAMILIES, *UNSEEN, "all trained on", "all never trained on"]
    assert found["as they are"]["direct"] < 0.1
    assert found["as they are"]["predict"] == 0
    assert {name for name, of in found.items() if of["trained_on"] is False} == {*UNSEEN, "all never trained on"}
    assert found["all never trained on"]["direct"] == pytest.approx(np.mean([found[f]["direct"] for f in UNSEEN]))
    assert all(0 <= of[key] <= 1 for of in found.values() for key in ("direct", "predict"))
