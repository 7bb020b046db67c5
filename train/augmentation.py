"""Augmentation for both networks: digits turned, stretched, sheared, bent and drawn with another pen.

Elastic distortion after Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis", ICDAR 2003; here its random field is drawn on a coarse grid and enlarged bicubically.

torchvision's transforms draw their random numbers once for a whole batch, and so would have to be called for each
digit: RandomAffine and ElasticTransform take 1.4 s for 1,000 digits (one thread), the same here 0.03 s, all of
`distort` 0.24 s.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from train.data import Digits
from train.recipes import Strength

_PIECE = 1_000  # digits distorted at once


def distorted(digits: Digits, strength: Strength, seed: int) -> Digits:
    """Each digit distorted in its own way; equal arguments, equal digits. See `distort`."""
    rng = torch.Generator().manual_seed(seed)
    images = np.empty_like(digits.images)
    for first in range(0, len(digits), _PIECE):
        piece = torch.from_numpy(digits.images[first : first + _PIECE]).unsqueeze(1).float()
        changed = distort(piece, strength, rng)
        images[first : first + _PIECE] = changed[:, 0].clamp(0, 255).round().byte().numpy()
    return Digits(images, digits.labels)


def distort(images: Tensor, strength: Strength, rng: torch.Generator) -> Tensor:
    """Distort float images (N, 1, 28, 28) from 0 to 255, each in its own way; what comes in from outside is 0.

    Each is brought back to its former size and centre of mass, since every digit that a model reads was fitted too, and
    scanned anew, so that ink is black again, not grey: a network that learns from blurred digits of all sizes spends
    capacity on what it never sees.
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
    return F.avg_pool2d(_sample(inked, _refit(images, inked, places, size, move)), 2)


def _refit(images: Tensor, inked: Tensor, places: Tensor, size: Tensor, move: Tensor) -> Tensor:
    """Change where `inked` is sampled (N, H, W, 2) so that the digit has the size and place it has in `images`.

    Except for a factor `size` (N,) and `move` (N, 2), in half images.
    """
    count = len(images)
    one, none = torch.ones(count), torch.zeros(count)
    extent, centre = _extent_and_centre(_sample(images, _window([one, none, none, none, one, none], images)))
    new_extent, new_centre = _extent_and_centre(_sample(inked, places))
    scale = new_extent / (extent * size)
    offset = new_centre - scale[:, None] * (centre + move)
    window = _window([scale, none, offset[:, 0], none, scale, offset[:, 1]], images)
    fitted = F.grid_sample(places.permute(0, 3, 1, 2), window, padding_mode="border", align_corners=False)
    return fitted.permute(0, 2, 3, 1)


def _sample(images: Tensor, places: Tensor) -> Tensor:
    """Sample images at twice the resolution (N, 1, 2H, 2W), as a scanner sees ink: nearly black or white."""
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
