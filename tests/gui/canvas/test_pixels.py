from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from medtransfer.gui.canvas.pixels import Shader, default_window
from medtransfer.study.display import windowed
from medtransfer.study.model import Image, Window


def greys(image: QImage) -> list[list[int]]:
    return [[QColor(image.pixel(x, y)).green() for x in range(image.width())] for y in range(image.height())]


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8, np.int8, np.int32, np.float32])
def test_a_window_shows_what_dicom_says(dtype: type[np.generic]) -> None:
    values = np.array([[0, 1, 40], [60, 100, 127]]).astype(dtype)
    window = Window(50.0, 80.0)
    shown = Shader(window, values.dtype, inverted=False).image(values)
    assert greys(shown) == windowed(values, window).tolist()
    inverted = Shader(window, values.dtype, inverted=True).image(values)
    assert greys(inverted) == (255 - windowed(values, window)).tolist()


def test_negative_hounsfield_units_are_dark() -> None:
    values = np.array([[-1024, -160, 40, 240, 3000]], dtype=np.int16)
    assert greys(Shader(Window(40.0, 400.0), values.dtype, inverted=False).image(values)) == [[0, 0, 128, 255, 255]]


def test_what_is_not_a_number_does_no_harm() -> None:
    values = np.array([[np.nan, 0.0, np.inf]], dtype=np.float32)
    shown = greys(Shader(Window(0.0, 10.0), values.dtype, inverted=False).image(values))
    assert shown[0][0] == shown[0][1]
    assert shown[0][2] == 255


def test_colour_passes_as_it_is_and_windows_change_its_brightness(picture: Image) -> None:
    pixels = picture.array
    shown = Shader(default_window(picture), pixels.dtype, inverted=False).image(pixels[:, ::-1])
    assert QColor(shown.pixel(0, 7)).name() == "#3b0700"
    brighter = Shader(Window(32.0, 64.0), pixels.dtype, inverted=False).image(pixels)
    assert QColor(brighter.pixel(59, 0)).red() > 200


def test_deep_colour_is_reduced(picture: Image) -> None:
    deep: NDArray[np.uint16] = np.full((2, 2, 3), 65535, dtype=np.uint16)
    image = replace(picture, array=deep, bits=16)
    shown = Shader(default_window(image), deep.dtype, inverted=False).image(deep)
    assert QColor(shown.pixel(1, 1)).name() == "#ffffff"


def test_the_first_window_is_the_files_own_or_fits_the_units(volume: Image, picture: Image) -> None:
    assert default_window(replace(volume, windows=(Window(1.0, 2.0), Window(3.0, 4.0)))) == Window(1.0, 2.0)
    assert (default_window(volume).centre, default_window(volume).width) == (40.0, 400.0)
    assert (default_window(picture).centre, default_window(picture).width) == (128.0, 256.0)
    stored = default_window(replace(volume, units="stored"))
    assert 2900 < stored.centre < 3100
    assert 5800 < stored.width < 6000
