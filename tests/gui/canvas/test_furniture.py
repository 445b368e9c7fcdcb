from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QImage, QPainter

from medtransfer.gui.canvas.furniture import Furniture, length_text, paint, scale_length
from medtransfer.gui.canvas.overlay import HeatmapLayer, Legend
from medtransfer.gui.canvas.slices import Letters


@given(st.floats(0.01, 5000.0))
def test_a_scale_bar_is_round_and_fits(longest: float) -> None:
    length = scale_length(longest)
    assert longest / 2.5 <= length <= longest * 1.000001
    digits = f"{length:.0e}"[0]
    assert digits in "125"


def test_in_a_small_view_nothing_covers_the_letter_below(qapp: object) -> None:
    """The side of the patient matters more than the display window."""

    def drawn(window: str, width: int) -> QImage:
        image = QImage(width, 80, QImage.Format.Format_RGB32)
        image.fill(0)
        painter = QPainter(image)
        paint(painter, image.rect(), Furniture(Letters("R", "L", "A", "P"), window=window))
        painter.end()
        return image

    assert drawn("W 400 L 40", 115) == drawn("", 115)
    assert drawn("W 400 L 40", 240) != drawn("", 240)


def test_a_legend_leaves_the_letter_below_free(qapp: object) -> None:
    """A legend that reaches the middle goes above the letter, one that does not stays at the bottom."""
    layer = HeatmapLayer(np.zeros((1, 1), np.float32), legend=Legend("Grad-CAM", "raw 1", "faithfulness 0.3"))

    def legend(width: int, letter: str) -> set[int]:
        """Return the rows in which the legend's ramp lies."""
        image = QImage(width, 200, QImage.Format.Format_RGB32)
        image.fill(0)
        painter = QPainter(image)
        paint(painter, image.rect(), Furniture(Letters("R", "L", "A", letter), heatmap=layer))
        painter.end()
        column = [image.pixelColor(width - 20, row) for row in range(200)]
        return {row for row, colour in enumerate(column) if colour.red() > 200 and colour.blue() < 180}

    assert max(legend(400, "P")) < 200 - 24 - 16 < min(legend(900, "P"))
    assert legend(400, "") == legend(900, "P")


def test_lengths_are_said_in_the_unit_people_use() -> None:
    assert [length_text(mm) for mm in (0.5, 5.0, 10.0, 100.0)] == ["0.5 mm", "5 mm", "1 cm", "10 cm"]
