"""How a plug-in is to learn: one validated object, a TOML file on disk, with three presets in plain language."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from medtransfer.cohort.uncertainty import Uncertainty
from medtransfer.contract.settings import PRESETS, Settings

__all__ = ["PRESETS", "Recipe"]

Stem = Literal["repeat/n", "repeat"]


class Recipe(Settings):
    """Everything that decides how training goes, apart from the data.

    Attributes
    ----------
    tune
        What is trained: ``head`` (the network stays as it came), ``last-stages`` (the network's upper part, on cached
        feature maps of the frozen lower part) or ``all``.
    frozen_share
        For ``last-stages``: share of the backbone's blocks that stay frozen, in [0, 1].
    views
        Augmented views of each training picture whose frozen features are computed once and cached.
    augmentation
        How training pictures are changed: within the ranges that the plug-in names (``light``), half as much again
        (``strong``), or as RandAugment does with crops of 8 to 100 % (``randaugment``: rand-m6-mstd0.5-inc1).
    layer_decay
        Learning rate of each earlier block relative to the next one (Clark et al. 2020); 1.0 for none.
    drop_path
        Chance with which the last residual block is left out of a training step, earlier ones by as much less as they
        come earlier (Huang et al., "Deep networks with stochastic depth", ECCV 2016).
    start_share
        Share of the starting weights in the weights that are kept, in [0, 1): their mean with what training made of
        them generalises better than either, most of all on few cases (Wortsman et al., WiSE-FT, CVPR 2022).
    patience
        Epochs without a better validation score before training stops.
    calibration
        ``auto``: Platt scaling below 1,000 validation cases, else isotonic regression.
    operating_point
        How the threshold is chosen on validation: ``f1`` (best F1) or ``sensitivity`` (the largest threshold whose
        sensitivity is at least ``wanted_sensitivity``).
    ensemble
        ``trio``: for each label three components, a network, a network that first learnt to see disease in general, and
        a Siamese network; learners vote on what the three say, out of fold.
    trunk
        For ``trio``: ``own`` tunes for each label by itself what the recipe tunes; ``shared`` tunes it once for all
        labels, to all of them together, and each label learns last layers only. Many times faster, but what is shared
        was then learnt from all labels: they are no longer independent of each other. With ``tune = "head"`` there is
        no difference.
    folds
        For ``trio``: parts of the training cases that are held out in turn, to learn how to vote.
    vote
        For ``trio``: ``mean`` of the learners' probabilities, or ``stacked`` by a logistic regression.
    keep_pictures
        For ``trio``: whether small pictures of positive training cases go with the model, so that the nearest ones can
        be shown beside a finding. They are pictures of people: only with their consent, and only whoever may see them.
    uncertain
        What uncertain answers (-1, as in CheXpert and MIMIC-CXR) count as: ``unknown``, ``positive``, ``negative``, or
        ``mixed``: positive for atelectasis and edema, negative for the others.
    precision
        ``auto`` is bfloat16 autocast on CUDA and float32 elsewhere.
    iterations
        For volumes, which have no natural end of an epoch: steps in each.
    patch_side
        For volumes: a patch holds at most as many voxels as a cube of this side; its form follows the data.
    spacing
        For volumes: distance between voxels in mm along every axis; 0 for what suits the data, as nnU-Net chooses it.
    stem
        For cases of several volumes, when the weights to start from take one: its first layer's weights are repeated
        for each of the n volumes, ``repeat/n`` divides them by n, so that equal volumes give what one gave; ``repeat``
        does not, as STU-Net's authors have it.
    """

    presets: ClassVar[str] = "presets"

    name: str = "custom"
    description: str = ""
    backbone: str = ""
    weights: str = ""
    input_size: int = Field(default=384, ge=32, le=2048)
    tune: Literal["head", "last-stages", "all"] = "last-stages"
    frozen_share: float = Field(default=0.7, ge=0.0, le=1.0)
    views: int = Field(default=4, ge=1, le=64)
    augmentation: Literal["none", "light", "strong", "randaugment"] = "light"
    epochs: int = Field(default=20, ge=1, le=10_000)
    warmup_epochs: int = Field(default=1, ge=0)
    patience: int = Field(default=6, ge=1)
    batch_size: int = Field(default=16, ge=1, le=4096)
    learning_rate: float = Field(default=1e-4, gt=0.0, lt=1.0)
    head_learning_rate: float = Field(default=1e-3, gt=0.0, lt=1.0)
    start_share: float = Field(default=0.5, ge=0.0, lt=1.0)
    layer_decay: float = Field(default=0.8, gt=0.0, le=1.0)
    weight_decay: float = Field(default=0.02, ge=0.0)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    drop_path: float = Field(default=0.0, ge=0.0, lt=1.0)
    class_balance: Literal["none", "weighted"] = "weighted"
    max_positive_weight: float = Field(default=20.0, ge=1.0)
    ensemble: Literal["none", "trio"] = "none"
    trunk: Literal["own", "shared"] = "own"
    folds: int = Field(default=5, ge=2, le=10)
    vote: Literal["mean", "stacked"] = "mean"
    keep_pictures: bool = False
    uncertain: Uncertainty = "unknown"
    precision: Literal["auto", "32", "bf16"] = "auto"
    iterations: int = Field(default=250, ge=1, le=100_000)
    patch_side: int = Field(default=128, ge=32, le=512)
    spacing: float = Field(default=0.0, ge=0.0, le=20.0)
    stem: Stem = "repeat/n"
    calibration: Literal["auto", "none", "temperature", "platt", "isotonic"] = "auto"
    operating_point: Literal["f1", "sensitivity"] = "f1"
    wanted_sensitivity: float = Field(default=0.9, gt=0.0, le=1.0)
    validation_share: float = Field(default=0.2, gt=0.0, lt=0.9)
    test_share: float = Field(default=0.2, gt=0.0, lt=0.9)
    bootstrap: int = Field(default=2000, ge=100, le=100_000)
    seed: int = Field(default=2026, ge=0, lt=2**31)
