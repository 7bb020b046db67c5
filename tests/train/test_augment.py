"""Augmentation: each digit distorted in its own way, the same way for the same seed, never lost."""

import torch

from train.augment import Batches, Strength, distort, one_hot, plain_loader, shuffled
from train.generate import generate_digits

DIGITS = generate_digits(300, seed=5)
BATCHES = Batches(DIGITS.images, one_hot(DIGITS.labels))


def test_no_strength_changes_nothing() -> None:
    images = BATCHES[:][0]
    still = Strength(rotation=0, scale=0, shear=0, shift=0, elastic=0)
    assert torch.allclose(distort(images, still, torch.Generator()), images, atol=1e-5)


def test_every_digit_is_distorted_in_its_own_way_and_keeps_its_ink() -> None:
    images = BATCHES[:][0][:1].expand(50, -1, -1, -1)
    distorted = distort(images, Strength(), torch.Generator().manual_seed(1))
    assert len({image.numpy().tobytes() for image in distorted}) == 50
    ink = distorted.sum((1, 2, 3)) / images.sum((1, 2, 3))
    assert ink.min() > 0.7
    assert ink.max() < 1.4
    assert distorted.min() >= 0
    assert distorted.max() <= 1


def test_a_shift_moves_the_ink_by_at_most_its_pixels() -> None:
    images = BATCHES[:][0]
    only_shift = Strength(rotation=0, scale=0, shear=0, shift=2, elastic=0)
    moved = distort(images, only_shift, torch.Generator().manual_seed(2))
    positions = torch.arange(28.0)
    before, after = ((x.sum(2) * positions).sum((1, 2)) / x.sum((1, 2, 3)) for x in (images, moved))
    assert (after - before).abs().max() < 2.1
    assert (after - before).std() > 0.8


def test_an_epoch_shows_every_digit_once_in_an_order_the_seed_decides() -> None:
    one, again, other = (
        torch.cat([targets.argmax(1) for _, targets in shuffled(BATCHES, 50, seed)]) for seed in (1, 1, 2)
    )
    assert (one == again).all()
    assert not (one == other).all()
    assert one.bincount().tolist() == [30] * 10


def test_validation_is_served_in_order_and_undistorted() -> None:
    images, targets = (torch.cat(parts) for parts in zip(*plain_loader(DIGITS, 128), strict=True))
    assert targets.argmax(1).tolist() == DIGITS.labels.tolist()
    assert torch.equal((images[:, 0] * 255).round().to(torch.uint8), torch.from_numpy(DIGITS.images))


def test_thickness_widens_and_narrows_strokes_and_moves_nothing() -> None:
    images = BATCHES[:][0]
    only_thickness = Strength(rotation=0, scale=0, shear=0, shift=0, elastic=0, thickness=0.8)
    ink = distort(images, only_thickness, torch.Generator().manual_seed(3)).sum((1, 2, 3)) / images.sum((1, 2, 3))
    assert ink.min() < 0.8
    assert ink.max() > 1.3
