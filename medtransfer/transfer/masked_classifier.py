"""The base of picture plug-ins whose network can learn from images without answers first."""

from __future__ import annotations

from medtransfer.cohort.model import Cohort
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.requests import PretrainRequest
from medtransfer.contract.verbs import Context
from medtransfer.contract.weights import RANDOM
from medtransfer.transfer.classifier import ClassifierPlugin
from medtransfer.transfer.masked_pretraining import MaskedPretraining


class MaskedClassifierPlugin(ClassifierPlugin):
    """:class:`ClassifierPlugin` with masked pretraining as a third verb, of vision transformers or of a DenseNet."""

    backbone = "vit_small_patch16_mean_224"
    weights = RANDOM

    def pretrain(self, cohort: Cohort, request: PretrainRequest, ctx: Context) -> ModelBundle:
        """Learn to fill in hidden patches; see :class:`medtransfer.transfer.masked_pretraining.MaskedPretraining`."""
        return MaskedPretraining(self, cohort, request, ctx).run()
