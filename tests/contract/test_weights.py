"""The weights catalogue against what the publishers' own packages say, and the text of the weight-fit report."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torchvision

from medtransfer.contract.bundle import file_sha256
from medtransfer.contract.weights import PictureEntry, ShapePair, VolumeEntry, WeightFit, catalogue, catalogue_entry
from medtransfer.errors import UserError
from medtransfer.transfer.backbones import MEAN_POOLED

PICTURES = [entry for entry in catalogue() if isinstance(entry, PictureEntry)]
TIMM_TAGS = [entry for entry in PICTURES if entry.name in timm.list_pretrained()]


def test_names_are_unique_and_architectures_can_be_built() -> None:
    names = [entry.name for entry in catalogue()]
    assert len(set(names)) == len(names)
    assert {entry.architecture for entry in PICTURES} <= {*timm.list_models(), *MEAN_POOLED}


def test_the_published_weights_for_volumes_are_listed() -> None:
    """The table of the authors' README: the sizes and what they were trained on."""
    entries = {entry.name: entry for entry in catalogue() if isinstance(entry, VolumeEntry)}
    assert {name: (entry.architecture, entry.outputs) for name, entry in entries.items()} == {
        "stunet-s.totalsegmentator": ("stunet-s", 105),
        "stunet-b.totalsegmentator": ("stunet-b", 105),
        "stunet-l.totalsegmentator": ("stunet-l", 105),
        "stunet-h.totalsegmentator": ("stunet-h", 105),
        "stunet-b.abdomenatlas": ("stunet-b", 10),
    }
    assert all(entry.licence and entry.sha256 == "" for entry in entries.values())


def test_the_embedded_file_is_the_one_described() -> None:
    entry = catalogue()[0]
    assert entry.name == "tf_efficientnet_lite0.imagenet"
    path = entry.packaged_file()
    assert path is not None
    assert path.name == entry.file
    assert file_sha256(path) == entry.sha256


def test_a_file_that_a_person_brings_is_in_no_package() -> None:
    assert catalogue_entry("resnet50.a1_in1k").packaged_file() is None


def test_a_package_that_is_not_installed_gives_no_file() -> None:
    entry = catalogue()[0].model_copy(update={"package": "no-such-distribution-here"})
    assert entry.packaged_file() is None


@pytest.mark.parametrize("entry", TIMM_TAGS, ids=lambda entry: entry.name)
def test_entries_of_timm_agree_with_timm(entry: PictureEntry) -> None:
    published = timm.get_pretrained_cfg(entry.name, allow_unregistered=False)
    assert published is not None
    assert entry.architecture == published.architecture
    assert entry.mean == published.mean
    assert entry.std == published.std
    assert published.input_size == (3, entry.size, entry.size)
    if entry.source.startswith("https://github.com"):
        assert str(published.url).endswith(f"/{entry.file}")
        assert entry.licence.lower() == published.license
    if entry.source.startswith("https://huggingface.co"):
        assert entry.source == f"https://huggingface.co/{published.hf_hub_id}"


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("resnet50.tv2_in1k", torchvision.models.ResNet50_Weights.IMAGENET1K_V2),
        ("densenet121.tv_in1k", torchvision.models.DenseNet121_Weights.IMAGENET1K_V1),
    ],
)
def test_entries_of_torchvision_agree_with_torchvision(name: str, published: Any) -> None:
    entry = catalogue_entry(name)
    assert entry.source == published.url
    assert entry.file == published.url.rpartition("/")[2]
    assert entry.file.endswith(f"-{entry.sha256}.pth")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError) as caught:
        catalogue_entry("tf_efficientnet_lite0.imagenett")
    assert caught.value.code == "weights.unknown"
    assert "tf_efficientnet_lite0.imagenet" in caught.value.hint


def test_the_report_names_what_does_not_fit() -> None:
    fit = WeightFit(
        loaded=["a", "b"],
        mismatched=[ShapePair(name="stem.weight", file_shape=(8, 1, 3, 3), network_shape=(16, 3, 3, 3))],
        missing=["c1", "c2", "c3"],
        new=["head.weight"],
        tensor_share=2 / 6,
        parameter_share=0.25,
    )
    lines = fit.lines(most=2)
    assert lines[0].startswith("33.3% of the network's tensors and 25.0% of its parameters")
    assert "1 in another shape: stem.weight (file (8, 1, 3, 3), network (16, 3, 3, 3))" in lines
    assert "3 not in the file: c1, c2 and 1 more" in lines
    assert "1 new for this task: head.weight" in lines
    assert not any("not used" in line for line in lines)
