from __future__ import annotations

import csv
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from medtransfer import cohort
from medtransfer.cohort import checks, masks, structures
from medtransfer.cohort.model import Cohort, MaskStructure, Partition, Problem
from medtransfer.errors import DataError

SHAPE = (7, 6, 5)  # (x, y, z), as nibabel has it
GRID = np.diag([1.5, 2.0, 3.0, 1.0])


def write(path: Path, array: NDArray[np.generic], affine: NDArray[np.float64] = GRID) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, affine), path)  # type: ignore[no-untyped-call]
    return path


def drawn(*values: int) -> NDArray[np.uint8]:
    mask = np.zeros(SHAPE, np.uint8)
    for place, value in enumerate(values):
        mask[place, 1:4, 2] = value
    return mask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four patients; the third lacks the spleen."""
    random = np.random.default_rng(1)
    rows = []
    for number in range(4):
        write(tmp_path / f"{number}.nii.gz", random.integers(-100, 200, SHAPE, dtype=np.int16))
        write(tmp_path / f"{number}_seg.nii.gz", drawn(1) if number == 2 else drawn(1, 7))
        rows.append([f"{number}.nii.gz", f"{number}_seg.nii.gz", f"p{number}"])
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["image", "mask", "patient"], *rows])
    (tmp_path / structures.FILE).write_text("value,structure\n7,spleen\n1,Left kidney\n", encoding="utf-8")
    return tmp_path


def codes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Return the rows of each error."""
    found = checks.inspect(cohort.read(folder))
    return {problem.code: problem.rows for problem in found if problem.level == "error"}


def test_the_labels_are_the_structures_of_the_list(folder: Path) -> None:
    read = cohort.read(folder)
    assert read.structures == (MaskStructure("left_kidney", "Left kidney", 1), MaskStructure("spleen", "spleen", 7))
    assert read.labels == ("left_kidney", "spleen")
    assert codes(folder) == {}
    assert cohort.read(folder, ["Left kidney"]).labels == ("left_kidney",)


def test_presence_follows_the_masks(folder: Path) -> None:
    read = cohort.read(folder)
    looks = checks.look(read)
    known = masks.with_presence(read, {key: look.values for key, look in looks.items()})
    assert [case.labels["spleen"] for case in known.cases] == [1, 1, 0, 1]


def test_the_meaning_of_the_numbers_is_part_of_what_is_taught(folder: Path) -> None:
    before = cohort.read(folder).fingerprint
    (folder / structures.FILE).write_text("value,structure\n1,spleen\n7,Left kidney\n", encoding="utf-8")
    assert cohort.read(folder).fingerprint != before


def test_another_content_of_a_mask_is_another_cohort(folder: Path) -> None:
    before = cohort.read(folder).fingerprint
    write(folder / "0_seg.nii.gz", drawn(7, 1))
    assert cohort.read(folder).fingerprint != before


@pytest.mark.parametrize("shift", [(0, 3, 1.0), (2, 2, 0.1), (1, 0, 0.3)])
def test_a_mask_on_another_grid_is_refused(folder: Path, shift: tuple[int, int, float]) -> None:
    other = GRID.copy()
    other[shift[:2]] += shift[2]
    write(folder / "1_seg.nii.gz", drawn(1, 7), other)
    assert codes(folder) == {"mask.unusable": (3,)}


def test_a_mask_of_another_size_is_refused(folder: Path) -> None:
    write(folder / "1_seg.nii.gz", drawn(1, 7)[:-1])
    assert codes(folder) == {"mask.unusable": (3,)}


def test_rounding_of_the_header_is_not_another_grid(folder: Path) -> None:
    write(folder / "1_seg.nii.gz", drawn(1, 7), GRID + np.eye(4) * [0.001, 0.001, 0.001, 0])
    assert codes(folder) == {}


def test_values_between_whole_numbers_are_refused(folder: Path) -> None:
    write(folder / "3_seg.nii.gz", drawn(1, 7).astype(np.float32) / 2)
    assert codes(folder) == {"mask.unusable": (5,)}


def test_values_that_the_list_lacks_are_named(folder: Path) -> None:
    write(folder / "0_seg.nii.gz", drawn(1, 7, 9, 12))
    (problem,) = [one for one in checks.inspect(cohort.read(folder)) if one.level == "error"]
    assert (problem.code, problem.rows) == ("mask.unlisted", (2,))
    assert problem.message.endswith("9, 12")


def test_a_structure_in_no_mask_is_an_error_that_leaving_it_out_mends(folder: Path) -> None:
    (folder / structures.FILE).write_text("value,structure\n1,a\n7,b\n8,c\n", encoding="utf-8")
    assert set(codes(folder)) == {"structure.absent"}
    assert not [p for p in checks.inspect(cohort.read(folder, ["a", "b"])) if p.level == "error"]


def test_every_case_needs_a_mask(folder: Path) -> None:
    table = folder / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("2_seg.nii.gz", ""), encoding="utf-8")
    with pytest.raises(DataError, match="'mask'") as caught:
        cohort.read(folder)
    assert "line 4" in caught.value.hint


def test_masks_without_a_list_are_told_what_is_missing(folder: Path) -> None:
    (folder / structures.FILE).unlink()
    with pytest.raises(DataError) as caught:
        cohort.read(folder)
    assert caught.value.code == "table.no-labels"
    assert structures.FILE in caught.value.hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("number,structure\n1,a\n", "structures.columns"),
        ("value,structure\n0,a\n", "structures.value"),
        ("value,structure\n1.5,a\n", "structures.value"),
        ("value,structure\n70000,a\n", "structures.value"),
        ("value,structure\n1,a\n1,b\n", "structures.value"),
        ("value,structure\n1,a\n2,\n", "structures.name"),
        ("value,structure\n1,The liver\n2,the-liver\n", "structures.name"),
    ],
)
def test_a_list_that_cannot_be_understood_is_refused(folder: Path, text: str, code: str) -> None:
    (folder / structures.FILE).write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        cohort.read(folder)
    assert caught.value.code == code


def test_a_structure_that_is_not_listed_is_refused_with_the_nearest(folder: Path) -> None:
    with pytest.raises(DataError, match="splen") as caught:
        cohort.read(folder, ["splen"])
    assert "'spleen'" in caught.value.hint


def test_a_split_must_teach_what_it_is_to_find(folder: Path) -> None:
    read = split_of(folder, ("validation", "test", "train", "test"))
    assert [(problem.code, problem.label) for problem in read] == [("split.structure-untaught", "spleen")]
    read = split_of(folder, ("train", "validation", "test", "train"))
    assert [(problem.code, problem.level) for problem in read] == [("split.structure-untested", "warning")]


def split_of(folder: Path, parts: tuple[Partition, ...]) -> tuple[Problem, ...]:
    read: Cohort = cohort.read(folder)
    known = masks.with_presence(read, {key: look.values for key, look in checks.look(read).items()})
    return checks.inspect_split(known, {case.key: part for case, part in zip(known.cases, parts, strict=True)})
