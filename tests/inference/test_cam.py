"""Grad-CAM against the ``grad-cam`` package, and where it must refuse or say that there is nothing to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from pytorch_grad_cam import grad_cam
from pytorch_grad_cam.utils import model_targets
from torch import Tensor, nn

from medtransfer.errors import PluginError, UserError
from medtransfer.inference import gradcam
from medtransfer.inference.layers import target_layer

# The package is untyped.
PeerModule: Any = grad_cam
PeerTargets: Any = model_targets
Reshape = Callable[[Tensor], Tensor] | None


def _vit_grid(rows: int, columns: int, prefix: int = 1) -> Reshape:
    return lambda tokens: tokens[:, prefix:].reshape(len(tokens), rows, columns, -1).permute(0, 3, 1, 2)


ARCHITECTURES: list[tuple[str, dict[str, Any], tuple[int, int], str, Reshape]] = [
    ("resnet18", {}, (128, 96), "layer4.1", None),
    ("tf_efficientnet_lite0", {}, (128, 128), "bn2", None),
    ("densenet121", {}, (96, 128), "features.norm5", None),
    ("mobilenetv3_small_100", {}, (128, 128), "blocks.5.0", None),
    ("convnext_atto", {}, (128, 96), "stages.3", None),
    ("regnety_002", {}, (128, 128), "s4", None),
    ("vit_tiny_patch16_224", {}, (224, 224), "blocks.11.norm1", _vit_grid(14, 14)),
    ("vit_tiny_patch16_224", {"img_size": (96, 64)}, (96, 64), "blocks.11.norm1", _vit_grid(6, 4)),
    (
        "vit_tiny_patch16_224",
        {"img_size": (64, 48), "global_pool": "avg"},
        (64, 48),
        "blocks.11.norm1",
        _vit_grid(4, 3),
    ),
    ("vit_tiny_patch16_224", {"img_size": (64, 48), "reg_tokens": 4}, (64, 48), "blocks.11.norm1", _vit_grid(4, 3, 5)),
    ("deit_tiny_distilled_patch16_224", {"img_size": (64, 48)}, (64, 48), "blocks.11.norm1", _vit_grid(4, 3, 2)),
    (
        "swin_tiny_patch4_window7_224",
        {"img_size": (224, 112)},
        (224, 112),
        "layers.3.blocks.1.norm1",
        lambda features: features.permute(0, 3, 1, 2),
    ),
]


def _network(name: str, **options: Any) -> nn.Module:
    torch.manual_seed(3)
    network: nn.Module = timm.create_model(name, num_classes=4, **options)
    return network.eval()


def _images(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


def _peer(
    network: nn.Module, layer: nn.Module, inputs: Tensor, targets: list[int], reshape: Reshape = None
) -> NDArray[np.float32]:
    with PeerModule.GradCAM(model=network, target_layers=[layer], reshape_transform=reshape) as cam:
        maps = [cam(inputs, [PeerTargets.ClassifierOutputTarget(target)] * len(inputs)) for target in targets]
    return np.stack(maps, axis=1)


@pytest.mark.parametrize(("name", "options", "size", "layer", "reshape"), ARCHITECTURES)
def test_equals_the_grad_cam_package(
    name: str, options: dict[str, Any], size: tuple[int, int], layer: str, reshape: Reshape
) -> None:
    network, inputs, targets = _network(name, **options), _images(2, 3, *size), [2, 0, 3]
    found = gradcam(network, inputs, targets)
    assert found.layer == layer
    assert found.maps.shape == (2, 3, *size)
    assert found.maps.dtype == np.float32
    peer = _peer(network, target_layer(network), inputs, targets, reshape)
    np.testing.assert_allclose(found.maps, peer, atol=1e-4)
    assert not found.empty.all()
    shown = found.maps[~found.empty]
    np.testing.assert_array_equal(shown.min(axis=(1, 2)), 0)
    np.testing.assert_array_equal(shown.max(axis=(1, 2)), 1)
    with torch.no_grad():
        np.testing.assert_allclose(found.logits, network(inputs).numpy(), atol=1e-5)


def test_a_network_with_one_logit_is_explained() -> None:
    torch.manual_seed(3)
    network = timm.create_model("resnet18", num_classes=1).eval()
    inputs = _images(1, 3, 96, 96)
    with PeerModule.GradCAM(model=network, target_layers=[network.get_submodule("layer4.1")]) as cam:
        peer = cam(inputs, [PeerTargets.BinaryClassifierOutputTarget(1)])
    np.testing.assert_allclose(gradcam(network, inputs, [0]).maps[:, 0], peer, atol=1e-4)
    squeezed = nn.Sequential(network, nn.Flatten(0))
    np.testing.assert_allclose(gradcam(squeezed, inputs, [0]).maps[:, 0], peer, atol=1e-4)


class Volumes(nn.Module):
    """A small 3-D classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(1, 6, 3, 2, 1), nn.ReLU(), nn.Conv3d(6, 8, 3, 2, 1))
        self.fc = nn.Linear(8, 3)

    def forward(self, volumes: Tensor) -> Tensor:
        logits: Tensor = self.fc(torch.relu_(self.body(volumes)).mean((2, 3, 4)))
        return logits


def test_volumes_equal_the_grad_cam_package_before_enlarging() -> None:
    torch.manual_seed(1)
    network = Volumes().eval()
    volumes, layer = _images(2, 1, 12, 20, 16), network.body[1]
    found = gradcam(network, volumes, [0, 2], layer)
    assert found.maps.shape == (2, 2, 12, 20, 16)
    cam = PeerModule.GradCAM(model=network, target_layers=[layer])
    for column, target in enumerate([0, 2]):
        peer_targets = [PeerTargets.ClassifierOutputTarget(target)] * 2
        cam(volumes, peer_targets)
        activations = cam.activations_and_grads.activations[0].numpy()
        gradients = cam.activations_and_grads.gradients[0].numpy()
        peer = cam.get_cam_image(volumes, layer, peer_targets, activations, gradients)
        np.testing.assert_allclose(found.raw[:, column], np.maximum(peer, 0), atol=1e-5)


def test_enlarging_is_opencv_s_bilinear() -> None:
    network, inputs = _network("convnext_atto"), _images(1, 3, 160, 224)
    found = gradcam(network, inputs, [0, 1, 2, 3])
    assert (~found.empty).sum() >= 2
    for raw, scaled, maximum in zip(found.raw[0], found.maps[0], found.raw_maximum[0], strict=True):
        assert maximum == raw.max()
        if maximum > 0:
            enlarged = cv2.resize(raw, (224, 160), interpolation=cv2.INTER_LINEAR)
            np.testing.assert_allclose(scaled, (enlarged - enlarged.min()) / np.ptp(enlarged), atol=1e-5)


def test_many_targets_cost_one_forward_pass_and_no_gradient_below_the_layer() -> None:
    network, inputs = _network("resnet18"), _images(1, 3, 96, 96)
    calls: list[bool] = []
    stem = network.get_submodule("conv1")
    stem.register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    found = gradcam(network, inputs, [0, 1, 2, 3])
    assert calls == [False]
    assert found.maps.shape[:2] == (1, 4)
    assert all(parameter.grad is None for parameter in network.parameters())
    np.testing.assert_array_equal(gradcam(network, inputs, [2]).maps[:, 0], found.maps[:, 2])


def test_the_network_is_left_as_it_was() -> None:
    network = _network("resnet18").train()
    network.get_submodule("bn1").eval()
    before = {name: module.training for name, module in network.named_modules()}
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    gradcam(network, _images(2, 3, 64, 64), [0])
    assert {name: module.training for name, module in network.named_modules()} == before
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in network.named_buffers())
    assert all(not module._forward_hooks for module in network.modules())
    assert torch.is_grad_enabled()


def test_the_same_bits_every_time() -> None:
    network, inputs = _network("densenet121"), _images(1, 3, 96, 96)
    first, second = gradcam(network, inputs, [0, 1]), gradcam(network, inputs, [0, 1])
    np.testing.assert_array_equal(first.maps, second.maps)
    np.testing.assert_array_equal(first.logits, second.logits)


class Averaging(nn.Module):
    """Answers are +1 and -1 times the mean of what its layer returns, then changed in place."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(1, 1, 1, bias=False)
        self.features.weight.data.fill_(1.0)

    def forward(self, images: Tensor) -> Tensor:
        mean = self.features(images).mul_(2.0).relu_().mean((1, 2, 3))
        return torch.stack([mean, -mean], dim=1)


def test_a_change_in_place_behind_the_layer_does_not_reach_the_map() -> None:
    network = Averaging()
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    found = gradcam(network, image, [0], network.features)
    # The weight is the mean gradient: 2/16 where the ReLU is open, which is everywhere but at the pixel 0.
    np.testing.assert_allclose(found.raw[0, 0], image[0, 0].numpy() * (2 / 16 * 15 / 16), rtol=1e-6)


def test_an_empty_map_is_told() -> None:
    network = Averaging()
    rising, even = torch.arange(16.0).reshape(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    found = gradcam(network, torch.cat([rising, even]), [0, 1], network.features)
    np.testing.assert_array_equal(found.empty, [[False, True], [True, True]])
    assert found.empty_reason(0, 0) == ""
    assert "No part" in found.empty_reason(0, 1)
    assert "equally" in found.empty_reason(1, 0)
    assert not found.maps[found.empty].any()


def test_behind_the_last_attention_of_a_class_token_one_block_back_is_explained() -> None:
    network, inputs = _network("vit_tiny_patch16_224", img_size=(64, 48)), _images(1, 3, 64, 48)
    found = gradcam(network, inputs, [0, 1], network.get_submodule("blocks.11"))
    assert found.layer == "blocks.10"
    peer = _peer(network, network.get_submodule("blocks.10"), inputs, [0, 1], _vit_grid(4, 3))
    np.testing.assert_allclose(found.maps, peer, atol=1e-4)


def test_a_layer_that_does_not_lead_to_the_answer_is_refused() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    inputs = _images(1, 1, 8, 8)
    foreign = nn.Conv2d(1, 2, 3)
    with pytest.raises(PluginError) as caught:
        gradcam(network, inputs, [0], foreign)
    assert caught.value.code == "gradcam.layer_unused"
    with pytest.raises(PluginError) as caught:
        gradcam(network, inputs, [0], network[2])
    assert caught.value.code == "gradcam.layer_shape"


@pytest.mark.parametrize("targets", [[4], [-1], []])
def test_a_target_that_is_no_answer_is_refused(targets: list[int]) -> None:
    with pytest.raises(UserError) as caught:
        gradcam(_network("resnet18"), _images(1, 3, 64, 64), targets)
    assert caught.value.code == "gradcam.target"


def test_gradients_that_are_not_finite_are_refused() -> None:
    network = Averaging()
    network.features.weight.data.fill_(torch.nan)
    with pytest.raises(PluginError) as caught:
        gradcam(network, _images(1, 1, 4, 4), [0], network.features)
    assert caught.value.code == "gradcam.not_finite"


def test_an_answer_for_each_pixel_is_refused() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1))
    with pytest.raises(PluginError) as caught:
        gradcam(network, _images(1, 1, 8, 8), [0], network[1])
    assert caught.value.code == "gradcam.logits"
