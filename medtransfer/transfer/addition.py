"""Adding labels to a trio from a handful of pictures: what the model answers already stays as it is, byte for byte.

A new label has no networks of its own. The pictures' features, as the network of the model that learnt disease in
general gives them, are embedded by a Siamese component of the label's own, and the likeness to its cases is the answer.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medtransfer.cohort.model import Cohort
from medtransfer.contract.bundle import BundleCard, BundleLabel, ModelBundle
from medtransfer.contract.evaluation import Evaluation
from medtransfer.contract.requests import LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.errors import UserError
from medtransfer.transfer import bundles, folds, probe, siamese, support, trio, trio_files
from medtransfer.transfer.answering import loaded
from medtransfer.transfer.answers import Answers, EvaluationInput, LabelInput, ModelKind
from medtransfer.transfer.division import pre_logits
from medtransfer.transfer.evaluation import evaluate
from medtransfer.transfer.fit import LabelledKeys
from medtransfer.transfer.folds import Fold
from medtransfer.transfer.judgement import Operating, operate, truth_of
from medtransfer.transfer.learning import Preparing
from medtransfer.transfer.pictures import normalised
from medtransfer.transfer.prepared import PictureFolder
from medtransfer.transfer.publication import specified, versions
from medtransfer.transfer.siamese import Examples, Space
from medtransfer.transfer.threads import algebra_in_one_thread
from medtransfer.transfer.trio import Trio
from medtransfer.transfer.voting import Cases

_FEATURES = 0.8
"""Share of the progress bar at which the pictures' features are known."""

_PARTS = 10
"""Parts of the patients that are left out in turn, as far as there are as many patients with and without."""


class Addition:
    """One addition from request to bundle."""

    def __init__(self, plugin: Preparing, cohort: Cohort, request: LearnRequest, ctx: Context) -> None:
        torch.set_num_threads(ctx.threads)
        self._cohort, self._request, self._ctx = cohort, request, ctx
        self._parent = ModelBundle.open(Path(request.parent))
        self._parent.verify()
        _refuse_others(self._parent.card)
        preprocessing = self._parent.card.for_pictures
        self._pictures = PictureFolder.within(
            ctx.cache,
            {"plugin": ctx.manifest.id, "version": ctx.manifest.version},
            lambda case: plugin.open_case(case, preprocessing),
            preprocessing,
            plugin.augmentation.at("none"),
        )
        self._patients = np.unique([case.patient for case in cohort.cases], return_inverse=True)[1]
        self._diseased = np.array([1 in case.labels.values() for case in cohort.cases])

    def run(self) -> ModelBundle:
        """Learn every new label, and write the parent's bundle with them added."""
        features = self._features()
        with algebra_in_one_thread():
            learnt = {label: self._learn(label, features) for label in self._request.labels}
        for name in self._parent.card.files:
            shutil.copyfile(self._parent.folder / name, self._ctx.output / name)
        files = {trio_files.trio_file(label): found.tensors() for label, (found, _, _) in learnt.items()}
        if self._request.recipe.keep_pictures:
            for label in self._request.labels:
                files[support.pictures_file(label)] = support.pictures(self._labelled(label), self._pictures)
        card = self._parent.card
        added = [self._label(label, operating) for label, (_, operating, _) in learnt.items()]
        evaluations = [evaluation for _, _, evaluation in learnt.values()]
        final = card.model_copy(
            update={
                "name": self._request.name,
                "plugin_version": self._ctx.manifest.version,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "labels": [*card.labels, *added],
                "evaluation": _joined(card.evaluation, evaluations) if card.evaluation else None,
                "versions": versions(self._ctx.manifest),
                "parent": self._parent.sha256,
                "notes": [*card.notes, *map(self._note, added)],
                "extra": {**card.extra, "training": {**card.extra["training"], **self._facts()}},
            }
        )
        return bundles.write(self._ctx.output, final, files)

    def _features(self) -> NDArray[np.float32]:
        """Return what component C reads of the pictures, (n, d)."""
        cases, ctx = self._cohort.cases, self._ctx
        self._pictures.fill(cases, lambda share: ctx.progress(0.5 * _FEATURES * share, "preparing pictures"))
        network = loaded(self._parent, trio_files.DISEASE).to(ctx.device)
        found = []
        with torch.inference_mode():
            for number, case in enumerate(cases):
                ctx.check()
                ctx.progress(_FEATURES * (0.5 + 0.5 * number / len(cases)), "looking at the pictures")
                unit = normalised(self._pictures.unit([case.key]), self._parent.card.for_pictures)
                found.append(pre_logits(network, unit.to(ctx.device)).cpu().numpy())
        return np.concatenate(found)

    def _learn(self, label: str, features: NDArray[np.float32]) -> tuple[Trio, Operating, Evaluation]:
        """Learn a label, and judge it on each case by what had not seen the case's patient."""
        recipe, space = self._request.recipe, Space.of(bundles.tensors_of(self._parent, trio_files.SPACE))
        truth = truth_of(self._cohort.cases, label)
        known = np.flatnonzero(~np.isnan(truth))
        positive = truth[known] > 0.5
        given = Examples(features[known], positive, self._patients[known], self._diseased[known])

        def likeness(fold: Fold) -> NDArray[np.float64]:
            found = siamese.fit(given.some(fold.train), space, recipe.seed)
            return _alone(found).logits(_numbers(found, given.features[fold.held]))

        def regression(fold: Fold) -> NDArray[np.float64]:
            some = given.some(fold.train)
            fitted = probe.fit(some.features, some.positive.astype(np.float64), some.patients, recipe.seed)
            return fitted.logits(given.features[fold.held])

        parts = folds.grouped(truth[known], given.patients, recipe.seed, _PARTS)
        logits, untuned = (folds.out_of_fold(parts, given.patients, answer) for answer in (likeness, regression))
        operating = operate(logits, truth[known], recipe)
        answers: dict[ModelKind, Answers] = {
            "tuned": operating.answers(logits),
            "untuned": operate(untuned, truth[known], recipe).answers(untuned),
            "trivial": Answers.constant(float(positive.mean()), known.size),
        }
        judged = LabelInput(label, self._name(label), truth[known], answers)
        patients = [self._cohort.cases[number].patient for number in known]
        evaluation = evaluate(EvaluationInput([judged], patients), recipe.bootstrap, recipe.seed)
        return _alone(siamese.fit(given, space, recipe.seed)), operating, evaluation

    def _name(self, label: str) -> str:
        return specified(label, self._cohort, self._ctx.manifest).name

    def _label(self, label: str, operating: Operating) -> BundleLabel:
        truth = truth_of(self._cohort.cases, label)
        return BundleLabel(
            **specified(label, self._cohort, self._ctx.manifest).model_dump(),
            positives=int((truth == 1).sum()),
            negatives=int((truth == 0).sum()),
            threshold=operating.threshold,
            calibration=operating.calibration,
        )

    def _note(self, label: BundleLabel) -> str:
        return (
            f"{label.name} was added from {label.positives} cases with it and {label.negatives} without. Its figures "
            "come from leaving patients out in turn and not from a test set, and its probabilities suppose that it is "
            "as frequent as among these cases."
        )

    def _facts(self) -> dict[str, dict[str, Any]]:
        support_of = {label: self._labelled(label).keys for label in self._request.labels}
        return {label: {"answered_by": "C", "support": list(keys), "added": True} for label, keys in support_of.items()}

    def _labelled(self, label: str) -> LabelledKeys:
        known = [(case.key, value) for case in self._cohort.cases if (value := case.labels[label]) is not None]
        return LabelledKeys([key for key, _ in known], np.array([value for _, value in known], dtype=np.float64))


def _alone(found: siamese.Siamese) -> Trio:
    """Return a trio whose first two components are silent."""
    nothing = Cases(np.empty((0, len(trio.COMPONENTS))), np.empty(0), np.empty(0, dtype=np.int64))
    return trio.learn(found, nothing, "mean", 0)


def _numbers(found: siamese.Siamese, features: NDArray[np.float32]) -> NDArray[np.float64]:
    silent = np.zeros(len(features))
    return trio.numbers_of(silent, silent, found.likeness(features))


def _joined(before: Evaluation, added: list[Evaluation]) -> Evaluation:
    """Return the parent's evaluation with the labels that were added to it, each judged on cases of its own."""
    models = [
        model.model_copy(
            update={
                "labels": [*model.labels, *(entry for one in added for own in one.models if own.model == model.model
                                            for entry in own.labels)]
            }
        )
        for model in before.models
    ]  # fmt: skip
    differences = [*before.differences, *(entry for one in added for entry in one.differences)]
    said = [f"{line} Added later: judged by leaving patients out." for one in added for line in one.verdict[1:]]
    return before.model_copy(update={"models": models, "differences": differences, "verdict": [*before.verdict, *said]})


def _refuse_others(card: BundleCard) -> None:
    if card.for_answers.ensemble != "trio" or trio_files.SPACE not in card.files:
        raise UserError(
            "findings can be added to a trio only, and this model is none",
            code="model.not-trio",
            hint="Train with the setting `ensemble=trio`, or learn all findings anew with `medtransfer learn`.",
        )
