from __future__ import annotations

import numpy as np
import pytest

from medtransfer.result.colour import inferno
from medtransfer.work.report.pictures import OPACITY, overlay


def test_picture_is_untouched_where_the_map_is_zero_and_coloured_where_it_is_one() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    heatmap = np.array([[0.0, 1.0], [0.0, 0.0]], dtype=np.float32)
    blended = overlay(picture, heatmap)
    assert np.array_equal(blended[heatmap == 0], picture[heatmap == 0])
    expected = (1 - OPACITY) * picture[0, 1] + OPACITY * inferno(np.array([1.0]))[0]
    assert np.abs(blended[0, 1] - expected).max() <= 0.5 + 1e-9


def test_grids_must_match() -> None:
    with pytest.raises(ValueError, match="does not lie"):
        overlay(np.zeros((4, 5, 3), dtype=np.uint8), np.zeros((5, 4), dtype=np.float32))
