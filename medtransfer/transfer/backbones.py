"""timm's networks by name, without ever downloading anything, and the parameter groups for tuning them."""

from __future__ import annotations

import difflib
import fnmatch
import inspect
from collections.abc import Container
from typing import Any, cast

import timm
from timm.models import group_parameters
from torch import nn

from medtransfer.errors import UserError
from medtransfer.transfer.blocks import Split, blocks, freeze, has_blocks, head_names, split_at, train

__all__ = [
    "MEAN_POOLED",
    "Split",
    "blocks",
    "create",
    "feature_dimension",
    "freeze",
    "has_blocks",
    "head_names",
    "new_layers",
    "parameter_groups",
    "set_input_size",
    "split_at",
    "train",
]

MEAN_POOLED = {f"vit_{size}_patch16_mean_224": f"vit_{size}_patch16_224" for size in ("tiny", "small", "base")}
"""Vision transformers that answer from the mean of their patches and not from the class token, by timm's name.

This is how networks of masked pretraining are tuned (He et al., CVPR 2022, appendix A: ``fc_norm`` behind the mean).
"""
_DROP_PATH = "drop_path_rate"


def create(name: str, outputs: int, dropout: float = 0.0, drop_path: float = 0.0) -> nn.Module:
    """Build a network with random weights.

    Parameters
    ----------
    name
        One of ``timm.list_models()``, or of :data:`MEAN_POOLED`. Names that make timm look on a hub (``hf-hub:...``)
        are not among them.
    outputs
        Length of the logits.
    dropout
        Dropout before the last layer, in [0, 1).
    drop_path
        Chance with which the last residual block is left out in training, in [0, 1); earlier ones by as much less as
        they come earlier (Huang et al., ECCV 2016). Networks without such blocks, as DenseNets, do without.

    Raises
    ------
    UserError
        ``backbone.unknown``: timm has no such network; the hint names the nearest ones.
    """
    known = [*timm.list_models(), *MEAN_POOLED]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3) or ["tf_efficientnet_lite0", "resnet50", "densenet121"]
        raise UserError(
            f"there is no network called {name[:80]!r}",
            code="backbone.unknown",
            hint=f"Did you mean {' or '.join(near)}? Networks are named as in timm.",
        )
    settings: dict[str, Any] = {"num_classes": outputs, "drop_rate": dropout}
    if name in MEAN_POOLED:
        settings |= {"global_pool": "avg", "fc_norm": True}
    network: nn.Module = timm.create_model(MEAN_POOLED.get(name, name), pretrained=False, **settings)
    if drop_path and _DROP_PATH in inspect.signature(type(network)).parameters:
        settings[_DROP_PATH] = drop_path
        network = timm.create_model(MEAN_POOLED.get(name, name), pretrained=False, **settings)
    return network


def set_input_size(network: nn.Module, size: int) -> None:
    """Make a network take square pictures of another size.

    Convolutional networks take any size. Vision transformers are built for one, and their position embedding is
    interpolated: load pretrained weights before, and weights that were tuned at ``size`` afterwards.
    """
    if hasattr(network, "set_input_size"):
        cast("Any", network).set_input_size(img_size=(size, size))


def feature_dimension(network: nn.Module) -> int:
    """Return the length of the feature vector that the last layer sees (``forward_head(x, pre_logits=True)``)."""
    return int(cast("Any", network).head_hidden_size)


def new_layers(network: nn.Module, tensors: Container[str]) -> tuple[str, ...]:
    """Return the layers that start afresh in a new task: the last ones, and a normalisation that a file lacks.

    Networks of masked pretraining are normalised before the mean of the patches is taken and not behind it: the layer
    ``fc_norm`` of those in :data:`MEAN_POOLED` is new then.
    """
    lacking = any(name.startswith("fc_norm.") and name not in tensors for name in network.state_dict())
    return (*head_names(network), *(["fc_norm"] if lacking else []))


def parameter_groups(
    network: nn.Module, learning_rate: float, head_learning_rate: float, weight_decay: float, layer_decay: float
) -> list[dict[str, Any]]:
    """Return the groups for torch's optimisers: of those parameters that require a gradient, frozen ones are left out.

    Layer-wise decay as in Clark et al. 2020 (ELECTRA) and BEiT, with timm's numbering of layers: the learning rate of
    layer i of L is ``learning_rate * layer_decay ** (L - 1 - i)``. The last layers, :func:`head_names`, get
    ``head_learning_rate``. Parameters of one dimension (biases, normalisation) and those that the network itself
    excludes (position embeddings) get no weight decay.
    """
    heads = tuple(f"{name}." for name in head_names(network))
    excluded = cast("Any", network).no_weight_decay() if hasattr(network, "no_weight_decay") else ()
    layers = _layers(network)
    top = max(layers.values(), default=0)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = layer_decay ** (top - layers.get(name, top))
        rate = head_learning_rate if name.startswith(heads) else learning_rate * scale
        spared = parameter.ndim <= 1 or any(fnmatch.fnmatchcase(name, pattern) for pattern in excluded)
        groups.setdefault((rate, 0.0 if spared else weight_decay), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def _layers(network: nn.Module) -> dict[str, int]:
    """Return the number of each parameter's layer, from the input upwards; empty where timm numbers none."""
    if not hasattr(network, "group_matcher"):
        return {}
    matcher = cast("Any", network).group_matcher(coarse=False)
    return dict(group_parameters(network, matcher, reverse=True))
