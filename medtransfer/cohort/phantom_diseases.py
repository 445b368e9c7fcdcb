"""Twelve diseases drawn onto synthetic fundus photographs: those that are most frequent in RFMiD's training part.

Coordinates as in :mod:`medtransfer.cohort.phantom_vessels`: a right eye, origin at the fovea, x to the disc, in mm. The
drawings have the signs that the diseases are named by, and nothing else of them: a detector that finds them is proof
that the way from pictures to detectors works, and of nothing more.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from medtransfer.cohort import phantom_table
from medtransfer.cohort.phantom_anatomy import Eye, make_eye, reflectance, soft_inside
from medtransfer.cohort.phantom_camera import CAMERAS, Camera, photograph, view
from medtransfer.cohort.phantom_canvas import Grid, Plane, Stencil, smooth_noise
from medtransfer.cohort.phantom_lesions import Severity, paint, scatter
from medtransfer.cohort.phantom_table import Drawn

DISEASES = ("dr", "mh", "odc", "tsln", "dn", "mya", "armd", "brvo", "odp", "ode", "ls", "rs")
"""Label ids as in the fundus plug-in: diabetic retinopathy, media haze, disc cupping, tessellation, drusen, myopia,
macular degeneration, branch vein occlusion, disc pallor, disc oedema, laser scars, retinitis."""
_SHARE = 0.22
_HIDDEN = {
    ("odp", "ode"), ("odc", "ode"), ("odp", "odc"), ("dn", "armd"), ("ode", "mya"),
    ("mh", "dr"), ("mh", "dn"), ("mh", "odc"), ("mh", "tsln"), ("mh", "mya"),
}  # fmt: skip
"""Pairs whose signs would be drawn over one another; the second one gives way, as graders mark only what they see."""

Picture = NDArray[np.float32]
_Painter = Callable[[np.random.Generator, Eye, Grid, Picture], None]


def photographs(seed: int, number: int) -> Iterator[tuple[str, NDArray[np.uint8], frozenset[str], Camera]]:
    """Yield laterality, picture (uint8, (y, x, 3)), diseases and camera of both eyes of one synthetic patient.

    Both eyes have the same diseases; the same seed and number give the same patient.
    """
    rng = np.random.default_rng([seed, number, 12])
    camera = CAMERAS[rng.integers(len(CAMERAS))]
    chosen = {disease for disease in DISEASES if rng.random() < _SHARE}
    diseases = frozenset(chosen - {second for first, second in _HIDDEN if first in chosen})
    pigment = rng.uniform(0, 1)
    tessellation = rng.uniform(1.6, 2.2) if "tsln" in diseases else rng.uniform(0.0, 0.2)
    for laterality in ("R", "L"):
        eye = make_eye(rng, pigment, tessellation)
        eye = replace(eye, cup=rng.uniform(0.75, 0.87) if "odc" in diseases else rng.uniform(0.25, 0.45))
        grid = view(rng, camera)
        scene = reflectance(rng, eye, grid)
        for disease, painter in _PAINTERS.items():
            if disease in diseases:
                painter(rng, eye, grid, scene)
        if laterality == "L":
            scene = scene[:, ::-1]
        yield laterality, photograph(rng, camera, scene)[0], diseases, camera


def write_cohort(folder: Path, cases: int, seed: int) -> Path:
    """Write a synthetic cohort with all twelve diseases as :func:`phantom_table.write` does, and return its table.

    ``cases`` is the number of photographs; two per patient.
    """
    return phantom_table.write(folder, DISEASES, itertools.islice(_drawn(seed), cases))


def _drawn(seed: int) -> Iterator[Drawn]:
    for number in itertools.count():
        patient = f"disease{number + 1:04d}"
        for laterality, picture, diseases, camera in photographs(seed, number):
            labels = {disease: int(disease in diseases) for disease in DISEASES}
            yield Drawn(f"{patient}_{laterality}", patient, picture, camera, labels)


def _retinopathy(rng: np.random.Generator, eye: Eye, grid: Grid, scene: Picture) -> None:
    severity = Severity(
        microaneurysms=int(rng.integers(15, 40)), haemorrhages=int(rng.integers(8, 20)),
        far_exudates=int(rng.integers(10, 40)),
    )  # fmt: skip
    paint(rng, scatter(rng, eye, severity), grid, scene)


def _drusen(rng: np.random.Generator, eye: Eye, grid: Grid, scene: Picture) -> None:
    paint(rng, scatter(rng, eye, Severity(drusen=int(rng.integers(40, 90)))), grid, scene)


def _cupping(_: np.random.Generator, eye: Eye, grid: Grid, scene: Picture) -> None:
    """Draw the pale floor of the cup, beneath whose edge the vessels are lost from sight."""
    x, y = grid.millimetres()
    distance = np.hypot(x - eye.disc[0], (y - eye.disc[1]) / 1.08) / eye.disc_radius
    _blend(scene, 0.8 * soft_inside(distance, eye.cup, 0.04), (1.05, 0.97, 0.7))


def _myopia(rng: np.random.Generator, eye: Eye, grid: Grid, scene: Picture) -> None:
    """Draw the crescent of atrophy on the disc's side towards the fovea."""
    x, y = grid.millimetres()
    width = rng.uniform(0.6, 1.1) * eye.disc_radius
    outer = np.hypot(x - eye.disc[0] + width, (y - eye.disc[1]) / 1.05) / (eye.disc_radius + 0.5 * width)
    inner = np.hypot(x - eye.disc[0], (y - eye.disc[1]) / 1.08) / eye.disc_radius
    _blend(scene, 0.85 * soft_inside(outer, 1.0, 0.06) * (1 - soft_inside(inner, 1.0, 0.04)), (0.98, 0.86, 0.62))


def _degeneration(rng: np.random.Generator, eye: Eye, grid: Grid, scene: Picture) -> None:
    """Draw a patch of atrophy at the fovea with sharp edges, clumps of pigment and soft drusen around it."""
    x, y = grid.millimetres()
    radius = rng.uniform(0.7, 1.4)
    distance = np.hypot(x, y) / radius + 0.16 * smooth_noise(rng, grid, 0.6)
    _blend(scene, 0.7 * soft_inside(distance, 1.0, 0.03), (0.95, 0.70, 0.46))
    near = soft_inside((np.hypot(x, y) / (1.7 * radius)).astype(np.float32), 1.0, 0.1)
    clumps = (smooth_noise(rng, grid, 0.18) > 1.6) * near
    _blend(scene, 0.75 * clumps.astype(np.float32), (0.20, 0.10, 0.06))
    paint(rng, scatter(rng, eye, Severity(drusen=int(rng.integers(15, 40)))), grid, scene)


def _vein_occlusion(rng: np.random.Generator, eye: Eye, grid: Grid, scene: Picture) -> None:
    """Draw flames and cotton wool spots in one sector that opens from the disc, above or below the fovea."""
    side = rng.choice((-1.0, 1.0))
    flames, spots = Stencil(grid), Stencil(grid)
    for _ in range(int(rng.integers(120, 220))):
        angle = math.pi - side * rng.uniform(0.25, 0.95)
        distance = rng.uniform(1.2, 6.0)
        centre = np.array(eye.disc) + distance * np.array([math.cos(angle), math.sin(angle)])
        flames.polygon(_ellipse(centre, (rng.uniform(0.12, 0.4), rng.uniform(0.04, 0.09)), angle))
        if rng.random() < 0.05:
            spots.polygon(_ellipse(centre, (rng.uniform(0.15, 0.3), rng.uniform(0.12, 0.2)), angle))
    _blend(scene, 0.75 * flames.cover(), (0.45, 0.07, 0.05))
    _blend(scene, 0.8 * spots.cover(), (0.98, 0.92, 0.78))


def _pallor(_: np.random.Generator, eye: Eye, grid: Grid, scene: Picture) -> None:
    x, y = grid.millimetres()
    distance = np.hypot(x - eye.disc[0], (y - eye.disc[1]) / 1.08) / eye.disc_radius
    _blend(scene, 0.75 * soft_inside(distance, 1.0, 0.05), (1.05, 1.02, 0.95))


def _oedema(rng: np.random.Generator, eye: Eye, grid: Grid, scene: Picture) -> None:
    """Draw a swollen disc: its edge and cup are lost in a reddish mound, with flames at its rim."""
    x, y = grid.millimetres()
    distance = np.hypot(x - eye.disc[0], y - eye.disc[1]) / (rng.uniform(1.5, 1.9) * eye.disc_radius)
    _blend(scene, 0.85 * soft_inside(distance + 0.1 * smooth_noise(rng, grid, 0.4), 1.0, 0.14), (0.98, 0.52, 0.28))
    flames = Stencil(grid)
    for angle in rng.uniform(0, 2 * math.pi, int(rng.integers(4, 12))):
        centre = np.array(eye.disc) + 1.5 * eye.disc_radius * np.array([math.cos(angle), math.sin(angle)])
        flames.polygon(_ellipse(centre, (0.3, 0.06), float(angle)))
    _blend(scene, 0.7 * flames.cover(), (0.45, 0.07, 0.05))


def _laser_scars(rng: np.random.Generator, eye: Eye, grid: Grid, scene: Picture) -> None:
    """Draw rows of pale round scars with dark centres, clear of the macula and the disc."""
    scars, centres = Stencil(grid), Stencil(grid)
    step = rng.uniform(0.55, 0.8)
    for row in np.arange(-7, 7, step):
        for column in np.arange(-7, 9, step):
            point = np.array([column, row]) + rng.normal(0, 0.08, 2)
            if math.hypot(*point) < 2.6 or math.dist(point, eye.disc) < 1.8 or rng.random() < 0.2:
                continue
            radius = rng.uniform(0.13, 0.2)
            scars.polygon(_ellipse(point, (radius, radius), 0.0))
            if rng.random() < 0.6:
                centres.polygon(_ellipse(point, (0.45 * radius, 0.45 * radius), 0.0))
    _blend(scene, 0.6 * scars.cover(), (0.95, 0.80, 0.55))
    _blend(scene, 0.8 * centres.cover(), (0.18, 0.10, 0.07))


def _retinitis(rng: np.random.Generator, _: Eye, grid: Grid, scene: Picture) -> None:
    """Draw one or two white patches with fluffy edges, and blood beside them."""
    x, y = grid.millimetres()
    flames = Stencil(grid)
    for _patch in range(int(rng.integers(1, 3))):
        angle, distance = rng.uniform(0, 2 * math.pi), rng.uniform(2.2, 4.5)
        centre = np.array([distance * math.cos(angle), distance * math.sin(angle)])
        radius = rng.uniform(0.7, 1.4)
        shape = np.hypot(x - centre[0], y - centre[1]) / radius + 0.3 * smooth_noise(rng, grid, 0.5)
        _blend(scene, 0.85 * soft_inside(shape, 1.0, 0.12), (0.99, 0.93, 0.80))
        for turn in rng.uniform(0, 2 * math.pi, int(rng.integers(4, 9))):
            beside = centre + 1.1 * radius * np.array([math.cos(turn), math.sin(turn)])
            flames.polygon(_ellipse(beside, (0.22, 0.12), float(turn)))
    _blend(scene, 0.75 * flames.cover(), (0.42, 0.06, 0.05))


def _haze(rng: np.random.Generator, _: Eye, grid: Grid, scene: Picture) -> None:
    """Draw what clouded media do: everything is blurred and a pale veil lies over it."""
    radius = rng.uniform(0.12, 0.22) * grid.scale
    for channel in range(3):
        plane = Pillow.fromarray((scene[..., channel].clip(0, 1.2) * 212).astype(np.uint8))
        scene[..., channel] = np.asarray(plane.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 212
    veil = np.full(scene.shape[:2], rng.uniform(0.3, 0.5), dtype=np.float32)
    _blend(scene, veil * (1 + 0.15 * smooth_noise(rng, grid, 3.0)), (0.80, 0.62, 0.42))


_PAINTERS: Mapping[str, _Painter] = {
    "odc": _cupping,
    "mya": _myopia,
    "odp": _pallor,
    "ode": _oedema,
    "armd": _degeneration,
    "dn": _drusen,
    "dr": _retinopathy,
    "brvo": _vein_occlusion,
    "rs": _retinitis,
    "ls": _laser_scars,
    "mh": _haze,
}
"""In the order of painting; ``tsln`` is the eye's own choroid."""


def _blend(scene: Picture, cover: Plane, colour: tuple[float, float, float]) -> None:
    """Bring ``scene`` (y, x, 3) towards a colour where ``cover`` (y, x), in [0, 1], is high; in place."""
    scene += cover.clip(0, 1)[..., np.newaxis] * (np.array(colour, dtype=np.float32) - scene)


def _ellipse(centre: NDArray[np.float64], radii: tuple[float, float], turn: float) -> NDArray[np.float64]:
    """Return the outline (24, 2) in mm of an ellipse whose first axis points along ``turn``."""
    angle = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    outline = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], axis=1)
    turned = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return np.asarray(centre + outline @ turned)
