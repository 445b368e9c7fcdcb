"""Segmenting a volume with STU-Net-S and 105 classes: medtransfer against nnU-Net's own sliding window.

Run as ``python -m tests.benchmarks.bench_segment [--side 160]`` where ``nnunetv2`` is installed. Each way runs in a
process of its own, so that its peak memory is its own; the same weights, the same volume, tiles of 128, step 0.5, no
mirroring. nnU-Net runs in float32; its peak includes what it keeps of all classes. The network is untrained: many
logits lie close together and agreement is at its hardest. ``--bundle FOLDER --ct FILE`` takes the trained network of a
model instead, with its own classes and tiles, on that CT: for agreement, since on a small CT compiling is much of the
time, and the bars of time and memory are for 105 classes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.contract.bundle import NETWORK, ModelBundle
from medtransfer.study.modality import stated_where_missing
from medtransfer.transfer import bundles
from medtransfer.transfer.volumes import prepare

TILE = (128, 128, 128)
CLASSES = 105
BARS = {"fp32": 0.30, "bf16": 0.20}
MEMORY_BAR, AGREEMENT_BAR, DICE_BAR = 0.5, 0.999, 0.99
WAYS = ("nnunet", "fp32", "bf16")
IMPORTS = {
    "nnunet": "nnunetv2.inference.predict_from_raw_data",
    "fp32": "medtransfer.inference",
    "bf16": "medtransfer.inference",
}


class PeakMemory:
    """The largest resident memory of this process above what it held at the start, in bytes."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._base = self._process.memory_info().rss
        self.bytes = 0
        self._stop = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.bytes = max(self.bytes, self._process.memory_info().rss - self._base)

    def stop(self) -> int:
        self._stop.set()
        return self.bytes


@dataclass(frozen=True)
class Subject:
    """What is run: an untrained network of 105 classes, or that of a model."""

    bundle: Path | None

    def network(self) -> Any:
        """Return STU-Net-S in evaluation mode."""
        from medtransfer_stunet.network import STUNet

        torch.manual_seed(0)
        if self.bundle is None:
            return STUNet("S", 1, CLASSES).eval()
        model = ModelBundle.open(self.bundle)
        found = STUNet("S", 1, self.classes, model.card.for_volumes.pools).eval()
        bundles.load_network(found, model, NETWORK)
        return found

    @property
    def classes(self) -> int:
        """How many classes the network tells apart, with the background."""
        return CLASSES if self.bundle is None else 1 + len(ModelBundle.open(self.bundle).card.labels)

    @property
    def tile(self) -> tuple[int, int, int]:
        """Voxels of a tile along (z, y, x)."""
        return TILE if self.bundle is None else ModelBundle.open(self.bundle).card.for_volumes.patch

    def volume(self, side: int, ct: Path | None) -> NDArray[np.float32]:
        """Return the input (1, z, y, x): generated, or a CT as the model wants it."""
        if self.bundle is None or ct is None:
            return generated(side)
        series = stated_where_missing(study.open(ct)[0].series[0], "CT")
        return prepare(series.image(), ModelBundle.open(self.bundle).card.for_volumes, ["CT"]).values


def peer(volume: NDArray[np.float32], subject: Subject) -> NDArray[Any]:
    """Segment as nnU-Net does: its predictor's sliding window, then the class with the largest logit."""
    nnunet: Any = importlib.import_module(IMPORTS["nnunet"])
    predictor = nnunet.nnUNetPredictor(
        tile_step_size=0.5, use_gaussian=True, use_mirroring=False, device=torch.device("cpu"), allow_tqdm=False
    )
    predictor.network = subject.network()
    predictor.configuration_manager = SimpleNamespace(patch_size=subject.tile)
    predictor.label_manager = SimpleNamespace(num_segmentation_heads=subject.classes)
    predictor.allowed_mirroring_axes = None
    logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(volume))
    return np.asarray(logits.argmax(0).numpy())


def ours(volume: NDArray[np.float32], subject: Subject, precision: Any) -> NDArray[Any]:
    """Segment with a fresh :class:`Segmenter`: compiling is part of the time."""
    from medtransfer.inference import Segmenter
    from medtransfer.inference.machine import RuntimeChoice

    choice = RuntimeChoice(device="cpu", runtime="openvino", precision=precision)
    return np.asarray(Segmenter(subject.network(), 1, subject.tile, choice).labels(volume))


def run_one(way: str, folder: Path, subject: Subject) -> None:
    """Run one way in this process and write what it found and took."""
    volume = np.load(folder / "volume.npy")
    subject.network()  # imports are nobody's time
    importlib.import_module(IMPORTS[way])
    memory, start = PeakMemory(), time.perf_counter()
    labels = peer(volume, subject) if way == "nnunet" else ours(volume, subject, way)
    figures = {"seconds": time.perf_counter() - start, "bytes": memory.stop()}
    np.save(folder / f"{way}.npy", labels.astype(np.uint8))
    (folder / f"{way}.json").write_text(json.dumps(figures), encoding="utf-8")


def generated(side: int) -> NDArray[np.float32]:
    """Return a smooth volume with structures of several sizes, after a z-score."""
    random = np.random.default_rng(3)
    volume: NDArray[np.float32] = np.zeros((side, side, side), dtype=np.float32)
    for grain in (4, 16, 64):
        coarse = random.normal(size=[-(-side // grain)] * 3).astype(np.float32)
        volume += np.kron(coarse, np.ones((grain,) * 3, dtype=np.float32))[:side, :side, :side]
    scored: NDArray[np.float32] = (volume - volume.mean()) / volume.std()
    return scored[None]


def mean_dice(found: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the mean Dice over the classes that either has."""
    most = 1 + max(int(found.max()), int(truth.max()))
    both = np.bincount(truth[found == truth].ravel(), minlength=most)
    sizes = np.bincount(found.ravel(), minlength=most) + np.bincount(truth.ravel(), minlength=most)
    return float(np.mean(2 * both[sizes > 0] / sizes[sizes > 0]))


def main() -> int:
    """Run every way, print the figures, and return 1 when one misses its bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--ct", type=Path)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    subject = Subject(given.bundle)
    if given.way:
        run_one(given.way, given.folder, subject)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "volume.npy", subject.volume(given.side, given.ct))
        more = ["--bundle", str(given.bundle)] if given.bundle else []
        for way in WAYS:
            subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.bench_segment", "--way", way, "--folder", name, *more],
                check=True,
            )
        return report(folder, trained=given.bundle is not None)


def report(folder: Path, *, trained: bool) -> int:
    """Print figures and ratios; return 1 when a bar is missed."""
    figures = {way: json.loads((folder / f"{way}.json").read_text(encoding="utf-8")) for way in WAYS}
    labels = {way: np.load(folder / f"{way}.npy") for way in WAYS}
    reference, missed = figures["nnunet"], False
    print(f"nnU-Net: {reference['seconds']:.1f} s, {reference['bytes'] / 1e9:.2f} GB")
    for way, bar in BARS.items():
        time_ratio = figures[way]["seconds"] / reference["seconds"]
        memory_ratio = figures[way]["bytes"] / reference["bytes"]
        agreement = float((labels[way] == labels["nnunet"]).mean())
        dice = mean_dice(labels[way], labels["nnunet"])
        print(
            f"medtransfer {way}: {figures[way]['seconds']:.1f} s, ratio {time_ratio:.3f} (bar {bar}); "
            f"{figures[way]['bytes'] / 1e9:.2f} GB, ratio {memory_ratio:.2f} (bar {MEMORY_BAR}); "
            f"same label {100 * agreement:.3f} %, mean Dice {dice:.4f}"
        )
        missed |= not trained and (time_ratio > bar or memory_ratio > MEMORY_BAR)
        missed |= agreement < AGREEMENT_BAR if way == "fp32" else trained and dice < DICE_BAR
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
