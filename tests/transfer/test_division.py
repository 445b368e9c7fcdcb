from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from medtransfer.contract.recipe import Recipe
from medtransfer.transfer import backbones
from medtransfer.transfer.division import address, divide, familiar_features, last_layer, separated, start_from

Tune = Literal["head", "last-stages", "all"]
NETWORKS = ("test_efficientnet", "test_resnet", "test_convnext", "test_vit")


def network(name: str = "test_efficientnet") -> nn.Module:
    torch.manual_seed(0)
    made = backbones.create(name, outputs=1)
    backbones.set_input_size(made, 64)
    return made.eval()


def pictures(count: int = 2) -> Tensor:
    return torch.randn(count, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("tune", ["head", "last-stages", "all"])
def test_the_parts_answer_as_the_network_and_only_the_upper_one_learns(name: str, tune: Tune) -> None:
    whole = network(name)
    expected = whole(pictures())
    lower, upper = divide(whole, Recipe(tune=tune, frozen_share=0.5))
    maps = lower(pictures())
    assert torch.allclose(upper.eval()(maps), expected, atol=1e-6)
    upper(maps).sum().backward()
    learning = {name for name, value in whole.named_parameters() if value.grad is not None}
    trunk, own = separated(whole, upper)
    assert learning == {name for name, _ in whole.named_parameters()} & own.keys()
    assert not learning & trunk.keys()
    assert {*trunk, *own} == whole.state_dict().keys()
    assert bool(trunk) == (tune != "all")
    assert any(key.startswith(backbones.head_names(whole)) for key in own)


@pytest.mark.parametrize("name", NETWORKS)
def test_for_the_head_alone_pooled_features_are_kept(name: str) -> None:
    whole = network(name)
    lower, upper = divide(whole, Recipe(tune="head"))
    features = lower(pictures())
    assert features.shape == (2, backbones.feature_dimension(whole))
    assert {id(value) for value in upper.parameters()} == {id(value) for value in last_layer(whole).parameters()}
    held = {id(value) for value in lower.parameters()}
    assert held >= {id(value) for value in whole.parameters()} - {id(value) for value in upper.parameters()}


@pytest.mark.parametrize(("name", "length"), [("test_efficientnet", None), ("test_vit", 64)])
def test_familiar_features_are_one_vector_per_picture(name: str, length: int | None) -> None:
    for tune in ("head", "last-stages", "all"):
        whole, recipe = network(name), Recipe(tune=tune, frozen_share=0.5)
        lower, _ = divide(whole, recipe)
        features = familiar_features(whole, lower(pictures(3)), recipe)
        assert features.ndim == 2
        assert len(features) == 3
        assert length is None or features.shape[1] == length


def test_the_last_layer_starts_where_it_is_told() -> None:
    whole = network()
    weight = torch.randn(backbones.feature_dimension(whole), dtype=torch.float64)
    start_from(whole, weight, -0.75)
    lower, _ = divide(whole, Recipe(tune="head"))
    expected = lower(pictures()).double() @ weight - 0.75
    assert torch.allclose(whole(pictures())[:, 0].double(), expected, atol=1e-5)


def test_the_address_tells_tensors_apart() -> None:
    tensors = {"a": torch.arange(4.0), "b": torch.zeros(2)}
    assert address(tensors) == address(dict(reversed(tensors.items())))
    others = [
        {"a": torch.arange(4.0).view(2, 2), "b": torch.zeros(2)},
        {"a": torch.arange(4.0).double(), "b": torch.zeros(2)},
        {"a": torch.arange(4.0), "c": torch.zeros(2)},
        {"a": torch.arange(4.0), "b": torch.tensor([0.0, 1e-30])},
    ]
    assert len({address(tensors), *map(address, others)}) == 5
