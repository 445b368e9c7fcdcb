"""Writing what a training found into a model bundle."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import medtransfer
from medtransfer.cohort.model import Cohort
from medtransfer.contract.bundle import BundleCard, BundleLabel, DataStatement, ModelBundle
from medtransfer.contract.labels import LabelSpec
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.requests import LearnRequest
from medtransfer.inference.machine import has_openvino
from medtransfer.transfer import bundles
from medtransfer.transfer.judgement import Cases, Judgement, truth_of
from medtransfer.transfer.origin import Origin


@dataclass(frozen=True, eq=False)
class Trained:
    """Everything that goes into a bundle. ``files`` maps file names to tensors, ``facts`` labels to how it went."""

    request: LearnRequest
    cohort: Cohort
    cases: Cases
    origin: Origin
    judgement: Judgement
    files: Mapping[str, Mapping[str, Tensor]]
    facts: Mapping[str, dict[str, Any]]


def publish(trained: Trained, manifest: Manifest, folder: Path) -> ModelBundle:
    """Write the bundle into its empty folder."""
    request, origin = trained.request, trained.origin
    card = BundleCard(
        name=request.name,
        plugin=manifest.id,
        plugin_version=manifest.version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        labels=[_label(trained, label, manifest) for label in request.labels],
        backbone=origin.backbone,
        preprocessing=origin.preprocessing,
        recipe=request.recipe,
        weights=origin.described,
        data=data_statement(trained.cohort, trained.cases),
        evaluation=trained.judgement.evaluation,
        versions=versions(manifest),
        seed=request.recipe.seed,
        parent=origin.parent,
        notes=[manifest.card.maps] if manifest.card.maps else [],
        extra={"training": dict(trained.facts)},
    )
    return bundles.write(folder, card, trained.files)


def label_file(label: str) -> str:
    """Return the name of the file that holds a label's own tensors."""
    return f"label-{label}.safetensors"


def specified(label: str, cohort: Cohort, manifest: Manifest) -> LabelSpec:
    """Return the label as the manifest declares it, or else with the cohort's name for it and no code."""
    name = cohort.names.get(label) or label.replace("_", " ").capitalize()
    return manifest.label(label) or LabelSpec(id=label, name=name)


def versions(manifest: Manifest) -> dict[str, str]:
    """Return the versions of everything that computed."""
    libraries = ["timm", "scikit-learn", "numpy", "pillow", *(["openvino"] if has_openvino() else [])]
    return {
        "medtransfer": medtransfer.__version__,
        manifest.id: manifest.version,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{name: importlib.metadata.version(name) for name in libraries},
    }


def _label(trained: Trained, label: str, manifest: Manifest) -> BundleLabel:
    truth = truth_of(trained.cases["train"], label)
    operating = trained.judgement.operating[label]
    return BundleLabel(
        **specified(label, trained.cohort, manifest).model_dump(),
        positives=int((truth == 1).sum()),
        negatives=int((truth == 0).sum()),
        threshold=operating.threshold,
        calibration=operating.calibration,
        file=label_file(label),
    )


def data_statement(cohort: Cohort, cases: Cases) -> DataStatement:
    """Return what a model's card says of the data."""
    return DataStatement(
        fingerprint=cohort.fingerprint,
        split_sha256=_split_sha256(cases),
        cases=len(cohort.cases),
        patients=len({case.patient for case in cohort.cases}),
        train=len(cases["train"]),
        validation=len(cases["validation"]),
        test=len(cases["test"]),
        synthetic=cohort.synthetic,
    )


def _split_sha256(cases: Cases) -> str:
    partitions = {case.key: name for name, members in cases.items() for case in members}
    return hashlib.sha256(json.dumps(partitions, sort_keys=True).encode()).hexdigest()
