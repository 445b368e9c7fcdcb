"""Five classical learners on a few numbers per case, each of which speaks for the label the more, the larger it is.

Everything that a learner knows is kept as plain arrays, and it answers from these arrays in training and in analysis
alike: what is measured is what is used, and nothing has to be unpickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.svm import SVC
from torch import Tensor

from medtransfer.transfer import calibration, folds, probe, trees
from medtransfer.transfer.threads import one_thread
from medtransfer.transfer.trees import FloatArray, Trees

IntArray = NDArray[np.int64]

_TREES = 100
_SMALLEST_LEAF, _LEAF_SHARE = 3, 0.04
"""Cases in the smallest leaf of a tree: trees that go further learn single cases by heart."""
_SPREAD = 10.0
"""Squared width of a support vector's influence, in standard deviations of a number: wide, for there are few cases."""
_STRENGTHS = (1e-2, 1e-1, 1.0, 10.0)
"""Inverse regularisation strengths of regressions: there are far fewer numbers than cases."""
_CERTAIN = 1e-4
"""Learners that are surer than this are not believed: no few hundred cases show it."""


@dataclass(frozen=True, eq=False)
class Cases:
    """What learners learn from: numbers (n, k), the answers 1 or 0 (n,), and the number of each case's patient (n,)."""

    numbers: FloatArray
    truth: FloatArray
    patients: IntArray

    def some(self, chosen: IntArray) -> Cases:
        """Return some of the cases."""
        return Cases(self.numbers[chosen], self.truth[chosen], self.patients[chosen])


@dataclass(frozen=True, eq=False)
class Learner:
    """A fitted learner: its arrays, and how they give probabilities (n,) for numbers (n, k)."""

    arrays: Mapping[str, Tensor]
    answer: Callable[[Mapping[str, Tensor], FloatArray], FloatArray]

    def probabilities(self, numbers: FloatArray) -> FloatArray:
        """Return the probability of each case, kept off 0 and 1."""
        return np.clip(self.answer(self.arrays, numbers), _CERTAIN, 1.0 - _CERTAIN)


def _regression(cases: Cases, seed: int) -> dict[str, Tensor]:
    fitted = probe.fit(cases.numbers.astype(np.float32), cases.truth, cases.patients, seed, _STRENGTHS)
    return {"weight": torch.from_numpy(fitted.weight), "bias": torch.tensor([fitted.bias], dtype=torch.float64)}


def _regression_answers(arrays: Mapping[str, Tensor], numbers: FloatArray) -> FloatArray:
    return _sigmoid(numbers @ arrays["weight"].numpy() + float(arrays["bias"][0]))


def _leaf(cases: Cases) -> int:
    return max(_SMALLEST_LEAF, round(_LEAF_SHARE * len(cases.truth)))


def _rising(cases: Cases) -> list[int]:
    """Return scikit-learn's way of saying that no number may lower an answer when it rises."""
    return [1] * cases.numbers.shape[1]


def _random_forest(cases: Cases, seed: int) -> dict[str, Tensor]:
    forest = RandomForestClassifier(
        _TREES, min_samples_leaf=_leaf(cases), class_weight="balanced_subsample", monotonic_cst=_rising(cases),
        random_state=seed,
    )  # fmt: skip
    return trees.of_forest(forest.fit(cases.numbers, cases.truth)).tensors()


def _extra_trees(cases: Cases, seed: int) -> dict[str, Tensor]:
    forest = ExtraTreesClassifier(
        _TREES, min_samples_leaf=_leaf(cases), class_weight="balanced", monotonic_cst=_rising(cases), random_state=seed
    )
    return trees.of_forest(forest.fit(cases.numbers, cases.truth)).tensors()


def _forest_answers(arrays: Mapping[str, Tensor], numbers: FloatArray) -> FloatArray:
    return np.asarray(Trees.of(dict(arrays)).answers(numbers).mean(axis=1))


def _boosting(cases: Cases, seed: int) -> dict[str, Tensor]:
    boosting = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.05, max_leaf_nodes=4, min_samples_leaf=_leaf(cases), l2_regularization=1.0,
        early_stopping=False, class_weight="balanced", monotonic_cst=_rising(cases), random_state=seed,
    )  # fmt: skip
    # float32 as the stored trees compare, so that a number beside a threshold goes the same way in both.
    found, start = trees.of_boosting(boosting.fit(cases.numbers.astype(np.float32), cases.truth))
    return {**found.tensors(), "start": torch.tensor([start], dtype=torch.float64)}


def _boosting_answers(arrays: Mapping[str, Tensor], numbers: FloatArray) -> FloatArray:
    found = Trees.of({name: value for name, value in arrays.items() if name != "start"})
    return _sigmoid(found.answers(numbers).sum(axis=1) + float(arrays["start"][0]))


def _support_vectors(cases: Cases, seed: int) -> dict[str, Tensor]:
    """Fit a machine on all cases, and Platt's line on what machines said of cases that they had not seen."""

    def fitted(some: Cases) -> dict[str, Tensor]:
        gamma = 1.0 / (_SPREAD * some.numbers.shape[1])
        machine = SVC(kernel="rbf", gamma=gamma, class_weight="balanced").fit(some.numbers, some.truth)
        return {
            "vectors": torch.from_numpy(machine.support_vectors_),
            "weights": torch.from_numpy(machine.dual_coef_[0].copy()),
            "bias_gamma": torch.tensor([float(machine.intercept_[0]), gamma], dtype=torch.float64),
        }

    decisions = folds.out_of_fold(
        folds.grouped(cases.truth, cases.patients, seed),
        cases.patients,
        lambda fold: _decisions(fitted(cases.some(fold.train)), cases.numbers[fold.held]),
    )
    line = calibration.fit(decisions, cases.truth, "platt")
    slope, offset = (line.a, line.b) if line.method == "platt" else (1.0, 0.0)
    return {**fitted(cases), "line": torch.tensor([slope, offset], dtype=torch.float64)}


def _decisions(arrays: Mapping[str, Tensor], numbers: FloatArray) -> FloatArray:
    vectors, weights = arrays["vectors"].numpy(), arrays["weights"].numpy()
    bias, gamma = arrays["bias_gamma"].tolist()
    squares = ((numbers[:, None] - vectors[None]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-gamma * squares) @ weights + bias)


def _support_answers(arrays: Mapping[str, Tensor], numbers: FloatArray) -> FloatArray:
    slope, offset = arrays["line"].tolist()
    return _sigmoid(slope * _decisions(arrays, numbers) + offset)


_Fit = Callable[[Cases, int], dict[str, Tensor]]
_Answer = Callable[[Mapping[str, Tensor], FloatArray], FloatArray]
_KINDS: Mapping[str, tuple[_Fit, _Answer]] = {
    "logistic-regression": (_regression, _regression_answers),
    "random-forest": (_random_forest, _forest_answers),
    "extra-trees": (_extra_trees, _forest_answers),
    "boosted-trees": (_boosting, _boosting_answers),
    "support-vectors": (_support_vectors, _support_answers),
}
LEARNERS = tuple(_KINDS)


@dataclass(frozen=True, eq=False)
class Vote:
    """Fitted learners and the weight of each in the vote, with how numbers are standardised before.

    The vote's logit is the sum of the weighted logits of the learners plus ``bias`` where they were ``stacked``, and
    the logit of their mean probability where all weights are the same (``weights`` is then empty).
    """

    mean: FloatArray
    spread: FloatArray
    learners: Mapping[str, Learner]
    weights: FloatArray
    bias: float

    def probabilities(self, numbers: FloatArray) -> FloatArray:
        """Return what each learner says: (n, learners)."""
        standard = (numbers - self.mean) / self.spread
        return np.stack([learner.probabilities(standard) for learner in self.learners.values()], axis=1)

    def logits(self, numbers: FloatArray) -> FloatArray:
        """Return the vote's logit for each case of numbers (n, k): (n,)."""
        said = self.probabilities(numbers)
        if self.weights.size:
            return _logit(said) @ self.weights + self.bias
        return _logit(said.mean(axis=1))

    def logits_without(self, numbers: FloatArray, kind: str) -> FloatArray:
        """Return the vote's logit for each case of numbers (n, k) if one of several learners had not voted: (n,)."""
        index = list(self.learners).index(kind)
        rest = np.delete(self.probabilities(numbers), index, axis=1)
        if self.weights.size:
            return _logit(rest) @ np.delete(self.weights, index) + self.bias
        return _logit(rest.mean(axis=1))

    def tensors(self) -> dict[str, Tensor]:
        """Return what is stored with the model."""
        own = {"mean": self.mean, "spread": self.spread, "weights": self.weights, "bias": np.array([self.bias])}
        arrays = {f"vote.{name}": torch.from_numpy(value) for name, value in own.items()}
        for kind, learner in self.learners.items():
            arrays.update({f"{kind}.{name}": value.contiguous() for name, value in learner.arrays.items()})
        return arrays

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Vote:
        """Return the vote that :meth:`tensors` stored."""
        learners = {
            kind: Learner(arrays, _KINDS[kind][1]) for kind in LEARNERS if (arrays := _below(tensors, f"{kind}."))
        }
        own = _below(tensors, "vote.")
        mean, spread, weights = (own[name].numpy() for name in ("mean", "spread", "weights"))
        return cls(mean, spread, learners, weights, float(own["bias"][0]))


def fit(cases: Cases, kinds: tuple[str, ...], combination: str, seed: int) -> Vote:
    """Fit learners and their vote.

    Parameters
    ----------
    cases
        Numbers that are *out of fold*: of each case what components said that had not seen its patient.
    kinds
        Some of :data:`LEARNERS`.
    combination
        ``mean`` of the probabilities, or ``stacked``: a logistic regression on the logits that learners gave for cases
        that they had not seen.
    """
    with one_thread():
        return _fitted(cases, kinds, combination, seed)


def _fitted(cases: Cases, kinds: tuple[str, ...], combination: str, seed: int) -> Vote:
    mean, spread = cases.numbers.mean(axis=0), np.maximum(cases.numbers.std(axis=0), 1e-9)
    standard = Cases((cases.numbers - mean) / spread, cases.truth, cases.patients)

    def learnt(some: Cases) -> dict[str, Learner]:
        return {kind: Learner(_KINDS[kind][0](some, seed), _KINDS[kind][1]) for kind in kinds}

    weights, bias = np.empty(0), 0.0
    if combination == "stacked":
        said = folds.out_of_fold(
            folds.grouped(standard.truth, standard.patients, seed),
            standard.patients,
            lambda fold: _logits_of(learnt(standard.some(fold.train)), standard.numbers[fold.held]),
        )
        line = probe.fit(said.astype(np.float32), standard.truth, standard.patients, seed, _STRENGTHS)
        weights, bias = line.weight, line.bias
    return Vote(mean, spread, learnt(standard), weights, bias)


def _logits_of(learners: Mapping[str, Learner], numbers: FloatArray) -> FloatArray:
    return _logit(np.stack([learner.probabilities(numbers) for learner in learners.values()], axis=1))


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _sigmoid(logits: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))


def _logit(probabilities: FloatArray) -> FloatArray:
    return np.asarray(np.log(probabilities) - np.log1p(-probabilities))
