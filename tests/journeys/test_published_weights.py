"""Weights as their authors publish them: imported by file, then chosen as a model, with nothing learnt in between."""

from __future__ import annotations

from pathlib import Path

import medtransfer_stunet
import numpy as np
import pytest
import torch
from medtransfer_stunet.network import STUNet
from medtransfer_stunet.structures import classes

from medtransfer.contract.manifest import read_manifest
from medtransfer.contract.weights import VolumeEntry, catalogue_entry
from medtransfer.result import reading
from medtransfer.store import models as registry
from medtransfer.store.home import Home
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.published import publish, structures_of
from medtransfer.work.session import Session
from medtransfer.work.weights import import_weights
from tests.study.builders import nifti

NAME = "stunet-s.totalsegmentator"
PLUGIN = "medtransfer.stunet"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """``small_ep4k.model`` in nnU-Net v1's container, untrained but for one bias: it calls everything a liver."""
    torch.manual_seed(0)
    network = STUNet("S", 1, 105)
    liver = next(own.value for own in classes("totalsegmentator-104") if own.id == "liver")
    with torch.no_grad():
        for head in network.seg_outputs:
            head.get_parameter("bias")[liver] = 1e4
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"epoch": 4000, "state_dict": state, "optimizer_state_dict": None}, tmp_path / "small_ep4k.model")
    return tmp_path / "small_ep4k.model"


def test_imported_weights_segment_a_ct_by_their_published_classes(home: Home, checkpoint: Path, tmp_path: Path) -> None:
    (model,) = publish(home, import_weights(home, checkpoint))
    assert (model.name, model.plugin) == (NAME, PLUGIN)
    card = model.open().card
    assert [(label.id, label.value) for label in card.labels] == [
        (own.id, own.value) for own in classes("totalsegmentator-104")
    ]
    assert len({label.colour for label in card.labels}) == 104
    values = np.random.default_rng(1).integers(0, 80, (24, 22, 20), dtype=np.int16)
    nifti.save(nifti.Nifti1Image(values, np.diag([1.5, 1.5, 1.5, 1.0])), tmp_path / "ct.nii.gz")
    options = Options(PLUGIN, model=model.reference, modality="CT")
    with Session(home) as session:
        analyse(session, [tmp_path / "ct.nii.gz"], options, tmp_path / "out")
    found = reading.read(tmp_path / "out").segmentation
    assert found is not None
    assert {one.label: one.volume_ml for one in found.structures if one.volume_ml} == {
        "liver": pytest.approx(values.size * 1.5**3 / 1000)
    }


def test_the_same_weights_imported_again_are_the_same_model(home: Home, checkpoint: Path) -> None:
    first, again = (publish(home, import_weights(home, checkpoint)) for _ in range(2))
    assert [model.reference for model in first] == [model.reference for model in again]
    assert len(registry.list_models(home, PLUGIN)) == 1


def test_every_published_file_has_structures_that_the_plug_in_knows() -> None:
    manifest = read_manifest(Path(medtransfer_stunet.__file__).parent)
    listed = {}
    for size in ("s", "b", "l", "h"):
        entry = catalogue_entry(f"stunet-{size}.totalsegmentator")
        assert isinstance(entry, VolumeEntry)
        assert entry.architecture in manifest.task.networks
        listed[entry.classes] = structures_of(entry, manifest)
    atlas = catalogue_entry("stunet-b.abdomenatlas")
    assert isinstance(atlas, VolumeEntry)
    listed[atlas.classes] = structures_of(atlas, manifest)
    assert listed.keys() == {"totalsegmentator-104", "abdomenatlas-9"}
    assert [one.id for one in listed["totalsegmentator-104"] or []] == [o.id for o in classes("totalsegmentator-104")]
    assert [one.id for one in listed["abdomenatlas-9"] or []] == [own.id for own in classes("abdomenatlas-9")]


def test_weights_with_other_structures_than_the_plug_ins_are_not_published() -> None:
    manifest = read_manifest(Path(medtransfer_stunet.__file__).parent)
    entry = catalogue_entry(NAME)
    assert isinstance(entry, VolumeEntry)
    assert structures_of(entry.model_copy(update={"outputs": 104}), manifest) is None
    assert structures_of(entry.model_copy(update={"outputs": 2, "structures": ["antlers"]}), manifest) is None
