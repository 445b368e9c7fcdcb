"""The trained starter as a model bundle, with a card that says what it learnt from and how good it is."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from medtransfer_stunet.network import STUNet
from medtransfer_stunet.structures import CODE_SOURCE

import medtransfer
from medtransfer.contract.bundle import NETWORK, BundleCard, BundleLabel, DataStatement, ModelBundle
from medtransfer.contract.manifest import read_manifest
from medtransfer.contract.recipe import Recipe
from medtransfer.transfer import bundles
from stunet_starter.data import StarterData

PACKAGE = Path(__file__).resolve().parents[1] / "medtransfer_stunet"
DESCRIPTION = (
    "One CT of the trunk of one person, 122 x 101 x 112 voxels of 3 mm, from TotalSegmentator's reference files. Its"
    " labels were drawn by TotalSegmentator's own network and not by a person."
)
LICENCE = "Apache-2.0, TotalSegmentator 2.18.0 (Wasserthal et al.)"


def store(network: STUNet, data: StarterData, recipe: Recipe, notes: Sequence[str], target: Path) -> ModelBundle:
    """Replace the bundle in that folder; ``notes`` say what was measured, in sentences."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    manifest = read_manifest(PACKAGE)
    card = BundleCard(
        name="one-ct-starter",
        plugin=manifest.id,
        plugin_version=manifest.version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task="segmentation",
        labels=_labels(data),
        backbone="stunet-s",
        preprocessing=data.plan,
        recipe=recipe,
        weights=[],
        data=_statement(data),
        versions={"medtransfer": medtransfer.__version__, "torch": torch.__version__},
        seed=recipe.seed,
        notes=list(notes),
    )
    return bundles.write(target, card, {NETWORK: bundles.stored(network.state_dict())})


def _labels(data: StarterData) -> list[BundleLabel]:
    return [
        BundleLabel(
            id=structure.id,
            name=structure.name,
            code=structure.code,
            code_source=CODE_SOURCE if structure.code else "",
            value=value,
            colour=structure.colour,
            positives=1,
        )
        for value, structure in enumerate(data.structures, start=1)
    ]


def _statement(data: StarterData) -> DataStatement:
    digest = hashlib.sha256(data.labelled.values.numpy().tobytes() + data.labelled.classes.numpy().tobytes())
    return DataStatement(
        fingerprint=digest.hexdigest(),
        split_sha256="",
        cases=1,
        patients=1,
        train=1,
        validation=0,
        test=0,
        description=DESCRIPTION,
        licence=LICENCE,
    )
