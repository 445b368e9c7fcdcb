"""The network against the published facts: counts, names, and what it computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
import torch
from medtransfer_stunet.network import PRETRAINED_POOLS, SCALES, Scale, Size, Strides, STUNet
from torch import Tensor
from torch.nn import functional

TINY = Scale(width=2, blocks=2)
PUBLISHED: Mapping[Size, tuple[int, int]] = {
    "S": (14_596_941, 130),
    "B": (58_262_669, 130),
    "L": (440_302_605, 218),
    "H": (1_457_326_221, 306),
}


@pytest.mark.parametrize("size", PUBLISHED)
def test_parameters_are_as_many_as_published(size: Size) -> None:
    with torch.device("meta"):
        network = STUNet(size, 1, 105)
    assert (sum(p.numel() for p in network.parameters()), len(network.state_dict())) == PUBLISHED[size]


@pytest.mark.parametrize("size", PUBLISHED)
def test_parameters_bear_the_published_names(size: Size) -> None:
    with torch.device("meta"):
        network = STUNet(size, 1, 105)
    expected = {f"upsample_layers.{u}.conv.{kind}" for u in range(5) for kind in ("weight", "bias")}
    expected |= {f"seg_outputs.{u}.{kind}" for u in range(5) for kind in ("weight", "bias")}
    for path, stages in (("context", 6), ("localization", 5)):
        for stage in range(stages):
            for block in range(SCALES[size].blocks):
                layers = ["conv1", "norm1", "conv2", "norm2", *(["conv3"] if block == 0 else [])]
                expected |= {
                    f"conv_blocks_{path}.{stage}.{block}.{layer}.{kind}"
                    for layer in layers
                    for kind in ("weight", "bias")
                }
    assert network.state_dict().keys() == expected


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("conv_blocks_context.0.0.conv1.weight", (16, 1, 3, 3, 3)),
        ("conv_blocks_context.0.0.conv3.weight", (16, 1, 1, 1, 1)),
        ("conv_blocks_context.5.0.conv1.weight", (256, 256, 3, 3, 3)),
        ("upsample_layers.4.conv.weight", (16, 32, 1, 1, 1)),
        ("conv_blocks_localization.0.0.conv1.weight", (256, 512, 3, 3, 3)),
        ("seg_outputs.0.weight", (105, 256, 1, 1, 1)),
        ("seg_outputs.4.weight", (105, 16, 1, 1, 1)),
    ],
)
def test_shapes_that_the_authors_state(name: str, shape: tuple[int, ...]) -> None:
    with torch.device("meta"):
        network = STUNet("S", 1, 105)
    assert tuple(network.state_dict()[name].shape) == shape


def straightforward(state: Mapping[str, Tensor], volume: Tensor, blocks: int, pools: Sequence[Strides]) -> list[Tensor]:
    """The published description, step by step, from the tensors alone: up-sampling comes before its convolution."""

    def convolve(name: str, values: Tensor, stride: Strides = (1, 1, 1)) -> Tensor:
        weight = state[f"{name}.weight"]
        return functional.conv3d(values, weight, state[f"{name}.bias"], stride, weight.shape[2] // 2)

    def normalise(name: str, values: Tensor) -> Tensor:
        mean = values.mean((2, 3, 4), keepdim=True)
        variance = values.var((2, 3, 4), unbiased=False, keepdim=True)
        scale, shift = (state[f"{name}.{kind}"].view(1, -1, 1, 1, 1) for kind in ("weight", "bias"))
        return (values - mean) / (variance + 1e-5).sqrt() * scale + shift

    def rectify(values: Tensor) -> Tensor:
        return torch.where(values > 0, values, values * 0.01)

    def stage(name: str, values: Tensor, stride: Strides) -> Tensor:
        for block in range(blocks):
            first = f"{name}.{block}"
            step: Strides = stride if block == 0 else (1, 1, 1)
            inner = rectify(normalise(f"{first}.norm1", convolve(f"{first}.conv1", values, step)))
            inner = normalise(f"{first}.norm2", convolve(f"{first}.conv2", inner))
            values = rectify(inner + (convolve(f"{first}.conv3", values, step) if block == 0 else values))
        return values

    skips: list[Tensor] = []
    for level, stride in enumerate([(1, 1, 1), *pools]):
        volume = stage(f"conv_blocks_context.{level}", volume, stride)
        skips.append(volume)
    answers = []
    for up in range(5):
        for axis, factor in enumerate(pools[4 - up]):
            volume = volume.repeat_interleave(factor, dim=axis + 2)
        volume = torch.cat([convolve(f"upsample_layers.{up}.conv", volume), skips[4 - up]], dim=1)
        volume = stage(f"conv_blocks_localization.{up}", volume, (1, 1, 1))
        answers.append(convolve(f"seg_outputs.{up}", volume))
    return answers[::-1]


@pytest.mark.parametrize("pools", [PRETRAINED_POOLS, ((1, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 1), (1, 1, 1))])
def test_answers_equal_a_straightforward_computation(pools: tuple[Strides, ...]) -> None:
    torch.manual_seed(0)
    network = STUNet(TINY, 2, 3, pools).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    volume = torch.randn(1, 2, 32, 48, 64, dtype=torch.float64)
    expected = straightforward(network.state_dict(), volume, TINY.blocks, pools)
    with torch.no_grad():
        answers = network(volume)
        finest = network.eval()(volume)
    assert len(answers) == 5
    for answer, reference in zip(answers, expected, strict=True):
        torch.testing.assert_close(answer, reference)
    torch.testing.assert_close(finest, expected[0])


def test_deep_supervision_is_as_fine_as_the_pools_say() -> None:
    network = STUNet(TINY, 1, 3)
    with torch.no_grad():
        answers = network(torch.zeros(1, 1, 32, 32, 64))
    assert [tuple(answer.shape[2:]) for answer in answers] == [
        (32, 32, 64),
        (16, 16, 32),
        (8, 8, 16),
        (4, 4, 8),
        (2, 2, 4),
    ]
    assert network.divisor == (16, 16, 32)


def test_further_pools_are_left_out_and_missing_ones_do_not_pool() -> None:
    few = STUNet(TINY, 1, 3, [[2, 2, 2], [1, 2, 2], [2, 2, 2]])
    assert few.pools == ((2, 2, 2), (1, 2, 2), (2, 2, 2), (1, 1, 1), (1, 1, 1))
    many = STUNet(TINY, 1, 3, [[2, 2, 2]] * 6)
    assert many.pools == ((2, 2, 2),) * 5
    assert few.divisor == (4, 8, 8)
    shapes = {name: tensor.shape for name, tensor in few.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in many.state_dict().items()}
    with torch.no_grad():
        assert few.eval()(torch.zeros(1, 1, 8, 16, 16)).shape == (1, 3, 8, 16, 16)


def test_the_same_weights_serve_another_plan() -> None:
    state = STUNet(TINY, 1, 3).state_dict()
    other = STUNet(TINY, 1, 3, [[1, 2, 2]] * 4)
    assert not any(other.load_state_dict(state))


def test_gradients_reach_every_parameter() -> None:
    network = STUNet(TINY, 1, 3)
    answers = network(torch.randn(1, 1, 32, 32, 64))
    sum(answer.square().mean() for answer in answers).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
