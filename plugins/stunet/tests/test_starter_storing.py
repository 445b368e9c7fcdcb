from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from medtransfer_stunet.network import PRETRAINED_POOLS, STUNet
from medtransfer_stunet.plugin import StuNet
from numpy.typing import NDArray
from stunet_starter.data import PATCH, StarterData, read
from stunet_starter.judging import OTHER, other_dice, own_dice
from stunet_starter.storing import store
from stunet_starter.views import Labelled
from torch import nn

from medtransfer.contract.bundle import NETWORK
from medtransfer.contract.manifest import read_manifest
from medtransfer.contract.recipe import Recipe
from medtransfer.study.model import Image
from tests.transfer.small import PlainContext, request

LIMIT = 32 * 10**6
"""What the weights that the repository carries may weigh, bytes."""


@pytest.fixture(scope="module")
def data(data_folder: Path) -> StarterData:
    return read(data_folder / "ct")


def test_the_ct_is_read_with_its_structures_in_the_order_of_the_outputs(data: StarterData) -> None:
    assert data.labelled.values.shape == data.labelled.classes.shape == (112, 101, 122)
    assert int(data.labelled.classes.max()) == len(data.structures)
    means = {structure.id: float(data.labelled.means[n]) for n, structure in enumerate(data.structures, start=1)}
    assert means["lung_lower_lobe_right"] < means["liver"] < means["hip_left"]
    heights = {
        structure.id: float((data.labelled.classes == n).nonzero()[:, 0].float().mean())
        for n, structure in enumerate(data.structures, start=1)
    }
    assert heights["hip_left"] < heights["liver"] < heights["lung_lower_lobe_right"]


def test_the_stored_model_is_small_honest_and_usable(data: StarterData, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = STUNet("S", 1, 1 + len(data.structures), PRETRAINED_POOLS)
    bundle = store(network, data, Recipe(name="starter"), ["Not trained."], tmp_path / "starter")
    assert (bundle.folder / NETWORK).stat().st_size < LIMIT
    card = bundle.card
    assert (card.data.cases, card.data.patients, card.notes) == (1, 1, ["Not trained."])
    assert [label.value for label in card.labels] == list(range(1, 1 + len(data.structures)))
    manifest = read_manifest(Path(__file__).parents[1] / "medtransfer_stunet")
    values = np.random.default_rng(1).integers(-900, 300, (9, 10, 11), dtype=np.int16)
    affine = np.array([[0, 0, 3.0, 0], [0, 3.0, 0, 0], [3.0, 0, 0, 0], [0, 0, 0, 1]])
    image = Image(array=values, axes="zyx", modality="CT", units="HU", affine=affine)
    result = StuNet().analyse(image, bundle, request(bundle), PlainContext(tmp_path / "ctx", manifest=manifest))
    assert result.segmentation is not None
    assert [found.label for found in result.segmentation.structures] == [own.id for own in data.structures]


def nearest_number() -> nn.Module:
    """Return what calls a voxel by the class whose number its value is nearest to: the largest of 2kv - k^2."""
    network = nn.Sequential(nn.Conv3d(1, 3, 1))
    number = torch.arange(3.0)
    network.load_state_dict({"0.weight": 2 * number.view(3, 1, 1, 1, 1), "0.bias": -(number**2)})
    return network


def test_the_fit_is_the_mean_dice_over_the_classes() -> None:
    classes = torch.zeros(PATCH, dtype=torch.long)
    classes[:10, :10, :10], classes[20:30, :10, :10] = 1, 2
    values = classes.float()
    values[20:25] = values[20:25].clamp(max=0)  # half of the second is missed: Dice 2 * 500 / 1500
    assert own_dice(nearest_number(), Labelled.of(values, classes)) == pytest.approx((1 + 2 / 3) / 2)


def written(file: Path, values: NDArray[np.int16], corner: tuple[float, float, float]) -> None:
    """Write a volume of 3 mm (x, y, z) with its first voxel at that corner."""
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = corner
    file.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(values, affine).to_filename(file)  # type: ignore[no-untyped-call]


def test_another_patient_is_compared_where_the_reference_was_cut_out(data: StarterData, tmp_path: Path) -> None:
    """The masks of the other patient are smaller than its CT and lie somewhere in it."""
    outputs = {structure.id: number for number, structure in enumerate(data.structures, start=1)}
    values = np.full((64, 64, 64), -900, np.int16)
    values[10:20, 30:40, 40:50] = 300  # what the network below calls an aorta
    mask = np.zeros((20, 20, 20), np.int16)
    mask[2:12, 5:15, 10:15] = 1  # half of it, in a grid that begins at voxel (8, 25, 30)
    written(tmp_path / "example_ct.nii.gz", values, (0, 0, 0))
    for name in OTHER.values():
        written(tmp_path / "test_result" / "models" / f"{name}.nii.gz", mask, (24.0, 75.0, 90.0))
    bright = nn.Sequential(nn.Conv3d(1, len(outputs) + 1, 1))
    weight = torch.zeros(len(outputs) + 1)
    weight[outputs["aorta"]] = 1.0
    bright.load_state_dict({"0.weight": weight.view(-1, 1, 1, 1, 1), "0.bias": torch.zeros(len(weight))})
    found = other_dice(bright, data, tmp_path)
    assert found["aorta"] == pytest.approx(2 * 500 / 1500)
    assert found["vertebrae_t12"] == 0
