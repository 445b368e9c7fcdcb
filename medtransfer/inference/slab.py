"""The weighted sums of overlapping tiles, kept only for the planes that later tiles still reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.inference.tiles import Triple

_VOXELS_AT_ONCE = 1 << 13
"""How many voxels become labels at a time: their logits stay in the processor's cache (3 MB for 105 classes)."""


class Slab:
    """Sums of features over a slab as thick as one tile, which moves along one axis of the volume.

    Parameters
    ----------
    shape
        ``(z, y, x)`` of the volume, or of the part of it that is worked on.
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
        # The sums of the weights are one more feature, and the bias is its column: one product gives the logits.
        self._head = np.ascontiguousarray(np.column_stack([weight, bias]).T)
        self._sums = torch.zeros(len(self._head), *extent)

    def add(self, corner: Triple, features: Tensor, importance: Tensor) -> None:
        """Add one tile: features (F, z, y, x) and the weight of each voxel (z, y, x); what reaches beyond is left out.

        ``corner`` counts from where the part begins, and may be negative across the slab's axis.
        """
        here = [*corner]
        here[self._axis] -= self._begin
        ends = [begin + side for begin, side in zip(here, self._tile, strict=True)]
        first = [max(0, begin) for begin in here]
        last = [min(end, size) for end, size in zip(ends, self._sums.shape[1:], strict=True)]
        place = _box(first, last)
        own = _box(*([at - begin for at, begin in zip(corners, here, strict=True)] for corners in (first, last)))
        self._sums[(slice(-1), *place)].addcmul_(features[(slice(None), *own)], importance[own])
        self._sums[(-1, *place)] += importance[own]

    def take(self, planes: int) -> NDArray[np.unsignedinteger]:
        """Return the labels of the first planes, ``(planes, ...)`` along the slab's axis, and move on behind them."""
        sums = self._sums.movedim(self._axis + 1, 1)
        kind = np.uint8 if self._head.shape[1] <= 1 << 8 else np.uint16
        labels = np.zeros((planes, *sums.shape[2:]), dtype=kind)
        for plane in range(planes):
            if sums[-1, plane].any():
                labels[plane] = self._labels(sums[:, plane].flatten(1).numpy()).reshape(labels.shape[1:])
        self._move(sums, planes)
        return labels

    def _labels(self, sums: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return for (F + 1, n) sums the class with the largest logit; voxels that no tile covered are background.

        The mean logit is ``(weight @ sums + bias * totals) / totals``, and dividing changes no order.
        """
        found = np.empty(sums.shape[1], dtype=np.intp)
        for begin in range(0, len(found), _VOXELS_AT_ONCE):
            part = slice(begin, begin + _VOXELS_AT_ONCE)
            np.argmax(sums[:, part].T @ self._head, axis=1, out=found[part])
        found[sums[-1] == 0] = 0
        return found

    def _move(self, sums: Tensor, planes: int) -> None:
        kept = sums.shape[1] - planes
        for begin in range(0, kept, planes):  # forwards, in steps no longer than the move, so that none overlaps itself
            end = min(begin + planes, kept)
            sums[:, begin:end] = sums[:, begin + planes : end + planes]
        sums[:, kept:] = 0
        self._begin += planes


def _box(first: Sequence[int], last: Sequence[int]) -> tuple[slice, slice, slice]:
    z, y, x = (slice(begin, end) for begin, end in zip(first, last, strict=True))
    return z, y, x
