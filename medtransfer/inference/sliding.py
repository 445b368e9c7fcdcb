"""Segmenting a volume with a sliding window, in memory that does not grow with classes times volume.

The tiles' weighted features are summed in a slab as thick as one tile; planes that no later tile covers are reduced to
labels at once. Tiles of nothing but air are skipped. The labels are those of summing every tile's logits with Gaussian
weights over the whole volume and taking the largest (nnU-Net, Isensee et al. 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.errors import DataError
from medtransfer.inference.linear_head import divide
from medtransfer.inference.machine import RuntimeChoice, best_runtime, describe
from medtransfer.inference.runtime import compile_network
from medtransfer.inference.slab import Slab
from medtransfer.inference.tiles import Triple, cut, flips, gaussian, rows

OnTile = Callable[[int, int], None]
"""Told after each tile how many of how many are done; it may raise to stop."""


def _nobody(done: int, of: int) -> None:
    """Tell nobody."""


class Segmenter:
    """A network compiled for tiles of one size, to be used for many volumes.

    Parameters
    ----------
    network
        Maps (n, C, z, y, x) to logits (n, classes, z, y, x).
    channels
        C, the channels of a volume.
    tile
        ``(z, y, x)`` of a tile in voxels; what the network was trained on.
    choice
        Where and how to run; by default the fastest way that this machine has.

    Raises
    ------
    PluginError
        When the network answers with anything else, or cannot be compiled.
    """

    def __init__(
        self, network: nn.Module, channels: int, tile: Sequence[int], choice: RuntimeChoice | None = None
    ) -> None:
        self.choice = choice or best_runtime(describe())
        self.tile: Triple = (tile[0], tile[1], tile[2])
        example = torch.zeros(1, channels, *tile)
        divided = divide(network, example.shape)
        self._weight, self._bias = divided.weight, divided.bias
        self._importance = torch.from_numpy(gaussian(tile))
        self._trunk = compile_network(
            divided.trunk, example, self.choice.device, self.choice.runtime, self.choice.precision
        )

    @property
    def classes(self) -> int:
        """How many classes the network tells apart, the background among them."""
        return len(self._bias)

    def labels(
        self,
        volume: NDArray[np.float32],
        step: float = 0.5,
        mirror: Sequence[int] = (),
        body: NDArray[np.bool_] | None = None,
        on_tile: OnTile = _nobody,
    ) -> NDArray[np.unsignedinteger]:
        """Return the class of every voxel: ``(z, y, x)``, uint8, or uint16 for more than 256 classes.

        Parameters
        ----------
        volume
            float32 ``(C, z, y, x)``, prepared as the network expects it. Where it is smaller than a tile it is
            surrounded with zeros, which is the mean after a z-score.
        step
            Largest distance between neighbouring tiles as a share of the tile, in (0, 1].
        mirror
            Axes of ``(0, 1, 2)`` along which tiles are also run mirrored; each doubles the time.
        body
            ``(z, y, x)``: tiles without any true voxel are skipped and stay background.
        on_tile
            Told after each tile how many of how many are done; an exception that it raises stops the work.

        Raises
        ------
        DataError
            ``segment.not-finite`` when the volume holds NaN or infinity.
        """
        if not np.isfinite(volume.sum(dtype=np.float64)):
            raise DataError(
                "The volume holds values that are not numbers.",
                code="segment.not-finite",
                hint="Export the series again: parts of it were never reconstructed.",
            )
        shape = volume.shape[1:]
        margin = [_margin(size, side) for size, side in zip(shape, self.tile, strict=True)]
        padded = np.pad(volume, [(0, 0), *margin])
        wanted = np.ones(shape, dtype=bool) if body is None else body
        found = self._padded_labels(padded, np.pad(wanted, margin), step, flips(mirror), on_tile)
        return np.ascontiguousarray(
            found[tuple(slice(before, before + size) for (before, _), size in zip(margin, shape, strict=True))]
        )

    def _padded_labels(
        self,
        volume: NDArray[np.float32],
        wanted: NDArray[np.bool_],
        step: float,
        mirrored: Sequence[Sequence[int]],
        on_tile: OnTile,
    ) -> NDArray[np.unsignedinteger]:
        shape = volume.shape[1:]
        axis = int(np.argmax(shape))  # the slab is as large as the other two axes
        slab = Slab(shape, self.tile, axis, self._weight, self._bias)
        planned = [
            (row, [corner for corner in row.corners if wanted[cut(corner, self.tile)].any()])
            for row in rows(shape, self.tile, step, axis)
        ]
        total = sum(len(corners) for _, corners in planned)
        done, planes = 0, []
        for row, corners in planned:
            for corner in corners:
                slab.add(
                    corner, self._features(volume[(slice(None), *cut(corner, self.tile))], mirrored), self._importance
                )
                done += 1
                on_tile(done, total)
            planes.append(slab.take(row.finished))
        return np.moveaxis(np.concatenate(planes), 0, axis)

    def _features(self, tile: NDArray[np.float32], mirrored: Sequence[Sequence[int]]) -> Tensor:
        """Return the trunk's features (F, z, y, x), the mean over the tile and its mirror images along ``mirrored``."""
        batch = torch.from_numpy(np.ascontiguousarray(tile))[None]
        total = self._trunk(batch)
        for axes in mirrored:
            dims = [2 + axis for axis in axes]
            total = total + self._trunk(batch.flip(dims)).flip(dims)
        return total[0] / (1 + len(mirrored))


def segment(
    network: nn.Module,
    volume: NDArray[np.float32],
    tile: Sequence[int],
    choice: RuntimeChoice | None = None,
    step: float = 0.5,
) -> NDArray[np.unsignedinteger]:
    """Segment one volume: :class:`Segmenter` for those who have only one.

    Parameters and errors are those of :class:`Segmenter` and :meth:`Segmenter.labels`.
    """
    return Segmenter(network, len(volume), tile, choice).labels(volume, step)


def _margin(size: int, side: int) -> tuple[int, int]:
    """Return how many voxels to add before and behind, so that a tile fits in."""
    missing = max(0, side - size)
    return missing // 2, missing - missing // 2
