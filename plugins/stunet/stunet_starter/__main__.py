"""Train the starter model of the CT plug-in on one openly licensed CT.

    cd plugins/stunet && python -m stunet_starter DATA TRAINING --iterations 12000

DATA is the folder with ``ct/ct_a.nii.gz`` and its labels (TotalSegmentator's reference files, Apache-2.0). TRAINING
keeps the checkpoint: run the same command again to go on where it stopped.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from medtransfer_stunet.network import PRETRAINED_POOLS, STUNet

from stunet_starter.data import PATCH, read
from stunet_starter.training import Tell, train

SEED = 2026


def main() -> None:
    """Train to the number of iterations asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("training", type=Path)
    parser.add_argument("--iterations", type=int, default=12_000)
    asked = parser.parse_args()
    asked.training.mkdir(parents=True, exist_ok=True)
    data = read(asked.data / "ct")
    torch.manual_seed(SEED)
    network = STUNet("S", 1, 1 + len(data.structures), PRETRAINED_POOLS)
    train(network, [data.labelled], PATCH, asked.iterations, asked.training / "checkpoint.pt", _told())


def _told() -> Tell:
    """Return what prints the mean loss of every hundred steps."""
    losses: list[float] = []
    began = time.monotonic()

    def tell(step: int, loss: float) -> None:
        losses.append(loss)
        if step % 100 == 0:
            print(f"step {step}: loss {sum(losses) / len(losses):.3f}, {time.monotonic() - began:.0f} s", flush=True)
            losses.clear()

    return tell


if __name__ == "__main__":
    main()
