"""Where the training of a network for volumes starts: a model, weights of the catalogue, or random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from medtransfer.contract.bundle import NETWORK, ModelBundle, WeightsOrigin
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.recipe import Stem
from medtransfer.contract.requests import LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.contract.weights import RANDOM, VolumeEntry, WeightFit, catalogue_entry
from medtransfer.errors import UserError
from medtransfer.transfer import fit_report, weights
from medtransfer.transfer.origin import described, on_this_machine
from medtransfer.transfer.stem import repeated
from medtransfer.transfer.volume_planning import Kept


@dataclass(frozen=True, eq=False)
class VolumeOrigin:
    """The weights that a training starts from.

    Attributes
    ----------
    backbone
        Name of the network.
    tensors
        The weights by name; empty for random ones.
    known
        The output that each structure has in these weights, by the structure's id.
    kept
        What must stay as the weights were trained; None for random ones.
    described, parent
        For the card of the new model.
    """

    backbone: str
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    known: Mapping[str, int] = field(default_factory=dict)
    kept: Kept | None = None
    described: list[WeightsOrigin] = field(default_factory=list)
    parent: str = ""

    def require_channels(self, channels: int) -> None:
        """Refuse cases of so many volumes if the weights take another number, and not just one.

        Raises
        ------
        UserError
            ``weights.channels``.
        """
        own = 1 if self.kept is None else 1 + len(self.kept.further)
        if own not in {1, channels}:
            raise UserError(
                f"the model to start from takes {own} volumes of a case, and these cases have {channels}",
                code="weights.channels",
                hint="Start from a model of one volume, or give the table as many columns image, image_2, ...",
            )

    def fill(self, network: nn.Module, head: str, structures: Sequence[str], stem: Stem) -> WeightFit | None:
        """Load the weights, and report how they fit; None where there are none.

        The layers that answer start afresh, but for the background and the structures that the weights know: those go
        on from where they are.

        Parameters
        ----------
        network
            The new network.
        head
            Name of the layers that answer.
        structures
            Ids in the order of the network's outputs, the background not counted.
        stem
            How weights for one volume fill a network for several.

        Raises
        ------
        DataError
            ``weights.other-architecture`` when the weights do not fill the rest of the network.
        """
        if not self.tensors:
            return None
        tensors, pairs = repeated(self.tensors, network, stem)
        report = fit_report.apply(network, tensors, expected_share=1.0, allow_new=[head])
        names = {pair.name for pair in pairs}
        loaded = [name for name in report.loaded if name not in names]
        report = report.model_copy(update={"loaded": loaded, "reshaped": [*report.reshaped, *pairs]})
        outputs = {0: 0} | {
            output: self.known[structure] for output, structure in enumerate(structures, 1) if structure in self.known
        }
        if self.known:
            self._go_on(network, report.new, outputs)
        return report

    def _go_on(self, network: nn.Module, names: Sequence[str], outputs: Mapping[int, int]) -> None:
        own = network.state_dict()
        new, old = list(outputs.keys()), list(outputs.values())
        with torch.no_grad():
            for name in names:
                own[name][new] = self.tensors[name][old].to(own[name].dtype)


def choose(request: LearnRequest, backbone: str, ctx: Context) -> VolumeOrigin:
    """Return the origin that a request asks for; ``backbone`` is the plug-in's, for random weights.

    Raises
    ------
    UserError
        ``weights.backbone`` when the recipe asks for weights of another network than its own.
    """
    if request.parent:
        return _from_model(ModelBundle.open(Path(request.parent)))
    recipe = request.recipe
    if recipe.weights in {"", RANDOM}:
        return VolumeOrigin(recipe.backbone or backbone)
    entry = catalogue_entry(recipe.weights)
    if not isinstance(entry, VolumeEntry) or recipe.backbone not in {"", entry.architecture}:
        raise UserError(
            f"the weights {entry.name!r} belong to the network {entry.architecture!r}",
            code="weights.backbone",
            hint="Leave the recipe's backbone out, or choose weights made for it.",
        )
    file = on_this_machine(entry, ctx)
    plan = entry.plan or weights.plan(file)
    return VolumeOrigin(entry.architecture, weights.load(file), {}, _kept(plan), [described(entry, file)])


def _from_model(bundle: ModelBundle) -> VolumeOrigin:
    bundle.verify()
    card = bundle.card
    return VolumeOrigin(
        card.backbone,
        {name: value.float() for name, value in weights.load(bundle.folder / NETWORK).items()},
        {label.id: label.value for label in card.labels},
        _kept(card.for_volumes),
        list(card.weights),
        bundle.sha256,
    )


def _kept(plan: VolumePlan) -> Kept:
    return Kept(plan.pools, plan.intensities, plan.further)
