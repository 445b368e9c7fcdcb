"""Why a structure was found where it was: a Seg-Grad-CAM map of the tile around it, and how far it may be believed.

Only a tile is looked at: a gradient through a whole volume does not fit into memory. It lies around the structure, or
where the structure is larger, around the voxel of it that is nearest to its centre of mass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.contract.bundle import BundleLabel
from medtransfer.inference import GradCam, MeanLogits, faithfulness, seg_gradcam
from medtransfer.result.model import Faithfulness, Heatmap, HeatmapInfo, Notice
from medtransfer.transfer.volumes import PreparedVolume

METHOD = "Seg-Grad-CAM"
_Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Explainer:
    """What is the same for every structure of a volume.

    Attributes
    ----------
    network
        In evaluation mode, on its device; its answers are numbered like the labels' values.
    layer
        Dotted name of the layer to explain.
    patch
        ``(z, y, x)`` of a tile.
    prepared
        The volume on the network's grid.
    found
        The structures' numbers on the same grid.
    faithful
        Whether each map is measured by deletion and insertion too: fifty more runs of the network.
    seed
        Of the measurement.
    """

    network: nn.Module
    layer: str
    patch: Sequence[int]
    prepared: PreparedVolume
    found: NDArray[np.unsignedinteger]
    faithful: bool
    seed: int

    def explain(self, label: BundleLabel) -> Heatmap | Notice:
        """Return the map of one structure on the volume's own grid, or why there is none to show."""
        inside = self.found == label.value
        if not inside.any():
            return _nothing(label, "it was not found, so there is nothing to explain.")
        box = _tile(inside, self.patch)
        tile, region = self._padded(self.prepared.values[(slice(None), *box)]), self._padded(inside[box])
        regions = [(label.value, region)]
        cam = seg_gradcam(self.network, tile[None], regions, self.network.get_submodule(self.layer))
        if cam.empty[0, 0]:
            return _nothing(label, cam.empty_reason(0, 0))
        info = HeatmapInfo(
            label=label.id,
            method=METHOD,
            layer=cam.layer,
            raw_maximum=float(cam.raw_maximum[0, 0]),
            faithfulness=self._measured(tile, regions, cam) if self.faithful else None,
        )
        return Heatmap(info, self._spread(cam.maps[0, 0], box))

    def _padded(self, part: NDArray[np.generic]) -> Tensor:
        """Return a part of the volume as a tile: zeros follow where the volume is smaller."""
        missing = [side - have for side, have in zip(self.patch, part.shape[-3:], strict=True)]
        widths = [(0, 0)] * (part.ndim - 3) + [(0, more) for more in missing]
        return torch.from_numpy(np.pad(part, widths)).to(next(self.network.parameters()).device)

    def _measured(self, tile: Tensor, regions: Sequence[tuple[int, Tensor]], cam: GradCam) -> Faithfulness:
        """Measure the map by the mean probability of the structure where it was found."""
        shares = MeanLogits(nn.Sequential(self.network, nn.Softmax(dim=1)), regions)

        def predict(batch: Tensor) -> Tensor:
            return torch.cat([shares(one[None]) for one in batch])

        return faithfulness.measure(predict, tile, cam.maps[0], seed=self.seed)[0]

    def _spread(self, tile: NDArray[np.float32], box: _Box) -> NDArray[np.float32]:
        volume = np.zeros(self.found.shape, np.float32)
        volume[box] = tile[tuple(slice(place.stop - place.start) for place in box)]
        return self.prepared.frame.spread(volume)


def _tile(inside: NDArray[np.bool_], patch: Sequence[int]) -> _Box:
    """Return the place of a tile, within the volume, around the voxel of a structure nearest to its centre of mass."""
    voxels = np.argwhere(inside)
    centre = voxels[np.square(voxels - voxels.mean(axis=0)).sum(axis=1).argmin()]
    starts = [
        min(max(0, int(at) - side // 2), max(0, size - side))
        for at, side, size in zip(centre, patch, inside.shape, strict=True)
    ]
    z, y, x = (
        slice(start, min(start + side, size)) for start, side, size in zip(starts, patch, inside.shape, strict=True)
    )
    return z, y, x


def _nothing(label: BundleLabel, why: str) -> Notice:
    return Notice(code="explain.empty", level="info", message=f"{label.name}: {why}")
