"""Several volumes of one examination as one image: the channels of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from medtransfer.errors import DataError
from medtransfer.study.grids import same_grid
from medtransfer.study.model import Image


def joined(images: Sequence[Image]) -> Image:
    """Return the first volume with the others as its companions, in this order.

    Raises
    ------
    DataError
        ``volume.other-grid`` when one does not lie on the grid of the first.
    """
    first, *others = images
    for number, other in enumerate(others, start=2):
        if not same_grid(other, first):
            raise DataError(
                f"volume {number} of the case does not lie on the grid of its first: size, spacing, orientation or"
                " place differ",
                code="volume.other-grid",
                hint="Register the volumes of a case and resample them onto one grid, for instance in 3D Slicer.",
            )
    return replace(first, companions=tuple(others)) if others else first
