"""Whether a picture looks like those that the model was trained on.

The pooled features of the training pictures are described by their mean and principal components (Mahalanobis distance
in feature space: Lee et al., NeurIPS 2018). The share outside of the components counts as well (Ren et al. 2021 and
others), because a picture of something else entirely leaves them. Distances are compared with those of validation
pictures, which the description has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_COMPONENTS = 32
_ACCEPTED = 0.99
MARGIN = 1.25
"""A picture is called unfamiliar at this multiple of the distance that 99 % of the validation pictures stay below."""


@dataclass(frozen=True, eq=False)
class Reference:
    """The training pictures in feature space.

    Attributes
    ----------
    mean
        (d,)
    axes
        Orthonormal principal components, (k, d).
    spread
        Standard deviation along each component, and last the root mean square of what lies outside, (k + 1,).
    limit
        Distance from which a picture counts as unfamiliar.
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    spread: NDArray[np.float32]
    limit: float

    def distance(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distance of features (n, d), shape (n,); about 1 for a typical training picture."""
        centred = features.astype(np.float64) - self.mean
        along = centred @ self.axes.T
        outside = np.sqrt(np.maximum(0.0, (centred**2).sum(axis=1) - (along**2).sum(axis=1)))
        scaled = np.concatenate([along, outside[:, None]], axis=1) / self.spread
        # The part outside weighs as much as all components together: it is what unfamiliar pictures differ in.
        return np.asarray(np.sqrt(0.5 * (scaled[:, :-1] ** 2).mean(axis=1) + 0.5 * scaled[:, -1] ** 2))

    def tensors(self) -> dict[str, Tensor]:
        """Return what is stored with the model."""
        arrays = {
            "mean": self.mean,
            "axes": self.axes,
            "spread": self.spread,
            "limit": np.array([self.limit], dtype=np.float32),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    @classmethod
    def of(cls, tensors: dict[str, Tensor]) -> Reference:
        """Return the reference that :meth:`tensors` stored."""
        mean, axes, spread = (tensors[name].float().numpy() for name in ("mean", "axes", "spread"))
        return cls(mean, axes, spread, float(tensors["limit"][0]))


def describe(training: NDArray[np.float32], validation: NDArray[np.float32]) -> Reference:
    """Describe the training pictures' features (n, d) and set the limit by the validation pictures' (m, d)."""
    mean = training.mean(axis=0)
    centred = (training - mean).astype(np.float64)
    count = max(1, min(_COMPONENTS, len(training) // 4, training.shape[1]))
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    along = singular[:count] / np.sqrt(max(1, len(training) - 1))
    outside = np.sqrt((singular[count:] ** 2).sum() / len(training))
    spread = np.append(along, outside)
    spread = np.maximum(spread, 1e-6 * max(float(spread.max()), 1e-6)).astype(np.float32)
    reference = Reference(mean.astype(np.float32), axes[:count].astype(np.float32), spread, np.inf)
    distances = reference.distance(validation if len(validation) else training)
    limit = float(np.quantile(distances, _ACCEPTED)) * MARGIN
    return Reference(reference.mean, reference.axes, reference.spread, limit)
