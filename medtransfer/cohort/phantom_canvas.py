"""Drawing in millimetres on a picture's grid, and smooth noise: the tools of the phantom's painters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

Plane = NDArray[np.float32]
_OVERSAMPLING = 3


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid of a picture: ``height`` x ``width`` pixels, ``scale`` pixels per mm, ``centre`` (x, y) in mm."""

    height: int
    width: int
    scale: float
    centre: tuple[float, float]

    def millimetres(self) -> tuple[Plane, Plane]:
        """Return x and y of every pixel centre in mm: shapes (1, width) and (height, 1), float32."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / self.scale + self.centre[0]
        y = (np.arange(self.height, dtype=np.float32) + 0.5 - self.height / 2) / self.scale + self.centre[1]
        return x[np.newaxis, :].astype(np.float32), y[:, np.newaxis].astype(np.float32)

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (n, 2) given in mm as pixel coordinates x, y."""
        half = np.array([self.width / 2, self.height / 2])
        pixels: NDArray[np.float64] = (points - np.asarray(self.centre)) * self.scale + half
        return pixels


class Stencil:
    """Shapes cut out of a picture's grid, kept with sub-pixel edges."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._picture = Pillow.new("L", (grid.width * _OVERSAMPLING, grid.height * _OVERSAMPLING))
        self._draw = ImageDraw.Draw(self._picture)

    def polygon(self, points: NDArray[np.float64]) -> None:
        """Fill a polygon given by points (n, 2) in mm."""
        self._draw.polygon([(x, y) for x, y in self._grid.pixels(points) * _OVERSAMPLING], fill=255)

    def line(self, points: NDArray[np.float64], width: float) -> None:
        """Draw a line through points (n, 2), ``width`` wide, all in mm."""
        thickness = max(round(width * self._grid.scale * _OVERSAMPLING), 1)
        path = [(x, y) for x, y in self._grid.pixels(points) * _OVERSAMPLING]
        self._draw.line(path, fill=255, width=thickness, joint="curve")

    def cover(self) -> Plane:
        """Return the share of every pixel that is covered: float32 in 0..1, shape (height, width)."""
        return np.asarray(self._picture.reduce(_OVERSAMPLING), dtype=np.float32) / np.float32(255)


def smooth_noise(rng: np.random.Generator, grid: Grid, grain: float) -> Plane:
    """Return noise of mean 0, standard deviation about 1 and grains ``grain`` mm wide: shape (height, width)."""
    rows = max(round(grid.height / grid.scale / grain), 2)
    columns = max(round(grid.width / grid.scale / grain), 2)
    coarse = rng.standard_normal((rows, columns), dtype=np.float32) * 1.5
    picture = Pillow.fromarray(coarse)
    return np.asarray(picture.resize((grid.width, grid.height), Pillow.Resampling.BICUBIC), dtype=np.float32)
