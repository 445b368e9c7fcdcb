from __future__ import annotations

import matplotlib as mpl
import numpy as np

from medtransfer.result.colour import inferno


def test_colours_follow_matplotlibs_table() -> None:
    expected = np.rint(mpl.colormaps["inferno"](np.linspace(0, 1, 256))[:, :3] * 255)
    assert np.abs(inferno(np.linspace(0, 1, 256)).astype(float) - expected).max() <= 2


def test_values_outside_the_range_get_the_end_colours() -> None:
    low, high, unknown = inferno(np.array([-3.0, 7.0, np.nan]))
    assert low.tolist() == unknown.tolist() == inferno(np.array([0.0]))[0].tolist()
    assert high.tolist() == inferno(np.array([1.0]))[0].tolist()


def test_shape_gains_a_colour_axis() -> None:
    assert inferno(np.zeros((3, 4, 5))).shape == (3, 4, 5, 3)
