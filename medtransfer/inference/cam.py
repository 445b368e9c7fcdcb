"""Grad-CAM: which parts of an image speak for an answer.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017
(https://arxiv.org/abs/1610.02391): a channel's weight is the spatial mean of d(logit)/d(activation), the map is the
ReLU of the weighted sum over channels. The explained score is the logit before sigmoid or softmax.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from medtransfer.errors import PluginError, UserError
from medtransfer.inference.layers import channels_first, layer_name, layer_one_block_back, target_layer
from medtransfer.inference.maps import Maps, evaluating, scaled


class GradCam(Maps):
    """The maps of N images for K targets by Grad-CAM; ``raw`` is in logits."""


def gradcam(network: nn.Module, inputs: Tensor, targets: Sequence[int], layer: nn.Module | None = None) -> GradCam:
    """Explain several answers from one forward pass.

    Nothing below the layer is differentiated: the layers up to it run without a graph, and each target costs one
    backward pass from its logit down to the layer. When no gradient at all reaches a transformer's layer (the patch
    tokens behind the last attention of a network that reads its class token), the same layer one block back is
    explained instead; ``GradCam.layer`` names the one used.

    Parameters
    ----------
    network
        Maps (N, C, *spatial) to logits, (N, classes) or, for a single answer, (N,). It runs in evaluation mode and
        is left as it was.
    inputs
        float32, (N, C, H, W) or (N, C, D, H, W), on the network's device, prepared as the network expects.
    targets
        Positions in the logits, at least one; 0 for a network with one logit.
    layer
        The layer to explain; None chooses by :func:`medtransfer.inference.layers.target_layer`.

    Raises
    ------
    PluginError
        When no layer can be chosen, the layer has no spatial directions or does not lead to the answer, or the
        gradients are not finite.
    UserError
        When a target is not one of the network's answers.
    """
    explained = target_layer(network) if layer is None else layer
    features, gradients, logits = _differentiate(network, inputs, targets, explained)
    if not any(bool(gradient.any()) for gradient in gradients):
        earlier = layer_one_block_back(network, explained)
        if earlier is not None:
            explained = earlier
            features, gradients, logits = _differentiate(network, inputs, targets, explained)
    raw = torch.stack([_map(features, gradient) for gradient in gradients], dim=1)
    if not bool(torch.isfinite(raw).all()):
        raise PluginError(
            "The network's gradients are not finite.",
            code="gradcam.not_finite",
            hint="Explain the network in float32 and check its weights.",
        )
    return GradCam(
        maps=scaled(raw, inputs.shape[2:]).cpu().numpy(),
        raw=raw.cpu().numpy(),
        logits=logits.cpu().numpy(),
        layer=layer_name(network, explained),
    )


def _differentiate(
    network: nn.Module, inputs: Tensor, targets: Sequence[int], layer: nn.Module
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Return the layer's output, the gradient of each target's logit at it, both (N, C, *grid), and the logits."""
    with evaluating(network):
        leaf, logits = _forward(network, inputs, layer)
    classes = logits.shape[1]
    if not targets or any(not 0 <= target < classes for target in targets):
        raise UserError(
            f"The network has {classes} answers; a map was asked for another one, or for none.",
            code="gradcam.target",
            hint=f"Give targets between 0 and {classes - 1}.",
        )
    # Each logit of the batch depends on its own image alone, so one gradient of the sum serves all images.
    gradients = [torch.autograd.grad(logits[:, target].sum(), leaf, retain_graph=True)[0] for target in targets]
    spatial = inputs.shape[2:]
    features = channels_first(network, leaf.detach(), spatial).float()
    return features, [channels_first(network, g, spatial).float() for g in gradients], logits.detach().float()


def _forward(network: nn.Module, inputs: Tensor, layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Run the network once, with a graph that starts at the layer's output; return that output and the logits."""
    seen: list[Tensor] = []

    def start_graph(_module: nn.Module, _inputs: tuple[Tensor, ...], output: object) -> Tensor:
        if not isinstance(output, Tensor):
            raise PluginError(
                "The layer to explain returns something other than one tensor.",
                code="gradcam.layer_output",
                hint="Give a layer that returns one tensor.",
            )
        seen.append(output.detach().clone().requires_grad_())
        torch.set_grad_enabled(True)
        # A copy, because the next activation may work in place and would overwrite what is explained.
        return seen[-1].clone()

    handle = layer.register_forward_hook(start_graph)
    try:
        with torch.no_grad():
            logits = network(inputs)
    finally:
        handle.remove()
    if not seen or not isinstance(logits, Tensor) or not logits.requires_grad:
        raise PluginError(
            "The layer to explain does not lead to the network's answer.",
            code="gradcam.layer_unused",
            hint="Give a layer between the input and the logits.",
        )
    if logits.ndim == 1:
        logits = logits[:, None]
    if logits.ndim != 2 or logits.shape[0] != inputs.shape[0]:
        raise PluginError(
            f"The network's answer has the shape {tuple(logits.shape)} instead of (images, answers).",
            code="gradcam.logits",
            hint="Explain a network that gives one row of logits for each image.",
        )
    return seen[-1], logits


def _map(features: Tensor, gradient: Tensor) -> Tensor:
    weights = gradient.flatten(2).mean(dim=2)
    return torch.relu(torch.einsum("nc,nc...->n...", weights, features))
