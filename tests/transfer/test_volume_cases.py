from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from medtransfer.cohort.model import Case
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.recipe import Recipe
from medtransfer.errors import EnvironmentFailure
from medtransfer.transfer import volume_memory
from medtransfer.transfer.volume_cases import Taught, VolumeFolder, facts, open_case
from medtransfer.transfer.volume_planning import CaseFacts
from medtransfer.transfer.volume_settling import settle
from tests.transfer.small_volumes import Small, drawn, read, write_volumes

PLAN = VolumePlan(spacing=(4.0, 4.0, 4.0), patch=(8, 8, 8), pools=())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return read(write_volumes(tmp_path)).cases[0]


def test_outputs_replace_the_numbers_of_the_mask(case: Case) -> None:
    _, mask = drawn(0)
    classes = open_case(case, Taught((), {5: 1})).classes
    assert np.array_equal(classes == 1, mask.T == 5)
    assert set(np.unique(classes)) == {0, 1}


def test_facts_are_canonical_whatever_the_orientation(tmp_path: Path) -> None:
    values = np.ones((4, 6, 8), np.int16)
    values[0] = 0  # cut off as nothing was measured there
    mask = np.zeros((4, 6, 8), np.uint8)
    mask[2, 3, 4:6] = 1
    affine = np.array([[0.0, 0.0, 3.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    for name, array in (("image.nii", values), ("mask.nii", mask)):
        nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / name)  # type: ignore[no-untyped-call]
    case = Case("00", tmp_path / "image.nii", "p", {}, 1, mask=tmp_path / "mask.nii")
    found = facts(open_case(case, Taught((), {1: 1})), seed=1)
    # The file's second axis points to the head, its first to the back and its third to the right.
    assert found.shape == (6, 3, 8)
    assert found.spacing == (2.0, 1.0, 3.0)
    assert found.values.tolist() == [1.0, 1.0]


def test_a_case_is_prepared_once_and_again_when_its_mask_changes(case: Case, tmp_path: Path) -> None:
    folder = VolumeFolder.within(tmp_path / "cache", PLAN, Taught((), {5: 1, 2: 2}), ["CT"])
    told: list[float] = []
    folder.fill([case], told.append)
    volume = folder.volume(case)
    assert told == [1.0]
    assert volume.values.shape == (1, *volume.classes.shape) == (1, 14, 13, 15)  # half as many voxels of twice the size
    assert set(volume.places[:, 0]) == {1, 2}
    assert all(volume.classes[z, y, x] == output for output, z, y, x in volume.places)
    files = sorted((tmp_path / "cache").rglob("*.npy"))
    times = [file.stat().st_mtime_ns for file in files]
    folder.fill([case], told.append)
    assert [file.stat().st_mtime_ns for file in files] == times
    assert case.mask is not None
    _, mask = drawn(0)
    changed = np.where(mask == 5, mask, 0)
    nibabel.save(nibabel.Nifti1Image(changed, np.diag([2.0, 2.0, 2.0, 1.0])), case.mask)  # type: ignore[no-untyped-call]
    folder.fill([case], told.append)
    assert set(folder.volume(case).places[:, 0]) == {1}


def test_patches_shrink_when_not_even_one_fits() -> None:
    cases = [CaseFacts((200, 200, 200), (1.0, 1.0, 1.0), np.arange(10.0))]
    recipe = Recipe(patch_side=64, batch_size=2)

    def settled(available: int) -> tuple[int, int, int]:
        found = settle(cases, recipe, None, lambda plan: Small(2), available, ct=False)
        return int(np.prod(found.plan.patch)), found.batch, len(found.notes)

    one, two = (volume_memory.needed(Small(2), batch, (64, 64, 64)) for batch in (1, 2))
    assert settled(two) == (64**3, 2, 0)
    assert settled(two - 1) == (64**3, 1, 1)
    voxels, batch, notes = settled(one - 1)
    assert voxels < 64**3
    assert (batch, notes) == (2, 1)  # of patches with less than half as many voxels two fit
    with pytest.raises(EnvironmentFailure):
        settled(1000)
