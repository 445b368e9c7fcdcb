"""The encoder and the starter model that come with the plug-in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from medtransfer_thorax_mae import plugin as module
from medtransfer_thorax_mae.plugin import ThoraxMae

from medtransfer import study
from medtransfer.cli import main
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest, read_manifest
from medtransfer.errors import DataError
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.store.home import Home
from medtransfer.work import encoders, planning
from medtransfer.work.planning import Wish
from tests.transfer.small import PlainContext, request

PACKAGE = Path(module.__file__).resolve().parent
ID = "medtransfer.thorax-mae"
LARGEST = 32 * 2**20


@pytest.fixture
def manifest() -> Manifest:
    return read_manifest(PACKAGE)


@pytest.fixture
def entry(tmp_path: Path) -> PluginEntry:
    return planning.learner(Home(tmp_path / "home"), ID)[0]


@pytest.mark.parametrize(
    ("settings", "backbone"),
    [
        ({}, "vit_tiny_patch16_mean_224"),
        ({"backbone": "vit_tiny_patch16_mean_224"}, "vit_tiny_patch16_mean_224"),
        ({"backbone": "vit_small_patch16_mean_224"}, None),
        ({"weights": "none"}, None),
    ],
)
def test_a_training_starts_from_the_encoder_unless_it_asks_for_something_else(
    entry: PluginEntry, tmp_path: Path, settings: dict[str, str], backbone: str | None
) -> None:
    parent = planning.parent_of(Home(tmp_path / "home"), entry, Wish(ID, tmp_path, settings=settings))
    assert (parent.card.backbone if parent else None) == backbone


def test_a_plugin_without_an_encoder_starts_from_its_weights(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    other, _ = planning.learner(home, "medtransfer.fundus-trio")
    assert planning.parent_of(home, other, Wish(other.id, tmp_path)) is None


def test_a_damaged_encoder_is_named(entry: PluginEntry, tmp_path: Path) -> None:
    folder = tmp_path / "plugin"
    (folder / "encoder").mkdir(parents=True)
    for name in ("model.json", "encoder.safetensors"):
        (folder / "encoder" / name).write_bytes((PACKAGE / "encoder" / name).read_bytes()[:-1])
    (folder / "encoder" / "model.json").write_bytes((PACKAGE / "encoder" / "model.json").read_bytes())
    recipe = planning.recipe_of(Wish(ID, tmp_path), read_manifest(PACKAGE))
    copy = PluginEntry(**{**vars(entry), "folder": folder})
    with pytest.raises(DataError) as caught:
        encoders.shipped(copy, recipe)
    assert caught.value.code == "bundle.damaged"


def test_they_are_small_and_say_what_they_learnt_from(manifest: Manifest) -> None:
    bundles = [ModelBundle.open(PACKAGE / name) for name in (manifest.encoder, manifest.starter)]
    for bundle in bundles:
        bundle.verify()
        assert "NIH ChestX-ray14" in bundle.card.data.description
        assert bundle.card.data.licence
    files = [path for bundle in bundles for path in bundle.folder.iterdir()]
    assert sum(path.stat().st_size for path in files) <= LARGEST
    history = bundles[0].card.extra["pretraining"]["history"]
    assert history[-1]["validation_loss"] < 0.5 * history[-1]["guess_loss"] < history[0]["validation_loss"]


def test_attention_is_rolled_out_from_the_command_line_and_repeated(manifest: Manifest, tmp_path: Path) -> None:
    assert manifest.golden is not None

    def done(*arguments: object) -> int:
        return main.run(["--home", str(tmp_path / "home"), *map(str, arguments)])

    radiograph, out = PACKAGE / manifest.golden.input, tmp_path / "out"
    asked = ("analyse", radiograph, "--plugin", ID, "--model", "starter", "--explain", "mass_or_none", "--out", out)
    assert done(*asked) == 2
    explained = (*asked[:7], "pneumonia", "--out", out)
    assert done(*explained, "--explain-by", "tea leaves") == 2
    assert done(*explained, "--explain-by", "rollout") == 0
    written = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert [info["method"] for info in written["heatmaps"]] == ["Attention rollout"]
    assert "mIoU" in written["heatmaps"][0]["caution"] or "mean IoU" in written["heatmaps"][0]["caution"]
    assert done("rerun", out) == 0


def test_attention_is_rolled_out_where_that_is_asked_for(manifest: Manifest, tmp_path: Path) -> None:
    assert manifest.golden is not None
    image = study.open(PACKAGE / manifest.golden.input)[0].series[0].image()
    bundle = ModelBundle.open(PACKAGE / manifest.starter)
    asked = request(bundle, explain=["pneumonia", "effusion"], explainer="rollout", uncertainty=False)
    result = ThoraxMae().analyse(image, bundle, asked, PlainContext(tmp_path))
    assert result.passport.parameters["explainer"] == "rollout"
    one, other = result.heatmaps
    assert {heatmap.info.method for heatmap in result.heatmaps} == {"Attention rollout"}
    assert one.array.shape == image.spatial_shape
    # Not quite from 0 to 1: the picture is not square, and a part of the map lies on what pads it.
    assert (one.array.min(), one.array.max()) == (pytest.approx(0.0, abs=0.05), pytest.approx(1.0, abs=0.05))
    assert np.corrcoef(one.array.ravel(), other.array.ravel())[0, 1] > 0.95  # most blocks are shared
    figures = [heatmap.info.faithfulness for heatmap in result.heatmaps]
    assert None not in figures
    assert figures[0] != figures[1]


def test_the_golden_radiograph_is_answered_as_recorded(manifest: Manifest, tmp_path: Path) -> None:
    assert manifest.golden is not None
    image = study.open(PACKAGE / manifest.golden.input)[0].series[0].image()
    bundle = ModelBundle.open(PACKAGE / manifest.starter)
    result = ThoraxMae().analyse(image, bundle, request(bundle, explain=["pneumonia"]), PlainContext(tmp_path))
    expected = json.loads((PACKAGE / manifest.golden.expected).read_text(encoding="utf-8"))["findings"]
    assert [finding.label for finding in result.findings] == [one["label"] for one in expected]
    for finding, one in zip(result.findings, expected, strict=True):
        assert finding.probability == pytest.approx(one["probability"], abs=manifest.golden.tolerance)
    assert result.heatmaps or any(notice.code == "explain.empty" for notice in result.notices)
