"""Where a training starts: weights of the catalogue, an encoder that was pretrained here, or a model trained before."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from torch import nn

from medtransfer.contract.bundle import BundleLabel, ModelBundle, Preprocessing, WeightsOrigin, file_sha256
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.contract.weights import RANDOM, CatalogueEntry, PictureEntry, WeightFit, catalogue, catalogue_entry
from medtransfer.errors import EnvironmentFailure, UserError
from medtransfer.transfer import backbones, bundles, fit_report, trio_files, weights
from medtransfer.transfer.masked_origin import FromEncoder


class Origin(Protocol):
    """A source of untuned networks."""

    backbone: str
    preprocessing: Preprocessing
    described: list[WeightsOrigin]
    parent: str

    def network(self, label: str, dropout: float, drop_path: float = 0.0) -> nn.Module:
        """Return a fresh network with one output for a label, filled with the untuned weights."""

    def shared_network(self, dropout: float, drop_path: float = 0.0) -> nn.Module:
        """Return a network as :meth:`network` does for a label that is not known: what the labels of a trio share."""

    def known(self, label: str) -> BundleLabel | None:
        """Return the label as the origin already answers it, or None: then its last layer starts afresh."""

    def fit(self) -> WeightFit | None:
        """Return how the weights fit the network, where that was not certain from the start."""


class FromCatalogue:
    """Pretrained weights of the catalogue, or random ones for the name :data:`RANDOM`."""

    parent = ""

    def __init__(self, recipe: Recipe, backbone: str, weights_name: str, crop: str, ctx: Context) -> None:
        self.backbone = backbone
        self._entry: CatalogueEntry | None = None
        self._file: Path | None = None
        mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
        if weights_name != RANDOM:
            entry = catalogue_entry(weights_name)
            if not isinstance(entry, PictureEntry) or entry.architecture != backbone:
                raise _for_another_backbone(entry, backbone)
            self._entry = entry
            self._file = on_this_machine(entry, ctx)
            mean, std = entry.mean, entry.std
        self.preprocessing = Preprocessing(size=recipe.input_size, mean=mean, std=std, crop=crop)
        self.described = [described(self._entry, self._file)] if self._entry and self._file else []
        self._fit: WeightFit | None = None

    def network(self, label: str, dropout: float, drop_path: float = 0.0) -> nn.Module:  # noqa: ARG002 - as Origin has it
        """Return the pretrained network with a new last layer."""
        network = backbones.create(self.backbone, outputs=1, dropout=dropout, drop_path=drop_path)
        if self._entry and self._file:
            tensors = weights.load(self._file)
            new = backbones.new_layers(network, tensors)
            self._fit = fit_report.apply(network, tensors, self._entry.expected_share, allow_new=new)
        backbones.set_input_size(network, self.preprocessing.size)
        return network

    def shared_network(self, dropout: float, drop_path: float = 0.0) -> nn.Module:
        """Return the pretrained network with a new last layer."""
        return self.network("", dropout, drop_path)

    def known(self, label: str) -> BundleLabel | None:  # noqa: ARG002 - as Origin has it
        """Return None: the weights were made for another task."""
        return None

    def fit(self) -> WeightFit | None:
        """Return the report of the last network made."""
        return self._fit


class FromModel:
    """A model bundle: its labels go on from where they are, new labels start from its first network."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self._bundle = ModelBundle.open(folder)
        self._bundle.verify()
        card = self._bundle.card
        if recipe.backbone not in {"", card.backbone}:
            raise UserError(
                f"the model to start from is a {card.backbone!r}, not a {recipe.backbone!r}",
                code="model.backbone",
                hint="Leave the recipe's backbone out, or start from the pretrained weights instead of a model.",
            )
        self.backbone, self.preprocessing = card.backbone, card.for_pictures
        self.described, self.parent = list(card.weights), self._bundle.sha256

    def network(self, label: str, dropout: float, drop_path: float = 0.0) -> nn.Module:
        """Return the model's network for the label, or its first one."""
        network = backbones.create(self.backbone, outputs=1, dropout=dropout, drop_path=drop_path)
        backbones.set_input_size(network, self.preprocessing.size)
        bundles.load_label(network, self._bundle, self._source(label))
        return network

    def shared_network(self, dropout: float, drop_path: float = 0.0) -> nn.Module:
        """Return the network that learnt disease in general, where the model is a trio, else its first one."""
        if trio_files.DISEASE not in self._bundle.card.files:
            return self.network("", dropout, drop_path)
        network = backbones.create(self.backbone, outputs=1, dropout=dropout, drop_path=drop_path)
        backbones.set_input_size(network, self.preprocessing.size)
        bundles.load_network(network, self._bundle, trio_files.DISEASE)
        return network

    def known(self, label: str) -> BundleLabel | None:
        """Return the label as the model answers it; None for a trio, whose answer is not its first network's."""
        if self._bundle.card.for_answers.ensemble == "trio":
            return None
        return next((own for own in self._bundle.card.labels if own.id == label), None)

    def fit(self) -> WeightFit | None:
        """Return None: a bundle fits its own network entirely or is refused."""
        return None

    def _source(self, label: str) -> BundleLabel:
        own = [one for one in self._bundle.card.labels if one.file]  # those added to a trio have no network
        return next((one for one in own if one.id == label), own[0])


def choose(
    request: LearnRequest, backbone: str, weights_name: str, crop: str, ctx: Context
) -> FromCatalogue | FromModel | FromEncoder:
    """Return the origin that a request asks for; the recipe's own backbone and weights come before the plug-in's."""
    if request.parent:
        folder = Path(request.parent)
        pretrained = ModelBundle.open(folder).card.task == "pretraining"
        return FromEncoder(folder, request.recipe) if pretrained else FromModel(folder, request.recipe)
    recipe = request.recipe
    return FromCatalogue(recipe, recipe.backbone or backbone, recipe.weights or weights_name, crop, ctx)


def _for_another_backbone(entry: CatalogueEntry, backbone: str) -> UserError:
    others = [other.name for other in catalogue() if other.architecture == backbone]
    return UserError(
        f"the weights {entry.name!r} belong to the network {entry.architecture!r}, not to {backbone!r}",
        code="weights.backbone",
        hint=f"Set `weights` as well: to {' or '.join([*others, repr(RANDOM)])} (random ones).",
    )


def on_this_machine(entry: CatalogueEntry, ctx: Context) -> Path:
    """Return the file of weights that the worker was given.

    Raises
    ------
    EnvironmentFailure
        ``weights.absent`` when it was given none.
    """
    if entry.name not in ctx.weights:
        raise EnvironmentFailure(
            f"the weights {entry.name!r} are not on this machine",
            code="weights.absent",
            hint=f"Get {entry.file} from {entry.source} and run `medtransfer model import FILE`.",
        )
    return ctx.weights[entry.name]


def described(entry: CatalogueEntry, file: Path) -> WeightsOrigin:
    """Return what a model's card says of weights."""
    return WeightsOrigin(
        name=entry.name,
        sha256=file_sha256(file),
        licence=entry.licence,
        source=entry.source,
        trained_on=entry.trained_on,
    )
