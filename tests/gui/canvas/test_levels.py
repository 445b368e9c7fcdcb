from __future__ import annotations

import time

import numpy as np

from medtransfer.gui.canvas.levels import Levels, Shelf, Thinned


def ready(levels: Levels) -> Levels:
    deadline = time.monotonic() + 10
    while levels.pending and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not levels.pending
    return levels


def test_small_arrays_are_drawn_as_they_are() -> None:
    array = np.arange(100, dtype=np.int16).reshape(10, 10)
    shown, factor = Levels(array).at(0.01)
    assert factor == 1
    assert np.array_equal(shown, array)


def test_large_pictures_are_halved_by_the_mean() -> None:
    array = np.zeros((1200, 1600, 3), dtype=np.uint8)
    array[::2] = 100
    shown, factor = ready(Levels(array)).at(0.3)
    assert factor == 2
    assert shown.shape == (600, 800, 3)
    assert shown.dtype == np.uint8
    assert np.all(shown == 50)


def test_there_is_a_pixel_for_each_of_the_screens() -> None:
    levels = ready(Levels(np.zeros((3000, 4001), dtype=np.float32)))
    assert [levels.at(scale)[1] for scale in (2.0, 1.0, 0.5, 0.26, 0.25, 0.13)] == [1, 1, 2, 2, 4, 4]


def test_something_is_shown_before_the_means_are_made() -> None:
    levels = Levels(np.zeros((1600, 1600), dtype=np.uint16))
    shown, factor = levels.at(0.25)
    assert (shown.shape, factor) == ((400, 400), 4)
    ready(levels)


def test_labels_are_never_mixed() -> None:
    labels = np.tile(np.array([[0, 9], [9, 0]], dtype=np.uint8), (600, 600))
    shown, factor = Thinned(labels).at(0.5)
    assert factor == 2
    assert set(np.unique(shown).tolist()) <= {0, 9}


def test_views_share_the_levels_of_one_picture() -> None:
    shelf, array = Shelf(), np.zeros((4, 4), dtype=np.uint8)
    assert shelf.levels(array) is shelf.levels(array)
    assert shelf.levels(array) is not shelf.levels(array.copy())
