"""The layer chosen from a network's own attributes, and the axis order of its output."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor, nn

from medtransfer.errors import PluginError
from medtransfer.inference import gradcam
from medtransfer.inference.layers import channels_first, layer_name, layer_one_block_back, target_layer


class Wrapped(nn.Module):
    """A backbone without its head, and a head of one's own: the shape that fine-tuning gives a network."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.backbone = timm.create_model(name, num_classes=0)
        self.own = nn.LazyLinear(2)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.own(self.backbone(images))
        return logits


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("mobilenetv2_100", "bn2"),
        ("vgg11", "features.20"),
        ("resnetv2_50", "norm"),
        ("nfnet_l0", "final_act"),
        ("deit_tiny_distilled_patch16_224", "blocks.11.norm1"),
        ("eva02_tiny_patch14_224", "blocks.11.norm1"),
    ],
)
def test_networks_of_timm(name: str, layer: str) -> None:
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=2)
    assert layer_name(network, target_layer(network)) == layer


@pytest.mark.parametrize(("name", "layer"), [("resnet18", "layer4.1"), ("vit_tiny_patch16_224", "blocks.11.norm1")])
def test_a_backbone_inside_a_network_of_one_s_own(name: str, layer: str) -> None:
    torch.manual_seed(0)
    network = Wrapped(name).eval()
    assert layer_name(network, target_layer(network)) == f"backbone.{layer}"
    found = gradcam(network, torch.randn(1, 3, 224, 224), [0, 1])
    assert not found.empty.all()


def test_a_plain_sequence() -> None:
    features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    network = nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    assert target_layer(network) is features[1]
    headed = nn.Sequential(features, nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)))
    assert target_layer(headed) is features[1]


@pytest.mark.parametrize(
    "network", [nn.Linear(4, 2), nn.Sequential(nn.Linear(4, 2)), nn.Sequential(nn.Conv2d(1, 1, 1))]
)
def test_a_network_that_shows_no_layer_is_refused(network: nn.Module) -> None:
    with pytest.raises(PluginError) as caught:
        target_layer(network)
    assert caught.value.code == "gradcam.no_layer"
    assert "layer" in caught.value.hint


def test_a_foreign_layer_has_no_name() -> None:
    with pytest.raises(PluginError) as caught:
        layer_name(nn.Sequential(nn.ReLU()), nn.ReLU())
    assert caught.value.code == "gradcam.foreign_layer"


def test_one_block_back() -> None:
    network = timm.create_model("vit_tiny_patch16_224", num_classes=2)
    layer = network.get_submodule
    assert layer_one_block_back(network, layer("blocks.3.norm1")) is layer("blocks.2.norm1")
    assert layer_one_block_back(network, layer("blocks.0.norm1")) is None
    assert layer_one_block_back(network, layer("norm")) is None


def test_axis_order_is_told_by_the_reductions() -> None:
    network = nn.Identity()
    first, last = torch.zeros(1, 320, 7, 5), torch.zeros(1, 7, 5, 320)
    assert channels_first(network, first, (224, 160)).shape == (1, 320, 7, 5)
    assert channels_first(network, last, (224, 160)).shape == (1, 320, 7, 5)
    assert channels_first(network, torch.zeros(1, 4, 4, 2, 16), (64, 64, 32)).shape == (1, 16, 4, 4, 2)


def test_where_the_reductions_do_not_tell_the_network_s_statement_counts() -> None:
    cube = torch.arange(7**3).reshape(1, 7, 7, 7)
    swin = timm.create_model("swin_tiny_patch4_window7_224", num_classes=2)
    assert torch.equal(channels_first(nn.Identity(), cube, (224, 224)), cube)
    assert torch.equal(channels_first(swin, cube, (224, 224)), cube.movedim(-1, 1))


def test_tokens_are_laid_on_the_network_s_grid() -> None:
    network = timm.create_model("vit_tiny_patch16_224", img_size=(48, 80), num_classes=2)
    tokens = torch.arange(16.0).reshape(1, 16, 1)
    laid = channels_first(network, tokens, (48, 80))
    assert torch.equal(laid[0, 0], torch.arange(1.0, 16.0).reshape(3, 5))
    with pytest.raises(PluginError) as caught:
        channels_first(network, tokens[:, 1:], (48, 80))
    assert caught.value.code == "gradcam.grid"
    with pytest.raises(PluginError) as caught:
        channels_first(nn.Identity(), tokens, (48, 80))
    assert caught.value.code == "gradcam.no_grid"
