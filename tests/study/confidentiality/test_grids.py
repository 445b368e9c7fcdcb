"""NRRD and MetaImage files written anew: the same values at the same place, and no word of the header."""

from __future__ import annotations

from pathlib import Path

import nrrd as pynrrd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.confidentiality.grids import clean_metaimage, clean_nrrd
from medtransfer.study.limits import DEFAULT
from medtransfer.study.place import Folders
from tests.study.builders import simple_itk

KINDS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")
CLEAN = {".nrrd": clean_nrrd, ".mha": clean_metaimage}


def rotation(angles: tuple[float, float, float]) -> NDArray[np.float64]:
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = [other for other in range(3) if other != axis]
        about = np.eye(3)
        about[first, first] = about[second, second] = np.cos(angle)
        about[first, second], about[second, first] = -np.sin(angle), np.sin(angle)
        turn = turn @ about
    return turn


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(2, 5)] * 3),
    kind=st.sampled_from(KINDS),
    spacing=st.tuples(*[st.floats(0.1, 9.0)] * 3),
    origin=st.tuples(*[st.floats(-500, 500)] * 3),
    angles=st.tuples(*[st.floats(-3.0, 3.0)] * 3),
    suffix=st.sampled_from([".nrrd", ".mha"]),
    seed=st.integers(0, 99),
)
def test_simpleitk_reads_the_same_volume_at_the_same_place(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, int, int],
    kind: str,
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    angles: tuple[float, float, float],
    suffix: str,
    seed: int,
) -> None:
    folder = tmp_path_factory.mktemp("grid")
    values = (np.random.default_rng(seed).random(shape) * 120).astype(kind)
    image = simple_itk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(rotation(angles).ravel().tolist())
    image.SetMetaData("PatientName", "Miller^Anna")
    source, target = folder / f"in{suffix}", folder / f"out{suffix}"
    simple_itk.WriteImage(image, str(source))
    CLEAN[suffix](source, target, DEFAULT, Folders())
    again = simple_itk.ReadImage(str(target))
    assert again.GetPixelIDValue() == image.GetPixelIDValue()
    np.testing.assert_array_equal(simple_itk.GetArrayFromImage(again), values)
    for corner in np.ndindex(2, 2, 2):
        index = [int(end * (size - 1)) for end, size in zip(corner, image.GetSize(), strict=True)]
        expected = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(again.TransformIndexToPhysicalPoint(index), expected, atol=1e-6)
    assert b"Miller" not in target.read_bytes()


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_no_word_of_an_nrrd_is_left(tmp_path: Path, encoding: str) -> None:
    """Comments, keys of one's own, contents and names of axes; big values, and values in a file beside it."""
    values = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    header = {
        "type": "int16",
        "space": "right-anterior-superior",
        "space directions": np.diag([1.0, 2.0, 3.0]),
        "space origin": [-5.0, 6.0, 7.0],
        "content": "Miller of MRN-4711",
        "labels": ["Miller x", "y", "z"],
        "encoding": encoding,
        "endian": "big",
        "PatientID": "MRN-4711",
    }
    pynrrd.write(str(tmp_path / "Miller.nhdr"), values, header, detached_header=True)
    clean_nrrd(tmp_path / "Miller.nhdr", tmp_path / "out.nrrd", DEFAULT, Folders())
    for word in (b"Miller", b"MRN", b"pynrrd"):
        assert word not in (tmp_path / "out.nrrd").read_bytes()
    (before,), (after,) = (study.open(tmp_path / name)[0].series for name in ("Miller.nhdr", "out.nrrd"))
    np.testing.assert_array_equal(after.image().array, before.image().array)
    np.testing.assert_allclose(np.asarray(after.image().affine), np.asarray(before.image().affine))


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_several_volumes_stay_together(tmp_path: Path, suffix: str) -> None:
    values = np.arange(3 * 24, dtype=np.uint16).reshape(3, 2, 3, 4)
    source = tmp_path / f"in{suffix}"
    if suffix == ".mha":
        image = simple_itk.GetImageFromArray(values, isVector=False)
        image.SetSpacing([1.0, 2.0, 3.0, 1.0])
        simple_itk.WriteImage(image, str(source))
    else:
        directions = [[1, 0, 0], [0, 2, 0], [0, 0, 3], [np.nan] * 3]
        header = {"space": "left-posterior-superior", "space directions": directions, "space origin": [1, 2, 3]}
        pynrrd.write(str(source), values.transpose(3, 2, 1, 0), header)
    CLEAN[suffix](source, tmp_path / f"out{suffix}", DEFAULT, Folders())
    before, after = (study.open(tmp_path / f"{name}{suffix}")[0].series for name in ("in", "out"))
    assert len(after) == 3
    for index in range(3):
        np.testing.assert_array_equal(after[index].image().array, values[index])
        np.testing.assert_allclose(np.asarray(after[index].image().affine), np.asarray(before[index].image().affine))


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_what_cannot_be_read_is_not_written(tmp_path: Path, suffix: str) -> None:
    values = np.zeros((4, 4, 4), np.int16)
    simple_itk.WriteImage(simple_itk.GetImageFromArray(values), str(tmp_path / f"in{suffix}"))
    content = (tmp_path / f"in{suffix}").read_bytes()
    (tmp_path / f"in{suffix}").write_bytes(content[:-20])
    with pytest.raises(DataError) as caught:
        CLEAN[suffix](tmp_path / f"in{suffix}", tmp_path / f"out{suffix}", DEFAULT, Folders())
    assert caught.value.code in {"study.truncated", "study.damaged"}
