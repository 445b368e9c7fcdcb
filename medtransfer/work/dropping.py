"""Take findings out of a model: what is left is a new version, and answers as before."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from medtransfer.contract.bundle import CARD, REFERENCE, BundleCard, ModelBundle, label_of
from medtransfer.contract.evaluation import Evaluation
from medtransfer.errors import UserError
from medtransfer.store import models as registry
from medtransfer.store.files import full_disk_explained
from medtransfer.store.home import Home
from medtransfer.store.models import StoredModel
from medtransfer.work import planning


def drop(home: Home, reference: str, labels: Collection[str], name: str = "") -> StoredModel:
    """Publish a model without some of its findings, and without their files: networks, cases, pictures of cases.

    Parameters
    ----------
    home
        The store.
    reference
        The model.
    labels
        Ids of the findings.
    name
        Of the new model; empty for another version of the same one.

    Raises
    ------
    UserError
        When there is no such model, it has no such finding, or none would be left that networks of its own answer.
    DataError
        When the model is damaged.
    """
    stored = registry.find(home, reference)
    bundle = stored.open()
    bundle.verify()
    card = _without(bundle, labels, name or stored.name)
    home.prepare()
    with full_disk_explained(), tempfile.TemporaryDirectory(dir=home.jobs, prefix="drop-") as scratch:
        folder = Path(scratch)
        for file in card.files:
            shutil.copyfile(bundle.folder / file, folder / file)
        (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
        model = registry.publish(home, folder, card.name)
    split = planning.split_file(home, bundle)
    if split.exists():
        shutil.copyfile(split, planning.split_file(home, model.open()))
    return model


def _without(bundle: ModelBundle, labels: Collection[str], name: str) -> BundleCard:
    card = bundle.card
    if card.task != "multilabel":
        raise UserError(
            "the structures of this model are found by one network together",
            code="dropping.task",
            hint="Only findings that are answered one by one can be taken out.",
        )
    known = {label.id: label for label in card.labels}
    unknown = sorted(set(labels) - known.keys())
    if unknown:
        raise UserError(
            f"the model has no finding {unknown[0]!r}",
            code="dropping.unknown",
            hint=f"It has {', '.join(known)}.",
        )
    left = [label for label in card.labels if label.id not in labels]
    if not any(label.file for label in left):
        raise UserError(
            "nothing would be left of the model",
            code="dropping.all",
            hint="Keep a finding that was not added later; delete a whole model with `medtransfer model delete`.",
        )
    names = ", ".join(known[label].name for label in labels)
    files = {file: digest for file, digest in card.files.items() if label_of(file) not in labels}
    notes = [*card.notes, f"{names}: taken out of an earlier version of this model."]
    if card.for_answers.tune == "all" and card.labels[0].id in labels and REFERENCE in files:
        del files[REFERENCE]
        notes.append("Whether a picture is like those of the training is no longer told.")
    training = card.extra.get("training", {})
    return card.model_copy(
        update={
            "name": name,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "labels": left,
            "files": files,
            "parent": bundle.sha256,
            "notes": notes,
            "evaluation": _evaluated(card.evaluation, {known[label].id: known[label].name for label in labels}),
            "extra": {**card.extra, "training": {key: value for key, value in training.items() if key not in labels}},
        }
    )


def _evaluated(before: Evaluation | None, dropped: dict[str, str]) -> Evaluation | None:
    """Return the figures of the findings that are left; they were measured one by one, so they still hold."""
    if before is None:
        return None
    said = tuple(f"{name}:" for name in dropped.values())
    return before.model_copy(
        update={
            "models": [
                model.model_copy(update={"labels": [own for own in model.labels if own.label not in dropped]})
                for model in before.models
            ],
            "differences": [entry for entry in before.differences if entry.label not in dropped],
            "subgroups": [entry for entry in before.subgroups if entry.label not in dropped],
            "together": [entry for entry in before.together if not dropped.keys() & set(entry.labels)],
            "ablation": [entry for entry in before.ablation if entry.label not in dropped],
            "verdict": [
                f"Without {', '.join(dropped.values())}; what is left answers as before.",
                *(line for line in before.verdict[1:] if not line.startswith(said)),
            ],
        }
    )
