"""Which weights a file holds, told from its content: only names and shapes are looked at, so no numbers are needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from medtransfer.contract.weights import catalogue
from medtransfer.errors import DataError
from medtransfer.transfer import recognition, stunet_file
from medtransfer.transfer.masked_autoencoder import MaskedAutoencoder

UNKNOWN = "0" * 64
State = dict[str, Tensor]


def of(name: str, **settings: Any) -> State:
    """Return the tensors of a network of timm's."""
    with torch.device("meta"):
        return dict(timm.create_model(name, **settings).state_dict())


def tuned(name: str, outputs: int = 14, **settings: Any) -> State:
    """Return a vision transformer as Medical-MAE's fine-tuning writes it."""
    return of(name, num_classes=outputs, global_pool="avg", fc_norm=True, **settings)


def pretrained(size: str) -> State:
    """Return encoder and decoder as Medical-MAE's pretraining writes them."""
    with torch.device("meta"):
        return dict(MaskedAutoencoder(f"vit_{size}_patch16_mean_224", 224).state_dict())


def encoder_alone(size: str) -> State:
    """Return an encoder as facebookresearch/mae publishes it."""
    return {name: value for name, value in pretrained(size).items() if not name.startswith(("decoder_", "mask_token"))}


def smp() -> State:
    """Return a U-Net of segmentation_models_pytorch, as Medical-MAE's pretraining keeps it."""
    encoder = {f"model.encoder.{name}": value for name, value in of("densenet121", num_classes=0).items()}
    beside = ("model.decoder.blocks.0.conv1.0.weight", "model.segmentation_head.0.weight")
    return encoder | {name: torch.empty(3, 16, 3, 3, device="meta") for name in beside}


def old_names(state: State) -> State:
    """Return torchvision's names of before 2018."""
    return {re.sub(r"(denselayer\d+\.\w+)([12]\.)", r"\1.\2", name): value for name, value in state.items()}


FILES: Mapping[str, Callable[[], State]] = {
    "medical-mae.vit-s": lambda: pretrained("small"),
    "medical-mae.vit-b": lambda: pretrained("base"),
    "medical-mae.densenet121": smp,
    "medical-mae.vit-s.cxr14": lambda: tuned("vit_small_patch16_224"),
    "medical-mae.vit-b.cxr14": lambda: tuned("vit_base_patch16_224"),
    "medical-mae.densenet121.cxr14": lambda: of("densenet121", num_classes=14),
    "medical-mae.resnet50.cxr14": lambda: of("resnet50", num_classes=14),
    "mae.vit-s.in1k": lambda: pretrained("small"),
    "mae.vit-b.in1k": lambda: encoder_alone("base"),
    "mae.vit-b.in1k.decoder": lambda: pretrained("base"),
    "resnet18.a1_in1k": lambda: of("resnet18"),
    "densenet121.tv_in1k": lambda: old_names(of("densenet121")),
}
BY_CONTENT = set(FILES) - {"medical-mae.vit-s", "medical-mae.vit-b", "mae.vit-s.in1k", "mae.vit-b.in1k.decoder"}


@pytest.mark.parametrize("name", FILES)
def test_files_are_recognised_under_their_published_names(name: str) -> None:
    entry = next(entry for entry in catalogue() if entry.name == name)
    assert recognition.recognised(FILES[name](), entry.file, entry.sha256 or UNKNOWN).name == name


@pytest.mark.parametrize("name", sorted(BY_CONTENT - {"densenet121.tv_in1k"}))
def test_files_that_only_one_entry_looks_like_are_recognised_under_any_name(name: str) -> None:
    assert recognition.recognised(FILES[name](), "downloaded (1).pth", UNKNOWN).name == name


def test_pretrained_and_tuned_files_of_one_name_are_told_apart() -> None:
    name = "vit-s_CXR_0.3M_mae.pth"
    assert recognition.recognised(pretrained("small"), name, UNKNOWN).name == "medical-mae.vit-s"
    assert recognition.recognised(tuned("vit_small_patch16_224"), name, UNKNOWN).name == "medical-mae.vit-s.cxr14"


def test_a_checksum_tells_more_than_a_name() -> None:
    state = of("deit_small_patch16_224")
    assert recognition.recognised(state, "anything.pth", "cd65a155" + "0" * 56).name == "deit.vit-s.in1k"
    with pytest.raises(DataError) as caught:
        recognition.recognised(state, "anything.pth", UNKNOWN)
    assert caught.value.code == "weights.ambiguous"
    assert "deit.vit-s.in1k" in caught.value.message
    assert "vit_small_patch16_224.augreg_in21k_ft_in1k" in caught.value.message


def test_files_that_differ_in_their_training_alone_must_be_named_by_the_person() -> None:
    with pytest.raises(DataError) as caught:
        recognition.recognised(pretrained("small"), "checkpoint-799.pth", UNKNOWN)
    assert caught.value.code == "weights.ambiguous"
    assert "medical-mae.vit-s or mae.vit-s.in1k" in caught.value.message
    assert "--name" in caught.value.hint


def test_networks_for_volumes_are_recognised_too() -> None:
    entry = next(entry for entry in catalogue() if entry.name == "stunet-b.abdomenatlas")
    assert entry.architecture == "stunet-b"
    layout = stunet_file.expected(entry)  # type: ignore[arg-type]  # the entry's architecture says that it is one
    state = {name: torch.empty(shape, device="meta") for name, shape in layout.shapes().items()}
    assert recognition.recognised(state, "anything.model", UNKNOWN).name == entry.name


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (lambda: tuned("vit_small_patch16_224", outputs=5), "vit_small_patch16_mean_224 with 5 outputs"),
        (lambda: tuned("vit_small_patch16_224", embed_dim=512, num_heads=8), "instead of"),
        (lambda: tuned("vit_small_patch16_224", depth=6), "is not in the file"),
        (lambda: of("vgg11"), "no tensor of it fits"),
    ],
)
def test_what_a_file_is_instead_is_told(state: Callable[[], State], told: str) -> None:
    with pytest.raises(DataError) as caught:
        recognition.recognised(state(), "checkpoint.pth", UNKNOWN)
    assert caught.value.code == "weights.unrecognised"
    assert told in caught.value.message


def test_another_size_of_pictures_does_not_make_it_another_network() -> None:
    larger = tuned("vit_small_patch16_224", img_size=384)
    assert larger["pos_embed"].shape == (1, 577, 384)
    assert recognition.recognised(larger, "x.pth", UNKNOWN).name == "medical-mae.vit-s.cxr14"


def test_names_that_fall_together_under_one_map_do_not_hide_what_the_file_is() -> None:
    state = {**of("resnet50", num_classes=14), "_fc.weight": torch.empty(1), "classifier.weight": torch.empty(1)}
    assert recognition.recognised(state, "x.pth", UNKNOWN).name == "medical-mae.resnet50.cxr14"


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.one_of(
            st.sampled_from(["pos_embed", "cls_token", "head.weight", "fc.weight", "mask_token"]), st.text(max_size=9)
        ),
        st.lists(st.integers(0, 200), max_size=5),
        max_size=8,
    )
)
def test_whatever_a_file_holds_it_is_recognised_or_refused(shapes: dict[str, list[int]]) -> None:
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    with pytest.raises(DataError) as caught:
        recognition.recognised(state, "x.pth", UNKNOWN)
    assert caught.value.code == "weights.unrecognised"


def test_both_notices_are_kept_of_what_descends_from_both() -> None:
    for entry in catalogue():
        if entry.name.startswith(("medical-mae", "mae.")):
            assert "CC BY-NC 4.0" in entry.licence
        if entry.name.startswith("medical-mae"):
            assert "Apache-2.0" in entry.licence


def test_no_name_followed_by_a_dash_begins_another() -> None:
    """Converted files are kept as name, dash and checksum, and found by their beginning."""
    names = [entry.name for entry in catalogue()]
    assert len(set(names)) == len(names)
    assert not [(one, other) for one in names for other in names if other.startswith(f"{one}-")]
