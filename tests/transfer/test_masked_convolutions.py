"""The masked DenseNet: what it sees, what it is judged by, and that its pretraining is taken up, exactly, and tuned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from medtransfer.cohort import unlabelled
from medtransfer.cohort.model import Cohort
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.pretraining import PretrainRecipe
from medtransfer.contract.requests import RECONSTRUCTIONS, PretrainRequest
from medtransfer.contract.verbs import JobCancelled
from medtransfer.sdk import MaskedClassifierPlugin
from medtransfer.transfer import backbones, bundles, weights
from medtransfer.transfer.masked_autoencoder import assembled, mask, patches
from medtransfer.transfer.masked_convolutions import MaskedConvolutions
from medtransfer.transfer.masked_origin import FromEncoder
from tests.transfer.small import RECIPE as LEARN
from tests.transfer.small import PlainContext

DENSENET = "densenet121"
SIDE = 32
RECIPE = PretrainRecipe(
    backbone=DENSENET,
    input_size=SIDE,
    epochs=3,
    warmup_epochs=0,
    batch_size=16,
    base_learning_rate=0.05,
    validation_share=0.2,
)
REQUEST = PretrainRequest(name="stripes", recipe=RECIPE)


@pytest.fixture(scope="module")
def network() -> MaskedConvolutions:
    torch.manual_seed(0)
    return MaskedConvolutions(DENSENET, 64).eval()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Return forty pictures, dark above and bright below."""
    folder = tmp_path_factory.mktemp("halves")
    generator = np.random.default_rng(3)
    for number in range(40):
        pixels = np.full((SIDE, SIDE), 40.0)
        pixels[generator.integers(14, 19) :] = 215
        Pillow.fromarray((pixels + generator.normal(0, 4, pixels.shape)).clip(0, 255).astype(np.uint8)).save(
            folder / f"{number:02}.png"
        )
    return unlabelled.read(folder)


@pytest.fixture(scope="module")
def context(images: Cohort, tmp_path_factory: pytest.TempPathFactory) -> PlainContext:
    ctx = PlainContext(tmp_path_factory.mktemp("whole"))
    MaskedClassifierPlugin().pretrain(images, REQUEST, ctx)
    return ctx


def test_hidden_patches_are_never_seen(network: MaskedConvolutions) -> None:
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    masking = mask(torch.rand(2, 16, generator=torch.Generator().manual_seed(2)), network.ratio)
    assert masking.hidden.sum(dim=1).tolist() == [12, 12]
    changed = patches(pictures)
    changed[masking.hidden] = 7.0
    with torch.no_grad():
        first, second = network(pictures, masking), network(assembled(changed, 64, 64), masking)
    assert first.shape == (2, 16, 768)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_the_visible_patches_decide(network: MaskedConvolutions) -> None:
    pictures = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    masking = mask(torch.rand(1, 16, generator=torch.Generator().manual_seed(2)), network.ratio)
    changed = patches(pictures)
    changed[0, masking.kept[0, 0]] += 1.0
    with torch.no_grad():
        assert not torch.equal(network(pictures, masking), network(assembled(changed, 64, 64), masking))


def test_the_error_is_that_of_whole_pictures(network: MaskedConvolutions) -> None:
    target = torch.zeros(1, 4, 3)
    predicted = target.clone()
    predicted[0, 0] = 2.0
    everything, nothing = torch.ones(1, 4, dtype=torch.bool), torch.zeros(1, 4, dtype=torch.bool)
    assert float(network.loss(predicted, target, everything)) == float(network.loss(predicted, target, nothing)) == 1.0


def test_the_encoders_tensors_are_timms(network: MaskedConvolutions) -> None:
    own = {name: value.shape for name, value in network.encoder_tensors().items()}
    theirs = {name: value.shape for name, value in backbones.create(DENSENET, 1).state_dict().items()}
    assert own.items() <= theirs.items()
    assert set(theirs) - set(own) == {"classifier.weight", "classifier.bias"}


def test_it_learns_to_fill_in_and_shows_it(context: PlainContext) -> None:
    course = ModelBundle.open(context.output).card.extra["pretraining"]
    assert course["mask_ratio"] == 0.75
    assert [entry["epoch"] for entry in course["history"]] == [0, 1, 2, 3]
    assert course["history"][-1]["loss"] < 0.7 * course["history"][1]["loss"]
    sheets = sorted((context.checkpoints / RECONSTRUCTIONS).glob("*.png"))
    assert [path.name for path in sheets] == [f"epoch-{epoch:04}.png" for epoch in range(4)]


def test_a_killed_run_goes_on_to_the_same_weights_and_statistics(
    context: PlainContext, images: Cohort, tmp_path: Path
) -> None:
    asked = 0

    def kill() -> None:
        nonlocal asked
        asked += 1
        if asked == 46:
            raise JobCancelled

    ctx = PlainContext(tmp_path, interrupt=kill)
    with pytest.raises(JobCancelled):
        MaskedClassifierPlugin().pretrain(images, REQUEST, ctx)
    assert (ctx.checkpoints / "masked.checkpoint").exists()
    MaskedClassifierPlugin().pretrain(images, REQUEST, ctx)
    whole, resumed = (weights.load(c.output / bundles.ENCODER) for c in (context, ctx))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert any("running_var" in name for name in whole)


def test_a_training_starts_from_it(context: PlainContext) -> None:
    origin = FromEncoder(context.output, LEARN.changed({"backbone": DENSENET, "input_size": 64}))
    started = origin.network("any", dropout=0.0, drop_path=0.2).eval()
    own, stored = started.state_dict(), weights.load(context.output / bundles.ENCODER)
    for name, value in stored.items():
        assert torch.equal(own[name], value.to(own[name].dtype))
    fit = origin.fit()
    assert fit is not None
    assert fit.new == ["classifier.weight", "classifier.bias"]
    assert started(torch.zeros(1, 3, 64, 64)).shape == (1, 1)
