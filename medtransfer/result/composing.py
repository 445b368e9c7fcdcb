"""Structures brought together in one label map, and what had to be said about it."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medtransfer.result.measuring import voxel_ml
from medtransfer.result.model import Notice, Segmentation, Structure
from medtransfer.result.planes import Placed
from medtransfer.study.model import Image

_GOLDEN_RATIO = 0.6180339887498949


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A structure that was read from elsewhere. ``colour`` is ``#rrggbb``, or empty where the file states none."""

    value: int
    name: str
    code: str
    colour: str
    placed: Placed


def compose(parts: Sequence[Part], image: Image) -> tuple[Segmentation, tuple[Notice, ...]]:
    """Draw structures into one label map, the largest first: where they overlap the smaller one is seen.

    Volumes and means are those of each structure as a whole, also where another is drawn over it.
    """
    largest = max((part.value for part in parts), default=0)
    labels = np.zeros(image.spatial_shape, np.uint8 if largest < 256 else np.uint16)
    covered, together = 0, 0
    for part in sorted(parts, key=lambda part: -np.count_nonzero(part.placed.mask)):
        there, mask = labels[part.placed.region], part.placed.mask
        overlapping = int(np.count_nonzero(there[mask]))
        covered += overlapping
        together += overlapping > 0
        there[mask] = part.value
    names = _ids([part.name for part in parts])
    structures = tuple(_structure(part, name, image) for part, name in zip(parts, names, strict=True))
    return Segmentation(labels, structures), (*_overlaps(covered, together, image), *_placement(parts))


def _structure(part: Part, label: str, image: Image) -> Structure:
    mask = part.placed.mask
    count = int(np.count_nonzero(mask))
    in_hu = image.units == "HU" and count > 0
    mean = round(float(image.array[part.placed.region][mask].mean(dtype=np.float64)), 1) if in_hu else None
    return Structure(
        label=label,
        name=part.name,
        value=part.value,
        code=part.code,
        volume_ml=round(count * voxel_ml(image), 3),
        mean_hu=mean,
        colour=part.colour or colour(part.value),
    )


def _overlaps(covered: int, together: int, image: Image) -> tuple[Notice, ...]:
    if not covered:
        return ()
    return (
        Notice(
            code="annotation.overlap",
            level="warning",
            message=f"Structures overlap ({covered * voxel_ml(image):.3g} ml, {together} of them lie on others): "
            "there the smaller one is drawn. Volumes and means count each as a whole.",
        ),
    )


def _placement(parts: Sequence[Part]) -> tuple[Notice, ...]:
    found = [part.placed for part in parts if part.placed.mask.any()]
    said = []
    if not all(placed.aligned for placed in found):
        said.append(
            Notice(
                code="annotation.resampled",
                level="warning",
                message="It was not drawn on this image's own voxels and was brought onto them by the nearest "
                "neighbour: edges may lie up to half a voxel off.",
            )
        )
    if not all(part.placed.inside for part in parts):
        said.append(
            Notice(
                code="annotation.outside",
                level="warning",
                message="Some of it lies outside this image and is not shown; volumes count what lies inside.",
            )
        )
    return tuple(said)


def _ids(names: Sequence[str]) -> list[str]:
    """Return label ids made from names, no two alike."""
    made: list[str] = []
    for name in names:
        words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:56]
        stem = words if words[:1].isalpha() else f"structure_{words}".rstrip("_")
        tries = (stem if n == 1 else f"{stem}_{n}" for n in range(1, len(names) + 2))
        made.append(next(label for label in tries if label not in made))
    return made


def colour(value: int) -> str:
    """Return a colour for a structure without one: steps of the golden ratio around the circle never come close."""
    red, green, blue = colorsys.hsv_to_rgb(value * _GOLDEN_RATIO % 1.0, 0.55, 0.95)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
