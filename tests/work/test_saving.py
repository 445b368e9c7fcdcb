"""A segmentation as a file of its own: what is in it, and what is left behind when it cannot be written."""

from __future__ import annotations

import csv
import errno
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medtransfer.errors import DataError, EnvironmentFailure, MedTransferError, UserError
from medtransfer.result import writing
from medtransfer.result.document import DOCUMENT, SEGMENTATION
from medtransfer.result.importing import read_on
from medtransfer.result.model import Result
from medtransfer.study import scan
from medtransfer.work import saving
from medtransfer.work.saving import SavedAs, Segmented
from tests.result.results import segmented
from tests.study.builders import ct_slice, save


@pytest.fixture
def found(tmp_path: Path) -> Segmented:
    """A CT of 4 x 5 x 6 voxels, and a result of it in its folder."""
    folder = tmp_path / "ct"
    folder.mkdir()
    for n in range(4):
        save(ct_slice(np.zeros((5, 6), np.uint16), (0.0, 0.0, 2.0 * n), InstanceNumber=n), folder / f"{n}.dcm")
    series = scan([folder]).studies[0].series[0]
    image = series.image()
    result: Result = segmented()
    writing.write(result, tmp_path / "result", image.affine)
    assert result.segmentation is not None
    return Segmented(tmp_path / "result", result.segmentation, result.passport, image, series.files)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder that files are saved in."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_saved_dicom_segmentation_holds_the_label_map(found: Segmented, here: Path) -> None:
    path = saving.save(found, here / "ours.dcm", "seg")
    (annotation,) = scan([found.files[0].parent, path]).annotations
    assert np.array_equal(read_on(annotation, found.image).segmentation.array, found.segmentation.array)
    assert [one.name for one in here.iterdir()] == ["ours.dcm"]


def test_a_saved_label_map_is_the_results_own_and_unpacked_where_its_name_says_so(found: Segmented, here: Path) -> None:
    own = (found.folder / SEGMENTATION).read_bytes()
    assert saving.save(found, here / "map.nii.gz", "nifti").read_bytes() == own
    plain = saving.save(found, here / "map.nii", "nifti")
    assert plain.read_bytes() == gzip.decompress(own)
    loaded = scan([plain]).studies[0].series[0].image()
    assert np.array_equal(loaded.array, found.segmentation.array)
    assert found.image.affine is not None
    assert loaded.affine is not None
    np.testing.assert_allclose(loaded.affine, found.image.affine, atol=1e-4)


def test_a_saved_table_lists_the_structures(found: Segmented, here: Path) -> None:
    path = saving.save(found, here / "structures.csv", "csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [(row["name"], row["volume_ml"], row["mean_hu"]) for row in rows] == [
        ("Liver", "1400.0", "60.0"),
        ("Spleen", "200.0", ""),
    ]


@pytest.mark.parametrize("saved_as", ["seg", "nifti", "csv"])
def test_what_is_there_is_replaced_and_the_result_stays_as_it_is(
    found: Segmented, here: Path, saved_as: SavedAs
) -> None:
    before = contents(found.folder)
    target = here / f"file{saving.SUFFIXES[saved_as][0]}"
    target.write_bytes(b"older")
    saving.save(found, target, saved_as)
    assert target.read_bytes() != b"older"
    assert contents(found.folder) == before
    assert DOCUMENT in before


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.ENOSPC, "disk.full", "Free some space"),
        (errno.EACCES, "save.refused", "Choose another folder"),
        (errno.EROFS, "save.refused", "Choose another folder"),
        (errno.EIO, "save.write", "still connected"),
    ],
)
@pytest.mark.parametrize("saved_as", ["seg", "nifti", "csv"])
def test_a_disk_in_the_way_leaves_everything_as_it_was(
    found: Segmented,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    saved_as: SavedAs,
    number: int,
    code: str,
    said: str,
) -> None:
    target = here / f"file{saving.SUFFIXES[saved_as][0]}"
    target.write_bytes(b"older")
    before = contents(found.folder)

    def refuse(_self: Path, _target: Path) -> None:
        raise OSError(number, "as the disk says")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(EnvironmentFailure) as caught:
        saving.save(found, target, saved_as)
    assert caught.value.code == code
    assert said in caught.value.hint
    assert caught.value.hint.endswith("The result itself is kept.")
    assert contents(here) == {target.name: b"older"}
    assert contents(found.folder) == before


@pytest.mark.parametrize("saved_as", ["seg", "nifti", "csv"])
def test_a_folder_that_is_gone_is_said(found: Segmented, here: Path, saved_as: SavedAs) -> None:
    with pytest.raises(EnvironmentFailure, match="not there any more") as caught:
        saving.save(found, here / "removed" / "file", saved_as)
    assert caught.value.code == "save.folder"


def _without_files(found: Segmented) -> None:
    found.files[1].unlink()


def _without_result(found: Segmented) -> None:
    (found.folder / SEGMENTATION).unlink()


def _half_a_result(found: Segmented) -> None:
    whole = (found.folder / SEGMENTATION).read_bytes()
    (found.folder / SEGMENTATION).write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("lose", "name", "saved_as", "code"),
    [
        (_without_files, "file.dcm", "seg", "save.source"),
        (_without_result, "file.nii.gz", "nifti", "result.gone"),
        (_half_a_result, "file.nii", "nifti", "result.gone"),
    ],
)
def test_what_the_file_is_made_from_may_be_gone(
    found: Segmented, here: Path, lose: Callable[[Segmented], None], name: str, saved_as: SavedAs, code: str
) -> None:
    lose(found)
    with pytest.raises(DataError) as caught:
        saving.save(found, here / name, saved_as)
    assert caught.value.code == code
    assert not contents(here)


def test_a_wish_to_stop_leaves_nothing(found: Segmented, here: Path) -> None:
    def stop() -> None:
        raise UserError("stopped", code="job.cancelled", hint="")

    with pytest.raises(MedTransferError, match="stopped"):
        saving.save(found, here / "file.dcm", "seg", stop)
    assert not contents(here)
