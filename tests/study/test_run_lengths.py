"""Run lengths: what pydicom packs is unpacked, and damaged frames are refused."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.uid import RLELossless

from medtransfer.study.run_lengths import unpack
from tests.study.builders import ct_slice

values = arrays.arrays(
    st.sampled_from([np.uint8, np.uint16]),
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=40),
    elements=st.integers(0, 255),
)


def packed(pixels: NDArray[np.unsignedinteger]) -> bytes:
    made = ct_slice(pixels, (0, 0, 0))
    made.compress(RLELossless)
    return get_frame(made.PixelData, 0, number_of_frames=1)


@settings(max_examples=60, deadline=None)
@given(values)
def test_what_pydicom_packs_is_unpacked(pixels: NDArray[np.unsignedinteger]) -> None:
    pixels = pixels * np.asarray(pixels.dtype.itemsize * 100, pixels.dtype)
    assert unpack(packed(pixels), pixels.size, pixels.dtype.itemsize).tolist() == pixels.ravel().tolist()


@settings(max_examples=300, deadline=None)
@given(
    flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6), cut=st.integers(0, 400),
    head=st.lists(st.integers(0, 2**32 - 1), max_size=4),
)  # fmt: skip
def test_a_damaged_frame_is_unpacked_or_refused(flips: list[tuple[int, int]], cut: int, head: list[int]) -> None:
    frame = bytearray(packed(np.arange(120, dtype=np.uint16).reshape(10, 12)))
    for at, value in flips:
        frame[at % len(frame)] = value
    for place, number in enumerate(head):
        frame[4 * place : 4 * place + 4] = number.to_bytes(4, "little")
    with contextlib.suppress(ValueError, RuntimeError):
        assert unpack(bytes(frame[: len(frame) - cut]), 120, 2).size == 120


def test_a_segment_that_swells_is_refused_before_it_is_unpacked() -> None:
    head = np.array([1, 64, *[0] * 14], "<u4").tobytes()
    with pytest.raises(ValueError, match="longer than its samples"):
        unpack(head + b"\x81\0" * 1_000_000, 100, 1)


def test_a_frame_with_another_number_of_segments_is_refused() -> None:
    with pytest.raises(ValueError, match="2 segments"):
        unpack(packed(np.zeros((4, 4), np.uint16)), 16, 1)
