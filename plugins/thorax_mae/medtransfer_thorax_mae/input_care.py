"""Whether an image is a frontal chest radiograph, as far as its header and its colours tell."""

from __future__ import annotations

import numpy as np

from medtransfer.sdk import Image, Notice, rgb8

_LATERAL = frozenset({"LL", "RL", "LATERAL"})
_BESIDE = "The model knows frontal views alone: its answers mean little here."
_CHEST = frozenset({"CHEST", "THORAX", "LUNG"})
"""Values of ViewPosition (DICOM PS3.3 C.8.7.1, C.8.11.5) and of BodyPartExamined (PS3.16, Annex L)."""
_COLOURED = 12
"""Mean difference between the brightest and the darkest of red, green and blue, of 255, above which it is no grey."""


def notices(image: Image) -> list[Notice]:
    """Return what the reader of a result must know: a lateral or bedside view, another body part, a colour picture."""
    found = [*_view(image.view.upper()), *_body_part(image.body_part.upper())]
    if image.meaning == "rgb" and _colourfulness(image) > _COLOURED:
        found.append(
            Notice(
                code="thorax.colour",
                level="warning",
                message="This is a colour picture, not a radiograph: the answers mean nothing.",
            )
        )
    return found


def _view(view: str) -> list[Notice]:
    if view in _LATERAL:
        return [Notice(code="thorax.lateral", level="warning", message=f"The file says lateral view. {_BESIDE}")]
    if view == "AP":
        message = "An AP view, often taken in bed: the heart looks larger than in a PA view."
        return [Notice(code="thorax.ap", level="info", message=message)]
    return []


def _body_part(part: str) -> list[Notice]:
    if not part or part in _CHEST:
        return []
    message = "The file names another body part than the chest: the answers mean nothing."
    return [Notice(code="thorax.body-part", level="warning", message=message)]


def _colourfulness(image: Image) -> float:
    pixels = rgb8(image).astype(np.int16)
    return float((pixels.max(axis=-1) - pixels.min(axis=-1)).mean())
