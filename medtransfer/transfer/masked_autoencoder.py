"""A vision transformer that learns by filling in pictures of which it sees a few patches only.

He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022 (arXiv 2111.06377), with the sizes of Xiao et
al., "Delving into Masked Autoencoders for Multi-Label Thorax Disease Classification", WACV 2023 (arXiv 2210.12843).
The encoder is timm's own class, so that its tensors have the names of timm's networks and of the published files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from timm.layers.norm import LayerNorm
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

PATCH = 16
"""Side of a patch in pixels."""
_CHANNELS = 3
_DECODER_WIDTH, _DECODER_HEADS = 512, 16
_EPS = 1e-6


@dataclass(frozen=True, slots=True)
class Size:
    """Width, blocks and attention heads of an encoder, and the blocks of the decoder that trains it."""

    width: int
    depth: int
    heads: int
    decoder_depth: int


SIZES = {
    "vit_tiny_patch16_mean_224": Size(192, 12, 3, 2),
    "vit_small_patch16_mean_224": Size(384, 12, 6, 2),
    "vit_base_patch16_mean_224": Size(768, 12, 12, 8),
}
"""By the name of the network that is tuned afterwards: see :data:`medtransfer.transfer.backbones.MEAN_POOLED`."""


class Masking(NamedTuple):
    """Which patches are seen.

    ``kept``: int64 (n, visible), numbers of the visible patches, row by row of the picture. ``restore``: int64 (n,
    patches), where each patch stands when the visible ones come first. ``hidden``: bool (n, patches).
    """

    kept: Tensor
    restore: Tensor
    hidden: Tensor


def mask(noise: Tensor, ratio: float) -> Masking:
    """Hide the patches with the highest noise.

    Parameters
    ----------
    noise
        float32 (n, patches).
    ratio
        Share of the patches to hide, in (0, 1); ``int(patches * (1 - ratio))`` stay visible, at least one.
    """
    count = noise.shape[1]
    visible = max(1, int(count * (1 - ratio)))
    order = noise.argsort(dim=1)
    restore = order.argsort(dim=1)
    return Masking(order[:, :visible], restore, restore >= visible)


def patches(pictures: Tensor) -> Tensor:
    """Cut (n, 3, y, x) into (n, patches, 768): row by row; inside a patch by row, column and then channel."""
    n, channels, height, width = pictures.shape
    cut = pictures.reshape(n, channels, height // PATCH, PATCH, width // PATCH, PATCH)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(n, -1, PATCH * PATCH * channels)


def assembled(values: Tensor, height: int, width: int) -> Tensor:
    """Put patches (n, patches, 768) together again to (n, 3, height, width): the inverse of :func:`patches`."""
    n = values.shape[0]
    grid = values.reshape(n, height // PATCH, width // PATCH, PATCH, PATCH, _CHANNELS)
    return grid.permute(0, 5, 1, 3, 2, 4).reshape(n, _CHANNELS, height, width)


def patch_normalised(values: Tensor) -> Tensor:
    """Give every patch (n, patches, 768) mean 0 and variance 1: the paper's alternative target."""
    mean, variance = values.mean(dim=-1, keepdim=True), values.var(dim=-1, keepdim=True)
    return (values - mean) / (variance + _EPS).sqrt()


def loss(predicted: Tensor, target: Tensor, hidden: Tensor) -> Tensor:
    """Return the mean squared error over the hidden patches alone.

    Parameters
    ----------
    predicted, target
        (n, patches, 768).
    hidden
        bool (n, patches), at least one True.
    """
    return (predicted - target).square().mean(dim=-1)[hidden].mean()


def position_embedding(width: int, rows: int, columns: int) -> Tensor:
    """Return the fixed position embedding, float32 (1, 1 + rows * columns, width).

    The first half of the numbers tells the column, the second the row, each as sines and then cosines of the position
    times ``10000 ** (-2 i / (width / 2))`` (Vaswani et al. 2017; order of halves as in the published checkpoints). The
    class token's is zero.
    """
    rates = 10000.0 ** (-torch.arange(width // 4, dtype=torch.float64) / (width / 4))
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    angles = [place.flatten().double()[:, None] * rates for place in (column, row)]
    grid = torch.cat([part for angle in angles for part in (angle.sin(), angle.cos())], dim=1)
    return torch.cat([torch.zeros(1, width, dtype=torch.float64), grid])[None].float()


class MaskedAutoencoder(VisionTransformer):
    """Encoder and decoder. Its tensors are called as in the published files: ``blocks.0...``, ``decoder_blocks.0...``.

    Parameters
    ----------
    backbone
        One of :data:`SIZES`.
    side
        Side of the pictures in pixels, a multiple of 16.
    """

    ratio: ClassVar[float] = 0.9
    """Share of the patches that Xiao et al. hide."""

    def __init__(self, backbone: str, side: int) -> None:
        size = SIZES[backbone]
        super().__init__(
            img_size=side,
            patch_size=PATCH,
            embed_dim=size.width,
            depth=size.depth,
            num_heads=size.heads,
            num_classes=0,
            global_pool="token",
        )
        self.side = side
        cells = side // PATCH
        self.decoder_embed = nn.Linear(size.width, _DECODER_WIDTH)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, _DECODER_WIDTH))
        self.decoder_pos_embed = _fixed(position_embedding(_DECODER_WIDTH, cells, cells))
        self.decoder_blocks = nn.ModuleList(
            Block(_DECODER_WIDTH, _DECODER_HEADS, qkv_bias=True, norm_layer=LayerNorm)
            for _ in range(size.decoder_depth)
        )
        self.decoder_norm = LayerNorm(_DECODER_WIDTH, eps=_EPS)
        self.decoder_pred = nn.Linear(_DECODER_WIDTH, PATCH * PATCH * _CHANNELS)
        self.pos_embed = _fixed(position_embedding(size.width, cells, cells))
        self._start()

    def encode(self, pictures: Tensor, kept: Tensor) -> Tensor:
        """Run the encoder on the visible patches and the class token alone.

        Parameters
        ----------
        pictures
            Normalised, float32 (n, 3, side, side).
        kept
            int64 (n, visible): see :class:`Masking`.

        Returns
        -------
        Tensor
            (n, 1 + visible, width), the class token first.
        """
        pixels = nn.functional.unfold(pictures, PATCH, stride=PATCH).transpose(1, 2)
        seen = _chosen(pixels, kept)
        projection = self.patch_embed.proj
        tokens = nn.functional.linear(seen, projection.weight.flatten(1), projection.bias)
        embedding = self.get_parameter("pos_embed")
        tokens = tokens + _chosen(embedding[:, 1:].expand(len(pictures), -1, -1), kept)
        first = (self.get_parameter("cls_token") + embedding[:, :1]).expand(len(pictures), -1, -1)
        found: Tensor = self.norm(self.blocks(torch.cat([first, tokens], dim=1)))
        return found

    def decode(self, encoded: Tensor, restore: Tensor) -> Tensor:
        """Return all patches as the decoder makes them of the visible ones: (n, patches, 768), in their own order."""
        tokens = self.decoder_embed(encoded)
        absent = restore.shape[1] - (tokens.shape[1] - 1)
        every = torch.cat([tokens[:, 1:], self.mask_token.to(tokens.dtype).expand(len(tokens), absent, -1)], dim=1)
        tokens = torch.cat([tokens[:, :1], _chosen(every, restore)], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            tokens = block(tokens)
        predicted: Tensor = self.decoder_pred(self.decoder_norm(tokens))
        return predicted[:, 1:]

    def forward(self, pictures: Tensor, masking: Masking) -> Tensor:  # type: ignore[override]  # needs the mask too
        """Return the patches that the network makes of the visible ones, (n, patches, 768)."""
        return self.decode(self.encode(pictures, masking.kept), masking.restore)

    def loss(self, predicted: Tensor, target: Tensor, hidden: Tensor) -> Tensor:
        """Return the mean squared error over hidden patches: see :func:`loss`."""
        return loss(predicted, target, hidden)

    def encoder_tensors(self) -> dict[str, Tensor]:
        """Return the encoder's tensors under timm's names."""
        own = ("decoder_", "mask_token")
        return {name: value for name, value in self.state_dict().items() if not name.startswith(own)}

    def _start(self) -> None:
        """Draw the first weights as the paper does: Xavier for linear layers, patches as if they were linear."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.xavier_uniform_(self.patch_embed.proj.weight.data.flatten(1))
        nn.init.normal_(self.get_parameter("cls_token"), std=0.02)
        nn.init.normal_(self.mask_token, std=0.02)


def _fixed(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)


def _chosen(tokens: Tensor, numbers: Tensor) -> Tensor:
    """Take tokens (n, tokens, d) by their numbers (n, m)."""
    return tokens.gather(1, numbers[:, :, None].expand(-1, -1, tokens.shape[2]))
