"""A classifier bundle made ready to answer: its networks, its fast form, its calibration."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.contract.bundle import BundleLabel, ModelBundle
from medtransfer.contract.explainers import NAMES, Explainer
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.verbs import Context
from medtransfer.inference.machine import Runtime
from medtransfer.inference.maps import Maps
from medtransfer.inference.runtime import CompiledNetwork
from medtransfer.result.model import Contribution, SimilarCase
from medtransfer.transfer import backbones, bundles, calibration, weights
from medtransfer.transfer.compiling import compiled
from medtransfer.transfer.division import divide, familiar_features, separated
from medtransfer.transfer.explaining import map_of
from medtransfer.transfer.familiarity import Reference


class Joint(nn.Module):
    """All labels' networks as one: a lower part that several share runs once.

    Returns the labels' logits followed by the features that tell familiar pictures, (n, labels + features).
    """

    def __init__(self, networks: Sequence[nn.Module], recipe: Recipe) -> None:
        super().__init__()
        self._recipe = recipe
        self._first = (networks[0],)
        splits = [divide(network, recipe) for network in networks]
        self.uppers = nn.ModuleList(split.upper for split in splits)
        trunks = [separated(network, split.upper)[0] for network, split in zip(networks, splits, strict=True)]
        firsts = [next(other for other in range(len(trunks)) if _equal(trunks[other], trunk)) for trunk in trunks]
        self.lowers = nn.ModuleDict({str(first): splits[first].lower for first in sorted(set(firsts))})
        self._lower_of = [str(first) for first in firsts]

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised pictures (n, 3, y, x) to logits and features."""
        maps = {name: lower(x) for name, lower in self.lowers.items()}
        logits = [upper(maps[name]) for upper, name in zip(self.uppers, self._lower_of, strict=True)]
        return torch.cat([*logits, familiar_features(self._first[0], maps["0"], self._recipe)], dim=1)


@dataclass(frozen=True, eq=False)
class Details:
    """How one label's answer came about, and small pictures (uint8, (side, side, 3)) of similar cases by their keys."""

    contributions: tuple[Contribution, ...]
    similar: tuple[SimilarCase, ...]
    pictures: Mapping[str, NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Explained:
    """A map of the pictures given, and how it was made, in words. ``part`` is the component whose map it is."""

    cam: Maps
    method: str = NAMES["gradcam"]
    part: str = ""


@dataclass(frozen=True, eq=False)
class Answerer:
    """A bundle in memory."""

    labels: Sequence[BundleLabel]
    networks: Mapping[str, nn.Module]
    run: CompiledNetwork
    reference: Reference | None
    runtime_name: Runtime

    @classmethod
    def load(cls, bundle: ModelBundle, ctx: Context) -> Answerer:
        """Load a bundle's networks and compile them for this machine.

        Raises
        ------
        DataError
            When a file of the bundle is missing or does not fit.
        UserError
            When the bundle was only pretrained.
        """
        bundle.verify()
        card = bundle.card
        recipe = card.for_answers
        torch.set_num_threads(ctx.threads)
        networks = detectors(bundle)
        joint = Joint(list(networks.values()), recipe).eval().requires_grad_(requires_grad=False)
        run, runtime_name = compiled(joint, card.for_pictures.size, ctx)
        for network in networks.values():
            network.to(ctx.device)
        stored = weights.load(bundle.folder / bundles.REFERENCE) if bundles.REFERENCE in card.files else None
        return cls(card.labels, networks, run, Reference.of(stored) if stored else None, runtime_name)

    def answer(self, batch: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
        """Return calibrated probabilities and logits, both (n, labels), and features (n, d) of normalised pictures."""
        outputs = self.run(batch).double().numpy()
        logits, features = np.split(outputs, [len(self.labels)], axis=1)
        columns = [calibration.apply(label.calibration, logits[:, i]) for i, label in enumerate(self.labels)]
        return np.stack(columns, axis=1), logits, features.astype(np.float32)

    def probabilities(self, labels: Sequence[str], batch: Tensor) -> Tensor:
        """Return the calibrated probabilities of some labels, float64 (n, len(labels))."""
        columns = [index for wanted in labels for index, label in enumerate(self.labels) if label.id == wanted]
        return torch.from_numpy(self.answer(batch)[0][:, columns])

    def explain(self, label: str, batch: Tensor, explainer: Explainer = "gradcam") -> Sequence[Explained]:
        """Return the map of one label's answer for normalised pictures (n, 3, y, x), and then those of its parts."""
        return [Explained(map_of(self.networks[label], batch, explainer), NAMES[explainer])]

    def details(self, batch: Tensor) -> Mapping[str, Details]:  # noqa: ARG002 - other answerers look at it
        """Return how each label's answer for one picture came about: nothing, where one network gives it."""
        return {}


def detectors(bundle: ModelBundle) -> dict[str, nn.Module]:
    """Return the network of every label. What one has in common with the first, both hold together."""
    found: dict[str, nn.Module] = {}
    blank = backbones.create(bundle.card.backbone, outputs=1)
    backbones.set_input_size(blank, bundle.card.for_pictures.size)
    for label in bundle.card.labels:
        network = copy.deepcopy(blank)
        bundles.load_label(network, bundle, label)
        if found:
            bundles.share(network, next(iter(found.values())))
        found[label.id] = network
    return found


def loaded(bundle: ModelBundle, *files: str) -> nn.Module:
    """Return a network of the bundle with the tensors of its trunk and of these files."""
    network = backbones.create(bundle.card.backbone, outputs=1)
    backbones.set_input_size(network, bundle.card.for_pictures.size)
    bundles.load_network(network, bundle, *files)
    return network


def _equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())
