"""What can answer for a series: plug-ins that suit it with their models, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.errors import MedTransferError
from medtransfer.hosting import catalogue
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.store import models as registry
from medtransfer.store.home import Home
from medtransfer.study.model import Series
from medtransfer.work import inputs
from medtransfer.work.models import STARTER

NO_MODEL = "It has no model yet: teach one, or import one."


@dataclass(frozen=True)
class ModelChoice:
    """One version of a model. ``bundle`` is None, and ``problem`` says why, when it cannot be opened."""

    reference: str
    bundle: ModelBundle | None
    problem: str = ""


@dataclass(frozen=True)
class Choice:
    """One plug-in, its models from the newest to the starter, and the ``reason`` against it, empty when it fits."""

    plugin: str
    name: str
    manifest: Manifest | None
    models: tuple[ModelChoice, ...]
    reason: str

    @property
    def fits(self) -> bool:
        """Whether the plug-in can analyse the series now."""
        return not self.reason


def choices(home: Home, series: Series) -> list[Choice]:
    """Return every plug-in, those that fit the series first."""
    stored = registry.list_models(home)
    entries = catalogue.find(home.root)
    found = [_choice(entry, series, [model for model in stored if model.plugin == entry.id]) for entry in entries]
    return sorted(found, key=lambda choice: (not choice.fits, choice.name.casefold()))


def _choice(entry: PluginEntry, series: Series, stored: list[registry.StoredModel]) -> Choice:
    manifest = entry.manifest
    if manifest is None:
        return Choice(entry.id, entry.id, None, (), f"It cannot be used: {entry.reason}.")
    latest_first = sorted(stored, key=lambda model: (model.created, model.version), reverse=True)
    versions = [_open(model.reference, model.folder) for model in latest_first]
    if manifest.starter:
        versions.append(_open(STARTER, entry.folder / manifest.starter))
    return Choice(entry.id, manifest.name, manifest, tuple(versions), _reason(entry, manifest, series, versions))


def _open(reference: str, folder: Path) -> ModelChoice:
    try:
        return ModelChoice(reference, ModelBundle.open(folder))
    except MedTransferError as error:
        return ModelChoice(reference, None, error.message)


def _reason(entry: PluginEntry, manifest: Manifest, series: Series, versions: list[ModelChoice]) -> str:
    if entry.reason:
        return f"It cannot be used: {entry.reason}."
    if not entry.enabled:
        return "It is switched off; switch it on under Plug-ins."
    if not manifest.can.analyse:
        return "It does not analyse."
    against = inputs.reason_against(series, manifest.input)
    if against:
        return f"{against[0].upper()}{against[1:].removesuffix('.')}."
    return _reason_against_models(versions)


def _reason_against_models(versions: list[ModelChoice]) -> str:
    if not versions:
        return NO_MODEL
    if all(version.bundle is None for version in versions):
        return f"None of its models can be opened: {versions[0].problem}."
    return ""
