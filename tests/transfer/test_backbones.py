"""timm's networks: built by name, divided without changing a bit of their answer, and grouped for the optimiser."""

from __future__ import annotations

from typing import Any

import pytest
import timm.optim
import torch
from torch import nn

from medtransfer.errors import UserError
from medtransfer.transfer import backbones

DIVIDED = [
    "tf_efficientnet_lite0",
    "resnet18",
    "mobilenetv3_small_050",
    "convnext_atto",
    "densenet121",
    "regnety_002",
    "vit_tiny_patch16_224",
    "deit_tiny_distilled_patch16_224",
]
ONE_BLOCK = ["ghostnet_050", "vit_medium_patch16_rope_reg1_gap_256"]


def small(name: str) -> nn.Module:
    torch.manual_seed(0)
    network = backbones.create(name, 3)
    backbones.set_input_size(network, 64)
    return network.eval()


def pictures() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("name", DIVIDED + ONE_BLOCK)
def test_the_parts_compute_what_the_network_computes(name: str) -> None:
    network = small(name)
    keys = list(network.state_dict())
    with torch.no_grad():
        whole = network(pictures())
        for share in (0.0, 0.35, 0.7, 1.0):
            lower, upper = backbones.split_at(network, share)
            assert torch.equal(upper(lower(pictures())), whole)
    assert list(network.state_dict()) == keys


@pytest.mark.parametrize("name", DIVIDED + ONE_BLOCK)
def test_each_parameter_lies_in_exactly_one_part(name: str) -> None:
    network = small(name)
    lower, upper = backbones.split_at(network, 0.7)
    below, above = {id(p) for p in lower.parameters()}, {id(p) for p in upper.parameters()}
    assert not below & above
    assert below | above == {id(p) for p in network.parameters()}


@pytest.mark.parametrize("name", DIVIDED)
def test_blocks_are_many_and_named_in_order(name: str) -> None:
    network = small(name)
    names = [block for block, _ in backbones.blocks(network)]
    assert backbones.has_blocks(network)
    assert len(names) > 8
    assert len(set(names)) == len(names)
    assert names[0] == "stem"


def test_the_share_is_rounded_to_blocks() -> None:
    network = small("tf_efficientnet_lite0")
    names = [block for block, _ in backbones.blocks(network)]
    assert len(names) == 1 + 16 + 1
    lower, _ = backbones.split_at(network, 0.7)
    assert len(list(lower.children())) == round(0.7 * 18)
    assert names[-1] == "head-conv"


@pytest.mark.parametrize("name", ONE_BLOCK)
def test_other_families_are_divided_below_the_head_only(name: str) -> None:
    network = small(name)
    assert not backbones.has_blocks(network)
    assert [block for block, _ in backbones.blocks(network)] == ["features"]


def test_a_frozen_part_keeps_its_weights_and_its_statistics() -> None:
    network = small("tf_efficientnet_lite0")
    lower, upper = backbones.split_at(network, 0.7)
    backbones.freeze(lower)
    backbones.train(network, lower)
    before = {name: tensor.clone() for name, tensor in lower.state_dict().items()}
    above = {name: tensor.clone() for name, tensor in upper.state_dict().items()}
    optimiser = torch.optim.SGD(backbones.parameter_groups(network, 0.1, 0.1, 0.0, 1.0))
    network(pictures()).square().sum().backward()
    optimiser.step()
    assert all(torch.equal(tensor, before[name]) for name, tensor in lower.state_dict().items())
    changed = [name for name, tensor in upper.state_dict().items() if not torch.equal(tensor, above[name])]
    assert any("running_mean" in name for name in changed)
    assert any("weight" in name for name in changed)


def test_dropout_before_the_head_follows_the_upper_part() -> None:
    torch.manual_seed(0)
    network = backbones.create("tf_efficientnet_lite0", 3, dropout=0.5).eval()
    lower, upper = backbones.split_at(network, 1.0)
    with torch.no_grad():
        features = lower(pictures())
        upper.train()
        assert not torch.equal(upper(features), upper(features))
        upper.eval()
        assert torch.equal(upper(features), network(pictures()))


@pytest.mark.parametrize("name", DIVIDED)
def test_the_feature_vector_has_the_stated_length(name: str) -> None:
    network = small(name)
    head = network.get_submodule(backbones.head_names(network)[0])
    assert isinstance(head, nn.Linear)
    assert head.in_features == backbones.feature_dimension(network)
    assert head.out_features == 3


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        pytest.fail("a download was tried")

    monkeypatch.setattr("socket.socket.connect", refuse)
    backbones.create("resnet10t", 1)


@pytest.mark.parametrize("name", ["resnet_50", "hf-hub:timm/resnet50", "local-dir:/", "../resnet18", ""])
def test_unknown_names_are_answered_with_near_ones(name: str) -> None:
    with pytest.raises(UserError) as caught:
        backbones.create(name, 2)
    assert caught.value.code == "backbone.unknown"
    assert "resnet" in caught.value.hint


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "convnext_atto", "vit_tiny_patch16_224"])
def test_layer_decay_is_timms(name: str) -> None:
    network = small(name)
    ours = backbones.parameter_groups(network, 1e-3, 1e-3, 0.02, 0.8)
    excluded = network.no_weight_decay() if hasattr(network, "no_weight_decay") else ()  # type: ignore[operator]  # timm's
    theirs = timm.optim.param_groups_layer_decay(  # type: ignore[attr-defined]  # timm re-exports it without saying so
        network, weight_decay=0.02, no_weight_decay_list=excluded, layer_decay=0.8
    )
    expected = {id(p): (1e-3 * g["lr_scale"], g["weight_decay"]) for g in theirs for p in g["params"]}
    got = {id(p): (g["lr"], g["weight_decay"]) for g in ours for p in g["params"]}
    assert got.keys() == expected.keys()
    for key, (rate, decay) in expected.items():
        assert got[key] == pytest.approx((rate, decay), rel=1e-12)


def test_layer_decay_by_hand_on_lite0() -> None:
    network = small("tf_efficientnet_lite0")
    groups = backbones.parameter_groups(network, 1e-4, 1e-3, 0.02, 0.5)
    settings = {id(p): (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}

    def of(name: str) -> tuple[float, float]:
        return settings[id(network.get_parameter(name))]

    # Layers from the top: the head, then 16 blocks (the last one together with conv_head), then the stem.
    assert of("classifier.weight") == pytest.approx((1e-3, 0.02))
    assert of("classifier.bias") == pytest.approx((1e-3, 0.0))
    assert of("blocks.6.0.conv_pw.weight") == pytest.approx((1e-4 / 2, 0.02))
    assert of("conv_head.weight") == pytest.approx((1e-4 / 2, 0.02))
    assert of("bn2.weight") == pytest.approx((1e-4 / 2, 0.0))
    assert of("conv_stem.weight") == pytest.approx((1e-4 / 2**17, 0.02))


def test_frozen_parameters_are_in_no_group() -> None:
    network = small("resnet18")
    lower, upper = backbones.split_at(network, 0.7)
    backbones.freeze(lower)
    groups = backbones.parameter_groups(network, 1e-4, 1e-3, 0.02, 0.8)
    assert {id(p) for g in groups for p in g["params"]} == {id(p) for p in upper.parameters()}


@pytest.mark.parametrize("name", ["vit_tiny_patch16_mean_224", "vit_small_patch16_mean_224"])
def test_layer_wise_decay_is_the_published_one(name: str) -> None:
    """Xiao et al. 2023, section on fine-tuning, and BEiT: 0.55 ** (13 - id) with the ids told below."""
    network = backbones.create(name, 14)

    def layer(parameter: str) -> int:
        if parameter.startswith(("cls_token", "pos_embed", "patch_embed")):
            return 0
        return int(parameter.split(".")[1]) + 1 if parameter.startswith("blocks.") else 13

    groups = backbones.parameter_groups(network, 1e-3, 1e-3, 0.05, 0.55)
    found = {id(p): (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    assert len(found) == len(list(network.parameters())) == 152
    for own, parameter in network.named_parameters():
        rate, decay = found[id(parameter)]
        assert rate == pytest.approx(1e-3 * 0.55 ** (13 - layer(own)))
        assert decay == (0.0 if parameter.ndim == 1 or own in {"pos_embed", "cls_token"} else 0.05)


def test_paths_are_dropped_more_often_the_later_they_come() -> None:
    network: Any = backbones.create("vit_tiny_patch16_mean_224", 1, drop_path=0.2)
    expected = [0.2 * block / 11 for block in range(12)]
    for paths in (
        [getattr(block.drop_path1, "drop_prob", 0.0) for block in network.blocks],
        [getattr(block.drop_path2, "drop_prob", 0.0) for block in network.blocks],
    ):
        assert paths == pytest.approx(expected)
    assert set(network.state_dict()) == set(backbones.create("vit_tiny_patch16_mean_224", 1).state_dict())


def test_dropped_paths_are_for_training_alone_and_not_for_every_network() -> None:
    torch.manual_seed(0)
    network = backbones.create("vit_tiny_patch16_mean_224", 1, drop_path=0.9)
    backbones.set_input_size(network, 64)
    with torch.no_grad():
        assert torch.equal(network.eval()(pictures()), network(pictures()))
        assert not torch.equal(network.train()(pictures()), network(pictures()))
    assert isinstance(backbones.create("densenet121", 1, drop_path=0.2), nn.Module)


def test_a_mean_pooled_network_reads_its_patches_alone() -> None:
    """Average of the patch tokens, without the class token, then ``fc_norm``, then the last layer."""
    network: Any = small("vit_tiny_patch16_mean_224")
    with torch.no_grad():
        tokens = network.forward_features(pictures())
        assert isinstance(network.norm, nn.Identity)
        torch.testing.assert_close(network(pictures()), network.head(network.fc_norm(tokens[:, 1:].mean(dim=1))))
