from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from medtransfer_fundus_trio import plugin as module
from medtransfer_fundus_trio.plugin import FundusTrio
from numpy.typing import NDArray
from PIL import Image as Pillow

from medtransfer import cohort, study
from medtransfer.cohort import phantom
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest, read_manifest
from medtransfer.contract.recipe import PRESETS, Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.contract.weights import catalogue_entry
from medtransfer.resources import resource
from medtransfer.result.model import Result
from medtransfer.study.model import Image
from medtransfer.transfer.convert import convert
from medtransfer.work import planning
from medtransfer.work.planning import Wish
from tests.transfer.small import PlainContext, request

PACKAGE = Path(module.__file__).resolve().parent
IMAGENET = "tf_efficientnet_lite0.imagenet"


def opened(path: Path) -> Image:
    return study.open(path)[0].series[0].image()


def picture(rgb: NDArray[np.uint8]) -> Image:
    return Image(array=rgb, axes="yxc", modality="OP", units="display", meaning="rgb")


def noise() -> Image:
    return picture(np.random.default_rng(0).integers(0, 256, (400, 500, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_manifest(PACKAGE)


@pytest.fixture(scope="module")
def starter(manifest: Manifest) -> ModelBundle:
    return ModelBundle.open(PACKAGE / manifest.starter)


@pytest.fixture(scope="module")
def ctx(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> PlainContext:
    return PlainContext(tmp_path_factory.mktemp("ctx"), manifest=manifest, runtime="openvino")


@pytest.fixture(scope="module")
def trio() -> FundusTrio:
    return FundusTrio()


def analyse(trio: FundusTrio, image: Image, bundle: ModelBundle, ctx: PlainContext, *explain: str) -> Result:
    quick = {"faithfulness": False, "uncertainty": False}
    return trio.analyse(image, bundle, request(bundle, explain=list(explain), **quick), ctx)


def codes(result: Result) -> set[str]:
    return {notice.code for notice in result.notices}


def test_the_manifest_says_what_the_code_does(manifest: Manifest, starter: ModelBundle) -> None:
    assert manifest.unusable_reason == ""
    assert [weights.name for weights in manifest.weights] == [FundusTrio.weights]
    entry = catalogue_entry(FundusTrio.weights)
    assert (entry.architecture, entry.licence) == (FundusTrio.backbone, manifest.weights[0].licence)
    assert manifest.entry == f"{FundusTrio.__module__}:{FundusTrio.__name__}"
    starter.verify()
    assert starter.card.plugin == manifest.id
    assert starter.card.for_pictures.crop == FundusTrio.crop
    for label in starter.card.labels:
        declared = manifest.label(label.id)
        assert declared is not None
        assert (label.name, label.code) == (declared.name, declared.code)
    assert not starter.card.data.synthetic
    assert starter.card.data.licence.startswith("CC BY 4.0")


@pytest.mark.parametrize("recipe", PRESETS)
def test_every_recipe_learns_a_trio_unless_told_otherwise(recipe: str, manifest: Manifest, tmp_path: Path) -> None:
    wish = Wish(manifest.id, tmp_path, recipe=recipe)
    learnt = planning.recipe_of(wish, manifest)
    assert learnt.ensemble == "trio"
    assert learnt.description != Recipe.preset(recipe).description, "which speaks of one network"
    assert not learnt.keep_pictures, "only with consent"
    assert planning.recipe_of(replace(wish, settings={"ensemble": "none"}), manifest).ensemble == "none"


def test_the_starter_is_a_trio_that_says_what_each_part_said_and_which_cases_are_alike(
    trio: FundusTrio, starter: ModelBundle, ctx: PlainContext
) -> None:
    assert starter.card.for_answers.ensemble == "trio"
    result = analyse(trio, opened(PACKAGE / "golden" / "photograph.png"), starter, ctx)
    for finding in result.findings:
        assert finding.contributions
        assert finding.similar


def test_the_golden_case_is_answered_as_expected(
    trio: FundusTrio, manifest: Manifest, starter: ModelBundle, ctx: PlainContext
) -> None:
    golden = manifest.golden
    assert golden is not None
    expected = json.loads((PACKAGE / golden.expected).read_text(encoding="utf-8"))
    result = analyse(trio, opened(PACKAGE / golden.input), starter, ctx)
    assert [finding.label for finding in result.findings] == [finding["label"] for finding in expected["findings"]]
    for finding, answer in zip(result.findings, expected["findings"], strict=True):
        assert finding.probability == pytest.approx(answer["probability"], abs=golden.tolerance)


def test_a_real_photograph_is_explained_within_its_field_of_view(
    trio: FundusTrio, starter: ModelBundle, ctx: PlainContext
) -> None:
    image = opened(resource("demo/retina.jpg"))
    result = analyse(trio, image, starter, ctx, "all")
    assert codes(result).isdisjoint({"fundus.no-field-of-view", "fundus.blurred", "fundus.dark", "fundus.bright"})
    region = trio.region(image)
    outside = np.ones(image.spatial_shape, bool)
    outside[region.top : region.top + region.height, region.left : region.left + region.width] = False
    assert outside.any()
    assert result.heatmaps
    for heatmap in result.heatmaps:
        assert heatmap.array.shape == image.spatial_shape
        assert not heatmap.array[outside].any()
        assert heatmap.array.max() > 0.9


def test_photographs_like_those_of_the_training_are_familiar(
    trio: FundusTrio, starter: ModelBundle, ctx: PlainContext, data_folder: Path
) -> None:
    paths = sorted((data_folder / "fundus" / "idrid" / "images").rglob("*.jpg"))[::40]
    results = [analyse(trio, opened(path), starter, ctx) for path in paths]
    assert sum("model.unfamiliar" in codes(result) for result in results) <= 1
    assert not any("fundus.no-field-of-view" in codes(result) for result in results)


def test_the_starter_tells_disease_from_health_on_another_camera(
    trio: FundusTrio, starter: ModelBundle, ctx: PlainContext, data_folder: Path
) -> None:
    folder = data_folder / "fundus" / "hrf" / "images"

    def answers(kind: str) -> list[float]:
        results = [analyse(trio, opened(path), starter, ctx) for path in sorted(folder.glob(f"*_{kind}.*"))]
        assert len(results) == 8
        return [result.findings[0].probability for result in results]

    assert starter.card.labels[0].id == "dr"
    ill, healthy = answers("dr"), answers("h")
    assert np.mean([[one > other for other in healthy] for one in ill]) > 0.8


def test_what_is_no_photograph_of_a_retina_is_called_so(
    trio: FundusTrio, starter: ModelBundle, ctx: PlainContext, data_folder: Path
) -> None:
    chest = sorted((data_folder / "chest" / "nih" / "images").iterdir())[:2]
    for image in (noise(), *map(opened, chest)):
        assert {"model.unfamiliar", "fundus.no-field-of-view"} <= codes(analyse(trio, image, starter, ctx))


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return phantom.write_cohort(tmp_path_factory.mktemp("phantoms"), 40, seed=3)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    entry = catalogue_entry(IMAGENET)
    source = entry.packaged_file()
    assert source is not None
    target = tmp_path_factory.mktemp("weights") / "lite0.safetensors"
    convert(source, target, entry)
    return {IMAGENET: target}


@pytest.fixture(scope="module")
def learnt(
    phantoms: Path, weights: Mapping[str, Path], manifest: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> ModelBundle:
    """Two detectors of the real network, tuned on phantoms for a few seconds."""
    recipe = Recipe(input_size=96, views=1, epochs=2, tune="head", bootstrap=100)
    cases = cohort.read(phantoms, ["dr", "dme"])
    split = FrozenSplit.make(cases, 0.25, 0.25, seed=1)
    ctx = PlainContext(tmp_path_factory.mktemp("learn"), manifest=manifest, weights=weights, runtime="openvino")
    learning = LearnRequest(name="phantoms", recipe=recipe, labels=["dr", "dme"])
    bundle = FundusTrio().learn(cases, split.partitions, learning, ctx)
    assert any(line.startswith("100.0% of the network's tensors") for _, line in ctx.lines)
    return bundle


def test_learning_keeps_where_everything_came_from(learnt: ModelBundle) -> None:
    card = learnt.card
    assert (card.backbone, card.weights[0].name, card.weights[0].licence) == (
        FundusTrio.backbone,
        IMAGENET,
        "Apache-2.0",
    )
    assert card.data.synthetic
    assert [label.name for label in card.labels] == ["Diabetic retinopathy", "Diabetic macular oedema"]
    assert {entry.column for entry in (card.evaluation.subgroups if card.evaluation else [])} <= {"site"}


def test_unseen_phantoms_are_familiar_and_other_pictures_are_not(
    trio: FundusTrio, learnt: ModelBundle, ctx: PlainContext
) -> None:
    seen = [analyse(trio, picture(next(phantom.patient(77, number)).picture), learnt, ctx) for number in range(8)]
    assert sum("model.unfamiliar" in codes(result) for result in seen) <= 1
    assert all("model.synthetic" in codes(result) for result in seen)
    assert "model.unfamiliar" in codes(analyse(trio, noise(), learnt, ctx))
    chest = np.asarray(Pillow.radial_gradient("L").resize((500, 400)))
    strange = picture(np.ascontiguousarray(np.repeat(255 - chest[..., None], 3, axis=2)))
    assert "model.unfamiliar" in codes(analyse(trio, strange, learnt, ctx))


def test_black_edges_around_a_photograph_change_nothing_much(
    trio: FundusTrio, starter: ModelBundle, ctx: PlainContext
) -> None:
    image = opened(PACKAGE / "golden" / "photograph.png")
    wide = replace(image, array=np.pad(image.array, ((40, 10), (100, 60), (0, 0))))
    one, other = (analyse(trio, given, starter, ctx, "all") for given in (image, wide))
    for finding, again in zip(one.findings, other.findings, strict=True):
        assert finding.probability == pytest.approx(again.probability, abs=0.02)
    assert other.heatmaps
    for heatmap in other.heatmaps:
        assert not heatmap.array[:40].any()
        assert not heatmap.array[:, :100].any()
