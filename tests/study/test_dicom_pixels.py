"""Stored pixels in every layout of PS3.5 chapter 8, and how they ask to be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.pixels.processing import apply_windowing
from pydicom.sequence import Sequence

from medtransfer import study
from medtransfer.study.display import percentile_window, rgb8, windowed
from medtransfer.study.model import Image, Window
from tests.study.builders import DX_STORAGE, ct_slice, dataset, save


def opened(made: FileDataset, folder: Path) -> Image:
    (entry,) = study.open(save(made, folder / "made.dcm"))
    (series,) = entry.series
    return series.image()


def radiograph(pixels: NDArray[np.generic], **elements: Any) -> FileDataset:
    return dataset(pixels, modality="DX", sop_class=DX_STORAGE, **elements)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.sampled_from([8, 16]), signed=st.booleans(), seed=st.integers(0, 999))
def test_bits_lie_where_high_bit_says_and_overlays_around_them_are_ignored(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    size: int,
    signed: bool,  # noqa: FBT001 (hypothesis draws it)
    seed: int,
) -> None:
    bits = data.draw(st.integers(1, size))
    high = data.draw(st.integers(bits - 1, size - 1))
    rng = np.random.default_rng(seed)
    low = -(1 << bits - 1) if signed else 0
    values = rng.integers(low, low + (1 << bits), (5, 7))
    shift = high - bits + 1
    overlays = rng.integers(0, 1 << size, (5, 7)) & ~(((1 << bits) - 1) << shift)
    words = ((values & ((1 << bits) - 1)) << shift | overlays).astype(f"u{size // 8}")
    made = radiograph(words, bits=bits, HighBit=high, PixelRepresentation=int(signed))
    image = opened(made, tmp_path_factory.mktemp("bits"))
    np.testing.assert_array_equal(image.array, values)


def test_pixels_of_one_bit_are_read_although_they_fill_no_byte(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 2, (3, 5), dtype=np.uint8)
    made = radiograph(pixels, BitsAllocated=1, BitsStored=1, HighBit=0)
    made.PixelData = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    image = opened(made, tmp_path)
    np.testing.assert_array_equal(image.array, pixels)
    assert image.bits == 1


@pytest.mark.parametrize(("keyword", "kind"), [("FloatPixelData", np.float32), ("DoubleFloatPixelData", np.float64)])
def test_floating_pixels_keep_their_values(tmp_path: Path, keyword: str, kind: type[np.floating[Any]]) -> None:
    values = np.random.default_rng(1).normal(0, 3, (4, 6)).astype(kind)
    made = radiograph(np.zeros((4, 6), np.uint16), BitsAllocated=np.dtype(kind).itemsize * 8)
    for absent in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        del made[absent]
    setattr(made, keyword, values.tobytes())
    image = opened(made, tmp_path)
    assert image.array.dtype == kind
    np.testing.assert_array_equal(image.array, values)


@pytest.mark.parametrize("kind", [np.uint32, np.int32])
def test_32_bits_keep_their_values(tmp_path: Path, kind: type[np.integer[Any]]) -> None:
    ends = np.iinfo(kind)
    values = np.array([[ends.min, ends.max], [0, 70_000]], kind)
    np.testing.assert_array_equal(opened(radiograph(values), tmp_path).array, values)


@pytest.mark.parametrize("curve", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_windows_follow_their_function(tmp_path: Path, curve: str, photometric: str) -> None:
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    made = radiograph(
        values, bits=12, WindowCenter=1500, WindowWidth=901, VOILUTFunction=curve, PhotometricInterpretation=photometric
    )
    image = opened(made, tmp_path)
    expected = apply_windowing(values, made) / 4095
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    assert np.abs(rgb8(image)[..., 0] - expected * 255).max() <= 0.51
    assert image.windows[0].curve == curve


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize(("bits", "first", "kind"), [(8, 0, np.uint16), (12, 100, np.uint16), (16, -200, np.int16)])
def test_lookup_tables_come_before_windows(
    tmp_path: Path, photometric: str, bits: int, first: int, kind: type[np.integer[Any]]
) -> None:
    start = -500 if kind is np.int16 else 0
    values = np.arange(start, start + 1024).astype(kind).reshape(32, 32)
    item = Dataset()
    table = (np.sqrt(np.arange(300) / 299) * (2**bits - 1)).astype(np.uint16)
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [300, first, bits])
    item.add_new("LUTData", "US", table.tolist())
    item.LUTExplanation = "Bone"
    made = radiograph(
        values, VOILUTSequence=Sequence([item]), WindowCenter=40, WindowWidth=400, PhotometricInterpretation=photometric
    )
    image = opened(made, tmp_path)
    # The first entry serves all values below it and the last all above (PS3.3 C.11.2.1.1).
    expected = table[np.clip(values.astype(int) - first, 0, 299)] / (2**bits - 1)
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    assert [w.name for w in image.windows] == ["Bone", ""]
    assert np.abs(rgb8(image)[..., 0] - expected * 255).max() <= 0.51


def test_a_damaged_lookup_table_leaves_the_windows(tmp_path: Path) -> None:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [300, 0, 12])
    item.add_new("LUTData", "US", [1, 2, 3])
    made = radiograph(np.zeros((4, 4), np.uint16), VOILUTSequence=Sequence([item]), WindowCenter=40, WindowWidth=400)
    assert opened(made, tmp_path).windows == (Window(40, 400),)


def test_a_wide_sigmoid_never_overflows() -> None:
    shown = windowed(np.array([-(10**9), 0, 10**9]), Window(0, 1, curve="SIGMOID"))
    assert shown.tolist() == [0, 128, 255]


@pytest.mark.parametrize("vr", ["US", "SS"])
def test_padding_is_told_in_the_values_of_the_image_and_left_out_of_its_window(tmp_path: Path, vr: str) -> None:
    pixels = np.random.default_rng(1).integers(900, 1100, (20, 20)).astype(np.int16)
    pixels[:, :10] = -2000
    made = ct_slice(pixels, (0, 0, 0), RescaleIntercept=-1000)
    made.add_new("PixelPaddingValue", vr, -2000 if vr == "SS" else 65536 - 2000)
    image = opened(made, tmp_path)
    assert image.padding == (-3000.0, -3000.0)
    assert image.array.min() == -3000  # the values stay: other readers have them too
    assert percentile_window(image.array, image.padding).width < 250
    assert percentile_window(image.array).width > 2500


def test_padding_is_mirrored_with_the_picture(tmp_path: Path) -> None:
    pixels = np.array([[0, 5, 200], [255, 250, 100]], np.uint8)
    made = radiograph(pixels, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0, PixelPaddingRangeLimit=5)
    image = opened(made, tmp_path)
    assert image.padding == (250.0, 255.0)
    assert np.greater_equal(image.array, 250).tolist() == (pixels <= 5).tolist()


def test_padding_that_differs_between_slices_is_not_told(tmp_path: Path) -> None:
    for k in range(3):
        made = ct_slice(np.zeros((4, 6), np.int16), (0, 0, 2.0 * k), InstanceNumber=k + 1, RescaleIntercept=-1000 - k)
        made.add_new("PixelPaddingValue", "SS", -2000)
        save(made, tmp_path / f"{k}.dcm")
    assert study.open(tmp_path)[0].series[0].image().padding is None
