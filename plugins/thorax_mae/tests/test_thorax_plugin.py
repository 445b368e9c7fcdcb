"""The plug-in as a person uses it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from medtransfer_thorax_mae import plugin as module
from PIL import Image as Pillow

from medtransfer.cli import main
from medtransfer.contract.manifest import read_manifest
from medtransfer.errors import MedTransferError, UserError
from medtransfer.store.home import Home
from medtransfer.work import planning
from medtransfer.work.planning import Wish

ID = "medtransfer.thorax-mae"
TINY = ("--set", "input_size=32", "--set", "batch_size=8")


@pytest.fixture
def radiographs(data_folder: Path, tmp_path: Path) -> Path:
    """Return a table of 48 small copies of real children's radiographs, half of them with pneumonia."""
    source = data_folder / "chest" / "kermany"
    folder = tmp_path / "radiographs"
    folder.mkdir()
    with (source / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list({row["patient"]: row for row in csv.DictReader(stream)}.values())
    chosen = [row for answer in "01" for row in [row for row in rows if row["pneumonia"] == answer][:24]]
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", "pneumonia"])
        for number, row in enumerate(chosen):
            with Pillow.open(source / row["image"]) as picture:
                picture.convert("L").resize((130, 130)).save(folder / f"{number}.png")
            writer.writerow([f"{number}.png", row["patient"], row["pneumonia"]])
    return folder


def test_pretrain_leaves_an_encoder_that_a_training_starts_from(radiographs: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"

    def done(*arguments: object) -> None:
        assert main.run(["--home", str(home), *map(str, arguments)]) == 0

    encoder = tmp_path / "encoder"
    pretrain = ("pretrain", "--plugin", ID, "--data", radiographs, "--recipe", "quick", "--out", encoder)
    done(*pretrain, *TINY, "--set", "epochs=1", "--set", "warmup_epochs=0")
    assert len(list((encoder / "reconstructions").glob("*.png"))) == 2
    before = (encoder / "model" / "model.json").read_bytes()
    done(*pretrain, *TINY, "--set", "epochs=1", "--set", "warmup_epochs=0")
    assert (encoder / "model" / "model.json").read_bytes() == before
    assert not any((home / "jobs").iterdir())
    assert main.run(["--home", str(home), *map(str, pretrain), "--set", "epochs=3"]) == 2
    assert main.run(["--home", str(home), "model", "import", str(encoder / "model")]) == 2
    entry, manifest = planning.learner(Home(home), ID)
    assert manifest.can.pretrain
    parent = planning.parent_of(Home(home), entry, Wish(ID, radiographs, parent=str(encoder)))
    assert parent is not None
    assert (parent.card.task, parent.card.backbone) == ("pretraining", "vit_tiny_patch16_mean_224")
    assert parent.card.data.patients == 48
    other, _ = planning.learner(Home(home), "medtransfer.fundus-trio")
    with pytest.raises(UserError) as refused:
        planning.parent_of(Home(home), other, Wish(other.id, radiographs, parent=str(encoder)))
    assert refused.value.code == "model.other-plugin"


def test_a_plugin_that_cannot_pretrain_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["pretrain", "--plugin", "medtransfer.fundus-trio", "--data", tmp_path, "--out", tmp_path / "out"]
    assert main.run(["--home", str(tmp_path / "home"), *map(str, arguments)]) == 2
    assert "cannot pretrain" in capsys.readouterr().err


def test_the_manifest_has_the_fourteen_findings_in_their_published_order() -> None:
    manifest = read_manifest(Path(module.__file__).resolve().parent)
    assert [label.id for label in manifest.task.labels] == [
        "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia", "pneumothorax",
        "consolidation", "edema", "emphysema", "fibrosis", "pleural_thickening", "hernia",
    ]  # fmt: skip
    assert manifest.can.pretrain
    assert all(label.code_source for label in manifest.task.labels if label.code)


def test_the_published_recipe_has_the_papers_numbers_and_the_presets_follow_it() -> None:
    manifest = read_manifest(Path(module.__file__).resolve().parent)
    published, cnn = (
        planning.recipe_of(Wish(ID, Path(), recipe=name), manifest) for name in ("published", "published-cnn")
    )
    for recipe in (published, cnn):
        assert recipe.learning_rate * 1024 / recipe.batch_size == pytest.approx(1e-3)
        assert (recipe.epochs, recipe.warmup_epochs, recipe.weight_decay) == (75, 5, 0.05)
        assert (recipe.augmentation, recipe.tune, recipe.dropout) == ("randaugment", "all", 0.0)
        assert recipe.class_balance == "none"
    assert (published.layer_decay, published.drop_path) == (0.55, 0.2)
    assert (cnn.layer_decay, cnn.drop_path, cnn.backbone) == (1.0, 0.0, "densenet121")
    resnet = planning.recipe_of(Wish(ID, Path(), recipe="published-cnn", settings={"backbone": "resnet50"}), manifest)
    assert resnet.backbone == "resnet50"
    thorough = planning.recipe_of(Wish(ID, Path(), recipe="thorough"), manifest)
    assert (thorough.name, thorough.layer_decay, thorough.drop_path) == ("thorough", 0.55, 0.2)
    with pytest.raises(MedTransferError):
        planning.recipe_of(Wish(ID, Path(), recipe="unpublished"), manifest)
