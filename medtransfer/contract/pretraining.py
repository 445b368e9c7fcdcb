"""How a plug-in is to learn from images without answers: masked pretraining."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from medtransfer.contract.settings import Settings


class PretrainRecipe(Settings):
    """Everything that decides how masked pretraining goes, apart from the images.

    The defaults are those of Xiao et al., WACV 2023 (arXiv 2210.12843), for chest radiographs.

    Attributes
    ----------
    backbone
        The network; empty for the plug-in's own.
    mask_ratio
        Share of the patches that are hidden; None for what that paper hides: 0.9 for transformers, 0.75 for a DenseNet.
    smallest_crop
        Each view shows a part of its picture, between this share of its area and all of it.
    patch_norm
        Whether each patch is to be filled in relative to its own mean and spread, and not in the picture's values.
    warmup_epochs
        Epochs in which the learning rate rises; then it falls along half a cosine to 0.
    base_learning_rate
        For 256 pictures in a step; scaled to ``batch_size``.
    validation_share
        Share of the patients whose pictures are not learned from, but tell how well hidden patches are filled in.
    """

    presets: ClassVar[str] = "pretrain_presets"

    name: str = "custom"
    description: str = ""
    backbone: str = ""
    input_size: int = Field(default=224, ge=32, le=1024)
    mask_ratio: float | None = Field(default=None, ge=0.1, le=0.99)
    smallest_crop: float = Field(default=0.5, gt=0.0, le=1.0)
    patch_norm: bool = False
    epochs: int = Field(default=800, ge=1, le=10_000)
    warmup_epochs: int = Field(default=40, ge=0)
    batch_size: int = Field(default=64, ge=1, le=4096)
    base_learning_rate: float = Field(default=1.5e-4, gt=0.0, lt=1.0)
    weight_decay: float = Field(default=0.05, ge=0.0)
    validation_share: float = Field(default=0.1, gt=0.0, lt=0.9)
    seed: int = Field(default=2026, ge=0, lt=2**31)
