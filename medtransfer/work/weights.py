"""Pretrained weights: found in an installed package or brought as a file, converted once, in a throw-away process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from medtransfer.contract.bundle import file_sha256
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.weights import (
    CONVERSION,
    RANDOM,
    CatalogueEntry,
    ConversionReport,
    WeightFit,
    catalogue_entry,
)
from medtransfer.errors import DataError, EnvironmentFailure, MedTransferError, PluginError, UserError
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.store.files import full_disk_explained
from medtransfer.store.home import Home
from medtransfer.work.session import Session

TIMEOUT_S = 1800
_KINDS = {kind.kind: kind for kind in (DataError, EnvironmentFailure, PluginError, UserError)}


@dataclass(frozen=True)
class StoredWeights:
    """Weights that are ready to use: their name in the catalogue, the safetensors file, and how they fit."""

    name: str
    file: Path
    fit: WeightFit


def prepare_all(session: Session, entry: PluginEntry, manifest: Manifest, recipe: Recipe) -> dict[str, Path]:
    """Return every pretrained file that a training may start from, converting what was not converted yet.

    Parameters
    ----------
    session
        The store, and whom to tell.
    entry, manifest
        The plug-in; weights that lie inside it as safetensors are used as they are.
    recipe
        May name further weights of the catalogue.

    Raises
    ------
    UserError
        When weights must be brought by the person first.
    DataError
        When a file is not what the catalogue or the manifest says.
    """
    found = {}
    for declared in manifest.weights:
        if declared.file:
            found[declared.name] = _inside(entry, declared.file, declared.sha256)
        else:
            found[declared.name] = prepare(session, declared.name)
    if recipe.weights not in {"", RANDOM, *found}:
        found[recipe.weights] = prepare(session, recipe.weights)
    return found


def prepare(session: Session, name: str) -> Path:
    """Return the safetensors file of a catalogue entry, converting the packaged file when it is the first time.

    Raises
    ------
    UserError
        When the catalogue has no such entry, or the person must bring the file.
    DataError
        When the packaged file is not what the catalogue says.
    """
    entry = catalogue_entry(name)
    ready = _stored(session.home, name)
    if ready is not None:
        return ready
    packaged = entry.packaged_file()
    if packaged is None:
        raise UserError(
            "these pretrained weights are not on this machine",
            code="weights.absent",
            hint=f"Get {entry.file} from {entry.source} and run `medtransfer model import` on it.",
            subject=name,
        )
    session.on_progress("converting the pretrained weights", None, {})
    return convert(session.home, packaged, entry).file


def import_weights(home: Home, source: Path, name: str | None = None) -> StoredWeights:
    """Convert a file that a person brought.

    Parameters
    ----------
    home, source
        The store, and the file.
    name
        The catalogue's; needed where the file's content does not tell which of its entries it is.

    Raises
    ------
    UserError
        When the file does not exist, or the catalogue has no such entry.
    DataError
        When the file is not what the catalogue says, or is none or several of its entries, or holds anything but
        tensors.
    """
    if not source.is_file():
        raise UserError("there is no such file", code="input.missing", hint="Check the path.", subject=str(source))
    return convert(home, source, catalogue_entry(name) if name else None)


def convert(home: Home, source: Path, entry: CatalogueEntry | None) -> StoredWeights:
    """Have a file converted in a process of its own and keep the safetensors file.

    Raises
    ------
    MedTransferError
        What the conversion refused, or how its process ended.
    """
    home.prepare()
    with full_disk_explained(), tempfile.TemporaryDirectory(dir=home.weights, prefix=".convert-") as scratch:
        target = Path(scratch) / "weights.safetensors"
        report = _run(source, target, entry)
        final = home.weights / f"{report.name}-{report.sha256}.safetensors"
        target.replace(final)
    return StoredWeights(report.name, final, report.fit)


def _run(source: Path, target: Path, entry: CatalogueEntry | None) -> ConversionReport:
    command = [sys.executable, "-P", "-m", "medtransfer.transfer.convert", str(source), str(target)]
    command += ["--name", entry.name] if entry else []
    try:
        ended = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False, env=_environment())
        answer = CONVERSION.validate_json(ended.stdout)
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        raise DataError(
            "the weights file could not be read: the process that tried ended without an answer",
            code="weights.conversion",
            hint="The file may be damaged or too large for this machine: get it again from its source.",
            subject=source.name,
        ) from error
    if isinstance(answer, ConversionReport):
        return answer
    kind: type[MedTransferError] = _KINDS.get(answer.kind, DataError)
    raise kind(answer.message, code=answer.code, hint=answer.hint, subject=answer.subject or source.name)


def _inside(entry: PluginEntry, file: str, sha256: str) -> Path:
    """Return weights that lie inside a plug-in, checked against its manifest."""
    path = (entry.folder / file).resolve()
    inside = path.is_relative_to(entry.folder.resolve())
    if not inside or not path.is_file() or (sha256 and file_sha256(path) != sha256):
        raise DataError(
            "weights that belong to the plug-in are missing or were changed",
            code="weights.damaged",
            hint="Install the plug-in again.",
            subject=entry.id,
        )
    return path


def _stored(home: Home, name: str) -> Path | None:
    """Return the converted file if it is there and whole; a damaged one is dropped and made again."""
    for path in sorted(home.weights.glob(f"{name}-*.safetensors")):
        if path.stem == f"{name}-{file_sha256(path)}":
            return path
        path.unlink()
    return None


def _environment() -> dict[str, str]:
    """Return the conversion's environment: this medtransfer importable, nothing of the caller's Python settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PYTHONUTF8": "1"}
