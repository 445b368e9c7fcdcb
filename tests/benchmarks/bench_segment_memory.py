"""The memory that a volume of 512 x 512 x 600 voxels and 105 classes takes, from the opened image to the result.

    PYTHONPATH=.:plugins/stunet .venv/bin/python -m tests.benchmarks.bench_segment_memory [--slices 600]

STU-Net-S with untrained weights on its published plan (1.5 mm, tiles of 128), a trunk of 400 x 300 mm in air at
0.8 x 0.8 x 1 mm. Fails when the process holds more than 6 GB at any moment: the volume itself, the libraries, and all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import torch
from medtransfer_stunet import plugin as module
from medtransfer_stunet.network import STUNet
from medtransfer_stunet.plugin import StuNet
from medtransfer_stunet.structures import classes

from medtransfer.contract.bundle import NETWORK, BundleCard, BundleLabel, DataStatement, ModelBundle
from medtransfer.contract.manifest import read_manifest
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.weights import VolumeEntry, catalogue_entry
from medtransfer.study.model import Image
from medtransfer.transfer import bundles
from tests.benchmarks.bench_segment import PeakMemory
from tests.transfer.small import PlainContext, request

BAR = 6e9
SPACING = (1.0, 0.8, 0.8)


def trunk(slices: int) -> Image:
    """Return an ellipse of soft tissue with noise in air: int16 (slices, 512, 512)."""
    y, x = np.mgrid[-204.8:204.8:512j, -204.8:204.8:512j]
    inside = (x / 200) ** 2 + (y / 150) ** 2 < 1
    plane = np.where(inside, 40, -1000) + np.random.default_rng(1).normal(0, 20, (512, 512))
    array = np.broadcast_to(plane.astype(np.int16), (slices, 512, 512)).copy()
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *SPACING, 1.0
    return Image(array=array, axes="zyx", modality="CT", units="HU", affine=affine)


def untrained(folder: Path) -> ModelBundle:
    """Return a model of all 104 structures that knows none of them."""
    entry = catalogue_entry("stunet-s.totalsegmentator")
    assert isinstance(entry, VolumeEntry)
    assert isinstance(entry.plan, VolumePlan)
    torch.manual_seed(0)
    network = STUNet("S", 1, entry.outputs, entry.plan.pools)
    card = BundleCard(
        name="untrained",
        plugin="medtransfer.stunet",
        plugin_version="",
        created="2026-11-24T00:00:00+00:00",
        task="segmentation",
        labels=[BundleLabel(id=one.id, name=one.name, value=one.value) for one in classes("totalsegmentator-104")],
        backbone=entry.architecture,
        preprocessing=entry.plan,
        recipe=Recipe(),
        weights=[],
        data=DataStatement(fingerprint="", split_sha256="", cases=0, patients=0, train=0, validation=0, test=0),
        versions={},
        seed=0,
    )
    return bundles.write(folder, card, {NETWORK: network.state_dict()})


def main() -> int:
    """Print the largest resident memory, and return 1 when it is above the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=600)
    asked = parser.parse_args()
    manifest = read_manifest(Path(module.__file__).resolve().parent)
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "model").mkdir()
        bundle = untrained(Path(name) / "model")
        ctx = PlainContext(Path(name), manifest=manifest, runtime="openvino", threads=2)
        image = trunk(asked.slices)
        at_first, memory, began = psutil.Process().memory_info().rss, PeakMemory(), time.perf_counter()
        StuNet().analyse(image, bundle, request(bundle), ctx)
        peak = at_first + memory.stop()
    print(f"512 x 512 x {asked.slices}: {time.perf_counter() - began:.0f} s, at most {peak / 1e9:.2f} GB resident")
    return int(peak > BAR)


if __name__ == "__main__":
    sys.exit(main())
