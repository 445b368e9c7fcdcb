"""One place inside a structure, to look at it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def landmark(labels: NDArray[np.unsignedinteger], value: int) -> tuple[int, ...] | None:
    """Return array indices inside the structure, in the slice where it is largest, as central as it goes.

    Parameters
    ----------
    labels
        A label map ``(z, y, x)`` or ``(y, x)``.
    value
        The structure's number in it.

    Returns
    -------
    tuple of int or None
        None when the structure is nowhere.
    """
    if labels.ndim == 2:
        return _central(labels == value)
    areas = [int(np.count_nonzero(plane == value)) for plane in labels]
    largest = int(np.argmax(areas))
    inside = _central(labels[largest] == value)
    return (largest, *inside) if inside is not None else None


def _central(inside: NDArray[np.bool_]) -> tuple[int, ...] | None:
    """Return the place inside that lies nearest to the centre of gravity, which may itself lie outside."""
    places = np.argwhere(inside)
    if not len(places):
        return None
    distance = ((places - places.mean(axis=0)) ** 2).sum(axis=1)
    return tuple(int(v) for v in places[int(np.argmin(distance))])
