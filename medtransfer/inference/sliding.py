"""Segmenting a volume with a sliding window, in memory that does not grow with classes times volume.

The tiles' weighted features are summed in a slab as thick as one tile; planes that no later tile covers are reduced to
labels at once. Tiles of nothing but air are skipped. The labels are those of summing every tile's logits with Gaussian
weights over the whole volume and taking the largest (nnU-Net, Isensee et al. 2021).

Where memory is short the volume is worked on in parts, one after the other, each as wide as memory allows: tiles that
lie in two parts are run twice, and every voxel gets the same sums, hence the same label, as without parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer import memory
from medtransfer.errors import DataError
from medtransfer.inference.linear_head import divide
from medtransfer.inference.machine import RuntimeChoice, best_runtime, describe, free_memory
from medtransfer.inference.runtime import compile_network
from medtransfer.inference.slab import Slab
from medtransfer.inference.tiles import Row, Triple, bands, cut, flips, gaussian, rows

_SHARE = 0.5
"""Of the free memory, how much the sums may take: the network runs beside them."""
_BYTES = 4

OnTile = Callable[[int, int], None]
"""Told after each tile how many of how many are done; it may raise to stop."""
OnParts = Callable[[int], None]
"""Told in how many parts a volume is worked on, where memory is short."""


def _nobody(done: int, of: int) -> None:
    """Tell nobody."""


def _unheard(parts: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, eq=False)
class _Work:
    """A volume to segment, ``(C, z, y, x)`` and nowhere smaller than a tile, where to look, and how."""

    volume: NDArray[np.float32]
    wanted: NDArray[np.bool_]
    step: float
    mirrored: Sequence[Sequence[int]]
    on_tile: OnTile

    @property
    def shape(self) -> Triple:
        """``(z, y, x)`` in voxels."""
        z, y, x = self.wanted.shape
        return z, y, x

    @property
    def along(self) -> int:
        """The longest axis, along which the slab moves: it is as large as the other two."""
        return int(np.argmax(self.shape))

    @property
    def across(self) -> int:
        """The longer of the other two, which is divided into parts."""
        return int(np.argmax([-1 if axis == self.along else size for axis, size in enumerate(self.shape)]))

    def rows(self, tile: Triple, begin: int, end: int) -> list[tuple[Row, list[Triple]]]:
        """Return the rows of tiles with those to be run for the part from ``begin`` to ``end``."""
        return [
            (
                row,
                [
                    corner
                    for corner in row.corners
                    if corner[self.across] < end
                    and corner[self.across] + tile[self.across] > begin
                    and self.wanted[cut(corner, tile)].any()
                ],
            )
            for row in rows(self.shape, tile, self.step, self.along)
        ]


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
        on_parts: OnParts = _unheard,
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
        on_parts
            Told in how many parts the volume is worked on, where memory is short; the labels are the same.

        Raises
        ------
        DataError
            ``segment.not-finite`` when the volume holds NaN or infinity.
        Exception
            That which :func:`medtransfer.memory.exhausted` knows, when memory does not suffice in any number of parts.
        """
        if not np.isfinite(volume.sum(dtype=np.float64)):
            raise DataError(
                "The volume holds values that are not numbers.",
                code="segment.not-finite",
                hint="Export the series again: parts of it were never reconstructed.",
            )
        shape = volume.shape[1:]
        margin = [_margin(size, side) for size, side in zip(shape, self.tile, strict=True)]
        padded = np.pad(volume, [(0, 0), *margin]) if any(map(any, margin)) else volume
        wanted = np.pad(np.ones(shape, dtype=bool) if body is None else body, margin)
        found = self._in_parts(_Work(padded, wanted, step, flips(mirror), on_tile), on_parts)
        return np.ascontiguousarray(
            found[tuple(slice(before, before + size) for (before, _), size in zip(margin, shape, strict=True))]
        )

    def _in_parts(self, work: _Work, on_parts: OnParts) -> NDArray[np.unsignedinteger]:
        """Work in as few parts as the free memory promises, and in twice as many whenever it does not hold them."""
        most = len(bands(work.shape[work.across], self.tile[work.across], work.step, work.shape[work.across]))
        whole = self._sums_bytes(work)
        parts = min(most, max(1, math.ceil(whole / (_SHARE * free_memory()))))
        while True:
            if parts > 1:
                on_parts(parts)
            found = self._labels_if_memory_holds_them(work, parts, most)
            if found is not None:
                return found
            memory.release()
            parts = min(2 * parts, most)

    def _labels_if_memory_holds_them(self, work: _Work, parts: int, most: int) -> NDArray[np.unsignedinteger] | None:
        """Return the labels, or None: only when the error is gone is what its traceback held on to freed."""
        try:
            return self._labels(work, parts)
        except Exception as error:
            if not memory.exhausted(error) or parts == most:
                raise
            return None

    def _labels(self, work: _Work, parts: int) -> NDArray[np.unsignedinteger]:
        """Return the labels of a volume that is nowhere smaller than a tile."""
        divided = bands(work.shape[work.across], self.tile[work.across], work.step, parts)
        planned = [(begin, end, work.rows(self.tile, begin, end)) for begin, end in divided]
        total = sum(len(corners) for _, _, planned_rows in planned for _, corners in planned_rows)
        found = np.empty(work.shape, dtype=np.uint8 if self.classes <= 1 << 8 else np.uint16)
        done = 0
        for begin, end, planned_rows in planned:
            extent, place = [*work.shape], [slice(None)] * 3
            extent[work.across], place[work.across] = end - begin, slice(begin, end)
            slab = Slab(extent, self.tile, work.along, self._weight, self._bias)
            for row, corners in planned_rows:
                for corner in corners:
                    here = [*corner]
                    here[work.across] -= begin
                    features = self._features(work.volume[(slice(None), *cut(corner, self.tile))], work.mirrored)
                    slab.add((here[0], here[1], here[2]), features, self._importance)
                    done += 1
                    work.on_tile(done, total)
                place[work.along] = slice(row.start, row.start + row.finished)
                found[tuple(place)] = np.moveaxis(slab.take(row.finished), 0, work.along)
        return found

    def _sums_bytes(self, work: _Work) -> int:
        """Return how much memory the sums take when the volume is worked on as a whole."""
        features, extent = int(self._weight.shape[1]), [*work.shape]
        extent[work.along] = self.tile[work.along]
        return _BYTES * (features + 1) * math.prod(extent)

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
