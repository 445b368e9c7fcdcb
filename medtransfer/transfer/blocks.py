"""A timm network as a row of blocks, so that its lower part can be frozen, run once and its answers kept.

timm's networks all compute ``forward_head(forward_features(x))``, and for the families below ``forward_features`` is a
plain row of modules. Their blocks are listed here in the order in which they run. The lists hold the network's own
modules, nothing is copied: training a block trains the network, and the network's ``state_dict`` keeps its names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
from timm.models.convnext import ConvNeXt
from timm.models.densenet import DenseBlock, DenseNet
from timm.models.efficientnet import EfficientNet
from timm.models.mobilenetv3 import MobileNetV3
from timm.models.regnet import RegNet
from timm.models.resnet import ResNet
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

Block = tuple[str, nn.Module]


class Split(NamedTuple):
    """A network in two parts that share its modules: ``upper(lower(x))`` is the network's own answer."""

    lower: nn.Module
    upper: nn.Module


def blocks(network: nn.Module) -> list[Block]:
    """Return the blocks of a timm network with their names, in the order in which they run, without the head.

    A network of a family that is not known here is one single block, ``features``.
    """
    family = _family(network)
    if family is None:
        heads = {name.partition(".")[0] for name in head_names(network)}
        body = [name for name, _ in network.named_children() if name not in heads]
        return [("features", _Step(network, cast("Any", network).forward_features, body))]
    return list(family(network))


def has_blocks(network: nn.Module) -> bool:
    """Return whether the network can be divided between its blocks, and not just below its head."""
    return _family(network) is not None


def split_at(network: nn.Module, share: float) -> Split:
    """Divide a network into a lower and an upper part.

    Parameters
    ----------
    network
        A timm classification network; an input size is set before, not afterwards.
    share
        Share of the blocks that the lower part gets, in [0, 1], rounded to whole blocks: with 0 the lower part passes
        its input through, with 1 the upper part is the head alone. A network that is one single block goes below
        the division as a whole, or above it.

    Returns
    -------
    Split
        ``lower`` maps pictures ``(n, 3, y, x)`` to one tensor whose first axis is ``n``; ``upper`` maps that to logits
        ``(n, outputs)``. In evaluation mode ``upper(lower(x))`` equals ``network(x)`` bit for bit.
    """
    row = [block for _, block in blocks(network)]
    count = round(share * len(row))
    return Split(nn.Sequential(*row[:count]), nn.Sequential(*row[count:], _head(network, row)))


def freeze(module: nn.Module) -> None:
    """Keep a part as it is: no gradients, and evaluation mode, so that BatchNorm's statistics stay too.

    ``network.train()`` would undo the latter: call :func:`train` instead.
    """
    module.requires_grad_(requires_grad=False)
    module.eval()


def train(network: nn.Module, frozen: nn.Module) -> None:
    """Put a network into training mode but for its frozen part."""
    network.train()
    frozen.eval()


class _Step(nn.Module):
    """The first step of a network, which timm has as a method: runs it, and holds the modules that it uses.

    It also holds the parameters that lie in none of the network's modules: class tokens, position embeddings.
    """

    def __init__(self, network: nn.Module, run: Callable[[Tensor], Tensor], children: Sequence[str]) -> None:
        super().__init__()
        self._run = run
        for name in children:
            self.add_module(name, network.get_submodule(name))
        for name, parameter in network.named_parameters(recurse=False):
            self.register_parameter(name, parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Run the method."""
        return self._run(x)


class _Head(nn.Module):
    """The network's ``forward_head``; its dropout asks the network itself whether it is training."""

    def __init__(self, network: nn.Module, children: Sequence[str]) -> None:
        super().__init__()
        self._network = (network,)  # in a tuple torch does not see it: its other modules are not the head's
        for name in children:
            self.add_module(name, network.get_submodule(name))

    def forward(self, x: Tensor) -> Tensor:
        """Map features to logits ``(n, outputs)``."""
        logits: Tensor = cast("Any", self._network[0]).forward_head(x)
        return logits

    def train(self, mode: bool = True) -> _Head:  # noqa: FBT001, FBT002 - torch's signature
        """Set the mode here and in the network's own flag, leaving the network's other modules as they are."""
        super().train(mode)
        self._network[0].training = mode
        return self


class _DenseLayer(nn.Module):
    """A DenseNet layer that hands on what it was given together with what it adds."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Append the layer's channels: ``(n, c, y, x)`` to ``(n, c + growth, y, x)``."""
        return torch.cat([x, self.layer(x)], dim=1)


def _head(network: nn.Module, row: Sequence[nn.Module]) -> _Head:
    inside = {id(module) for block in row for module in block.modules()}
    own = [
        name for name, child in network.named_children() if not any(id(module) in inside for module in child.modules())
    ]
    return _Head(network, own)


def head_names(network: nn.Module) -> tuple[str, ...]:
    """Return the names of the network's last layers, which belong to its task: ``("classifier",)``, say."""
    names: str | Sequence[str] = cast("Any", network).pretrained_cfg["classifier"]
    return (names,) if isinstance(names, str) else tuple(names)


def _children(network: nn.Module, *names: str) -> Iterator[Block]:
    for name in names:
        for key, block in network.get_submodule(name).named_children():
            yield f"{name}.{key}", block


def _efficientnet(network: EfficientNet) -> Iterator[Block]:
    yield "stem", nn.Sequential(network.conv_stem, network.bn1)
    yield from _children(network, *(name for name, _ in _children(network, "blocks")))
    yield "head-conv", nn.Sequential(network.conv_head, network.bn2)


def _mobilenetv3(network: MobileNetV3) -> Iterator[Block]:
    yield "stem", nn.Sequential(network.conv_stem, network.bn1)
    yield from _children(network, *(name for name, _ in _children(network, "blocks")))


def _resnet(network: ResNet) -> Iterator[Block]:
    yield "stem", nn.Sequential(network.conv1, network.bn1, network.act1, network.maxpool)
    yield from _children(network, "layer1", "layer2", "layer3", "layer4")


def _regnet(network: RegNet) -> Iterator[Block]:
    yield "stem", network.stem
    yield from _children(network, "s1", "s2", "s3", "s4")
    yield "final-conv", network.final_conv


def _convnext(network: ConvNeXt) -> Iterator[Block]:
    yield "stem", network.stem
    for name, stage in _children(network, "stages"):
        yield f"{name}.downsample", stage.get_submodule("downsample")
        yield from _children(network, f"{name}.blocks")
    yield "norm-pre", network.norm_pre


def _densenet(network: DenseNet) -> Iterator[Block]:
    stem = nn.Sequential()
    for name, part in network.features.named_children():
        if isinstance(part, DenseBlock):
            if name == "denseblock1":
                yield "stem", stem
            yield from ((f"features.{name}.{key}", _DenseLayer(layer)) for key, layer in part.named_children())
        elif name.startswith(("transition", "norm5")):
            yield f"features.{name}", part
        else:
            stem.append(part)


def _vision_transformer(network: VisionTransformer) -> Iterator[Block]:
    def embed(x: Tensor) -> Tensor:
        x = network._pos_embed(network.patch_embed(x))  # noqa: SLF001 - timm has no public name for it
        embedded: Tensor = network.norm_pre(network.patch_drop(x))
        return embedded

    yield "stem", _Step(network, embed, ("patch_embed", "pos_drop", "patch_drop", "norm_pre"))
    yield from _children(network, "blocks")
    yield "norm", network.norm


_FAMILIES: Mapping[type[nn.Module], Callable[[Any], Iterator[Block]]] = {
    EfficientNet: _efficientnet,
    MobileNetV3: _mobilenetv3,
    ResNet: _resnet,
    RegNet: _regnet,
    ConvNeXt: _convnext,
    DenseNet: _densenet,
    VisionTransformer: _vision_transformer,
}


def _family(network: nn.Module) -> Callable[[Any], Iterator[Block]] | None:
    """Return how the network's blocks are listed; None where a subclass computes in a way of its own."""
    own: Any = type(network)
    for family, listing in _FAMILIES.items():
        theirs: Any = family
        if isinstance(network, family):
            same = own.forward_features is theirs.forward_features and own.forward is theirs.forward
            return listing if same else None
    return None
