"""Averages over blocks and squares of a picture's channel, by which the retina's landmarks are looked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]


def reduced(values: NDArray[np.uint8], columns: int) -> Plane:
    """Average square blocks of (y, x) so that about so many columns are left."""
    step = max(1, values.shape[1] // columns)
    height, width = (size // step * step for size in values.shape)
    blocks = values[:height, :width].reshape(height // step, step, width // step, step)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float64)


def smoothed(values: Plane, radius: int) -> Plane:
    """Average twice over each pixel's square of ``2 radius + 1`` pixels."""
    return _averaged(_averaged(values, radius), radius)


def from_centre(shape: tuple[int, ...]) -> tuple[Plane, Plane]:
    """Return how far each pixel of a field of view lies below and right of its centre, in the field's radii."""
    y, x = np.indices(shape, dtype=np.float64)
    half = shape[1] / 2
    return (y - y.max() / 2) / half, (x - x.max() / 2) / half


def spots(retina: NDArray[np.uint8], columns: int, radius: int, ground: int, rim: float) -> tuple[Plane, Plane]:
    """Return how much brighter than its surroundings each place is, as the optic disc is, and the distance from centre.

    Parameters
    ----------
    retina
        uint8 (y, x, 3): the field of view.
    columns
        Of the grid that is looked at.
    radius, ground
        Of what is averaged, and of its surroundings, in pixels of that grid.
    rim
        What lies further out, in the field's radii, is dark.
    """
    brightness = reduced(retina[..., 1], columns) + 0.5 * reduced(retina[..., 0], columns)
    distance = np.hypot(*from_centre(brightness.shape))
    inside = distance < rim
    weight = inside.astype(np.float64)
    around = smoothed(brightness * weight, ground) / np.maximum(smoothed(weight, ground), 1e-3)
    return smoothed((brightness - around) * weight, radius), distance


def _averaged(values: Plane, radius: int) -> Plane:
    """Average each pixel's square of ``2 radius + 1`` pixels by cumulated sums; the border repeats."""
    size = 2 * radius + 1
    sums = np.pad(np.pad(values, radius, mode="edge"), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    total = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return np.asarray(total / size**2, dtype=np.float64)
