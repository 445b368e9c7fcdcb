"""A network compiled as the job's context asks for it, by torch where OpenVINO cannot convert it."""

from __future__ import annotations

import torch
from torch import nn

from medtransfer.contract.verbs import Context
from medtransfer.errors import PluginError
from medtransfer.inference import runtime
from medtransfer.inference.machine import Runtime


def compiled(network: nn.Module, size: int, ctx: Context) -> tuple[runtime.CompiledNetwork, Runtime]:
    """Compile a network for pictures (n, 3, size, size) and say which runtime runs it.

    Raises
    ------
    EnvironmentFailure
        When the machine lacks the runtime.
    """
    example = torch.zeros(1, 3, size, size)
    try:
        return runtime.compile_network(network, example, ctx.device, ctx.runtime), ctx.runtime
    except PluginError:
        if ctx.runtime == "torch":
            raise
        ctx.log("warning", "OpenVINO cannot run this network: torch does")
        return runtime.compile_network(network, example, ctx.device, "torch"), "torch"
