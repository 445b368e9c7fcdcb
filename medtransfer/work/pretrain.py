"""Pretrain: images without answers in, an encoder out that a training can start from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from medtransfer import logs
from medtransfer.cohort import checks, exchange, unlabelled
from medtransfer.cohort.model import Cohort, Problem
from medtransfer.contract import requests
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.pretraining import PretrainRecipe
from medtransfer.contract.requests import PretrainRequest
from medtransfer.errors import DataError, UserError
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.result.model import Record
from medtransfer.store import jobs
from medtransfer.store.files import copy_folder, full_disk_explained, require_space, write_text
from medtransfer.store.home import Home
from medtransfer.store.lock import exclusive
from medtransfer.work import learn
from medtransfer.work.encoders import MODEL, OUTCOME
from medtransfer.work.planning import refuse_errors
from medtransfer.work.session import Session, usable


@dataclass(frozen=True)
class PretrainWish:
    """What a person asks for. ``recipe`` is a preset's name or a TOML file, ``settings`` change single values of it."""

    plugin: str
    data: Path
    recipe: str = "standard"
    name: str = "encoder"
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Pretrained:
    """The encoder, the folder with pictures of what it fills in, and what was noticed about the images."""

    bundle: ModelBundle
    reconstructions: Path
    problems: tuple[Problem, ...]


class _Outcome(Record):
    """The file ``pretrain.json``: which pretraining ended here."""

    key: str


def unwatched(sheets: Path) -> None:
    """Show reconstructions to nobody."""


def pretrain(
    session: Session, wish: PretrainWish, out: Path, on_begun: Callable[[Path], None] = unwatched
) -> Pretrained:
    """Pretrain an encoder; called again it goes on exactly where an earlier call was stopped or killed.

    Parameters
    ----------
    session
        The store, and whom to tell about progress.
    wish
        What to learn from, and how.
    out
        One folder per pretraining; receives the bundle (``model``) and ``reconstructions``. It is what
        ``medtransfer learn --from`` takes.
    on_begun
        Receives the folder in which sheets of reconstructions appear while the network learns.

    Raises
    ------
    MedTransferError
        When images, recipe, plug-in or disk do not allow it, another training runs in ``out`` or another encoder lies
        there, or the person wishes to stop.
    """
    with exclusive(out / learn.LOCK, "a training"):
        entry, manifest = _pretrainer(session.home, wish.plugin)
        recipe = PretrainRecipe.resolve(wish.recipe).changed(dict(wish.settings))
        images = _examined(session, wish.data)
        request = PretrainRequest(name=wish.name, recipe=recipe, cache=str(session.home.cache))
        key = _key(manifest, images, request, out)
        if not _finished(out, key):
            require_space(session.home.root, learn.SPACE_MB)
            with jobs.running(session.home, f"pretrain-{key[:32]}", "pretrain", entry.id) as folder:
                on_begun(folder / requests.CHECKPOINTS / requests.RECONSTRUCTIONS)
                _run(session, entry, images, request, folder)
                _keep(folder, out, key)
            logs.event("pretrain.done", plugin=entry.id)
        return Pretrained(ModelBundle.open(out / MODEL), out / requests.RECONSTRUCTIONS, images.problems)


def _pretrainer(home: Home, plugin_id: str) -> tuple[PluginEntry, Manifest]:
    entry, manifest = usable(home, plugin_id)
    if not manifest.can.pretrain:
        raise UserError(
            "this plug-in cannot pretrain",
            code="plugin.verb",
            hint="`medtransfer plugin info` says what a plug-in can do.",
            subject=entry.id,
        )
    return entry, manifest


def _examined(session: Session, data: Path) -> Cohort:
    session.on_progress("looking for images", None, {})
    found = unlabelled.read(data)
    refuse_errors(found.problems)

    def tell(done: int, total: int) -> None:
        session.check()
        session.on_progress("checking the images", done / max(total, 1), {})

    return unlabelled.readable(found, checks.look(found, tell))


def _key(manifest: Manifest, images: Cohort, request: PretrainRequest, out: Path) -> str:
    """Identify a pretraining: the same command has the same key, whatever else changes it."""
    parts = {
        "plugin": [manifest.id, manifest.version],
        "request": request.model_dump(mode="json"),
        "fingerprint": images.fingerprint,
        "out": str(out.resolve()),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _run(session: Session, entry: PluginEntry, images: Cohort, request: PretrainRequest, folder: Path) -> None:
    """Run the job in its folder, unless an interrupted run had finished it."""
    if (folder / requests.BUNDLE_FOLDER).is_dir():
        return
    with full_disk_explained():
        exchange.save(images, folder / requests.COHORT)
        write_text(folder / requests.REQUEST, request.model_dump_json())
    session.run(session.worker(entry), "pretrain", folder)


def _keep(folder: Path, out: Path, key: str) -> None:
    """Move what the job made to where the person finds it; the record comes last, when everything is there."""
    with full_disk_explained():
        copy_folder(folder / requests.BUNDLE_FOLDER, out / MODEL)
        copy_folder(folder / requests.CHECKPOINTS / requests.RECONSTRUCTIONS, out / requests.RECONSTRUCTIONS)
        write_text(out / OUTCOME, _Outcome(key=key).model_dump_json())


def _finished(out: Path, key: str) -> bool:
    """Say whether this very pretraining ended here before.

    Raises
    ------
    UserError
        When another one, or a training, did.
    DataError
        When the record is damaged.
    """
    if not (out / OUTCOME).exists() and not (out / learn.OUTCOME).exists():
        return False
    if _ended_key(out) == key:
        return True
    raise UserError(
        "this folder holds the model of another training, and models are never overwritten",
        code="pretrain.exists",
        hint="Choose another folder with --out.",
        subject=str(out),
    )


def _ended_key(out: Path) -> str:
    """Return the key of the pretraining that ended in a folder, nothing where none did."""
    try:
        return _Outcome.model_validate_json((out / OUTCOME).read_bytes()).key
    except FileNotFoundError:
        return ""
    except (OSError, ValidationError) as error:
        raise DataError(
            "the record of this pretraining is damaged",
            code="pretrain.damaged",
            hint="Pretrain again into another folder.",
            subject=str(out),
        ) from error
