"""Cases that are folders of DICOM slices, with DICOM segmentations and structure sets as their masks."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from medtransfer import cohort, study
from medtransfer.cohort import checks, masks, structures
from medtransfer.cohort.model import Problem
from medtransfer.errors import DataError
from medtransfer.transfer.volume_cases import Taught, open_case
from tests.result.drawn import circle, roi, rtstruct, seg, segment, whole_frames
from tests.study.builders import ct_slice, save

SHAPE = (5, 8, 9)
ORIGIN = (10.0, -20.0, 30.0)
AFFINE = np.array([[0, 0, 0.5, 10], [0, 0.8, 0, -20], [2.0, 0, 0, 30], [0, 0, 0, 1.0]])
NAMES = {1: "Left kidney", 2: "Spleen"}


def slices(folder: Path, patient: int, series: int = 0, **elements: Any) -> Path:
    """Write a CT of one patient whose slices carry noise of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([patient, series])
    for number in range(SHAPE[0]):
        made = ct_slice(
            random.integers(900, 1200, SHAPE[1:], dtype=np.uint16),
            (*ORIGIN[:2], ORIGIN[2] + 2.0 * number),
            InstanceNumber=number + 1,
            SeriesInstanceUID=uid(patient, series),
            StudyInstanceUID=f"1.2.{patient}",
            **elements,
        )
        save(made, folder / f"{series}-{number}.dcm")
    return folder


def uid(patient: int, series: int = 0) -> str:
    return f"1.2.{patient}.{series}"


def drawn(left: int = 1, right: int = 2) -> NDArray[np.uint8]:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:4, 2:5, 1:4] = left
    labels[2:5, 3:7, 6:8] = right
    return labels


def segmentation(path: Path, labels: NDArray[np.uint8], names: dict[int, str], series: str, **more: Any) -> Path:
    frames = [frame for number in names for frame in whole_frames(number, labels == number, AFFINE)]
    seg(path, frames, AFFINE, [segment(number, name) for number, name in names.items()], series=series, **more)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three patients; the second one's segmentation has its numbers the other way round, the third no spleen."""
    rows = [["image", "mask", "patient"]]
    for patient, (labels, names) in enumerate(
        [
            (drawn(), NAMES),
            (drawn(2, 1), {2: "Left kidney", 1: "Spleen"}),
            (drawn(1, 0), {1: "left-kidney", 2: "Spleen"}),
        ]
    ):
        slices(tmp_path / f"ct{patient}", patient)
        segmentation(tmp_path / f"seg{patient}.dcm", labels, names, uid(patient))
        rows.append([f"ct{patient}", f"seg{patient}.dcm", f"p{patient}"])
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return tmp_path


def problems(folder: Path, level: str = "error") -> list[Problem]:
    return [problem for problem in checks.inspect(cohort.read(folder)) if problem.level == level]


def test_segments_are_known_by_name_and_need_no_list(folder: Path) -> None:
    read = cohort.read(folder)
    assert [(one.id, one.value) for one in read.structures] == [("left_kidney", 1), ("spleen", 2)]
    assert read.names == {"left_kidney": "Left kidney", "spleen": "Spleen"}
    assert problems(folder) == []
    looks = checks.look(read)
    known = masks.with_presence(read, {key: look.values for key, look in looks.items()})
    assert [dict(case.labels) for case in known.cases] == [
        {"left_kidney": 1, "spleen": 1},
        {"left_kidney": 1, "spleen": 1},
        {"left_kidney": 1, "spleen": 0},
    ]


def test_the_numbers_of_the_list_are_given_to_the_segments_of_its_names(folder: Path) -> None:
    (folder / structures.FILE).write_text("value,structure\n7,spleen\n9,Left kidney\n", encoding="utf-8")
    read = cohort.read(folder)
    for case in read.cases[:2]:
        opened = open_case(case, Taught(read.structures, {7: 2, 9: 1}))
        assert opened.image.spacing == pytest.approx((2.0, 0.8, 0.5))
        assert np.array_equal(opened.classes, drawn())
    assert cohort.read(folder, ["spleen"]).labels == ("spleen",)


def test_names_that_the_list_lacks_are_told(folder: Path) -> None:
    (folder / structures.FILE).write_text("value,structure\n9,Left kidney\n", encoding="utf-8")
    (found,) = problems(folder)
    assert (found.code, found.rows) == ("mask.unusable", (2, 3))
    assert found.message.endswith("it shows structures that are not listed: Spleen")
    assert "structures.csv" in found.hint


def test_a_case_is_its_content_whatever_its_files_are_called(folder: Path) -> None:
    before = cohort.read(folder)
    shutil.move(folder / "ct0" / "0-0.dcm", folder / "ct0" / "zzz")
    (folder / "ct0" / ".hidden").write_bytes(b"x")
    after = cohort.read(folder)
    assert [case.key for case in after.cases] == [case.key for case in before.cases]
    (folder / "ct0" / "zzz").unlink()
    assert cohort.read(folder).cases[0].key != before.cases[0].key


def test_a_folder_with_several_series_is_refused_by_what_it_holds(folder: Path) -> None:
    slices(folder / "ct1", 1, series=1)
    (found,) = problems(folder)
    assert (found.code, found.rows) == ("cohort.unreadable", (3,))
    assert found.message.endswith("the folder holds 2 series where one is expected: CT of 5 x 8 x 9, CT of 5 x 8 x 9")
    with pytest.raises(DataError) as caught:
        masks.only_image(folder / "ct1")
    assert "folder of its own" in caught.value.hint


def test_a_folder_with_a_missing_or_a_damaged_slice_is_refused(folder: Path) -> None:
    (folder / "ct0" / "0-2.dcm").unlink()
    last = folder / "ct2" / "0-4.dcm"
    last.write_bytes(last.read_bytes()[:300])  # the rest alone would be a shorter volume without any gap
    assert [(found.code, found.rows) for found in problems(folder)] == [
        ("cohort.unreadable", (2,)),
        ("cohort.unreadable", (4,)),
    ]


def test_an_empty_folder_is_a_missing_image(folder: Path) -> None:
    shutil.rmtree(folder / "ct1")
    (folder / "ct1").mkdir()
    assert [(found.code, found.rows) for found in cohort.read(folder).problems] == [("table.image-missing", (3,))]


def test_a_segmentation_of_another_series_is_refused(folder: Path) -> None:
    """It lies in the same frame of reference, so that it could be drawn there."""
    segmentation(folder / "seg0.dcm", drawn(), NAMES, uid(0, 5))
    (found,) = problems(folder)
    assert (found.code, found.rows) == ("mask.unusable", (2,))
    assert "another series" in found.message
    assert "drawn on" in found.hint


def test_a_segmentation_without_a_series_is_taken_by_its_frame_of_reference(folder: Path) -> None:
    segmentation(folder / "seg0.dcm", drawn(), NAMES, "")
    assert problems(folder) == []


def test_a_segmentation_cannot_be_laid_over_a_volume_of_another_format(folder: Path) -> None:
    import nibabel

    image = study.open(folder / "ct0")[0].series[0].image()
    nibabel.save(nibabel.Nifti1Image(image.array.T, np.eye(4)), folder / "ct0.nii")  # type: ignore[no-untyped-call]
    table = folder / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("ct0,", "ct0.nii,"), encoding="utf-8")
    (found,) = problems(folder)
    assert found.code == "mask.unusable"
    assert "no DICOM series" in found.message


def test_two_segmentations_in_a_folder_are_refused_and_one_is_taken(folder: Path) -> None:
    (folder / "masks").mkdir()
    shutil.copy(folder / "seg1.dcm", folder / "masks" / "a.dcm")
    table = folder / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("seg1.dcm", "masks"), encoding="utf-8")
    assert problems(folder) == []
    shutil.copy(folder / "seg0.dcm", folder / "masks" / "b.dcm")
    with pytest.raises(DataError) as caught:
        cohort.read(folder)
    assert caught.value.code == "mask.several"


def test_label_maps_beside_segmentations_need_a_list(folder: Path) -> None:
    shutil.copytree(folder / "ct0", folder / "map")
    table = folder / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("seg1.dcm", "map"), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        cohort.read(folder)
    assert caught.value.code == "structures.missing"
    assert structures.FILE in caught.value.hint


def overlapping(folder: Path) -> None:
    labels = drawn()
    frames = [*whole_frames(1, labels == 1, AFFINE), *whole_frames(2, labels > 0, AFFINE)]
    seg(folder / "seg0.dcm", frames, AFFINE, [segment(n, name) for n, name in NAMES.items()], series=uid(0))


def coarser(folder: Path) -> None:
    other = AFFINE @ np.diag([1.0, 2.0, 2.0, 1.0])
    labels = drawn()[:, ::2, ::2]
    frames = [frame for number in NAMES for frame in whole_frames(number, labels == number, other)]
    seg(folder / "seg0.dcm", frames, other, [segment(n, name) for n, name in NAMES.items()], series=uid(0))


@pytest.mark.parametrize(("spoil", "code"), [(overlapping, "mask.overlap"), (coarser, "mask.resampled")])
def test_what_is_to_be_judged_of_a_segmentation_is_told(folder: Path, spoil: Callable[[Path], None], code: str) -> None:
    spoil(folder)
    assert problems(folder) == []
    assert (code, (2,)) in [(found.code, found.rows) for found in problems(folder, "warning")]


def test_a_structure_set_is_a_mask_too(folder: Path) -> None:
    centre = np.array([11.9, -17.0, 34.0])
    directions = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    heights = np.array([[0.0, 0.0, -2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    region: Dataset = roi(1, [circle(centre + height, 1.2, directions) for height in heights])
    rtstruct(folder / "seg0.dcm", {1: "Left kidney"}, [region])
    table = folder / "labels.csv"
    lines = table.read_text(encoding="utf-8").splitlines()[:2]
    table.write_text("\n".join(lines), encoding="utf-8")
    shutil.rmtree(folder / "ct0")
    slices(folder / "ct0", 3, series=4)  # the structure set names the series 1.2.3.4
    read = cohort.read(folder)
    assert [one.id for one in read.structures] == ["left_kidney"]
    opened = open_case(read.cases[0], Taught(read.structures, {1: 1}))
    assert 0 < opened.classes.sum() < opened.classes.size
    assert set(np.flatnonzero(opened.classes.any(axis=(1, 2)))) == {1, 2, 3}


def test_a_real_ct_with_its_segmentation(data_folder: Path, tmp_path: Path) -> None:
    real = data_folder / "dicom" / "ct-with-seg"
    (tmp_path / "ct").mkdir()
    for number in (1, 2, 3):
        shutil.copy(real / f"0{number}.dcm", tmp_path / "ct")
    shutil.copy(real / "liver.dcm", tmp_path)
    (tmp_path / "labels.csv").write_text("image,mask,patient\nct,liver.dcm,a\n", encoding="utf-8")
    read = cohort.read(tmp_path)
    assert [(one.id, one.name) for one in read.structures] == [("liver", "Liver")]
    opened = open_case(read.cases[0], Taught(read.structures, {1: 1}))
    assert opened.image.units == "HU"
    assert opened.classes.shape == opened.image.array.shape
    assert opened.classes.any()
