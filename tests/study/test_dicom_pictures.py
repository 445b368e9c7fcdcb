"""DICOM pictures: inversion, depth, colour, palettes, and the files that pydicom brings along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.uid import UID

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.display import rgb8
from medtransfer.study.model import Image
from medtransfer.study.pixels import pixel_sha256
from tests.study.builders import DX_STORAGE, dataset, save


def open_one(path: Path) -> Image:
    (entry,) = study.open(path)
    (series,) = entry.series
    image = series.image()
    assert image.array.shape == series.shape
    assert image.axes == series.axes
    return image


def own_file(name: str) -> Path:
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str)
    return Path(found)


def test_the_real_pair_is_mirrored_because_only_its_tag_differs(data_folder: Path) -> None:
    inverted = open_one(data_folder / "dicom" / "chest-cr" / "cr_monochrome1.dcm")
    plain = open_one(data_folder / "dicom" / "chest-cr" / "cr_monochrome2.dcm")
    # Both files hold the same stored bytes, so that a right reader sees one as the negative of the other.
    np.testing.assert_array_equal(inverted.array, 255 - plain.array)
    assert plain.array[0, 0] == 0
    assert plain.array[400:600, 450:550].mean() > 200  # air around the patient is dark, the mediastinum bright
    assert "dicom.inverted" in {c.code for c in inverted.checks}
    assert "dicom.inverted" not in {c.code for c in plain.checks}


def test_one_radiograph_stored_both_ways_gives_the_same_picture(data_folder: Path, tmp_path: Path) -> None:
    plain = open_one(data_folder / "dicom" / "chest-cr" / "cr_monochrome2.dcm")
    negative = dataset(255 - plain.array, modality="CR", sop_class=DX_STORAGE, PhotometricInterpretation="MONOCHROME1")
    inverted = open_one(save(negative, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(inverted.array, plain.array)
    assert pixel_sha256(inverted) == pixel_sha256(plain)


@settings(max_examples=30, deadline=None)
@given(bits=st.integers(2, 16), kind=st.sampled_from([np.int16, np.uint16]), seed=st.integers(0, 99))
def test_inversion_mirrors_within_the_stored_range_once(
    tmp_path_factory: pytest.TempPathFactory, bits: int, kind: type[np.int16 | np.uint16], seed: int
) -> None:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind is np.int16 else (0, 2**bits - 1)
    pixels = np.random.default_rng(seed).integers(low, high + 1, (3, 5)).astype(kind)
    pixels[0, :2] = low, high
    folder = tmp_path_factory.mktemp("mono")
    common: dict[str, Any] = {
        "modality": "DX",
        "sop_class": DX_STORAGE,
        "bits": bits,
        "WindowCenter": 10.0,
        "WindowWidth": 8.0,
    }
    one = dataset(pixels, PhotometricInterpretation="MONOCHROME1", **common)
    image = open_one(save(one, folder / "one.dcm"))
    straight = open_one(save(dataset(pixels, **common), folder / "two.dcm"))
    np.testing.assert_array_equal(image.array.astype(int), low + high - pixels.astype(int))
    np.testing.assert_array_equal(straight.array, pixels)
    np.testing.assert_array_equal(rgb8(image), 255 - rgb8(straight))
    assert image.bits == straight.bits


def test_inversion_comes_after_the_rescale(tmp_path: Path) -> None:
    pixels = np.array([[0, 255], [100, 200]], np.uint8)
    made = dataset(
        pixels, modality="CR", sop_class=DX_STORAGE, PhotometricInterpretation="MONOCHROME1", RescaleSlope=2,
        RescaleIntercept=10,
    )  # fmt: skip
    image = open_one(save(made, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(image.array, 530 - (pixels.astype(int) * 2 + 10))


def test_unused_bits_do_not_reach_the_picture(tmp_path: Path) -> None:
    pixels = np.array([[0x0FFF, 0xF001], [0x8123, 0x0000]], np.uint16)
    image = open_one(save(dataset(pixels, modality="DX", sop_class=DX_STORAGE, bits=12), tmp_path / "a.dcm"))
    np.testing.assert_array_equal(image.array, pixels & 0x0FFF)
    assert image.bits == 12


COLOUR = {
    "SC_rgb_jpeg_dcmd.dcm": (256, 256, 3),
    "SC_rgb_jpeg_dcmtk.dcm": (100, 100, 3),
    "SC_rgb_rle.dcm": (100, 100, 3),
    "SC_rgb_rle_16bit.dcm": (100, 100, 3),
    "SC_ybr_full_422_uncompressed.dcm": (100, 100, 3),
    "SC_rgb_jls_lossy_line.dcm": (100, 100, 3),
    "SC_rgb_gdcm_KY.dcm": (100, 100, 3),
    "examples_jpeg2k.dcm": (480, 640, 3),
    "examples_palette.dcm": (350, 800, 3),
    "ExplVR_BigEnd.dcm": (60, 80, 3),
}


@pytest.mark.parametrize(("name", "shape"), COLOUR.items())
def test_colour_in_every_coding_becomes_rgb(name: str, shape: tuple[int, ...]) -> None:
    image = open_one(own_file(name))
    assert image.meaning == "rgb"
    assert image.array.shape == shape
    assert rgb8(image).shape == shape


@pytest.mark.parametrize(
    "name",
    ["SC_rgb_rle.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_ybr_full_422_uncompressed.dcm", "SC_rgb_gdcm_KY.dcm"],
)
def test_the_colour_bars_keep_their_colours(name: str) -> None:
    # The test picture holds horizontal bars of ten rows: red first, then green at row 25, blue at row 45 (pydicom).
    picture = rgb8(open_one(own_file(name)))
    for row, channel in ((5, 0), (25, 1), (45, 2)):
        assert int(picture[row, 50].argmax()) == channel
        assert picture[row, 50, channel] > 200


def expected_values(name: str) -> NDArray[np.generic]:
    return pydicom.dcmread(own_file(name)).pixel_array


@pytest.mark.parametrize(
    "name",
    [
        "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_expb.dcm",
        "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "examples_overlay.dcm",
    ],
)  # fmt: skip
def test_every_transfer_syntax_gives_the_same_voxels(name: str) -> None:
    image = open_one(own_file(name))
    np.testing.assert_array_equal(image.array[0], expected_values(name))
    assert image.units == "stored"


@pytest.mark.parametrize("name", ["JPEG2000.dcm", "JPEGLSNearLossless_16.dcm", "image_dfl.dcm"])
def test_compressed_pictures_decode(name: str) -> None:
    np.testing.assert_array_equal(open_one(own_file(name)).array, expected_values(name))


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm"])
def test_two_decoders_of_lossy_jpeg_agree_as_far_as_its_standard_asks(name: str) -> None:
    # Decoders may round the cosine transform differently (ITU-T T.83): by one, and by two once YBR became RGB.
    theirs = expected_values(name).astype(int)
    assert np.abs(open_one(own_file(name)).array - theirs).max() <= theirs.ndim - 1


def test_a_real_radiograph_is_inverted_with_its_15_bits() -> None:
    data_store = pytest.importorskip("data_store")
    path = Path(data_store.__file__).parent / "data" / "RG1_UNCR.dcm"
    image = open_one(path)
    np.testing.assert_array_equal(image.array, 32767 - pydicom.dcmread(path).pixel_array)
    assert (image.bits, image.modality) == (15, "CR")


def test_what_is_stated_is_kept(tmp_path: Path) -> None:
    made = dataset(
        np.zeros((4, 4), np.uint8), modality="OP", sop_class=DX_STORAGE, ImageLaterality="L", BodyPartExamined="EYE",
        ViewPosition="PA", StudyDate="20261123", BurnedInAnnotation="YES", PixelSpacing=[0.1, 0.2],
        WindowCenter=["40", "300"], WindowWidth=["300", "1500"], WindowCenterWidthExplanation=["A", "B"],
    )  # fmt: skip
    (entry,) = study.open(save(made, tmp_path / "a.dcm"))
    image = entry.series[0].image()
    assert (entry.date, entry.patient.name, entry.patient.id) == ("2026-11-23", "Secret^Patient", "MRN-4711")
    assert (image.laterality, image.body_part, image.view, image.spacing) == ("L", "EYE", "PA", (0.1, 0.2))
    assert [(w.centre, w.width, w.name) for w in image.windows] == [(40, 300, "A"), (300, 1500, "B")]
    assert image.uids == {"study": "1.2.3", "series": "1.2.3.4"}
    assert image.instances == (made.SOPInstanceUID,)
    assert [c.code for c in image.checks] == ["dicom.burned-in"]


def test_an_eye_without_a_side_is_noticed(tmp_path: Path) -> None:
    path = save(dataset(np.zeros((4, 4), np.uint8), modality="OP", sop_class=DX_STORAGE), tmp_path / "a.dcm")
    assert [c.code for c in study.open(path)[0].series[0].checks] == ["picture.no-laterality"]


def test_a_film_gives_its_representative_frame_and_says_how_many_it_has(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).integers(0, 255, (3, 5, 7, 3), dtype=np.uint8)
    made = dataset(stored[0], modality="US", sop_class=DX_STORAGE, NumberOfFrames=3, RepresentativeFrameNumber=2)
    made.PixelData = stored.tobytes() + b"\0"
    image = open_one(save(made, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(image.array, stored[1])
    (film,) = (check for check in image.checks if check.code == "dicom.film")
    assert film.message == "The file is a film of 3 frames; frame 2 stands for it."


def test_a_microscope_slide_is_refused_with_the_reason(tmp_path: Path) -> None:
    made = dataset(np.zeros((4, 4, 3), np.uint8), modality="SM", sop_class=UID("1.2.840.10008.5.1.4.1.1.77.1.6"))
    (entry,) = study.open(save(made, tmp_path / "a.dcm"))
    with pytest.raises(DataError) as caught:
        entry.series[0].image()
    assert caught.value.code == "dicom.whole-slide"
