"""What masked pretraining sees of a picture, and how well hidden patches are filled in without having learned."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

_NARROWEST, _WIDEST = 3 / 4, 4 / 3


def whole(unit: Tensor, side: int) -> Tensor:
    """Bring whole pictures, float32 (n, 3, y, x) in [0, 1], to (n, 3, side, side)."""
    return _resized(unit, side)


def crops(unit: Tensor, side: int, smallest: float, chance: np.random.Generator) -> Tensor:
    """Cut a part out of each picture, enlarge it, and mirror every second one on average.

    Parameters
    ----------
    unit
        float32 (n, 3, y, x) in [0, 1].
    side
        Of the parts, in pixels.
    smallest
        Smallest area of a part relative to its picture, in (0, 1]; its width is 3/4 to 4/3 of its height, but for what
        would lie outside of the picture.
    chance
        Draws the parts.

    Returns
    -------
    Tensor
        float32 (n, 3, side, side) in [0, 1].
    """
    return torch.cat([_crop(picture[None], side, smallest, chance) for picture in unit])


def guessed(target: Tensor, kept: Tensor) -> Tensor:
    """Fill every patch with the mean colour of the visible ones: the guess that learning must beat.

    Parameters
    ----------
    target
        (n, patches, 768), channels last inside a patch.
    kept
        int64 (n, visible).
    """
    seen = target.gather(1, kept[:, :, None].expand(-1, -1, target.shape[2]))
    colour = seen.reshape(len(target), -1, 3).mean(dim=1)
    return colour.repeat(1, target.shape[2] // 3)[:, None].expand_as(target)


def _crop(picture: Tensor, side: int, smallest: float, chance: np.random.Generator) -> Tensor:
    height, width = picture.shape[2:]
    area = height * width * chance.uniform(smallest, 1.0)
    form = math.exp(chance.uniform(math.log(_NARROWEST), math.log(_WIDEST)))
    rows = min(height, max(1, round(math.sqrt(area / form))))
    columns = min(width, max(1, round(math.sqrt(area * form))))
    top = int(chance.integers(height - rows + 1))
    left = int(chance.integers(width - columns + 1))
    part = picture[:, :, top : top + rows, left : left + columns]
    return _resized(part.flip(3) if chance.random() < 0.5 else part, side)


def _resized(pictures: Tensor, side: int) -> Tensor:
    size = (side, side)
    return torch.nn.functional.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0.0, 1.0)
