"""Twelve detectors at once on SYNTHETIC photographs: how good each is, what they cost beside one, and one photograph.

The phantoms have the signs of twelve diseases and nothing else of them: the figures say that the whole way from a table
to twelve detectors works, and nothing about patients. Printed are the test AUROC of every detector, the time that the
whole training takes for twelve findings relative to one (frozen preset, shared features), and the time of one analysis
with maps for all twelve in a warm worker.

    python -m tests.benchmarks.bench_twelve [--photographs 300]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from medtransfer.cohort import phantom_diseases
from medtransfer.contract.evaluation import Evaluation
from medtransfer.store.home import Home
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

PLUGIN = "medtransfer.fundus-trio"
SETTINGS: Mapping[str, str | int] = {"ensemble": "trio", "folds": 3, "views": 2, "bootstrap": 500}
ROUNDS = 3


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=int, default=300)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        table = phantom_diseases.write_cohort(folder / "phantoms", chosen.photographs, seed=1)
        one, _ = _train(folder / "one", table, phantom_diseases.DISEASES[:1])
        twelve, evaluation = _train(folder / "twelve", table, phantom_diseases.DISEASES)
        for label in evaluation.of("tuned").labels:
            area = label.metrics["auroc"]
            print(f"{label.label:5s} AUROC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})  "
                  f"{label.positives} of {label.cases} test photographs")  # fmt: skip
        print(f"one detector {one:.0f} s, twelve {twelve:.0f} s: {twelve / one:.2f} times")
        print(f"one photograph, twelve findings, all maps, warm: {_analysed(folder / 'twelve'):.1f} s")


def _train(folder: Path, table: Path, labels: tuple[str, ...]) -> tuple[float, Evaluation]:
    """Return the seconds that a training takes in a store of its own, where nothing is cached, and its evaluation."""
    home = Home.locate(folder / "home").prepare()
    begun = time.monotonic()
    with Session(home) as session:
        wish = Wish(PLUGIN, table, recipe="quick", name="twelve", labels=labels, settings=SETTINGS)
        evaluation = learn(session, wish, folder / "training").bundle.card.evaluation
    assert evaluation is not None
    return time.monotonic() - begun, evaluation


def _analysed(folder: Path) -> float:
    """Return the seconds of an analysis by the model that was trained there, in a worker that has loaded it."""
    picture = next((folder.parent / "phantoms" / "images").iterdir())
    times = []
    with Session(Home.locate(folder / "home").prepare()) as session:
        for number in range(ROUNDS):
            begun = time.monotonic()
            options = Options(PLUGIN, model="twelve", explain=("all",), formats=("json",))
            done = analyse(session, [picture], options, folder / f"result-{number}").done
            assert len(done) == 1
            times.append(time.monotonic() - begun)
    return min(times)


if __name__ == "__main__":
    main()
