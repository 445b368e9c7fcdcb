"""Names of published files become timm's names, one to one."""

from __future__ import annotations

import pytest
import torch

from medtransfer.errors import DataError
from medtransfer.transfer.keymaps import renamed

NUMBER = torch.zeros(1)


@pytest.mark.parametrize(
    ("published", "timms"),
    [
        ("_conv_stem.weight", "conv_stem.weight"),
        ("_bn0.running_mean", "bn1.running_mean"),
        ("_blocks.0._depthwise_conv.weight", "blocks.0.0.conv_dw.weight"),
        ("_blocks.0._project_conv.weight", "blocks.0.0.conv_pw.weight"),
        ("_blocks.2._expand_conv.weight", "blocks.1.1.conv_pw.weight"),
        ("_blocks.15._project_conv.weight", "blocks.6.0.conv_pwl.weight"),
        ("_blocks.15._bn2.bias", "blocks.6.0.bn3.bias"),
        ("_bn1.weight", "bn2.weight"),
        ("_fc.bias", "classifier.bias"),
        ("_blocks.16._bn2.bias", "_blocks.16._bn2.bias"),
        ("something.else", "something.else"),
    ],
)
def test_lite0(published: str, timms: str) -> None:
    assert list(renamed({published: NUMBER}, "efficientnet-lite0")) == [timms]


@pytest.mark.parametrize(
    ("published", "timms"),
    [
        (
            "features.denseblock2.denselayer11.norm.1.running_var",
            "features.denseblock2.denselayer11.norm1.running_var",
        ),
        ("features.denseblock1.denselayer1.conv.2.weight", "features.denseblock1.denselayer1.conv2.weight"),
        ("features.transition1.conv.weight", "features.transition1.conv.weight"),
        ("features.denseblock1.denselayer1.norm1.weight", "features.denseblock1.denselayer1.norm1.weight"),
    ],
)
def test_torchvision_densenet(published: str, timms: str) -> None:
    assert list(renamed({published: NUMBER}, "torchvision-densenet")) == [timms]


def test_two_tensors_of_one_name_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        renamed({"_fc.bias": NUMBER, "classifier.bias": NUMBER}, "efficientnet-lite0")
    assert caught.value.code == "weights.names"
