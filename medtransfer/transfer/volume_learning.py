"""Learning to segment: one network for all structures, from volumes with masks to a model bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from medtransfer import memory
from medtransfer.cohort.model import Case, Cohort, Partition
from medtransfer.contract.bundle import NETWORK, BundleCard, BundleLabel, ModelBundle
from medtransfer.contract.evaluation import Evaluation
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.requests import LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.errors import EnvironmentFailure
from medtransfer.inference.machine import RuntimeChoice
from medtransfer.inference.sliding import Segmenter
from medtransfer.result.composing import colour
from medtransfer.result.model import Record
from medtransfer.transfer import bundles, volume_judging, volume_memory, volume_origin
from medtransfer.transfer.fit import Progress
from medtransfer.transfer.publication import data_statement, specified, versions
from medtransfer.transfer.segmentation_metrics import StructureScore, scores
from medtransfer.transfer.segmenter import SegmenterPlugin
from medtransfer.transfer.volume_augment import VolumeAugmentation, may_mirror
from medtransfer.transfer.volume_cases import Taught, VolumeFolder, open_case
from medtransfer.transfer.volume_fit import PatchTooLarge, VolumeTask, fit
from medtransfer.transfer.volume_judging import JudgedCase
from medtransfer.transfer.volume_planning import smaller
from medtransfer.transfer.volume_settling import settle
from medtransfer.transfer.volume_survey import survey
from medtransfer.transfer.volumes import prepare

_PLANNED, _PREPARED, _TRAINED = 0.03, 0.1, 0.94
"""Shares of the progress bar at which the plan is made, volumes are prepared and training ends."""
_SETTLED = "settled.json"
_CHECKPOINT = "network.checkpoint"
_FRESH = "the network before training, its weights random"
_PRETRAINED = "the network as it came, unchanged; structures that it did not know get random answers"


LabelMap = NDArray[np.unsignedinteger]


class _Beginning(Record):
    """What was settled before the first step and holds when the training is resumed: the card so far, and the batch."""

    card: BundleCard
    batch: int


class VolumeLearning:
    """One training from request to bundle."""

    def __init__(
        self,
        plugin: SegmenterPlugin,
        cohort: Cohort,
        split: Mapping[str, Partition],
        request: LearnRequest,
        ctx: Context,
    ) -> None:
        torch.set_num_threads(ctx.threads)
        self._plugin, self._cohort, self._request, self._ctx = plugin, cohort, request, ctx
        self._recipe = request.recipe
        self._cases: dict[Partition, list[Case]] = {"train": [], "validation": [], "test": []}
        for case in cohort.cases:
            self._cases[split[case.key]].append(case)
        numbers = {structure.id: structure.value for structure in cohort.structures}
        outputs = {numbers[label]: output for output, label in enumerate(request.labels, start=1)}
        self._taught = Taught(cohort.structures, outputs)
        self._channels = 1 + len(cohort.cases[0].further)
        self._origin = volume_origin.choose(request, plugin.backbone, ctx)
        self._origin.require_channels(self._channels)
        self._choice = RuntimeChoice(device=ctx.device, runtime="torch", precision="fp32")

    def run(self) -> ModelBundle:
        """Plan, train, judge the result on the test partition and write the bundle."""
        with volume_memory.explained(_too_short()):
            return self._run()

    def _run(self) -> ModelBundle:
        beginning = self._beginning()
        plan = beginning.card.for_volumes
        folder = VolumeFolder.within(self._ctx.cache, plan, self._taught, self._plugin.modalities)
        folder.fill([*self._cases["train"], *self._cases["validation"]], self._teller(_PLANNED, _PREPARED))
        trained = self._trained_if_memory_holds_patches(beginning, folder)
        while trained is None:
            memory.release()
            beginning = self._with_smaller_patches(beginning)
            trained = self._trained_if_memory_holds_patches(beginning, folder)
        network, progress = trained
        bundles.rounded(network)
        finished = {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "evaluation": self._judged(network, beginning.card),
            "extra": {"training": _course(progress)},
        }
        tensors = {NETWORK: bundles.stored(network.state_dict())}
        return bundles.write(self._ctx.output, beginning.card.model_copy(update=finished), tensors)

    def _trained_if_memory_holds_patches(
        self, beginning: _Beginning, folder: VolumeFolder
    ) -> tuple[nn.Module, Progress] | None:
        """Return the trained network and its course, or None where patches must be smaller.

        Raises
        ------
        PatchTooLarge
            When they cannot be.
        """
        plan = beginning.card.for_volumes
        network = self._network(beginning.card)
        task = VolumeTask(
            network,
            self._plugin.head,
            [folder.volume(case) for case in self._cases["train"]],
            lambda trained: self._validated(trained, folder, plan),
            plan.patch,
            VolumeAugmentation(
                self._recipe.augmentation, mirror=may_mirror(self._request.labels), channels=self._channels
            ),
            self._recipe.changed({"batch_size": beginning.batch}),
        )
        try:
            return network, fit(task, self._ctx.checkpoints / _CHECKPOINT, self._ctx, self._tell)
        except PatchTooLarge:
            if smaller(plan.patch, plan.pools) is None:
                raise
            return None

    def _with_smaller_patches(self, beginning: _Beginning) -> _Beginning:
        """Return, and settle, what holds from here on: the training goes on from its last epoch."""
        plan = beginning.card.for_volumes
        patch = smaller(plan.patch, plan.pools) or plan.patch
        own, before = (" x ".join(map(str, sides)) for sides in (patch, plan.patch))
        note = f"Went on with patches of {own} voxels in place of {before}: memory ran out."
        self._ctx.log("warning", note)
        update = {"preprocessing": plan.model_copy(update={"patch": patch}), "notes": [*beginning.card.notes, note]}
        return self._settled(_Beginning(card=beginning.card.model_copy(update=update), batch=beginning.batch))

    def _beginning(self) -> _Beginning:
        """Return what was settled: now, or before the interruption."""
        file = self._ctx.checkpoints / _SETTLED
        if not file.exists():
            self._settled(self._settle())
        return _Beginning.model_validate_json(file.read_bytes())

    def _settled(self, beginning: _Beginning) -> _Beginning:
        """Write down what an interrupted training is to find."""
        file = self._ctx.checkpoints / _SETTLED
        partial = file.with_name(f"{file.name}.partial")
        partial.write_text(beginning.model_dump_json(), encoding="utf-8")
        partial.replace(file)
        return beginning

    def _settle(self) -> _Beginning:
        tell = self._teller(0.0, _PLANNED, "looking at the volumes")
        looked = survey(self._cases["train"], self._taught, self._recipe.seed, tell)
        settled = settle(
            looked.facts,
            self._recipe,
            self._origin.kept,
            lambda plan: self._plugin.network(self._card(plan, (), ())),
            volume_memory.free(torch.device(self._ctx.device)),
            ct=looked.ct[0],
            further_ct=looked.ct[1:],
        )
        notes = [*settled.notes, *looked.against(self._origin.kept)]
        for note in notes:
            self._ctx.log("warning", note)
        advice = self._plugin.advice(self._request.labels, len(self._cohort.cases), ct=all(looked.ct))
        for line in advice:
            self._ctx.log("info", line)
            self._ctx.progress(_PLANNED, line)
        card = self._card(settled.plan, looked.modalities, [*notes, *advice])
        return _Beginning(card=card, batch=settled.batch)

    def _card(self, plan: VolumePlan, modalities: Sequence[str], notes: Sequence[str]) -> BundleCard:
        """Return the card of the model that is to be, without what only its training will show."""
        manifest, request = self._ctx.manifest, self._request
        return BundleCard(
            name=request.name,
            plugin=manifest.id,
            plugin_version=manifest.version,
            created="",
            task="segmentation",
            labels=[self._label(label, output) for output, label in enumerate(request.labels, start=1)],
            backbone=self._origin.backbone,
            preprocessing=plan,
            modalities=list(modalities),
            recipe=request.recipe,
            weights=self._origin.described,
            data=data_statement(self._cohort, self._cases),
            versions=versions(manifest),
            seed=request.recipe.seed,
            parent=self._origin.parent,
            notes=list(notes),
        )

    def _label(self, label: str, output: int) -> BundleLabel:
        specification = specified(label, self._cohort, self._ctx.manifest)
        shown = [case.labels.get(label) for case in self._cases["train"]]
        return BundleLabel(
            **specification.model_dump(),
            value=output,
            colour=colour(output),
            positives=shown.count(1),
            negatives=shown.count(0),
        )

    def _network(self, card: BundleCard) -> nn.Module:
        """Return the untuned network, the same each time."""
        torch.manual_seed(self._recipe.seed)
        network = self._plugin.network(card)
        report = self._origin.fill(network, self._plugin.head, self._request.labels, self._recipe.stem)
        for line in report.lines() if report else ():
            self._ctx.log("info", line)
        return network

    def _validated(self, network: nn.Module, folder: VolumeFolder, plan: VolumePlan) -> float:
        """Return the mean Dice over the structures of the validation volumes, on the network's grid."""
        segmenter = Segmenter(network, self._channels, plan.patch, self._choice)
        found = []
        for case in self._cases["validation"]:
            volume = folder.volume(case)
            labels = self._segmented(segmenter, np.asarray(volume.values))
            compared = _overlaps(labels, np.asarray(volume.classes), len(self._request.labels))
            found += [dice for dice in compared if dice is not None]
        return float(np.mean(found)) if found else 0.0

    def _judged(self, network: nn.Module, card: BundleCard) -> Evaluation:
        """Judge the network on the test cases, each on its own grid, beside what it started from."""
        untuned = self._network(card)
        bundles.rounded(untuned)
        networks = [
            Segmenter(one.eval(), self._channels, card.for_volumes.patch, self._choice) for one in (network, untuned)
        ]
        judged = []
        tell = self._teller(_TRAINED, 1.0, "judging the model on the test cases")
        for done, case in enumerate(self._cases["test"], start=1):
            judged.append(self._judge(case, networks, card))
            tell(done / len(self._cases["test"]))
        names = {label.id: label.name for label in card.labels}
        start = _PRETRAINED if self._origin.tensors else _FRESH
        return volume_judging.evaluate(names, judged, start, count=self._recipe.bootstrap, seed=self._recipe.seed)

    def _judge(self, case: Case, networks: Sequence[Segmenter], card: BundleCard) -> JudgedCase:
        opened = open_case(case, self._taught)
        prepared = prepare(opened.image, card.for_volumes, self._plugin.modalities)
        tuned, untuned = (
            self._scores(
                prepared.frame.to_original(self._segmented(one, prepared.values)),
                opened.classes,
                opened.image.spacing or (),
            )
            for one in networks
        )
        return JudgedCase(case.patient, tuned, untuned)

    def _segmented(self, segmenter: Segmenter, values: NDArray[np.float32]) -> LabelMap:
        return segmenter.labels(values, on_tile=self._on_tile, on_parts=self._on_parts)

    def _scores(self, found: LabelMap, reference: LabelMap, spacing: Sequence[float]) -> Mapping[str, StructureScore]:
        outputs = {label: output for output, label in enumerate(self._request.labels, start=1)}
        compared = scores(found, reference, list(outputs.values()), spacing)
        return {label: compared[output] for label, output in outputs.items()}

    def _tell(self, progress: Progress) -> None:
        values = {name: value for name, value in progress.history[-1].items() if name != "score"}
        share = progress.epoch / self._recipe.epochs
        stage = f"epoch {progress.epoch} of at most {self._recipe.epochs}"
        self._ctx.progress(_PREPARED + (_TRAINED - _PREPARED) * share, stage, **values)

    def _on_tile(self, done: int, of: int) -> None:  # noqa: ARG002 - as the segmenter tells it
        self._ctx.check()

    def _on_parts(self, parts: int) -> None:
        self._ctx.log("warning", f"memory is short: segmenting in {parts} parts, one after the other")

    def _teller(self, begin: float, end: float, stage: str = "preparing volumes") -> Callable[[float], None]:
        def tell(share: float) -> None:
            self._ctx.check()
            self._ctx.progress(begin + (end - begin) * share, stage)

        return tell


def _too_short() -> EnvironmentFailure:
    return EnvironmentFailure(
        "the memory does not suffice for this training",
        code="training.memory",
        hint="Close other programs and start the same training again: it goes on from its last epoch.",
    )


def _overlaps(found: LabelMap, reference: LabelMap, structures: int) -> list[float | None]:
    """Return the Dice of each structure, None for one that is in neither map."""
    size = structures + 1
    together = np.bincount(found.ravel().astype(np.int64) * size + reference.ravel(), minlength=size * size)
    counts = together.reshape(size, size)
    both, own, theirs = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    return [
        float(2 * both[output] / (own[output] + theirs[output])) if own[output] + theirs[output] else None
        for output in range(1, size)
    ]


def _course(progress: Progress) -> dict[str, Any]:
    """Return how the training went, as it is stored."""
    return {"epochs": progress.epoch, "best_epoch": progress.best_epoch, "history": progress.history}
