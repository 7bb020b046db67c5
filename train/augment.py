"""Batched augmentation for both networks: every digit turned, scaled, sheared, shifted and bent, anew each epoch.

Elastic distortion after Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis", ICDAR 2003; here its random field is drawn on a coarse grid and enlarged bicubically.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from train.data import Digits


@dataclass(frozen=True)
class Strength:
    """How far digits are distorted: limits of uniform draws, or standard deviations where it says so."""

    rotation: float = 10.0  # degrees
    scale: float = 0.10  # share of the size, along each axis
    shear: float = 0.10
    shift: float = 1.5  # pixels
    elastic: float = 0.7  # pixels, standard deviation on the coarse grid
    grid: int = 7  # points along a side of the coarse grid


def distort(images: Tensor, strength: Strength, rng: torch.Generator) -> Tensor:
    """Distort float images (N, 1, 28, 28), each in its own way; what comes in from outside is 0."""
    count, _, height, width = images.shape

    def uniform(limit: float, *shape: int) -> Tensor:
        return (torch.rand(shape or (count,), generator=rng) * 2 - 1) * limit

    angle = torch.deg2rad(uniform(strength.rotation))
    scale_x, scale_y = 1 + uniform(strength.scale), 1 + uniform(strength.scale)
    shear = uniform(strength.shear)
    cos, sin = torch.cos(angle), torch.sin(angle)
    # affine_grid's unit is half the image's side.
    shift = uniform(2 * strength.shift / width, count, 2)
    rows = [cos / scale_x, -sin + shear, shift[:, 0], sin, cos / scale_y, shift[:, 1]]
    grid = F.affine_grid(torch.stack(rows, 1).view(count, 2, 3), [count, 1, height, width], align_corners=False)
    coarse = torch.randn(count, 2, strength.grid, strength.grid, generator=rng) * (2 * strength.elastic / width)
    bend = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)
    return F.grid_sample(images, grid + bend.permute(0, 2, 3, 1), align_corners=False)


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Digits served a batch at a time: float images (N, 1, 28, 28) in [0, 1] and int64 labels (N,).

    One item is a whole batch, so that augmentation works on all its images at once.
    """

    def __init__(self, digits: Digits, strength: Strength | None, seed: int) -> None:
        """`strength` None serves the digits as they are."""
        self.images = torch.from_numpy(digits.images)
        self.labels = torch.from_numpy(digits.labels)
        self.strength = strength
        self.rng = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, indices: list[int] | slice) -> tuple[Tensor, Tensor]:
        images = self.images[indices].unsqueeze(1).float() / 255
        if self.strength is not None:
            images = distort(images, self.strength, self.rng)
        return images, self.labels[indices]


def training_loader(
    digits: Digits, batch_size: int, strength: Strength, seed: int
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Shuffled, augmented batches of one epoch; equal seeds give equal batches. A last short batch is left out."""
    batches = Batches(digits, strength, seed)
    order = RandomSampler(batches, generator=torch.Generator().manual_seed(seed))
    return DataLoader(batches, sampler=BatchSampler(order, batch_size, drop_last=True), batch_size=None)


def plain_loader(digits: Digits, batch_size: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """All digits in order and undistorted: for validation and test."""
    batches = Batches(digits, None, 0)
    return DataLoader(batches, sampler=BatchSampler(SequentialSampler(batches), batch_size, False), batch_size=None)
