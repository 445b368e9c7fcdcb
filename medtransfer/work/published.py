"""Models as their authors published them: imported weights that a plug-in can run without learning anything first."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import medtransfer
from medtransfer.contract.bundle import (
    CARD,
    NETWORK,
    BundleCard,
    BundleLabel,
    DataStatement,
    Preprocessing,
    WeightsOrigin,
    file_sha256,
)
from medtransfer.contract.labels import LabelSpec
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.weights import CatalogueEntry, PictureEntry, VolumeEntry, catalogue_entry
from medtransfer.hosting import catalogue
from medtransfer.result.composing import colour
from medtransfer.store import models as registry
from medtransfer.store.files import full_disk_explained
from medtransfer.store.home import Home
from medtransfer.store.models import StoredModel
from medtransfer.work.weights import StoredWeights

_AS_PUBLISHED = Recipe(name="as published", description="Nothing was learnt here: the authors' weights as they came.")
_ANSWERS_AS_PUBLISHED = _AS_PUBLISHED.changed({"tune": "head"})
"""Everything but the last layer is the same for all findings."""
_NOTE = "Not tested by medtransfer: what its authors say of it is in their publication."
_UNTESTED_THRESHOLDS = (
    "No thresholds were published and none were fitted: 0.5 is one for all findings, and probabilities are not "
    "calibrated. Tune it to your own cases to have both."
)
_POSITIONS, _PATCH = "pos_embed", 16


@dataclass(frozen=True)
class _Particulars:
    """What the cards of networks for pictures and for volumes do not have in common."""

    task: Literal["multilabel", "segmentation"]
    labels: list[BundleLabel]
    preprocessing: Preprocessing | VolumePlan
    recipe: Recipe
    notes: list[str]


def publish(home: Home, weights: StoredWeights) -> list[StoredModel]:
    """Publish imported weights as a model of every plug-in that runs their network and knows their answers.

    Of weights for pictures only those answer what a plug-in asks whose findings the catalogue names.
    """
    entry = catalogue_entry(weights.name)
    published = []
    for plugin in catalogue.find(home.root):
        manifest = plugin.manifest
        if manifest is None or plugin.reason or entry.architecture not in manifest.task.networks:
            continue
        if isinstance(entry, PictureEntry):
            own = _pictures(entry, manifest, weights.file)
        else:
            own = _volumes(entry, manifest, weights.file)
        if own is not None:
            published.append(_publish(home, weights, entry, manifest, own))
    return published


def structures_of(entry: VolumeEntry, manifest: Manifest) -> list[LabelSpec] | None:
    """Return what the network's outputs stand for, the background not counted; None when the plug-in does not know."""
    known = {label.id: label for label in manifest.task.labels}
    ids = entry.structures or list(known)
    if len(ids) != entry.outputs - 1 or not known.keys() >= set(ids):
        return None
    return [known[structure] for structure in ids]


def findings_of(entry: PictureEntry, manifest: Manifest) -> list[LabelSpec] | None:
    """Return what the network's outputs stand for; None when there is no telling, or the plug-in does not know them."""
    known = {label.id: label for label in manifest.task.labels}
    if not entry.findings or not known.keys() >= set(entry.findings):
        return None
    return [known[finding] for finding in entry.findings]


def _pictures(entry: PictureEntry, manifest: Manifest, file: Path) -> _Particulars | None:
    answers = findings_of(entry, manifest)
    if answers is None:
        return None
    labels = [BundleLabel(**own.model_dump(), value=row, file=NETWORK) for row, own in enumerate(answers)]
    prepared = Preprocessing(size=_size(entry, file), mean=entry.mean, std=entry.std, framing="centre")
    return _Particulars("multilabel", labels, prepared, _ANSWERS_AS_PUBLISHED, [_NOTE, _UNTESTED_THRESHOLDS])


def _volumes(entry: VolumeEntry, manifest: Manifest, file: Path) -> _Particulars | None:
    structures = structures_of(entry, manifest)
    if structures is None:
        return None
    labels = [
        BundleLabel(**own.model_dump(), value=output, colour=colour(output))
        for output, own in enumerate(structures, start=1)
    ]
    plan = (entry.plan or _plan_in(file)).model_copy(update={"mirrored": entry.mirrored})
    return _Particulars("segmentation", labels, plan, _AS_PUBLISHED, [_NOTE])


def _size(entry: PictureEntry, file: Path) -> int:
    """Return the side of the pictures that the network takes; a position embedding tells it of a file tuned anew."""
    _, tokens, _ = _header(file).get(_POSITIONS, {}).get("shape", (1, 0, 0))
    return _PATCH * math.isqrt(tokens - 1) if tokens else entry.size


def _publish(
    home: Home, weights: StoredWeights, entry: CatalogueEntry, manifest: Manifest, own: _Particulars
) -> StoredModel:
    digest = file_sha256(weights.file)
    origin = WeightsOrigin(
        name=entry.name, sha256=digest, licence=entry.licence, source=entry.source, trained_on=entry.trained_on
    )
    card = BundleCard(
        name=entry.name,
        plugin=manifest.id,
        plugin_version=manifest.version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        task=own.task,
        labels=own.labels,
        backbone=entry.architecture,
        preprocessing=own.preprocessing,
        recipe=own.recipe,
        weights=[origin],
        data=_statement(entry),
        versions={"medtransfer": medtransfer.__version__, manifest.id: manifest.version},
        seed=own.recipe.seed,
        notes=own.notes,
        files={NETWORK: digest},
    )
    before = next((model for model in registry.list_models(home, manifest.id) if _made_of(model, card)), None)
    if before is not None:
        return before
    home.prepare()
    with full_disk_explained(), tempfile.TemporaryDirectory(dir=home.jobs, prefix="publish-") as scratch:
        folder = Path(scratch)
        shutil.copyfile(weights.file, folder / NETWORK)
        (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return registry.publish(home, folder, entry.name)


def _made_of(model: StoredModel, wanted: BundleCard) -> bool:
    """Whether a model is the same weights as they came."""
    card = model.open().card
    return (model.name, card.recipe, card.weights) == (wanted.name, wanted.recipe, wanted.weights)


def _statement(entry: CatalogueEntry) -> DataStatement:
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
    return VolumePlan.model_validate_json(json.loads(_header(file)["__metadata__"]["medtransfer"])["plan"])


def _header(file: Path) -> dict[str, Any]:
    """Return the header of a safetensors file: type, shape and place of each tensor, and what was kept with them."""
    with file.open("rb") as opened:
        header: dict[str, Any] = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
    return header
