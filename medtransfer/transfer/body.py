"""Where the body is in a CT: what the sliding window has to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medtransfer.study.model import Image
from medtransfer.transfer.volume_frame import Frame

TISSUE = -500.0
"""Hounsfield units half-way between air and water."""


def body(image: Image, frame: Frame) -> NDArray[np.bool_] | None:
    """Return where the body is on the network's grid: bool ``(z, y, x)``; None when values are not Hounsfield units.

    The largest connected piece of tissue, with what each axial slice encloses: lungs belong to it, the table does not.
    An image without any tissue has no body to skip the air around, and gives None as well.
    """
    if image.units != "HU":
        return None
    tissue = np.greater(image.array, TISSUE).view(np.uint8)
    images: Any = ndimage  # SciPy carries no types
    pieces, count = images.label(frame.to_network(tissue))
    if count == 0:
        return None
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    found: NDArray[np.bool_] = pieces == sizes.argmax()
    for plane in found:
        plane[...] = images.binary_fill_holes(plane)
    return found
