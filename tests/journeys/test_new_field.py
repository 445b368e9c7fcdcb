"""A new field with nothing new in medtransfer: malignancy is learnt, then types from the network that knows it."""

from __future__ import annotations

from pathlib import Path

import medtransfer_breast_histology
import numpy as np
import pytest
from medtransfer_breast_histology.table import write
from PIL import Image as Pillow

from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract.bundle import ModelBundle, file_sha256
from medtransfer.store.home import Home
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

RECIPES = Path(medtransfer_breast_histology.__file__).parent / "recipes"
SMALL: dict[str, str | int | float | bool] = {
    "input_size": 64,
    "views": 1,
    "epochs": 2,
    "bootstrap": 100,
    "tune": "head",
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 patients: benign adenosis is pale, malignant tissue full of dark dots, finer in lobular than in ductal."""
    folder = tmp_path_factory.mktemp("breakhis")
    random = np.random.default_rng(5)
    for patient in range(90):
        side, kind, grain = (("B", "A", 0), ("M", "DC", 16), ("M", "LC", 4))[patient % 3]
        picture = np.full((128, 128, 3), (225, 190, 215), np.uint8)
        if grain:
            dots = np.kron(random.random((128 // grain, 128 // grain)) < 0.3, np.ones((grain, grain), bool))
            picture[dots] = (90, 60, 140)
        picture = (picture.astype(int) + random.integers(-8, 8, picture.shape)).clip(0, 255).astype(np.uint8)
        name = f"SOB_{side}_{kind}-14-{patient + 100}-{(40, 400)[patient // 3 % 2]}-001.png"
        Pillow.fromarray(picture).save(folder / name)
    write(folder, folder / "table.csv")
    return folder / "table.csv"


def learnt(home: Home, table: Path, out: Path, recipe: str, labels: tuple[str, ...], parent: str = "") -> ModelBundle:
    wish = Wish(
        plugin="medtransfer.breast-histology",
        data=table,
        recipe=str(RECIPES / f"{recipe}.toml"),
        name=out.name,
        labels=labels,
        parent=parent,
        settings=SMALL,
    )
    with Session(home) as session:
        learn(session, wish, out)
    return ModelBundle.open(out / "model")


def test_types_are_learnt_from_the_network_that_knows_malignancy(home: Home, table: Path, tmp_path: Path) -> None:
    first = learnt(home, table, tmp_path / "malignancy", "binary", ("malignant",))
    types = ("ductal_carcinoma", "lobular_carcinoma")
    second = learnt(home, table, tmp_path / "types", "types", types, parent="malignancy")
    assert second.card.parent == first.sha256
    assert first.card.backbone == second.card.backbone == "tf_efficientnet_lite0", "unless a recipe says otherwise"
    weighted = {bundle.card.for_answers.class_balance for bundle in (first, second)}
    assert weighted == {"weighted"}, "the rarer class counts more"
    assert [label.name for label in second.card.labels] == ["Ductal carcinoma", "Lobular carcinoma"]
    trunks = [file_sha256(bundle.folder / "trunk.safetensors") for bundle in (first, second)]
    assert trunks[0] == trunks[1]
    splits = [FrozenSplit.load(tmp_path / name / "split.json").partitions for name in ("malignancy", "types")]
    assert splits[0] == splits[1]
    assert second.card.evaluation is not None
    (tuned,) = (model for model in second.card.evaluation.models if model.model == "tuned")
    assert all(label.metrics["auroc"].value > 0.8 for label in tuned.labels)
