"""Attention rollout: which patches of an image a vision transformer's answer is made of.

Abnar & Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020 (https://arxiv.org/abs/2005.00928): a block's
attention is the mean over its heads; half of what a token becomes is its own, by the residual connection, so the
identity is added and rows are normalised; the product over the blocks says how much of each input token reaches each
token at the end. It knows nothing of the answer's sign nor of which finding is asked for: one map serves all of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from medtransfer.errors import PluginError
from medtransfer.inference.layers import channels_first
from medtransfer.inference.maps import Maps, evaluating, scaled

NAME = "Attention rollout"


class Rollout(Maps):
    """The maps of N images, K = 1; ``raw`` is each patch's share of what the answer is read from, at most 1 in all."""

    nowhere: ClassVar[str] = "The answer is not made of the image's patches."
    everywhere: ClassVar[str] = "The network looked at every part of the image equally."


def rollout(network: nn.Module, inputs: Tensor) -> Rollout:
    """Follow the attention of a vision transformer from its answer back to the patches.

    The answer is read from the class token, or from the mean of the patches' tokens: the network's own ``global_pool``
    says which. timm's fused attention, which keeps no weights, is off for this pass alone.

    Parameters
    ----------
    network
        One of timm's vision transformers. It runs in evaluation mode and is left as it was.
    inputs
        float32, (N, 3, H, W), on the network's device, prepared as the network expects.

    Raises
    ------
    PluginError
        ``rollout.network`` when the network has no attention of every token to every other one, or pools otherwise.
    """
    trunk, attentions = _attentions(network)
    seen: list[Tensor] = []
    with evaluating(network), _unfused(attentions), _listening(attentions, seen), torch.inference_mode():
        logits = network(inputs)
        if not seen or [found.shape[2:] for found in seen] != [seen[0].shape[-1:] * 2] * len(attentions):
            raise _unsuitable()
        shares = _flow(seen)[:, _read_tokens(trunk)].mean(dim=1)
        raw = channels_first(network, shares[:, :, None], inputs.shape[2:]).float()
        return Rollout(
            maps=scaled(raw, inputs.shape[2:]).cpu().numpy(),
            raw=raw.cpu().numpy(),
            logits=logits.float().cpu().numpy(),
            layer="blocks",
        )


def _flow(attentions: list[Tensor]) -> Tensor:
    """Return how much of each input token is in each token at the end, (N, tokens, tokens); rows sum to 1.

    ``attentions`` are those of the blocks in the order in which they run, (N, heads, tokens, tokens).
    """
    first = attentions[0]
    identity = torch.eye(first.shape[-1], dtype=first.dtype, device=first.device)
    flow = identity.expand(len(first), -1, -1)
    for attention in attentions:
        mixed = attention.mean(dim=1) + identity
        flow = (mixed / mixed.sum(dim=-1, keepdim=True)) @ flow
    return flow


def _read_tokens(trunk: nn.Module) -> slice:
    """Return which of the last tokens the answer is read from: the class token, or the mean of the others."""
    transformer = cast("Any", trunk)
    if transformer.global_pool == "token":
        return slice(0, 1)
    return slice(0 if transformer.pool_include_prefix else int(transformer.num_prefix_tokens), None)


def _attentions(network: nn.Module) -> tuple[nn.Module, list[nn.Module]]:
    """Return the transformer inside the network and its blocks' attention modules."""
    trunk = next((module for module in network.modules() if hasattr(module, "forward_features")), network)
    blocks = getattr(trunk, "blocks", None)
    found = [getattr(block, "attn", None) for block in blocks] if isinstance(blocks, nn.Sequential) else []
    known = [module for module in found if isinstance(module, nn.Module) and hasattr(module, "fused_attn")]
    pooled = getattr(trunk, "global_pool", "") in {"token", "avg"} and getattr(trunk, "attn_pool", None) is None
    if not known or len(known) != len(found) or not pooled:
        raise _unsuitable()
    return trunk, known


@contextlib.contextmanager
def _unfused(attentions: list[nn.Module]) -> Iterator[None]:
    switches: list[Any] = list(attentions)
    before = [switch.fused_attn for switch in switches]
    try:
        for switch in switches:
            switch.fused_attn = False
        yield
    finally:
        for switch, fused in zip(switches, before, strict=True):
            switch.fused_attn = fused


@contextlib.contextmanager
def _listening(attentions: list[nn.Module], seen: list[Tensor]) -> Iterator[None]:
    """Keep every block's attention weights, which its dropout is given: (N, heads, tokens, tokens)."""

    def keep(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen.append(given[0])

    hooks = [attention.get_submodule("attn_drop").register_forward_pre_hook(keep) for attention in attentions]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _unsuitable() -> PluginError:
    return PluginError(
        "Attention rollout needs a vision transformer whose answer is read from its class token or its patches' mean.",
        code="rollout.network",
        hint="Explain this network by Grad-CAM.",
    )
