"""What a plug-in imports from medtransfer: this module and nothing else.

A plug-in is a package with a manifest (``medtransfer-plugin.toml``) and an entry class. For pictures, derive it from
:class:`ClassifierPlugin`, set ``crop`` and ``augmentation``, and override :meth:`~ClassifierPlugin.region` where only a
part of the picture matters. For structures in volumes, derive it from :class:`SegmenterPlugin` and give it a network.
For a vision transformer that learns from images without answers first, derive it from :class:`MaskedClassifierPlugin`.
Anything else provides the verbs of :class:`Plugin` itself.
"""

from __future__ import annotations

from medtransfer.cohort.model import Case, Cohort, Partition
from medtransfer.contract.bundle import BundleCard, BundleLabel, Calibration, ModelBundle, Preprocessing
from medtransfer.contract.evaluation import Evaluation
from medtransfer.contract.pretraining import PretrainRecipe
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import AnalyseRequest, LearnRequest, PretrainRequest
from medtransfer.contract.verbs import Context, JobCancelled, Plugin
from medtransfer.errors import DataError, EnvironmentFailure, MedTransferError, PluginError, UserError
from medtransfer.inference import GradCam, gradcam, seg_gradcam
from medtransfer.result.model import (
    Faithfulness,
    Finding,
    Heatmap,
    HeatmapInfo,
    Notice,
    Passport,
    Result,
    Segmentation,
    Structure,
)
from medtransfer.study.display import rgb8
from medtransfer.study.model import Check, Image, Laterality, Level
from medtransfer.transfer.augment import Augmentation
from medtransfer.transfer.classifier import ClassifierPlugin
from medtransfer.transfer.masked_classifier import MaskedClassifierPlugin
from medtransfer.transfer.pictures import Region
from medtransfer.transfer.segmenter import SegmenterPlugin

__all__ = [
    "AnalyseRequest",
    "Augmentation",
    "BundleCard",
    "BundleLabel",
    "Calibration",
    "Case",
    "Check",
    "ClassifierPlugin",
    "Cohort",
    "Context",
    "DataError",
    "EnvironmentFailure",
    "Evaluation",
    "Faithfulness",
    "Finding",
    "GradCam",
    "Heatmap",
    "HeatmapInfo",
    "Image",
    "JobCancelled",
    "Laterality",
    "LearnRequest",
    "Level",
    "MaskedClassifierPlugin",
    "MedTransferError",
    "ModelBundle",
    "Notice",
    "Partition",
    "Passport",
    "Plugin",
    "PluginError",
    "Preprocessing",
    "PretrainRecipe",
    "PretrainRequest",
    "Recipe",
    "Region",
    "Result",
    "Segmentation",
    "SegmenterPlugin",
    "Structure",
    "UserError",
    "gradcam",
    "rgb8",
    "seg_gradcam",
]
