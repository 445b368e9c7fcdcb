from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QUndoStack

from medtransfer.gui.canvas.measures import Kind, Measure, Measures, describe, figure, statistics
from medtransfer.gui.canvas.slices import Plane, slicing
from medtransfer.gui.canvas.tools import AddMeasure, ChangeMeasure, RemoveMeasure
from medtransfer.study.model import Image


def test_a_length_is_in_millimetres(volume: Image) -> None:
    way = slicing(volume, Plane.CORONAL)
    measure = Measure(Kind.LENGTH, way.scene(0, 0), way.scene(4, 0), Plane.CORONAL, 3)
    assert measure.length == pytest.approx(12.0)
    assert describe(measure, None, way, volume.units) == ["12.0 mm"]


def test_a_rectangles_statistics_are_those_of_its_pixels(volume: Image) -> None:
    way = slicing(volume, Plane.AXIAL)
    (left, top), (right, bottom) = way.scene(2.6, 4.6), way.scene(7.4, 9.4)
    measure = Measure(Kind.RECTANGLE, (right, bottom), (left, top), Plane.AXIAL, 5)
    shown = way.slice(volume.array, 5)
    inside = shown[3:8, 5:10]
    found = statistics(shown, way, measure)
    assert found is not None
    assert found.count == 25
    assert found.mean[0] == pytest.approx(float(inside.mean()))
    assert found.deviation == pytest.approx(float(inside.std()))
    assert (found.lowest, found.highest) == (inside.min(), inside.max())
    assert measure.area == pytest.approx(4.8 * 2.0 * 4.8 * 1.0)
    lines = describe(measure, found, way, "HU")
    assert lines[0] == "46 mm²"
    assert "HU" in lines[1]
    assert lines[2].endswith("n 25")


@given(
    centre=st.tuples(st.floats(10, 50), st.floats(10, 50)),
    radii=st.tuples(st.floats(4, 30), st.floats(4, 30)),
)
def test_an_ellipse_counts_about_its_area(centre: tuple[float, float], radii: tuple[float, float]) -> None:
    image = Image(array=np.ones((100, 100), np.uint8), axes="yx", modality="OT", units="display")
    way = slicing(image)
    start = (max(centre[0] - radii[0], 0.0), max(centre[1] - radii[1], 0.0))
    end = (centre[0] + radii[0], centre[1] + radii[1])
    measure = Measure(Kind.ELLIPSE, start, end, None, 0)
    found = statistics(image.array, way, measure)
    assert found is not None
    border = math.pi * (sum(radii) + 2)
    assert abs(found.count - measure.area) < border


def test_a_leaning_slice_is_measured_where_its_pixels_lie() -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 1], [-0.5, 1, 0], [1, 0, 0]], dtype=np.float64)
    array = np.zeros((40, 40, 5), dtype=np.int16)
    array[10, 20] = 1000
    image = Image(array=array, axes="zyx", modality="CT", units="HU", affine=affine, bits=16)
    way = slicing(image, Plane.SAGITTAL)
    row, column, index = way.place((10, 20, 2))
    x, y = way.scene(row, column)
    measure = Measure(Kind.RECTANGLE, (x - 0.4, y - 0.4), (x + 0.4, y + 0.4), Plane.SAGITTAL, index)
    found = statistics(way.slice(array, index), way, measure)
    assert found is not None
    assert (found.count, found.mean) == (1, (1000.0,))


def test_colour_has_three_means(picture: Image) -> None:
    way = slicing(picture)
    measure = Measure(Kind.RECTANGLE, (10.0, 0.0), (21.0, 1.0), None, 0)
    found = statistics(picture.array, way, measure)
    assert found is not None
    assert found.mean == (15.0, 0.0, 0.0)
    assert describe(measure, found, way, picture.units) == ["11 px²", "mean RGB 15 0 0"]


def test_beside_the_image_there_is_nothing_to_measure(picture: Image) -> None:
    measure = Measure(Kind.ELLIPSE, (500.0, 500.0), (600.0, 600.0), None, 0)
    assert statistics(picture.array, slicing(picture), measure) is None


def test_everything_about_measures_is_undone() -> None:
    measures, undo = Measures(), QUndoStack()
    first = Measure(Kind.LENGTH, (0.0, 0.0), (1.0, 0.0), None, 0)
    second = replace(first, end=(5.0, 5.0))
    changed = replace(first, end=(9.0, 9.0))
    undo.push(AddMeasure(measures, first))
    undo.push(AddMeasure(measures, second))
    undo.push(ChangeMeasure(measures, first, changed))
    undo.push(RemoveMeasure(measures, changed))
    assert measures.all() == [second]
    undo.undo()
    assert measures.all() == [changed, second]
    undo.undo()
    assert measures.all() == [first, second]
    undo.undo()
    undo.undo()
    assert measures.all() == []
    for _ in range(4):
        undo.redo()
    assert measures.all() == [second]


@pytest.mark.parametrize(
    ("value", "text"),
    [(-1024.0, "\N{MINUS SIGN}1024"), (47.0, "47"), (12.34, "12.3"), (0.1234, "0.123"), (123.4, "123"), (0.0, "0")],
)
def test_figures_are_written_as_people_read_them(value: float, text: str) -> None:
    assert figure(value) == text
