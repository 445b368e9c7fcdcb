"""Files of STU-Net weights are recognised by their tensors, converted once, and told apart from wrong ones."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from medtransfer.contract.weights import VolumeEntry, catalogue_entry
from medtransfer.errors import DataError
from medtransfer.transfer import stunet_file, weights
from medtransfer.transfer.convert import convert
from tests.transfer.plans import published_plans, write_side_file


def entry(name: str) -> VolumeEntry:
    found = catalogue_entry(name)
    assert isinstance(found, VolumeEntry)
    return found


SMALL = entry("stunet-s.totalsegmentator")
LAYOUT = stunet_file.expected(SMALL)


def shapes_only(layout: stunet_file.Layout) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in layout.shapes().items()}


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in LAYOUT.shapes().items()}


def version_1(state: dict[str, Tensor]) -> dict[str, Any]:
    """The keys of nnU-Net v1's ``save_checkpoint``, with numpy's numbers where training leaves them."""
    return {
        "epoch": 4000,
        "state_dict": OrderedDict((f"module.{name}", tensor) for name, tensor in state.items()),
        "optimizer_state_dict": None,
        "lr_scheduler_state_dict": None,
        "plot_stuff": ([np.float64(-0.5)], [-0.4], [], [np.float32(0.8)]),
        "best_stuff": (np.float64(-0.5), 0.0, np.float64(0.5)),
        "amp_grad_scaler": {"scale": 65536.0, "_growth_tracker": 3},
    }


def version_2(state: dict[str, Tensor]) -> dict[str, Any]:
    return {
        "network_weights": OrderedDict(state),
        "optimizer_state": {"state": {0: {"momentum_buffer": torch.zeros(3)}}, "param_groups": [{"lr": 0.001}]},
        "grad_scaler_state": None,
        "logging": {"mean_fg_dice": [np.float32(0.8)], "lrs": [np.float64(0.01)]},
        "_best_ema": np.float64(0.8),
        "current_epoch": 1000,
        "init_args": {"configuration": "3d_fullres", "fold": 0},
        "trainer_name": "STUNetTrainer_small",
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }


@pytest.mark.parametrize("container", [version_1, version_2])
def test_both_containers_of_nnunet_are_converted(tmp_path: Path, state: dict[str, Tensor], container: Any) -> None:
    source = tmp_path / SMALL.file
    torch.save(container(state), source)
    write_side_file(tmp_path / f"{SMALL.file}.pkl", published_plans())
    report = convert(source, tmp_path / "w.safetensors", SMALL)
    assert (report.tensors, report.parameters, report.fit.tensor_share) == (130, 14_596_941, 1.0)
    written = weights.load(tmp_path / "w.safetensors")
    assert all(torch.equal(written[name], tensor) for name, tensor in state.items())
    assert weights.plan(tmp_path / "w.safetensors") == SMALL.plan


def test_a_truncated_file_and_an_alien_side_file_are_refused(tmp_path: Path, state: dict[str, Tensor]) -> None:
    source = tmp_path / SMALL.file
    torch.save(version_1(state), source)
    side = write_side_file(tmp_path / f"{SMALL.file}.pkl", {**published_plans(), "num_classes": 9})
    assert refusal(source, SMALL) == "plan.other"
    side.unlink()
    assert refusal(source, SMALL.model_copy(update={"plan": None})) == "plan.missing"
    os.truncate(source, source.stat().st_size // 2)
    assert refusal(source, SMALL) == "weights.damaged"
    assert [path.name for path in tmp_path.iterdir()] == [SMALL.file]


def refusal(source: Path, wanted: VolumeEntry) -> str:
    with pytest.raises(DataError) as caught:
        convert(source, source.parent / "w.safetensors", wanted)
    assert caught.value.hint
    return caught.value.code


def test_weights_that_were_not_imported_carry_no_plan(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"no weights")
    with pytest.raises(DataError) as caught:
        weights.plan(tmp_path / "w.safetensors")
    assert caught.value.code == "weights.no-plan"


@pytest.mark.parametrize("name", ["s", "b", "l", "h"])
def test_each_size_is_recognised_and_fits(name: str) -> None:
    wanted = entry(f"stunet-{name}.totalsegmentator")
    tensors = shapes_only(stunet_file.expected(wanted))
    assert stunet_file.recognised(tensors) == stunet_file.expected(wanted)
    assert stunet_file.checked_fit(tensors, wanted).tensor_share == 1.0


@pytest.mark.parametrize(
    ("tensors", "code", "words"),
    [
        (shapes_only(replace(LAYOUT, width=32)), "weights.other-size", "stunet-b"),
        (shapes_only(replace(LAYOUT, width=64, blocks=2)), "weights.other-size", "stunet-l"),
        (shapes_only(replace(LAYOUT, width=8)), "weights.other-size", "width 8 and depth 1"),
        (shapes_only(replace(LAYOUT, outputs=10)), "weights.other-classes", "10 outputs"),
        (shapes_only(replace(LAYOUT, channels=4)), "weights.other-channels", "4 input channels"),
        ({"conv1.weight": torch.empty(1)}, "weights.other-architecture", "not the weights of a STU-Net"),
        (
            {name: tensor for name, tensor in shapes_only(LAYOUT).items() if not name.startswith("upsample")},
            "weights.other-architecture",
            "upsample_layers.0.conv.weight is not in the file",
        ),
    ],
)
def test_wrong_files_are_told_apart(tensors: dict[str, Tensor], code: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        stunet_file.checked_fit(tensors, SMALL)
    assert caught.value.code == code
