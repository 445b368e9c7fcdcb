"""A training that starts from the published weights: all but the layers that answer, in their poolings."""

from __future__ import annotations

from pathlib import Path

import torch
from medtransfer_stunet.network import PRETRAINED_POOLS, STUNet
from safetensors.torch import save_file

from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.transfer.volume_origin import choose
from tests.transfer.small import PlainContext

WEIGHTS = "stunet-s.totalsegmentator"


def test_published_weights_fill_all_but_the_layers_that_answer(tmp_path: Path) -> None:
    torch.manual_seed(1)
    published = STUNet("S", 1, 105).state_dict()
    save_file(published, tmp_path / "weights.safetensors")
    ctx = PlainContext(tmp_path / "job", weights={WEIGHTS: tmp_path / "weights.safetensors"})
    request = LearnRequest(name="own", recipe=Recipe(weights=WEIGHTS), labels=["liver", "thymus"])
    origin = choose(request, "stunet-b", ctx)
    assert origin.backbone == "stunet-s"
    assert origin.kept is not None
    assert (origin.kept.pools, origin.kept.intensities) == (PRETRAINED_POOLS, None)
    assert [entry.name for entry in origin.described] == [WEIGHTS]
    network = STUNet("S", 1, 3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    report = origin.fill(network, "seg_outputs", request.labels, "repeat/n")
    assert report is not None
    assert (report.tensor_share, len(report.new)) == (1.0, 10)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name] if name.startswith("seg_outputs.") else published[name])
