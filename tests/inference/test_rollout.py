"""Attention rollout against the paper's equations, computed step by step from the network's weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.errors import PluginError
from medtransfer.inference.rollout import rollout
from medtransfer.transfer import backbones


def _transformer(**options: Any) -> nn.Module:
    torch.manual_seed(3)
    made: nn.Module = timm.create_model(
        "vit_tiny_patch16_224", img_size=(64, 48), depth=3, num_classes=2, **{"global_pool": "token", **options}
    )
    for parameter in made.parameters():  # as they come, weights are so small that every patch is looked at alike
        if parameter.ndim > 1:
            parameter.data.normal_(std=0.12)
    return made.eval()


def _images(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


def _as_in_the_paper(network: Any, image: Tensor) -> NDArray[np.float64]:
    """Return the rolled out attention (tokens, tokens): A = 0.5 W + 0.5 I in each layer, multiplied over the layers."""
    with torch.no_grad():
        tokens = network.norm_pre(network.patch_drop(network._pos_embed(network.patch_embed(image))))
        rolled = np.eye(tokens.shape[1])
        for block in network.blocks:
            seen, heads = block.norm1(tokens)[0].double().numpy(), block.attn.num_heads
            weight, bias = (value.detach().double().numpy() for value in (block.attn.qkv.weight, block.attn.qkv.bias))
            query, key, _ = np.split(seen @ weight.T + bias, 3, axis=1)
            width = query.shape[1] // heads
            attention = np.zeros_like(rolled)
            for head in range(heads):
                part = slice(head * width, (head + 1) * width)
                scores = query[:, part] @ key[:, part].T / np.sqrt(width)
                weights = np.exp(scores - scores.max(axis=1, keepdims=True))
                attention += weights / weights.sum(axis=1, keepdims=True) / heads
            rolled = (0.5 * attention + 0.5 * np.eye(len(rolled))) @ rolled
            tokens = block(tokens)
    return rolled


@pytest.mark.parametrize("pooling", ["token", "avg"])
def test_equals_the_paper_s_equations(pooling: str) -> None:
    network, images = _transformer(global_pool=pooling), _images(2, 3, 64, 48)
    found = rollout(network, images)
    for image, raw in zip(images, found.raw, strict=True):
        rolled = _as_in_the_paper(network, image[None])
        row = rolled[0] if pooling == "token" else rolled[1:].mean(axis=0)
        np.testing.assert_allclose(raw[0], row[1:].reshape(4, 3), rtol=1e-4)
        assert np.ptp(raw) > 0.1 * raw.max()
    assert found.maps.shape == (2, 1, 64, 48)
    assert (found.maps.min(), found.maps.max()) == (0.0, 1.0)
    with torch.no_grad():
        np.testing.assert_allclose(found.logits, network(images).numpy(), atol=1e-4)


def test_register_tokens_are_no_part_of_the_picture() -> None:
    network, images = _transformer(reg_tokens=3), _images(1, 3, 64, 48)
    rolled = _as_in_the_paper(network, images)
    np.testing.assert_allclose(rollout(network, images).raw[0, 0], rolled[0, 4:].reshape(4, 3), rtol=1e-4)


def test_what_reaches_the_answer_is_shared_out_among_patches_and_class_token() -> None:
    found = rollout(_transformer(global_pool="avg"), _images(1, 3, 64, 48))
    assert 0.5 < found.raw.sum() < 1.0


def test_the_network_is_left_as_it_was() -> None:
    network: Any = _transformer().train()
    network.blocks[1].attn.fused_attn = False
    rollout(network, _images(1, 3, 64, 48))
    assert [block.attn.fused_attn for block in network.blocks] == [True, False, True]
    assert all(module.training for module in network.modules())
    assert all(not module._forward_pre_hooks for module in network.modules())


def test_a_network_for_one_finding_of_masked_pretraining_is_followed() -> None:
    torch.manual_seed(0)
    network = backbones.create("vit_tiny_patch16_mean_224", outputs=1)
    backbones.set_input_size(network, 32)
    assert rollout(network, _images(1, 3, 32, 32)).raw.shape == (1, 1, 2, 2)


def test_attention_that_is_everywhere_the_same_is_an_empty_map() -> None:
    network: Any = _transformer(global_pool="avg")
    for block in network.blocks:
        nn.init.zeros_(block.attn.qkv.weight)
    found = rollout(network, _images(1, 3, 64, 48))
    assert found.empty[0, 0]
    assert found.empty_reason(0, 0) == "The network looked at every part of the image equally."
    assert not found.maps.any()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet18", {}),
        ("tf_efficientnet_lite0", {}),
        ("swin_tiny_patch4_window7_224", {"img_size": 56, "window_size": 7}),
        ("vit_tiny_patch16_224", {"img_size": 64, "depth": 1, "global_pool": "map", "class_token": False}),
    ],
)
def test_networks_without_such_attention_are_refused(name: str, options: dict[str, Any]) -> None:
    network = timm.create_model(name, num_classes=2, **options)
    with pytest.raises(PluginError) as caught:
        rollout(network, _images(1, 3, 56, 56))
    assert caught.value.code == "rollout.network"
    assert "Grad-CAM" in caught.value.hint
