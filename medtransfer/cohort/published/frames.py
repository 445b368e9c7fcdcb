"""Boxes of a data set moved onto the picture at hand, which somebody may have made smaller."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from medtransfer.cohort.model import Box
from medtransfer.cohort.published.folder import picture_size


def fitted(boxes: Iterable[Box], frame: tuple[float, float], picture: Path) -> tuple[Box, ...]:
    """Return boxes in pixels of a picture.

    Parameters
    ----------
    boxes
        In pixels of the published picture.
    frame
        Width and height of the published picture in pixels.
    picture
        The file at hand, which shows the same at any size. Where its size cannot be told there are no boxes.
    """
    drawn = tuple(boxes)
    size = picture_size(picture) if drawn else None
    if size is None:
        return ()
    across, down = size[0] / frame[0], size[1] / frame[1]
    return tuple(
        Box(box.label, box.left * across, box.top * down, box.width * across, box.height * down) for box in drawn
    )


def box(label: str, sides: Iterable[str]) -> Box | None:
    """Return a box from left, top, width and height as text; None where they make no rectangle."""
    try:
        left, top, width, height = map(float, sides)
    except ValueError:
        return None
    return Box(label, left, top, width, height) if width > 0 and height > 0 else None
