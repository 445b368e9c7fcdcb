"""What a pretraining leaves in its folder, or a plug-in brings along, for a training to start from."""

from __future__ import annotations

from pathlib import Path

from medtransfer.contract.bundle import CARD, ModelBundle
from medtransfer.contract.recipe import Recipe
from medtransfer.errors import UserError
from medtransfer.hosting.catalogue import PluginEntry

OUTCOME = "pretrain.json"
MODEL = "model"


def encoder_in(folder: Path, entry: PluginEntry) -> ModelBundle | None:
    """Return the encoder that a pretraining left in its folder; None when the folder is none of a pretraining.

    Raises
    ------
    UserError
        ``model.other-plugin`` when another plug-in made it.
    DataError
        When it is damaged.
    """
    if not (folder / OUTCOME).is_file() or not (folder / MODEL / CARD).is_file():
        return None
    bundle = ModelBundle.open(folder / MODEL)
    if bundle.card.plugin != entry.id:
        raise UserError(
            f"the encoder belongs to the plug-in {bundle.card.plugin}",
            code="model.other-plugin",
            hint="Choose that plug-in with --plugin, or another encoder.",
        )
    bundle.verify()
    return bundle


def shipped(entry: PluginEntry, recipe: Recipe) -> ModelBundle | None:
    """Return the encoder that comes with a plug-in; None when it has none, or the recipe asks for something else.

    Raises
    ------
    DataError
        When it is damaged.
    """
    if entry.manifest is None or not entry.manifest.encoder or recipe.weights:
        return None
    bundle = ModelBundle.open(entry.folder / entry.manifest.encoder)
    if recipe.backbone not in {"", bundle.card.backbone}:
        return None
    bundle.verify()
    return bundle
