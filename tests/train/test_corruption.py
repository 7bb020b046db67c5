"""What may be relied on about the corruptions that are trained on, and about the non-digits that come with them."""

import numpy as np
import pytest

from train.corruption import FAMILIES, corrupt, corrupted, leavings, neighbours
from train.synthetic.generate import generate_digits

DIGITS = generate_digits(200, seed=1)
IMAGES = DIGITS.images


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_changes_most_digits_and_the_same_seed_changes_it_equally(family: str) -> None:
    once, again, otherwise = (corrupt(IMAGES, family, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert once.shape == IMAGES.shape and once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)
    assert (once != otherwise).any()
    assert (once != IMAGES).any(axis=(1, 2)).mean() > 0.75


@pytest.mark.parametrize("family", FAMILIES)
def test_most_of_a_digit_is_still_there(family: str) -> None:
    changed = corrupt(IMAGES, family, np.random.default_rng(0)).astype(float)
    assert changed.max(axis=(1, 2)).min() > 0, "no picture is blank"

    def alike(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(one, other, strict=True)]))

    assert alike(changed, IMAGES) > alike(changed, np.roll(IMAGES, 1, axis=0)) + 0.12


def test_a_share_is_corrupted_and_the_rest_left_and_families_are_truly_told() -> None:
    changed, families = corrupted(DIGITS, 0.4, np.random.default_rng(0))
    assert families.shape == (200, 2) and families.dtype == np.uint8
    assert changed.labels.tolist() == DIGITS.labels.tolist()
    untold = ~families.any(axis=1)
    differ = (changed.images != IMAGES).any(axis=(1, 2))
    assert not differ[untold].any()
    assert differ[~untold].mean() > 0.75
    assert abs(untold.mean() - 0.6 * 0.88) < 0.1
    assert (generate_digits(200, seed=1).images == IMAGES).all(), "the originals are not touched"


def test_what_is_told_is_the_family_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FAMILIES:
        monkeypatch.setitem(FAMILIES, name, lambda ink, rng: ink)
    monkeypatch.setitem(FAMILIES, "blurred", lambda ink, rng: 1 - ink)
    changed, families = corrupted(DIGITS, 1.0, np.random.default_rng(0))
    inverted = (families == list(FAMILIES).index("blurred") + 1).sum(axis=1) == 1
    assert inverted.any()
    np.testing.assert_array_equal((changed.images == 255 - IMAGES).all(axis=(1, 2)), inverted)


def test_without_a_share_nothing_changes_and_no_digits_are_no_error() -> None:
    same, families = corrupted(DIGITS, 0.0, np.random.default_rng(0))
    assert (same.images == IMAGES).all() and not families.any()
    none, families = corrupted(DIGITS.pick(slice(0)), 1.0, np.random.default_rng(0))
    assert len(none) == 0 and families.shape == (0, 2)


def test_leavings_are_of_many_kinds_and_the_same_for_the_same_seed() -> None:
    once, again = (leavings(100, np.random.default_rng(0)) for _ in range(2))
    assert once.shape == (100, 28, 28) and once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)
    assert len({image.tobytes() for image in once}) > 90
    assert leavings(0, np.random.default_rng(0)).shape == (0, 28, 28)


def test_neighbours_show_ink_of_two() -> None:
    dots = np.zeros((100, 28, 28), np.uint8)
    dots[:, 11:17, 11:17] = 255  # what stands for a digit is this square
    pairs = neighbours(dots, np.random.default_rng(0)) > 64
    two = [
        any(
            not columns[a:b].any()
            for a in range(28)
            for b in range(a + 1, 28)
            if columns[:a].any() and columns[b:].any()
        )
        for columns in pairs.any(axis=1)
    ]
    assert pairs.shape == dots.shape and pairs.any(axis=(1, 2)).all()
    assert np.mean(two) > 0.7
