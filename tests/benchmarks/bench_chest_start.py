"""What a training on chest radiographs gains from where it starts: in-domain masked pretraining, chance, or ImageNet.

The same pictures, labels and test patients for all; every seed deals training and validation anew. Test patients are
those that neither the encoder nor its pretraining has seen. Each run is written as one line of ``--record`` when it
ends, and runs that stand there are not done again: stop it, go on later, then look at the table of all of them. Needs
the folder of real images (``MEDTRANSFER_DATA``).

    python -m tests.benchmarks.bench_chest_start --record FILE [--sources nih kermany] [--seeds 1 2 3] [--runs N]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from medtransfer.contract.evaluation import Evaluation, Interval
from medtransfer.store.home import Home
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = "medtransfer.thorax-mae"
TINY = {"backbone": "vit_tiny_patch16_mean_224", "input_size": 160}
STARTS: dict[str, dict[str, Any]] = {
    "masked pretraining on chests": {**TINY, "tune": "last-stages", "frozen_share": 0.5, "views": 2},
    "chance, all of it trained": {
        **TINY, "weights": "none", "tune": "all", "learning_rate": 5e-4, "layer_decay": 1.0,
    },
    "ImageNet CNN, frozen": {
        "backbone": "tf_efficientnet_lite0", "weights": "tf_efficientnet_lite0.imagenet", "input_size": 224,
        "tune": "head", "views": 2,
    },
}  # fmt: skip
"""Settings of each start. A network from chance has no earlier layers worth sparing: no decay, and larger steps."""


def main() -> None:
    """Run what is not recorded yet, then print the table of everything recorded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, required=True, help="file of JSON lines, gone on with")
    parser.add_argument("--sources", nargs="+", default=["nih", "kermany"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--cases", type=int, default=300, help="to learn from, of each source, at most")
    parser.add_argument("--tests", type=int, default=250, help="to be tested on, of each source, at most")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--runs", type=int, help="do at most so many now; 0 for the table alone")
    chosen = parser.parse_args()
    done = {(one["source"], one["seed"], one["start"]) for one in recorded(chosen.record)}
    wanted = [each for each in product(chosen.sources, chosen.seeds, STARTS) if each not in done][: chosen.runs]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        home = Home.locate(folder / "home").prepare()
        for source, seed, start in wanted:
            settings = {**STARTS[start], "epochs": chosen.epochs, "seed": seed}
            found = run(home, folder, write_table(folder, source, chosen.cases, chosen.tests), settings)
            line = {"source": source, "seed": seed, "start": start, **found}
            print(json.dumps(line), flush=True)
            with chosen.record.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
    print_table(recorded(chosen.record))


def recorded(path: Path) -> list[dict[str, Any]]:
    """Return the runs that a record holds."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def run(home: Home, folder: Path, table: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Train once and return the test figures of the tuned network and of its frozen features."""
    begun = time.monotonic()
    wish = Wish(PLUGIN, table, labels=("pneumonia",), settings=settings)
    with Session(home) as session, tempfile.TemporaryDirectory(dir=folder) as out:
        evaluation = learn(session, wish, Path(out)).bundle.card.evaluation
    assert evaluation is not None
    return {
        "cases": evaluation.cases,
        "patients": evaluation.patients,
        "tuned": _area(evaluation, "tuned").model_dump(),
        "frozen": _area(evaluation, "untuned").model_dump(),
        "seconds": round(time.monotonic() - begun),
    }


def print_table(records: list[dict[str, Any]]) -> None:
    """Print a row for each source and start: the AUROC of every seed with its interval, their mean, and that frozen."""
    seeds = sorted({record["seed"] for record in records})
    print("| data | start | " + " | ".join(f"seed {seed}" for seed in seeds) + " | mean | frozen features, mean |")
    print("|---|---|" + "---|" * (len(seeds) + 2))
    for source, start in dict.fromkeys((record["source"], record["start"]) for record in records):
        own = {r["seed"]: r for r in records if (r["source"], r["start"]) == (source, start)}
        cells = [_shown(own[seed]["tuned"]) if seed in own else "" for seed in seeds]
        means = [f"{np.mean([r[kind]['value'] for r in own.values()]):.3f}" for kind in ("tuned", "frozen")]
        print(f"| {source} | {start} | {' | '.join([*cells, *means])} |")


def write_table(folder: Path, source: str, cases: int, tests: int) -> Path:
    """Write the table of a source; test patients are those that ``make_chest_starter.py`` keeps out."""
    data = Path(os.environ.get("MEDTRANSFER_DATA", ROOT.parent / "shared" / "data")) / "chest" / source
    with (data / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    mixed = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    learnt = [row for row in mixed if not _kept_out(source, row)][:cases]
    tested = [row for row in mixed if _kept_out(source, row)][:tests]
    table = folder / f"{source}.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", "split", "pneumonia"])
        for row in (*learnt, *tested):
            split = "test" if _kept_out(source, row) else ""
            writer.writerow([(data / row["image"]).resolve(), row["patient"], split, row["pneumonia"]])
    return table


def _kept_out(source: str, row: dict[str, str]) -> bool:
    return int(hashlib.sha256(f"{source} {row['patient']}".encode()).hexdigest(), 16) % 4 == 0


def _area(evaluation: Evaluation, model: str) -> Interval:
    return next(entry for entry in evaluation.models if entry.model == model).labels[0].metrics["auroc"]


def _shown(area: dict[str, float]) -> str:
    return f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})"


if __name__ == "__main__":
    main()
