"""NRRD: the place of every corner against pynrrd and SimpleITK in each space, values, and what is refused."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.model import Image
from tests.study.builders import assert_same_corners, simple_itk

SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "LPS": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "RAS": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "LAS": (1, -1, 1),
}
number = st.floats(-3, 3)
turns = st.lists(number, min_size=9, max_size=9).filter(lambda v: abs(np.linalg.det(np.reshape(v, (3, 3)))) > 0.01)


def opened(path: Path) -> list[Image]:
    (entry,) = study.open(path)
    found = [series.image() for series in entry.series]
    assert [image.array.shape for image in found] == [series.shape for series in entry.series]
    return found


def write(path: Path, values: NDArray[np.generic], **fields: Any) -> Path:
    placed: dict[str, Any] = {
        "space": "left-posterior-superior",
        "space directions": np.eye(3),
        "space origin": np.zeros(3),
        "encoding": "raw",
    }
    stated = {key: value for key, value in (placed | fields).items() if value is not None}
    nrrd.write(str(path), values, stated, detached_header="data file" in fields)
    return path


@settings(max_examples=40, deadline=None)
@given(
    turn=turns,
    origin=st.tuples(number, number, number),
    shape=st.tuples(*[st.integers(1, 5)] * 3),
    space=st.sampled_from(sorted(SPACES)),
    kind=st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"]),
    encoding=st.sampled_from(["raw", "gzip"]),
)
def test_any_space_direction_and_type(
    tmp_path_factory: pytest.TempPathFactory,
    turn: list[float],
    origin: tuple[float, float, float],
    shape: tuple[int, int, int],
    space: str,
    kind: str,
    encoding: str,
) -> None:
    directions = np.reshape(turn, (3, 3))
    values = np.random.default_rng(0).integers(0, 100, shape).astype(kind)
    path = write(
        tmp_path_factory.mktemp("nrrd") / "a.nrrd",
        values,
        **{"space": space, "space directions": directions, "space origin": np.array(origin), "encoding": encoding},
    )
    (image,) = opened(path)
    np.testing.assert_array_equal(image.array, values.transpose())
    assert image.affine is not None
    for i, j, k in itertools.product(*[(0, n - 1) for n in shape]):
        theirs = (np.array(origin) + np.array([i, j, k]) @ directions) * SPACES[space]
        np.testing.assert_allclose((image.affine @ [k, j, i, 1])[:3], theirs, atol=0.01)


@pytest.mark.parametrize("turn", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, 1), (-1, -1, -1)])
def test_it_lies_where_simpleitk_says(tmp_path: Path, turn: tuple[int, ...], flip: tuple[int, ...]) -> None:
    peer = simple_itk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    peer.SetDirection((np.eye(3)[list(turn)] * flip).ravel().tolist())
    peer.SetOrigin((10.0, -20.5, 30.25))
    peer.SetSpacing((0.5, 0.75, 2.0))
    simple_itk.WriteImage(peer, str(tmp_path / "a.nrrd"), turn[0] == 0)
    (image,) = opened(tmp_path / "a.nrrd")
    assert_same_corners(image, peer)


def test_values_in_a_file_beside_the_header(tmp_path: Path) -> None:
    values = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    write(tmp_path / "a.nhdr", values, **{"data file": "a.raw"})
    (image,) = opened(tmp_path / "a.nhdr")
    np.testing.assert_array_equal(image.array, values.transpose())
    assert study.open(tmp_path)[0].series[0].source.names == ("a.nhdr", "a.raw")
    (tmp_path / "a.raw").unlink()
    with pytest.raises(DataError) as caught:
        study.open(tmp_path / "a.nhdr")
    assert caught.value.code == "study.detached"


@pytest.mark.parametrize("stated", ["../a.raw", "/etc/passwd", "sub/a.raw", "..", "."])
def test_values_elsewhere_are_not_followed(tmp_path: Path, stated: str) -> None:
    values = np.zeros((2, 3, 4), np.int16)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for place in (tmp_path, tmp_path / "in" / "sub"):
        (place / "a.raw").write_bytes(values.tobytes())
    path = write(tmp_path / "in" / "a.nhdr", values, **{"data file": "a.raw"})
    path.write_text(path.read_text().replace("data file: a.raw", f"data file: {stated}"))
    assert f"data file: {stated}" in path.read_text()
    with pytest.raises(DataError) as caught:
        study.open(path)
    assert caught.value.code == "study.detached"


def test_volumes_one_after_another_become_series(tmp_path: Path) -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
    directions = np.vstack([np.diag([1.0, 2.0, 3.0]), np.full((1, 3), np.nan)])
    found = opened(write(tmp_path / "a.nrrd", values, **{"space directions": directions, "encoding": "gzip"}))
    assert len(found) == 5
    for index, image in enumerate(found):
        np.testing.assert_array_equal(image.array, values[..., index].transpose())
        assert image.spacing == (3.0, 2.0, 1.0)


@pytest.mark.parametrize("skip", [-1, 7])
def test_bytes_before_the_values_are_skipped(tmp_path: Path, skip: int) -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    path = write(tmp_path / "a.nrrd", values)
    head, body = path.read_bytes().split(b"\n\n", 1)
    path.write_bytes(head + f"\nbyte skip: {skip}\n\n".encode() + b"padding" + body)
    np.testing.assert_array_equal(opened(path)[0].array, values.transpose())


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"space": "scanner-xyz"}, "nrrd.no-position"),
        ({"space origin": None}, "nrrd.no-position"),
        ({"space directions": np.diag([1.0, 1.0, 0.0])}, "nrrd.no-position"),
        ({"space units": ["parsec"] * 3}, "nrrd.no-position"),
        ({"encoding": "ascii"}, "nrrd.encoding"),
        ({"encoding": "bzip2"}, "nrrd.encoding"),
    ],
)
def test_what_cannot_be_placed_or_read_is_refused(tmp_path: Path, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(DataError) as caught:
        study.open(write(tmp_path / "a.nrrd", np.zeros((2, 3, 4), np.int16), **fields))
    assert caught.value.code == code


def test_values_interleaved_at_each_voxel_are_refused(tmp_path: Path) -> None:
    directions = np.vstack([np.full((1, 3), np.nan), np.eye(3)])
    with pytest.raises(DataError) as caught:
        study.open(write(tmp_path / "a.nrrd", np.zeros((3, 2, 3, 4), np.int16), **{"space directions": directions}))
    assert caught.value.code == "nrrd.dimensions"


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_a_truncated_file_is_refused(tmp_path: Path, encoding: str) -> None:
    values = np.random.default_rng(0).integers(0, 999, (9, 9, 9), dtype=np.int16)
    path = write(tmp_path / "a.nrrd", values, encoding=encoding)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError) as caught:
        study.open(path)[0].series[0].image()
    assert caught.value.code == "study.truncated"


def test_units_are_turned_into_millimetres(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nrrd", np.zeros((2, 3, 4), np.int16), **{"space units": ["cm", "mm", "m"]})
    assert opened(path)[0].spacing == (1000.0, 1.0, 10.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_header_is_an_image_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    path = write(tmp_path_factory.mktemp("nrrd") / "a.nrrd", np.zeros((2, 3, 4), np.int16), encoding="gzip")
    content = bytearray(path.read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    path.write_bytes(bytes(content))
    with contextlib.suppress(DataError):  # any other kind of error fails the test, and so does a warning
        assert all(image.array.size for image in opened(path))
