"""What the distances between slices say: even, changing at some height, with slices missing, or without any order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.10  # of the distance: beyond, a length measured in an evenly spaced volume would be wrong
_MISSING = 1.5  # a gap of this many distances means that a slice is missing
_FEW = 3  # so many equal gaps in a row are how a part was scanned and no accident


class Pattern(StrEnum):
    """How the distances between slices are arranged."""

    EVEN = "even"
    CHANGING = "changing"
    MISSING = "missing"
    UNEVEN = "uneven"


@dataclass(frozen=True, slots=True)
class Distances:
    """The arrangement of the gaps between neighbouring slices.

    Attributes
    ----------
    pattern
        ``even``; ``changing`` when parts of the volume were scanned with different distances, such as a head with thin
        slices below and thick ones above; ``missing`` when gaps are wider than their surroundings explain; else
        ``uneven``.
    finest
        Smallest distance of a part in mm, the usual one when there are no parts.
    missing
        How many slices would fill the gaps, and in how many places.
    """

    pattern: Pattern
    finest: float
    missing: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class _Run:
    distance: float
    count: int


def distances(gaps: NDArray[np.float64]) -> Distances:
    """Tell how gaps between slices are arranged, shape ``(n - 1,)``, in mm and none of them zero."""
    usual = float(np.median(gaps)) if gaps.size else 0.0
    heights = np.concatenate([[0.0], np.cumsum(gaps)])
    if np.abs(heights - np.linspace(0.0, heights[-1], heights.size)).max() <= ALIKE * usual:
        return Distances(Pattern.EVEN, usual)
    runs = list(_runs(gaps))
    if not any(run.count >= _FEW for run in runs):
        return _without_parts(gaps, usual)
    finest = min(run.distance for run in runs if run.count >= _FEW)
    widths = [(run, _around(runs, at)) for at, run in enumerate(runs) if run.count < _FEW]
    holes = [(run, around) for run, around in widths if run.distance > _MISSING * max(around)]
    if holes:
        filling = sum((round(run.distance / min(around)) - 1) * run.count for run, around in holes)
        return Distances(Pattern.MISSING, finest, (filling, sum(run.count for run, _ in holes)))
    # Between two parts lies one gap of neither distance, where the second part was started.
    in_order = all(run.count == 1 and len(around) == 2 for run, around in widths)
    return Distances(Pattern.CHANGING if in_order else Pattern.UNEVEN, finest)


def _without_parts(gaps: NDArray[np.float64], usual: float) -> Distances:
    steps = gaps / usual
    wide = np.rint(steps[steps > _MISSING])
    if wide.size and np.all(np.abs(steps - np.rint(steps)) < ALIKE):
        return Distances(Pattern.MISSING, usual, (int(wide.sum() - wide.size), int(wide.size)))
    return Distances(Pattern.UNEVEN, usual)


def _runs(gaps: NDArray[np.float64]) -> Iterator[_Run]:
    """Yield neighbouring gaps of one distance together."""
    start = 0
    for end in range(1, gaps.size + 1):
        if end == gaps.size or abs(gaps[end] - gaps[start]) > ALIKE * gaps[start]:
            yield _Run(float(np.median(gaps[start:end])), end - start)
            start = end


def _around(runs: list[_Run], at: int) -> list[float]:
    """Return the distances of the parts before and after a short run."""
    before = next((run.distance for run in reversed(runs[:at]) if run.count >= _FEW), None)
    after = next((run.distance for run in runs[at + 1 :] if run.count >= _FEW), None)
    return [distance for distance in (before, after) if distance is not None]
