"""Colours to one grey in which ink and paper differ most."""

from typing import cast

import numpy as np

from digitpad.image.filters import Map, Pixels, as_float, blurred, percentiles, shrink

_COARSE = 128  # pixels along the longer side of the picture while its colours are compared


def mix_to_grey(colour: Pixels, alpha: Map | None = None) -> Map:
    """Mix the channels of a picture so that ink of any colour and its paper differ most.

    Args:
        colour: (H, W, C), uint8 or float32 in [0, 1], C = 1 or 3.
        alpha: float32 (H, W) in [0, 1], 0 = transparent, or None.

    Returns:
        float32 (H, W) in [0, 1].
    """
    if alpha is not None:
        colour = _lay_on_paper(as_float(colour), alpha)
    if colour.shape[2] == 1:
        return as_float(colour[:, :, 0])
    coarse = np.stack([shrink(as_float(colour[:, :, c]), _COARSE) for c in range(3)], axis=2)
    if np.ptp(coarse, axis=2).max() < 0.02:
        return np.stack([as_float(row).mean(axis=1) for row in colour])
    # What changes slowly is light; the direction in which the rest spreads most is from paper to ink.
    spread = np.stack([coarse[:, :, c] - blurred(coarse[:, :, c], _COARSE // 4) for c in range(3)]).reshape(3, -1)
    direction = np.linalg.eigh(spread @ spread.T)[1][:, -1].astype(np.float32)
    direction *= np.where(direction.sum() < 0, -1, 1) / np.abs(direction).sum()
    grey = np.stack([as_float(row) @ direction for row in colour])
    grey -= np.minimum(direction, 0).sum()
    return cast(Map, np.clip(grey, 0, 1, out=grey))


def _lay_on_paper(colour: Map, alpha: Map) -> Map:
    """Put a picture with transparent parts on a ground that its ink stands out from."""
    seen = alpha > alpha.max() / 2
    if seen.all() or not seen.any():
        return colour * alpha[:, :, None]
    values = colour[seen]
    low, high = percentiles(values.mean(axis=1), [1, 99])
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    filled = seen.sum() / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
    # Paper with ink on it, cut out: the ground continues the paper. Ink alone: the ground is its opposite.
    both = filled > 0.5 and high - low > 0.3
    ground = percentiles(values, [50])[0] if both else np.full(values.shape[1], values.mean() < 0.5, np.float32)
    return cast(Map, colour * alpha[:, :, None] + ground * (1 - alpha[:, :, None]))
