"""A training that starts from the published weights: all but the layers that answer, in their poolings."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from medtransfer_stunet.network import PRETRAINED_POOLS, STUNet
from medtransfer_stunet.plugin import StuNet
from safetensors.torch import save_file

from medtransfer.contract.bundle import BundleCard, DataStatement
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.recipe import Recipe, Stem
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


def filled(tmp_path: Path, stem: Stem, channels: int) -> tuple[STUNet, STUNet]:
    """Return the published network, its heads those of a new task, and one of several channels that starts from it."""
    torch.manual_seed(2)
    one = STUNet("S", 1, 3).eval()
    save_file(one.state_dict(), tmp_path / "weights.safetensors")
    ctx = PlainContext(tmp_path / "job", weights={WEIGHTS: tmp_path / "weights.safetensors"})
    request = LearnRequest(name="own", recipe=Recipe(weights=WEIGHTS, stem=stem), labels=["a", "b"])
    several = STUNet("S", channels, 3).eval()
    report = choose(request, "stunet-s", ctx).fill(several, "seg_outputs", request.labels, stem)
    assert report is not None
    adapted = {pair.name for pair in report.reshaped}
    assert adapted == {f"conv_blocks_context.0.0.{name}.weight" for name in ("conv1", "conv3")}
    several.seg_outputs.load_state_dict(one.seg_outputs.state_dict())
    return one, several


def test_equal_volumes_get_the_answer_that_one_volume_got(tmp_path: Path) -> None:
    one, three = filled(tmp_path, "repeat/n", 3)
    volume = torch.randn(1, 1, 32, 16, 32)
    with torch.inference_mode():
        torch.testing.assert_close(three(volume.expand(-1, 3, -1, -1, -1)), one(volume), atol=1e-3, rtol=1e-3)


def test_the_authors_way_repeats_the_stem_undivided(tmp_path: Path) -> None:
    one, two = filled(tmp_path, "repeat", 2)
    before = one.state_dict()["conv_blocks_context.0.0.conv3.weight"]
    assert torch.equal(two.state_dict()["conv_blocks_context.0.0.conv3.weight"], before.expand(-1, 2, -1, -1, -1))


@pytest.mark.parametrize("further", [(), (None,), (None, None, None)])
def test_the_network_takes_as_many_volumes_as_the_plan_normalises(further: tuple[None, ...]) -> None:
    plan = VolumePlan(spacing=(1.0, 1.0, 1.0), patch=(16, 16, 16), pools=((2, 2, 2),), further=further)
    nothing = DataStatement(fingerprint="", split_sha256="", cases=0, patients=0, train=0, validation=0, test=0)
    card = BundleCard(
        name="own",
        plugin="medtransfer.stunet",
        plugin_version="1",
        created="",
        task="segmentation",
        labels=[],
        backbone="stunet-s",
        preprocessing=plan,
        recipe=Recipe(),
        weights=[],
        data=nothing,
        versions={},
        seed=0,
    )
    network = StuNet().network(card)
    assert network.get_parameter("conv_blocks_context.0.0.conv1.weight").shape[1] == 1 + len(further)
