"""Pretraining from request to bundle, on small pictures that can be filled in: dark above, bright below."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from medtransfer import study
from medtransfer.cohort import unlabelled
from medtransfer.cohort.model import Case, Cohort
from medtransfer.contract.bundle import ModelBundle, Preprocessing
from medtransfer.contract.pretraining import PretrainRecipe
from medtransfer.contract.requests import RECONSTRUCTIONS, LearnRequest, PretrainRequest
from medtransfer.contract.verbs import JobCancelled
from medtransfer.errors import DataError, UserError
from medtransfer.sdk import MaskedClassifierPlugin
from medtransfer.transfer import bundles, masked_networks, masked_pretraining, weights
from medtransfer.transfer.masked_fit import learning_rate
from medtransfer.transfer.masked_origin import FromEncoder
from medtransfer.transfer.origin import FromModel
from tests.transfer.small import RECIPE as LEARN
from tests.transfer.small import PlainContext, read, write_pictures
from tests.transfer.small import request as asked

TINY = "vit_tiny_patch16_mean_224"
RECIPE = PretrainRecipe(
    backbone=TINY,
    input_size=64,
    mask_ratio=0.75,
    epochs=4,
    warmup_epochs=1,
    batch_size=16,
    base_learning_rate=0.02,
    validation_share=0.2,
)
REQUEST = PretrainRequest(name="stripes", recipe=RECIPE)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Return forty pictures, black above and white below a middle line that differs a little."""
    folder = tmp_path_factory.mktemp("stripes")
    generator = np.random.default_rng(3)
    for number in range(40):
        pixels = np.full((64, 64), 40.0)
        pixels[generator.integers(28, 37) :] = 215
        pixels += generator.normal(0, 4, pixels.shape)
        Pillow.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number:02}.png")
    return unlabelled.read(folder)


@pytest.fixture(scope="module")
def context(images: Cohort, tmp_path_factory: pytest.TempPathFactory) -> PlainContext:
    """Return the context of a pretraining that ran to its end."""
    ctx = PlainContext(tmp_path_factory.mktemp("whole"))
    MaskedClassifierPlugin().pretrain(images, REQUEST, ctx)
    return ctx


@pytest.fixture
def bundle(context: PlainContext) -> ModelBundle:
    return ModelBundle.open(context.output)


def test_hidden_patches_are_filled_in_better_than_by_the_guess(bundle: ModelBundle) -> None:
    history = bundle.card.extra["pretraining"]["history"]
    assert [entry["epoch"] for entry in history] == [0, 1, 2, 3, 4]
    assert history[-1]["validation_loss"] < 0.7 * history[0]["validation_loss"]
    assert history[-1]["validation_loss"] < history[-1]["guess_loss"]
    assert len({entry["guess_loss"] for entry in history}) == 1


def test_the_card_says_what_it_is(bundle: ModelBundle, images: Cohort) -> None:
    bundle.verify()
    card = bundle.card
    assert (card.task, card.labels, card.backbone) == ("pretraining", [], TINY)
    assert card.recipe == RECIPE
    assert card.data.fingerprint == images.fingerprint
    assert (card.data.train, card.data.validation, card.data.test) == (32, 8, 0)
    with pytest.raises(UserError) as refused:
        _ = card.for_answers
    assert refused.value.code == "model.pretrained"


def test_figures_are_told_while_it_runs(context: PlainContext) -> None:
    told = [values for _, _, values in context.told if "loss" in values]
    assert len(told) == RECIPE.epochs
    assert {"loss", "validation_loss", "guess_loss", "epoch"} == set(told[-1])
    assert context.told[-1][0] == 1.0


def test_sheets_lie_beside_the_checkpoints(context: PlainContext) -> None:
    sheets = sorted((context.checkpoints / RECONSTRUCTIONS).glob("*.png"))
    assert [path.name for path in sheets] == [f"epoch-{epoch:04}.png" for epoch in range(5)]
    with Pillow.open(sheets[-1]) as picture:
        assert picture.size == (3 * 64, 4 * 64)


class _Kill:
    """Stops the job at one of the moments at which it asks."""

    def __init__(self, moment: int) -> None:
        self._left = moment

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise JobCancelled


@pytest.mark.parametrize("moment", [46, 50])
def test_a_killed_run_goes_on_to_the_same_weights(
    context: PlainContext, images: Cohort, tmp_path: Path, moment: int
) -> None:
    ctx = PlainContext(tmp_path, interrupt=_Kill(moment))
    plugin = MaskedClassifierPlugin()
    with pytest.raises(JobCancelled):
        plugin.pretrain(images, REQUEST, ctx)
    assert (ctx.checkpoints / "masked.checkpoint").exists()
    ctx.interrupt = lambda: None
    plugin.pretrain(images, REQUEST, ctx)
    whole, resumed = (weights.load(c.output / bundles.ENCODER) for c in (context, ctx))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_another_seed_gives_other_weights(context: PlainContext, images: Cohort, tmp_path: Path) -> None:
    ctx = PlainContext(tmp_path)
    changed = REQUEST.model_copy(update={"recipe": RECIPE.changed({"seed": 1, "epochs": 1})})
    MaskedClassifierPlugin().pretrain(images, changed, ctx)
    name = "blocks.0.mlp.fc1.weight"
    first, other = (weights.load(c.output / bundles.ENCODER)[name] for c in (context, ctx))
    assert not torch.equal(first, other)


def test_a_network_starts_from_the_encoder_in_another_size(bundle: ModelBundle) -> None:
    origin = FromEncoder(bundle.folder, LEARN.changed({"backbone": "", "input_size": 96}))
    network = origin.network("any", dropout=0.0)
    own, stored = network.state_dict(), weights.load(bundle.folder / bundles.ENCODER)
    torch.testing.assert_close(own["blocks.3.attn.qkv.weight"], stored["blocks.3.attn.qkv.weight"].float())
    assert own["pos_embed"].shape == (1, 1 + 36, 192)
    torch.testing.assert_close(own["pos_embed"][:, 0], stored["pos_embed"][:, 0].float())
    fit = origin.fit()
    assert fit is not None
    assert fit.tensor_share == 1.0
    assert origin.preprocessing.mean == bundle.card.for_pictures.mean
    assert origin.known("any") is None
    assert network(torch.zeros(1, 3, 96, 96)).shape == (1, 1)


def test_another_backbone_than_the_encoders_is_refused(bundle: ModelBundle) -> None:
    with pytest.raises(UserError) as refused:
        FromEncoder(bundle.folder, LEARN.changed({"backbone": "resnet50"}))
    assert refused.value.code == "model.backbone"


def test_learning_and_answering_go_on_from_the_encoder(bundle: ModelBundle, tmp_path: Path) -> None:
    cases, split = read(write_pictures(tmp_path / "pictures"))
    recipe = LEARN.changed({"backbone": "", "tune": "last-stages", "frozen_share": 0.8, "epochs": 1})
    ctx = PlainContext(tmp_path / "first")
    request = LearnRequest(name="x", recipe=recipe, parent=str(bundle.folder), labels=["bright"])
    learnt = MaskedClassifierPlugin().learn(cases, split, request, ctx)
    assert (learnt.card.parent, learnt.card.backbone) == (bundle.sha256, TINY)
    trunk, stored = (weights.load(p) for p in (learnt.folder / bundles.TRUNK, bundle.folder / bundles.ENCODER))
    torch.testing.assert_close(trunk["blocks.0.attn.qkv.weight"], stored["blocks.0.attn.qkv.weight"])
    assert FromModel(learnt.folder, recipe).network("bright", 0.0)(torch.zeros(1, 3, 64, 64)).shape == (1, 1)
    image = study.open(cases.cases[0].image)[0].series[0].image()
    result = MaskedClassifierPlugin().analyse(image, learnt, asked(learnt, explain=["all"], uncertainty=False), ctx)
    assert [finding.label for finding in result.findings] == ["bright"]
    explained = [heatmap.info.label for heatmap in result.heatmaps]
    assert explained or "explain.empty" in [notice.code for notice in result.notices]


def test_patients_stay_together_in_validation() -> None:
    cases = [Case(f"{n:016x}", Path("x"), f"patient {n // 3}", {}, n) for n in range(30)]
    cohort = Cohort(tuple(cases), (), "")
    parts = masked_pretraining.held_out(cohort, 0.2, seed=1)
    patients = {name: {case.patient for case in members} for name, members in parts.items()}
    assert len(patients["validation"]) == 2
    assert not patients["validation"] & patients["train"]
    assert len(parts["train"]) == 24
    assert masked_pretraining.held_out(cohort, 0.2, seed=1) == parts


def test_one_patient_is_too_few() -> None:
    cohort = Cohort((Case("0" * 16, Path("x"), "one", {}, 1),), (), "")
    with pytest.raises(DataError) as refused:
        masked_pretraining.held_out(cohort, 0.2, seed=1)
    assert refused.value.code == "pretrain.too-few"


def test_a_sheet_shows_the_picture_the_mask_and_what_was_filled_in() -> None:
    preprocessing = Preprocessing(size=2, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    pictures, made = torch.full((1, 3, 2, 2), 1.0), torch.full((1, 3, 2, 2), -1.0)
    hidden = torch.tensor([[[[True, False], [False, False]]]])
    pixels = masked_pretraining.sheet(pictures, hidden, made, preprocessing)[..., 0]
    assert pixels.tolist() == [[255, 255, 128, 255, 0, 255], [255, 255, 255, 255, 255, 255]]


def test_the_learning_rate_rises_and_then_falls_along_a_cosine() -> None:
    recipe = PretrainRecipe(epochs=800, warmup_epochs=40, batch_size=2048)
    assert learning_rate(recipe, 0.0) == 0.0
    assert learning_rate(recipe, 20.0) == pytest.approx(0.6e-3)
    assert learning_rate(recipe, 40.0) == pytest.approx(1.2e-3)
    assert learning_rate(recipe, 230.0) == pytest.approx(1.2e-3 * 0.5 * (1 + math.cos(math.pi / 4)))
    assert learning_rate(recipe, 800.0) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("name", ["quick", "standard", "thorough"])
def test_presets_are_valid(name: str) -> None:
    recipe = PretrainRecipe.resolve(name)
    assert recipe.name == name
    assert (recipe.mask_ratio, recipe.smallest_crop, recipe.patch_norm) == (None, 0.5, False)


def test_without_a_ratio_the_papers_own_is_hidden() -> None:
    assert masked_networks.build(TINY, 64).ratio == 0.9
    assert masked_networks.build("densenet121", 64).ratio == 0.75


def test_a_card_written_before_pretraining_still_opens(bundle: ModelBundle, tmp_path: Path) -> None:
    """A card's recipe is told apart by its settings alone."""
    card = json.loads((bundle.folder / "model.json").read_text(encoding="utf-8"))
    card["recipe"] = json.loads(LEARN.model_dump_json())
    (tmp_path / "model.json").write_text(json.dumps(card), encoding="utf-8")
    assert ModelBundle.open(tmp_path).card.recipe == LEARN
