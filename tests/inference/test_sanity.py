"""Weight randomisation on a trained toy, and on a network whose maps owe nothing to its weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from medtransfer.inference.sanity import weight_randomisation


class Toy(nn.Module):
    """A small convolutional network: is there a bright spot?"""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()
        )
        self.head = nn.Linear(8, 1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images).mean((2, 3)))
        return logits


def _spots(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images of noise with a square in every second one that is no brighter, but smoother than the noise."""
    images = torch.randn(count, 1, 24, 24, generator=generator)
    present = torch.arange(count) % 2
    rows = torch.randint(0, 16, (count, 2), generator=generator)
    for image, there, (row, column) in zip(images, present.tolist(), rows.tolist(), strict=True):
        if there:
            image[0, row : row + 8, column : column + 8] = 0.8
    return images, present.float()[:, None]


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    network = Toy()
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(150):
        images, present = _spots(32, generator)
        loss = nn.functional.binary_cross_entropy_with_logits(network(images), present)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    assert float(loss.detach()) < 0.3
    return network


def test_maps_of_a_trained_network_depend_on_its_weights(trained: nn.Module) -> None:
    images = _spots(8, torch.Generator().manual_seed(7))[0][1::2]
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    state = torch.get_rng_state()
    found = weight_randomisation(trained, images, [0], seed=2)
    assert found.layers == (1, 2, 3)
    assert found.explained == "features.4"
    assert all(-1 <= value <= 1 for value in found.similarity)
    assert abs(found.similarity[-1]) < 0.5
    assert found == weight_randomisation(trained, images, [0], seed=2)
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


class EdgeDetector(nn.Module):
    """Its maps are the image's gradient whatever its weights are: what the check is there to find."""

    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.AvgPool2d(2)
        self.scale = nn.LayerNorm(1)

    def forward(self, images: Tensor) -> Tensor:
        strength = self.edges(images.diff(dim=3).abs()).mean((1, 2, 3))
        logits: Tensor = strength[:, None] + 0 * self.scale(strength[:, None])
        return logits


def test_maps_that_ignore_the_weights_are_found_out() -> None:
    network = EdgeDetector()
    images = torch.rand(2, 1, 16, 17, generator=torch.Generator().manual_seed(0))
    found = weight_randomisation(network, images, [0], layer=network.edges)
    assert found.similarity == pytest.approx((1.0,) * len(found.layers))
