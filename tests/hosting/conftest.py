"""Fixtures: the test plug-ins, a model that they accept, and jobs for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from medtransfer.contract.bundle import CARD, BundleCard, BundleLabel, DataStatement, Preprocessing
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import IMAGE, REQUEST, AnalyseRequest
from medtransfer.hosting.catalogue import PATH_VARIABLE, PluginEntry, get
from medtransfer.hosting.guard import WorkerOptions
from medtransfer.hosting.process import Worker
from medtransfer.result.model import SourceInfo
from medtransfer.study import exchange
from medtransfer.study.model import Image

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"
OPTIONS = WorkerOptions(device="cpu", threads=1, start_timeout_s=60.0)

PluginFinder = Callable[[str], PluginEntry]
JobMaker = Callable[[str], Path]


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PluginFinder:
    """Return the test plug-in of that name, found as a plug-in folder."""

    def find(name: str) -> PluginEntry:
        monkeypatch.setenv(PATH_VARIABLE, str(PLUGINS / name))
        return get(tmp_path / "home", f"test.{name}")

    return find


@pytest.fixture
def job(tmp_path: Path, model: Path) -> JobMaker:
    """Make the folder of a job that analyses a small picture, with that first entry in ``explain``."""

    def make(explain: str) -> Path:
        folder = tmp_path / f"job-{explain}-{len(list(tmp_path.glob('job-*')))}"
        folder.mkdir()
        image = Image(np.zeros((12, 16, 3), np.uint8), "yxc", "OP", "display", "rgb")
        (folder / IMAGE).mkdir()
        exchange.save(image, folder / IMAGE)
        request = AnalyseRequest(bundle=str(model), source=SourceInfo(names=("picture.png",)), explain=[explain])
        (folder / REQUEST).write_text(request.model_dump_json(), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def misbehaving(plugin: PluginFinder) -> Iterator[Worker]:
    """A started worker of the misbehaving plug-in."""
    with Worker() as worker:
        worker.start(plugin("misbehaving"), OPTIONS)
        yield worker


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of a model bundle that holds nothing but its card."""
    folder = tmp_path / "model"
    folder.mkdir()
    card = BundleCard(
        name="nothing",
        plugin="test.echo",
        plugin_version="1.2.0",
        created="2026-01-01T00:00:00+00:00",
        labels=[BundleLabel(id="bright", name="Bright"), BundleLabel(id="dark", name="Dark")],
        backbone="none",
        preprocessing=Preprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        recipe=Recipe(),
        weights=[],
        data=DataStatement(fingerprint="", split_sha256="", cases=0, patients=0, train=0, validation=0, test=0),
        versions={},
        seed=1,
    )
    (folder / CARD).write_text(card.model_dump_json(), encoding="utf-8")
    return folder
