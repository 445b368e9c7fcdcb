"""What every analysis says of itself: the passport, what to know about the model, and the seed that it began with."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import numpy as np
import torch

from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.requests import AnalyseRequest
from medtransfer.contract.verbs import Context
from medtransfer.result.model import Notice, Passport
from medtransfer.study.counting import agreed
from medtransfer.study.model import Image
from medtransfer.transfer.publication import versions


def passport(
    image: Image, model: ModelBundle, request: AnalyseRequest, ctx: Context, runtime: str, duration: float
) -> Passport:
    """Return how a result came about; ``runtime`` names what ran the network, ``duration`` is in seconds."""
    return Passport(
        plugin=ctx.manifest.id,
        plugin_version=ctx.manifest.version,
        model=model.card.name,
        model_sha256=model.sha256,
        parameters=request.parameters(),
        versions=versions(ctx.manifest),
        device=ctx.device,
        runtime=f"{runtime}, {agreed(ctx.threads, 'thread', 'threads')}",
        seed=request.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        duration_s=round(duration, 3),
        checks=tuple(map(Notice.of, image.checks)),
    )


def about_model(model: ModelBundle, request: AnalyseRequest) -> list[Notice]:
    """Return what the reader must know when the model or the image is synthetic."""
    notices = []
    if model.card.data.synthetic:
        message = "The model was trained on synthetic images: its answers mean nothing for patients."
        notices.append(Notice(code="model.synthetic", level="warning", message=message))
    if request.synthetic:
        notices.append(Notice(code="image.synthetic", level="info", message="This image is synthetic."))
    return notices


def seeded(seed: int) -> None:
    """Start every generator of random numbers at the request's seed, so that the answer can be repeated."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for plug-ins that use numpy's global generator
    torch.manual_seed(seed)
