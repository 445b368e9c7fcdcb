"""How widely each feature of a network spreads: what a regression and an embedding divide by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SMALLEST = 0.01
"""Of the median feature's spread. Some features are the same for all training cases but for a rounding error."""


def of(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the standard deviations of features (n, d), float64 (d,), positive.

    Those below :data:`SMALLEST` of their median are raised to it. Divided by its own spread a feature that hardly ever
    changes would count as much as any other, and a case in which it does change would outweigh everything.
    """
    own = features.astype(np.float64).std(axis=0)
    changing = own[own > 0.0]
    return np.asarray(np.maximum(own, SMALLEST * float(np.median(changing)) if changing.size else 1.0))
