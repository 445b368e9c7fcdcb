"""Forests and boosted trees of scikit-learn as plain arrays: stored in a model without pickling anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from torch import Tensor

FloatArray = NDArray[np.float64]

_FIELDS = ("roots", "feature", "threshold", "left", "right", "value")


class _Tree(NamedTuple):
    """One tree: its arrays, as in :class:`Trees`, with numbers of nodes counted from its own root."""

    feature: NDArray[np.int64]
    threshold: FloatArray
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: FloatArray


@dataclass(frozen=True, eq=False)
class Trees:
    """Some trees for answers of yes or no; all nodes lie in a row.

    Attributes
    ----------
    roots
        Number of each tree's first node, int64 (trees,).
    feature
        Which number a node asks about, int64 (nodes,); -1 at leaves.
    threshold
        A case goes to ``left`` when its number, as float32, is at most this, and else to ``right``; float64 (nodes,).
    left, right
        Numbers of the next nodes, int64 (nodes,).
    value
        What a leaf answers, float64 (nodes,): the share of positive cases in a forest, a term of the logit in boosting.
    """

    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: FloatArray
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: FloatArray

    def answers(self, cases: FloatArray) -> FloatArray:
        """Return every tree's answer for cases (n, numbers), shape (n, trees)."""
        numbers = cases.astype(np.float32)
        rows = np.arange(len(cases))[:, None]
        node = np.repeat(self.roots[None], len(cases), axis=0)
        while np.any((asked := self.feature[node]) >= 0):
            smaller = numbers[rows, asked] <= self.threshold[node]
            node = np.where(asked < 0, node, np.where(smaller, self.left[node], self.right[node]))
        return self.value[node]

    def tensors(self) -> dict[str, Tensor]:
        """Return what is stored."""
        return {name: torch.from_numpy(np.ascontiguousarray(getattr(self, name))) for name in _FIELDS}

    @classmethod
    def of(cls, tensors: dict[str, Tensor]) -> Trees:
        """Return the trees that :meth:`tensors` stored."""
        return cls(*(tensors[name].numpy() for name in _FIELDS))


def of_forest(forest: RandomForestClassifier | ExtraTreesClassifier) -> Trees:
    """Return a fitted forest's trees; the mean of their answers is its probability of class 1."""
    return _joined([_of_estimator(cast("Any", one).tree_) for one in forest.estimators_])


def of_boosting(boosting: HistGradientBoostingClassifier) -> tuple[Trees, float]:
    """Return a fitted boosting's trees and its start: the sum of both is the logit of class 1."""
    inside = cast("Any", boosting)  # scikit-learn has no public names for them
    trees = [_of_nodes(one[0].nodes) for one in inside._predictors]  # noqa: SLF001
    return _joined(trees), float(inside._baseline_prediction[0, 0])  # noqa: SLF001


def _of_estimator(tree: Any) -> _Tree:
    leaf = tree.children_left < 0
    shares = tree.value[:, 0, :]
    return _Tree(
        np.where(leaf, -1, tree.feature).astype(np.int64),
        tree.threshold.astype(np.float64),
        np.where(leaf, 0, tree.children_left).astype(np.int64),
        np.where(leaf, 0, tree.children_right).astype(np.int64),
        (shares[:, 1] / shares.sum(axis=1)).astype(np.float64),
    )


def _of_nodes(nodes: Any) -> _Tree:
    leaf = nodes["is_leaf"].astype(bool)
    return _Tree(
        np.where(leaf, -1, nodes["feature_idx"]).astype(np.int64),
        nodes["num_threshold"].astype(np.float64),
        np.where(leaf, 0, nodes["left"]).astype(np.int64),
        np.where(leaf, 0, nodes["right"]).astype(np.int64),
        nodes["value"].astype(np.float64),
    )


def _joined(trees: Sequence[_Tree]) -> Trees:
    sizes = [len(tree.feature) for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    return Trees(
        roots,
        np.concatenate([tree.feature for tree in trees]),
        np.concatenate([tree.threshold for tree in trees]),
        np.concatenate([tree.left + root for tree, root in zip(trees, roots, strict=True)]),
        np.concatenate([tree.right + root for tree, root in zip(trees, roots, strict=True)]),
        np.concatenate([tree.value for tree in trees]),
    )
