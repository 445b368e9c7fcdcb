"""Where in a network to look: the layer that Grad-CAM explains, and how its output lies in space.

Everything is read from the network's own attributes, which timm's networks state (``patch_embed``, ``blocks``,
``output_fmt``, the order of the children); no grid size and no layer name of a particular network is assumed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from torch import Tensor, nn

from medtransfer.errors import PluginError

_HEAD_NAMES = frozenset({"global_pool", "avgpool", "pre_logits", "head", "classifier", "fc"})
_HEAD_TYPES = (
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool2d,
    nn.AdaptiveMaxPool3d,
    nn.Flatten,
    nn.Linear,
)
_NAME_THE_LAYER = "Give the layer to explain: the last one whose output still has the image's directions."


def target_layer(network: nn.Module) -> nn.Module:
    """Choose the layer whose output still has spatial directions and is closest to the answer.

    The choices are those of the users of the ``grad-cam`` package: for a vision transformer the first normalisation
    of the last block (with a class token the gradient of the patch tokens is exactly zero behind that block), for Swin
    the same in the last stage, for a convolutional network the last module before pooling (``layer4[-1]`` of a ResNet,
    ``features.norm5`` of a DenseNet, ``bn2`` behind ``conv_head`` of an EfficientNet).

    Raises
    ------
    PluginError
        When the network does not show where its features end; name the layer then.
    """
    trunk = next((module for module in network.modules() if hasattr(module, "forward_features")), network)
    layer = _last_transformer_norm(trunk) or _last_before_head(trunk)
    if layer is None:
        raise PluginError(
            "The network does not show which layer comes before its pooling.",
            code="gradcam.no_layer",
            hint=_NAME_THE_LAYER,
        )
    return layer


def layer_name(network: nn.Module, layer: nn.Module) -> str:
    """Return the dotted name of ``layer`` inside ``network``.

    Raises
    ------
    PluginError
        When the layer is not part of the network.
    """
    for name, module in network.named_modules():
        if module is layer:
            return str(name)
    raise PluginError(
        "The layer to explain is not part of the network.", code="gradcam.foreign_layer", hint=_NAME_THE_LAYER
    )


def layer_one_block_back(network: nn.Module, layer: nn.Module) -> nn.Module | None:
    """Return the same layer of the block before (``blocks.11.norm1`` gives ``blocks.10.norm1``), or None at the end."""
    name = layer_name(network, layer)
    found = re.fullmatch(r"(?P<head>.*\bblocks\.)(?P<block>\d+)(?P<tail>.*)", name)
    if found is None or found["block"] == "0":
        return None
    earlier = f"{found['head']}{int(found['block']) - 1}{found['tail']}"
    return dict(network.named_modules()).get(earlier)


def channels_first(network: nn.Module, features: Tensor, spatial: Sequence[int]) -> Tensor:
    """Bring a layer's output, or its gradient, into the axis order (N, C, *grid).

    Parameters
    ----------
    network
        The network that the layer belongs to.
    features
        (N, C, *grid), (N, *grid, C) as in Swin, or (N, tokens, C) as in a vision transformer.
    spatial
        The input's spatial shape, in pixels, in the same axis order as the grid.

    Raises
    ------
    PluginError
        When the output has no spatial directions, or the number of tokens does not fit the network's grid.
    """
    if features.ndim == len(spatial) + 2:
        return features.movedim(-1, 1) if _is_channels_last(network, features, spatial) else features
    if features.ndim == 3:
        return _tokens_on_grid(network, features, spatial)
    raise PluginError(
        f"The layer's output has {features.ndim} axes, which cannot be laid over the image.",
        code="gradcam.layer_shape",
        hint=_NAME_THE_LAYER,
    )


def _last_transformer_norm(trunk: nn.Module) -> nn.Module | None:
    blocks = getattr(trunk, "blocks", None)
    stages = getattr(trunk, "layers", None)
    if isinstance(stages, (nn.Sequential, nn.ModuleList)) and len(stages):
        blocks = getattr(stages[-1], "blocks", None)
    if not hasattr(trunk, "patch_embed") or not isinstance(blocks, (nn.Sequential, nn.ModuleList)) or not len(blocks):
        return None
    norm = getattr(blocks[-1], "norm1", None)
    return norm if isinstance(norm, nn.Module) else None


def _last_before_head(trunk: nn.Module) -> nn.Module | None:
    last: nn.Module | None = None
    for name, child in trunk.named_children():
        if _is_head(name, child):
            break
        if not isinstance(child, nn.Identity):
            last = child
    else:
        return None
    while isinstance(last, nn.Sequential) and len(last) and not isinstance(last[-1], nn.Identity):
        last = last[-1]
    return last


def _is_head(name: str, child: nn.Module) -> bool:
    if isinstance(child, nn.Sequential):
        return name in _HEAD_NAMES or any(isinstance(part, _HEAD_TYPES) for part in child)
    return name in _HEAD_NAMES or isinstance(child, _HEAD_TYPES)


def _is_channels_last(network: nn.Module, features: Tensor, spatial: Sequence[int]) -> bool:
    """Decide by the reductions: a network reduces every direction of the image by nearly the same factor."""
    first, last = _spread(features.shape[2:], spatial), _spread(features.shape[1:-1], spatial)
    if math.isclose(first, last):
        return any(str(getattr(module, "output_fmt", "")) == "NHWC" for module in network.modules())
    return last < first


def _spread(grid: Sequence[int], spatial: Sequence[int]) -> float:
    reductions = [math.log(size / cells) for size, cells in zip(spatial, grid, strict=True)]
    return max(reductions) - min(reductions)


def _tokens_on_grid(network: nn.Module, tokens: Tensor, spatial: Sequence[int]) -> Tensor:
    owner = next((module for module in network.modules() if hasattr(module, "patch_embed")), None)
    grid = _token_grid(owner, spatial) if owner is not None else None
    if grid is None:
        raise PluginError(
            "The network does not state the grid of its tokens.", code="gradcam.no_grid", hint=_NAME_THE_LAYER
        )
    prefix = getattr(owner, "num_prefix_tokens", tokens.shape[1] - math.prod(grid))
    if prefix < 0 or prefix + math.prod(grid) != tokens.shape[1]:
        raise PluginError(
            f"The layer has {tokens.shape[1]} tokens, the network's grid has {math.prod(grid)}.",
            code="gradcam.grid",
            hint=_NAME_THE_LAYER,
        )
    return tokens[:, prefix:].reshape(tokens.shape[0], *grid, tokens.shape[2]).movedim(-1, 1)


def _token_grid(owner: nn.Module, spatial: Sequence[int]) -> tuple[int, ...] | None:
    embed = owner.patch_embed
    by_size = getattr(embed, "dynamic_feat_size", None)
    grid = by_size(tuple(spatial)) if callable(by_size) else getattr(embed, "grid_size", None)
    return tuple(int(cells) for cells in grid) if isinstance(grid, Sequence) else None
