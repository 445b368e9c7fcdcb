"""Train the starter model of the CT plug-in on one openly licensed CT.

    cd plugins/stunet && python -m stunet_starter DATA TRAINING

DATA is the folder with ``ct/ct_a.nii.gz`` and its labels (TotalSegmentator's reference files, Apache-2.0). TRAINING
keeps the checkpoint: run the same command again to go on where it stopped. The model goes to the plug-in's ``starter``,
or to another folder with ``--bundle``. ``--other`` names TotalSegmentator's ``tests/reference_files/aorta_report``: the
CT of another patient with masks of two structures, on which the model is measured as well.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from medtransfer_stunet.network import PRETRAINED_POOLS, STUNet

from medtransfer.contract.recipe import Recipe
from medtransfer.transfer import bundles
from stunet_starter.data import PATCH, read
from stunet_starter.judging import other_dice, own_dice
from stunet_starter.storing import PACKAGE, store
from stunet_starter.training import Course, Tell, train

COURSES = (
    Course(iterations=12_000, rate=1e-3, agent_share=0.0),
    Course(iterations=5_000, rate=5e-4, agent_share=0.7),
)


def main() -> None:
    """Train through the courses, measure the fit, and store the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("training", type=Path)
    parser.add_argument("--bundle", type=Path, default=PACKAGE / "starter")
    parser.add_argument("--other", type=Path)
    asked = parser.parse_args()
    asked.training.mkdir(parents=True, exist_ok=True)
    data = read(asked.data / "ct")
    steps = sum(course.iterations for course in COURSES)
    recipe = Recipe(name="starter", description=f"{steps} steps on warped and synthetic views of one CT")
    torch.manual_seed(recipe.seed)
    network = STUNet("S", 1, 1 + len(data.structures), PRETRAINED_POOLS)
    train(network, data.labelled, PATCH, COURSES, asked.training / "checkpoint.pt", _told())
    bundles.rounded(network)
    notes = [f"Mean Dice on its own training volume: {own_dice(network, data.labelled):.3f}. A fit, not a test."]
    if asked.other:
        found = other_dice(network, data, asked.other)
        told = ", ".join(f"{structure} {dice:.3f}" for structure, dice in found.items())
        notes.append(f"Dice on the chest CT of another patient, where reference masks exist: {told}.")
    print(*notes, sep="\n", flush=True)
    store(network, data, recipe, notes, asked.bundle)


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
