"""The components of the trio alone and together, on real photographs of two cameras, over several patient splits.

Prints per finding and seed the test AUROC of every combination with its patient-bootstrap 95 % interval, the model's
own answer minus that combination's on the same resamples, and the means over seeds, whichever way they fall. Needs the
folder of real images (``MEDTRANSFER_DATA``).

    python -m tests.benchmarks.bench_trio [--seeds 3] [--recipe quick] [--set KEY=VALUE ...]
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from medtransfer.contract.evaluation import Ablation, Interval
from medtransfer.store.home import Home
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("dr", "dr_referable", "dme", "glaucoma")
SOURCES = ("idrid", "hrf")
"""Two cameras: what HRF does not say (referable, dme) and IDRiD does not (glaucoma) stays unknown."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--set", action="append", default=["folds=3"], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    settings = {"ensemble": "trio", **dict(setting.split("=", 1) for setting in chosen.set)}
    found: dict[tuple[str, str], list[Ablation]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        table = write_table(folder)
        home = Home.locate(folder / "home").prepare()
        for seed in range(1, chosen.seeds + 1):
            begun = time.monotonic()
            wish = Wish(
                "medtransfer.fundus-trio", table, recipe=chosen.recipe, name=f"seed-{seed}", labels=LABELS,
                settings={**settings, "seed": seed},
            )  # fmt: skip
            with Session(home) as session:
                evaluation = learn(session, wish, folder / f"seed-{seed}").bundle.card.evaluation
            assert evaluation is not None
            print(f"seed {seed}: {evaluation.cases} test cases, {time.monotonic() - begun:.0f} s", flush=True)
            for row in evaluation.ablation:
                found[row.label, row.combination].append(row)
                print(f"  {row.label:13s} {row.combination:6s} AUROC {_shown(row.auroc)}   "
                      f"answer minus this {_shown(row.answer_minus_this)}", flush=True)  # fmt: skip
    _print_means(found)


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


def _print_means(found: dict[tuple[str, str], list[Ablation]]) -> None:
    print("mean over seeds")
    for (label, combination), rows in found.items():
        areas = [row.auroc.value for row in rows if row.auroc]
        apart = [row.answer_minus_this.value for row in rows if row.answer_minus_this]
        print(f"  {label:13s} {combination:6s} AUROC {np.mean(areas):.3f}   answer minus this {np.mean(apart):+.3f}")


def _shown(entry: Interval | None) -> str:
    if entry is None:
        return "not defined"
    bounds = "" if entry.low is None or entry.high is None else f" ({entry.low:.3f} to {entry.high:.3f})"
    return f"{entry.value:.3f}{bounds}"


if __name__ == "__main__":
    main()
