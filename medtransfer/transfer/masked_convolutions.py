"""A DenseNet that learns by filling in pictures of which patches were blackened: the convolutional counterpart.

Xiao et al., "Delving into Masked Autoencoders for Multi-Label Thorax Disease Classification", WACV 2023 (arXiv
2210.12843): patches of 16 x 16 set to zero, three of four, squared error over the whole picture, a U-Net (Ronneberger
et al., MICCAI 2015) on top of the encoder. The encoder is timm's own class, the decoder is ours.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from medtransfer.transfer import backbones
from medtransfer.transfer.masked_autoencoder import PATCH, Masking, patches

BACKBONES = ("densenet121",)
_WIDTHS = (256, 128, 64, 32)
"""Channels of the decoder at a sixteenth, an eighth, a quarter and half of the picture's side."""
_LAST_WIDTH, _COLOURS = 16, 3
_HALVINGS = ("pool", "transition")
"""How the parts of timm's DenseNet that halve the side are called."""


class MaskedConvolutions(nn.Module):
    """Encoder and decoder.

    Parameters
    ----------
    backbone
        One of :data:`BACKBONES`.
    side
        Side of the pictures in pixels, a multiple of 16.
    """

    ratio: ClassVar[float] = 0.75
    """Share of the patches that the paper hides."""

    def __init__(self, backbone: str, side: int) -> None:
        super().__init__()
        self.side = side
        self.encoder = backbones.create(backbone, outputs=0)
        levels = self._widths()
        below, self.decoder = levels[-1], nn.ModuleList()
        for skip, width in zip(reversed(levels[:-1]), _WIDTHS, strict=True):
            self.decoder.append(_convolutions(below + skip, width))
            below = width
        self.last = nn.Sequential(_convolutions(below, _LAST_WIDTH), nn.Conv2d(_LAST_WIDTH, _COLOURS, 3, padding=1))

    def forward(self, pictures: Tensor, masking: Masking) -> Tensor:
        """Return the patches of whole pictures as the network makes them of the visible ones, (n, patches, 768).

        Parameters
        ----------
        pictures
            Normalised, float32 (n, 3, side, side).
        masking
            Which patches are seen.
        """
        cells = self.side // PATCH
        hidden = masking.hidden.reshape(len(pictures), 1, cells, cells)
        blackened = hidden.repeat_interleave(PATCH, dim=2).repeat_interleave(PATCH, dim=3)
        *skips, x = self._levels(pictures.masked_fill(blackened, 0.0))
        for step, skip in zip(self.decoder, reversed(skips), strict=True):
            x = step(torch.cat([_enlarged(x, skip.shape[-1]), skip], dim=1))
        return patches(self.last(_enlarged(x, self.side)))

    def loss(self, predicted: Tensor, target: Tensor, _hidden: Tensor) -> Tensor:
        """Return the mean squared error over whole pictures; all are (n, patches, 768) but the mask (n, patches)."""
        return (predicted - target).square().mean()

    def encoder_tensors(self) -> dict[str, Tensor]:
        """Return the encoder's tensors under timm's names."""
        return dict(self.encoder.state_dict())

    def _levels(self, pictures: Tensor) -> list[Tensor]:
        """Return the maps of the encoder, the last one before each halving of their side and then the last of all."""
        found, x = [], pictures
        for name, part in cast("Any", self.encoder).features.named_children():
            if name.startswith(_HALVINGS):
                found.append(x)
            x = part(x)
        return [*found, x]

    def _widths(self) -> list[int]:
        """Return the channels of each level; evaluation mode, so that looking leaves no trace in any statistics."""
        self.encoder.eval()
        with torch.inference_mode():
            maps = self._levels(torch.zeros(1, _COLOURS, 2 * PATCH, 2 * PATCH))
        self.encoder.train()
        return [one.shape[1] for one in maps]


def _convolutions(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def _enlarged(x: Tensor, side: int) -> Tensor:
    return nn.functional.interpolate(x, size=(side, side), mode="nearest")
