"""Where a training starts that follows a pretraining: the encoder, and everything behind it new."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from medtransfer.contract.bundle import BundleLabel, ModelBundle, WeightsOrigin
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.weights import WeightFit
from medtransfer.errors import UserError
from medtransfer.transfer import backbones, bundles, fit_report, weights


class FromEncoder:
    """A pretrained encoder. Pictures of another size than its own have their position embedding interpolated.

    Raises
    ------
    UserError
        ``model.backbone`` when the recipe asks for another network.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self._bundle = ModelBundle.open(folder)
        self._bundle.verify()
        card = self._bundle.card
        if recipe.backbone not in {"", card.backbone}:
            raise UserError(
                f"the pretrained network is a {card.backbone!r}, not a {recipe.backbone!r}",
                code="model.backbone",
                hint="Leave the recipe's backbone out, or pretrain the other network.",
            )
        self._own_size = card.for_pictures.size
        self.backbone, self.parent = card.backbone, self._bundle.sha256
        self.preprocessing = card.for_pictures.model_copy(update={"size": recipe.input_size})
        trained_on = f"{card.data.train} pictures without answers"
        self.described = [
            WeightsOrigin(name=card.name, sha256=self.parent, licence="", source="pretraining", trained_on=trained_on)
        ]
        self._fit: WeightFit | None = None

    def network(self, label: str, dropout: float, drop_path: float = 0.0) -> nn.Module:  # noqa: ARG002 - as Origin has it
        """Return the network with the encoder's weights, its last normalisation and last layer new."""
        network = backbones.create(self.backbone, outputs=1, dropout=dropout, drop_path=drop_path)
        backbones.set_input_size(network, self._own_size)
        tensors = {name: value.float() for name, value in weights.load(self._bundle.folder / bundles.ENCODER).items()}
        new = backbones.new_layers(network, tensors)
        self._fit = fit_report.apply(network, tensors, expected_share=1.0, allow_new=new)
        backbones.set_input_size(network, self.preprocessing.size)
        return network

    def shared_network(self, dropout: float, drop_path: float = 0.0) -> nn.Module:
        """Return the network as for any label."""
        return self.network("", dropout, drop_path)

    def known(self, label: str) -> BundleLabel | None:  # noqa: ARG002 - as Origin has it
        """Return None: an encoder knows no findings."""
        return None

    def fit(self) -> WeightFit | None:
        """Return the report of the last network made."""
        return self._fit
