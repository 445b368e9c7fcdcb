"""Small square pictures for the study list."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from medtransfer.gui.read.study_row import THUMBNAIL
from medtransfer.study import display
from medtransfer.study.model import Image

_SIDE = 2 * THUMBNAIL
"""Pixels: sharp at 200 % scaling."""


def thumbnail(image: Image) -> QImage:
    """Return the middle square of a picture, or of a volume's middle slice, small."""
    array = image.array[image.array.shape[0] // 2] if image.is_volume else image.array
    rows, columns = array.shape[:2]
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    step = max(1, side // (2 * _SIDE))
    small = array[top : top + side : step, left : left + side : step]
    if image.meaning == "rgb":
        shown = (
            small
            if small.dtype == np.uint8
            else np.right_shift(small.astype(np.uint16), max(image.bits - 8, 0)).astype(np.uint8)
        )
    else:
        window = image.windows[0] if image.windows else display.percentile_window(small, image.padding)
        shown = np.repeat(display.windowed(small, window)[..., np.newaxis], 3, axis=2)
    pixels = np.ascontiguousarray(shown)
    whole = QImage(pixels.data, pixels.shape[1], pixels.shape[0], 3 * pixels.shape[1], QImage.Format.Format_RGB888)
    return whole.scaled(
        _SIDE, _SIDE, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    ).copy()
