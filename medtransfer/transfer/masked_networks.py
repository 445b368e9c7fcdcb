"""The networks that learn by filling in hidden patches, by the name of the network that is tuned afterwards."""

from __future__ import annotations

from medtransfer.errors import UserError
from medtransfer.transfer.masked_autoencoder import PATCH, SIZES, MaskedAutoencoder
from medtransfer.transfer.masked_convolutions import BACKBONES, MaskedConvolutions

MaskedNetwork = MaskedAutoencoder | MaskedConvolutions


def build(backbone: str, side: int) -> MaskedNetwork:
    """Return an untrained network with its decoder.

    Parameters
    ----------
    backbone
        One of :data:`SIZES` or :data:`BACKBONES`.
    side
        Side of the pictures in pixels, a multiple of 16.

    Raises
    ------
    UserError
        ``pretrain.backbone`` or ``pretrain.size`` when there is no such network, or the side does not suit it.
    """
    if backbone not in {*SIZES, *BACKBONES}:
        raise UserError(
            f"there is no masked pretraining for the network {backbone[:80]!r}",
            code="pretrain.backbone",
            hint=f"Choose {', '.join([*SIZES, *BACKBONES])} with `--set backbone=...`.",
        )
    if side % PATCH:
        raise UserError(
            f"pictures of {side} pixels cannot be cut into patches of {PATCH}",
            code="pretrain.size",
            hint=f"Use a multiple of {PATCH} as `input_size`, 224 for example.",
        )
    return MaskedConvolutions(backbone, side) if backbone in BACKBONES else MaskedAutoencoder(backbone, side)
