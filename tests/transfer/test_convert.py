"""Conversion of published weights: the same numbers under timm's names, from every kind of file."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from timm.data.imagenet_info import ImageNetInfo
from torch import nn

from medtransfer.contract.bundle import file_sha256
from medtransfer.contract.weights import CONVERSION, ConversionReport, catalogue_entry
from medtransfer.transfer import backbones, fit_report, weights
from medtransfer.transfer.convert import convert

RESNET = catalogue_entry("resnet18.a1_in1k")


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    torch.manual_seed(0)
    return backbones.create("resnet18", 1000)


@pytest.fixture(scope="module")
def lite0(tmp_path_factory: pytest.TempPathFactory) -> nn.Module:
    """The embedded ImageNet weights, converted and loaded in full, head included."""
    entry = catalogue_entry("tf_efficientnet_lite0.imagenet")
    source = entry.packaged_file()
    assert source is not None
    target = tmp_path_factory.mktemp("lite0") / "lite0.safetensors"
    report = convert(source, target, entry)
    assert (report.source_format, report.tensors, report.parameters) == ("torch-legacy", 296, 4_694_073)
    assert report.fit.tensor_share == report.fit.parameter_share == 1.0
    network = backbones.create(entry.architecture, 1000).eval()
    fit_report.apply(network, weights.load(target), entry.expected_share)
    return network


@pytest.mark.parametrize(("picture", "sights"), [("china.jpg", {"palace", "monastery"}), ("flower.jpg", {"daisy"})])
def test_converted_lite0_names_what_photographs_show(lite0: nn.Module, picture: str, sights: set[str]) -> None:
    photograph = Image.fromarray(load_sample_image(picture))
    side = min(photograph.size)
    left, top = (photograph.width - side) // 2, (photograph.height - side) // 2
    square = photograph.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC)
    values = torch.from_numpy(np.asarray(square).copy()).permute(2, 0, 1)[None] / 255.0
    with torch.no_grad():
        best = int(lite0((values - 0.5) / 0.5).argmax())
    assert ImageNetInfo().index_to_description(best) in sights


def test_converted_lite0_answers_as_before(lite0: nn.Module) -> None:
    """Computed once from the package's file with the names of this catalogue's key map."""
    ramp = torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)
    with torch.no_grad():
        logits = lite0(ramp)[0]
    expected = torch.tensor([-0.459171, -0.127023, 0.936316, 0.626068, 0.809393, 0.911740])
    torch.testing.assert_close(logits[:6], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("key", ["state_dict", "model", "network_weights", None])
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_checkpoints_of_training_programs(tmp_path: Path, resnet: nn.Module, key: str | None, legacy: bool) -> None:  # noqa: FBT001
    state = {f"module.{name}": tensor for name, tensor in resnet.state_dict().items()}
    beside = {"epoch": 3, "best": np.float64(0.91), "args": argparse.Namespace(lr=0.1), "log": np.arange(3.0)}
    content = state if key is None else {key: state, **beside}
    torch.save(content, tmp_path / "in.pth", _use_new_zipfile_serialization=not legacy)
    report = convert(tmp_path / "in.pth", tmp_path / "out.safetensors", RESNET)
    assert report.source_format == ("torch-legacy" if legacy else "torch-zip")
    assert report.skipped == ([] if key is None else list(beside))
    written = weights.load(tmp_path / "out.safetensors")
    assert written.keys() == resnet.state_dict().keys()
    assert all(torch.equal(written[name], tensor) for name, tensor in resnet.state_dict().items())
    assert report.sha256 == file_sha256(tmp_path / "out.safetensors")
    assert report.source_sha256 == file_sha256(tmp_path / "in.pth")


def test_safetensors_are_accepted_as_they_are(tmp_path: Path, resnet: nn.Module) -> None:
    safetensors.torch.save_file(resnet.state_dict(), tmp_path / "in.safetensors")
    report = convert(tmp_path / "in.safetensors", tmp_path / "out.safetensors", RESNET)
    assert report.source_format == "safetensors"
    assert report.tensors == len(resnet.state_dict())


def test_tensors_that_share_memory_or_lie_in_other_order_are_written_in_full(tmp_path: Path, resnet: nn.Module) -> None:
    state = dict(resnet.state_dict())
    state["fc.weight"] = state["fc.weight"].t().contiguous().t()
    state["copy.weight"] = state["bn1.weight"]
    torch.save(state, tmp_path / "in.pth")
    convert(tmp_path / "in.pth", tmp_path / "out.safetensors", RESNET)
    written = weights.load(tmp_path / "out.safetensors")
    assert all(torch.equal(written[name], tensor) for name, tensor in state.items())


def test_the_file_says_where_it_came_from(tmp_path: Path, resnet: nn.Module) -> None:
    torch.save(resnet.state_dict(), tmp_path / "in.pth")
    report = convert(tmp_path / "in.pth", tmp_path / "out.safetensors", RESNET)
    with safetensors.safe_open(tmp_path / "out.safetensors", framework="pt") as file:
        origin = json.loads(file.metadata()["medtransfer"])
    assert origin["source_sha256"] == report.source_sha256
    assert origin["name"] == RESNET.name


def test_the_same_file_converts_to_the_same_bytes(tmp_path: Path, resnet: nn.Module) -> None:
    torch.save(resnet.state_dict(), tmp_path / "in.pth")
    addresses = {convert(tmp_path / "in.pth", tmp_path / f"{number}.safetensors", RESNET).sha256 for number in range(5)}
    assert len(addresses) == 1


def test_old_densenet_names(tmp_path: Path) -> None:
    entry = catalogue_entry("densenet121.tv_in1k").model_copy(update={"sha256": ""})
    state = backbones.create("densenet121", 1000).state_dict()
    old = {}
    for name, tensor in state.items():
        parts = name.split(".")
        if "denselayer" in name:
            parts[3] = f"{parts[3][:-1]}.{parts[3][-1]}"
        old[".".join(parts)] = tensor
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "in.pth")
    assert convert(tmp_path / "in.pth", tmp_path / "out.safetensors", entry).fit.tensor_share == 1.0


def test_the_command_line_writes_one_line_of_json(tmp_path: Path) -> None:
    entry = catalogue_entry("tf_efficientnet_lite0.imagenet")
    command = [sys.executable, "-m", "medtransfer.transfer.convert", str(entry.packaged_file())]
    done = subprocess.run(
        [*command, str(tmp_path / "out.safetensors"), "--name", entry.name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = CONVERSION.validate_json(done.stdout)
    assert isinstance(answer, ConversionReport)
    assert answer.source_sha256 == entry.sha256
    assert answer.sha256 == file_sha256(tmp_path / "out.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["out.safetensors"]
