"""Parallel planes that carry masks, and where they fall on the grid of an image.

A segmentation's frames and a structure set's contours are both such planes; they need not be evenly spaced, nor lie on
the image's own slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medtransfer.study.model import Image

Mask = NDArray[np.bool_]
Matrix = NDArray[np.floating]

ALIGNED = 0.05
"""Of a voxel: planes that lie this close to the image's voxels lie on them, for positions in headers are rounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """The part of a plane's mask that is not empty, eight pixels to the byte."""

    top: int
    left: int
    shape: tuple[int, int]
    bits: NDArray[np.uint8]

    @property
    def mask(self) -> Mask:
        """The mask, of :attr:`shape`."""
        count = self.shape[0] * self.shape[1]
        return np.unpackbits(self.bits, count=count).reshape(self.shape).astype(np.bool_)


def crop(mask: Mask, top: int = 0, left: int = 0) -> Crop | None:
    """Keep the part of a mask ``(row, column)`` that is not empty; None when all of it is.

    ``top`` and ``left`` say where the mask itself begins in its plane.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Crop(top + int(rows[0]), left + int(columns[0]), (part.shape[0], part.shape[1]), np.packbits(part))


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """One structure's planes.

    Attributes
    ----------
    affine
        4x4, maps ``(height, row, column, 1)`` to LPS mm: heights are mm along the normal, rows and columns indices.
    heights
        Ascending, shape ``(n,)``.
    crops
        The masks, one per height.
    reach
        mm: a plane speaks for what lies less than this above or below it.
    """

    affine: Matrix
    heights: NDArray[np.float64]
    crops: Sequence[Crop]
    reach: float


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A structure on the image's grid.

    Attributes
    ----------
    start
        Array indices ``(k, j, i)`` at which ``mask`` begins.
    mask
        Boolean, no larger than the image; elsewhere the structure is not.
    aligned
        Whether every plane lay on the image's own voxels: then nothing was resampled.
    inside
        Whether all of it lay within the image.
    """

    start: tuple[int, int, int]
    mask: Mask
    aligned: bool
    inside: bool

    @property
    def region(self) -> tuple[slice, slice, slice]:
        """Where the mask lies in the image's array."""
        a, b, c = (slice(first, first + length) for first, length in zip(self.start, self.mask.shape, strict=True))
        return a, b, c


def place(planes: Planes, image: Image) -> Placed:
    """Sample a structure at the centres of the image's voxels, each from the nearest pixel of the nearest plane.

    A centre on the border between two pixels or planes belongs to the one with the larger index, so that structures
    that touch in their own grid neither overlap nor part in the image's.
    """
    if image.affine is None:
        raise ValueError("a picture has no place in space")
    if not planes.crops:
        return _nothing(inside=True)
    shape = image.array.shape
    solid, top, left = _solid(planes)
    to_planes = np.linalg.inv(planes.affine) @ image.affine
    start, stop, inside = _extent(planes, (top, left), solid.shape, np.linalg.inv(to_planes), shape)
    if any(first >= last for first, last in zip(start, stop, strict=True)):
        return _nothing(inside=False)
    ranges = [np.arange(first, last) for first, last in zip(start, stop, strict=True)]
    sources = _axes(to_planes, shape)
    corner = (0.0, float(top), float(left))
    if sources is None:
        mask, aligned = _sampled(solid, planes, to_planes, ranges, corner), False
    else:
        mask, aligned = _picked(solid, planes, to_planes, ranges, corner, sources)
    return Placed((start[0], start[1], start[2]), mask, aligned, inside)


def union(parts: Sequence[Placed]) -> Placed:
    """Return everything that lies in any of the parts."""
    filled = [part for part in parts if part.mask.size]
    inside = bool(parts) and all(part.inside for part in parts)
    if not filled:
        return _nothing(inside=inside)
    if len(filled) == 1:
        return replace(filled[0], inside=inside)
    start = np.min([part.start for part in filled], axis=0)
    stop = np.max([np.add(part.start, part.mask.shape) for part in filled], axis=0)
    mask = np.zeros(tuple(stop - start), np.bool_)
    for part in filled:
        moved = replace(part, start=tuple(np.subtract(part.start, start).tolist()))
        mask[moved.region] |= part.mask
    return Placed(tuple(start.tolist()), mask, all(part.aligned for part in filled), inside)


def _nothing(*, inside: bool) -> Placed:
    return Placed((0, 0, 0), np.zeros((0, 0, 0), np.bool_), aligned=True, inside=inside)


def _solid(planes: Planes) -> tuple[Mask, int, int]:
    """Return all masks in one array ``(plane, row, column)``, an empty plane and border last, and its first corner."""
    top, left = min(c.top for c in planes.crops), min(c.left for c in planes.crops)
    bottom = max(c.top + c.shape[0] for c in planes.crops)
    right = max(c.left + c.shape[1] for c in planes.crops)
    solid = np.zeros((len(planes.crops) + 1, bottom - top + 1, right - left + 1), np.bool_)
    for number, part in enumerate(planes.crops):
        rows = slice(part.top - top, part.top - top + part.shape[0])
        solid[number, rows, part.left - left : part.left - left + part.shape[1]] = part.mask
    return solid, top, left


def _extent(
    planes: Planes, corner: tuple[int, int], solid: tuple[int, ...], to_image: Matrix, shape: tuple[int, ...]
) -> tuple[list[int], list[int], bool]:
    """Return the image's indices between which the planes' box lies, and whether it lies within the image at all."""
    heights = (planes.heights[0], planes.heights[-1])
    rows, columns = (corner[0], corner[0] + solid[1] - 2), (corner[1], corner[1] + solid[2] - 2)
    box = np.array([(h, r, c, 1.0) for h in heights for r in rows for c in columns]) @ to_image.T
    low, high = box[:, :3].min(axis=0), box[:, :3].max(axis=0)
    inside = bool(np.all(low > -0.5 - ALIGNED) and np.all(high < np.asarray(shape) - 0.5 + ALIGNED))
    spread = np.abs(to_image[:3, :3]) @ np.array([planes.reach, 0.5, 0.5])
    start = np.clip(np.floor(low - spread), 0, shape).astype(int)
    stop = np.clip(np.ceil(high + spread) + 1, 0, shape).astype(int)
    return start.tolist(), stop.tolist(), inside


def _axes(to_planes: Matrix, shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return the image axis along which each of height, row and column changes; None when one changes along several.

    What the other axes add over the whole image must stay below :data:`ALIGNED` of a step along the axis itself.
    """
    change = np.abs(to_planes[:3, :3])
    own = change.argmax(axis=1)
    reach = change * (np.asarray(shape) - 1)
    rest = reach.sum(axis=1) - reach[range(3), own]
    if len(set(own.tolist())) < 3 or np.any(rest > ALIGNED * np.minimum(change[range(3), own], 1.0)):
        return None
    return int(own[0]), int(own[1]), int(own[2])


def _picked(
    solid: Mask,
    planes: Planes,
    to_planes: Matrix,
    ranges: list[NDArray[np.int_]],
    corner: tuple[float, float, float],
    sources: tuple[int, int, int],
) -> tuple[Mask, bool]:
    """Sample axis by axis, where the axes of planes and image are the same in some order and direction."""
    begin = np.array([r[0] for r in ranges], dtype=np.float64)
    base = to_planes[:3, :3] @ begin + to_planes[:3, 3] - corner
    places = [base[c] + to_planes[c, sources[c]] * (ranges[sources[c]] - begin[sources[c]]) for c in range(3)]
    number, away = _nearest(planes, places[0])
    rows, columns = _within(places[1], solid.shape[1]), _within(places[2], solid.shape[2])
    step = abs(to_planes[0, sources[0]])
    aligned = _on_planes(planes, places[0], number, away, step) and all(
        _on_pixels(places[c], abs(to_planes[c, sources[c]])) for c in (1, 2)
    )
    picked = solid[np.ix_(number, rows, columns)]
    return np.ascontiguousarray(picked.transpose(np.argsort(sources))), aligned


def _sampled(
    solid: Mask, planes: Planes, to_planes: Matrix, ranges: list[NDArray[np.int_]], corner: tuple[float, float, float]
) -> Mask:
    """Sample voxel by voxel, one slice of the image at a time."""
    j, i = np.meshgrid(ranges[1], ranges[2], indexing="ij")
    mask = np.zeros(tuple(r.size for r in ranges), np.bool_)
    for at, k in enumerate(ranges[0]):
        height, row, column = (
            to_planes[c, 0] * k + to_planes[c, 1] * j + to_planes[c, 2] * i + (to_planes[c, 3] - corner[c])
            for c in range(3)
        )
        number, _ = _nearest(planes, height)
        mask[at] = solid[number, _within(row, solid.shape[1]), _within(column, solid.shape[2])]
    return mask


def _nearest(planes: Planes, height: Matrix) -> tuple[NDArray[np.int_], Matrix]:
    """Return for each height the nearest plane's number, that of the empty plane beyond reach, and the distance."""
    slack = 1e-6 * planes.reach
    number = np.searchsorted((planes.heights[1:] + planes.heights[:-1]) / 2 - slack, height, side="right")
    away = height - planes.heights[number]
    spoken_for = (away >= -planes.reach - slack) & (away < planes.reach - slack)
    return np.where(spoken_for, number, len(planes.crops)), away


def _within(place: Matrix, size: int) -> NDArray[np.int_]:
    """Round to indices; what lies outside is sent to the last, which is empty."""
    index = np.floor(place + (0.5 + 1e-6)).astype(np.int64)
    return np.where((index >= 0) & (index < size), index, size - 1)


def _on_planes(planes: Planes, height: Matrix, number: NDArray[np.int_], away: Matrix, step: float) -> bool:
    """Whether each plane between the first and the last height lies on one of them, and none falls between planes."""
    found = number < len(planes.crops)
    slack = ALIGNED * step
    between = (planes.heights >= height.min() - slack) & (planes.heights <= height.max() + slack)
    used = number[found]
    return (
        bool(np.all(np.abs(away[found]) <= slack))
        and np.unique(used).size == used.size
        and used.size == np.count_nonzero(between)
    )


def _on_pixels(place: Matrix, step: float) -> bool:
    return abs(step - 1.0) * place.size < ALIGNED and bool(np.all(np.abs(place - np.rint(place)) < ALIGNED))
