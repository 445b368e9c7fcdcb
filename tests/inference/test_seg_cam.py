"""Seg-Grad-CAM against the ``grad-cam`` package and against its definition written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pytorch_grad_cam import grad_cam
from pytorch_grad_cam.utils import model_targets
from torch import Tensor, nn

from medtransfer.errors import UserError
from medtransfer.inference import seg_gradcam

PeerModule: Any = grad_cam  # the package is untyped
PeerTargets: Any = model_targets


class Small(nn.Module):
    """An encoder, a bottleneck and a decoder that works in place, as many do."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        torch.manual_seed(4)
        convolution: Any = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.down = convolution(1, 6, 3, stride=2, padding=1)
        self.middle = nn.Sequential(convolution(6, 8, 3, padding=1), nn.LeakyReLU(0.1, inplace=True))
        self.up = nn.Upsample(scale_factor=2)
        self.head = convolution(8, 3, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        features = nn.functional.relu(self.middle(self.down(inputs)))
        answer: Tensor = self.head(self.up(features))
        return answer


def images(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


def test_a_map_equals_that_of_the_grad_cam_package() -> None:
    network, inputs = Small(2).eval(), images(1, 1, 32, 24)
    region = torch.zeros(32, 24, dtype=torch.bool)
    region[5:20, 8:16] = True
    found = seg_gradcam(network, inputs, [(2, region)], network.down)
    target = PeerTargets.SemanticSegmentationTarget(2, region.numpy().astype(np.float32))
    with PeerModule.GradCAM(model=network, target_layers=[network.down]) as peer:
        expected = peer(input_tensor=inputs, targets=[target])[0]
    assert found.layer == "down"
    # The package enlarges with OpenCV, and scales before it does.
    assert np.corrcoef(found.maps[0, 0].ravel(), expected.ravel())[0, 1] > 0.995


def test_a_volumes_map_is_its_definition() -> None:
    network, inputs = Small(3).eval(), images(1, 1, 8, 12, 10)
    regions = [(0, images(8, 12, 10) > 0.5), (1, images(8, 12, 10) < 0)]
    found = seg_gradcam(network, inputs, regions, network.down)
    features = network.down(inputs).detach().requires_grad_()
    logits = network.head(network.up(torch.relu(network.middle(features))))
    for index, (number, region) in enumerate(regions):
        (gradient,) = torch.autograd.grad(logits[0, number][region].mean(), features, retain_graph=True)
        weights = gradient.mean(dim=(2, 3, 4), keepdim=True)
        expected = torch.relu((weights * features).sum(dim=1))[0].detach().numpy()
        np.testing.assert_allclose(found.raw[0, index], expected, rtol=1e-4, atol=1e-8)
    assert found.maps.shape == (1, 2, 8, 12, 10)


def test_a_region_without_a_voxel_is_refused() -> None:
    network = Small(3).eval()
    with pytest.raises(UserError) as caught:
        seg_gradcam(network, images(1, 1, 8, 8, 8), [(1, torch.zeros(8, 8, 8, dtype=torch.bool))], network.down)
    assert caught.value.code == "gradcam.region"
