"""An epoch of the recipe ``quick`` from cached features, against running the whole network in every epoch.

Run as ``python -m tests.benchmarks.bench_frozen_cache [--pictures 64] [--size 384]``. Both train the same last layer of
``tf_efficientnet_lite0`` on the same made-up pictures by the same loop: one reads features that were computed once, the
other runs the frozen network each time, by the fastest runtime of this machine. Epochs take turns, so that both meet
the same load, and medians are compared; an epoch is its steps and its look at validation, as in every training.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.cohort.model import Case
from medtransfer.contract.bundle import Preprocessing
from medtransfer.contract.recipe import Recipe
from medtransfer.inference.runtime import CompiledNetwork
from medtransfer.transfer import backbones, fit
from medtransfer.transfer.augment import Augmentation
from medtransfer.transfer.compiling import compiled
from medtransfer.transfer.division import divide
from medtransfer.transfer.fit import LabelledKeys, LabelTask
from medtransfer.transfer.prepared import FeatureFolder, Inputs, PictureFolder
from tests.transfer.small import PlainContext

ROUNDS = 3
BAR = 5.0


@dataclass(frozen=True, eq=False)
class EachTime:
    """The frozen part, run whenever its answer is needed."""

    pictures: PictureFolder
    lower: CompiledNetwork

    def batch(self, keys: Sequence[str], view: int) -> Tensor:
        return self.lower(self.pictures.batch(keys, view))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--size", type=int, default=384)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(chosen.pictures, chosen.size, Path(folder))


def compare(count: int, size: int, folder: Path) -> None:
    """Print seconds per epoch of both, and their ratio."""
    ctx = PlainContext(folder, runtime="openvino", threads=torch.get_num_threads())
    recipe = Recipe.preset("quick").changed({"input_size": size, "epochs": 1})
    torch.manual_seed(0)
    network = backbones.create("tf_efficientnet_lite0", outputs=1)
    split = divide(network, recipe)
    run, runtime = compiled(split.lower, size, ctx)
    cases = [Case(f"{number:016x}", Path(), str(number), {}, number) for number in range(count)]
    pictures = _pictures(folder, size)
    pictures.fill(cases, lambda _: None)
    features = FeatureFolder.within(folder, {}, pictures, run)
    keys = [case.key for case in cases]
    begun = time.perf_counter()
    features.fill(keys, recipe.views, lambda _: None)
    once = time.perf_counter() - begun
    train, validation = _labelled(keys[: count * 3 // 4]), _labelled(keys[count * 3 // 4 :])
    times: dict[str, list[float]] = {"cached": [], "each time": []}
    for turn in range(ROUNDS):
        inputs: dict[str, Inputs] = {"cached": features, "each time": EachTime(pictures, run)}
        for name, source in inputs.items():
            task = LabelTask("made-up", network, split.upper, source, train, validation, recipe)
            times[name].append(_epoch(task, ctx, folder / f"{name}-{turn}"))
    cached, each = (statistics.median(found) for found in times.values())
    print(f"{count} pictures of {size} px, {runtime}: features of {recipe.views} views once {once:.1f} s")
    print(f"an epoch: cached {cached:.3f} s, network each time {each:.3f} s; ratio {each / cached:.1f} (bar: {BAR:g})")
    assert each / cached >= BAR


def _pictures(folder: Path, size: int) -> PictureFolder:
    def made_up(case: Case) -> NDArray[np.uint8]:
        return np.random.default_rng(case.row).integers(0, 256, (size, size, 3), dtype=np.uint8)

    preprocessing = Preprocessing(size=size, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    return PictureFolder.within(folder, {}, made_up, preprocessing, Augmentation(mirror=True))


def _labelled(keys: Sequence[str]) -> LabelledKeys:
    return LabelledKeys(keys, np.arange(len(keys), dtype=np.float64) % 2)


def _epoch(task: LabelTask, ctx: PlainContext, checkpoint: Path) -> float:
    """Return the seconds from the first step of an epoch to its end; the look at epoch 0 before it is left out."""
    begun: list[float] = []
    ctx.interrupt = lambda: begun.append(time.perf_counter())
    fit.fit(task, checkpoint, ctx, lambda _: begun.append(time.perf_counter()))
    return begun[-1] - begun[0]


if __name__ == "__main__":
    main()
