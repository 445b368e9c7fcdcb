"""What a job asks for: ``request.json`` in the job's folder, and where its inputs and outputs lie."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from medtransfer.contract.explainers import Explainer
from medtransfer.contract.pretraining import PretrainRecipe
from medtransfer.contract.recipe import Recipe
from medtransfer.result.model import Record, SourceInfo

REQUEST = "request.json"
IMAGE = "image"  # image.npy and image.json, see medtransfer.study.exchange
RESULT_FOLDER = "result"  # what analyse writes, see medtransfer.result.writing
BUNDLE_FOLDER = "bundle"  # what learn and pretrain write
COHORT = "cohort.json"
SPLIT = "split.json"
CHECKPOINTS = "checkpoints"
RECONSTRUCTIONS = "reconstructions"  # inside the checkpoints: what pretraining shows while it runs
SCRATCH = "scratch"  # the plug-in's temporary files, gone when the job ends


Quality = Literal["fast", "full", "thorough"]
"""How a volume is segmented: on a grid of 3 mm, on the grid that the network was trained on, or there and on mirrored
tiles too, along the axes that training mirrored."""
QUALITIES: tuple[Quality, ...] = ("fast", "full", "thorough")


class AnalyseRequest(Record):
    """Analyse one image.

    ``explain`` lists label ids, or ``["positive"]`` for every label called positive, or ``["all"]``;
    ``explainer`` says in which way.
    ``bundle`` is the folder of the model. ``synthetic`` marks generated pictures.
    ``modality`` is what a person stated of a volume whose file names none; empty where the file did.
    ``quality`` weighs time against detail in volumes: see :data:`Quality`.
    """

    verb: Literal["analyse"] = "analyse"
    bundle: str
    source: SourceInfo
    explain: list[str] = ["positive"]
    explainer: Explainer = "gradcam"
    faithfulness: bool = True
    uncertainty: bool = True
    seed: int = 2026
    synthetic: bool = False
    modality: str = ""
    quality: Quality = "full"

    def parameters(self) -> dict[str, str | int | float | bool | list[str]]:
        """Return what a passport states about how this was asked for, enough to ask for it again."""
        stated = {"modality": self.modality} if self.modality else {}
        if self.quality != "full":
            stated["quality"] = self.quality
        if self.explainer != "gradcam":
            stated["explainer"] = self.explainer
        return {
            "explain": self.explain,
            "faithfulness": self.faithfulness,
            "uncertainty": self.uncertainty,
            **stated,
        }


class LearnRequest(Record):
    """Learn from a cohort. A folder with checkpoints of the same request is resumed exactly where it stopped.

    ``parent`` is the folder of a model bundle to start from; empty for the plug-in's own weights.
    ``keeps`` are labels of the parent that the new model answers exactly as the parent does, to which ``labels`` are
    added; empty where the new model answers ``labels`` alone.
    ``weights`` maps names of the weights catalogue to safetensors files on this machine.
    """

    verb: Literal["learn"] = "learn"
    name: str
    recipe: Recipe
    parent: str = ""
    labels: list[str] = Field(min_length=1)
    keeps: list[str] = []
    weights: dict[str, str] = {}
    cache: str = ""


class PretrainRequest(Record):
    """Learn from images without answers. Resumed as :class:`LearnRequest` is."""

    verb: Literal["pretrain"] = "pretrain"
    name: str
    recipe: PretrainRecipe
    cache: str = ""
