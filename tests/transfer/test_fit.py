from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from medtransfer.contract.recipe import Recipe
from medtransfer.contract.verbs import JobCancelled
from medtransfer.errors import EnvironmentFailure, PluginError
from medtransfer.transfer import backbones, fit
from medtransfer.transfer.division import divide
from medtransfer.transfer.fit import LabelledKeys, LabelTask, Progress
from tests.transfer.small import BACKBONE, RECIPE, PlainContext

PICTURES = 20


@dataclass(eq=False)
class Pictures:
    """Pictures of noise; those of odd number are brighter. Each view is a little brighter still."""

    spoilt: bool = False

    def batch(self, keys: Sequence[str], view: int) -> Tensor:
        found = [self._picture(int(key, 16)) + 0.01 * view for key in keys]
        return torch.stack(found) * (math.nan if self.spoilt else 1.0)

    def _picture(self, number: int) -> Tensor:
        generator = torch.Generator().manual_seed(number)
        return torch.randn(3, 64, 64, generator=generator) + 0.3 * (number % 2)


def labelled(numbers: Sequence[int]) -> LabelledKeys:
    return LabelledKeys([f"{number:016x}" for number in numbers], np.array([number % 2 for number in numbers], float))


def task(recipe: Recipe, name: str = BACKBONE) -> LabelTask:
    torch.manual_seed(0)
    network = backbones.create(name, outputs=1, dropout=recipe.dropout)
    upper = divide(network, recipe).upper
    train, validation = labelled(range(PICTURES)), labelled(range(PICTURES, PICTURES + 8))
    return LabelTask(
        "odd", network, nn.Sequential(_lower(network, recipe), upper), Pictures(), train, validation, recipe
    )


def _lower(network: nn.Module, recipe: Recipe) -> nn.Module:
    """Run the frozen part each time: what a cache would hold."""
    return divide(network, recipe).lower


def changed(**settings: Any) -> Recipe:
    return RECIPE.changed({"epochs": 4, "patience": 4, "dropout": 0.3, **settings})


def state(network: nn.Module) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in network.state_dict().items()}


class StopAfter:
    """Stops a job at the n-th question whether to stop."""

    def __init__(self, count: int) -> None:
        self._left = count

    def __call__(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise JobCancelled


@dataclass
class Ran:
    weights: dict[str, bytes]
    progress: Progress


def run(recipe: Recipe, folder: Path) -> Ran:
    given = task(recipe)
    progress = fit.fit(given, folder / "odd.checkpoint", PlainContext(folder), lambda _: None)
    return Ran(state(given.network), progress)


@pytest.mark.parametrize("tune", ["last-stages", "all"])
@pytest.mark.parametrize("steps", [4, 7, 10], ids=["in epoch 2", "in epoch 3", "in the last epoch"])
def test_a_stopped_training_ends_as_if_it_had_never_stopped(tmp_path: Path, tune: str, steps: int) -> None:
    recipe = changed(tune=tune)
    straight = run(recipe, tmp_path / "straight")
    stopped = task(recipe)
    ctx = PlainContext(tmp_path / "stopped", interrupt=StopAfter(steps))
    with pytest.raises(JobCancelled):
        fit.fit(stopped, ctx.folder / "odd.checkpoint", ctx, lambda _: None)
    assert (ctx.folder / "odd.checkpoint").exists()
    resumed = run(recipe, tmp_path / "stopped")
    assert resumed.progress == straight.progress
    assert resumed.weights == straight.weights
    assert [entry["epoch"] for entry in straight.progress.history] == [0, 1, 2, 3, 4]


def test_a_finished_training_is_not_run_again(tmp_path: Path) -> None:
    first = run(changed(), tmp_path)
    given = task(changed())
    ctx = PlainContext(tmp_path, interrupt=StopAfter(0))
    progress = fit.fit(given, tmp_path / "odd.checkpoint", ctx, lambda _: pytest.fail("an epoch was run"))
    assert progress == first.progress
    assert state(given.network) == first.weights


def test_only_what_may_learn_changes_and_batchnorm_keeps_its_statistics(tmp_path: Path) -> None:
    recipe = changed()
    before = state(task(recipe).network)
    given = task(recipe)
    after = run(recipe, tmp_path)
    differing = {name for name in before if before[name] != after.weights[name]}
    learning = {name for name, value in given.network.named_parameters() if value.requires_grad}
    assert after.progress.best_epoch > 0
    assert differing
    assert differing <= learning
    assert not [name for name in differing if "running" in name or "num_batches" in name]


def test_the_frozen_part_never_leaves_evaluation_mode(tmp_path: Path) -> None:
    given = task(changed(epochs=1))
    modes: list[bool] = []
    first = next(module for module in given.network.modules() if isinstance(module, nn.BatchNorm2d))
    first.register_forward_hook(lambda module, *_: modes.append(module.training))
    fit.fit(given, tmp_path / "c", PlainContext(tmp_path), lambda _: None)
    assert modes
    assert not any(modes)


def test_the_best_epoch_is_kept_and_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.5, 0.7, 0.6, 0.65])
    seen: list[dict[str, bytes]] = []
    given = task(changed(epochs=3))

    def answers(*_: object) -> np.ndarray[Any, Any]:
        seen.append(state(given.network))
        return np.zeros((8, 1))

    monkeypatch.setattr(fit, "answers", answers)
    monkeypatch.setattr(fit, "_judged", lambda *_: {"score": next(scores), "log_loss": 1.0})
    progress = fit.fit(given, tmp_path / "c", PlainContext(tmp_path), lambda _: None)
    assert (progress.best_epoch, progress.best_score) == (1, 0.7)
    assert state(given.network) == seen[1]
    assert seen[1] != seen[3]


def test_training_stops_when_nothing_gets_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.5, 0.6, 0.6, 0.55, 0.9])
    monkeypatch.setattr(fit, "_judged", lambda *_: {"score": next(scores), "log_loss": 1.0})
    progress = fit.fit(task(changed(epochs=30, patience=2)), tmp_path / "c", PlainContext(tmp_path), lambda _: None)
    assert (progress.epoch, progress.best_epoch) == (3, 1)


def test_training_may_end_with_the_network_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.9, 0.6, 0.6])
    monkeypatch.setattr(fit, "_judged", lambda *_: {"score": next(scores), "log_loss": 1.0})
    recipe = changed(patience=2)
    ended = run(recipe, tmp_path)
    assert ended.progress.best_epoch == 0
    assert ended.weights == state(task(recipe).network)


@pytest.mark.parametrize("failures", [1, 2])
def test_pieces_of_a_batch_give_the_step_of_the_whole_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    recipe = changed(epochs=1, dropout=0.0, batch_size=16)
    gradients: list[list[Tensor]] = []
    step = torch.optim.AdamW.step

    def noted(self: torch.optim.AdamW, *arguments: Any) -> Any:
        gradients.append([value.grad.clone() for group in self.param_groups for value in group["params"]])
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    whole = run(recipe, tmp_path / "whole")
    left, backward = failures, Fabric.backward

    def full_at_first(self: Any, loss: Tensor) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        backward(self, loss)

    monkeypatch.setattr(Fabric, "backward", full_at_first)
    ctx = PlainContext(tmp_path / "pieces")
    progress = fit.fit(task(recipe), ctx.folder / "c", ctx, lambda _: None)
    assert len(gradients) == 4
    for expected, got in zip(gradients[0], gradients[2], strict=True):
        assert torch.allclose(got, expected, atol=1e-6, rtol=1e-5)
    assert progress.history[1]["loss"] == pytest.approx(whole.progress.history[1]["loss"], abs=1e-4)
    assert ctx.lines == [
        ("warning", f"out of memory: going on with pieces of {16 >> n}") for n in range(1, failures + 1)
    ]


def test_a_resumed_training_keeps_the_size_of_its_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = changed()
    left, backward = 1, Fabric.backward

    def full_once(self: Any, loss: Tensor) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        backward(self, loss)

    monkeypatch.setattr(Fabric, "backward", full_once)
    straight = run(recipe, tmp_path / "straight")
    left = 1
    ctx = PlainContext(tmp_path / "stopped", interrupt=StopAfter(7))
    with pytest.raises(JobCancelled):
        fit.fit(task(recipe), ctx.folder / "odd.checkpoint", ctx, lambda _: None)
    assert run(recipe, ctx.folder).weights == straight.weights


@pytest.mark.parametrize("words", ["CUDA out of memory", "DefaultCPUAllocator: can't allocate memory"])
def test_memory_too_small_for_one_picture_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    kind = torch.OutOfMemoryError if "CUDA" in words else RuntimeError

    def full(*_: object) -> None:
        raise kind(words)

    monkeypatch.setattr(Fabric, "backward", full)
    with pytest.raises(EnvironmentFailure) as caught:
        run(changed(), tmp_path)
    assert caught.value.code == "training.memory"
    assert "input_size" in caught.value.hint
    assert isinstance(caught.value.__cause__, kind)


def test_a_loss_that_is_no_number_ends_the_training_and_spares_the_checkpoint(tmp_path: Path) -> None:
    recipe = changed()
    checkpoint = tmp_path / "odd.checkpoint"
    ctx = PlainContext(tmp_path, interrupt=StopAfter(4))
    with pytest.raises(JobCancelled):
        fit.fit(task(recipe), checkpoint, ctx, lambda _: None)
    before = checkpoint.read_bytes()
    spoilt = replace(task(recipe), inputs=Pictures(spoilt=True))
    with pytest.raises(PluginError) as caught:
        fit.fit(spoilt, checkpoint, PlainContext(tmp_path), lambda _: None)
    assert caught.value.code == "training.diverged"
    assert "learning_rate" in caught.value.hint
    assert checkpoint.read_bytes() == before


def test_rates_rise_and_then_fall_along_a_cosine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.AdamW.step

    def noted(self: torch.optim.AdamW, *arguments: Any) -> Any:
        rates.append(self.param_groups[-1]["lr"])
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    recipe = changed(epochs=4, warmup_epochs=1, batch_size=5, head_learning_rate=1e-3, tune="head")
    fit.fit(task(recipe), tmp_path / "c", PlainContext(tmp_path), lambda _: None)
    assert rates[:4] == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3, 1e-3])
    expected = [1e-3 * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done / 12))) for done in range(12)]
    assert rates[4:] == pytest.approx(expected)


@pytest.mark.parametrize(("pretrained", "expected"), [(True, 0.25), (False, 0.0)])
def test_what_is_kept_lies_between_the_start_and_the_tuned_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, pretrained: bool, expected: float
) -> None:
    def kept(share: float) -> Tensor:
        scores = iter([0.1, 0.2, 0.3])
        monkeypatch.setattr(fit, "_judged", lambda *_: {"score": next(scores), "log_loss": 1.0})
        given = replace(task(changed(epochs=2, start_share=share)), pretrained=pretrained)
        fit.fit(given, tmp_path / f"{share}", PlainContext(tmp_path), lambda _: None)
        return given.network.get_parameter("classifier.weight").detach()

    start = task(changed()).network.get_parameter("classifier.weight").detach()
    tuned = kept(0.0)
    assert not torch.allclose(tuned, start, atol=1e-4)
    assert torch.allclose(kept(0.25), tuned + expected * (start - tuned), atol=1e-6)


def test_every_picture_of_a_batch_has_a_view_of_its_own(tmp_path: Path) -> None:
    asked: list[tuple[str, int]] = []

    class Listening(Pictures):
        def batch(self, keys: Sequence[str], view: int) -> Tensor:
            asked.extend((key, view) for key in keys)
            return super().batch(keys, view)

    for tune, views in (("last-stages", {0, 1, 2}), ("all", {1, 2})):
        asked.clear()
        recipe = changed(tune=tune, epochs=2, views=3)
        given = replace(task(recipe), inputs=Listening())
        fit.fit(given, tmp_path / tune, PlainContext(tmp_path), lambda _: None)
        trained = [(key, view) for key, view in asked if int(key, 16) < PICTURES]
        assert len(trained) == 2 * PICTURES
        assert {view for _, view in trained} == views


def test_rare_positives_weigh_more_but_not_without_bound() -> None:
    truth = np.array([1.0] + [0.0] * 99)
    assert float(fit._positive_weight(truth, changed(class_balance="weighted", max_positive_weight=20))) == 20
    assert float(fit._positive_weight(truth[:11], changed(class_balance="weighted"))) == 10
    assert float(fit._positive_weight(truth, changed(class_balance="none"))) == 1


def test_the_live_curves_can_be_written_as_json(tmp_path: Path) -> None:
    told: list[str] = []
    given = task(changed())
    fit.fit(
        given, tmp_path / "c", PlainContext(tmp_path), lambda progress: told.append(json.dumps(progress.history[-1]))
    )
    curves = [json.loads(text) for text in told]
    assert [set(entry) for entry in curves] == [{"epoch", "score", "validation_auroc", "log_loss", "loss"}] * 4
    assert curves[-1]["loss"] < curves[0]["loss"]


def test_validation_of_one_class_is_judged_by_the_log_loss() -> None:
    logits = np.array([2.0, -1.0])
    entry = fit._judged(logits, np.array([1.0, 1.0]))
    expected = -np.log(1 / (1 + np.exp(-logits))).mean()
    assert entry == pytest.approx({"score": -expected, "log_loss": expected}, abs=1e-9)


def test_several_answers_are_learnt_at_once_and_unknown_ones_are_left_out(tmp_path: Path) -> None:
    """The second answer is the opposite of the first one and known of half of the pictures."""
    recipe = changed(epochs=6)
    alone = task(recipe)
    network = backbones.create(BACKBONE, outputs=2)
    upper = divide(network, recipe).upper

    def both(cases: LabelledKeys) -> LabelledKeys:
        second = np.where(np.arange(len(cases.keys)) % 4 < 2, 1.0 - cases.truth, np.nan)
        return LabelledKeys(cases.keys, np.column_stack([cases.truth, second]))

    given = replace(
        alone, network=network, trainable=nn.Sequential(_lower(network, recipe), upper), train=both(alone.train),
        validation=both(alone.validation), pretrained=False,
    )  # fmt: skip
    progress = fit.fit(given, tmp_path / "c", PlainContext(tmp_path), lambda _: None)
    assert progress.best_score > 0.9
    said = fit.answers(given.trainable, given.inputs, given.validation.keys, torch.device("cpu"))
    truth = given.validation.truth[:, 0] == 1
    assert said[truth, 0].mean() > said[~truth, 0].mean()
    assert said[truth, 1].mean() < said[~truth, 1].mean()


def test_an_answer_of_few_cases_does_not_choose_the_epoch() -> None:
    truth = np.full((40, 2), np.nan)
    truth[:, 0] = np.arange(40) % 2
    truth[:3, 1] = [1, 0, 1]
    right = np.column_stack([truth[:, 0], [0.0, 1.0, 0.0] + [0.0] * 37])
    wrong = np.column_stack([1 - truth[:, 0], [1.0, 0.0, 1.0] + [0.0] * 37])
    assert fit._judged(right, truth)["score"] == pytest.approx(20 / 21)
    assert fit._judged(wrong, truth)["score"] == pytest.approx(1 / 21)
