"""Training a network for volumes: patches, deep supervision, stopped and resumed exactly.

The optimiser is that of nnU-Net and of STU-Net's authors: SGD with Nesterov momentum 0.99, weight decay 3e-5, gradients
clipped at 12, and a rate that falls polynomially from one epoch to the next. With equal rates for the layers that
answer and the rest it is their fine-tuning; a smaller rate for the rest is how their paper is quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from medtransfer import memory
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.verbs import Context
from medtransfer.errors import EnvironmentFailure
from medtransfer.transfer import checkpoints
from medtransfer.transfer.fit import Progress, wants_bf16
from medtransfer.transfer.volume_augment import VolumeAugmentation
from medtransfer.transfer.volume_cases import LearntVolume
from medtransfer.transfer.volume_frame import Triple
from medtransfer.transfer.volume_loss import deep_supervision
from medtransfer.transfer.volume_patches import Patch, draw

_MOMENTUM, _WEIGHT_DECAY = 0.99, 3e-5
_LARGEST_GRADIENT = 12.0
_POWER = 0.9
_SEEDS = 2**32

Tell = Callable[[Progress], None]


class PatchTooLarge(EnvironmentFailure):
    """Memory does not hold what one patch needs for a step."""

    def __init__(self) -> None:
        super().__init__(
            "the memory does not hold a single patch",
            code="training.memory",
            hint="Close other programs, choose a smaller network (`--set backbone=...`), or use a machine with more"
            " memory. What was trained is kept: the same training goes on from its last epoch.",
        )


@dataclass(frozen=True, eq=False)
class VolumeTask:
    """What the training of one network needs.

    Attributes
    ----------
    network
        Answers (n, C, z, y, x) with logits, in training mode with several, finest first.
    head
        Name of the layers that answer: they learn at ``recipe.head_learning_rate``.
    train
        Volumes to learn from.
    validate
        Returns how well the network does on the validation cases; larger is better.
    patch
        ``(z, y, x)`` in voxels.
    """

    network: nn.Module
    head: str
    train: Sequence[LearntVolume]
    validate: Callable[[nn.Module], float]
    patch: Triple
    augmentation: VolumeAugmentation
    recipe: Recipe


def fit(task: VolumeTask, checkpoint: Path, ctx: Context, tell: Tell) -> Progress:
    """Train, and leave the weights that did best on validation in ``task.network``; the first ones take part.

    Parameters
    ----------
    checkpoint
        Written after every epoch; when it exists, training goes on from there with the same result as if it had never
        stopped.
    tell
        Called after every epoch.

    Raises
    ------
    JobCancelled
        When the person stopped the job; the checkpoint stays.
    PluginError
        ``training.diverged`` when the loss is no longer a number.
    PatchTooLarge
        When memory does not hold a single patch; the checkpoint stays.
    """
    return _Training(task, ctx).run(checkpoint, tell)


class _Training:
    def __init__(self, task: VolumeTask, ctx: Context) -> None:
        self._task, self._ctx, self._recipe = task, ctx, task.recipe
        self._device = torch.device(ctx.device)
        # Validation lays a network out like this on a graphics card: a resumed training must not differ by the layout.
        layout = torch.channels_last_3d if self._device.type == "cuda" else torch.contiguous_format
        task.network.to(self._device).to(memory_format=layout)
        self._rates = (task.recipe.head_learning_rate, task.recipe.learning_rate)
        heads = [value for name, value in task.network.named_parameters() if _is_head(name, task.head)]
        others = [value for name, value in task.network.named_parameters() if not _is_head(name, task.head)]
        self._optimiser = torch.optim.SGD(
            [{"params": heads}, {"params": others}],
            lr=self._rates[0],
            momentum=_MOMENTUM,
            weight_decay=_WEIGHT_DECAY,
            nesterov=True,
        )
        self._together = task.recipe.batch_size
        self._progress = Progress()
        self._best = _copied(task.network)

    def run(self, checkpoint: Path, tell: Tell) -> Progress:
        if checkpoint.exists():
            self._resume(checkpoint)
        else:
            self._record(epoch=0, loss=None)
        while not self._finished():
            epoch = self._progress.epoch + 1
            self._record(epoch, self._one_epoch(epoch))
            self._save(checkpoint)
            tell(self._progress)
        self._task.network.load_state_dict(self._best)
        self._task.network.eval()
        return self._progress

    def _finished(self) -> bool:
        progress = self._progress
        waited = progress.epoch - progress.best_epoch
        return progress.epoch >= self._recipe.epochs or waited >= self._recipe.patience

    def _one_epoch(self, epoch: int) -> float:
        """Run one epoch and return its mean loss. All chance in it follows from the seed, the epoch and the step."""
        self._task.network.train()
        share = (1 - (epoch - 1) / self._recipe.epochs) ** _POWER
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        losses = []
        for step in range(self._recipe.iterations):
            self._ctx.check()
            losses.append(self._step([self._patch(epoch, step, place) for place in range(self._recipe.batch_size)]))
        mean = float(np.mean(losses))
        return checkpoints.require_finite(mean)

    def _patch(self, epoch: int, step: int, place: int) -> Patch:
        random = np.random.default_rng([self._recipe.seed, epoch, step, place])
        drawn = draw(self._task.train, self._task.patch, random)
        return self._task.augmentation(drawn, int(random.integers(_SEEDS)))

    def _step(self, patches: Sequence[Patch]) -> float:
        """Do one step of the optimiser, with fewer patches at a time when the memory does not hold all."""
        while (loss := self._gradients_if_memory_holds_them(patches)) is None:
            self._together = max(1, self._together // 2)
            memory.release()
            torch.cuda.empty_cache()
            self._ctx.log("warning", f"out of memory: going on with {self._together} of the patches at a time")
        nn.utils.clip_grad_norm_(self._task.network.parameters(), _LARGEST_GRADIENT)
        self._optimiser.step()
        return loss

    def _gradients_if_memory_holds_them(self, patches: Sequence[Patch]) -> float | None:
        """Return the loss, or None: only when the error is gone does torch free what its traceback held on to."""
        try:
            return self._gradients(patches)
        except Exception as error:
            if not memory.exhausted(error):
                raise
            if self._together > 1:
                return None
            raise PatchTooLarge from error

    def _gradients(self, patches: Sequence[Patch]) -> float:
        self._optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for start in range(0, len(patches), self._together):
            part = patches[start : start + self._together]
            values = torch.stack([patch.values for patch in part]).to(self._device)
            classes = torch.stack([patch.classes for patch in part]).to(self._device)
            with torch.autocast(self._device.type, torch.bfloat16, enabled=wants_bf16(self._recipe, self._device.type)):
                answers = self._task.network(values)
            loss = deep_supervision((answers,) if isinstance(answers, Tensor) else answers, classes)
            share = len(part) / len(patches)
            torch.autograd.backward(loss * share)
            total += float(loss.detach()) * share
        return total

    def _record(self, epoch: int, loss: float | None) -> None:
        """Judge the weights on validation and remember them if none before were better."""
        self._task.network.eval()
        score = self._task.validate(self._task.network)
        entry = {"epoch": float(epoch), "score": score, "validation_dice": score}
        if loss is not None:
            entry["loss"] = loss
        progress = self._progress
        progress.epoch = epoch
        progress.history.append(entry)
        if score > progress.best_score:
            progress.best_epoch, progress.best_score = epoch, score
            self._best = _copied(self._task.network)

    def _save(self, checkpoint: Path) -> None:
        state = {
            "weights": self._task.network.state_dict(),
            "best": self._best,
            "optimiser": self._optimiser.state_dict(),
            "progress": vars(self._progress),
            "together": self._together,
        }
        checkpoints.write(state, checkpoint)

    def _resume(self, checkpoint: Path) -> None:
        state = torch.load(checkpoint, map_location=self._device, weights_only=True)
        self._task.network.load_state_dict(state["weights"])
        self._best = state["best"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._progress = Progress(**state["progress"])
        self._together = state["together"]


def _is_head(name: str, head: str) -> bool:
    return name.startswith(f"{head}.")


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
