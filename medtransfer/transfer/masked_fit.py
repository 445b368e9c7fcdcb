"""The loop of masked pretraining, with a checkpoint after every epoch from which it goes on exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from medtransfer.contract.bundle import Preprocessing
from medtransfer.contract.pretraining import PretrainRecipe
from medtransfer.contract.verbs import Context
from medtransfer.inference.machine import cpu_has_bf16
from medtransfer.transfer import checkpoints, masked_autoencoder, masked_views
from medtransfer.transfer.masked_autoencoder import PATCH, mask
from medtransfer.transfer.masked_networks import MaskedNetwork
from medtransfer.transfer.pictures import normalised
from medtransfer.transfer.prepared import PictureFolder

_BETAS = (0.9, 0.95)
_FULL_BATCH = 256
_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class MaskedTask:
    """What is learned from: prepared pictures, how they are normalised, and which of them are kept for validation.

    ``ratio`` is the share of the patches that are hidden.
    """

    recipe: PretrainRecipe
    ratio: float
    pictures: PictureFolder
    preprocessing: Preprocessing
    train: Sequence[str]
    validation: Sequence[str]


@dataclass
class MaskedProgress:
    """How far it is. ``history`` has the figures after each epoch, from before the first: see :meth:`MaskedFit.run`."""

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


class MaskedFit:
    """One pretraining of one network, which is trained in place."""

    def __init__(self, network: MaskedNetwork, task: MaskedTask, ctx: Context) -> None:
        self._network, self._task, self._ctx = network.to(ctx.device), task, ctx
        self._steps = max(1, len(task.train) // task.recipe.batch_size)
        self._bf16 = ctx.device == "cuda" or cpu_has_bf16()
        learning = [value for value in network.parameters() if value.requires_grad]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": [value for value in learning if value.ndim > 1], "weight_decay": task.recipe.weight_decay},
                {"params": [value for value in learning if value.ndim <= 1], "weight_decay": 0.0},
            ],
            betas=_BETAS,
        )
        self._progress = MaskedProgress()

    def run(self, checkpoint: Path, tell: Callable[[MaskedProgress], None]) -> MaskedProgress:
        """Train to the last epoch of the recipe, going on from the checkpoint where there is one.

        ``tell`` is called after each epoch. The figures in the history: ``epoch``, ``loss`` (the epoch's mean of what
        the network makes smaller, not before the first), ``validation_loss`` and ``guess_loss``, that of the visible
        patches' mean colour: mean squared errors over hidden patches, in units of the normalised pictures.
        """
        if checkpoint.exists():
            self._resume(checkpoint)
        else:
            self._progress.history.append({"epoch": 0.0, **self._judged()})
            tell(self._progress)
        while self._progress.epoch < self._task.recipe.epochs:
            epoch = self._progress.epoch + 1
            loss = self._one_epoch(epoch)
            self._progress.epoch = epoch
            self._progress.history.append({"epoch": float(epoch), "loss": loss, **self._judged()})
            self._save(checkpoint)
            tell(self._progress)
        return self._progress

    def filled_in(self, keys: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        """Return whole pictures, bool masks of their hidden pixels, and what the network makes of the hidden patches.

        Returns
        -------
        tuple of Tensor
            float32 (n, 3, side, side) normalised, bool (n, 1, side, side), float32 (n, 3, side, side) normalised.
        """
        side = self._network.side
        pictures = self._whole(keys)
        masking = mask(self._noise(keys), self._task.ratio)
        with torch.inference_mode():
            predicted = self._network.eval()(pictures, masking).float()
        cut = masked_autoencoder.patches(pictures)
        if self._task.recipe.patch_norm:
            predicted = predicted * (cut.var(dim=-1, keepdim=True) + 1e-6).sqrt() + cut.mean(dim=-1, keepdim=True)
        hidden = masking.hidden.reshape(len(keys), 1, side // PATCH, side // PATCH)
        pixels = hidden.repeat_interleave(PATCH, dim=2).repeat_interleave(PATCH, dim=3)
        return pictures.cpu(), pixels.cpu(), masked_autoencoder.assembled(predicted, side, side).cpu()

    def _one_epoch(self, epoch: int) -> float:
        """Run one epoch and return its mean loss. All chance in it follows from the seed and the epoch's number."""
        task, recipe = self._task, self._task.recipe
        chance = np.random.default_rng([recipe.seed, epoch])
        order = chance.permutation(len(task.train))
        self._network.train()
        total = 0.0
        for step in range(self._steps):
            self._ctx.check()
            chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            unit = task.pictures.unit([task.train[i] for i in chosen])
            seen = masked_views.crops(unit, recipe.input_size, recipe.smallest_crop, chance)
            noise = torch.from_numpy(chance.random((len(chosen), (recipe.input_size // PATCH) ** 2)))
            rate = learning_rate(recipe, epoch - 1 + step / self._steps)
            total += self._step(normalised(seen, task.preprocessing), noise, rate)
        mean = total / self._steps
        return checkpoints.require_finite(mean, "base_learning_rate")

    def _step(self, pictures: Tensor, noise: Tensor, rate: float) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad()
        with torch.autocast(self._ctx.device, torch.bfloat16, enabled=self._bf16):
            found = self._loss(pictures.to(self._ctx.device), noise.to(self._ctx.device))
        found.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        self._optimizer.step()
        return float(found.detach())

    def _loss(self, pictures: Tensor, noise: Tensor) -> Tensor:
        """Return what the network is to make smaller."""
        masking = mask(noise, self._task.ratio)
        target = self._target(pictures)
        return self._network.loss(self._network(pictures, masking).float(), target, masking.hidden)

    def _errors(self, pictures: Tensor, noise: Tensor) -> tuple[float, float]:
        """Return the errors in hidden patches, of the network and of the guess."""
        masking = mask(noise, self._task.ratio)
        target = self._target(pictures)
        made = (self._network(pictures, masking).float(), masked_views.guessed(target, masking.kept))
        own, guess = (float(masked_autoencoder.loss(one, target, masking.hidden)) for one in made)
        return own, guess

    def _target(self, pictures: Tensor) -> Tensor:
        cut = masked_autoencoder.patches(pictures)
        return masked_autoencoder.patch_normalised(cut) if self._task.recipe.patch_norm else cut

    def _judged(self) -> dict[str, float]:
        """Return the losses on the validation pictures, whole, each under a mask of its own that stays the same."""
        self._network.eval()
        keys = self._task.validation
        own, guess = 0.0, 0.0
        with torch.inference_mode():
            for start in range(0, len(keys), _AT_ONCE):
                self._ctx.check()
                some = keys[start : start + _AT_ONCE]
                errors = self._errors(self._whole(some), self._noise(some))
                own += errors[0] * len(some)
                guess += errors[1] * len(some)
        return {"validation_loss": own / len(keys), "guess_loss": guess / len(keys)}

    def _whole(self, keys: Sequence[str]) -> Tensor:
        unit = masked_views.whole(self._task.pictures.unit(keys), self._network.side)
        return normalised(unit, self._task.preprocessing).to(self._ctx.device)

    def _noise(self, keys: Sequence[str]) -> Tensor:
        """Return the noise of these pictures' own masks."""
        count = (self._network.side // PATCH) ** 2
        rows = [np.random.default_rng(int(key, 16)).random(count) for key in keys]
        return torch.from_numpy(np.stack(rows)).to(self._ctx.device)

    def _save(self, checkpoint: Path) -> None:
        state = {
            "weights": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "progress": vars(self._progress),
        }
        checkpoints.write(state, checkpoint)

    def _resume(self, checkpoint: Path) -> None:
        state = torch.load(checkpoint, map_location=self._ctx.device, weights_only=True)
        self._network.load_state_dict(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._progress = MaskedProgress(**state["progress"])


def learning_rate(recipe: PretrainRecipe, epoch: float) -> float:
    """Return the learning rate after so many epochs: a linear rise, then half a cosine down to 0."""
    highest = recipe.base_learning_rate * recipe.batch_size / _FULL_BATCH
    if epoch < recipe.warmup_epochs:
        return highest * epoch / recipe.warmup_epochs
    done = (epoch - recipe.warmup_epochs) / max(1, recipe.epochs - recipe.warmup_epochs)
    return highest * 0.5 * (1 + math.cos(math.pi * done))
