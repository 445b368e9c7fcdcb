"""The entry class of the echo plug-in."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from medtransfer.cohort.model import Cohort, Partition
from medtransfer.contract.bundle import (
    CARD,
    BundleCard,
    BundleLabel,
    DataStatement,
    ModelBundle,
    Preprocessing,
    WeightsOrigin,
    file_sha256,
)
from medtransfer.contract.requests import AnalyseRequest, LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.result.model import Finding, Heatmap, HeatmapInfo, Passport, Result
from medtransfer.study.model import Image

ANSWERS = {"bright": 0.75, "dark": 0.25}
EPOCHS = 3


class Echo:
    """Gives the same answer for every picture and learns nothing from any cohort."""

    def __init__(self) -> None:
        self.analysed = 0

    def analyse(self, image: Image, model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Result:
        """Return the fixed findings; ``parameters["analysed"]`` counts the pictures since the process started."""
        self.analysed += 1
        ctx.progress(0.5, "looking")
        ctx.log("info", f"picture number {self.analysed}")
        ctx.check()
        findings = tuple(
            Finding(label=label, name=label.title(), probability=p, threshold=0.5, positive=p >= 0.5, calibrated=False)
            for label, p in ANSWERS.items()
        )
        wanted = [f.label for f in findings if f.label in request.explain or _asks_for(request.explain, f)]
        return Result(
            findings=findings,
            source=request.source,
            passport=_passport(model, request, ctx, self.analysed),
            heatmaps=tuple(_ramp(label, image) for label in wanted),
        )

    def learn(self, cohort: Cohort, split: Mapping[str, Partition], request: LearnRequest, ctx: Context) -> ModelBundle:
        """Write a valid bundle after three epochs that do nothing; finished epochs are not done again."""
        done = ctx.checkpoints / "epochs"
        first = int(done.read_text()) if done.exists() else 0
        for epoch in range(first, EPOCHS):
            ctx.check()
            time.sleep(0.02)
            done.write_text(str(epoch + 1))
            ctx.progress((epoch + 1) / EPOCHS, f"epoch {epoch + 1} of {EPOCHS}", loss=1.0 / (epoch + 1))
        weights = ctx.output / "weights.txt"
        weights.write_text("nothing was learnt\n")
        card = _card(cohort, split, request, ctx).model_copy(update={"files": {weights.name: file_sha256(weights)}})
        (ctx.output / CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")
        return ModelBundle.open(ctx.output)


def _asks_for(explain: list[str], finding: Finding) -> bool:
    return explain == ["all"] or (explain == ["positive"] and finding.positive)


def _ramp(label: str, image: Image) -> Heatmap:
    rows, columns = image.spatial_shape
    ramp = np.linspace(0.0, 1.0, rows * columns, dtype=np.float32).reshape(rows, columns)
    return Heatmap(HeatmapInfo(label=label, method="ramp", layer="none", raw_maximum=1.0), ramp)


def _passport(model: ModelBundle, request: AnalyseRequest, ctx: Context, analysed: int) -> Passport:
    return Passport(
        plugin=ctx.manifest.id,
        plugin_version=ctx.manifest.version,
        model=model.card.name,
        model_sha256=model.sha256,
        parameters={"explain": request.explain, "analysed": analysed},
        versions={"medtransfer-echo": ctx.manifest.version},
        device=ctx.device,
        runtime=ctx.runtime,
        seed=request.seed,
        created="2026-01-01T00:00:00+00:00",
    )


def _card(cohort: Cohort, split: Mapping[str, Partition], request: LearnRequest, ctx: Context) -> BundleCard:
    parts = list(split.values())
    return BundleCard(
        name=request.name,
        plugin=ctx.manifest.id,
        plugin_version=ctx.manifest.version,
        created="2026-01-01T00:00:00+00:00",
        labels=[BundleLabel(id=label, name=label.title()) for label in request.labels],
        backbone="none",
        preprocessing=Preprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        recipe=request.recipe,
        weights=[WeightsOrigin(name="none", sha256="0" * 64, licence="Apache-2.0", source="this plug-in")],
        data=DataStatement(
            fingerprint=cohort.fingerprint,
            split_sha256="0" * 64,
            cases=len(cohort.cases),
            patients=len({case.patient for case in cohort.cases}),
            train=parts.count("train"),
            validation=parts.count("validation"),
            test=parts.count("test"),
            synthetic=cohort.synthetic,
        ),
        versions={"medtransfer-echo": ctx.manifest.version},
        seed=request.recipe.seed,
    )
