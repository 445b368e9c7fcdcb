"""Medical-MAE's files, made here in their published form: imported, they answer as their authors' networks do."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from medtransfer_thorax_mae.plugin import ThoraxMae
from PIL import Image as Pillow
from torch import Tensor, nn
from torchvision import transforms

from medtransfer import study
from medtransfer.cli import main
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.weights import catalogue_entry
from medtransfer.errors import DataError
from medtransfer.result.model import Result
from medtransfer.store.home import Home
from medtransfer.store.models import StoredModel
from medtransfer.transfer import answering
from medtransfer.transfer.convert import convert
from medtransfer.transfer.masked_autoencoder import MaskedAutoencoder
from medtransfer.transfer.origin import FromCatalogue, FromModel
from medtransfer.work.published import publish
from medtransfer.work.weights import StoredWeights
from tests.transfer.small import RECIPE, PlainContext, request

MEAN, STD = 0.5056, 0.252
FINDINGS = 14
VIT_S = "vit_small_patch16_mean_224"
TUNED: dict[str, Any] = {"num_classes": FINDINGS, "global_pool": "avg", "fc_norm": True}


def checkpoint(folder: Path, network: nn.Module) -> Path:
    """Save a network as Medical-MAE's fine-tuning does, with everything that lies beside the weights."""
    content = {
        "model": network.state_dict(),
        "optimizer": {"state": {}, "param_groups": [{"lr": 1e-3, "params": [0]}]},
        "epoch": 74,
        "scaler": {"scale": 65536.0, "growth_factor": 2.0},
        "args": argparse.Namespace(model="vit_small_patch16", lr=None),
    }
    torch.save(content, folder / "checkpoint.pth")
    return folder / "checkpoint.pth"


def network(name: str, seed: int = 0, **settings: Any) -> nn.Module:
    """Return a network whose answers differ much from picture to picture."""
    torch.manual_seed(seed)
    made: nn.Module = timm.create_model(name, **settings).eval()
    with torch.no_grad():
        head = made.get_classifier()  # type: ignore[operator]  # every network of timm's has it
        head.weight.normal_(std=0.3)
        head.bias.normal_()
    return made


def imported(home: Home, file: Path) -> StoredModel:
    """Import a file without telling what it is, in this process."""
    target = home.prepare().weights / "converted.safetensors"
    report = convert(file, target)
    (model,) = publish(home, StoredWeights(report.name, target, report.fit))
    return model


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def radiograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a picture that is higher than wide, with detail everywhere."""
    path = tmp_path_factory.mktemp("picture") / "radiograph.png"
    y, x = np.mgrid[0:420, 0:351]
    pixels = 120 + 60 * np.sin(x / 17) + 50 * np.cos(y / 23) + np.random.default_rng(1).normal(0, 5, x.shape)
    Pillow.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path


def as_published(picture: Path, size: int) -> Tensor:
    """Prepare a picture as the authors' test does: torchvision's own steps."""
    steps: Any = transforms  # torchvision has no types for its classes
    chain = steps.Compose(
        [
            steps.Resize(round(size * 256 / 224), interpolation=transforms.InterpolationMode.BICUBIC),
            steps.CenterCrop(size),
            steps.ToTensor(),
            steps.Normalize([MEAN] * 3, [STD] * 3),
        ]
    )
    batch: Tensor = chain(Pillow.open(picture).convert("RGB"))[None]
    return batch


def analysed(bundle: ModelBundle, picture: Path, folder: Path, **changes: Any) -> Result:
    image = study.open(picture)[0].series[0].image()
    return ThoraxMae().analyse(image, bundle, request(bundle, **changes), PlainContext(folder))


@pytest.mark.parametrize(
    ("make", "name", "size"),
    [
        (lambda: network("vit_small_patch16_224", **TUNED), "medical-mae.vit-s.cxr14", 224),
        (lambda: network("vit_small_patch16_224", img_size=96, **TUNED), "medical-mae.vit-s.cxr14", 96),
        (lambda: network("densenet121", num_classes=FINDINGS), "medical-mae.densenet121.cxr14", 224),
        (lambda: network("resnet50", num_classes=FINDINGS), "medical-mae.resnet50.cxr14", 224),
    ],
    ids=["ViT-S", "ViT-S of small pictures", "DenseNet-121", "ResNet-50"],
)
def test_a_tuned_file_gives_the_same_logits_at_once(
    home: Home, tmp_path: Path, radiograph: Path, make: Callable[[], nn.Module], name: str, size: int
) -> None:
    own = make()
    model = imported(home, checkpoint(tmp_path, own))
    assert model.name == name
    bundle = model.open()
    assert bundle.card.for_pictures.size == size
    with torch.no_grad():
        expected = own(as_published(radiograph, size))[0]
    result = analysed(bundle, radiograph, tmp_path, explain=[], uncertainty=False)
    found = torch.tensor([finding.logit for finding in result.findings], dtype=torch.float32)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
    assert expected.std() > 0.1
    probabilities = [finding.probability for finding in result.findings]
    assert probabilities == pytest.approx(expected.sigmoid().tolist(), abs=1e-4)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """Return an imported ViT-S of small pictures."""
    folder = tmp_path_factory.mktemp("small")
    return imported(
        Home(folder / "home"), checkpoint(folder, network("vit_small_patch16_224", img_size=64, **TUNED))
    ).open()


def test_the_card_has_the_findings_in_their_order_and_both_licences(small: ModelBundle) -> None:
    card = small.card
    assert [label.id for label in card.labels] == [
        "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia", "pneumothorax",
        "consolidation", "edema", "emphysema", "fibrosis", "pleural_thickening", "hernia",
    ]  # fmt: skip
    assert card.plugin == "medtransfer.thorax-mae"
    assert "Apache-2.0" in card.data.licence
    assert "CC BY-NC 4.0" in card.data.licence
    assert any("0.5" in note for note in card.notes)
    assert card.evaluation is None


def test_its_heat_map_lies_on_the_part_that_the_network_saw(
    small: ModelBundle, tmp_path: Path, radiograph: Path
) -> None:
    result = analysed(small, radiograph, tmp_path, explain=["all"], uncertainty=False, faithfulness=False)
    assert result.heatmaps
    seen = round(351 * 0.875)
    top, left = (420 - seen) // 2, (351 - seen) // 2
    for heatmap in result.heatmaps:
        assert heatmap.array.shape == (420, 351)
        outside = heatmap.array.copy()
        outside[top : top + seen, left : left + seen] = 0
        assert not outside.any()
        assert heatmap.array.any()


def test_what_all_findings_have_in_common_is_held_once(small: ModelBundle) -> None:
    one, *others = answering.detectors(small).values()
    assert len(others) == FINDINGS - 1
    for other in others:
        assert other.get_parameter("blocks.5.mlp.fc1.weight") is one.get_parameter("blocks.5.mlp.fc1.weight")
        assert other.get_parameter("head.weight") is not one.get_parameter("head.weight")


def test_training_goes_on_from_its_own_answer_to_a_finding(small: ModelBundle) -> None:
    origin = FromModel(small.folder, RECIPE.changed({"backbone": ""}))
    label = origin.known("mass")
    assert label is not None
    assert label.value == 4
    one, other = origin.network("mass", 0.0), origin.network("hernia", 0.0)
    assert one.get_submodule("head").out_features == 1
    assert not torch.equal(one.get_parameter("head.weight"), other.get_parameter("head.weight"))
    assert torch.equal(one.get_parameter("fc_norm.weight"), other.get_parameter("fc_norm.weight"))


def test_a_pretrained_file_is_a_start_for_training(tmp_path: Path) -> None:
    """Decoder and mask token go, the normalisation behind the mean is new, and positions suit another size."""
    torch.manual_seed(3)
    masked = MaskedAutoencoder(VIT_S, 64)
    content = {"model": masked.state_dict(), "epoch": 799, "args": argparse.Namespace(mask_ratio=0.9)}
    torch.save(content, tmp_path / "vit-s_CXR_0.3M_mae.pth")
    ctx = PlainContext(tmp_path)
    ctx.weights = {"medical-mae.vit-s": tmp_path / "converted.safetensors"}
    assert convert(tmp_path / "vit-s_CXR_0.3M_mae.pth", tmp_path / "converted.safetensors").name == "medical-mae.vit-s"
    recipe = RECIPE.changed({"backbone": VIT_S, "input_size": 96})
    origin = FromCatalogue(recipe, VIT_S, "medical-mae.vit-s", "none", ctx)
    started = origin.network("mass", 0.0)
    assert torch.equal(
        started.get_parameter("blocks.7.mlp.fc1.weight"), masked.get_parameter("blocks.7.mlp.fc1.weight")
    )
    assert started.get_parameter("pos_embed").shape == (1, 37, 384)
    fit = origin.fit()
    assert fit is not None
    assert {"fc_norm.weight", "head.weight"} <= set(fit.new)
    assert {"mask_token", "norm.weight", "decoder_blocks.1.mlp.fc2.bias"} <= set(fit.skipped)
    assert origin.preprocessing.mean == (MEAN, MEAN, MEAN)


def test_the_command_says_what_a_pretrained_file_is_and_how_it_fits(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = timm.create_model("densenet121", num_classes=0)
    state = {f"model.encoder.{name}": value for name, value in own.state_dict().items()}
    state["model.segmentation_head.0.weight"] = torch.zeros(3, 16, 3, 3)
    torch.save({"model": state, "epoch": 799, "args": argparse.Namespace(mask_ratio=0.75)}, tmp_path / "any.pth")
    assert main.run(["--home", str(home.root), "model", "import", str(tmp_path / "any.pth")]) == 0
    said = capsys.readouterr().out
    assert "weights medical-mae.densenet121 are ready" in said
    assert "100.0% of the network's tensors" in said
    assert "model.segmentation_head.0.weight" in said
    assert "published as" not in said


def test_a_file_with_other_answers_than_it_is_said_to_have_is_refused(tmp_path: Path) -> None:
    file = checkpoint(tmp_path, network("resnet50", num_classes=5))
    with pytest.raises(DataError) as caught:
        convert(file, tmp_path / "out.safetensors", catalogue_entry("medical-mae.resnet50.cxr14"))
    assert caught.value.code == "weights.other-classes"
    assert "5 outputs" in caught.value.message
    fit = convert(checkpoint(tmp_path, network("resnet50", num_classes=14)), tmp_path / "out.safetensors").fit
    assert {"fc.weight", "fc.bias"} <= set(fit.loaded)
    assert not fit.new


def test_a_file_that_was_cut_short_is_refused(home: Home, tmp_path: Path) -> None:
    file = checkpoint(tmp_path, network("vit_small_patch16_224", img_size=64, **TUNED))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(DataError) as caught:
        imported(home, file)
    assert caught.value.code in {"weights.damaged", "weights.not-weights"}
