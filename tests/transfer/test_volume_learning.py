from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from medtransfer.contract.bundle import NETWORK, BundleCard, ModelBundle
from medtransfer.contract.evaluation import ModelEvaluation
from medtransfer.contract.verbs import JobCancelled
from medtransfer.errors import EnvironmentFailure, UserError
from medtransfer.transfer import volume_cases, volume_memory, volume_planning, weights
from medtransfer.transfer.volume_cases import Taught, open_case
from tests.transfer import small_volumes as small
from tests.transfer.small import PlainContext, request


def context(folder: Path) -> PlainContext:
    return PlainContext(folder, manifest=small.SEGMENTS)


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write_volumes(tmp_path_factory.mktemp("volumes"))


@pytest.fixture(scope="module")
def trained(volumes: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return small.learn(volumes, context(tmp_path_factory.mktemp("trained")))


def dice(model: ModelEvaluation) -> dict[str, float]:
    return {one.label: one.metrics["dice"].value for one in model.structures}


def test_training_finds_what_the_untuned_network_does_not(trained: ModelBundle) -> None:
    evaluation = trained.card.evaluation
    assert evaluation is not None
    tuned, untuned = dice(evaluation.of("tuned")), dice(evaluation.of("untuned"))
    assert tuned.keys() == untuned.keys() == {"ball", "box"}
    assert min(tuned.values()) > 0.8  # they differ from their surroundings by seven standard deviations of the noise
    assert all(tuned[label] > untuned[label] for label in tuned)
    assert {one.label: one.difference.value for one in evaluation.differences} == pytest.approx(
        {label: tuned[label] - untuned[label] for label in tuned}
    )
    assert (evaluation.cases, evaluation.patients) == (2, 2)
    assert "2 test patients" in evaluation.verdict[1]


def test_the_card_says_what_the_network_expects_and_learnt(trained: ModelBundle) -> None:
    trained.verify()
    card = trained.card
    assert [(label.id, label.value, label.positives) for label in card.labels] == [("box", 1, 3), ("ball", 2, 3)]
    assert card.task == "segmentation"
    assert card.for_volumes.spacing == (2.0, 2.0, 2.0)
    assert len({label.colour for label in card.labels}) == 2
    assert (card.data.train, card.data.validation, card.data.test) == (3, 1, 2)
    history = card.extra["training"]["history"]
    assert [entry["epoch"] for entry in history] == [0, 1, 2, 3, 4]
    assert history[-1]["loss"] < history[1]["loss"]


def test_the_plug_in_that_learnt_it_analyses_with_it(trained: ModelBundle, volumes: Path, tmp_path: Path) -> None:
    case = small.read(volumes).cases[-1]
    opened = open_case(case, Taught((), {2: 1, 5: 2}))
    result = small.SmallSegmenter().analyse(opened.image, trained, request(trained), context(tmp_path))
    assert result.segmentation is not None
    found = result.segmentation.array
    assert trained.card.evaluation is not None
    for output in (1, 2):
        overlap = 2 * np.sum((found == output) & (opened.classes == output))
        assert overlap / (np.sum(found == output) + np.sum(opened.classes == output)) > 0.8


def test_a_training_that_was_killed_and_resumed_gives_the_same_weights(
    trained: ModelBundle, volumes: Path, tmp_path: Path
) -> None:
    ctx = context(tmp_path)

    def stop_in_the_second_epoch() -> None:
        if any("epoch 1" in stage for _, stage, _ in ctx.told):
            raise JobCancelled

    ctx.interrupt = stop_in_the_second_epoch
    with pytest.raises(JobCancelled):
        small.learn(volumes, ctx)
    assert not any("epoch 2" in stage for _, stage, _ in ctx.told)
    resumed = small.learn(volumes, context(tmp_path))
    whole, again = (weights.load(bundle.folder / NETWORK) for bundle in (trained, resumed))
    assert all(torch.equal(value, again[name]) for name, value in whole.items())
    assert resumed.card.evaluation == trained.card.evaluation
    assert resumed.card.extra == trained.card.extra


def test_a_model_goes_on_from_what_it_knows(trained: ModelBundle, volumes: Path, tmp_path: Path) -> None:
    """The order of the outputs differs: box was 1 and ball 2, and ball alone is asked for."""
    tuned = small.learn(volumes, context(tmp_path), trained, ("ball",), epochs=1, iterations=1, learning_rate=1e-6)
    assert trained.card.evaluation is not None
    assert tuned.card.evaluation is not None
    before, start = dice(trained.card.evaluation.of("tuned")), dice(tuned.card.evaluation.of("untuned"))
    assert start["ball"] == pytest.approx(before["ball"], abs=0.02)  # where box was, background or ball is now said
    assert tuned.card.parent == trained.sha256
    assert tuned.card.for_volumes.intensities == trained.card.for_volumes.intensities


def test_training_stops_when_validation_no_longer_improves(volumes: Path, tmp_path: Path) -> None:
    still = small.learn(volumes, context(tmp_path), epochs=9, patience=1, learning_rate=1e-9, head_learning_rate=1e-9)
    course = still.card.extra["training"]
    assert course["epochs"] < 9
    assert course["epochs"] == course["best_epoch"] + 1


def test_short_memory_means_fewer_patches_and_a_note(
    volumes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = context(tmp_path)
    plan = small.learn(volumes, context(tmp_path / "plenty"), epochs=1, iterations=1).card.for_volumes
    two, one = (volume_memory.needed(small.Small(3), batch, plan.patch) for batch in (2, 1))
    monkeypatch.setattr(volume_memory, "free", lambda device: (one + two) // 2)
    bundle = small.learn(volumes, ctx, epochs=1, iterations=1)
    assert bundle.card.for_volumes.patch == plan.patch
    (note,) = bundle.card.notes
    assert "1 in place of 2" in note
    assert ("warning", note) in ctx.lines


def test_no_memory_is_said_before_anything_is_trained(
    volumes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume_memory, "free", lambda device: 1000)
    with pytest.raises(EnvironmentFailure) as caught:
        small.learn(volumes, context(tmp_path))
    assert caught.value.code == "training.memory"


class Hungry(small.Small):
    """Has no memory for a training step on more voxels than so many, from a step on, and says so as torch does."""

    most, after = 0, 0

    def forward(self, volume: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        if self.training and volume.device.type == "cpu":
            self.after -= 1
            if self.after < 0 and volume[:, 0].numel() > self.most:
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1")
        return super().forward(volume)


class Starving(small.SmallSegmenter):
    def __init__(self, most: int, after: int) -> None:
        super().__init__()
        self.most, self.after = most, after

    def network(self, card: BundleCard) -> nn.Module:
        network = Hungry(1 + len(card.labels))
        network.most, network.after = self.most, self.after
        return network


STEPS: dict[str, Any] = {"epochs": 3, "iterations": 4}
PATCH = (28, 26, 30)


def test_memory_that_runs_out_leads_to_fewer_and_then_smaller_patches_from_the_last_epoch_on(
    volumes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume_planning, "SMALLEST_SIDE", 16)
    ctx = context(tmp_path)
    plugin = Starving(most=math.prod(PATCH) // 2, after=6)  # in the second epoch
    bundle = small.learn(volumes, ctx, plugin=plugin, **STEPS)
    warnings = [text for level, text in ctx.lines if level == "warning"]
    assert warnings[0] == "out of memory: going on with 1 of the patches at a time"
    patch = bundle.card.for_volumes.patch
    assert 16**3 <= math.prod(patch) <= math.prod(PATCH) // 2
    assert set(bundle.card.notes) <= set(warnings)
    assert " x ".join(map(str, patch)) in bundle.card.notes[-1]
    history = bundle.card.extra["training"]["history"]
    assert [entry["epoch"] for entry in history] == [0, 1, 2, 3]
    plain = small.learn(volumes, context(tmp_path / "plain"), **STEPS).card.extra["training"]["history"]
    assert history[:2] == plain[:2]  # what was trained before is kept
    assert history[2] != plain[2]


def test_a_training_whose_patches_became_smaller_resumes_with_them(
    volumes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume_planning, "SMALLEST_SIDE", 16)
    whole = small.learn(volumes, context(tmp_path / "whole"), plugin=Starving(math.prod(PATCH) // 2, after=0), **STEPS)
    ctx = context(tmp_path / "stopped")

    def stop_in_the_third_epoch() -> None:
        if any("epoch 2" in stage for _, stage, _ in ctx.told):
            raise JobCancelled

    ctx.interrupt = stop_in_the_third_epoch
    with pytest.raises(JobCancelled):
        small.learn(volumes, ctx, plugin=Starving(math.prod(PATCH) // 2, after=0), **STEPS)
    resumed = small.learn(volumes, context(tmp_path / "stopped"), **STEPS)
    assert resumed.card.preprocessing == whole.card.preprocessing
    first, second = (weights.load(bundle.folder / NETWORK) for bundle in (whole, resumed))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_memory_for_no_patch_is_said_and_the_checkpoint_stays(volumes: Path, tmp_path: Path) -> None:
    ctx = context(tmp_path)
    with pytest.raises(EnvironmentFailure) as caught:
        small.learn(volumes, ctx, plugin=Starving(most=100, after=6), **STEPS)
    assert caught.value.code == "training.memory"
    assert "goes on from its last epoch" in caught.value.hint
    assert not list(ctx.output.iterdir())
    resumed = small.learn(volumes, context(tmp_path), **STEPS)
    assert [entry["epoch"] for entry in resumed.card.extra["training"]["history"]] == [0, 1, 2, 3]


def test_memory_too_short_for_preparing_the_volumes_is_said(
    volumes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(volume_cases, "prepare", full)
    with pytest.raises(EnvironmentFailure) as caught:
        small.learn(volumes, context(tmp_path))
    assert caught.value.code == "training.memory"


def test_weights_of_another_network_are_refused(volumes: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        small.learn(volumes, context(tmp_path), weights="stunet-s.totalsegmentator", backbone="stunet-b")
    assert caught.value.code == "weights.backbone"


def test_the_memory_told_is_that_of_a_network_whose_tensors_are_counted_by_hand() -> None:
    voxels = 2 * 4 * 8 * 16
    network = small.Small(3)
    parameters = sum(value.numel() for value in network.parameters())
    kept = volume_memory.needed(network, 2, (4, 8, 16)) - 4 * (4 * parameters + 4 * 3 * voxels)
    # The input, and sixteen channels before normalisation, after it and after activation, are kept once at least; what
    # several layers keep is counted for each.
    assert 4 * (1 + 16 * 3) * voxels <= kept <= 4 * (1 + 16 * 6) * voxels


def test_the_bundle_is_a_plain_card(trained: ModelBundle) -> None:
    assert isinstance(BundleCard.model_validate_json((trained.folder / "model.json").read_bytes()), BundleCard)


def make_awkward(folder: Path, kind: str) -> None:
    """Replace the first patient's volume, or everybody's, by what scanners deliver too."""
    for number in range(len(small.PARTS)) if kind == "thick" else [0]:
        values, mask = small.drawn(number)
        if kind == "thick":
            small.save(folder, number, values[:, :, ::5], mask[:, :, ::5], (0.5, 0.5, 10.0))
        elif kind == "slice":
            small.save(folder, number, values[:, :, 9:10], mask[:, :, 9:10])
        else:
            spoilt = values.astype(np.float32)
            spoilt[:5] = np.nan
            small.save(folder, number, spoilt, mask)


@pytest.mark.parametrize(
    ("kind", "spacing"), [("slice", (2.0, 2.0, 2.0)), ("gaps", (2.0, 2.0, 2.0)), ("thick", (10.0, 0.5, 0.5))]
)
def test_a_slice_lost_values_and_thick_slices_are_learnt_from(
    tmp_path: Path, kind: str, spacing: tuple[float, float, float]
) -> None:
    """One slice alone, voxels that are no numbers, and voxels of 0.5 x 0.5 x 10 mm."""
    folder = small.write_volumes(tmp_path / "volumes")
    make_awkward(folder, kind)
    bundle = small.learn(folder, context(tmp_path / "job"), epochs=1, iterations=2)
    assert bundle.card.for_volumes.spacing == spacing
    assert np.isfinite(bundle.card.extra["training"]["history"][-1]["loss"])
    assert bundle.card.evaluation is not None
    assert bundle.card.evaluation.cases == 2
