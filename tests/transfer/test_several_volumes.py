"""Cases of several volumes, from the table to the model and its answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from medtransfer.cohort import masks
from medtransfer.contract.bundle import NETWORK, ModelBundle
from medtransfer.contract.plan import Intensities, VolumePlan
from medtransfer.contract.recipe import Recipe
from medtransfer.errors import UserError
from medtransfer.study.companions import joined
from medtransfer.study.model import Image
from medtransfer.transfer import weights
from medtransfer.transfer.volume_augment import VolumeAugmentation
from medtransfer.transfer.volume_cases import Taught, VolumeFolder, facts, open_case
from medtransfer.transfer.volume_patches import Patch, draw
from medtransfer.transfer.volume_planning import CaseFacts, Kept, plan_for
from medtransfer.transfer.volumes import prepare
from tests.transfer import small_volumes as small
from tests.transfer.small import PlainContext, request
from tests.transfer.test_volumes import volume

TAUGHT = Taught((), {2: 1, 5: 2})
STILL: dict[str, Any] = {"learning_rate": 1e-12, "head_learning_rate": 1e-12, "epochs": 1, "iterations": 1}


def context(folder: Path) -> PlainContext:
    return PlainContext(folder, manifest=small.SEGMENTS)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def trained(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return small.learn(pairs, context(tmp_path_factory.mktemp("trained")))


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    volumes = small.write_volumes(tmp_path_factory.mktemp("single"))
    return small.learn(volumes, context(tmp_path_factory.mktemp("start")), epochs=1, iterations=1)


def test_what_only_one_of_the_volumes_shows_is_found(trained: ModelBundle, pairs: Path, tmp_path: Path) -> None:
    evaluation = trained.card.evaluation
    assert evaluation is not None
    found = {one.label: one.metrics["dice"].value for one in evaluation.of("tuned").structures}
    assert min(found[label] for label in ("ball", "box")) > 0.8
    assert trained.card.for_volumes.further == (None,)
    assert isinstance(trained.card.recipe, Recipe)
    assert trained.card.recipe.stem == "repeat/n"
    case = small.read(pairs).cases[-1]
    opened = open_case(case, TAUGHT)
    result = small.SmallSegmenter().analyse(opened.image, trained, request(trained), context(tmp_path))
    assert result.segmentation is not None
    for output in (1, 2):
        found_there, truth = result.segmentation.array == output, opened.classes == output
        assert 2 * np.sum(found_there & truth) / (found_there.sum() + truth.sum()) > 0.8


@pytest.mark.parametrize("given", [1, 3])
def test_fewer_or_more_volumes_than_the_model_takes_are_refused(
    trained: ModelBundle, pairs: Path, tmp_path: Path, given: int
) -> None:
    image = masks.image_of(small.read(pairs).cases[0])
    second = image.companions[0]
    wrong = replace(image, companions=(second,) * (given - 1))
    with pytest.raises(UserError) as caught:
        small.SmallSegmenter().analyse(wrong, trained, request(trained), context(tmp_path))
    assert caught.value.code == "volume.channels"
    assert caught.value.message == f"the model takes 2 volumes of a case, and was given {given}"
    assert "image, image_2" in caught.value.hint


class Explaining(small.SmallSegmenter):
    explained = "body"


def test_what_spoke_for_a_structure_is_shown_from_all_volumes(
    trained: ModelBundle, pairs: Path, tmp_path: Path
) -> None:
    opened = open_case(small.read(pairs).cases[-1], TAUGHT)
    asked = request(trained, explain=["ball"], faithfulness=True)
    result = Explaining().analyse(opened.image, trained, asked, context(tmp_path))
    (heatmap,) = result.heatmaps
    assert heatmap.array.shape == opened.classes.shape
    assert heatmap.info.faithfulness is not None
    ball = opened.classes == 2
    assert heatmap.array[ball].mean() > 3 * heatmap.array[~ball].mean()


def test_a_model_of_one_volume_takes_no_companions(single: ModelBundle, pairs: Path, tmp_path: Path) -> None:
    image = masks.image_of(small.read(pairs).cases[0])
    with pytest.raises(UserError) as caught:
        small.SmallSegmenter().analyse(image, single, request(single), context(tmp_path))
    assert "1 volume of a case" in caught.value.message


@pytest.mark.parametrize(("stem", "divisor"), [("repeat/n", 2.0), ("repeat", 1.0)])
def test_a_model_of_one_volume_starts_one_of_several(
    single: ModelBundle, pairs: Path, tmp_path: Path, stem: str, divisor: float
) -> None:
    ctx = context(tmp_path)
    tuned = small.learn(pairs, ctx, single, stem=stem, **STILL)
    before, after = (weights.load(bundle.folder / NETWORK)["body.0.weight"].float() for bundle in (single, tuned))
    expected = before.expand(-1, 2, -1, -1, -1) / divisor
    torch.testing.assert_close(after, expected, atol=2e-4, rtol=1e-3)  # stored in 16 bits
    assert any("body.0.weight (file (16, 1, 3, 3, 3), network (16, 2, 3, 3, 3))" in text for _, text in ctx.lines)
    assert isinstance(tuned.card.recipe, Recipe)
    assert tuned.card.recipe.stem == stem


def test_a_model_of_several_volumes_goes_on_with_as_many_and_refuses_others(
    trained: ModelBundle, pairs: Path, tmp_path: Path
) -> None:
    tuned = small.learn(pairs, context(tmp_path / "same"), trained, **STILL)
    before, after = (weights.load(bundle.folder / NETWORK)["body.0.weight"] for bundle in (trained, tuned))
    assert torch.equal(before, after)
    volumes = small.write_volumes(tmp_path / "volumes")
    with pytest.raises(UserError) as caught:
        small.learn(volumes, context(tmp_path / "other"), trained)
    assert caught.value.code == "weights.channels"
    assert "2 volumes of a case, and these cases have 1" in caught.value.message


def test_every_volume_is_normalised_by_itself_and_cut_where_none_holds_anything() -> None:
    scale = Intensities(mean=50.0, std=100.0, low=-150.0, high=250.0)
    plan = VolumePlan(
        spacing=(1.5, 1.5, 1.5), patch=(8, 8, 8), pools=(), normalisation="ct", intensities=scale, further=(None, scale)
    )
    random = np.random.default_rng(4)
    arrays = [random.integers(-900, 900, (10, 9, 8)).astype(np.int16) for _ in range(3)]
    for array in arrays:
        array[0] = 0
        array[:, :2] = 0
    arrays[1][0, 4, 4] = 7  # the second alone holds something in the first slice
    case = joined([volume(array) for array in arrays])
    values = prepare(case, plan, ["CT"]).values
    assert values.shape == (3, 10, 7, 8)
    inside = [array[:, 2:].astype(np.float64) for array in arrays]
    np.testing.assert_allclose(values[0], (inside[0].clip(-150, 250) - 50) / 100, atol=1e-5)
    np.testing.assert_allclose(values[1], (inside[1] - inside[1].mean()) / inside[1].std(), atol=1e-4)
    np.testing.assert_allclose(values[2], (inside[2].clip(-150, 250) - 50) / 100, atol=1e-5)


def test_facts_and_plan_are_of_each_volume(pairs: Path) -> None:
    opened = open_case(small.read(pairs).cases[0], TAUGHT)
    found = facts(opened, seed=1)
    inside = opened.classes > 0
    assert np.array_equal(found.values, opened.image.array[inside])
    assert np.array_equal(found.further[0], opened.image.companions[0].array[inside])
    cases = [CaseFacts((20, 20, 20), (1.0, 1.0, 1.0), np.arange(9.0), (np.arange(10.0) * 5,))]
    both = plan_for(cases, voxels=32**3, spacing=0.0, ct=False, further_ct=[True], kept=None)
    assert both.normalisation == "z-score"
    assert [scale.mean if scale else None for scale in both.scales] == [None, 22.5]


SCALE = Intensities(mean=1.0, std=2.0, low=-3.0, high=4.0)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (Kept((), None, ()), [None, None]),  # weights that know z-scores get them for every volume
        (Kept((), SCALE, ()), [1.0, 22.5]),
        (Kept((), SCALE, (SCALE,)), [1.0, 1.0]),
    ],
)
def test_what_weights_were_trained_with_is_kept(kept: Kept, expected: list[float | None]) -> None:
    cases = [CaseFacts((20, 20, 20), (1.0, 1.0, 1.0), np.arange(9.0), (np.arange(10.0) * 5,))]
    plan = plan_for(cases, voxels=32**3, spacing=0.0, ct=True, further_ct=[True], kept=kept)
    assert [scale.mean if scale else None for scale in plan.scales] == expected


def test_patches_are_cut_and_moved_through_all_volumes_and_changed_one_by_one(pairs: Path, tmp_path: Path) -> None:
    plan = VolumePlan(spacing=(2.0, 2.0, 2.0), patch=(16, 16, 16), pools=(), further=(None,))
    folder = VolumeFolder.within(tmp_path, plan, TAUGHT, ["MR"])
    case = small.read(pairs).cases[0]
    folder.fill([case], lambda _: None)
    patch = draw([folder.volume(case)], plan.patch, np.random.default_rng(3))
    assert patch.values.shape == (2, 16, 16, 16)
    told = patch.classes.float()
    marked = Patch(torch.stack([told, told]), patch.classes)
    strong = VolumeAugmentation("strong", mirror=True, channels=2)
    moved = 0
    for seed in range(12):
        changed = strong(marked, seed)
        assert changed.values.shape == (2, 16, 16, 16)
        moved += int(not torch.equal(changed.classes, marked.classes))
    assert moved > 6
    light = VolumeAugmentation("light", mirror=False, channels=2)
    apart = [light(marked, seed).values for seed in range(12)]
    assert sum(not torch.equal(values[0], values[1]) for values in apart) > 3


def test_mirroring_takes_all_volumes_along() -> None:
    values = torch.arange(2 * 4**3, dtype=torch.float32).reshape(2, 4, 4, 4)
    flips = [[], [1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]]

    def nearest(own: Tensor, before: Tensor) -> list[int]:
        """Return the axes along which it was mirrored, noise and blur notwithstanding."""
        alike = [np.corrcoef(own.ravel(), before.flip([axis - 1 for axis in axes]).ravel())[0, 1] for axes in flips]
        return flips[int(np.argmax(alike))]

    strong = VolumeAugmentation("strong", mirror=True, channels=2)
    seen = 0
    for seed in range(40):
        changed = strong(Patch(values, values[0].long()), seed)
        for axes in flips:
            if torch.equal(changed.classes, values[0].long().flip([axis - 1 for axis in axes])):
                assert nearest(changed.values[0], values[0]) == nearest(changed.values[1], values[1]) == axes
                seen += bool(axes)
    assert seen > 10


def test_images_of_other_modalities_than_the_training_are_noticed(trained: ModelBundle, tmp_path: Path) -> None:
    assert trained.card.modalities == ["OT"]  # NIfTI does not say, and the values look like nothing in particular
    card = trained.card.model_copy(update={"modalities": ["MR"]})
    model = ModelBundle(trained.folder, card, trained.sha256)
    values = np.random.default_rng(1).normal(0, 50, (12, 12, 12)).astype(np.int16)

    def codes(modality: str) -> set[str]:
        image = Image(array=values, axes="zyx", modality=modality, units="stored", affine=np.diag([2.0, 2.0, 2.0, 1.0]))
        result = small.SmallSegmenter().analyse(joined([image, image]), model, request(model), context(tmp_path))
        return {notice.code for notice in result.notices}

    assert "volume.other-modality" in codes("CT")
    assert "volume.other-modality" not in codes("MR")
    model = trained
    assert "volume.other-modality" not in codes("MR")
