from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from medtransfer.gui import plot, theme
from medtransfer.gui.plot import UNIT, Curve, Plot


def _columns_of(image: QImage, colour: QColor, rows: range) -> set[int]:
    return {x for x in range(image.width()) for y in rows if image.pixelColor(x, y) == colour}


@pytest.mark.parametrize("name", ["dark", "light"])
def test_a_curve_is_painted_where_its_values_are_in_the_theme_in_force(
    qtbot: QtBot, qapp: QApplication, name: theme.Name
) -> None:
    theme.apply(qapp, name)
    shown = Plot("ROC", "x", "y", UNIT, UNIT, legend=0)
    qtbot.addWidget(shown)
    shown.resize(356, 270)
    shown.show_curves([Curve("", ((0.0, 0.5), (1.0, 0.5)))])
    shown.show()
    image = shown.grab().toImage()
    middle = 30 + (270 - 30 - 40) // 2
    columns = _columns_of(image, theme.colour("accent"), range(middle - 1, middle + 2))
    assert min(columns) <= 46
    assert max(columns) >= 342


def test_a_plot_says_its_curves_to_a_screen_reader(qtbot: QtBot) -> None:
    shown = Plot("Training loss", "epochs", "value")
    qtbot.addWidget(shown)
    shown.show_curves([Curve("dr", ((1.0, 0.7), (2.0, 0.41))), Curve("dme", ())])
    assert shown.accessibleDescription() == "dr: last 0.41; dme: nothing yet"


@given(
    low=st.floats(-1e6, 1e6, allow_nan=False),
    span=st.floats(1e-6, 1e6),
)
def test_ticks_are_few_even_and_inside(low: float, span: float) -> None:
    bounds = (low, low + span)
    if bounds[1] - bounds[0] < 1e-9 * max(abs(low), 1.0):
        return
    ticks = plot._ticks(bounds)
    assert 1 <= len(ticks) <= 7
    assert all(bounds[0] - 1e-6 * span <= tick <= bounds[1] + 1e-6 * span for tick in ticks)


@given(st.lists(st.floats(-1e6, 1e6), max_size=20))
def test_bounds_always_hold_all_values_and_something_between(values: list[float]) -> None:
    low, high = plot._fitting(values)
    assert low < high
    assert all(low <= value <= high for value in values)


def test_values_that_are_no_numbers_do_not_spoil_the_bounds() -> None:
    assert plot._fitting([math.nan, 1.0, math.inf, 3.0]) == pytest.approx((0.88, 3.12))
