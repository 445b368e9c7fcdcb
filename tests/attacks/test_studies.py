"""Files made to exhaust memory or time, or to run away: each is refused before anything is decoded."""

from __future__ import annotations

import contextlib
import gzip
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.codestream import Codestream, describe
from medtransfer.study.limits import Limits
from tests.study.builders import DX_STORAGE, ct_slice, dataset, nifti, save

MIB = 1024 * 1024


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Fail when Python allocates more than 64 MiB at once during the test."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


def refusal(path: Path, limits: Limits | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        study.open(path, limits or Limits())[0].series[0].image()
    assert caught.value.subject == path.name
    return caught.value


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"Rows": 65535, "Columns": 65535}, "study.too-large"),
        ({"NumberOfFrames": 2147483647}, "study.too-large"),
        ({"Rows": 5000, "Columns": 5000}, "study.truncated"),
        ({"Rows": 0}, "study.damaged"),
    ],
)
def test_a_header_that_announces_more_than_there_is(tmp_path: Path, elements: dict[str, int], code: str) -> None:
    made = dataset(np.zeros((4, 4), np.uint16), modality="DX", sop_class=DX_STORAGE, **elements)
    assert refusal(save(made, tmp_path / "a.dcm")).code == code


@pytest.mark.usefixtures("little_memory")
def test_a_series_that_is_too_large_only_as_a_whole(tmp_path: Path) -> None:
    for k in range(4):
        save(ct_slice(np.zeros((16, 16), np.uint16), (0, 0, k)), tmp_path / f"{k}.dcm")
    (series,) = study.open(tmp_path, Limits(image_bytes=2047))[0].series
    with pytest.raises(DataError) as caught:
        series.image()
    assert caught.value.code == "study.too-large"
    assert study.open(tmp_path, Limits(image_bytes=2048))[0].series[0].image().array.shape == (4, 16, 16)


@pytest.mark.usefixtures("little_memory")
def test_sequences_nested_without_end(tmp_path: Path) -> None:
    head = save(
        dataset(np.zeros((4, 4), np.uint8), modality="DX", sop_class=DX_STORAGE), tmp_path / "a.dcm"
    ).read_bytes()
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    sequence = b"\x08\x00\x15\x11SQ\x00\x00\xff\xff\xff\xff" + item
    start = 144 + int.from_bytes(head[140:144], "little")
    (tmp_path / "a.dcm").write_bytes(head[:start] + sequence * 20_000)
    assert refusal(tmp_path / "a.dcm").code == "study.too-deep"


@pytest.mark.usefixtures("little_memory")
def test_a_deflated_file_that_inflates_without_end(tmp_path: Path) -> None:
    made = dataset(np.zeros((4, 4), np.uint8), modality="DX", sop_class=DX_STORAGE)
    made.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    whole = save(made, tmp_path / "a.dcm").read_bytes()
    start = 144 + int.from_bytes(whole[140:144], "little")
    deflate = zlib.compressobj(9, wbits=-15)
    bomb = b"".join(deflate.compress(bytes(MIB)) for _ in range(80)) + deflate.flush()
    (tmp_path / "a.dcm").write_bytes(whole[:start] + bomb)
    assert refusal(tmp_path / "a.dcm", Limits(inflated_bytes=8 * MIB)).code == "study.too-large"


@pytest.mark.parametrize(
    "name", ["JPEG2000.dcm", "JPGExtended.dcm", "SC_rgb_jpeg_dcmtk.dcm", "MR_small_jpeg_ls_lossless.dcm"]
)
def test_a_codestream_larger_than_its_header(tmp_path: Path, name: str) -> None:
    source = get_testdata_file(name, download=False)
    assert isinstance(source, str)
    made = dcmread(source)
    content = bytes(made.PixelData)
    rows, columns = made.Rows, made.Columns
    four, two = struct.pack(">II", columns, rows), struct.pack(">HH", rows, columns)
    at, width = (content.find(four), ">II") if four in content else (content.find(two), ">HH")
    assert at > 0
    made.PixelData = content[:at] + struct.pack(width, 65000, 65000) + content[at + struct.calcsize(width) :]
    assert refusal(save(made, tmp_path / "a.dcm")).code == "study.undecodable"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("side", [9_500, 20_000, 2_000_000_000])
def test_a_png_that_unfolds_into_gigabytes(tmp_path: Path, side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(MIB))) + chunk(b"IEND", b"")
    )
    (tmp_path / "a.png").write_bytes(content)
    assert refusal(tmp_path / "a.png").code == "study.too-large"


def nifti_header(shape: tuple[int, int, int]) -> bytes:
    header = nifti.Nifti1Header()
    header.set_data_dtype(np.int16)
    header["dim"][:4] = (3, *shape)
    header["pixdim"][1:4] = 1
    header["magic"], header["vox_offset"], header["sform_code"] = b"n+1", 352, 1
    header["srow_x"], header["srow_y"], header["srow_z"] = np.eye(4)[:3]
    return bytes(header.binaryblock) + bytes(4)


@pytest.mark.usefixtures("little_memory")
def test_a_gzip_bomb_is_inflated_no_further_than_announced(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.nii.gz", "wb") as file:
        file.write(nifti_header((4, 4, 4)))
        for _ in range(100):
            file.write(bytes(MIB))
    assert study.open(tmp_path / "a.nii.gz")[0].series[0].image().array.shape == (4, 4, 4)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("shape", "code"), [((32767, 32767, 32767), "study.too-large"), ((1000, 1000, 1000), "study.truncated")]
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_nifti_that_announces_more_than_it_can_hold(
    tmp_path: Path, shape: tuple[int, int, int], code: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "a.nii").write_bytes(pack(nifti_header(shape)))
    assert refusal(tmp_path / "a.nii").code == code


MEMBERS = [
    "CT_small.dcm",
    "JPEG2000.dcm",
    "MR_small_RLE.dcm",
    "image_dfl.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "examples_palette.dcm",
]


@settings(max_examples=120, deadline=None)
@given(name=st.sampled_from(MEMBERS), seed=st.integers(0, 10_000), cut=st.floats(0.1, 1.0))
def test_flipped_bytes_give_an_image_or_a_refusal_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int, cut: float
) -> None:
    source = get_testdata_file(name, download=False)
    assert isinstance(source, str)
    content = bytearray(Path(source).read_bytes())
    rng = np.random.default_rng(seed)
    for at in rng.integers(132, min(len(content), 6000), 12):
        content[at] = rng.integers(256)
    path = tmp_path_factory.mktemp("flipped") / "a.dcm"
    path.write_bytes(bytes(content[: int(len(content) * cut)]))
    # Any other kind of error fails the test, and so does a warning.
    with contextlib.suppress(DataError):
        for entry in study.open(path):
            for series in entry.series:
                assert series.image().array.size


@given(st.binary(max_size=200))
def test_any_bytes_have_a_size_or_none(stream: bytes) -> None:
    for start in (b"", b"\xff\xd8", b"\xff\x4f\xff\x51"):
        found = describe(start + stream)
        assert found is None or isinstance(found, Codestream)
