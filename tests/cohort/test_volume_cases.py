"""Cases of several volumes, and what a look at volumes tells before a training."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from medtransfer import cohort
from medtransfer.cohort import checks, masks, structures
from medtransfer.cohort.exchange import load, save
from medtransfer.errors import DataError
from tests.study.builders import ct_slice
from tests.study.builders import save as save_dicom

SHAPE = (7, 6, 5)
GRID = np.diag([1.5, 2.0, 3.0, 1.0])


def write(path: Path, array: NDArray[np.generic], affine: NDArray[np.float64] = GRID) -> None:
    nibabel.save(nibabel.Nifti1Image(array, affine), path)  # type: ignore[no-untyped-call]


def values(*seed: int) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-100, 200, SHAPE, dtype=np.int16)


def table(folder: Path, columns: Sequence[str]) -> None:
    rows = [
        [f"{n}_{column}.nii" if column.startswith(("image", "mask")) else f"p{n}" for column in columns]
        for n in range(3)
    ]
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three patients with two volumes each."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:4, 1:4, 2] = 1
    for number in range(3):
        write(tmp_path / f"{number}_image.nii", values(number))
        write(tmp_path / f"{number}_image_2.nii", values(number, 2))
        write(tmp_path / f"{number}_mask.nii", mask)
    table(tmp_path, ["image", "image_2", "mask", "patient"])
    (tmp_path / structures.FILE).write_text("value,structure\n1,liver\n", encoding="utf-8")
    return tmp_path


def told(folder: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {one.code: (one.message, one.rows) for one in checks.inspect(cohort.read(folder)) if one.level != "info"}


def test_a_case_has_its_volumes_in_the_order_of_the_columns(folder: Path, tmp_path: Path) -> None:
    read = cohort.read(folder)
    assert read.labels == ("liver",)
    assert set(told(folder)) == {"structure.few"}
    image = masks.image_of(read.cases[1])
    assert np.array_equal(image.array, values(1).T)
    assert [np.array_equal(other.array, values(1, 2).T) for other in image.companions] == [True]
    save(read, tmp_path / "cohort.json")
    assert load(tmp_path / "cohort.json").cases[1].further == read.cases[1].further


def test_every_volume_is_part_of_what_a_case_is(folder: Path) -> None:
    before = cohort.read(folder)
    write(folder / "1_image_2.nii", values(9))
    after = cohort.read(folder)
    assert [one.key == other.key for one, other in zip(before.cases, after.cases, strict=True)] == [True, False, True]
    assert before.fingerprint != after.fingerprint
    table(folder, ["image", "mask", "patient"])
    alone = cohort.read(folder)
    assert alone.cases[0].key not in {case.key for case in before.cases}
    assert alone.cases[0].further == ()


def test_a_further_volume_is_no_label_of_pictures_either(folder: Path) -> None:
    (folder / structures.FILE).unlink()
    rows = (folder / "labels.csv").read_text(encoding="utf-8").splitlines()
    text = "\n".join([f"{rows[0]},sick", *(f"{row},{n % 2}" for n, row in enumerate(rows[1:]))])
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    assert cohort.read(folder).labels == ("sick",)


def test_volumes_of_a_case_on_two_grids_are_refused(folder: Path) -> None:
    write(folder / "1_image_2.nii", values(1, 2), GRID @ np.diag([1.0, 1.0, 1.5, 1.0]))
    message, rows = told(folder)["cohort.unreadable"]
    assert rows == (3,)
    assert "volume 2 of the case does not lie on the grid of its first" in message


def test_a_missing_volume_and_a_gap_in_the_numbers_are_refused(folder: Path) -> None:
    (folder / "2_image_2.nii").unlink()
    assert told(folder)["table.image-missing"][1] == (4,)
    table(folder, ["image", "image_3", "mask", "patient"])
    with pytest.raises(DataError, match="'image_2'") as caught:
        cohort.read(folder)
    assert "without a gap" in caught.value.hint


def test_an_empty_cell_of_a_further_volume_is_refused(folder: Path) -> None:
    path = folder / "labels.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("1_image_2.nii", ""), encoding="utf-8")
    with pytest.raises(DataError, match="'image_2'") as caught:
        cohort.read(folder)
    assert caught.value.code == "table.cell-missing"


@pytest.mark.parametrize("column", ["image", "image_2"])
@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full(SHAPE, 7, np.int16), "all voxels of the volume have the same value"),
        (np.full(SHAPE, np.nan, np.float32), "no voxel of the volume is a number"),
    ],
)
def test_volumes_with_nothing_in_them_are_refused_before_training(
    folder: Path, column: str, array: NDArray[np.generic], message: str
) -> None:
    write(folder / f"1_{column}.nii", array)
    said, rows = told(folder)["cohort.unreadable"]
    assert said.endswith(message)
    assert rows == (3,)


def test_voxels_without_numbers_are_told(folder: Path) -> None:
    spoilt = values(2, 2).astype(np.float32)
    spoilt[0, 0] = np.nan
    write(folder / "2_image_2.nii", spoilt)
    message, rows = told(folder)["volume.not-finite"]
    assert message.startswith("1 volume with voxels that are no numbers")
    assert rows == (4,)


def test_several_modalities_in_one_training_are_told(folder: Path) -> None:
    for number, modality in enumerate(["CT", "MR"]):
        place = folder / f"{number}_dicom"
        place.mkdir()
        for height in range(3):
            pixels = np.random.default_rng([number, height]).integers(0, 99, (6, 7), dtype=np.uint16)
            made = ct_slice(pixels, (0.0, 0.0, 3.0 * height), PixelSpacing=[2.0, 1.5], InstanceNumber=height)
            made.Modality = modality
            save_dicom(made, place / f"{height}.dcm")
        write(folder / f"{number}_mask.nii", np.ones((7, 6, 3), np.uint8), np.diag([-1.5, -2.0, 3.0, 1.0]))
    (folder / "labels.csv").write_text(
        "image,mask,patient\n0_dicom,0_mask.nii,a\n1_dicom,1_mask.nii,b\n", encoding="utf-8"
    )
    assert told(folder)["volume.modalities"][0] == "the volumes are of several modalities: 1 CT, 1 MR"
