"""PNG, JPEG, TIFF and BMP: depth, orientation, transparency, palettes, pages."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.display import rgb8
from medtransfer.study.limits import Limits
from medtransfer.study.model import Image


def open_one(path: Path) -> Image:
    (entry,) = study.open(path)
    (series,) = entry.series
    image = series.image()
    assert image.array.shape == series.shape
    assert image.axes == series.axes
    assert (image.modality, image.units) == ("OT", "display")
    return image


def saved(path: Path, pixels: NDArray[np.generic]) -> Path:
    Pillow.fromarray(pixels).save(path)
    return path


@pytest.fixture
def colours() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "tiff", "bmp"])
def test_lossless_colour_is_kept(tmp_path: Path, colours: NDArray[np.uint8], suffix: str) -> None:
    image = open_one(saved(tmp_path / f"a.{suffix}", colours))
    np.testing.assert_array_equal(image.array, colours)
    np.testing.assert_array_equal(rgb8(image), colours)
    assert image.meaning == "rgb"


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bits_stay_16_bits(tmp_path: Path, suffix: str) -> None:
    pixels = np.arange(0, 65536, 1000, dtype=np.uint16)[:64].reshape(8, 8)
    image = open_one(saved(tmp_path / f"a.{suffix}", pixels))
    assert image.array.dtype == np.uint16
    assert image.bits == 16
    np.testing.assert_array_equal(image.array, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:4, :4] = 255
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    image = open_one(tmp_path / "a.png")
    # Where the upper left corner lies in the upright picture (Exif 2.3, table 6).
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    assert image.array.shape[:2] == ((8, 16) if orientation < 5 else (16, 8))
    assert image.array[corner[orientation]].tolist() == [255, 255, 255]
    with Pillow.open(tmp_path / "a.png") as peer:
        np.testing.assert_array_equal(image.array, np.asarray(ImageOps.exif_transpose(peer)))


def test_transparent_parts_are_laid_on_black(tmp_path: Path) -> None:
    pixels = np.full((2, 2, 4), 200, np.uint8)
    pixels[0, 0, 3], pixels[1, 1, 3] = 0, 255
    image = open_one(saved(tmp_path / "a.png", pixels))
    assert image.array[0, 0].tolist() == [0, 0, 0]
    assert image.array[1, 1].tolist() == [200, 200, 200]
    assert "picture.transparency" in {c.code for c in image.checks}


def test_a_palette_becomes_colour(tmp_path: Path, colours: NDArray[np.uint8]) -> None:
    picture = Pillow.fromarray(colours // 128 * 255).convert("P", palette=Pillow.Palette.ADAPTIVE)
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(open_one(tmp_path / "a.png").array, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_white_is_zero_is_turned_in_every_depth(tmp_path: Path, kind: type[np.uint8 | np.uint16]) -> None:
    pixels = np.array([[0, 10], [100, 250]], kind)
    content = saved(tmp_path / "a.tif", pixels).read_bytes()
    photometric = struct.pack("<HHIH", 262, 3, 1, 1)  # tag, short, one value: BlackIsZero
    assert content.count(photometric) == 1
    (tmp_path / "a.tif").write_bytes(content.replace(photometric, struct.pack("<HHIH", 262, 3, 1, 0)))
    np.testing.assert_array_equal(open_one(tmp_path / "a.tif").array, np.iinfo(kind).max - pixels)


def test_several_pages_are_noticed(tmp_path: Path, colours: NDArray[np.uint8]) -> None:
    first, second = Pillow.fromarray(colours), Pillow.fromarray(255 - colours)
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    image = open_one(tmp_path / "a.tif")
    assert [c.code for c in image.checks] == ["picture.pages"]
    np.testing.assert_array_equal(image.array, colours)


def test_real_photographs_decode_as_pillow_does(data_folder: Path) -> None:
    for path in sorted((data_folder / "fundus" / "hrf").rglob("*.jpg"))[:3]:
        with Pillow.open(path) as peer:
            np.testing.assert_array_equal(open_one(path).array, np.asarray(ImageOps.exif_transpose(peer)))


def test_the_pixel_cap_is_an_error(tmp_path: Path, colours: NDArray[np.uint8]) -> None:
    path = saved(tmp_path / "a.png", colours)
    assert study.open(path, Limits(picture_pixels=54))
    with pytest.raises(DataError) as caught:
        study.open(path, Limits(picture_pixels=53))
    assert caught.value.code == "study.too-large"


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
def test_a_truncated_picture_is_an_error_naming_the_file(tmp_path: Path, suffix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    path = saved(tmp_path / f"a.{suffix}", pixels)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError) as caught:
        study.open(path)[0].series[0].image()
    assert caught.value.subject == f"a.{suffix}"
    assert str(tmp_path) not in caught.value.message + caught.value.hint
