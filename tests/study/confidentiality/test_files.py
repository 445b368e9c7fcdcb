"""Pictures and NIfTI files without metadata: the pixels are the same, bit for bit, and no secret byte is left."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.confidentiality.codestream import bare
from medtransfer.study.confidentiality.nifti import clean_nifti
from medtransfer.study.confidentiality.pictures import clean_picture
from tests.study.builders import nifti

SECRET = b"Miller^Anna"
TEXT = SECRET.decode()
NOISE = np.random.default_rng(1).integers(0, 255, (20, 30, 3), dtype=np.uint8)


def exif(orientation: int = 1) -> Pillow.Exif:
    made = Pillow.Exif()
    made[0x010E] = made[0x013B] = TEXT
    made[0x0112] = orientation
    made.get_ifd(0x8825)[29] = "2020:01:01"
    return made


def pixels(path: Path) -> Any:
    return study.open(path)[0].series[0].image().array


def cleaned(path: Path) -> Path:
    target = path.with_name(f"clean-{path.name}")
    clean_picture(path, target)
    return target


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_picture_keeps_its_pixels_and_its_orientation(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a.{suffix}"
    made = Pillow.fromarray(NOISE)
    text = PngInfo()
    text.add_text("Patient", TEXT)
    text.add_itxt("Comment", TEXT, zip=False)
    more: dict[str, dict[str, Any]] = {"png": {"pnginfo": text}, "jpg": {"comment": SECRET}, "tif": {}}
    made.save(path, exif=exif(orientation), **more[suffix])
    path.write_bytes(path.read_bytes() + SECRET)
    assert SECRET in path.read_bytes()
    clean = cleaned(path)
    assert SECRET not in clean.read_bytes()
    assert b"2020:01:01" not in clean.read_bytes()
    assert np.array_equal(pixels(clean), pixels(path))
    assert clean_picture(clean, tmp_path / "again") == {}


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "jpeg"])
@pytest.mark.parametrize("pages", [1, 3])
def test_tiff_keeps_every_page_in_every_compression(tmp_path: Path, compression: str, pages: int) -> None:
    path = tmp_path / "a.tif"
    sheets = [Pillow.fromarray(np.roll(NOISE, number, 0)) for number in range(pages)]
    sheets[0].save(
        path, compression=compression, description=TEXT, artist=TEXT, save_all=True, append_images=sheets[1:]
    )
    assert SECRET in path.read_bytes()
    clean = cleaned(path)
    assert SECRET not in clean.read_bytes()
    with Pillow.open(path) as before, Pillow.open(clean) as after:
        for number in range(pages):
            before.seek(number)
            after.seek(number)
            assert np.array_equal(np.array(before), np.array(after))


def test_sixteen_bits_and_a_palette_stay(tmp_path: Path) -> None:
    deep = Pillow.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100)
    flat = Pillow.fromarray(NOISE).quantize(16)
    for number, (made, suffix) in enumerate(
        [(deep, "png"), (deep, "tif"), (flat, "png"), (flat, "bmp"), (flat, "tif")]
    ):
        path = tmp_path / f"{number}.{suffix}"
        made.save(path)
        path.write_bytes(path.read_bytes() + SECRET)
        clean = cleaned(path)
        assert SECRET not in clean.read_bytes()
        assert np.array_equal(pixels(clean), pixels(path))


def test_a_bitmap_loses_its_profile_and_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    Pillow.fromarray(NOISE).save(path)
    body = path.read_bytes()[54:]
    header = struct.pack("<IiiHHIIiiII", 124, 30, 20, 1, 24, 0, len(body), 0, 0, 0, 0).ljust(124, b"\0")
    header = header[:112] + struct.pack("<II", 124 + len(body), len(SECRET)) + header[120:]
    path.write_bytes(b"BM" + struct.pack("<IHHI", 0, 7, 7, 14 + 124) + header + body + SECRET)
    clean = cleaned(path)
    assert SECRET not in clean.read_bytes()
    assert np.array_equal(pixels(clean), NOISE)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "TIFF", "BMP"]), st.integers(0, 2000), st.binary(max_size=4))
def test_a_damaged_picture_is_an_error_or_cleaned(
    tmp_path_factory: pytest.TempPathFactory, kind: str, at: int, patch: bytes
) -> None:
    stream = io.BytesIO()
    Pillow.fromarray(NOISE).save(stream, format=kind)
    content = stream.getvalue()
    at %= len(content)
    path = tmp_path_factory.mktemp("damaged") / "a"
    path.write_bytes(content[:at] + patch + content[at + len(patch) :] if patch else content[:at])
    with suppress(DataError):  # and nothing else
        clean_picture(path, path.with_name("clean"))


def test_a_jpeg_without_an_end_is_an_error() -> None:
    with pytest.raises(DataError):
        bare(b"\xff\xd8\xff\xda\x00\x02" + bytes(20))


def volume(path: Path, version: Any = nifti.Nifti1Image, *, big: bool = False) -> Path:
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    header = version.header_class(endianness=">" if big else "<")
    header.set_data_dtype(np.int16)
    made = version(voxels, np.diag([2, 3, 4, 1]), header)
    made.header["descrip"] = TEXT
    made.header["aux_file"] = TEXT
    made.header["intent_name"] = TEXT
    if version is nifti.Nifti1Image:
        made.header["db_name"] = TEXT
    made.header.extensions.append(nifti.nifti1.Nifti1Extension("comment", SECRET))
    nifti.save(made, path)
    return path


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
@pytest.mark.parametrize("version", [nifti.Nifti1Image, nifti.Nifti2Image])
def test_nifti_keeps_voxels_and_geometry(tmp_path: Path, version: Any, suffix: str, *, big: bool) -> None:
    path = volume(tmp_path / f"Miller.{suffix}", version, big=big)
    target = tmp_path / f"clean.{suffix}"
    changes = clean_nifti(path, target)
    content = target.read_bytes()
    plain = gzip.decompress(content) if suffix.endswith("gz") else content
    assert SECRET not in plain
    assert b"Miller" not in content
    before, after = nifti.load(path), nifti.load(target)
    assert np.array_equal(before.get_fdata(), after.get_fdata())
    assert np.array_equal(before.affine, after.affine)
    assert len(after.header.extensions) == 0
    assert ("NIfTI extensions", "removed") in changes
    assert ("NIfTI descrip", "emptied") in changes
    assert np.array_equal(pixels(path), pixels(target))


@pytest.mark.parametrize("length", [0, 3, 200, 347, 360])
def test_a_cut_volume_is_an_error(tmp_path: Path, length: int) -> None:
    path = volume(tmp_path / "a.nii")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError):
        clean_nifti(path, tmp_path / "b.nii")
    (tmp_path / "c.nii.gz").write_bytes(gzip.compress(path.read_bytes())[:-9])
    with pytest.raises(DataError):
        clean_nifti(tmp_path / "c.nii.gz", tmp_path / "d.nii.gz")


def test_what_is_behind_the_voxels_goes(tmp_path: Path) -> None:
    path = volume(tmp_path / "a.nii")
    path.write_bytes(path.read_bytes() + SECRET)
    clean_nifti(path, tmp_path / "b.nii")
    assert SECRET not in (tmp_path / "b.nii").read_bytes()
    assert zlib.crc32((tmp_path / "b.nii").read_bytes()[-48:]) == zlib.crc32(
        np.arange(24, dtype=np.int16).reshape(2, 3, 4).tobytes("F")
    )
