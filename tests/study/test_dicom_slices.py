"""Volumes read slice by slice: every encoding gives the values that were stored, and pydicom's own decoders agree."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medtransfer.errors import DataError
from medtransfer.study.dicom import Header, read_header
from medtransfer.study.dicom_slices import stored_volume
from medtransfer.study.grey_frames import is_grey
from medtransfer.study.limits import DEFAULT
from tests.study.builders import ct_slice, save

Encoder = Callable[[NDArray[np.unsignedinteger[Any]]], Any]

CODECS: dict[UID, Encoder] = {
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEG2000Lossless: partial(imagecodecs.jpeg2k_encode, level=0, codecformat="j2k", reversible=True),
    HTJ2KLossless: imagecodecs.htj2k_encode,
    JPEGLosslessSV1: partial(imagecodecs.jpeg8_encode, lossless=True, predictor=1),
}


def as_words(values: NDArray[np.integer[Any]], bits: int) -> NDArray[np.unsignedinteger[Any]]:
    """Return values as the words that a file stores, with nothing above their bits."""
    words = values.view(f"u{values.dtype.itemsize}")
    return np.asarray(words & np.asarray((1 << bits) - 1, words.dtype))


def stored(values: NDArray[np.integer[Any]], syntax: UID, bits: int, height: float = 0.0) -> FileDataset:
    made = ct_slice(values, (0.0, 0.0, height))
    made.BitsStored, made.HighBit = bits, bits - 1
    if syntax == RLELossless:
        made.compress(RLELossless)
    elif syntax in CODECS:
        made.PixelData = encapsulate([bytes(CODECS[syntax](as_words(values, bits)))])
        made["PixelData"].VR = "OB"
    made.file_meta.TransferSyntaxUID = syntax
    return made


def header_of(made: FileDataset, path: Path) -> Header:
    return read_header(save(made, path), DEFAULT)


@settings(max_examples=80, deadline=None)
@given(
    syntax=st.sampled_from([ImplicitVRLittleEndian, RLELossless, *CODECS]), size=st.sampled_from([1, 2]),
    signed=st.booleans(), spare=st.integers(0, 6), seed=st.integers(0, 999),
)  # fmt: skip
def test_every_encoding_gives_the_stored_values(
    tmp_path_factory: pytest.TempPathFactory,
    syntax: UID,
    size: int,
    signed: bool,  # noqa: FBT001 (hypothesis draws it)
    spare: int,
    seed: int,
) -> None:
    # The codecs here write whole bytes: what a codestream of fewer bits does is tested on pydicom's files.
    bits = 8 * size - (0 if syntax in CODECS and signed else spare)
    low = -(1 << bits - 1) if signed else 0
    values = np.random.default_rng(seed).integers(low, low + (1 << bits), (24, 20)).astype(f"{'iu'[not signed]}{size}")
    header = header_of(stored(values, syntax, bits), tmp_path_factory.getbasetemp() / "one.dcm")
    assert is_grey(header)
    volume = stored_volume([header, header])
    assert volume.dtype == values.dtype
    np.testing.assert_array_equal(volume, [values, values])


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless, *CODECS])
def test_pydicoms_own_decoders_agree(tmp_path: Path, syntax: UID) -> None:
    values = np.random.default_rng(3).integers(0, 4096, (30, 40), dtype=np.uint16)
    path = save(stored(values, syntax, 12), tmp_path / "a.dcm")
    plugins = {RLELossless: "pydicom", ImplicitVRLittleEndian: ""}
    theirs = pixel_array(dcmread(path), decoding_plugin=plugins.get(syntax, "pylibjpeg"))
    np.testing.assert_array_equal(stored_volume([read_header(path, DEFAULT)])[0], theirs)


def test_frames_of_one_file_are_read_where_they_lie(tmp_path: Path) -> None:
    frames = np.random.default_rng(4).integers(0, 4096, (5, 6, 7), dtype=np.uint16)
    for syntax in (ImplicitVRLittleEndian, JPEGLSLossless, RLELossless):
        made = stored(frames[0], ImplicitVRLittleEndian, 16)
        made.NumberOfFrames = 5
        made.PixelData = frames.tobytes()
        if syntax == RLELossless:
            made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
            made.compress(RLELossless)
        elif syntax == JPEGLSLossless:
            made.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(frame)) for frame in frames])
            made["PixelData"].VR = "OB"
        made.file_meta.TransferSyntaxUID = syntax
        header = header_of(made, tmp_path / "a.dcm")
        volume = stored_volume([replace(header, frame=number) for number in (4, 0, 2)])
        np.testing.assert_array_equal(volume, frames[[4, 0, 2]])


def test_slices_of_different_types_share_a_type_that_holds_both(tmp_path: Path) -> None:
    one = header_of(stored(np.full((3, 3), 60_000, np.uint16), ImplicitVRLittleEndian, 16), tmp_path / "a.dcm")
    other = header_of(stored(np.full((3, 3), -5, np.int16), ImplicitVRLittleEndian, 16, 2.0), tmp_path / "b.dcm")
    assert stored_volume([one, other])[:, 0, 0].tolist() == [60_000, -5]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless, *CODECS])
def test_a_slice_that_is_cut_short_is_told(tmp_path: Path, syntax: UID) -> None:
    values = np.random.default_rng(5).integers(0, 60_000, (30, 40), dtype=np.uint16)
    header = header_of(stored(values, syntax, 16), tmp_path / "a.dcm")
    content = header.path.read_bytes()
    header.path.write_bytes(content[: header.pixel_offset + (len(content) - header.pixel_offset) // 2])
    with pytest.raises(DataError) as caught:
        stored_volume([header] * 3)
    assert caught.value.code in {"study.truncated", "study.undecodable"}


@pytest.mark.parametrize("syntax", list(CODECS))
def test_a_frame_of_another_size_than_the_header_says_is_refused_before_it_is_decoded(
    tmp_path: Path, syntax: UID, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stored(np.zeros((30, 40), np.uint16), syntax, 16)
    made.Rows = 31
    header = header_of(made, tmp_path / "a.dcm")
    monkeypatch.setattr("medtransfer.study.grey_frames.decode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(DataError) as caught:
        stored_volume([header])
    assert caught.value.code == "study.undecodable"


@settings(max_examples=80, deadline=None)
@given(
    syntax=st.sampled_from([RLELossless, *CODECS]),
    flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_a_damaged_frame_is_decoded_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, syntax: UID, flips: list[tuple[int, int]]
) -> None:
    values = np.random.default_rng(6).integers(0, 500, (24, 20), dtype=np.uint16)
    header = header_of(stored(values, syntax, 16), tmp_path_factory.getbasetemp() / "damaged.dcm")
    content = bytearray(header.path.read_bytes())
    for at, value in flips:
        content[header.pixel_offset + 28 + at % (len(content) - header.pixel_offset - 28)] = value
    header.path.write_bytes(content)
    with contextlib.suppress(DataError):
        assert stored_volume([header]).shape == (1, 24, 20)
