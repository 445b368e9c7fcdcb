"""MetaImage: places and values against SimpleITK in every orientation, and what is refused."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.model import Image
from tests.study.builders import assert_same_corners, simple_itk

KINDS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
angle = st.floats(-3.1, 3.1)


def opened(path: Path) -> list[Image]:
    (entry,) = study.open(path)
    return [series.image() for series in entry.series]


@settings(max_examples=40, deadline=None)
@given(
    angles=st.tuples(angle, angle, angle),
    flip=st.sampled_from([1, -1]),
    shape=st.tuples(*[st.integers(1, 5)] * 3),
    kind=st.sampled_from(KINDS),
    compressed=st.booleans(),
    suffix=st.sampled_from([".mha", ".mhd"]),
)
def test_any_orientation_and_type(
    tmp_path_factory: pytest.TempPathFactory,
    angles: tuple[float, float, float],
    flip: int,
    shape: tuple[int, int, int],
    kind: str,
    compressed: bool,  # noqa: FBT001 (drawn)
    suffix: str,
) -> None:
    values = np.random.default_rng(0).integers(0, 100, shape).astype(kind)
    peer = simple_itk.GetImageFromArray(values)
    turn = simple_itk.Euler3DTransform((0.0, 0.0, 0.0), *angles).GetMatrix()
    peer.SetDirection((np.reshape(turn, (3, 3)) * [1, 1, flip]).ravel().tolist())
    peer.SetOrigin((10.0, -20.5, 30.25))
    peer.SetSpacing((0.5, 0.75, 2.0))
    path = tmp_path_factory.mktemp("meta") / f"a{suffix}"
    simple_itk.WriteImage(peer, str(path), compressed)
    (image,) = opened(path)
    np.testing.assert_array_equal(image.array, values)
    assert_same_corners(image, peer)
    assert (image.modality, image.units) == ("OT", "stored")


def text(**fields: str) -> str:
    stated = {
        "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "0 0 0", "ElementSpacing": "1 1 1", "DimSize": "2 3 4",
        "ElementType": "MET_SHORT", **fields, "ElementDataFile": fields.get("ElementDataFile", "LOCAL"),
    }  # fmt: skip
    return "".join(f"{key} = {value}\n" for key, value in stated.items() if value)


VALUES = np.arange(24, dtype=np.int16).reshape(4, 3, 2)


def test_big_endian_and_a_header_to_be_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.mhd").write_text(text(BinaryDataByteOrderMSB="True", HeaderSize="-1", ElementDataFile="a.raw"))
    (tmp_path / "a.raw").write_bytes(b"header of another format" + VALUES.astype(">i2").tobytes())
    np.testing.assert_array_equal(opened(tmp_path / "a.mhd")[0].array, VALUES)
    (tmp_path / "a.mhd").write_text(text(BinaryDataByteOrderMSB="True", HeaderSize="24", ElementDataFile="a.raw"))
    np.testing.assert_array_equal(opened(tmp_path / "a.mhd")[0].array, VALUES)


def test_four_dimensions_become_volumes(tmp_path: Path) -> None:
    values = np.arange(120, dtype=np.int16).reshape(5, 4, 3, 2)
    header = text(
        NDims="4",
        DimSize="2 3 4 5",
        TransformMatrix=" ".join(str(int(v)) for v in np.eye(4).ravel()),
        Offset="1 2 3 0",
        ElementSpacing="1 2 3 1",
    )
    (tmp_path / "a.mha").write_bytes(header.encode() + values.tobytes())
    found = opened(tmp_path / "a.mha")
    for image, expected in itertools.zip_longest(found, values):
        np.testing.assert_array_equal(image.array, expected)
        assert image.spacing == (3.0, 2.0, 1.0)
    names = [series.description for series in study.open(tmp_path / "a.mha")[0].series]
    assert names[0] == "volume 1 of 5"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"NDims": "2", "DimSize": "4 6", "ElementSpacing": "1 1", "Offset": "0 0"}, "metaimage.dimensions"),
        ({"ElementNumberOfChannels": "3"}, "metaimage.values"),
        ({"ElementType": "MET_STRING"}, "metaimage.values"),
        ({"BinaryData": "False"}, "metaimage.encoding"),
        ({"ElementDataFile": "LIST"}, "metaimage.encoding"),
        ({"ElementDataFile": "a%03d.raw 1 4 1"}, "metaimage.encoding"),
        ({"ElementDataFile": "../a.raw"}, "study.detached"),
        ({"ElementDataFile": "/etc/passwd"}, "study.detached"),
        ({"Offset": ""}, "metaimage.no-position"),
        ({"ElementSpacing": "1 1 0"}, "metaimage.no-position"),
        ({"ElementSpacing": "1 1 nan"}, "metaimage.no-position"),
        ({"TransformMatrix": "1 0 0"}, "study.damaged"),
        ({"DimSize": "2 3 40"}, "study.truncated"),
        ({"DimSize": "20000 30000 40000"}, "study.too-large"),
        ({"DimSize": "2 3 many"}, "study.damaged"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, fields: dict[str, str], code: str) -> None:
    (tmp_path / "a.raw").write_bytes(VALUES.tobytes())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mha").write_bytes(text(**fields).encode() + VALUES.tobytes())
    with pytest.raises(DataError) as caught:
        study.open(tmp_path / "in" / "a.mha")
    assert (caught.value.code, caught.value.subject) == (code, "a.mha")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_header_is_an_image_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("meta") / "a.mha"
    content = bytearray(text().encode() + VALUES.tobytes())
    for at, value in changes:
        content[at % len(content)] = value
    path.write_bytes(bytes(content))
    with contextlib.suppress(DataError):  # any other kind of error fails the test, and so does a warning
        assert all(image.array.size for image in opened(path))
