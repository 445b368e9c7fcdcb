"""The lesions of a synthetic eye: drawn onto its reflectance, and kept as a truth mask.

Coordinates as in :mod:`medtransfer.cohort.phantom_vessels`: millimetres, origin at the fovea.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medtransfer.cohort.phantom_anatomy import DISC_DIAMETER, Eye
from medtransfer.cohort.phantom_canvas import Grid, Stencil, smooth_noise

Kind = Literal["drusen", "exudate", "haemorrhage", "microaneurysm"]
# Kind -> its value in the truth mask, in the order of painting; 0 is healthy.
MASK_VALUES: dict[Kind, int] = {"drusen": 1, "exudate": 2, "haemorrhage": 3, "microaneurysm": 4}
_RED = (0.30, 0.72, 0.62)
_FIELD = 5.6


@dataclass(frozen=True, slots=True)
class Severity:
    """How many lesions of each kind an eye has; ``near`` exudates lie within a disc diameter of the fovea."""

    microaneurysms: int = 0
    haemorrhages: int = 0
    near_exudates: int = 0
    far_exudates: int = 0
    drusen: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """One lesion: its outline as points (n, 2) in mm."""

    kind: Kind
    outline: NDArray[np.float64]


def scatter(rng: np.random.Generator, eye: Eye, severity: Severity) -> list[Lesion]:
    """Return lesions in the numbers that ``severity`` asks for, off the optic disc and off the fovea itself."""
    lesions = [_druse(rng) for _ in range(severity.drusen)]
    near, far = (0.35, 0.85 * DISC_DIAMETER), (1.4 * DISC_DIAMETER, _FIELD)
    for count, ring in ((severity.near_exudates, near), (severity.far_exudates, far)):
        lesions += _exudates(rng, eye, count, ring)
    for _ in range(severity.haemorrhages):
        lesions.append(_haemorrhage(rng, eye, _place(rng, eye, (0.8, _FIELD))))
    for _ in range(severity.microaneurysms):
        lesions.append(
            Lesion("microaneurysm", _blob(rng, _place(rng, eye, (0.5, _FIELD)), rng.uniform(0.035, 0.06), 0.1))
        )
    return lesions


def paint(
    rng: np.random.Generator, lesions: list[Lesion], grid: Grid, picture: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Draw ``lesions`` onto ``picture`` in place; return the truth mask: uint8 MASK_VALUES, shape (height, width)."""
    truth = np.zeros(picture.shape[:2], dtype=np.uint8)
    for kind, value in MASK_VALUES.items():
        stencil = Stencil(grid)
        outlines = [lesion.outline for lesion in lesions if lesion.kind == kind]
        if not outlines:
            continue
        for outline in outlines:
            stencil.polygon(outline)
        cover = stencil.cover()
        truth[cover >= 0.5] = value
        density = np.clip(0.92 + 0.12 * smooth_noise(rng, grid, 0.15), 0.55, 1) * cover
        _PAINTERS[kind](picture, density[..., np.newaxis])
    return truth


def _paint_red(picture: NDArray[np.float32], cover: NDArray[np.float32]) -> None:
    picture *= 1 - cover * np.array(_RED, dtype=np.float32)


def _paint_exudate(picture: NDArray[np.float32], cover: NDArray[np.float32]) -> None:
    picture += cover * (np.array([1.0, 0.84, 0.42], dtype=np.float32) - picture)


def _paint_druse(picture: NDArray[np.float32], cover: NDArray[np.float32]) -> None:
    picture += 0.38 * cover * (np.array([0.98, 0.74, 0.42], dtype=np.float32) - picture)


_PAINTERS: dict[Kind, Callable[[NDArray[np.float32], NDArray[np.float32]], None]] = {
    "drusen": _paint_druse,
    "exudate": _paint_exudate,
    "haemorrhage": _paint_red,
    "microaneurysm": _paint_red,
}


def _place(rng: np.random.Generator, eye: Eye, ring: tuple[float, float]) -> NDArray[np.float64]:
    """Return a point between the two distances from the fovea, and clear of the optic disc."""
    while True:
        radius = math.sqrt(rng.uniform(ring[0] ** 2, ring[1] ** 2))
        angle = rng.uniform(0, 2 * math.pi)
        point = np.array([radius * math.cos(angle), radius * math.sin(angle)])
        if math.dist(point, eye.disc) > 1.5 * eye.disc_radius:
            return point


def _blob(
    rng: np.random.Generator, centre: NDArray[np.float64], radius: float, roughness: float
) -> NDArray[np.float64]:
    """Return the outline of an irregular patch: a circle whose radius is swayed by a few low harmonics."""
    angle = np.linspace(0, 2 * math.pi, 28, endpoint=False)
    sway = np.zeros_like(angle)
    for harmonic in range(2, 7):
        sway += rng.normal(0, roughness * 1.4 / harmonic) * np.cos(harmonic * angle + rng.uniform(0, 2 * math.pi))
    extent = radius * np.clip(1 + sway, 0.35, 1.8)
    return centre + np.stack([extent * np.cos(angle), extent * np.sin(angle)], axis=1)


def _druse(rng: np.random.Generator) -> Lesion:
    angle, radius = rng.uniform(0, 2 * math.pi), abs(rng.normal(0, 1.1)) + 0.2
    centre = np.array([radius * math.cos(angle), radius * math.sin(angle)])
    return Lesion("drusen", _blob(rng, centre, rng.uniform(0.03, 0.09), 0.08))


def _haemorrhage(rng: np.random.Generator, eye: Eye, centre: NDArray[np.float64]) -> Lesion:
    """Return a blot, or, near the disc, a flame drawn out along the nerve fibres that run towards it."""
    radius = float(np.clip(rng.lognormal(math.log(0.13), 0.45), 0.07, 0.42))
    if math.dist(centre, eye.disc) > 3.2 or rng.random() < 0.4:
        return Lesion("haemorrhage", _blob(rng, centre, radius, 0.16))
    direction = math.atan2(eye.disc[1] - centre[1], eye.disc[0] - centre[0])
    turn = np.array([[math.cos(direction), math.sin(direction)], [-math.sin(direction), math.cos(direction)]])
    outline = _blob(rng, np.zeros(2), radius, 0.22) * np.array([2.3, 0.6])
    return Lesion("haemorrhage", centre + outline @ turn)


def _exudates(rng: np.random.Generator, eye: Eye, count: int, ring: tuple[float, float]) -> list[Lesion]:
    """Return ``count`` exudates in clusters, some in a ring round a leaking point, all within ``ring`` of the fovea."""
    lesions: list[Lesion] = []
    while len(lesions) < count:
        centre = _place(rng, eye, ring)
        spread, circinate = rng.uniform(0.25, 0.7), rng.random() < 0.5
        for _ in range(min(int(rng.integers(5, 16)), count - len(lesions))):
            angle = rng.uniform(0, 2 * math.pi)
            distance = spread * (rng.normal(1, 0.12) if circinate else abs(rng.normal(0, 0.6)))
            point = centre + distance * np.array([math.cos(angle), math.sin(angle)])
            if not ring[0] <= math.hypot(*point) <= ring[1] or math.dist(point, eye.disc) < 1.2 * eye.disc_radius:
                continue
            radius = float(np.clip(rng.lognormal(math.log(0.05), 0.45), 0.025, 0.16))
            lesions.append(Lesion("exudate", _blob(rng, point, radius, 0.2)))
    return lesions
