"""The plug-in: a vision transformer on frontal chest radiographs that can learn to fill in hidden patches first.

After Xiao et al., "Delving into Masked Autoencoders for Multi-Label Thorax Disease Classification", WACV 2023 (arXiv
2210.12843).
"""

from __future__ import annotations

from collections.abc import Sequence

from medtransfer.sdk import Augmentation, Heatmap, Image, MaskedClassifierPlugin, Notice
from medtransfer_thorax_mae import input_care


class ThoraxMae(MaskedClassifierPlugin):
    """Detectors for findings in frontal chest radiographs."""

    backbone = "vit_small_patch16_mean_224"
    augmentation = Augmentation(mirror=True, rotation=8.0, scale=0.1, brightness=0.15)

    def notices(self, image: Image) -> Sequence[Notice]:
        """Return why the image may not be one that the network can read."""
        return input_care.notices(image)

    def notices_of_maps(self, image: Image, heatmaps: Sequence[Heatmap]) -> Sequence[Notice]:
        """Return which maps point at letters burned into the picture."""
        return input_care.of_maps(image, heatmaps)
