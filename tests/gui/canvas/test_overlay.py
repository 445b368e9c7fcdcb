from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from medtransfer.gui.canvas.colourmaps import COLOUR_MAPS, ColourMap, table
from medtransfer.gui.canvas.overlay import HeatmapLayer, SegmentationLayer
from medtransfer.result.model import Structure


def at(image: QImage, x: int, y: int) -> QColor:
    return image.pixelColor(x, y)


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colour_maps_are_those_that_readers_know(name: ColourMap) -> None:
    known = colormaps[name](np.arange(256))[:, :3] * 255
    assert np.abs(table(name) - known).max() < 6
    assert np.abs(table(name) - known).mean() < 1


def test_a_heat_map_is_clear_below_its_cut_off_and_as_opaque_as_asked_above() -> None:
    values = np.array([[0.0, 0.19, 0.5, 1.0]], dtype=np.float32)
    shown = HeatmapLayer(values, opacity=0.6, cutoff=0.2).picture(values)
    assert [round(at(shown, x, 0).alphaF(), 2) for x in range(4)] == [0.0, 0.0, 0.6, 0.6]
    hottest = at(shown, 3, 0)
    found = (hottest.red(), hottest.green(), hottest.blue())
    assert np.abs(np.array(found) - table("inferno")[255].astype(int)).max() <= 2


def test_without_a_cut_off_everything_is_drawn() -> None:
    values = np.zeros((1, 1), dtype=np.float32)
    assert at(HeatmapLayer(values, opacity=1.0, cutoff=0.0).picture(values), 0, 0).alpha() == 255


def test_values_that_are_not_numbers_are_not_drawn() -> None:
    values = np.array([[np.nan]], dtype=np.float32)
    assert at(HeatmapLayer(values).picture(values), 0, 0).alpha() == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_structures_are_filled_with_their_colours(
    dtype: type[np.uint8 | np.uint16], structures: tuple[Structure, Structure]
) -> None:
    labels: NDArray[np.unsignedinteger] = np.array([[0, 1, 2, 3]], dtype=dtype)
    shown = SegmentationLayer.of(labels, structures, opacity=1.0).picture(labels, (1, 1))
    assert [at(shown, x, 0).getRgb() for x in range(4)] == [
        (0, 0, 0, 0),
        (255, 0, 0, 255),
        (0, 255, 0, 255),
        (0, 0, 0, 0),
    ]


def test_an_area_lets_the_picture_through_and_its_rim_does_not(structures: tuple[Structure, Structure]) -> None:
    labels = np.zeros((11, 11), dtype=np.uint8)
    labels[2:9, 2:6] = 1
    labels[2:9, 6:9] = 2
    layer = SegmentationLayer.of(labels, structures, opacity=0.4)
    shown = layer.picture(labels, layer.detail(1.0))
    assert [round(at(shown, x, 5).alphaF(), 1) for x in range(11)] == [0, 0, 1, 0.4, 0.4, 1, 1, 0.4, 1, 0, 0]
    enlarged = layer.picture(labels, layer.detail(4.0))
    assert [round(at(enlarged, x, 22).alphaF(), 1) for x in (7, 8, 9)] == [0, 1, 0.4]


def test_no_rim_is_left_of_what_is_hidden(structures: tuple[Structure, Structure]) -> None:
    labels = np.array([[1, 1, 1, 2, 2, 2]], dtype=np.uint8)
    shown = SegmentationLayer.of(labels, structures, visible={2}, opacity=0.4).picture(labels, (1, 1))
    assert [round(at(shown, x, 0).alphaF(), 1) for x in range(6)] == [0, 0, 0, 1, 0.4, 0.4]


def test_hidden_structures_are_not_drawn(structures: tuple[Structure, Structure]) -> None:
    labels = np.array([[1, 2]], dtype=np.uint8)
    shown = SegmentationLayer.of(labels, structures, visible={2}).picture(labels, (1, 1))
    assert [at(shown, x, 0).alpha() > 0 for x in range(2)] == [False, True]


def test_an_outline_leaves_the_inside_free(structures: tuple[Structure, Structure]) -> None:
    labels = np.zeros((11, 11), dtype=np.uint8)
    labels[2:9, 2:9] = 1
    shown = SegmentationLayer.of(labels, structures, outline=True).picture(labels, (1, 1))
    assert at(shown, 2, 5).getRgb() == (255, 0, 0, 255)
    assert at(shown, 5, 5).alpha() == 0
    assert at(shown, 1, 5).alpha() == 0
    layer = SegmentationLayer.of(labels, structures, outline=True)
    enlarged = layer.picture(labels, layer.detail(4.0))
    assert enlarged.width() == 44
    assert [at(enlarged, x, 22).alpha() > 0 for x in (7, 8, 9, 10)] == [False, True, True, False]


@pytest.mark.parametrize("scale", [0.15, 0.3, 0.5, 1.0, 1.4, 2.0, 3.3, 6.0])
def test_outlines_are_about_two_screen_pixels_wide_at_any_zoom(
    scale: float, structures: tuple[Structure, Structure]
) -> None:
    layer = SegmentationLayer.of(np.zeros((2, 2), dtype=np.uint8), structures, outline=True)
    repeats, width = layer.detail(scale)
    assert 1.3 <= width * scale / repeats <= 2.8
