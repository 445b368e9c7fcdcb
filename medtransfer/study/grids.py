"""Whether two volumes lie on the same grid."""

from __future__ import annotations

import numpy as np

from medtransfer.study.model import Image

_OFF_GRID = 0.1
"""Share of a voxel by which their corners may differ: more than any rounding of a header."""


def same_grid(one: Image, other: Image) -> bool:
    """Return whether two volumes have the same size and each voxel the same place, up to rounding in headers."""
    if one.affine is None or other.affine is None or other.spacing is None or one.array.shape != other.array.shape:
        return False
    ends = np.array([(0, size - 1) for size in other.array.shape])
    corners = np.stack([*(axis.ravel() for axis in np.meshgrid(*ends)), np.ones(8)])
    apart = np.linalg.norm(((one.affine - other.affine) @ corners)[:3], axis=0)
    return bool(apart.max() <= _OFF_GRID * min(other.spacing))
