"""Seg-Grad-CAM: which parts of a volume speak for a structure where it was found.

Vinogradova et al., "Towards Interpretable Semantic Segmentation via Gradient-weighted Class Activation Mapping", AAAI
2020 (https://arxiv.org/abs/2002.11434): Grad-CAM of the structure's logits over a set of voxels. The paper sums them;
here it is their mean, which gives the same map once scaled and does not grow with the structure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from medtransfer.errors import UserError
from medtransfer.inference.cam import GradCam, gradcam
from medtransfer.inference.layers import layer_name


class MeanLogits(nn.Module):
    """A segmentation network that answers with the mean logit of classes over regions, (1, regions).

    Parameters
    ----------
    network
        Maps (1, C, *spatial) to logits (1, classes, *spatial).
    regions
        For each answer the class, and the voxels over which its logit is averaged: bool, (*spatial).
    """

    def __init__(self, network: nn.Module, regions: Sequence[tuple[int, Tensor]]) -> None:
        super().__init__()
        self.network = network
        self._regions = regions

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the mean logits of one image or volume."""
        logits: Tensor = self.network(inputs)
        return torch.stack([logits[0, number][region].mean() for number, region in self._regions])[None]


def seg_gradcam(network: nn.Module, inputs: Tensor, regions: Sequence[tuple[int, Tensor]], layer: nn.Module) -> GradCam:
    """Explain classes of a segmentation where the regions lie.

    Parameters
    ----------
    network
        Maps (1, C, *spatial) to logits (1, classes, *spatial).
    inputs
        float32, (1, C, H, W) or (1, C, D, H, W): one image, or one tile of a volume, on the network's device.
    regions
        As for :class:`MeanLogits`; usually the voxels in which the class was found.
    layer
        The layer to explain. The bottleneck of a U-Net and the first stages after it give maps that say more than the
        outline; the last ones repeat the mask.

    Raises
    ------
    UserError
        ``gradcam.region`` when a region has no voxel.
    PluginError
        See :func:`medtransfer.inference.gradcam`.
    """
    if not all(bool(region.any()) for _, region in regions):
        raise UserError(
            "A map was asked for a region without a voxel.",
            code="gradcam.region",
            hint="Explain structures that were found.",
        )
    found = gradcam(MeanLogits(network, regions), inputs, range(len(regions)), layer)
    return replace(found, layer=layer_name(network, layer))
