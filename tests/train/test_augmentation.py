"""Augmentation: each digit distorted in its own way, the same way for the same seed, never lost."""

from dataclasses import replace

import torch

from train.augmentation import distort
from train.recipes import Strength
from train.synthetic.generate import generate_digits

DIGITS = generate_digits(300, seed=5)
IMAGES = torch.from_numpy(DIGITS.images).unsqueeze(1).float()
STILL = Strength(rotation=0, aspect=0, shear=0, elastic=0, thickness=0, loose=0)


def centres(images: torch.Tensor) -> torch.Tensor:
    """The centre of mass (N, 2) of each picture, in pixels."""
    positions, mass = torch.arange(28.0), images.sum((1, 2, 3))
    across, down = (images[:, 0].sum(axis) @ positions / mass for axis in (1, 2))
    return torch.stack([across, down], 1)


def extents(images: torch.Tensor) -> torch.Tensor:
    """The longer side (N,) of what is black enough to see, in pixels."""
    sides = [(images[:, 0].amax(axis) > 60).sum(1) for axis in (1, 2)]
    return torch.maximum(*sides)


def test_without_strength_a_digit_stays_where_and_what_it_is() -> None:
    same = distort(IMAGES, STILL, torch.Generator())
    assert (same - IMAGES).abs().mean() < 3  # of 255: only greys change, since ink is rescanned
    assert (centres(same) - centres(IMAGES)).abs().max() < 0.2  # of a pixel, as greys change


def test_every_digit_is_distorted_in_its_own_way_and_keeps_its_ink() -> None:
    images = IMAGES[:1].expand(50, -1, -1, -1)
    distorted = distort(images, Strength(), torch.Generator().manual_seed(1))
    assert len({image.numpy().tobytes() for image in distorted}) == 50
    ink = distorted.sum((1, 2, 3)) / images.sum((1, 2, 3))
    assert ink.min() > 0.7
    assert ink.max() < 1.4
    assert distorted.min() >= 0
    assert distorted.max() <= 255


def test_a_distorted_digit_is_as_large_and_where_it_was() -> None:
    strong = Strength(rotation=15, aspect=0.2, shear=0.15, elastic=1, loose=0)
    distorted = distort(IMAGES, strong, torch.Generator().manual_seed(2))
    moved = (centres(distorted) - centres(IMAGES)).abs()
    assert (moved < 1).float().mean() > 0.99  # of a very wide digit an end may leave the picture
    assert (centres(distorted) - centres(IMAGES)).std() < 0.2
    off = (extents(distorted) - extents(IMAGES)).abs()
    assert (off <= 2).float().mean() > 0.97
    loosely = distort(IMAGES, Strength(loose=0.1), torch.Generator().manual_seed(2))
    assert (centres(loosely) - centres(IMAGES)).std() > 0.8


def test_a_distorted_digit_is_as_crisp_as_it_was() -> None:
    def share_of_grey(images: torch.Tensor) -> float:
        return float(((images > 40) & (images < 215)).sum() / (images > 40).sum())

    distorted = distort(IMAGES, Strength(), torch.Generator().manual_seed(4))
    assert abs(share_of_grey(distorted) - share_of_grey(IMAGES)) < 0.1


def test_thickness_widens_and_narrows_strokes_and_moves_nothing() -> None:
    only_thickness = replace(STILL, thickness=0.8)
    thicker = distort(IMAGES, only_thickness, torch.Generator().manual_seed(3))
    ink = thicker.sum((1, 2, 3)) / IMAGES.sum((1, 2, 3))
    assert ink.min() < 0.8
    assert ink.max() > 1.15
    assert (centres(thicker) - centres(IMAGES)).abs().max() < 0.3
