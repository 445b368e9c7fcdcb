from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from medtransfer.gui import theme
from medtransfer.gui.canvas.measures import Kind
from medtransfer.gui.canvas.overlay import Legend
from medtransfer.gui.canvas.slices import Plane
from medtransfer.gui.canvas.tools import Tool
from medtransfer.gui.canvas.view import ImageView
from medtransfer.result.model import Structure
from medtransfer.study.model import Image

LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
ViewMaker = Callable[..., ImageView]


@pytest.fixture
def show(qtbot: QtBot) -> ViewMaker:
    def make(image: Image, plane: Plane | None = None) -> ImageView:
        view = ImageView()
        qtbot.addWidget(view)
        view.resize(400, 400)
        view.show()
        view.set_image(image, plane)
        qtbot.waitExposed(view)
        view.setFocus()
        return view

    return make


def drag(qtbot: QtBot, view: ImageView, start: QPoint, end: QPoint, button: Qt.MouseButton = LEFT) -> None:
    qtbot.mousePress(view.viewport(), button, pos=start)
    for step in (1, 2, 3, 4):
        qtbot.mouseMove(view.viewport(), start + (end - start) * step / 4)
    qtbot.mouseRelease(view.viewport(), button, pos=end)


def wheel(view: ImageView, notches: float, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    place = QPointF(100, 100)
    event = QWheelEvent(
        place,
        view.viewport().mapToGlobal(place),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,  # noqa: FBT003 - Qt's signature
    )
    QApplication.sendEvent(view.viewport(), event)


def place_of(view: ImageView, voxel: tuple[float, ...]) -> QPoint:
    assert view.slicing is not None
    row, column, _ = view.slicing.place(voxel)
    return view.screen_place(view.slicing.scene(row, column)).toPoint()


def pixel(view: ImageView, place: QPoint) -> QColor:
    return view.viewport().grab().toImage().pixelColor(place)


def test_a_real_liver_is_drawn_on_the_left_half(show: ViewMaker, abdomen: tuple[Image, NDArray[np.uint8]]) -> None:
    image, organs = abdomen
    view = show(image, Plane.CORONAL)
    liver = Structure(label="liver", name="Liver", value=5, volume_ml=1.0, colour="#ff0000")
    view.set_segmentation(organs, [liver], opacity=1.0)
    picture = view.viewport().grab().toImage()
    reds = [
        x
        for x in range(0, 400, 4)
        for y in range(0, 400, 4)
        if picture.pixelColor(x, y).red() > 200 and picture.pixelColor(x, y).green() < 20
    ]
    assert len(reds) > 50
    assert np.mean(reds) < 200


def test_the_cursor_tells_hounsfield_units_and_millimetres(qtbot: QtBot, show: ViewMaker, volume: Image) -> None:
    view = show(volume, Plane.AXIAL)
    with qtbot.waitSignal(view.cursor_moved, check_params_cb=bool) as told:
        qtbot.mouseMove(view.viewport(), place_of(view, (5, 7, 11)))
    value = volume.array[5, 7, 11]
    minus = "\N{MINUS SIGN}"
    assert told.args is not None
    said = told.args[0]
    assert said.startswith("i 11 j 7 k 5 · LPS ")
    assert said.endswith(f" mm · {value} HU")
    x, y, z = (float(part.replace(minus, "-")) for part in said.split("LPS ")[1].split(" mm")[0].split(", "))
    assert (x, y, z) == pytest.approx((-4.0, -6.0, 115.0), abs=0.51)


def test_the_cursor_names_the_structure_and_the_maps_value(
    show: ViewMaker, volume: Image, structures: tuple[Structure, Structure]
) -> None:
    view = show(volume)
    labels = np.zeros(volume.array.shape, dtype=np.uint8)
    labels[5] = 1
    view.set_segmentation(labels, structures)
    view.set_heatmap(np.full(volume.array.shape, 0.25, dtype=np.float32))
    assert view.words_at((5, 1, 1)).endswith("HU · map 0.25 · Liver")
    view.set_segmentation(labels, structures, visible=set())
    assert view.words_at((5, 1, 1)).endswith("map 0.25")
    assert view.words_at((99, 1, 1)) == ""


def test_pictures_tell_pixels_colours_and_millimetres_where_known(show: ViewMaker, picture: Image) -> None:
    view = show(picture)
    assert view.words_at((10, 50)) == "x 50 y 10 · RGB 50 10 0"
    view.set_image(replace(picture, pixel_spacing=(0.5, 0.5)))
    assert view.words_at((10, 50)) == "x 50 y 10 · 25.2, 5.2 mm · RGB 50 10 0"


def test_the_cursor_is_silent_beside_the_image(qtbot: QtBot, show: ViewMaker, picture: Image) -> None:
    view = show(picture)
    with qtbot.waitSignal(view.cursor_moved) as told:
        qtbot.mouseMove(view.viewport(), QPoint(200, 4))
    assert told.args == [""]


def test_wheel_and_keys_move_through_slices_and_stop_at_the_ends(qtbot: QtBot, show: ViewMaker, volume: Image) -> None:
    view = show(volume)
    numbers: list[int] = []
    view.slice_changed.connect(numbers.append)
    wheel(view, -1)
    wheel(view, -0.5)
    wheel(view, -0.5)
    for key in (Qt.Key.Key_PageUp, Qt.Key.Key_End, Qt.Key.Key_PageDown, Qt.Key.Key_Home):
        qtbot.keyClick(view, key)
    assert numbers == [6, 7, 6, 9, 0]
    qtbot.keyClick(view, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ShiftModifier)
    assert view.index == 9
    assert view.accessibleName() == "Image, axial, slice 10 of 10"


def test_zooming_keeps_what_is_under_the_pointer(show: ViewMaker, picture: Image) -> None:
    view = show(picture)
    before = view.voxel_at(QPointF(100, 200))
    view.zoom_by(3.0, QPointF(100, 200))
    after = view.voxel_at(QPointF(100, 200))
    assert before is not None
    assert after == pytest.approx(before, abs=0.2)
    assert view.zoom == pytest.approx(3.0)
    wheel(view, 1)
    assert view.zoom > 3.0
    view.zoom_by(1e9)
    assert view.zoom == pytest.approx(64.0)


def test_a_fitted_picture_stays_fitted_and_a_zoomed_one_does_not_jump(show: ViewMaker, picture: Image) -> None:
    view = show(picture)
    view.resize(200, 300)
    assert view.zoom == pytest.approx(1.0)
    view.zoom_by(2.0)
    scale = view.transform().m11()
    view.resize(300, 300)
    assert view.transform().m11() == pytest.approx(scale)


def test_panning_takes_the_picture_along(qtbot: QtBot, show: ViewMaker, picture: Image) -> None:
    view = show(picture)
    under = view.voxel_at(QPointF(150, 200))
    drag(qtbot, view, QPoint(150, 200), QPoint(190, 180))
    assert view.voxel_at(QPointF(190, 180)) == pytest.approx(under, abs=0.2)
    drag(qtbot, view, QPoint(190, 180), QPoint(150, 200), MIDDLE)
    assert view.voxel_at(QPointF(150, 200)) == pytest.approx(under, abs=0.2)
    qtbot.keyClick(view, Qt.Key.Key_0)
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.zoom == pytest.approx(1.25)


def test_dragging_changes_the_window_and_the_picture(qtbot: QtBot, show: ViewMaker, volume: Image) -> None:
    view = show(replace(volume, array=np.full((10, 20, 30), 40, dtype=np.int16)))
    view.set_tool(Tool.WINDOW)
    before = pixel(view, QPoint(200, 200)).value()
    with qtbot.waitSignal(view.window_changed):
        drag(qtbot, view, QPoint(200, 200), QPoint(250, 150))
    assert view.shown_window.width > 400
    assert view.shown_window.centre < 40
    assert pixel(view, QPoint(200, 260)).value() > before
    drag(qtbot, view, QPoint(200, 200), QPoint(-5000, 200), RIGHT)
    assert view.shown_window.width >= 1.0


def test_invert_and_reset(qtbot: QtBot, show: ViewMaker, volume: Image) -> None:
    view = show(volume)
    view.set_window(-5000, 100)
    assert pixel(view, QPoint(150, 150)).value() == 255
    qtbot.keyClick(view, Qt.Key.Key_I)
    assert pixel(view, QPoint(150, 150)).value() == 0
    assert view.window_words() == "W 100 L \N{MINUS SIGN}5000 inverted"
    view.zoom_by(4.0)
    qtbot.keyClick(view, Qt.Key.Key_R)
    assert (view.inverted, view.window_words()) == (False, "W 400 L 40")
    assert view.zoom == pytest.approx(1.0)


def test_a_picture_shown_as_it_is_needs_no_window_words(show: ViewMaker, picture: Image) -> None:
    view = show(picture)
    assert view.window_words() == ""
    view.set_window(100, 50)
    assert view.window_words() == "W 50 L 100"


def test_measuring_by_mouse_and_undo(qtbot: QtBot, show: ViewMaker, volume: Image) -> None:
    view = show(volume)
    view.set_tool(Tool.LENGTH)
    drag(qtbot, view, place_of(view, (5, 2, 4)), place_of(view, (5, 2, 24)))
    (measure,) = view.measures.all()
    assert measure.length == pytest.approx(20.0, abs=0.2)
    drag(qtbot, view, place_of(view, (5, 2, 24)), place_of(view, (5, 2, 14)))
    assert view.measures.all()[0].length == pytest.approx(10.0, abs=0.2)
    qtbot.mouseClick(view.viewport(), LEFT, pos=QPoint(200, 350))
    assert len(view.measures.all()) == 1
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert view.measures.all() == []
    view.undo.undo()
    view.undo.undo()
    assert view.measures.all() == [measure]


def test_measuring_by_keys_alone(qtbot: QtBot, show: ViewMaker, volume: Image) -> None:
    view = show(volume)
    view.set_tool(Tool.RECTANGLE)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    for _ in range(4):
        qtbot.keyClick(view, Qt.Key.Key_Right)
        qtbot.keyClick(view, Qt.Key.Key_Down)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    (measure,) = view.measures.all()
    assert measure.kind is Kind.RECTANGLE
    assert measure.area == pytest.approx(4.0 * 8.0, abs=0.5)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.draft is None


def test_measures_belong_to_their_slice(show: ViewMaker, volume: Image) -> None:
    view = show(volume)
    measure = view.new_measure(Kind.LENGTH, QPointF(100, 100))
    assert measure is not None
    view.keep_measure(measure.to((20.0, 20.0)))
    assert view.handle_at(QPointF(100, 100)) is not None
    view.set_slice(0)
    assert view.handle_at(QPointF(100, 100)) is None


def test_a_heat_map_colours_the_picture_and_an_odd_one_is_refused(show: ViewMaker, picture: Image) -> None:
    view = show(picture)
    heat = np.zeros((40, 60), dtype=np.float32)
    heat[:, 30:] = 1.0
    dark = pixel(view, place_of(view, (20, 45)))
    view.set_heatmap(heat, 1.0, "inferno", Legend("Grad-CAM", "raw 3.1", "faithfulness 0.41"))
    assert pixel(view, place_of(view, (20, 45))).green() > dark.green() + 100
    assert pixel(view, place_of(view, (20, 10))) != pixel(view, place_of(view, (20, 45)))
    view.set_heatmap(None)
    assert pixel(view, place_of(view, (20, 45))) == dark
    with pytest.raises(ValueError, match="own grid"):
        view.set_heatmap(heat[:10])


def test_letters_stand_at_the_sides(show: ViewMaker, volume: Image) -> None:
    view = show(replace(volume, array=np.full((10, 20, 30), -1000, dtype=np.int16)))
    view.clearFocus()
    letters = theme.colour("letters")
    picture = view.viewport().grab().toImage()
    for left, top in ((4, 188), (372, 188), (188, 2), (188, 374)):
        found = [
            (x, y)
            for x in range(left, left + 24)
            for y in range(top, top + 24)
            if abs(picture.pixelColor(x, y).red() - letters.red()) < 40
            and abs(picture.pixelColor(x, y).blue() - letters.blue()) < 40
        ]
        assert found


def test_large_pictures_are_sharpened_when_their_copies_are_made(qtbot: QtBot, show: ViewMaker) -> None:
    array = np.zeros((1600, 1600), dtype=np.uint8)
    array[::4] = 200
    view = show(Image(array=array, axes="yx", modality="OT", units="display"))
    qtbot.waitUntil(lambda: not view.item.pending, timeout=5000)
    qtbot.waitUntil(lambda: pixel(view, QPoint(200, 200)).value() == 50, timeout=2000)


@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "colour"])
def test_a_large_view_shows_a_stand_in_until_the_whole_is_made(
    qtbot: QtBot, show: ViewMaker, channels: tuple[int, ...]
) -> None:
    columns = np.where(np.arange(2600) % 2, 200, 0).astype(np.uint8)
    array = np.ascontiguousarray(np.broadcast_to(columns.reshape(1, -1, *[1] * len(channels)), (1300, 2600, *channels)))
    view = show(Image(array=array, axes="yxc" if channels else "yx", modality="OT", units="display"))
    view.resize(2600, 1300)
    first = view.viewport().grab().toImage()
    assert view.item.provisional
    seen = {first.pixelColor(x, 700).value() for x in range(400, 410)}
    assert seen in ({0}, {100})  # every second column, or the mean of two
    qtbot.waitUntil(lambda: not view.item.provisional, timeout=5000)
    whole = view.viewport().grab().toImage()
    assert [whole.pixelColor(x, 700).value() for x in range(400, 404)] == [0, 200, 0, 200]


def test_a_view_that_changes_while_a_large_picture_is_made_ends_with_the_last_change(
    qtbot: QtBot, show: ViewMaker
) -> None:
    array = np.full((1300, 2600), 100, dtype=np.uint8)
    view = show(Image(array=array, axes="yx", modality="OT", units="display"))
    view.resize(2600, 1300)
    for centre in (128.0, 500.0, -500.0, 50.0):
        view.set_window(centre, 2.0)
        view.viewport().repaint()
    qtbot.waitUntil(lambda: not view.item.provisional, timeout=5000)
    assert view.viewport().grab().toImage().pixelColor(1300, 700).value() == 255


def test_large_areas_are_worked_out_aside(qtbot: QtBot, show: ViewMaker) -> None:
    view = show(Image(array=np.full((700, 700), 7, np.uint8), axes="yx", modality="OT", units="display"))
    measure = view.new_measure(Kind.RECTANGLE, QPointF(0, 0))
    assert measure is not None
    view.keep_measure(measure.to((690.0, 690.0)))
    readings = view._readings
    assert readings is not None
    kept = view.measures.all()[0]
    qtbot.waitUntil(lambda: readings.of(kept) is not None, timeout=5000)
    found = readings.of(kept)
    assert found is not None
    assert found.mean == (7.0,)


def test_an_empty_view_answers_nothing(qtbot: QtBot, show: ViewMaker, volume: Image) -> None:
    view = show(volume)
    view.clear()
    qtbot.keyClick(view, Qt.Key.Key_PageDown)
    drag(qtbot, view, QPoint(10, 10), QPoint(50, 50))
    wheel(view, 1)
    view.reset()
    assert view.image is None
    assert view.words_at((1, 1, 1)) == ""
