"""A plug-in for tests that segments: it thresholds a CT into three structures, without a network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medtransfer.cohort.model import Cohort, Partition
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.requests import AnalyseRequest, LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.errors import UserError
from medtransfer.result.model import Notice, Passport, Result, Segmentation, Structure
from medtransfer.study.model import Image

RANGES = {
    "air": ("Air", -1100.0, -400.0, "#6aa8f7"),
    "soft_tissue": ("Soft tissue", -150.0, 150.0, "#e58a8a"),
    "bone": ("Bone", 200.0, 3500.0, "#f2d37a"),
}
"""Label id to its name, the smallest and the largest HU, and its colour."""


class Labelmap:
    """Numbers the structures 1, 2, 3 in the order of the manifest."""

    def analyse(self, image: Image, model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Result:
        """Return one label map with the volume and the mean of each structure."""
        values = image.array.astype(np.float32)
        labels = np.zeros(values.shape, np.uint8)
        structures = []
        millilitres = float(np.prod(image.spacing or (1.0,))) / 1000.0
        for value, (label, (name, low, high, colour)) in enumerate(RANGES.items(), start=1):
            ctx.check()
            ctx.progress(value / (len(RANGES) + 1), f"structure {value} of {len(RANGES)}")
            inside = (values >= low) & (values <= high)
            labels[inside] = value
            structures.append(
                Structure(
                    label=label,
                    name=name,
                    value=value,
                    colour=colour,
                    volume_ml=round(float(inside.sum()) * millilitres, 3),
                    mean_hu=round(float(values[inside].mean()), 1) if inside.any() else None,
                )
            )
        return Result(
            findings=(),
            source=request.source,
            passport=_passport(model, request, ctx),
            segmentation=Segmentation(labels, tuple(structures)),
            notices=(
                Notice(
                    code="labelmap.thresholds",
                    level="warning",
                    message="Thresholds alone cannot tell organs apart; this is a test.",
                ),
                *(
                    Notice(code="labelmap.companion", level="info", message=f"Largest value {other.array.max()}.")
                    for other in image.companions
                ),
            ),
        )

    def learn(self, cohort: Cohort, split: Mapping[str, Partition], request: LearnRequest, ctx: Context) -> ModelBundle:
        """Refuse: thresholds are not learnt."""
        raise UserError("this plug-in does not learn", code="labelmap.learn", hint="Use it as it is.")


def _passport(model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Passport:
    return Passport(
        plugin=ctx.manifest.id,
        plugin_version=ctx.manifest.version,
        model=model.card.name,
        model_sha256=model.sha256,
        parameters=request.parameters(),
        versions={},
        device=ctx.device,
        runtime=ctx.runtime,
        seed=request.seed,
        created="2026-01-01T00:00:00+00:00",
    )
