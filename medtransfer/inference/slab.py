"""The weighted sums of overlapping tiles, kept only for the planes that later tiles still reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.inference.tiles import Triple, cut

_VOXELS_AT_ONCE = 1 << 17
"""How many voxels become labels at a time: bounds the logits in memory (55 MB for 105 classes)."""


class Slab:
    """Sums of features over a slab as thick as one tile, which moves along one axis of the volume.

    Parameters
    ----------
    shape
        ``(z, y, x)`` of the volume.
    tile
        ``(z, y, x)`` of a tile.
    axis
        Along which the slab moves: 0, 1 or 2.
    weight, bias
        The head that turns features into logits: float32 (classes, F) and (classes,).
    """

    def __init__(
        self,
        shape: Sequence[int],
        tile: Sequence[int],
        axis: int,
        weight: NDArray[np.float32],
        bias: NDArray[np.float32],
    ) -> None:
        self._tile, self._axis = tuple(tile), axis
        self._begin = 0
        extent = [*shape]
        extent[axis] = tile[axis]
        self._weight, self._bias = torch.from_numpy(weight), torch.from_numpy(bias)
        self._sums = torch.zeros(weight.shape[1], *extent)
        self._totals = torch.zeros(*extent)

    def add(self, corner: Triple, features: Tensor, importance: Tensor) -> None:
        """Add one tile: features (F, z, y, x) and the weight of each voxel (z, y, x)."""
        here = [*corner]
        here[self._axis] -= self._begin
        place = cut((here[0], here[1], here[2]), self._tile)
        self._sums[(slice(None), *place)].addcmul_(features, importance)
        self._totals[place] += importance

    def take(self, planes: int) -> NDArray[np.unsignedinteger]:
        """Return the labels of the first planes, ``(planes, ...)`` along the slab's axis, and move on behind them."""
        sums, totals = self._sums.movedim(self._axis + 1, 1), self._totals.movedim(self._axis, 0)
        kind = np.uint8 if len(self._bias) <= 1 << 8 else np.uint16
        labels = np.zeros((planes, *totals.shape[1:]), dtype=kind)
        for plane in range(planes):
            if totals[plane].any():
                labels[plane] = self._labels(sums[:, plane], totals[plane]).reshape(labels.shape[1:])
        self._move(sums, totals, planes)
        return labels

    def _labels(self, sums: Tensor, totals: Tensor) -> NDArray[np.int64]:
        """Return the class with the largest logit; voxels that no tile covered are background.

        The mean logit is ``(weight @ sums + bias * totals) / totals``, and dividing changes no order.
        """
        flat, covering = sums.flatten(1), totals.flatten()
        found = torch.empty(covering.shape, dtype=torch.int64)
        for begin in range(0, len(covering), _VOXELS_AT_ONCE):
            part = slice(begin, begin + _VOXELS_AT_ONCE)
            logits = torch.addmm(torch.outer(self._bias, covering[part]), self._weight, flat[:, part])
            found[part] = logits.argmax(dim=0)
        found[covering == 0] = 0
        return found.numpy()

    def _move(self, sums: Tensor, totals: Tensor, planes: int) -> None:
        kept = totals.shape[0] - planes
        for begin in range(0, kept, planes):  # forwards, in steps no longer than the move, so that none overlaps itself
            end = min(begin + planes, kept)
            sums[:, begin:end] = sums[:, begin + planes : end + planes]
            totals[begin:end] = totals[begin + planes : end + planes]
        sums[:, kept:], totals[kept:] = 0, 0
        self._begin += planes
