"""The components of the trio alone and together, on real photographs of two cameras, over several patient splits.

Prints per finding and seed the test AUROC of every combination with its patient-bootstrap 95 % interval, the model's
own answer minus that combination's on the same resamples, the means over seeds, and where the answer is worse than the
best single component beyond its interval, whichever way all this falls. Needs the folder of real images
(``MEDTRANSFER_DATA``). With ``--folder`` the trainings are kept: called again, it goes on where it was stopped.

    python -m tests.benchmarks.bench_trio [--seeds 3] [--recipe standard] [--set KEY=VALUE ...] [--folder DIR]
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from medtransfer.contract.evaluation import Ablation, Evaluation, Interval
from medtransfer.store.home import Home
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("dr", "dr_referable", "dme", "glaucoma")
SOURCES = ("idrid", "hrf")
"""Two cameras: what HRF does not say (referable, dme) and IDRiD does not (glaucoma) stays unknown."""


SINGLE = ("A", "B", "C")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipe", default="standard")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    settings = {"ensemble": "trio", **dict(setting.split("=", 1) for setting in chosen.set)}
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        evaluations = {seed: _train(folder, seed, chosen.recipe, settings) for seed in range(1, chosen.seeds + 1)}
    _print_means([row for evaluation in evaluations.values() for row in evaluation.ablation])
    _print_verdict(evaluations)


def _train(folder: Path, seed: int, recipe: str, settings: Mapping[str, str]) -> Evaluation:
    """Train on one split, or read what was trained before, and print the figures."""
    begun = time.monotonic()
    wish = Wish(
        "medtransfer.fundus-trio", write_table(folder), recipe=recipe, name=f"seed-{seed}", labels=LABELS,
        settings={**settings, "seed": seed},
    )  # fmt: skip
    with Session(Home.locate(folder / "home").prepare()) as session:
        evaluation = learn(session, wish, folder / f"seed-{seed}").bundle.card.evaluation
    assert evaluation is not None
    print(f"seed {seed}: {evaluation.cases} test cases, {time.monotonic() - begun:.0f} s", flush=True)
    for row in evaluation.ablation:
        print(f"  {row.label:13s} {row.combination:6s} AUROC {_shown(row.auroc)}   "
              f"answer minus this {_shown(row.answer_minus_this)}", flush=True)  # fmt: skip
    return evaluation


def write_table(folder: Path) -> Path:
    """Write one table of both sources; the camera is the column ``site``."""
    data = Path(os.environ.get("MEDTRANSFER_DATA", ROOT.parent / "shared" / "data")) / "fundus"
    table = folder / "table.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", "site", *LABELS])
        for source in SOURCES:
            with (data / source / "labels.csv").open(encoding="utf-8", newline="") as labels:
                for row in csv.DictReader(labels):
                    image = (data / source / row["image"]).resolve()
                    writer.writerow([image, row["patient"], source, *(row.get(label, "") for label in LABELS)])
    return table


def _print_means(found: Sequence[Ablation]) -> None:
    print("mean over seeds")
    for label, combination in dict.fromkeys((row.label, row.combination) for row in found):
        rows = [row for row in found if (row.label, row.combination) == (label, combination)]
        areas = [row.auroc.value for row in rows if row.auroc]
        apart = [row.answer_minus_this.value for row in rows if row.answer_minus_this]
        print(f"  {label:13s} {combination:6s} AUROC {np.mean(areas):.3f}   answer minus this {np.mean(apart):+.3f}")


def _print_verdict(evaluations: Mapping[int, Evaluation]) -> None:
    """Print where the interval of the answer minus the best single component, chosen on test, lies below 0."""
    compared, worse = 0, []
    for seed, evaluation in evaluations.items():
        for label in LABELS:
            single = [row for row in evaluation.ablation if row.label == label and row.combination in SINGLE]
            best = max(single, key=lambda row: row.auroc.value if row.auroc else 0.0)
            apart = best.answer_minus_this
            compared += 1
            if apart is not None and apart.high is not None and apart.high < 0:
                worse.append(f"{label} of seed {seed}: {_shown(apart)} against {best.combination}")
    print(f"worse than the best single component beyond the interval: {len(worse)} of {compared}")
    for line in worse:
        print(f"  {line}")


def _shown(entry: Interval | None) -> str:
    if entry is None:
        return "not defined"
    bounds = "" if entry.low is None or entry.high is None else f" ({entry.low:.3f} to {entry.high:.3f})"
    return f"{entry.value:.3f}{bounds}"


if __name__ == "__main__":
    main()
