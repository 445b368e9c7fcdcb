"""A healthy synthetic fundus: pigment, choroid, macula, optic disc and vessels, as reflectance per colour channel.

Coordinates as in :mod:`medtransfer.cohort.phantom_vessels`: a right eye, origin at the fovea, x to the disc, in mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from medtransfer.cohort.phantom_canvas import Grid, Plane, Stencil, smooth_noise
from medtransfer.cohort.phantom_vessels import Vessel, grow

# Means in adults: the disc is 1.8 mm wide and 1.9 mm high and lies 4.6 mm nasal to and 0.5 mm above the fovea
# (Jonas et al., IOVS 1988;29:1151; Williams and Wilkinson, Optom Vis Sci 1992;69:369).
DISC_DIAMETER = 1.8
_DISC_CENTRE = (4.6, -0.5)
_PALE = np.array([0.90, 0.46, 0.20], dtype=np.float32)
_DARK = np.array([0.62, 0.27, 0.10], dtype=np.float32)
_RIM = np.array([1.00, 0.66, 0.34], dtype=np.float32)
_CUP = np.array([1.05, 0.90, 0.62], dtype=np.float32)
# Share of red, green and blue light that blood takes away: green most, red least, and venous blood more of each.
_ABSORPTION = {"artery": (0.20, 0.50, 0.42), "vein": (0.38, 0.66, 0.52)}


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """What stays the same between two photographs of one eye.

    ``pigment`` runs from 0 to 1, and so does ``tessellation`` in healthy eyes: in disease it is larger. ``disc`` is the
    disc's centre in mm, ``disc_radius`` half its width in mm, ``cup`` the cup's share of the disc's diameter.
    """

    pigment: float
    tessellation: float
    disc: tuple[float, float]
    disc_radius: float
    cup: float
    vessels: list[Vessel]


def make_eye(rng: np.random.Generator, pigment: float, tessellation: float) -> Eye:
    """Return an eye of a person with the given pigment and tessellation."""
    disc = (_DISC_CENTRE[0] + rng.normal(0, 0.2), _DISC_CENTRE[1] + rng.normal(0, 0.2))
    radius = DISC_DIAMETER / 2 * rng.uniform(0.88, 1.1)
    return Eye(pigment, tessellation, disc, radius, rng.uniform(0.25, 0.55), grow(rng, disc))


def reflectance(rng: np.random.Generator, eye: Eye, grid: Grid) -> NDArray[np.float32]:
    """Return the light that the healthy fundus sends back: float32, shape (height, width, 3), RGB, about 0..1."""
    picture = _background(rng, eye, grid)
    _paint_disc(rng, eye, grid, picture)
    _paint_vessels(eye, grid, picture)
    return picture


def _background(rng: np.random.Generator, eye: Eye, grid: Grid) -> NDArray[np.float32]:
    x, y = grid.millimetres()
    from_fovea = x**2 + y**2
    from_disc = (x - eye.disc[0]) ** 2 + (y - eye.disc[1]) ** 2
    mottle = (
        0.5 * smooth_noise(rng, grid, 3.5) + 0.3 * smooth_noise(rng, grid, 0.9) + 0.35 * smooth_noise(rng, grid, 0.22)
    )
    choroid = eye.tessellation * _choroid(rng, grid)
    macula = 0.30 * np.exp(-from_fovea / (2 * 1.2**2)) + 0.16 * np.exp(-from_fovea / (2 * 0.33**2))
    sheen = 0.13 * np.exp(-from_disc / (2 * 1.9**2))
    colour = (1 - eye.pigment) * _PALE + eye.pigment * _DARK
    channels = []
    for base, on_mottle, on_choroid, on_macula, on_sheen in zip(
        colour, (0.03, 0.055, 0.05), (0.07, 0.14, 0.17), (0.65, 1.0, 0.9), (0.5, 1.0, 1.2), strict=True
    ):
        shade = 1 + on_mottle * mottle + on_choroid * choroid - on_macula * macula + on_sheen * sheen
        channels.append(base * shade)
    reflex = 0.10 * np.exp(-from_fovea / (2 * 0.07**2))
    picture: NDArray[np.float32] = np.stack(channels, axis=-1).astype(np.float32)
    picture += reflex[..., np.newaxis]
    return picture


def _choroid(rng: np.random.Generator, grid: Grid) -> Plane:
    """Return the streaks of choroidal vessels that shine through, running out from the posterior pole; about -1..1."""
    x, y = grid.millimetres()
    warp_x, warp_y = smooth_noise(rng, grid, 1.3), smooth_noise(rng, grid, 1.3)
    angle = np.arctan2(y + 0.25 * warp_y, x - 1.5 + 0.25 * warp_x)
    radius = np.hypot(y, x - 1.5)
    rows, columns = 24, 192
    pattern = rng.standard_normal((rows, columns), dtype=np.float32)
    fine = np.asarray(Pillow.fromarray(pattern).resize((columns * 4, rows * 8), Pillow.Resampling.BICUBIC))
    row = np.clip(radius / 9 * (rows * 8 - 1), 0, rows * 8 - 1).astype(np.intp)
    column = ((angle / (2 * math.pi) + 0.5) * (columns * 4 - 1)).astype(np.intp)
    streaks = 1 - 1.6 * np.abs(fine[row, column])
    outside_macula = 1 - np.exp(-(radius**2) / (2 * 2.2**2))
    shown: Plane = (np.clip(streaks, -1, 1) * outside_macula).astype(np.float32)
    return shown


def _paint_disc(rng: np.random.Generator, eye: Eye, grid: Grid, picture: NDArray[np.float32]) -> None:
    x, y = grid.millimetres()
    tilt = rng.uniform(-0.2, 0.2)
    across = (x - eye.disc[0]) + tilt * (y - eye.disc[1])
    along = (y - eye.disc[1]) / 1.08
    distance = np.hypot(across, along) / eye.disc_radius
    uneven = 0.04 * smooth_noise(rng, grid, 0.5)
    disc = soft_inside(distance + uneven, 1.0, 0.05)
    halo = 0.35 * np.exp(-np.maximum(distance - 1, 0) * 7) * (1 - disc)
    cup_distance = np.hypot(across + 0.12 * eye.disc_radius, along) / eye.disc_radius
    cup = soft_inside(cup_distance + uneven, eye.cup, 0.13)[..., np.newaxis]
    pallor = 1 - 0.10 * np.clip(across / eye.disc_radius, -1, 1) + 0.05 * smooth_noise(rng, grid, 0.3)
    tissue = ((1 - cup) * _RIM + cup * _CUP) * pallor[..., np.newaxis]
    cover = np.maximum(0.93 * disc, halo * 0.5)[..., np.newaxis]
    picture *= 1 - cover
    picture += cover * tissue


def soft_inside(distance: Plane, edge: float, softness: float) -> Plane:
    """Return 1 well inside ``edge``, 0 well outside, with a logistic edge."""
    inside: Plane = (1 / (1 + np.exp(np.clip((distance - edge) / softness, -30, 30)))).astype(np.float32)
    return inside


def _paint_vessels(eye: Eye, grid: Grid, picture: NDArray[np.float32]) -> None:
    """Darken the picture where vessels run, and put the light reflex on the larger arteries."""
    for kind, absorption in _ABSORPTION.items():
        thick, reflex = Stencil(grid), Stencil(grid)
        thin = Stencil(grid)
        for vessel in eye.vessels:
            if vessel.kind != kind:
                continue
            for start in range(0, len(vessel.points) - 1, 5):
                points, width = vessel.points[start : start + 6], float(vessel.widths[start])
                (thick if width > 0.05 else thin).line(points, width)
                if width > 0.06:
                    reflex.line(points, 0.28 * width)
        cover = np.maximum(thick.cover(), 0.6 * thin.cover())
        shine = (0.45 if kind == "artery" else 0.2) * reflex.cover()
        for channel, share in enumerate(absorption):
            picture[..., channel] *= 1 - share * cover * (1 - shine)
