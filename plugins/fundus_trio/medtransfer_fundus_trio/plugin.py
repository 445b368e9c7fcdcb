"""The plug-in: a detector per disease, by binary relevance, on the field of view of a fundus photograph.

Each detector is a trio after Inan (2024, arXiv 2405.18449), which the recipes of the manifest ask medtransfer for.
"""

from __future__ import annotations

from collections.abc import Sequence

from medtransfer.sdk import Augmentation, ClassifierPlugin, Image, Notice, Region, rgb8
from medtransfer_fundus_trio import centring, field_of_view, laterality, quality


class FundusTrio(ClassifierPlugin):
    """Detectors for eye diseases in colour fundus photographs."""

    crop = "field-of-view"
    augmentation = Augmentation(mirror=True, rotation=25.0, scale=0.1, brightness=0.15, colour=0.08)

    def region(self, image: Image) -> Region:
        """Return the bounding box of the retina."""
        return field_of_view.find(rgb8(image)).region

    def notices(self, image: Image) -> Sequence[Notice]:
        """Return what is wrong with the photograph."""
        rgb = rgb8(image)
        field = field_of_view.find(rgb)
        noticed = quality.notices(rgb, field)
        if not field.found or field.missing:
            return noticed
        centred = centring.notices(rgb, field.region)
        return [*noticed, *(centred or laterality.notices(rgb, field.region, image.laterality))]
