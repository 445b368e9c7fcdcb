"""How the networks of a trio are tuned under a recipe: what planning, learning and answering agree on."""

from __future__ import annotations

from medtransfer.contract.recipe import Recipe

_EPOCHS, _FROZEN = 4, 0.85
"""Of the network that labels share, where the recipe itself trains last layers only: its epochs, and the share of
it that stays frozen."""


def label_recipe(recipe: Recipe) -> Recipe:
    """Return how each label's own networks are tuned: last layers only, where all labels share the trunk."""
    return recipe.changed({"tune": "head"}) if recipe.trunk == "shared" else recipe


def stage_recipe(recipe: Recipe) -> Recipe:
    """Return how the network that labels share, and B after it, is tuned: at least its last stages."""
    if recipe.tune != "head":
        return recipe
    return recipe.changed({"tune": "last-stages", "frozen_share": _FROZEN, "epochs": min(recipe.epochs, _EPOCHS)})
