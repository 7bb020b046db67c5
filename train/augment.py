"""Batched augmentation for both networks: every digit turned, scaled, sheared, shifted and bent, anew each epoch.

Elastic distortion after Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis", ICDAR 2003; here its random field is drawn on a coarse grid and enlarged bicubically.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from train.data import CLASSES, Digits

Loader: TypeAlias = DataLoader[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Strength:
    """How far digits are distorted: limits of uniform draws, or standard deviations where it says so."""

    rotation: float = 10.0  # degrees
    scale: float = 0.10  # share of the size, along each axis
    shear: float = 0.10
    shift: float = 1.5  # pixels
    elastic: float = 0.7  # pixels, standard deviation on the coarse grid
    grid: int = 7  # points along a side of the coarse grid
    uneven: bool = False  # each digit bent by its own share of `elastic`
    thickness: float = 0.0  # how far strokes grow or shrink by a pixel: 1 is wholly


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
    if strength.uneven:
        coarse *= torch.rand(count, 1, 1, 1, generator=rng)
    bend = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)
    if strength.thickness:
        images = _thicken(images, uniform(strength.thickness).view(-1, 1, 1, 1))
    return F.grid_sample(images, grid + bend.permute(0, 2, 3, 1), align_corners=False)


def _thicken(images: Tensor, amount: Tensor) -> Tensor:
    """Blend images with their dilation by a pixel (amount up to 1), or with their erosion (amount down to -1)."""
    cross = torch.stack([F.max_pool2d(sign * images, (3, 1), 1, (1, 0)) for sign in (1, -1)])
    across = torch.stack([F.max_pool2d(sign * images, (1, 3), 1, (0, 1)) for sign in (1, -1)])
    dilated, eroded = torch.maximum(cross, across) * torch.tensor([1.0, -1.0]).view(2, 1, 1, 1, 1)
    return torch.where(amount > 0, torch.lerp(images, dilated, amount), torch.lerp(images, eroded, -amount))


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Images served a batch at a time: float (N, 1, 28, 28) in [0, 1], and what to answer: float (N, 11).

    The targets' rows sum to 1; the eleventh class is "not a digit". One item is a whole batch, so that augmentation
    works on all its images at once.
    """

    def __init__(
        self, images: NDArray[np.uint8], targets: Tensor, strength: Strength | None = None, seed: int = 0
    ) -> None:
        """`images` is uint8 (N, 28, 28); without `strength` they are served as they are."""
        self.images = torch.from_numpy(images)
        self.targets = targets
        self.strength = strength
        self.rng = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: list[int] | slice) -> tuple[Tensor, Tensor]:
        images = self.images[indices].unsqueeze(1).float() / 255
        if self.strength is not None:
            images = distort(images, self.strength, self.rng)
        return images, self.targets[indices]


def one_hot(labels: NDArray[np.int64]) -> Tensor:
    """Labels (N,), 0 to 10, as targets (N, 11)."""
    return F.one_hot(torch.from_numpy(labels), CLASSES).float()


def shuffled(batches: Batches, batch_size: int, seed: int) -> Loader:
    """All in an order that the seed decides; a last short batch is left out."""
    order = RandomSampler(batches, generator=torch.Generator().manual_seed(seed))
    return DataLoader(batches, sampler=BatchSampler(order, batch_size, drop_last=True), batch_size=None)


def training_loader(digits: Digits, batch_size: int, strength: Strength, seed: int) -> Loader:
    """Shuffled, augmented batches of one epoch; equal seeds give equal batches. A last short batch is left out."""
    return shuffled(Batches(digits.images, one_hot(digits.labels), strength, seed), batch_size, seed)


def plain_loader(digits: Digits, batch_size: int) -> Loader:
    """All digits in order and undistorted: for validation and test."""
    batches = Batches(digits.images, one_hot(digits.labels))
    return DataLoader(batches, sampler=BatchSampler(SequentialSampler(batches), batch_size, False), batch_size=None)
