"""The files of a model that is a trio, and how its networks are divided: what learning and answering agree on."""

from __future__ import annotations

from medtransfer.contract.recipe import Recipe

DISEASE = "disease.safetensors"
"""The file with what the network that learnt any disease does not share with the trunk."""
SPACE = "space.safetensors"
"""The file with what Siamese components start from: see :class:`medtransfer.transfer.siamese.Space`."""
_EPOCHS, _FROZEN = 4, 0.85
"""Epochs of that network, and its share that stays frozen, where the recipe itself trains last layers only."""


def second_file(label: str) -> str:
    """Return the name of the file with component B's tensors that are in neither of the shared files."""
    return f"second-{label}.safetensors"


def trio_file(label: str) -> str:
    """Return the name of the file with the Siamese component and the learners."""
    return f"trio-{label}.safetensors"


def label_recipe(recipe: Recipe) -> Recipe:
    """Return how each label's own networks are tuned: last layers only, where all labels share the trunk."""
    return recipe.changed({"tune": "head"}) if recipe.trunk == "shared" else recipe


def stage_recipe(recipe: Recipe) -> Recipe:
    """Return how the network that learns any disease, and B after it, is tuned: at least its last stages."""
    if recipe.tune != "head":
        return recipe
    return recipe.changed({"tune": "last-stages", "frozen_share": _FROZEN, "epochs": min(recipe.epochs, _EPOCHS)})
