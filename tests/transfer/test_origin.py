from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from medtransfer.contract.bundle import ModelBundle, file_sha256
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.errors import DataError, EnvironmentFailure, UserError
from medtransfer.transfer import backbones, origin, trio_files
from medtransfer.transfer.answering import loaded
from medtransfer.transfer.origin import Origin
from tests.transfer.small import BACKBONE, PlainContext

LITE0 = "tf_efficientnet_lite0"
IMAGENET = f"{LITE0}.imagenet"


def choose(recipe: Recipe, ctx: PlainContext, parent: str = "") -> Origin:
    request = LearnRequest(name="x", recipe=recipe, labels=["a"], parent=parent)
    return origin.choose(request, LITE0, IMAGENET, "none", ctx)


def holding(folder: Path, name: str = IMAGENET, architecture: str = LITE0) -> PlainContext:
    """Return a context with random weights of an architecture under a catalogue's name."""
    torch.manual_seed(3)
    network = backbones.create(architecture, 1000)
    file = folder / "weights.safetensors"
    save_file(network.state_dict(), file)
    return PlainContext(folder, weights={name: file})


def test_the_plugins_own_weights_are_the_default(tmp_path: Path) -> None:
    ctx = holding(tmp_path)
    chosen = choose(Recipe(input_size=96), ctx)
    assert chosen.backbone == LITE0
    assert (chosen.preprocessing.size, chosen.preprocessing.mean) == (96, (0.5, 0.5, 0.5))
    network = chosen.network("a", dropout=0.0)
    torch.manual_seed(3)
    expected = backbones.create(LITE0, 1000).state_dict()
    own = network.state_dict()
    assert all(torch.equal(own[name], value) for name, value in expected.items() if not name.startswith("classifier"))
    assert own["classifier.weight"].shape == (1, 1280)
    (described,) = chosen.described
    assert (described.name, described.licence) == (IMAGENET, "Apache-2.0")
    assert described.sha256 == file_sha256(ctx.weights[IMAGENET])
    report = chosen.fit()
    assert report is not None
    assert report.tensor_share == 1.0
    assert report.new == ["classifier.weight", "classifier.bias"]
    assert chosen.known("a") is None


def test_weights_that_are_not_here_are_named_with_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        choose(Recipe(backbone="resnet18", weights="resnet18.a1_in1k"), PlainContext(tmp_path))
    assert caught.value.code == "weights.absent"
    assert "resnet18.a1_in1k" in caught.value.message
    assert "medtransfer model import" in caught.value.hint
    assert "https://" in caught.value.hint


def test_another_network_needs_other_weights(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        choose(Recipe(backbone="resnet18"), holding(tmp_path))
    assert caught.value.code == "weights.backbone"
    assert "resnet18" in caught.value.message
    assert "resnet18.a1_in1k" in caught.value.hint
    assert "'none'" in caught.value.hint


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    chosen = choose(Recipe(), holding(tmp_path, architecture="resnet18"))
    with pytest.raises(DataError) as caught:
        chosen.network("a", dropout=0.0)
    assert caught.value.code == "weights.other-architecture"


def test_random_weights_follow_from_the_seed(tmp_path: Path) -> None:
    chosen = choose(Recipe(backbone=BACKBONE, weights="none"), PlainContext(tmp_path))
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(chosen.network("a", dropout=0.0).state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert not torch.equal(states[0]["conv_stem.weight"], states[2]["conv_stem.weight"])
    assert chosen.described == []
    assert chosen.fit() is None


def test_a_model_keeps_its_network_pictures_and_answers(tmp_path: Path, trained: ModelBundle) -> None:
    chosen = choose(Recipe(input_size=512), PlainContext(tmp_path), parent=str(trained.folder))
    assert chosen.backbone == BACKBONE
    assert chosen.preprocessing == trained.card.preprocessing
    assert chosen.parent == trained.sha256
    assert chosen.known("red") == trained.card.labels[1]
    assert chosen.known("new") is None
    red, new, bright = (chosen.network(label, dropout=0.0).state_dict() for label in ("red", "new", "bright"))
    assert all(torch.equal(value, bright[name]) for name, value in new.items())
    assert not all(torch.equal(value, bright[name]) for name, value in red.items())


def test_a_model_cannot_become_another_network(tmp_path: Path, trained: ModelBundle) -> None:
    with pytest.raises(UserError) as caught:
        choose(Recipe(backbone="resnet18"), PlainContext(tmp_path), parent=str(trained.folder))
    assert caught.value.code == "model.backbone"
    assert BACKBONE in caught.value.message


def test_a_trio_goes_on_from_what_its_labels_shared(trio_model: ModelBundle, tmp_path: Path) -> None:
    chosen = choose(Recipe(), PlainContext(tmp_path), parent=str(trio_model.folder))
    shared = chosen.shared_network(dropout=0.0).state_dict()
    expected = loaded(trio_model, trio_files.DISEASE).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in shared.items())
    own = chosen.network("bright", dropout=0.0).state_dict()
    body = [name for name in own if not name.startswith("classifier.")]
    assert any(not torch.equal(own[name], shared[name]) for name in body)


def test_other_origins_share_what_a_new_label_starts_from(tmp_path: Path) -> None:
    chosen = choose(Recipe(input_size=96), holding(tmp_path))
    first, second = chosen.shared_network(dropout=0.0), chosen.network("new", dropout=0.0)
    body = [name for name in first.state_dict() if not name.startswith("classifier.")]
    assert all(torch.equal(first.state_dict()[name], second.state_dict()[name]) for name in body)
