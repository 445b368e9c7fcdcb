from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from medtransfer_stunet import plugin as module
from medtransfer_stunet.network import STUNet
from medtransfer_stunet.plugin import StuNet
from medtransfer_stunet.structures import classes

from medtransfer.contract.bundle import NETWORK, BundleCard, BundleLabel, DataStatement, ModelBundle
from medtransfer.contract.manifest import Manifest, read_manifest
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.recipe import Recipe
from medtransfer.study.model import Image
from medtransfer.transfer import bundles
from tests.transfer.small import PlainContext, request

PACKAGE = Path(module.__file__).resolve().parent
AXIAL = np.array([[0.0, 0.0, 3.0, 0.0], [0.0, 3.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
PLAN = VolumePlan(spacing=(3.0, 3.0, 3.0), patch=(16, 16, 16), pools=((2, 2, 2), (2, 2, 2)))


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_manifest(PACKAGE)


@pytest.fixture(scope="module")
def bundle(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    torch.manual_seed(1)
    network = STUNet("S", 1, 3, PLAN.pools)
    card = BundleCard(
        name="untrained",
        plugin=manifest.id,
        plugin_version=manifest.version,
        created="2026-11-24T00:00:00+00:00",
        task="segmentation",
        labels=[BundleLabel(id="liver", name="Liver", value=1), BundleLabel(id="spleen", name="Spleen", value=2)],
        backbone="stunet-s",
        preprocessing=PLAN,
        recipe=Recipe(),
        weights=[],
        data=DataStatement(fingerprint="", split_sha256="", cases=0, patients=0, train=0, validation=0, test=0),
        versions={},
        seed=1,
    )
    return bundles.write(tmp_path_factory.mktemp("bundle"), card, {NETWORK: bundles.stored(network.state_dict())})


def test_the_manifest_lists_the_structures_of_the_published_weights(manifest: Manifest) -> None:
    assert manifest.unusable_reason == ""
    assert manifest.entry == f"{StuNet.__module__}:{StuNet.__name__}"
    listed = [(label.id, label.name, label.code) for label in manifest.task.labels]
    assert listed == [(own.id, own.name, own.code) for own in classes("totalsegmentator-104")]


def test_a_volume_is_segmented_by_the_size_that_the_card_names(
    bundle: ModelBundle, manifest: Manifest, tmp_path: Path
) -> None:
    ctx = PlainContext(tmp_path, manifest=manifest)
    values = np.random.default_rng(2).integers(-200, 300, (14, 22, 18), dtype=np.int16)
    image = Image(array=values, axes="zyx", modality="CT", units="HU", affine=AXIAL.copy())
    result = StuNet().analyse(image, bundle, request(bundle), ctx)
    assert result.segmentation is not None
    network = STUNet("S", 1, 3, PLAN.pools).eval()
    bundles.load_network(network, bundle, NETWORK)
    assert sum(value.numel() for value in network.parameters()) > 14_000_000
    found = result.segmentation.array
    assert found.shape == values.shape
    assert set(np.unique(found)) <= {0, 1, 2}
    assert len(np.unique(found)) > 1
    counted = {structure.label: round(structure.volume_ml / 0.027) for structure in result.segmentation.structures}
    assert counted == {"liver": int((found == 1).sum()), "spleen": int((found == 2).sum())}
