"""Fine-tuning the CT starter on the lower part of one CT, judged on the upper part of the same CT.

    python -m tests.benchmarks.bench_finetune_volume DATA OUT [--starter BUNDLE] [--epochs N] [--other FOLDER]
                                                     [--figure FILE]

DATA is the folder of real images with ``ct/ct_a.nii.gz``. Compared on the upper part are an untrained network, the
starter, and the starter after fine-tuning; OUT gets the model and the report with the curve, and ``--figure`` a picture
(PNG or SVG) of the curve and the Dice of every structure. The same command goes on where it was stopped.

The starter was trained on the whole of that CT, the upper part included: little is left to gain. ``--other`` takes
another person instead, whom it never saw: TotalSegmentator's ``tests/reference_files/aorta_report``, of which the aorta
is known. It is one person each time: the figures say that training works, and nothing about others.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from medtransfer_stunet import plugin as module
from medtransfer_stunet.plugin import StuNet
from medtransfer_stunet.structures import classes, renumbered, totalsegmentator_v2
from numpy.typing import NDArray
from stunet_starter.data import only
from stunet_starter.judging import placed

from medtransfer import cohort
from medtransfer.cohort import checks, masks
from medtransfer.cohort.model import Cohort
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.evaluation import ModelEvaluation
from medtransfer.contract.manifest import read_manifest
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.work.report import evaluation_report, figures
from tests.transfer.small import PlainContext

PACKAGE = Path(module.__file__).resolve().parent
Parts = dict[str, tuple[int, int]]
PARTS: Parts = {"train": (0, 54), "validation": (54, 64), "test": (64, 112)}
"""Slices of ``ct_a`` from the feet up."""
OTHER_PARTS: Parts = {"train": (0, 70), "validation": (70, 90), "test": (90, 191)}
"""Slices of the other person's CT from the feet up: the descending aorta, some of it, and the arch."""
_NIBABEL: Any = nibabel  # its types know only what all of its formats have
LEAST = 300
"""Voxels of 27 mm3 that training and test part must show of a structure."""


def main() -> None:
    """Train, and print the mean Dice of the three networks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--starter", type=Path, default=PACKAGE / "starter")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--other", type=Path)
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    if asked.other:
        cases = _cohort(*_of_other(asked.other), OTHER_PARTS, asked.out / "cohort")
    else:
        cases = _cohort(*_of_ct_a(asked.data / "ct"), PARTS, asked.out / "cohort")
    began = time.monotonic()
    tuned = _learn(cases, asked.out / "tuned", str(asked.starter), epochs=asked.epochs)
    spent = time.monotonic() - began
    fresh = _learn(cases, asked.out / "fresh", "", epochs=1, iterations=1, learning_rate=1e-9, head_learning_rate=1e-9)
    evaluation, untrained = tuned.card.evaluation, fresh.card.evaluation
    if evaluation is None or untrained is None:
        raise SystemExit("a training left no evaluation")
    evaluation_report(tuned, asked.out / "report.html")
    models = {
        "untrained": untrained.of("untuned"),
        "starter": evaluation.of("untuned"),
        "fine-tuned": evaluation.of("tuned"),
    }
    if asked.figure:
        _draw(tuned, dict(reversed(models.items())), asked.figure)
    print(f"{len(tuned.card.labels)} structures in both parts, {spent:.0f} s of training on this machine")
    for name, model in models.items():
        print(f"{name:12} mean Dice {_mean(model):.3f}")
    better = sum(one.difference.value > 0 for one in evaluation.differences)
    print(f"better than the starter on {better} of {len(evaluation.differences)} structures")


def _of_ct_a(source: Path) -> tuple[Any, NDArray[np.int64]]:
    """Return the CT and the numbers of its structures."""
    image, drawn = (_NIBABEL.load(source / f"ct_a{kind}.nii.gz") for kind in ("", "_seg"))
    return image, renumbered(np.asarray(drawn.dataobj).astype(np.int64), totalsegmentator_v2()).astype(np.int64)


def _of_other(source: Path) -> tuple[Any, NDArray[np.int64]]:
    """Return the other person's CT and the number of the aorta where it is."""
    aorta = next(one.value for one in classes("totalsegmentator-104") if one.id == "aorta")
    image = only(source / "example_ct.nii.gz")
    mask = placed(only(source / "test_result" / "models" / "aorta.nii.gz"), image)
    return _NIBABEL.load(source / "example_ct.nii.gz"), mask.T.astype(np.int64) * aorta


def _cohort(image: Any, numbers: NDArray[np.int64], parts: Parts, folder: Path) -> Cohort:
    """Write the parts as three cases with masks of the structures that training and test show, and read them."""
    folder.mkdir(parents=True, exist_ok=True)
    values = np.asarray(image.dataobj)
    counts = [np.bincount(numbers[:, :, slice(*parts[part])].ravel(), minlength=256) for part in ("train", "test")]
    shared = [one for one in classes("totalsegmentator-104") if min(count[one.value] for count in counts) >= LEAST]
    outputs = renumbered(numbers.astype(np.int64), {one.value: one.value for one in shared})
    rows = []
    for part, (first, last) in parts.items():
        affine = image.affine.copy()
        affine[:3, 3] = (image.affine @ [0, 0, first, 1])[:3]
        for name, array in ((f"{part}.nii.gz", values), (f"{part}_seg.nii.gz", outputs)):
            _NIBABEL.save(_NIBABEL.Nifti1Image(array[:, :, first:last], affine), folder / name)
        rows.append([f"{part}.nii.gz", f"{part}_seg.nii.gz", part, part])
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["image", "mask", "patient", "split"], *rows])
    with (folder / "structures.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["value", "structure"], *([one.value, one.id] for one in shared)])
    found = cohort.read(folder)
    return masks.with_presence(found, {key: look.values for key, look in checks.look(found).items()})


def _learn(cases: Cohort, folder: Path, parent: str, **changes: float) -> ModelBundle:
    manifest = read_manifest(PACKAGE)
    recipe = Recipe.preset("quick").changed({**manifest.recipes["quick"], **changes})
    request = LearnRequest(name="bench", recipe=recipe, labels=list(cases.labels), parent=parent)
    ctx = PlainContext(folder, manifest=manifest, threads=2)
    return StuNet().learn(cases, {case.key: case.split for case in cases.cases if case.split}, request, ctx)


def _draw(tuned: ModelBundle, models: Mapping[str, ModelEvaluation], path: Path) -> None:
    """Draw how the training went beside what each network finds."""
    from matplotlib.figure import Figure

    training = tuned.card.extra["training"]
    with figures.styled():
        figure = Figure(figsize=(10.4, 2.4 + 0.5 * len(tuned.card.labels)), layout="constrained")
        course, dice = figure.subplots(1, 2, width_ratios=(2, 3))
        figures.draw_course(course, training["history"], training["best_epoch"])
        figures.draw_dice(dice, models)
        figure.savefig(path, dpi=150)


def _mean(model: ModelEvaluation) -> float:
    return float(np.mean([one.metrics["dice"].value for one in model.structures if "dice" in one.metrics]))


if __name__ == "__main__":
    main()
