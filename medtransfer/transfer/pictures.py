"""From an opened picture to the square that a network sees, and from the network's grid back onto the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from medtransfer.contract.bundle import Preprocessing
from medtransfer.study.display import rgb8
from medtransfer.study.model import Image

_FILTERS = {"bilinear": Pillow.Resampling.BILINEAR, "bicubic": Pillow.Resampling.BICUBIC}


@dataclass(frozen=True, slots=True)
class Region:
    """The part of a picture that matters, in pixels: rows ``top`` to ``top + height``, columns likewise."""

    top: int
    left: int
    height: int
    width: int

    @classmethod
    def whole(cls, image: Image) -> Region:
        """Return the region that covers the whole picture."""
        height, width = image.spatial_shape
        return cls(0, 0, height, width)


def square(image: Image, region: Region, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Cut the region out and make it a square of the network's size, as the preprocessing frames it.

    Returns
    -------
    NDArray[np.uint8]
        Shape (size, size, 3): red, green, blue.
    """
    part = rgb8(image)[region.top : region.top + region.height, region.left : region.left + region.width]
    return _FRAMINGS[preprocessing.framing](part, preprocessing)


def seen(region: Region, preprocessing: Preprocessing) -> Region:
    """Return the part of a region that the network sees: all of it, or its centre."""
    if preprocessing.framing == "padded":
        return region
    side = max(1, round(min(region.height, region.width) * Preprocessing.KEPT))
    top, left = region.top + (region.height - side) // 2, region.left + (region.width - side) // 2
    return Region(top, left, side, side)


def _padded(part: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    height, width = part.shape[:2]
    side = max(height, width)
    padded = np.zeros((side, side, 3), dtype=np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    padded[top : top + height, left : left + width] = part
    size = (preprocessing.size, preprocessing.size)
    return np.asarray(Pillow.fromarray(padded).resize(size, _FILTERS[preprocessing.interpolation]))


def _centre(part: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Resize the shorter side and cut the centre out, with the roundings of torchvision's Resize and CenterCrop."""
    size = preprocessing.size
    height, width = part.shape[:2]
    shorter = round(size / Preprocessing.KEPT)
    longer = int(shorter * max(height, width) / min(height, width))
    columns, rows = (shorter, longer) if width <= height else (longer, shorter)
    resized = Pillow.fromarray(np.ascontiguousarray(part)).resize(
        (columns, rows), _FILTERS[preprocessing.interpolation]
    )
    top, left = round((rows - size) / 2), round((columns - size) / 2)
    return np.asarray(resized.crop((left, top, left + size, top + size)))


_FRAMINGS = {"padded": _padded, "centre": _centre}


def onto_picture(values: NDArray[np.float32], region: Region, image: Image) -> NDArray[np.float32]:
    """Bring a map on the network's square grid back onto the picture's own grid: the inverse of :func:`square`.

    Parameters
    ----------
    values
        Shape (size, size).
    region
        What the network saw: see :func:`seen`.

    Returns
    -------
    NDArray[np.float32]
        The picture's spatial shape (y, x); zero outside the region.
    """
    side = max(region.height, region.width)
    large = torch.nn.functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(values))[None, None],
        size=(side, side),
        mode="bilinear",
        align_corners=False,
    )[0, 0].numpy()
    top, left = (side - region.height) // 2, (side - region.width) // 2
    placed = np.zeros(image.spatial_shape, dtype=np.float32)
    placed[region.top : region.top + region.height, region.left : region.left + region.width] = large[
        top : top + region.height, left : left + region.width
    ]
    return placed


def as_unit(pixels: NDArray[np.uint8]) -> Tensor:
    """Turn prepared pictures (n, size, size, 3) into float32 (n, 3, size, size) in [0, 1]."""
    return torch.tensor(pixels).permute(0, 3, 1, 2).float() / 255.0


def normalised(unit: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Subtract the mean and divide by the standard deviation, (n, 3, y, x) in [0, 1] to what the network expects."""
    mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std).view(1, 3, 1, 1)
    return (unit - mean) / std
