"""Images between processes, their fingerprint, and how they are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study import exchange
from medtransfer.study.display import rgb8, windowed
from medtransfer.study.model import Check, Image, Level, Window
from medtransfer.study.pixels import pixel_sha256
from tests.study.builders import DX_STORAGE, dataset, save, write_axial


def volume() -> Image:
    return Image(
        array=np.arange(24, dtype=np.int16).reshape(2, 3, 4),
        axes="zyx",
        modality="CT",
        units="HU",
        affine=np.array([[0, 0, 0.5, -7], [0, 0.8, 0, 3], [2, 0, 0, 1 / 3], [0, 0, 0, 1]]),
        bits=16,
        windows=(Window(40, 400, "soft"),),
        laterality="L",
        body_part="CHEST",
        view="PA",
        uids={"study": "1.2", "series": "1.2.3"},
        instances=("1.1", "1.2"),
        checks=(Check("volume.gantry-tilt", Level.WARNING, "tilted", "sheared"),),
    )


def assert_same(one: Image, other: Image) -> None:
    np.testing.assert_array_equal(one.array, other.array)
    assert one.array.dtype == other.array.dtype
    for name in ("axes", "modality", "units", "meaning", "pixel_spacing", "bits", "windows", "laterality", "body_part",
                 "view", "uids", "instances", "checks"):  # fmt: skip
        assert getattr(one, name) == getattr(other, name), name
    if one.affine is None or other.affine is None:
        assert one.affine is other.affine
    else:
        np.testing.assert_array_equal(one.affine, other.affine)


def test_a_volume_survives_the_exchange_bit_for_bit_and_stays_on_disk(tmp_path: Path) -> None:
    exchange.save(volume(), tmp_path)
    loaded = exchange.load(tmp_path)
    assert_same(loaded, volume())
    assert isinstance(loaded.array, np.memmap)
    assert not loaded.array.flags.writeable
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.json", "image.npy"]
    assert pixel_sha256(loaded) == pixel_sha256(volume())


def test_no_patient_data_is_written(tmp_path: Path) -> None:
    made = dataset(np.zeros((4, 4), np.uint8), modality="DX", sop_class=DX_STORAGE, PatientBirthDate="19700101")
    image = study.open(save(made, tmp_path / "Secret_file.dcm"))[0].series[0].image()
    (tmp_path / "job").mkdir()
    exchange.save(image, tmp_path / "job")
    assert_same(exchange.load(tmp_path / "job"), image)
    content = b"".join(p.read_bytes() for p in (tmp_path / "job").iterdir())
    for secret in (b"Secret", b"MRN-4711", b"1970", tmp_path.name.encode()):
        assert secret not in content


def test_a_damaged_exchange_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        exchange.load(tmp_path)
    exchange.save(volume(), tmp_path)
    record = (tmp_path / "image.json").read_text()
    (tmp_path / "image.json").write_text(record.replace('"zyx"', '"yx"'))
    with pytest.raises(DataError) as caught:
        exchange.load(tmp_path)
    assert caught.value.code == "study.exchange"


def test_a_pickle_in_place_of_the_pixels_is_refused(tmp_path: Path) -> None:
    exchange.save(volume(), tmp_path)
    np.save(tmp_path / "image.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError):
        exchange.load(tmp_path)


def picture(array: np.ndarray, **fields: object) -> Image:
    given_fields = {"axes": "yxc" if array.ndim == 3 else "yx", "modality": "OT", "units": "stored"} | fields
    return Image(array=array, **given_fields)  # type: ignore[arg-type] # the fields vary by test


def test_the_fingerprint_sees_values_shape_and_type_but_not_layout() -> None:
    values = np.arange(12, dtype=np.uint16).reshape(3, 4)
    same = pixel_sha256(picture(values.copy()))
    assert pixel_sha256(picture(np.asfortranarray(values))) == same
    assert pixel_sha256(picture(values.astype(">u2"))) == same
    assert pixel_sha256(picture(values.reshape(4, 3).copy())) != same
    assert pixel_sha256(picture(values.astype(np.int16))) != same
    changed = values.copy()
    changed[2, 3] += 1
    assert pixel_sha256(picture(changed)) != same


def test_the_window_follows_the_standards_formula() -> None:
    # PS3.3 C.11.2.1.2.1, its own example: centre 2048, width 4096 maps 0 to 4095 onto the full range.
    shown = windowed(np.array([-5, 0, 2047, 2048, 4095, 9000]), Window(2048, 4096))
    assert shown.tolist() == [0, 0, 127, 128, 255, 255]
    assert windowed(np.array([99, 100, 101]), Window(100, 1)).tolist() == [0, 255, 255]


def test_the_images_own_window_is_used_and_another_on_demand() -> None:
    image = picture(np.array([[0, 50], [100, 1000]], np.int16), windows=(Window(50.5, 101),))
    assert rgb8(image)[..., 0].tolist() == [[0, 128], [255, 255]]
    assert rgb8(image, Window(250.5, 501))[1, 1].tolist() == [255, 255, 255]
    assert rgb8(image, Window(250.5, 501))[1, 0, 0] == 51


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.int16, arrays.array_shapes(min_dims=2, max_dims=2, max_side=8)))
def test_without_a_window_brightness_never_reverses(values: np.ndarray) -> None:
    shown = rgb8(picture(values.copy()))
    assert shown.shape == (*values.shape, 3)
    order = np.argsort(values, axis=None)
    assert (np.diff(shown[..., 0].reshape(-1)[order].astype(int)) >= 0).all()


def test_colour_passes_through_and_16_bits_are_reduced() -> None:
    colours = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.testing.assert_array_equal(rgb8(picture(colours, meaning="rgb")), colours)
    deep = picture(np.full((2, 2, 3), 65535, np.uint16), meaning="rgb", bits=16)
    assert rgb8(deep).tolist() == np.full((2, 2, 3), 255).tolist()


def test_a_volume_has_no_single_picture(tmp_path: Path) -> None:
    image = study.open(write_axial(tmp_path, [0, 2]))[0].series[0].image()
    with pytest.raises(ValueError, match="slice"):
        rgb8(image)
