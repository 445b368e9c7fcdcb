"""The masked autoencoder, on numbers: against timm's own forward pass, and against the published definitions."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.errors import UserError
from medtransfer.transfer import backbones, masked_autoencoder, masked_networks
from medtransfer.transfer.masked_autoencoder import SIZES, MaskedAutoencoder, mask

TINY = "vit_tiny_patch16_mean_224"


@pytest.fixture(scope="module")
def small() -> MaskedAutoencoder:
    """Return the tiny encoder on pictures of 64 pixels: sixteen patches."""
    torch.manual_seed(0)
    return MaskedAutoencoder(TINY, 64).eval()


@pytest.mark.parametrize(
    ("name", "encoder", "decoder"),
    [("vit_small_patch16_mean_224", 21.67e6, 7.00e6), ("vit_base_patch16_mean_224", 85.80e6, 26.11e6)],
)
def test_encoder_and_decoder_have_the_published_numbers_of_weights(name: str, encoder: float, decoder: float) -> None:
    with torch.device("meta"):
        network = MaskedAutoencoder(name, 224)
    counts = {"encoder": 0, "decoder": 0}
    for key, value in network.named_parameters():
        counts["decoder" if key.startswith(("decoder_", "mask_token")) else "encoder"] += value.numel()
    assert counts["encoder"] == pytest.approx(encoder, abs=0.005e6)
    assert counts["decoder"] == pytest.approx(decoder, abs=0.005e6)


def test_tensors_have_the_published_names() -> None:
    with torch.device("meta"):
        names = set(MaskedAutoencoder("vit_small_patch16_mean_224", 224).state_dict())
    block = [f"{n}.{p}" for n in ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2") for p in _BOTH]
    encoder = {"cls_token", "pos_embed", *(f"{n}.{p}" for n in ("patch_embed.proj", "norm") for p in _BOTH)}
    encoder |= {f"blocks.{i}.{name}" for i in range(12) for name in block}
    decoder = {"mask_token", "decoder_pos_embed"}
    decoder |= {f"decoder_{n}.{p}" for n in ("embed", "norm", "pred") for p in _BOTH}
    decoder |= {f"decoder_blocks.{i}.{name}" for i in range(2) for name in block}
    assert names == encoder | decoder


_BOTH = ("weight", "bias")


def test_with_every_patch_visible_the_encoder_is_timms_own(small: MaskedAutoencoder) -> None:
    own = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=64).eval()
    own.load_state_dict(small.encoder_tensors())
    pictures = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    everything = torch.arange(16).expand(2, -1)
    with torch.no_grad():
        expected = cast("Any", own).forward_features(pictures)
        torch.testing.assert_close(small.encode(pictures, everything), expected)


def test_hidden_patches_do_not_reach_the_encoder(small: MaskedAutoencoder) -> None:
    kept = torch.tensor([[5, 0, 10]])
    pictures = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    changed = masked_autoencoder.patches(pictures)
    changed[:, [i for i in range(16) if i not in {5, 0, 10}]] = 7.0
    with torch.no_grad():
        first = small.encode(pictures, kept)
        second = small.encode(masked_autoencoder.assembled(changed, 64, 64), kept)
    assert first.shape == (1, 4, 192)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_decoder_puts_every_patch_back_into_its_place(small: MaskedAutoencoder) -> None:
    """The order in which visible patches are given must not matter: each is put back where it came from."""
    pictures = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    noise = torch.rand(1, 16, generator=torch.Generator().manual_seed(4))
    masking = mask(noise, 0.75)
    swapped = noise.clone()
    first, second = masking.kept[0, :2]
    swapped[0, first], swapped[0, second] = noise[0, second], noise[0, first]
    with torch.no_grad():
        torch.testing.assert_close(small(pictures, masking), small(pictures, mask(swapped, 0.75)))


def test_ninety_per_cent_leave_nineteen_of_196_patches() -> None:
    masking = mask(torch.rand(3, 196), 0.9)
    assert masking.kept.shape == (3, 19)
    assert masking.hidden.sum(dim=1).tolist() == [177, 177, 177]


@given(st.integers(1, 60), st.floats(0.05, 0.99), st.integers(0, 1000))
def test_masks_are_permutations(patches: int, ratio: float, seed: int) -> None:
    masking = mask(torch.rand(2, patches, generator=torch.Generator().manual_seed(seed)), ratio)
    visible = masking.kept.shape[1]
    assert visible == max(1, int(patches * (1 - ratio)))
    assert masking.restore.sort(dim=1).values.tolist() == [list(range(patches))] * 2
    for row in range(2):
        assert masking.restore[row, masking.kept[row]].tolist() == list(range(visible))
        assert not masking.hidden[row, masking.kept[row]].any()
        assert int(masking.hidden[row].sum()) == patches - visible


def test_patches_run_by_row_column_channel_and_go_together_again() -> None:
    pictures = torch.arange(2 * 3 * 32 * 48).float().reshape(2, 3, 32, 48)
    cut = masked_autoencoder.patches(pictures)
    assert cut.shape == (2, 6, 768)
    row, column, channel = 3, 9, 2
    inside = (row * 16 + column) * 3 + channel
    assert cut[1, 4, inside] == pictures[1, channel, 16 + row, 16 + column]
    torch.testing.assert_close(masked_autoencoder.assembled(cut, 32, 48), pictures)


def test_loss_counts_hidden_patches_alone() -> None:
    target = torch.zeros(1, 3, 4)
    predicted = torch.tensor([[[9.0, 9, 9, 9], [1, 1, 1, 1], [2, 0, 0, 0]]])
    hidden = torch.tensor([[False, True, True]])
    assert masked_autoencoder.loss(predicted, target, hidden) == pytest.approx((1.0 + 1.0) / 2)


def test_patch_normalisation_is_the_published_one() -> None:
    values = torch.tensor([[[1.0, 2.0, 3.0, 6.0]]])
    variance = (4 + 1 + 0 + 9) / 3
    expected = [(v - 3.0) / math.sqrt(variance + 1e-6) for v in (1, 2, 3, 6)]
    torch.testing.assert_close(masked_autoencoder.patch_normalised(values)[0, 0], torch.tensor(expected))


def test_position_embedding_tells_column_first_and_then_row() -> None:
    embedding = masked_autoencoder.position_embedding(16, rows=3, columns=5)
    assert embedding.shape == (1, 16, 16)
    assert not embedding[0, 0].any()
    row, column = 2, 4
    rates = [1 / 10000 ** (i / 4) for i in range(4)]
    expected = [f(place * rate) for place in (column, row) for f in (math.sin, math.cos) for rate in rates]
    torch.testing.assert_close(embedding[0, 1 + row * 5 + column], torch.tensor(expected))


def test_position_embedding_does_not_learn(small: MaskedAutoencoder) -> None:
    fixed = {name for name, value in small.named_parameters() if not value.requires_grad}
    assert fixed == {"pos_embed", "decoder_pos_embed"}


def test_tuned_network_reads_the_mean_and_has_the_published_tensors() -> None:
    with torch.device("meta"):
        network = backbones.create("vit_small_patch16_mean_224", outputs=14)
    names = set(network.state_dict())
    assert len(names) == 152
    assert {"fc_norm.weight", "head.weight"} <= names
    assert not any(name.startswith("norm.") for name in names)
    assert sum(value.numel() for value in network.parameters()) == 21_671_054


def test_encoder_tensors_fill_a_network_for_another_size(small: MaskedAutoencoder) -> None:
    network = backbones.create(TINY, outputs=1)
    backbones.set_input_size(network, 64)
    left = network.load_state_dict(small.encoder_tensors(), strict=False)
    assert set(left.missing_keys) == {f"{layer}.{part}" for layer in ("fc_norm", "head") for part in _BOTH}
    assert set(left.unexpected_keys) == {"norm.weight", "norm.bias"}


@pytest.mark.parametrize(
    ("backbone", "side", "code"),
    [("resnet50", 224, "pretrain.backbone"), (TINY, 100, "pretrain.size"), ("densenet121", 40, "pretrain.size")],
)
def test_what_cannot_be_pretrained_is_refused(backbone: str, side: int, code: str) -> None:
    with pytest.raises(UserError) as refused:
        masked_networks.build(backbone, side)
    assert refused.value.code == code


def test_every_size_can_be_tuned() -> None:
    assert set(SIZES) == set(backbones.MEAN_POOLED)
