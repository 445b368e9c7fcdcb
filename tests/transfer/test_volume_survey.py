from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from medtransfer.cohort.model import Case
from medtransfer.contract.plan import Intensities
from medtransfer.transfer.volume_cases import Taught
from medtransfer.transfer.volume_planning import Kept
from medtransfer.transfer.volume_survey import Survey, survey
from tests.cohort.test_dicom_cases import NAMES, SHAPE, drawn, segmentation, slices, uid
from tests.transfer.small_volumes import read, write_pairs

SCALE = Intensities(mean=1.0, std=2.0, low=-300.4, high=900.0)
TAUGHT = Taught((), {2: 1, 5: 2})


def test_each_volume_of_a_case_is_looked_at(tmp_path: Path) -> None:
    told: list[float] = []
    cases = read(write_pairs(tmp_path)).cases[:2]
    found = survey(cases, TAUGHT, 1, told.append)
    assert (found.ct, found.modalities) == ((False, False), ("OT",))
    assert [len(case.further) for case in found.facts] == [1, 1]
    assert told == [0.5, 1.0]


def test_dicom_says_what_it_is_and_hounsfield_units_speak_for_themselves(tmp_path: Path) -> None:
    from medtransfer.cohort import segments

    slices(tmp_path / "ct", 1)
    mask = segmentation(tmp_path / "seg.dcm", drawn(), NAMES, uid(1))
    annotation = segments.annotation_in(mask)
    assert annotation is not None
    taught = Taught(segments.names_in([annotation]), {1: 1})
    case = Case("00", tmp_path / "ct", "p", {}, 1, mask=mask)
    found = survey([case], taught, 1, lambda _: None)
    assert (found.ct, found.modalities) == ((True,), ("CT",))
    assert found.facts[0].shape == SHAPE


def test_a_nifti_that_looks_like_ct_is_taken_for_one(tmp_path: Path) -> None:
    values = np.full((40, 40, 40), -1024, np.int16)
    values[8:32, 8:32, 8:32] = 40
    values[12:16, 12:16, 12:16] = 900
    for name, array in (("image.nii", values), ("mask.nii", (values > 500).astype(np.int16))):
        nibabel.save(nibabel.Nifti1Image(array, np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / name)  # type: ignore[no-untyped-call]
    case = Case("00", tmp_path / "image.nii", "p", {}, 1, mask=tmp_path / "mask.nii")
    found = survey([case], Taught((), {1: 1}), 1, lambda _: None)
    assert (found.ct, found.modalities) == ((True,), ("CT",))


@pytest.mark.parametrize(
    ("ct", "kept", "said"),
    [
        (False, Kept((), SCALE), ["The start was trained on CT and clips values to -300 to 900 HU; not all of these"]),
        (True, Kept((), SCALE), []),
        (False, Kept((), None), []),
        (False, None, []),
    ],
)
def test_volumes_that_are_no_ct_at_the_start_from_one_are_told(ct: bool, kept: Kept | None, said: list[str]) -> None:  # noqa: FBT001
    found = Survey((), (ct,), ()).against(kept)
    assert [note.startswith(part) for note, part in zip(found, said, strict=True)] == [True] * len(said)
