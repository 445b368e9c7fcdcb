"""Published weights, imported from a person's file, work in the network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from medtransfer_stunet.network import PRETRAINED_POOLS, SCALES, Size, STUNet

from medtransfer.contract.weights import VolumeEntry, catalogue_entry
from medtransfer.store.home import Home
from medtransfer.transfer import fit_report, stunet_file, weights
from medtransfer.work.weights import import_weights


@pytest.mark.parametrize("size", SCALES)
def test_files_are_recognised_by_the_tensors_of_this_network(size: Size) -> None:
    with torch.device("meta"):
        network = STUNet(size, 1, 105)
    entry = catalogue_entry(f"stunet-{size.lower()}.totalsegmentator")
    assert isinstance(entry, VolumeEntry)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes == stunet_file.expected(entry).shapes()
    assert entry.plan is not None
    assert entry.plan.pools == PRETRAINED_POOLS


def test_an_imported_checkpoint_answers_as_the_network_that_was_saved(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = STUNet("S", 1, 105).eval()
    state = {f"module.{name}": tensor for name, tensor in trained.state_dict().items()}
    torch.save({"epoch": 4000, "state_dict": state, "optimizer_state_dict": None}, tmp_path / "small_ep4k.model")
    stored = import_weights(Home(tmp_path / "home"), tmp_path / "small_ep4k.model")
    assert stored.name == "stunet-s.totalsegmentator"

    with torch.device("meta"):
        empty = STUNet("S", 1, 105, weights.plan(stored.file).pools)
    network = empty.to_empty(device="cpu").eval()
    assert fit_report.apply(network, weights.load(stored.file), 1.0).tensor_share == 1.0
    volume = torch.randn(1, 1, 16, 32, 32)
    with torch.no_grad():
        assert torch.equal(network(volume), trained(volume))
