"""A bundle that is a trio, made ready to answer, to explain, and to name the confirmed cases most alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.contract import trio_recipe
from medtransfer.contract.bundle import BundleLabel, ModelBundle
from medtransfer.contract.explainers import NAMES, Explainer
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.verbs import Context
from medtransfer.result.model import Contribution, SimilarCase
from medtransfer.transfer import backbones, bundles, calibration, support, trio, trio_files, weights
from medtransfer.transfer.answering import Answerer, Details, Explained, Joint, loaded
from medtransfer.transfer.compiling import compiled
from medtransfer.transfer.division import pre_logits
from medtransfer.transfer.explaining import map_of
from medtransfer.transfer.familiarity import Reference
from medtransfer.transfer.siamese import Siamese
from medtransfer.transfer.support import Pictures
from medtransfer.transfer.trio import Trio

SIMILAR = 3
"""Confirmed cases named for a finding."""
_NAMES = {
    "A": "A: network for this finding alone",
    "B": "B: network that learnt from all findings first",
    "C": "C: nearest confirmed cases",
}
_OF_A = "of the network for this finding alone"
_OF_B = "of the network that learnt from all findings first"
_OF_C = "of the likeness to confirmed cases"
_OF_BOTH = "mean of both networks"


class JointTrio(nn.Module):
    """All networks of a trio as one.

    Returns A's logits, B's logits, the features that C reads, and those that tell familiar pictures.
    """

    def __init__(
        self, first: Sequence[nn.Module], second: Sequence[nn.Module], disease: nn.Module, recipe: Recipe
    ) -> None:
        super().__init__()
        self._labels = len(first)
        self.first, self.second = Joint(first, recipe), Joint(second, recipe)
        self.disease = Joint([disease], recipe.changed({"tune": "head"}))

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised pictures (n, 3, y, x) to what is named above, side by side."""
        first, second = self.first(x), self.second(x)
        count = self._labels
        return torch.cat([first[:, :count], second[:, :count], self.disease(x)[:, 1:], first[:, count:]], dim=1)


class Likeness(nn.Module):
    """How much nearer pictures are to the mean positive case than to the mean negative one: what C goes by."""

    mean: Tensor
    spread: Tensor
    projection: Tensor
    positive: Tensor
    negative: Tensor

    def __init__(self, network: nn.Module, siamese: Siamese) -> None:
        super().__init__()
        self.network = network
        means = [siamese.support[siamese.positive == value].mean(axis=0) for value in (True, False)]
        arrays = (siamese.mean, siamese.spread, siamese.projection, *means)
        for name, values in zip(("mean", "spread", "projection", "positive", "negative"), arrays, strict=True):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(values)).to(_device(network)))

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised pictures (n, 3, y, x) to the distance to the negative mean less that to the positive, (n, 1).

        It is that of :meth:`Siamese.likeness`.
        """
        standard = (pre_logits(self.network, x) - self.mean) / self.spread
        embedded = nn.functional.normalize(standard @ self.projection, dim=1)
        to_positive, to_negative = (torch.cdist(embedded, mean[None]) for mean in (self.positive, self.negative))
        return to_negative - to_positive


@dataclass(frozen=True, eq=False)
class TrioAnswerer(Answerer):
    """A trio in memory. ``networks`` are A's, ``second`` B's; ``support`` names the cases that C compares with.

    Labels that were added later have neither of the two networks: C answers them.

    ``disease`` is the network whose features, ``features`` of them, C reads.
    """

    second: Mapping[str, nn.Module]
    trios: Mapping[str, Trio]
    support: Mapping[str, Sequence[str]]
    pictures: Pictures
    disease: nn.Module
    features: int

    @classmethod
    def load(cls, bundle: ModelBundle, ctx: Context) -> TrioAnswerer:
        """Load a bundle's networks and compile them for this machine; errors are those of :meth:`Answerer.load`."""
        bundle.verify()
        card = bundle.card
        recipe = trio_recipe.label_recipe(card.for_answers)
        torch.set_num_threads(ctx.threads)
        stage = trio_files.DISEASE
        own = [label for label in card.labels if label.file]
        first = {label.id: loaded(bundle, label.file) for label in own}
        second = {label.id: loaded(bundle, stage, trio_files.second_file(label.id)) for label in own}
        disease = loaded(bundle, stage)
        trios = {label.id: Trio.of(bundles.tensors_of(bundle, trio_files.trio_file(label.id))) for label in card.labels}
        joint = JointTrio(list(first.values()), list(second.values()), disease, recipe)
        run, runtime_name = compiled(joint.eval().requires_grad_(requires_grad=False), card.for_pictures.size, ctx)
        for network in (*first.values(), *second.values(), disease):
            network.to(ctx.device)
        kept = [name for label in card.labels if (name := support.pictures_file(label.id)) in card.files]
        reference = weights.load(bundle.folder / bundles.REFERENCE) if bundles.REFERENCE in card.files else None
        return cls(
            labels=card.labels,
            networks=first,
            run=run,
            reference=Reference.of(reference) if reference else None,
            runtime_name=runtime_name,
            second=second,
            trios=trios,
            support={label: facts["support"] for label, facts in card.extra["training"].items()},
            pictures=Pictures.of(bundles.tensors_of(bundle, name) for name in kept),
            disease=disease,
            features=backbones.feature_dimension(disease),
        )

    def answer(self, batch: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
        """Return calibrated probabilities and logits, both (n, labels), and features (n, d) of normalised pictures."""
        numbers, _, familiar = self._said(batch)
        logits = np.stack([self.trios[label.id].logits(numbers[label.id]) for label in self.labels], axis=1)
        columns = [calibration.apply(label.calibration, logits[:, i]) for i, label in enumerate(self.labels)]
        return np.stack(columns, axis=1), logits, familiar

    def explain(self, label: str, batch: Tensor, explainer: Explainer = "gradcam") -> Sequence[Explained]:
        """Return the mean of the maps of A and B for normalised pictures (n, 3, y, x), and these maps.

        Where one of them is empty, the other one's map stands for the answer. Where C answers alone, the only map is
        C's: A and B have no part in the answer.
        """
        if self.trios[label].answers == "C":
            likeness = Likeness(self.disease, self.trios[label].siamese)
            return [Explained(map_of(likeness, batch, explainer), f"{NAMES[explainer]} {_OF_C}")]
        parts = (
            Explained(map_of(self.networks[label], batch, explainer), f"{NAMES[explainer]} {_OF_A}", "a"),
            Explained(map_of(self.second[label], batch, explainer), f"{NAMES[explainer]} {_OF_B}", "b"),
        )
        return [_whole(*parts, explainer), *parts]

    def details(self, batch: Tensor) -> Mapping[str, Details]:
        """Return for one picture (1, 3, y, x) what each component and learner contributes, and what it is alike."""
        numbers, features, _ = self._said(batch)
        return {label.id: self._details(label, numbers[label.id], features) for label in self.labels}

    def _said(self, batch: Tensor) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float32], NDArray[np.float32]]:
        """Return the components' numbers (n, 3) by label, the features that C reads, and the familiar ones."""
        outputs, count = self.run(batch).double().numpy(), len(self.networks)
        a, b, features, familiar = np.split(outputs, [count, 2 * count, 2 * count + self.features], axis=1)
        read = features.astype(np.float32)
        silent = np.zeros(len(outputs))
        logits = {label: (a[:, i], b[:, i]) for i, label in enumerate(self.networks)}
        numbers = {
            label: trio.numbers_of(*logits.get(label, (silent, silent)), found.siamese.likeness(read))
            for label, found in self.trios.items()
        }
        return numbers, read, familiar.astype(np.float32)

    def _details(self, label: BundleLabel, numbers: NDArray[np.float64], features: NDArray[np.float32]) -> Details:
        found = self.trios[label.id]

        def calibrated(logits: NDArray[np.float64]) -> float:
            return float(calibration.apply(label.calibration, logits)[0])

        whole = calibrated(found.logits(numbers))
        parts = [
            Contribution(
                name=_NAMES[name], kind="component", contribution=whole - calibrated(found.without(numbers, name))
            )
            for name in found.answers.split("+")
        ]
        learners = []
        for name, said in found.learners(numbers).items():
            others = found.without_learner(numbers, name)
            adds = None if others is None else whole - calibrated(others)
            title = name.replace("-", " ").capitalize()
            learners.append(Contribution(name=title, kind="learner", contribution=adds, probability=float(said[0])))
        near = found.siamese.nearest(features, SIMILAR)
        keys = [self.support[label.id][position] for position, _ in near]
        similar = [SimilarCase(case=key, distance=distance) for key, (_, distance) in zip(keys, near, strict=True)]
        return Details((*parts, *learners), tuple(similar), self.pictures.of_cases(keys))


def _whole(first: Explained, second: Explained, explainer: Explainer = "gradcam") -> Explained:
    """Return the mean of two maps, or the one that has something to show."""
    for one, other in ((first, second), (second, first)):
        if one.cam.empty[0, 0]:
            return replace(other, part="")
    maps = (first.cam.maps + second.cam.maps) / 2.0
    scaled = maps / np.maximum(maps.max(axis=(-2, -1), keepdims=True), 1e-12)
    return Explained(
        replace(first.cam, maps=scaled, raw=(first.cam.raw + second.cam.raw) / 2.0), f"{NAMES[explainer]}, {_OF_BOTH}"
    )


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
