"""Models: which one to use, import, export and comparison."""

from __future__ import annotations

import re
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from medtransfer.contract.bundle import CARD, BundleCard, ModelBundle, only_pretrained
from medtransfer.errors import DataError, UserError
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.store import models as registry
from medtransfer.store.files import copy_folder, full_disk_explained
from medtransfer.store.home import Home
from medtransfer.store.models import StoredModel

STARTER = "starter"
MAXIMUM_CARD = 64 * 2**20
MAXIMUM_MODEL = 16 * 2**30
_MEMBER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_CHUNK = 2**20


@dataclass(frozen=True)
class Chosen:
    """The model that an analysis uses, under the name that its passport will carry."""

    reference: str
    bundle: ModelBundle


def choose(home: Home, entry: PluginEntry, reference: str | None) -> Chosen:
    """Return the model asked for; without a wish the plug-in's newest published one, else its starter model.

    Raises
    ------
    UserError
        When there is no such model, it belongs to another plug-in, or the plug-in has none yet.
    DataError
        When the bundle is damaged.
    """
    stored = registry.newest(home, entry.id) if reference is None else None
    if stored is None and reference in {None, STARTER}:
        return Chosen(STARTER, _starter(entry))
    if stored is None:
        stored = registry.find(home, reference or "")
    if stored.plugin != entry.id:
        raise UserError(
            f"the model belongs to the plug-in {stored.plugin}",
            code="model.other-plugin",
            hint="Choose that plug-in with --plugin, or another model.",
            subject=stored.reference,
        )
    return Chosen(stored.reference, _verified(stored.open()))


def by_address(home: Home, entry: PluginEntry, sha256: str) -> ModelBundle:
    """Return the bundle with exactly this address, published or the plug-in's starter.

    Raises
    ------
    UserError
        When this machine does not have it.
    """
    stored = registry.at_address(home, sha256)
    bundle = stored.open() if stored else _starter(entry)
    if bundle.sha256 != sha256:
        raise UserError(
            "the model that made this result is not on this machine",
            code="model.absent",
            hint="Bring it with `medtransfer model import`; its address is in the result's passport.",
            subject=sha256[:12],
        )
    return _verified(bundle)


def import_bundle(home: Home, source: Path, name: str | None) -> StoredModel:
    """Publish a bundle that came as a folder or as the zip file that ``export`` wrote.

    Raises
    ------
    DataError
        When it is not a bundle, or damaged.
    UserError
        ``model.pretrained`` when it cannot answer anything yet.
    """
    if source.is_dir():
        return _publish(home, source, name)
    home.prepare()
    with tempfile.TemporaryDirectory(dir=home.jobs, prefix="import-") as scratch:
        folder = Path(scratch)
        _unpack(source, folder)
        return _publish(home, folder, name)


def _publish(home: Home, folder: Path, name: str | None) -> StoredModel:
    card = ModelBundle.open(folder).card
    if card.task == "pretraining":
        raise only_pretrained()
    return registry.publish(home, folder, name or card.name)


def is_bundle(source: Path) -> bool:
    """Whether a path looks like a model bundle rather than a file of weights."""
    if source.is_dir():
        return (source / CARD).is_file()
    if not zipfile.is_zipfile(source):
        return False
    with zipfile.ZipFile(source) as archive:
        return CARD in archive.namelist()


def export(home: Home, reference: str, target: Path) -> StoredModel:
    """Write a model to a folder, or to a zip file when ``target`` ends in ``.zip``.

    Raises
    ------
    UserError
        When there is no such model, or ``target`` exists.
    """
    model = registry.find(home, reference)
    bundle = _verified(model.open())
    if target.exists():
        raise UserError(
            "this exists already", code="export.exists", hint="Choose another name with --out.", subject=str(target)
        )
    if target.suffix != ".zip":
        copy_folder(bundle.folder, target)
        return model
    temporary = target.with_name(f".{target.name}.part")
    with full_disk_explained():
        try:
            with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
                for member in (CARD, *sorted(bundle.card.files)):
                    archive.write(bundle.folder / member, member)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    return model


@dataclass(frozen=True)
class Comparison:
    """Two models label by label: AUROC on each one's own test partition.

    ``same_test`` says whether both were tested on the same frozen split, without which figures cannot be compared.
    """

    first: StoredModel
    second: StoredModel
    auroc: dict[str, tuple[float | None, float | None]]
    same_test: bool


def compare(home: Home, first: str, second: str) -> Comparison:
    """Put the figures of two models beside each other.

    Raises
    ------
    UserError
        When one of them does not exist.
    """
    one, two = registry.find(home, first), registry.find(home, second)
    labels = sorted(set(one.labels) | set(two.labels))
    splits = [model.open().card.data.split_sha256 for model in (one, two)]
    return Comparison(
        one, two, {label: (one.metrics.get(label), two.metrics.get(label)) for label in labels}, splits[0] == splits[1]
    )


def _starter(entry: PluginEntry) -> ModelBundle:
    if entry.manifest is None or not entry.manifest.starter:
        raise UserError(
            "this plug-in has no model yet",
            code="model.none",
            hint="Train one with `medtransfer learn`, or bring one with `medtransfer model import`.",
            subject=entry.id,
        )
    return _verified(ModelBundle.open(entry.folder / entry.manifest.starter))


def _verified(bundle: ModelBundle) -> ModelBundle:
    bundle.verify()
    return bundle


def _unpack(source: Path, folder: Path) -> None:
    """Take the card and exactly the files that it names out of a zip; everything else in it stays there."""
    try:
        with zipfile.ZipFile(source) as archive, full_disk_explained():
            _extract(archive, CARD, folder / CARD, MAXIMUM_CARD)
            card = BundleCard.model_validate_json((folder / CARD).read_bytes())
            left = MAXIMUM_MODEL
            for member in card.files:
                if not _MEMBER.fullmatch(member):
                    raise _not_a_bundle(source)
                left -= _extract(archive, member, folder / member, left)
    except (zipfile.BadZipFile, KeyError, ValidationError, NotImplementedError, RuntimeError) as error:
        raise _not_a_bundle(source) from error


def _extract(archive: zipfile.ZipFile, member: str, target: Path, limit: int) -> int:
    """Write one member, counting the bytes that really come out; return how many."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as stream, target.open("xb") as out:
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > limit:
                raise DataError(
                    "a file in the archive is larger than a model may be",
                    code="bundle.too-large",
                    hint="Export the model again where it came from.",
                    subject=member,
                )
            out.write(chunk)
    return written


def _not_a_bundle(source: Path) -> DataError:
    return DataError(
        "this is neither a model bundle nor a file of weights that can be read",
        code="bundle.archive",
        hint="Import the folder or zip file that `medtransfer model export` wrote.",
        subject=source.name,
    )
