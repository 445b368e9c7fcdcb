"""A plug-in for stories of long jobs: slow, killed on white pictures, and out of disk space when told so."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Mapping

from PIL import Image as Picture

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
from medtransfer.contract.requests import RECONSTRUCTIONS, AnalyseRequest, LearnRequest, PretrainRequest
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

    def pretrain(self, cohort: Cohort, request: PretrainRequest, ctx: Context) -> ModelBundle:
        """Count epochs in a checkpoint, and write a sheet after each: as bright as the epoch is late."""
        record = ctx.checkpoints / "epochs.txt"
        done = record.read_text().split() if record.exists() else []
        sheets = ctx.checkpoints / RECONSTRUCTIONS
        sheets.mkdir(exist_ok=True)
        for epoch in range(len(done) + 1, EPOCHS + 1):
            time.sleep(EPOCH_S)
            ctx.check()
            done.append(str(os.getpid()))
            record.write_text(" ".join(done))
            Picture.new("RGB", (48, 32), (20 * epoch,) * 3).save(sheets / f"epoch-{epoch:04}.png")
            loss = {"validation_loss": 1.0 / epoch, "guess_loss": 0.5}
            ctx.progress(epoch / EPOCHS, f"epoch {epoch} of {EPOCHS}", epoch=float(epoch), loss=0.9 / epoch, **loss)
        history = [{"epoch": float(n), "validation_loss": 1.0 / n, "guess_loss": 0.5} for n in range(1, EPOCHS + 1)]
        card = _card(cohort, {}, request, ctx, done).model_copy(
            update={"task": "pretraining", "extra": {"epochs": done, "pretraining": {"history": history}}}
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
    cohort: Cohort,
    split: Mapping[str, Partition],
    request: LearnRequest | PretrainRequest,
    ctx: Context,
    epochs: list[str],
) -> BundleCard:
    labels = [] if isinstance(request, PretrainRequest) else request.labels
    parts = list(split.values())
    return BundleCard(
        name=request.name,
        plugin=ctx.manifest.id,
        plugin_version=ctx.manifest.version,
        created="2026-01-01T00:00:00+00:00",
        labels=[BundleLabel(id=label, name=label.title()) for label in labels],
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
