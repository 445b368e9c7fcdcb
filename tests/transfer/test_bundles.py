from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from medtransfer.contract.bundle import ModelBundle, file_sha256
from medtransfer.errors import DataError, PluginError
from medtransfer.transfer import backbones, bundles, weights
from tests.transfer.small import BACKBONE


def network() -> torch.nn.Module:
    return backbones.create(BACKBONE, outputs=1)


def test_a_network_comes_back_bit_for_bit(tmp_path: Path, trained: ModelBundle) -> None:
    given = network()
    bundles.rounded(given)
    names = list(given.state_dict())
    tensors = bundles.stored(given.state_dict())
    files = {
        bundles.TRUNK: {name: tensors[name] for name in names[:50]},
        "label-a.safetensors": {name: tensors[name] for name in names[50:]},
    }
    written = bundles.write(tmp_path, trained.card, files)
    again = network()
    bundles.load_network(again, written, "label-a.safetensors")
    assert not again.training
    for name, value in again.state_dict().items():
        assert torch.equal(value, given.state_dict()[name]), name


def test_weights_are_stored_at_half_the_size_and_the_rest_as_it_is() -> None:
    tensors = bundles.stored(network().state_dict())
    assert tensors["classifier.weight"].dtype == torch.float16
    assert tensors["classifier.bias"].dtype == torch.float32
    assert tensors["bn1.running_var"].dtype == torch.float32
    assert tensors["bn1.num_batches_tracked"].dtype == torch.int64


def test_rounding_leaves_what_storing_keeps() -> None:
    given = network()
    before = {name: value.clone() for name, value in given.state_dict().items()}
    bundles.rounded(given)
    after = given.state_dict()
    assert not torch.equal(after["conv_stem.weight"], before["conv_stem.weight"])
    assert torch.equal(after["conv_stem.weight"], before["conv_stem.weight"].half().float())
    assert torch.equal(after["bn1.bias"], before["bn1.bias"])


def test_the_card_vouches_for_every_file(trained: ModelBundle) -> None:
    files = {path.name: file_sha256(path) for path in trained.folder.iterdir() if path.name != "model.json"}
    assert trained.card.files == files
    assert {bundles.TRUNK, bundles.REFERENCE, "label-bright.safetensors", "label-red.safetensors"} == files.keys()
    assert trained.sha256 == file_sha256(trained.folder / "model.json")
    trained.verify()


def test_a_bundle_without_all_of_its_network_is_refused(tmp_path: Path, trained: ModelBundle) -> None:
    files = {"label-a.safetensors": weights.load(trained.folder / "label-red.safetensors")}
    written = bundles.write(tmp_path, trained.card, files)
    with pytest.raises(DataError) as caught:
        bundles.load_network(network(), written, "label-a.safetensors")
    assert caught.value.code == "weights.other-architecture"


@pytest.mark.parametrize("store", [bundles.rounded, lambda network: bundles.stored(network.state_dict())])
def test_a_weight_that_float16_cannot_hold_is_refused_and_not_stored_as_infinite(
    store: Callable[[torch.nn.Module], object],
) -> None:
    given = network()
    with torch.no_grad():
        given.get_parameter("classifier.weight")[0, 0] = 1e6
    with pytest.raises(PluginError) as raised:
        store(given)
    assert raised.value.code == "training.diverged"
