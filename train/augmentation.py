"""Augmentation for both networks: digits turned, stretched, sheared, bent and drawn with another pen; their batches.

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

    rotation: float = 9.0  # degrees
    aspect: float = 0.08  # stretched along each axis, as a share
    shear: float = 0.10
    elastic: float = 0.8  # pixels, standard deviation on the coarse grid; each digit bends by its own share of it
    thickness: float = 0.35  # how far strokes grow or shrink by a pixel: 1 is wholly
    loose: float = 0.02  # how far a digit misses its former size, as a share, and its place, as a share of 20 pixels
    grid: int = 7  # points along a side of the coarse grid


def distort(images: Tensor, strength: Strength, rng: torch.Generator) -> Tensor:
    """Distort float images (N, 1, 28, 28) from 0 to 255, each in its own way; what comes in from outside is 0.

    Then each is brought back to its former size and centre of mass, since every digit that is read was fitted too, and
    scanned anew: a network that learns from blurred digits of all sizes wastes itself on what it never meets.
    """
    count, _, height, width = images.shape

    def uniform(limit: float, *shape: int) -> Tensor:
        return (torch.rand(shape or (count,), generator=rng) * 2 - 1) * limit

    inked = _thicken(images, uniform(strength.thickness).view(-1, 1, 1, 1)) if strength.thickness else images
    angle, shear = torch.deg2rad(uniform(strength.rotation)), uniform(strength.shear)
    scale_x, scale_y = 1 + uniform(strength.aspect), 1 + uniform(strength.aspect)
    cos, sin, none = torch.cos(angle), torch.sin(angle), torch.zeros(count)
    turned = _window([cos / scale_x, -sin + shear, none, sin, cos / scale_y, none], images)
    # affine_grid's unit is half the image's side.
    coarse = torch.randn(count, 2, strength.grid, strength.grid, generator=rng) * (2 * strength.elastic / width)
    coarse *= torch.rand(count, 1, 1, 1, generator=rng)
    bend = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)
    places = turned + bend.permute(0, 2, 3, 1)
    size, move = 1 + uniform(strength.loose), uniform(40 * strength.loose / width, count, 2)
    return F.avg_pool2d(_scan(inked, _refit(images, inked, places, size, move)), 2)


def _refit(images: Tensor, inked: Tensor, places: Tensor, size: Tensor, move: Tensor) -> Tensor:
    """Change where `inked` is sampled (N, H, W, 2) so that the digit will be as large, and where, it is in `images`.

    But for a factor `size` (N,) and `move` (N, 2), in half images.
    """
    count = len(images)
    one, none = torch.ones(count), torch.zeros(count)
    extent, centre = _extent_and_centre(_scan(images, _window([one, none, none, none, one, none], images)))
    new_extent, new_centre = _extent_and_centre(_scan(inked, places))
    scale = new_extent / (extent * size)
    offset = new_centre - scale[:, None] * (centre + move)
    window = _window([scale, none, offset[:, 0], none, scale, offset[:, 1]], images)
    fitted = F.grid_sample(places.permute(0, 3, 1, 2), window, padding_mode="border", align_corners=False)
    return fitted.permute(0, 2, 3, 1)


def _scan(images: Tensor, places: Tensor) -> Tensor:
    """Sample images as a scanner sees ink: all but black or white, at twice the resolution (N, 1, 2H, 2W)."""
    finer = F.interpolate(places.permute(0, 3, 1, 2), scale_factor=2, mode="bilinear").permute(0, 2, 3, 1)
    ink = F.grid_sample(images, finer, mode="bicubic", align_corners=False)
    # Averaged over 2x2 pixels, this contrast gives as many full, grey and pale pixels as MNIST's own digits have.
    return (3 * (ink - 127.5) + 127.5).clamp(0, 255)


def _extent_and_centre(images: Tensor) -> tuple[Tensor, Tensor]:
    """The longer side (N,) of what images (N, 1, H, W) show, in pixels, and its centre of mass (N, 2), -1 to 1."""
    sides, centres = [], []
    for axis in (1, 2):  # first along x, then along y
        profile = images[:, 0].amax(axis)
        mass = images[:, 0].sum(axis)
        length = profile.shape[1]
        along = (torch.arange(length) + 0.5) * (2 / length) - 1
        centres.append((mass * along).sum(1) / mass.sum(1).clamp(min=1e-6))
        inked = (profile >= 127.5).float()
        first, last = inked.argmax(1), length - 1 - inked.flip(1).argmax(1)
        # To a fraction of a pixel: by how grey the pixels next to it are.
        padded = F.pad(profile / 255, (1, 1))
        beside = padded.gather(1, first[:, None]) + padded.gather(1, last[:, None] + 2)
        sides.append(last - first + 1 + beside[:, 0])
    return torch.maximum(*sides), torch.stack(centres, 1)


def _window(rows: list[Tensor], images: Tensor) -> Tensor:
    """Where an affine map, its two rows given (each entry (N,)), samples images: (N, H, W, 2)."""
    return F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(images.shape), align_corners=False)


def _thicken(images: Tensor, amount: Tensor) -> Tensor:
    """Blend images with their dilation by a pixel (amount up to 1), or with their erosion (amount down to -1)."""
    cross = torch.stack([F.max_pool2d(sign * images, (3, 1), 1, (1, 0)) for sign in (1, -1)])
    across = torch.stack([F.max_pool2d(sign * images, (1, 3), 1, (0, 1)) for sign in (1, -1)])
    dilated, eroded = torch.maximum(cross, across) * torch.tensor([1.0, -1.0]).view(2, 1, 1, 1, 1)
    return torch.where(amount > 0, torch.lerp(images, dilated, amount), torch.lerp(images, eroded, -amount))


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Images served a batch at a time: float (N, 1, 28, 28) in [0, 1], and what to answer: float (N, 11).

    The targets' rows sum to 1; the eleventh class is "not a digit". One item is a whole batch.
    """

    def __init__(self, images: NDArray[np.uint8], targets: Tensor) -> None:
        """`images` is uint8 (N, 28, 28)."""
        self.images = torch.from_numpy(images)
        self.targets = targets

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: list[int] | slice) -> tuple[Tensor, Tensor]:
        return self.images[indices].unsqueeze(1).float() / 255, self.targets[indices]


def one_hot(labels: NDArray[np.int64]) -> Tensor:
    """Labels (N,), 0 to 10, as targets (N, 11)."""
    return F.one_hot(torch.from_numpy(labels), CLASSES).float()


def shuffled(batches: Batches, batch_size: int, seed: int) -> Loader:
    """All in an order that the seed decides; a last short batch is left out."""
    order = RandomSampler(batches, generator=torch.Generator().manual_seed(seed))
    return DataLoader(batches, sampler=BatchSampler(order, batch_size, drop_last=True), batch_size=None)


def plain_loader(digits: Digits, batch_size: int) -> Loader:
    """All digits in order and undistorted: for validation and test."""
    batches = Batches(digits.images, one_hot(digits.labels))
    return DataLoader(batches, sampler=BatchSampler(SequentialSampler(batches), batch_size, False), batch_size=None)
