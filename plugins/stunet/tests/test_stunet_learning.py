"""The plug-in learns: its presets are recipes, and a training from a model gives one that it analyses with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from medtransfer_stunet import plugin as module
from medtransfer_stunet.plugin import StuNet

from medtransfer.cohort.model import Cohort
from medtransfer.contract.bundle import NETWORK, ModelBundle
from medtransfer.contract.manifest import Manifest, read_manifest
from medtransfer.contract.recipe import PRESETS, Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.transfer import weights
from medtransfer.transfer.volume_cases import Taught, open_case
from tests.transfer.small import PlainContext, request
from tests.transfer.small_volumes import read, write_volumes

PACKAGE = Path(module.__file__).resolve().parent


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_manifest(PACKAGE)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return read(write_volumes(tmp_path_factory.mktemp("volumes")))


def learn(cohort: Cohort, manifest: Manifest, ctx: PlainContext, parent: str = "", **changes: object) -> ModelBundle:
    recipe = Recipe.preset("quick").changed({**manifest.recipes["quick"], "patch_side": 32, **changes})
    asked = LearnRequest(name="own", recipe=recipe, labels=list(cohort.labels), parent=parent)
    return StuNet().learn(cohort, {case.key: case.split for case in cohort.cases if case.split}, asked, ctx)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_recipe_for_volumes(manifest: Manifest, preset: str) -> None:
    assert manifest.can.learn
    recipe = Recipe.preset(preset).changed(manifest.recipes[preset])
    assert recipe.tune == "all"
    assert recipe.batch_size == 2


def test_a_training_gives_a_model_that_it_analyses_with_and_can_start_from(
    cohort: Cohort, manifest: Manifest, tmp_path: Path
) -> None:
    ctx = PlainContext(tmp_path / "first", manifest=manifest)
    first = learn(cohort, manifest, ctx, epochs=1, iterations=2, bootstrap=100)
    assert first.card.backbone == "stunet-s"
    image = open_case(cohort.cases[0], Taught((), {5: 1})).image
    result = StuNet().analyse(image, first, request(first), ctx)
    assert result.segmentation is not None
    assert [structure.label for structure in result.segmentation.structures] == list(cohort.labels)
    frozen = {"learning_rate": 1e-12, "head_learning_rate": 1e-12, "epochs": 1, "iterations": 1, "bootstrap": 100}
    second = learn(cohort, manifest, PlainContext(tmp_path / "second", manifest=manifest), str(first.folder), **frozen)
    before, after = (weights.load(bundle.folder / NETWORK) for bundle in (first, second))
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_advice_follows_what_is_to_be_learnt() -> None:
    plugin = StuNet()
    seen, unseen, lesion = (
        " ".join(plugin.advice(structures, 40, ct=True))
        for structures in (["liver", "spleen"], ["liver", "thymus"], ["liver", "liver_tumour"])
    )
    assert "+2.27" in seen  # SegBook, CT, size L
    assert "+5.04" in unseen
    assert "+4.56" in lesion
    assert plugin.advice(["liver"], 40, ct=False) == ()
