"""Every model that can be used here: what was published, and the starters that plug-ins bring."""

from __future__ import annotations

from dataclasses import dataclass

from medtransfer.contract.bundle import ModelBundle
from medtransfer.errors import MedTransferError
from medtransfer.hosting import catalogue
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.store import models as registry
from medtransfer.store.home import Home
from medtransfer.work.models import STARTER


@dataclass(frozen=True)
class ShelfModel:
    """One version of a model.

    ``reference`` asks for it within its plug-in, ``key`` among all models. ``bundle`` is None, and ``problem`` says
    why, when it cannot be opened. ``published`` is empty for a starter.
    """

    reference: str
    plugin: str
    plugin_name: str
    bundle: ModelBundle | None
    published: str
    problem: str = ""

    @property
    def is_starter(self) -> bool:
        """Whether it came with its plug-in."""
        return self.reference == STARTER

    @property
    def key(self) -> str:
        """What tells it from all others: starters share their reference."""
        return f"{STARTER}:{self.plugin}" if self.is_starter else self.reference


def all_models(home: Home) -> list[ShelfModel]:
    """Return the published models, the latest first, and then the starters."""
    entries = catalogue.find(home.root)
    names = {entry.id: entry.manifest.name for entry in entries if entry.manifest is not None}
    stored = sorted(registry.list_models(home), key=lambda model: (model.created, model.version), reverse=True)
    published = [_published(model, names.get(model.plugin, model.plugin)) for model in stored]
    return [
        *published,
        *(_starter(entry) for entry in entries if entry.manifest is not None and entry.manifest.starter),
    ]


def _published(model: registry.StoredModel, plugin_name: str) -> ShelfModel:
    try:
        return ShelfModel(model.reference, model.plugin, plugin_name, model.open(), model.created)
    except MedTransferError as error:
        return ShelfModel(model.reference, model.plugin, plugin_name, None, model.created, error.message)


def _starter(entry: PluginEntry) -> ShelfModel:
    name = entry.manifest.name if entry.manifest else entry.id
    starter = entry.manifest.starter if entry.manifest else ""
    try:
        return ShelfModel(STARTER, entry.id, name, ModelBundle.open(entry.folder / starter), "")
    except MedTransferError as error:
        return ShelfModel(STARTER, entry.id, name, None, "", error.message)
