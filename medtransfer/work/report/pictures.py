"""Pictures inside the page: the study, and the study under its heat map."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medtransfer.result.colour import inferno
from medtransfer.result.model import Structure
from medtransfer.work.report.html import Html, element

OPACITY = 0.75
"""Of the overlay where the map is 1; where it is 0 the picture shows through untouched."""
_TINT = 0.45
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


def labelled(
    picture: NDArray[np.uint8], labels: NDArray[np.unsignedinteger], structures: Sequence[Structure]
) -> NDArray[np.uint8]:
    """Tint a picture ``(y, x, 3)`` by the structures in a slice of a label map ``(y, x)``, each in its own colour."""
    tinted = picture.astype(np.float32)
    for structure in structures:
        inside = labels == structure.value
        colour = [int(structure.colour[at : at + 2], 16) for at in (1, 3, 5)]
        tinted[inside] = (1.0 - _TINT) * tinted[inside] + _TINT * np.asarray(colour, np.float32)
    colours: NDArray[np.uint8] = np.rint(tinted).astype(np.uint8)
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
