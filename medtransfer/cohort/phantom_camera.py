"""Simulated fundus cameras: from reflectance to the photograph that one of them would have stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from medtransfer.cohort.phantom_canvas import Grid, smooth_noise


@dataclass(frozen=True, slots=True)
class Camera:
    """One make of camera, as it differs from others in its pictures.

    Attributes
    ----------
    name
        Goes into the table as the site.
    height, width
        Of the stored picture, in pixels.
    field_mm
        Diameter of the field of view on the retina (45 degrees are about 13.5 mm).
    circle
        Diameter of the field of view in pixels; may exceed the height, which then cuts it.
    gains
        Factors for red, green and blue: the colour cast.
    gamma
        Exponent of the tone curve: below 1 lifts the shadows.
    vignetting
        Share of the light lost at the edge of the field.
    blur
        Standard deviation of the optics' blur in pixels.
    noise
        Standard deviation of the sensor's noise in grey levels of 255.
    suffix
        File type that it stores.
    notch
        Whether a tab at the edge of the field tells which way up the picture is.
    """

    name: str
    height: int
    width: int
    field_mm: float
    circle: int
    gains: tuple[float, float, float]
    gamma: float
    vignetting: float
    blur: float
    noise: float
    suffix: str
    notch: bool


CAMERAS = (
    Camera("camera-a", 428, 512, 14.0, 452, (0.90, 0.93, 0.42), 0.95, 0.30, 0.7, 2.0, ".jpg", notch=True),
    Camera("camera-b", 400, 480, 13.2, 452, (1.06, 0.68, 0.72), 0.90, 0.22, 0.5, 1.6, ".jpg", notch=True),
    Camera("camera-c", 448, 448, 12.6, 440, (0.74, 0.86, 1.05), 0.85, 0.38, 0.9, 3.2, ".png", notch=False),
    Camera("camera-d", 384, 384, 13.6, 376, (1.02, 0.82, 0.70), 1.05, 0.45, 1.2, 4.0, ".jpg", notch=False),
)


def view(rng: np.random.Generator, camera: Camera) -> Grid:
    """Return the grid of a photograph that is centred between fovea and disc, or on the fovea, as photographers do."""
    aim = rng.choice((0.4, 2.0))
    centre = (aim + rng.normal(0, 0.25), -0.1 + rng.normal(0, 0.25))
    return Grid(camera.height, camera.width, camera.circle / camera.field_mm, centre)


def photograph(
    rng: np.random.Generator, camera: Camera, reflectance: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the picture, uint8 (height, width, 3), and the field of view in it, bool (height, width)."""
    grid = Grid(camera.height, camera.width, camera.circle / camera.field_mm, (0.0, 0.0))
    x, y = grid.millimetres()
    radius = np.hypot(x, y) / (camera.field_mm / 2)
    drift = rng.uniform(-0.09, 0.09, 2)
    light = 1 - camera.vignetting * radius**2.4 + (drift[0] * x + drift[1] * y) / camera.field_mm * 2
    haze = 0.025 * rng.uniform(0.3, 1.6) * (1 + 0.3 * smooth_noise(rng, grid, 4.0))
    exposure = rng.uniform(0.92, 1.1)
    field = radius <= 1
    if camera.notch:
        field |= np.hypot(x - 0.715 * camera.field_mm / 2, y + 0.715 * camera.field_mm / 2) < 0.028 * camera.field_mm
    gains = np.asarray(camera.gains, dtype=np.float32) * rng.normal(1, 0.03, 3)
    seen = (reflectance * gains + haze[..., np.newaxis]) * (exposure * light)[..., np.newaxis]
    # A shoulder instead of clipping, as sensors' tone curves have: 0.8 and above is compressed towards 1.
    shoulder = np.where(seen > 0.8, 1 - 0.2 * np.exp(-(np.maximum(seen, 0.8) - 0.8) / 0.2), np.maximum(seen, 0))
    toned = shoulder**camera.gamma * field[..., np.newaxis]
    sharp = Pillow.fromarray((toned * 255).astype(np.uint8))
    blurred = np.asarray(sharp.filter(ImageFilter.GaussianBlur(camera.blur)), dtype=np.float32)
    noise = rng.standard_normal(blurred.shape, dtype=np.float32) * camera.noise
    dark = np.where(field, 1.0, 0.3).astype(np.float32)[..., np.newaxis]
    return np.clip(blurred + 2 + noise * dark, 0, 255).astype(np.uint8), field
