"""How much memory a training step takes, told before it is tried, and what is said where memory ran out all the same.

The estimate counts the tensors that a step keeps for its gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from medtransfer import memory
from medtransfer.errors import EnvironmentFailure
from medtransfer.inference.machine import free_memory
from medtransfer.transfer.volume_frame import Triple

_OF_PARAMETERS = 4
"""Float32 numbers for each parameter: itself, its gradient, its momentum, and the best weights so far."""
_OF_LOGITS = 4
"""Float32 numbers for each logit of the finest output in the loss: its logarithm, the truth and their gradients."""
_BYTES = 4


def needed(network: nn.Module, batch: int, patch: Triple, channels: int = 1) -> int:
    """Return the bytes of one step in float32.

    The network is run on torch's device without memory, where tensors have shapes and no values.

    Parameters
    ----------
    network
        Takes (n, channels, z, y, x); moved to that device and not to be used again.
    batch, patch, channels
        How many patches at once, ``(z, y, x)`` of one in voxels, and its channels.
    """
    kept = 0

    def keep(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.numel() * tensor.element_size()
        return tensor

    network.to("meta").train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        answers = network(torch.empty(batch, channels, *patch, device="meta"))
    finest = answers if isinstance(answers, Tensor) else answers[0]
    parameters = sum(value.numel() for value in network.parameters())
    return kept + _BYTES * (_OF_PARAMETERS * parameters + _OF_LOGITS * finest.numel())


def free(device: torch.device) -> int:
    """Return the bytes that a device has free."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return free_memory()


@contextmanager
def explained(failure: EnvironmentFailure) -> Iterator[None]:
    """Raise that failure in place of whatever a library says when memory runs out.

    Raises
    ------
    EnvironmentFailure
        The one given, chained to the library's.
    """
    try:
        yield
    except Exception as error:
        if memory.exhausted(error):
            raise failure from error
        raise
