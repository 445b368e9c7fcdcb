"""Pictures inside the page: the study, and the study under its heat map."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray

from medtransfer.result.colour import inferno
from medtransfer.work.report.html import Html, element

OPACITY = 0.75
"""Of the overlay where the map is 1; where it is 0 the picture shows through untouched."""
LONGEST_SIDE = 1000
"""Pixels: pictures are reduced to this for the report."""


def overlay(picture: NDArray[np.uint8], heatmap: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Blend a heat map in [0, 1], shape ``(y, x)``, over a picture ``(y, x, 3)``; the stronger, the less shows through.

    Raises
    ------
    ValueError
        When the two are not on the same grid.
    """
    if picture.shape[:2] != heatmap.shape:
        raise ValueError(f"a heat map of shape {heatmap.shape} does not lie on a picture of shape {picture.shape}")
    opacity = OPACITY * np.clip(heatmap, 0.0, 1.0)[..., np.newaxis]
    blended = (1.0 - opacity) * picture + opacity * inferno(heatmap)
    colours: NDArray[np.uint8] = np.rint(blended).astype(np.uint8)
    return colours


def image(picture: NDArray[np.uint8], description: str) -> Html:
    """Return an ``img`` element that holds the picture ``(y, x, 3)``, as JPEG, reduced to :data:`LONGEST_SIDE`."""
    from PIL import Image as Picture

    reduced = Picture.fromarray(picture)
    reduced.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    stream = io.BytesIO()
    reduced.save(stream, "JPEG", quality=92)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return element("img", src=f"data:image/jpeg;base64,{data}", alt=description)


def ramp() -> str:
    """Return a CSS gradient with the colours of heat maps, 0 on the left and 1 on the right."""
    colours = ",".join(f"rgb({r},{g},{b})" for r, g, b in inferno(np.linspace(0.0, 1.0, 12)).tolist())
    return f"background:linear-gradient(90deg,{colours})"
