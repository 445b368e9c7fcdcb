"""The plug-in: an EfficientNet per label on microscope pictures of stained tissue, which have no up and no left."""

from __future__ import annotations

from medtransfer.sdk import Augmentation, ClassifierPlugin


class BreastHistology(ClassifierPlugin):
    """Detectors for malignancy and for types of tumour; stains differ from laboratory to laboratory."""

    backbone = "tf_efficientnet_lite0"
    augmentation = Augmentation(mirror=True, rotation=180.0, scale=0.15, brightness=0.15, colour=0.1)
