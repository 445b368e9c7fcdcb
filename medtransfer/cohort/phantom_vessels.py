"""The retinal vessels of a synthetic eye: grown as branching paths, in millimetres on the retina.

Coordinates are those of a right eye as a photograph shows it: the origin is the fovea, x points towards the nose (to
the optic disc), y points down; lengths in millimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Trunk calibres at the disc, in mm, in the ratio of 2 to 3 that textbooks call normal for arteries and veins.
_TRUNK_WIDTH = {"artery": 0.095, "vein": 0.14}
_THINNEST = 0.026
_STEP = 0.12
_AVASCULAR = 0.45
_REACH = 9.5
_DEEPEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class Vessel:
    """One stretch between branchings.

    Attributes
    ----------
    points
        float64, shape (n, 2): x and y in mm.
    widths
        float64, shape (n,): calibre in mm.
    kind
        ``artery`` or ``vein``.
    """

    points: NDArray[np.float64]
    widths: NDArray[np.float64]
    kind: str


@dataclass(frozen=True, slots=True)
class _Course:
    """Where a vessel sets out, where it turns to, and over which length; angles in radians, lengths in mm."""

    start: tuple[float, float]
    heading: float
    final_heading: float
    relaxation: float
    length: float
    width: float


def grow(rng: np.random.Generator, disc: tuple[float, float]) -> list[Vessel]:
    """Return all vessels of an eye whose optic disc is centred at ``disc`` (x, y in mm)."""
    vessels: list[Vessel] = []
    for kind in ("vein", "artery"):
        for course in _trunks(rng, disc, _TRUNK_WIDTH[kind] * rng.uniform(0.9, 1.1)):
            _grow_tree(rng, course, kind, 0, vessels)
    return vessels


def _trunks(rng: np.random.Generator, disc: tuple[float, float], width: float) -> list[_Course]:
    """Return the two temporal arcades, the two nasal trunks and the fine vessels between disc and macula."""
    courses = []
    for side in (-1.0, 1.0):
        start = (disc[0] + rng.normal(0.12, 0.06), disc[1] + side * rng.uniform(0.02, 0.12))
        arcade = math.pi - side * math.radians(rng.uniform(80, 104))
        flat = math.pi + side * math.radians(rng.uniform(-4, 16))
        courses.append(_Course(start, arcade, flat, rng.uniform(3.0, 4.0), rng.uniform(10, 12), width))
        nasal = side * math.radians(rng.uniform(55, 80))
        outward = side * math.radians(rng.uniform(20, 50))
        courses.append(_Course(start, nasal, outward, rng.uniform(2, 4), rng.uniform(5, 8), 0.75 * width))
        macular = math.pi - side * math.radians(rng.uniform(18, 45))
        courses.append(_Course(start, macular, math.pi, rng.uniform(1.5, 3), rng.uniform(2.5, 4), 0.38 * width))
    return courses


def _grow_tree(rng: np.random.Generator, course: _Course, kind: str, depth: int, vessels: list[Vessel]) -> None:
    points, headings = _follow(rng, course)
    if len(points) < 4:
        return
    share = np.arange(len(points)) * _STEP / course.length
    widths = np.maximum(course.width * (1 - 0.6 * share), _THINNEST * (1 - 0.5 * share**2))
    vessels.append(Vessel(points, widths, kind))
    if depth == _DEEPEST:
        return
    side = rng.choice((-1.0, 1.0))
    at = int(rng.uniform(0.7, 1.4) / _STEP)
    while at < len(points) - 3:
        width = float(widths[at]) * rng.uniform(0.5, 0.74)
        if width > _THINNEST:
            heading = float(headings[at]) + side * math.radians(rng.uniform(40, 72))
            final = float(headings[at]) + side * math.radians(rng.uniform(5, 35))
            length = rng.uniform(2.2, 5.0) * (width / 0.07) ** 0.7
            branch = _Course((points[at, 0], points[at, 1]), heading, final, 1.1, length, width)
            _grow_tree(rng, branch, kind, depth + 1, vessels)
        side = -side if rng.random() < 0.75 else side
        at += int(rng.uniform(0.7, 1.9) / _STEP)


def _follow(rng: np.random.Generator, course: _Course) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the points (n, 2) and headings (n,) of a path, ended at the avascular zone and at the far periphery."""
    count = max(int(course.length / _STEP), 2)
    travelled = np.arange(count) * _STEP
    wander = np.convolve(rng.normal(0, 1, count + 10), np.hanning(13)[1:-1] / 6, mode="valid")
    turn = (course.heading - course.final_heading) * np.exp(-travelled / course.relaxation)
    headings = (
        course.final_heading + turn + 0.6 * wander * min(1.0, 0.45 + 0.03 / course.width) + 0.03 * np.cumsum(wander)
    )
    steps = _STEP * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    points = np.asarray(course.start) + np.cumsum(steps, axis=0)
    distance = np.hypot(points[:, 0], points[:, 1])
    ended = np.flatnonzero((distance < _AVASCULAR) | (distance > _REACH))
    end = int(ended[0]) if len(ended) else count
    return points[:end], headings[:end]
