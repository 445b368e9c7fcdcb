"""Models as their authors published them: imported weights that a plug-in can run without learning anything first."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import medtransfer
from medtransfer.contract.bundle import (
    CARD,
    NETWORK,
    BundleCard,
    BundleLabel,
    DataStatement,
    WeightsOrigin,
    file_sha256,
)
from medtransfer.contract.labels import LabelSpec
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.weights import VolumeEntry, catalogue_entry
from medtransfer.hosting import catalogue
from medtransfer.result.composing import colour
from medtransfer.store import models as registry
from medtransfer.store.files import full_disk_explained
from medtransfer.store.home import Home
from medtransfer.store.models import StoredModel
from medtransfer.work.weights import StoredWeights

_AS_PUBLISHED = Recipe(name="as published", description="Nothing was learnt here: the authors' weights as they came.")
_NOTE = "Not tested by medtransfer: what its authors say of it is in their publication."


def publish(home: Home, weights: StoredWeights) -> list[StoredModel]:
    """Publish imported weights as a model of every plug-in that runs their network and knows their structures.

    Weights of networks for pictures answer other questions than any plug-in's: nothing is published of them.
    """
    entry = catalogue_entry(weights.name)
    if not isinstance(entry, VolumeEntry):
        return []
    published = []
    for plugin in catalogue.find(home.root):
        manifest = plugin.manifest
        if manifest is None or plugin.reason or entry.architecture not in manifest.task.networks:
            continue
        structures = structures_of(entry, manifest)
        if structures is not None:
            published.append(_publish(home, weights, entry, manifest, structures))
    return published


def structures_of(entry: VolumeEntry, manifest: Manifest) -> list[LabelSpec] | None:
    """Return what the network's outputs stand for, the background not counted; None when the plug-in does not know."""
    known = {label.id: label for label in manifest.task.labels}
    ids = entry.structures or list(known)
    if len(ids) != entry.outputs - 1 or not known.keys() >= set(ids):
        return None
    return [known[structure] for structure in ids]


def _publish(
    home: Home, weights: StoredWeights, entry: VolumeEntry, manifest: Manifest, structures: list[LabelSpec]
) -> StoredModel:
    digest = file_sha256(weights.file)
    origin = WeightsOrigin(
        name=entry.name, sha256=digest, licence=entry.licence, source=entry.source, trained_on=entry.trained_on
    )
    before = next((model for model in registry.list_models(home, manifest.id) if _made_of(model, origin)), None)
    if before is not None:
        return before
    card = BundleCard(
        name=entry.name,
        plugin=manifest.id,
        plugin_version=manifest.version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task="segmentation",
        labels=[
            BundleLabel(**structure.model_dump(), value=output, colour=colour(output))
            for output, structure in enumerate(structures, start=1)
        ],
        backbone=entry.architecture,
        preprocessing=(entry.plan or _plan_in(weights.file)).model_copy(update={"mirrored": entry.mirrored}),
        recipe=_AS_PUBLISHED,
        weights=[origin],
        data=_statement(entry),
        versions={"medtransfer": medtransfer.__version__, manifest.id: manifest.version},
        seed=_AS_PUBLISHED.seed,
        notes=[_NOTE],
        files={NETWORK: digest},
    )
    home.prepare()
    with full_disk_explained(), tempfile.TemporaryDirectory(dir=home.jobs, prefix="publish-") as scratch:
        folder = Path(scratch)
        shutil.copyfile(weights.file, folder / NETWORK)
        (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return registry.publish(home, folder, entry.name)


def _made_of(model: StoredModel, origin: WeightsOrigin) -> bool:
    """Whether a model is these weights as they came."""
    card = model.open().card
    return model.name == origin.name and card.recipe == _AS_PUBLISHED and card.weights == [origin]


def _statement(entry: VolumeEntry) -> DataStatement:
    return DataStatement(
        fingerprint="",
        split_sha256="",
        cases=0,
        patients=0,
        train=0,
        validation=0,
        test=0,
        description=entry.trained_on,
        licence=entry.licence,
    )


def _plan_in(file: Path) -> VolumePlan:
    """Return the plan that the conversion kept in the header of the safetensors file."""
    with file.open("rb") as opened:
        header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
    return VolumePlan.model_validate_json(json.loads(header["__metadata__"]["medtransfer"])["plan"])
