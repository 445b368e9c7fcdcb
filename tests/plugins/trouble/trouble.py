"""A plug-in for stories of long jobs: slow, killed on white pictures, and out of disk space when told so."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Mapping

from medtransfer.cohort.model import Cohort, Partition
from medtransfer.contract.bundle import (
    CARD,
    BundleCard,
    BundleLabel,
    DataStatement,
    ModelBundle,
    Preprocessing,
    file_sha256,
)
from medtransfer.contract.requests import AnalyseRequest, LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.result.model import Finding, Passport, Result
from medtransfer.study.model import Image

EPOCHS = 8
EPOCH_S = float(os.environ.get("TROUBLE_EPOCH_S", "0.01"))
ANALYSE_S = float(os.environ.get("TROUBLE_ANALYSE_S", "0"))


class Trouble:
    """Answers with the mean brightness of the picture."""

    def analyse(self, image: Image, model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Result:
        """Take a while; end the process at once on a white picture."""
        time.sleep(ANALYSE_S)
        bright = float(image.array.mean()) / 255.0
        if bright == 1.0:
            os._exit(9)
        findings = tuple(
            Finding(label=label, name=label.title(), probability=p, threshold=0.5, positive=p >= 0.5, calibrated=False)
            for label, p in (("bright", bright), ("dark", 1.0 - bright))
        )
        return Result(findings=findings, source=request.source, passport=_passport(model, request, ctx))

    def learn(self, cohort: Cohort, split: Mapping[str, Partition], request: LearnRequest, ctx: Context) -> ModelBundle:
        """Count epochs in a checkpoint; the bundle says which process did which epoch."""
        if "TROUBLE_FULL_DISK" in os.environ:
            raise OSError(errno.ENOSPC, "No space left on device")
        record = ctx.checkpoints / "epochs.txt"
        done = record.read_text().split() if record.exists() else []
        for epoch in range(len(done), EPOCHS):
            ctx.progress(epoch / EPOCHS, f"epoch {epoch + 1}")
            time.sleep(EPOCH_S)
            ctx.check()
            done.append(str(os.getpid()))
            record.write_text(" ".join(done))
        weights = ctx.output / "weights.txt"
        weights.write_text("nothing was learnt\n")
        card = _card(cohort, split, request, ctx, done).model_copy(
            update={"files": {weights.name: file_sha256(weights)}}
        )
        (ctx.output / CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")
        return ModelBundle.open(ctx.output)


def _passport(model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Passport:
    return Passport(
        plugin=ctx.manifest.id,
        plugin_version=ctx.manifest.version,
        model=model.card.name,
        model_sha256=model.sha256,
        parameters={"explain": request.explain},
        versions={},
        device=ctx.device,
        runtime=ctx.runtime,
        seed=request.seed,
        created="2026-01-01T00:00:00+00:00",
    )


def _card(
    cohort: Cohort, split: Mapping[str, Partition], request: LearnRequest, ctx: Context, epochs: list[str]
) -> BundleCard:
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
        weights=[],
        data=DataStatement(
            fingerprint=cohort.fingerprint,
            split_sha256="0" * 64,
            cases=len(cohort.cases),
            patients=len({case.patient for case in cohort.cases}),
            train=parts.count("train"),
            validation=parts.count("validation"),
            test=parts.count("test"),
        ),
        versions={},
        seed=request.recipe.seed,
        extra={"epochs": epochs},
    )
