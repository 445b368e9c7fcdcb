"""What every way of explaining a network returns: maps on the input's grid, and how to tell an empty one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_FLAT = 1e-6
"""A map whose values differ by less than this part of its maximum is constant up to the rounding of float32."""


@dataclass(frozen=True, eq=False)
class Maps:
    """The maps of N images for K targets.

    Attributes
    ----------
    maps
        float32, (N, K, H, W) or (N, K, D, H, W): ``raw`` brought to the input's size by linear interpolation
        (half-pixel centres) and scaled to [0, 1] for each map. All zero where ``empty``.
    raw
        float32 >= 0, (N, K, *grid): the maps on the layer's own grid, not scaled. Maps may be compared with each other
        only here.
    logits
        float32, (N, classes): the network's answer in the same forward pass.
    layer
        Dotted name of the explained layer, or what was explained in its place.
    """

    nowhere: ClassVar[str] = "No part of the image speaks for this answer in the layer explained."
    everywhere: ClassVar[str] = "Every part of the image speaks equally for this answer in the layer explained."

    maps: NDArray[np.float32]
    raw: NDArray[np.float32]
    logits: NDArray[np.float32]
    layer: str

    @property
    def raw_maximum(self) -> NDArray[np.float32]:
        """The largest value of each unscaled map, (N, K). A map of noise fills [0, 1] too: this tells them apart."""
        maximum: NDArray[np.float32] = self.raw.max(axis=tuple(range(2, self.raw.ndim)))
        return maximum

    @property
    def empty(self) -> NDArray[np.bool_]:
        """True for each map, (N, K), that is zero or the same everywhere and therefore must not be shown."""
        minimum = self.raw.min(axis=tuple(range(2, self.raw.ndim)))
        return np.asarray(self.raw_maximum - minimum <= _FLAT * self.raw_maximum)

    def empty_reason(self, image: int, target: int) -> str:
        """Say why the map of the given position has nothing to show; an empty text when it has."""
        if not self.empty[image, target]:
            return ""
        return self.nowhere if self.raw_maximum[image, target] == 0 else self.everywhere


def scaled(raw: Tensor, spatial: Sequence[int]) -> Tensor:
    """Enlarge (N, K, *grid) to (N, K, *spatial) and scale each map to [0, 1]; constant maps become zero."""
    mode = "bilinear" if len(spatial) == 2 else "trilinear"
    maps = nn.functional.interpolate(raw, size=tuple(spatial), mode=mode, align_corners=False)
    axes = tuple(range(2, maps.ndim))
    low, high = maps.amin(axes, keepdim=True), maps.amax(axes, keepdim=True)
    scale = torch.where(high - low > _FLAT * high, high - low, torch.inf)
    return (maps - low) / scale


@contextlib.contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode for the block, and every part of it back as it was."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
