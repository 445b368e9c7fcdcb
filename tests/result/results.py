"""Results as a plug-in would give them."""

from __future__ import annotations

import numpy as np

from medtransfer.result.model import (
    Faithfulness,
    Finding,
    Heatmap,
    HeatmapInfo,
    Notice,
    Passport,
    Result,
    Segmentation,
    SourceInfo,
    Structure,
)


def passport(duration_s: float = 1.5, created: str = "2026-11-23T10:00:00+00:00") -> Passport:
    return Passport(
        plugin="medtransfer.fundus-trio",
        plugin_version="0.1.0",
        model="starter",
        model_sha256="ab" * 32,
        parameters={"explain": ["positive"], "faithfulness": True, "seed": 2026},
        versions={"medtransfer": "0.1.0", "torch": "2.14.1"},
        device="cpu",
        runtime="openvino",
        seed=2026,
        created=created,
        duration_s=duration_s,
    )


def result(seed: int = 0) -> Result:
    rng = np.random.default_rng(seed)
    info = HeatmapInfo(
        label="dr",
        method="Grad-CAM",
        layer="blocks.6",
        raw_maximum=3.1,
        faithfulness=Faithfulness(score=0.41, random_score=0.12, deletion_auc=0.2, insertion_auc=0.61, steps=32),
    )
    return Result(
        findings=(
            Finding(
                label="dr",
                name="Diabetic retinopathy",
                probability=0.94,
                threshold=0.41,
                positive=True,
                calibrated=True,
                uncertainty=0.03,
                logit=2.7,
            ),
            Finding(
                label="dme", name="Macular oedema", probability=0.11, threshold=0.5, positive=False, calibrated=False
            ),
        ),
        source=SourceInfo(
            names=("photo.jpg",), uids={"study": "1.2.3"}, pixel_sha256="cd" * 32, shape=(12, 16, 3), modality="OP"
        ),
        passport=passport(),
        heatmaps=(Heatmap(info, rng.random((12, 16), dtype=np.float32)),),
        notices=(Notice(code="quality.focus", level="warning", message="The picture is out of focus."),),
    )


def segmented(seed: int = 0) -> Result:
    labels = np.random.default_rng(seed).integers(0, 3, (4, 5, 6), dtype=np.uint8)
    structures = (
        Structure(label="liver", name="Liver", value=1, volume_ml=1400.0, mean_hu=60.0),
        Structure(label="spleen", name="Spleen", value=2, volume_ml=200.0),
    )
    return Result(
        findings=(),
        source=SourceInfo(shape=(4, 5, 6), modality="CT"),
        passport=passport(),
        segmentation=Segmentation(labels, structures),
    )
