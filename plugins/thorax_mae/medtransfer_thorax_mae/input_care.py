"""Whether an image is a frontal chest radiograph as the network knows them, by its header and by its pixels.

What the rules for pixels were measured on stands in :mod:`.projection` and :mod:`.marks`. The limit for a tint: in 88 %
of 282 radiographs out of publications red, green and blue do not differ at all, in 11 % by more than 2 of 255 on
average; 97 % of 33 films that a program photographed on a light box (NIH's, in perspective, tinted, as JPEG) lie above.
The same radiograph as an 8-bit and a 16-bit PNG, and as a 12-bit DICOM with a window over all of its range, MONOCHROME1
or 2, gets probabilities within 0.006 of each other from the starter (13 of NIH's, :data:`DEPTH_TOLERANCE`). A DICOM
without a window is shown from its 0.5th to its 99.5th percentile: on these 13 that moved a probability by up to 0.21.

That a picture is unlike those of the training, whatever it shows, is noticed by medtransfer itself with every model. Of
the starter, beyond its limit lie: 0 of 167 of NIH's test patients, 2 % of the 258 frontal ones above, 5 % of 250
children, 51 of 51 fundus photographs, a leg and a dog, but only 2 of 23 CT slices and 2 of 24 lateral views.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medtransfer.sdk import Heatmap, Image, Notice, rgb8
from medtransfer_thorax_mae import marks, projection

DEPTH_TOLERANCE = 0.01
"""What files of other depth but the same look may differ by in their probabilities."""
_LATERAL = frozenset({"LL", "RL", "LATERAL", "LLD", "RLD"})
_BESIDE = "The model knows frontal views alone: its answers mean little here."
_CHEST = frozenset({"CHEST", "THORAX", "LUNG"})
"""Values of ViewPosition (DICOM PS3.3 C.8.7.1, C.8.11.5) and of BodyPartExamined (PS3.16, Annex L)."""
_COLOURED = 12
"""Mean difference between the brightest and the darkest of red, green and blue, of 255, above which it is no grey."""
_TINTED = 2
"""The same, above which a grey picture has a tint."""
_HOT = 0.8
"""A map of at least this, of 1, on a mark points at it."""


def notices(image: Image) -> list[Notice]:
    """Return what the reader of a result must know: the view, another body part, and what is wrong with the picture."""
    rgb = rgb8(image)
    found = [*_view(image.view.upper()), *_body_part(image.body_part.upper())]
    if np.ptp(rgb) == 0:
        return [*found, _warning("flat", "Every pixel is the same: there is nothing to see. The answers mean nothing.")]
    colour = _colourfulness(rgb) if image.meaning == "rgb" else 0.0
    if colour > _COLOURED:
        message = "This is a colour picture: no radiograph, or a photograph of one. The answers mean nothing."
        return [*found, _warning("colour", message)]
    if colour > _TINTED:
        message = (
            "This grey picture has a tint: perhaps a photograph of a film or a screen. The model knows digital "
            "radiographs alone."
        )
        found.append(_warning("photograph", message, "Give the original file."))
    return [*found, *_of_grey(rgb[..., 1], image)]


def of_maps(image: Image, heatmaps: Sequence[Heatmap]) -> list[Notice]:
    """Return which maps are hottest where letters or marks are burned into the picture."""
    burned = marks.find(_grey(image)) if heatmaps else []
    wholes = [heatmap for heatmap in heatmaps if not heatmap.info.part]
    hot = [heatmap.info.label for heatmap in wholes if any(_heat(heatmap.array, mark) >= _HOT for mark in burned)]
    message = "the map points at a mark burned into the picture, not at the patient."
    return [_warning("map-on-mark", f"{label}: {message}") for label in hot]


def _view(view: str) -> list[Notice]:
    if view in _LATERAL:
        return [_warning("lateral", f"The file says lateral view. {_BESIDE}")]
    if view == "AP":
        message = "An AP view, often taken in bed: the heart looks larger than in a PA view."
        return [Notice(code="thorax.ap", level="info", message=message)]
    return []


def _body_part(part: str) -> list[Notice]:
    if not part or part in _CHEST:
        return []
    return [_warning("body-part", "The file names another body part than the chest: the answers mean nothing.")]


def _of_grey(grey: NDArray[np.uint8], image: Image) -> list[Notice]:
    found = []
    if image.units != "display" and not image.windows:
        message = "The file does not say how its grey levels are meant to look: a copy of it may get another answer."
        found.append(Notice(code="thorax.no-window", level="info", message=message))
    shape = projection.measure(grey)
    if shape.negative:
        message = "Dark and bright look exchanged, as in a negative: the answers mean nothing."
        found.append(_warning("negative", message, "Give the original file, which says how its grey levels are meant."))
    elif shape.lateral and not image.view:
        found.append(_warning("maybe-lateral", f"This may be a lateral view; the file does not say. {_BESIDE}"))
    if marks.find(grey):
        message = "Letters or marks are burned into the picture: networks can take them for signs of disease."
        found.append(Notice(code="thorax.marks", level="info", message=message))
    return found


def _warning(code: str, message: str, fix: str = "") -> Notice:
    return Notice(code=f"thorax.{code}", level="warning", message=message, fix=fix)


def _grey(image: Image) -> NDArray[np.uint8]:
    return np.ascontiguousarray(rgb8(image)[..., 1])


def _heat(values: NDArray[np.float32], mark: marks.Mark) -> float:
    return float(values[mark.top : mark.bottom, mark.left : mark.right].max(initial=0.0))


def _colourfulness(rgb: NDArray[np.uint8]) -> float:
    pixels = rgb.astype(np.int16)
    return float((pixels.max(axis=-1) - pixels.min(axis=-1)).mean())
