"""PNG, JPEG, TIFF and BMP: depth, orientation, transparency, palettes, pages."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
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


def deep(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(0, 65536, shape, dtype=np.uint16)


def test_16_bits_of_colour_are_kept_in_png(tmp_path: Path) -> None:
    pixels = deep((6, 9, 3))
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
    image = open_one(tmp_path / "a.png")
    np.testing.assert_array_equal(image.array, pixels)
    assert image.bits == 16
    assert image.checks == ()
    np.testing.assert_array_equal(rgb8(image), np.rint(pixels / 257.0))


@pytest.mark.parametrize("channels", [2, 4])
def test_16_bits_with_transparency_are_laid_on_black(tmp_path: Path, channels: int) -> None:
    pixels = deep((6, 9, channels))
    pixels[0, 0, -1], pixels[1, 1, -1] = 0, 65535
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
    image = open_one(tmp_path / "a.png")
    expected = pixels[..., :-1] * (pixels[..., -1:] / 65535.0)
    np.testing.assert_allclose(image.array.reshape(expected.shape).astype(float), expected, atol=0.51)
    assert "picture.transparency" in {check.code for check in image.checks}


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(
    "how", [{}, {"compression": "zlib", "predictor": True}, {"compression": "lzw", "tile": (16, 16)}]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bits_of_colour_are_kept_in_tiff(tmp_path: Path, planar: str, how: dict[str, Any], order: Any) -> None:
    pixels = deep((20, 33, 3))
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, byteorder=order, **how)
    np.testing.assert_array_equal(open_one(tmp_path / "a.tif").array, pixels)


@pytest.mark.parametrize("kind", ["i1", "u2", "i2", "u4", "f4", "f8"])
@pytest.mark.parametrize("how", [{}, {"tile": (16, 16), "compression": "zlib"}])
def test_numbers_of_every_kind_are_read_from_tiff(tmp_path: Path, kind: str, how: dict[str, Any]) -> None:
    low, high = (np.iinfo(kind).min, np.iinfo(kind).max) if kind[0] in "iu" else (-1e6, 1e6)
    pixels = np.random.default_rng(0).uniform(low * 0.99, high * 0.99, (20, 33)).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", pixels, **how)
    (entry,) = study.open(tmp_path / "a.tif")
    image = entry.series[0].image()
    np.testing.assert_allclose(image.array.astype("f8"), pixels.astype("f8"), rtol=1e-6)
    assert image.units == ("display" if kind == "u2" else "stored")
    shown = rgb8(image)
    assert shown.min() < 10
    assert shown.max() > 245


def test_deep_colour_is_turned_upright(tmp_path: Path) -> None:
    pixels = deep((6, 9, 3))
    for orientation in range(1, 9):
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
        peer = Pillow.fromarray((pixels[..., 0] // 256).astype(np.uint8))
        peer.getexif()[0x0112] = orientation
        expected = np.asarray(ImageOps.exif_transpose(peer))
        np.testing.assert_array_equal(open_one(tmp_path / "a.tif").array[..., 0] // 256, expected)


def test_pages_of_deep_colour_are_noticed(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", deep((3, 6, 9, 3)), photometric="rgb")
    image = open_one(tmp_path / "a.tif")
    assert "picture.pages" in {check.code for check in image.checks}
    np.testing.assert_array_equal(image.array, deep((3, 6, 9, 3))[0])


def test_colour_in_floating_point_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((6, 9, 3), np.float32), photometric="rgb")
    with pytest.raises(DataError) as caught:
        study.open(tmp_path / "a.tif")
    assert caught.value.code == "study.unsupported-colour"


@pytest.mark.parametrize("side", [20_000, 2**31 - 1])
def test_deep_pictures_are_held_to_the_cap(tmp_path: Path, side: int) -> None:
    tifffile.imwrite(tmp_path / "a.tif", deep((6, 9, 3)), photometric="rgb", extratags=())
    content = (tmp_path / "a.tif").read_bytes()
    for tag, value in ((256, 9), (257, 6)):
        short = struct.pack("<HHII", tag, 4, 1, value)
        content = content.replace(struct.pack("<HHIHH", tag, 3, 1, value, 0), short).replace(
            short, struct.pack("<HHII", tag, 4, 1, side)
        )
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(DataError) as caught:
        study.open(tmp_path / "a.tif")
    assert caught.value.code == "study.too-large"


def test_printers_colours_become_red_green_and_blue(tmp_path: Path) -> None:
    inks = np.zeros((8, 16, 4), np.uint8)
    inks[:, :8, 0] = 255
    Pillow.fromarray(inks, "CMYK").save(tmp_path / "a.jpg", quality=100)
    image = open_one(tmp_path / "a.jpg")
    with Pillow.open(tmp_path / "a.jpg") as peer:
        np.testing.assert_array_equal(image.array, np.asarray(peer.convert("RGB")))
    assert "picture.print-colours" in {check.code for check in image.checks}


@pytest.mark.parametrize(("mode", "shape"), [("1", (6, 9)), ("L", (6, 9)), ("LA", (6, 9)), ("P", (6, 9, 3))])
def test_shallow_modes(tmp_path: Path, mode: str, shape: tuple[int, ...]) -> None:
    Pillow.fromarray(np.arange(54, dtype=np.uint8).reshape(6, 9) * 4).convert(mode).save(tmp_path / "a.png")
    image = open_one(tmp_path / "a.png")
    assert image.array.shape == shape
    assert image.array.dtype == np.uint8


def test_a_colour_profile_is_told(tmp_path: Path, colours: NDArray[np.uint8]) -> None:
    for profile, told in ((b"sRGB IEC61966-2.1", False), (b"Adobe RGB (1998)", True)):
        Pillow.fromarray(colours).save(tmp_path / "a.png", icc_profile=profile)
        assert ("picture.colour-profile" in {c.code for c in open_one(tmp_path / "a.png").checks}) is told


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(["png", "tif", "tiled"]),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.floats(0.3, 1.0),
)
def test_flipped_bytes_of_deep_pictures_give_a_picture_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[tuple[int, int]], cut: float
) -> None:
    path = tmp_path_factory.mktemp("flipped") / "a"
    if kind == "png":
        path.write_bytes(imagecodecs.png_encode(deep((20, 33, 3))))
    else:
        how: dict[str, Any] = {"tile": (16, 16), "compression": "zlib"} if kind == "tiled" else {}
        tifffile.imwrite(path, deep((20, 33, 3)), photometric="rgb", **how)
    content = bytearray(path.read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    path.write_bytes(bytes(content[: int(len(content) * cut)]))
    with contextlib.suppress(DataError):  # any other kind of error fails the test, and so does a warning
        assert study.open(path)[0].series[0].image().array.size


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:4, :4] = 255
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.fromarray(pixels).save(tmp_path / f"a.{suffix}", exif=exif)
    image = open_one(tmp_path / f"a.{suffix}")
    # Where the upper left corner lies in the upright picture (Exif 2.3, table 6).
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    assert image.array.shape[:2] == ((8, 16) if orientation < 5 else (16, 8))
    assert image.array[corner[orientation]].tolist() == [255, 255, 255]
    with Pillow.open(tmp_path / f"a.{suffix}") as peer:
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
