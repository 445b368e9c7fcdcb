"""Training of the starter on views of one labelled CT: resumable, on any number of cores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from medtransfer_stunet.network import STUNet
from torch import Generator, Tensor

from medtransfer.transfer import checkpoints
from medtransfer.transfer.volume_loss import deep_supervision
from stunet_starter.views import Labelled, Triple, view

BATCH = 1
WARM_UP = 100
WEIGHT_DECAY = 1e-4
AVERAGED = 0.998
"""Share of the running mean of the weights that stays in each step; the mean is what is kept."""
KEPT_EVERY = 50

Tell = Callable[[int, float], None]


@dataclass(frozen=True)
class Course:
    """A part of the training, with a learning rate that falls from ``rate`` to nothing (half a cosine)."""

    iterations: int
    rate: float
    agent_share: float
    """Share of its views that show contrast agent."""


def train(
    network: STUNet, source: Labelled, patch: Triple, courses: Sequence[Course], checkpoint: Path, tell: Tell
) -> STUNet:
    """Train through the courses, on from the checkpoint if there is one, and return the network with mean weights."""
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    mean = {name: value.clone() for name, value in network.state_dict().items()}
    begun = _resumed(network, optimiser, mean, checkpoint)
    network.train()
    steps = [(course, taken) for course in courses for taken in range(course.iterations)]
    for step, (course, taken) in enumerate(steps[begun:], start=begun):
        for group in optimiser.param_groups:
            group["lr"] = _rate(course, taken)
        draw = Generator().manual_seed(1_000_003 * (step + 1))
        loss = _step(network, optimiser, [view(source, patch, course.agent_share, draw) for _ in range(BATCH)])
        _average(mean, network, min(AVERAGED, (1 + step) / (10 + step)))
        tell(step + 1, loss)
        if (step + 1) % KEPT_EVERY == 0 or step + 1 == len(steps):
            _keep(network, optimiser, mean, step + 1, checkpoint)
    network.load_state_dict(mean)
    return network.eval()


def _step(network: STUNet, optimiser: torch.optim.Optimizer, views: Sequence[tuple[Tensor, Tensor]]) -> float:
    values, classes = (torch.stack(parts) for parts in zip(*views, strict=True))
    with torch.autocast("cpu", torch.bfloat16):
        answers = network(values)
    loss = deep_supervision(answers, classes)
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(network.parameters(), 12.0)  # nnU-Net's bound
    optimiser.step()
    return float(loss.detach())


def _rate(course: Course, taken: int) -> float:
    warm = min(1.0, (taken + 1) / WARM_UP)
    return course.rate * warm * (0.5 + 0.5 * math.cos(math.pi * taken / course.iterations))


@torch.no_grad()
def _average(mean: dict[str, Tensor], network: STUNet, share: float) -> None:
    for name, value in network.state_dict().items():
        mean[name].lerp_(value, 1 - share)


def _keep(
    network: STUNet, optimiser: torch.optim.Optimizer, mean: dict[str, Tensor], step: int, checkpoint: Path
) -> None:
    state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean, "step": step}
    checkpoints.write(state, checkpoint)


def _resumed(network: STUNet, optimiser: torch.optim.Optimizer, mean: dict[str, Tensor], checkpoint: Path) -> int:
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True)
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    mean.update(state["mean"])
    return int(state["step"])
