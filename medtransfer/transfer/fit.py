"""Training one label's network: our loop, on whatever device Fabric finds, stopped and resumed exactly.

BatchNorm keeps its pretrained statistics: batches are small, and pictures of one clinic are not a sample of the world.
What validation looks at, and what is kept, is the running mean of the weights (Polyak averaging), itself averaged with
the weights that training started from. Epoch 0, the network before its first step, takes part in the choice: training
can end with "better as it was".
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from medtransfer import memory
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.verbs import Context
from medtransfer.errors import EnvironmentFailure
from medtransfer.transfer import checkpoints, metrics
from medtransfer.transfer.backbones import parameter_groups
from medtransfer.transfer.prepared import Inputs

_AVERAGE = 0.98
"""Decay of the running mean of the weights per step, reached after a warm-up."""
_SMALLEST_SHARE = 0.01
"""The learning rate ends at this share of its start."""


@dataclass(frozen=True, eq=False)
class LabelledKeys:
    """Cases whose answer is known: their keys and 1 or 0 for each, (n,).

    Where a network learns several answers at once they are (n, outputs), with NaN for unknown ones.
    """

    keys: Sequence[str]
    truth: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LabelTask:
    """What one label's training needs.

    ``trainable`` is the part of ``network`` that maps ``inputs`` to logits (n, outputs); parameters outside of it are
    frozen.
    Weights that are not ``pretrained`` are no good to average with.
    """

    label: str
    network: nn.Module
    trainable: nn.Module
    inputs: Inputs
    train: LabelledKeys
    validation: LabelledKeys
    recipe: Recipe
    pretrained: bool = True


@dataclass
class Progress:
    """Where a training stands: everything that resuming needs besides weights and optimiser."""

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Batch:
    """The cases of one step, which view of each, and the seed of its dropout."""

    chosen: NDArray[np.int64]
    views: NDArray[np.int64]
    seed: int


def fit(task: LabelTask, checkpoint: Path, ctx: Context, tell: Callable[[Progress], None]) -> Progress:
    """Train, and leave the best weights in ``task.network``.

    Parameters
    ----------
    checkpoint
        Written after every epoch; when it exists, training goes on from there with the same result, bit for bit on
        the same machine, as if it had never stopped.
    tell
        Called after every epoch.

    Raises
    ------
    JobCancelled
        When the person stopped the job; the checkpoint stays.
    PluginError
        ``training.diverged`` when the loss is no longer a number.
    """
    return _Training(task, ctx).run(checkpoint, tell)


class _Training:
    def __init__(self, task: LabelTask, ctx: Context) -> None:
        recipe = task.recipe
        self._task, self._ctx, self._recipe = task, ctx, recipe
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Fabric advises on hardware that the person chose or lacks.
            precision: Any = "bf16-mixed" if wants_bf16(recipe, ctx.device) else "32-true"
            self._fabric = Fabric(accelerator=ctx.device, devices=1, precision=precision)
        groups = parameter_groups(
            task.network, recipe.learning_rate, recipe.head_learning_rate, recipe.weight_decay, recipe.layer_decay
        )
        self._rates = [group["lr"] for group in groups]
        # setup() moves the whole network; the trainable part shares its modules.
        self._module, self._optimizer = self._fabric.setup(task.trainable, torch.optim.AdamW(groups))
        self._module.to(memory_format=torch.channels_last)
        self._start = _trainable_state(task.trainable)
        self._average = _trainable_state(task.trainable)
        self._best = _trainable_state(task.trainable)
        self._chunk = recipe.batch_size
        self._steps_per_epoch = max(1, math.ceil(len(task.train.keys) / recipe.batch_size))
        self._positive_weight = _positive_weight(task.train.truth, recipe).to(self._fabric.device)
        self._progress = Progress()

    def run(self, checkpoint: Path, tell: Callable[[Progress], None]) -> Progress:
        if checkpoint.exists():
            self._resume(checkpoint)
        else:
            self._record(epoch=0, loss=None)
        while not self._finished():
            epoch = self._progress.epoch + 1
            loss = self._one_epoch(epoch)
            self._record(epoch, loss)
            self._save(checkpoint)
            tell(self._progress)
        _load_trainable(self._task.trainable, self._best)
        self._task.network.eval()
        return self._progress

    def _finished(self) -> bool:
        progress = self._progress
        waited = progress.epoch - progress.best_epoch
        return progress.epoch >= self._recipe.epochs or waited >= self._recipe.patience

    def _one_epoch(self, epoch: int) -> float:
        """Run one epoch and return its mean loss. All chance in it follows from the seed and the epoch's number."""
        recipe, train = self._recipe, self._task.train
        generator = np.random.default_rng([recipe.seed, epoch])
        order = generator.permutation(len(train.keys))
        self._task.trainable.train()
        for module in self._task.trainable.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        total = 0.0
        for step in range(self._steps_per_epoch):
            self._ctx.check()
            chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            cached = generator.integers(recipe.views, size=len(chosen))
            views = cached if recipe.tune != "all" else np.full(len(chosen), epoch)
            self._set_rates((epoch - 1) * self._steps_per_epoch + step)
            total += self._step(_Batch(chosen, views, int(generator.integers(2**31)))) * len(chosen)
        mean = total / len(order)
        return checkpoints.require_finite(mean)

    def _step(self, batch: _Batch) -> float:
        """Do one step of the optimiser, in smaller pieces when the device's memory does not hold the batch.

        BatchNorm being frozen, the pieces' gradients add up to the batch's.
        """
        while (loss := self._gradients_if_memory_holds_them(batch)) is None:
            self._chunk = max(1, self._chunk // 2)
            memory.release()
            torch.cuda.empty_cache()
            self._ctx.log("warning", f"out of memory: going on with pieces of {self._chunk}")
        self._optimizer.step()
        self._update_average()
        return loss

    def _gradients_if_memory_holds_them(self, batch: _Batch) -> float | None:
        """Return the loss, or None: only when the error is gone does torch free what its traceback held on to."""
        try:
            return self._gradients(batch)
        except Exception as error:
            if not memory.exhausted(error):
                raise
            if self._chunk > 1:
                return None
            raise EnvironmentFailure(
                "the memory does not hold a single picture of this size",
                code="training.memory",
                hint="Use a smaller input size (`--set input_size=...`), or a machine with more memory. What was"
                " trained is kept: the same training goes on from its last epoch.",
            ) from error

    def _gradients(self, batch: _Batch) -> float:
        torch.manual_seed(batch.seed)
        self._optimizer.zero_grad()
        total = 0.0
        for start in range(0, len(batch.chosen), self._chunk):
            part = batch.chosen[start : start + self._chunk]
            views = batch.views[start : start + self._chunk]
            inputs = torch.cat(
                [
                    self._task.inputs.batch([self._task.train.keys[i]], int(view))
                    for i, view in zip(part, views, strict=True)
                ]
            )
            truth = torch.from_numpy(_columns(self._task.train.truth[part])).float().to(self._fabric.device)
            logits = self._module(_placed(inputs, self._fabric.device))
            loss = self._loss(logits.float(), truth) * (len(part) / len(batch.chosen))
            self._fabric.backward(loss)
            total += float(loss.detach())
        return total

    def _loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Return the mean over what is known of (n, outputs)."""
        known = ~truth.isnan()
        each = nn.functional.binary_cross_entropy_with_logits(
            logits, truth.nan_to_num(), pos_weight=self._positive_weight, reduction="none"
        )
        return each[known].mean() if known.any() else logits.sum() * 0.0

    def _set_rates(self, step: int) -> None:
        """Warm up linearly, then fall along half a cosine."""
        warm = self._recipe.warmup_epochs * self._steps_per_epoch
        whole = self._recipe.epochs * self._steps_per_epoch
        if step < warm:
            share = (step + 1) / warm
        else:
            done = (step - warm) / max(1, whole - warm)
            share = _SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * 0.5 * (1 + math.cos(math.pi * done))
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share

    def _update_average(self) -> None:
        step = (self._progress.epoch + 1) * self._steps_per_epoch
        decay = min(_AVERAGE, step / (step + 10))
        for name, value in _trainable_state(self._task.trainable, copied=False).items():
            self._average[name].lerp_(value, 1 - decay)

    def _record(self, epoch: int, loss: float | None) -> None:
        """Judge the weights that would be kept on validation and remember them if none before were better."""
        current = _trainable_state(self._task.trainable)
        keep = self._recipe.start_share if self._task.pretrained else 0.0
        candidate = {name: torch.lerp(value, self._start[name], keep) for name, value in self._average.items()}
        _load_trainable(self._task.trainable, candidate)
        validation = self._task.validation
        logits = answers(self._task.trainable, self._task.inputs, validation.keys, self._fabric.device)
        _load_trainable(self._task.trainable, current)
        entry = {"epoch": float(epoch), **_judged(logits, _columns(validation.truth))}
        if loss is not None:
            entry["loss"] = loss
        progress = self._progress
        progress.epoch = epoch
        progress.history.append(entry)
        if entry["score"] > progress.best_score:
            progress.best_epoch, progress.best_score = epoch, entry["score"]
            self._best = candidate

    def _save(self, checkpoint: Path) -> None:
        state = {
            "weights": _trainable_state(self._task.trainable),
            "average": self._average,
            "best": self._best,
            "optimizer": self._optimizer.state_dict(),
            "progress": vars(self._progress),
            "chunk": self._chunk,
        }
        checkpoints.write(state, checkpoint)

    def _resume(self, checkpoint: Path) -> None:
        state = torch.load(checkpoint, map_location=self._fabric.device, weights_only=True)
        _load_trainable(self._task.trainable, state["weights"])
        self._average, self._best = state["average"], state["best"]
        self._optimizer.load_state_dict(state["optimizer"])
        self._progress = Progress(**state["progress"])
        self._chunk = state["chunk"]


def predict(trainable: nn.Module, inputs: Inputs, keys: Sequence[str], device: torch.device) -> NDArray[np.float64]:
    """Return the logits of these cases as they are, shape (n,): those of the first output."""
    return answers(trainable, inputs, keys, device)[:, 0]


def answers(trainable: nn.Module, inputs: Inputs, keys: Sequence[str], device: torch.device) -> NDArray[np.float64]:
    """Return the logits of these cases as they are, shape (n, outputs)."""
    trainable.eval()
    found: list[Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(keys), 32):
            batch = _placed(inputs.batch(keys[start : start + 32], 0), device)
            found.append(trainable(batch).float().cpu())
    return torch.cat(found).double().numpy() if found else np.empty((0, 1))


def _placed(inputs: Tensor, device: torch.device) -> Tensor:
    """Bring inputs to the device; maps channels last, in which depthwise convolutions are several times faster."""
    layout = torch.channels_last if inputs.ndim == 4 else torch.contiguous_format
    return inputs.to(device, memory_format=layout)


def _columns(truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return answers (n,) or (n, outputs) as (n, outputs)."""
    return truth[:, None] if truth.ndim == 1 else truth


def _judged(logits: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, float]:
    """Return ``score`` and ``log_loss`` of (n, outputs).

    The score is the mean AUROC of outputs that have both classes, weighted by the number of cases of the rarer class: a
    few cases must not decide for all. Where no output has both it is the negative log loss.
    """
    losses, areas, weights = [], [], []
    for said, given in zip(logits.T, truth.T, strict=True):
        known = ~np.isnan(given)
        if not known.any():
            continue
        positive = given[known] > 0.5
        probabilities = 1.0 / (1.0 + np.exp(-said[known]))
        right = np.where(positive, probabilities, 1 - probabilities)
        losses.append(-float(np.mean(np.log(right + 1e-12))))
        if 0 < positive.mean() < 1:
            areas.append(float(metrics.auroc(metrics.rank(positive, said[known]))[0]))
            weights.append(min(positive.sum(), (~positive).sum()))
    loss = float(np.mean(losses))
    if not areas:
        return {"score": -loss, "log_loss": loss}
    area = float(np.average(areas, weights=weights))
    return {"score": area, "validation_auroc": area, "log_loss": loss}


def _positive_weight(truth: NDArray[np.float64], recipe: Recipe) -> Tensor:
    """Return the weight of positive cases for each output, (outputs,)."""
    columns = _columns(truth)
    positives, known = np.nansum(columns, axis=0), (~np.isnan(columns)).sum(axis=0)
    balanced = (known - positives) / np.maximum(1.0, positives)
    weight = balanced if recipe.class_balance == "weighted" else np.ones_like(balanced)
    return torch.from_numpy(np.minimum(weight, recipe.max_positive_weight)).float()


def wants_bf16(recipe: Recipe, device: str) -> bool:
    """Say whether a network is trained in bfloat16 on that device."""
    return recipe.precision == "bf16" or (recipe.precision == "auto" and device == "cuda")


def _trainable_state(module: nn.Module, *, copied: bool = True) -> dict[str, Tensor]:
    """Return the parameters that learn; the rest is the same before and after."""
    learning = {name: value.detach() for name, value in module.named_parameters() if value.requires_grad}
    return {name: value.clone() for name, value in learning.items()} if copied else learning


def _load_trainable(module: nn.Module, state: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in module.named_parameters():
            if value.requires_grad:
                value.copy_(state[name])
