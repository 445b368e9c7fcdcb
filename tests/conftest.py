"""Fixtures for every test."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before Qt is imported anywhere: no test needs a screen

import numpy as np
import pytest
from PIL import Image as Pillow

from medtransfer.contract.bundle import (
    CARD,
    BundleCard,
    BundleLabel,
    DataStatement,
    Preprocessing,
    file_sha256,
)
from medtransfer.contract.recipe import Recipe
from medtransfer.store.home import Home

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ROOT / "tests" / "plugins"

BundleMaker = Callable[..., Path]
PictureMaker = Callable[..., Path]
TableMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real images that lies beside a development checkout; tests that need it are skipped without it."""
    folder = Path(os.environ.get("MEDTRANSFER_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the folder of real images is absent: set MEDTRANSFER_DATA")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty store that sees the test plug-ins ``test.echo`` and ``test.trouble``."""
    folder = tmp_path / "home"
    monkeypatch.setenv("MEDTRANSFER_HOME", str(folder))
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", os.pathsep.join(str(PLUGINS / name) for name in ("echo", "trouble")))
    return Home.locate()


@pytest.fixture
def make_bundle(tmp_path: Path) -> BundleMaker:
    """Write a whole, valid model bundle; another ``seed`` makes another address."""

    def make(plugin: str = "test.echo", seed: int = 1) -> Path:
        folder = tmp_path / f"bundle-{plugin}-{seed}"
        folder.mkdir()
        weights = folder / "weights.txt"
        weights.write_text(f"seed {seed}\n", encoding="utf-8")
        card = BundleCard(
            name="sample",
            plugin=plugin,
            plugin_version="1.2.0",
            created="2026-01-01T00:00:00+00:00",
            labels=[BundleLabel(id="bright", name="Bright"), BundleLabel(id="dark", name="Dark")],
            backbone="none",
            preprocessing=Preprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
            recipe=Recipe(),
            weights=[],
            data=DataStatement(
                fingerprint="0" * 64, split_sha256="0" * 64, cases=9, patients=9, train=3, validation=3, test=3
            ),
            versions={},
            seed=seed,
            files={weights.name: file_sha256(weights)},
        )
        (folder / CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def make_picture() -> PictureMaker:
    """Write a colour picture of 32 x 32 pixels: even ``value``, or noise from ``seed`` so that no two are alike."""

    def make(path: Path, seed: int = 0, value: int | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Pillow.fromarray(noise if value is None else np.full_like(noise, value)).save(path)
        return path

    return make


@pytest.fixture
def make_table(make_picture: PictureMaker) -> TableMaker:
    """Write a table of labelled pictures, two per patient, with the labels ``bright`` and ``dark``."""

    def make(folder: Path, patients: int = 24) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        table = folder / "labels.csv"
        with table.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["image", "patient", "bright", "dark"])
            for number in range(2 * patients):
                make_picture(folder / f"{number}.png", seed=number)
                writer.writerow([f"{number}.png", f"patient {number // 2}", number // 2 % 2, 1 - number // 2 % 2])
        return table

    return make
