"""STU-Net: a residual U-Net for volumes in four sizes (Huang et al. 2023, arXiv 2304.06716).

Six stages of residual blocks with 3x3x3 kernels, five of them reached by a strided first convolution; nearest-neighbour
up-sampling followed by a 1x1x1 convolution, so that no parameter's shape depends on the strides and the same weights
serve any plan. Names and shapes of the parameters are those of the published checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Size = Literal["S", "B", "L", "H"]
Strides: TypeAlias = tuple[int, int, int]

POOLINGS = 5
PRETRAINED_POOLS: tuple[Strides, ...] = ((2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (1, 1, 2))
"""Strides of the published networks along ``(z, y, x)``: 128 voxels become 8 x 8 x 4."""

_WIDTHS = (1, 2, 4, 8, 16, 16)
_SLOPE = 0.01


@dataclass(frozen=True, slots=True)
class Scale:
    """Channels of the first stage, and residual blocks in each stage."""

    width: int
    blocks: int


SCALES: Mapping[Size, Scale] = {"S": Scale(16, 1), "B": Scale(32, 1), "L": Scale(64, 2), "H": Scale(96, 3)}


class STUNet(nn.Module):
    """The network.

    In training mode it answers with the logits of all five decoder stages, finest first, for deep supervision; in
    evaluation mode with the finest alone. Its convolutions start from He's normal distribution with biases of zero.

    Parameters
    ----------
    size
        One of the published sizes, or a scale of one's own.
    in_channels
        Channels of the volume.
    out_channels
        Classes, the background among them.
    pools
        Strides along ``(z, y, x)`` of up to five poolings, finest first. As in the authors' trainer, further ones are
        left out and missing ones do not pool: the parameters keep their shapes.
    """

    def __init__(
        self,
        size: Size | Scale,
        in_channels: int,
        out_channels: int,
        pools: Sequence[Sequence[int]] = PRETRAINED_POOLS,
    ) -> None:
        super().__init__()
        scale = size if isinstance(size, Scale) else SCALES[size]
        self.pools = _five(pools)
        widths = [scale.width * factor for factor in _WIDTHS]
        strides: list[Strides] = [(1, 1, 1), *self.pools]
        upward = list(reversed(range(POOLINGS)))
        self.conv_blocks_context = nn.ModuleList(
            _stage(before, after, scale.blocks, stride)
            for before, after, stride in zip([in_channels, *widths[:-1]], widths, strides, strict=True)
        )
        self.upsample_layers = nn.ModuleList(
            _Upsampling(widths[level + 1], widths[level], self.pools[level]) for level in upward
        )
        self.conv_blocks_localization = nn.ModuleList(
            _stage(2 * widths[level], widths[level], scale.blocks, (1, 1, 1)) for level in upward
        )
        self.seg_outputs = nn.ModuleList(nn.Conv3d(widths[level], out_channels, 1) for level in upward)
        self.apply(_initialise)

    @property
    def divisor(self) -> Strides:
        """What the sides ``(z, y, x)`` of an input must be multiples of."""
        z, y, x = (math.prod(axis) for axis in zip(*self.pools, strict=True))
        return z, y, x

    def forward(self, volume: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return logits for a batch of volumes.

        Parameters
        ----------
        volume
            (n, in_channels, z, y, x), the sides multiples of :attr:`divisor`.

        Returns
        -------
        Tensor or tuple of Tensor
            (n, out_channels, z, y, x); in training mode a tuple of five, each coarser than the one before.
        """
        skips: list[Tensor] = []
        features = volume
        for stage in self.conv_blocks_context:
            features = stage(features)
            skips.append(features)
        features = skips.pop()
        answers: list[Tensor] = []
        decoder = zip(self.upsample_layers, self.conv_blocks_localization, self.seg_outputs, strict=True)
        for level, (upsampling, stage, head) in enumerate(decoder, start=1):
            features = stage(torch.cat((upsampling(features), skips.pop()), dim=1))
            if self.training or level == POOLINGS:
                answers.append(head(features))
        return tuple(reversed(answers)) if self.training else answers[0]


class _ResidualBlock(nn.Module):
    """Two normalised convolutions beside a shortcut, which is a 1x1x1 convolution in the first block of a stage."""

    def __init__(self, before: int, after: int, stride: Strides, *, first: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(before, after, 3, stride=stride, padding=1)
        self.norm1 = nn.InstanceNorm3d(after, affine=True)
        self.conv2 = nn.Conv3d(after, after, 3, padding=1)
        self.norm2 = nn.InstanceNorm3d(after, affine=True)
        self.conv3 = nn.Conv3d(before, after, 1, stride=stride) if first else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        # In place: neither normalisation nor addition needs its own output for the gradient, and memory is short.
        inner = functional.leaky_relu(self.norm1(self.conv1(features)), _SLOPE, inplace=True)
        inner = self.norm2(self.conv2(inner))
        return functional.leaky_relu(inner + self.conv3(features), _SLOPE, inplace=True)


class _Upsampling(nn.Module):
    """Up-sampling to the nearest neighbour after its 1x1x1 convolution: the same numbers for an eighth of the work."""

    def __init__(self, before: int, after: int, factors: Strides) -> None:
        super().__init__()
        self.conv = nn.Conv3d(before, after, 1)
        self._factors = tuple(float(factor) for factor in factors)

    def forward(self, features: Tensor) -> Tensor:
        return functional.interpolate(self.conv(features), scale_factor=self._factors, mode="nearest")


def _stage(before: int, after: int, blocks: int, stride: Strides) -> nn.Sequential:
    later = (_ResidualBlock(after, after, (1, 1, 1), first=False) for _ in range(blocks - 1))
    return nn.Sequential(_ResidualBlock(before, after, stride, first=True), *later)


def _five(pools: Sequence[Sequence[int]]) -> tuple[Strides, ...]:
    chosen = [(z, y, x) for z, y, x in pools][:POOLINGS]
    return (*chosen, *[(1, 1, 1)] * (POOLINGS - len(chosen)))


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv3d):
        nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
