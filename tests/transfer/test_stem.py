from __future__ import annotations

import pytest
import torch
from torch import nn

from medtransfer.transfer.stem import repeated


def stem(channels: int) -> nn.Module:
    torch.manual_seed(3)
    return nn.ModuleDict(
        {
            "conv1": nn.Conv3d(channels, 4, 3, padding=1),
            "conv3": nn.Conv3d(channels, 4, 1),
            "conv2": nn.Conv3d(4, 4, 3, padding=1, groups=4),
        }
    )


@pytest.mark.parametrize(("how", "factor"), [("repeat/n", 1.0), ("repeat", 3.0)])
def test_equal_channels_give_what_one_gave_or_as_many_times_that(how: str, factor: float) -> None:
    one, three = stem(1), stem(3)
    tensors, pairs = repeated(one.state_dict(), three, "repeat" if how == "repeat" else "repeat/n")
    three.load_state_dict(tensors)
    assert {pair.name: (pair.file_shape[1], pair.network_shape[1]) for pair in pairs} == {
        "conv1.weight": (1, 3),
        "conv3.weight": (1, 3),
    }
    volume = torch.randn(2, 1, 5, 6, 7)
    for name in ("conv1", "conv3"):
        before, after = (net.get_submodule(name) for net in (one, three))
        bias = before.get_parameter("bias").view(1, -1, 1, 1, 1)
        expected = (before(volume) - bias) * factor + bias
        torch.testing.assert_close(after(volume.expand(-1, 3, -1, -1, -1)), expected)
    assert torch.equal(tensors["conv2.weight"], one.state_dict()["conv2.weight"])


def test_weights_for_as_many_channels_stay_and_others_are_left_to_be_refused() -> None:
    same, pairs = repeated(stem(3).state_dict(), stem(3), "repeat/n")
    assert pairs == []
    assert torch.equal(same["conv1.weight"], stem(3).state_dict()["conv1.weight"])
    fewer, pairs = repeated(stem(2).state_dict(), stem(3), "repeat/n")
    assert pairs == []
    assert fewer["conv1.weight"].shape[1] == 2
