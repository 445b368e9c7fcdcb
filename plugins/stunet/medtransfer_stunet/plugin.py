"""The plug-in: structures in CT volumes, found by STU-Net in the size that the model was trained in."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from medtransfer.sdk import BundleCard, SegmenterPlugin
from medtransfer_stunet.cookbook import Target, recommend
from medtransfer_stunet.network import SCALES, STUNet
from medtransfer_stunet.structures import classes

_PREFIX = "stunet-"
_LESIONS = {"lesion", "lesions", "tumour", "tumor", "cyst", "metastasis", "metastases", "nodule", "nodules"}


class StuNet(SegmenterPlugin):
    """Segments CT volumes, and learns structures from volumes with masks."""

    modalities = ("CT",)
    backbone = "stunet-s"
    explained = "conv_blocks_localization.1"
    head = "seg_outputs"

    def network(self, card: BundleCard) -> nn.Module:
        """Return STU-Net in the size that the card's backbone names, ``stunet-s`` to ``stunet-h``."""
        size = next(size for size in SCALES if card.backbone == _PREFIX + size.lower())
        plan = card.for_volumes
        return STUNet(size, len(plan.scales), 1 + len(card.labels), plan.pools)

    def advice(self, structures: Sequence[str], cases: int, *, ct: bool) -> Sequence[str]:
        """Return what SegBook's tables say of trainings on CT like this one; nothing for other volumes."""
        if not ct:
            return ()
        found = recommend("CT", _target(structures), cases)
        first = f"On sets of so many cases STU-Net-{found.size} did best; the next smaller size is {found.fallback}."
        return (first, *found.reasons, f"Source: {found.citation}.")


def _target(structures: Sequence[str]) -> Target:
    """Return the hardest kind of target among the structures."""
    if any(_LESIONS & set(structure.split("_")) for structure in structures):
        return "lesion"
    known = {one.id for one in classes("totalsegmentator-104")}
    return "seen" if known.issuperset(structures) else "unseen"
