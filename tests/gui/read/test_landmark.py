"""A place to look at lies inside the structure, in its largest slice."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medtransfer.gui.read.landmark import landmark


@given(arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 2)))
def test_it_is_inside_the_largest_slice_or_nowhere(labels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    found = landmark(labels, 2)
    if found is None:
        assert not (labels == 2).any()
        return
    assert labels[found] == 2
    areas = (labels == 2).sum(axis=(1, 2))
    assert areas[found[0]] == areas.max()


def test_the_middle_of_a_ring_is_on_the_ring() -> None:
    ring = np.zeros((7, 7), np.uint8)
    ring[1:6, 1:6] = 1
    ring[2:5, 2:5] = 0
    found = landmark(ring, 1)
    assert found is not None
    assert ring[found] == 1
