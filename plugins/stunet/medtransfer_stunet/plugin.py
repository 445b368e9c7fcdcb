"""The plug-in: structures in CT volumes, found by STU-Net in the size that the model was trained in."""

from __future__ import annotations

from torch import nn

from medtransfer.sdk import BundleCard, SegmenterPlugin
from medtransfer_stunet.network import SCALES, STUNet

_PREFIX = "stunet-"


class StuNet(SegmenterPlugin):
    """Segments CT volumes, and learns structures from volumes with masks."""

    modalities = ("CT",)
    backbone = "stunet-s"
    head = "seg_outputs"

    def network(self, card: BundleCard) -> nn.Module:
        """Return STU-Net in the size that the card's backbone names, ``stunet-s`` to ``stunet-h``."""
        size = next(size for size in SCALES if card.backbone == _PREFIX + size.lower())
        return STUNet(size, 1, 1 + len(card.labels), card.for_volumes.pools)
