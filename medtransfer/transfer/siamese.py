"""A Siamese network on pooled features: cases with the same answer near each other, and the nearest confirmed cases.

Contrastive loss of Hadsell, Chopra and LeCun, CVPR 2006, on pairs of different patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.transfer import spread
from medtransfer.transfer.threads import one_thread

FloatArray = NDArray[np.float64]

_WIDTH = 32
_STEPS, _RATE = 60, 5e-3
"""Few, and on few numbers: on some hundred pictures more of either learn the training cases by heart."""
_HALF_BATCH = 16
_MARGIN = 1.0


@dataclass(frozen=True, eq=False)
class Space:
    """Where pictures lie in general: what embeddings of all labels start from.

    Attributes
    ----------
    mean, spread
        Of the features of many pictures, whatever is known of them, (d,).
    components
        Their principal directions, (d, width), scaled so that the variance of each counts by its square root only.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    components: NDArray[np.float32]

    @classmethod
    def around(cls, features: NDArray[np.float32]) -> Space:
        """Return the space of features (n, d)."""
        mean, scale = features.mean(axis=0), spread.of(features).astype(np.float32)
        standard: NDArray[np.float32] = ((features - mean) / scale).astype(np.float32)
        with one_thread():
            _, singular, axes = np.linalg.svd(standard, full_matrices=False)
        width = max(1, min(_WIDTH, len(standard) // 3, int(np.count_nonzero(singular > 1e-3 * singular[0]))))
        size = np.sqrt(singular[:width] / np.sqrt(len(standard)))
        return cls(mean, scale, np.asarray(axes[:width].T / size, dtype=np.float32))

    def tensors(self) -> dict[str, Tensor]:
        """Return what is stored with the model."""
        return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in vars(self).items()}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Space:
        """Return what :meth:`tensors` stored."""
        return cls(*(tensors[name].numpy() for name in ("mean", "spread", "components")))


@dataclass(frozen=True, eq=False)
class Siamese:
    """A linear embedding onto the unit sphere, with the embedded training cases as its support set.

    Attributes
    ----------
    mean, spread
        Of the training features, (d,).
    projection
        (d, width)
    support
        Embedded training cases, float32 (n, width).
    positive
        Their answers, bool (n,).
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    projection: NDArray[np.float32]
    support: NDArray[np.float32]
    positive: NDArray[np.bool_]

    def embed(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features (n, d) on the unit sphere, (n, width)."""
        standard: NDArray[np.float32] = (features - self.mean) / self.spread
        return _on_sphere(standard @ self.projection)

    def likeness(self, features: NDArray[np.float32]) -> FloatArray:
        """Return how much nearer each case of features (n, d) is to the mean positive case than to the mean negative.

        Both distances are Euclidean, between a point of the unit sphere and a mean of such: what is returned is the
        second minus the first, in [-2, 2], shape (n,).
        """
        embedded = self.embed(features)
        to_positive, to_negative = (
            _distances(embedded, self.support[self.positive == value].mean(axis=0, keepdims=True))[:, 0]
            for value in (True, False)
        )
        return np.asarray(to_negative - to_positive, dtype=np.float64)

    def nearest(self, features: NDArray[np.float32], count: int) -> list[tuple[int, float]]:
        """Return the nearest positive cases of one case's features (1, d): position in the support set, distance."""
        distances = _distances(self.embed(features), self.support)[0]
        candidates = np.flatnonzero(self.positive)
        order = candidates[np.argsort(distances[candidates], kind="stable")][:count]
        return [(int(position), float(distances[position])) for position in order]

    def tensors(self) -> dict[str, Tensor]:
        """Return what is stored with the model."""
        return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in vars(self).items()}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Siamese:
        """Return what :meth:`tensors` stored."""
        return cls(**{name: tensors[name].numpy() for name in cls.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class Examples:
    """What it learns from: features (n, d), answers bool (n,), patients (n,), and who has any disease, bool (n,)."""

    features: NDArray[np.float32]
    positive: NDArray[np.bool_]
    patients: NDArray[np.int64]
    diseased: NDArray[np.bool_]

    def some(self, chosen: NDArray[np.int64]) -> Examples:
        """Return some of the cases."""
        return Examples(self.features[chosen], self.positive[chosen], self.patients[chosen], self.diseased[chosen])


def fit(examples: Examples, space: Space, seed: int) -> Siamese:
    """Learn an embedding of the principal components of the features.

    Half of a batch is positive; half of the negative cases are such with another disease, where there are any.
    """
    standard: NDArray[np.float32] = ((examples.features - space.mean) / space.spread).astype(np.float32)
    with one_thread():
        trained = _trained(standard @ space.components, examples, np.random.default_rng(seed))
    projection = space.components @ trained
    return Siamese(space.mean, space.spread, projection, _on_sphere(standard @ projection), examples.positive)


def _trained(inputs: NDArray[np.float32], examples: Examples, chance: np.random.Generator) -> NDArray[np.float32]:
    """Return the linear map (width, width) that the contrastive loss makes of the identity."""
    width = inputs.shape[1]
    weight = torch.eye(width, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=_RATE)
    given = torch.from_numpy(inputs)
    positives = np.flatnonzero(examples.positive)
    others = np.flatnonzero(~examples.positive & examples.diseased)
    healthy = np.flatnonzero(~examples.positive & ~examples.diseased)
    for _ in range(_STEPS):
        chosen = np.concatenate([_drawn(positives, _HALF_BATCH, chance), _negatives(others, healthy, chance)])
        embedded = torch.nn.functional.normalize(given[chosen] @ weight, dim=1)
        loss = contrastive_loss(embedded, examples.positive[chosen], examples.patients[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        optimizer.step()
    return np.asarray(weight.detach().numpy())


def contrastive_loss(embedded: Tensor, positive: NDArray[np.bool_], patients: NDArray[np.int64]) -> Tensor:
    """Return the mean loss over the pairs of a batch, of different patients, that are not both negative.

    Two positive cases are to lie together (squared distance), a positive and a negative one at least 1 apart (squared
    shortfall). Pairs of one patient are left out, or the patient would be learnt; those of two negative cases as well,
    for they need not have anything in common.
    """
    squares = (2.0 - 2.0 * embedded @ embedded.T).clamp(min=1e-9)
    same = positive[:, None] & positive[None]
    apart = positive[:, None] & ~positive[None]
    strangers = patients[:, None] != patients[None]
    pull = squares[torch.from_numpy(same & strangers)]
    push = (_MARGIN - squares[torch.from_numpy(apart & strangers)].sqrt()).clamp(min=0.0).square()
    return sum((part.mean() for part in (pull, push) if part.numel()), start=embedded.sum() * 0.0)


def _negatives(others: NDArray[np.int64], healthy: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
    if not others.size or not healthy.size:
        return _drawn(np.concatenate([others, healthy]), _HALF_BATCH, chance)
    half = _HALF_BATCH // 2
    return np.concatenate([_drawn(others, half, chance), _drawn(healthy, half, chance)])


def _drawn(positions: NDArray[np.int64], count: int, chance: np.random.Generator) -> NDArray[np.int64]:
    return chance.choice(positions, size=count, replace=positions.size < count)


def _on_sphere(values: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(norms, 1e-9), dtype=np.float32)


def _distances(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2.0 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)), dtype=np.float32)
