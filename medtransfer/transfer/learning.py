"""Learning a classifier: independent detectors, one per label, from labelled pictures to a model bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from medtransfer.cohort.model import Case, Cohort, Partition
from medtransfer.contract.bundle import ModelBundle, Preprocessing
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.errors import DataError
from medtransfer.inference import sanity
from medtransfer.transfer import bundles, familiarity, fit, origin, probe, weights
from medtransfer.transfer.augment import Augmentation
from medtransfer.transfer.blocks import Split
from medtransfer.transfer.compiling import compiled
from medtransfer.transfer.division import address, divide, familiar_features, last_layer, separated, start_from
from medtransfer.transfer.fit import LabelledKeys, LabelTask
from medtransfer.transfer.judgement import Cases, Judgement, LabelLogits, judge
from medtransfer.transfer.pictures import normalised
from medtransfer.transfer.prepared import FeatureFolder, Inputs, PictureFolder
from medtransfer.transfer.publication import Trained, label_file, publish, specified
from medtransfer.transfer.threads import algebra_in_one_thread

_PICTURES, FEATURES, LABELS = 0.08, 0.45, 0.94
"""Shares of the progress bar at which preparing pictures, computing features and training labels end."""


class Preparing(Protocol):
    """What is particular to a plug-in in learning: see :class:`medtransfer.sdk.ClassifierPlugin`."""

    backbone: str
    weights: str
    crop: str
    augmentation: Augmentation

    def open_case(self, case: Case, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """Open and prepare one case: uint8 (size, size, 3)."""


@dataclass(frozen=True, eq=False)
class LabelOutcome:
    """What training one label left behind."""

    label: str
    logits: LabelLogits
    facts: dict[str, Any]


class Learning:
    """One training from request to bundle."""

    def __init__(
        self,
        plugin: Preparing,
        cohort: Cohort,
        split: Mapping[str, Partition],
        request: LearnRequest,
        ctx: Context,
    ) -> None:
        torch.set_num_threads(ctx.threads)
        self._plugin, self._cohort, self._request, self._ctx = plugin, cohort, request, ctx
        self._recipe, self._device = request.recipe, torch.device(ctx.device)
        self._cases: dict[Partition, list[Case]] = {"train": [], "validation": [], "test": []}
        for case in cohort.cases:
            self._cases[split[case.key]].append(case)
        self._frozen_features: dict[str, FeatureFolder] = {}
        self._labelled = {label: _labelled(self._cases, label) for label in request.labels}
        self._origin = origin.choose(request, plugin.backbone, plugin.weights, plugin.crop, ctx)
        self._preprocessing = self._origin.preprocessing
        self._pictures = PictureFolder.within(
            ctx.cache,
            {"plugin": ctx.manifest.id, "version": ctx.manifest.version},
            lambda case: plugin.open_case(case, self._preprocessing),
            self._preprocessing,
            plugin.augmentation.at(self._recipe.augmentation),
        )

    def run(self) -> ModelBundle:
        """Train every label, judge the result on the test partition and write the bundle."""
        with algebra_in_one_thread():
            return self._run()

    def _run(self) -> ModelBundle:
        self._pictures.fill(self._cohort.cases, self._teller("preparing pictures", 0.0, _PICTURES))
        outcomes = [self._label(index, label) for index, label in enumerate(self._request.labels)]
        self._ctx.progress(LABELS, "judging the model on the test cases")
        judgement = self._judged(outcomes)
        facts = {outcome.label: outcome.facts for outcome in outcomes}
        files = self._files()
        trained = Trained(self._request, self._cohort, self._cases, self._origin, judgement, files, facts)
        return publish(trained, self._ctx.manifest, self._ctx.output)

    def _judged(self, outcomes: Sequence[LabelOutcome]) -> Judgement:
        return judge(
            {label: specified(label, self._cohort, self._ctx.manifest).name for label in self._request.labels},
            {outcome.label: outcome.logits for outcome in outcomes},
            self._cases,
            self._recipe,
            {label: known for label in self._request.labels if (known := self._origin.known(label))},
        )

    def _files(self) -> dict[str, dict[str, Tensor]]:
        """Return the tensors of the model's files, as they lie beside the checkpoints."""
        names = [*map(label_file, self._request.labels), bundles.REFERENCE]
        if (self._ctx.checkpoints / bundles.TRUNK).exists():
            names.append(bundles.TRUNK)
        return {name: weights.load(self._ctx.checkpoints / name) for name in names}

    def _label(self, index: int, label: str) -> LabelOutcome:
        """Train one label's detector, or read it if an earlier run had finished it."""
        file = self._ctx.checkpoints / label_file(label)
        facts = file.with_suffix(".json")
        if not facts.exists():
            outcome = self._train_label(index, label, file)
            partial = facts.with_name(f"{facts.name}.partial")
            partial.write_text(json.dumps(outcome), encoding="utf-8")
            partial.replace(facts)
        known = json.loads(facts.read_text(encoding="utf-8"))
        return LabelOutcome(label, LabelLogits(**known["logits"]), known["facts"])

    def _train_label(self, index: int, label: str, file: Path) -> dict[str, Any]:
        """Train one label's detector, store its tensors, and return its logits and how it went."""
        ctx, recipe = self._ctx, self._recipe
        torch.manual_seed(recipe.seed)
        network = self._origin.network(label, recipe.dropout, recipe.drop_path).to(self._device)
        bundles.rounded(network)
        split = divide(network, recipe)
        if index == 0:
            self._log_fit()
        inputs = self._inputs(network, split, recipe)
        keys = [case.key for case in self._cohort.cases]
        train = self._labelled[label]["train"]
        self._begin(label, network, split.upper, inputs, train)
        untuned = fit.predict(split.upper, inputs, keys, self._device)
        task = LabelTask(
            label,
            network,
            split.upper,
            inputs,
            train,
            self._labelled[label]["validation"],
            recipe,
            pretrained=self._pretrained,
        )
        tell = self._epochs(label, self._label_share(index), recipe)
        progress = fit.fit(task, file.with_suffix(".checkpoint"), ctx, tell)
        bundles.rounded(network)
        logits = {"untuned": untuned, "tuned": fit.predict(split.upper, inputs, keys, self._device)}
        self._store(index, network, split.upper, file)
        if index == 0:
            self._describe(network, inputs)
        return {
            "logits": {name: dict(zip(keys, values.tolist(), strict=True)) for name, values in logits.items()},
            "facts": {
                "epochs": progress.epoch,
                "best_epoch": progress.best_epoch,
                "history": progress.history,
                "weight_randomisation": self._sanity(network),
            },
        }

    @property
    def _pretrained(self) -> bool:
        return bool(self._origin.described or self._origin.parent)

    def _label_share(self, index: int) -> tuple[float, float]:
        """Return where a label's part of the progress bar begins and ends."""
        begin = self._labels_begin()
        share = (LABELS - begin) / len(self._request.labels)
        return begin + index * share, begin + (index + 1) * share

    def _labels_begin(self) -> float:
        """Return where the labels' part of the progress bar begins."""
        return FEATURES

    def _epochs(self, line: str, bar: tuple[float, float], recipe: Recipe) -> Callable[[fit.Progress], None]:
        """Return what tells of each epoch of a training, which has that part of the progress bar."""

        def tell(progress: fit.Progress) -> None:
            values = {name: value for name, value in progress.history[-1].items() if name != "score"}
            stage = f"{line}: epoch {progress.epoch} of at most {recipe.epochs}"
            self._ctx.progress(within(bar, progress.epoch / recipe.epochs), stage, **values)

        return tell

    def _log_fit(self) -> None:
        """Tell how the weights fit the network, where that was not certain from the start."""
        if report := self._origin.fit():
            for line in report.lines():
                self._ctx.log("info", line)

    def _store(self, index: int, network: nn.Module, upper: nn.Module, file: Path) -> None:
        """Store the first label's frozen part as the trunk, and for each label what is not in it.

        A parent's labels may differ below this recipe's cut, when more of them was tuned: they keep their own tensors.
        """
        frozen, own = map(bundles.stored, separated(network, upper))
        path = self._ctx.checkpoints / bundles.TRUNK
        if index == 0 and frozen:
            save(path, frozen)
        trunk = weights.load(path) if path.exists() else {}
        own.update({name: value for name, value in frozen.items() if not torch.equal(value, trunk[name])})
        save(file, own)

    def _inputs(self, network: nn.Module, split: Split, recipe: Recipe) -> Inputs:
        """Return the pictures, or what the frozen lower part makes of them: labels with the same one share it."""
        if recipe.tune == "all":
            return self._pictures
        frozen = address(separated(network, split.upper)[0])
        if frozen not in self._frozen_features:
            self._frozen_features[frozen] = self._computed(frozen, split.lower, recipe)
        return self._frozen_features[frozen]

    def _computed(self, frozen: str, lower: nn.Module, recipe: Recipe) -> FeatureFolder:
        """Return the frozen part's answers to all pictures, computed where they are not cached yet."""
        ctx = self._ctx
        run, runtime_name = compiled(lower, self._preprocessing.size, ctx)
        settings = {
            "network": self._origin.backbone,
            "frozen": frozen,
            "tune": recipe.tune,
            "share": recipe.frozen_share,
            "runtime": runtime_name,
            "device": ctx.device,
        }
        features = FeatureFolder.within(ctx.cache, settings, self._pictures, run)
        train = [case.key for case in self._cases["train"]]
        others = [case.key for case in self._cases["validation"] + self._cases["test"]]
        middle = _PICTURES + (FEATURES - _PICTURES) * 0.2
        features.fill(others, 1, self._teller("running the frozen part of the network", _PICTURES, middle))
        features.fill(
            train, self._recipe.views, self._teller("running the frozen part of the network", middle, FEATURES)
        )
        return features

    def _begin(self, label: str, network: nn.Module, upper: nn.Module, inputs: Inputs, train: LabelledKeys) -> None:
        """Give the last layer its start: what the origin knows of the label, or else a regression on its features."""
        if self._origin.known(label) is None:
            self._probe(network, upper, inputs, train)

    def _probe(self, network: nn.Module, upper: nn.Module, inputs: Inputs, train: LabelledKeys) -> None:
        """Set the last layer to a regression on what it reads."""
        features = features_of(network, upper, inputs, train.keys, self._device)
        fitted = probe.fit(features, train.truth, self._patients(train.keys), self._recipe.seed)
        start_from(network, torch.from_numpy(fitted.weight), fitted.bias)

    def _patients(self, keys: Sequence[str]) -> NDArray[np.int64]:
        """Return the number of each case's patient."""
        numbers = {patient: n for n, patient in enumerate(dict.fromkeys(c.patient for c in self._cohort.cases))}
        patient_of = {case.key: numbers[case.patient] for case in self._cohort.cases}
        return np.array([patient_of[key] for key in keys], dtype=np.int64)

    def _describe(self, network: nn.Module, inputs: Inputs) -> None:
        """Store what familiar pictures look like in feature space."""

        def of(cases: Sequence[Case]) -> NDArray[np.float32]:
            found = []
            with torch.inference_mode():
                for case in cases:
                    batch = inputs.batch([case.key], 0).to(self._device)
                    found.append(familiar_features(network, batch, self._recipe).cpu().numpy())
            return np.concatenate(found) if found else np.empty((0, 1), dtype=np.float32)

        reference = familiarity.describe(of(self._cases["train"]), of(self._cases["validation"]))
        save(self._ctx.checkpoints / bundles.REFERENCE, reference.tensors())

    def _sanity(self, network: nn.Module) -> dict[str, Any]:
        """Return how much the heat maps depend on what was learned, from a few validation pictures."""
        keys = [case.key for case in self._cases["validation"][:4]]
        batch = normalised(self._pictures.unit(keys), self._preprocessing).to(self._device)
        return sanity.weight_randomisation(network.eval(), batch, [0], seed=self._recipe.seed).model_dump(mode="json")

    def _teller(self, stage: str, begin: float, end: float) -> Callable[[float], None]:
        def tell(share: float) -> None:
            self._ctx.check()
            self._ctx.progress(within((begin, end), share), stage)

        return tell


def within(bar: tuple[float, float], share: float) -> float:
    """Return where a part of the progress bar stands of which that share is done."""
    begin, end = bar
    return begin + (end - begin) * share


def _labelled(cases: Cases, label: str) -> dict[Partition, LabelledKeys]:
    """Return the cases of each partition whose answer is known, or say why they are not enough to learn from."""
    found: dict[Partition, LabelledKeys] = {}
    for partition, members in cases.items():
        known = [(case.key, value) for case in members if (value := case.labels.get(label)) is not None]
        found[partition] = LabelledKeys([key for key, _ in known], np.array([value for _, value in known], np.float64))
        if not known:
            raise DataError(
                f"the answer of {label!r} is known for no {partition} case",
                code="learn.no-cases",
                hint="Add cases of more patients whose answer is known, or leave this label out (`--label`).",
            )
    if np.unique(found["train"].truth).size < 2:
        raise DataError(
            f"the training cases of {label!r} are all of one class",
            code="learn.one-class",
            hint="Add cases of the other class, or leave this label out (`--label`).",
        )
    return found


def features_of(
    network: nn.Module, upper: nn.Module, inputs: Inputs, keys: Sequence[str], device: torch.device
) -> NDArray[np.float32]:
    """Return what the network's last layer reads for these cases as they are, (n, d)."""
    caught: list[Tensor] = []

    def catch(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        caught.append(given[0].detach())

    hook = last_layer(network).register_forward_pre_hook(catch)
    try:
        fit.predict(upper, inputs, keys, device)
    finally:
        hook.remove()
    return torch.cat(caught).float().cpu().numpy()


def save(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors, complete or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    save_file(tensors, partial)
    partial.replace(path)
