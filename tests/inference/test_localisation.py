from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.cohort.model import Box
from medtransfer.inference import localisation
from medtransfer.inference.localisation import THRESHOLDS, inside, overlap, towards_centre


def _at(threshold: float) -> int:
    return int(np.argmin(np.abs(THRESHOLDS - threshold)))


def test_a_box_has_the_pixels_whose_middle_is_in_it() -> None:
    drawn = inside([Box("mass", left=1.5, top=0.4, width=2.0, height=1.2)], (3, 5))
    assert drawn.astype(int).tolist() == [[0, 1, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]]
    two = inside([Box("mass", 0, 0, 1, 1), Box("mass", 0, 0, 2, 1), Box("mass", 4, 2, 9, 9)], (3, 5))
    assert two.sum() == 3


def test_peak_and_overlap_by_hand() -> None:
    drawn = inside([Box("mass", 0, 0, 2, 2)], (4, 4))
    heat = np.zeros((4, 4), np.float32)
    heat[0, :] = 0.3
    heat[0, 0] = 1.0
    heat[3, 3] = 0.5
    found = overlap(heat, drawn)
    assert (found.hit, found.share) == (1.0, 0.25)
    assert found.iou[_at(0.01)] == found.iou[_at(0.30)] == pytest.approx(2 / 7)
    assert found.iou[_at(0.31)] == found.iou[_at(0.50)] == pytest.approx(1 / 5)
    assert found.iou[_at(0.51)] == pytest.approx(1 / 4)


def test_peaks_in_several_places_count_by_their_share() -> None:
    drawn = inside([Box("mass", 0, 0, 1, 4)], (4, 4))
    heat = np.zeros((4, 4), np.float32)
    heat[1] = 1.0
    assert overlap(heat, drawn).hit == 0.25


def test_a_map_that_is_the_same_everywhere_finds_nothing() -> None:
    found = overlap(np.full((4, 4), 0.7, np.float32), inside([Box("mass", 0, 0, 3, 3)], (4, 4)))
    assert (found.hit, found.iou.max()) == (0.0, 0.0)
    assert found.share == pytest.approx(9 / 16)


@given(st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 12))
def test_equals_counting_pixels(seed: int, rows: int, columns: int) -> None:
    generator = np.random.default_rng(seed)
    heat = (generator.integers(0, 101, (rows, columns)) / 100).astype(np.float32)
    drawn = generator.random((rows, columns)) < 0.4
    if np.ptp(heat) == 0 or not drawn.any():
        return
    found = overlap(heat, drawn)
    for threshold, iou in zip(THRESHOLDS, found.iou, strict=True):
        marked = heat >= np.float32(threshold)
        assert iou == pytest.approx((marked & drawn).sum() / (marked | drawn).sum())


def test_a_guess_at_the_centre_is_best_for_what_lies_there() -> None:
    middle, corner = (
        overlap(towards_centre((40, 60)), inside([box], (40, 60)))
        for box in (Box("x", 20, 10, 20, 20), Box("x", 0, 0, 20, 20))
    )
    assert (middle.hit, corner.hit) == (1.0, 0.0)
    assert middle.iou.max() > 3 * corner.iou.max()
    assert localisation.towards_centre((40, 60)).max() > 0.95
