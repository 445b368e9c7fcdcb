"""Learning a trio per label: two networks and a Siamese one, each trained anew per fold, and the vote on what they say.

What labels share is learnt once: pictures and maps of the frozen part, and for each fold a network that learns to see
any disease at all before anything else; or all findings together, where the recipe has them share the trunk.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.cohort.model import Cohort, Partition
from medtransfer.contract import trio_recipe
from medtransfer.contract.evaluation import Evaluation
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.transfer import (
    ablation,
    backbones,
    bundles,
    fit,
    folds,
    probe,
    siamese,
    support,
    trio,
    trio_files,
    trio_stage,
    weights,
)
from medtransfer.transfer.division import address, divide
from medtransfer.transfer.fit import LabelledKeys, LabelTask
from medtransfer.transfer.folds import Fold
from medtransfer.transfer.judgement import Judgement, truth_of
from medtransfer.transfer.learning import FEATURES, LABELS, LabelOutcome, Learning, Preparing, features_of, save, within
from medtransfer.transfer.siamese import Siamese, Space
from medtransfer.transfer.trio_parts import Features, FeatureTable, LastLayer, Network, filled, rows_of, unlike
from medtransfer.transfer.voting import Cases as VotedCases

FloatArray = NDArray[np.float64]

WHOLE = "whole"
"""Name of the fold that holds nothing out: what goes into the model."""
_SHARED = "what all findings share"
_OWN, _LAST_LAYERS = 2.0, 0.1
"""Time that a label takes, in that of what all labels share: with two networks of its own, or two last layers only."""


@dataclass(frozen=True, eq=False)
class _Components:
    """What was trained for one label on some cases. ``features`` are those that C reads, by case key."""

    a: Network | LastLayer
    b: Network | LastLayer
    c: Siamese
    features: Features

    def numbers(self, keys: Sequence[str]) -> FloatArray:
        """Return what the components say of these cases, (n, 3)."""
        return trio.numbers_of(self.a.logits(keys), self.b.logits(keys), self.c.likeness(rows_of(self.features, keys)))


@dataclass(frozen=True, eq=False)
class _Stage:
    """What labels share on a fold: the tensors that were tuned for all of them, and what C starts from."""

    tensors: Mapping[str, Tensor]
    features: Features
    space: Space


class TrioLearning(Learning):
    """One training from request to bundle, with a trio per label."""

    def __init__(
        self,
        plugin: Preparing,
        cohort: Cohort,
        split: Mapping[str, Partition],
        request: LearnRequest,
        ctx: Context,
    ) -> None:
        super().__init__(plugin, cohort, split, request, ctx)
        self._recipe = trio_recipe.label_recipe(request.recipe)
        self._stage = trio_recipe.stage_recipe(request.recipe)
        self._stages: dict[str, _Stage] = {}
        self._untuned_features: dict[str, Features] = {}

    @functools.cached_property
    def _keys(self) -> list[str]:
        return [case.key for case in self._cohort.cases]

    @functools.cached_property
    def _folds(self) -> list[Fold]:
        """The folds of the training cases, the same for all labels."""
        cases = self._cases["train"]
        truth = np.stack([truth_of(cases, label) for label in self._request.labels], axis=1)
        patients = self._patients([case.key for case in cases])
        return folds.shared(truth, patients, self._recipe.folds, self._recipe.seed)

    @functools.cached_property
    def _all_folds(self) -> list[str]:
        return [WHOLE, *map(str, range(len(self._folds)))]

    def _train_label(self, index: int, label: str, file: Path) -> dict[str, Any]:
        self._share(index, label)
        begun = time.monotonic()
        train = self._labelled[label]["train"]
        self._tell(index, label, "all training cases", 0.0)
        whole = self._components(label, WHOLE, train)
        answering_a, first = whole.a.kept(lambda: self._fresh(label, self._recipe))
        answering_b, second = whole.b.kept(lambda: self._staged(WHOLE))
        out_of_fold = self._out_of_fold(index, label, train)
        learnt = trio.learn(whole.c, out_of_fold, self._recipe.vote, self._recipe.seed)
        numbers = _Components(answering_a, answering_b, whole.c, whole.features).numbers(self._keys)
        self._store(index, first.network, first.split.upper, file)
        self._store_trio(label, second.network, learnt)
        if index == 0:
            self._describe(first.network, first.inputs)
        logits = {"untuned": self._untuned(label, answering_a, train), "tuned": learnt.logits(numbers)}
        compared = {name: self._by_key(learnt.logits(numbers, name)) for name in learnt.combinations}
        return {
            "logits": {name: self._by_key(values) for name, values in logits.items()},
            "facts": {
                "answered_by": learnt.answers,
                "support": list(train.keys),
                "out_of_fold_cases": int(out_of_fold.truth.size),
                "shared_learnt": self._disease_known(WHOLE),
                "compared": compared,
                "weight_randomisation": self._sanity(first.network),
                "seconds": time.monotonic() - begun,
            },
        }

    def _share(self, index: int, label: str) -> None:
        """Compute what labels share, so that a label's time is its own."""
        if index == 0:
            self._log_fit()
        for fold in self._all_folds:
            self._disease(fold)
        if self._recipe.tune == "head":
            self._features(label)

    def _components(self, label: str, fold: str, train: LabelledKeys) -> _Components:
        """Train the three components of a label on some cases."""
        stage = self._disease(fold)
        a: Network | LastLayer
        b: Network | LastLayer
        if self._recipe.tune == "head":
            a, b = (self._last_layer(read, train) for read in (self._features(label), stage.features))
        else:
            a = self._tuned(label, "a", fold, self._fresh(label, self._recipe), train)
            b = self._tuned(label, "b", fold, self._staged(fold), train)
        examples = siamese.Examples(
            rows_of(stage.features, train.keys),
            train.truth > 0.5,
            self._patients(train.keys),
            np.array([key in self._diseased for key in train.keys]),
        )
        return _Components(a, b, siamese.fit(examples, stage.space, self._recipe.seed), stage.features)

    def _fresh(self, label: str, recipe: Recipe) -> Network:
        """Return a label's untuned network: the same one whenever asked, also where it starts from chance."""
        torch.manual_seed(self._recipe.seed)
        network = self._origin.network(label, recipe.dropout, recipe.drop_path)
        if recipe.tune != "head":
            return self._divided(network, recipe)
        bundles.rounded(network)
        split = divide(network.to(self._device), recipe)
        return Network(network, split, FeatureTable(self._features(label)), self._device)

    def _staged(self, fold: str) -> Network:
        """Return a network with what all labels share of a fold."""
        part = self._divided(self._general(), self._stage)
        filled(part.network, self._disease(fold).tensors)
        return part

    def _general(self) -> nn.Module:
        """Return the network that learns what all labels share, before it does."""
        torch.manual_seed(self._recipe.seed)
        return self._origin.shared_network(self._stage.dropout, self._stage.drop_path)

    def _divided(self, network: nn.Module, recipe: Recipe) -> Network:
        bundles.rounded(network)
        split = divide(network.to(self._device), recipe)
        return Network(network, split, self._inputs(network, split, recipe), self._device)

    def _tuned(self, label: str, which: str, fold: str, part: Network, train: LabelledKeys) -> Network:
        self._probe(part.network, part.split.upper, part.inputs, train)
        validation = self._labelled[label]["validation"]
        both = self._piece(self._label_share(self._request.labels.index(label)), fold)
        middle = within(both, 0.5)
        line, bar = (label, (both[0], middle)) if which == "a" else (f"{label}, from all", (middle, both[1]))
        told = self._told(line, bar, fold, self._recipe)
        self._fit(f"{label}-{which}-{fold}", self._task(label, part, train, validation, self._recipe), told)
        return part

    def _last_layer(self, features: Features, train: LabelledKeys) -> LastLayer:
        rows, patients = rows_of(features, train.keys), self._patients(train.keys)
        return LastLayer(features, probe.fit(rows, train.truth, patients, self._recipe.seed))

    def _features(self, label: str) -> Features:
        """Return the features that the last layer of a label's untuned network reads, of all cases.

        They are made of the maps that the network reads which learns any disease: nothing else has to be computed.
        """
        part = self._fresh(label, self._stage)
        last = tuple(f"{name}." for name in backbones.head_names(part.network))
        state = part.network.state_dict()
        below = address({name: value for name, value in state.items() if not name.startswith(last)})
        if below not in self._untuned_features:
            found = features_of(part.network, part.split.upper, part.inputs, self._keys, self._device)
            self._untuned_features[below] = dict(zip(self._keys, found, strict=True))
        return self._untuned_features[below]

    def _task(
        self, label: str, part: Network, train: LabelledKeys, validation: LabelledKeys, recipe: Recipe
    ) -> LabelTask:
        return LabelTask(
            label, part.network, part.split.upper, part.inputs, train, validation, recipe, self._pretrained
        )

    def _fit(self, name: str, task: LabelTask, told: Callable[[fit.Progress], None]) -> None:
        fit.fit(task, self._ctx.checkpoints / f"{name}.checkpoint", self._ctx, told)

    def _told(self, line: str, bar: tuple[float, float], fold: str, recipe: Recipe) -> Callable[[fit.Progress], None]:
        """Return what tells of a training on a fold; only of what goes into the model are figures told."""
        if fold == WHOLE:
            return self._epochs(line, bar, recipe)

        def tell(progress: fit.Progress) -> None:
            without = f"part {int(fold) + 1} of {len(self._folds)} left out"
            stage = f"{line}, {without}: epoch {progress.epoch} of at most {recipe.epochs}"
            self._ctx.progress(within(bar, progress.epoch / recipe.epochs), stage)

        return tell

    def _piece(self, bar: tuple[float, float], fold: str) -> tuple[float, float]:
        """Return a fold's part of a part of the progress bar."""
        number, count = self._all_folds.index(fold), len(self._all_folds)
        return within(bar, number / count), within(bar, (number + 1) / count)

    def _labels_begin(self) -> float:
        """Return where on the progress bar everything is learnt that labels share."""
        cost = _LAST_LAYERS if self._recipe.tune == "head" else _OWN
        return within((FEATURES, LABELS), 1.0 / (1.0 + cost * len(self._request.labels)))

    def _out_of_fold(self, index: int, label: str, train: LabelledKeys) -> VotedCases:
        """Return what components say of training cases of patients whom they have not seen."""
        place = {key: position for position, key in enumerate(train.keys)}
        own = [case.key for case in self._cases["train"]]
        known = [
            Fold(*(np.array([place[own[i]] for i in part if own[i] in place], dtype=np.int64) for part in sides))
            for sides in ((fold.train, fold.held) for fold in self._folds)
        ]
        used = {number: fold for number, fold in enumerate(known) if fold.held.size}
        if any(np.unique(train.truth[fold.train]).size < 2 for fold in used.values()):
            return VotedCases(np.empty((0, len(trio.COMPONENTS))), np.empty(0), np.empty(0, dtype=np.int64))

        def answer(number: int) -> FloatArray:
            fold = used[number]
            self._tell(index, label, f"part {number + 1} of {len(known)}", (number + 1) / (len(known) + 1))
            some = LabelledKeys([train.keys[i] for i in fold.train], train.truth[fold.train])
            return self._components(label, str(number), some).numbers([train.keys[i] for i in fold.held])

        number_of = {id(fold): number for number, fold in used.items()}
        patients = self._patients(train.keys)
        said = folds.out_of_fold(list(used.values()), patients, lambda fold: answer(number_of[id(fold)]))
        return VotedCases(said, train.truth, patients)

    def _untuned(self, label: str, a: Network | LastLayer, train: LabelledKeys) -> FloatArray:
        """Return what a last layer on the untuned network says of all cases; that is A where nothing else is tuned."""
        if isinstance(a, LastLayer):
            return a.logits(self._keys)
        part = self._fresh(label, self._recipe)
        self._probe(part.network, part.split.upper, part.inputs, train)
        return part.logits(self._keys)

    def _by_key(self, values: FloatArray) -> dict[str, float]:
        return dict(zip(self._keys, values.tolist(), strict=True))

    @functools.cached_property
    def _diseased(self) -> set[str]:
        """The keys of cases with any disease."""
        known = trio_stage.any_disease(self._cohort.cases, self._cohort.labels)
        return {key for key, value in zip(known.keys, known.truth, strict=True) if value == 1}

    def _disease(self, fold: str) -> _Stage:
        """Return what all labels share of a fold, with its features of all cases."""
        if fold not in self._stages:
            part = self._divided(self._general(), self._stage)
            file = self._ctx.checkpoints / f"disease-{fold}.safetensors"
            if self._disease_known(fold) and not file.exists():
                self._learn_disease(fold, file)
            learnt = weights.load(file) if file.exists() else {}
            filled(part.network, learnt)
            found = features_of(part.network, part.split.upper, part.inputs, self._keys, self._device)
            features = dict(zip(self._keys, found, strict=True))
            space = Space.around(rows_of(features, self._train_keys(fold)))
            self._stages[fold] = _Stage(learnt, features, space)
        return self._stages[fold]

    def _learn_disease(self, fold: str, file: Path) -> None:
        """Tune a network with an output for each label, or one for any disease, and store it without these outputs."""
        train, validation = self._taught(self._train_keys(fold)), self._taught(self._validation_keys())
        network = self._general()
        trio_stage.with_outputs(network, trio_stage.outputs_of(train))
        part = self._divided(network, self._stage)
        rows = features_of(network, part.split.upper, part.inputs, train.keys, self._device)
        trio_stage.start(network, rows, train, self._patients(train.keys), self._recipe.seed)
        bar = self._piece((FEATURES, self._labels_begin()), fold)
        told = self._told(_SHARED, bar, fold, self._stage)
        self._fit(f"disease-{fold}", self._task(_SHARED, part, train, validation, self._stage), told)
        bundles.rounded(network)
        last = tuple(f"{name}." for name in backbones.head_names(network))
        learnt = {
            name: value
            for name, value in network.named_parameters()
            if value.requires_grad and not name.startswith(last)
        }
        save(file, bundles.stored(learnt))

    def _taught(self, keys: Sequence[str]) -> LabelledKeys:
        """Return what the network that labels share learns of these cases."""
        chosen = set(keys)
        cases = [case for case in self._cohort.cases if case.key in chosen]
        if self._recipe.tune == "head":
            return trio_stage.together_of(cases, self._request.labels)
        return trio_stage.any_disease(cases, self._cohort.labels)

    def _disease_known(self, fold: str) -> bool:
        """Say whether a fold has cases with and without something to see, and validation cases to choose by."""
        train = self._taught(self._train_keys(fold))
        return bool(trio_stage.has_both(train).any()) and bool(self._taught(self._validation_keys()).keys)

    def _train_keys(self, fold: str) -> list[str]:
        own = [case.key for case in self._cases["train"]]
        return own if fold == WHOLE else [own[i] for i in self._folds[int(fold)].train]

    def _validation_keys(self) -> list[str]:
        return [case.key for case in self._cases["validation"]]

    def _store_trio(self, label: str, second: nn.Module, learnt: trio.Trio) -> None:
        """Store B as far as it is not in what labels share, and C with the vote."""
        checkpoints = self._ctx.checkpoints
        shared = weights.load(checkpoints / bundles.TRUNK) if (checkpoints / bundles.TRUNK).exists() else {}
        stage = self._staged(WHOLE).network
        if not (checkpoints / trio_files.DISEASE).exists():
            save(checkpoints / trio_files.DISEASE, unlike(stage, shared))
            save(checkpoints / trio_files.SPACE, self._disease(WHOLE).space.tensors())
        shared.update(weights.load(checkpoints / trio_files.DISEASE))
        save(checkpoints / trio_files.second_file(label), unlike(second, shared))
        save(checkpoints / trio_files.trio_file(label), learnt.tensors())

    def _files(self) -> dict[str, dict[str, Tensor]]:
        files = super()._files()
        own = [(trio_files.second_file(label), trio_files.trio_file(label)) for label in self._request.labels]
        for name in (trio_files.DISEASE, trio_files.SPACE, *itertools.chain(*own)):
            files[name] = weights.load(self._ctx.checkpoints / name)
        if self._recipe.keep_pictures:
            for label in self._request.labels:
                train = self._labelled[label]["train"]
                files[support.pictures_file(label)] = support.pictures(train, self._pictures)
        return files

    def _judged(self, outcomes: Sequence[LabelOutcome]) -> Judgement:
        """Judge as any training is judged, and compare the components on the same test cases."""
        judgement = super()._judged(outcomes)
        compared = {outcome.label: outcome.facts.pop("compared") for outcome in outcomes}
        answers = {outcome.label: outcome.facts["answered_by"] for outcome in outcomes}
        rows = ablation.compare(compared, answers, self._cases["test"], self._recipe)
        evaluation: Evaluation = judgement.evaluation.model_copy(update={"ablation": rows})
        return Judgement(evaluation, judgement.operating)

    def _tell(self, index: int, label: str, stage: str, share: float) -> None:
        self._ctx.check()
        self._ctx.progress(within(self._label_share(index), share), f"{label}: {stage}")
