"""The weight-fit report, and the refusal of weights that belong to another network."""

from __future__ import annotations

import pytest
import timm
import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import nn

from medtransfer.errors import DataError
from medtransfer.transfer import backbones, fit_report


def test_the_same_network_fits_completely_but_for_its_head() -> None:
    network = backbones.create("resnet18", 3)
    fit = fit_report.fit(network, backbones.create("resnet18", 1000).state_dict(), allow_new=["fc"])
    assert fit.tensor_share == fit.parameter_share == 1.0
    assert fit.new == ["fc.weight", "fc.bias"]
    assert fit.skipped == ["fc.weight", "fc.bias"]
    assert not fit.mismatched
    assert not fit.missing


def test_shares_count_tensors_and_parameters() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2), nn.Linear(2, 1))
    tensors = {
        "0.weight": torch.zeros(3, 4),
        "0.bias": torch.zeros(3),
        "1.weight": torch.zeros(5, 3),
        "x": torch.ones(1),
    }
    fit = fit_report.fit(network, tensors, allow_new=["2"])
    assert fit.loaded == ["0.weight", "0.bias"]
    assert [pair.name for pair in fit.mismatched] == ["1.weight"]
    assert fit.missing == ["1.bias"]
    assert fit.skipped == ["x"]
    assert fit.tensor_share == 2 / 4
    assert fit.parameter_share == 15 / 23


def test_the_name_of_a_new_layer_is_a_whole_name() -> None:
    network = nn.ModuleDict({"head": nn.Linear(1, 1), "head2": nn.Linear(1, 1)})
    assert fit_report.fit(network, {}, allow_new=["head"]).missing == ["head2.weight", "head2.bias"]


def test_weights_of_another_network_are_refused_and_change_nothing() -> None:
    network = backbones.create("tf_efficientnet_lite0", 3)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    others = backbones.create("resnet18", 3).state_dict()
    with pytest.raises(DataError) as caught:
        fit_report.apply(network, others, 1.0, allow_new=backbones.head_names(network))
    assert caught.value.code == "weights.other-architecture"
    assert "conv_stem.weight is not in the file" in caught.value.message
    assert "bn1.weight is (64,) instead of (32,)" in caught.value.message
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_weights_of_a_smaller_sister_are_refused() -> None:
    larger = backbones.create("resnet34", 3)
    with pytest.raises(DataError, match="another network"):
        fit_report.apply(larger, backbones.create("resnet18", 3).state_dict(), 1.0, allow_new=["fc"])


def test_a_new_head_keeps_its_own_values_even_where_the_shape_fits() -> None:
    network = backbones.create("resnet10t", 5)
    own = network.get_parameter("fc.weight").detach().clone()
    fit_report.apply(network, backbones.create("resnet10t", 5).state_dict(), 1.0, allow_new=["fc"])
    assert torch.equal(network.get_parameter("fc.weight"), own)


def test_files_without_counters_of_batches_fit() -> None:
    network = backbones.create("resnet18", 3)
    old = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
    assert fit_report.fit(network, old, allow_new=()).tensor_share == 1.0


def test_grey_pictures_repeated_give_the_same_answer_after_adaptation() -> None:
    grey, colour = nn.Sequential(nn.Conv2d(1, 4, 3)), nn.Sequential(nn.Conv2d(3, 4, 3))
    picture = torch.rand(2, 1, 8, 8)
    fit = fit_report.apply(colour, grey.state_dict(), 1.0)
    assert [pair.name for pair in fit.reshaped] == ["0.weight"]
    assert fit.parameter_share == 1.0
    torch.testing.assert_close(colour(picture.expand(-1, 3, -1, -1)), grey(picture))
    again = nn.Sequential(nn.Conv2d(1, 4, 3))
    fit_report.apply(again, colour.state_dict(), 1.0)
    torch.testing.assert_close(again(picture), grey(picture))


def test_a_position_embedding_is_interpolated_to_another_size_of_pictures() -> None:
    """Bicubic as timm does it; on numbers: a plane stays a plane, and the class token's entry stays what it was."""
    torch.manual_seed(0)
    source = timm.create_model("vit_tiny_patch16_224", img_size=224)
    target = timm.create_model("vit_tiny_patch16_224", img_size=384)
    tensors = source.state_dict()
    fit = fit_report.apply(target, tensors, 1.0, allow_new=["head"])
    assert [(pair.name, pair.file_shape, pair.network_shape) for pair in fit.reshaped] == [
        ("pos_embed", (1, 197, 192), (1, 577, 192))
    ]
    given, found = tensors["pos_embed"], target.get_parameter("pos_embed").detach()
    assert torch.equal(found[:, 0], given[:, 0])
    assert torch.equal(found, resample_abs_pos_embed(given, [24, 24], num_prefix_tokens=1))
    grid = given[:, 1:].reshape(1, 14, 14, 192).permute(0, 3, 1, 2)
    expected = nn.functional.interpolate(grid, (24, 24), mode="bicubic", antialias=True)
    torch.testing.assert_close(found[:, 1:], expected.permute(0, 2, 3, 1).reshape(1, 576, 192))


@pytest.mark.parametrize("shape", [(1, 198, 192), (1, 197, 384), (1, 1, 192), (197, 192)])
def test_what_is_no_position_embedding_of_a_square_is_refused(shape: tuple[int, ...]) -> None:
    network = backbones.create("vit_tiny_patch16_224", 1)
    backbones.set_input_size(network, 64)
    tensors = {**network.state_dict(), "pos_embed": torch.zeros(shape)}
    with pytest.raises(DataError) as caught:
        fit_report.apply(network, tensors, 1.0)
    assert "pos_embed is" in caught.value.message
