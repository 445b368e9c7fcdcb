from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from medtransfer.gui.canvas.grid import Layout, ViewGrid
from medtransfer.gui.canvas.measures import Kind
from medtransfer.gui.canvas.slices import Plane
from medtransfer.gui.canvas.tools import Tool
from medtransfer.result.model import Structure
from medtransfer.study.model import Image, Window

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def grid(qtbot: QtBot) -> ViewGrid:
    made = ViewGrid()
    qtbot.addWidget(made)
    made.resize(600, 500)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_a_volume_has_its_three_planes(grid: ViewGrid, volume: Image) -> None:
    grid.set_layout(Layout.FOUR)
    grid.set_image(volume)
    planes = [view.slicing.plane for view in grid.views if view.slicing is not None]
    assert planes == [Plane.AXIAL, Plane.CORONAL, Plane.SAGITTAL, Plane.AXIAL]
    assert all(view.isVisible() for view in grid.views)
    grid.set_layout(Layout.TWO)
    assert [view.isVisible() for view in grid.views] == [True, True, False, False]
    grid.set_layout(Layout.ONE)
    assert [view.isVisible() for view in grid.views] == [True, False, False, False]


def test_the_crosshair_takes_every_view_to_its_place(qtbot: QtBot, grid: ViewGrid, volume: Image) -> None:
    grid.set_layout(Layout.FOUR)
    grid.set_image(volume)
    grid.set_tool(Tool.CROSSHAIR)
    axial, coronal, sagittal, plain = grid.views
    assert axial.slicing is not None
    row, column, _ = axial.slicing.place((5, 14, 21))
    place = axial.screen_place(axial.slicing.scene(row, column)).toPoint()
    with qtbot.waitSignal(grid.point_moved):
        qtbot.mouseClick(axial.viewport(), LEFT, pos=place)
    assert (coronal.index, sagittal.index, plain.index) == (14, 21, 5)
    qtbot.keyClick(coronal, Qt.Key.Key_Up)
    assert axial.index == plain.index == 6
    qtbot.keyClick(sagittal, Qt.Key.Key_PageDown)
    assert round(axial.point[2]) == 22
    assert all(view.crosshair_shown for view in grid.views)


def test_jumping_to_a_place_shows_it_everywhere(grid: ViewGrid, volume: Image) -> None:
    grid.set_layout(Layout.FOUR)
    grid.set_image(volume)
    grid.zoom_by(8.0)
    grid.show_point((1, 2, 3))
    assert [view.index for view in grid.views] == [1, 2, 3, 1]
    for view in grid.views:
        assert view.slicing is not None
        row, column, _ = view.slicing.place((1, 2, 3))
        assert view.viewport().rect().contains(view.screen_place(view.slicing.scene(row, column)).toPoint())


def test_jumping_centres_enlarged_views_and_leaves_whole_slices_whole(grid: ViewGrid, volume: Image) -> None:
    grid.set_layout(Layout.FOUR)
    grid.set_image(volume)
    grid.show_point((4, 9, 20))
    assert all(view.fitted for view in grid.views)
    grid.zoom_by(4.0)
    grid.show_point((5, 14, 21))
    for view in grid.views:
        assert view.slicing is not None
        row, column, _ = view.slicing.place((5, 14, 21))
        away = view.screen_place(view.slicing.scene(row, column)) - view.viewport().rect().center().toPointF()
        assert away.manhattanLength() < 4


def test_one_view_has_the_legend_for_all(grid: ViewGrid, volume: Image) -> None:
    grid.set_layout(Layout.FOUR)
    grid.set_image(volume)
    assert [view.legend_shown for view in grid.views] == [True, False, False, False]
    grid.activate(grid.views[2])
    grid.set_layout(Layout.ONE)
    assert grid.views[2].legend_shown


def test_window_inversion_and_zoom_are_shared(qtbot: QtBot, grid: ViewGrid, volume: Image) -> None:
    grid.set_layout(Layout.FOUR)
    grid.set_image(volume)
    with qtbot.waitSignal(grid.window_changed):
        grid.views[2].set_window(-600, 1500)
    grid.views[1].invert()
    grid.views[0].zoom_by(2.0)
    assert [(view.shown_window, view.inverted) for view in grid.views] == [(Window(-600, 1500), True)] * 4
    assert [view.zoom for view in grid.views] == pytest.approx([2.0] * 4)
    grid.fit()
    assert [view.zoom for view in grid.views] == pytest.approx([1.0] * 4)
    grid.reset()
    assert [(view.shown_window.width, view.inverted) for view in grid.views] == [(400.0, False)] * 4


def test_a_picture_moves_as_one(grid: ViewGrid, picture: Image) -> None:
    grid.set_layout(Layout.TWO)
    grid.set_image(picture)
    first, second = grid.views[:2]
    first.zoom_by(4.0, first.viewport().rect().topLeft().toPointF())
    middle = first.viewport().rect().center().toPointF()
    assert second.voxel_at(middle) == pytest.approx(first.voxel_at(middle), abs=0.5)


def test_overlays_lie_where_they_are_compared(
    grid: ViewGrid, volume: Image, picture: Image, structures: tuple[Structure, Structure]
) -> None:
    for image, maps, areas in (
        (volume, [True, True, True, False], [True, True, True, False]),
        (picture, [True, False, True, False], [True, False, False, True]),
    ):
        grid.set_image(image)
        grid.set_heatmap(np.zeros(image.spatial_shape, dtype=np.float32))
        grid.set_segmentation(np.zeros(image.spatial_shape, dtype=np.uint8), structures)
        assert [view.heatmap is not None for view in grid.views] == maps
        assert [view.segmentation is not None for view in grid.views] == areas
    grid.set_heatmap(None)
    grid.set_segmentation(None)
    assert not any(view.heatmap or view.segmentation for view in grid.views)


def test_a_double_click_enlarges_one_view_and_brings_the_others_back(
    qtbot: QtBot, grid: ViewGrid, volume: Image
) -> None:
    grid.set_layout(Layout.FOUR)
    grid.set_image(volume)
    qtbot.mouseDClick(grid.views[2].viewport(), LEFT, pos=QPoint(50, 50))
    assert [view.isVisible() for view in grid.views] == [False, False, True, False]
    assert grid.active is grid.views[2]
    qtbot.mouseDClick(grid.views[2].viewport(), LEFT, pos=QPoint(50, 50))
    assert all(view.isVisible() for view in grid.views)


def test_tab_goes_from_view_to_view_and_planes_go_to_the_active_one(
    qtbot: QtBot, grid: ViewGrid, volume: Image
) -> None:
    grid.set_layout(Layout.TWO)
    grid.set_image(volume)
    grid.views[0].setFocus()
    qtbot.keyClick(grid.views[0], Qt.Key.Key_Tab)
    assert grid.active is grid.views[1]
    grid.set_plane(Plane.SAGITTAL)
    assert grid.views[1].slicing is not None
    assert grid.views[1].slicing.plane is Plane.SAGITTAL


def test_another_image_forgets_measures_and_overlays(grid: ViewGrid, volume: Image, picture: Image) -> None:
    grid.set_image(volume)
    measure = grid.active.new_measure(Kind.LENGTH, QPoint(10, 10).toPointF())
    assert measure is not None
    grid.active.keep_measure(measure.to((30.0, 30.0)))
    assert grid.undo.canUndo()
    grid.set_image(picture)
    assert grid.measures.all() == []
    assert not grid.undo.canUndo()
    grid.clear()
    assert grid.image is None
