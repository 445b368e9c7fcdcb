"""What a training on chest radiographs gains from where it starts: in-domain masked pretraining, chance, or ImageNet.

The same pictures, labels and test patients for all three; every seed deals training and validation anew. Test patients
are those that the shipped encoder has not seen either. Prints each test AUROC with its patient-bootstrap 95 % interval
and the means over seeds, whichever way they fall. Needs the folder of real images (``MEDTRANSFER_DATA``).

    python -m tests.benchmarks.bench_chest_start [--seeds 3] [--cases 600] [--epochs 8]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from medtransfer.store.home import Home
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = "medtransfer.thorax-mae"
TINY = {"backbone": "vit_tiny_patch16_mean_224", "input_size": 160}
LASTS = {"tune": "last-stages", "frozen_share": 0.5, "views": 2}
STARTS: dict[str, dict[str, Any]] = {
    "masked pretraining on chests": {**TINY, **LASTS},
    "chance, all of it trained": {**TINY, "weights": "none", "tune": "all"},
    "ImageNet CNN, frozen": {
        "backbone": "tf_efficientnet_lite0", "weights": "tf_efficientnet_lite0.imagenet", "input_size": 224,
        "tune": "head", "views": 2,
    },
}  # fmt: skip


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cases", type=int, default=600, help="of each source, at most")
    parser.add_argument("--epochs", type=int, default=8)
    chosen = parser.parse_args()
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        home = Home.locate(folder / "home").prepare()
        for source in ("nih", "kermany"):
            table = write_table(folder, source, chosen.cases)
            for seed in range(1, chosen.seeds + 1):
                for number, (name, settings) in enumerate(STARTS.items()):
                    begun = time.monotonic()
                    wish = Wish(
                        PLUGIN, table, labels=("pneumonia",),
                        settings={**settings, "epochs": chosen.epochs, "seed": seed},
                    )  # fmt: skip
                    with Session(home) as session:
                        evaluation = learn(session, wish, folder / f"{source}-{seed}-{number}").bundle.card.evaluation
                    assert evaluation is not None
                    area = evaluation.of("tuned").labels[0].metrics["auroc"]
                    found[source, name].append(area.value)
                    interval = f"{area.value:.3f} ({area.low:.3f} to {area.high:.3f})"
                    seconds = time.monotonic() - begun
                    print(f"{source:8s} seed {seed}  {name:30s} AUROC {interval}  {seconds:.0f} s", flush=True)
    print("mean over seeds")
    for (source, name), areas in found.items():
        print(f"{source:8s} {name:30s} AUROC {np.mean(areas):.3f} (spread {np.std(areas):.3f})")


def write_table(folder: Path, source: str, cases: int) -> Path:
    """Write the table of a source; test patients are those that ``make_chest_starter.py`` keeps out."""
    data = Path(os.environ.get("MEDTRANSFER_DATA", ROOT.parent / "shared" / "data")) / "chest" / source
    with (data / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    some = np.random.default_rng(1).permutation(len(rows))[:cases]
    table = folder / f"{source}.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", "split", "pneumonia"])
        for row in (rows[i] for i in some):
            draw = int(hashlib.sha256(f"{source} {row['patient']}".encode()).hexdigest(), 16)
            split = "test" if draw % 4 == 0 else ""
            writer.writerow([(data / row["image"]).resolve(), row["patient"], split, row["pneumonia"]])
    return table


if __name__ == "__main__":
    main()
